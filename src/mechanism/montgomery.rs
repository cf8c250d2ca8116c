//! X25519 key pairs; the agreement is in [`ecdh`](super::ecdh). PKCS#11 3.2, sections "Montgomery
//! elliptic curve".
use super::{Mechanism, Params};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::montgomery::PrivateKey;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
    name: "CKM_EC_MONTGOMERY_KEY_PAIR_GEN",
    key_types: &[CKK_EC_MONTGOMERY],
    key_size: 255..=255,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

fn generate_pair(_: &Params, _: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let key = PrivateKey::generate().map_err(|_| Error::RandomNoRng)?;
    encode::montgomery_attributes(&key).map(Pair::from)
}
