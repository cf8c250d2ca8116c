//! Keyed hashes: HMAC (RFC 2104, FIPS 198-1) with any hash, and subkeys by HKDF (RFC 5869).
//!
//! The vault's ledger and its subkeys stand on HMAC-SHA-256, with a key that is prepared once.
use super::aws_lc::digest;
use super::{Failed, Secret, hash::Hash};
use aws_lc_rs::{hkdf, hmac};

/// An HMAC being computed part by part.
#[derive(Debug)]
pub struct Hmac(digest::Hmac);

impl Hmac {
    /// Starts with a key of any length but 0.
    pub fn new(hash: Hash, key: &[u8]) -> Result<Hmac, Failed> {
        if key.is_empty() {
            return Err(Failed);
        }
        digest::Hmac::new(hash, key).map(Hmac)
    }

    /// Feeds a part.
    pub fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        self.0.update(part)
    }

    /// The code of all parts, as long as the hash.
    pub fn finish(self) -> Result<Vec<u8>, Failed> {
        self.0.finish()
    }
}

/// An HMAC-SHA-256 key, prepared once.
pub struct Mac(hmac::Key);

impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mac")
    }
}

impl Mac {
    /// Prepares `key`.
    pub fn new(key: &[u8]) -> Mac {
        Mac(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The 32-byte code of `parts`, one after the other.
    pub fn code(&self, parts: &[&[u8]]) -> Result<[u8; 32], Failed> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        <[u8; 32]>::try_from(context.sign().as_ref()).map_err(|_| Failed)
    }
}

/// The 32-byte subkey of `key` for the use that `label` names: HKDF-Expand with SHA-256.
/// `key` is itself uniformly random, so there is nothing to extract.
pub fn subkey(key: &[u8], label: &[u8]) -> Result<Secret, Failed> {
    let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    let mut out = Secret::new(vec![0; 32]);
    prk.expand(&[label], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| Failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    /// RFC 4231, section 4.3 (test case 2).
    #[test]
    fn hmac_vector() {
        let code = Mac::new(b"Jefe").code(&[b"what do ya want ", b"for nothing?"]).unwrap();
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(code.to_vec(), hex(expected));
        let mut hmac = Hmac::new(Hash::Sha256, b"Jefe").unwrap();
        hmac.update(b"what do ya want for ").unwrap();
        hmac.update(b"nothing?").unwrap();
        assert_eq!(hmac.finish(), Ok(hex(expected)));
    }

    #[test]
    fn no_key_is_no_hmac() {
        for hash in Hash::ALL {
            assert!(Hmac::new(hash, &[]).is_err());
            assert_eq!(Hmac::new(hash, &[1; 300]).unwrap().finish().unwrap().len(), hash.size());
        }
    }

    /// RFC 5869, appendix A.1: the first 32 bytes of its OKM.
    #[test]
    fn hkdf_expand_vector() {
        let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        let okm = subkey(&prk, &hex("f0f1f2f3f4f5f6f7f8f9")).unwrap();
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(okm.to_vec(), hex(expected));
    }

    #[test]
    fn labels_make_different_keys() {
        let (a, b) = (subkey(&[7; 32], b"a").unwrap(), subkey(&[7; 32], b"b").unwrap());
        assert_ne!(*a, *b);
    }
}
