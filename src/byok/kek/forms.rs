//! A KEK as PEM or DER.
use super::{Kek, Malformed, NOT_RSA, PRIVATE, RSA, again, malformed};
use der::asn1::{AnyRef, UintRef};
use der::{
    Decode, DecodeValue, Document, Encode, EncodeValue, Header, Length, Reader, Sequence, Tagged,
    Writer,
};
use spki::SubjectPublicKeyInfoRef;
use x509_cert::Certificate;

/// Reads PEM or DER.
pub(super) fn read(file: &[u8]) -> Result<Kek, Malformed> {
    if is_private(file) {
        return Err(malformed(PRIVATE));
    }
    match pem_block(file) {
        Some(block) => of_pem(block),
        None => of_der(file),
    }
}

/// Whether there is a private key in it, as PEM, or as DER that is nothing else.
pub(super) fn is_private(file: &[u8]) -> bool {
    file.windows(PRIVATE_LABEL.len()).any(|part| part == PRIVATE_LABEL) || has_version(file)
}

/// How the labels of all private keys in PEM end.
const PRIVATE_LABEL: &[u8] = b"PRIVATE KEY-----";

/// Whether this is a sequence that begins with a version number, as private keys do (PKCS#1, RFC 5958,
/// RFC 5915, and PKCS#12) and no public key or certificate does.
fn has_version(der: &[u8]) -> bool {
    let Ok(sequence) = AnyRef::from_der(der) else { return false };
    sequence.tag() == der::Tag::Sequence && matches!(sequence.value(), [0x02, 0x01, 0 | 1 | 3, ..])
}

/// The first PEM block of a text.
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
        .map_err(|e| again(&format!("the PEM block cannot be read: {e}")))?;
    match label {
        "PUBLIC KEY" => of_spki(document.as_bytes()),
        "RSA PUBLIC KEY" => of_pkcs1(document.as_bytes()),
        "CERTIFICATE" => of_certificate(document.as_bytes()),
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
            "this is no public key, neither as PEM nor as DER nor as a JWK; \
             `az keyvault key download --name KEK --vault-name V --file KEK.pem` writes one",
        )
    })
}

fn of_spki(der: &[u8]) -> Result<Kek, Malformed> {
    let spki = SubjectPublicKeyInfoRef::from_der(der)
        .map_err(|_| again("the public key cannot be decoded"))?;
    if spki.algorithm.oid != RSA {
        return Err(malformed(NOT_RSA));
    }
    of_pkcs1(spki.subject_public_key.raw_bytes())
}

fn of_pkcs1(der: &[u8]) -> Result<Kek, Malformed> {
    let key =
        RsaPublicKey::from_der(der).map_err(|_| again("the RSA public key cannot be decoded"))?;
    Kek::new(key.modulus.as_bytes(), key.exponent.as_bytes())
}

/// RSAPublicKey, RFC 8017 appendix A.1.1.
pub(super) struct RsaPublicKey<'a> {
    pub(super) modulus: UintRef<'a>,
    pub(super) exponent: UintRef<'a>,
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
        Certificate::from_der(der).map_err(|_| again("the certificate cannot be decoded"))?;
    let spki = certificate.tbs_certificate().subject_public_key_info();
    of_spki(&spki.to_der().map_err(|_| again("the certificate's key cannot be read"))?)
}
