//! Keys put together from the bytes of others, or taken out of them. PKCS#11 3.2, section
//! "Miscellaneous simple key derivation mechanisms".
//!
//! Such a key is hidden as its bases are, and a part of a hidden key is made only if it allows so:
//! [`policy::divide`].
use super::{Derived, Mechanism, Params, Shape, derived};
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::{self, Key};

pub(super) const BASE_AND_KEY: Mechanism = Mechanism {
    ckm: CKM_CONCATENATE_BASE_AND_KEY,
    name: "CKM_CONCATENATE_BASE_AND_KEY",
    params: Shape::OtherKey,
    key_types: derived::SECRETS,
    key_size: 1..=4096,
    derive: Some(|params, base, template| match params {
        Params::OtherKey(key) => {
            begin(&[base.secret()?, key.secret()?], &[base, key.key()?], template)
        }
        _ => Err(Error::MechanismParamInvalid),
    }),
    derives: Derived::Bytes,
    ..Mechanism::NONE
};

pub(super) const BASE_AND_DATA: Mechanism = Mechanism {
    ckm: CKM_CONCATENATE_BASE_AND_DATA,
    name: "CKM_CONCATENATE_BASE_AND_DATA",
    params: Shape::StringData,
    derive: Some(|params, base, template| {
        begin(&[base.secret()?, data(params)?], &[base], template)
    }),
    ..BASE_AND_KEY
};

pub(super) const DATA_AND_BASE: Mechanism = Mechanism {
    ckm: CKM_CONCATENATE_DATA_AND_BASE,
    name: "CKM_CONCATENATE_DATA_AND_BASE",
    derive: Some(|params, base, template| {
        begin(&[data(params)?, base.secret()?], &[base], template)
    }),
    ..BASE_AND_DATA
};

pub(super) const XOR: Mechanism = Mechanism {
    ckm: CKM_XOR_BASE_AND_DATA,
    name: "CKM_XOR_BASE_AND_DATA",
    derive: Some(xor),
    ..BASE_AND_DATA
};

pub(super) const EXTRACT: Mechanism = Mechanism {
    ckm: CKM_EXTRACT_KEY_FROM_KEY,
    name: "CKM_EXTRACT_KEY_FROM_KEY",
    params: Shape::Bit,
    derive: Some(extract),
    ..BASE_AND_KEY
};

fn data(params: &Params) -> Result<&[u8]> {
    match params {
        Params::StringData(data) => Ok(data),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The beginning of `parts`, as long as the template says: all of them if it does not. `bases` are
/// the keys in it.
fn begin(parts: &[&[u8]], bases: &[&Key], template: &Attributes) -> Result<Attributes> {
    let all: usize = parts.iter().map(|part| part.len()).sum();
    let len = derived::len(template)?.unwrap_or(all);
    if len > all || len == 0 {
        return Err(Error::KeySizeRange);
    }
    if len < all {
        bases.iter().try_for_each(|base| policy::divide(base))?;
    }
    let mut value = Secret::new(Vec::with_capacity(all));
    parts.iter().for_each(|part| value.extend_from_slice(part));
    value.truncate(len);
    Ok(derived::key(value))
}

/// As long as the shorter of the two, or as the template says.
fn xor(params: &Params, base: &Key, template: &Attributes) -> Result<Attributes> {
    let (secret, data) = (base.secret()?, data(params)?);
    let both = Secret::new(secret.iter().zip(data).map(|(a, b)| a ^ b).collect());
    if both.len() < secret.len() {
        policy::divide(base)?;
    }
    begin(&[&both], &[base], template)
}

/// From one bit on, counted from the most significant of the first byte; what runs out at the end
/// goes on at the beginning.
fn extract(params: &Params, base: &Key, template: &Attributes) -> Result<Attributes> {
    let Params::Bit(bit) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let (secret, len) = (base.secret()?, derived::needed_len(template)?);
    policy::divide(base)?;
    if *bit >= secret.len() * 8 {
        return Err(Error::MechanismParamInvalid.because("the key has no such bit"));
    }
    if len > secret.len() {
        return Err(Error::KeySizeRange);
    }
    let bytes = secret.iter().cycle().skip(bit / 8);
    let pairs = bytes.clone().zip(bytes.skip(1)).take(len);
    let shift = bit % 8;
    let value = pairs.map(|(a, b)| {
        let [high, _] = (u16::from_be_bytes([*a, *b]) << shift).to_be_bytes();
        high
    });
    Ok(derived::key(Secret::new(value.collect())))
}
