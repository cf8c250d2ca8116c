//! Digests: a row for each hash. PKCS#11 3.2, sections "SHA-1" to "SHA3-512"; MD5 is for old data only,
//! and there if `legacy` is set.
use super::{Bound, Mechanism, Transform};
use crate::ck::*;
use crate::crypto::hash::{Hash, Hasher};
use crate::error::{Error, Result};

macro_rules! digests {
    ($($row:ident: $ckm:ident, $hash:ident;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            digest: Some(|_| Ok(Digesting::boxed(Hash::$hash, Hasher::new(Hash::$hash)))),
            resume: Some(|state| resume(Hash::$hash, state)),
            ..Mechanism::NONE
        };
    )*};
}

pub(super) const MD5: Mechanism = Mechanism {
    ckm: CKM_MD5,
    name: "CKM_MD5",
    legacy: true,
    digest: Some(|_| Ok(Box::new(Digesting { hasher: Hasher::md5(), len: 16 }))),
    ..Mechanism::NONE
};

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

fn resume(hash: Hash, state: &[u8]) -> Result<Box<dyn Transform>> {
    let hasher = Hasher::resume(hash, state).map_err(|_| Error::SavedStateInvalid)?;
    Ok(Digesting::boxed(hash, hasher))
}

/// A digest under way.
struct Digesting {
    hasher: Hasher,
    len: usize,
}

impl Digesting {
    fn boxed(hash: Hash, hasher: Hasher) -> Box<dyn Transform> {
        Box::new(Digesting { hasher, len: hash.size() })
    }
}

impl Transform for Digesting {
    fn update(&mut self, part: &[u8], _: &mut Vec<u8>) -> Result<()> {
        self.hasher.update(part);
        Ok(())
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        out.extend(self.hasher.finish().map_err(|_| Error::HostMemory)?);
        Ok(())
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(self.len)
    }
    fn state(&self) -> Option<Vec<u8>> {
        self.hasher.state()
    }
}
