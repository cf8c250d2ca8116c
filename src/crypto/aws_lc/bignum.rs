//! Non-negative integers of any length (`BIGNUM`), what prime searches and key checks need of them.
//!
//! Functions whose time depends on their operands say so; the others are the library's
//! constant-time ones.
use super::super::{Failed, Secret};
use super::{check, owned};
use aws_lc_sys as c;
use std::cmp::Ordering;
use std::ptr::{self, NonNull};

/// A machine word of the library.
pub(in crate::crypto) type Word = c::BN_ULONG;

/// An integer; cleared when dropped.
#[derive(Debug)]
pub(in crate::crypto) struct BigNum(NonNull<c::BIGNUM>);

/// Scratch memory of calculations.
#[derive(Debug)]
pub(in crate::crypto) struct Scratch(NonNull<c::BN_CTX>);

/// An odd modulus, prepared for multiplication.
#[derive(Debug)]
pub(in crate::crypto) struct Modulus {
    context: NonNull<c::BN_MONT_CTX>,
    value: BigNum,
}

// SAFETY: a BIGNUM is plain memory without ties to a thread.
unsafe impl Send for BigNum {}
// SAFETY: shared references only read it.
unsafe impl Sync for BigNum {}

impl Drop for BigNum {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::BN_clear_free(self.0.as_ptr()) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::BN_CTX_free(self.0.as_ptr()) }
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::BN_MONT_CTX_free(self.context.as_ptr()) }
    }
}

impl Scratch {
    /// Fresh scratch memory.
    pub(in crate::crypto) fn new() -> Result<Scratch, Failed> {
        // SAFETY: no preconditions.
        owned(unsafe { c::BN_CTX_new() }).map(Scratch)
    }

    pub(super) fn as_ptr(&self) -> *mut c::BN_CTX {
        self.0.as_ptr()
    }
}

impl BigNum {
    /// Zero.
    pub(in crate::crypto) fn new() -> Result<BigNum, Failed> {
        // SAFETY: no preconditions.
        owned(unsafe { c::BN_new() }).map(BigNum)
    }

    /// From big-endian bytes, any number of leading zeros.
    pub(in crate::crypto) fn from_be(bytes: &[u8]) -> Result<BigNum, Failed> {
        // SAFETY: reads `len` bytes of a live slice; NULL asks for a new number.
        owned(unsafe { c::BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) }).map(BigNum)
    }

    /// A random odd number of exactly `bits` bits, the two highest of them ones.
    pub(in crate::crypto) fn random_odd(bits: usize) -> Result<BigNum, Failed> {
        let bits = i32::try_from(bits).map_err(|_| Failed)?;
        let number = BigNum::new()?;
        // SAFETY: writes a live number of ours.
        check(unsafe {
            c::BN_rand(number.0.as_ptr(), bits, c::BN_RAND_TOP_TWO, c::BN_RAND_BOTTOM_ODD)
        })?;
        Ok(number)
    }

    /// A uniform random number in `[from, below - 1]`.
    pub(in crate::crypto) fn random_range(from: Word, below: &BigNum) -> Result<BigNum, Failed> {
        let number = BigNum::new()?;
        // SAFETY: writes a live number of ours, reads another.
        check(unsafe { c::BN_rand_range_ex(number.0.as_ptr(), from, below.as_ptr()) })?;
        Ok(number)
    }

    /// Big-endian, without leading zeros.
    pub(in crate::crypto) fn to_be(&self) -> Result<Secret, Failed> {
        self.to_be_padded(self.bits().div_ceil(8))
    }

    /// Big-endian, `len` bytes.
    pub(in crate::crypto) fn to_be_padded(&self, len: usize) -> Result<Secret, Failed> {
        let mut bytes = Secret::new(vec![0; len]);
        // SAFETY: writes `len` bytes into a buffer of that length, or fails if the number needs
        // more.
        check(unsafe { c::BN_bn2bin_padded(bytes.as_mut_ptr(), len, self.as_ptr()) })?;
        Ok(bytes)
    }

    /// Length in bits.
    pub(in crate::crypto) fn bits(&self) -> usize {
        // SAFETY: reads a live number.
        let bits = unsafe { c::BN_num_bits(self.as_ptr()) };
        usize::try_from(bits).unwrap_or(usize::MAX)
    }

    /// Whether it is odd.
    pub(in crate::crypto) fn is_odd(&self) -> bool {
        // SAFETY: reads a live number.
        unsafe { c::BN_is_odd(self.as_ptr()) == 1 }
    }

    /// Whether it is 1.
    pub(in crate::crypto) fn is_one(&self) -> bool {
        // SAFETY: reads a live number.
        unsafe { c::BN_is_one(self.as_ptr()) == 1 }
    }

    /// How many of its low bits are zero before the first one; of 0, none.
    pub(in crate::crypto) fn trailing_zeros(&self) -> usize {
        // SAFETY: reads a live number.
        let zeros = unsafe { c::BN_count_low_zero_bits(self.as_ptr()) };
        usize::try_from(zeros).unwrap_or(0)
    }

    /// Which is greater.
    pub(in crate::crypto) fn compare(&self, other: &BigNum) -> Ordering {
        // SAFETY: reads two live numbers.
        unsafe { c::BN_ucmp(self.as_ptr(), other.as_ptr()) }.cmp(&0)
    }

    /// Remainder by `word`, which is not 0. Variable time.
    pub(in crate::crypto) fn rem_word(&self, word: Word) -> Word {
        // SAFETY: reads a live number.
        unsafe { c::BN_mod_word(self.as_ptr(), word) }
    }

    /// This plus `word`.
    pub(in crate::crypto) fn plus(&self, word: Word) -> Result<BigNum, Failed> {
        let sum = self.copy()?;
        // SAFETY: writes a live number of ours.
        check(unsafe { c::BN_add_word(sum.0.as_ptr(), word) })?;
        Ok(sum)
    }

    /// This minus `word`, which is not greater.
    pub(in crate::crypto) fn minus(&self, word: Word) -> Result<BigNum, Failed> {
        let difference = self.copy()?;
        // SAFETY: writes a live number of ours.
        check(unsafe { c::BN_sub_word(difference.0.as_ptr(), word) })?;
        Ok(difference)
    }

    /// The distance to `other`.
    pub(in crate::crypto) fn distance(&self, other: &BigNum) -> Result<BigNum, Failed> {
        let (high, low) =
            if self.compare(other) == Ordering::Less { (other, self) } else { (self, other) };
        let difference = BigNum::new()?;
        // SAFETY: writes a live number of ours, reads two others; the first is not the smaller.
        check(unsafe { c::BN_usub(difference.0.as_ptr(), high.as_ptr(), low.as_ptr()) })?;
        Ok(difference)
    }

    /// Without its `n` low bits.
    pub(in crate::crypto) fn shift_right(&self, n: usize) -> Result<BigNum, Failed> {
        let n = i32::try_from(n).map_err(|_| Failed)?;
        let shifted = BigNum::new()?;
        // SAFETY: writes a live number of ours, reads another.
        check(unsafe { c::BN_rshift(shifted.0.as_ptr(), self.as_ptr(), n) })?;
        Ok(shifted)
    }

    /// The product.
    pub(in crate::crypto) fn times(
        &self,
        other: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let product = BigNum::new()?;
        // SAFETY: writes a live number of ours, reads two others, with scratch memory of this
        // thread.
        check(unsafe {
            c::BN_mul(product.0.as_ptr(), self.as_ptr(), other.as_ptr(), scratch.0.as_ptr())
        })?;
        Ok(product)
    }

    /// The quotient without remainder; fails for a divisor 0. Variable time.
    pub(in crate::crypto) fn divided_by(
        &self,
        other: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let (quotient, none) = (BigNum::new()?, ptr::null_mut());
        // SAFETY: writes a live number of ours and no remainder, reads two others.
        check(unsafe {
            c::BN_div(quotient.0.as_ptr(), none, self.as_ptr(), other.as_ptr(), scratch.0.as_ptr())
        })?;
        Ok(quotient)
    }

    /// The greatest common divisor.
    pub(in crate::crypto) fn gcd(
        &self,
        other: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let divisor = BigNum::new()?;
        // SAFETY: writes a live number of ours, reads two others.
        check(unsafe {
            c::BN_gcd(divisor.0.as_ptr(), self.as_ptr(), other.as_ptr(), scratch.0.as_ptr())
        })?;
        Ok(divisor)
    }

    /// The inverse modulo `modulus`, if there is one. Variable time for an odd modulus, constant
    /// for an even one.
    pub(in crate::crypto) fn inverse(
        &self,
        modulus: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let inverse = BigNum::new()?;
        let (out, number) = (inverse.0.as_ptr(), self.as_ptr());
        // SAFETY: writes a live number of ours and returns it, or NULL; reads two others.
        owned(unsafe { c::BN_mod_inverse(out, number, modulus.as_ptr(), scratch.0.as_ptr()) })?;
        Ok(inverse)
    }

    pub(super) fn as_ptr(&self) -> *const c::BIGNUM {
        self.0.as_ptr()
    }

    /// A copy for a C object that takes ownership of it.
    pub(super) fn copy(&self) -> Result<BigNum, Failed> {
        // SAFETY: reads a live number.
        owned(unsafe { c::BN_dup(self.as_ptr()) }).map(BigNum)
    }

    /// Gives the number to a C object, which frees it from now on.
    pub(super) fn into_raw(self) -> *mut c::BIGNUM {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    /// Takes back what [`Self::into_raw`] gave to a C object that refused it.
    ///
    /// # Safety
    /// `number` comes from `into_raw` and has no owner.
    pub(super) unsafe fn from_raw(number: NonNull<c::BIGNUM>) -> BigNum {
        BigNum(number)
    }
}

impl Modulus {
    /// Prepares an odd number.
    pub(in crate::crypto) fn new(value: BigNum, scratch: &mut Scratch) -> Result<Modulus, Failed> {
        // SAFETY: reads a live number, with scratch memory of this thread.
        let context =
            owned(unsafe { c::BN_MONT_CTX_new_consttime(value.as_ptr(), scratch.0.as_ptr()) })?;
        Ok(Modulus { context, value })
    }

    /// The number.
    pub(in crate::crypto) fn value(&self) -> &BigNum {
        &self.value
    }

    /// The number again, without the preparation.
    pub(in crate::crypto) fn to_value(&self) -> Result<BigNum, Failed> {
        self.value.copy()
    }

    /// `base^exponent`, for a base less than the modulus.
    pub(in crate::crypto) fn power(
        &self,
        base: &BigNum,
        exponent: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let power = BigNum::new()?;
        let (out, context) = (power.0.as_ptr(), self.context.as_ptr());
        let (base, exponent, modulus) = (base.as_ptr(), exponent.as_ptr(), self.value.as_ptr());
        // SAFETY: writes a live number of ours, reads others that live; `context` belongs to
        // `modulus`.
        check(unsafe {
            c::BN_mod_exp_mont_consttime(out, base, exponent, modulus, scratch.0.as_ptr(), context)
        })?;
        Ok(power)
    }

    /// `number²`, for a number less than the modulus.
    pub(in crate::crypto) fn square(
        &self,
        number: &BigNum,
        scratch: &mut Scratch,
    ) -> Result<BigNum, Failed> {
        let (shifted, square) = (BigNum::new()?, BigNum::new()?);
        let (context, memory) = (self.context.as_ptr(), scratch.0.as_ptr());
        // SAFETY: writes a live number of ours, reads another.
        check(unsafe {
            c::BN_to_montgomery(shifted.0.as_ptr(), number.as_ptr(), context, memory)
        })?;
        // One factor is in Montgomery form, the other is not: the form cancels out.
        let (out, left, right) = (square.0.as_ptr(), shifted.as_ptr(), number.as_ptr());
        // SAFETY: writes a live number of ours, reads two others.
        check(unsafe { c::BN_mod_mul_montgomery(out, left, right, context, memory) })?;
        Ok(square)
    }
}

/// `base^exponent` for two moduli at once, which where the processor has AVX-512 IFMA takes little
/// longer than one of 1024, 1536 or 2048 bits. Bases are less than their moduli.
pub(in crate::crypto) fn power_pair(
    moduli: [&Modulus; 2],
    bases: [&BigNum; 2],
    exponents: [&BigNum; 2],
    scratch: &mut Scratch,
) -> Result<[BigNum; 2], Failed> {
    let ([m1, m2], [a1, a2], [p1, p2]) = (moduli, bases, exponents);
    let (r1, r2) = (BigNum::new()?, BigNum::new()?);
    // SAFETY: writes two live numbers of ours, reads others that live; each context belongs to its
    // modulus.
    check(unsafe {
        c::BN_mod_exp_mont_consttime_x2(
            r1.0.as_ptr(),
            a1.as_ptr(),
            p1.as_ptr(),
            m1.value.as_ptr(),
            m1.context.as_ptr(),
            r2.0.as_ptr(),
            a2.as_ptr(),
            p2.as_ptr(),
            m2.value.as_ptr(),
            m2.context.as_ptr(),
            scratch.0.as_ptr(),
        )
    })?;
    Ok([r1, r2])
}
