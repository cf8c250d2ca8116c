//! ML-DSA keys: PKCS#8 (RFC 9881 section 6) and attributes (PKCS#11 3.2, section "ML-DSA").
use super::{Parts, element_len, pkcs8, spki};
use crate::ck::*;
use crate::crypto::ml_dsa::{PrivateKey, PublicKey, SEED_LEN, Set};
use crate::crypto::{Failed, Secret};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use ::pkcs8::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader};

/// The numbers of the parameter sets.
const SETS: [(CK_ULONG, Set); 3] =
    [(CKP_ML_DSA_44, Set::MlDsa44), (CKP_ML_DSA_65, Set::MlDsa65), (CKP_ML_DSA_87, Set::MlDsa87)];

/// Tag of the seed in a private key: `[0]`, implicit.
const SEED_TAG: u8 = 0x80;

/// The parameter set of that number. `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn ml_dsa_set(number: CK_ULONG) -> Result<Set> {
    let row = SETS.iter().find(|row| row.0 == number);
    row.map(|row| row.1).ok_or_else(|| Error::AttributeValueInvalid.because("CKA_PARAMETER_SET"))
}

fn number(set: Set) -> Result<Value> {
    let row = SETS.iter().find(|row| row.1 == set).ok_or(Error::GeneralError)?;
    Ok(Value::Ulong(row.0))
}

fn set(parts: Parts) -> Result<Set> {
    let given = parts.attributes.ulong(CKA_PARAMETER_SET);
    ml_dsa_set(given.ok_or_else(|| Error::TemplateIncomplete.because("CKA_PARAMETER_SET"))?)
}

pub(super) fn public(parts: Parts) -> Result<PublicKey> {
    PublicKey::new(set(parts)?, parts.bytes(CKA_VALUE)?).map_err(unsound)
}

/// From the seed if there is one; if the expanded form is given too, both must belong together.
pub(super) fn private(parts: Parts) -> Result<PrivateKey> {
    let set = set(parts)?;
    let expanded = parts.bytes(CKA_VALUE);
    let Ok(seed) = parts.bytes(CKA_SEED) else {
        return PrivateKey::from_expanded(set, expanded?).map_err(unsound);
    };
    let key = PrivateKey::from_seed(set, seed).map_err(unsound)?;
    match expanded {
        Ok(given) if Secret::new(given.to_vec()) != key.expanded().map_err(unsound)? => {
            Err(Error::AttributeValueInvalid.because("CKA_VALUE belongs to another CKA_SEED"))
        }
        _ => Ok(key),
    }
}

fn unsound(Failed: Failed) -> Error {
    Error::AttributeValueInvalid.because("no key of this parameter set")
}

pub(super) fn public_derived(set: Set, public: &[u8]) -> Result<Attributes> {
    Ok(Attributes::from_iter([
        (CKA_PARAMETER_SET, number(set)?),
        (CKA_VALUE, Value::bytes(public)),
        (CKA_PUBLIC_KEY_INFO, Value::bytes(&spki::encode(algorithm(set), public)?)),
    ]))
}

pub(super) fn private_derived(key: &PrivateKey) -> Result<Attributes> {
    let mut derived = public_derived(key.set(), key.public())?;
    derived.set(CKA_VALUE, Value::Bytes(key.expanded().map_err(|Failed| Error::FunctionFailed)?));
    if let Some(seed) = key.seed() {
        derived.set(CKA_SEED, Value::Bytes(seed.clone()));
    }
    Ok(derived)
}

/// Public and private attributes of a key.
pub fn ml_dsa_attributes(key: &PrivateKey) -> Result<(Attributes, Attributes)> {
    let (mut public, mut private) =
        (public_derived(key.set(), key.public())?, private_derived(key)?);
    public.remove(CKA_PUBLIC_KEY_INFO);
    private.remove(CKA_PUBLIC_KEY_INFO);
    Ok((public, private))
}

fn algorithm(set: Set) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: set.oid(), parameters: None }
}

/// The seed alone, or the expanded form of a key whose seed is not known.
pub(super) fn encoding(key: &PrivateKey) -> Result<Secret> {
    let inner = match key.seed() {
        Some(seed) => {
            let header = [SEED_TAG, u8::try_from(seed.len()).map_err(|_| Error::GeneralError)?];
            Secret::new([&header[..], seed].concat())
        }
        None => {
            let expanded = key.expanded().map_err(|Failed| Error::FunctionFailed)?;
            let string = OctetStringRef::new(&expanded).and_then(|string| string.to_der());
            Secret::new(string.map_err(|_| Error::GeneralError)?)
        }
    };
    pkcs8::wrap(algorithm(key.set()), &inner)
}

/// Its length.
pub(super) fn encoding_len(parts: Parts) -> Result<usize> {
    let set = set(parts)?;
    let inner = if parts.bytes(CKA_SEED).is_ok() { SEED_LEN } else { set.private_len() };
    let algorithm = element_len(element_len(set.oid().as_bytes().len()));
    Ok(pkcs8::wrapped_len(algorithm, element_len(inner)))
}

/// A seed, an expanded key, or both, which then must belong together.
pub(super) fn from_pkcs8(der: &[u8]) -> Option<Attributes> {
    let outer = pkcs8::Outer::parse(der)?;
    let set = Set::ALL.into_iter().find(|set| outer.algorithm == algorithm(*set))?;
    let key = match outer.private_key.split_first()? {
        (&SEED_TAG, [len, seed @ ..]) if usize::from(*len) == seed.len() => {
            PrivateKey::from_seed(set, seed).ok()?
        }
        (0x04, _) => {
            let expanded = <&OctetStringRef>::from_der(outer.private_key).ok()?;
            PrivateKey::from_expanded(set, expanded.as_bytes()).ok()?
        }
        (0x30, _) => both(set, outer.private_key)?,
        _ => return None,
    };
    if outer.public_key.is_some_and(|public| public != key.public()) {
        return None;
    }
    ml_dsa_attributes(&key).ok().map(|(_, private)| private)
}

fn both(set: Set, der: &[u8]) -> Option<PrivateKey> {
    let inside = AnyRef::from_der(der).ok()?.value();
    let mut reader = SliceReader::new(inside).ok()?;
    let seed = <&OctetStringRef>::decode(&mut reader).ok()?.as_bytes();
    let expanded = <&OctetStringRef>::decode(&mut reader).ok()?.as_bytes();
    reader.finish().ok()?;
    let key = PrivateKey::from_seed(set, seed).ok()?;
    (key.expanded().ok()? == Secret::new(expanded.to_vec())).then_some(key)
}
