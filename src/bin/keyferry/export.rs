//! `keyferry export`: a key, wrapped for a cloud, in the file that the cloud takes.
//!
//! Everything that can be refused is refused before anything is wrapped.
use crate::file::{self, Existing, Pending};
use crate::kek::{self, Stored};
use crate::key::{Id, unhex};
use crate::kind::{self, hex};
use crate::options::Options;
use crate::output::{Answer, During, Fault, Report, facts, fault};
use clap::{Args, Subcommand};
use keyferry::byok::azure::{Kid, Package};
use keyferry::byok::kek::Kek;
use keyferry::byok::kid::Service;
use keyferry::byok::target::{Target, targets_of_len};
use keyferry::ck::*;
use keyferry::client::{Access, Oaep, Session, Template, TokenSlot, Way};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Export {
    /// For Azure Key Vault Premium or Managed HSM: writes a .byok file
    Azure(Azure),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry export azure --kek KEK.pem --key signing \\
    --kid https://V.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef
  keyferry export azure --kek azure-kek --key signing -o /media/usb/signing.byok")]
pub struct Azure {
    /// The KEK: its PEM or DER file, or the label of a public key in the token
    #[arg(long, value_name = "FILE|LABEL")]
    kek: String,
    /// The KEK's key identifier, with version; not needed if the token keeps it with the KEK
    #[arg(long, value_name = "URL")]
    kid: Option<String>,
    /// The label of the key to export
    #[arg(long, value_name = "LABEL")]
    key: String,
    /// The key's identifier, if several have the label
    #[arg(long, value_name = "HEX", value_parser = unhex)]
    id: Option<Id>,
    /// File to write [default: KeyTransferPackage-LABEL.byok]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// The KEK's fingerprint as compared with somebody you trust: SHA-256 of its DER, in hexadecimal
    #[arg(long, value_name = "HEX")]
    kek_sha256: Option<String>,
}

impl Export {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            Export::Azure(azure) => azure.run(options),
        }
    }
}

/// What has been checked and can be wrapped.
struct Ready {
    kek: Kek,
    stored: Option<Stored>,
    kid: Kid,
    target: Target,
    object: CK_OBJECT_HANDLE,
    way: Way,
    fingerprint: String,
}

impl Azure {
    fn run(&self, options: &Options) -> Answer {
        let kid = self.kid.as_deref().map(Kid::parse).transpose()?;
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        let pending = Pending::new(&self.path(), existing)?;
        let file = Path::new(&self.kek);
        let from_file = if file.exists() { Some(kek::read(file)?) } else { None };
        if let Some(kek) = &from_file {
            // before anyone is asked for a PIN
            self.check_kek(kek)?;
        }
        let (token, session) = options.log_in(Access::ReadOnly)?;
        let ready = self.check(&session, from_file, kid)?;
        let blob =
            wrap(&session, &ready).during(&format!("the key \"{}\" was not exported", self.key))?;
        let package =
            Package { kid: ready.kid.clone(), ciphertext: blob, generator: generator(&token) };
        let written = pending.path().to_owned();
        let bytes = package.to_bytes();
        pending.commit(&bytes)?;
        Ok(self.report(&ready, &written, bytes.len(), package.ciphertext.len()))
    }

    fn path(&self) -> PathBuf {
        let default = || format!("KeyTransferPackage-{}.byok", file::safe_name(&self.key)).into();
        self.output.clone().unwrap_or_else(default)
    }

    fn check(
        &self,
        session: &Session,
        from_file: Option<Kek>,
        kid: Option<Kid>,
    ) -> Result<Ready, Fault> {
        let (kek, stored) = match from_file {
            Some(kek) => (kek, None),
            None => {
                let stored = kek::find(session, &self.kek)?;
                if !stored.may_wrap {
                    return Err(fault!(
                        "the public key \"{}\" may not wrap (CKA_WRAP); give the KEK's PEM file instead",
                        self.kek
                    ));
                }
                (stored.kek.clone(), Some(stored))
            }
        };
        let fingerprint = self.check_kek(&kek)?;
        let kid = self.check_kid(kid, stored.as_ref().and_then(|stored| stored.kid.clone()))?;
        let object = self.find_target(session)?;
        let target = self.check_target(session, object, stored.as_ref(), kid.service())?;
        let way = Way::of(session.module(), session.slot()).ok_or_else(|| {
            fault!("the token can wrap neither with CKM_RSA_AES_KEY_WRAP nor with RFC 5649 and CKM_RSA_PKCS_OAEP; no package can be made with it")
        })?;
        Ok(Ready { kek, stored, kid, target, object, way, fingerprint })
    }

    /// The KEK's fingerprint, if Azure could have made it and it is the expected one.
    fn check_kek(&self, kek: &Kek) -> Result<String, Fault> {
        kek.fits_azure().during(&self.kek)?;
        let fingerprint = kek.fingerprint()?;
        let digits = |text: &str| text.replace([':', ' '], "").to_ascii_lowercase();
        match &self.kek_sha256 {
            Some(expected) if digits(expected) != fingerprint => Err(fault!(
                "the KEK \"{}\" has the SHA-256 fingerprint {fingerprint}, not the one given; do not use it before you know why",
                self.kek
            )),
            _ => Ok(fingerprint),
        }
    }

    /// The key identifier, given or kept with the KEK; never one that contradicts the other.
    fn check_kid(&self, given: Option<Kid>, kept: Option<Kid>) -> Result<Kid, Fault> {
        match (given, kept) {
            (Some(given), Some(kept)) if given != kept => Err(fault!(
                "the KEK \"{}\" has the key identifier {} in the token, not the one given; leave --kid out, \
                 or give the PEM file of the other KEK",
                self.kek,
                kept.as_str()
            )),
            (Some(kid), _) | (None, Some(kid)) => Ok(kid),
            (None, None) => Err(fault!(
                "no key identifier is known for the KEK \"{}\"; give --kid with what \
                 `az keyvault key show --name KEK --vault-name V --query key.kid -o tsv` prints",
                self.kek
            )),
        }
    }

    fn find_target(&self, session: &Session) -> Result<CK_OBJECT_HANDLE, Fault> {
        let named = |class| {
            let template = Template::class(class).bytes(CKA_LABEL, self.key.as_bytes());
            self.id.as_ref().map_or(template.clone(), |id| template.bytes(CKA_ID, &id.0))
        };
        let mut found = session.find(&named(CKO_PRIVATE_KEY))?;
        found.extend(session.find(&named(CKO_SECRET_KEY))?);
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(fault!(
                "the token has no private or secret key \"{}\"{}; `keyferry key list` shows those it has",
                self.key,
                self.id
                    .as_ref()
                    .map(|id| format!(" with the id {}", hex(&id.0)))
                    .unwrap_or_default()
            )),
            several => Err(fault!(
                "the token has {} keys \"{}\"; choose one with --id, as `keyferry key list` shows it",
                several.len(),
                self.key
            )),
        }
    }

    fn check_target(
        &self,
        session: &Session,
        object: CK_OBJECT_HANDLE,
        kek: Option<&Stored>,
        service: Service,
    ) -> Result<Target, Fault> {
        let kind = kind::of(session, object)?;
        let target = kind.target().ok_or_else(|| fault!(
            "the key \"{}\" is {}, which Azure does not take; it takes RSA-2048, -3072, -4096, P-256, P-384, P-521, \
             P-256K, and in a Managed HSM AES-128, -192, -256",
            self.key, kind.name()
        ))?;
        if !target.goes_to(service) {
            return Err(fault!(
                "the key \"{}\" is {}, which only a Managed HSM takes, and the kid is a vault's; use the KEK of a Managed HSM",
                self.key,
                kind.name()
            ));
        }
        if session.flag(object, CKA_EXTRACTABLE)? == Some(false) {
            return Err(fault!(
                "the key \"{}\" may not leave the token (CKA_EXTRACTABLE is false), and that cannot be changed; \
                 generate a new key with --extractable",
                self.key
            ));
        }
        let trusted_only = session.flag(object, CKA_WRAP_WITH_TRUSTED)? == Some(true);
        if trusted_only && !kek.is_some_and(|kek| kek.trusted) {
            return Err(fault!(
                "the key \"{}\" leaves only under a trusted KEK (CKA_WRAP_WITH_TRUSTED), and \"{}\" is not; \
                 import the KEK, let the SO set CKA_TRUSTED on it, and give its label",
                self.key,
                self.kek
            ));
        }
        Ok(target)
    }

    fn report(&self, ready: &Ready, written: &Path, file_len: usize, blob_len: usize) -> Report {
        let command = upload(ready, written, &self.key);
        let text = facts(&[
            ("Written", format!("{}, {file_len} bytes, blob of {blob_len}", written.display())),
            ("Key", format!("\"{}\", {}", self.key, ready.target.name())),
            ("KEK", format!("RSA-{}, {}", ready.kek.bits(), ready.kid.as_str())),
            ("KEK SHA-256", ready.fingerprint.clone()),
            ("Wrapped with", ready.way.name().to_owned()),
        ]);
        let json = json!({
            "file": written, "bytes": file_len, "blob_bytes": blob_len, "key": self.key,
            "type": ready.target.name(), "kek_bits": ready.kek.bits(), "kek_sha256": ready.fingerprint,
            "kid": ready.kid.as_str(), "mechanisms": ready.way.name(), "next": command,
        });
        Report::new(format!("{text}\nUpload it with\n  {command}\n"), json)
    }
}

/// Makes the blob and looks at its length before anyone relies on it.
fn wrap(session: &Session, ready: &Ready) -> Result<Vec<u8>, Fault> {
    let kek = match &ready.stored {
        Some(stored) => stored.object,
        None => {
            let template = kek::template(&ready.kek, "keyferry KEK").flag(CKA_TOKEN, false);
            session
                .create(&template.flag(CKA_PRIVATE, false))
                .during("the token does not take the KEK")?
        }
    };
    let blob = session.transfer(ready.way, &Oaep::azure(), kek, ready.object)?;
    if !targets_of_len(ready.kek.size(), blob.len()).contains(&ready.target) {
        return Err(fault!(
            "the module made {} bytes, which is no {} key under this KEK; nothing was written",
            blob.len(),
            ready.target.name()
        ));
    }
    Ok(blob)
}

/// `keyferry/0.1.0 (manufacturer model firmware)`; a model of its maker's name is said once.
pub fn generator(token: &TokenSlot) -> String {
    let source = [&token.manufacturer, &token.model, &token.firmware].map(String::as_str);
    let mut source: Vec<&str> = source.into_iter().filter(|part| !part.is_empty()).collect();
    source.dedup();
    format!("keyferry/{} ({})", env!("CARGO_PKG_VERSION"), source.join(" "))
}

/// The command that imports the package.
fn upload(ready: &Ready, written: &Path, label: &str) -> String {
    let place = match ready.kid.service() {
        Service::Vault => "--vault-name",
        Service::ManagedHsm => "--hsm-name",
    };
    let uses = match ready.target {
        Target::Rsa { .. } => "--ops sign verify".to_owned(),
        Target::Ec { curve } => format!("--kty EC --curve {} --ops sign verify", curve.name()),
        Target::Aes { .. } => "--kty oct --ops encrypt decrypt".to_owned(),
    };
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = label.chars().map(allowed).take(127).collect();
    let file = quoted(&written.display().to_string());
    format!(
        "az keyvault key import {place} {} --name {name} --byok-file {file} {uses}",
        ready.kid.vault()
    )
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:@%,=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(host: &str, target: Target) -> Ready {
        let kid = Kid::parse(&format!("https://{host}/keys/K/00112233445566778899aabbccddeeff"));
        Ready {
            kek: Kek::new(&[0xFF; 256], &[1, 0, 1]).unwrap(),
            stored: None,
            kid: kid.unwrap(),
            target,
            object: 1,
            way: Way::OneCall,
            fingerprint: String::new(),
        }
    }

    #[test]
    fn the_upload_command_fits_key_and_service() {
        let command = |host, target| upload(&ready(host, target), Path::new("F.byok"), "my key");
        let vault = "v.vault.azure.net";
        assert_eq!(
            command(vault, Target::Rsa { bits: 2048 }),
            "az keyvault key import --vault-name v --name my-key --byok-file F.byok --ops sign verify"
        );
        let curve = keyferry::byok::target::Curve::P256K;
        assert!(
            command(vault, Target::Ec { curve })
                .ends_with("--kty EC --curve P-256K --ops sign verify")
        );
        assert_eq!(
            command("h.managedhsm.azure.net", Target::Aes { bits: 256 }),
            "az keyvault key import --hsm-name h --name my-key --byok-file F.byok --kty oct --ops encrypt decrypt"
        );
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
    }
}
