//! Ed25519 (RFC 8032): keys and signatures, pure, with a context and pre-hashed.
//!
//! A private key is its seed of 32 bytes, a public key the encoded point.
use super::aws_lc::curve25519::{self as aws_lc, Bytes};
use super::{Failed, Secret, edwards_empty, random};

/// Length of a seed and of a public key in bytes.
pub const LEN: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// A variant of the signature scheme; contexts have at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Ed25519
    Pure,
    /// Ed25519ctx. RFC 8032 section 5.1 advises against an empty context.
    Context(Vec<u8>),
    /// Ed25519ph
    Prehashed(Vec<u8>),
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Bytes);

/// A private key.
#[derive(Debug)]
pub struct PrivateKey {
    /// Seed, then public key.
    expanded: Secret,
    public: PublicKey,
}

impl PublicKey {
    /// From its encoding. That it is a point shows when a signature is verified.
    pub fn new(bytes: &[u8]) -> Result<PublicKey, Failed> {
        bytes.try_into().map(PublicKey).map_err(|_| Failed)
    }
    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
    /// Verifies.
    pub fn verify(
        &self,
        variant: &Variant,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Failed> {
        let signature = signature.try_into().map_err(|_| Failed)?;
        match variant {
            Variant::Context(context) if context.is_empty() => {
                edwards_empty::verify(&self.0, message, signature)
            }
            _ => aws_lc::verify(&self.0, variant, message, signature),
        }
    }
}

impl PrivateKey {
    /// From a seed.
    pub fn new(seed: &[u8]) -> Result<PrivateKey, Failed> {
        let (expanded, public) = aws_lc::expand(seed.try_into().map_err(|_| Failed)?);
        Ok(PrivateKey { expanded, public: PublicKey(public) })
    }
    /// A fresh key.
    pub fn generate() -> Result<PrivateKey, Failed> {
        PrivateKey::new(&random(LEN)?)
    }
    /// The seed.
    pub fn seed(&self) -> Secret {
        Secret::new(self.expanded.iter().take(LEN).copied().collect())
    }
    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
    /// Signs.
    pub fn sign(&self, variant: &Variant, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let expanded: &[u8; 2 * LEN] = self.expanded.first_chunk().ok_or(Failed)?;
        let signature = match variant {
            Variant::Context(context) if context.is_empty() => {
                edwards_empty::sign(expanded.first_chunk().ok_or(Failed)?, message)
            }
            _ => aws_lc::sign(expanded, variant, message)?,
        };
        Ok(signature.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_each_their_own() {
        let key = PrivateKey::generate().unwrap();
        let variants = [
            Variant::Pure,
            Variant::Context(Vec::new()),
            Variant::Context(b"a".to_vec()),
            Variant::Context(b"b".to_vec()),
            Variant::Prehashed(Vec::new()),
            Variant::Prehashed(b"a".to_vec()),
        ];
        for signs in &variants {
            let signature = key.sign(signs, b"message").unwrap();
            for verifies in &variants {
                let verdict = key.public().verify(verifies, b"message", &signature);
                assert_eq!(verdict.is_ok(), signs == verifies);
            }
            assert!(key.public().verify(signs, b"message", &signature[1..]).is_err());
        }
        let long = Variant::Context(vec![0; 256]);
        assert!(key.sign(&long, b"").is_err());
    }

    #[test]
    fn a_seed_is_the_key() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(PrivateKey::new(&key.seed()).unwrap().public(), key.public());
        assert!(PrivateKey::new(&[0; 31]).is_err() && PublicKey::new(&[0; 33]).is_err());
    }
}
