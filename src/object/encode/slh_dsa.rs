//! SLH-DSA keys: PKCS#8 (RFC 9909 section 6) and attributes (PKCS#11 3.2, section "SLH-DSA").
use super::{Parts, element_len, pkcs8, spki};
use crate::ck::*;
use crate::crypto::slh_dsa::{PrivateKey, PublicKey, Set};
use crate::crypto::{Failed, Secret};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use ::pkcs8::spki::AlgorithmIdentifierRef;

/// The numbers of the parameter sets.
const NUMBERS: [(CK_ULONG, Set); 12] = [
    (CKP_SLH_DSA_SHA2_128S, Set::Sha2_128s),
    (CKP_SLH_DSA_SHAKE_128S, Set::Shake128s),
    (CKP_SLH_DSA_SHA2_128F, Set::Sha2_128f),
    (CKP_SLH_DSA_SHAKE_128F, Set::Shake128f),
    (CKP_SLH_DSA_SHA2_192S, Set::Sha2_192s),
    (CKP_SLH_DSA_SHAKE_192S, Set::Shake192s),
    (CKP_SLH_DSA_SHA2_192F, Set::Sha2_192f),
    (CKP_SLH_DSA_SHAKE_192F, Set::Shake192f),
    (CKP_SLH_DSA_SHA2_256S, Set::Sha2_256s),
    (CKP_SLH_DSA_SHAKE_256S, Set::Shake256s),
    (CKP_SLH_DSA_SHA2_256F, Set::Sha2_256f),
    (CKP_SLH_DSA_SHAKE_256F, Set::Shake256f),
];

/// The parameter set that `CKA_PARAMETER_SET` names. `CKR_ATTRIBUTE_VALUE_INVALID`,
/// `CKR_TEMPLATE_INCOMPLETE`.
pub fn slh_dsa_set(attributes: &Attributes) -> Result<Set> {
    let number = attributes.ulong(CKA_PARAMETER_SET);
    let number = number.ok_or_else(|| Error::TemplateIncomplete.because("CKA_PARAMETER_SET"))?;
    let row = NUMBERS.iter().find(|row| row.0 == number);
    row.map(|row| row.1).ok_or_else(|| Error::AttributeValueInvalid.because("CKA_PARAMETER_SET"))
}

pub(super) fn public(parts: Parts) -> Result<PublicKey> {
    PublicKey::new(slh_dsa_set(parts.attributes)?, parts.bytes(CKA_VALUE)?).map_err(unsound)
}

pub(super) fn private(parts: Parts) -> Result<PrivateKey> {
    PrivateKey::new(slh_dsa_set(parts.attributes)?, parts.bytes(CKA_VALUE)?).map_err(unsound)
}

fn unsound(Failed: Failed) -> Error {
    Error::AttributeValueInvalid.because("no key of this parameter set")
}

pub(super) fn public_derived(set: Set, public: &[u8]) -> Result<Attributes> {
    let row = NUMBERS.iter().find(|row| row.1 == set).ok_or(Error::GeneralError)?;
    Ok(Attributes::from_iter([
        (CKA_PARAMETER_SET, Value::Ulong(row.0)),
        (CKA_VALUE, Value::bytes(public)),
        (CKA_PUBLIC_KEY_INFO, Value::bytes(&spki::encode(algorithm(set), public)?)),
    ]))
}

pub(super) fn private_derived(key: &PrivateKey) -> Result<Attributes> {
    let mut derived = public_derived(key.set(), key.public())?;
    derived.set(CKA_VALUE, Value::Bytes(key.bytes().clone()));
    Ok(derived)
}

/// Public and private attributes of a key.
pub fn slh_dsa_attributes(key: &PrivateKey) -> Result<(Attributes, Attributes)> {
    let (mut public, mut private) =
        (public_derived(key.set(), key.public())?, private_derived(key)?);
    public.remove(CKA_PUBLIC_KEY_INFO);
    private.remove(CKA_PUBLIC_KEY_INFO);
    Ok((public, private))
}

fn algorithm(set: Set) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: set.oid(), parameters: None }
}

pub(super) fn encoding(key: &PrivateKey) -> Result<Secret> {
    pkcs8::wrap(algorithm(key.set()), key.bytes())
}

/// Its length.
pub(super) fn encoding_len(parts: Parts) -> Result<usize> {
    let set = slh_dsa_set(parts.attributes)?;
    let algorithm = element_len(element_len(set.oid().as_bytes().len()));
    Ok(pkcs8::wrapped_len(algorithm, set.private_len()))
}

pub(super) fn from_pkcs8(der: &[u8]) -> Option<Attributes> {
    let outer = pkcs8::Outer::parse(der)?;
    let set = Set::ALL.into_iter().find(|set| outer.algorithm == algorithm(*set))?;
    let key = PrivateKey::new(set, outer.private_key).ok()?;
    if outer.public_key.is_some_and(|public| public != key.public()) {
        return None;
    }
    slh_dsa_attributes(&key).ok().map(|(_, private)| private)
}
