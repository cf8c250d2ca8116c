//! AWS-LC's ChaCha20.
use crate::crypto::Failed;
use aws_lc_sys as c;

/// Appends `data` combined with the key stream that begins with the block `counter`; `key` has 32
/// bytes.
pub(in crate::crypto) fn keystream_xor(
    key: &[u8],
    nonce: &[u8; 12],
    counter: u32,
    data: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let key: &[u8; 32] = key.try_into().map_err(|_| Failed)?;
    out.try_reserve(data.len()).map_err(|_| Failed)?;
    let start = out.len();
    let room = out.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    // SAFETY: reads `data` and arrays of the lengths it wants; writes as many bytes as `data` has
    // into memory of our own that was reserved above.
    unsafe {
        c::CRYPTO_chacha_20(room, data.as_ptr(), data.len(), key.as_ptr(), nonce.as_ptr(), counter)
    };
    // SAFETY: that many bytes behind the first `start` are written now.
    unsafe { out.set_len(start + data.len()) };
    Ok(())
}
