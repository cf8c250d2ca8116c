//! Hashes (`EVP_MD_CTX`) and HMAC (`HMAC_CTX`), part by part.
use super::super::{Failed, hash::Hash};
use super::{check, owned};
use aws_lc_sys as c;
use std::ptr::{self, NonNull};

/// The longest output of a hash in bytes.
const LONGEST: usize = 64;

/// A hash being computed.
#[derive(Debug)]
pub(in crate::crypto) struct Digest(NonNull<c::EVP_MD_CTX>);

/// An HMAC being computed. RFC 2104.
#[derive(Debug)]
pub(in crate::crypto) struct Hmac(NonNull<c::HMAC_CTX>);

// SAFETY: a context is plain memory, tied to no thread.
unsafe impl Send for Digest {}
// SAFETY: what takes `&self` only reads.
unsafe impl Sync for Digest {}
// SAFETY: a context is plain memory, tied to no thread.
unsafe impl Send for Hmac {}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: ours alone and live; the library clears its state.
        unsafe { c::EVP_MD_CTX_free(self.0.as_ptr()) }
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: ours alone and live; the library clears its state.
        unsafe { c::HMAC_CTX_free(self.0.as_ptr()) }
    }
}

impl Digest {
    /// Starts.
    pub(in crate::crypto) fn new(hash: Hash) -> Result<Digest, Failed> {
        let digest = Digest::empty()?;
        // SAFETY: the context is live and ours; hashes are static. No engine.
        check(unsafe { c::EVP_DigestInit_ex(digest.0.as_ptr(), md(hash), ptr::null_mut()) })?;
        Ok(digest)
    }

    fn empty() -> Result<Digest, Failed> {
        // SAFETY: no preconditions.
        Ok(Digest(owned(unsafe { c::EVP_MD_CTX_new() })?))
    }

    /// The same state twice.
    pub(in crate::crypto) fn copy(&self) -> Result<Digest, Failed> {
        let copy = Digest::empty()?;
        // SAFETY: both live; the first is empty.
        check(unsafe { c::EVP_MD_CTX_copy_ex(copy.0.as_ptr(), self.0.as_ptr()) })?;
        Ok(copy)
    }

    /// Feeds a part.
    pub(in crate::crypto) fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        // SAFETY: the context is live and ours; reads the bytes of a live slice.
        check(unsafe { c::EVP_DigestUpdate(self.0.as_ptr(), part.as_ptr().cast(), part.len()) })
    }

    /// The hash of all parts.
    pub(in crate::crypto) fn finish(self) -> Result<Vec<u8>, Failed> {
        let (mut output, mut len) = (vec![0; LONGEST], 0);
        let to = output.as_mut_ptr();
        // SAFETY: the context is live and ours; no hash writes more than the vector has.
        check(unsafe { c::EVP_DigestFinal_ex(self.0.as_ptr(), to, &raw mut len) })?;
        cut(output, len)
    }
}

impl Hmac {
    /// Starts with a key of at least one byte.
    pub(in crate::crypto) fn new(hash: Hash, key: &[u8]) -> Result<Hmac, Failed> {
        // SAFETY: no preconditions.
        let hmac = Hmac(owned(unsafe { c::HMAC_CTX_new() })?);
        let (context, from) = (hmac.0.as_ptr(), key.as_ptr().cast());
        // SAFETY: the context is live and ours; reads the bytes of a live slice; hashes are static.
        check(unsafe { c::HMAC_Init_ex(context, from, key.len(), md(hash), ptr::null_mut()) })?;
        Ok(hmac)
    }

    /// Feeds a part.
    pub(in crate::crypto) fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        // SAFETY: the context is live and ours; reads the bytes of a live slice.
        check(unsafe { c::HMAC_Update(self.0.as_ptr(), part.as_ptr(), part.len()) })
    }

    /// The code of all parts.
    pub(in crate::crypto) fn finish(self) -> Result<Vec<u8>, Failed> {
        let (mut output, mut len) = (vec![0; LONGEST], 0);
        let to = output.as_mut_ptr();
        // SAFETY: the context is live and ours; no hash writes more than the vector has.
        check(unsafe { c::HMAC_Final(self.0.as_ptr(), to, &raw mut len) })?;
        cut(output, len)
    }
}

fn cut(mut output: Vec<u8>, len: u32) -> Result<Vec<u8>, Failed> {
    output.truncate(usize::try_from(len).map_err(|_| Failed)?);
    Ok(output)
}

/// What the library calls a hash.
pub(super) fn md(hash: Hash) -> *const c::EVP_MD {
    let md = match hash {
        Hash::Sha1 => c::EVP_sha1,
        Hash::Sha224 => c::EVP_sha224,
        Hash::Sha256 => c::EVP_sha256,
        Hash::Sha384 => c::EVP_sha384,
        Hash::Sha512 => c::EVP_sha512,
        Hash::Sha512_224 => c::EVP_sha512_224,
        Hash::Sha512_256 => c::EVP_sha512_256,
        Hash::Sha3_224 => c::EVP_sha3_224,
        Hash::Sha3_256 => c::EVP_sha3_256,
        Hash::Sha3_384 => c::EVP_sha3_384,
        Hash::Sha3_512 => c::EVP_sha3_512,
    };
    // SAFETY: no preconditions; the answer is static.
    unsafe { md() }
}
