//! RSAES-OAEP, RFC 8017 section 7.1.
//!
//! AWS-LC pads and unpads: in constant time up to the verdict, with one error for all of them.
use super::{
    Failed, Secret,
    hash::Hash,
    rsa::{PrivateKey, PublicKey},
};

/// Hash, mask generation function and label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oaep {
    /// Hash of the label.
    pub hash: Hash,
    /// Hash of MGF1.
    pub mgf: Hash,
    /// Label, mostly empty.
    pub label: Vec<u8>,
}

impl Oaep {
    /// The hashes that clouds and their tools use. The functions of this module take every hash.
    pub const HASHES: [Hash; 5] =
        [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];

    /// SHA-1 with MGF1-SHA-1 and an empty label: what Azure takes, and what old tools mean.
    pub const SHA1: Oaep = Oaep { hash: Hash::Sha1, mgf: Hash::Sha1, label: Vec::new() };

    /// The longest message in bytes for a modulus of `size` bytes; `None` if not even an empty one
    /// fits.
    pub fn max_message(&self, size: usize) -> Option<usize> {
        size.checked_sub(2 * self.hash.size() + 2)
    }
}

/// Encrypts `message`, at most [`Oaep::max_message`] bytes.
pub fn encrypt(key: &PublicKey, oaep: &Oaep, message: &[u8]) -> Result<Vec<u8>, Failed> {
    match oaep.max_message(key.size()) {
        Some(longest) if message.len() <= longest => key.key().oaep_encrypt(oaep, message),
        _ => Err(Failed),
    }
}

/// Decrypts. Every failure looks and lasts the same.
pub fn decrypt(key: &PrivateKey, oaep: &Oaep, ciphertext: &[u8]) -> Result<Secret, Failed> {
    if ciphertext.len() != key.size() {
        return Err(Failed);
    }
    key.key().oaep_decrypt(oaep, ciphertext)
}
