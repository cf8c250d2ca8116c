//! Two primes for a key, looked for by one thread or by two.
//!
//! Each thread looks for any prime, until there are two: who has found the first goes on and looks for
//! the second beside the other, so that neither waits.
use super::super::aws_lc::bignum::BigNum;
use super::super::{Failed, Workers};
use super::prime;
use parking_lot::Mutex;

/// What the second thread is called.
const THREAD: &str = "keyferry-primes";

/// A search for two primes.
struct Pair<'a> {
    bits: usize,
    e: &'a BigNum,
    workers: &'a Workers,
    found: Mutex<Vec<BigNum>>,
}

/// Two primes of `bits` bits that [`prime::search`] found.
pub(super) fn search(bits: usize, e: &BigNum, workers: &Workers) -> Result<[BigNum; 2], Failed> {
    let pair = Pair { bits, e, workers, found: Mutex::default() };
    workers.both(THREAD, || pair.look(), || pair.look());
    let mut found = pair.found.into_inner();
    found.truncate(2);
    found.try_into().map_err(|_| Failed)
}

impl Pair<'_> {
    /// Looks for primes until there are two, or no use in going on.
    fn look(&self) {
        while self.go_on().is_ok()
            && let Ok(prime) = prime::search(self.bits, self.e, &|| self.go_on())
        {
            self.found.lock().push(prime);
        }
    }

    fn go_on(&self) -> Result<(), Failed> {
        self.workers.go_on()?;
        if self.found.lock().len() < 2 { Ok(()) } else { Err(Failed) }
    }
}
