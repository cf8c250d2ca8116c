//! Templates that a key hands on. A key that binds what comes out of it is not evaded by a key in
//! between: what it unwraps, derives or decapsulates carries its templates.
use super::descent::names;
use super::{Attributes, Key, Value, attribute};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::Object;

/// Attributes that say what can be done with a key or seen of it. These are handed on; its type,
/// its length and its names are not.
const GUARDS: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
    CKA_WRAP_TEMPLATE,
    CKA_ALLOWED_MECHANISMS,
];

/// Usages that open what a key carries: with a counter, encryption is decryption.
const OPENING: [CK_ATTRIBUTE_TYPE; 2] = [CKA_DECRYPT, CKA_ENCRYPT];

/// Mechanisms that show a key, or what it carries, part by part: a key must name them. The rows of
/// such mechanisms are `comparable` or without a check of their own; a test keeps them in this list.
pub(crate) const IN_PARTS: &[CK_MECHANISM_TYPE] = &[
    CKM_EXTRACT_KEY_FROM_KEY,
    CKM_AES_ECB_ENCRYPT_DATA,
    CKM_AES_CBC_ENCRYPT_DATA,
    CKM_AES_GMAC,
    CKM_AES_ECB,
    CKM_AES_CBC,
    CKM_AES_CBC_PAD,
    CKM_AES_CTR,
    CKM_AES_CTS,
    CKM_AES_OFB,
    CKM_AES_CFB8,
    CKM_AES_CFB128,
    CKM_AES_GCM,
    CKM_AES_CCM,
    CKM_CHACHA20_POLY1305,
    CKM_DES3_ECB,
    CKM_DES3_CBC,
    CKM_DES3_CBC_PAD,
    CKM_RSA_X_509,
];

/// Returns `true` if `key` has a `CKA_UNWRAP_TEMPLATE` that guards what it unwraps.
pub(super) fn guards(key: &Object) -> bool {
    template(key, CKA_UNWRAP_TEMPLATE).is_some_and(|rule| GUARDS.iter().any(|cka| rule.has(*cka)))
}

/// Completes `template` with what the attribute `rule` of `key` demands, and with the templates that
/// the key hands on. `CKR_TEMPLATE_INCONSISTENT` if `template` contradicts them.
pub(super) fn bound(
    key: &Key,
    rule: CK_ATTRIBUTE_TYPE,
    mut template: Attributes,
) -> Result<Attributes> {
    let demand = self::template(&key.0, rule);
    unassumed(key, demand, &template)?;
    for (cka, value) in demand.into_iter().flat_map(Attributes::iter) {
        template.add(cka, value.clone())?;
    }
    for heir in heirs(&template) {
        // a template in the template says what is handed on in its place
        if demand.is_some_and(|demand| demand.has(heir)) {
            continue;
        }
        let mut handed = match template.remove(heir) {
            Some(Value::Template(own)) => own,
            _ => Attributes::new(),
        };
        for source in [self::template(&key.0, heir), demand].into_iter().flatten() {
            hand_on(source, &mut handed).map_err(|e| e.because(attribute::name(heir)))?;
        }
        if !handed.is_empty() {
            template.set(heir, Value::Template(handed));
        }
    }
    Ok(template)
}

/// Checks that an application does not give itself the leave of the owner. The caller who unwraps or derives a
/// key writes its `CKA_ALLOWED_MECHANISMS`, so where `key` hides what comes out of it, only `demand` may
/// name a mechanism of [`IN_PARTS`]. `CKR_TEMPLATE_INCONSISTENT`.
fn unassumed(key: &Key, demand: Option<&Attributes>, template: &Attributes) -> Result<()> {
    let carried = [CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE, CKA_DECAPSULATE_TEMPLATE];
    let carried = carried.into_iter().filter_map(|cka| self::template(&key.0, cka));
    if demand.into_iter().chain(carried).any(hides) && assumes(template, demand) {
        return Err(Error::TemplateInconsistent
            .because("CKA_ALLOWED_MECHANISMS names what the owner's template does not"));
    }
    Ok(())
}

/// Returns `true` if a template hides the keys that it binds.
fn hides(rule: &Attributes) -> bool {
    rule.flag(CKA_SENSITIVE) == Some(true)
        || rule.flag(CKA_EXTRACTABLE) == Some(false)
        || rule.flag(CKA_WRAP_WITH_TRUSTED) == Some(true)
}

/// Returns `true` if `template`, or a template in it, names a mechanism of [`IN_PARTS`]. What `demand`
/// says itself is left to the comparison with it.
fn assumes(template: &Attributes, demand: Option<&Attributes>) -> bool {
    let said = |cka| demand.is_some_and(|demand| demand.has(cka));
    let named = IN_PARTS.iter().any(|ckm| names(template, *ckm));
    (named && !said(CKA_ALLOWED_MECHANISMS))
        || template.iter().any(|(cka, value)| match value {
            Value::Template(inner) => !said(cka) && assumes(inner, demand),
            _ => false,
        })
}

/// Denies a key that came in under `kek` each usage that opens other keys, unless the
/// `CKA_UNWRAP_TEMPLATE` names that usage: the key may be the inner one of a package whose other
/// part it would show.
pub(super) fn closed(kek: &Key, mut template: Attributes) -> Result<Attributes> {
    let Some(rule) = self::template(&kek.0, CKA_UNWRAP_TEMPLATE).filter(|_| guards(&kek.0)) else {
        return Ok(template);
    };
    for usage in OPENING.into_iter().filter(|usage| !rule.has(*usage)) {
        template.add(usage, Value::Bool(false)).map_err(|error| {
            error.because(format_args!(
                "the KEK's CKA_UNWRAP_TEMPLATE does not name {}",
                attribute::name(usage)
            ))
        })?;
    }
    Ok(template)
}

/// The templates that a key with these attributes can carry for what comes out of it.
fn heirs(of: &Attributes) -> impl Iterator<Item = CK_ATTRIBUTE_TYPE> + use<> {
    let decapsulates = of.ulong(CKA_KEY_TYPE) == Some(CKK_ML_KEM);
    let all = [
        (CKA_UNWRAP_TEMPLATE, true),
        (CKA_DERIVE_TEMPLATE, true),
        (CKA_DECAPSULATE_TEMPLATE, decapsulates),
    ];
    // a data object holds none
    let is_key = of.ulong(CKA_CLASS) != Some(CKO_DATA);
    all.into_iter().filter_map(move |(heir, held)| (held && is_key).then_some(heir))
}

/// Adds the guards of `source` to `handed`.
fn hand_on(source: &Attributes, handed: &mut Attributes) -> Result<()> {
    for cka in GUARDS {
        if let Some(value) = source.value(*cka) {
            handed.add(*cka, value.clone())?;
        }
    }
    Ok(())
}

fn template(key: &Object, cka: CK_ATTRIBUTE_TYPE) -> Option<&Attributes> {
    match key.attributes().value(cka) {
        Some(Value::Template(template)) => Some(template),
        _ => None,
    }
}
