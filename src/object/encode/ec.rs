//! EC keys: ECPrivateKey (RFC 5915), curves (PKCS#11 3.2 section 6.3.1) and their attributes.
use super::{Parts, pkcs8, spki};
use crate::ck::*;
use crate::crypto::{Failed, Secret, ec};
use crate::error::{Error, Result};
use crate::object::Prepared;
use crate::object::attribute::{Attributes, Value};
use crate::object::template::{Contribution, Pair};
use ::pkcs8::spki::AlgorithmIdentifierRef;
use der::asn1::{ObjectIdentifier, OctetStringRef, PrintableStringRef};
use der::{Decode, Encode};
use sec1::EcPrivateKey;

/// id-ecPublicKey
pub(super) const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// What curves are called where they are not named by their object identifier.
const NAMES: &[(&str, ec::Curve)] = &[
    ("secp224r1", ec::Curve::P224),
    ("P-224", ec::Curve::P224),
    ("secp256r1", ec::Curve::P256),
    ("prime256v1", ec::Curve::P256),
    ("P-256", ec::Curve::P256),
    ("secp384r1", ec::Curve::P384),
    ("P-384", ec::Curve::P384),
    ("secp521r1", ec::Curve::P521),
    ("P-521", ec::Curve::P521),
    ("secp256k1", ec::Curve::Secp256k1),
];

/// The curve that `CKA_EC_PARAMS` names, by object identifier or curve name.
/// `CKR_CURVE_NOT_SUPPORTED`; `CKR_ATTRIBUTE_VALUE_INVALID` for what is not DER.
pub fn curve(ec_params: &[u8]) -> Result<ec::Curve> {
    let unknown = Error::CurveNotSupported;
    if let Ok(oid) = ObjectIdentifier::from_der(ec_params) {
        return by_oid(oid).ok_or_else(|| unknown.because(oid));
    }
    if let Ok(name) = PrintableStringRef::from_der(ec_params) {
        let row = NAMES.iter().find(|(known, _)| *known == name.as_str());
        return row.map(|(_, curve)| *curve).ok_or_else(|| unknown.because(name.as_str()));
    }
    match der::asn1::AnyRef::from_der(ec_params) {
        Ok(_) => Err(unknown.because("explicit or implicit curve parameters")),
        Err(_) => Err(Error::AttributeValueInvalid.because("CKA_EC_PARAMS")),
    }
}

pub(super) fn by_oid(oid: ObjectIdentifier) -> Option<ec::Curve> {
    ec::Curve::ALL.into_iter().find(|curve| curve.oid() == oid)
}

/// `CKA_EC_PARAMS` as it is kept: the object identifier.
pub(in crate::object) fn params(curve: ec::Curve) -> Result<Value> {
    curve.oid().to_der().map(|der| Value::bytes(&der)).map_err(|_| Error::GeneralError)
}

pub(super) fn public(parts: Parts) -> Result<ec::PublicKey> {
    point(curve(parts.bytes(CKA_EC_PARAMS)?)?, parts.bytes(CKA_EC_POINT)?)
}

/// A point in the OCTET STRING that the standard asks for, or without it, as some programs have it.
pub fn point(curve: ec::Curve, bytes: &[u8]) -> Result<ec::PublicKey> {
    <&OctetStringRef>::from_der(bytes)
        .map_err(|_| Failed)
        .and_then(|inner| ec::PublicKey::new(curve, inner.as_bytes()))
        .or_else(|Failed| ec::PublicKey::new(curve, bytes))
        .map_err(|Failed| Error::AttributeValueInvalid.because("CKA_EC_POINT is not on the curve"))
}

/// A private key; if its point is given too, both must belong together.
pub(super) fn private(parts: Parts) -> Result<ec::PrivateKey> {
    let curve = curve(parts.bytes(CKA_EC_PARAMS)?)?;
    let key = ec::PrivateKey::new(curve, parts.bytes(CKA_VALUE)?).map_err(|Failed| {
        Error::AttributeValueInvalid.because("CKA_VALUE is no scalar of the curve")
    })?;
    match parts.attributes.bytes(CKA_EC_POINT) {
        Some(given) if point(curve, given)?.point() != key.point() => {
            Err(Error::AttributeValueInvalid.because("CKA_EC_POINT belongs to another key"))
        }
        _ => Ok(key),
    }
}

pub(super) fn public_derived(curve: ec::Curve, point: &[u8]) -> Result<Attributes> {
    let string = OctetStringRef::new(point).and_then(|point| point.to_der());
    Ok(Attributes::from_iter([
        (CKA_EC_PARAMS, params(curve)?),
        (CKA_EC_POINT, Value::bytes(&string.map_err(|_| Error::GeneralError)?)),
        (CKA_PUBLIC_KEY_INFO, Value::bytes(&spki::ec(curve, point)?)),
    ]))
}

pub(super) fn private_derived(key: &ec::PrivateKey) -> Result<Attributes> {
    let mut derived = public_derived(key.curve(), key.point())?;
    let scalar = key.scalar().map_err(|Failed| Error::FunctionFailed)?;
    derived.set(CKA_VALUE, Value::Bytes(scalar));
    Ok(derived)
}

/// As OpenSSL writes it: the curve outside, scalar and public key inside.
pub(super) fn encoding(key: &ec::PrivateKey) -> Result<Secret> {
    let scalar = key.scalar().map_err(|Failed| Error::FunctionFailed)?;
    encode(key.curve(), &scalar, key.point())
}

fn encode(curve: ec::Curve, scalar: &[u8], point: &[u8]) -> Result<Secret> {
    let inner = EcPrivateKey { private_key: scalar, parameters: None, public_key: Some(point) };
    let inner = inner.to_der().map(Secret::new).map_err(|_| Error::GeneralError)?;
    let curve = curve.oid();
    let algorithm = AlgorithmIdentifierRef { oid: OID, parameters: Some((&curve).into()) };
    pkcs8::wrap(algorithm, &inner)
}

/// Every key of a curve has an encoding of the same length.
pub(super) fn encoding_len(curve: ec::Curve) -> usize {
    use super::element_len;
    const VERSION: usize = 3;
    let scalar = element_len(curve.field_len());
    let public = element_len(element_len(1 + 1 + 2 * curve.field_len()));
    let inner = element_len(VERSION + scalar + public);
    let algorithm =
        element_len(element_len(OID.as_bytes().len()) + element_len(curve.oid().as_bytes().len()));
    pkcs8::wrapped_len(algorithm, inner)
}

/// The curve is named outside, inside or both alike; a public key, wherever it stands, must be the
/// scalar's.
pub(super) fn from_pkcs8(der: &[u8]) -> Option<Attributes> {
    let outer = pkcs8::Outer::parse(der)?;
    if outer.algorithm.oid != OID {
        return None;
    }
    let inner = EcPrivateKey::from_der(outer.private_key).ok()?;
    let outside = match outer.algorithm.parameters {
        None => None,
        Some(parameters) => Some(parameters.decode_as::<ObjectIdentifier>().ok()?),
    };
    let inside = match inner.parameters {
        None => None,
        Some(parameters) => Some(parameters.named_curve()?),
    };
    if let (Some(outside), Some(inside)) = (outside, inside)
        && outside != inside
    {
        return None;
    }
    let curve = by_oid(outside.or(inside)?)?;
    let key = ec::PrivateKey::new(curve, inner.private_key).ok()?;
    for public in [inner.public_key, outer.public_key].into_iter().flatten() {
        if ec::PublicKey::new(curve, public).ok()?.point() != key.point() {
            return None;
        }
    }
    attributes(&key).ok()
}

/// What makes a private key, its point with it.
pub(super) fn attributes(key: &ec::PrivateKey) -> Result<Attributes> {
    let mut private = private_derived(key)?;
    private.remove(CKA_PUBLIC_KEY_INFO);
    Ok(private)
}

/// Both halves of a fresh EC key.
pub fn ec_pair(key: ec::PrivateKey) -> Result<Pair> {
    let public = key.public().map_err(|Failed| Error::FunctionFailed)?;
    Ok(Pair {
        public: Contribution::made(Prepared::EcPublic(public)),
        private: Contribution::made(Prepared::EcPrivate(key)),
    })
}
