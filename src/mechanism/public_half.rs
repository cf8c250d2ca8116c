//! `CKM_PUB_KEY_FROM_PRIV_KEY`: the public half of a private key, as an object of its own. PKCS#11 3.2,
//! section "Public key from private key". The base key needs no `CKA_DERIVE`.
use super::{Derived, Mechanism};
use crate::ck::*;

pub(super) const FROM_PRIVATE: Mechanism = Mechanism {
    ckm: CKM_PUB_KEY_FROM_PRIV_KEY,
    name: "CKM_PUB_KEY_FROM_PRIV_KEY",
    key_types: &[
        CKK_RSA,
        CKK_EC,
        CKK_EC_EDWARDS,
        CKK_EC_MONTGOMERY,
        CKK_ML_DSA,
        CKK_ML_KEM,
        CKK_SLH_DSA,
    ],
    // of all these types, each in its own unit
    key_size: 32..=8192,
    derive: Some(|_, key, _| key.public_half()),
    derives: Derived::PublicHalf,
    ..Mechanism::NONE
};
