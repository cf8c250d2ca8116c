//! The receiving side in software: a KEK's private half in memory, what comes out of a blob with it,
//! and what kind of key that is.
//!
//! For throw-away KEKs and for receivers who have their own in a file. Whoever holds the private half may
//! know at which part a blob fails; a token tells nobody.
use crate::file;
use crate::kind::Kind;
use crate::output::{Fault, fault};
use der::{Decode, SecretDocument};
use keyferry::byok::cloud::{Form, hash_name};
use keyferry::byok::kek::{EXPONENT, Kek};
use keyferry::byok::public::PublicKey;
use keyferry::byok::target::{Curve, Target};
use keyferry::ck::*;
use keyferry::client::{Oaep, Profile};
use keyferry::crypto::hash::Hash;
use keyferry::crypto::rsa::{Crt, Parts, PrivateKey};
use keyferry::crypto::rsa_keygen;
use keyferry::crypto::{Failed, Secret, Threads, Workers, aes_kw, oaep};
use keyferry::object::attribute::Attributes;
use keyferry::object::encode;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Encode;
use std::path::Path;

/// A KEK with its private half.
pub struct Opener {
    key: PrivateKey,
    kek: Kek,
}

/// What came out of a blob.
pub struct Opened {
    /// The key: PKCS#8, or the value of a secret key.
    pub secret: Secret,
    /// The hash that OAEP used.
    pub hash: Hash,
    /// Bits of the AES key between, if there is one.
    pub aes_bits: Option<usize>,
}

/// At which part a blob fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The RSA part gives nothing under any of the hashes.
    Oaep,
    /// The AES key is there, and the key part does not open with it.
    KeyPart,
}

impl Opener {
    /// A fresh one.
    pub fn make(bits: usize) -> Result<Opener, Fault> {
        let failed = |Failed| {
            fault!(
                "no throw-away KEK can be made, because the machine gives no random numbers; try again"
            )
        };
        let parts =
            rsa_keygen::generate(bits, &EXPONENT, &Workers::new(Threads::Two)).map_err(failed)?;
        let kek = Kek::new(&parts.n, &parts.e)?;
        Ok(Opener { key: PrivateKey::new(&parts).map_err(failed)?, kek })
    }

    /// From PEM: PKCS#8 or PKCS#1, not encrypted.
    pub fn read(path: &Path) -> Result<Opener, Fault> {
        let bytes = file::read_secret(path, "KEK's private key")?;
        Opener::parse(&bytes).map_err(|why| fault!("{}: {why}", path.display()))
    }

    fn parse(pem: &[u8]) -> Result<Opener, &'static str> {
        const NONE: &str = "there is no RSA private key in PEM (PKCS#8 or PKCS#1) in it; give the private half of the KEK";
        let text = std::str::from_utf8(pem).map_err(|_| NONE)?;
        if text.contains("ENCRYPTED") {
            return Err(
                "the private key is encrypted; decrypt it with `openssl pkey -in FILE -out PLAIN`",
            );
        }
        let start = text.find("-----BEGIN ").ok_or(NONE)?;
        let block = text.get(start..).ok_or(NONE)?.trim_end();
        let (label, document) = SecretDocument::from_pem(block).map_err(|_| NONE)?;
        let der = match label {
            "PRIVATE KEY" => Secret::new(document.as_bytes().to_vec()),
            "RSA PRIVATE KEY" => in_pkcs8(document.as_bytes()).ok_or(NONE)?,
            _ => return Err(NONE),
        };
        let attributes = encode::from_pkcs8(CKK_RSA, &der).map_err(|_| NONE)?;
        let parts = parts(&attributes).ok_or(NONE)?;
        let key = PrivateKey::new(&parts).map_err(|Failed| "the numbers of the private key do not fit together; it is damaged: use another copy")?;
        Ok(Opener { key, kek: Kek::new(&parts.n, &parts.e).map_err(|_| NONE)? })
    }

    /// Its public half.
    pub fn kek(&self) -> &Kek {
        &self.kek
    }

    /// Opens a blob with the first of `profiles` that the RSA part fits.
    pub fn open(&self, blob: &[u8], profiles: &[Profile]) -> Result<Opened, Broken> {
        let (head, tail) = blob.split_at_checked(self.key.size()).ok_or(Broken::Oaep)?;
        for Profile { form, oaep: Oaep { hash, mgf, label }, .. } in profiles {
            let oaep = oaep::Oaep { hash: *hash, mgf: *mgf, label: label.clone() };
            let Ok(inner) = oaep::decrypt(&self.key, &oaep, head) else { continue };
            let opened = |secret, aes_bits| Opened { secret, hash: *hash, aes_bits };
            return match form {
                Form::Oaep => Ok(opened(inner, None)),
                Form::RsaAes => {
                    let key = aes_kw::kwp_unwrap(&inner, None, tail);
                    key.map(|key| opened(key, Some(inner.len() * 8))).map_err(|_| Broken::KeyPart)
                }
            };
        }
        Err(Broken::Oaep)
    }

    /// The hashes of OAEP and of MGF1 with which the RSA part opens, whatever was asked for.
    pub fn hashes_of(&self, blob: &[u8]) -> Option<(Hash, Hash)> {
        let head = blob.get(..self.key.size())?;
        let opens = |(hash, mgf): &(Hash, Hash)| {
            let oaep = oaep::Oaep { hash: *hash, mgf: *mgf, label: Vec::new() };
            oaep::decrypt(&self.key, &oaep, head).is_ok()
        };
        let hashes = oaep::Oaep::HASHES;
        let pairs = hashes.into_iter().flat_map(|hash| hashes.map(|mgf| (hash, mgf)));
        pairs.into_iter().find(opens)
    }
}

/// `SHA-256`, or `SHA-256 with MGF1-SHA-1`
pub fn hashes_name((hash, mgf): (Hash, Hash)) -> String {
    let name = hash_name(hash);
    if hash == mgf { name.to_owned() } else { format!("{name} with MGF1-{}", hash_name(mgf)) }
}

impl Opened {
    /// What key it is; a secret of an AES key's length counts as one.
    pub fn kind(&self) -> Option<Kind> {
        if let Some(public) = self.public() {
            return Some(Kind::of_target(public.target()));
        }
        let bits = self.secret.len() * 8;
        match bits {
            128 | 192 | 256 => Some(Kind::Aes(bits)),
            _ if is_der(&self.secret) => None,
            _ => Some(Kind::Secret(bits)),
        }
    }

    /// Whether it is a sound key of this type.
    pub fn is(&self, target: Target) -> bool {
        match target {
            Target::Aes { bits } | Target::Secret { bits } => self.secret.len() * 8 == bits,
            _ => self.public().is_some_and(|public| public.target() == target),
        }
    }

    /// The public half of a private key whose numbers fit together.
    pub fn public(&self) -> Option<PublicKey> {
        self.rsa().or_else(|| self.ec())
    }

    fn rsa(&self) -> Option<PublicKey> {
        let parts = parts(&encode::from_pkcs8(CKK_RSA, &self.secret).ok()?)?;
        PrivateKey::new(&parts).ok()?;
        Kek::new(&parts.n, &parts.e).ok().map(PublicKey::Rsa)
    }

    /// The decoder has computed the point of the scalar.
    fn ec(&self) -> Option<PublicKey> {
        let key = encode::from_pkcs8(CKK_EC, &self.secret).ok()?;
        let curve = Curve::of_oid(key.bytes(CKA_EC_PARAMS)?)?;
        PublicKey::of_point(curve, key.bytes(CKA_EC_POINT)?).ok()
    }

    /// `OAEP with SHA-256, AES-256`
    pub fn how(&self) -> String {
        let aes = self.aes_bits.map(|bits| format!(", AES-{bits}")).unwrap_or_default();
        format!("OAEP with {}{aes}", hash_name(self.hash))
    }
}

/// Whether this is one DER sequence from end to end.
fn is_der(bytes: &[u8]) -> bool {
    der::asn1::AnyRef::from_der(bytes).is_ok_and(|any| any.header().tag() == der::Tag::Sequence)
}

fn parts(key: &Attributes) -> Option<Parts> {
    let bytes = |cka| key.bytes(cka).map(<[u8]>::to_vec);
    let secret = |cka| bytes(cka).map(Secret::new);
    let crt = Crt {
        p: secret(CKA_PRIME_1)?,
        q: secret(CKA_PRIME_2)?,
        dp: secret(CKA_EXPONENT_1)?,
        dq: secret(CKA_EXPONENT_2)?,
        qinv: secret(CKA_COEFFICIENT)?,
    };
    let (n, e) = (bytes(CKA_MODULUS)?, bytes(CKA_PUBLIC_EXPONENT)?);
    Some(Parts { n, e, d: secret(CKA_PRIVATE_EXPONENT)?, crt: Some(crt) })
}

/// RSAPrivateKey (RFC 8017 appendix A.1.2) in PKCS#8.
fn in_pkcs8(pkcs1: &[u8]) -> Option<Secret> {
    use spki::{AlgorithmIdentifierRef, ObjectIdentifier};
    let oid = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let algorithm = AlgorithmIdentifierRef { oid, parameters: Some(der::asn1::AnyRef::NULL) };
    let key = der::asn1::OctetStringRef::new(pkcs1).ok()?;
    PrivateKeyInfoRef::new(algorithm, key).to_der().ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry::crypto::rsa::PublicKey as Rsa;

    #[test]
    fn tells_at_which_part_a_blob_fails() {
        let opener = Opener::make(2048).unwrap();
        let public = Rsa::new(opener.kek().modulus(), opener.kek().exponent()).unwrap();
        let form = Form::RsaAes;
        let profile = |hash| Profile { form, oaep: Oaep::of(hash), aes_bits: 256, target: None };
        let sha256 = oaep::Oaep { hash: Hash::Sha256, mgf: Hash::Sha256, label: Vec::new() };
        let mut blob = oaep::encrypt(&public, &sha256, &[7; 32]).unwrap();
        blob.extend(aes_kw::kwp_wrap(&[7; 32], None, &[9; 24]).unwrap());
        let both = [profile(Hash::Sha1), profile(Hash::Sha256)];
        let opened = opener.open(&blob, &both).unwrap();
        assert_eq!((opened.secret.as_slice(), opened.hash), (&[9; 24][..], Hash::Sha256));
        assert_eq!((opened.aes_bits, opened.kind()), (Some(256), Some(Kind::Aes(192))));
        assert!(opened.is(Target::Secret { bits: 192 }) && !opened.is(Target::Aes { bits: 256 }));
        assert_eq!(opener.hashes_of(&blob), Some((Hash::Sha256, Hash::Sha256)));
        let fails = |blob: &[u8], profiles: &[Profile]| opener.open(blob, profiles).err().unwrap();
        assert_eq!(fails(&blob, &both[..1]), Broken::Oaep);
        let mut damaged = blob.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(fails(&damaged, &both), Broken::KeyPart);
        blob[200] ^= 1;
        assert_eq!(fails(&blob, &both), Broken::Oaep);
        assert_eq!(fails(&blob[..100], &both), Broken::Oaep);
    }

    #[test]
    fn files_without_a_private_key_are_refused() {
        for file in [
            &b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"[..],
            b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
            b"nothing",
        ] {
            assert!(Opener::parse(file).is_err());
        }
    }
    /// It would open nothing, and every blob would look damaged.
    #[test]
    fn a_key_whose_primes_are_none_is_refused() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rsa-composite.pem");
        assert!(Opener::read(Path::new(path)).is_err());
    }
}
