//! Key wrap with a check value of the caller's choice, which crate `aes-kw` cannot do.
//!
//! The wrapping functions W and W⁻¹ of RFC 3394 sections 2.2.1 and 2.2.2, and the two ways to
//! use them. Lengths were checked by the parent: `n` ≥ 2 without padding, `n` ≥ 1 with.
use super::{Failed, SEMIBLOCK, Secret};
use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt,
    consts::{U8, U16},
};
use subtle::{Choice, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroize;

type Semiblock = Array<u8, U8>;

pub(super) fn wrap<C>(aes: &C, iv: [u8; 8], key: &[u8]) -> Result<Vec<u8>, Failed>
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    let mut r = key.to_vec();
    let a = w(aes, iv, &mut r);
    Ok([&a, &r[..]].concat())
}

pub(super) fn unwrap<C>(aes: &C, iv: [u8; 8], wrapped: &[u8]) -> Result<Secret, Failed>
where
    C: BlockCipherDecrypt<BlockSize = U16>,
{
    let (a, r) = wrapped.split_first_chunk().ok_or(Failed)?;
    let mut r = Secret::new(r.to_vec());
    let a = w_inverse(aes, *a, &mut r);
    if a.ct_eq(&iv).into() { Ok(r) } else { Err(Failed) }
}

pub(super) fn wrap_padded<C>(aes: &C, iv: [u8; 4], key: &[u8]) -> Result<Vec<u8>, Failed>
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    // RFC 5649 section 3: the check value is the constant and the message length indicator.
    let len = u32::try_from(key.len()).map_err(|_| Failed)?.to_be_bytes();
    let mut a = [0; SEMIBLOCK];
    a.iter_mut().zip(iv.into_iter().chain(len)).for_each(|(to, from)| *to = from);
    // RFC 5649 section 4.1, step 1: append padding.
    let mut r = Vec::with_capacity(key.len().next_multiple_of(SEMIBLOCK));
    r.extend_from_slice(key);
    r.resize(key.len().next_multiple_of(SEMIBLOCK), 0);
    // Step 2: wrapping; one semiblock is encrypted as it stands, more go through W.
    let a = if r.len() == SEMIBLOCK {
        crypt(a, &mut r, |b| aes.encrypt_block(b))
    } else {
        w(aes, a, &mut r)
    };
    Ok([&a, &r[..]].concat())
}

pub(super) fn unwrap_padded<C>(aes: &C, iv: [u8; 4], wrapped: &[u8]) -> Result<Secret, Failed>
where
    C: BlockCipherDecrypt<BlockSize = U16>,
{
    // RFC 5649 section 4.2, step 1: key unwrapping.
    let (a, r) = wrapped.split_first_chunk().ok_or(Failed)?;
    let mut r = Secret::new(r.to_vec());
    let a = if r.len() == SEMIBLOCK {
        crypt(*a, &mut r, |b| aes.decrypt_block(b))
    } else {
        w_inverse(aes, *a, &mut r)
    };
    // Step 2: AIV verification, and step 3: removing the padding.
    let len = message_length(a, iv, &r)?;
    r.truncate(len);
    Ok(r)
}

/// The message length in the check value `a` if the three conditions of RFC 5649 section 3 hold
/// for it and the padded key `r`. All are looked at in any case.
fn message_length(a: [u8; 8], iv: [u8; 4], r: &[u8]) -> Result<usize, Failed> {
    let (constant, len) = a.split_first_chunk::<4>().ok_or(Failed)?;
    let len = u32::from_be_bytes(*len.first_chunk().ok_or(Failed)?);
    let most = u32::try_from(r.len()).map_err(|_| Failed)?;
    let mut good = constant.ct_eq(&iv);
    // 8(n − 1) < MLI ≤ 8n
    let short = most - 8;
    good &= short.ct_lt(&len) & !most.ct_lt(&len);
    for (at, byte) in (short..).zip(r.iter().rev().take(SEMIBLOCK).rev()) {
        good &= Choice::from(u8::from(at < len)) | byte.ct_eq(&0);
    }
    if good.into() { usize::try_from(len).map_err(|_| Failed) } else { Err(Failed) }
}

/// W: wraps the semiblocks `r` in place and answers the final check value.
fn w<C>(aes: &C, mut a: [u8; 8], r: &mut [u8]) -> [u8; 8]
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    // 2) For j = 0 to 5, for i = 1 to n: B = AES(K, A | R[i]); A = MSB(64, B) ^ t, t = nj + i;
    //    R[i] = LSB(64, B)
    let mut t = 0u64;
    for _ in 0..6 {
        for r in r.chunks_exact_mut(SEMIBLOCK) {
            t += 1;
            a = xor(crypt(a, r, |b| aes.encrypt_block(b)), t);
        }
    }
    a
}

/// W⁻¹: unwraps the semiblocks `r` in place and answers the initial check value.
fn w_inverse<C>(aes: &C, mut a: [u8; 8], r: &mut [u8]) -> [u8; 8]
where
    C: BlockCipherDecrypt<BlockSize = U16>,
{
    // 2) For j = 5 to 0, for i = n to 1: B = AES⁻¹(K, (A ^ t) | R[i]), t = nj + i;
    //    A = MSB(64, B); R[i] = LSB(64, B)
    let steps = 6 * r.chunks_exact(SEMIBLOCK).len();
    let mut t = u64::try_from(steps).unwrap_or_default();
    for _ in 0..6 {
        for r in r.chunks_exact_mut(SEMIBLOCK).rev() {
            a = crypt(xor(a, t), r, |b| aes.decrypt_block(b));
            t -= 1;
        }
    }
    a
}

fn xor(a: [u8; 8], t: u64) -> [u8; 8] {
    (u64::from_be_bytes(a) ^ t).to_be_bytes()
}

/// B = AES(A | R) by `aes`, forwards or backwards: leaves its right half in `r`, answers the left.
fn crypt(a: [u8; 8], r: &mut [u8], aes: impl Fn(&mut Array<u8, U16>)) -> [u8; 8] {
    let mut right = Semiblock::default();
    right.copy_from_slice(r);
    let mut block = Semiblock::from(a).concat(right);
    aes(&mut block);
    let (left, right_out) = block.split_at(SEMIBLOCK);
    r.copy_from_slice(right_out);
    let mut a = [0; SEMIBLOCK];
    a.copy_from_slice(left);
    block.zeroize();
    right.zeroize();
    a
}
