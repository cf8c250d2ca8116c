//! A post-quantum signature key (`EVP_PKEY` of type PQDSA): ML-DSA.
//!
//! The library only reads a complete key, so any number of threads may use one.
use super::super::{Failed, Secret, ml_dsa::Set};
use super::{check, owned};
use aws_lc_sys as c;
use std::ptr::{self, NonNull};

/// A public or private key.
#[derive(Debug)]
pub(in crate::crypto) struct PqKey(NonNull<c::EVP_PKEY>);

/// A signature or verification under way.
struct Context(NonNull<c::EVP_PKEY_CTX>);

// SAFETY: the key is not tied to a thread.
unsafe impl Send for PqKey {}
// SAFETY: shared references only read it; its count of references is atomic.
unsafe impl Sync for PqKey {}

impl Drop for PqKey {
    fn drop(&mut self) {
        // SAFETY: ours and live; the library clears the key.
        unsafe { c::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::EVP_PKEY_CTX_free(self.0.as_ptr()) }
    }
}

impl PqKey {
    /// A private key from its seed or its expanded form; the length says which.
    pub(in crate::crypto) fn private(set: Set, key: &[u8]) -> Result<PqKey, Failed> {
        // SAFETY: reads the bytes of a live slice.
        owned(unsafe { c::EVP_PKEY_pqdsa_new_raw_private_key(nid(set), key.as_ptr(), key.len()) })
            .map(PqKey)
    }

    /// A public key.
    pub(in crate::crypto) fn public(set: Set, key: &[u8]) -> Result<PqKey, Failed> {
        // SAFETY: reads the bytes of a live slice.
        owned(unsafe { c::EVP_PKEY_pqdsa_new_raw_public_key(nid(set), key.as_ptr(), key.len()) })
            .map(PqKey)
    }

    /// The public key in bytes.
    pub(in crate::crypto) fn public_bytes(&self, set: Set) -> Result<Vec<u8>, Failed> {
        let mut out = vec![0; set.public_len()];
        let mut len = out.len();
        let (key, at) = (self.0.as_ptr(), out.as_mut_ptr());
        // SAFETY: reads a live key and writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_get_raw_public_key(key, at, &raw mut len) })?;
        if len == out.len() { Ok(out) } else { Err(Failed) }
    }

    /// The expanded private key in bytes.
    pub(in crate::crypto) fn private_bytes(&self, set: Set) -> Result<Secret, Failed> {
        let mut out = Secret::new(vec![0; set.private_len()]);
        let mut len = out.len();
        let (key, at) = (self.0.as_ptr(), out.as_mut_ptr());
        // SAFETY: reads a live key and writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_get_raw_private_key(key, at, &raw mut len) })?;
        if len == out.len() { Ok(out) } else { Err(Failed) }
    }

    /// Signs the representative of a message, hedged.
    pub(in crate::crypto) fn sign(&self, set: Set, mu: &[u8]) -> Result<Vec<u8>, Failed> {
        let context = self.start()?;
        let at = context.0.as_ptr();
        // SAFETY: changes a live context of ours.
        check(unsafe { c::EVP_PKEY_sign_init(at) })?;
        let mut out = vec![0; set.signature_len()];
        let mut len = out.len();
        let (to, from) = (out.as_mut_ptr(), mu.as_ptr());
        // SAFETY: reads the bytes of a live slice; writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_sign(at, to, &raw mut len, from, mu.len()) })?;
        if len == out.len() { Ok(out) } else { Err(Failed) }
    }

    /// Verifies.
    pub(in crate::crypto) fn verify(&self, mu: &[u8], signature: &[u8]) -> Result<(), Failed> {
        let context = self.start()?;
        let at = context.0.as_ptr();
        // SAFETY: changes a live context of ours.
        check(unsafe { c::EVP_PKEY_verify_init(at) })?;
        let (sig, len, from) = (signature.as_ptr(), signature.len(), mu.as_ptr());
        // SAFETY: reads the bytes of two live slices.
        check(unsafe { c::EVP_PKEY_verify(at, sig, len, from, mu.len()) })
    }

    fn start(&self) -> Result<Context, Failed> {
        // SAFETY: the context takes a reference to the live key; no engine.
        let context = unsafe { c::EVP_PKEY_CTX_new(self.0.as_ptr(), ptr::null_mut()) };
        owned(context).map(Context)
    }
}

fn nid(set: Set) -> std::ffi::c_int {
    match set {
        Set::MlDsa44 => c::NID_MLDSA44,
        Set::MlDsa65 => c::NID_MLDSA65,
        Set::MlDsa87 => c::NID_MLDSA87,
    }
}
