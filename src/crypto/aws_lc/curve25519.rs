//! Ed25519 (RFC 8032) and X25519 (RFC 7748). Keys are arrays; nothing is allocated.
use super::super::{Failed, Secret, edwards::Variant};
use super::check;
use aws_lc_sys as c;

/// Seed, public key, X25519 scalar and coordinate, all of this many bytes.
pub(in crate::crypto) type Bytes = [u8; 32];

/// A seed and the public key that follows from it: what the library calls a private key.
pub(in crate::crypto) fn expand(seed: &Bytes) -> (Secret, Bytes) {
    let (mut private, mut public) = (Secret::new(vec![0; 64]), Bytes::default());
    let (out, seed) = (private.as_mut_ptr(), seed.as_ptr());
    // SAFETY: reads 32 bytes, writes 32 and 64 bytes; the arrays have them.
    unsafe { c::ED25519_keypair_from_seed(public.as_mut_ptr(), out, seed) };
    (private, public)
}

/// Signs with what [`expand`] made.
pub(in crate::crypto) fn sign(
    private: &[u8; 64],
    variant: &Variant,
    message: &[u8],
) -> Result<[u8; 64], Failed> {
    let mut signature = [0; 64];
    let (out, key) = (signature.as_mut_ptr(), private.as_ptr());
    let (at, len) = (message.as_ptr(), message.len());
    check(match variant {
        // SAFETY: reads the bytes of a live slice and 64 of the key; writes 64.
        Variant::Pure => unsafe { c::ED25519_sign(out, at, len, key) },
        Variant::Context(context) => {
            // SAFETY: the same, and reads the bytes of another live slice.
            unsafe { c::ED25519ctx_sign(out, at, len, key, context.as_ptr(), context.len()) }
        }
        Variant::Prehashed(context) => {
            // SAFETY: the same.
            unsafe { c::ED25519ph_sign(out, at, len, key, context.as_ptr(), context.len()) }
        }
    })?;
    Ok(signature)
}

/// Verifies.
pub(in crate::crypto) fn verify(
    public: &Bytes,
    variant: &Variant,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Failed> {
    let (signature, key) = (signature.as_ptr(), public.as_ptr());
    let (at, len) = (message.as_ptr(), message.len());
    check(match variant {
        // SAFETY: reads the bytes of a live slice, 64 of the signature, 32 of the key.
        Variant::Pure => unsafe { c::ED25519_verify(at, len, signature, key) },
        Variant::Context(context) => {
            let (context, n) = (context.as_ptr(), context.len());
            // SAFETY: the same, and reads the bytes of another live slice.
            unsafe { c::ED25519ctx_verify(at, len, signature, key, context, n) }
        }
        Variant::Prehashed(context) => {
            let (context, n) = (context.as_ptr(), context.len());
            // SAFETY: the same.
            unsafe { c::ED25519ph_verify(at, len, signature, key, context, n) }
        }
    })
}

/// The X25519 coordinate of a scalar's public key.
pub(in crate::crypto) fn x25519_public(scalar: &Bytes) -> Bytes {
    let mut public = Bytes::default();
    // SAFETY: reads and writes 32 bytes.
    unsafe { c::X25519_public_from_private(public.as_mut_ptr(), scalar.as_ptr()) };
    public
}

/// X25519; refuses a result of zeros.
pub(in crate::crypto) fn x25519(scalar: &Bytes, peer: &Bytes) -> Result<Secret, Failed> {
    let mut shared = Secret::new(vec![0; 32]);
    // SAFETY: reads twice 32 bytes and writes 32.
    check(unsafe { c::X25519(shared.as_mut_ptr(), scalar.as_ptr(), peer.as_ptr()) })?;
    Ok(shared)
}
