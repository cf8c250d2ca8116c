//! The key transfer package of Azure Key Vault and Managed HSM: a `.byok` file.
//!
//! A JSON object around the blob of `CKM_RSA_AES_KEY_WRAP`; the format is Microsoft's
//! "Bring your own key specification", schema version 1.0.0.
use super::bare;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use std::fmt;

pub mod request;
pub use super::kid::Kid;

/// A key transfer package: one blob for one KEK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The KEK's key identifier.
    pub kid: Kid,
    /// The blob of `CKM_RSA_AES_KEY_WRAP`: OAEP part, then KWP part.
    pub ciphertext: Vec<u8>,
    /// Who made it: free text.
    pub generator: String,
}

/// Why something is not a package, a key identifier or a KEK; says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Malformed {}

/// What `schema_version` says.
pub const SCHEMA: &str = "1.0.0";
/// What `header.alg` says: the content is encrypted directly (RFC 7518 section 4.5).
pub const ALG: &str = "dir";
/// What `header.enc` says.
pub const ENC: &str = "CKM_RSA_AES_KEY_WRAP";

/// Longest file that is read, in bytes: an RSA-16384 key under an RSA-16384 KEK fits.
pub const LIMIT: usize = 64 * 1024;

/// The members of the file, in the order they are written.
#[derive(Serialize, Deserialize)]
struct File {
    schema_version: String,
    header: Header,
    ciphertext: String,
    #[serde(default)]
    generator: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    kid: String,
    alg: String,
    enc: String,
}

impl Package {
    /// The file's bytes: UTF-8 JSON, one line, no BOM, `ciphertext` unpadded base64url.
    pub fn to_bytes(&self) -> Vec<u8> {
        let ciphertext = Base64UrlUnpadded::encode_string(&self.ciphertext);
        json(&self.kid, &self.generator, ciphertext)
    }

    /// Length of [`Self::to_bytes`] for a ciphertext of `len` bytes, without making it.
    pub fn len_for(kid: &Kid, generator: &str, len: usize) -> usize {
        let around = json(kid, generator, String::new()).len();
        around.saturating_add(len.saturating_mul(4).div_ceil(3))
    }

    /// Reads a file, also one that other producers padded, reordered or indented, or that begins
    /// with a BOM. Members that the format does not have are ignored.
    pub fn parse(file: &[u8]) -> Result<Package, Malformed> {
        if file.len() > LIMIT {
            return Err(malformed(format!(
                "the file has {} bytes, and a package has at most {LIMIT}; give another file",
                file.len()
            )));
        }
        let file = bare(file);
        if is_dotted(file) {
            return Err(broken(
                "this is a JWE in its dotted form, and Azure takes a JSON object with the members \
                 schema_version, header, ciphertext and generator",
            ));
        }
        let file: File = serde_json::from_slice(file).map_err(|e| not_a_package(&e))?;
        expect("schema_version", &file.schema_version, SCHEMA)?;
        expect("header.alg", &file.header.alg, ALG)?;
        expect("header.enc", &file.header.enc, ENC)?;
        Ok(Package {
            kid: Kid::parse(&file.header.kid)?,
            ciphertext: decode(&file.ciphertext)?,
            generator: file.generator,
        })
    }
}

fn not_a_package(error: &serde_json::Error) -> Malformed {
    let (line, column) = (error.line(), error.column());
    let why = match error.is_data() {
        true => error.to_string(),
        false => format!("not JSON from end to end (line {line}, column {column})"),
    };
    malformed(format!(
        "this is not a key transfer package: {why}; give one that `keyferry export azure` wrote"
    ))
}

fn json(kid: &Kid, generator: &str, ciphertext: String) -> Vec<u8> {
    let header = Header { kid: kid.as_str().to_owned(), alg: ALG.to_owned(), enc: ENC.to_owned() };
    let file = File {
        schema_version: SCHEMA.to_owned(),
        header,
        ciphertext,
        generator: generator.to_owned(),
    };
    // strings in structures always serialise
    serde_json::to_vec(&file).unwrap_or_default()
}

/// Whether this is base64url text in parts joined by dots, as RFC 7516 section 3.1 has it.
fn is_dotted(file: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    file.contains(&b'.') && file.iter().all(is_part)
}

fn expect(member: &str, found: &str, wanted: &str) -> Result<(), Malformed> {
    if found == wanted {
        return Ok(());
    }
    let found: String = found.chars().filter(|c| !c.is_control()).take(60).collect();
    Err(broken(&format!("{member} is \"{found}\", not \"{wanted}\"")))
}

fn decode(text: &str) -> Result<Vec<u8>, Malformed> {
    let bare = text.trim_end_matches('=');
    if text.len() - bare.len() > 2 {
        return Err(broken("ciphertext has more than two padding characters"));
    }
    let blob =
        Base64UrlUnpadded::decode_vec(bare).map_err(|_| broken("ciphertext is not base64url"))?;
    if blob.is_empty() {
        return Err(broken("ciphertext is empty"));
    }
    Ok(blob)
}

pub(super) fn malformed(what: impl Into<String>) -> Malformed {
    Malformed(what.into())
}

/// Of a file that only another export can put right.
fn broken(what: &str) -> Malformed {
    malformed(format!("{what}; export the key again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    const KID: &str = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";

    fn package(generator: &str, len: usize) -> Package {
        let ciphertext = (0..len).map(|i| u8::try_from(i * 7 % 256).unwrap()).collect();
        Package { kid: Kid::parse(KID).unwrap(), ciphertext, generator: generator.into() }
    }

    #[test]
    fn is_exactly_this_file() {
        let made = String::from_utf8(package("tool 1", 5).to_bytes()).unwrap();
        let wanted = format!(
            "{{\"schema_version\":\"1.0.0\",\"header\":{{\"kid\":\"{KID}\",\"alg\":\"dir\",\
             \"enc\":\"CKM_RSA_AES_KEY_WRAP\"}},\"ciphertext\":\"AAcOFRw\",\"generator\":\"tool 1\"}}"
        );
        assert_eq!(made, wanted);
    }

    #[test]
    fn length_is_known_beforehand() {
        for generator in ["", "x", "\"\\\n\u{1}é€😀", "keyferry/0.1.0 (SoftHSM; \t)"] {
            for len in [0, 1, 2, 3, 4, 255, 256, 552, 2896] {
                let package = package(generator, len);
                assert_eq!(
                    Package::len_for(&package.kid, generator, len),
                    package.to_bytes().len()
                );
            }
        }
    }

    #[test]
    fn reads_what_it_writes_and_what_others_write() {
        let ours = package("a \"quoted\" tool", 296);
        assert_eq!(Package::parse(&ours.to_bytes()).unwrap(), ours);
        let padded = format!(
            "\u{feff}{{\r\n  \"generator\": \"g\", \"ciphertext\": \"AAcOFQ==\", \"extra\": [1, {{\"a\": null}}],\n\
             \"header\": {{\"enc\": \"CKM_RSA_AES_KEY_WRAP\", \"alg\": \"dir\", \"kid\": \"{KID}\", \"x\": 1}},\n\
             \"schema_version\": \"1.0.0\"\n}}\n"
        );
        let read = Package::parse(padded.as_bytes()).unwrap();
        assert_eq!(read.ciphertext, [0, 7, 14, 21]);
        assert_eq!(read.generator, "g");
    }

    #[test]
    fn says_why_not() {
        let good = String::from_utf8(package("g", 6).to_bytes()).unwrap();
        for (file, said) in [
            ("eyJhbGciOiJkaXIifQ..aaaa.bbbb.cccc".to_owned(), "dotted"),
            (good.replace("1.0.0", "2.0.0"), "schema_version is \"2.0.0\""),
            (good.replace("\"dir\"", "\"RSA-OAEP\""), "header.alg"),
            (good.replace("RSA_AES", "AES"), "header.enc"),
            (good.replace("/00112233445566778899aabbccddeeff", ""), "no version"),
            (good.replace("\"AAcOFRwj\"", "\"AAcO+/wj\""), "base64url"),
            (good.replace("\"AAcOFRwj\"", "\"AAcO====\""), "padding"),
            (good.replace("\"AAcOFRwj\"", "\"\""), "empty"),
            (good.replace("\"AAcOFRwj\"", "\"AAcOF\""), "base64url"),
            (good.replace("{\"schema", "{\"generator\":\"a\",\"schema"), "duplicate"),
            (good.replace("\"alg\"", "\"kid\":\"x\",\"alg\""), "duplicate"),
            (good.replace("\"ciphertext\"", "\"cipher\""), "missing field"),
            (format!("{good}x"), "not JSON from end to end (line 1, column "),
            (" ".repeat(LIMIT + 1), "at most"),
            ("[".repeat(60_000), "not a key transfer package"),
            (String::new(), "not a key transfer package"),
        ] {
            let error = Package::parse(file.as_bytes()).unwrap_err();
            assert!(error.0.contains(said), "{said}: {error}");
            assert!(error.0.contains("; "), "nothing says what to do: {error}");
        }
    }

    #[test]
    fn damage_never_panics() {
        let good = package("g", 40).to_bytes();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..20_000 {
            let mut file = good.clone();
            for _ in 0..=next() % 4 {
                let at = usize::try_from(next()).unwrap() % file.len();
                file[at] = next().to_le_bytes()[0];
            }
            file.truncate(usize::try_from(next()).unwrap() % (2 * good.len()));
            if let Ok(read) = Package::parse(&file) {
                assert_eq!(Package::parse(&read.to_bytes()).unwrap(), read);
            }
        }
    }
}
