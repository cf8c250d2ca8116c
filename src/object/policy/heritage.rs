//! Templates that a key hands on. A key that binds what comes out of it is not evaded by a key in
//! between: what it unwraps, derives or decapsulates carries its templates.
use super::{Attributes, Key, Value, attribute};
use crate::ck::*;
use crate::error::Result;
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
