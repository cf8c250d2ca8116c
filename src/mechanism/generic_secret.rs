//! Generic secrets. PKCS#11 3.2, section "Generic secret key".
use super::{MAX_KEY_LEN, Mechanism, Params};
use crate::ck::*;
use crate::crypto;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use std::ops::RangeInclusive;

pub(super) const KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_GENERIC_SECRET_KEY_GEN,
    name: "CKM_GENERIC_SECRET_KEY_GEN",
    key_types: &[CKK_GENERIC_SECRET],
    // in bits, as the standard's table has it for this mechanism alone
    key_size: 8..=MAX_KEY_LEN as CK_ULONG * 8,
    generate: Some(|_: &Params, template| random_value(template, 1..=MAX_KEY_LEN)),
    ..Mechanism::NONE
};

/// A random `CKA_VALUE` of the template's `CKA_VALUE_LEN`, which must be in `lengths`.
pub(super) fn random_value(
    template: &Attributes,
    lengths: RangeInclusive<usize>,
) -> Result<Attributes> {
    let len = template.ulong(CKA_VALUE_LEN).ok_or(Error::TemplateIncomplete)?;
    let len = usize::try_from(len).map_err(|_| Error::KeySizeRange)?;
    if !lengths.contains(&len) {
        return Err(Error::KeySizeRange);
    }
    let value = crypto::random(len).map_err(|_| Error::RandomNoRng)?;
    Ok(Attributes::from_iter([(CKA_VALUE, Value::Bytes(value))]))
}
