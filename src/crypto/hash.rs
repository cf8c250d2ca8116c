//! Hash functions, FIPS 180-4.
//!
//! The rest of `crypto` names a hash by [`Hash`]; the arithmetic is AWS-LC's.
use super::Failed;
use aws_lc_rs::digest;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Every hash function there is here.
    pub const ALL: [Hash; 5] = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];

    /// Length of its output in bytes.
    pub const fn size(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha224 => 28,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// The hash of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm(), data).as_ref().to_vec()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => &digest::SHA224,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        }
    }
}

/// A hash being computed part by part.
#[derive(Clone)]
pub struct Hasher(digest::Context);

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hasher").field(self.0.algorithm()).finish()
    }
}

impl Hasher {
    /// Starts.
    pub fn new(hash: Hash) -> Hasher {
        Hasher(digest::Context::new(hash.algorithm()))
    }

    /// Feeds a part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The hash of all parts.
    pub fn finish(self) -> Result<Vec<u8>, Failed> {
        Ok(self.0.finish().as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The one-block example "abc" of NIST's "Secure Hash Standard: example values", first 4 bytes.
    const ABC: [[u8; 4]; 5] = [
        [0xa9, 0x99, 0x3e, 0x36],
        [0x23, 0x09, 0x7d, 0x22],
        [0xba, 0x78, 0x16, 0xbf],
        [0xcb, 0x00, 0x75, 0x3f],
        [0xdd, 0xaf, 0x35, 0xa1],
    ];

    #[test]
    fn hashes_abc_as_the_standard_does() {
        for (hash, head) in Hash::ALL.into_iter().zip(ABC) {
            let whole = hash.digest(b"abc");
            assert_eq!(whole.len(), hash.size());
            assert_eq!(whole[..4], head, "{hash:?}");
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
}
