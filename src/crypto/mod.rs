//! Primitives: bytes in, bytes out. No `CK_*` types, no permissions; fails with one opaque [`Failed`].
//!
//! RustCrypto owns formats and key wrap (`aes-kw`, RFC 3394/5649); AWS-LC owns the hot arithmetic,
//! behind the safe types of `aws_lc`. Nothing outside this folder names either.
pub mod aes;
pub mod aes_kw;
mod aws_lc;
pub mod ec;
pub mod hash;
pub mod mac;
pub mod oaep;
pub mod pin;
pub mod rsa;
pub mod rsa_keygen;

use zeroize::Zeroizing;

/// Bytes that must not outlive their use.
pub type Secret = Zeroizing<Vec<u8>>;

/// It did not work. Deliberately says no more: which check failed is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// `len` fresh random bytes.
pub fn random(len: usize) -> Result<Secret, Failed> {
    let _ = len;
    todo!()
}

/// Mixes `seed` into what [`random`] returns from now on, in addition to the system's entropy.
pub fn seed(seed: &[u8]) {
    let _ = seed;
    todo!()
}

/// Whether `a` and `b` are the same bytes, in a time that depends on their lengths alone.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    a.ct_eq(b).into()
}
