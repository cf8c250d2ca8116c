//! ML-DSA: key pairs and pure signatures. PKCS#11 3.2, section "ML-DSA".
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify};
use crate::ck::*;
use crate::crypto::ml_dsa::{PrivateKey, Set};
use crate::crypto::rsa_keygen::Threads;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_ML_DSA_KEY_PAIR_GEN,
    name: "CKM_ML_DSA_KEY_PAIR_GEN",
    key_types: &[CKK_ML_DSA],
    // length of the public key in bytes
    key_size: 1312..=2592,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const ML_DSA: Mechanism = Mechanism {
    ckm: CKM_ML_DSA,
    name: "CKM_ML_DSA",
    params: Shape::SignContext,
    null: Some(Params::None),
    sign: Some(sign),
    verify: Some(verify),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(
    _: &Params,
    public: &Attributes,
    _: &Attributes,
    _: Threads,
) -> Result<(Attributes, Attributes)> {
    let set: Set = encode::parameter_set(public)?;
    let key = PrivateKey::generate(set).map_err(|_| Error::RandomNoRng)?;
    encode::seeded_attributes::<Set>(&key)
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (context, key) = (context(params)?, key.clone());
    let len = key.ml_dsa_private()?.set().signature_len();
    Ok(Whole::new(
        Limit::NONE,
        move |_| Bound::Exactly(len),
        move |data: &[u8], out: &mut Vec<u8>| {
            let signature = key.ml_dsa_private()?.sign(&context, data);
            out.extend(signature.map_err(|_| Error::FunctionFailed)?);
            Ok(())
        },
    ))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (context, key) = (context(params)?, key.clone());
    let len = key.ml_dsa_public()?.set().signature_len();
    Ok(Whole::new(Limit::NONE, (), move |data: &[u8], signature: &[u8]| {
        if signature.len() != len {
            return Err(Error::SignatureLenRange);
        }
        let verdict = key.ml_dsa_public()?.verify(&context, data, signature);
        verdict.map_err(|_| Error::SignatureInvalid)
    }))
}

fn context(params: &Params) -> Result<Vec<u8>> {
    match params {
        Params::None => Ok(Vec::new()),
        Params::SignContext(context) => Ok(context.clone()),
        _ => Err(Error::MechanismParamInvalid),
    }
}
