//! Triple DES, for old data only: decrypts and unwraps if `legacy_des3` is set, and never encrypts.
//! PKCS#11 3.2, section "Double and Triple-length DES".
use super::aes::{Cipher, Padding};
use super::{Integrity, Mechanism, Params, Shape, Transform, wrapping};
use crate::ck::*;
use crate::crypto::aes::Direction;
use crate::crypto::des3::{self, BLOCK};
use crate::error::{Error, Result};
use crate::object::policy::Key;

const DES3: Mechanism =
    Mechanism { key_types: &[CKK_DES3], key_size: 24..=24, legacy: true, ..Mechanism::NONE };

pub(super) const ECB: Mechanism = Mechanism {
    ckm: CKM_DES3_ECB,
    name: "CKM_DES3_ECB",
    decrypt: Some(|_, key| decrypt(Padding::None, None, key)),
    unwrap: Some(|p, kek, wrapped| {
        wrapping::unwrap(|_, key| decrypt(Padding::None, None, key), p, kek, wrapped)
    }),
    integrity: Integrity::None,
    ..DES3
};

pub(super) const CBC: Mechanism = Mechanism {
    ckm: CKM_DES3_CBC,
    name: "CKM_DES3_CBC",
    params: Shape::Iv(BLOCK),
    decrypt: Some(cbc),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(cbc, p, kek, wrapped)),
    integrity: Integrity::None,
    ..DES3
};

pub(super) const CBC_PAD: Mechanism = Mechanism {
    ckm: CKM_DES3_CBC_PAD,
    name: "CKM_DES3_CBC_PAD",
    params: Shape::Iv(BLOCK),
    decrypt: Some(cbc_pad),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(cbc_pad, p, kek, wrapped)),
    integrity: Integrity::PaddingOnly,
    ..DES3
};

fn cbc(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    decrypt(Padding::None, Some(iv(params)?), key)
}

fn cbc_pad(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    decrypt(Padding::Pkcs7, Some(iv(params)?), key)
}

fn iv(params: &Params) -> Result<&[u8; BLOCK]> {
    match params {
        Params::Iv(iv) => iv.as_slice().try_into().map_err(|_| Error::MechanismParamInvalid),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn decrypt(padding: Padding, iv: Option<&[u8; BLOCK]>, key: &Key) -> Result<Box<dyn Transform>> {
    let blocks = des3::decrypt(key.secret()?, iv).map_err(|_| Error::KeySizeRange)?;
    Ok(Cipher::with(BLOCK, Direction::Decrypt, padding, blocks))
}
