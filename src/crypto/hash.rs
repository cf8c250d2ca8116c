//! Hash functions, FIPS 180-4 and 202.
//!
//! The rest of `crypto` names a hash by [`Hash`]; the arithmetic is AWS-LC's.
use super::Failed;
use super::aws_lc::digest::Digest;

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

    /// Feeds a part.
    pub fn update(&mut self, part: &[u8]) {
        if let Ok(digest) = &mut self.0
            && let Err(failed) = digest.update(part)
        {
            self.0 = Err(failed);
        }
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
}
