//! RSASSA-PSS of a digest, and of a hash of the input: a row for each hash. PKCS#11 3.2, section
//! "PKCS #1 RSA PSS".
use super::hashed::Hashed;
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify, rsa};
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::crypto::pss::{self, Pss};
use crate::error::{Error, Result};
use crate::object::policy::Key;

/// What the rows of this file have in common.
const PSS: Mechanism = Mechanism {
    params: Shape::Pss,
    key_types: &[CKK_RSA],
    key_size: rsa::SIZES,
    ..Mechanism::NONE
};

pub(super) const DIGEST: Mechanism = Mechanism {
    ckm: CKM_RSA_PKCS_PSS,
    name: "CKM_RSA_PKCS_PSS",
    sign: Some(sign),
    verify: Some(verify),
    ..PSS
};

macro_rules! signatures {
    ($($row:ident: $ckm:ident, $hash:ident;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            sign: Some(|params, key| sign_hash(Hash::$hash, params, key)),
            verify: Some(|params, key| verify_hash(Hash::$hash, params, key)),
            ..PSS
        };
    )*};
}

signatures! {
    SHA1: CKM_SHA1_RSA_PKCS_PSS, Sha1;
    SHA224: CKM_SHA224_RSA_PKCS_PSS, Sha224;
    SHA256: CKM_SHA256_RSA_PKCS_PSS, Sha256;
    SHA384: CKM_SHA384_RSA_PKCS_PSS, Sha384;
    SHA512: CKM_SHA512_RSA_PKCS_PSS, Sha512;
    SHA3_224: CKM_SHA3_224_RSA_PKCS_PSS, Sha3_224;
    SHA3_256: CKM_SHA3_256_RSA_PKCS_PSS, Sha3_256;
    SHA3_384: CKM_SHA3_384_RSA_PKCS_PSS, Sha3_384;
    SHA3_512: CKM_SHA3_512_RSA_PKCS_PSS, Sha3_512;
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let private = key.rsa_private()?;
    let (pss, size, key) = (read(params, private.bits())?, private.size(), key.clone());
    Ok(Whole::new(
        Limit(pss.hash.size(), Error::DataLenRange),
        move |_| Bound::Exactly(size),
        move |digest: &[u8], out: &mut Vec<u8>| {
            check_len(&pss, digest)?;
            out.extend(sign_digest(&pss, &key, digest)?);
            Ok(())
        },
    ))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let public = key.rsa_public()?;
    let (pss, size, key) = (read(params, public.bits())?, public.size(), key.clone());
    Ok(Whole::new(
        Limit(pss.hash.size(), Error::DataLenRange),
        (),
        move |digest: &[u8], signature: &[u8]| {
            check_len(&pss, digest)?;
            if signature.len() != size {
                return Err(Error::SignatureLenRange);
            }
            verify_digest(&pss, &key, digest, signature)
        },
    ))
}

fn sign_hash(hash: Hash, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let private = key.rsa_private()?;
    let (pss, size) = (read(params, private.bits())?, private.size());
    check_hash(&pss, hash)?;
    let key = key.clone();
    Ok(Hashed::new(hash, size, move |digest: &[u8]| sign_digest(&pss, &key, digest)))
}

fn verify_hash(hash: Hash, params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let public = key.rsa_public()?;
    let (pss, size) = (read(params, public.bits())?, public.size());
    check_hash(&pss, hash)?;
    let key = key.clone();
    Ok(Hashed::new(hash, size, move |digest: &[u8], signature: &[u8]| {
        verify_digest(&pss, &key, digest, signature)
    }))
}

fn sign_digest(pss: &Pss, key: &Key, digest: &[u8]) -> Result<Vec<u8>> {
    pss::sign(key.rsa_private()?, pss, digest).map_err(|_| Error::FunctionFailed)
}

fn verify_digest(pss: &Pss, key: &Key, digest: &[u8], signature: &[u8]) -> Result<()> {
    pss::verify(key.rsa_public()?, pss, digest, signature).map_err(|_| Error::SignatureInvalid)
}

/// The parameters, if a key of so many bits has room for them.
fn read(params: &Params, bits: usize) -> Result<Pss> {
    let Params::Pss(pss) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let longest = Pss::max_salt(pss.hash, bits).ok_or(Error::KeySizeRange)?;
    if pss.salt_len > longest {
        return Err(Error::MechanismParamInvalid
            .because(format_args!("a salt of {} bytes; {longest} fit", pss.salt_len)));
    }
    Ok(*pss)
}

/// The hash that the parameter names is the mechanism's own.
fn check_hash(pss: &Pss, hash: Hash) -> Result<()> {
    if pss.hash == hash {
        Ok(())
    } else {
        Err(Error::MechanismParamInvalid.because("another hash than the mechanism's"))
    }
}

fn check_len(pss: &Pss, digest: &[u8]) -> Result<()> {
    if digest.len() == pss.hash.size() { Ok(()) } else { Err(Error::DataLenRange) }
}
