//! RSA keys and their raw, PKCS#1 v1.5 operations (RFC 8017). Keys are prepared once and shared by
//! any number of threads. All numbers are big-endian.
//!
//! The arithmetic is AWS-LC's: CRT with both halves at once, blinded, each result checked with e
//! before it leaves, so that neither a fault in one half nor a wrong key can give a prime away.
//!
//! What is checked of a private key, and when:
//!
//! | when | what |
//! |---|---|
//! | it comes in, whatever way | n odd and of a length that there is, e odd, 1 < e < n, d < n; with CRT values n = pq, de = 1 mod p - 1 and mod q - 1, dp, dq, qinv right (which a p equal to q cannot have); n without small factors |
//! | it comes in without CRT values | a blinded operation comes back with e: nothing else says that d fits |
//! | it becomes a [`PrivateKey`], before its first use | the same for all other keys: p and q are as good as prime, or it would not |
//! | each use | the result comes back with e |
//!
//! So numbers that do not fit together never become a key; and one whose p or q is composite, which
//! only the second half of the table shows, stays [`Unproved`], which can do nothing. That half costs
//! as much as a signature, and a key that comes in only to go on need not pay for it.
mod pkcs1;
#[cfg(test)]
mod tests;

use super::aws_lc::bignum::BigNum;
use super::aws_lc::rsa::{PrivateNumbers, RsaKey};
use super::rsa_keygen::has_small_factor;
use super::{Failed, Secret, same};
use once_cell::sync::OnceCell;
pub use pkcs1::digest_info;
use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

/// Lengths of a modulus in bits. Longer ones the library refuses; shorter ones nobody has.
const BITS: RangeInclusive<usize> = 512..=16384;

/// The numbers of a private key. Leading zeros are allowed on the way in, never given out.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Parts {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Secret,
    /// The CRT values; absent if the key was made without them.
    pub crt: Option<Crt>,
}

/// The Chinese-remainder values of a private key.
#[derive(Clone)]
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

// `Secret` would show its bytes.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { n, e, d: _, crt } = self;
        f.debug_struct("Parts")
            .field("n", n)
            .field("e", e)
            .field("crt", crt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Crt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Crt")
    }
}

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {
    key: RsaKey,
    bits: usize,
}

/// A prepared private key, which has done an operation that came back with e.
#[derive(Debug)]
pub struct PrivateKey {
    key: RsaKey,
    bits: usize,
    /// n - 1, on which the library does not compute.
    minus_one: Vec<u8>,
    rejection: pkcs1::Rejection,
}

/// A private key whose numbers fit together, and which is not asked for more before it is used.
#[derive(Debug)]
pub struct Unproved {
    key: PrivateKey,
    /// Filled once an operation has come back with e.
    proved: OnceCell<()>,
}

impl PublicKey {
    /// Checks and prepares a key: n odd, of 512 to 16384 bits; e odd, > 1, < n.
    pub fn new(n: &[u8], e: &[u8]) -> Result<PublicKey, Failed> {
        let n = modulus(n)?;
        let key = RsaKey::new(&n, &BigNum::from_be(e)?, None)?;
        // The first operation prepares the modulus; later ones only read.
        key.public(&two(key.size()))?;
        Ok(PublicKey { key, bits: n.bits() })
    }
    /// Length of the modulus in bytes.
    pub fn size(&self) -> usize {
        self.key.size()
    }
    /// Length of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.bits
    }
    /// `input^e mod n`; `input` is exactly as long as the modulus and less than it. RSAEP / RSAVP1.
    pub fn raw(&self, input: &[u8]) -> Result<Vec<u8>, Failed> {
        self.key.public(input)
    }
    /// RSAES-PKCS1-v1_5 encryption.
    pub fn encrypt_pkcs1(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        self.raw(&pkcs1::encryption_block(message, self.size())?)
    }
    /// RSASSA-PKCS1-v1_5 verification of `signature` over `content`, which stands behind the
    /// padding as it is (a DigestInfo, or whatever the application chose).
    pub fn verify_pkcs1(&self, content: &[u8], signature: &[u8]) -> Result<(), Failed> {
        // The block is rebuilt and compared whole, so there is no padding to parse.
        let expected = pkcs1::signature_block(content, self.size())?;
        if same(&self.raw(signature)?, &expected) { Ok(()) } else { Err(Failed) }
    }
    /// The content of an RSASSA-PKCS1-v1_5 signature, as [`Self::verify_pkcs1`] would compare it.
    pub fn recover_pkcs1(&self, signature: &[u8]) -> Result<Vec<u8>, Failed> {
        let block = self.raw(signature)?;
        let padded = block.get(2..).ok_or(Failed)?;
        let separator = padded.iter().position(|byte| *byte != 0xFF).ok_or(Failed)?;
        let content = padded.get(separator + 1..).ok_or(Failed)?;
        // What was found is right if the block made of it is the one there is.
        if block == pkcs1::signature_block(content, self.size())? {
            Ok(content.to_vec())
        } else {
            Err(Failed)
        }
    }
    pub(super) fn key(&self) -> &RsaKey {
        &self.key
    }
}

impl Unproved {
    /// Checks and prepares a key, as the module's table says: all of its numbers fit together.
    /// Without [`Parts::crt`] that costs an operation.
    pub fn new(parts: &Parts) -> Result<Unproved, Failed> {
        let (n, e, d) =
            (modulus(&parts.n)?, BigNum::from_be(&parts.e)?, BigNum::from_be(&parts.d)?);
        if d.compare(&n) != Ordering::Less || has_small_factor(&n) {
            return Err(Failed);
        }
        let crt = parts.crt.as_ref().map(Crt::numbers).transpose()?;
        let private = PrivateNumbers { d: &d, crt: crt.as_ref().map(|numbers| numbers.each_ref()) };
        let key = RsaKey::new(&n, &e, Some(&private))?;
        let rejection = pkcs1::Rejection::new(&d.to_be_padded(key.size())?);
        let minus_one = n.minus(1)?.to_be_padded(key.size())?.to_vec();
        let key = PrivateKey { key, bits: n.bits(), minus_one, rejection };
        let key = Unproved { key, proved: OnceCell::new() };
        if crt.is_none() {
            key.prove()?;
        }
        Ok(key)
    }
    /// The key for use. The first time an operation on what amounts to a random number, blinded as it
    /// is, must come back with e; what fails may be asked again, and fails again.
    pub fn prove(&self) -> Result<&PrivateKey, Failed> {
        let key = &self.key;
        self.proved.get_or_try_init(|| key.key.private(&two(key.size())).map(drop))?;
        Ok(key)
    }
}

impl PrivateKey {
    /// Checks, prepares and proves a key. Costs an operation.
    pub fn new(parts: &Parts) -> Result<PrivateKey, Failed> {
        let key = Unproved::new(parts)?;
        key.prove()?;
        Ok(key.key)
    }
    /// Length of the modulus in bytes.
    pub fn size(&self) -> usize {
        self.key.size()
    }
    /// Length of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.bits
    }
    /// `input^d mod n`, blinded; `input` is exactly as long as the modulus. RSADP / RSASP1.
    pub fn raw(&self, input: &[u8]) -> Result<Secret, Failed> {
        if self.is_fixed(input) {
            return Ok(Secret::new(input.to_vec()));
        }
        self.key.private(input)
    }
    /// RSASSA-PKCS1-v1_5 signature over `content` as it is, at most `size() - 11` bytes.
    pub fn sign_pkcs1(&self, content: &[u8]) -> Result<Vec<u8>, Failed> {
        Ok(self.raw(&pkcs1::signature_block(content, self.size())?)?.to_vec())
    }
    /// RSAES-PKCS1-v1_5 decryption with implicit rejection: a wrong padding gives a message that
    /// depends on key and ciphertext, in the same time as a right one. Fails for a wrong length.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Secret, Failed> {
        if ciphertext.len() != self.size() {
            return Err(Failed);
        }
        // A number that is no ciphertext (not less than n) goes on as a block without padding.
        let block = self.raw(ciphertext).unwrap_or_else(|Failed| Secret::new(vec![0; self.size()]));
        self.rejection.message(&block, ciphertext)
    }
    pub(super) fn key(&self) -> &RsaKey {
        &self.key
    }
    /// Whether `input` is 0, 1 or n - 1: every odd power of these is the number itself.
    fn is_fixed(&self, input: &[u8]) -> bool {
        let Some((last, rest)) = input.split_last() else {
            return false;
        };
        let tiny = *last <= 1 && rest.iter().all(|byte| *byte == 0);
        input.len() == self.size() && (tiny || input == self.minus_one)
    }
}

impl Crt {
    fn numbers(&self) -> Result<[BigNum; 5], Failed> {
        let Crt { p, q, dp, dq, qinv } = self;
        let number = |bytes: &Secret| BigNum::from_be(bytes);
        Ok([number(p)?, number(q)?, number(dp)?, number(dq)?, number(qinv)?])
    }
}

fn modulus(n: &[u8]) -> Result<BigNum, Failed> {
    let n = BigNum::from_be(n)?;
    if BITS.contains(&n.bits()) && n.is_odd() { Ok(n) } else { Err(Failed) }
}

/// The number 2 in `size` bytes.
fn two(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    if let Some(last) = bytes.last_mut() {
        *last = 2;
    }
    bytes
}
