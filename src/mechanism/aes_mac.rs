//! CMAC and GMAC. PKCS#11 3.2, sections "AES-CMAC" and "AES-GMAC".
use super::aes::AES;
use super::mac::{Mac, Signing};
use super::{Integrity, Mechanism, Params, Shape};
use crate::ck::*;
use crate::crypto::Failed;
use crate::crypto::aes::{Cmac, Gmac};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) const CMAC: Mechanism = Mechanism {
    ckm: CKM_AES_CMAC,
    name: "CKM_AES_CMAC",
    sign: Some(|_, key| Ok(cmac(key, 16)?)),
    verify: Some(|_, key| Ok(cmac(key, 16)?)),
    ..AES
};

pub(super) const CMAC_GENERAL: Mechanism = Mechanism {
    ckm: CKM_AES_CMAC_GENERAL,
    name: "CKM_AES_CMAC_GENERAL",
    params: Shape::MacLen,
    sign: Some(|params, key| Ok(cmac(key, mac_len(params, 16)?)?)),
    verify: Some(|params, key| Ok(cmac(key, mac_len(params, 16)?)?)),
    ..AES
};

pub(super) const GMAC: Mechanism = Mechanism {
    ckm: CKM_AES_GMAC,
    name: "CKM_AES_GMAC",
    params: Shape::Gcm,
    integrity: Integrity::None,
    sign: Some(|params, key| Ok(gmac(params, key)?)),
    verify: Some(|params, key| Ok(gmac(params, key)?)),
    ..AES
};

impl<const N: usize> Mac for Cmac<N> {
    fn update(&mut self, part: &[u8]) -> std::result::Result<(), Failed> {
        Cmac::update(self, part)
    }
    fn finish(self) -> std::result::Result<Vec<u8>, Failed> {
        Cmac::finish(self).map(Vec::from)
    }
}

impl Mac for Gmac {
    fn update(&mut self, part: &[u8]) -> std::result::Result<(), Failed> {
        Gmac::update(self, part)
    }
    fn finish(self) -> std::result::Result<Vec<u8>, Failed> {
        Gmac::finish(self)
    }
}

/// The length that the parameter asks for: up to a block.
pub(super) fn mac_len(params: &Params, block: usize) -> Result<usize> {
    match params {
        Params::MacLen(len) if (1..=block).contains(len) => Ok(*len),
        _ => Err(Error::MechanismParamInvalid.because("a CMAC has 1 byte to a block")),
    }
}

fn cmac(key: &Key, len: usize) -> Result<Box<Signing<Cmac>>> {
    let cmac = Cmac::new(key.secret()?).map_err(|_| Error::KeySizeRange)?;
    Ok(Signing::start(cmac, len))
}

/// The message is the associated data, so the parameter has none.
fn gmac(params: &Params, key: &Key) -> Result<Box<Signing<Gmac>>> {
    match params {
        Params::Gcm(gcm) if gcm.aad.is_empty() => {
            let gmac = Gmac::new(key.secret()?, gcm).map_err(|_| Error::KeySizeRange)?;
            Ok(Signing::start(gmac, gcm.tag_len))
        }
        _ => Err(Error::MechanismParamInvalid.because("GMAC takes associated data as its message")),
    }
}
