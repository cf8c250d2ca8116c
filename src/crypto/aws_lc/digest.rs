//! Hashes (`EVP_MD_CTX`) and HMAC (`HMAC_CTX`), part by part.
use super::super::{Failed, hash::Hash, hash::Shake};
use super::{check, owned};
use aws_lc_sys as c;
use std::ptr::{self, NonNull};

/// The longest output of a hash in bytes.
const LONGEST: usize = 64;

/// A hash being computed.
#[derive(Debug)]
pub(in crate::crypto) struct Digest {
    context: NonNull<c::EVP_MD_CTX>,
    kind: Kind,
}

/// What comes out of a digest.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// As much as the hash has.
    Hash(Hash),
    /// So many bytes of an extendable output.
    Extent(usize),
    /// MD5, which signs and derives nothing here.
    Md5,
}

/// Where SHA-1 or SHA-2 stands between two parts of its input (FIPS 180-4, section 6).
pub(in crate::crypto) struct Midway {
    /// The chaining value, big-endian.
    pub(in crate::crypto) chain: Vec<u8>,
    /// How many bytes went into it: whole blocks.
    pub(in crate::crypto) taken: u64,
    /// What came since, less than a block.
    pub(in crate::crypto) rest: Vec<u8>,
}

/// An HMAC being computed. RFC 2104.
#[derive(Debug)]
pub(in crate::crypto) struct Hmac(NonNull<c::HMAC_CTX>);

// SAFETY: a context is plain memory, tied to no thread.
unsafe impl Send for Digest {}
// SAFETY: what takes `&self` only reads.
unsafe impl Sync for Digest {}
// SAFETY: a context is plain memory, tied to no thread.
unsafe impl Send for Hmac {}

impl Drop for Digest {
    fn drop(&mut self) {
        // SAFETY: ours alone and live; the library clears its state.
        unsafe { c::EVP_MD_CTX_free(self.context.as_ptr()) }
    }
}

impl Drop for Hmac {
    fn drop(&mut self) {
        // SAFETY: ours alone and live; the library clears its state.
        unsafe { c::HMAC_CTX_free(self.0.as_ptr()) }
    }
}

impl Digest {
    /// Starts.
    pub(in crate::crypto) fn new(hash: Hash) -> Result<Digest, Failed> {
        Digest::start(md(hash), Kind::Hash(hash))
    }

    /// Starts with an output of `len` bytes.
    pub(in crate::crypto) fn shake(shake: Shake, len: usize) -> Result<Digest, Failed> {
        let md = match shake {
            Shake::Shake128 => c::EVP_shake128,
            Shake::Shake256 => c::EVP_shake256,
        };
        // SAFETY: no preconditions; the answer is static.
        Digest::start(unsafe { md() }, Kind::Extent(len))
    }

    /// Starts MD5, RFC 1321.
    pub(in crate::crypto) fn md5() -> Result<Digest, Failed> {
        // SAFETY: no preconditions; the answer is static.
        Digest::start(unsafe { c::EVP_md5() }, Kind::Md5)
    }

    fn start(md: *const c::EVP_MD, kind: Kind) -> Result<Digest, Failed> {
        let digest = Digest::empty(kind)?;
        // SAFETY: the context is live and ours; hashes are static. No engine.
        check(unsafe { c::EVP_DigestInit_ex(digest.context.as_ptr(), md, ptr::null_mut()) })?;
        Ok(digest)
    }

    fn empty(kind: Kind) -> Result<Digest, Failed> {
        // SAFETY: no preconditions.
        Ok(Digest { context: owned(unsafe { c::EVP_MD_CTX_new() })?, kind })
    }

    /// Which hash it is; `None` for an extendable output.
    pub(in crate::crypto) fn hash(&self) -> Option<Hash> {
        match self.kind {
            Kind::Hash(hash) => Some(hash),
            Kind::Extent(_) | Kind::Md5 => None,
        }
    }

    /// Goes on where another one stood.
    pub(in crate::crypto) fn resume(hash: Hash, midway: &Midway) -> Result<Digest, Failed> {
        let mut digest = Digest::new(hash)?;
        let chaining = digest.chaining().ok_or(Failed)?;
        // SAFETY: live, and ours alone as `digest` is.
        unsafe { &mut *chaining }.begin_at(midway).ok_or(Failed)?;
        digest.update(&midway.rest)?;
        Ok(digest)
    }

    /// Where it stands; `None` for SHA-3, whose state the library does not show.
    pub(in crate::crypto) fn midway(&self) -> Option<Midway> {
        let chaining = self.chaining()?;
        // SAFETY: live, and not written while `self` is borrowed.
        unsafe { &*chaining }.midway()
    }

    /// The state of the hash itself, which lives as long as the context.
    fn chaining(&self) -> Option<*mut dyn Chaining> {
        // SAFETY: the context is live.
        let state = unsafe { self.context.as_ref() }.md_data;
        if state.is_null() {
            return None;
        }
        match self.hash()? {
            Hash::Sha1 => Some(state.cast::<c::SHA_CTX>()),
            Hash::Sha224 | Hash::Sha256 => Some(state.cast::<c::SHA256_CTX>()),
            Hash::Sha384 | Hash::Sha512 | Hash::Sha512_224 | Hash::Sha512_256 => {
                Some(state.cast::<c::SHA512_CTX>())
            }
            Hash::Sha3_224 | Hash::Sha3_256 | Hash::Sha3_384 | Hash::Sha3_512 => None,
        }
    }

    /// The same state twice.
    pub(in crate::crypto) fn copy(&self) -> Result<Digest, Failed> {
        let copy = Digest::empty(self.kind)?;
        // SAFETY: both live; the first is empty.
        check(unsafe { c::EVP_MD_CTX_copy_ex(copy.context.as_ptr(), self.context.as_ptr()) })?;
        Ok(copy)
    }

    /// Feeds a part.
    pub(in crate::crypto) fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        let (at, from) = (self.context.as_ptr(), part.as_ptr().cast());
        // SAFETY: the context is live and ours; reads the bytes of a live slice.
        check(unsafe { c::EVP_DigestUpdate(at, from, part.len()) })
    }

    /// The hash of all parts.
    pub(in crate::crypto) fn finish(self) -> Result<Vec<u8>, Failed> {
        let at = self.context.as_ptr();
        if let Kind::Extent(len) = self.kind {
            let mut output = vec![0; len];
            // SAFETY: the context is live and ours; writes as many bytes as the vector has.
            check(unsafe { c::EVP_DigestFinalXOF(at, output.as_mut_ptr(), len) })?;
            return Ok(output);
        }
        let (mut output, mut len) = (vec![0; LONGEST], 0);
        // SAFETY: the context is live and ours; no hash writes more than the vector has.
        check(unsafe { c::EVP_DigestFinal_ex(at, output.as_mut_ptr(), &raw mut len) })?;
        cut(output, len)
    }
}

/// A hash with a chaining value.
trait Chaining {
    fn midway(&self) -> Option<Midway>;
    /// From the start to `midway`, but for its rest.
    fn begin_at(&mut self, midway: &Midway) -> Option<()>;
}

macro_rules! chaining {
    ($($context:ident: $word:ty, $rest:ident;)*) => {$(
        impl Chaining for c::$context {
            fn midway(&self) -> Option<Midway> {
                let bits = u128::from(self.Nh) << <$word>::BITS | u128::from(self.Nl);
                let rest = self.$rest.get(..usize::try_from(self.num).ok()?)?.to_vec();
                let taken = u64::try_from(bits / 8).ok()?.checked_sub(self.num.into())?;
                let chain = self.h.iter().flat_map(|word| word.to_be_bytes()).collect();
                Some(Midway { chain, taken, rest })
            }
            fn begin_at(&mut self, midway: &Midway) -> Option<()> {
                let (words, []) = midway.chain.as_chunks() else { return None };
                if words.len() != self.h.len() {
                    return None;
                }
                for (to, from) in self.h.iter_mut().zip(words) {
                    *to = <$word>::from_be_bytes(*from);
                }
                let bits = u128::from(midway.taken) * 8;
                self.Nl = <$word>::try_from(bits & u128::from(<$word>::MAX)).ok()?;
                self.Nh = <$word>::try_from(bits >> <$word>::BITS).ok()?;
                Some(())
            }
        }
    )*};
}
chaining! {
    SHA_CTX: u32, data;
    SHA256_CTX: u32, data;
    SHA512_CTX: u64, p;
}

impl Hmac {
    /// Starts with a key of at least one byte.
    pub(in crate::crypto) fn new(hash: Hash, key: &[u8]) -> Result<Hmac, Failed> {
        // SAFETY: no preconditions.
        let hmac = Hmac(owned(unsafe { c::HMAC_CTX_new() })?);
        let (context, from) = (hmac.0.as_ptr(), key.as_ptr().cast());
        // SAFETY: the context is live and ours; reads the bytes of a live slice; hashes are static.
        check(unsafe { c::HMAC_Init_ex(context, from, key.len(), md(hash), ptr::null_mut()) })?;
        Ok(hmac)
    }

    /// Feeds a part.
    pub(in crate::crypto) fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        // SAFETY: the context is live and ours; reads the bytes of a live slice.
        check(unsafe { c::HMAC_Update(self.0.as_ptr(), part.as_ptr(), part.len()) })
    }

    /// The code of all parts.
    pub(in crate::crypto) fn finish(self) -> Result<Vec<u8>, Failed> {
        let (mut output, mut len) = (vec![0; LONGEST], 0);
        let to = output.as_mut_ptr();
        // SAFETY: the context is live and ours; no hash writes more than the vector has.
        check(unsafe { c::HMAC_Final(self.0.as_ptr(), to, &raw mut len) })?;
        cut(output, len)
    }
}

fn cut(mut output: Vec<u8>, len: u32) -> Result<Vec<u8>, Failed> {
    output.truncate(usize::try_from(len).map_err(|_| Failed)?);
    Ok(output)
}

/// What the library calls a hash.
pub(super) fn md(hash: Hash) -> *const c::EVP_MD {
    let md = match hash {
        Hash::Sha1 => c::EVP_sha1,
        Hash::Sha224 => c::EVP_sha224,
        Hash::Sha256 => c::EVP_sha256,
        Hash::Sha384 => c::EVP_sha384,
        Hash::Sha512 => c::EVP_sha512,
        Hash::Sha512_224 => c::EVP_sha512_224,
        Hash::Sha512_256 => c::EVP_sha512_256,
        Hash::Sha3_224 => c::EVP_sha3_224,
        Hash::Sha3_256 => c::EVP_sha3_256,
        Hash::Sha3_384 => c::EVP_sha3_384,
        Hash::Sha3_512 => c::EVP_sha3_512,
    };
    // SAFETY: no preconditions; the answer is static.
    unsafe { md() }
}
