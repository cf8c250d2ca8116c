//! What a key owes to the key that it comes out of: the KEK that unwraps it, the base it is derived
//! from.
use super::heritage::{bound, closed, guards};
use super::{Act, Key, Origin, Use};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::object::attribute::{Attributes, Value};

/// The template of a key that `kek` unwraps: the application's and the KEK's `CKA_UNWRAP_TEMPLATE`,
/// which must not contradict each other (PKCS#11 3.2, section 5.18.4). Usages that would open what the
/// new key carries are off unless the KEK's template names them.
pub fn unwrapped(kek: &Key, template: Attributes) -> Result<Attributes> {
    closed(kek, bound(kek, CKA_UNWRAP_TEMPLATE, template)?)
}

/// The same for a key that is derived from `base`, and its `CKA_DERIVE_TEMPLATE` (section 5.18.5).
pub fn derived(base: &Key, template: Attributes) -> Result<Attributes> {
    bound(base, CKA_DERIVE_TEMPLATE, template)
}

/// What a key derived from `bases` inherits: it cannot be safer than what it comes from.
pub fn descent(bases: &[Key]) -> Origin {
    Origin::Derive {
        always_sensitive: bases.iter().all(|base| base.0.is(CKA_ALWAYS_SENSITIVE)),
        never_extractable: bases.iter().all(|base| base.0.is(CKA_NEVER_EXTRACTABLE)),
    }
}

/// The template of a key that is made of the very bytes of `bases`: it is hidden as they are
/// (PKCS#11 3.2, sections 6.43.3 to 6.43.7), and may not be taken apart if they may not.
pub fn kept_hidden(bases: &[Key], template: Attributes) -> Result<Attributes> {
    let template = as_hidden(bases, template)?;
    if bases.iter().any(|base| !is_divisible(base)) && names(&template, CKM_EXTRACT_KEY_FROM_KEY) {
        return Err(Error::TemplateInconsistent.because("CKA_ALLOWED_MECHANISMS"));
    }
    Ok(template)
}

/// The template of a key that is hidden as `bases` are, or better.
pub fn as_hidden(bases: &[Key], mut template: Attributes) -> Result<Attributes> {
    let any = |is: fn(&Key) -> bool| bases.iter().any(is);
    let inherited = [
        (any(|base| base.0.is(CKA_SENSITIVE)), CKA_SENSITIVE, true),
        (any(|base| !base.0.is(CKA_EXTRACTABLE)), CKA_EXTRACTABLE, false),
        (any(|base| base.0.is(CKA_WRAP_WITH_TRUSTED)), CKA_WRAP_WITH_TRUSTED, true),
    ];
    for (_, cka, value) in inherited.into_iter().filter(|row| row.0) {
        template.add(cka, Value::Bool(value))?;
    }
    Ok(template)
}

/// The template of a key that is, if it does not say otherwise, as hidden as `base`.
pub fn inheriting(base: &Key, mut template: Attributes) -> Attributes {
    for cka in [CKA_SENSITIVE, CKA_EXTRACTABLE] {
        if !template.has(cka) {
            template.set(cka, Value::Bool(base.0.is(cka)));
        }
    }
    template
}

/// The template of a key that is just as hidden as `base` (PKCS#11 3.2, section 6.40.7): it may
/// not say otherwise, `CKR_TEMPLATE_INCONSISTENT`.
pub fn alike(base: &Key, mut template: Attributes) -> Result<Attributes> {
    for cka in [CKA_SENSITIVE, CKA_EXTRACTABLE] {
        template.add(cka, Value::Bool(base.0.is(cka)))?;
    }
    as_hidden(std::slice::from_ref(base), template)
}

/// May a key be made of a part of the bytes of `base`? Whoever may make a key of one byte of
/// another and use it, tries 256 values, and the next: so of a hidden key only if its
/// `CKA_ALLOWED_MECHANISMS` names `CKM_EXTRACT_KEY_FROM_KEY`. `CKR_KEY_FUNCTION_NOT_PERMITTED`.
pub fn divide(base: &Key) -> Result<()> {
    if is_divisible(base) { Ok(()) } else { Err(Error::KeyFunctionNotPermitted) }
}

fn is_divisible(base: &Key) -> bool {
    base.0.shows(CKA_VALUE) || names(base.attributes(), CKM_EXTRACT_KEY_FROM_KEY)
}

/// Checks that a key that guards what it unwraps opens it as a whole. A mechanism that cannot tell
/// what it opens from noise opens parts of it as well, and tells which paddings are right: the caller
/// tries one byte at a time. A MAC or a derivation that hands out blocks of the cipher opens what a
/// counter mode wrapped. So the key must name such a mechanism in its `CKA_ALLOWED_MECHANISMS`.
/// `CKR_MECHANISM_INVALID`.
pub(super) fn opens_whole(wanted: &Use, key: &Object) -> Result<()> {
    let opens = matches!(wanted.act, Act::Unwrap | Act::Sign | Act::SignRecover | Act::Derive);
    let blind = opens && !wanted.tells_noise;
    if blind && guards(key) && !names(key.attributes(), wanted.mechanism) {
        return Err(Error::MechanismInvalid
            .because("CKA_UNWRAP_TEMPLATE, and not named in CKA_ALLOWED_MECHANISMS"));
    }
    Ok(())
}

/// Returns `true` if `CKA_ALLOWED_MECHANISMS` names the mechanism.
pub(super) fn names(attributes: &Attributes, ckm: CK_MECHANISM_TYPE) -> bool {
    matches!(attributes.value(CKA_ALLOWED_MECHANISMS), Some(Value::Ulongs(all)) if all.contains(&ckm))
}
