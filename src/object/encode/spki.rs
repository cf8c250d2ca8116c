//! SubjectPublicKeyInfo (RFC 5280 section 4.1): `CKA_PUBLIC_KEY_INFO`, and KEKs as clouds hand them out.
use super::{ec as ec_keys, okp, rsa as rsa_keys};
use crate::ck::*;
use crate::crypto::ec::Curve;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value, strip};
use ::rsa::pkcs1;
use ::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode};

/// Of an RSA key.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>> {
    let number = |bytes| UintRef::new(bytes).map_err(|_| Error::AttributeValueInvalid);
    let key = pkcs1::RsaPublicKey { modulus: number(modulus)?, public_exponent: number(exponent)? };
    let key = key.to_der().map_err(|_| Error::AttributeValueInvalid)?;
    encode(rsa_keys::ALGORITHM, &key)
}

/// Of an uncompressed point.
pub(super) fn ec(curve: Curve, point: &[u8]) -> Result<Vec<u8>> {
    let curve = curve.oid();
    encode(AlgorithmIdentifierRef { oid: ec_keys::OID, parameters: Some((&curve).into()) }, point)
}

pub(super) fn encode(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Vec<u8>> {
    BitStringRef::from_bytes(key)
        .and_then(|subject_public_key| {
            SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der()
        })
        .map_err(|_| Error::GeneralError)
}

/// The attributes that `C_CreateObject` needs for a public key in SubjectPublicKeyInfo, class and
/// key type included. `CKR_PUBLIC_KEY_INVALID`, `CKR_CURVE_NOT_SUPPORTED`.
pub fn from_spki(der: &[u8]) -> Result<Attributes> {
    let invalid = Error::PublicKeyInvalid;
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| invalid)?;
    let key = info.subject_public_key.as_bytes().ok_or(invalid)?;
    let mut attributes = match info.algorithm.oid {
        rsa_keys::OID => {
            let key = pkcs1::RsaPublicKey::<UintRef<'_>>::from_der(key).map_err(|_| invalid)?;
            let number = |number: UintRef<'_>| Value::bytes(strip(number.as_bytes()));
            Attributes::from_iter([
                (CKA_KEY_TYPE, Value::Ulong(CKK_RSA)),
                (CKA_MODULUS, number(key.modulus)),
                (CKA_PUBLIC_EXPONENT, number(key.public_exponent)),
            ])
        }
        ec_keys::OID => {
            let curve = info.algorithm.parameters.ok_or(invalid)?;
            let curve = curve.decode_as::<ObjectIdentifier>().map_err(|_| invalid)?;
            let curve = ec_keys::by_oid(curve).ok_or(Error::CurveNotSupported)?;
            let point =
                OctetStringRef::new(key).and_then(|key| key.to_der()).map_err(|_| invalid)?;
            Attributes::from_iter([
                (CKA_KEY_TYPE, Value::Ulong(CKK_EC)),
                (CKA_EC_PARAMS, ec_keys::params(curve)?),
                (CKA_EC_POINT, Value::bytes(&point)),
            ])
        }
        other => {
            let curve = okp::by_oid(other).ok_or_else(|| invalid.because(other))?;
            let mut attributes = curve.public_derived(key)?;
            attributes.remove(CKA_PUBLIC_KEY_INFO);
            attributes.set(CKA_KEY_TYPE, Value::Ulong(curve.key_type));
            attributes
        }
    };
    attributes.set(CKA_CLASS, Value::Ulong(CKO_PUBLIC_KEY));
    Ok(attributes)
}
