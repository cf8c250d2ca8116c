//! RSASSA-PSS, RFC 8017 section 8.1.
//!
//! AWS-LC makes and takes apart the encoded message; the key's own operation does the rest.
use super::{
    Failed,
    hash::Hash,
    rsa::{PrivateKey, PublicKey},
};

/// Hash, mask generation function and salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pss {
    /// Hash of the message.
    pub hash: Hash,
    /// Hash of MGF1.
    pub mgf: Hash,
    /// Length of the salt in bytes.
    pub salt_len: usize,
}

impl Pss {
    /// The longest salt in bytes for a modulus of `bits`; `None` if not even an empty one fits.
    /// Section 9.1.1, step 3.
    pub fn max_salt(hash: Hash, bits: usize) -> Option<usize> {
        bits.checked_sub(1)?.div_ceil(8).checked_sub(hash.size() + 2)
    }

    fn fits(&self, bits: usize, digest: &[u8]) -> Result<(), Failed> {
        match Pss::max_salt(self.hash, bits) {
            Some(longest) if self.salt_len <= longest && digest.len() == self.hash.size() => Ok(()),
            _ => Err(Failed),
        }
    }
}

/// Signs a digest, made with [`Pss::hash`], under a fresh salt.
pub fn sign(key: &PrivateKey, pss: &Pss, digest: &[u8]) -> Result<Vec<u8>, Failed> {
    pss.fits(key.bits(), digest)?;
    Ok(key.raw(&key.key().pss_block(pss, digest)?)?.to_vec())
}

/// Verifies a signature of a digest; the salt has just the length that `pss` says.
pub fn verify(key: &PublicKey, pss: &Pss, digest: &[u8], signature: &[u8]) -> Result<(), Failed> {
    pss.fits(key.bits(), digest)?;
    key.key().pss_check(pss, digest, &key.raw(signature)?)
}
