//! Random bytes: the system's, and what the application adds with `C_SeedRandom`.
//!
//! `crypto` re-exports both functions. What is added can only help: it is a keystream laid over
//! bytes that are as good as the system's already.
use super::{
    Failed, Secret,
    aes::Direction,
    aws_lc::cipher::{Cipher, Kind},
    hash::{Hash, Hasher},
};
use std::sync::atomic::{AtomicU64, Ordering};

/// Hashes over all seeds so far; zeros if there was none. No lock guards it: a child that is forked
/// while another thread holds a lock would wait for ever. Half of a change is as good as none.
static POOL: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

/// `len` fresh random bytes.
pub fn random(len: usize) -> Result<Secret, Failed> {
    let bytes = system(len)?;
    let pool = pool();
    if pool.iter().all(|byte| *byte == 0) { Ok(bytes) } else { cover(&pool, &bytes) }
}

/// Mixes `seed` into what [`random`] returns from now on, in addition to the system's entropy.
pub fn seed(seed: &[u8]) {
    let mut hasher = Hasher::new(Hash::Sha512);
    hasher.update(&pool());
    hasher.update(seed);
    let Ok(new) = hasher.finish().map(Secret::new) else { return };
    for (word, new) in POOL.iter().zip(new.as_chunks::<8>().0) {
        word.fetch_xor(u64::from_le_bytes(*new), Ordering::Relaxed);
    }
}

fn pool() -> Secret {
    let words = POOL.iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes());
    let mut pool = Secret::new(Vec::with_capacity(size_of_val(&POOL)));
    words.for_each(|word| pool.extend_from_slice(&word));
    pool
}

fn system(len: usize) -> Result<Secret, Failed> {
    let mut bytes = Secret::default();
    bytes.try_reserve_exact(len).map_err(|_| Failed)?;
    bytes.resize(len, 0);
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Failed)?;
    Ok(bytes)
}

/// `bytes` XOR an AES-256 counter keystream. Its key and counter are drawn from `pool` and fresh
/// bytes, so that no two calls, here or in a forked child, use the same.
fn cover(pool: &[u8], bytes: &[u8]) -> Result<Secret, Failed> {
    let mut hasher = Hasher::new(Hash::Sha512);
    hasher.update(pool);
    hasher.update(&system(32)?);
    let drawn = Secret::new(hasher.finish()?);
    let (key, rest) = drawn.split_at_checked(32).ok_or(Failed)?;
    let counter = rest.get(..16).ok_or(Failed)?;
    let mut covered = Secret::default();
    Cipher::new(Kind::Ctr, Direction::Encrypt, key, counter)?.update(bytes, &mut covered)?;
    Ok(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_differs_before_and_after_a_seed() {
        let plain = [random(32), random(32)];
        seed(b"dice");
        seed(b"");
        let seeded = [random(32), random(32)];
        let all: std::collections::HashSet<Vec<u8>> =
            plain.into_iter().chain(seeded).map(|bytes| bytes.unwrap().to_vec()).collect();
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|bytes| bytes.len() == 32));
        assert!(random(0).unwrap().is_empty());
    }

    #[test]
    fn a_seed_is_laid_over_the_systems_bytes_anew_each_time() {
        let bytes = [0; 64];
        let [one, two] = [cover(b"pool", &bytes).unwrap(), cover(b"pool", &bytes).unwrap()];
        assert_eq!([one.len(), two.len()], [64, 64]);
        assert_ne!(one, two);
        assert_ne!(one[..], bytes);
    }
}
