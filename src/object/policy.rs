//! The gate: who may see, use, change, copy, wrap or destroy an object. Every such rule is here.
//!
//! Key material leaves [`object`](super) only through [`Key`] (for use), [`Target`] (for wrapping)
//! and [`reveal`] (for `C_GetAttributeValue`), and only this file makes those.
mod act;
mod descent;
mod encapsulate;
mod heritage;
mod key;

use super::attribute::{self, Attributes, Value};
use super::class::{self, Class};
use super::template::Origin;
use super::{Object, Prepared, encode};
use crate::ck::*;
use crate::crypto::{Secret, ml_dsa, ml_kem};
use crate::error::{Error, Result};
pub use act::{Act, Use};
pub use descent::{alike, as_hidden, derived, descent, divide, inheriting, kept_hidden, unwrapped};
pub use encapsulate::{decapsulated, encapsulated};
#[cfg(test)]
pub(crate) use heritage::IN_PARTS;
pub use key::{Key, Target};
use std::sync::Arc;

/// Who is logged in to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nobody.
    Public,
    /// The user.
    User,
    /// The security officer.
    So,
}

/// Whether a session may change token objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// May `key` be used so?
pub fn permit(wanted: &Use, key: Arc<Object>) -> Result<Key> {
    let rule = wanted.act.rule();
    let class = key.class();
    if !matches!(class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        return Err(rule.no_such_key);
    }
    let of_type = key.key_type().is_some_and(|t| wanted.key_types.contains(&t));
    if !of_type || (class != CKO_SECRET_KEY && class != rule.half) {
        return Err(rule.wrong_type);
    }
    if rule.usage.is_some_and(|usage| !key.is(usage)) {
        return Err(Error::KeyFunctionNotPermitted);
    }
    if !allows(key.attributes(), wanted.mechanism) {
        return Err(Error::MechanismInvalid.because("not in the key's CKA_ALLOWED_MECHANISMS"));
    }
    descent::opens_whole(wanted, &key)?;
    match size(key.attributes()) {
        Some(size) if wanted.key_size.contains(&size) => Ok(Key(key)),
        _ => Err(rule.wrong_size),
    }
}

/// Lets `target` leave the token under `kek` by the mechanism of `wanted`.
///
/// PKCS#11 3.2, section 5.18.3, and the attributes of sections 4.9 and 4.10 it refers to.
pub fn export(kek: &Key, target: Arc<Object>, wanted: &Use) -> Result<Target> {
    if !matches!(target.class(), CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        return Err(Error::KeyNotWrappable);
    }
    if !target.is(CKA_EXTRACTABLE) {
        return Err(Error::KeyUnextractable);
    }
    if target.is(CKA_WRAP_WITH_TRUSTED) && !kek.0.is(CKA_TRUSTED) {
        return Err(
            Error::KeyNotWrappable.because("CKA_WRAP_WITH_TRUSTED, and the KEK is not CKA_TRUSTED")
        );
    }
    if let Some(Value::Template(wanted)) = kek.attributes().value(CKA_WRAP_TEMPLATE)
        && !super::index::matches(&target, wanted)
    {
        return Err(
            Error::KeyHandleInvalid.because("the key does not match the KEK's CKA_WRAP_TEMPLATE")
        );
    }
    incomparable(kek, &target, wanted)?;
    // A KEK that somebody replaced in the store would carry every key out to them.
    if !kek.0.is_verified() || !target.is_verified() {
        return Err(Error::UserNotLoggedIn.because("the token's seals are checked at login"));
    }
    Ok(Target(target))
}

/// Checks that a wrapping under `kek` shows no other key that it carries. Where wrappings can be compared
/// part by part, the caller wraps a key of his own with the IV of another wrapping, and learns that
/// one. So a KEK that guards what it unwraps, or that carries a key with `CKA_WRAP_WITH_TRUSTED`, must
/// name such a mechanism in its `CKA_ALLOWED_MECHANISMS`. A nonce of the token is no way out: the
/// caller learns it and uses it again. `CKR_MECHANISM_INVALID`.
fn incomparable(kek: &Key, target: &Object, wanted: &Use) -> Result<()> {
    let guarded = target.is(CKA_WRAP_WITH_TRUSTED) || heritage::guards(&kek.0);
    if guarded && wanted.comparable && !descent::names(kek.attributes(), wanted.mechanism) {
        return Err(Error::MechanismInvalid
            .because("guarded keys, and not named in the KEK's CKA_ALLOWED_MECHANISMS"));
    }
    Ok(())
}

/// The value of a secret key for a digest by `mechanism` to take in: PKCS#11 3.2, section 5.12.4.
/// `CKR_KEY_INDIGESTIBLE` for a key that is not extractable, that leaves under trusted KEKs only, or
/// that is kept for other mechanisms: a digest tells whether a guess is right. A sensitive key that any
/// KEK may carry is taken in, since its user can wrap it under a key of his own.
pub fn digestible(mechanism: CK_MECHANISM_TYPE, key: Arc<Object>) -> Result<Secret> {
    let free = key.is(CKA_EXTRACTABLE) && !key.is(CKA_WRAP_WITH_TRUSTED);
    let may = free && allows(key.attributes(), mechanism);
    match key.prepared() {
        Ok(Prepared::Secret(key)) if may => Ok(key.value().clone()),
        _ => Err(Error::KeyIndigestible),
    }
}

/// The value of an attribute, if it may be seen: PKCS#11 3.2, section 5.7.5. A text, number or date that
/// the class has and the object lacks is an empty one. An absent list or template is not: it restricts
/// nothing, and an empty list of mechanisms allows none. `CKR_ATTRIBUTE_TYPE_INVALID`.
pub fn reveal(object: &Object, cka: CK_ATTRIBUTE_TYPE) -> Result<Value> {
    if let Some(value) = object.attributes().value(cka) {
        return Ok(value.clone());
    }
    Class::of(object.attributes())?.attribute(cka)?;
    if !class::is_material(object.class(), cka) {
        return Value::empty(attribute::row(cka)?.kind).ok_or(Error::AttributeTypeInvalid);
    }
    if !object.shows(cka) {
        return Err(Error::AttributeSensitive);
    }
    let material = object.material().map_err(|_| Error::AttributeSensitive)?;
    material.and_then(|m| m.value(cka)).cloned().ok_or(Error::AttributeTypeInvalid)
}

/// May the user see an object with these attributes at all?
pub fn sees(login: Login, attributes: &Attributes) -> bool {
    login == Login::User || attributes.flag(CKA_PRIVATE) != Some(true)
}

/// May an object with these attributes come to be, be changed or destroyed by this session?
///
/// Token objects only by someone who is logged in: an unsealed record could not be told from an
/// attacker's.
pub fn write(login: Login, access: Access, attributes: &Attributes) -> Result<()> {
    let token = attributes.flag(CKA_TOKEN) == Some(true);
    if token && access == Access::ReadOnly {
        return Err(Error::SessionReadOnly);
    }
    if !sees(login, attributes) || (token && login == Login::Public) {
        return Err(Error::UserNotLoggedIn);
    }
    Ok(())
}

/// May an object with these attributes be made by this session? [`write`], and `CKA_TRUSTED` is
/// the SO's alone.
pub fn create(login: Login, access: Access, attributes: &Attributes) -> Result<()> {
    write(login, access, attributes)?;
    trust(login, attributes)
}

/// May `object` be changed so by this session?
pub fn change(login: Login, access: Access, object: &Object, changes: &Attributes) -> Result<()> {
    write(login, access, object.attributes())?;
    untrusted(login, object)?;
    trust(login, changes)
}

/// Checks that this session may copy `object` with these changes. [`create`] asks about the copy.
pub fn copy(login: Login, object: &Object, changes: &Attributes) -> Result<()> {
    untrusted(login, object)?;
    trust(login, changes)
}

/// Checks that `object` is no key that the SO trusts, or that the SO asks. The SO trusts the key with
/// all its attributes: a user who turned on `CKA_DECRYPT` would open what it wraps.
/// `CKR_ACTION_PROHIBITED`.
fn untrusted(login: Login, object: &Object) -> Result<()> {
    let is_key = matches!(object.class(), CKO_PUBLIC_KEY | CKO_SECRET_KEY);
    match is_key && object.is(CKA_TRUSTED) && login != Login::So {
        true => Err(Error::ActionProhibited.because("only the SO changes or copies a trusted key")),
        false => Ok(()),
    }
}

/// May `object` be destroyed by this session?
pub fn destroy(login: Login, access: Access, object: &Object) -> Result<()> {
    write(login, access, object.attributes())?;
    match object.attributes().flag(CKA_DESTROYABLE) {
        Some(false) => Err(Error::ActionProhibited),
        _ => Ok(()),
    }
}

/// Is `key` in force on the day `today` (`YYYYMMDD`): not before its `CKA_START_DATE`, not after its
/// `CKA_END_DATE` (PKCS#11 3.2, section 4.7)? The standard leaves it to the token whether it asks.
/// `CKR_KEY_FUNCTION_NOT_PERMITTED`.
pub fn in_force(today: &[u8; 8], key: &Object) -> Result<()> {
    let date = |cka| key.attributes().bytes(cka).filter(|date| !date.is_empty());
    let early = date(CKA_START_DATE).is_some_and(|start| today.as_slice() < start);
    let late = date(CKA_END_DATE).is_some_and(|end| today.as_slice() > end);
    match early || late {
        true => Err(Error::KeyFunctionNotPermitted.because("outside the key's dates")),
        false => Ok(()),
    }
}

/// Takes from a copy what it may not inherit: the trust in a certificate, unless the SO copies.
pub fn distrust(login: Login, copy: Object) -> Object {
    if login == Login::So || !copy.is(CKA_TRUSTED) {
        return copy;
    }
    copy.with(Attributes::from_iter([(CKA_TRUSTED, Value::Bool(false))]))
}

/// Are RSA keys of this size wanted? `bits` is the configured minimum.
pub fn strength(bits: usize, attributes: &Attributes) -> Result<()> {
    let modulus = attributes.ulong(CKA_MODULUS_BITS).or_else(|| {
        attributes.bytes(CKA_MODULUS).and_then(|n| CK_ULONG::try_from(bit_len(n)).ok())
    });
    match modulus.map(usize::try_from) {
        Some(Ok(found)) if found < bits => {
            Err(Error::KeySizeRange.because("shorter than the configured min_rsa_bits"))
        }
        _ => Ok(()),
    }
}

/// Are keys of this type still wanted? `legacy`: whether the configuration wants old ones. If not
/// the token has no such type, as it has no mechanisms for it: `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn age(legacy: bool, attributes: &Attributes) -> Result<()> {
    if !legacy && matches!(attributes.ulong(CKA_KEY_TYPE), Some(CKK_DES2 | CKK_DES3)) {
        return Err(Error::AttributeValueInvalid.because("legacy is off"));
    }
    Ok(())
}

/// `CKA_TRUSTED` is the SO's alone.
pub fn trust(login: Login, attributes: &Attributes) -> Result<()> {
    if attributes.flag(CKA_TRUSTED) == Some(true) && login != Login::So {
        return Err(Error::AttributeReadOnly.because("only the SO sets CKA_TRUSTED"));
    }
    Ok(())
}

/// Returns `true` if `CKA_ALLOWED_MECHANISMS` is absent or names the mechanism. An empty list allows
/// nothing.
fn allows(attributes: &Attributes, ckm: CK_MECHANISM_TYPE) -> bool {
    !attributes.has(CKA_ALLOWED_MECHANISMS) || descent::names(attributes, ckm)
}

/// Size of a key in the unit of its mechanisms: modulus bits, bits of the curve, or bytes.
fn size(attributes: &Attributes) -> Option<CK_ULONG> {
    let size = match attributes.ulong(CKA_KEY_TYPE)? {
        CKK_RSA => bit_len(attributes.bytes(CKA_MODULUS)?),
        CKK_EC_EDWARDS | CKK_EC_MONTGOMERY => 255,
        CKK_ML_DSA => encode::parameter_set::<ml_dsa::Set>(attributes).ok()?.public_len(),
        CKK_ML_KEM => encode::parameter_set::<ml_kem::Set>(attributes).ok()?.public_len(),
        CKK_SLH_DSA => encode::slh_dsa_set(attributes).ok()?.public_len(),
        CKK_EC => encode::curve(attributes.bytes(CKA_EC_PARAMS)?).ok()?.bits(),
        _ => return attributes.ulong(CKA_VALUE_LEN),
    };
    CK_ULONG::try_from(size).ok()
}

/// Length in bits of a big-endian number without leading zero bytes.
fn bit_len(number: &[u8]) -> usize {
    let Some((first, rest)) = number.split_first() else { return 0 };
    rest.len() * 8 + usize::try_from(8 - first.leading_zeros()).unwrap_or(8)
}
