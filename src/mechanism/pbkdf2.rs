//! PBKDF2 (RFC 8018): secret keys from passwords. PKCS#11 3.2, section "PKCS #5 PBKDF2".
use super::{MAX_KEY_LEN, Mechanism, Params, Shape, derived};
use crate::ck::*;
use crate::crypto::kdf;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;

pub(super) const PBKD2: Mechanism = Mechanism {
    ckm: CKM_PKCS5_PBKD2,
    name: "CKM_PKCS5_PBKD2",
    params: Shape::Pbkdf2,
    key_types: derived::SECRETS,
    key_size: 1..=MAX_KEY_LEN as CK_ULONG,
    generate: Some(generate),
    ..Mechanism::NONE
};

fn generate(params: &Params, template: &Attributes) -> Result<Attributes> {
    let Params::Pbkdf2(params) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let len = derived::needed_len(template)?;
    kdf::pbkdf2(params.hash, &params.password, &params.salt, params.iterations, len)
        .map(derived::key)
        .map_err(|_| Error::FunctionFailed)
}
