//! ML-KEM (FIPS 203): keys, encapsulation and decapsulation.
//!
//! A private key is made of a seed of 64 bytes (d and z), which its expanded form does not tell.
//! A ciphertext that nobody made decapsulates to a secret that nobody knows, and no error.
use super::aws_lc::kem::KemKey;
use super::{Failed, Secret, random};

/// Length of a seed in bytes.
pub const SEED_LEN: usize = 64;

/// Length of a shared secret in bytes.
pub const SHARED_LEN: usize = 32;

/// What follows the public key in an expanded private key: its hash, and z.
const TAIL_LEN: usize = 64;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Set {
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl Set {
    /// Every parameter set.
    pub const ALL: [Set; 3] = [Set::MlKem512, Set::MlKem768, Set::MlKem1024];

    /// Lengths in bytes of public key, expanded private key, ciphertext: FIPS 203, table 3.
    const fn lengths(self) -> (usize, usize, usize) {
        match self {
            Set::MlKem512 => (800, 1632, 768),
            Set::MlKem768 => (1184, 2400, 1088),
            Set::MlKem1024 => (1568, 3168, 1568),
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
    /// Length of a ciphertext in bytes.
    pub const fn ciphertext_len(self) -> usize {
        self.lengths().2
    }
    /// Its object identifier (RFC 9935 section 3).
    pub const fn oid(self) -> der::asn1::ObjectIdentifier {
        der::asn1::ObjectIdentifier::new_unwrap(match self {
            Set::MlKem512 => "2.16.840.1.101.3.4.4.1",
            Set::MlKem768 => "2.16.840.1.101.3.4.4.2",
            Set::MlKem1024 => "2.16.840.1.101.3.4.4.3",
        })
    }
}

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {
    key: KemKey,
    set: Set,
    bytes: Vec<u8>,
}

/// A prepared private key.
#[derive(Debug)]
pub struct PrivateKey {
    key: KemKey,
    set: Set,
    seed: Option<Secret>,
    public: Vec<u8>,
}

impl PublicKey {
    /// From its encoding; fails if that is not one (FIPS 203, section 7.2).
    pub fn new(set: Set, bytes: &[u8]) -> Result<PublicKey, Failed> {
        Ok(PublicKey { key: KemKey::public(set, bytes)?, set, bytes: bytes.to_vec() })
    }
    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }
    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// A fresh shared secret, and the ciphertext that carries it to the private key.
    pub fn encapsulate(&self) -> Result<(Vec<u8>, Secret), Failed> {
        self.key.encapsulate(self.set)
    }
}

impl PrivateKey {
    /// From a seed.
    pub fn from_seed(set: Set, seed: &[u8]) -> Result<PrivateKey, Failed> {
        let key = KemKey::from_seed(set, seed.try_into().map_err(|_| Failed)?)?;
        PrivateKey::with(set, key, Some(Secret::new(seed.to_vec())))
    }
    /// From the expanded form; fails if its public key or the hash of that is wrong (FIPS 203,
    /// section 7.3), or the halves do not belong together.
    pub fn from_expanded(set: Set, expanded: &[u8]) -> Result<PrivateKey, Failed> {
        if expanded.len() != set.private_len() {
            return Err(Failed);
        }
        let end = expanded.len().checked_sub(TAIL_LEN).ok_or(Failed)?;
        let start = end.checked_sub(set.public_len()).ok_or(Failed)?;
        let public = expanded.get(start..end).ok_or(Failed)?;
        PrivateKey::with(set, KemKey::private(set, public, expanded)?, None)
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
    /// The shared secret in a ciphertext, which must have the length of the set's.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Failed> {
        self.key.decapsulate(ciphertext)
    }
    fn with(set: Set, key: KemKey, seed: Option<Secret>) -> Result<PrivateKey, Failed> {
        Ok(PrivateKey { public: key.public_bytes(set)?, key, set, seed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_arrive_and_keys_come_back() {
        for set in Set::ALL {
            let key = PrivateKey::generate(set).unwrap();
            let expanded = PrivateKey::from_expanded(set, &key.expanded().unwrap()).unwrap();
            assert_eq!((expanded.public(), expanded.seed()), (key.public(), None));
            let public = PublicKey::new(set, key.public()).unwrap();
            let (ciphertext, secret) = public.encapsulate().unwrap();
            assert_eq!(ciphertext.len(), set.ciphertext_len());
            for receiver in [&key, &expanded] {
                assert_eq!(receiver.decapsulate(&ciphertext).as_ref(), Ok(&secret));
            }
            let mut damaged = ciphertext.clone();
            damaged[7] ^= 1;
            let rejected = key.decapsulate(&damaged).unwrap();
            assert_ne!(rejected, secret);
            assert_eq!(expanded.decapsulate(&damaged), Ok(rejected));
            assert!(key.decapsulate(&ciphertext[1..]).is_err());
            assert!(PrivateKey::from_seed(set, &[0; 63]).is_err());
            assert!(PublicKey::new(set, &key.public()[1..]).is_err());
        }
    }

    #[test]
    fn halves_of_different_keys_are_refused() {
        for set in Set::ALL {
            let mine = PrivateKey::generate(set).unwrap().expanded().unwrap();
            let other = PrivateKey::generate(set).unwrap().expanded().unwrap();
            let middle = set.private_len() - TAIL_LEN - set.public_len();
            let mixed = [&mine[..middle], &other[middle..]].concat();
            assert!(PrivateKey::from_expanded(set, &mixed).is_err());
        }
    }
}
