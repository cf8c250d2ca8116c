//! ChaCha20 without a MAC (RFC 8439 section 2.4), with either split of its counter and nonce.
use super::aws_lc::chacha::keystream_xor;
use super::{Failed, Secret};

/// Where a key stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// RFC 8439: 32 bits of counter.
    Ietf {
        /// The first block.
        counter: u32,
        /// Nonce.
        nonce: [u8; 12],
    },
    /// As it was first published: 64 bits of counter.
    Original {
        /// The first block.
        counter: u64,
        /// Nonce.
        nonce: [u8; 8],
    },
}

/// The block of ChaCha20 in bytes.
const BLOCK: usize = 64;

/// A ChaCha20 at work.
#[derive(Debug)]
pub struct ChaCha {
    key: Secret,
    /// The nonce as RFC 8439 has it, its first half empty for a counter of 64 bits.
    nonce: [u8; 12],
    /// The next block, and how many bytes of it are used up.
    block: u64,
    used: usize,
    /// The block behind the last one there is.
    end: u128,
}

impl ChaCha {
    /// Starts with a key of 32 bytes.
    pub fn new(key: &[u8], start: &Start) -> Result<ChaCha, Failed> {
        if key.len() != 32 {
            return Err(Failed);
        }
        let key = Secret::new(key.to_vec());
        Ok(match *start {
            Start::Ietf { counter, nonce } => {
                ChaCha { key, nonce, block: counter.into(), used: 0, end: 1 << 32 }
            }
            Start::Original { counter, nonce } => {
                let mut long = [0; 12];
                long.iter_mut().skip(4).zip(nonce).for_each(|(to, from)| *to = from);
                ChaCha { key, nonce: long, block: counter, used: 0, end: 1 << 64 }
            }
        })
    }

    /// Appends the transformation of `part`, which is as long; refuses to count past the end.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let needed = self.used.checked_add(part.len()).ok_or(Failed)?.div_ceil(BLOCK);
        let behind = u128::from(self.block) + u128::try_from(needed).map_err(|_| Failed)?;
        if behind > self.end {
            return Err(Failed);
        }
        out.try_reserve(part.len()).map_err(|_| Failed)?;
        let mut rest = part;
        if self.used > 0 {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - self.used));
            self.within_block(now, out)?;
            rest = later;
        }
        while !rest.is_empty() {
            // the library's counter has 32 bits
            let before_wrap = (1u64 << 32) - (self.block & 0xffff_ffff);
            let room = usize::try_from(before_wrap).unwrap_or(usize::MAX).saturating_mul(BLOCK);
            let (now, later) = rest.split_at(rest.len().min(room));
            self.xor(now, out)?;
            self.advance(now.len())?;
            rest = later;
        }
        Ok(())
    }

    /// Goes on in a block that was begun.
    fn within_block(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let mut input = Secret::new(vec![0; self.used]);
        input.extend_from_slice(part);
        let mut output = Secret::new(Vec::with_capacity(BLOCK));
        self.xor(&input, &mut output)?;
        out.extend_from_slice(output.get(self.used..).ok_or(Failed)?);
        self.advance(part.len())
    }

    fn advance(&mut self, len: usize) -> Result<(), Failed> {
        let all = self.used + len;
        // the last block's successor may be past the numbers; `update` refuses to go there
        self.block = self.block.wrapping_add(u64::try_from(all / BLOCK).map_err(|_| Failed)?);
        self.used = all % BLOCK;
        if self.block == 0 && self.used == 0 && all > 0 {
            self.end = 0;
        }
        Ok(())
    }

    /// `data` with the key stream from the beginning of the block.
    fn xor(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let [a, b, c, d, high @ ..] = self.block.to_le_bytes();
        let mut nonce = self.nonce;
        if self.end > 1 << 32 {
            nonce.iter_mut().zip(high).for_each(|(to, from)| *to = from);
        }
        keystream_xor(&self.key, &nonce, u32::from_le_bytes([a, b, c, d]), data, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: Start, parts: &[&[u8]]) -> Vec<u8> {
        let mut cipher = ChaCha::new(&[7; 32], &start).unwrap();
        let mut out = Vec::new();
        parts.iter().for_each(|part| cipher.update(part, &mut out).unwrap());
        out
    }

    #[test]
    fn parts_make_the_same_as_one() {
        let data = [5; 200];
        let start = Start::Ietf { counter: 9, nonce: [1; 12] };
        let whole = run(start, &[&data]);
        for at in 0..=200 {
            assert_eq!(run(start, &[&data[..at], &data[at..]]), whole, "{at}");
        }
        assert_eq!(run(start, &data.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn the_long_counter_carries() {
        let low = u64::from(u32::MAX);
        let across = run(Start::Original { counter: low, nonce: [3; 8] }, &[&[0; 192]]);
        let behind = run(Start::Original { counter: low + 1, nonce: [3; 8] }, &[&[0; 128]]);
        assert_eq!(across[64..], behind);
        // the same block by the other split
        let nonce = [1, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3];
        assert_eq!(run(Start::Ietf { counter: 0, nonce }, &[&[0; 128]]), behind);
    }

    #[test]
    fn no_block_comes_twice() {
        let short = Start::Ietf { counter: u32::MAX, nonce: [1; 12] };
        let long = Start::Original { counter: u64::MAX, nonce: [1; 8] };
        for start in [short, long] {
            let mut cipher = ChaCha::new(&[1; 32], &start).unwrap();
            let mut out = Vec::new();
            assert_eq!(cipher.update(&[0; 65], &mut out), Err(Failed));
            cipher.update(&[0; 63], &mut out).unwrap();
            cipher.update(&[0; 1], &mut out).unwrap();
            assert_eq!(cipher.update(&[0; 1], &mut out), Err(Failed));
        }
    }
}
