//! The gate for key encapsulation: what becomes of a shared secret.
use super::heritage::bound;
use super::{Attributes, Key};
use crate::ck::*;
use crate::error::{Error, Result};

/// The template of a shared secret for the owner of `key`, with its `CKA_ENCAPSULATE_TEMPLATE`. PKCS#11
/// 3.2 names that attribute and says no more; the code for a contradiction is that of its draft
/// successor, section "C_EncapsulateKey".
pub fn encapsulated(key: &Key, template: Attributes) -> Result<Attributes> {
    // A public key that somebody replaced in the store would share the secret with them.
    if !key.0.is_verified() {
        return Err(Error::UserNotLoggedIn.because("the token's seals are checked at login"));
    }
    bound(key, CKA_ENCAPSULATE_TEMPLATE, template)
        .map_err(|error| Error::KeyHandleInvalid.because(error))
}

/// The same for a shared secret that `key` takes out of a ciphertext, and its
/// `CKA_DECAPSULATE_TEMPLATE`.
pub fn decapsulated(key: &Key, template: Attributes) -> Result<Attributes> {
    bound(key, CKA_DECAPSULATE_TEMPLATE, template)
}
