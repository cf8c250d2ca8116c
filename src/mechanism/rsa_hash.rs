//! PKCS #1 v1.5 signatures over a hash of the input: a row for each hash. PKCS#11 3.2, sections
//! "PKCS #1 v1.5 RSA signature with SHA-1, SHA-256, SHA-384, SHA-512" and the like.
use super::hashed::Hashed;
use super::{Mechanism, Transform, Verify, rsa};
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::crypto::rsa::digest_info;
use crate::error::{Error, Result};
use crate::object::policy::Key;

macro_rules! signatures {
    ($($row:ident: $ckm:ident, $hash:ident;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            key_types: &[CKK_RSA],
            key_size: rsa::SIZES,
            sign: Some(|_, key| sign(Hash::$hash, key)),
            verify: Some(|_, key| verify(Hash::$hash, key)),
            ..Mechanism::NONE
        };
    )*};
}

signatures! {
    SHA1: CKM_SHA1_RSA_PKCS, Sha1;
    SHA224: CKM_SHA224_RSA_PKCS, Sha224;
    SHA256: CKM_SHA256_RSA_PKCS, Sha256;
    SHA384: CKM_SHA384_RSA_PKCS, Sha384;
    SHA512: CKM_SHA512_RSA_PKCS, Sha512;
    SHA3_224: CKM_SHA3_224_RSA_PKCS, Sha3_224;
    SHA3_256: CKM_SHA3_256_RSA_PKCS, Sha3_256;
    SHA3_384: CKM_SHA3_384_RSA_PKCS, Sha3_384;
    SHA3_512: CKM_SHA3_512_RSA_PKCS, Sha3_512;
}

fn sign(hash: Hash, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    Ok(Hashed::new(hash, size, move |digest: &[u8]| {
        let signature = key.rsa_private()?.sign_pkcs1(&digest_info(hash, digest));
        signature.map_err(|_| Error::FunctionFailed)
    }))
}

fn verify(hash: Hash, key: &Key) -> Result<Box<dyn Verify>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(Hashed::new(hash, size, move |digest: &[u8], signature: &[u8]| {
        rsa::verify_content(&key, &digest_info(hash, digest), signature)
    }))
}
