//! `CKM_RSA_X_509`: RSA as it is, without padding. PKCS#11 3.2, section "X.509 (raw) RSA".
//!
//! It wraps no keys: a short one can be worked out from a wrapping without padding.
use super::whole::{Limit, Whole};
use super::{Bound, Integrity, Mechanism, Params, Transform, Verify, rsa};
use crate::ck::*;
use crate::crypto::{Secret, same};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) const X509: Mechanism = Mechanism {
    ckm: CKM_RSA_X_509,
    name: "CKM_RSA_X_509",
    key_types: &[CKK_RSA],
    key_size: rsa::SIZES,
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    sign: Some(sign),
    sign_recover: Some(sign),
    verify: Some(verify),
    verify_recover: Some(verify_recover),
    integrity: Integrity::None,
    ..Mechanism::NONE
};

/// What came of the number, which must be below the modulus.
type Raised = Result<Secret>;

fn encrypt(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(shorter(size, move |number| public(&key, number, Error::DataInvalid)))
}

fn decrypt(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    Ok(exact(size, Error::EncryptedDataLenRange, move |number| {
        private(&key, number, Error::EncryptedDataInvalid)
    }))
}

fn sign(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    Ok(shorter(size, move |number| private(&key, number, Error::DataInvalid)))
}

fn verify(_: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(Whole::new(Limit(size, Error::DataLenRange), (), move |content: &[u8], signature: &[u8]| {
        if signature.len() != size {
            return Err(Error::SignatureLenRange);
        }
        let signed = public(&key, signature, Error::SignatureInvalid)?;
        if same(&signed, &padded(content, size)) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }))
}

fn verify_recover(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(exact(size, Error::SignatureLenRange, move |number| {
        public(&key, number, Error::SignatureInvalid)
    }))
}

/// An operation on a number of at most `size` bytes.
fn shorter(
    size: usize,
    raise: impl FnOnce(&[u8]) -> Raised + Send + 'static,
) -> Box<dyn Transform> {
    Whole::new(
        Limit(size, Error::DataLenRange),
        move |_| Bound::Exactly(size),
        move |content: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice(&raise(&padded(content, size))?);
            Ok(())
        },
    )
}

/// An operation on a number of just `size` bytes.
fn exact(
    size: usize,
    wrong_len: Error,
    raise: impl FnOnce(&[u8]) -> Raised + Send + 'static,
) -> Box<dyn Transform> {
    Whole::new(
        Limit(size, wrong_len),
        move |_| Bound::Exactly(size),
        move |number: &[u8], out: &mut Vec<u8>| {
            if number.len() != size {
                return Err(wrong_len);
            }
            out.extend_from_slice(&raise(number)?);
            Ok(())
        },
    )
}

fn public(key: &Key, number: &[u8], too_large: Error) -> Raised {
    key.rsa_public()?.raw(number).map(Secret::new).map_err(|_| too_large)
}

fn private(key: &Key, number: &[u8], too_large: Error) -> Raised {
    key.rsa_private()?.raw(number).map_err(|_| too_large)
}

/// With zeros before it, so that it has `size` bytes.
fn padded(content: &[u8], size: usize) -> Secret {
    let mut number = Secret::new(vec![0; size.saturating_sub(content.len())]);
    number.reserve_exact(content.len());
    number.extend_from_slice(content);
    number
}
