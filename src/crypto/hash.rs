//! Hash functions, FIPS 180-4 and 202.
//!
//! The rest of `crypto` names a hash by [`Hash`]; the arithmetic is AWS-LC's.
use super::Failed;
use super::aws_lc::digest::{Digest, Midway};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    /// Every hash function there is here.
    pub const ALL: [Hash; 11] = [
        Hash::Sha1,
        Hash::Sha224,
        Hash::Sha256,
        Hash::Sha384,
        Hash::Sha512,
        Hash::Sha512_224,
        Hash::Sha512_256,
        Hash::Sha3_224,
        Hash::Sha3_256,
        Hash::Sha3_384,
        Hash::Sha3_512,
    ];

    /// Length of its output in bytes.
    pub const fn size(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha224 | Hash::Sha512_224 | Hash::Sha3_224 => 28,
            Hash::Sha256 | Hash::Sha512_256 | Hash::Sha3_256 => 32,
            Hash::Sha384 | Hash::Sha3_384 => 48,
            Hash::Sha512 | Hash::Sha3_512 => 64,
        }
    }

    /// Lengths in bytes of the chaining value and of a block, where there are such.
    const fn chain_and_block(self) -> Option<(usize, usize)> {
        match self {
            Hash::Sha1 => Some((20, 64)),
            Hash::Sha224 | Hash::Sha256 => Some((32, 64)),
            Hash::Sha384 | Hash::Sha512 | Hash::Sha512_224 | Hash::Sha512_256 => Some((64, 128)),
            Hash::Sha3_224 | Hash::Sha3_256 | Hash::Sha3_384 | Hash::Sha3_512 => None,
        }
    }

    /// The hash of `data`.
    ///
    /// # Panics
    /// If there is no memory for the few hundred bytes of a hash's state.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(data);
        hasher.finish().unwrap_or_else(|Failed| panic!("no memory for a hash"))
    }
}

/// An extendable-output function, FIPS 202.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Shake {
    Shake128,
    Shake256,
}

/// A hash being computed part by part. What fails on the way, for want of memory alone, comes out
/// at the end.
pub struct Hasher(Result<Digest, Failed>);

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Clone for Hasher {
    fn clone(&self) -> Hasher {
        Hasher(self.0.as_ref().map_err(|failed| *failed).and_then(Digest::copy))
    }
}

impl Hasher {
    /// Starts.
    pub fn new(hash: Hash) -> Hasher {
        Hasher(Digest::new(hash))
    }

    /// Starts with an extendable output, which will have `len` bytes.
    pub fn shake(shake: Shake, len: usize) -> Hasher {
        Hasher(Digest::shake(shake, len))
    }

    /// Starts MD5, for checksums of old data. It is no [`Hash`], so that nothing else can use it.
    pub fn md5() -> Hasher {
        Hasher(Digest::md5())
    }

    /// Feeds a part.
    pub fn update(&mut self, part: &[u8]) {
        if let Ok(digest) = &mut self.0
            && let Err(failed) = digest.update(part)
        {
            self.0 = Err(failed);
        }
    }

    /// Where it stands, for [`Self::resume`]; `None` for SHA-3. The chaining value, the number of
    /// bytes in it (8 bytes, big-endian), the number of bytes that have come since (1 byte), and
    /// those, filled up to a block with zeros: as long at any time.
    pub fn state(&self) -> Option<Vec<u8>> {
        let digest = self.0.as_ref().ok()?;
        let (_, block) = digest.hash()?.chain_and_block()?;
        let Midway { chain, taken, rest } = digest.midway()?;
        let mut state = chain;
        state.extend(taken.to_be_bytes());
        state.push(u8::try_from(rest.len()).ok()?);
        let len = state.len() + block;
        state.extend(rest);
        state.resize(len, 0);
        Some(state)
    }

    /// Goes on where another one stood that had this [`Self::state`].
    pub fn resume(hash: Hash, state: &[u8]) -> Result<Hasher, Failed> {
        let (chain, block) = hash.chain_and_block().ok_or(Failed)?;
        let (chain, state) = state.split_at_checked(chain).ok_or(Failed)?;
        let (taken, state) = state.split_first_chunk().ok_or(Failed)?;
        let (&len, state) = state.split_first().ok_or(Failed)?;
        let (rest, zeros) = state.split_at_checked(len.into()).ok_or(Failed)?;
        let taken = u64::from_be_bytes(*taken);
        let whole = u64::try_from(block).is_ok_and(|block| taken.is_multiple_of(block));
        if !whole || state.len() != block || zeros.is_empty() || zeros.iter().any(|b| *b != 0) {
            return Err(Failed);
        }
        let midway = Midway { chain: chain.to_vec(), taken, rest: rest.to_vec() };
        Ok(Hasher(Ok(Digest::resume(hash, &midway)?)))
    }

    /// The hash of all parts.
    pub fn finish(self) -> Result<Vec<u8>, Failed> {
        self.0?.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The one-block example "abc" of NIST's "Secure Hash Standard: example values" and of the
    // examples for SHA-3, first 4 bytes.
    const ABC: [u32; 11] = [
        0xa9993e36, 0x23097d22, 0xba7816bf, 0xcb00753f, 0xddaf35a1, 0x4634270f, 0x53048e26,
        0xe642824c, 0x3a985da7, 0xec014982, 0xb751850b,
    ];

    #[test]
    fn hashes_abc_as_the_standard_does() {
        for (hash, head) in Hash::ALL.into_iter().zip(ABC) {
            let whole = hash.digest(b"abc");
            assert_eq!(whole.len(), hash.size());
            assert_eq!(whole[..4], head.to_be_bytes(), "{hash:?}");
        }
    }

    // The examples for the empty message of NIST's "SHAKE128" and "SHAKE256", first 4 bytes.
    #[test]
    fn extends_as_the_standard_does() {
        for (shake, head) in [(Shake::Shake128, 0x7f9c2ba4), (Shake::Shake256, 0x46b9dd2b)] {
            for len in [4, 32, 64, 512] {
                let output = Hasher::shake(shake, len).finish().unwrap();
                assert_eq!((output.len(), &output[..4]), (len, &u32::to_be_bytes(head)[..]));
            }
        }
    }

    #[test]
    fn parts_make_the_same_as_one() {
        let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for hash in Hash::ALL {
            for size in [1, 63, 64, 65, 127, 1000] {
                let mut hasher = Hasher::new(hash);
                data.chunks(size).for_each(|part| hasher.update(part));
                assert_eq!(hasher.finish(), Ok(hash.digest(&data)));
            }
            assert_eq!(Hasher::new(hash).finish(), Ok(hash.digest(&[])));
        }
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        for hash in Hash::ALL {
            let mut one = Hasher::new(hash);
            one.update(b"ab");
            let mut other = one.clone();
            other.update(b"x");
            one.update(b"c");
            assert_eq!(one.finish(), Ok(hash.digest(b"abc")));
            assert_eq!(other.finish(), Ok(hash.digest(b"abx")));
        }
    }

    #[test]
    fn a_state_is_gone_on_from() {
        let data: Vec<u8> = (0..=255).cycle().take(300).collect();
        for hash in Hash::ALL {
            let Some((chain, block)) = hash.chain_and_block() else {
                assert_eq!(Hasher::new(hash).state(), None);
                assert!(Hasher::resume(hash, &[0; 200]).is_err());
                continue;
            };
            for at in 0..=data.len() {
                let mut hasher = Hasher::new(hash);
                hasher.update(&data[..at]);
                let state = hasher.state().unwrap();
                assert_eq!(state.len(), chain + 9 + block);
                let mut hasher = Hasher::resume(hash, &state).unwrap();
                assert_eq!(hasher.state(), Some(state));
                hasher.update(&data[at..]);
                assert_eq!(hasher.finish(), Ok(hash.digest(&data)), "{hash:?} {at}");
            }
        }
    }

    /// The count of bits passes 2^32, and so goes into its second word.
    #[test]
    fn long_inputs_are_gone_on_from() {
        let mebibyte = vec![0xA5; 1 << 20];
        let mut one = Hasher::new(Hash::Sha256);
        (0..513).for_each(|_| one.update(&mebibyte));
        one.update(b"rest");
        let other = Hasher::resume(Hash::Sha256, &one.state().unwrap()).unwrap();
        assert_eq!(other.finish(), one.finish());
    }

    #[test]
    fn states_that_cannot_be() {
        let state = Hasher::new(Hash::Sha256).state().unwrap();
        let (count, len, first, last) = (32 + 7, 32 + 8, 32 + 9, state.len() - 1);
        let with = |at: usize, value: u8| {
            let mut state = state.clone();
            state[at] = value;
            Hasher::resume(Hash::Sha256, &state).is_ok()
        };
        assert!(with(count, 64) && with(len, 63) && with(0, 1));
        assert!(!with(count, 63), "no whole block");
        assert!(!with(32, 0x20), "more than 2^64 bits");
        assert!(!with(len, 64) && !with(len, 65) && !with(len, 255), "a block or more");
        assert!(!with(first, 1) && !with(last, 1), "more than there is");
        for cut in [0, 31, 32, 40, 41, last] {
            assert!(Hasher::resume(Hash::Sha256, &state[..cut]).is_err());
        }
        let longer = [&state[..], &[0]].concat();
        assert!(Hasher::resume(Hash::Sha256, &longer).is_err());
        assert!(Hasher::resume(Hash::Sha512, &state).is_err());
    }
}
