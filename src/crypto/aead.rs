//! Authenticated encryption part by part: AES-GCM and ChaCha20-Poly1305 (RFC 8439).
//!
//! Only encryption: what is decrypted is seen by nobody before its tag was checked.
use super::aes::{Direction, Gcm, LONGEST};
use super::aws_lc::cipher::{Cipher, Kind};
use super::{Failed, InOut, Secret};

/// ChaCha20-Poly1305 parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaChaPoly {
    /// Nonce.
    pub nonce: [u8; 12],
    /// Additional authenticated data.
    pub aad: Vec<u8>,
}

impl ChaChaPoly {
    /// Length of its tag in bytes.
    pub const TAG: usize = 16;

    fn start(&self, direction: Direction, key: &[u8]) -> Result<Cipher, Failed> {
        let mut cipher = Cipher::new(Kind::ChaCha20Poly1305, direction, key, &self.nonce)?;
        cipher.aad(&self.aad)?;
        Ok(cipher)
    }
}

/// An encryption at work.
#[derive(Debug)]
pub struct Sealing {
    cipher: Cipher,
    tag_len: usize,
    /// Both ciphers count blocks with 32 bits (RFC 8439 section 2.8).
    left: u64,
}

impl Sealing {
    /// Starts AES-GCM with a key of 16, 24 or 32 bytes.
    pub fn gcm(key: &[u8], gcm: &Gcm) -> Result<Sealing, Failed> {
        let cipher = gcm.start(key)?;
        Ok(Sealing { cipher, tag_len: gcm.tag_len, left: LONGEST })
    }

    /// Starts ChaCha20-Poly1305 with a key of 32 bytes.
    pub fn chacha(key: &[u8], params: &ChaChaPoly) -> Result<Sealing, Failed> {
        let cipher = params.start(Direction::Encrypt, key)?;
        Ok(Sealing { cipher, tag_len: ChaChaPoly::TAG, left: LONGEST })
    }

    /// Length of the tag that comes last.
    pub fn tag_len(&self) -> usize {
        self.tag_len
    }

    /// Appends the ciphertext of `part`, which is as long.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        self.count(part.len())?;
        self.cipher.update(part, out)
    }

    /// Puts the ciphertext of bytes into their place.
    pub fn run(&mut self, bytes: InOut<'_>) -> Result<(), Failed> {
        self.count(bytes.len())?;
        self.cipher.run(bytes)
    }

    fn count(&mut self, len: usize) -> Result<(), Failed> {
        let len = u64::try_from(len).map_err(|_| Failed)?;
        self.left = self.left.checked_sub(len).ok_or(Failed)?;
        Ok(())
    }

    /// Appends the tag.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Failed> {
        self.cipher.tag(self.tag_len, out)
    }
}

/// Plaintext of ciphertext and tag under ChaCha20-Poly1305, if both are authentic.
pub fn chacha_open(key: &[u8], params: &ChaChaPoly, sealed: &[u8]) -> Result<Secret, Failed> {
    let mut cipher = params.start(Direction::Decrypt, key)?;
    let (ciphertext, tag) = sealed.split_last_chunk::<{ ChaChaPoly::TAG }>().ok_or(Failed)?;
    let mut plaintext = Secret::default();
    cipher.update(ciphertext, &mut plaintext)?;
    cipher.verify(tag)?;
    Ok(plaintext)
}
