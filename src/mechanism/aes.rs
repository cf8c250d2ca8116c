//! AES: key generation, ECB, CBC with and without padding, GCM. PKCS#11 3.2, section "AES".
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, generic_secret};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::aes::{self, Blocks, Direction, Gcm, Mode};
use crate::error::{Error, Result};
use crate::object::policy::Key;

const BLOCK: usize = 16;

/// What the rows of this file have in common. Key sizes are in bytes.
pub(super) const AES: Mechanism =
    Mechanism { key_types: &[CKK_AES], key_size: 16..=32, ..Mechanism::NONE };

pub(super) const KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_AES_KEY_GEN,
    name: "CKM_AES_KEY_GEN",
    generate: Some(|_, template| match template.ulong(CKA_VALUE_LEN) {
        Some(16 | 24 | 32) => generic_secret::random_value(template, 16..=32),
        Some(_) => Err(Error::KeySizeRange),
        None => Err(Error::TemplateIncomplete),
    }),
    ..AES
};

pub(super) const ECB: Mechanism = Mechanism {
    ckm: CKM_AES_ECB,
    name: "CKM_AES_ECB",
    encrypt: Some(|_, key| Cipher::start(Direction::Encrypt, Padding::None, &Mode::Ecb, key)),
    decrypt: Some(|_, key| Cipher::start(Direction::Decrypt, Padding::None, &Mode::Ecb, key)),
    ..AES
};

pub(super) const CBC: Mechanism = Mechanism {
    ckm: CKM_AES_CBC,
    name: "CKM_AES_CBC",
    params: Shape::Iv(BLOCK),
    encrypt: Some(|p, key| Cipher::start(Direction::Encrypt, Padding::None, &cbc(p)?, key)),
    decrypt: Some(|p, key| Cipher::start(Direction::Decrypt, Padding::None, &cbc(p)?, key)),
    ..AES
};

pub(super) const CBC_PAD: Mechanism = Mechanism {
    ckm: CKM_AES_CBC_PAD,
    name: "CKM_AES_CBC_PAD",
    params: Shape::Iv(BLOCK),
    encrypt: Some(|p, key| Cipher::start(Direction::Encrypt, Padding::Pkcs7, &cbc(p)?, key)),
    decrypt: Some(|p, key| Cipher::start(Direction::Decrypt, Padding::Pkcs7, &cbc(p)?, key)),
    ..AES
};

pub(super) const GCM: Mechanism = Mechanism {
    ckm: CKM_AES_GCM,
    name: "CKM_AES_GCM",
    params: Shape::Gcm,
    encrypt: Some(gcm_encrypt),
    decrypt: Some(gcm_decrypt),
    ..AES
};

fn cbc(params: &Params) -> Result<Mode> {
    match params {
        Params::Iv(iv) => match iv.as_slice().try_into() {
            Ok(iv) => Ok(Mode::Cbc { iv }),
            Err(_) => Err(Error::MechanismParamInvalid),
        },
        _ => Err(Error::MechanismParamInvalid),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    Pkcs7,
}

/// A block cipher at work. What does not fill a block waits for more; when decrypting with padding
/// the last block waits for the end.
struct Cipher {
    blocks: Blocks,
    direction: Direction,
    padding: Padding,
    rest: Secret,
}

impl Cipher {
    fn start(
        direction: Direction,
        padding: Padding,
        mode: &Mode,
        key: &Key,
    ) -> Result<Box<dyn Transform>> {
        let blocks =
            Blocks::new(direction, mode, key.secret()?).map_err(|_| Error::KeySizeRange)?;
        let rest = Secret::new(Vec::with_capacity(2 * BLOCK));
        Ok(Box::new(Cipher { blocks, direction, padding, rest }))
    }

    fn unpads(&self) -> bool {
        self.padding == Padding::Pkcs7 && self.direction == Direction::Decrypt
    }

    /// Of `len` bytes, how many can be transformed before the end is known.
    fn ready(&self, len: usize) -> usize {
        let len = if self.unpads() { len.saturating_sub(1) } else { len };
        len - len % BLOCK
    }

    fn run(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.blocks.update(part, out).map_err(|_| Error::FunctionFailed)
    }

    fn wrong_length(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }

    fn pad(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let missing = BLOCK - self.rest.len();
        let fill = u8::try_from(missing).map_err(|_| Error::GeneralError)?;
        let mut last = std::mem::take(&mut self.rest);
        last.extend(std::iter::repeat_n(fill, missing));
        self.run(&last, out)
    }

    fn unpad(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.rest.len() != BLOCK {
            return Err(Error::EncryptedDataLenRange);
        }
        let sealed = std::mem::take(&mut self.rest);
        let mut last = Secret::default();
        self.run(&sealed, &mut last)?;
        let fill = usize::from(last.last().copied().unwrap_or(0));
        let (content, padding) =
            last.split_at_checked(BLOCK.wrapping_sub(fill)).ok_or(Error::EncryptedDataInvalid)?;
        if fill == 0 || padding.iter().any(|b| usize::from(*b) != fill) {
            return Err(Error::EncryptedDataInvalid);
        }
        out.extend_from_slice(content);
        Ok(())
    }
}

impl Transform for Cipher {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let ready = self.ready(self.rest.len() + part.len());
        let mut part = part;
        if ready > 0 && !self.rest.is_empty() {
            // fill the block that waits; it may be full already
            let (fill, after) = part.split_at(part.len().min(BLOCK - self.rest.len()));
            let mut block = std::mem::take(&mut self.rest);
            block.extend_from_slice(fill);
            part = after;
            self.run(&block, out)?;
        }
        let (now, later) = part.split_at(self.ready(part.len()));
        self.run(now, out)?;
        self.rest.extend_from_slice(later);
        Ok(())
    }
    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        match (self.padding, self.direction) {
            (Padding::None, _) if self.rest.is_empty() => Ok(()),
            (Padding::None, _) => Err(self.wrong_length()),
            (Padding::Pkcs7, Direction::Encrypt) => self.pad(out),
            (Padding::Pkcs7, Direction::Decrypt) => self.unpad(out),
        }
    }
    fn update_len(&self, len: usize) -> usize {
        self.ready(self.rest.len() + len)
    }
    fn finish_len(&self, len: usize) -> Bound {
        let all = self.rest.len() + len;
        match (self.padding, self.direction) {
            (Padding::None, _) => Bound::Exactly(all - all % BLOCK),
            (Padding::Pkcs7, Direction::Encrypt) => Bound::Exactly(all - all % BLOCK + BLOCK),
            (Padding::Pkcs7, Direction::Decrypt) => Bound::AtMost(all),
        }
    }
}

fn gcm(params: &Params) -> Result<Gcm> {
    match params {
        Params::Gcm(gcm) => Ok(gcm.clone()),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn gcm_encrypt(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (gcm, key) = (gcm(params)?, key.clone());
    let tag_len = gcm.tag_len;
    Ok(Whole::new(
        Limit::NONE,
        move |len| Bound::Exactly(len + tag_len),
        move |data: &[u8], out: &mut Vec<u8>| {
            *out = aes::gcm_seal(key.secret()?, &gcm, data).map_err(|_| Error::DataLenRange)?;
            Ok(())
        },
    ))
}

fn gcm_decrypt(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (gcm, key) = (gcm(params)?, key.clone());
    let tag_len = gcm.tag_len;
    Ok(Whole::new(
        Limit(Limit::NONE.0, Error::EncryptedDataLenRange),
        move |len: usize| Bound::Exactly(len.saturating_sub(tag_len)),
        move |sealed: &[u8], out: &mut Vec<u8>| {
            if sealed.len() < tag_len {
                return Err(Error::EncryptedDataLenRange);
            }
            let opened = aes::gcm_open(key.secret()?, &gcm, sealed);
            *out = std::mem::take(&mut *opened.map_err(|_| Error::EncryptedDataInvalid)?);
            Ok(())
        },
    ))
}
