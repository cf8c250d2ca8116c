//! Wrapping by encryption: the key's encoding is the plaintext. PKCS#11 3.2, section 5.18.3.
use super::{Bound, Params, Start, Transform};
use crate::ck::{CKA_CLASS, CKO_SECRET_KEY};
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::object::policy::{Key, Target};

/// A cipher's two ways, for rows that encrypt and wrap alike.
pub(super) struct Ways {
    pub(super) encrypt: Start<dyn Transform>,
    pub(super) decrypt: Start<dyn Transform>,
}

/// Length of the wrapping of `target`, if it can be wrapped so.
pub(super) fn len(
    encrypt: Start<dyn Transform>,
    params: &Params,
    kek: &Key,
    target: &Target,
) -> Result<usize> {
    match encrypt(params, kek)?.finish_len(target.len()?) {
        Bound::Exactly(len) => Ok(len),
        Bound::AtMost(_) => Err(Error::KeyNotWrappable),
    }
}

/// The wrapping.
pub(super) fn run(
    encrypt: Start<dyn Transform>,
    params: &Params,
    kek: &Key,
    target: &Target,
) -> Result<Vec<u8>> {
    let mut wrapped = Vec::new();
    let run = encrypt(params, kek)?.single(&target.encoding()?, &mut wrapped);
    run.map(|()| wrapped).map_err(|error| match error {
        Error::DataLenRange => Error::KeySizeRange,
        error => error,
    })
}

/// [`len`] for modes that neither pad nor take parts of blocks: secret keys of whole blocks.
pub(super) fn len_of_blocks(
    block: usize,
    encrypt: Start<dyn Transform>,
    params: &Params,
    kek: &Key,
    target: &Target,
) -> Result<usize> {
    if target.attributes().ulong(CKA_CLASS) != Some(CKO_SECRET_KEY) {
        return Err(Error::KeyNotWrappable.because("only secret keys, without padding"));
    }
    if !target.len()?.is_multiple_of(block) {
        return Err(Error::KeySizeRange.because("not of whole blocks"));
    }
    len(encrypt, params, kek, target)
}

/// What was wrapped. Whatever the content is at fault for has one code.
pub(super) fn unwrap(
    decrypt: Start<dyn Transform>,
    params: &Params,
    kek: &Key,
    wrapped: &[u8],
) -> Result<Secret> {
    if wrapped.len() > LONGEST {
        return Err(Error::WrappedKeyLenRange);
    }
    let mut encoding = Secret::new(Vec::with_capacity(wrapped.len()));
    let run = decrypt(params, kek)?.single(wrapped, &mut encoding);
    run.map(|()| encoding).map_err(|error| match error {
        Error::EncryptedDataLenRange => Error::WrappedKeyLenRange,
        Error::EncryptedDataInvalid => Error::WrappedKeyInvalid,
        error => error,
    })
}

/// Longest wrapping: padding and tag take a few blocks at most.
const LONGEST: usize = super::MAX_KEY_LEN + 64;
