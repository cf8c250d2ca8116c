//! ChaCha20: keys and the bare stream cipher. PKCS#11 3.2, section "ChaCha20".
use super::stream::{Flow, Flowing};
use super::{Mechanism, Params, Shape, Transform, generic_secret};
use crate::ck::*;
use crate::crypto::Failed;
use crate::crypto::aes::Direction;
use crate::crypto::chacha::ChaCha;
use crate::error::{Error, Result};
use crate::object::policy::Key;

/// What the rows of ChaCha20 have in common. Key sizes are in bytes.
pub(super) const CHACHA20_KEYS: Mechanism =
    Mechanism { key_types: &[CKK_CHACHA20], key_size: 32..=32, ..Mechanism::NONE };

pub(super) const KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_CHACHA20_KEY_GEN,
    name: "CKM_CHACHA20_KEY_GEN",
    generate: Some(|_, template| generic_secret::random_value(template, 32..=32)),
    ..CHACHA20_KEYS
};

pub(super) const CHACHA20: Mechanism = Mechanism {
    ckm: CKM_CHACHA20,
    name: "CKM_CHACHA20",
    params: Shape::ChaCha,
    encrypt: Some(|params, key| start(Direction::Encrypt, params, key)),
    decrypt: Some(|params, key| start(Direction::Decrypt, params, key)),
    ..CHACHA20_KEYS
};

impl Flow for ChaCha {
    fn flow(&mut self, part: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed> {
        self.update(part, out)
    }
}

fn start(direction: Direction, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let Params::ChaCha(start) = params else { return Err(Error::MechanismParamInvalid) };
    let cipher = ChaCha::new(key.secret()?, start).map_err(|_| Error::KeySizeRange)?;
    Ok(Flowing::start(direction, cipher))
}
