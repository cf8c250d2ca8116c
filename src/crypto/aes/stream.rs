//! AES as a stream cipher (SP 800-38A): counter mode, output feedback and cipher feedback of whole
//! blocks. Any length, any parts.
use super::Direction;
use crate::crypto::{
    Failed, InOut, Secret,
    aws_lc::cipher::{Cipher, Kind},
};

/// The counter block of CTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ctr {
    /// The first block.
    pub block: [u8; 16],
    /// How many of its lowest bits count: 1 to 128.
    pub bits: u32,
}

/// A feedback mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Output feedback.
    Ofb,
    /// Cipher feedback, segments of 128 bits.
    Cfb128,
}

/// A stream cipher at work.
#[derive(Debug)]
pub struct Stream {
    cipher: Cipher,
    counter: Option<Counter>,
}

/// How far a counter shorter than its block can go: it counts modulo a power of two (SP 800-38A
/// appendix B.1), which the library does for the whole block only.
#[derive(Debug)]
struct Counter {
    key: Secret,
    /// The block after the counter's highest value: the same with a counter of 0.
    wrapped: [u8; 16],
    /// Bytes until then.
    until_wrap: u128,
    /// Bytes until the first block would come again.
    left: u128,
}

impl Stream {
    /// Starts counter mode, whose two directions are one.
    pub fn ctr(key: &[u8], ctr: &Ctr) -> Result<Stream, Failed> {
        let cipher = Cipher::new(Kind::Ctr, Direction::Encrypt, key, &ctr.block)?;
        Ok(Stream { cipher, counter: Counter::new(key, ctr)? })
    }

    /// Starts a feedback mode.
    pub fn feedback(
        direction: Direction,
        mode: Feedback,
        key: &[u8],
        iv: &[u8; 16],
    ) -> Result<Stream, Failed> {
        let kind = match mode {
            Feedback::Ofb => Kind::Ofb,
            Feedback::Cfb128 => Kind::Cfb128,
        };
        Ok(Stream { cipher: Cipher::new(kind, direction, key, iv)?, counter: None })
    }

    /// Appends the transformation of `part`, which is as long, to `out`; refuses one that would
    /// need a counter block for the second time.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        let (before, after) = part.split_at(self.count(part.len())?);
        self.cipher.update(before, out)?;
        if after.is_empty() {
            return Ok(());
        }
        self.wrap()?;
        self.cipher.update(after, out)
    }

    /// The same, into the place of the bytes. Of one that is refused nothing is written.
    pub fn run(&mut self, part: InOut<'_>) -> Result<(), Failed> {
        let at = self.count(part.len())?;
        let (before, after) = part.split(at);
        self.cipher.run(before)?;
        if after.is_empty() {
            return Ok(());
        }
        self.wrap()?;
        self.cipher.run(after)
    }

    /// Counts a part of `len` bytes; how many of them come before the counter wraps.
    fn count(&mut self, len: usize) -> Result<usize, Failed> {
        let Some(counter) = &mut self.counter else { return Ok(len) };
        let bytes = u128::try_from(len).map_err(|_| Failed)?;
        counter.left = counter.left.checked_sub(bytes).ok_or(Failed)?;
        let before = usize::try_from(counter.until_wrap).map_or(len, |now| now.min(len));
        counter.until_wrap = match before == len {
            true => counter.until_wrap - bytes,
            false => u128::MAX,
        };
        Ok(before)
    }

    /// Goes on with the block after the counter's highest value.
    fn wrap(&mut self) -> Result<(), Failed> {
        let Counter { key, wrapped, .. } = self.counter.as_ref().ok_or(Failed)?;
        self.cipher = Cipher::new(Kind::Ctr, Direction::Encrypt, key, wrapped)?;
        Ok(())
    }
}

impl Counter {
    /// None for a counter that is the whole block: nobody ever gets round.
    fn new(key: &[u8], ctr: &Ctr) -> Result<Option<Counter>, Failed> {
        if !(1..=128).contains(&ctr.bits) {
            return Err(Failed);
        }
        let Some(round) = 1u128.checked_shl(ctr.bits) else { return Ok(None) };
        let mask = round - 1;
        let block = u128::from_be_bytes(ctr.block);
        Ok(Some(Counter {
            key: Secret::new(key.to_vec()),
            wrapped: (block & !mask).to_be_bytes(),
            until_wrap: (round - (block & mask)).saturating_mul(16),
            left: round.saturating_mul(16),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, block by block.
    fn reference(key: &[u8], ctr: &Ctr, data: &[u8]) -> Vec<u8> {
        let mask = 1u128.checked_shl(ctr.bits).map_or(u128::MAX, |round| round - 1);
        let first = u128::from_be_bytes(ctr.block);
        let mut out = Vec::new();
        for (n, chunk) in data.chunks(16).enumerate() {
            let block = (first & !mask) | (first.wrapping_add(n as u128) & mask);
            let mut cipher = Cipher::new(Kind::Ecb, Direction::Encrypt, key, &[]).unwrap();
            let mut pad = Vec::new();
            cipher.update(&block.to_be_bytes(), &mut pad).unwrap();
            out.extend(chunk.iter().zip(pad).map(|(a, b)| a ^ b));
        }
        out
    }

    #[test]
    fn counters_wrap_within_their_bits() {
        let data: Vec<u8> = (0..120).collect();
        for bits in [3, 7, 8, 32, 64, 65, 127, 128] {
            for low in [0u128, 1, u128::MAX, u128::MAX - 3, 0x0123_4567_89ab_cdef << 60 | 0xfffd] {
                let ctr = Ctr { block: low.to_be_bytes(), bits };
                let expected = reference(&[7; 24], &ctr, &data);
                for cut in 0..=data.len() {
                    let mut stream = Stream::ctr(&[7; 24], &ctr).unwrap();
                    let mut out = Vec::new();
                    stream.update(&data[..cut], &mut out).unwrap();
                    stream.update(&data[cut..], &mut out).unwrap();
                    assert_eq!(out, expected, "{bits} {low:x} {cut}");
                }
            }
        }
    }

    #[test]
    fn no_counter_comes_twice() {
        let ctr = Ctr { block: [0xff; 16], bits: 2 };
        let mut stream = Stream::ctr(&[1; 16], &ctr).unwrap();
        let mut out = Vec::new();
        stream.update(&[0; 64], &mut out).unwrap();
        assert_eq!(stream.update(&[0], &mut out), Err(Failed));
        assert_eq!(out.len(), 64);
        let mut stream = Stream::ctr(&[1; 16], &ctr).unwrap();
        assert_eq!(stream.update(&[0; 65], &mut out), Err(Failed));
    }

    #[test]
    fn counters_have_1_to_128_bits() {
        for bits in [0, 129, u32::MAX] {
            assert!(Stream::ctr(&[1; 16], &Ctr { block: [0; 16], bits }).is_err());
        }
    }
}
