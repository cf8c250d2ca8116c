//! Keys as bytes: PKCS#8 and raw values for wrapping, attributes for objects, prepared keys for use.
use super::attribute::Attributes;
use super::{Object, Prepared};
use crate::ck::*;
use crate::crypto::{Secret, ec, rsa};
use crate::error::Result;

/// The key that `attributes` and `material` describe, ready for use.
pub(in crate::object) fn prepare(attributes: &Attributes, material: Option<&Attributes>) -> Result<Prepared> {
    let _ = (attributes, material);
    todo!()
}

/// The encoding under which a key leaves: PKCS#8 for private keys, the raw value for secret keys.
/// `CKR_KEY_NOT_WRAPPABLE` for what has none (public keys, certificates, data, RSA keys without CRT values).
pub(in crate::object) fn encoding(object: &Object) -> Result<Secret> {
    let _ = object;
    todo!()
}

/// Length of [`encoding`], computed without making it.
pub(in crate::object) fn encoding_len(object: &Object) -> Result<usize> {
    let _ = object;
    todo!()
}

/// The attributes of a private key in PKCS#8, of a given key type: what `C_UnwrapKey` contributes.
/// Opaque failure: `CKR_WRAPPED_KEY_INVALID`.
pub fn from_pkcs8(key_type: CK_KEY_TYPE, der: &[u8]) -> Result<Attributes> {
    let _ = (key_type, der);
    todo!()
}

/// Public and private attributes of a fresh RSA key.
pub fn rsa_attributes(parts: &rsa::Parts) -> (Attributes, Attributes) {
    let _ = parts;
    todo!()
}

/// Public and private attributes of a fresh EC key.
pub fn ec_attributes(key: &ec::PrivateKey) -> Result<(Attributes, Attributes)> {
    let _ = key;
    todo!()
}

/// The curve that `CKA_EC_PARAMS` names.
pub fn curve(ec_params: &[u8]) -> Result<ec::Curve> {
    let _ = ec_params;
    todo!()
}
