//! Every family of mechanisms beside vectors from outside, through the C functions.
#![allow(non_snake_case, reason = "fields of C structures")]
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

#[path = "mechanisms/aes.rs"]
mod aes;
#[path = "mechanisms/aes_aead.rs"]
mod aes_aead;
#[path = "mechanisms/aes_derive.rs"]
mod aes_derive;
#[path = "mechanisms/aes_macs.rs"]
mod aes_macs;
#[path = "mechanisms/aes_openssl.rs"]
mod aes_openssl;
#[path = "mechanisms/aes_stealing.rs"]
mod aes_stealing;
#[path = "mechanisms/aes_streams.rs"]
mod aes_streams;
#[path = "mechanisms/aes_wrapping.rs"]
mod aes_wrapping;
#[path = "mechanisms/bytes.rs"]
mod bytes;
#[path = "mechanisms/chacha.rs"]
mod chacha;
mod common;
#[path = "mechanisms/derive.rs"]
mod derive;
#[path = "mechanisms/des3.rs"]
mod des3;
#[path = "mechanisms/digest.rs"]
mod digest;
#[path = "mechanisms/ecdh.rs"]
mod ecdh;
#[path = "mechanisms/ecdh_aes_key_wrap.rs"]
mod ecdh_aes_key_wrap;
#[path = "mechanisms/ecdsa.rs"]
mod ecdsa;
#[path = "mechanisms/eddsa.rs"]
mod eddsa;
#[path = "mechanisms/hash_ml_dsa.rs"]
mod hash_ml_dsa;
#[path = "mechanisms/hash_slh_dsa.rs"]
mod hash_slh_dsa;
#[path = "mechanisms/hashes.rs"]
mod hashes;
#[path = "mechanisms/hkdf.rs"]
mod hkdf;
#[path = "mechanisms/hmac.rs"]
mod hmac;
#[path = "mechanisms/kdf_openssl.rs"]
mod kdf_openssl;
#[path = "mechanisms/md5.rs"]
mod md5;
#[path = "mechanisms/ml_dsa.rs"]
mod ml_dsa;
#[path = "mechanisms/ml_kem.rs"]
mod ml_kem;
#[path = "mechanisms/openssl.rs"]
mod openssl;
#[path = "mechanisms/overlap.rs"]
mod overlap;
#[path = "mechanisms/pbkdf2.rs"]
mod pbkdf2;
#[path = "mechanisms/public_half.rs"]
mod public_half;
#[path = "mechanisms/rsa.rs"]
mod rsa;
#[path = "mechanisms/rsa_pss.rs"]
mod rsa_pss;
#[path = "mechanisms/rsa_sizes.rs"]
mod rsa_sizes;
#[path = "mechanisms/rsa_x509.rs"]
mod rsa_x509;
#[path = "mechanisms/slh_dsa.rs"]
mod slh_dsa;
#[path = "mechanisms/sp800_108.rs"]
mod sp800_108;
#[path = "mechanisms/sp800_108_keys.rs"]
mod sp800_108_keys;
#[path = "mechanisms/tls12.rs"]
mod tls12;
#[path = "mechanisms/tls12_rules.rs"]
mod tls12_rules;
#[path = "mechanisms/vectors.rs"]
mod vectors;
