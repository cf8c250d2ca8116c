//! AES with ciphertext stealing: CTS and XTS, and the keys of XTS. PKCS#11 3.2, sections "AES CBC with
//! Cipher Text Stealing CTS" and "AES-XTS".
use super::aes::{AES, block_iv};
use super::wrapping::{self, Ways};
use super::{Bound, Integrity, Mechanism, Params, Shape, Transform, Wrap, generic_secret};
use crate::ck::*;
use crate::crypto::Failed;
use crate::crypto::aes::{Cts, Direction, Held, Xts};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) const CTS: Mechanism = Mechanism {
    ckm: CKM_AES_CTS,
    name: "CKM_AES_CTS",
    params: Shape::Iv(BLOCK),
    encrypt: Some(CTS_WAYS.encrypt),
    decrypt: Some(CTS_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |params, kek, target| match target.len()? {
            // there is nothing to steal from
            ..BLOCK => Err(Error::KeySizeRange),
            _ => wrapping::len_of_blocks(1, CTS_WAYS.encrypt, params, kek, target),
        },
        run: |params, kek, target| wrapping::run(CTS_WAYS.encrypt, params, kek, target),
    }),
    unwrap: Some(|params, kek, wrapped| wrapping::unwrap(CTS_WAYS.decrypt, params, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const XTS: Mechanism = Mechanism {
    ckm: CKM_AES_XTS,
    name: "CKM_AES_XTS",
    params: Shape::Iv(BLOCK),
    encrypt: Some(|params, key| xts(Direction::Encrypt, params, key)),
    decrypt: Some(|params, key| xts(Direction::Decrypt, params, key)),
    ..XTS_KEYS
};

pub(super) const XTS_KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_AES_XTS_KEY_GEN,
    name: "CKM_AES_XTS_KEY_GEN",
    generate: Some(|_, template| match template.ulong(CKA_VALUE_LEN) {
        Some(32 | 64) => generic_secret::random_value(template, 32..=64),
        Some(_) => Err(Error::KeySizeRange),
        None => Err(Error::TemplateIncomplete),
    }),
    ..XTS_KEYS
};

/// Two AES keys of one length in one, in bytes.
const XTS_KEYS: Mechanism =
    Mechanism { key_types: &[CKK_AES_XTS], key_size: 32..=64, ..Mechanism::NONE };

const BLOCK: usize = 16;

const CTS_WAYS: Ways = Ways {
    encrypt: |params, key| cts(Direction::Encrypt, params, key),
    decrypt: |params, key| cts(Direction::Decrypt, params, key),
};

fn cts(direction: Direction, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let cts = Cts::new(direction, key.secret()?, &block_iv(params)?);
    let cipher = cts.map_err(|Failed| Error::KeySizeRange)?;
    Ok(Box::new(Stealing { cipher, direction, held: Held::new(BLOCK, Cts::KEEP) }))
}

fn xts(direction: Direction, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let xts = Xts::new(direction, key.secret()?, &block_iv(params)?);
    let cipher = xts.map_err(|Failed| Error::KeySizeRange)?;
    Ok(Box::new(Stealing { cipher, direction, held: Held::new(BLOCK, Xts::KEEP) }))
}

/// Such a mode at work. Its end waits.
struct Stealing<Cipher> {
    cipher: Cipher,
    direction: Direction,
    held: Held,
}

/// What both modes can do.
trait Steal: Send {
    fn blocks(&mut self, blocks: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed>;
    fn end(self, rest: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed>;
}

impl Steal for Cts {
    fn blocks(&mut self, blocks: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.update(blocks, out)
    }
    fn end(self, rest: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.finish(rest, out)
    }
}

impl Steal for Xts {
    fn blocks(&mut self, blocks: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.update(blocks, out)
    }
    fn end(self, rest: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.finish(rest, out)
    }
}

/// Both modes fail for lengths alone.
fn wrong_length(direction: Direction) -> Error {
    match direction {
        Direction::Encrypt => Error::DataLenRange,
        Direction::Decrypt => Error::EncryptedDataLenRange,
    }
}

impl<Cipher: Steal> Transform for Stealing<Cipher> {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Stealing { cipher, direction, held } = self;
        held.feed(part, |blocks| cipher.blocks(blocks, out))
            .map_err(|Failed| wrong_length(*direction))
    }
    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        let (rest, direction) = (self.held.take(), self.direction);
        self.cipher.end(&rest, out).map_err(|Failed| wrong_length(direction))
    }
    fn update_len(&self, len: usize) -> usize {
        self.held.ready(len)
    }
    fn finish_len(&self, len: usize) -> Bound {
        Bound::Exactly(self.held.len().saturating_add(len))
    }
}
