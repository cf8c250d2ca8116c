//! Two primes for a key, looked for by one thread or by two.
//!
//! Each thread begins with a prime of its own. The first thread that has one joins the search for the
//! other, so that neither waits.
use super::super::aws_lc::bignum::BigNum;
use super::super::{Failed, Workers};
use super::prime;
use parking_lot::Mutex;

/// What the second thread is called.
const THREAD: &str = "keyferry-primes";

/// A search for two primes.
struct Pair<'a> {
    e: &'a BigNum,
    workers: &'a Workers,
    primes: Mutex<[Prime; 2]>,
}

/// A prime that is wanted.
struct Prime {
    bits: usize,
    found: Option<BigNum>,
}

/// Two primes of these lengths in bits that [`prime::search`] found, in this order.
pub(super) fn search(
    bits: [usize; 2],
    e: &BigNum,
    workers: &Workers,
) -> Result<[BigNum; 2], Failed> {
    let primes = Mutex::new(bits.map(|bits| Prime { bits, found: None }));
    let (pair, [one, other]) = (Pair { e, workers, primes }, bits);
    workers.both(THREAD, || pair.look(one), || pair.look(other));
    let [one, other] = pair.primes.into_inner().map(|prime| prime.found.ok_or(Failed));
    Ok([one?, other?])
}

impl Pair<'_> {
    /// Looks for a prime of `first` bits, and then for what is still missing.
    fn look(&self, first: usize) {
        let mut next = Some(first);
        while let Some(bits) = next
            && self.go_on(bits).is_ok()
            && let Ok(prime) = prime::search(bits, self.e, &|| self.go_on(bits))
        {
            next = self.keep(bits, prime);
        }
    }

    /// Keeps a prime if it is still wanted; returns the length of the next one.
    fn keep(&self, bits: usize, prime: BigNum) -> Option<usize> {
        let mut primes = self.primes.lock();
        if let Some(wanted) = primes.iter_mut().find(|prime| prime.is_wanted(bits)) {
            wanted.found = Some(prime);
        }
        primes.iter().find(|prime| prime.found.is_none()).map(|prime| prime.bits)
    }

    fn go_on(&self, bits: usize) -> Result<(), Failed> {
        self.workers.go_on()?;
        let wanted = self.primes.lock().iter().any(|prime| prime.is_wanted(bits));
        if wanted { Ok(()) } else { Err(Failed) }
    }
}

impl Prime {
    fn is_wanted(&self, bits: usize) -> bool {
        self.bits == bits && self.found.is_none()
    }
}
