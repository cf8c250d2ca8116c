//! The search for one prime: sieved candidates, tested by Miller and Rabin's test (FIPS 186-5,
//! section B.3.1).
//!
//! Candidates go through their first round two at a time, because two exponentiations cost little
//! more than one; what passes meets its further rounds with two bases at a time.
use super::super::aws_lc::bignum::{BigNum, Modulus, Scratch, power_pair};
use super::super::{Failed, random};
use super::sieve;
use std::cmp::Ordering;

/// Odd numbers in a window, per bit of a prime. Of them 2 / (ln 2 · bits) are prime, so a window
/// holds 23.
const WINDOW_PER_BIT: usize = 8;
/// Windows tried before giving up. One without a prime has a probability of about e^-23.
const WINDOWS: usize = 64;

/// A prime of `bits` bits, the two highest set, with p - 1 prime to `e`. Asks `go_on` before each test.
pub(super) fn search(
    bits: usize,
    e: &BigNum,
    go_on: &dyn Fn() -> Result<(), Failed>,
) -> Result<BigNum, Failed> {
    let scratch = &mut Scratch::new()?;
    for _ in 0..WINDOWS {
        let start = BigNum::random_odd(bits)?;
        let mut offsets = sieve::survivors(&start, WINDOW_PER_BIT * bits)?;
        while offsets.len() >= 2 {
            go_on()?;
            let mut draw = || Candidate::new(start.plus(draw(&mut offsets)?)?, scratch);
            let pair = [draw()?, draw()?];
            let passed = round(pair.each_ref(), scratch)?;
            for (candidate, passed) in pair.into_iter().zip(passed) {
                if passed && candidate.is_wanted(bits, e, scratch)? {
                    return candidate.modulus.to_value();
                }
            }
        }
    }
    Err(Failed)
}

/// Rounds with two bases each beyond the first round. Table B.1 of FIPS 186-5 asks for 5 bases for
/// 1024 bits, 4 for 1536 and 2048 bits, with an error below 2^-112, 2^-128 and 2^-144; for 512
/// bits, which it no longer has, table C.3 of FIPS 186-4 asks for 7 with 2^-100. Longer primes need
/// fewer.
const fn further_rounds(bits: usize) -> usize {
    match bits {
        1536.. => 2,
        1024.. => 3,
        _ => 4,
    }
}

fn draw<T>(from: &mut Vec<T>) -> Result<T, Failed> {
    let drawn = u64::from_be_bytes(*random(8)?.first_chunk().ok_or(Failed)?);
    let count = u64::try_from(from.len()).map_err(|_| Failed)?;
    let index = usize::try_from(drawn.checked_rem(count).ok_or(Failed)?).map_err(|_| Failed)?;
    Ok(from.swap_remove(index))
}

/// A number w that may be prime, with w - 1 = 2^twos · odd.
struct Candidate {
    modulus: Modulus,
    minus_one: BigNum,
    twos: usize,
    odd: BigNum,
}

impl Candidate {
    fn new(number: BigNum, scratch: &mut Scratch) -> Result<Candidate, Failed> {
        let minus_one = number.minus(1)?;
        let twos = minus_one.trailing_zeros();
        let odd = minus_one.shift_right(twos)?;
        Ok(Candidate { modulus: Modulus::new(number, scratch)?, minus_one, twos, odd })
    }

    /// Whether a number that passed its first round is prime indeed, and one that `e` can use.
    fn is_wanted(&self, bits: usize, e: &BigNum, scratch: &mut Scratch) -> Result<bool, Failed> {
        // The end of a window may lie beyond the greatest number of this length.
        if self.modulus.value().bits() != bits || !self.minus_one.gcd(e, scratch)?.is_one() {
            return Ok(false);
        }
        for _ in 0..further_rounds(bits) {
            if round([self, self], scratch)? != [true, true] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A uniform base in [2, w - 2].
    fn base(&self) -> Result<BigNum, Failed> {
        BigNum::random_range(2, &self.minus_one)
    }

    /// Steps 4.4 to 4.7: whether base^odd, squared again and again, leads to 1 by way of -1.
    fn accepts(&self, mut power: BigNum, scratch: &mut Scratch) -> Result<bool, Failed> {
        let is_minus_one = |power: &BigNum| power.compare(&self.minus_one) == Ordering::Equal;
        if power.is_one() || is_minus_one(&power) {
            return Ok(true);
        }
        for _ in 1..self.twos {
            power = self.modulus.square(&power, scratch)?;
            if is_minus_one(&power) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// One round for each of two candidates: whether it passes.
fn round(candidates: [&Candidate; 2], scratch: &mut Scratch) -> Result<[bool; 2], Failed> {
    let [one, other] = candidates;
    let bases = [one.base()?, other.base()?];
    let moduli = candidates.map(|candidate| &candidate.modulus);
    let [first, second] = power_pair(moduli, bases.each_ref(), [&one.odd, &other.odd], scratch)?;
    Ok([one.accepts(first, scratch)?, other.accepts(second, scratch)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(number: &[u8]) -> bool {
        let scratch = &mut Scratch::new().unwrap();
        let candidate = Candidate::new(BigNum::from_be(number).unwrap(), scratch).unwrap();
        (0..20).all(|_| round([&candidate, &candidate], scratch).unwrap() == [true, true])
    }

    #[test]
    fn primes_pass_and_composites_fail() {
        // 2^61 - 1; 2^255 - 19; 2^16 + 1, whose predecessor is a power of two; 7681 = 2^9 · 15 + 1
        let mut curve25519 = [0xFF; 32];
        (curve25519[0], curve25519[31]) = (0x7F, 0xED);
        for prime in [&((1_u64 << 61) - 1).to_be_bytes()[..], &curve25519, &[1, 0, 1], &[0x1E, 1]] {
            assert!(passes(prime), "{prime:02x?}");
        }
        // Carmichael numbers, a strong pseudoprime to bases 2 to 37 (OEIS A014233), a product of
        // two primes
        for composite in [561, 41041, 825_265, 3_825_123_056_546_413_051, 1_000_003 * 1_000_033] {
            assert!(!passes(&u64::to_be_bytes(composite)), "{composite}");
        }
    }

    #[test]
    fn drawing_takes_each_once() {
        let mut left: Vec<u8> = (0..100).collect();
        let mut drawn: Vec<u8> = (0..100).map(|_| draw(&mut left).unwrap()).collect();
        assert_eq!(draw(&mut left), Err(Failed));
        assert!(!drawn.is_sorted());
        drawn.sort_unstable();
        assert_eq!(drawn, (0..100).collect::<Vec<u8>>());
    }

    /// How unlikely it is that a random odd composite of `k` bits passes with `t` bases, in bits: the
    /// bound of FIPS 186-5, section C.1, from which table B.1 is made.
    fn error_bits(k: u32, t: u32) -> f64 {
        let (k, t) = (f64::from(k), f64::from(t));
        let longest = 2.0 * (k - 1.0).sqrt() - 1.0;
        let weight = 2.0 * (std::f64::consts::PI.powi(2) - 6.0) / 3.0;
        let (mut sum, mut least) = (0.0, f64::INFINITY);
        for m in (3_u32..).take_while(|m| f64::from(*m) <= longest) {
            let inner = (2..=m).map(f64::from).map(|j| (-j - (k - 1.0) / j).exp2()).sum::<f64>();
            let m = f64::from(m);
            sum += (m - (m - 1.0) * t).exp2() * inner;
            least = least.min((-2.0 - m * t).exp2() + weight * sum);
        }
        -(2.00743 * std::f64::consts::LN_2 * k * least).log2()
    }

    /// FIPS 186-5, table B.1: length of a prime, bases, and the error that they leave in bits below
    /// 1. The first row is of FIPS 186-4, table C.3, for which FIPS 186-5 has no successor.
    const TABLE: [(u32, u32, f64); 4] =
        [(512, 7, 100.0), (1024, 5, 112.0), (1536, 4, 128.0), (2048, 4, 144.0)];

    #[test]
    fn the_table_follows_from_the_bound() {
        for (bits, bases, error) in TABLE {
            assert!(error_bits(bits, bases) >= error, "{bits}");
            assert!(error_bits(bits, bases - 1) < error, "{bits}: one base less would do");
        }
    }

    #[test]
    fn rounds_meet_the_table_and_the_bound() {
        for (bits, bases, _) in TABLE {
            assert!(2 * further_rounds(bits.try_into().unwrap()) >= bases.try_into().unwrap());
        }
        // lengths of primes between, with the error of the row before them
        for bits in (512..=8192).step_by(32) {
            let bases = 2 * further_rounds(bits.try_into().unwrap());
            let error = TABLE.iter().rev().find(|row| row.0 <= bits).unwrap().2;
            assert!(error_bits(bits, bases.try_into().unwrap()) >= error, "{bits}");
        }
    }
}
