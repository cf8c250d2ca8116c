//! A key for key encapsulation (`EVP_PKEY` of type KEM): ML-KEM.
use super::super::{Failed, Secret, ml_kem::SEED_LEN, ml_kem::SHARED_LEN, ml_kem::Set};
use super::check;
use super::pkey::Pkey;
use aws_lc_sys as c;

/// A public or private key.
#[derive(Debug)]
pub(in crate::crypto) struct KemKey(Pkey);

/// What a private key in PKCS#8 begins with, if it is a seed (RFC 9935, section 6): version 0, and
/// the object identifier but for its last number.
const SEED_HEAD: [u8; 17] = [
    0x30, 0x54, 0x02, 0x01, 0x00, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x04,
];

impl KemKey {
    /// Both halves, from the seed. The library takes one in PKCS#8 alone.
    pub(in crate::crypto) fn from_seed(set: Set, seed: &[u8; SEED_LEN]) -> Result<KemKey, Failed> {
        let mut der = Secret::new(Vec::with_capacity(SEED_HEAD.len() + 5 + SEED_LEN));
        der.extend_from_slice(&SEED_HEAD);
        der.extend_from_slice(&[oid_end(set), 0x04, 0x42, 0x80, 0x40]);
        der.extend_from_slice(seed);
        let mut from = c::CBS { data: der.as_ptr(), len: der.len() };
        // SAFETY: reads the bytes of a live vector.
        Pkey::own(unsafe { c::EVP_parse_private_key(&raw mut from) }).map(KemKey)
    }

    /// Both halves, each in bytes. They are sound and belong together.
    pub(in crate::crypto) fn private(
        set: Set,
        public: &[u8],
        private: &[u8],
    ) -> Result<KemKey, Failed> {
        let (p, p_len, s, s_len) = (public.as_ptr(), public.len(), private.as_ptr(), private.len());
        // SAFETY: reads the bytes of two live slices.
        let key = unsafe { c::EVP_PKEY_kem_new_raw_key(nid(set), p, p_len, s, s_len) };
        let key = KemKey(Pkey::own(key)?);
        // SAFETY: reads a live key.
        check(unsafe { c::EVP_PKEY_kem_check_key(key.0.as_ptr()) })?;
        Ok(key)
    }

    /// A public key. It is sound.
    pub(in crate::crypto) fn public(set: Set, public: &[u8]) -> Result<KemKey, Failed> {
        let (at, len) = (public.as_ptr(), public.len());
        // SAFETY: reads the bytes of a live slice.
        let key = unsafe { c::EVP_PKEY_kem_new_raw_public_key(nid(set), at, len) };
        let key = KemKey(Pkey::own(key)?);
        // SAFETY: reads a live key.
        check(unsafe { c::EVP_PKEY_public_check(key.0.start()?.as_ptr()) })?;
        Ok(key)
    }

    /// The public half in bytes.
    pub(in crate::crypto) fn public_bytes(&self, set: Set) -> Result<Vec<u8>, Failed> {
        self.0.public_bytes(set.public_len())
    }

    /// The private half in bytes.
    pub(in crate::crypto) fn private_bytes(&self, set: Set) -> Result<Secret, Failed> {
        self.0.private_bytes(set.private_len())
    }

    /// A ciphertext and the secret in it.
    pub(in crate::crypto) fn encapsulate(&self, set: Set) -> Result<(Vec<u8>, Secret), Failed> {
        let context = self.0.start()?;
        let mut ciphertext = vec![0; set.ciphertext_len()];
        let mut secret = Secret::new(vec![0; SHARED_LEN]);
        let (mut c_len, mut s_len) = (ciphertext.len(), secret.len());
        let (at, c_at, s_at) = (context.as_ptr(), ciphertext.as_mut_ptr(), secret.as_mut_ptr());
        // SAFETY: writes at most as many bytes as the lengths say, and those are the buffers'.
        check(unsafe { c::EVP_PKEY_encapsulate(at, c_at, &raw mut c_len, s_at, &raw mut s_len) })?;
        if (c_len, s_len) == (ciphertext.len(), secret.len()) {
            Ok((ciphertext, secret))
        } else {
            Err(Failed)
        }
    }

    /// The secret in a ciphertext.
    pub(in crate::crypto) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Failed> {
        let context = self.0.start()?;
        let mut secret = Secret::new(vec![0; SHARED_LEN]);
        let (at, to, mut len) = (context.as_ptr(), secret.as_mut_ptr(), secret.len());
        let (from, n) = (ciphertext.as_ptr(), ciphertext.len());
        // SAFETY: reads the bytes of a live slice; writes at most `len` bytes.
        check(unsafe { c::EVP_PKEY_decapsulate(at, to, &raw mut len, from, n) })?;
        if len == secret.len() { Ok(secret) } else { Err(Failed) }
    }
}

fn nid(set: Set) -> std::ffi::c_int {
    match set {
        Set::MlKem512 => c::NID_MLKEM512,
        Set::MlKem768 => c::NID_MLKEM768,
        Set::MlKem1024 => c::NID_MLKEM1024,
    }
}

/// The last number of the object identifier.
fn oid_end(set: Set) -> u8 {
    match set {
        Set::MlKem512 => 1,
        Set::MlKem768 => 2,
        Set::MlKem1024 => 3,
    }
}
