//! AES as a stream cipher: CTR, OFB, CFB128 and CFB8. PKCS#11 3.2, sections "AES with Counter" and
//! "AES". Under OFB and CFB the standard's table lets keys be wrapped, and its text does not say
//! how: here as under CBC the value of a secret key is encrypted.
use super::aes::{AES, block_iv};
use super::stream::{Flow, Flowing};
use super::wrapping::{self, Ways};
use super::{Integrity, Mechanism, Params, Shape, Transform, Wrap};
use crate::ck::*;
use crate::crypto::aes::{Cfb8, Direction, Feedback, Stream};
use crate::crypto::{Failed, InOut};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) const CTR: Mechanism = Mechanism {
    ckm: CKM_AES_CTR,
    name: "CKM_AES_CTR",
    params: Shape::Ctr,
    encrypt: Some(CTR_WAYS.encrypt),
    decrypt: Some(CTR_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |params, kek, target| wrapping::len(CTR_WAYS.encrypt, params, kek, target),
        run: |params, kek, target| wrapping::run(CTR_WAYS.encrypt, params, kek, target),
    }),
    unwrap: Some(|params, kek, wrapped| wrapping::unwrap(CTR_WAYS.decrypt, params, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const OFB: Mechanism = Mechanism {
    ckm: CKM_AES_OFB,
    name: "CKM_AES_OFB",
    params: Shape::Iv(16),
    encrypt: Some(OFB_WAYS.encrypt),
    decrypt: Some(OFB_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(1, OFB_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(OFB_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(OFB_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const CFB8: Mechanism = Mechanism {
    ckm: CKM_AES_CFB8,
    name: "CKM_AES_CFB8",
    params: Shape::Iv(16),
    encrypt: Some(CFB8_WAYS.encrypt),
    decrypt: Some(CFB8_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(1, CFB8_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(CFB8_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CFB8_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

pub(super) const CFB128: Mechanism = Mechanism {
    ckm: CKM_AES_CFB128,
    name: "CKM_AES_CFB128",
    params: Shape::Iv(16),
    encrypt: Some(CFB128_WAYS.encrypt),
    decrypt: Some(CFB128_WAYS.decrypt),
    wrap: Some(Wrap {
        len: |p, kek, target| wrapping::len_of_blocks(1, CFB128_WAYS.encrypt, p, kek, target),
        run: |p, kek, target| wrapping::run(CFB128_WAYS.encrypt, p, kek, target),
    }),
    unwrap: Some(|p, kek, wrapped| wrapping::unwrap(CFB128_WAYS.decrypt, p, kek, wrapped)),
    integrity: Integrity::None,
    comparable: true,
    ..AES
};

impl Flow for Stream {
    fn flow(&mut self, part: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.update(part, out)
    }
    const RUNS: bool = true;
    fn run(&mut self, bytes: InOut<'_>) -> std::result::Result<(), Failed> {
        Stream::run(self, bytes)
    }
}

impl Flow for Cfb8 {
    fn flow(&mut self, part: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.update(part, out)
    }
}

const CTR_WAYS: Ways = Ways {
    encrypt: |params, key| ctr(Direction::Encrypt, params, key),
    decrypt: |params, key| ctr(Direction::Decrypt, params, key),
};

const OFB_WAYS: Ways = Ways {
    encrypt: |p, key| feedback(Direction::Encrypt, Feedback::Ofb, p, key),
    decrypt: |p, key| feedback(Direction::Decrypt, Feedback::Ofb, p, key),
};

const CFB8_WAYS: Ways = Ways {
    encrypt: |p, key| cfb8(Direction::Encrypt, p, key),
    decrypt: |p, key| cfb8(Direction::Decrypt, p, key),
};

const CFB128_WAYS: Ways = Ways {
    encrypt: |p, key| feedback(Direction::Encrypt, Feedback::Cfb128, p, key),
    decrypt: |p, key| feedback(Direction::Decrypt, Feedback::Cfb128, p, key),
};

fn ctr(direction: Direction, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let Params::Ctr(ctr) = params else { return Err(Error::MechanismParamInvalid) };
    let stream = Stream::ctr(key.secret()?, ctr).map_err(|_| Error::KeySizeRange)?;
    Ok(Flowing::start(direction, stream))
}

fn cfb8(direction: Direction, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let stream = Cfb8::new(direction, key.secret()?, &block_iv(params)?);
    Ok(Flowing::start(direction, stream.map_err(|_| Error::KeySizeRange)?))
}

fn feedback(
    direction: Direction,
    mode: Feedback,
    params: &Params,
    key: &Key,
) -> Result<Box<dyn Transform>> {
    let stream = Stream::feedback(direction, mode, key.secret()?, &block_iv(params)?);
    Ok(Flowing::start(direction, stream.map_err(|_| Error::KeySizeRange)?))
}
