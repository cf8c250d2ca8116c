//! Elliptic curve Diffie-Hellman with one key pair on each side, on all our curves. PKCS#11 3.2,
//! section "Elliptic curve Diffie-Hellman".
//!
//! Every curve here that has a cofactor other than 1 is curve25519, whose scalars are multiples of
//! it; so both mechanisms are one.
use super::params::Ecdh;
use super::{Mechanism, Params, Shape, derived, ec};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::kdf::AgreementKdf;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;

pub(super) const DERIVE: Mechanism = Mechanism {
    ckm: CKM_ECDH1_DERIVE,
    name: "CKM_ECDH1_DERIVE",
    params: Shape::Ecdh,
    key_types: &[CKK_EC, CKK_EC_MONTGOMERY],
    key_size: ec::SIZES,
    derive: Some(derive),
    ..Mechanism::NONE
};

pub(super) const COFACTOR_DERIVE: Mechanism =
    Mechanism { ckm: CKM_ECDH1_COFACTOR_DERIVE, name: "CKM_ECDH1_COFACTOR_DERIVE", ..DERIVE };

fn derive(params: &Params, key: &Key, template: &Attributes) -> Result<Attributes> {
    let Params::Ecdh(Ecdh { kdf, shared_data, public }) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let shared = agree(key, public)?;
    let hash = kdf.map(|(AgreementKdf::X963(hash) | AgreementKdf::OneStep(hash))| hash);
    expand(*kdf, &shared, shared_data, derived::natural_len(template, hash)?).map(derived::key)
}

/// The shared secret of a private key and somebody's public key.
pub(super) fn agree(key: &Key, public: &[u8]) -> Result<Secret> {
    let invalid = |error| Error::MechanismParamInvalid.because(error);
    match key.attributes().ulong(CKA_KEY_TYPE) {
        Some(CKK_EC_MONTGOMERY) => {
            let peer = encode::montgomery_point(public).map_err(invalid)?;
            key.montgomery_private()?.agree(&peer)
        }
        _ => {
            let key = key.ec_private()?;
            let peer = encode::ec_point(key.curve(), public).map_err(invalid)?;
            key.agree(&peer)
        }
    }
    .map_err(|_| Error::MechanismParamInvalid.because("there is no shared secret with this point"))
}

/// The key that a shared secret becomes. Without a KDF it is the secret, or its end.
pub(super) fn expand(
    kdf: Option<AgreementKdf>,
    shared: &Secret,
    data: &[u8],
    len: Option<usize>,
) -> Result<Secret> {
    match (kdf, len) {
        (None, len) => {
            let surplus = shared.len().checked_sub(len.unwrap_or(shared.len()));
            let end = surplus.and_then(|surplus| shared.get(surplus..));
            Ok(Secret::new(end.ok_or(Error::KeySizeRange)?.to_vec()))
        }
        (Some(kdf), Some(len)) => kdf.derive(shared, data, len).map_err(|_| Error::KeySizeRange),
        (Some(_), None) => Err(Error::TemplateIncomplete.because("CKA_VALUE_LEN")),
    }
}
