//! Two primes for a key, looked for by one thread or by two.
//!
//! Each thread looks for any prime, until there are two: who has found the first goes on and looks for
//! the second beside the other, so that neither waits.
use super::super::aws_lc::bignum::BigNum;
use super::super::{Failed, Threads};
use super::{Searches, prime};
use parking_lot::Mutex;
use std::thread;

/// What the second thread is called, in the 15 bytes that Linux has for it.
const THREAD: &str = "keyferry-primes";

/// A search for two primes.
struct Pair<'a> {
    bits: usize,
    e: &'a BigNum,
    all: &'a Searches,
    found: Mutex<Vec<BigNum>>,
}

/// Two primes of `bits` bits that [`prime::search`] found.
pub(super) fn search(bits: usize, e: &BigNum, all: &Searches) -> Result<[BigNum; 2], Failed> {
    let _under_way = all.begin();
    let pair = Pair { bits, e, all, found: Mutex::default() };
    match all.threads() {
        Threads::One => pair.look(),
        Threads::Two => thread::scope(|scope| {
            let second = thread::Builder::new().name(THREAD.into());
            // The system may have no thread for us: then without.
            let _ = second.spawn_scoped(scope, || pair.look());
            pair.look()
        }),
    }?;
    let mut found = pair.found.into_inner();
    found.truncate(2);
    found.try_into().map_err(|_| Failed)
}

impl Pair<'_> {
    /// Looks for primes until there are two.
    fn look(&self) -> Result<(), Failed> {
        while !self.is_complete() {
            match prime::search(self.bits, self.e, &|| self.go_on()) {
                Ok(prime) => self.found.lock().push(prime),
                Err(Failed) if self.is_complete() => {}
                Err(Failed) => return Err(Failed),
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.found.lock().len() >= 2
    }

    fn go_on(&self) -> Result<(), Failed> {
        self.all.go_on()?;
        if self.is_complete() { Err(Failed) } else { Ok(()) }
    }
}
