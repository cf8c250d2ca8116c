//! AES key wrap: RFC 3394 ([`kw_wrap`]) and, with padding, RFC 5649 ([`kwp_wrap`]).
//!
//! Crate `aes-kw` does both with the standards' check values; `chosen` with any other. `aes-kw`
//! 0.3.1 takes the 8 bytes `A65959A600000000` (and the check value of RFC 3394 alone) for the
//! wrapping of an empty key under *any* KEK, so lengths and empty keys are refused here first.
//!
//! What a failure tells: the refusals by length come before the KEK is used. All others come
//! after every block was decrypted, so their time depends on the length alone but for the final
//! comparison of check value, length field and padding, which `aes-kw` leaves at the first
//! difference (nanoseconds; all but 1 in 2³² forgeries end at the same one, the check value).
use super::{Failed, Secret};
use aes::{
    Aes128, Aes192, Aes256,
    cipher::{KeyInit, common::InnerInit},
};
use aes_kw::{AesKw, AesKwp};

mod chosen;

/// The shortest RFC 3394 wrapping: two blocks of key and the check block.
pub const KW_MIN: usize = 24;
/// The shortest RFC 5649 wrapping: one to eight bytes of key and the check block.
pub const KWP_MIN: usize = 16;

/// What wrapping works in: half an AES block.
const SEMIBLOCK: usize = 8;

/// Length of the RFC 3394 wrapping of `len` bytes.
pub const fn kw_len(len: usize) -> usize {
    len + SEMIBLOCK
}
/// Length of the RFC 5649 wrapping of `len` bytes.
pub const fn kwp_len(len: usize) -> usize {
    len.div_ceil(SEMIBLOCK) * SEMIBLOCK + SEMIBLOCK
}

/// Evaluates `$done` with `$cipher`, AES as long as `$kek`.
macro_rules! under {
    ($kek:expr, |$cipher:ident| $done:expr) => {
        match $kek.len() {
            16 => Aes128::new_from_slice($kek).map_err(|_| Failed).and_then(|$cipher| $done),
            24 => Aes192::new_from_slice($kek).map_err(|_| Failed).and_then(|$cipher| $done),
            32 => Aes256::new_from_slice($kek).map_err(|_| Failed).and_then(|$cipher| $done),
            _ => Err(Failed),
        }
    };
}

/// Wraps `key`, a multiple of 8 bytes and 16 at least, under the AES key `kek`; `iv` replaces the
/// default check value.
pub fn kw_wrap(kek: &[u8], iv: Option<[u8; 8]>, key: &[u8]) -> Result<Vec<u8>, Failed> {
    let room = key.len().checked_add(SEMIBLOCK).ok_or(Failed)?;
    if room < KW_MIN || !key.len().is_multiple_of(SEMIBLOCK) {
        return Err(Failed);
    }
    match iv {
        Some(iv) => under!(kek, |aes| chosen::wrap(&aes, iv, key)),
        None => under!(kek, |aes| {
            let mut out = vec![0; room];
            AesKw::inner_init(aes).wrap_key(key, &mut out).map_err(|_| Failed)?;
            Ok(out)
        }),
    }
}

/// Unwraps.
pub fn kw_unwrap(kek: &[u8], iv: Option<[u8; 8]>, wrapped: &[u8]) -> Result<Secret, Failed> {
    let mut key = room_for(wrapped, KW_MIN)?;
    match iv {
        Some(iv) => under!(kek, |aes| chosen::unwrap(&aes, iv, wrapped)),
        None => under!(kek, |aes| {
            AesKw::inner_init(aes).unwrap_key(wrapped, &mut key).map_err(|_| Failed)?;
            Ok(key)
        }),
    }
}

/// Wraps `key`, one byte or more, under the AES key `kek`; `iv` replaces the default `A65959A6`.
pub fn kwp_wrap(kek: &[u8], iv: Option<[u8; 4]>, key: &[u8]) -> Result<Vec<u8>, Failed> {
    if key.is_empty() || u32::try_from(key.len()).is_err() {
        return Err(Failed);
    }
    match iv {
        Some(iv) => under!(kek, |aes| chosen::wrap_padded(&aes, iv, key)),
        None => under!(kek, |aes| {
            let mut out = vec![0; kwp_len(key.len())];
            AesKwp::inner_init(aes).wrap_key(key, &mut out).map_err(|_| Failed)?;
            Ok(out)
        }),
    }
}

/// Unwraps. Every failure looks and lasts the same for the same length.
pub fn kwp_unwrap(kek: &[u8], iv: Option<[u8; 4]>, wrapped: &[u8]) -> Result<Secret, Failed> {
    let mut key = room_for(wrapped, KWP_MIN)?;
    let key = match iv {
        Some(iv) => under!(kek, |aes| chosen::unwrap_padded(&aes, iv, wrapped)),
        None => under!(kek, |aes| {
            let unwrapped = AesKwp::inner_init(aes).unwrap_key(wrapped, &mut key);
            let len = unwrapped.map_err(|_| Failed)?.len();
            key.truncate(len);
            Ok(key)
        }),
    }?;
    if key.is_empty() { Err(Failed) } else { Ok(key) }
}

/// Room for what comes out of `wrapped`, if that has a length that a wrapping can have.
fn room_for(wrapped: &[u8], min: usize) -> Result<Secret, Failed> {
    if wrapped.len() < min || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Failed);
    }
    Ok(Secret::new(vec![0; wrapped.len() - SEMIBLOCK]))
}

#[cfg(test)]
mod tests;
