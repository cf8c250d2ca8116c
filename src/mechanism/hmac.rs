//! HMAC with each hash, whole or cut to a length, and the keys for it. PKCS#11 3.2, sections "SHA-1"
//! to "SHA3-512"; FIPS 198-1.
use super::{Bound, MAX_KEY_LEN, Mechanism, Params, Shape, Transform, Verify, generic_secret};
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::crypto::{mac, same};
use crate::error::{Error, Result};

/// Three rows for each hash: the whole code, the code cut short, and the keys.
macro_rules! hmacs {
    ($($whole:ident $general:ident $key_gen:ident:
        $ckm:ident $ckm_general:ident $ckm_key_gen:ident $ckk:ident $hash:ident;)*) => {$(
        pub(super) const $whole: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            key_types: &[$ckk, CKK_GENERIC_SECRET],
            sign: Some(|_, key| Ok(Code::start(Hash::$hash, Hash::$hash.size(), key)?)),
            verify: Some(|_, key| Ok(Code::start(Hash::$hash, Hash::$hash.size(), key)?)),
            ..HMAC
        };
        pub(super) const $general: Mechanism = Mechanism {
            ckm: $ckm_general,
            name: stringify!($ckm_general),
            params: Shape::MacLen,
            sign: Some(|p, key| Ok(Code::start(Hash::$hash, len(p, Hash::$hash)?, key)?)),
            verify: Some(|p, key| Ok(Code::start(Hash::$hash, len(p, Hash::$hash)?, key)?)),
            ..$whole
        };
        pub(super) const $key_gen: Mechanism = Mechanism {
            ckm: $ckm_key_gen,
            name: stringify!($ckm_key_gen),
            key_types: &[$ckk],
            generate: Some(|_, template| generic_secret::random_value(template, 1..=MAX_KEY_LEN)),
            ..HMAC
        };
    )*};
}

/// What the rows of this file have in common. Key sizes are in bytes.
const HMAC: Mechanism = Mechanism { key_size: 1..=MAX_KEY_LEN as CK_ULONG, ..Mechanism::NONE };

#[rustfmt::skip]
hmacs! {
    SHA1 SHA1_GENERAL SHA1_KEY_GEN:
        CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN CKK_SHA_1_HMAC Sha1;
    SHA224 SHA224_GENERAL SHA224_KEY_GEN:
        CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN CKK_SHA224_HMAC Sha224;
    SHA256 SHA256_GENERAL SHA256_KEY_GEN:
        CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN CKK_SHA256_HMAC Sha256;
    SHA384 SHA384_GENERAL SHA384_KEY_GEN:
        CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN CKK_SHA384_HMAC Sha384;
    SHA512 SHA512_GENERAL SHA512_KEY_GEN:
        CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN CKK_SHA512_HMAC Sha512;
    SHA512_224 SHA512_224_GENERAL SHA512_224_KEY_GEN:
        CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN
        CKK_SHA512_224_HMAC Sha512_224;
    SHA512_256 SHA512_256_GENERAL SHA512_256_KEY_GEN:
        CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN
        CKK_SHA512_256_HMAC Sha512_256;
    SHA3_224 SHA3_224_GENERAL SHA3_224_KEY_GEN:
        CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN CKK_SHA3_224_HMAC Sha3_224;
    SHA3_256 SHA3_256_GENERAL SHA3_256_KEY_GEN:
        CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN CKK_SHA3_256_HMAC Sha3_256;
    SHA3_384 SHA3_384_GENERAL SHA3_384_KEY_GEN:
        CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN CKK_SHA3_384_HMAC Sha3_384;
    SHA3_512 SHA3_512_GENERAL SHA3_512_KEY_GEN:
        CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN CKK_SHA3_512_HMAC Sha3_512;
}

/// The length that the parameter asks for: one byte to the whole code.
fn len(params: &Params, hash: Hash) -> Result<usize> {
    match params {
        Params::MacLen(len) if (1..=hash.size()).contains(len) => Ok(*len),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// A code at work.
struct Code {
    hmac: mac::Hmac,
    /// How many of its bytes are wanted.
    len: usize,
}

impl Code {
    fn start(hash: Hash, len: usize, key: &super::Key) -> Result<Box<Code>> {
        let hmac = mac::Hmac::new(hash, key.secret()?).map_err(|_| Error::FunctionFailed)?;
        Ok(Box::new(Code { hmac, len }))
    }

    fn feed(&mut self, part: &[u8]) -> Result<()> {
        self.hmac.update(part).map_err(|_| Error::FunctionFailed)
    }

    fn end(self) -> Result<Vec<u8>> {
        let mut code = self.hmac.finish().map_err(|_| Error::FunctionFailed)?;
        code.truncate(self.len);
        Ok(code)
    }
}

impl Transform for Code {
    fn update(&mut self, part: &[u8], _: &mut Vec<u8>) -> Result<()> {
        self.feed(part)
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        out.extend(self.end()?);
        Ok(())
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(self.len)
    }
}

impl Verify for Code {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.feed(part)
    }
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        if same(&self.end()?, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
