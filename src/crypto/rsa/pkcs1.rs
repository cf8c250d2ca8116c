//! The blocks of PKCS#1 v1.5 (RFC 8017, sections 7.2 and 9.2).
//!
//! Decryption rejects implicitly, as draft-irtf-cfrg-rsa-guidance and OpenSSL 3.2 do: who sends a
//! block with wrong padding gets a message made from key and ciphertext, always the same one, and
//! learns nothing.
use super::super::{Failed, Secret, hash::Hash, random};
use aws_lc_rs::hmac;
use subtle::{
    Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess,
};

/// Bytes of a block that are not message: `00`, type, eight of padding at least, `00`.
const OVERHEAD: usize = 11;

/// `00 01 FF … FF 00 content`, `size` bytes. Section 9.2.
pub(super) fn signature_block(content: &[u8], size: usize) -> Result<Vec<u8>, Failed> {
    let padding = padding_len(content, size)?;
    Ok([&[0, 1], vec![0xFF; padding].as_slice(), &[0], content].concat())
}

/// `00 02 random non-zero bytes 00 message`, `size` bytes. Section 7.2.1.
pub(super) fn encryption_block(message: &[u8], size: usize) -> Result<Secret, Failed> {
    let padding = padding_len(message, size)?;
    let mut block = Secret::new(Vec::with_capacity(size));
    block.extend([0, 2]);
    while block.len() < 2 + padding {
        let fresh = random(size)?;
        let missing = 2 + padding - block.len();
        block.extend(fresh.iter().filter(|byte| **byte != 0).take(missing));
    }
    block.push(0);
    block.extend(message);
    Ok(block)
}

fn padding_len(message: &[u8], size: usize) -> Result<usize, Failed> {
    let room = size.checked_sub(OVERHEAD).ok_or(Failed)?;
    Ok(room.checked_sub(message.len()).ok_or(Failed)? + 8)
}

/// The DER DigestInfo of `digest` under `hash`, RFC 8017 section 9.2.
pub fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    [prefix(hash), digest].concat()
}

/// What stands before the digest: the table in note 1 of section 9.2, and the same for SHA-3 with
/// the identifiers that NIST gave it (FIPS 202, through the Computer Security Objects Register).
const fn prefix(hash: Hash) -> &'static [u8] {
    match hash {
        Hash::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        Hash::Sha224 => {
            b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"
        }
        Hash::Sha256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        Hash::Sha384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        Hash::Sha512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
        Hash::Sha512_224 => {
            b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x05\x05\x00\x04\x1c"
        }
        Hash::Sha512_256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x06\x05\x00\x04\x20"
        }
        Hash::Sha3_224 => {
            b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x07\x05\x00\x04\x1c"
        }
        Hash::Sha3_256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20"
        }
        Hash::Sha3_384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x09\x05\x00\x04\x30"
        }
        Hash::Sha3_512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0a\x05\x00\x04\x40"
        }
    }
}

/// What a private key answers to ciphertexts with wrong padding.
pub(super) struct Rejection {
    /// SHA-256 of d.
    key: Secret,
}

impl std::fmt::Debug for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rejection")
    }
}

impl Rejection {
    /// For the private exponent, as long as the modulus.
    pub(super) fn new(d: &[u8]) -> Rejection {
        Rejection { key: Secret::new(Hash::Sha256.digest(d)) }
    }

    /// The message in a decrypted block or, if its padding is wrong, the one made up for
    /// `ciphertext`. Both are as long as the modulus. Only the answer's length shows in the time.
    pub(super) fn message(&self, block: &[u8], ciphertext: &[u8]) -> Result<Secret, Failed> {
        let size = u32::try_from(block.len()).map_err(|_| Failed)?;
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&hmac, ciphertext).as_ref());
        let made_up = expand(&derivation, b"message", block.len())?;
        let made_up_len = made_up_len(&derivation, size)?;

        let (good, start) = message_start(block);
        let start = u32::conditional_select(&(size - made_up_len), &start, good);
        let mut chosen = made_up;
        for (byte, real) in chosen.iter_mut().zip(block) {
            byte.conditional_assign(real, good);
        }
        let start = usize::try_from(start).map_err(|_| Failed)?;
        Ok(Secret::new(chosen.get(start..).ok_or(Failed)?.to_vec()))
    }
}

/// Whether the padding is right, and where the message starts if it is.
fn message_start(block: &[u8]) -> (Choice, u32) {
    let kind = block
        .iter()
        .zip([0, 2])
        .fold(Choice::from(1), |good, (byte, want)| good & byte.ct_eq(&want));
    let (mut start, mut found) = (0_u32, Choice::from(0));
    for (after, byte) in (1_u32..).zip(block).skip(2) {
        let separator = byte.ct_eq(&0) & !found;
        start.conditional_assign(&after, separator);
        found |= separator;
    }
    (kind & found & start.ct_gt(&10), start)
}

/// The length of the made-up message: the last of 128 candidates that leaves room for a padding.
/// All of them fail with a probability of 2^-128 at most; the length is then 0.
fn made_up_len(derivation: &hmac::Key, size: u32) -> Result<u32, Failed> {
    let limit = size.checked_sub(10).ok_or(Failed)?;
    let mask = limit.next_power_of_two() - 1;
    let mut len = 0;
    for pair in expand(derivation, b"length", 256)?.as_chunks::<2>().0 {
        let candidate = u32::from(u16::from_be_bytes(*pair)) & mask;
        len.conditional_assign(&candidate, candidate.ct_lt(&limit));
    }
    Ok(len)
}

/// `len` bytes: HMAC over counter, label and length in bits, repeated.
fn expand(derivation: &hmac::Key, label: &[u8], len: usize) -> Result<Secret, Failed> {
    let bits = u16::try_from(8 * len).map_err(|_| Failed)?.to_be_bytes();
    let mut bytes = Secret::new(Vec::with_capacity(len + 32));
    for counter in 0_u16.. {
        if bytes.len() >= len {
            break;
        }
        let tag = hmac::sign(derivation, &[&counter.to_be_bytes(), label, &bits].concat());
        bytes.extend(tag.as_ref());
    }
    bytes.truncate(len);
    Ok(bytes)
}
