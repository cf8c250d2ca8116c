//! Keys derived by encrypting data: `CKM_AES_ECB_ENCRYPT_DATA`, `CKM_AES_CBC_ENCRYPT_DATA`. PKCS#11
//! 3.2, section "Key derivation by data encryption - DES & AES".
use super::aes::AES;
use super::{Integrity, Mechanism, Params, Shape};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::aes::{Blocks, Direction, Mode};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use crate::object::class::Class;
use crate::object::policy::Key;

pub(super) const ECB_ENCRYPT_DATA: Mechanism = Mechanism {
    ckm: CKM_AES_ECB_ENCRYPT_DATA,
    name: "CKM_AES_ECB_ENCRYPT_DATA",
    params: Shape::StringData,
    integrity: Integrity::None,
    derive: Some(|params, key, template| match params {
        Params::StringData(data) => derive(&Mode::Ecb, data, key, template),
        _ => Err(Error::MechanismParamInvalid),
    }),
    ..AES
};

pub(super) const CBC_ENCRYPT_DATA: Mechanism = Mechanism {
    ckm: CKM_AES_CBC_ENCRYPT_DATA,
    name: "CKM_AES_CBC_ENCRYPT_DATA",
    params: Shape::CbcData,
    integrity: Integrity::None,
    derive: Some(|params, key, template| match params {
        Params::CbcData { iv, data } => derive(&Mode::Cbc { iv: *iv }, data, key, template),
        _ => Err(Error::MechanismParamInvalid),
    }),
    ..AES
};

fn derive(mode: &Mode, data: &[u8], key: &Key, template: &Attributes) -> Result<Attributes> {
    let mut value = Secret::new(Vec::with_capacity(data.len()));
    Blocks::new(Direction::Encrypt, mode, key.secret()?)
        .and_then(|mut blocks| blocks.update(data, &mut value))
        .map_err(|_| Error::MechanismParamInvalid.because("the data is not of whole blocks"))?;
    let len = wanted(template, value.len())?;
    if len == 0 || len > value.len() {
        return Err(Error::KeySizeRange.because("more than the data gives"));
    }
    value.truncate(len);
    Ok(Attributes::from_iter([(CKA_VALUE, Value::Bytes(value))]))
}

/// How long the template wants the key: as it says, as all keys of the type are, or all there is.
fn wanted(template: &Attributes, all: usize) -> Result<usize> {
    if let Some(len) = template.ulong(CKA_VALUE_LEN) {
        return usize::try_from(len).map_err(|_| Error::KeySizeRange);
    }
    match Class::of(template)?.value_len {
        [only] if only.start() == only.end() => Ok(*only.end()),
        _ => Ok(all),
    }
}
