//! RSA key pairs: a sieve, then Miller-Rabin on AWS-LC's double exponentiation, FIPS 186-5.
//!
//! Conditions, from FIPS 186-5 section A.1.1 and A.1.3, for a modulus of `nlen` bits: p and q of
//! nlen/2 bits each with the two highest set (a little stricter than p ≥ √2·2^(nlen/2 - 1); n then
//! has exactly nlen bits), p - 1 and q - 1 prime to e, |p - q| > 2^(nlen/2 - 100), d = e⁻¹ mod
//! lcm(p - 1, q - 1) > 2^(nlen/2), e < 2^256. The standard has even `nlen` and e > 2^16 only. For an
//! odd `nlen` p is one bit longer than q, and all other conditions are the same. An e from 3 meets all
//! conditions but its own.
//!
//! How a prime is drawn: a random odd start, then a window of 4·nlen odd numbers from there; those
//! with a factor below 2^17 are sieved out and the others tested in random order until one is
//! prime. A plain incremental search takes the first prime after the start and so prefers primes
//! after long gaps, in proportion to the gap. Here each prime is in as many windows as every other
//! and is taken from a window with k primes with a probability of 1/k; with about 23 primes in a
//! window, what is left of a preference (for thinly populated regions) is slight. The entropy lost
//! against a uniform choice is a small fraction of a bit.
//!
//! Exponentiations, inverses and the greatest common divisor are constant-time, for composites on
//! the way too: they lie so near the prime that they are as secret as it. What is not: the sieve, the
//! number of squarings (how often 2 divides w - 1), the one division of p - 1 for the least common
//! multiple. Who watches the cache of this very process while it makes a key could learn something
//! from them, once for each key.
mod pair;
mod prime;
mod sieve;

use super::aws_lc::bignum::{BigNum, Modulus, Scratch};
use super::hash::Hash;
use super::rsa::{Crt, Parts, PrivateKey, PublicKey, digest_info};
use super::{Failed, Workers};
use std::cmp::Ordering;
use std::ops::RangeInclusive;

pub(super) use sieve::has_small_factor;

/// Lengths of a modulus in bits.
const BITS: RangeInclusive<usize> = 1024..=16384;
/// Lengths of e in bits: odd numbers from 3 to 2^256 - 1.
const E_BITS: RangeInclusive<usize> = 2..=256;
/// Pairs of primes tried before giving up. The first meets all conditions but for a chance of about
/// 2^-98.
const ATTEMPTS: usize = 4;

/// A fresh key of `bits` (1024 to 16384) for the odd public exponent `e` ≥ 3 and < 2^256, big-endian. All of [`Parts::crt`] is present. Fails soon after [`Workers::stop`].
pub fn generate(bits: usize, e: &[u8], workers: &Workers) -> Result<Parts, Failed> {
    let e = BigNum::from_be(e)?;
    if !BITS.contains(&bits) || !E_BITS.contains(&e.bits()) || !e.is_odd() {
        return Err(Failed);
    }
    for _ in 0..ATTEMPTS {
        let [p, q] = pair::search([bits.div_ceil(2), bits / 2], &e, workers)?;
        if let Some(parts) = assemble(bits, &e, p, q)? {
            prove(&parts)?;
            return Ok(parts);
        }
    }
    Err(Failed)
}

/// The key of two primes, unless they miss a condition on both of them together.
fn assemble(bits: usize, e: &BigNum, one: BigNum, other: BigNum) -> Result<Option<Parts>, Failed> {
    let scratch = &mut Scratch::new()?;
    let (p, q) = if one.compare(&other) == Ordering::Less { (other, one) } else { (one, other) };
    if p.distance(&q)?.bits() <= bits / 2 - 99 {
        return Ok(None);
    }
    let (p_1, q_1) = (p.minus(1)?, q.minus(1)?);
    let lcm = p_1.divided_by(&p_1.gcd(&q_1, scratch)?, scratch)?.times(&q_1, scratch)?;
    let d = e.inverse(&lcm, scratch)?;
    let n = p.times(&q, scratch)?;
    if d.bits() <= bits / 2 || n.bits() != bits {
        return Ok(None);
    }
    // d mod (p - 1) is the inverse of e there. For qinv Fermat's theorem: the inverse modulo an odd
    // number would take variable time.
    let (dp, dq, p_2) = (e.inverse(&p_1, scratch)?, e.inverse(&q_1, scratch)?, p.minus(2)?);
    let p = Modulus::new(p, scratch)?;
    let qinv = p.power(&q, &p_2, scratch)?;
    let crt = Crt {
        p: p.value().to_be()?,
        q: q.to_be()?,
        dp: dp.to_be()?,
        dq: dq.to_be()?,
        qinv: qinv.to_be()?,
    };
    Ok(Some(Parts {
        n: n.to_be()?.to_vec(),
        e: e.to_be()?.to_vec(),
        d: d.to_be()?,
        crt: Some(crt),
    }))
}

/// The pairwise consistency test: what the private half signs, the public half verifies.
fn prove(parts: &Parts) -> Result<(), Failed> {
    let (private, public) = (PrivateKey::new(parts)?, PublicKey::new(&parts.n, &parts.e)?);
    let content = digest_info(Hash::Sha256, &Hash::Sha256.digest(&parts.n));
    public.verify_pkcs1(&content, &private.sign_pkcs1(&content)?)
}

#[cfg(test)]
mod tests {
    use super::super::Threads;
    use super::*;
    use rsa::BoxedUint;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};

    const F4: [u8; 3] = [1, 0, 1];

    fn one() -> Workers {
        Workers::new(Threads::One)
    }

    fn number(bytes: &[u8], bits: u32) -> BoxedUint {
        BoxedUint::from_be_slice(bytes, bits).unwrap()
    }

    /// FIPS 186-5 section A.1.1, calculated by another library.
    fn check(parts: &Parts, bits: u32) {
        let crt = parts.crt.as_ref().unwrap();
        let halves = [bits.div_ceil(2), bits / 2];
        let primes = vec![number(&crt.p, halves[0]), number(&crt.q, halves[1])];
        let key = rsa::PrivateKey::from_components(
            number(&parts.n, bits),
            number(&parts.e, 64),
            number(&parts.d, bits),
            primes,
        )
        .unwrap();
        key.validate().unwrap();
        assert_eq!(key.n().bit_width_vartime(), bits);
        let (p, q) = (number(&crt.p, halves[0]), number(&crt.q, halves[0]));
        for (prime, bits) in [(&p, halves[0]), (&q, halves[1])] {
            assert_eq!(prime.bit_width_vartime(), bits);
            assert!(prime.bit_vartime(bits - 2) && prime.bit_vartime(0));
        }
        assert!(p > q && p.wrapping_sub(&q).bit_width_vartime() > bits / 2 - 100);
        assert!(key.d().bit_width_vartime() > bits / 2);
        // d is reduced modulo the least common multiple: (p - 1)(q - 1) / 2 at most.
        assert!(key.d().bit_width_vartime() < bits);
        for bytes in [&parts.d, &crt.p, &crt.q, &crt.dp, &crt.dq, &crt.qinv] {
            assert_ne!(bytes.first(), Some(&0));
        }
    }

    #[test]
    fn keys_meet_the_conditions() {
        for round in 0..6 {
            let workers = Workers::new(if round % 2 == 0 { Threads::One } else { Threads::Two });
            check(&generate(1024, &F4, &workers).unwrap(), 1024);
        }
        check(&generate(2048, &F4, &Workers::new(Threads::Two)).unwrap(), 2048);
        // Neither a multiple of the machine's words nor of 8, and odd.
        check(&generate(1094, &F4, &one()).unwrap(), 1094);
        for (bits, threads) in [(1025, Threads::Two), (1031, Threads::One), (1031, Threads::Two)] {
            check(
                &generate(usize::try_from(bits).unwrap(), &F4, &Workers::new(threads)).unwrap(),
                bits,
            );
        }
    }

    #[test]
    fn small_exponents() {
        for e in [&[3][..], &[5], &[17], &[1, 1]] {
            let parts = generate(1024, e, &one()).unwrap();
            assert_eq!(parts.e, e);
            check(&parts, 1024);
        }
    }

    #[test]
    fn exponents_with_small_factors() {
        // 3 · 5 · 7 · 11 · 13 · 17: most primes do not fit.
        let e = 255_255_u32.to_be_bytes();
        let parts = generate(1024, &e, &one()).unwrap();
        assert_eq!(parts.e, e[1..]);
        check(&parts, 1024);
    }

    #[test]
    fn the_largest_exponent() {
        let parts = generate(1024, &[0xFF; 32], &one()).unwrap();
        assert_eq!(parts.e, [0xFF; 32]);
    }

    #[test]
    fn impossible_requests_fail() {
        for bits in [0, 512, 1023, 16385] {
            assert!(generate(bits, &F4, &one()).is_err(), "{bits}");
        }
        for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 2], &[0xFF; 33]] {
            assert!(generate(1024, e, &one()).is_err(), "{e:?}");
        }
    }

    #[test]
    fn searches_that_are_given_up_fail() {
        for threads in [Threads::One, Threads::Two] {
            let workers = Workers::new(threads);
            generate(1024, &F4, &workers).unwrap();
            // a key of this length would take minutes
            std::thread::scope(|scope| {
                let made = scope.spawn(|| generate(16384, &F4, &workers));
                workers.stop();
                assert_eq!(made.join().unwrap().err(), Some(Failed));
            });
            assert!(workers.stopped());
            assert_eq!(generate(1024, &F4, &workers).err(), Some(Failed));
        }
    }

    #[test]
    fn primes_too_close_are_refused() {
        let scratch = || Scratch::new().unwrap();
        let e = BigNum::from_be(&F4).unwrap();
        let p = prime::search(512, &e, &|| Ok(())).unwrap();
        let same = BigNum::from_be(&p.to_be().unwrap()).unwrap();
        assert!(p.gcd(&e, &mut scratch()).unwrap().is_one());
        assert!(assemble(1024, &e, p, same).unwrap().is_none());
    }
}
