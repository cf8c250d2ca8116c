//! Modes that steal ciphertext to keep a length that is no multiple of the block: XTS (IEEE 1619,
//! SP 800-38E) and CBC-CS1 (the addendum to SP 800-38A).
//!
//! Both take whole blocks first, and then what [`Held`](super::Held) kept of the end.
use super::Direction;
use crate::crypto::{
    Failed, Secret,
    aws_lc::cipher::{Cipher, Kind},
};

const BLOCK: usize = 16;

/// The longest data unit of XTS: 2^20 blocks (SP 800-38E section 4).
const LONGEST_UNIT: usize = BLOCK << 20;

/// What is tweaked at once.
const PIECE: usize = 4096;

/// A data unit under XTS.
#[derive(Debug)]
pub struct Xts {
    direction: Direction,
    cipher: Cipher,
    tweak: u128,
    left: usize,
    tweaked: Secret,
}

impl Xts {
    /// How much of the end must be kept: at least one block.
    pub const KEEP: usize = BLOCK;

    /// Starts with a key of 32 or 64 bytes, for the data unit that `unit` names.
    pub fn new(direction: Direction, key: &[u8], unit: &[u8; BLOCK]) -> Result<Xts, Failed> {
        if !matches!(key.len(), 32 | 64) {
            return Err(Failed);
        }
        let (data_key, tweak_key) = key.split_at(key.len() / 2);
        let mut tweak = Secret::new(Vec::with_capacity(BLOCK));
        Cipher::new(Kind::Ecb, Direction::Encrypt, tweak_key, &[])?.update(unit, &mut tweak)?;
        Ok(Xts {
            direction,
            cipher: Cipher::new(Kind::Ecb, direction, data_key, &[])?,
            tweak: u128::from_le_bytes(*tweak.first_chunk().ok_or(Failed)?),
            left: LONGEST_UNIT,
            tweaked: Secret::new(Vec::with_capacity(PIECE)),
        })
    }

    /// Appends the transformation of whole blocks.
    pub fn update(&mut self, blocks: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        self.left = self.left.checked_sub(blocks.len()).ok_or(Failed)?;
        out.try_reserve(blocks.len()).map_err(|_| Failed)?;
        for piece in blocks.chunks(PIECE) {
            let (blocks, _) = piece.as_chunks::<BLOCK>();
            self.tweaked.clear();
            let mut tweak = self.tweak;
            for block in blocks {
                let tweaked = u128::from_le_bytes(*block) ^ tweak;
                self.tweaked.extend_from_slice(&tweaked.to_le_bytes());
                tweak = double(tweak);
            }
            let start = out.len();
            self.cipher.update(&self.tweaked, out)?;
            let (blocks, _) = out.get_mut(start..).ok_or(Failed)?.as_chunks_mut::<BLOCK>();
            for block in blocks {
                *block = (u128::from_le_bytes(*block) ^ self.tweak).to_le_bytes();
                self.tweak = double(self.tweak);
            }
        }
        Ok(())
    }

    /// Appends the transformation of the end: 16 to 31 bytes.
    pub fn finish(mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let (block, tail) = rest.split_at_checked(BLOCK).ok_or(Failed)?;
        self.left = self.left.checked_sub(tail.len()).ok_or(Failed)?;
        if tail.is_empty() {
            return self.update(block, out);
        }
        // decryption meets the last two tweaks the other way round
        let (first, second) = match self.direction {
            Direction::Encrypt => (self.tweak, double(self.tweak)),
            Direction::Decrypt => (double(self.tweak), self.tweak),
        };
        let mut stolen = Secret::new(Vec::with_capacity(2 * BLOCK));
        self.tweak = first;
        self.update(block, &mut stolen)?;
        let (short, lent) = stolen.split_at_checked(tail.len()).ok_or(Failed)?;
        let filled = Secret::new([tail, lent].concat());
        self.tweak = second;
        self.left = BLOCK;
        self.update(&filled, out)?;
        out.extend_from_slice(short);
        Ok(())
    }
}

/// Multiplied by x in the field of 2^128, in constant time.
fn double(tweak: u128) -> u128 {
    tweak << 1 ^ (tweak >> 127).wrapping_neg() & 0x87
}

/// CBC-CS1.
#[derive(Debug)]
pub struct Cts {
    direction: Direction,
    cbc: Cipher,
    /// Decrypts the block that lends.
    ecb: Cipher,
}

impl Cts {
    /// How much of the end must be kept: more than one block.
    pub const KEEP: usize = BLOCK + 1;

    /// Starts with a key of 16, 24 or 32 bytes.
    pub fn new(direction: Direction, key: &[u8], iv: &[u8; BLOCK]) -> Result<Cts, Failed> {
        let cbc = Cipher::new(Kind::Cbc, direction, key, iv)?;
        Ok(Cts { direction, cbc, ecb: Cipher::new(Kind::Ecb, direction, key, &[])? })
    }

    /// Appends the transformation of whole blocks.
    pub fn update(&mut self, blocks: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        self.cbc.update(blocks, out)
    }

    /// Appends the transformation of the end: 16 to 32 bytes.
    pub fn finish(mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let short = rest.len().checked_sub(BLOCK).ok_or(Failed)?;
        match self.direction {
            _ if short.is_multiple_of(BLOCK) => self.cbc.update(rest, out),
            Direction::Encrypt => {
                let mut padded = Secret::new(rest.to_vec());
                padded.resize(2 * BLOCK, 0);
                let mut sealed = Vec::with_capacity(2 * BLOCK);
                self.cbc.update(&padded, &mut sealed)?;
                let (lends, last) = sealed.split_at_checked(BLOCK).ok_or(Failed)?;
                out.extend_from_slice(lends.get(..short).ok_or(Failed)?);
                out.extend_from_slice(last);
                Ok(())
            }
            Direction::Decrypt => {
                let (first, last) = rest.split_at_checked(short).ok_or(Failed)?;
                let mut opened = Secret::new(Vec::with_capacity(BLOCK));
                self.ecb.update(last, &mut opened)?;
                let (tail, lent) = opened.split_at_checked(short).ok_or(Failed)?;
                self.cbc.update(&[first, lent].concat(), out)?;
                out.extend(tail.iter().zip(first).map(|(a, b)| a ^ b));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_cannot_be() {
        for len in [16, 24, 48, 63] {
            assert!(Xts::new(Direction::Encrypt, &vec![1; len], &[0; 16]).is_err());
        }
        let mut out = Vec::new();
        let xts = || Xts::new(Direction::Decrypt, &[1; 64], &[0; 16]).unwrap();
        assert!(xts().finish(&[0; 15], &mut out).is_err());
        let cts = || Cts::new(Direction::Decrypt, &[1; 16], &[0; 16]).unwrap();
        assert!(cts().finish(&[0; 15], &mut out).is_err());
    }

    #[test]
    fn a_data_unit_has_an_end() {
        let mut out = Vec::new();
        let unit = vec![0; LONGEST_UNIT];
        let mut xts = Xts::new(Direction::Encrypt, &[1; 64], &[0; 16]).unwrap();
        xts.update(&unit, &mut out).unwrap();
        assert_eq!(xts.update(&[0; 16], &mut out), Err(Failed));
        assert_eq!(out.len(), LONGEST_UNIT);
    }
}
