//! Key derivation functions: X9.63 and SP 800-56C for agreements, HKDF (RFC 5869), PBKDF2
//! (RFC 8018), the PRF of TLS 1.2, and the pseudorandom functions that SP 800-108 iterates.
//!
//! Keyed hashes of the vault are in [`mac`](super::mac); these work with any hash and length.
use super::aws_lc::pbkdf2;
use super::hash::{Hash, Hasher};
use super::mac::Hmac;
use super::{Failed, Secret};
use aws_lc_rs::cmac;
use std::num::NonZeroU32;

/// How a shared secret becomes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementKdf {
    /// ANSI X9.63: hash of secret, counter, shared data.
    X963(Hash),
    /// SP 800-56C section 4.1, option 1: hash of counter, secret, shared data.
    OneStep(Hash),
}

impl AgreementKdf {
    /// `len` bytes from the secret that two parties share and the data they agree on.
    pub fn derive(self, shared: &[u8], data: &[u8], len: usize) -> Result<Secret, Failed> {
        let (AgreementKdf::X963(hash) | AgreementKdf::OneStep(hash)) = self;
        blocks(hash.size(), len, |counter, _| {
            let counter = counter.to_be_bytes();
            let parts = match self {
                AgreementKdf::X963(_) => [shared, &counter, data],
                AgreementKdf::OneStep(_) => [&counter, shared, data],
            };
            let mut hasher = Hasher::new(hash);
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finish().map(Secret::new)
        })
    }
}

/// A pseudorandom function of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
    /// HMAC (FIPS 198-1), for keys of any length.
    Hmac(Hash),
    /// AES-CMAC (SP 800-38B), for AES keys.
    AesCmac,
}

impl Prf {
    /// Length of its output in bytes.
    pub const fn size(self) -> usize {
        match self {
            Prf::Hmac(hash) => hash.size(),
            Prf::AesCmac => 16,
        }
    }

    /// Its output for `parts`, one after the other.
    pub fn code(self, key: &[u8], parts: &[&[u8]]) -> Result<Secret, Failed> {
        match self {
            Prf::Hmac(hash) => {
                // HMAC fills a short key up with zeros: none at all is one of zeros
                let key = if key.is_empty() { &[0] } else { key };
                let mut mac = Hmac::new(hash, key)?;
                parts.iter().try_for_each(|part| mac.update(part))?;
                mac.finish().map(Secret::new)
            }
            Prf::AesCmac => {
                let algorithm = match key.len() {
                    16 => cmac::AES_128,
                    24 => cmac::AES_192,
                    32 => cmac::AES_256,
                    _ => return Err(Failed),
                };
                let key = cmac::Key::new(algorithm, key).map_err(|_| Failed)?;
                let mut context = cmac::Context::with_key(&key);
                for part in parts {
                    context.update(part).map_err(|_| Failed)?;
                }
                let tag = context.sign().map_err(|_| Failed)?;
                Ok(Secret::new(tag.as_ref().to_vec()))
            }
        }
    }
}

/// HKDF-Extract: a pseudorandom key as long as the hash. An empty salt is one of zeros.
pub fn hkdf_extract(hash: Hash, salt: &[u8], secret: &[u8]) -> Result<Secret, Failed> {
    Prf::Hmac(hash).code(salt, &[secret])
}

/// HKDF-Expand: `len` bytes, at most 255 times the length of the hash.
pub fn hkdf_expand(hash: Hash, prk: &[u8], info: &[u8], len: usize) -> Result<Secret, Failed> {
    blocks(hash.size(), len, |counter, last| {
        let counter = u8::try_from(counter).map_err(|_| Failed)?;
        Prf::Hmac(hash).code(prk, &[last, info, &[counter]])
    })
}

/// The PRF of TLS 1.2 (RFC 5246 section 5): `len` bytes.
pub fn tls12_prf(
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    seed: &[u8],
    len: usize,
) -> Result<Secret, Failed> {
    let prf = Prf::Hmac(hash);
    let mut chain = prf.code(secret, &[label, seed])?;
    blocks(hash.size(), len, |counter, _| {
        if counter > 1 {
            chain = prf.code(secret, &[&chain])?;
        }
        prf.code(secret, &[&chain, label, seed])
    })
}

/// PBKDF2 with HMAC: `len` bytes.
pub fn pbkdf2(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    len: usize,
) -> Result<Secret, Failed> {
    pbkdf2::derive(hash, password, salt, iterations, len)
}

/// `len` bytes from blocks of `size` bytes; `block` gets its number, from 1, and the block before.
pub fn blocks(
    size: usize,
    len: usize,
    mut block: impl FnMut(u32, &[u8]) -> Result<Secret, Failed>,
) -> Result<Secret, Failed> {
    let count = u32::try_from(len.div_ceil(size)).map_err(|_| Failed)?;
    // one allocation: a Vec that grows would leave what it held behind
    let mut out = Secret::new(Vec::with_capacity(len.next_multiple_of(size)));
    let mut last = Secret::default();
    for counter in 1..=count {
        last = block(counter, &last)?;
        out.extend_from_slice(&last);
    }
    out.truncate(len);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agreement_kdfs_are_their_formulas() {
        let hash = Hash::Sha256;
        let first = hash.digest(b"secret\0\0\0\x01data");
        let second = hash.digest(b"secret\0\0\0\x02data");
        let expected = [first.as_slice(), &second[..8]].concat();
        let out = AgreementKdf::X963(hash).derive(b"secret", b"data", 40).unwrap();
        assert_eq!(*out, expected);
        let out = AgreementKdf::OneStep(hash).derive(b"secret", b"data", 32).unwrap();
        assert_eq!(*out, hash.digest(b"\0\0\0\x01secretdata"));
        assert!(AgreementKdf::X963(hash).derive(b"s", b"", 0).unwrap().is_empty());
    }

    #[test]
    fn hkdf_has_an_end() {
        let end = 255 * 20;
        assert_eq!(hkdf_expand(Hash::Sha1, &[1; 20], b"", end).unwrap().len(), end);
        assert_eq!(hkdf_expand(Hash::Sha1, &[1; 20], b"", end + 1), Err(Failed));
    }

    #[test]
    fn cmac_is_for_aes_keys() {
        // RFC 4493 section 4, example 1
        let key = 0x2b7e1516_28aed2a6_abf71588_09cf4f3c_u128.to_be_bytes();
        let code = 0xbb1d6929_e9593728_7fa37d12_9b756746_u128.to_be_bytes();
        assert_eq!(*Prf::AesCmac.code(&key, &[]).unwrap(), code);
        assert_eq!(Prf::AesCmac.code(&[0; 20], &[]), Err(Failed));
    }

    /// <https://mailarchive.ietf.org/arch/msg/tls/fzVCzk-z3FShgGJ6DOXqM1ydxms/>, the beginnings.
    #[test]
    fn tls12_prf_vectors() {
        let check = |hash, secret: u128, seed: u128, expected: u128| {
            let (secret, seed) = (secret.to_be_bytes(), seed.to_be_bytes());
            let out = tls12_prf(hash, &secret, b"test label", &seed, 100).unwrap();
            assert_eq!((out.len(), &out[..16]), (100, &expected.to_be_bytes()[..]), "{hash:?}");
        };
        check(
            Hash::Sha224,
            0xe1882874_0352b530_d69b34c6_597dea2e,
            0xf5a3fe6d_34e2e285_60fdcaf6_823f9091,
            0x224d8af3_c0453393_a9779789_d21cf7da,
        );
        check(
            Hash::Sha256,
            0x9bbe436b_a940f017_b1765284_9a71db35,
            0xa0ba9f93_6cda3118_27a6f796_ffd5198c,
            0xe3f229ba_727be17b_8d122620_557cd453,
        );
        check(
            Hash::Sha384,
            0xb80b733d_6ceefcdc_71566ea4_8e5567df,
            0xcd665cf6_a8447dd6_ff8b2755_5edb7465,
            0x7b0c18e9_ced410ed_1804f2cf_a34a336a,
        );
        check(
            Hash::Sha512,
            0xb0323523_c1853599_584d8856_8bbb05eb,
            0xd4640e12_e4bcdbfb_437f03e6_ae418ee5,
            0x1261f588_c798c5c2_01ff036e_7a9cb5ed,
        );
    }
}
