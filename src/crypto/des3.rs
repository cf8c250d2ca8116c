//! Triple DES (SP 800-67): decryption of old data, and check values. Keys of 24 bytes, blocks of 8.
use super::Failed;
use super::aes::{Blocks, Direction};
use super::aws_lc::cipher::{Cipher, Kind};

/// The block in bytes.
pub const BLOCK: usize = 8;

/// Starts decryption: CBC with an initialisation vector, ECB without.
pub fn decrypt(key: &[u8], iv: Option<&[u8; BLOCK]>) -> Result<Blocks, Failed> {
    let cipher = match iv {
        Some(iv) => Cipher::new(Kind::Des3Cbc, Direction::Decrypt, key, iv),
        None => Cipher::new(Kind::Des3Ecb, Direction::Decrypt, key, &[]),
    };
    cipher.map(Blocks::of)
}

/// An encrypted block of zeros, with which check values begin.
pub fn check_block(key: &[u8]) -> Result<[u8; BLOCK], Failed> {
    let mut out = Vec::with_capacity(BLOCK);
    Cipher::new(Kind::Des3Ecb, Direction::Encrypt, key, &[])?.update(&[0; BLOCK], &mut out)?;
    out.first_chunk().copied().ok_or(Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three times the same key is single DES, whose block of zeros under a key of zeros everyone
    /// knows: the first known answer of SP 800-17's tables.
    #[test]
    fn check_values() {
        assert_eq!(
            check_block(&[1; 24]).unwrap(),
            [0x8c, 0xa6, 0x4d, 0xe9, 0xc1, 0xb1, 0x23, 0xa7]
        );
        assert_eq!(check_block(&[0; 16]), Err(Failed));
    }
}
