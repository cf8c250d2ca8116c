//! A secret key in use: its value, and what ciphers have made of it.
use super::aes::GcmKey;
use super::{Failed, Secret};
use once_cell::sync::OnceCell;

/// A secret key, whatever it is for.
#[derive(Debug)]
pub struct SecretKey {
    value: Secret,
    gcm: OnceCell<GcmKey>,
}

impl SecretKey {
    /// With this value.
    pub fn new(value: Secret) -> SecretKey {
        SecretKey { value, gcm: OnceCell::new() }
    }

    /// Its bytes.
    pub fn value(&self) -> &Secret {
        &self.value
    }

    /// The same for AES-GCM, set up at its first use. Only keys of 16, 24 or 32 bytes can be.
    pub fn gcm(&self) -> Result<&GcmKey, Failed> {
        self.gcm.get_or_try_init(|| GcmKey::new(&self.value))
    }
}
