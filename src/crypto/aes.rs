//! AES modes (FIPS 197, SP 800-38A and -38D). Keys of 16, 24 or 32 bytes.
use super::{Failed, Secret};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Direction {
    Encrypt,
    Decrypt,
}

/// A mode that takes whole blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Electronic code book.
    Ecb,
    /// Cipher block chaining.
    Cbc {
        /// Initialisation vector.
        iv: [u8; 16],
    },
}

/// A cipher that works part by part on whole blocks. Padding is the caller's.
#[derive(Debug)]
pub struct Blocks {}

impl Blocks {
    /// Starts.
    pub fn new(direction: Direction, mode: &Mode, key: &[u8]) -> Result<Blocks, Failed> {
        let _ = (direction, mode, key);
        todo!()
    }
    /// Appends the transformation of `part`, whole blocks, to `out`.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let _ = (part, out);
        todo!()
    }
}

/// GCM parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gcm {
    /// Initialisation vector, 1 byte or more.
    pub iv: Vec<u8>,
    /// Additional authenticated data.
    pub aad: Vec<u8>,
    /// Tag length in bytes: 4, 8, 12 to 16.
    pub tag_len: usize,
}

/// Ciphertext and tag of `plaintext`.
pub fn gcm_seal(key: &[u8], gcm: &Gcm, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
    let _ = (key, gcm, plaintext);
    todo!()
}

/// Plaintext of ciphertext and tag, if both are authentic.
pub fn gcm_open(key: &[u8], gcm: &Gcm, sealed: &[u8]) -> Result<Secret, Failed> {
    let _ = (key, gcm, sealed);
    todo!()
}
