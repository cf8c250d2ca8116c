//! The key identifier that a cloud gives a key.
//!
//! Names the KEK in a key transfer package, and tells which service the package is for.
use super::azure::Malformed;

/// A key identifier URL with its version:
/// `https://<vault>.vault.azure.net/keys/<name>/<32 hex>` (or a Managed HSM's, or another cloud's host).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kid(String);

/// What kind of Azure service a key identifier's host belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Key Vault, `*.vault.*`, or a host that cannot be told.
    Vault,
    /// Managed HSM, `*.managedhsm.*`.
    ManagedHsm,
}

/// Longest key identifier that is read, in bytes.
const LIMIT: usize = 1024;

impl Kid {
    /// Checks the form.
    pub fn parse(url: &str) -> Result<Kid, Malformed> {
        if url.len() > LIMIT {
            return Err(Malformed(format!(
                "the key identifier is longer than {LIMIT} bytes; {WHOLE}, and nothing else"
            )));
        }
        let Some(rest) = url.strip_prefix("https://") else {
            return Err(wrong(url, "does not begin with https://", WHOLE));
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_host(host) {
            return Err(wrong(url, "has no proper host name", WHOLE));
        }
        match path.split('/').collect::<Vec<&str>>().as_slice() {
            ["keys", name, ..] if !is_name(name) => Err(wrong(url, "has no proper key name", FORM)),
            ["keys", _] | ["keys", _, ""] => Err(wrong(url, NO_VERSION, ASK)),
            ["keys", _, version, ..] if !is_version(version) => {
                Err(wrong(url, "has a version that is not 32 hexadecimal digits", ASK))
            }
            ["keys", _, _] => Ok(Kid(url.to_owned())),
            ["keys", _, _, ..] => Err(wrong(url, "goes on after the version", "end it there")),
            _ => Err(wrong(url, "is not the URL of a key", FORM)),
        }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, with its port if it has one.
    pub fn host(&self) -> &str {
        let rest = self.0.strip_prefix("https://").unwrap_or(&self.0);
        rest.split('/').next().unwrap_or(rest)
    }

    /// The name of the vault or Managed HSM: the first label of the host.
    pub fn vault(&self) -> &str {
        self.host().split(['.', ':']).next().unwrap_or_default()
    }

    /// What kind of service the host belongs to.
    pub fn service(&self) -> Service {
        match self.host().split('.').nth(1) {
            Some(kind) if kind.eq_ignore_ascii_case("managedhsm") => Service::ManagedHsm,
            _ => Service::Vault,
        }
    }
}

const WHOLE: &str = "give the whole URL of the KEK";
const FORM: &str = "give one whose path is /keys/<name>/<version>";
const NO_VERSION: &str = "has no version, and Azure needs the one that the KEK was downloaded from";
const ASK: &str =
    "`az keyvault key show --name KEK --vault-name V --query key.kid -o tsv` prints it";

fn wrong(url: &str, what: &str, remedy: &str) -> Malformed {
    Malformed(format!("the key identifier \"{}\" {what}; {remedy}", printable(url)))
}

/// `text` without control characters and not endless, for a message.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.split('.').all(is_label) && port.parse::<u16>().is_ok()
}

/// Names of keys: 1 to 127 letters, digits and hyphens.
fn is_name(name: &str) -> bool {
    (1..=127).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_version(version: &str) -> bool {
    version.len() == 32 && version.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    const V: &str = "0123456789abcdef0123456789ABCDEF";

    #[test]
    fn takes_vaults_and_managed_hsms() {
        let vault = Kid::parse(&format!("https://contoso.vault.azure.net/keys/KEK/{V}")).unwrap();
        assert_eq!((vault.vault(), vault.service()), ("contoso", Service::Vault));
        assert_eq!(vault.host(), "contoso.vault.azure.net");
        let hsm = Kid::parse(&format!("https://h.managedhsm.azure.net/keys/a-1/{V}")).unwrap();
        assert_eq!((hsm.vault(), hsm.service()), ("h", Service::ManagedHsm));
        assert!(Kid::parse(&format!("https://v.vault.azure.cn:8443/keys/k/{V}")).is_ok());
    }

    #[test]
    fn says_what_is_missing() {
        for (url, said) in [
            ("https://v.vault.azure.net/keys/KEK".to_owned(), "no version"),
            ("https://v.vault.azure.net/keys/KEK/".to_owned(), "no version"),
            ("https://v.vault.azure.net/keys/KEK/abc".to_owned(), "32 hexadecimal"),
            (format!("https://v.vault.azure.net/keys//{V}"), "key name"),
            (format!("https://v.vault.azure.net/keys/a b/{V}"), "key name"),
            (format!("https://v.vault.azure.net/secrets/k/{V}"), "URL of a key"),
            (format!("https://v.vault.azure.net/keys/k/{V}/x"), "goes on"),
            (format!("https://v.vault.azure.net/keys/k/{V}?api-version=7.6"), "32 hexadecimal"),
            (format!("http://v.vault.azure.net/keys/k/{V}"), "https://"),
            (format!("https:///keys/k/{V}"), "host"),
            (format!("https://user@host/keys/k/{V}"), "host"),
            (String::new(), "https://"),
            ("x".repeat(5000), "longer"),
        ] {
            let error = Kid::parse(&url).unwrap_err();
            assert!(error.0.contains(said), "{url}: {error}");
            assert!(error.0.contains("; "), "nothing says what to do: {error}");
        }
        let error = Kid::parse("https://v.vault.azure.net/keys/KEK").unwrap_err();
        assert!(error.0.contains("az keyvault key show"), "{error}");
    }
}
