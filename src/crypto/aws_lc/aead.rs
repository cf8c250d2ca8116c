//! AWS-LC's authenticated encryption with a key that is set up once, as one owning type, [`Keyed`].
use super::exchange::InOut;
use super::{check, owned};
use crate::crypto::{Failed, Secret};
use aws_lc_sys as c;
use aws_lc_sys::EVP_AEAD_CTX;
use std::ptr::{NonNull, null};

/// Length in bytes of a tag that is not cut.
pub(in crate::crypto) const TAG: usize = 16;

/// A key of AES-GCM, ready for any number of messages. The library wipes it when it goes.
#[derive(Debug)]
pub(in crate::crypto) struct Keyed {
    ctx: NonNull<EVP_AEAD_CTX>,
    tag_len: usize,
}

// SAFETY: the context belongs to this value alone and is bound to no thread.
unsafe impl Send for Keyed {}

// SAFETY: the library allows several threads at once to seal and open with a context of AES-GCM
// (aead.h, "Concurrency"); nothing else is done with a shared reference.
unsafe impl Sync for Keyed {}

impl Drop for Keyed {
    fn drop(&mut self) {
        // SAFETY: the context came from `EVP_AEAD_CTX_new` and is freed once, here.
        unsafe { c::EVP_AEAD_CTX_free(self.ctx.as_ptr()) }
    }
}

impl Keyed {
    /// Sets up a key of 16, 24 or 32 bytes for tags of 1 to [`TAG`] bytes.
    pub(in crate::crypto) fn gcm(key: &[u8], tag_len: usize) -> Result<Keyed, Failed> {
        let named: unsafe extern "C" fn() -> _ = match key.len() {
            16 => c::EVP_aead_aes_128_gcm,
            24 => c::EVP_aead_aes_192_gcm,
            32 => c::EVP_aead_aes_256_gcm,
            _ => return Err(Failed),
        };
        // SAFETY: takes nothing; answers a static description.
        let aead = unsafe { named() };
        if !(1..=TAG).contains(&tag_len) {
            return Err(Failed);
        }
        // SAFETY: a key of the length that the cipher was chosen by, a tag that it can have.
        let ctx = owned(unsafe { c::EVP_AEAD_CTX_new(aead, key.as_ptr(), key.len(), tag_len) })?;
        Ok(Keyed { ctx, tag_len })
    }

    /// Puts the ciphertext of bytes into their place; the tag, behind which there are zeros if it is
    /// shorter. `nonce` of one byte or more, never the same for two messages. If it fails, the place is
    /// wiped.
    pub(in crate::crypto) fn seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        bytes: &InOut<'_>,
    ) -> Result<[u8; TAG], Failed> {
        let (mut tag, mut written) = ([0; TAG], 0);
        let (from, to) = bytes.pointers();
        // SAFETY: a live context; `InOut` vouches for as many bytes at `from` as at `to`, apart or the
        // same; the tag is ours and as long as it says; nonce and associated data are slices.
        check(unsafe {
            c::EVP_AEAD_CTX_seal_scatter(
                self.ctx.as_ptr(),
                to,
                tag.as_mut_ptr(),
                &mut written,
                tag.len(),
                nonce.as_ptr(),
                nonce.len(),
                from,
                bytes.len(),
                null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        })?;
        Ok(tag)
    }

    /// Appends the ciphertext of `part`, which is as long, and the tag to `out`.
    pub(in crate::crypto) fn seal_to(
        &self,
        nonce: &[u8],
        aad: &[u8],
        part: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        out.try_reserve(part.len().checked_add(TAG).ok_or(Failed)?).map_err(|_| Failed)?;
        let start = out.len();
        let tag = self.seal(nonce, aad, &InOut::apart(part, out.spare_capacity_mut()))?;
        // SAFETY: there is room for all of `part`, and `seal` wrote as many bytes there.
        unsafe { out.set_len(start + part.len()) };
        out.extend_from_slice(tag.get(..self.tag_len).ok_or(Failed)?);
        Ok(())
    }

    /// Plaintext of ciphertext and tag, if both are authentic.
    pub(in crate::crypto) fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Secret, Failed> {
        let len = sealed.len().checked_sub(self.tag_len).ok_or(Failed)?;
        let (ciphertext, tag) = sealed.split_at_checked(len).ok_or(Failed)?;
        let mut plaintext = Secret::default();
        plaintext.try_reserve_exact(len).map_err(|_| Failed)?;
        // SAFETY: a live context; room for as many bytes as there are of ciphertext; the others are
        // slices.
        check(unsafe {
            c::EVP_AEAD_CTX_open_gather(
                self.ctx.as_ptr(),
                plaintext.as_mut_ptr(),
                nonce.as_ptr(),
                nonce.len(),
                ciphertext.as_ptr(),
                len,
                tag.as_ptr(),
                tag.len(),
                aad.as_ptr(),
                aad.len(),
            )
        })?;
        // SAFETY: all `len` bytes were written, and there is room for them.
        unsafe { plaintext.set_len(len) };
        Ok(plaintext)
    }
}
