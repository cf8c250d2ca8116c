//! The KDFs of SP 800-108: counter, feedback, double pipeline, over HMAC or AES-CMAC. PKCS#11 3.2,
//! section "SP 800-108 Key Derivation".
use super::params::{Kdf108, LengthOf, Number, Piece};
use super::{Derivatives, DeriveMany, Derived, Mechanism, Params, Shape, derived};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::kdf::{self, Prf};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::Key;

pub(super) const COUNTER: Mechanism = Mechanism {
    ckm: CKM_SP800_108_COUNTER_KDF,
    name: "CKM_SP800_108_COUNTER_KDF",
    params: Shape::Counter108,
    key_types: derived::SECRETS,
    key_size: 1..=4096,
    derive_many: Some(DeriveMany {
        templates,
        run: |params, key, wanted| derive(Mode::Chained, params, key, wanted),
    }),
    derives: Derived::Inheriting,
    ..Mechanism::NONE
};

pub(super) const FEEDBACK: Mechanism = Mechanism {
    ckm: CKM_SP800_108_FEEDBACK_KDF,
    name: "CKM_SP800_108_FEEDBACK_KDF",
    params: Shape::Feedback108,
    ..COUNTER
};

pub(super) const DOUBLE_PIPELINE: Mechanism = Mechanism {
    ckm: CKM_SP800_108_DOUBLE_PIPELINE_KDF,
    name: "CKM_SP800_108_DOUBLE_PIPELINE_KDF",
    params: Shape::Pipeline108,
    derive_many: Some(DeriveMany {
        templates,
        run: |params, key, wanted| derive(Mode::Pipeline, params, key, wanted),
    }),
    ..COUNTER
};

/// What comes before an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The output of the iteration before, where the input asks for it.
    Chained,
    /// The output of a chain of its own.
    Pipeline,
}

/// How much is derived, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lengths {
    /// Of all keys.
    keys: usize,
    /// Of the whole iterations that they take. No two keys share one.
    segments: usize,
}

/// The templates of all keys. Each says on its own what it wants.
fn templates(params: &Params, first: Attributes) -> Result<Vec<Attributes>> {
    let others = read(params)?.others.iter().cloned();
    Ok(std::iter::once(first).chain(others).collect())
}

/// The keys, one after the other. Each begins with an iteration: section "Deriving Additional Keys".
fn derive(mode: Mode, params: &Params, key: &Key, wanted: &[Attributes]) -> Result<Derivatives> {
    let (params, is_aes) = (read(params)?, key.attributes().ulong(CKA_KEY_TYPE) == Some(CKK_AES));
    if is_aes != (params.prf == Prf::AesCmac) {
        return Err(Error::KeyTypeInconsistent);
    }
    let size = params.prf.size();
    let lens = wanted.iter().map(derived::needed_len).collect::<Result<Vec<usize>>>()?;
    let whole = |len: &usize| len.next_multiple_of(size);
    let lengths = Lengths { keys: lens.iter().sum(), segments: lens.iter().map(whole).sum() };
    let all = iterate(mode, params, key.secret()?, lengths)?;
    let mut rest = all.as_slice();
    let mut keys = Vec::new();
    for len in &lens {
        let (segments, others) = rest.split_at_checked(whole(len)).ok_or(Error::GeneralError)?;
        let value = segments.get(..*len).ok_or(Error::GeneralError)?;
        keys.push(derived::key(Secret::new(value.to_vec())));
        rest = others;
    }
    Ok(Derivatives { keys, told: Vec::new() })
}

/// The output of as many iterations as it takes.
fn iterate(mode: Mode, params: &Kdf108, secret: &[u8], lengths: Lengths) -> Result<Secret> {
    let code = |parts: &[&[u8]]| params.prf.code(secret, parts);
    let mut chain = match mode {
        Mode::Chained => Secret::new(params.iv.clone()),
        Mode::Pipeline => fixed(params, lengths)?,
    };
    // what is wrong with the input is wrong from the first iteration on, but for its counter
    input(params, 1, &chain, lengths)?;
    kdf::blocks(params.prf.size(), lengths.segments, |counter, last| {
        if mode == Mode::Pipeline {
            chain = code(&[&chain])?;
        } else if counter > 1 {
            chain = Secret::new(last.to_vec());
        }
        code(&[&input(params, counter, &chain, lengths).map_err(|_| crate::crypto::Failed)?])
    })
    .map_err(|_| Error::KeySizeRange)
}

fn read(params: &Params) -> Result<&Kdf108> {
    match params {
        Params::Kdf108(params) => Ok(params),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// The input of one iteration.
fn input(params: &Kdf108, counter: u32, chain: &[u8], lengths: Lengths) -> Result<Secret> {
    let mut input = Vec::new();
    for piece in &params.pieces {
        let piece = match piece {
            Piece::Chain => Secret::new(chain.to_vec()),
            Piece::Counter(number) => write(*number, counter.into())?,
            fixed => fixed_piece(fixed, lengths)?,
        };
        input.push(piece);
    }
    Ok(joined(&input))
}

/// What is the same in all iterations.
fn fixed(params: &Kdf108, lengths: Lengths) -> Result<Secret> {
    let fixed = params.pieces.iter().map(|piece| fixed_piece(piece, lengths));
    Ok(joined(&fixed.collect::<Result<Vec<_>>>()?))
}

fn fixed_piece(piece: &Piece, lengths: Lengths) -> Result<Secret> {
    match piece {
        Piece::Chain | Piece::Counter(_) => Ok(Secret::default()),
        Piece::Bytes(bytes) => Ok(Secret::new(bytes.clone())),
        Piece::Key(key) => key.secret().cloned(),
        Piece::Length(number, of) => {
            let bytes = match of {
                LengthOf::Keys => lengths.keys,
                LengthOf::Segments => lengths.segments,
            };
            write(*number, u64::try_from(bytes * 8).map_err(|_| Error::KeySizeRange)?)
        }
    }
}

/// A number, if it fits into its width.
fn write(number: Number, value: u64) -> Result<Secret> {
    let mut bytes = value.to_le_bytes().to_vec();
    let surplus = bytes.split_off(number.width.min(bytes.len()));
    if surplus.iter().any(|byte| *byte != 0) {
        return Err(Error::KeySizeRange.because("a number that does not fit into its width"));
    }
    if !number.little_endian {
        bytes.reverse();
    }
    Ok(Secret::new(bytes))
}

/// One after the other, in one allocation.
fn joined(pieces: &[Secret]) -> Secret {
    let mut all = Secret::new(Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
    pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    all
}
