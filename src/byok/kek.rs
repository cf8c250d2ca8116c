//! The public key of a KEK as clouds hand it out: SubjectPublicKeyInfo, PKCS#1 or a certificate,
//! as PEM or DER; a JWK, or the JSON that a cloud's command line prints.
//!
//! Reads it, and computes the fingerprint by which two people compare it.
use super::azure::Malformed;
use super::bare;
use crate::crypto::hash::Hash;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Document, Encode};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};

mod forms;
mod json;
#[cfg(test)]
mod tests;

/// An RSA public key. Its numbers are big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kek {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// What a file says of a KEK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KekFile {
    /// Its public key.
    pub kek: Kek,
    /// Its key identifier, if the file is a JWK that has one; not checked.
    pub kid: Option<String>,
    /// What it may be used for, if the file is a JWK that says so.
    pub key_ops: Option<Vec<String>>,
}

impl KekFile {
    /// Reads a file: PEM (text around the block is ignored) or DER, of any of the three kinds, or
    /// JSON. A file with a private key is refused, whatever else is in it.
    pub fn parse(file: &[u8]) -> Result<KekFile, Malformed> {
        if file.len() > LIMIT {
            return Err(again("the file is too long to be a public key"));
        }
        let text = bare(file);
        if text.first() == Some(&b'{') {
            return json::read(text);
        }
        forms::read(file).map(KekFile::from)
    }
}

impl From<Kek> for KekFile {
    fn from(kek: Kek) -> KekFile {
        KekFile { kek, kid: None, key_ops: None }
    }
}

/// The public exponent of every KEK that Azure makes: 65537.
pub const EXPONENT: [u8; 3] = [1, 0, 1];

/// Longest file that is read, in bytes.
pub const LIMIT: usize = 64 * 1024;

/// rsaEncryption, RFC 8017 appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

impl Kek {
    /// A KEK of its numbers; leading zeros are dropped. Refused if nothing can be hidden under them.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Kek, Malformed> {
        let bare =
            |number: &[u8]| -> Vec<u8> { number.iter().copied().skip_while(|b| *b == 0).collect() };
        let kek = Kek { modulus: bare(modulus), exponent: bare(exponent) };
        if kek.modulus.len() > 2048 || !kek.is_proper() {
            return Err(malformed(IMPROPER));
        }
        Ok(kek)
    }

    /// RFC 8017 section 3.1: both numbers are odd, and e is at least 3: with 1, everybody could open what
    /// is wrapped. NIST SP 800-56B section 6.2 has an upper bound of 256 bits.
    fn is_proper(&self) -> bool {
        let is_odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
        is_odd(&self.modulus)
            && is_odd(&self.exponent)
            && self.exponent != [1]
            && self.exponent.len() <= 32
    }

    /// Reads a file of any form, see [`KekFile::parse`].
    pub fn parse(file: &[u8]) -> Result<Kek, Malformed> {
        KekFile::parse(file).map(|file| file.kek)
    }

    /// The modulus n.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent e.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    /// Length of the modulus in bytes.
    pub fn size(&self) -> usize {
        self.modulus.len()
    }

    /// Length of the modulus in bits.
    pub fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |b| b.leading_zeros());
        (self.modulus.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or_default())
    }

    /// Its SubjectPublicKeyInfo as DER, RFC 5280 section 4.1.2.7.
    pub fn spki_der(&self) -> Result<Vec<u8>, Malformed> {
        self.encode().map_err(|_| again("the KEK cannot be encoded"))
    }

    /// Its SubjectPublicKeyInfo as PEM.
    pub fn pem(&self) -> Result<String, Malformed> {
        let failed = |_| again("the KEK cannot be encoded");
        let document = Document::try_from(self.spki_der()?).map_err(failed)?;
        document.to_pem("PUBLIC KEY", der::pem::LineEnding::LF).map_err(failed)
    }

    /// SHA-256 of [`Self::spki_der`], in hexadecimal.
    pub fn fingerprint(&self) -> Result<String, Malformed> {
        let digest = Hash::Sha256.digest(&self.spki_der()?);
        Ok(digest.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Whether it can be a KEK at all: shorter keys could be broken, longer ones no token takes.
    pub fn fits(&self) -> Result<(), Malformed> {
        if (2048..=8192).contains(&self.bits()) {
            return Ok(());
        }
        Err(Malformed(format!(
            "the KEK has {} bits, and a KEK needs 2048 to 8192; ask for a longer or shorter one",
            self.bits()
        )))
    }

    fn encode(&self) -> der::Result<Vec<u8>> {
        let key = forms::RsaPublicKey {
            modulus: UintRef::new(&self.modulus)?,
            exponent: UintRef::new(&self.exponent)?,
        };
        let key = key.to_der()?;
        SubjectPublicKeyInfo {
            algorithm: AlgorithmIdentifier { oid: RSA, parameters: Some(AnyRef::NULL) },
            subject_public_key: BitStringRef::from_bytes(&key)?,
        }
        .to_der()
    }
}

/// The same for every form.
const NOT_RSA: &str = "the KEK is not an RSA key, and every cloud's is one; get another from the cloud, from Azure one of \
     the type RSA-HSM";

/// Numbers that nobody makes a key of.
const IMPROPER: &str = "the KEK is not a proper RSA key: its numbers are not those of one; fetch it from the cloud \
     again, and do not use this file before you know where it is from";

/// A private key where a public one belongs: whoever has the file can open every package.
const PRIVATE: &str = "the file holds a private key; a KEK's private half never leaves the cloud, and whoever has \
     this file can open what is wrapped under it; give the public key that the cloud hands out (for Azure, what \
     `az keyvault key download` writes)";

fn malformed(what: &str) -> Malformed {
    Malformed(what.to_owned())
}

/// Of a file that was damaged on the way, or is another.
fn again(what: &str) -> Malformed {
    Malformed(format!("{what}; fetch the KEK from the cloud again"))
}
