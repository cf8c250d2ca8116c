//! RSA keys and their raw, PKCS#1 v1.5 operations (RFC 8017). Keys are prepared once and shared by
//! any number of threads. All numbers are big-endian.
use super::{Failed, Secret, hash::Hash};

/// The numbers of a private key. Leading zeros are allowed on the way in, never given out.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Parts {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Secret,
    /// The CRT values; absent if the key was made without them.
    pub crt: Option<Crt>,
}

/// The Chinese-remainder values of a private key.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Crt {
    pub p: Secret,
    pub q: Secret,
    /// d mod (p − 1)
    pub dp: Secret,
    /// d mod (q − 1)
    pub dq: Secret,
    /// q⁻¹ mod p
    pub qinv: Secret,
}

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {}

/// A prepared private key.
#[derive(Debug)]
pub struct PrivateKey {}

impl PublicKey {
    /// Checks and prepares a key: n odd, of 512 to 16384 bits; e odd, > 1, < n.
    pub fn new(n: &[u8], e: &[u8]) -> Result<PublicKey, Failed> {
        let _ = (n, e);
        todo!()
    }
    /// Length of the modulus in bytes.
    pub fn size(&self) -> usize {
        todo!()
    }
    /// Length of the modulus in bits.
    pub fn bits(&self) -> usize {
        todo!()
    }
    /// `input^e mod n`; `input` is exactly as long as the modulus and less than it. RSAEP / RSAVP1.
    pub fn raw(&self, input: &[u8]) -> Result<Vec<u8>, Failed> {
        let _ = input;
        todo!()
    }
    /// RSAES-PKCS1-v1_5 encryption.
    pub fn encrypt_pkcs1(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let _ = message;
        todo!()
    }
    /// RSASSA-PKCS1-v1_5 verification of `signature` over `content`, which stands behind the
    /// padding as it is (a DigestInfo, or whatever the application chose).
    pub fn verify_pkcs1(&self, content: &[u8], signature: &[u8]) -> Result<(), Failed> {
        let _ = (content, signature);
        todo!()
    }
}

impl PrivateKey {
    /// Checks and prepares a key. Consistency is proved (n = pq, d and the CRT values fit e)
    /// without primality proofs; without [`Parts::crt`] as far as it can be.
    pub fn new(parts: &Parts) -> Result<PrivateKey, Failed> {
        let _ = parts;
        todo!()
    }
    /// Length of the modulus in bytes.
    pub fn size(&self) -> usize {
        todo!()
    }
    /// Length of the modulus in bits.
    pub fn bits(&self) -> usize {
        todo!()
    }
    /// `input^d mod n`, blinded; `input` is exactly as long as the modulus. RSADP / RSASP1.
    pub fn raw(&self, input: &[u8]) -> Result<Secret, Failed> {
        let _ = input;
        todo!()
    }
    /// RSASSA-PKCS1-v1_5 signature over `content` as it is, at most `size() - 11` bytes.
    pub fn sign_pkcs1(&self, content: &[u8]) -> Result<Vec<u8>, Failed> {
        let _ = content;
        todo!()
    }
    /// RSAES-PKCS1-v1_5 decryption with implicit rejection: a wrong padding gives a message that
    /// depends on key and ciphertext, in the same time as a right one. Fails for a wrong length only.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Secret, Failed> {
        let _ = ciphertext;
        todo!()
    }
}

/// The DER DigestInfo of `digest` under `hash`, RFC 8017 section 9.2.
pub fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    let _ = (hash, digest);
    todo!()
}
