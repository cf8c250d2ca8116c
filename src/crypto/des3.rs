//! Triple DES (SP 800-67) for old data. Keys of 16 or 24 bytes, blocks of 8.
use super::aes::{Blocks, Cmac, Direction};
use super::aws_lc::cipher::{Cipher, Kind};
use super::{Failed, Secret};

/// The block in bytes.
pub const BLOCK: usize = 8;

/// Starts a cipher: CBC with an initialisation vector, ECB without.
pub fn blocks(
    direction: Direction,
    key: &[u8],
    iv: Option<&[u8; BLOCK]>,
) -> Result<Blocks, Failed> {
    let cipher = match iv {
        Some(iv) => Cipher::new(Kind::Des3Cbc, direction, key, iv),
        None => Cipher::new(Kind::Des3Ecb, direction, key, &[]),
    };
    cipher.map(Blocks::of)
}

/// Starts a CMAC, SP 800-38B.
pub fn cmac(key: &[u8]) -> Result<Cmac<BLOCK>, Failed> {
    Cmac::of(Kind::Des3Cbc, key)
}

/// Encrypts a block of zeros, with which check values begin.
pub fn check_block(key: &[u8]) -> Result<[u8; BLOCK], Failed> {
    let mut out = Vec::with_capacity(BLOCK);
    blocks(Direction::Encrypt, key, None)?.update(&[0; BLOCK], &mut out)?;
    out.first_chunk().copied().ok_or(Failed)
}

/// Returns `true` if each byte of a key has an odd number of ones, FIPS 46-3.
pub fn has_odd_parity(key: &[u8]) -> bool {
    super::same(key, &with_odd_parity(key))
}

/// Sets the lowest bit of each byte of a key so that its number of ones is odd.
pub fn with_odd_parity(key: &[u8]) -> Secret {
    let odd = |byte: &u8| byte & !1 | u8::from((byte >> 1).count_ones().is_multiple_of(2));
    Secret::new(key.iter().map(odd).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three times the same key is single DES, whose block of zeros under a key of zeros everyone
    /// knows: the first known answer of SP 800-17's tables.
    #[test]
    fn check_values() {
        for len in [16, 24] {
            assert_eq!(
                check_block(&vec![1; len]).unwrap(),
                [0x8c, 0xa6, 0x4d, 0xe9, 0xc1, 0xb1, 0x23, 0xa7]
            );
        }
        assert_eq!(check_block(&[0; 8]), Err(Failed));
        assert_eq!(check_block(&[0; 32]), Err(Failed));
    }

    #[test]
    fn parity_is_odd() {
        let all: Vec<u8> = (0..=255).collect();
        let odd = with_odd_parity(&all);
        for (byte, odd) in all.iter().zip(odd.iter()) {
            assert_eq!(odd.count_ones() % 2, 1, "{byte}");
            assert_eq!(odd | 1, byte | 1);
        }
        assert!(has_odd_parity(&odd));
        assert!(!has_odd_parity(&[1, 0]) && has_odd_parity(&[1, 2, 7]));
    }
}
