//! What derivations have in common: how long a key the template wants, and the key.
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::hash::Hash;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use crate::object::class::{Class, Form};

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

/// The length of a key whose template has no `CKA_VALUE_LEN`: the only one that its type has, or that of
/// the hash it is derived with, if keys of the type can be so long. Data objects are as long as the hash.
pub(super) fn natural_len(template: &Attributes, hash: Option<Hash>) -> Result<Option<usize>> {
    let class = Class::of(template).ok().filter(|class| class.form == Form::Secret);
    let only = class.and_then(|class| match class.value_len {
        [lengths] if lengths.start() == lengths.end() => Some(*lengths.end()),
        _ => None,
    });
    let hashed = hash.map(Hash::size);
    let hashed = hashed.filter(|len| class.is_none_or(|class| class.takes_value_len(*len)));
    Ok(len(template)?.or(only).or(hashed))
}

/// `CKA_VALUE_LEN` of the template, where nothing else says how long the key will be.
pub(super) fn needed_len(template: &Attributes) -> Result<usize> {
    possible(len(template)?)
}

/// A length that a key can have, or `CKR_TEMPLATE_INCOMPLETE` if nothing says how long it will be.
pub(super) fn possible(len: Option<usize>) -> Result<usize> {
    match len {
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
