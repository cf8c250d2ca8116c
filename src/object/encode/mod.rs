//! Keys as bytes: PKCS#8 and raw values for wrapping, attributes for objects, prepared keys for use.
//!
//! A file for each family of keys; which one an object belongs to, its row in
//! [`class`](super::class) says.
mod ec;
mod half;
mod okp;
mod pkcs8;
mod rsa;
mod seeded;
mod slh_dsa;
mod spki;

use super::attribute::{Attributes, Value};
use super::class::{Class, Form};
use super::{Object, Prepared};
use crate::ck::*;
use crate::crypto::{self, Secret, SecretKey, ml_dsa, ml_kem};
use crate::error::{Error, Result};
pub use ec::{curve, ec_pair, point as ec_point};
pub(in crate::object) use half::public_half;
pub use okp::{edwards_attributes, montgomery_attributes, montgomery_point};
pub use rsa::rsa_attributes;
pub use seeded::{parameter_set, seeded_attributes};
pub use slh_dsa::{slh_dsa_attributes, slh_dsa_set};
pub use spki::from_spki;

/// The attributes of a key, open ones and material, as one.
#[derive(Clone, Copy, Debug)]
pub(in crate::object) struct Parts<'a> {
    attributes: &'a Attributes,
    material: Option<&'a Attributes>,
}

impl<'a> Parts<'a> {
    /// The bytes of `cka`, or `CKR_TEMPLATE_INCOMPLETE`.
    fn bytes(self, cka: CK_ATTRIBUTE_TYPE) -> Result<&'a [u8]> {
        self.attributes
            .bytes(cka)
            .or_else(|| self.material?.bytes(cka))
            .ok_or_else(|| Error::TemplateIncomplete.because(super::attribute::name(cka)))
    }
}

/// `CKA_EC_PARAMS` as it is kept in keys of this form: the object identifier of the curve.
pub(in crate::object) fn params(form: Form, given: &[u8]) -> Result<Value> {
    match form {
        Form::EdwardsPublic | Form::EdwardsPrivate => okp::EDWARDS.params(given),
        Form::MontgomeryPublic | Form::MontgomeryPrivate => okp::MONTGOMERY.params(given),
        _ => ec::params(curve(given)?),
    }
}

/// The key that `attributes` and `material` describe, ready for use. `CKR_ATTRIBUTE_VALUE_INVALID`
/// if it is not a sound one, `CKR_CURVE_NOT_SUPPORTED`, `CKR_KEY_TYPE_INCONSISTENT` if it is no key.
pub(in crate::object) fn prepare(
    attributes: &Attributes,
    material: Option<&Attributes>,
) -> Result<Prepared> {
    let parts = Parts { attributes, material };
    let class = Class::of(attributes)?;
    Ok(match class.form {
        Form::None => return Err(Error::KeyTypeInconsistent),
        Form::Secret => Prepared::Secret(SecretKey::new(secret(class, parts)?)),
        Form::RsaPublic => Prepared::RsaPublic(rsa::public(parts)?),
        Form::RsaPrivate => Prepared::RsaPrivate(rsa::private(parts)?),
        Form::EcPublic => Prepared::EcPublic(ec::public(parts)?),
        Form::EcPrivate => Prepared::EcPrivate(ec::private(parts)?),
        Form::EdwardsPublic => Prepared::EdwardsPublic(okp::edwards_public(parts)?),
        Form::EdwardsPrivate => Prepared::EdwardsPrivate(okp::edwards_private(parts)?),
        Form::MontgomeryPublic => Prepared::MontgomeryPublic(okp::montgomery_public(parts)?),
        Form::MlDsaPublic => Prepared::MlDsaPublic(seeded::public::<ml_dsa::Set>(parts)?),
        Form::MlDsaPrivate => Prepared::MlDsaPrivate(seeded::private::<ml_dsa::Set>(parts)?),
        Form::MlKemPublic => Prepared::MlKemPublic(seeded::public::<ml_kem::Set>(parts)?),
        Form::MlKemPrivate => Prepared::MlKemPrivate(seeded::private::<ml_kem::Set>(parts)?),
        Form::SlhDsaPublic => Prepared::SlhDsaPublic(slh_dsa::public(parts)?),
        Form::SlhDsaPrivate => Prepared::SlhDsaPrivate(slh_dsa::private(parts)?),
        Form::MontgomeryPrivate => Prepared::MontgomeryPrivate(okp::montgomery_private(parts)?),
    })
}

/// What a sound key says about its own object: lengths, check value, `CKA_PUBLIC_KEY_INFO`, and its
/// curve, point and scalar in the one form in which they are kept.
pub(in crate::object) fn derived(all: &Attributes, key: &Prepared) -> Result<Attributes> {
    let parts = Parts { attributes: all, material: None };
    match key {
        Prepared::Secret(key) => secret_derived(all, key.value()),
        Prepared::RsaPublic(key) => rsa::public_derived(parts, key.bits()),
        Prepared::RsaPrivate(_) => rsa::private_derived(parts),
        Prepared::EcPublic(key) => ec::public_derived(key.curve(), key.point()),
        Prepared::EcPrivate(key) => ec::private_derived(key),
        Prepared::EdwardsPublic(key) => okp::EDWARDS.public_derived(key.bytes()),
        Prepared::EdwardsPrivate(key) => {
            okp::EDWARDS.private_derived(key.seed(), key.public().bytes())
        }
        Prepared::MlDsaPublic(key) => seeded::public_derived::<ml_dsa::Set>(key),
        Prepared::MlDsaPrivate(key) => seeded::private_derived::<ml_dsa::Set>(key),
        Prepared::MlKemPublic(key) => seeded::public_derived::<ml_kem::Set>(key),
        Prepared::MlKemPrivate(key) => seeded::private_derived::<ml_kem::Set>(key),
        Prepared::SlhDsaPublic(key) => slh_dsa::public_derived(key.set(), key.bytes()),
        Prepared::SlhDsaPrivate(key) => slh_dsa::private_derived(key),
        Prepared::MontgomeryPublic(key) => okp::MONTGOMERY.public_derived(key.bytes()),
        Prepared::MontgomeryPrivate(key) => {
            okp::MONTGOMERY.private_derived(key.scalar().clone(), key.public().bytes())
        }
    }
}

/// The encoding under which a key leaves: PKCS#8 for private keys, the raw value for secret keys.
/// `CKR_KEY_NOT_WRAPPABLE` for what has none (public keys, certificates, data, RSA keys without CRT values).
pub(in crate::object) fn encoding(object: &Object) -> Result<Secret> {
    let parts = Parts { attributes: object.attributes(), material: object.material()? };
    match Class::of(object.attributes())?.form {
        Form::Secret => Ok(Secret::new(parts.bytes(CKA_VALUE)?.to_vec())),
        Form::RsaPrivate => rsa::encoding(parts),
        Form::EcPrivate => match object.prepared()? {
            Prepared::EcPrivate(key) => ec::encoding(key),
            _ => Err(Error::GeneralError),
        },
        Form::EdwardsPrivate => okp::EDWARDS.encoding(parts),
        Form::MontgomeryPrivate => okp::MONTGOMERY.encoding(parts),
        Form::MlDsaPrivate => match object.prepared()? {
            Prepared::MlDsaPrivate(key) => seeded::encoding::<ml_dsa::Set>(key),
            _ => Err(Error::GeneralError),
        },
        Form::MlKemPrivate => match object.prepared()? {
            Prepared::MlKemPrivate(key) => seeded::encoding::<ml_kem::Set>(key),
            _ => Err(Error::GeneralError),
        },
        Form::SlhDsaPrivate => match object.prepared()? {
            Prepared::SlhDsaPrivate(key) => slh_dsa::encoding(key),
            _ => Err(Error::GeneralError),
        },
        Form::None
        | Form::RsaPublic
        | Form::EcPublic
        | Form::EdwardsPublic
        | Form::MlDsaPublic
        | Form::MlKemPublic
        | Form::SlhDsaPublic
        | Form::MontgomeryPublic => Err(Error::KeyNotWrappable),
    }
}

/// Length of [`encoding`], computed without making it.
pub(in crate::object) fn encoding_len(object: &Object) -> Result<usize> {
    let parts = Parts { attributes: object.attributes(), material: object.material()? };
    match Class::of(object.attributes())?.form {
        Form::Secret => Ok(parts.bytes(CKA_VALUE)?.len()),
        Form::RsaPrivate => rsa::encoding_len(parts),
        Form::EcPrivate => Ok(ec::encoding_len(curve(parts.bytes(CKA_EC_PARAMS)?)?)),
        Form::EdwardsPrivate => Ok(okp::EDWARDS.encoding_len()),
        Form::MontgomeryPrivate => Ok(okp::MONTGOMERY.encoding_len()),
        Form::MlDsaPrivate => seeded::encoding_len::<ml_dsa::Set>(parts),
        Form::MlKemPrivate => seeded::encoding_len::<ml_kem::Set>(parts),
        Form::SlhDsaPrivate => slh_dsa::encoding_len(parts),
        Form::None
        | Form::RsaPublic
        | Form::EcPublic
        | Form::EdwardsPublic
        | Form::MlDsaPublic
        | Form::MlKemPublic
        | Form::SlhDsaPublic
        | Form::MontgomeryPublic => Err(Error::KeyNotWrappable),
    }
}

/// What the bytes that `C_UnwrapKey` brought to light contribute to a key of the class and type
/// that `wanted` names. Opaque failure: `CKR_WRAPPED_KEY_INVALID`.
pub fn from_encoding(wanted: &Attributes, bytes: &[u8]) -> Result<Attributes> {
    let class = Class::of(wanted)?;
    match (class.form, class.subtype) {
        (Form::Secret, _) => Ok(Attributes::from_iter([(CKA_VALUE, Value::bytes(bytes))])),
        (form, Some((_, key_type))) if form.is_private() => from_pkcs8(key_type, bytes),
        _ => Err(Error::TemplateInconsistent.because("only private and secret keys are unwrapped")),
    }
}

/// The attributes of a private key in PKCS#8, of a given key type: what `C_UnwrapKey` contributes.
/// Opaque failure: `CKR_WRAPPED_KEY_INVALID`.
pub fn from_pkcs8(key_type: CK_KEY_TYPE, der: &[u8]) -> Result<Attributes> {
    match key_type {
        CKK_RSA => rsa::from_pkcs8(der),
        CKK_EC => ec::from_pkcs8(der),
        CKK_ML_DSA => seeded::from_pkcs8::<ml_dsa::Set>(der),
        CKK_ML_KEM => seeded::from_pkcs8::<ml_kem::Set>(der),
        CKK_SLH_DSA => slh_dsa::from_pkcs8(der),
        CKK_EC_EDWARDS => okp::EDWARDS.decode(der),
        CKK_EC_MONTGOMERY => okp::MONTGOMERY.decode(der),
        _ => None,
    }
    .ok_or(Error::WrappedKeyInvalid)
}

/// The value of a secret key, of a length that its type can have.
fn secret(class: &Class, parts: Parts) -> Result<Secret> {
    let value = parts.bytes(CKA_VALUE)?;
    if !class.takes_value_len(value.len()) {
        return Err(Error::AttributeValueInvalid.because("length of CKA_VALUE"));
    }
    Ok(Secret::new(value.to_vec()))
}

/// Length and check value (section 4.10.2: of AES and triple DES the beginning of an encrypted block
/// of zeros, of other keys the beginning of their SHA-1 hash).
fn secret_derived(all: &Attributes, value: &[u8]) -> Result<Attributes> {
    let check = match all.ulong(CKA_KEY_TYPE) {
        Some(CKK_AES) => {
            let mut block = Vec::new();
            crypto::aes::Blocks::new(
                crypto::aes::Direction::Encrypt,
                &crypto::aes::Mode::Ecb,
                value,
            )
            .and_then(|mut aes| aes.update(&[0; 16], &mut block))
            .map_err(|crypto::Failed| Error::FunctionFailed)?;
            block
        }
        Some(CKK_DES2 | CKK_DES3) => crypto::des3::check_block(value)
            .map_err(|crypto::Failed| Error::FunctionFailed)?
            .to_vec(),
        _ => crypto::hash::Hash::Sha1.digest(value),
    };
    Ok(Attributes::from_iter([
        (CKA_VALUE_LEN, Value::Ulong(ulong(value.len())?)),
        (CKA_CHECK_VALUE, check_value(&check)),
    ]))
}

/// The first three bytes.
pub(in crate::object) fn check_value(bytes: &[u8]) -> Value {
    Value::bytes(bytes.first_chunk::<3>().map_or(&[][..], |three| three))
}

/// A length as attributes have it.
fn ulong(len: usize) -> Result<CK_ULONG> {
    CK_ULONG::try_from(len).map_err(|_| Error::AttributeValueInvalid)
}

/// Length of a DER element whose content has `len` bytes, its tag of one byte included.
fn element_len(len: usize) -> usize {
    let mut octets = 1;
    let mut rest = if len < 0x80 { 0 } else { len };
    while rest > 0 {
        octets += 1;
        rest >>= 8;
    }
    1 + octets + len
}

#[cfg(test)]
mod tests;
