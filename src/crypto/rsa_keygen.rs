//! RSA key pairs: a sieve, then Miller-Rabin on AWS-LC's double exponentiation, FIPS 186-5.
use super::{Failed, rsa::Parts};

/// How many threads may search for primes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Only the caller's: the application set `CKF_LIBRARY_CANT_CREATE_OS_THREADS`.
    One,
    /// One for each prime.
    Two,
}

/// A fresh key of `bits` (even, 1024 to 16384) for the odd public exponent `e` ≥ 65537,
/// big-endian. All of [`Parts::crt`] is present.
pub fn generate(bits: usize, e: &[u8], threads: Threads) -> Result<Parts, Failed> {
    let _ = (bits, e, threads);
    todo!()
}
