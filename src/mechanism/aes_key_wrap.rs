//! `CKM_AES_KEY_WRAP` (RFC 3394) and `CKM_AES_KEY_WRAP_PKCS7` (the same, padded), `CKM_AES_KEY_WRAP_KWP`
//! and `CKM_AES_KEY_WRAP_PAD` (both RFC 5649, as most tokens have it). PKCS#11 3.2, section "AES Key Wrap".
use super::aes::AES;
use super::whole::{Limit, Whole};
use super::{Bound, MAX_KEY_LEN, Mechanism, Params, Shape, Transform, Wrap};
use crate::ck::*;
use crate::crypto::aes::padding;
use crate::crypto::{Failed, Secret, aes_kw};
use crate::error::{Error, Result};
use crate::object::policy::{Key, Target};

pub(super) const KW: Mechanism = Mechanism {
    ckm: CKM_AES_KEY_WRAP,
    name: "CKM_AES_KEY_WRAP",
    params: Shape::Iv(8),
    null: Some(Params::None),
    encrypt: Some(|params, key| encrypt(&PLAIN, params, key)),
    decrypt: Some(|params, key| decrypt(&PLAIN, params, key)),
    wrap: Some(Wrap {
        len: |_, _, target| wrapped_len(&PLAIN, target),
        run: |params, kek, target| wrap(&PLAIN, params, kek, target),
    }),
    unwrap: Some(|params, kek, wrapped| unwrap(&PLAIN, params, kek, wrapped)),
    ..AES
};

pub(super) const KWP: Mechanism = Mechanism {
    ckm: CKM_AES_KEY_WRAP_KWP,
    name: "CKM_AES_KEY_WRAP_KWP",
    params: Shape::Iv(4),
    null: Some(Params::None),
    encrypt: Some(|params, key| encrypt(&PADDED, params, key)),
    decrypt: Some(|params, key| decrypt(&PADDED, params, key)),
    wrap: Some(Wrap {
        len: |_, _, target| wrapped_len(&PADDED, target),
        run: |params, kek, target| wrap(&PADDED, params, kek, target),
    }),
    unwrap: Some(|params, kek, wrapped| unwrap(&PADDED, params, kek, wrapped)),
    ..AES
};

pub(super) const PAD: Mechanism =
    Mechanism { ckm: CKM_AES_KEY_WRAP_PAD, name: "CKM_AES_KEY_WRAP_PAD", ..KWP };

pub(super) const PKCS7: Mechanism = Mechanism {
    ckm: CKM_AES_KEY_WRAP_PKCS7,
    name: "CKM_AES_KEY_WRAP_PKCS7",
    encrypt: Some(|params, key| encrypt(&FILLED, params, key)),
    decrypt: Some(|params, key| decrypt(&FILLED, params, key)),
    wrap: Some(Wrap {
        len: |_, _, target| wrapped_len(&FILLED, target),
        run: |params, kek, target| wrap(&FILLED, params, kek, target),
    }),
    unwrap: Some(|params, kek, wrapped| unwrap(&FILLED, params, kek, wrapped)),
    ..KW
};

/// Parameter, KEK and key or wrapping in; an error for a wrong parameter.
type Run<Out> = fn(&Params, &[u8], &[u8]) -> Result<std::result::Result<Out, Failed>>;

/// One of the ways to wrap.
struct Form {
    /// Length of the wrapping of this many bytes, if so many can be wrapped.
    len: fn(usize) -> Option<usize>,
    /// The shortest wrapping.
    min: usize,
    wrap: Run<Vec<u8>>,
    unwrap: Run<Secret>,
}

static PLAIN: Form = Form {
    len: |len| (len >= 16 && len.is_multiple_of(8)).then(|| aes_kw::kw_len(len)),
    min: aes_kw::KW_MIN,
    wrap: |params, kek, key| Ok(aes_kw::kw_wrap(kek, iv(params)?, key)),
    unwrap: |params, kek, wrapped| Ok(aes_kw::kw_unwrap(kek, iv(params)?, wrapped)),
};

static PADDED: Form = Form {
    len: |len| (len > 0).then(|| aes_kw::kwp_len(len)),
    min: aes_kw::KWP_MIN,
    wrap: |params, kek, key| Ok(aes_kw::kwp_wrap(kek, iv(params)?, key)),
    unwrap: |params, kek, wrapped| Ok(aes_kw::kwp_unwrap(kek, iv(params)?, wrapped)),
};

/// RFC 3394 of what PKCS #7 fills up to half blocks. It takes two of them at least.
static FILLED: Form = Form {
    len: |len| (len >= 8).then(|| aes_kw::kw_len(len - len % 8 + 8)),
    min: aes_kw::KW_MIN,
    wrap: |params, kek, key| Ok(aes_kw::kw_wrap(kek, iv(params)?, &padding::add(key, 8))),
    unwrap: |params, kek, wrapped| {
        let opened = aes_kw::kw_unwrap(kek, iv(params)?, wrapped);
        Ok(opened.and_then(|mut key| {
            let len = padding::strip(&key, 8).ok_or(Failed)?.len();
            key.truncate(len);
            Ok(key)
        }))
    },
};

impl Form {
    fn is_wrapping_len(&self, len: usize) -> bool {
        (self.min..=aes_kw::kwp_len(MAX_KEY_LEN)).contains(&len) && len.is_multiple_of(8)
    }
}

/// The check value that replaces the standard one, if any.
fn iv<const N: usize>(params: &Params) -> Result<Option<[u8; N]>> {
    match params {
        Params::None => Ok(None),
        Params::Iv(iv) => {
            iv.as_slice().try_into().map(Some).map_err(|_| Error::MechanismParamInvalid)
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn wrapped_len(form: &Form, target: &Target) -> Result<usize> {
    (form.len)(target.len()?).ok_or(Error::KeySizeRange)
}

fn wrap(form: &Form, params: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    (form.wrap)(params, kek.secret()?, &target.encoding()?)?.map_err(|_| Error::KeySizeRange)
}

fn unwrap(form: &Form, params: &Params, kek: &Key, wrapped: &[u8]) -> Result<Secret> {
    if !form.is_wrapping_len(wrapped.len()) {
        return Err(Error::WrappedKeyLenRange);
    }
    (form.unwrap)(params, kek.secret()?, wrapped)?.map_err(|_| Error::WrappedKeyInvalid)
}

fn encrypt(form: &'static Form, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (params, key) = (params.clone(), key.clone());
    Ok(Whole::new(
        Limit(MAX_KEY_LEN, Error::DataLenRange),
        |len| Bound::Exactly((form.len)(len).unwrap_or(0)),
        move |data: &[u8], out: &mut Vec<u8>| {
            (form.len)(data.len()).ok_or(Error::DataLenRange)?;
            let wrapped = (form.wrap)(&params, key.secret()?, data)?;
            out.extend(wrapped.map_err(|_| Error::DataLenRange)?);
            Ok(())
        },
    ))
}

fn decrypt(form: &'static Form, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (params, key) = (params.clone(), key.clone());
    Ok(Whole::new(
        Limit(aes_kw::kwp_len(MAX_KEY_LEN), Error::EncryptedDataLenRange),
        |len: usize| Bound::AtMost(len.saturating_sub(8)),
        move |wrapped: &[u8], out: &mut Vec<u8>| {
            if !form.is_wrapping_len(wrapped.len()) {
                return Err(Error::EncryptedDataLenRange);
            }
            let opened = (form.unwrap)(&params, key.secret()?, wrapped)?;
            out.extend_from_slice(&opened.map_err(|_| Error::EncryptedDataInvalid)?);
            Ok(())
        },
    ))
}
