//! Ed25519: key pairs and signatures. PKCS#11 3.2, sections "Edwards elliptic curve".
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::edwards::{PrivateKey, SIGNATURE_LEN, Variant};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_EC_EDWARDS_KEY_PAIR_GEN,
    name: "CKM_EC_EDWARDS_KEY_PAIR_GEN",
    key_types: &[CKK_EC_EDWARDS],
    key_size: 255..=255,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const EDDSA: Mechanism = Mechanism {
    ckm: CKM_EDDSA,
    name: "CKM_EDDSA",
    params: Shape::Eddsa,
    null: Some(Params::None),
    sign: Some(sign),
    verify: Some(verify),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(_: &Params, _: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let key = PrivateKey::generate().map_err(|_| Error::RandomNoRng)?;
    encode::edwards_attributes(&key).map(Pair::from)
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (variant, key) = (variant(params)?, key.clone());
    key.edwards_private()?;
    Ok(Whole::new(
        Limit::NONE,
        |_| Bound::Exactly(SIGNATURE_LEN),
        move |data: &[u8], out: &mut Vec<u8>| {
            let signature = key.edwards_private()?.sign(&variant, data);
            out.extend(signature.map_err(|_| Error::FunctionFailed)?);
            Ok(())
        },
    ))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (variant, key) = (variant(params)?, key.clone());
    key.edwards_public()?;
    Ok(Whole::new(Limit::NONE, (), move |data: &[u8], signature: &[u8]| {
        if signature.len() != SIGNATURE_LEN {
            return Err(Error::SignatureLenRange);
        }
        let verdict = key.edwards_public()?.verify(&variant, data, signature);
        verdict.map_err(|_| Error::SignatureInvalid)
    }))
}

fn variant(params: &Params) -> Result<Variant> {
    match params {
        Params::None => Ok(Variant::Pure),
        Params::Eddsa(variant) => Ok(variant.clone()),
        _ => Err(Error::MechanismParamInvalid),
    }
}
