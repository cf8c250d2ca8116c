//! RSA: key pairs and PKCS #1 v1.5. PKCS#11 3.2, section "RSA".
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Transform, Verify, Wrap};
use crate::ck::*;
use crate::crypto::{Secret, Workers, rsa_keygen};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::{Key, Target};
use crate::object::template::Pair;
use std::ops::RangeInclusive;

/// Modulus bits, each of them. The configured `min_rsa_bits` raises the lower end.
pub(super) const SIZES: RangeInclusive<CK_ULONG> = 1024..=8192;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_RSA_PKCS_KEY_PAIR_GEN,
    name: "CKM_RSA_PKCS_KEY_PAIR_GEN",
    key_types: &[CKK_RSA],
    key_size: SIZES,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const PKCS: Mechanism = Mechanism {
    ckm: CKM_RSA_PKCS,
    name: "CKM_RSA_PKCS",
    key_types: &[CKK_RSA],
    key_size: SIZES,
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    sign: Some(sign),
    sign_recover: Some(sign),
    verify: Some(verify),
    verify_recover: Some(verify_recover),
    wrap: Some(Wrap { len, run }),
    unwrap: Some(unwrap),
    ..Mechanism::NONE
};

/// What PKCS #1 v1.5 padding takes: 00 01 or 02, eight bytes at least, 00.
const PADDING: usize = 11;

/// The public exponent of a new key whose template names none.
const USUAL_EXPONENT: [u8; 3] = [1, 0, 1];
/// The longest public exponent of a new key in bytes, FIPS 186-5 section A.1.1.
const MAX_EXPONENT_LEN: usize = 32;

fn generate_pair(
    _: &Params,
    public: &Attributes,
    _: &Attributes,
    workers: &Workers,
) -> Result<Pair> {
    let bits = public.ulong(CKA_MODULUS_BITS).ok_or(Error::TemplateIncomplete)?;
    if !SIZES.contains(&bits) {
        return Err(Error::KeySizeRange);
    }
    let bits = usize::try_from(bits).map_err(|_| Error::KeySizeRange)?;
    let e = public.bytes(CKA_PUBLIC_EXPONENT).unwrap_or(&USUAL_EXPONENT);
    let odd = e.last().is_some_and(|low| low % 2 == 1);
    if !odd || e == [1] || e.len() > MAX_EXPONENT_LEN {
        return Err(Error::AttributeValueInvalid
            .because("the public exponent is even, 1, or longer than 256 bits"));
    }
    let parts = rsa_keygen::generate(bits, e, workers);
    if workers.stopped() {
        // what C_WaitForSlotEvent answers then, PKCS#11 3.2 section 5.5
        return Err(Error::CryptokiNotInitialized.because("C_Finalize ended the search for primes"));
    }
    Ok(encode::rsa_attributes(&parts.map_err(|_| Error::DeviceError)?).into())
}

fn encrypt(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(Whole::new(
        Limit(size - PADDING, Error::DataLenRange),
        move |_| Bound::Exactly(size),
        move |message: &[u8], out: &mut Vec<u8>| {
            let sealed = key.rsa_public()?.encrypt_pkcs1(message);
            out.extend(sealed.map_err(|_| Error::DataInvalid)?);
            Ok(())
        },
    ))
}

fn decrypt(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    Ok(Whole::new(
        Limit(size, Error::EncryptedDataLenRange),
        move |_| Bound::AtMost(size - PADDING),
        move |sealed: &[u8], out: &mut Vec<u8>| {
            if sealed.len() != size {
                return Err(Error::EncryptedDataLenRange);
            }
            let opened = key.rsa_private()?.decrypt_pkcs1(sealed);
            out.extend_from_slice(&opened.map_err(|_| Error::EncryptedDataInvalid)?);
            Ok(())
        },
    ))
}

fn sign(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_private()?.size(), key.clone());
    Ok(Whole::new(
        Limit(size - PADDING, Error::DataLenRange),
        move |_| Bound::Exactly(size),
        move |content: &[u8], out: &mut Vec<u8>| {
            let signature = key.rsa_private()?.sign_pkcs1(content);
            out.extend(signature.map_err(|_| Error::FunctionFailed)?);
            Ok(())
        },
    ))
}

fn verify(_: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(Whole::new(
        Limit(size - PADDING, Error::DataLenRange),
        (),
        move |content: &[u8], signature: &[u8]| verify_content(&key, content, signature),
    ))
}

/// Gives back what was signed.
fn verify_recover(_: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (size, key) = (key.rsa_public()?.size(), key.clone());
    Ok(Whole::new(
        Limit(size, Error::SignatureLenRange),
        move |_| Bound::AtMost(size - PADDING),
        move |signature: &[u8], out: &mut Vec<u8>| {
            if signature.len() != size {
                return Err(Error::SignatureLenRange);
            }
            let content = key.rsa_public()?.recover_pkcs1(signature);
            out.extend(content.map_err(|_| Error::SignatureInvalid)?);
            Ok(())
        },
    ))
}

fn len(_: &Params, kek: &Key, target: &Target) -> Result<usize> {
    let size = kek.rsa_public()?.size();
    if target.attributes().ulong(CKA_CLASS) != Some(CKO_SECRET_KEY) {
        return Err(Error::KeyNotWrappable.because("CKM_RSA_PKCS wraps secret keys"));
    }
    if target.len()? > size - PADDING { Err(Error::KeySizeRange) } else { Ok(size) }
}

fn run(_: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    kek.rsa_public()?.encrypt_pkcs1(&target.encoding()?).map_err(|_| Error::KeySizeRange)
}

/// A wrong padding makes a key too, or bytes that are none for their length: never its own error.
fn unwrap(_: &Params, kek: &Key, wrapped: &[u8]) -> Result<Secret> {
    kek.rsa_private()?.decrypt_pkcs1(wrapped).map_err(|_| Error::WrappedKeyLenRange)
}

/// Verifies a PKCS #1 v1.5 signature over what stands behind the padding.
pub(super) fn verify_content(key: &Key, content: &[u8], signature: &[u8]) -> Result<()> {
    let key = key.rsa_public()?;
    if signature.len() != key.size() {
        return Err(Error::SignatureLenRange);
    }
    key.verify_pkcs1(content, signature).map_err(|_| Error::SignatureInvalid)
}
