//! A key on a named curve (`EC_KEY`): ECDSA and ECDH.
//!
//! The library only reads a complete key, so any number of threads may use one.
use super::super::{Failed, Secret, ec::Curve};
use super::bignum::{BigNum, Scratch};
use super::{check, owned};
use aws_lc_sys as c;
use std::ptr::{self, NonNull};

/// A public or private key; the public half is always there.
#[derive(Debug)]
pub(in crate::crypto) struct EcKey {
    key: NonNull<c::EC_KEY>,
    curve: Curve,
}

struct Point(NonNull<c::EC_POINT>);

struct Signature(NonNull<c::ECDSA_SIG>);

// SAFETY: the key is not tied to a thread.
unsafe impl Send for EcKey {}
// SAFETY: shared references only read it.
unsafe impl Sync for EcKey {}

impl Drop for EcKey {
    fn drop(&mut self) {
        // SAFETY: ours alone and live; the library clears the scalar.
        unsafe { c::EC_KEY_free(self.key.as_ptr()) }
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::EC_POINT_free(self.0.as_ptr()) }
    }
}

impl Drop for Signature {
    fn drop(&mut self) {
        // SAFETY: ours alone and live.
        unsafe { c::ECDSA_SIG_free(self.0.as_ptr()) }
    }
}

impl EcKey {
    /// A public key from a point, uncompressed or compressed.
    pub(in crate::crypto) fn public(curve: Curve, point: &[u8]) -> Result<EcKey, Failed> {
        let (key, decoded) = (EcKey::empty(curve)?, Point::new(curve)?);
        let (group, out) = (group(curve), decoded.0.as_ptr());
        // SAFETY: reads the bytes of a live slice into a live point of ours; no scratch memory is
        // needed.
        check(unsafe {
            c::EC_POINT_oct2point(group, out, point.as_ptr(), point.len(), ptr::null_mut())
        })?;
        key.set_public(&decoded)?;
        Ok(key)
    }

    /// A private key from its scalar, refused outside `[1, order - 1]`.
    pub(in crate::crypto) fn private(curve: Curve, scalar: &[u8]) -> Result<EcKey, Failed> {
        let (key, point, scratch) = (EcKey::empty(curve)?, Point::new(curve)?, Scratch::new()?);
        let scalar = BigNum::from_be(scalar)?;
        // SAFETY: changes a live key of ours to a copy of a live number.
        check(unsafe { c::EC_KEY_set_private_key(key.key.as_ptr(), scalar.as_ptr()) })?;
        let (group, out, none) = (group(curve), point.0.as_ptr(), ptr::null());
        // SAFETY: writes a live point of ours: the scalar times the generator, and nothing added.
        check(unsafe {
            c::EC_POINT_mul(group, out, scalar.as_ptr(), none, ptr::null(), scratch.as_ptr())
        })?;
        key.set_public(&point)?;
        Ok(key)
    }

    /// A fresh private key.
    pub(in crate::crypto) fn generate(curve: Curve) -> Result<EcKey, Failed> {
        let key = EcKey::empty(curve)?;
        // SAFETY: changes a live key of ours.
        check(unsafe { c::EC_KEY_generate_key(key.key.as_ptr()) })?;
        Ok(key)
    }

    /// The curve.
    pub(in crate::crypto) fn curve(&self) -> Curve {
        self.curve
    }

    /// The uncompressed point.
    pub(in crate::crypto) fn point(&self) -> Result<Vec<u8>, Failed> {
        let mut bytes = vec![0; 1 + 2 * self.curve.field_len()];
        // SAFETY: reads a live key; the point belongs to it.
        let point = unsafe { c::EC_KEY_get0_public_key(self.key.as_ptr()) };
        let form = c::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        let (group, out, len) = (group(self.curve), bytes.as_mut_ptr(), bytes.len());
        // SAFETY: writes at most `len` bytes; a missing point (NULL) cannot be, every constructor
        // sets one.
        let written =
            unsafe { c::EC_POINT_point2oct(group, point, form, out, len, ptr::null_mut()) };
        if written == len { Ok(bytes) } else { Err(super::failed()) }
    }

    /// The scalar of a private key, of the field's length.
    pub(in crate::crypto) fn scalar(&self) -> Result<Secret, Failed> {
        let mut scalar = Secret::new(vec![0; self.curve.field_len()]);
        // SAFETY: reads a live key; the number belongs to it.
        let number = unsafe { c::EC_KEY_get0_private_key(self.key.as_ptr()) };
        if number.is_null() {
            return Err(Failed);
        }
        // SAFETY: writes exactly the length of the buffer, from a live number.
        check(unsafe { c::BN_bn2bin_padded(scalar.as_mut_ptr(), scalar.len(), number) })?;
        Ok(scalar)
    }

    /// ECDSA: `r ‖ s`.
    pub(in crate::crypto) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Failed> {
        // SAFETY: reads the bytes of a live slice and a live key.
        let signature =
            unsafe { c::ECDSA_do_sign(digest.as_ptr(), digest.len(), self.key.as_ptr()) };
        let signature = Signature(owned(signature)?);
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: the numbers belong to the live signature.
        unsafe { c::ECDSA_SIG_get0(signature.0.as_ptr(), &raw mut r, &raw mut s) };
        let mut bytes = vec![0; 2 * self.curve.field_len()];
        for (half, number) in bytes.chunks_exact_mut(self.curve.field_len()).zip([r, s]) {
            // SAFETY: writes exactly the length of the buffer, from a live number.
            check(unsafe { c::BN_bn2bin_padded(half.as_mut_ptr(), half.len(), number) })?;
        }
        Ok(bytes)
    }

    /// Verifies `r ‖ s`.
    pub(in crate::crypto) fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Failed> {
        if signature.len() != 2 * self.curve.field_len() {
            return Err(Failed);
        }
        let (r, s) = signature.split_at_checked(self.curve.field_len()).ok_or(Failed)?;
        let (r, s) = (BigNum::from_be(r)?, BigNum::from_be(s)?);
        // SAFETY: no preconditions.
        let signature = Signature(owned(unsafe { c::ECDSA_SIG_new() })?);
        // SAFETY: the live signature takes both numbers; it refuses NULL only, and they are not.
        check(unsafe { c::ECDSA_SIG_set0(signature.0.as_ptr(), r.into_raw(), s.into_raw()) })?;
        let (key, signature) = (self.key.as_ptr(), signature.0.as_ptr());
        // SAFETY: reads the bytes of a live slice, a live signature and a live key.
        check(unsafe { c::ECDSA_do_verify(digest.as_ptr(), digest.len(), signature, key) })
    }

    /// ECDH: the x coordinate of the product, of the field's length. `peer` is on the same curve.
    pub(in crate::crypto) fn agree(&self, peer: &EcKey) -> Result<Secret, Failed> {
        let mut shared = Secret::new(vec![0; self.curve.field_len()]);
        // SAFETY: reads a live key; the point belongs to it and is never NULL, every constructor
        // sets one.
        let point = unsafe { c::EC_KEY_get0_public_key(peer.key.as_ptr()) };
        let (out, len) = (shared.as_mut_ptr().cast(), shared.len());
        // SAFETY: writes at most `len` bytes; reads a live point and a live key.
        let written = unsafe { c::ECDH_compute_key(out, len, point, self.key.as_ptr(), None) };
        match usize::try_from(written) {
            Ok(written) if written == len => Ok(shared),
            _ => Err(super::failed()),
        }
    }

    fn empty(curve: Curve) -> Result<EcKey, Failed> {
        // SAFETY: no preconditions.
        let key = owned(unsafe { c::EC_KEY_new() })?;
        let key = EcKey { key, curve };
        // SAFETY: changes a live key of ours; the group is static.
        check(unsafe { c::EC_KEY_set_group(key.key.as_ptr(), group(curve)) })?;
        Ok(key)
    }

    fn set_public(&self, point: &Point) -> Result<(), Failed> {
        // SAFETY: changes a live key of ours, which no other thread has yet, to a copy of a live
        // point.
        check(unsafe { c::EC_KEY_set_public_key(self.key.as_ptr(), point.0.as_ptr()) })
    }
}

impl Point {
    fn new(curve: Curve) -> Result<Point, Failed> {
        // SAFETY: the group is static.
        owned(unsafe { c::EC_POINT_new(group(curve)) }).map(Point)
    }
}

fn group(curve: Curve) -> *const c::EC_GROUP {
    let group = match curve {
        Curve::P224 => c::EC_group_p224,
        Curve::P256 => c::EC_group_p256,
        Curve::P384 => c::EC_group_p384,
        Curve::P521 => c::EC_group_p521,
        Curve::Secp256k1 => c::EC_group_secp256k1,
    };
    // SAFETY: no preconditions; the answer is static.
    unsafe { group() }
}
