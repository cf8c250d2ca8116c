//! AES key wrap: RFC 3394 ([`kw_wrap`]) and, with padding, RFC 5649 ([`kwp_wrap`]).
//!
//! `aes-kw` 0.3.1 unwraps the 16 bytes `A65959A600000000…` shorter than a real wrapping to an empty
//! key, so lengths and empty keys are refused here, before and after it.
use super::{Failed, Secret};

/// The shortest RFC 3394 wrapping: two blocks of key and the check block.
pub const KW_MIN: usize = 24;
/// The shortest RFC 5649 wrapping: one to eight bytes of key and the check block.
pub const KWP_MIN: usize = 16;

/// Length of the RFC 3394 wrapping of `len` bytes.
pub const fn kw_len(len: usize) -> usize {
    len + 8
}
/// Length of the RFC 5649 wrapping of `len` bytes.
pub const fn kwp_len(len: usize) -> usize {
    len.div_ceil(8) * 8 + 8
}
/// Wraps `key`, a multiple of 8 bytes and 16 at least, under the AES key `kek`; `iv` replaces the
/// default check value.
pub fn kw_wrap(kek: &[u8], iv: Option<[u8; 8]>, key: &[u8]) -> Result<Vec<u8>, Failed> {
    let _ = (kek, iv, key);
    todo!()
}
/// Unwraps.
pub fn kw_unwrap(kek: &[u8], iv: Option<[u8; 8]>, wrapped: &[u8]) -> Result<Secret, Failed> {
    let _ = (kek, iv, wrapped);
    todo!()
}
/// Wraps `key`, one byte or more, under the AES key `kek`; `iv` replaces the default `A65959A6`.
pub fn kwp_wrap(kek: &[u8], iv: Option<[u8; 4]>, key: &[u8]) -> Result<Vec<u8>, Failed> {
    let _ = (kek, iv, key);
    todo!()
}
/// Unwraps. Every failure looks and lasts the same for the same length.
pub fn kwp_unwrap(kek: &[u8], iv: Option<[u8; 4]>, wrapped: &[u8]) -> Result<Secret, Failed> {
    let _ = (kek, iv, wrapped);
    todo!()
}
