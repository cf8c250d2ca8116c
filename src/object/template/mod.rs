//! One engine that reads [`class`](super::class) for create, generate, derive, unwrap, copy and set.
//!
//! A template becomes a [`Draft`] before any key is made, so that policy can ask about it, and the
//! draft an [`Object`](super::Object) once the key is there.
mod change;
mod finish;

use super::attribute::{self, Attributes, Value};
use super::class::{Attribute, Class, Facts, Flags, Form};
use super::encode;
use super::policy::Login;
use crate::ck::*;
use crate::error::{Error, Result};
pub use change::{change, copy};
pub use finish::{Contribution, Pair};

/// How an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `C_CreateObject`
    Create,
    /// `C_GenerateKey`, `C_GenerateKeyPair`
    Generate(CK_MECHANISM_TYPE),
    /// `C_UnwrapKey`
    Unwrap,
    /// `C_EncapsulateKey`, `C_DecapsulateKey`
    Encapsulate,
    /// `C_DeriveKey`; whether the base key was always sensitive and never extractable.
    #[allow(missing_docs)]
    Derive { always_sensitive: bool, never_extractable: bool },
}

/// A template that has been read against its class: what the application asked for, complete with
/// defaults. Policy can ask it about attributes before any key is made.
#[derive(Debug)]
pub struct Draft {
    /// Asked for and defaulted attributes, without what the mechanism or encoding will contribute.
    pub attributes: Attributes,
    origin: Origin,
    class: &'static Class,
}

/// Reads `template` for an object of `origin`. `implied` holds what the mechanism already decides
/// (class, key type): a template may repeat it, contradict it not (`CKR_TEMPLATE_INCONSISTENT`).
///
/// The rules are those of PKCS#11 3.2 section 4.1.1: `CKR_ATTRIBUTE_TYPE_INVALID` for an attribute
/// that the class does not have, `CKR_ATTRIBUTE_READ_ONLY` for one that is the token's own,
/// `CKR_TEMPLATE_INCONSISTENT` for one that the function contributes, `CKR_TEMPLATE_INCOMPLETE` if
/// a required one is missing.
///
/// `login` decides what `CKA_PRIVATE` is where the template leaves it out.
pub fn draft(
    origin: Origin,
    template: Attributes,
    implied: Attributes,
    login: Login,
) -> Result<Draft> {
    let mut attributes = template;
    for (cka, value) in implied {
        attributes.add(cka, value)?;
    }
    let class = Class::of(&attributes)?;
    if class.built_in {
        return Err(
            Error::AttributeValueInvalid.because("objects of the class are the token's own")
        );
    }
    if origin == Origin::Unwrap && class.form != Form::Secret && !class.form.is_private() {
        return Err(
            Error::TemplateInconsistent.because("only private and secret keys are unwrapped")
        );
    }
    forget_denied(class, &mut attributes);
    for (cka, _) in attributes.iter() {
        origin.admit(class.attribute(cka).map_err(|e| e.because(attribute::name(cka)))?)?;
    }
    origin.complete(class, &attributes)?;
    check_values(origin, class, &mut attributes)?;
    add_defaults(origin, class, &mut attributes, login);
    Ok(Draft { attributes, origin, class })
}

/// Adds what the template leaves out.
fn add_defaults(origin: Origin, class: &Class, attributes: &mut Attributes, login: Login) {
    let unwrapped = matches!(origin, Origin::Unwrap | Origin::Encapsulate);
    // section 4.9: only a private object asks for a login each time
    let of_user = login == Login::User || attributes.flag(CKA_ALWAYS_AUTHENTICATE) == Some(true);
    for row in class.attributes() {
        let can = class.can.contains(&row.cka) && !evades(class, row.cka, attributes);
        if let Some(value) = row.default.value(Facts { unwrapped, can, of_user })
            && !attributes.has(row.cka)
        {
            attributes.set(row.cka, value);
        }
    }
}

/// Usages that are ways round a template, if they have the same key: what must not be unwrapped
/// otherwise must not be decrypted either, nor by encryption (with a counter both are one), by a
/// signature (of RSA: both are one, too) or by what derives the bytes that hide it.
const EVASIONS: [(CK_ATTRIBUTE_TYPE, &[CK_ATTRIBUTE_TYPE]); 2] = [
    (CKA_UNWRAP_TEMPLATE, &[CKA_DECRYPT, CKA_ENCRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_DERIVE]),
    (CKA_DERIVE_TEMPLATE, &[CKA_ENCRYPT, CKA_SIGN]),
];

/// Returns `true` if a usage would be a way round a template of the key. It is off unless the template
/// asks for it, and stays off.
fn evades(class: &Class, usage: CK_ATTRIBUTE_TYPE, given: &Attributes) -> bool {
    let applies = |template| match template {
        CKA_UNWRAP_TEMPLATE => usage != CKA_SIGN || class.can.contains(&CKA_UNWRAP),
        _ => given.flag(CKA_DERIVE) == Some(true),
    };
    let mut rows = EVASIONS.iter().filter(|(_, usages)| usages.contains(&usage));
    rows.any(|(template, _)| binds(given, *template) && applies(*template))
}

/// Returns `true` if the key has this template, and it demands something.
fn binds(given: &Attributes, template: CK_ATTRIBUTE_TYPE) -> bool {
    matches!(given.value(template), Some(Value::Template(rule)) if !rule.is_empty())
}

/// Takes out what is denied of a key that cannot do it anyway. python-pkcs11 unwraps every key with all
/// usages, as does a `CKA_UNWRAP_TEMPLATE` that denies them, and `CK_FALSE` for what the key cannot
/// do is true.
fn forget_denied(class: &Class, attributes: &mut Attributes) {
    if class.attribute(CKA_KEY_TYPE).is_err() {
        return;
    }
    for cka in Class::USAGES {
        if attributes.flag(cka) == Some(false) && class.attribute(cka).is_err() {
            attributes.remove(cka);
        }
    }
}

impl Origin {
    /// Whether a template may have the attribute at all.
    fn admit(self, attribute: &Attribute) -> Result<()> {
        let flags = attribute.flags;
        let refused = if flags.has(Flags::TOKENS_OWN) {
            Error::AttributeReadOnly
        } else {
            match self {
                Origin::Generate(_) if flags.has(Flags::NOT_GENERATE) => {
                    Error::TemplateInconsistent
                }
                // a public number may be said again, but nobody learns by trying whether they
                // know a secret one
                Origin::Unwrap | Origin::Encapsulate | Origin::Derive { .. }
                    if flags.has(Flags::MATERIAL) =>
                {
                    Error::TemplateInconsistent
                }
                _ => return Ok(()),
            }
        };
        Err(refused.because(attribute::name(attribute.cka)))
    }

    /// Whether nothing is missing.
    fn complete(self, class: &Class, given: &Attributes) -> Result<()> {
        let required = match self {
            Origin::Create => Flags::CREATE,
            Origin::Generate(_) => Flags::GENERATE,
            Origin::Unwrap => Flags::UNWRAP,
            Origin::Encapsulate | Origin::Derive { .. } => return Ok(()),
        };
        let mut missing = class.attributes().filter(|a| a.flags.has(required) && !given.has(a.cka));
        if let Some(attribute) = missing.next() {
            return Err(Error::TemplateIncomplete.because(attribute::name(attribute.cka)));
        }
        let nowhere = |cka| given.bytes(cka).is_none_or(<[u8]>::is_empty);
        if class.class == CKO_CERTIFICATE && nowhere(CKA_VALUE) && nowhere(CKA_URL) {
            return Err(Error::TemplateIncomplete.because("neither CKA_VALUE nor CKA_URL"));
        }
        Ok(())
    }
}

/// What can be said about values before the key is there.
fn check_values(origin: Origin, class: &Class, attributes: &mut Attributes) -> Result<()> {
    if let Some(params) = attributes.bytes(CKA_EC_PARAMS) {
        let params = encode::params(class.form, params)?;
        attributes.set(CKA_EC_PARAMS, params);
    }
    let makes = matches!(origin, Origin::Generate(_) | Origin::Derive { .. });
    if let Some(len) = attributes.ulong(CKA_VALUE_LEN)
        && makes
        && !usize::try_from(len).is_ok_and(|len| class.takes_value_len(len))
    {
        return Err(Error::KeySizeRange.because("CKA_VALUE_LEN"));
    }
    in_order(attributes)?;
    if attributes.flag(CKA_ALWAYS_AUTHENTICATE) == Some(true)
        && attributes.flag(CKA_PRIVATE) == Some(false)
    {
        return Err(
            Error::TemplateInconsistent.because("CKA_ALWAYS_AUTHENTICATE without CKA_PRIVATE")
        );
    }
    Ok(())
}

/// Whether nothing ends before it starts: `CKR_TEMPLATE_INCONSISTENT`.
fn in_order(attributes: &Attributes) -> Result<()> {
    let date = |cka| attributes.bytes(cka).filter(|date| !date.is_empty());
    match (date(CKA_START_DATE), date(CKA_END_DATE)) {
        (Some(start), Some(end)) if end < start => {
            Err(Error::TemplateInconsistent.because("CKA_END_DATE is before CKA_START_DATE"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
