//! AWS-LC behind safe types: the only part of this folder with `unsafe`.
//!
//! Each submodule owns a C object per type: dropping the Rust value frees (and clears) it, and
//! methods take slices, so that no pointer leaves. Everything fails as [`Failed`], with the
//! library's error queue emptied.
pub(super) mod aead;
pub(super) mod bignum;
pub(super) mod chacha;
pub(super) mod cipher;
pub(super) mod curve25519;
pub(super) mod digest;
pub(super) mod ec;
pub(super) mod exchange;
pub(super) mod kem;
pub(super) mod pbkdf2;
mod pkey;
pub(super) mod pqdsa;
pub(super) mod rsa;

use super::Failed;
use std::ffi::c_int;
use std::ptr::NonNull;

/// What a function that answers 1 for success answered.
fn check(answer: c_int) -> Result<(), Failed> {
    if answer == 1 { Ok(()) } else { Err(failed()) }
}

/// An object from a function that answers NULL for failure.
fn owned<T>(object: *mut T) -> Result<NonNull<T>, Failed> {
    NonNull::new(object).ok_or_else(failed)
}

/// The failure, once the thread's error queue is empty: nobody reads it, and another user of the
/// library in this thread must not find our errors in it.
fn failed() -> Failed {
    // SAFETY: touches the calling thread's error queue alone.
    unsafe { aws_lc_sys::ERR_clear_error() };
    Failed
}

/// Empties `bytes` and wipes all the memory it has, in a way that the compiler cannot leave out. A
/// volatile write for each byte, as `zeroize` does it, takes longer than encrypting it did.
pub(super) fn wipe(bytes: &mut Vec<u8>) {
    if cfg!(miri) {
        // Miri calls no C
        return zeroize::Zeroize::zeroize(bytes);
    }
    bytes.clear();
    let all = bytes.spare_capacity_mut();
    // SAFETY: writes exactly the length of live memory of ours, which need not be initialised.
    unsafe { aws_lc_sys::OPENSSL_cleanse(all.as_mut_ptr().cast(), all.len()) };
}

#[cfg(test)]
mod tests {
    use super::bignum::{BigNum, Scratch};
    use super::cipher::{Cipher, Kind};
    use super::ec::EcKey;
    use super::rsa::RsaKey;
    use crate::crypto::aes::Direction;
    use crate::crypto::ec::Curve;

    #[test]
    fn wiping_leaves_zeros_behind_the_length_too() {
        let mut bytes = vec![0xA5u8; 40];
        bytes.truncate(7);
        super::wipe(&mut bytes);
        assert!(bytes.is_empty() && bytes.capacity() >= 40);
        // SAFETY: the capacity is that large, and all of it was written to.
        unsafe { bytes.set_len(40) };
        assert_eq!(bytes, [0; 40]);
    }

    #[test]
    fn failures_leave_no_errors_behind() {
        let even = BigNum::from_be(&[4]).unwrap();
        assert!(RsaKey::new(&even, &even, None).is_err());
        assert!(even.inverse(&even, &mut Scratch::new().unwrap()).is_err());
        assert!(EcKey::private(Curve::P256, &[]).is_err());
        assert!(EcKey::public(Curve::P256, &[4; 65]).is_err());
        let mut gcm = Cipher::new(Kind::Gcm, Direction::Decrypt, &[0; 16], &[0; 12]).unwrap();
        assert!(gcm.verify(&[0; 16]).is_err());
        // SAFETY: reads the calling thread's error queue.
        assert_eq!(unsafe { aws_lc_sys::ERR_peek_error() }, 0);
    }
}
