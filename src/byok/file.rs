//! A file with a wrapped key, in any form that clouds and tools write: a key transfer package, the body
//! of Azure's import request around one, a key that Azure released, base64, or the bytes themselves.
//!
//! Tells which it is, and finds the blob.
use super::azure::{LIMIT, Malformed, Package, request};
use super::bare;
use super::release::{self, Release};
use super::target::{Curve, Target};
use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use serde::Deserialize;
use serde_json::Value;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Azure's key transfer package.
    Package,
    /// The body of Azure's import request, a package in it.
    Request,
    /// A key that Azure released, see [`super::release`].
    Release,
    /// Base64 (RFC 4648 section 4).
    Base64,
    /// Base64url (RFC 4648 section 5).
    Base64Url,
    /// The blob's bytes.
    Raw,
}

/// What an import request says of the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Request {
    pub kty: String,
    pub crv: Option<String>,
    pub key_ops: Vec<String>,
}

/// A file, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobFile {
    /// Its form.
    pub format: Format,
    /// The package, if there is one.
    pub package: Option<Package>,
    /// The request around it, if there is one.
    pub request: Option<Request>,
    /// How a released key was wrapped, as it says.
    pub enc: Option<String>,
    /// The blob: OAEP part and key part, or OAEP alone.
    pub blob: Vec<u8>,
}

impl Request {
    /// The curve that it names.
    pub fn curve(&self) -> Option<Curve> {
        Curve::ALL.into_iter().find(|curve| self.crv.as_deref() == Some(curve.name()))
    }

    /// Whether Azure could take what it says of the key; says what it should be.
    pub fn check(&self) -> Result<(), Malformed> {
        request::check(&self.kty, self.crv.as_deref(), &self.key_ops)
    }

    /// Whether it is for a key of this type.
    pub fn is_for(&self, target: Target) -> bool {
        request::is_for(target, &self.kty, self.crv.as_deref())
    }

    /// What it calls the key's type: the curve, where there is one.
    pub fn name(&self) -> &str {
        self.crv.as_deref().unwrap_or(&self.kty)
    }
}

/// A request's member that no package has.
const KEY_HSM: &[u8] = b"\"key_hsm\"";

impl Format {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Format::Package => "key transfer package",
            Format::Request => "import request",
            Format::Release => "key release",
            Format::Base64 => "base64",
            Format::Base64Url => "base64url",
            Format::Raw => "raw",
        }
    }

    /// The form of a file, by how it looks.
    pub fn of(file: &[u8]) -> Format {
        let text = bare(file);
        let all = |allowed: fn(&u8) -> bool| !text.is_empty() && text.iter().all(allowed);
        if release::is_one(text) {
            return Format::Release;
        }
        // of the bytes of blobs, one in 256 begins so; text with some damage is text all the same
        if text.first() == Some(&b'{') && is_mostly_text(text) {
            let value = serde_json::from_slice::<Value>(text).unwrap_or_default();
            let is_package = value.get("ciphertext").is_some() || value.get("header").is_some();
            // also one that is cut off, so that its reader says so
            let is_request = value.get("key").is_some()
                || !is_package && text.windows(KEY_HSM.len()).any(|part| part == KEY_HSM);
            return if is_request { Format::Request } else { Format::Package };
        }
        if all(|b| b.is_ascii_alphanumeric() || b"+/=\r\n".contains(b)) {
            return Format::Base64;
        }
        if all(|b| b.is_ascii_alphanumeric() || b"-_=\r\n".contains(b)) {
            return Format::Base64Url;
        }
        // text of any other kind is a package that went wrong, and its reader says how
        if all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
            Format::Package
        } else {
            Format::Raw
        }
    }
}

impl BlobFile {
    /// Reads a file of any form.
    pub fn parse(file: &[u8]) -> Result<BlobFile, Malformed> {
        if file.len() > LIMIT {
            return Err(Malformed(format!(
                "the file has {} bytes, and one with a wrapped key has at most {LIMIT}; give another file",
                file.len()
            )));
        }
        if file.is_empty() {
            return Err(Malformed("the file is empty; export the key again".to_owned()));
        }
        let format = Format::of(file);
        let bytes = |blob| BlobFile { format, package: None, request: None, enc: None, blob };
        match format {
            Format::Package => Ok(BlobFile::around(format, Package::parse(file)?)),
            Format::Request => {
                let (request, package) = of_request(file)?;
                let file = BlobFile::around(format, Package::parse(&package)?);
                Ok(BlobFile { request: Some(request), ..file })
            }
            Format::Release => {
                let Release { enc, blob } = Release::parse(bare(file))?;
                Ok(BlobFile { enc: Some(enc), ..bytes(blob) })
            }
            Format::Base64 | Format::Base64Url => decode(file, format).map(bytes),
            Format::Raw => Ok(bytes(file.to_vec())),
        }
    }

    fn around(format: Format, package: Package) -> BlobFile {
        let blob = package.ciphertext.clone();
        BlobFile { format, package: Some(package), request: None, enc: None, blob }
    }
}

/// The members of an import request that matter here.
#[derive(Deserialize)]
struct Body {
    key: Option<Members>,
}

#[derive(Default, Deserialize)]
struct Members {
    kty: Option<String>,
    crv: Option<String>,
    key_ops: Option<Vec<String>>,
    key_hsm: Option<String>,
}

/// The request and the bytes of its package. The service takes both alphabets, padded or not.
pub fn of_request(file: &[u8]) -> Result<(Request, Vec<u8>), Malformed> {
    let body: Body = serde_json::from_slice(bare(file))
        .map_err(|e| in_request(&format!("this is not an import request: {e}")))?;
    let key = body.key.unwrap_or_default();
    let hsm = key
        .key_hsm
        .ok_or_else(|| in_request("the request has no key.key_hsm, so no wrapped key"))?;
    let package = decode(hsm.as_bytes(), Format::Base64Url)
        .or_else(|_| decode(hsm.as_bytes(), Format::Base64))
        .map_err(|_| in_request("key.key_hsm is not base64url"))?;
    let request = Request {
        kty: key.kty.unwrap_or_default(),
        crv: key.crv,
        key_ops: key.key_ops.unwrap_or_default(),
    };
    Ok((request, package))
}

fn in_request(what: &str) -> Malformed {
    Malformed(format!("{what}; export the key again with --request"))
}

fn decode(text: &[u8], format: Format) -> Result<Vec<u8>, Malformed> {
    let wrong = || {
        Malformed(format!(
            "the file looks like {} and is not: it is cut off or damaged; export the key again",
            format.name()
        ))
    };
    let text: Vec<u8> =
        bare(text).iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
    let unpadded = text.trim_end_matches('=');
    let decoded = match format {
        Format::Base64Url => Base64UrlUnpadded::decode_vec(unpadded),
        _ if unpadded.len() == text.len() => Base64Unpadded::decode_vec(text),
        _ => Base64::decode_vec(text),
    };
    decoded.map_err(|_| wrong())
}

/// Whether nine in ten bytes are of ASCII's letters and spaces: of random ones, it is four.
fn is_mostly_text(bytes: &[u8]) -> bool {
    let is_text = |b: &&u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    bytes.iter().filter(is_text).count() * 10 > bytes.len() * 9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byok::azure::Kid;

    const KID: &str = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";

    fn package(blob: &[u8]) -> Package {
        Package { kid: Kid::parse(KID).unwrap(), ciphertext: blob.to_vec(), generator: "g".into() }
    }

    #[test]
    fn every_form_has_the_same_blob() {
        let blob: Vec<u8> = (0..=255).chain(0..40).collect();
        let package = package(&blob).to_bytes();
        let target = Target::Ec { curve: Curve::P256 };
        let ops = request::ops(target, &[]).unwrap();
        let body = request::body(target, &ops, &package).unwrap();
        for (file, format) in [
            (package.clone(), Format::Package),
            (body, Format::Request),
            (Base64::encode_string(&blob).into_bytes(), Format::Base64),
            (format!("{}\n", Base64::encode_string(&blob)).into_bytes(), Format::Base64),
            (
                Base64UrlUnpadded::encode_string(&[&blob[..], &[0xFB, 0xFF]].concat()).into_bytes(),
                Format::Base64Url,
            ),
            (blob.clone(), Format::Raw),
        ] {
            let read = BlobFile::parse(&file).unwrap();
            assert_eq!(read.format, format);
            assert_eq!(read.blob.get(..blob.len()), Some(&blob[..]));
            assert_eq!(read.package.is_some(), matches!(format, Format::Package | Format::Request));
        }
        let body = request::body(target, &ops, &package).unwrap();
        let request = BlobFile::parse(&body).unwrap().request.unwrap();
        assert_eq!((request.kty.as_str(), request.crv.as_deref()), ("EC-HSM", Some("P-256")));
    }

    #[test]
    fn a_blob_may_begin_as_text_does() {
        let mut blob: Vec<u8> = (0..=255).collect();
        for start in [&b"{"[..], b"{\"", b"[", b" {", b"\n"] {
            blob.splice(..0, start.iter().copied());
            let read = BlobFile::parse(&blob).unwrap();
            assert_eq!((read.format, &read.blob), (Format::Raw, &blob), "{start:?}");
        }
        let mut damaged = package(&blob).to_bytes();
        damaged[30] ^= 0x80;
        assert_eq!(Format::of(&damaged), Format::Package);
    }

    #[test]
    fn says_why_not() {
        for (file, said) in [
            (&b""[..], "empty"),
            (b"AAAA=A==", "looks like base64 and is not"),
            (b"AAAA_", "looks like base64url and is not"),
            (b"not a key", "not a key transfer package"),
            (b"{\"key\":{}}", "no key.key_hsm"),
            (b"{\"kee\":{\"key_hsm\":\"AAAA\"}}", "no key.key_hsm"),
            (b"{\"key\":{\"key_hsm\":\"AAAA\"}", "not an import request: EOF"),
            (b"{\"key\":{\"key_hsm\":\"!\"}}", "key.key_hsm is not base64url"),
            (b"{\"key\":{\"key_hsm\":\"AAAA\"}}", "not a key transfer package"),
        ] {
            let error = BlobFile::parse(file).unwrap_err();
            assert!(error.0.contains(said), "{said}: {error}");
            assert!(error.0.contains("; "), "nothing says what to do: {error}");
        }
        assert!(BlobFile::parse(&vec![0; LIMIT + 1]).is_err());
    }
}
