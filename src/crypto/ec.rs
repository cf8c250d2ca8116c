//! Elliptic curves: keys, ECDSA (FIPS 186-5), key generation. Points and scalars as in SEC 1;
//! scalars big-endian and of the field's length.
use super::{Failed, Secret};

/// A named curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp256r1
    P256,
    /// secp384r1
    P384,
    /// secp521r1
    P521,
    /// secp256k1, which Azure calls P-256K
    Secp256k1,
}

impl Curve {
    /// Every curve there is here.
    pub const ALL: [Curve; 4] = [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1];

    /// Length of a coordinate and of a scalar in bytes.
    pub const fn field_len(self) -> usize {
        match self {
            Curve::P256 | Curve::Secp256k1 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
    /// Length of the order in bits.
    pub const fn bits(self) -> usize {
        match self {
            Curve::P256 | Curve::Secp256k1 => 256,
            Curve::P384 => 384,
            Curve::P521 => 521,
        }
    }
    /// Its object identifier.
    pub const fn oid(self) -> der::asn1::ObjectIdentifier {
        der::asn1::ObjectIdentifier::new_unwrap(match self {
            Curve::P256 => "1.2.840.10045.3.1.7",
            Curve::P384 => "1.3.132.0.34",
            Curve::P521 => "1.3.132.0.35",
            Curve::Secp256k1 => "1.3.132.0.10",
        })
    }
}

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {}

/// A prepared private key.
#[derive(Debug)]
pub struct PrivateKey {}

impl PublicKey {
    /// From a SEC 1 point, uncompressed, compressed or hybrid; checked to be on the curve and not
    /// the point at infinity.
    pub fn new(curve: Curve, point: &[u8]) -> Result<PublicKey, Failed> {
        let _ = (curve, point);
        todo!()
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        todo!()
    }
    /// The uncompressed SEC 1 point: `04 x y`.
    pub fn point(&self) -> &[u8] {
        todo!()
    }
    /// Verifies `r ‖ s`, each of the order's length in bytes, over a digest (the leftmost bits count).
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Failed> {
        let _ = (digest, signature);
        todo!()
    }
}

impl PrivateKey {
    /// From a scalar of at most the field's length, leading zeros optional; refused outside
    /// `[1, order - 1]`.
    pub fn new(curve: Curve, scalar: &[u8]) -> Result<PrivateKey, Failed> {
        let _ = (curve, scalar);
        todo!()
    }
    /// A fresh key.
    pub fn generate(curve: Curve) -> Result<PrivateKey, Failed> {
        let _ = curve;
        todo!()
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        todo!()
    }
    /// The scalar, of the field's length.
    pub fn scalar(&self) -> Result<Secret, Failed> {
        todo!()
    }
    /// The uncompressed SEC 1 point of the public half.
    pub fn point(&self) -> &[u8] {
        todo!()
    }
    /// Signs a digest: `r ‖ s`, each of the order's length in bytes.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Failed> {
        let _ = digest;
        todo!()
    }
}
