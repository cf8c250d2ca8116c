//! From a draft to an object: what the key contributes and what the token knows about it.
use super::{Draft, Origin};
use crate::ck::*;
use crate::crypto::{self, Failed};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use crate::object::class::Form;
use crate::object::{Object, Prepared, certificate, encode, trust};

/// What generation, derivation or decoding adds to a draft.
#[derive(Debug)]
pub struct Contribution {
    attributes: Attributes,
    /// The key itself if it was made here a moment ago: then it is not put together from its
    /// attributes once more and checked. What an object says about its key it has from this one.
    key: Option<Prepared>,
}

/// What the generation of a key pair adds to its drafts.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Pair {
    pub public: Contribution,
    pub private: Contribution,
}

impl Contribution {
    pub(in crate::object) fn made(key: Prepared) -> Contribution {
        Contribution { attributes: Attributes::new(), key: Some(key) }
    }
}

impl From<Attributes> for Contribution {
    fn from(attributes: Attributes) -> Contribution {
        Contribution { attributes, key: None }
    }
}

/// Public, then private.
impl From<(Attributes, Attributes)> for Pair {
    fn from((public, private): (Attributes, Attributes)) -> Pair {
        Pair { public: public.into(), private: private.into() }
    }
}

impl Draft {
    /// The finished object: the draft, plus `contributed` (values from generation or decoding),
    /// plus the token's own attributes (`CKA_LOCAL`, `CKA_ALWAYS_SENSITIVE`, `CKA_UNIQUE_ID`,
    /// `CKA_CHECK_VALUE`, …). Checks that the key is sound: sizes, points, RSA numbers.
    ///
    /// `CKR_TEMPLATE_INCONSISTENT` if template and key disagree, `CKR_WRAPPED_KEY_LEN_RANGE` if they
    /// do so about an unwrapped key's length; for an unsound key `CKR_ATTRIBUTE_VALUE_INVALID` or
    /// `CKR_CURVE_NOT_SUPPORTED` if it was created, `CKR_WRAPPED_KEY_INVALID` if it was unwrapped.
    pub fn finish(self, contributed: impl Into<Contribution>) -> Result<Object> {
        let Draft { attributes: mut all, origin, class } = self;
        let contributed = contributed.into();
        for (cka, value) in contributed.attributes {
            if matches!(origin, Origin::Derive { .. })
                && all.bytes(cka).is_some_and(<[u8]>::is_empty)
            {
                // the default of a data object's value, which is not there before it is derived
                all.set(cka, value);
            } else {
                all.add(cka, value)?;
            }
        }
        own(origin, class.form, &mut all)?;
        parity(origin, &mut all)?;
        if class.form == Form::None {
            match class.class {
                CKO_CERTIFICATE => certificate::complete(&mut all)?,
                CKO_TRUST => trust::check(&all)?,
                _ => {}
            }
            return Ok(Object::new(all));
        }
        let prepared = match contributed.key {
            Some(key) => key,
            None => encode::prepare(&all, Some(&all)).map_err(|e| origin.unsound(e))?,
        };
        for (cka, value) in encode::derived(&all, &prepared)? {
            settle(origin, &mut all, cka, value)?;
        }
        let object = Object::new(all);
        // another thread cannot have been first: nobody else has the object yet
        let _ = object.prepared.set(prepared);
        Ok(object)
    }
}

/// Checks the parity of a key of triple DES that comes in, and sets that of one made here. PKCS#11
/// 3.2, sections "DES2 secret key objects" and "DES3 secret key objects".
fn parity(origin: Origin, all: &mut Attributes) -> Result<()> {
    let (Some(CKK_DES2 | CKK_DES3), Some(value)) = (all.ulong(CKA_KEY_TYPE), all.bytes(CKA_VALUE))
    else {
        return Ok(());
    };
    match origin {
        Origin::Create | Origin::Unwrap if crypto::des3::has_odd_parity(value) => Ok(()),
        Origin::Create | Origin::Unwrap => Err(origin.unsound(
            Error::AttributeValueInvalid.because("a byte of the DES key has even parity"),
        )),
        Origin::Generate(_) | Origin::Derive { .. } | Origin::Encapsulate => {
            let value = crypto::des3::with_odd_parity(value);
            all.set(CKA_VALUE, Value::Bytes(value));
            Ok(())
        }
    }
}

impl Origin {
    /// What to answer for a key that is not a sound one.
    fn unsound(self, error: Error) -> Error {
        match self {
            Origin::Create => error,
            Origin::Unwrap => Error::WrappedKeyInvalid.because(error),
            Origin::Encapsulate => Error::TemplateInconsistent.because(error),
            Origin::Generate(_) => Error::FunctionFailed.because(error),
            Origin::Derive { .. } => Error::KeySizeRange.because(error),
        }
    }
}

/// Takes over what the key says about itself. Where the template said something else it was either
/// another spelling of the same (a point without its OCTET STRING: soundness is checked already) or
/// wrong.
fn settle(
    origin: Origin,
    all: &mut Attributes,
    cka: CK_ATTRIBUTE_TYPE,
    value: Value,
) -> Result<()> {
    let given = all.bytes(cka);
    let wrong = match cka {
        CKA_EC_PARAMS | CKA_EC_POINT | CKA_VALUE => None,
        CKA_PUBLIC_KEY_INFO if given.is_some_and(<[u8]>::is_empty) => None,
        // an empty check value asks for none (section 4.10.2)
        CKA_CHECK_VALUE if given.is_some_and(<[u8]>::is_empty) => return Ok(()),
        CKA_CHECK_VALUE => Some(Error::AttributeValueInvalid),
        // section 4.10
        CKA_PUBLIC_KEY_INFO if origin == Origin::Create => Some(Error::AttributeValueInvalid),
        CKA_VALUE_LEN if origin == Origin::Unwrap => Some(Error::WrappedKeyLenRange),
        _ => Some(Error::TemplateInconsistent),
    };
    match (wrong, all.value(cka)) {
        (Some(error), Some(given)) if *given != value => {
            Err(error.because(crate::object::attribute::name(cka)))
        }
        _ => {
            all.set(cka, value);
            Ok(())
        }
    }
}

/// What the token alone knows: where the object comes from, and its name.
fn own(origin: Origin, form: Form, all: &mut Attributes) -> Result<()> {
    all.set(CKA_UNIQUE_ID, Value::bytes(unique_id()?.as_bytes()));
    if form == Form::None {
        return Ok(());
    }
    let mechanism = match origin {
        Origin::Generate(mechanism) => mechanism,
        _ => CK_UNAVAILABLE_INFORMATION,
    };
    all.set(CKA_LOCAL, Value::Bool(matches!(origin, Origin::Generate(_))));
    all.set(CKA_KEY_GEN_MECHANISM, Value::Ulong(mechanism));
    if form.is_public() {
        return Ok(());
    }
    // sections 5.18.1 to 5.18.5: only what never left a token in the clear can have always been safe
    let (always_sensitive, never_extractable) = match origin {
        Origin::Generate(_) => (true, true),
        Origin::Derive { always_sensitive, never_extractable } => {
            (always_sensitive, never_extractable)
        }
        Origin::Create | Origin::Unwrap | Origin::Encapsulate => (false, false),
    };
    let sensitive = all.flag(CKA_SENSITIVE) == Some(true);
    let extractable = all.flag(CKA_EXTRACTABLE) == Some(true);
    all.set(CKA_ALWAYS_SENSITIVE, Value::Bool(always_sensitive && sensitive));
    all.set(CKA_NEVER_EXTRACTABLE, Value::Bool(never_extractable && !extractable));
    Ok(())
}

/// `CKA_UNIQUE_ID`: a random UUID (RFC 9562 section 5.4).
pub(super) fn unique_id() -> Result<String> {
    let random = crypto::random(16).map_err(|Failed| Error::RandomNoRng)?;
    let random: [u8; 16] = random.as_slice().try_into().map_err(|_| Error::RandomNoRng)?;
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0x3 << 62;
    let bits = u128::from_be_bytes(random) & !VERSION & !VARIANT | 4 << 76 | 2 << 62;
    let hex = format!("{bits:032x}");
    let (a, rest) = hex.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    Ok(format!("{a}-{b}-{c}-{d}-{e}"))
}
