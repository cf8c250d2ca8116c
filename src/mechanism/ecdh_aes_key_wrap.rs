//! `CKM_ECDH_AES_KEY_WRAP` and its kin: the target under an AES key (RFC 5649) that an ephemeral key
//! pair agrees on with the wrapping key; the ephemeral public key, then the wrapped target. PKCS#11
//! 3.2, section "ECDH AES KEY WRAP".
//!
//! The standard's parts are told apart by length: the public key, bare, is as long as the wrapping
//! key's. One in an OCTET STRING, as others write it, makes a blob of another length modulo 8.
use super::params::EcdhAesKeyWrap;
use super::{MAX_KEY_LEN, Mechanism, Params, Shape, Wrap, ec, ecdh};
use crate::ck::*;
use crate::crypto::{Secret, aes_kw, ec as curves, montgomery};
use crate::error::{Error, Result};
use crate::object::policy::{Key, Target};

pub(super) const ANY: Mechanism = Mechanism {
    ckm: CKM_ECDH_AES_KEY_WRAP,
    name: "CKM_ECDH_AES_KEY_WRAP",
    params: Shape::EcdhAesKeyWrap,
    key_types: &[CKK_EC, CKK_EC_MONTGOMERY],
    key_size: ec::SIZES,
    wrap: Some(Wrap { len, run }),
    unwrap: Some(unwrap),
    ..Mechanism::NONE
};

/// For Montgomery curves alone.
pub(super) const X: Mechanism = Mechanism {
    ckm: CKM_ECDH_X_AES_KEY_WRAP,
    name: "CKM_ECDH_X_AES_KEY_WRAP",
    key_types: &[CKK_EC_MONTGOMERY],
    key_size: 255..=255,
    ..ANY
};

/// With the cofactor, which is 1 on every curve that this is for.
pub(super) const COFACTOR: Mechanism = Mechanism {
    ckm: CKM_ECDH_COF_AES_KEY_WRAP,
    name: "CKM_ECDH_COF_AES_KEY_WRAP",
    key_types: &[CKK_EC],
    ..ANY
};

fn len(params: &Params, kek: &Key, target: &Target) -> Result<usize> {
    read(params)?;
    let public = match kek.attributes().ulong(CKA_KEY_TYPE) {
        Some(CKK_EC_MONTGOMERY) => kek.montgomery_public()?.bytes().len(),
        _ => kek.ec_public()?.point().len(),
    };
    Ok(public + aes_kw::kwp_len(target.len()?))
}

fn run(params: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    let params = read(params)?;
    let (mut blob, shared) = ephemeral(kek)?;
    let aes = aes_key(params, &shared)?;
    let wrapped = aes_kw::kwp_wrap(&aes, None, &target.encoding()?);
    blob.extend(wrapped.map_err(|_| Error::KeyNotWrappable)?);
    Ok(blob)
}

/// A fresh public key, and what it shares with the wrapping key.
fn ephemeral(kek: &Key) -> Result<(Vec<u8>, Secret)> {
    let no_rng = |_| Error::RandomNoRng;
    let (public, shared) = match kek.attributes().ulong(CKA_KEY_TYPE) {
        Some(CKK_EC_MONTGOMERY) => {
            let own = montgomery::PrivateKey::generate().map_err(no_rng)?;
            (own.public().bytes().to_vec(), own.agree(kek.montgomery_public()?))
        }
        _ => {
            let peer = kek.ec_public()?;
            let own = curves::PrivateKey::generate(peer.curve()).map_err(no_rng)?;
            (own.point().to_vec(), own.agree(peer))
        }
    };
    // only a wrapping key of small order shares nothing
    Ok((public, shared.map_err(|_| Error::KeyNotWrappable)?))
}

/// Whatever is wrong with a blob of possible length has one code.
fn unwrap(params: &Params, kek: &Key, blob: &[u8]) -> Result<Secret> {
    let params = read(params)?;
    let bare = match kek.attributes().ulong(CKA_KEY_TYPE) {
        Some(CKK_EC_MONTGOMERY) => montgomery::LEN,
        _ => kek.ec_private()?.point().len(),
    };
    // an OCTET STRING has a header of two bytes, of three if there are 128 or more inside
    let whole = bare + if bare < 0x80 { 2 } else { 3 };
    let head = if blob.len() % 8 == bare % 8 { bare } else { whole };
    let (public, wrapped) = blob.split_at_checked(head).ok_or(Error::WrappedKeyLenRange)?;
    if !(aes_kw::KWP_MIN..=aes_kw::kwp_len(MAX_KEY_LEN)).contains(&wrapped.len())
        || !wrapped.len().is_multiple_of(8)
    {
        return Err(Error::WrappedKeyLenRange);
    }
    let shared = ecdh::agree(kek, public).map_err(|_| Error::WrappedKeyInvalid)?;
    let aes = aes_key(params, &shared)?;
    aes_kw::kwp_unwrap(&aes, None, wrapped).map_err(|_| Error::WrappedKeyInvalid)
}

fn aes_key(params: &EcdhAesKeyWrap, shared: &Secret) -> Result<Secret> {
    ecdh::expand(params.kdf, shared, &params.shared_data, Some(params.aes_len))
        .map_err(|_| Error::MechanismParamInvalid.because("no AES key of this length"))
}

fn read(params: &Params) -> Result<&EcdhAesKeyWrap> {
    match params {
        Params::EcdhAesKeyWrap(params) => Ok(params),
        _ => Err(Error::MechanismParamInvalid),
    }
}
