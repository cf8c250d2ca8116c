//! PBKDF2 with HMAC (RFC 8018 section 5.2).
use super::super::{Failed, Secret, hash::Hash};
use super::check;
use super::digest::md;
use aws_lc_sys as c;
use std::num::NonZeroU32;

/// `len` bytes from a password.
pub(in crate::crypto) fn derive(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    len: usize,
) -> Result<Secret, Failed> {
    let mut out = Secret::new(vec![0; len]);
    let md = md(hash);
    // SAFETY: reads the bytes of live slices and a static hash; writes exactly the length of the
    // buffer.
    check(unsafe {
        c::PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations.get(),
            md,
            out.len(),
            out.as_mut_ptr(),
        )
    })?;
    Ok(out)
}
