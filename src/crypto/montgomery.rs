//! X25519 (RFC 7748): key agreement on curve25519.
//!
//! Scalars and coordinates are 32 bytes, least significant first.
use super::aws_lc::curve25519::{self as aws_lc, Bytes};
use super::{Failed, Secret, random};

/// Length of a scalar, of a public key and of a shared secret in bytes.
pub const LEN: usize = 32;

/// A public key: every string of 32 bytes is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Bytes);

/// A private key.
#[derive(Debug)]
pub struct PrivateKey {
    scalar: Secret,
    public: PublicKey,
}

impl PublicKey {
    /// From its encoding.
    pub fn new(bytes: &[u8]) -> Result<PublicKey, Failed> {
        bytes.try_into().map(PublicKey).map_err(|_| Failed)
    }
    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PrivateKey {
    /// From a scalar, not yet clamped.
    pub fn new(scalar: &[u8]) -> Result<PrivateKey, Failed> {
        let public = aws_lc::x25519_public(scalar.try_into().map_err(|_| Failed)?);
        Ok(PrivateKey { scalar: Secret::new(scalar.to_vec()), public: PublicKey(public) })
    }
    /// A fresh key.
    pub fn generate() -> Result<PrivateKey, Failed> {
        PrivateKey::new(&random(LEN)?)
    }
    /// The scalar.
    pub fn scalar(&self) -> &Secret {
        &self.scalar
    }
    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
    /// The shared secret with the owner of `peer`; refused if it is all zeros, which a point of
    /// small order makes it (RFC 7748 section 6.1).
    pub fn agree(&self, peer: &PublicKey) -> Result<Secret, Failed> {
        aws_lc::x25519(self.scalar.first_chunk().ok_or(Failed)?, &peer.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        let (a, b) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let shared = a.agree(b.public()).unwrap();
        assert_eq!(shared, b.agree(a.public()).unwrap());
        assert_eq!(PrivateKey::new(a.scalar()).unwrap().public(), a.public());
        assert!(a.agree(&PublicKey::new(&[0; 32]).unwrap()).is_err());
    }
}
