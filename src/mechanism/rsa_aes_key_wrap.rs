//! `CKM_RSA_AES_KEY_WRAP`: the target under a fresh AES key (RFC 5649), that key under RSA-OAEP;
//! the second, then the first. PKCS#11 3.2, section "RSA AES KEY WRAP".
use super::params::RsaAesKeyWrap;
use super::{MAX_KEY_LEN, Mechanism, Params, Shape, Wrap};
use crate::ck::{CK_ULONG, CKK_RSA, CKM_RSA_AES_KEY_WRAP};
use crate::crypto::{self, Secret, aes_kw, oaep};
use crate::error::{Error, Result};
use crate::object::policy::{Key, Target};
use std::ops::RangeInclusive;

/// Modulus bits of a key that carries keys to another token. Receivers have no shorter ones.
pub(super) const KEK_SIZES: RangeInclusive<CK_ULONG> = 2048..=8192;

pub(super) const RSA_AES_KEY_WRAP: Mechanism = Mechanism {
    ckm: CKM_RSA_AES_KEY_WRAP,
    name: "CKM_RSA_AES_KEY_WRAP",
    params: Shape::RsaAesKeyWrap,
    null: Some(Params::RsaAesKeyWrap(RsaAesKeyWrap::AZURE)),
    key_types: &[CKK_RSA],
    key_size: KEK_SIZES,
    wrap: Some(Wrap { len, run }),
    unwrap: Some(|params, kek, blob| unwrap(read(params)?, kek, blob)),
    ..Mechanism::NONE
};

fn len(params: &Params, kek: &Key, target: &Target) -> Result<usize> {
    wrapped_len(read(params)?, kek, target.len()?)
}

fn run(params: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    wrap(read(params)?, kek, &target.encoding()?)
}

/// Length of the blob for a target encoded in `len` bytes.
pub(super) fn wrapped_len(params: &RsaAesKeyWrap, kek: &Key, len: usize) -> Result<usize> {
    let size = kek.rsa_public()?.size();
    match params.oaep.max_message(size) {
        Some(room) if room >= params.aes_len => Ok(size + aes_kw::kwp_len(len)),
        _ => Err(Error::WrappingKeySizeRange),
    }
}

/// The blob: OAEP part, then KWP part.
pub(super) fn wrap(params: &RsaAesKeyWrap, kek: &Key, target: &[u8]) -> Result<Vec<u8>> {
    let aes = crypto::random(params.aes_len).map_err(|_| Error::RandomNoRng)?;
    let mut blob = oaep::encrypt(kek.rsa_public()?, &params.oaep, &aes)
        .map_err(|_| Error::WrappingKeySizeRange)?;
    blob.extend(aes_kw::kwp_wrap(&aes, None, target).map_err(|_| Error::KeyNotWrappable)?);
    Ok(blob)
}

/// The target's encoding. Whatever is wrong with a blob of possible length has one code and one
/// timing: an AES key that does not decrypt is replaced by one that opens nothing.
pub(super) fn unwrap(params: &RsaAesKeyWrap, kek: &Key, blob: &[u8]) -> Result<Secret> {
    let rsa = kek.rsa_private()?;
    let (head, tail) = blob.split_at_checked(rsa.size()).ok_or(Error::WrappedKeyLenRange)?;
    if !(aes_kw::KWP_MIN..=aes_kw::kwp_len(MAX_KEY_LEN)).contains(&tail.len())
        || !tail.len().is_multiple_of(8)
    {
        return Err(Error::WrappedKeyLenRange.because(format!("{} bytes", blob.len())));
    }
    let nothing = crypto::random(params.aes_len).map_err(|_| Error::RandomNoRng)?;
    let aes = match oaep::decrypt(rsa, &params.oaep, head) {
        Ok(aes) if aes.len() == params.aes_len => aes,
        _ => nothing,
    };
    aes_kw::kwp_unwrap(&aes, None, tail).map_err(|_| Error::WrappedKeyInvalid)
}

fn read(params: &Params) -> Result<&RsaAesKeyWrap> {
    match params {
        Params::RsaAesKeyWrap(params) => Ok(params),
        _ => Err(Error::MechanismParamInvalid),
    }
}
