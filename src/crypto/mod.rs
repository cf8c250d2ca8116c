//! Primitives: bytes in, bytes out. No `CK_*` types, no permissions; fails with one opaque [`Failed`].
//!
//! RustCrypto owns formats and key wrap (`aes-kw`, RFC 3394/5649); AWS-LC owns the hot arithmetic,
//! behind the safe types of `aws_lc`. Nothing outside this folder names AWS-LC, or more of RustCrypto than
//! its formats (`der`, `spki` and their relatives).
pub mod aead;
pub mod aes;
pub mod aes_kw;
mod aws_lc;
pub mod chacha;
pub mod des3;
pub mod ec;
pub mod edwards;
mod edwards_empty;
pub mod hash;
pub mod kdf;
pub mod mac;
pub mod ml_dsa;
pub mod ml_kem;
pub mod montgomery;
pub mod oaep;
pub mod pin;
pub mod prehash;
pub mod pss;
mod random;
pub mod rsa;
pub mod rsa_keygen;
mod secret;
mod secret_key;
pub mod shares;
pub mod slh_dsa;
mod workers;

pub use aws_lc::exchange::{Exchange, InOut};
pub use random::{random, seed};
pub use secret::Secret;
pub use secret_key::SecretKey;
pub use workers::{Threads, Workers};

/// It did not work. Deliberately says no more: which check failed is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// Whether `a` and `b` are the same bytes, in a time that depends on their lengths alone.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}
