//! Elliptic curves: key pairs and ECDSA. PKCS#11 3.2, section "Elliptic Curve".
use super::hashed::Hashed;
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Transform, Verify};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::ec::{Curve, PrivateKey};
use crate::crypto::hash::Hash;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;
use std::ops::RangeInclusive;

/// Bits of the curve's order.
pub(super) const SIZES: RangeInclusive<CK_ULONG> = 224..=521;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_EC_KEY_PAIR_GEN,
    name: "CKM_EC_KEY_PAIR_GEN",
    key_types: &[CKK_EC],
    key_size: SIZES,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const ECDSA: Mechanism = Mechanism {
    ckm: CKM_ECDSA,
    name: "CKM_ECDSA",
    key_types: &[CKK_EC],
    key_size: SIZES,
    sign: Some(sign),
    verify: Some(verify),
    ..Mechanism::NONE
};

macro_rules! signatures {
    ($($row:ident: $ckm:ident, $hash:ident;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            sign: Some(|_, key| sign_hash(Hash::$hash, key)),
            verify: Some(|_, key| verify_hash(Hash::$hash, key)),
            ..ECDSA
        };
    )*};
}

signatures! {
    ECDSA_SHA1: CKM_ECDSA_SHA1, Sha1;
    ECDSA_SHA224: CKM_ECDSA_SHA224, Sha224;
    ECDSA_SHA256: CKM_ECDSA_SHA256, Sha256;
    ECDSA_SHA384: CKM_ECDSA_SHA384, Sha384;
    ECDSA_SHA512: CKM_ECDSA_SHA512, Sha512;
    ECDSA_SHA3_224: CKM_ECDSA_SHA3_224, Sha3_224;
    ECDSA_SHA3_256: CKM_ECDSA_SHA3_256, Sha3_256;
    ECDSA_SHA3_384: CKM_ECDSA_SHA3_384, Sha3_384;
    ECDSA_SHA3_512: CKM_ECDSA_SHA3_512, Sha3_512;
}

/// The longest input of plain ECDSA: more than any digest, and only the leftmost bits count.
const LIMIT: Limit = Limit(1024, Error::DataLenRange);

fn generate_pair(_: &Params, public: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let params = public.bytes(CKA_EC_PARAMS).ok_or(Error::TemplateIncomplete)?;
    let key = PrivateKey::generate(encode::curve(params)?).map_err(|_| Error::RandomNoRng)?;
    encode::ec_pair(key)
}

fn sign(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (len, key) = (signature_len(key.ec_private()?.curve()), key.clone());
    Ok(Whole::new(
        LIMIT,
        move |_| Bound::Exactly(len),
        move |digest: &[u8], out: &mut Vec<u8>| {
            if digest.is_empty() {
                return Err(Error::DataLenRange);
            }
            out.extend(key.ec_private()?.sign(digest).map_err(|_| Error::FunctionFailed)?);
            Ok(())
        },
    ))
}

fn verify(_: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (len, key) = (signature_len(key.ec_public()?.curve()), key.clone());
    Ok(Whole::new(LIMIT, (), move |digest: &[u8], signature: &[u8]| {
        if signature.len() != len {
            return Err(Error::SignatureLenRange);
        }
        key.ec_public()?.verify(digest, signature).map_err(|_| Error::SignatureInvalid)
    }))
}

fn sign_hash(hash: Hash, key: &Key) -> Result<Box<dyn Transform>> {
    let (len, key) = (signature_len(key.ec_private()?.curve()), key.clone());
    Ok(Hashed::new(hash, len, move |digest: &[u8]| {
        key.ec_private()?.sign(digest).map_err(|_| Error::FunctionFailed)
    }))
}

fn verify_hash(hash: Hash, key: &Key) -> Result<Box<dyn Verify>> {
    let (len, key) = (signature_len(key.ec_public()?.curve()), key.clone());
    Ok(Hashed::new(hash, len, move |digest: &[u8], signature: &[u8]| {
        key.ec_public()?.verify(digest, signature).map_err(|_| Error::SignatureInvalid)
    }))
}

/// r and s, each as long as the order, which is as long as the field on all our curves.
fn signature_len(curve: Curve) -> usize {
    2 * curve.field_len()
}
