//! Nonces of messages: as given, or made here. PKCS#11 3.2, section "AES-GCM Authenticated
//! Encryption / Decryption".
//!
//! What is made here is never made twice in one session under one key: counters stop at their end,
//! no two series of them run side by side, and one that began at a place which is not random goes on
//! from process to process.
use crate::crypto::{self, Secret};
use crate::error::{Error, Result};

/// How a nonce comes about: `CK_GENERATOR_FUNCTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// `CKG_NO_GENERATE`: it is given.
    Given,
    /// `CKG_GENERATE`, our way: a counter over random bits, so that neither two messages of a
    /// process nor two processes meet.
    Own,
    /// `CKG_GENERATE_COUNTER`: a counter from zero, in every session; the fixed bits have to tell
    /// sessions with the same key apart.
    Counter,
    /// `CKG_GENERATE_RANDOM`: random bits.
    Random,
    /// `CKG_GENERATE_COUNTER_XOR`: a counter from zero, over the bits that are given.
    CounterXor,
}

impl Generator {
    /// The fewest bits it works with: random ones must not meet by chance (SP 800-38D section
    /// 8.2.2); our own way has to do for the shortest nonce of CCM.
    const fn fewest_bits(self) -> usize {
        match self {
            Generator::Given => 0,
            Generator::Own => 56,
            Generator::Counter | Generator::CounterXor => 1,
            Generator::Random => 96,
        }
    }
}

/// A nonce that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    /// As the caller has it.
    pub bytes: Vec<u8>,
    /// What becomes of it.
    pub generator: Generator,
    /// How many of its first bits stay.
    pub fixed_bits: usize,
}

impl Nonce {
    /// Whether it can be of a single message: a counter would begin again with each.
    /// `CKR_MECHANISM_PARAM_INVALID`
    pub fn check_for_one(&self) -> Result<()> {
        match self.generator {
            Generator::Given => Ok(()),
            Generator::Own | Generator::Random => self.free_bits().map(drop),
            Generator::Counter | Generator::CounterXor => {
                Err(Error::MechanismParamInvalid.because("a single message has no counter"))
            }
        }
    }

    /// `nonce`, if it was made here and not given.
    pub fn made(&self, nonce: Vec<u8>) -> Vec<u8> {
        if self.generator == Generator::Given { Vec::new() } else { nonce }
    }

    /// How many bits are made.
    fn free_bits(&self) -> Result<usize> {
        match self.bytes.len().saturating_mul(8).checked_sub(self.fixed_bits) {
            Some(free) if free >= self.generator.fewest_bits() => Ok(free),
            _ => Err(Error::MechanismParamInvalid.because("too few bits of a nonce are free")),
        }
    }

    /// Its fixed bits, and the free ones of `made`.
    fn over(&self, made: &[u8]) -> Vec<u8> {
        let bytes = self.bytes.iter().zip(made).enumerate();
        bytes
            .map(|(place, (given, made))| {
                let fixed = u32::try_from(self.fixed_bits.saturating_sub(8 * place)).unwrap_or(8);
                let free = u8::MAX.checked_shr(fixed).unwrap_or(0);
                (given & !free) | (made & free)
            })
            .collect()
    }

    /// Whether its free bits are those of `other`.
    fn is_free_part_of(&self, other: &[u8]) -> bool {
        other.len() == self.bytes.len() && self.over(other) == self.bytes
    }
}

/// The nonces of one process, or of all of a session under one key.
#[derive(Debug, Default)]
pub struct Nonces {
    series: Option<Series>,
}

/// A counter at work.
#[derive(Debug)]
struct Series {
    generator: Generator,
    fixed_bits: usize,
    /// What is counted over.
    base: Vec<u8>,
    /// The last nonce that was made.
    last: Vec<u8>,
    count: u128,
}

impl Nonces {
    /// The nonce of the next message. `CKR_DATA_LEN_RANGE` where a counter has reached its end,
    /// `CKR_MECHANISM_PARAM_INVALID` where it would have to count in another way than so far.
    pub fn next(&mut self, wanted: &Nonce) -> Result<Vec<u8>> {
        match wanted.generator {
            Generator::Given => Ok(wanted.bytes.clone()),
            Generator::Random => {
                wanted.free_bits()?;
                Ok(wanted.over(&random(wanted.bytes.len())?))
            }
            Generator::Own | Generator::Counter | Generator::CounterXor => self.count(wanted),
        }
    }

    /// Whether the next process with the same key has to go on here: it would meet the same nonces
    /// again, unless they are over random bits.
    pub fn go_on(&self) -> bool {
        self.series.as_ref().is_some_and(|series| series.generator != Generator::Own)
    }

    fn count(&mut self, wanted: &Nonce) -> Result<Vec<u8>> {
        let free = wanted.free_bits()?;
        let mut series = match self.series.take() {
            Some(series) => series,
            None => Series::start(wanted)?,
        };
        let made = series.next(wanted, free);
        self.series = Some(series);
        made
    }
}

impl Series {
    fn start(wanted: &Nonce) -> Result<Series> {
        let len = wanted.bytes.len();
        let base = match wanted.generator {
            Generator::Own => random(len)?.to_vec(),
            Generator::CounterXor => wanted.bytes.clone(),
            _ => vec![0; len],
        };
        let (generator, fixed_bits) = (wanted.generator, wanted.fixed_bits);
        Ok(Series { generator, fixed_bits, last: base.clone(), base, count: 0 })
    }

    fn next(&mut self, wanted: &Nonce, free: usize) -> Result<Vec<u8>> {
        if !self.goes_on_as(wanted) {
            return Err(Error::MechanismParamInvalid.because("another way of counting nonces"));
        }
        let bits = u32::try_from(free).unwrap_or(u32::MAX);
        if 1u128.checked_shl(bits).is_some_and(|end| self.count >= end) {
            return Err(Error::DataLenRange.because("the counter of the nonces is at its end"));
        }
        let mut made = self.base.clone();
        let count = self.count.to_be_bytes();
        made.iter_mut().rev().zip(count.iter().rev()).for_each(|(byte, count)| *byte ^= count);
        self.count = self.count.checked_add(1).ok_or(Error::DataLenRange)?;
        self.last = wanted.over(&made);
        Ok(self.last.clone())
    }

    /// The free bits that are counted over must not vary; some callers hand in the last nonce again.
    fn goes_on_as(&self, wanted: &Nonce) -> bool {
        self.generator == wanted.generator
            && self.fixed_bits == wanted.fixed_bits
            && self.base.len() == wanted.bytes.len()
            && (wanted.generator != Generator::CounterXor
                || wanted.is_free_part_of(&self.base)
                || wanted.is_free_part_of(&self.last))
    }
}

fn random(len: usize) -> Result<Secret> {
    crypto::random(len).map_err(|_| Error::RandomNoRng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn wanted(generator: Generator, fixed_bits: usize) -> Nonce {
        Nonce { bytes: vec![0xA5; 12], generator, fixed_bits }
    }

    #[test]
    fn a_counter_counts_behind_the_fixed_bits() {
        for (fixed, first, second) in [
            (0, [0; 12], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            (
                64,
                [0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0, 0, 0, 0],
                [0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0, 0, 0, 1],
            ),
            (
                91,
                [0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA0],
                [0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA1],
            ),
        ] {
            let mut nonces = Nonces::default();
            assert_eq!(nonces.next(&wanted(Generator::Counter, fixed)), Ok(first.to_vec()));
            assert_eq!(nonces.next(&wanted(Generator::Counter, fixed)), Ok(second.to_vec()));
        }
    }

    #[test]
    fn a_counter_over_given_bits_never_meets_itself() {
        let mut nonces = Nonces::default();
        let mut given = wanted(Generator::CounterXor, 32);
        let mut made = BTreeSet::new();
        for _ in 0..300 {
            made.insert(nonces.next(&given).unwrap());
        }
        for _ in 0..300 {
            // the last one handed in again instead of the first
            given.bytes = nonces.next(&given).unwrap();
            made.insert(given.bytes.clone());
        }
        assert_eq!(made.len(), 600);
        given.bytes = vec![7; 12];
        assert_eq!(nonces.next(&given), Err(Error::MechanismParamInvalid));
    }

    #[test]
    fn no_counter_goes_round() {
        for generator in [Generator::Counter, Generator::CounterXor] {
            let mut nonces = Nonces::default();
            let made: BTreeSet<_> =
                (0..8).map(|_| nonces.next(&wanted(generator, 93)).unwrap()).collect();
            assert_eq!(made.len(), 8);
            for _ in 0..2 {
                assert_eq!(nonces.next(&wanted(generator, 93)), Err(Error::DataLenRange));
            }
        }
    }

    #[test]
    fn our_own_way_differs_from_message_to_message_and_from_process_to_process() {
        let mut all = BTreeSet::new();
        for _ in 0..2 {
            let mut nonces = Nonces::default();
            for _ in 0..100 {
                let nonce = nonces.next(&wanted(Generator::Own, 32)).unwrap();
                assert_eq!(nonce[..4], [0xA5; 4]);
                all.insert(nonce);
            }
        }
        assert_eq!(all.len(), 200);
    }

    #[test]
    fn too_few_free_bits_are_refused() {
        for (generator, most) in [
            (Generator::Own, 40),
            (Generator::Counter, 95),
            (Generator::CounterXor, 95),
            (Generator::Random, 0),
        ] {
            for fixed in [most + 1, 96, 97, usize::MAX] {
                let made = Nonces::default().next(&wanted(generator, fixed));
                assert_eq!(made, Err(Error::MechanismParamInvalid), "{generator:?} {fixed}");
            }
            assert!(Nonces::default().next(&wanted(generator, most)).is_ok(), "{generator:?}");
        }
        let given = wanted(Generator::Given, usize::MAX);
        assert_eq!(Nonces::default().next(&given), Ok(given.bytes.clone()));
    }

    #[test]
    fn one_way_of_counting_for_one_process() {
        let mut nonces = Nonces::default();
        nonces.next(&wanted(Generator::Counter, 32)).unwrap();
        let long = Nonce { bytes: vec![0; 13], ..wanted(Generator::Counter, 32) };
        for other in [wanted(Generator::Counter, 40), wanted(Generator::Own, 32), long] {
            assert_eq!(nonces.next(&other), Err(Error::MechanismParamInvalid));
        }
        assert!(nonces.next(&wanted(Generator::Random, 0)).is_ok());
        let next = nonces.next(&wanted(Generator::Counter, 32)).unwrap();
        assert_eq!(next[4..], [0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
