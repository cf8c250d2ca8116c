//! `C_SetAttributeValue` and `C_CopyObject`: which attributes may become something else.
use super::finish::unique_id;
use super::{evades, in_order};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value, name};
use crate::object::class::{Class, Flags};
use crate::object::{Object, certificate, trust};

/// The attributes `C_SetAttributeValue` would change, checked: modifiable, not read-only, sticky.
/// `CKR_ACTION_PROHIBITED` for an object that is not `CKA_MODIFIABLE`, `CKR_ATTRIBUTE_READ_ONLY`,
/// `CKR_ATTRIBUTE_TYPE_INVALID`. Whether the caller may set `CKA_TRUSTED` is for policy to say.
pub fn change(object: &Object, template: Attributes) -> Result<Attributes> {
    let class = Class::of(object.attributes())?;
    if !object.is(CKA_MODIFIABLE) {
        return Err(Error::ActionProhibited.because("CKA_MODIFIABLE is CK_FALSE"));
    }
    if class.class == CKO_CERTIFICATE && object.is(CKA_TRUSTED) {
        return Err(Error::ActionProhibited.because("trusted certificates cannot be modified"));
    }
    let mut all = object.attributes().clone();
    for (cka, new) in template.iter() {
        let flags = class.attribute(cka)?.flags;
        let old = all.value(cka);
        let frozen = stuck(flags, old, new) || turns_on(class, &all, cka, new);
        if !flags.has(Flags::MODIFIABLE) || frozen {
            return Err(Error::AttributeReadOnly.because(name(cka)));
        }
        if !holds(cka, old, new) {
            return Err(Error::AttributeValueInvalid.because(name(cka)));
        }
        all.set(cka, new.clone());
    }
    agree(class, &all)?;
    Ok(template)
}

/// The object `C_CopyObject` makes. Its material must be open. `CKR_ACTION_PROHIBITED` for an object
/// that is not `CKA_COPYABLE`.
///
/// Besides what [`change`] takes, a copy may be a token or session object, become private and become
/// unmodifiable. It can never do more than its original: what sticks in one sticks in the other
/// (`CKR_TEMPLATE_INCONSISTENT`), and the copy of an object that cannot be modified differs in the
/// latter three only (`CKR_ATTRIBUTE_READ_ONLY`). A value that is the same already is no change.
pub fn copy(object: &Object, template: Attributes) -> Result<Object> {
    let class = Class::of(object.attributes())?;
    if !object.is(CKA_COPYABLE) {
        return Err(Error::ActionProhibited.because("CKA_COPYABLE is CK_FALSE"));
    }
    let mut all = object.attributes().clone();
    for (cka, new) in template {
        let flags = class.attribute(cka)?.flags;
        let old = all.value(cka);
        if old == Some(&new) {
            continue;
        }
        let modifiable = flags.has(Flags::MODIFIABLE) && object.is(CKA_MODIFIABLE);
        if !modifiable && !flags.has(Flags::COPY) {
            return Err(Error::AttributeReadOnly.because(name(cka)));
        }
        if stuck(flags, old, &new) || turns_on(class, &all, cka, &new) {
            return Err(Error::TemplateInconsistent.because(name(cka)));
        }
        if !holds(cka, old, &new) {
            return Err(Error::AttributeValueInvalid.because(name(cka)));
        }
        all.set(cka, new);
    }
    agree(class, &all)?;
    all.set(CKA_UNIQUE_ID, Value::bytes(unique_id()?.as_bytes()));
    if let Some(material) = object.material()? {
        all.extend(material.clone());
    }
    // a copy of what nobody has vouched for is not vouched for either
    Ok(Object { verified: object.verified, ..Object::new(all) })
}

/// Whether an attribute that follows from the key may have the new value: `CKA_PUBLIC_KEY_INFO` is
/// the key's (section 4.10), and so is `CKA_CHECK_VALUE` until it is given up (section 4.11).
fn holds(cka: CK_ATTRIBUTE_TYPE, old: Option<&Value>, new: &Value) -> bool {
    match cka {
        CKA_PUBLIC_KEY_INFO => old == Some(new),
        CKA_CHECK_VALUE => old == Some(new) || *new == Value::bytes(&[]),
        _ => true,
    }
}

/// Whether attributes that change by themselves still fit the others.
fn agree(class: &Class, all: &Attributes) -> Result<()> {
    in_order(all)?;
    match class.class {
        CKO_CERTIFICATE => certificate::agree(all),
        CKO_TRUST => trust::check(all),
        _ => Ok(()),
    }
}

/// Returns `true` if the change turns on a usage that is a way round a template of the key, or that
/// such a template denies. A key that came in under a template carries it.
fn turns_on(class: &Class, all: &Attributes, cka: CK_ATTRIBUTE_TYPE, new: &Value) -> bool {
    let on = Value::Bool(true);
    if *new != on || all.value(cka) == Some(&on) || !Class::USAGES.contains(&cka) {
        return false;
    }
    let denied = |template| match all.value(template) {
        Some(Value::Template(rule)) => rule.flag(cka) == Some(false),
        _ => false,
    };
    let templates = [CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE, CKA_DECAPSULATE_TEMPLATE];
    evades(class, cka, all) || templates.into_iter().any(denied)
}

/// Whether an attribute has a value that it cannot lose (footnotes 11 and 12).
fn stuck(flags: Flags, old: Option<&Value>, new: &Value) -> bool {
    let stays =
        |flag, value| flags.has(flag) && old == Some(&Value::Bool(value)) && Some(new) != old;
    stays(Flags::STAYS_TRUE, true) || stays(Flags::STAYS_FALSE, false)
}
