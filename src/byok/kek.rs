//! The public key of a KEK as clouds hand it out: SubjectPublicKeyInfo, PKCS#1 or a certificate,
//! as PEM or DER.
//!
//! Reads it, and computes the fingerprint by which two people compare it.
use super::azure::Malformed;
use crate::crypto::hash::Hash;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{
    Decode, DecodeValue, Document, Encode, EncodeValue, Header, Length, Reader, Sequence, Writer,
};
use spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::Certificate;

/// An RSA public key. Its numbers are big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kek {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// The public exponent of every KEK that Azure makes: 65537.
pub const EXPONENT: [u8; 3] = [1, 0, 1];

/// Longest file that is read, in bytes.
pub const LIMIT: usize = 64 * 1024;

/// rsaEncryption, RFC 8017 appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

impl Kek {
    /// A KEK of its numbers; leading zeros are dropped.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Kek, Malformed> {
        let bare =
            |number: &[u8]| -> Vec<u8> { number.iter().copied().skip_while(|b| *b == 0).collect() };
        let kek = Kek { modulus: bare(modulus), exponent: bare(exponent) };
        if kek.modulus.is_empty() || kek.exponent.is_empty() || kek.modulus.len() > 2048 {
            return Err(malformed("the KEK is not a proper RSA key"));
        }
        Ok(kek)
    }

    /// Reads a file: PEM (text around the block is ignored) or DER, of any of the three kinds.
    pub fn parse(file: &[u8]) -> Result<Kek, Malformed> {
        if file.len() > LIMIT {
            return Err(malformed("the file is too long to be a public key"));
        }
        match pem_block(file) {
            Some(block) => of_pem(block),
            None => of_der(file),
        }
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
        self.encode().map_err(|_| malformed("the KEK cannot be encoded"))
    }

    /// Its SubjectPublicKeyInfo as PEM.
    pub fn pem(&self) -> Result<String, Malformed> {
        let failed = |_| malformed("the KEK cannot be encoded");
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

    /// Whether Azure could have made it; says what it should have been.
    pub fn fits_azure(&self) -> Result<(), Malformed> {
        if !super::target::KEK_SIZES.map(|size| size * 8).contains(&self.bits()) {
            return Err(Malformed(format!(
                "the KEK has {} bits, and Azure takes 2048, 3072 and 4096; create one with \
                 `az keyvault key create --kty RSA-HSM --size 4096 --ops import`",
                self.bits()
            )));
        }
        if self.exponent != EXPONENT {
            return Err(malformed(
                "the KEK has another public exponent than 65537, so Azure did not make it; \
                 download it again with `az keyvault key download`",
            ));
        }
        Ok(())
    }

    fn encode(&self) -> der::Result<Vec<u8>> {
        let key = RsaPublicKey {
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

/// The first PEM block of a text that names a public key or certificate, or else the first block.
fn pem_block(file: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(file).ok()?;
    let start = text.find("-----BEGIN ")?;
    let block = text.get(start..)?;
    let end = block.find("-----END ")?;
    let tail = block.get(end..)?;
    let length = tail.find('\n').map_or(tail.len(), |newline| newline + 1);
    block.get(..end + length)
}

fn of_pem(block: &str) -> Result<Kek, Malformed> {
    let (label, document) = Document::from_pem(block)
        .map_err(|e| Malformed(format!("the PEM block cannot be read: {e}")))?;
    match label {
        "PUBLIC KEY" => of_spki(document.as_bytes()),
        "RSA PUBLIC KEY" => of_pkcs1(document.as_bytes()),
        "CERTIFICATE" => of_certificate(document.as_bytes()),
        label if label.ends_with("PRIVATE KEY") => Err(malformed(
            "the file holds a private key; a KEK's private half never leaves the cloud, so give the \
             public key that `az keyvault key download` writes",
        )),
        label => Err(Malformed(format!(
            "the PEM block is a \"{label}\"; give a PUBLIC KEY, an RSA PUBLIC KEY or a CERTIFICATE"
        ))),
    }
}

fn of_der(file: &[u8]) -> Result<Kek, Malformed> {
    if SubjectPublicKeyInfoRef::from_der(file).is_ok() {
        return of_spki(file);
    }
    of_pkcs1(file).or_else(|_| of_certificate(file)).map_err(|_| {
        malformed(
            "the file is no public key, neither as PEM nor as DER; \
             `az keyvault key download --name KEK --vault-name V --file KEK.pem` writes one",
        )
    })
}

fn of_spki(der: &[u8]) -> Result<Kek, Malformed> {
    let spki = SubjectPublicKeyInfoRef::from_der(der)
        .map_err(|_| malformed("the public key cannot be decoded"))?;
    if spki.algorithm.oid != RSA {
        return Err(malformed("the KEK is not an RSA key; Azure's KEKs are of type RSA-HSM"));
    }
    of_pkcs1(spki.subject_public_key.raw_bytes())
}

fn of_pkcs1(der: &[u8]) -> Result<Kek, Malformed> {
    let key = RsaPublicKey::from_der(der)
        .map_err(|_| malformed("the RSA public key cannot be decoded"))?;
    Kek::new(key.modulus.as_bytes(), key.exponent.as_bytes())
}

/// RSAPublicKey, RFC 8017 appendix A.1.1.
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl<'a> DecodeValue<'a> for RsaPublicKey<'a> {
    type Error = der::Error;
    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> der::Result<Self> {
        Ok(RsaPublicKey { modulus: reader.decode()?, exponent: reader.decode()? })
    }
}

impl EncodeValue for RsaPublicKey<'_> {
    fn value_len(&self) -> der::Result<Length> {
        self.modulus.encoded_len()? + self.exponent.encoded_len()?
    }
    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.modulus.encode(writer)?;
        self.exponent.encode(writer)
    }
}

impl<'a> Sequence<'a> for RsaPublicKey<'a> {}

fn of_certificate(der: &[u8]) -> Result<Kek, Malformed> {
    let certificate =
        Certificate::from_der(der).map_err(|_| malformed("the certificate cannot be decoded"))?;
    let spki = certificate.tbs_certificate().subject_public_key_info();
    of_spki(&spki.to_der().map_err(|_| malformed("the certificate's key cannot be read"))?)
}

fn malformed(what: &str) -> Malformed {
    Malformed(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(bits: usize) -> Kek {
        let mut modulus = vec![0xC5; bits / 8];
        modulus[0] = 0x80;
        Kek::new(&modulus, &[0, 1, 0, 1]).unwrap()
    }

    #[test]
    fn every_form_is_the_same_key() {
        let kek = kek(2048);
        let spki = kek.spki_der().unwrap();
        // 270 bytes of PKCS#1, 294 of SubjectPublicKeyInfo: what every RSA-2048 key has
        assert_eq!(spki.len(), 294);
        let pkcs1 = &spki[24..];
        let pem = kek.pem().unwrap();
        let block = Document::try_from(pkcs1)
            .unwrap()
            .to_pem("RSA PUBLIC KEY", Default::default())
            .unwrap();
        let noisy = format!("Bag Attributes\n  x: y\n{}more\n", pem.replace('\n', "\r\n"));
        for form in [spki.as_slice(), pkcs1, pem.as_bytes(), block.as_bytes(), noisy.as_bytes()] {
            assert_eq!(Kek::parse(form).unwrap(), kek);
        }
    }

    #[test]
    fn sizes_and_exponents() {
        for bits in [2048, 3072, 4096] {
            assert_eq!(kek(bits).bits(), bits);
            assert!(kek(bits).fits_azure().is_ok());
        }
        assert!(kek(1024).fits_azure().unwrap_err().0.contains("1024 bits"));
        let three = Kek::new(kek(2048).modulus(), &[3]).unwrap();
        assert!(three.fits_azure().unwrap_err().0.contains("exponent"));
        assert_eq!(Kek::new(&[0, 0x01, 0xFF], &[3]).unwrap().bits(), 9);
    }

    #[test]
    fn says_why_not() {
        let private = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let request =
            "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
        // a P-256 point
        let mut ec = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
            0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        ];
        ec.resize(91, 1);
        for (file, said) in [
            (private.as_bytes(), "private key"),
            (request.as_bytes(), "CERTIFICATE REQUEST"),
            (ec.as_slice(), "not an RSA key"),
            (b"".as_slice(), "no public key"),
            (b"hello".as_slice(), "no public key"),
        ] {
            let error = Kek::parse(file).unwrap_err();
            assert!(error.0.contains(said), "{error}");
        }
    }

    #[test]
    fn damage_never_panics() {
        let good = kek(2048).spki_der().unwrap();
        for at in 0..good.len() {
            for value in [0, 0x7F, 0x80, 0x84, 0xFF] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = Kek::parse(&bad);
                let _ = Kek::parse(&bad[..at]);
            }
        }
    }
}
