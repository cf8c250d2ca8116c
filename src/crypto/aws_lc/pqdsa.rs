//! A post-quantum signature key (`EVP_PKEY` of type PQDSA): ML-DSA.
use super::super::{Failed, Secret, ml_dsa::Set};
use super::check;
use super::pkey::Pkey;
use aws_lc_sys as c;

/// A public or private key.
#[derive(Debug)]
pub(in crate::crypto) struct PqKey(Pkey);

impl PqKey {
    /// A private key from its seed or its expanded form; the length says which.
    pub(in crate::crypto) fn private(set: Set, key: &[u8]) -> Result<PqKey, Failed> {
        // SAFETY: reads the bytes of a live slice.
        Pkey::own(unsafe {
            c::EVP_PKEY_pqdsa_new_raw_private_key(nid(set), key.as_ptr(), key.len())
        })
        .map(PqKey)
    }

    /// A public key.
    pub(in crate::crypto) fn public(set: Set, key: &[u8]) -> Result<PqKey, Failed> {
        // SAFETY: reads the bytes of a live slice.
        Pkey::own(unsafe {
            c::EVP_PKEY_pqdsa_new_raw_public_key(nid(set), key.as_ptr(), key.len())
        })
        .map(PqKey)
    }

    /// The public key in bytes.
    pub(in crate::crypto) fn public_bytes(&self, set: Set) -> Result<Vec<u8>, Failed> {
        self.0.public_bytes(set.public_len())
    }

    /// The expanded private key in bytes.
    pub(in crate::crypto) fn private_bytes(&self, set: Set) -> Result<Secret, Failed> {
        self.0.private_bytes(set.private_len())
    }

    /// Signs the representative of a message, hedged.
    pub(in crate::crypto) fn sign(&self, set: Set, mu: &[u8]) -> Result<Vec<u8>, Failed> {
        let context = self.0.start()?;
        let at = context.as_ptr();
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
        let context = self.0.start()?;
        let at = context.as_ptr();
        // SAFETY: changes a live context of ours.
        check(unsafe { c::EVP_PKEY_verify_init(at) })?;
        let (sig, len, from) = (signature.as_ptr(), signature.len(), mu.as_ptr());
        // SAFETY: reads the bytes of two live slices.
        check(unsafe { c::EVP_PKEY_verify(at, sig, len, from, mu.len()) })
    }
}

fn nid(set: Set) -> std::ffi::c_int {
    match set {
        Set::MlDsa44 => c::NID_MLDSA44,
        Set::MlDsa65 => c::NID_MLDSA65,
        Set::MlDsa87 => c::NID_MLDSA87,
    }
}
