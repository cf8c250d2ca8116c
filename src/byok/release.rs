//! A key that Azure released: the answer to a release request (`POST <key>/release`), as it came or the token in it alone.
//!
//! The token is a JSON Web Signature (RFC 7515 section 7.1) of the HSM. Its payload has, as `response.key.key.key_hsm`,
//! a package that differs from those for imports: its `kid` is a name and no URL, and its `enc` says the hash. The
//! signature is not looked at: whether the key is the right one shows when it is there.
use super::azure::{Malformed, malformed};
use crate::crypto::hash::Hash;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How a release says that it was wrapped, and the hash of OAEP and MGF1 that this means.
const ENCS: [(&str, Hash); 3] = [
    ("CKM_RSA_AES_KEY_WRAP", Hash::Sha1),
    ("RSA_AES_KEY_WRAP_256", Hash::Sha256),
    ("RSA_AES_KEY_WRAP_384", Hash::Sha384),
];

/// The hash of OAEP and MGF1 that a release's `enc` names; refuses what Azure does not write.
pub fn hash(enc: &str) -> Result<Hash, Malformed> {
    let row = ENCS.iter().find(|row| row.0 == enc);
    row.map(|row| row.1).ok_or_else(|| {
        malformed(format!(
            "enc is {enc:?}, and a release has {}; have the key released again",
            ENCS.map(|row| row.0).join(" or ")
        ))
    })
}

/// A released key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// How it was wrapped, as it says: `CKM_RSA_AES_KEY_WRAP` (OAEP with SHA-1), `RSA_AES_KEY_WRAP_256` or `…_384`.
    pub enc: String,
    /// The blob.
    pub blob: Vec<u8>,
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

#[derive(Deserialize)]
struct Payload {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    key: Bundle,
}

#[derive(Deserialize)]
struct Bundle {
    key: Key,
}

#[derive(Deserialize)]
struct Key {
    key_hsm: String,
}

#[derive(Deserialize)]
struct Package {
    header: Header,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Header {
    enc: String,
}

/// Whether it looks like one: the answer, or three parts with dots between.
pub fn is_one(text: &[u8]) -> bool {
    let token = token(text);
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    token.is_some_and(|token| token.split('.').count() == 3 && token.split('.').all(is_part))
}

impl Release {
    /// Reads one.
    pub fn parse(text: &[u8]) -> Result<Release, Malformed> {
        let token = token(text).unwrap_or_default();
        let payload = token.split('.').nth(1).unwrap_or_default();
        let payload: Payload = json(payload, "the payload of the release")?;
        let package: Package = json(&payload.response.key.key.key_hsm, "key_hsm in the release")?;
        let blob = decode(&package.ciphertext, "ciphertext in the release")?;
        Ok(Release { enc: package.header.enc, blob })
    }
}

/// The token, in the answer or alone.
fn token(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim();
    if !text.starts_with('{') {
        return Some(text.to_owned());
    }
    serde_json::from_str::<Answer>(text).ok().map(|answer| answer.value)
}

fn json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Malformed> {
    let bytes = decode(text, what)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| malformed(format!("{what} cannot be read: {e}; have the key released again")))
}

fn decode(text: &str, what: &str) -> Result<Vec<u8>, Malformed> {
    Base64UrlUnpadded::decode_vec(text.trim_end_matches('='))
        .map_err(|_| malformed(format!("{what} is not base64url; have the key released again")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn encoded(bytes: &[u8]) -> String {
        Base64UrlUnpadded::encode_string(bytes)
    }

    fn released(package: &serde_json::Value) -> String {
        let package = encoded(package.to_string().as_bytes());
        let key = json!({ "attributes": {}, "key": { "kty": "RSA", "key_hsm": package } });
        let payload = json!({ "request": { "nonce": "n" }, "response": { "key": key } });
        format!("{}.{}.{}", encoded(b"{}"), encoded(payload.to_string().as_bytes()), encoded(b"s"))
    }

    fn package(ciphertext: &str) -> serde_json::Value {
        let header = json!({ "alg": "dir", "enc": "RSA_AES_KEY_WRAP_256", "kid": "a-name" });
        json!({ "ciphertext": ciphertext, "header": header, "schema_version": "1.0" })
    }

    #[test]
    fn the_answer_and_the_token_are_the_same() {
        let token = released(&package("AQID"));
        let answer = json!({ "value": token }).to_string();
        for text in [token.clone(), format!("{token}\n"), answer] {
            assert!(is_one(text.as_bytes()));
            let read = Release::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (read.enc.as_str(), &read.blob[..]),
                ("RSA_AES_KEY_WRAP_256", &[1, 2, 3][..])
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_it() {
        for other in
            ["a.b", "a.b.c.d.e", "a..c", "{\"value\":7}", "{\"value\":\"a\"}", "a.b!.c", ""]
        {
            assert!(!is_one(other.as_bytes()), "{other}");
        }
        for (text, said) in [
            ("e30.e30.e30".to_owned(), "the payload of the release cannot be read: missing field"),
            ("e30.A.e30".to_owned(), "the payload of the release is not base64url"),
            (released(&json!({})), "key_hsm in the release cannot be read: missing field"),
            (released(&package("!")), "ciphertext in the release is not base64url"),
        ] {
            let error = Release::parse(text.as_bytes()).unwrap_err();
            assert!(error.0.contains(said) && error.0.contains("released again"), "{error}");
        }
    }
}
