//! HKDF (RFC 5869): keys, data, and keys to derive from. PKCS#11 3.2, section "HKDF Mechanisms".
use super::params::{Hkdf, Salt};
use super::{Derived, Mechanism, Params, Shape, derived, generic_secret};
use crate::ck::*;
use crate::crypto::{Secret, kdf};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::Key;

/// The longest key of these types in bytes.
const LONGEST: usize = 4096;

pub(super) const DERIVE: Mechanism = Mechanism {
    ckm: CKM_HKDF_DERIVE,
    name: "CKM_HKDF_DERIVE",
    params: Shape::Hkdf,
    key_types: derived::SECRETS,
    key_size: 1..=LONGEST as CK_ULONG,
    derive: Some(derive),
    ..Mechanism::NONE
};

pub(super) const DATA: Mechanism =
    Mechanism { ckm: CKM_HKDF_DATA, name: "CKM_HKDF_DATA", derives: Derived::Data, ..DERIVE };

pub(super) const KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_HKDF_KEY_GEN,
    name: "CKM_HKDF_KEY_GEN",
    key_types: &[CKK_HKDF],
    key_size: 1..=LONGEST as CK_ULONG,
    generate: Some(|_: &Params, template| generic_secret::random_value(template, 1..=LONGEST)),
    ..Mechanism::NONE
};

fn derive(params: &Params, key: &Key, template: &Attributes) -> Result<Attributes> {
    let Params::Hkdf(Hkdf { extract, expand, hash }) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let secret = key.secret()?;
    let prk = match extract {
        None => secret.clone(),
        Some(salt) => {
            let salt = match salt {
                Salt::None => &[],
                Salt::Data(salt) => salt.as_slice(),
                Salt::Key(key) => key.secret()?.as_slice(),
            };
            kdf::hkdf_extract(*hash, salt, secret).map_err(|_| Error::FunctionFailed)?
        }
    };
    let value = match expand {
        Some(info) => {
            let len = derived::possible(derived::natural_len(template, Some(*hash))?)?;
            kdf::hkdf_expand(*hash, &prk, info, len).map_err(|_| Error::KeySizeRange)?
        }
        None => whole(prk, derived::len(template)?)?,
    };
    Ok(derived::key(value))
}

/// What was extracted is as long as the hash, and no other length is asked for.
fn whole(prk: Secret, len: Option<usize>) -> Result<Secret> {
    match len {
        Some(len) if len != prk.len() => Err(Error::KeySizeRange),
        _ => Ok(prk),
    }
}
