//! Authenticated encryption: AES-GCM, AES-CCM, ChaCha20-Poly1305. PKCS#11 3.2, sections "AES with
//! Galois/Counter", "AES with CBC-MAC" and "Salsa20/ChaCha20 with Poly1305".
//!
//! GCM and ChaCha20-Poly1305 encrypt as the parts come. Nothing is decrypted before the tag was
//! checked, and CCM begins with a MAC over all of the message: those collect. Nor does plaintext go to
//! the application's memory, to be taken back from there if the tag is wrong: other threads may
//! look, and where input and output are the same the ciphertext would be lost.
use super::aes::AES;
use super::whole::{Limit, Whole};
use super::wrapping::{self, Ways};
use super::{Bound, Mechanism, MessageShape, Params, Part, Shape, Transform, Wrap, chacha, gcm};
use crate::ck::*;
use crate::crypto::aead::{self, ChaChaPoly, Sealing};
use crate::crypto::aes::{self, Ccm, Gcm};
use crate::crypto::{Failed, InOut, Secret};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) const GCM: Mechanism = Mechanism {
    ckm: CKM_AES_GCM,
    name: "CKM_AES_GCM",
    params: Shape::Gcm,
    encrypt: Some(GCM_WAYS.encrypt),
    decrypt: Some(GCM_WAYS.decrypt),
    message: Some(MessageShape::Gcm),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len(GCM_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(GCM_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(GCM_WAYS.decrypt, p, kek, wrapped)),
    comparable: true,
    ..AES
};

pub(super) const CCM: Mechanism = Mechanism {
    ckm: CKM_AES_CCM,
    name: "CKM_AES_CCM",
    params: Shape::Ccm,
    encrypt: Some(CCM_WAYS.encrypt),
    decrypt: Some(CCM_WAYS.decrypt),
    message: Some(MessageShape::Ccm),
    wrap: Some(Wrap {
        len: |p, kek, target| match ccm(p)?.data_len == target.len()? {
            true => wrapping::len(CCM_WAYS.encrypt, p, kek, target),
            false => Err(Error::MechanismParamInvalid.because("ulDataLen is not the key's")),
        },
        run: |p, kek, target| wrapping::run(CCM_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CCM_WAYS.decrypt, p, kek, wrapped)),
    comparable: true,
    ..AES
};

pub(super) const CHACHA20_POLY1305: Mechanism = Mechanism {
    ckm: CKM_CHACHA20_POLY1305,
    name: "CKM_CHACHA20_POLY1305",
    params: Shape::ChaChaPoly,
    encrypt: Some(CHACHA_WAYS.encrypt),
    decrypt: Some(CHACHA_WAYS.decrypt),
    message: Some(MessageShape::ChaChaPoly),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len(CHACHA_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(CHACHA_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CHACHA_WAYS.decrypt, p, kek, wrapped)),
    comparable: true,
    ..chacha::CHACHA20_KEYS
};

const GCM_WAYS: Ways = Ways {
    encrypt: |params, key| gcm::Encryption::start(key, gcm(params)?),
    decrypt: |params, key| {
        let gcm = gcm(params)?.clone();
        let len = gcm.tag_len;
        open(key, len, move |key, sealed| aes::gcm_open(key, &gcm, sealed))
    },
};

const CCM_WAYS: Ways = Ways {
    encrypt: ccm_encrypt,
    decrypt: |params, key| {
        let ccm = ccm(params)?.clone();
        let (data, tag) = (ccm.data_len, ccm.tag_len);
        open(key, tag, move |key, sealed| match sealed.len() == data + tag {
            true => aes::ccm_open(key, &ccm, sealed),
            false => Err(Failed),
        })
    },
};

const CHACHA_WAYS: Ways = Ways {
    encrypt: |params, key| sealing(Sealing::chacha(key.secret()?, chacha(params)?)),
    decrypt: |params, key| {
        let params = chacha(params)?.clone();
        open(key, ChaChaPoly::TAG, move |key, sealed| aead::chacha_open(key, &params, sealed))
    },
};

fn gcm(params: &Params) -> Result<&Gcm> {
    match params {
        Params::Gcm(gcm) => Ok(gcm),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn ccm(params: &Params) -> Result<&Ccm> {
    match params {
        Params::Ccm(ccm) => Ok(ccm),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn chacha(params: &Params) -> Result<&ChaChaPoly> {
    match params {
        Params::ChaChaPoly(params) => Ok(params),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn sealing(started: std::result::Result<Sealing, Failed>) -> Result<Box<dyn Transform>> {
    match started {
        Ok(sealing) => Ok(Box::new(sealing)),
        Err(Failed) => Err(Error::KeySizeRange),
    }
}

impl Transform for Sealing {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        Sealing::update(self, part, out).map_err(|Failed| Error::DataLenRange)
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        Sealing::finish(*self, out).map_err(|Failed| Error::FunctionFailed)
    }
    fn single(mut self: Box<Self>, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        // at once, since the tag comes behind
        let room = data.len().checked_add(self.tag_len()).ok_or(Error::DataLenRange)?;
        out.try_reserve(room).map_err(|_| Error::HostMemory)?;
        Transform::update(&mut *self, data, out)?;
        Transform::finish(self, out)
    }
    fn straight(&self, len: usize, _: Part) -> usize {
        len
    }
    fn run(&mut self, bytes: InOut<'_>, _: Part) -> Result<()> {
        Sealing::run(self, bytes).map_err(|Failed| Error::DataLenRange)
    }
    fn update_len(&self, len: usize) -> usize {
        len
    }
    fn finish_len(&self, len: usize) -> Bound {
        Bound::Exactly(len.saturating_add(self.tag_len()))
    }
}

fn ccm_encrypt(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (ccm, key) = (ccm(params)?.clone(), key.clone());
    let tag_len = ccm.tag_len;
    Ok(Whole::new(
        Limit(ccm.data_len, Error::DataLenRange),
        move |len: usize| Bound::Exactly(len + tag_len),
        move |data: &[u8], out: &mut Vec<u8>| {
            *out = aes::ccm_seal(key.secret()?, &ccm, data).map_err(|_| Error::DataLenRange)?;
            Ok(())
        },
    ))
}

/// Collects ciphertext and tag and opens them at the end.
fn open(
    key: &Key,
    tag_len: usize,
    run: impl FnOnce(&[u8], &[u8]) -> std::result::Result<Secret, Failed> + Send + 'static,
) -> Result<Box<dyn Transform>> {
    let key = key.clone();
    Ok(Whole::new(
        Limit(Limit::NONE.0, Error::EncryptedDataLenRange),
        move |len: usize| Bound::Exactly(len.saturating_sub(tag_len)),
        move |sealed: &[u8], out: &mut Vec<u8>| {
            if sealed.len() < tag_len {
                return Err(Error::EncryptedDataLenRange);
            }
            let opened = run(key.secret()?, sealed);
            *out = std::mem::take(&mut *opened.map_err(|Failed| Error::EncryptedDataInvalid)?);
            Ok(())
        },
    ))
}
