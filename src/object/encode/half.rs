//! The public half of a private key, as attributes. It is computed from the key itself: what the
//! application said about the public half of a key is not asked.
use super::{ec, okp, seeded, slh_dsa};
use crate::ck::*;
use crate::crypto::{ml_dsa, ml_kem};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::{Object, Prepared};

/// Returns what makes the public half an object, but for its class and key type.
/// `CKR_KEY_TYPE_INCONSISTENT` for what is no private key.
pub(in crate::object) fn public_half(object: &Object) -> Result<Attributes> {
    let mut half = match object.prepared()? {
        Prepared::RsaPrivate(_) => return rsa(object.attributes()),
        Prepared::EcPrivate(key) => ec::public_derived(key.curve(), key.point()),
        Prepared::EdwardsPrivate(key) => okp::EDWARDS.public_derived(key.public().bytes()),
        Prepared::MontgomeryPrivate(key) => okp::MONTGOMERY.public_derived(key.public().bytes()),
        Prepared::MlDsaPrivate(key) => seeded::public_half::<ml_dsa::Set>(key),
        Prepared::MlKemPrivate(key) => seeded::public_half::<ml_kem::Set>(key),
        Prepared::SlhDsaPrivate(key) => slh_dsa::public_derived(key.set(), key.public()),
        _ => Err(Error::KeyTypeInconsistent),
    }?;
    half.remove(CKA_PUBLIC_KEY_INFO);
    Ok(half)
}

/// A private key of RSA is checked against its modulus and public exponent when it comes in.
fn rsa(private: &Attributes) -> Result<Attributes> {
    let number = |cka| private.value(cka).cloned().map(|value| (cka, value));
    let numbers = [CKA_MODULUS, CKA_PUBLIC_EXPONENT].map(number);
    numbers.into_iter().collect::<Option<Attributes>>().ok_or(Error::GeneralError)
}
