//! Digests: a row for each hash. PKCS#11 3.2, sections "SHA-1" to "SHA3-512".
use super::hashed::Hashed;
use super::{Mechanism, Transform};
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::error::Result;

macro_rules! digests {
    ($($row:ident: $ckm:ident, $hash:ident;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            digest: Some(|_| start(Hash::$hash)),
            ..Mechanism::NONE
        };
    )*};
}

digests! {
    SHA1: CKM_SHA_1, Sha1;
    SHA224: CKM_SHA224, Sha224;
    SHA256: CKM_SHA256, Sha256;
    SHA384: CKM_SHA384, Sha384;
    SHA512: CKM_SHA512, Sha512;
    SHA512_224: CKM_SHA512_224, Sha512_224;
    SHA512_256: CKM_SHA512_256, Sha512_256;
    SHA3_224: CKM_SHA3_224, Sha3_224;
    SHA3_256: CKM_SHA3_256, Sha3_256;
    SHA3_384: CKM_SHA3_384, Sha3_384;
    SHA3_512: CKM_SHA3_512, Sha3_512;
}

fn start(hash: Hash) -> Result<Box<dyn Transform>> {
    Ok(Hashed::new(hash, hash.size(), |digest: &[u8]| Ok(digest.to_vec())))
}
