//! `CKM_RSA_PKCS_OAEP`: encrypt and wrap. PKCS#11 3.2, section "PKCS #1 RSA OAEP".
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Wrap, rsa};
use crate::ck::*;
use crate::crypto::{
    Secret,
    oaep::{self, Oaep},
};
use crate::error::{Error, Result};
use crate::object::policy::{Key, Target};

pub(super) const OAEP: Mechanism = Mechanism {
    ckm: CKM_RSA_PKCS_OAEP,
    name: "CKM_RSA_PKCS_OAEP",
    params: Shape::Oaep,
    null: Some(Params::Oaep(Oaep::SHA1)),
    key_types: &[CKK_RSA],
    key_size: rsa::SIZES,
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(Wrap { len, run }),
    unwrap: Some(unwrap),
    ..Mechanism::NONE
};

fn encrypt(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let oaep = read(params)?.clone();
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    let room = oaep.max_message(size).ok_or(Error::KeySizeRange)?;
    Ok(Whole::new(
        Limit(room, Error::DataLenRange),
        move |_| Bound::Exactly(size),
        move |message: &[u8], out: &mut Vec<u8>| {
            let sealed = oaep::encrypt(key.rsa_public()?, &oaep, message);
            out.extend(sealed.map_err(|_| Error::DataInvalid)?);
            Ok(())
        },
    ))
}

fn decrypt(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let oaep = read(params)?.clone();
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    let room = oaep.max_message(size).ok_or(Error::KeySizeRange)?;
    Ok(Whole::new(
        Limit(size, Error::EncryptedDataLenRange),
        move |_| Bound::AtMost(room),
        move |sealed: &[u8], out: &mut Vec<u8>| {
            if sealed.len() != size {
                return Err(Error::EncryptedDataLenRange);
            }
            let opened = oaep::decrypt(key.rsa_private()?, &oaep, sealed);
            out.extend_from_slice(&opened.map_err(|_| Error::EncryptedDataInvalid)?);
            Ok(())
        },
    ))
}

fn len(params: &Params, kek: &Key, target: &Target) -> Result<usize> {
    let size = kek.rsa_public()?.size();
    let room = read(params)?.max_message(size).ok_or(Error::WrappingKeySizeRange)?;
    if target.len()? > room { Err(Error::KeySizeRange) } else { Ok(size) }
}

fn run(params: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    oaep::encrypt(kek.rsa_public()?, read(params)?, &target.encoding()?)
        .map_err(|_| Error::KeySizeRange)
}

fn unwrap(params: &Params, kek: &Key, wrapped: &[u8]) -> Result<Secret> {
    let rsa = kek.rsa_private()?;
    if wrapped.len() != rsa.size() {
        return Err(Error::WrappedKeyLenRange);
    }
    oaep::decrypt(rsa, read(params)?, wrapped).map_err(|_| Error::WrappedKeyInvalid)
}

fn read(params: &Params) -> Result<&Oaep> {
    match params {
        Params::Oaep(oaep) => Ok(oaep),
        _ => Err(Error::MechanismParamInvalid),
    }
}
