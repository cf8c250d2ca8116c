//! ML-DSA (FIPS 204): keys and signatures.
//!
//! A private key is made of a seed of 32 bytes, which its expanded form does not tell. What is signed
//! is the representative of a message, µ, which depends on the public key and may be computed in
//! parts; so pure and hashed messages are signed alike.
mod deterministic;

use super::aws_lc::pqdsa::PqKey;
use super::hash::{Hasher, Shake};
use super::prehash::Hedge;
use super::{Failed, Secret, random};

/// Length of a seed in bytes.
pub const SEED_LEN: usize = 32;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Set {
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Set {
    /// Every parameter set.
    pub const ALL: [Set; 3] = [Set::MlDsa44, Set::MlDsa65, Set::MlDsa87];

    /// Lengths in bytes of public key, expanded private key, signature: FIPS 204, table 2.
    const fn lengths(self) -> (usize, usize, usize) {
        match self {
            Set::MlDsa44 => (1312, 2560, 2420),
            Set::MlDsa65 => (1952, 4032, 3309),
            Set::MlDsa87 => (2592, 4896, 4627),
        }
    }
    /// Length of a public key in bytes.
    pub const fn public_len(self) -> usize {
        self.lengths().0
    }
    /// Length of an expanded private key in bytes.
    pub const fn private_len(self) -> usize {
        self.lengths().1
    }
    /// Length of a signature in bytes.
    pub const fn signature_len(self) -> usize {
        self.lengths().2
    }
    /// Its object identifier (RFC 9881 section 2).
    pub const fn oid(self) -> der::asn1::ObjectIdentifier {
        der::asn1::ObjectIdentifier::new_unwrap(match self {
            Set::MlDsa44 => "2.16.840.1.101.3.4.3.17",
            Set::MlDsa65 => "2.16.840.1.101.3.4.3.18",
            Set::MlDsa87 => "2.16.840.1.101.3.4.3.19",
        })
    }
}

/// Length of the representative of a message, and of the hash of a public key, in bytes.
const REPRESENTATIVE_LEN: usize = 64;

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {
    key: PqKey,
    set: Set,
    bytes: Vec<u8>,
}

/// A prepared private key.
#[derive(Debug)]
pub struct PrivateKey {
    key: PqKey,
    set: Set,
    seed: Option<Secret>,
    public: Vec<u8>,
}

impl PublicKey {
    /// From its encoding.
    pub fn new(set: Set, bytes: &[u8]) -> Result<PublicKey, Failed> {
        Ok(PublicKey { key: PqKey::public(set, bytes)?, set, bytes: bytes.to_vec() })
    }
    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }
    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Computes the representative of a message for this key. `head` is that of
    /// [`prehash`](super::prehash::head), and the message or its hash is still to be fed.
    pub fn representative(&self, head: &[u8]) -> Result<Hasher, Failed> {
        representative(&self.bytes, head)
    }
    /// Verifies a signature of a representative.
    pub fn verify(&self, representative: &[u8], signature: &[u8]) -> Result<(), Failed> {
        self.key.verify(representative, signature)
    }
}

impl PrivateKey {
    /// From a seed.
    pub fn from_seed(set: Set, seed: &[u8]) -> Result<PrivateKey, Failed> {
        if seed.len() != SEED_LEN {
            return Err(Failed);
        }
        PrivateKey::with(set, PqKey::private(set, seed)?, Some(Secret::new(seed.to_vec())))
    }
    /// From the expanded form.
    pub fn from_expanded(set: Set, expanded: &[u8]) -> Result<PrivateKey, Failed> {
        if expanded.len() != set.private_len() {
            return Err(Failed);
        }
        PrivateKey::with(set, PqKey::private(set, expanded)?, None)
    }
    /// A fresh key.
    pub fn generate(set: Set) -> Result<PrivateKey, Failed> {
        PrivateKey::from_seed(set, &random(SEED_LEN)?)
    }
    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }
    /// The seed, if it is known.
    pub fn seed(&self) -> Option<&Secret> {
        self.seed.as_ref()
    }
    /// The expanded form.
    pub fn expanded(&self) -> Result<Secret, Failed> {
        self.key.private_bytes(self.set)
    }
    /// The public half.
    pub fn public(&self) -> &[u8] {
        &self.public
    }
    /// Computes the representative of a message for this key, as [`PublicKey::representative`].
    pub fn representative(&self, head: &[u8]) -> Result<Hasher, Failed> {
        representative(&self.public, head)
    }
    /// Signs a representative.
    pub fn sign(&self, representative: &[u8], hedge: Hedge) -> Result<Vec<u8>, Failed> {
        match hedge {
            Hedge::Hedged => self.key.sign(self.set, representative),
            Hedge::Deterministic => {
                deterministic::sign(self.set, &self.expanded()?, representative)
            }
        }
    }
    fn with(set: Set, key: PqKey, seed: Option<Secret>) -> Result<PrivateKey, Failed> {
        Ok(PrivateKey { public: key.public_bytes(set)?, key, set, seed })
    }
}

/// µ of FIPS 204, algorithm 7, line 6: the hash of the public key's hash and of what is signed.
fn representative(public: &[u8], head: &[u8]) -> Result<Hasher, Failed> {
    let mut key = Hasher::shake(Shake::Shake256, REPRESENTATIVE_LEN);
    key.update(public);
    let mut hasher = Hasher::shake(Shake::Shake256, REPRESENTATIVE_LEN);
    hasher.update(&key.finish()?);
    hasher.update(head);
    Ok(hasher)
}

#[cfg(test)]
mod tests {
    use super::super::prehash::head;
    use super::*;

    fn of(hasher: Result<Hasher, Failed>, message: &[u8]) -> Vec<u8> {
        let mut hasher = hasher.unwrap();
        hasher.update(message);
        hasher.finish().unwrap()
    }

    #[test]
    fn keys_sign_and_come_back() {
        let head = head(b"context", None).unwrap();
        for set in Set::ALL {
            let key = PrivateKey::generate(set).unwrap();
            let expanded = PrivateKey::from_expanded(set, &key.expanded().unwrap()).unwrap();
            assert_eq!((expanded.public(), expanded.seed()), (key.public(), None));
            let public = PublicKey::new(set, key.public()).unwrap();
            let message = of(public.representative(&head), b"message");
            let massage = of(public.representative(&head), b"massage");
            assert_eq!(of(key.representative(&head), b"message"), message);
            for signer in [&key, &expanded] {
                for hedge in [Hedge::Hedged, Hedge::Deterministic] {
                    let signature = signer.sign(&message, hedge).unwrap();
                    assert_eq!(signature.len(), set.signature_len());
                    assert_eq!(public.verify(&message, &signature), Ok(()));
                    assert!(public.verify(&massage, &signature).is_err());
                    let again = signer.sign(&message, hedge).unwrap();
                    assert_eq!(again == signature, hedge == Hedge::Deterministic);
                }
            }
            for hedge in [Hedge::Hedged, Hedge::Deterministic] {
                assert!(key.sign(&message[1..], hedge).is_err());
            }
            assert!(PrivateKey::from_seed(set, &[0; 31]).is_err());
            assert!(PublicKey::new(set, &key.public()[1..]).is_err());
        }
    }
}
