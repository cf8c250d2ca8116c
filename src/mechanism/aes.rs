//! AES: key generation, ECB, CBC with and without padding. PKCS#11 3.2, section "AES".
use super::wrapping::{self, Ways};
use super::{Bound, Integrity, Mechanism, Params, Part, Shape, Transform, Wrap, generic_secret};
use crate::ck::*;
use crate::crypto::aes::{Blocks, Direction, Held, Mode, padding};
use crate::crypto::{Failed, InOut, Secret};
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
    encrypt: Some(ECB_WAYS.encrypt),
    decrypt: Some(ECB_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(BLOCK, ECB_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(ECB_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(ECB_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const CBC: Mechanism = Mechanism {
    ckm: CKM_AES_CBC,
    name: "CKM_AES_CBC",
    params: Shape::Iv(BLOCK),
    encrypt: Some(CBC_WAYS.encrypt),
    decrypt: Some(CBC_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(BLOCK, CBC_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(CBC_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CBC_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const CBC_PAD: Mechanism = Mechanism {
    ckm: CKM_AES_CBC_PAD,
    name: "CKM_AES_CBC_PAD",
    params: Shape::Iv(BLOCK),
    encrypt: Some(PAD_WAYS.encrypt),
    decrypt: Some(PAD_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len(PAD_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(PAD_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(PAD_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::PaddingOnly,
    comparable: true,
    ..AES
};

const ECB_WAYS: Ways = Ways {
    encrypt: |_, key| Cipher::start(Direction::Encrypt, Padding::None, &Mode::Ecb, key),
    decrypt: |_, key| Cipher::start(Direction::Decrypt, Padding::None, &Mode::Ecb, key),
};

const CBC_WAYS: Ways = Ways {
    encrypt: |p, key| Cipher::start(Direction::Encrypt, Padding::None, &cbc(p)?, key),
    decrypt: |p, key| Cipher::start(Direction::Decrypt, Padding::None, &cbc(p)?, key),
};

const PAD_WAYS: Ways = Ways {
    encrypt: |p, key| Cipher::start(Direction::Encrypt, Padding::Pkcs7, &cbc(p)?, key),
    decrypt: |p, key| Cipher::start(Direction::Decrypt, Padding::Pkcs7, &cbc(p)?, key),
};

fn cbc(params: &Params) -> Result<Mode> {
    Ok(Mode::Cbc { iv: block_iv(params)? })
}

/// An initialisation vector of one block.
pub(super) fn block_iv(params: &Params) -> Result<[u8; BLOCK]> {
    match params {
        Params::Iv(iv) => iv.as_slice().try_into().map_err(|_| Error::MechanismParamInvalid),
        _ => Err(Error::MechanismParamInvalid),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    None,
    Pkcs7,
}

/// A block cipher at work. What does not fill a block waits for more; when decrypting with padding
/// the last block waits for the end.
pub(super) struct Cipher {
    block: usize,
    blocks: Blocks,
    direction: Direction,
    padding: Padding,
    held: Held,
}

impl Cipher {
    fn start(
        direction: Direction,
        padding: Padding,
        mode: &Mode,
        key: &Key,
    ) -> Result<Box<dyn Transform>> {
        let blocks = Blocks::new(direction, mode, key.secret()?);
        let blocks = blocks.map_err(|_| Error::KeySizeRange)?;
        Ok(Cipher::with(BLOCK, direction, padding, blocks))
    }

    /// Any cipher with blocks of `block` bytes.
    pub(super) fn with(
        block: usize,
        direction: Direction,
        padding: Padding,
        blocks: Blocks,
    ) -> Box<dyn Transform> {
        let unpads = padding == Padding::Pkcs7 && direction == Direction::Decrypt;
        let held = Held::new(block, usize::from(unpads));
        Box::new(Cipher { block, blocks, direction, padding, held })
    }

    fn blocks(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.blocks.update(part, out).map_err(|_| Error::FunctionFailed)
    }

    fn wrong_length(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }

    fn pad(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let missing = self.block - self.held.len();
        let fill = u8::try_from(missing).map_err(|_| Error::GeneralError)?;
        let mut last = self.held.take();
        last.extend(std::iter::repeat_n(fill, missing));
        self.blocks(&last, out)
    }

    fn unpad(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.held.len() != self.block {
            return Err(Error::EncryptedDataLenRange);
        }
        let sealed = self.held.take();
        let mut last = Secret::default();
        self.blocks(&sealed, &mut last)?;
        out.extend_from_slice(
            padding::strip(&last, self.block).ok_or(Error::EncryptedDataInvalid)?,
        );
        Ok(())
    }
}

impl Transform for Cipher {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Cipher { blocks, held, .. } = self;
        held.feed(part, |part| blocks.update(part, out)).map_err(|_| Error::FunctionFailed)
    }
    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        match (self.padding, self.direction) {
            (Padding::None, _) if self.held.is_empty() => Ok(()),
            (Padding::None, _) => Err(self.wrong_length()),
            (Padding::Pkcs7, Direction::Encrypt) => self.pad(out),
            (Padding::Pkcs7, Direction::Decrypt) => self.unpad(out),
        }
    }
    fn straight(&self, len: usize, part: Part) -> usize {
        // nothing is written of what will be refused for its length
        let refused =
            part == Part::Last && self.padding == Padding::None && !len.is_multiple_of(self.block);
        if refused || !self.held.is_empty() { 0 } else { self.held.ready(len) }
    }
    fn run(&mut self, blocks: InOut<'_>, _: Part) -> Result<()> {
        self.blocks.run(blocks).map_err(|Failed| Error::FunctionFailed)
    }
    fn update_len(&self, len: usize) -> usize {
        self.held.ready(len)
    }
    fn finish_len(&self, len: usize) -> Bound {
        let all = self.held.len().saturating_add(len);
        let whole = all - all % self.block;
        match (self.padding, self.direction) {
            (Padding::None, _) => Bound::Exactly(whole),
            (Padding::Pkcs7, Direction::Encrypt) => {
                Bound::Exactly(whole.saturating_add(self.block))
            }
            (Padding::Pkcs7, Direction::Decrypt) => Bound::AtMost(all),
        }
    }
}
