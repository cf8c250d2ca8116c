//! Triple DES, for old data only: there if `legacy` is set. PKCS#11 3.2, section "Double and
//! Triple-length DES".
use super::aes::{Cipher, Padding};
use super::aes_mac::mac_len;
use super::mac::Signing;
use super::wrapping::{self, Ways};
use super::{Integrity, Mechanism, Params, Shape, Transform, Wrap, generic_secret};
use crate::ck::*;
use crate::crypto::aes::{Cmac, Direction};
use crate::crypto::des3::{self, BLOCK};
use crate::error::{Error, Result};
use crate::object::policy::Key;

/// What the rows of this file have in common. Key sizes are in bytes.
const DES3: Mechanism = Mechanism {
    key_types: &[CKK_DES3, CKK_DES2],
    key_size: 16..=24,
    legacy: true,
    ..Mechanism::NONE
};

pub(super) const KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_DES3_KEY_GEN,
    name: "CKM_DES3_KEY_GEN",
    key_types: &[CKK_DES3],
    key_size: 24..=24,
    // the object sets the parity
    generate: Some(|_, template| generic_secret::random_value(template, 24..=24)),
    ..DES3
};

pub(super) const DES2_KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_DES2_KEY_GEN,
    name: "CKM_DES2_KEY_GEN",
    key_types: &[CKK_DES2],
    key_size: 16..=16,
    generate: Some(|_, template| generic_secret::random_value(template, 16..=16)),
    ..DES3
};

pub(super) const ECB: Mechanism = Mechanism {
    ckm: CKM_DES3_ECB,
    name: "CKM_DES3_ECB",
    encrypt: Some(ECB_WAYS.encrypt),
    decrypt: Some(ECB_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(BLOCK, ECB_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(ECB_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(ECB_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..DES3
};

pub(super) const CBC: Mechanism = Mechanism {
    ckm: CKM_DES3_CBC,
    name: "CKM_DES3_CBC",
    params: Shape::Iv(BLOCK),
    encrypt: Some(CBC_WAYS.encrypt),
    decrypt: Some(CBC_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(BLOCK, CBC_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(CBC_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CBC_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..DES3
};

pub(super) const CBC_PAD: Mechanism = Mechanism {
    ckm: CKM_DES3_CBC_PAD,
    name: "CKM_DES3_CBC_PAD",
    params: Shape::Iv(BLOCK),
    encrypt: Some(PAD_WAYS.encrypt),
    decrypt: Some(PAD_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len(PAD_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(PAD_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(PAD_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::PaddingOnly,
    comparable: true,
    ..DES3
};

pub(super) const CMAC: Mechanism = Mechanism {
    ckm: CKM_DES3_CMAC,
    name: "CKM_DES3_CMAC",
    sign: Some(|_, key| Ok(cmac(key, BLOCK)?)),
    verify: Some(|_, key| Ok(cmac(key, BLOCK)?)),
    ..DES3
};

pub(super) const CMAC_GENERAL: Mechanism = Mechanism {
    ckm: CKM_DES3_CMAC_GENERAL,
    name: "CKM_DES3_CMAC_GENERAL",
    params: Shape::MacLen,
    sign: Some(|params, key| Ok(cmac(key, mac_len(params, BLOCK)?)?)),
    verify: Some(|params, key| Ok(cmac(key, mac_len(params, BLOCK)?)?)),
    ..DES3
};

const ECB_WAYS: Ways = Ways {
    encrypt: |_, key| start(Direction::Encrypt, Padding::None, None, key),
    decrypt: |_, key| start(Direction::Decrypt, Padding::None, None, key),
};

const CBC_WAYS: Ways = Ways {
    encrypt: |p, key| start(Direction::Encrypt, Padding::None, Some(iv(p)?), key),
    decrypt: |p, key| start(Direction::Decrypt, Padding::None, Some(iv(p)?), key),
};

const PAD_WAYS: Ways = Ways {
    encrypt: |p, key| start(Direction::Encrypt, Padding::Pkcs7, Some(iv(p)?), key),
    decrypt: |p, key| start(Direction::Decrypt, Padding::Pkcs7, Some(iv(p)?), key),
};

fn iv(params: &Params) -> Result<&[u8; BLOCK]> {
    match params {
        Params::Iv(iv) => iv.as_slice().try_into().map_err(|_| Error::MechanismParamInvalid),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn start(
    direction: Direction,
    padding: Padding,
    iv: Option<&[u8; BLOCK]>,
    key: &Key,
) -> Result<Box<dyn Transform>> {
    let blocks = des3::blocks(direction, key.secret()?, iv).map_err(|_| Error::KeySizeRange)?;
    Ok(Cipher::with(BLOCK, direction, padding, blocks))
}

fn cmac(key: &Key, len: usize) -> Result<Box<Signing<Cmac<BLOCK>>>> {
    let cmac = des3::cmac(key.secret()?).map_err(|_| Error::KeySizeRange)?;
    Ok(Signing::start(cmac, len))
}
