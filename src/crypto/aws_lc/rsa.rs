//! An RSA key (`EVP_PKEY` around `RSA`): raw operations, OAEP, and the encoded messages of PSS.
//!
//! The library guards its lazily built Montgomery contexts and the blinding factors with a lock in
//! the key, which it holds only while it takes one out; so any number of threads may use one key.
use super::super::{Failed, Secret, oaep::Oaep, pss::Pss};
use super::bignum::BigNum;
use super::digest::md;
use super::pkey::{Context, Pkey};
use super::{check, failed, owned};
use aws_lc_sys as c;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

/// A public or private key.
#[derive(Debug)]
pub(in crate::crypto) struct RsaKey {
    rsa: NonNull<c::RSA>,
    /// Holds the key, and is what OAEP needs.
    pkey: Pkey,
    size: usize,
}

/// The numbers of a private key beyond n and e.
pub(in crate::crypto) struct PrivateNumbers<'a> {
    pub(in crate::crypto) d: &'a BigNum,
    /// p, q, dp, dq, qinv
    pub(in crate::crypto) crt: Option<[&'a BigNum; 5]>,
}

/// An `RSA` that has no `EVP_PKEY` yet.
struct Rsa(NonNull<c::RSA>);

/// One OAEP operation.
struct Operation(Context);

// SAFETY: the key is not tied to a thread; see the module's text.
unsafe impl Send for RsaKey {}
// SAFETY: operations on a complete key change its caches only, under the lock in the key.
unsafe impl Sync for RsaKey {}

impl Drop for Rsa {
    fn drop(&mut self) {
        // SAFETY: one reference to it is ours; its numbers are cleared with the last.
        unsafe { c::RSA_free(self.0.as_ptr()) }
    }
}

impl RsaKey {
    /// A key, checked as far as the library does (`RSA_check_key`): n odd and of 16384 bits at
    /// most, e odd, 1 < e < n; with CRT values n = pq, de = 1 mod p-1 and q-1, dp, dq, qinv right.
    /// Costs some divisions in constant time: for 4096 bits, a fifth of an operation.
    pub(in crate::crypto) fn new(
        n: &BigNum,
        e: &BigNum,
        private: Option<&PrivateNumbers>,
    ) -> Result<RsaKey, Failed> {
        // SAFETY: no preconditions.
        let rsa = Rsa(owned(unsafe { c::RSA_new() })?);
        // Without the flag e has at most 33 bits, which some old keys exceed.
        // SAFETY: changes a live key of ours.
        unsafe { c::RSA_set_flags(rsa.0.as_ptr(), c::RSA_FLAG_LARGE_PUBLIC_EXPONENT) };
        rsa.fill(n, e, private)?;
        // SAFETY: reads a live key.
        check(unsafe { c::RSA_check_key(rsa.0.as_ptr()) })?;
        // SAFETY: no preconditions.
        let pkey = Pkey::own(unsafe { c::EVP_PKEY_new() })?;
        // SAFETY: both live; the EVP_PKEY takes a reference of its own.
        check(unsafe { c::EVP_PKEY_set1_RSA(pkey.as_ptr(), rsa.0.as_ptr()) })?;
        Ok(RsaKey { rsa: rsa.0, pkey, size: n.bits().div_ceil(8) })
    }

    /// Length of the modulus in bytes.
    pub(in crate::crypto) fn size(&self) -> usize {
        self.size
    }

    /// `input^e mod n`; `input` is exactly as long as the modulus and less than it.
    pub(in crate::crypto) fn public(&self, input: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut output = vec![0; self.size];
        self.run(c::RSA_verify_raw, input, &mut output)?;
        Ok(output)
    }

    /// `input^d mod n`, blinded and checked against faults; `input` is exactly as long as the
    /// modulus, greater than 1 and less than n - 1.
    pub(in crate::crypto) fn private(&self, input: &[u8]) -> Result<Secret, Failed> {
        let mut output = Secret::new(vec![0; self.size]);
        self.run(c::RSA_sign_raw, input, &mut output)?;
        Ok(output)
    }

    fn run(&self, raw: Raw, input: &[u8], output: &mut [u8]) -> Result<(), Failed> {
        if input.len() != self.size || output.len() != self.size {
            return Err(Failed);
        }
        let (mut len, rsa) = (0, self.rsa.as_ptr());
        let (to, from) = (output.as_mut_ptr(), input.as_ptr());
        // SAFETY: reads and writes as many bytes as the live slices have; the key is live and locks
        // itself.
        check(unsafe {
            raw(rsa, &raw mut len, to, self.size, from, self.size, c::RSA_NO_PADDING)
        })?;
        if len == self.size { Ok(()) } else { Err(Failed) }
    }

    /// RSAES-OAEP encryption.
    pub(in crate::crypto) fn oaep_encrypt(
        &self,
        oaep: &Oaep,
        message: &[u8],
    ) -> Result<Vec<u8>, Failed> {
        let operation = Operation::new(&self.pkey, c::EVP_PKEY_encrypt_init, oaep)?;
        let mut output = vec![0; self.size];
        let len = operation.run(c::EVP_PKEY_encrypt, message, &mut output)?;
        output.truncate(len);
        Ok(output)
    }

    /// RSAES-OAEP decryption.
    pub(in crate::crypto) fn oaep_decrypt(
        &self,
        oaep: &Oaep,
        ciphertext: &[u8],
    ) -> Result<Secret, Failed> {
        let operation = Operation::new(&self.pkey, c::EVP_PKEY_decrypt_init, oaep)?;
        let mut output = Secret::new(vec![0; self.size]);
        let len = operation.run(c::EVP_PKEY_decrypt, ciphertext, &mut output)?;
        output.truncate(len);
        Ok(output)
    }
}

/// EMSA-PSS, RFC 8017 section 9.1. A digest is as long as its hash.
impl RsaKey {
    /// The encoded message of `digest` under a fresh salt, as long as the modulus.
    pub(in crate::crypto) fn pss_block(&self, pss: &Pss, digest: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut block = vec![0; self.size];
        let (hash, mgf, salt_len) = pss_numbers(pss, digest)?;
        let (to, from, rsa) = (block.as_mut_ptr(), digest.as_ptr(), self.rsa.as_ptr());
        // SAFETY: the key is live and read; reads as many bytes as the hash has, which the digest
        // has too, and writes as many as the modulus has.
        check(unsafe { c::RSA_padding_add_PKCS1_PSS_mgf1(rsa, to, from, hash, mgf, salt_len) })?;
        Ok(block)
    }

    /// Whether `block` is an encoded message of `digest`.
    pub(in crate::crypto) fn pss_check(
        &self,
        pss: &Pss,
        digest: &[u8],
        block: &[u8],
    ) -> Result<(), Failed> {
        if block.len() != self.size {
            return Err(Failed);
        }
        let (hash, mgf, salt_len) = pss_numbers(pss, digest)?;
        let (from, block, rsa) = (digest.as_ptr(), block.as_ptr(), self.rsa.as_ptr());
        // SAFETY: the key is live and read; reads as many bytes as the hash has, which the digest
        // has too, and as many as the modulus has, which the block has too.
        check(unsafe { c::RSA_verify_PKCS1_PSS_mgf1(rsa, from, hash, mgf, block, salt_len) })
    }
}

/// Both hashes and the length of the salt as the library has them, for a digest of the right length.
fn pss_numbers(
    pss: &Pss,
    digest: &[u8],
) -> Result<(*const c::EVP_MD, *const c::EVP_MD, c_int), Failed> {
    if digest.len() != pss.hash.size() {
        return Err(Failed);
    }
    let salt_len = c_int::try_from(pss.salt_len).map_err(|_| Failed)?;
    Ok((md(pss.hash), md(pss.mgf), salt_len))
}

type Raw =
    unsafe extern "C" fn(*mut c::RSA, *mut usize, *mut u8, usize, *const u8, usize, c_int) -> c_int;
type Init = unsafe extern "C" fn(*mut c::EVP_PKEY_CTX) -> c_int;
type Run =
    unsafe extern "C" fn(*mut c::EVP_PKEY_CTX, *mut u8, *mut usize, *const u8, usize) -> c_int;

impl Rsa {
    fn fill(&self, n: &BigNum, e: &BigNum, private: Option<&PrivateNumbers>) -> Result<(), Failed> {
        let rsa = self.0.as_ptr();
        let d = private.map(|private| private.d);
        give([Some(n), Some(e), d], |[n, e, d]| {
            // SAFETY: the key is live and takes the numbers, which are given away.
            unsafe { c::RSA_set0_key(rsa, n, e, d) }
        })?;
        let Some([p, q, dp, dq, qinv]) = private.and_then(|private| private.crt) else {
            return Ok(());
        };
        give([Some(p), Some(q)], |[p, q]| {
            // SAFETY: as above.
            unsafe { c::RSA_set0_factors(rsa, p, q) }
        })?;
        give([Some(dp), Some(dq), Some(qinv)], |[dp, dq, qinv]| {
            // SAFETY: as above.
            unsafe { c::RSA_set0_crt_params(rsa, dp, dq, qinv) }
        })
    }
}

/// Gives copies of `numbers` to a C function that owns them once it answers 1.
fn give<const N: usize>(
    numbers: [Option<&BigNum>; N],
    take: impl FnOnce([*mut c::BIGNUM; N]) -> c_int,
) -> Result<(), Failed> {
    let mut copies = [const { None }; N];
    for (copy, number) in copies.iter_mut().zip(numbers) {
        *copy = number.map(BigNum::copy).transpose()?;
    }
    let raw = copies.map(|copy| copy.map_or(ptr::null_mut(), BigNum::into_raw));
    check(take(raw)).inspect_err(|Failed| {
        for number in raw.into_iter().filter_map(NonNull::new) {
            // SAFETY: given away above, and refused.
            drop(unsafe { BigNum::from_raw(number) });
        }
    })
}

impl Operation {
    fn new(pkey: &Pkey, init: Init, oaep: &Oaep) -> Result<Operation, Failed> {
        let operation = Operation(pkey.start()?);
        let context = operation.0.as_ptr();
        // SAFETY: the context is live and ours.
        check(unsafe { init(context) })?;
        // SAFETY: the context is live and ours.
        check(unsafe { c::EVP_PKEY_CTX_set_rsa_padding(context, c::RSA_PKCS1_OAEP_PADDING) })?;
        // SAFETY: the context is live and ours; digests are static.
        check(unsafe { c::EVP_PKEY_CTX_set_rsa_oaep_md(context, md(oaep.hash)) })?;
        // SAFETY: the context is live and ours; digests are static.
        check(unsafe { c::EVP_PKEY_CTX_set_rsa_mgf1_md(context, md(oaep.mgf)) })?;
        operation.label(&oaep.label)?;
        Ok(operation)
    }

    fn label(&self, label: &[u8]) -> Result<(), Failed> {
        if label.is_empty() {
            return Ok(());
        }
        // The context frees the label with the library's own function, so it must come from there.
        // SAFETY: reads the bytes of a live slice.
        let copy = owned(unsafe { c::OPENSSL_memdup(label.as_ptr().cast(), label.len()) })?;
        // SAFETY: the context is live and owns the copy once it answers 1.
        let answer = unsafe {
            c::EVP_PKEY_CTX_set0_rsa_oaep_label(self.0.as_ptr(), copy.as_ptr().cast(), label.len())
        };
        check(answer).inspect_err(|Failed| {
            // SAFETY: allocated above, and refused.
            unsafe { c::OPENSSL_free(copy.as_ptr()) }
        })
    }

    fn run(&self, run: Run, input: &[u8], output: &mut [u8]) -> Result<usize, Failed> {
        let mut len = output.len();
        let (to, from) = (output.as_mut_ptr(), input.as_ptr());
        // SAFETY: reads and writes no more bytes than the live slices have.
        check(unsafe { run(self.0.as_ptr(), to, &raw mut len, from, input.len()) })?;
        if len <= output.len() { Ok(len) } else { Err(failed()) }
    }
}
