//! SLH-DSA: key pairs and pure signatures. PKCS#11 3.2, section "SLH-DSA".
use super::params::SignContext;
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::slh_dsa::PrivateKey;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_SLH_DSA_KEY_PAIR_GEN,
    name: "CKM_SLH_DSA_KEY_PAIR_GEN",
    key_types: &[CKK_SLH_DSA],
    // length of the public key in bytes
    key_size: 32..=64,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const SLH_DSA: Mechanism = Mechanism {
    ckm: CKM_SLH_DSA,
    name: "CKM_SLH_DSA",
    params: Shape::SignContext,
    null: Some(Params::None),
    sign: Some(sign),
    verify: Some(verify),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(_: &Params, public: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let key = PrivateKey::generate(encode::slh_dsa_set(public)?).map_err(|_| Error::RandomNoRng)?;
    encode::slh_dsa_attributes(&key).map(Pair::from)
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (SignContext { context, hedge }, key) = (context(params)?, key.clone());
    let hedge = hedge.ok_or_else(|| Error::MechanismParamInvalid.because("hedgeVariant"))?;
    let len = key.slh_dsa_private()?.set().signature_len();
    Ok(Whole::new(
        Limit::NONE,
        move |_| Bound::Exactly(len),
        move |data: &[u8], out: &mut Vec<u8>| {
            let signature = key.slh_dsa_private()?.sign(&context, data, hedge);
            out.extend(signature.map_err(|_| Error::FunctionFailed)?);
            Ok(())
        },
    ))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (SignContext { context, .. }, key) = (context(params)?, key.clone());
    let len = key.slh_dsa_public()?.set().signature_len();
    Ok(Whole::new(Limit::NONE, (), move |data: &[u8], signature: &[u8]| {
        if signature.len() != len {
            return Err(Error::SignatureLenRange);
        }
        let verdict = key.slh_dsa_public()?.verify(&context, data, signature);
        verdict.map_err(|_| Error::SignatureInvalid)
    }))
}

fn context(params: &Params) -> Result<SignContext> {
    match params {
        Params::None => Ok(SignContext::NONE),
        Params::SignContext(context) => Ok(context.clone()),
        _ => Err(Error::MechanismParamInvalid),
    }
}
