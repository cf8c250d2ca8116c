//! Keys that grow from a seed, ML-DSA and ML-KEM: PKCS#8 (RFC 9881 section 6, RFC 9935 section 6)
//! and attributes (PKCS#11 3.2, sections "ML-DSA" and "ML-KEM").
use super::{Parts, element_len, pkcs8, spki};
use crate::ck::*;
use crate::crypto::{Failed, Secret, ml_dsa, ml_kem};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use ::pkcs8::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader};

/// Tag of the seed in a private key: `[0]`, implicit.
const SEED_TAG: u8 = 0x80;

/// What primitives make, or not.
type Made<T> = std::result::Result<T, Failed>;

/// A parameter set of such keys.
pub trait Set: Copy + Eq + 'static {
    /// A public key.
    type Public;
    /// A private key.
    type Private;
    /// The numbers of the parameter sets.
    const NUMBERS: &'static [(CK_ULONG, Self)];
    /// Length of a seed in bytes.
    const SEED_LEN: usize;

    /// Its object identifier.
    fn oid(self) -> ObjectIdentifier;
    /// Length of an expanded private key in bytes.
    fn private_len(self) -> usize;
    /// A public key from its encoding.
    fn public(self, bytes: &[u8]) -> Made<Self::Public>;
    /// A private key from its seed.
    fn grow(self, seed: &[u8]) -> Made<Self::Private>;
    /// A private key from its expanded form.
    fn restore(self, expanded: &[u8]) -> Made<Self::Private>;
    /// What there is to say about a private key.
    fn facts(key: &Self::Private) -> Facts<'_, Self>;
    /// Its expanded form.
    fn expanded(key: &Self::Private) -> Made<Secret>;
    /// Set and encoding of a public key.
    fn of_public(key: &Self::Public) -> (Self, &[u8]);
}

/// What a private key knows of itself.
#[derive(Debug)]
pub struct Facts<'a, S> {
    set: S,
    seed: Option<&'a Secret>,
    public: &'a [u8],
}

macro_rules! seeded {
    ($($module:ident: $($number:ident $set:ident,)*;)*) => {$(
        impl Set for $module::Set {
            type Public = $module::PublicKey;
            type Private = $module::PrivateKey;
            const NUMBERS: &'static [(CK_ULONG, Self)] = &[$(($number, $module::Set::$set)),*];
            const SEED_LEN: usize = $module::SEED_LEN;

            fn oid(self) -> ObjectIdentifier {
                self.oid()
            }
            fn private_len(self) -> usize {
                self.private_len()
            }
            fn public(self, bytes: &[u8]) -> Made<Self::Public> {
                $module::PublicKey::new(self, bytes)
            }
            fn grow(self, seed: &[u8]) -> Made<Self::Private> {
                $module::PrivateKey::from_seed(self, seed)
            }
            fn restore(self, expanded: &[u8]) -> Made<Self::Private> {
                $module::PrivateKey::from_expanded(self, expanded)
            }
            fn facts(key: &Self::Private) -> Facts<'_, Self> {
                Facts { set: key.set(), seed: key.seed(), public: key.public() }
            }
            fn expanded(key: &Self::Private) -> Made<Secret> {
                key.expanded()
            }
            fn of_public(key: &Self::Public) -> (Self, &[u8]) {
                (key.set(), key.bytes())
            }
        }
    )*};
}
seeded! {
    ml_dsa: CKP_ML_DSA_44 MlDsa44, CKP_ML_DSA_65 MlDsa65, CKP_ML_DSA_87 MlDsa87,;
    ml_kem: CKP_ML_KEM_512 MlKem512, CKP_ML_KEM_768 MlKem768, CKP_ML_KEM_1024 MlKem1024,;
}

/// The parameter set that `CKA_PARAMETER_SET` names. `CKR_ATTRIBUTE_VALUE_INVALID`,
/// `CKR_TEMPLATE_INCOMPLETE`.
pub fn parameter_set<S: Set>(attributes: &Attributes) -> Result<S> {
    let number = attributes.ulong(CKA_PARAMETER_SET);
    let number = number.ok_or_else(|| Error::TemplateIncomplete.because("CKA_PARAMETER_SET"))?;
    let row = S::NUMBERS.iter().find(|row| row.0 == number);
    row.map(|row| row.1).ok_or_else(|| Error::AttributeValueInvalid.because("CKA_PARAMETER_SET"))
}

pub(super) fn public<S: Set>(parts: Parts) -> Result<S::Public> {
    let set: S = parameter_set(parts.attributes)?;
    set.public(parts.bytes(CKA_VALUE)?).map_err(unsound)
}

/// From the seed if there is one; if the expanded form is given too, both must belong together.
pub(super) fn private<S: Set>(parts: Parts) -> Result<S::Private> {
    let set: S = parameter_set(parts.attributes)?;
    let expanded = parts.bytes(CKA_VALUE);
    let Ok(seed) = parts.bytes(CKA_SEED) else {
        return set.restore(expanded?).map_err(unsound);
    };
    let key = set.grow(seed).map_err(unsound)?;
    match expanded {
        Ok(given) if Secret::new(given.to_vec()) != S::expanded(&key).map_err(unsound)? => {
            Err(Error::AttributeValueInvalid.because("CKA_VALUE belongs to another CKA_SEED"))
        }
        _ => Ok(key),
    }
}

fn unsound(Failed: Failed) -> Error {
    Error::AttributeValueInvalid.because("no key of this parameter set")
}

pub(super) fn public_derived<S: Set>(key: &S::Public) -> Result<Attributes> {
    let (set, public) = S::of_public(key);
    described(set, public)
}

/// The same, from the private key.
pub(super) fn public_half<S: Set>(key: &S::Private) -> Result<Attributes> {
    let Facts { set, public, .. } = S::facts(key);
    described(set, public)
}

fn described<S: Set>(set: S, public: &[u8]) -> Result<Attributes> {
    let row = S::NUMBERS.iter().find(|row| row.1 == set).ok_or(Error::GeneralError)?;
    Ok(Attributes::from_iter([
        (CKA_PARAMETER_SET, Value::Ulong(row.0)),
        (CKA_VALUE, Value::bytes(public)),
        (CKA_PUBLIC_KEY_INFO, Value::bytes(&spki::encode(algorithm(set), public)?)),
    ]))
}

pub(super) fn private_derived<S: Set>(key: &S::Private) -> Result<Attributes> {
    let Facts { set, seed, public } = S::facts(key);
    let mut derived = described(set, public)?;
    let expanded = S::expanded(key).map_err(|Failed| Error::FunctionFailed)?;
    derived.set(CKA_VALUE, Value::Bytes(expanded));
    if let Some(seed) = seed {
        derived.set(CKA_SEED, Value::Bytes(seed.clone()));
    }
    Ok(derived)
}

/// Public and private attributes of a key.
pub fn seeded_attributes<S: Set>(key: &S::Private) -> Result<(Attributes, Attributes)> {
    let Facts { set, public, .. } = S::facts(key);
    let (mut public, mut private) = (described(set, public)?, private_derived::<S>(key)?);
    public.remove(CKA_PUBLIC_KEY_INFO);
    private.remove(CKA_PUBLIC_KEY_INFO);
    Ok((public, private))
}

fn algorithm<S: Set>(set: S) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: set.oid(), parameters: None }
}

/// The seed alone, or the expanded form of a key whose seed is not known.
pub(super) fn encoding<S: Set>(key: &S::Private) -> Result<Secret> {
    let Facts { set, seed, .. } = S::facts(key);
    let inner = match seed {
        Some(seed) => {
            let header = [SEED_TAG, u8::try_from(seed.len()).map_err(|_| Error::GeneralError)?];
            Secret::new([&header[..], seed].concat())
        }
        None => {
            let expanded = S::expanded(key).map_err(|Failed| Error::FunctionFailed)?;
            let string = OctetStringRef::new(&expanded).and_then(|string| string.to_der());
            Secret::new(string.map_err(|_| Error::GeneralError)?)
        }
    };
    pkcs8::wrap(algorithm(set), &inner)
}

/// Its length.
pub(super) fn encoding_len<S: Set>(parts: Parts) -> Result<usize> {
    let set: S = parameter_set(parts.attributes)?;
    let inner = if parts.bytes(CKA_SEED).is_ok() { S::SEED_LEN } else { set.private_len() };
    let algorithm = element_len(element_len(set.oid().as_bytes().len()));
    Ok(pkcs8::wrapped_len(algorithm, element_len(inner)))
}

/// A seed, an expanded key, or both, which then must belong together.
pub(super) fn from_pkcs8<S: Set>(der: &[u8]) -> Option<Attributes> {
    let outer = pkcs8::Outer::parse(der)?;
    let mut sets = S::NUMBERS.iter().map(|row| row.1);
    let set = sets.find(|set| outer.algorithm == algorithm(*set))?;
    let key = match outer.private_key.split_first()? {
        (&SEED_TAG, [len, seed @ ..]) if usize::from(*len) == seed.len() => set.grow(seed).ok()?,
        (0x04, _) => {
            let expanded = <&OctetStringRef>::from_der(outer.private_key).ok()?;
            set.restore(expanded.as_bytes()).ok()?
        }
        (0x30, _) => both(set, outer.private_key)?,
        _ => return None,
    };
    if outer.public_key.is_some_and(|public| public != S::facts(&key).public) {
        return None;
    }
    seeded_attributes::<S>(&key).ok().map(|(_, private)| private)
}

fn both<S: Set>(set: S, der: &[u8]) -> Option<S::Private> {
    let inside = AnyRef::from_der(der).ok()?.value();
    let mut reader = SliceReader::new(inside).ok()?;
    let seed = <&OctetStringRef>::decode(&mut reader).ok()?.as_bytes();
    let expanded = <&OctetStringRef>::decode(&mut reader).ok()?.as_bytes();
    reader.finish().ok()?;
    let key = set.grow(seed).ok()?;
    (S::expanded(&key).ok()? == Secret::new(expanded.to_vec())).then_some(key)
}
