//! Eratosthenes' sieve over a window of odd numbers.
use super::super::Failed;
use super::super::aws_lc::bignum::{BigNum, Word};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// Primes below this are sieved with; further ones would cost more than the tests they save.
const LIMIT: usize = 1 << 17;

/// Primes below this are looked for in the modulus of a key that comes in. They find five of six
/// composites in less than 0.1 ms; twice as many would find one of a hundred more.
const LOOKED_FOR: Word = 1 << 11;

/// Primes whose product fits a word, so that one long division serves all of them.
struct Group {
    product: Word,
    primes: Vec<Word>,
}

/// The odd primes below [`LIMIT`].
static SMALL: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups: Vec<Group> = Vec::new();
    for prime in small_primes() {
        let last =
            groups.last_mut().and_then(|group| Some((group.product.checked_mul(prime)?, group)));
        match last {
            Some((product, group)) => {
                group.product = product;
                group.primes.push(prime);
            }
            None => groups.push(Group { product: prime, primes: vec![prime] }),
        }
    }
    groups
});

/// Those of the even numbers below 2·`window` that, added to the odd number `start`, give one
/// without a factor below [`LIMIT`]. `start` is far greater than that.
pub(super) fn survivors(start: &BigNum, window: usize) -> Result<Zeroizing<Vec<Word>>, Failed> {
    let mut composite = Zeroizing::new(vec![false; window]);
    for Group { product, primes } in &*SMALL {
        let remainder = start.rem_word(*product);
        for prime in primes {
            let step = usize::try_from(*prime).map_err(|_| Failed)?;
            let first =
                usize::try_from(first_multiple(remainder % prime, *prime)).map_err(|_| Failed)?;
            composite.iter_mut().skip(first).step_by(step).for_each(|mark| *mark = true);
        }
    }
    let mut offsets = Zeroizing::new(Vec::with_capacity(window));
    offsets.extend(
        (0..)
            .step_by(2)
            .zip(composite.iter())
            .filter(|(_, mark)| !**mark)
            .map(|(offset, _)| offset),
    );
    Ok(offsets)
}

/// Whether an odd prime below [`LOOKED_FOR`] divides `number`, which is public: variable time.
pub(in crate::crypto) fn has_small_factor(number: &BigNum) -> bool {
    let small = |group: &&Group| group.primes.first().is_some_and(|prime| *prime < LOOKED_FOR);
    SMALL.iter().take_while(small).any(|Group { product, primes }| {
        let remainder = number.rem_word(*product);
        primes.iter().any(|prime| remainder.is_multiple_of(*prime))
    })
}

/// The least k for which start + 2k is a multiple of the odd `prime`, from start mod `prime`.
const fn first_multiple(remainder: Word, prime: Word) -> Word {
    let missing = (prime - remainder) % prime;
    if missing.is_multiple_of(2) { missing / 2 } else { (missing + prime) / 2 }
}

fn small_primes() -> impl Iterator<Item = Word> {
    let mut composite = vec![false; LIMIT];
    for factor in 2..LIMIT.isqrt() + 1 {
        composite.iter_mut().skip(factor * factor).step_by(factor).for_each(|mark| *mark = true);
    }
    (0..).zip(composite).skip(3).filter(|(_, mark)| !mark).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_all_there() {
        // π(2^17) = 12251 (OEIS A007053), without 2
        assert_eq!(small_primes().count(), 12250);
        assert_eq!(small_primes().take(5).collect::<Vec<_>>(), [3, 5, 7, 11, 13]);
        assert_eq!(SMALL.iter().map(|group| group.primes.len()).sum::<usize>(), 12250);
    }

    #[test]
    fn small_factors_are_found() {
        let number = |n: u64| BigNum::from_be(&n.to_be_bytes()).unwrap();
        for n in [3, 9, 35, 2039, 2039 * 1_000_003, 1_000_003 * 5] {
            assert!(has_small_factor(&number(n)), "{n}");
        }
        for n in [1, 2, 1_000_003, 1_000_003 * 1_000_033] {
            assert!(!has_small_factor(&number(n)), "{n}");
        }
    }

    #[test]
    fn survivors_are_those_without_a_small_factor() {
        let start = BigNum::random_odd(100).unwrap();
        let offsets = survivors(&start, 500).unwrap();
        let primes: Vec<Word> = small_primes().collect();
        let expected: Vec<Word> = (0..1000)
            .step_by(2)
            .filter(|offset| {
                let number = start.plus(*offset).unwrap();
                primes.iter().all(|prime| number.rem_word(*prime) != 0)
            })
            .collect();
        assert_eq!(*offsets, expected);
        assert!(!expected.is_empty());
    }
}
