//! What derivations have in common: how long a key the template wants, and the key.
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};

/// Types of keys whose value is a string of bytes: what goes into most derivations.
pub(super) const SECRETS: &[CK_KEY_TYPE] = &[
    CKK_GENERIC_SECRET,
    CKK_HKDF,
    CKK_AES,
    CKK_SHA_1_HMAC,
    CKK_SHA224_HMAC,
    CKK_SHA256_HMAC,
    CKK_SHA384_HMAC,
    CKK_SHA512_HMAC,
    CKK_SHA512_224_HMAC,
    CKK_SHA512_256_HMAC,
    CKK_SHA3_224_HMAC,
    CKK_SHA3_256_HMAC,
    CKK_SHA3_384_HMAC,
    CKK_SHA3_512_HMAC,
];

/// `CKA_VALUE_LEN` of the template, if it has one.
pub(super) fn len(template: &Attributes) -> Result<Option<usize>> {
    let len = template.ulong(CKA_VALUE_LEN).map(usize::try_from).transpose();
    len.map_err(|_| Error::KeySizeRange)
}

/// The same, where nothing else says how long the key will be.
pub(super) fn needed_len(template: &Attributes) -> Result<usize> {
    match len(template)? {
        Some(0) => Err(Error::KeySizeRange),
        Some(len) if len <= super::MAX_KEY_LEN => Ok(len),
        Some(_) => Err(Error::KeySizeRange),
        None => Err(Error::TemplateIncomplete.because("CKA_VALUE_LEN")),
    }
}

/// The attributes of a key of these bytes.
pub(super) fn key(value: Secret) -> Attributes {
    Attributes::from_iter([(CKA_VALUE, Value::Bytes(value))])
}
