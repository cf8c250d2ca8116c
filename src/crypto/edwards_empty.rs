//! Ed25519ctx (RFC 8032) with an empty context, for which AWS-LC has no function.
//!
//! The variant is Ed25519 with `dom2(0, "")` before all that is hashed (section 5.1), so a hash that begins
//! with it makes one of the other.
use super::Failed;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign, raw_verify};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::Sha512;
use sha2::digest::typenum::U64;
use sha2::digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update};

/// `dom2(0, "")`: section 2.
const DOM2: &[u8; 34] = b"SigEd25519 no Ed25519 collisions\0\0";

/// SHA-512 of what follows [`DOM2`].
struct Domain(Sha512);

impl Default for Domain {
    fn default() -> Domain {
        let mut hash = Sha512::default();
        Update::update(&mut hash, DOM2);
        Domain(hash)
    }
}

impl OutputSizeUser for Domain {
    type OutputSize = U64;
}

impl Update for Domain {
    fn update(&mut self, data: &[u8]) {
        Update::update(&mut self.0, data);
    }
}

impl FixedOutput for Domain {
    fn finalize_into(self, out: &mut Output<Domain>) {
        self.0.finalize_into(out);
    }
}

impl HashMarker for Domain {}

/// Signs with the key of a seed.
pub(super) fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let key = ExpandedSecretKey::from(seed);
    let public = VerifyingKey::from(&key);
    raw_sign::<Domain>(&key, message, &public).to_bytes()
}

/// Verifies.
pub(super) fn verify(
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Failed> {
    let public = VerifyingKey::from_bytes(public).map_err(|_| Failed)?;
    let signature = Signature::from_bytes(signature);
    raw_verify::<Domain>(&public, message, &signature).map_err(|_| Failed)
}
