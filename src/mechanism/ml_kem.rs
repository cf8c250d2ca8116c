//! ML-KEM: key pairs and key encapsulation. PKCS#11 3.2, section "ML-KEM".
//!
//! A shared secret has 32 bytes, and so has the key that it becomes: unlike those of key agreement,
//! the section says nothing of a shorter one.
use super::{Encapsulate, Encapsulated, Mechanism, Params};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::Workers;
use crate::crypto::ml_kem::{PrivateKey, Set};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_ML_KEM_KEY_PAIR_GEN,
    name: "CKM_ML_KEM_KEY_PAIR_GEN",
    key_types: &[CKK_ML_KEM],
    // length of the public key in bytes
    key_size: 800..=1568,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const ML_KEM: Mechanism = Mechanism {
    ckm: CKM_ML_KEM,
    name: "CKM_ML_KEM",
    encapsulate: Some(Encapsulate { len, run: encapsulate }),
    decapsulate: Some(decapsulate),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(_: &Params, public: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let set: Set = encode::parameter_set(public)?;
    let key = PrivateKey::generate(set).map_err(|_| Error::RandomNoRng)?;
    encode::seeded_attributes::<Set>(&key).map(Pair::from)
}

fn len(_: &Params, key: &Key) -> Result<usize> {
    Ok(key.ml_kem_public()?.set().ciphertext_len())
}

fn encapsulate(_: &Params, key: &Key) -> Result<Encapsulated> {
    key.ml_kem_public()?.encapsulate().map_err(|_| Error::FunctionFailed)
}

fn decapsulate(_: &Params, key: &Key, ciphertext: &[u8]) -> Result<Secret> {
    let key = key.ml_kem_private()?;
    if ciphertext.len() != key.set().ciphertext_len() {
        return Err(Error::WrappedKeyLenRange);
    }
    key.decapsulate(ciphertext).map_err(|_| Error::FunctionFailed)
}
