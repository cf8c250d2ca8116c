//! The public half of a key as files have it: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), for RSA
//! keys and those on curves.
//!
//! What was sent and what arrived are the same key if these bytes are the same.
use super::azure::Malformed;
use super::kek::{Kek, KekFile, LIMIT};
use super::target::{Curve, Target};
use crate::crypto::hash::Hash;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Document, Encode};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key.
    Rsa(Kek),
    /// A point on a curve, uncompressed: `04 x y` (SEC 1 section 2.3.3).
    #[allow(missing_docs)]
    Ec { curve: Curve, point: Vec<u8> },
}

/// Of a key that has been decoded, or of numbers that a module gave.
const UNENCODED: &str = "the public key cannot be encoded; it is damaged: use another copy of it";

/// id-ecPublicKey, RFC 5480 section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

impl PublicKey {
    /// Reads PEM (text around the block is ignored) or DER; an RSA key in any form that a KEK has.
    pub fn parse(file: &[u8]) -> Result<PublicKey, Malformed> {
        let der = spki_in(file);
        match der.as_deref().map(of_curve) {
            Some(Some(key)) => key,
            _ => KekFile::parse(file).map(|file| PublicKey::Rsa(file.kek)).map_err(|_| {
                malformed(
                    "this is no public key of RSA or of a curve that clouds take, neither as PEM nor as DER; \
                     `keyferry key public LABEL -o FILE` writes one",
                )
            }),
        }
    }

    /// Of a point as PKCS#11 has it: in an OCTET STRING, or without it as some modules give it.
    pub fn of_point(curve: Curve, point: &[u8]) -> Result<PublicKey, Malformed> {
        let inner =
            <&der::asn1::OctetStringRef>::from_der(point).map(der::asn1::OctetStringRef::as_bytes);
        let point = inner.ok().filter(|inner| is_point(curve, inner)).unwrap_or(point);
        if is_point(curve, point) {
            return Ok(PublicKey::Ec { curve, point: point.to_vec() });
        }
        Err(malformed(
            "the public key is no uncompressed point of its curve; of a file, `openssl ec -pubin -in FILE -conv_form \
             uncompressed` makes one that is",
        ))
    }

    /// What type of key it is.
    pub fn target(&self) -> Target {
        match self {
            PublicKey::Rsa(key) => Target::Rsa { bits: key.bits() },
            PublicKey::Ec { curve, .. } => Target::Ec { curve: *curve },
        }
    }

    /// SubjectPublicKeyInfo as DER.
    pub fn der(&self) -> Result<Vec<u8>, Malformed> {
        match self {
            PublicKey::Rsa(key) => key.spki_der(),
            PublicKey::Ec { curve, point } => {
                encode(*curve, point).map_err(|_| malformed(UNENCODED))
            }
        }
    }

    /// SubjectPublicKeyInfo as PEM.
    pub fn pem(&self) -> Result<String, Malformed> {
        let failed = |_| malformed(UNENCODED);
        let document = Document::try_from(self.der()?).map_err(failed)?;
        document.to_pem("PUBLIC KEY", der::pem::LineEnding::LF).map_err(failed)
    }

    /// SHA-256 of [`Self::der`], in hexadecimal.
    pub fn fingerprint(&self) -> Result<String, Malformed> {
        Ok(Hash::Sha256.digest(&self.der()?).iter().map(|b| format!("{b:02x}")).collect())
    }
}

fn encode(curve: Curve, point: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier {
            oid: EC,
            parameters: Some(AnyRef::from_der(curve.oid())?),
        },
        subject_public_key: BitStringRef::from_bytes(point)?,
    }
    .to_der()
}

/// The DER in a file that is PEM with the label for SubjectPublicKeyInfo, or DER itself.
fn spki_in(file: &[u8]) -> Option<Vec<u8>> {
    if file.len() > LIMIT {
        return None;
    }
    let text = std::str::from_utf8(file).ok();
    let Some(start) = text.and_then(|text| text.find("-----BEGIN PUBLIC KEY-----")) else {
        return Some(file.to_vec());
    };
    let (_, document) = Document::from_pem(text?.get(start..)?.trim_end()).ok()?;
    Some(document.as_bytes().to_vec())
}

/// A key on a curve; `None` if it is something else.
fn of_curve(der: &[u8]) -> Option<Result<PublicKey, Malformed>> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    if info.algorithm.oid != EC {
        return None;
    }
    let named = info.algorithm.parameters.and_then(|any| any.to_der().ok());
    Some(match named.as_deref().and_then(Curve::of_oid) {
        Some(curve) => PublicKey::of_point(curve, info.subject_public_key.raw_bytes()),
        None => Err(malformed(
            "the public key is on a curve that no cloud takes; use one on P-256, P-384, P-521 or P-256K",
        )),
    })
}

fn is_point(curve: Curve, bytes: &[u8]) -> bool {
    bytes.first() == Some(&4) && bytes.len() == 1 + 2 * curve.size()
}

fn malformed(what: &str) -> Malformed {
    Malformed(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl ecparam -name prime256v1 -genkey | openssl ec -pubout`.
    const P256: &[u8] = include_bytes!("../../tests/cli/kek-p256.pem");

    #[test]
    fn reads_what_openssl_writes_and_writes_it_again() {
        let key = PublicKey::parse(P256).unwrap();
        assert_eq!(key.target().name(), "P-256");
        assert_eq!(key.pem().unwrap().trim_end().as_bytes(), P256.trim_ascii_end());
        assert_eq!(PublicKey::parse(&key.der().unwrap()).unwrap(), key);
        let rsa = include_bytes!("../../tests/cli/kek-2048.pem");
        let rsa = PublicKey::parse(rsa).unwrap();
        assert_eq!(rsa.target().name(), "RSA-2048");
    }

    #[test]
    fn points_come_bare_or_in_an_octet_string() {
        let PublicKey::Ec { curve, point } = PublicKey::parse(P256).unwrap() else { panic!() };
        let wrapped = [&[4, 65][..], &point].concat();
        for bytes in [&point, &wrapped] {
            let key = PublicKey::of_point(curve, bytes).unwrap();
            assert_eq!(key, PublicKey::parse(P256).unwrap());
        }
        assert!(PublicKey::of_point(Curve::P384, &point).is_err());
        assert!(PublicKey::of_point(curve, &[]).is_err());
        assert!(PublicKey::parse(b"not a key").is_err());
    }
}
