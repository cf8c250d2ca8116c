//! RSA keys: PKCS#1 (RFC 8017 appendix A.1) and their attributes.
//!
//! What leaves is put together from the stored numbers alone; nothing is computed anew from secrets.
use super::{Parts, pkcs8, spki, ulong};
use crate::ck::*;
use crate::crypto::{Failed, Secret, rsa};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value, strip};
use ::pkcs8::spki::AlgorithmIdentifierRef;
use ::rsa::pkcs1;
use der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use der::{Decode, Encode};

/// rsaEncryption
pub(super) const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const ALGORITHM: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: OID, parameters: Some(AnyRef::NULL) };
/// Length of [`ALGORITHM`] in DER.
const ALGORITHM_LEN: usize = 15;

const CRT: [CK_ATTRIBUTE_TYPE; 5] =
    [CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];

pub(super) fn public(parts: Parts) -> Result<rsa::PublicKey> {
    rsa::PublicKey::new(parts.bytes(CKA_MODULUS)?, parts.bytes(CKA_PUBLIC_EXPONENT)?)
        .map_err(|Failed| Error::AttributeValueInvalid.because("not an RSA public key"))
}

pub(super) fn private(parts: Parts) -> Result<rsa::Unproved> {
    let secret = |bytes: &[u8]| Secret::new(bytes.to_vec());
    let numbers = rsa::Parts {
        n: parts.bytes(CKA_MODULUS)?.to_vec(),
        e: parts.bytes(CKA_PUBLIC_EXPONENT)?.to_vec(),
        d: secret(parts.bytes(CKA_PRIVATE_EXPONENT)?),
        crt: crt(parts).map(|[p, q, dp, dq, qinv]| rsa::Crt {
            p: secret(p),
            q: secret(q),
            dp: secret(dp),
            dq: secret(dq),
            qinv: secret(qinv),
        }),
    };
    rsa::Unproved::new(&numbers).map_err(|Failed| {
        Error::AttributeValueInvalid.because("RSA numbers that do not fit together")
    })
}

/// The CRT values, if all are there. An empty one is not.
fn crt(parts: Parts<'_>) -> Option<[&[u8]; 5]> {
    let mut values = [&[][..]; 5];
    for (value, cka) in values.iter_mut().zip(CRT) {
        *value = parts.attributes.bytes(cka).or_else(|| parts.material?.bytes(cka))?;
        if value.is_empty() {
            return None;
        }
    }
    Some(values)
}

pub(super) fn public_derived(parts: Parts, bits: usize) -> Result<Attributes> {
    let mut derived = private_derived(parts)?;
    derived.set(CKA_MODULUS_BITS, Value::Ulong(ulong(bits)?));
    Ok(derived)
}

pub(super) fn private_derived(parts: Parts) -> Result<Attributes> {
    let info = spki::rsa(parts.bytes(CKA_MODULUS)?, parts.bytes(CKA_PUBLIC_EXPONENT)?)?;
    Ok(Attributes::from_iter([(CKA_PUBLIC_KEY_INFO, Value::bytes(&info))]))
}

pub(super) fn encoding(parts: Parts) -> Result<Secret> {
    let inner = pkcs1(parts)?.to_der().map(Secret::new).map_err(|_| Error::GeneralError)?;
    pkcs8::wrap(ALGORITHM, &inner)
}

pub(super) fn encoding_len(parts: Parts) -> Result<usize> {
    let inner = pkcs1(parts)?.encoded_len().map_err(|_| Error::GeneralError)?;
    let inner = usize::try_from(inner).map_err(|_| Error::GeneralError)?;
    Ok(pkcs8::wrapped_len(ALGORITHM_LEN, inner))
}

/// The numbers in the order of PKCS#1, borrowed.
fn pkcs1(parts: Parts<'_>) -> Result<pkcs1::RsaPrivateKey<UintRef<'_>>> {
    let [p, q, dp, dq, qinv] =
        crt(parts).ok_or_else(|| Error::KeyNotWrappable.because("the RSA key lacks CRT values"))?;
    let number = |bytes| UintRef::new(bytes).map_err(|_| Error::GeneralError);
    Ok(pkcs1::RsaPrivateKey {
        modulus: number(parts.bytes(CKA_MODULUS)?)?,
        public_exponent: number(parts.bytes(CKA_PUBLIC_EXPONENT)?)?,
        private_exponent: number(parts.bytes(CKA_PRIVATE_EXPONENT)?)?,
        prime1: number(p)?,
        prime2: number(q)?,
        exponent1: number(dp)?,
        exponent2: number(dq)?,
        coefficient: number(qinv)?,
        other_prime_infos: None,
    })
}

/// Two-prime keys only; whether the numbers fit together shows when the key is prepared.
pub(super) fn from_pkcs8(der: &[u8]) -> Option<Attributes> {
    let outer = pkcs8::Outer::parse(der)?;
    let parameters = outer.algorithm.parameters;
    if outer.algorithm.oid != OID || parameters.is_some_and(|p| p != AnyRef::NULL) {
        return None;
    }
    let key = pkcs1::RsaPrivateKey::<UintRef<'_>>::from_der(outer.private_key).ok()?;
    if key.other_prime_infos.is_some() {
        return None;
    }
    if let Some(public) = outer.public_key {
        let public = pkcs1::RsaPublicKey::<UintRef<'_>>::from_der(public).ok()?;
        if (public.modulus, public.public_exponent) != (key.modulus, key.public_exponent) {
            return None;
        }
    }
    let number = |number: UintRef<'_>| Value::bytes(strip(number.as_bytes()));
    Some(Attributes::from_iter([
        (CKA_MODULUS, number(key.modulus)),
        (CKA_PUBLIC_EXPONENT, number(key.public_exponent)),
        (CKA_PRIVATE_EXPONENT, number(key.private_exponent)),
        (CKA_PRIME_1, number(key.prime1)),
        (CKA_PRIME_2, number(key.prime2)),
        (CKA_EXPONENT_1, number(key.exponent1)),
        (CKA_EXPONENT_2, number(key.exponent2)),
        (CKA_COEFFICIENT, number(key.coefficient)),
    ]))
}

/// Public and private attributes of a fresh RSA key.
pub fn rsa_attributes(parts: &rsa::Parts) -> (Attributes, Attributes) {
    let number = |bytes: &[u8]| Value::bytes(strip(bytes));
    let public = Attributes::from_iter([
        (CKA_MODULUS, number(&parts.n)),
        (CKA_PUBLIC_EXPONENT, number(&parts.e)),
    ]);
    let mut private = public.clone();
    private.set(CKA_PRIVATE_EXPONENT, number(&parts.d));
    if let Some(crt) = &parts.crt {
        let values = [&crt.p, &crt.q, &crt.dp, &crt.dq, &crt.qinv];
        private.extend(CRT.into_iter().zip(values.map(|value| number(value))).collect());
    }
    (public, private)
}
