//! Keys of curve25519: Ed25519 and X25519 (RFC 8410), curves (PKCS#11 3.2 sections 6.3.5 to 6.3.8)
//! and their attributes.
//!
//! Keys are strings of 32 bytes. The standard has them bare since 3.1; before, and in other tokens,
//! they are wrapped in an OCTET STRING or BIT STRING, which is understood too.
use super::{Parts, pkcs8, spki};
use crate::ck::*;
use crate::crypto::{Failed, Secret, edwards, montgomery};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use ::pkcs8::spki::AlgorithmIdentifierRef;
use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef, PrintableStringRef};
use der::{Decode, Encode};

/// Length of every key here in bytes.
const LEN: usize = 32;

/// What one curve is called.
#[derive(Debug)]
pub(in crate::object) struct Curve {
    pub(super) key_type: CK_KEY_TYPE,
    pub(super) oid: ObjectIdentifier,
    /// What it was called before RFC 8410.
    old_oid: ObjectIdentifier,
    names: &'static [&'static str],
}

pub(in crate::object) static EDWARDS: Curve = Curve {
    key_type: CKK_EC_EDWARDS,
    oid: ObjectIdentifier::new_unwrap("1.3.101.112"),
    old_oid: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.15.1"),
    names: &["edwards25519", "Ed25519", "ed25519"],
};

pub(in crate::object) static MONTGOMERY: Curve = Curve {
    key_type: CKK_EC_MONTGOMERY,
    oid: ObjectIdentifier::new_unwrap("1.3.101.110"),
    old_oid: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3029.1.5.1"),
    names: &["curve25519", "X25519", "x25519"],
};

/// The curve with this object identifier.
pub(super) fn by_oid(oid: ObjectIdentifier) -> Option<&'static Curve> {
    [&EDWARDS, &MONTGOMERY].into_iter().find(|curve| curve.oid == oid)
}

impl Curve {
    /// `CKA_EC_PARAMS` as it is kept, from one that names the curve in any way.
    /// `CKR_CURVE_NOT_SUPPORTED`; `CKR_ATTRIBUTE_VALUE_INVALID` for what is not DER.
    pub(in crate::object) fn params(&self, given: &[u8]) -> Result<Value> {
        let known = match ObjectIdentifier::from_der(given) {
            Ok(oid) => oid == self.oid || oid == self.old_oid,
            Err(_) => match PrintableStringRef::from_der(given) {
                Ok(name) => self.names.contains(&name.as_str()),
                Err(_) => return Err(Error::AttributeValueInvalid.because("CKA_EC_PARAMS")),
            },
        };
        if known { self.oid_der() } else { Err(Error::CurveNotSupported) }
    }

    fn oid_der(&self) -> Result<Value> {
        self.oid.to_der().map(|der| Value::bytes(&der)).map_err(|_| Error::GeneralError)
    }

    fn algorithm(&self) -> AlgorithmIdentifierRef<'static> {
        AlgorithmIdentifierRef { oid: self.oid, parameters: None }
    }

    /// What a public key says about its object.
    pub(super) fn public_derived(&self, public: &[u8]) -> Result<Attributes> {
        Ok(Attributes::from_iter([
            (CKA_EC_PARAMS, self.oid_der()?),
            (CKA_EC_POINT, Value::bytes(public)),
            (CKA_PUBLIC_KEY_INFO, Value::bytes(&spki::encode(self.algorithm(), public)?)),
        ]))
    }

    /// The same of a private key.
    pub(super) fn private_derived(&self, private: Secret, public: &[u8]) -> Result<Attributes> {
        let mut derived = self.public_derived(public)?;
        derived.set(CKA_VALUE, Value::Bytes(private));
        Ok(derived)
    }

    /// Public and private attributes of a fresh key.
    fn pair(&self, private: Secret, public: &[u8]) -> Result<(Attributes, Attributes)> {
        let mut private = self.private_derived(private, public)?;
        private.remove(CKA_PUBLIC_KEY_INFO);
        let mut public = private.clone();
        public.remove(CKA_VALUE);
        Ok((public, private))
    }

    /// The private key in PKCS#8: an OCTET STRING in the OCTET STRING.
    pub(super) fn encoding(&self, parts: Parts) -> Result<Secret> {
        let inner = OctetStringRef::new(bare(parts.bytes(CKA_VALUE)?))
            .and_then(|key| key.to_der())
            .map_err(|_| Error::GeneralError)?;
        pkcs8::wrap(self.algorithm(), &Secret::new(inner))
    }

    /// Its length.
    pub(super) fn encoding_len(&self) -> usize {
        use super::element_len;
        let algorithm = element_len(element_len(self.oid.as_bytes().len()));
        pkcs8::wrapped_len(algorithm, element_len(LEN))
    }

    /// A public key beside the private one must belong to it.
    pub(super) fn decode(&self, der: &[u8]) -> Option<Attributes> {
        let outer = pkcs8::Outer::parse(der)?;
        if outer.algorithm != self.algorithm() {
            return None;
        }
        let private = <&OctetStringRef>::from_der(outer.private_key).ok()?.as_bytes();
        let public = match self.key_type {
            CKK_EC_EDWARDS => edwards::PrivateKey::new(private).ok()?.public().bytes().to_vec(),
            _ => montgomery::PrivateKey::new(private).ok()?.public().bytes().to_vec(),
        };
        if outer.public_key.is_some_and(|given| given != public) {
            return None;
        }
        self.pair(Secret::new(private.to_vec()), &public).ok().map(|(_, private)| private)
    }

    fn public<'a>(&self, parts: Parts<'a>) -> Result<&'a [u8]> {
        self.params(parts.bytes(CKA_EC_PARAMS)?)?;
        Ok(bare(parts.bytes(CKA_EC_POINT)?))
    }

    fn private<'a>(&self, parts: Parts<'a>) -> Result<&'a [u8]> {
        self.params(parts.bytes(CKA_EC_PARAMS)?)?;
        Ok(bare(parts.bytes(CKA_VALUE)?))
    }
}

/// The bytes of a key, whatever they are wrapped in.
pub(super) fn bare(bytes: &[u8]) -> &[u8] {
    if bytes.len() == LEN {
        return bytes;
    }
    let string = <&OctetStringRef>::from_der(bytes).map(OctetStringRef::as_bytes);
    let bits = BitStringRef::from_der(bytes).ok().and_then(|bits| bits.as_bytes());
    string.ok().or(bits).unwrap_or(bytes)
}

pub(super) fn edwards_public(parts: Parts) -> Result<edwards::PublicKey> {
    edwards::PublicKey::new(EDWARDS.public(parts)?).map_err(unsound)
}

pub(super) fn edwards_private(parts: Parts) -> Result<edwards::PrivateKey> {
    let key = edwards::PrivateKey::new(EDWARDS.private(parts)?).map_err(unsound)?;
    belongs(parts, key.public().bytes())?;
    Ok(key)
}

pub(super) fn montgomery_public(parts: Parts) -> Result<montgomery::PublicKey> {
    montgomery::PublicKey::new(MONTGOMERY.public(parts)?).map_err(unsound)
}

pub(super) fn montgomery_private(parts: Parts) -> Result<montgomery::PrivateKey> {
    let key = montgomery::PrivateKey::new(MONTGOMERY.private(parts)?).map_err(unsound)?;
    belongs(parts, key.public().bytes())?;
    Ok(key)
}

/// If the public key is given too, both must belong together.
fn belongs(parts: Parts, public: &[u8]) -> Result<()> {
    match parts.attributes.bytes(CKA_EC_POINT) {
        Some(given) if bare(given) != public => {
            Err(Error::AttributeValueInvalid.because("CKA_EC_POINT belongs to another key"))
        }
        _ => Ok(()),
    }
}

fn unsound(Failed: Failed) -> Error {
    Error::AttributeValueInvalid.because("a key of this curve has 32 bytes")
}

/// Public and private attributes of a fresh Ed25519 key.
pub fn edwards_attributes(key: &edwards::PrivateKey) -> Result<(Attributes, Attributes)> {
    EDWARDS.pair(key.seed(), key.public().bytes())
}

/// Public and private attributes of a fresh X25519 key.
pub fn montgomery_attributes(key: &montgomery::PrivateKey) -> Result<(Attributes, Attributes)> {
    MONTGOMERY.pair(key.scalar().clone(), key.public().bytes())
}

/// The public key of the other side of an agreement.
pub fn montgomery_point(bytes: &[u8]) -> Result<montgomery::PublicKey> {
    montgomery::PublicKey::new(bare(bytes)).map_err(unsound)
}
