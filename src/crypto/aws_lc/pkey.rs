//! A key as the library has it whatever its type (`EVP_PKEY`): for RSA with OAEP and the post-quantum
//! types, which it offers in no other way.
//!
//! The library only reads a complete key, so any number of threads may use one.
use super::super::{Failed, Secret};
use super::{check, owned};
use aws_lc_sys as c;
use std::ptr::{self, NonNull};

/// A public or private key.
#[derive(Debug)]
pub(super) struct Pkey(NonNull<c::EVP_PKEY>);

/// An operation under way.
pub(super) struct Context(NonNull<c::EVP_PKEY_CTX>);

// SAFETY: the key is not tied to a thread.
unsafe impl Send for Pkey {}
// SAFETY: shared references only read it; its count of references is atomic.
unsafe impl Sync for Pkey {}

impl Drop for Pkey {
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

impl Pkey {
    /// Takes over a key that the library made, or NULL where it made none.
    pub(super) fn own(key: *mut c::EVP_PKEY) -> Result<Pkey, Failed> {
        owned(key).map(Pkey)
    }

    /// For the library.
    pub(super) fn as_ptr(&self) -> *mut c::EVP_PKEY {
        self.0.as_ptr()
    }

    /// Starts an operation with it.
    pub(super) fn start(&self) -> Result<Context, Failed> {
        // SAFETY: a live key, of which the context keeps a reference of its own. No engine.
        let context = unsafe { c::EVP_PKEY_CTX_new(self.as_ptr(), ptr::null_mut()) };
        owned(context).map(Context)
    }

    /// The public half, of `wanted` bytes.
    pub(super) fn public_bytes(&self, wanted: usize) -> Result<Vec<u8>, Failed> {
        let mut out = vec![0; wanted];
        let mut len = out.len();
        let (key, at) = (self.as_ptr(), out.as_mut_ptr());
        // SAFETY: reads a live key and writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_get_raw_public_key(key, at, &raw mut len) })?;
        if len == out.len() { Ok(out) } else { Err(Failed) }
    }

    /// The private half, of `wanted` bytes.
    pub(super) fn private_bytes(&self, wanted: usize) -> Result<Secret, Failed> {
        let mut out = Secret::new(vec![0; wanted]);
        let mut len = out.len();
        let (key, at) = (self.as_ptr(), out.as_mut_ptr());
        // SAFETY: reads a live key and writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_get_raw_private_key(key, at, &raw mut len) })?;
        if len == out.len() { Ok(out) } else { Err(Failed) }
    }
}

impl Context {
    /// For the library.
    pub(super) fn as_ptr(&self) -> *mut c::EVP_PKEY_CTX {
        self.0.as_ptr()
    }
}
