//! AWS-LC's symmetric ciphers as one owning type, [`Cipher`].
//!
//! `crypto::aes` and `crypto::random` stand on it. A new AES mode is a [`Kind`] and its three functions.
use super::exchange::InOut;
use super::{check, owned};
use crate::crypto::{Failed, aes::Direction};
use aws_lc_sys as c;
use aws_lc_sys::{EVP_CIPHER, EVP_CIPHER_CTX};
use std::{
    ffi::{c_int, c_void},
    ptr::{NonNull, null, null_mut},
};

/// What one call into the library gets at most: its lengths are `int`s. A multiple of every block.
const CHUNK: usize = 1 << 30;

/// The block of AES in bytes.
const BLOCK: usize = 16;

/// The tag that GCM computes, before it is cut to the length wanted.
const FULL_TAG: usize = 16;

/// A mode of AES, or another cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::crypto) enum Kind {
    /// Electronic code book, whole blocks, no initialisation vector.
    Ecb,
    /// Cipher block chaining, whole blocks, 16 bytes of initialisation vector.
    Cbc,
    /// Counter, any length, a counter block of 16 bytes.
    Ctr,
    /// Galois/counter, any length, an initialisation vector of one byte or more.
    Gcm,
    /// Output feedback, any length, 16 bytes of initialisation vector.
    Ofb,
    /// Cipher feedback of whole blocks, otherwise the same.
    Cfb128,
    /// ChaCha20-Poly1305 (RFC 8439), any length, a nonce of 12 bytes, a key of 32.
    ChaCha20Poly1305,
    /// Triple DES, electronic code book, a key of 16 or 24 bytes.
    Des3Ecb,
    /// Triple DES, cipher block chaining, 8 bytes of initialisation vector, a key of 16 or 24.
    Des3Cbc,
}

/// How the library names a cipher.
type Named = unsafe extern "C" fn() -> *const EVP_CIPHER;

/// AES with keys of 16, 24 and 32 bytes.
fn aes(short: Named, middle: Named, long: Named) -> [Option<Named>; 3] {
    [Some(short), Some(middle), Some(long)]
}

impl Kind {
    /// The library's cipher for a key of `key` bytes.
    fn named(self, key: usize) -> Option<Named> {
        let [short, middle, long]: [Option<Named>; 3] = match self {
            Kind::Ecb => aes(c::EVP_aes_128_ecb, c::EVP_aes_192_ecb, c::EVP_aes_256_ecb),
            Kind::Cbc => aes(c::EVP_aes_128_cbc, c::EVP_aes_192_cbc, c::EVP_aes_256_cbc),
            Kind::Ctr => aes(c::EVP_aes_128_ctr, c::EVP_aes_192_ctr, c::EVP_aes_256_ctr),
            Kind::Gcm => aes(c::EVP_aes_128_gcm, c::EVP_aes_192_gcm, c::EVP_aes_256_gcm),
            Kind::Ofb => aes(c::EVP_aes_128_ofb, c::EVP_aes_192_ofb, c::EVP_aes_256_ofb),
            Kind::Cfb128 => {
                aes(c::EVP_aes_128_cfb128, c::EVP_aes_192_cfb128, c::EVP_aes_256_cfb128)
            }
            Kind::ChaCha20Poly1305 => [None, None, Some(c::EVP_chacha20_poly1305)],
            Kind::Des3Ecb => [Some(c::EVP_des_ede), Some(c::EVP_des_ede3_ecb), None],
            Kind::Des3Cbc => [Some(c::EVP_des_ede_cbc), Some(c::EVP_des_ede3_cbc), None],
        };
        match key {
            16 => short,
            24 => middle,
            32 => long,
            _ => None,
        }
    }

    fn is_aead(self) -> bool {
        matches!(self, Kind::Gcm | Kind::ChaCha20Poly1305)
    }

    fn takes_iv(self, len: usize) -> bool {
        match self {
            Kind::Ecb | Kind::Des3Ecb => len == 0,
            Kind::Des3Cbc => len == 8,
            Kind::Cbc | Kind::Ctr | Kind::Ofb | Kind::Cfb128 => len == BLOCK,
            Kind::Gcm => len > 0,
            Kind::ChaCha20Poly1305 => len == 12,
        }
    }

    /// What the parts of the input must be a multiple of.
    fn unit(self) -> usize {
        match self {
            Kind::Ecb | Kind::Cbc => BLOCK,
            Kind::Des3Ecb | Kind::Des3Cbc => 8,
            _ => 1,
        }
    }
}

/// A cipher with its key and its place in the stream. The library wipes both when it goes.
#[derive(Debug)]
pub(in crate::crypto) struct Cipher {
    ctx: NonNull<EVP_CIPHER_CTX>,
    kind: Kind,
}

// SAFETY: the context belongs to this value alone and is bound to no thread.
unsafe impl Send for Cipher {}

// SAFETY: a shared reference gives no access to the context; every use takes `&mut self`.
unsafe impl Sync for Cipher {}

impl Drop for Cipher {
    fn drop(&mut self) {
        // SAFETY: the context came from `EVP_CIPHER_CTX_new` and is freed once, here.
        unsafe { c::EVP_CIPHER_CTX_free(self.ctx.as_ptr()) }
    }
}

impl Cipher {
    /// Starts. `iv` as [`Kind`] says; `key` of 16, 24 or 32 bytes.
    pub(in crate::crypto) fn new(
        kind: Kind,
        direction: Direction,
        key: &[u8],
        iv: &[u8],
    ) -> Result<Cipher, Failed> {
        let named = kind.named(key.len()).ok_or(Failed)?;
        if !kind.takes_iv(iv.len()) {
            return Err(Failed);
        }
        // SAFETY: takes nothing; answers a new context or null.
        let ctx = owned(unsafe { c::EVP_CIPHER_CTX_new() })?;
        let mut cipher = Cipher { ctx, kind };
        cipher.choose(named, direction)?;
        if kind.is_aead() {
            cipher.control(c::EVP_CTRL_AEAD_SET_IVLEN, iv.len(), null_mut())?;
        }
        cipher.key(key, iv)?;
        Ok(cipher)
    }

    fn choose(&mut self, named: Named, direction: Direction) -> Result<(), Failed> {
        let encrypt = c_int::from(direction == Direction::Encrypt);
        // SAFETY: takes nothing; answers a static description.
        let evp = unsafe { named() };
        // SAFETY: a live context, a static cipher; no engine, no key and no vector yet.
        check(unsafe {
            c::EVP_CipherInit_ex(self.ctx.as_ptr(), evp, null_mut(), null(), null(), encrypt)
        })?;
        // SAFETY: a live context.
        check(unsafe { c::EVP_CIPHER_CTX_set_padding(self.ctx.as_ptr(), 0) })
    }

    fn key(&mut self, key: &[u8], iv: &[u8]) -> Result<(), Failed> {
        let iv = if iv.is_empty() { null() } else { iv.as_ptr() };
        // SAFETY: a live context; the key has the length of the cipher that was chosen by it, the
        // vector the length that `takes_iv` asked for; −1 keeps the direction.
        check(unsafe {
            c::EVP_CipherInit_ex(self.ctx.as_ptr(), null(), null_mut(), key.as_ptr(), iv, -1)
        })
    }

    fn control(&mut self, command: c_int, number: usize, bytes: *mut c_void) -> Result<(), Failed> {
        let number = c_int::try_from(number).map_err(|_| Failed)?;
        // SAFETY: a live context; `bytes` is what `command` asks for: null, or as long as `number`.
        check(unsafe { c::EVP_CIPHER_CTX_ctrl(self.ctx.as_ptr(), command, number, bytes) })
    }

    /// Appends the transformation of `part`, which is as long, to `out`. Block modes take whole
    /// blocks only.
    pub(in crate::crypto) fn update(
        &mut self,
        part: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        out.try_reserve(part.len()).map_err(|_| Failed)?;
        let start = out.len();
        // The capacity behind the content: `reserve` above made room for the whole part.
        self.run(InOut::apart(part, out.spare_capacity_mut()))?;
        // SAFETY: `run` wrote as many bytes as `part` has, behind the first `start`.
        unsafe { out.set_len(start + part.len()) };
        Ok(())
    }

    /// Puts the transformation of bytes into their place. Block modes take whole blocks only.
    pub(in crate::crypto) fn run(&mut self, bytes: InOut<'_>) -> Result<(), Failed> {
        if !bytes.len().is_multiple_of(self.kind.unit()) {
            return Err(Failed);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, behind) = rest.split(CHUNK);
            let (from, to) = chunk.pointers();
            self.step(from, chunk.len(), to)?;
            rest = behind;
        }
        Ok(())
    }

    /// Takes additional authenticated data; all of it comes before the first [`Cipher::update`].
    pub(in crate::crypto) fn aad(&mut self, aad: &[u8]) -> Result<(), Failed> {
        if !self.kind.is_aead() {
            return Err(Failed);
        }
        aad.chunks(CHUNK).try_for_each(|chunk| self.step(chunk.as_ptr(), chunk.len(), null_mut()))
    }

    /// Feeds `len` bytes at `from`: whole units, since only those leave nothing behind in the
    /// context, so that exactly as many bytes come out. `to` has place for them, apart from `from` or
    /// the same, or is null for associated data.
    fn step(&mut self, from: *const u8, len: usize, to: *mut u8) -> Result<(), Failed> {
        let len = c_int::try_from(len).map_err(|_| Failed)?;
        let mut written = 0;
        // SAFETY: a live context, `len` readable bytes, and as many writable ones at `to`; the
        // library works in place too.
        check(unsafe { c::EVP_CipherUpdate(self.ctx.as_ptr(), to, &mut written, from, len) })?;
        if written == len { Ok(()) } else { Err(Failed) }
    }

    /// Ends an encryption and appends the first `len` bytes of its tag.
    pub(in crate::crypto) fn tag(mut self, len: usize, out: &mut Vec<u8>) -> Result<(), Failed> {
        self.finish()?;
        let mut tag = [0u8; FULL_TAG];
        self.control(c::EVP_CTRL_AEAD_GET_TAG, FULL_TAG, tag.as_mut_ptr().cast())?;
        out.extend_from_slice(tag.get(..len).ok_or(Failed)?);
        Ok(())
    }

    /// Ends a decryption: whether `tag` is the one. The comparison takes constant time.
    pub(in crate::crypto) fn verify(&mut self, tag: &[u8]) -> Result<(), Failed> {
        // The library copies the tag; it takes a pointer to mutable bytes for want of another type.
        let copy = tag.as_ptr().cast_mut().cast();
        self.control(c::EVP_CTRL_AEAD_SET_TAG, tag.len(), copy)?;
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Failed> {
        let mut rest = [0u8; 2 * BLOCK];
        let mut written = 0;
        // SAFETY: a live context; what may still come out is a block, and there is room for two.
        check(unsafe { c::EVP_CipherFinal_ex(self.ctx.as_ptr(), rest.as_mut_ptr(), &mut written) })
    }
}
