//! A secret in shares, of which some are enough: Shamir's scheme over GF(2^8), of the crate `vsss-rs`,
//! whose field arithmetic takes the same time for all values.
use super::{Failed, Secret};
use p256::elliptic_curve::rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use vsss_rs::Gf256;

/// How many shares there can be of one secret.
pub const MOST: u8 = 255;

/// Splits `secret` into `of` shares of which any `needed` (2 or more) bring it back. A share is its
/// number (1 to `of`) and as many bytes as the secret.
pub fn split(secret: &Secret, needed: u8, of: u8) -> Result<Vec<Secret>, Failed> {
    if needed < 2 || of < needed {
        return Err(Failed);
    }
    let mut system = System { failed: false };
    let shares = Gf256::split_array(needed.into(), of.into(), secret, &mut system);
    match shares {
        Ok(shares) if !system.failed => Ok(shares.into_iter().map(Secret::new).collect()),
        _ => Err(Failed),
    }
}

/// The secret of enough shares. Of too few, or of different secrets, something else comes out: the
/// caller can tell by what it opens.
pub fn combine(shares: &[Secret]) -> Result<Secret, Failed> {
    let shares: Vec<Vec<u8>> = shares.iter().map(|share| share.to_vec()).collect();
    let secret = Gf256::combine_array(&shares).map(Secret::new);
    shares.into_iter().map(Secret::new).for_each(drop);
    secret.map_err(|_| Failed)
}

/// [`super::random`] as the crate wants it. It has no way to fail, so that is remembered.
struct System {
    failed: bool,
}

impl TryRng for System {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match super::random(bytes.len()) {
            Ok(random) => bytes.copy_from_slice(&random),
            Err(Failed) => self.failed = true,
        }
        Ok(())
    }
}

impl TryCryptoRng for System {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_shares_bring_the_secret_back_and_fewer_do_not() {
        let secret = crate::crypto::random(32).unwrap();
        let shares = split(&secret, 3, 5).unwrap();
        assert_eq!(
            shares.iter().map(|s| (s[0], s.len())).collect::<Vec<_>>(),
            (1..6).map(|n| (n, 33)).collect::<Vec<_>>()
        );
        for a in 0..5 {
            for b in 0..5 {
                for c in 0..5 {
                    let some: Vec<Secret> = [a, b, c].iter().map(|n| shares[*n].clone()).collect();
                    let different = a != b && b != c && a != c;
                    assert_eq!(combine(&some).ok().as_ref() == Some(&secret), different);
                }
            }
        }
        assert_ne!(combine(&shares[..2]).ok(), Some(secret));
    }

    #[test]
    fn shares_of_a_known_polynomial() {
        // f(x) = secret + 1 * x over GF(2^8): by hand, f(1) = 0x43, f(2) = 0x40 for 0x42
        let shares = [Secret::new(vec![1, 0x43]), Secret::new(vec![2, 0x40])];
        assert_eq!(combine(&shares), Ok(Secret::new(vec![0x42])));
    }

    #[test]
    fn nonsense_is_refused() {
        let secret = Secret::new(vec![1; 32]);
        for (needed, of) in [(0, 0), (0, 3), (1, 3), (3, 2)] {
            assert_eq!(split(&secret, needed, of), Err(Failed), "{needed}/{of}");
        }
        assert_eq!(split(&secret, 255, MOST).unwrap().len(), 255);
        for wrong in [vec![], vec![vec![1, 2]], vec![vec![], vec![]], vec![vec![1, 2], vec![2]]] {
            let wrong: Vec<Secret> = wrong.into_iter().map(Secret::new).collect();
            assert_eq!(combine(&wrong), Err(Failed));
        }
    }
}
