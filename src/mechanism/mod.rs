//! Every mechanism of this token: a row each, a file per family. To add one, write its file and put
//! its row into [`MECHANISMS`].
pub mod params;

use crate::ck::*;
use crate::crypto::{Secret, rsa_keygen::Threads};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::Key;
pub use params::{Params, Shape};
use std::ops::RangeInclusive;

/// A mechanism is a row: what it is called, what it takes, what it can do.
///
/// What it can do is which functions are present; [`Mechanism::flags`] reads them off, so that
/// `C_GetMechanismInfo` cannot disagree with the code.
#[derive(Debug)]
pub struct Mechanism {
    /// The `CKM_*` number.
    pub ckm: CK_MECHANISM_TYPE,
    /// Its name in the standard.
    pub name: &'static str,
    /// Shape of its parameter.
    pub params: Shape,
    /// What a NULL parameter means, where it may be NULL although the shape is not [`Shape::None`].
    pub null: Option<Params>,
    /// Types of the keys it works on or makes.
    pub key_types: &'static [CK_KEY_TYPE],
    /// Sizes of the keys it works on, in the unit of the standard's table.
    pub key_size: RangeInclusive<CK_ULONG>,
    /// `C_EncryptInit`
    pub encrypt: Option<Start<dyn Transform>>,
    /// `C_DecryptInit`
    pub decrypt: Option<Start<dyn Transform>>,
    /// `C_SignInit`
    pub sign: Option<Start<dyn Transform>>,
    /// `C_VerifyInit`
    pub verify: Option<Start<dyn Verify>>,
    /// `C_WrapKey`
    pub wrap: Option<Wrap>,
    /// `C_UnwrapKey`
    pub unwrap: Option<Unwrap>,
    /// `C_GenerateKey`: from a complete template to the attributes that make the key
    pub generate: Option<Generate>,
    /// `C_GenerateKeyPair`
    pub generate_pair: Option<GeneratePair>,
}

/// Starts an operation: what every `C_*Init` calls.
pub type Start<Operation> = fn(&Params, &Key) -> Result<Box<Operation>>;

/// Unwraps to the encoding of a key.
pub type Unwrap = fn(&Params, &Key, wrapped: &[u8]) -> Result<Secret>;

/// Makes a secret key for a template.
pub type Generate = fn(&Params, template: &Attributes) -> Result<Attributes>;

/// Makes a key pair for the public and private templates: attributes of the public, then of the
/// private half.
pub type GeneratePair =
    fn(&Params, public: &Attributes, private: &Attributes, Threads) -> Result<(Attributes, Attributes)>;

/// Wrapping: its length is known before its bytes, so that a size query costs nothing.
#[derive(Debug)]
pub struct Wrap {
    /// Length of the wrapping of a key encoded in `len` bytes. Also checks what can be checked.
    pub len: fn(&Params, &Key, len: usize) -> Result<usize>,
    /// The wrapping itself.
    pub run: fn(&Params, &Key, &[u8]) -> Result<Vec<u8>>,
}

/// Bytes in, bytes out: encrypt, decrypt, digest and sign are all this.
pub trait Transform: Send {
    /// Feeds a part; appends the output there is.
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()>;
    /// Ends the operation; appends what is left.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()>;
    /// Exactly how many bytes [`Self::update`] would append for a part of `len` bytes.
    fn update_len(&self, len: usize) -> usize;
    /// How many bytes would be appended for a last part of `len` bytes and the end, together.
    fn finish_len(&self, len: usize) -> Bound;
}

/// How long an output will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Just this.
    Exactly(usize),
    /// Not more than this; the content decides.
    AtMost(usize),
}

/// Bytes in, a verdict out.
pub trait Verify: Send {
    /// Feeds a part.
    fn update(&mut self, part: &[u8]) -> Result<()>;
    /// Ends the operation.
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<()>;
}

/// The table.
pub static MECHANISMS: &[Mechanism] = &[];

impl Mechanism {
    /// A row that can do nothing: what every other row starts from.
    #[allow(dead_code)]
    const NONE: Mechanism = Mechanism {
        ckm: CK_ULONG::MAX,
        name: "",
        params: Shape::None,
        null: None,
        key_types: &[],
        key_size: 0..=0,
        encrypt: None,
        decrypt: None,
        sign: None,
        verify: None,
        wrap: None,
        unwrap: None,
        generate: None,
        generate_pair: None,
    };

    /// The row of `ckm`, or `CKR_MECHANISM_INVALID`.
    pub fn of(ckm: CK_MECHANISM_TYPE) -> Result<&'static Mechanism> {
        MECHANISMS.iter().find(|m| m.ckm == ckm).ok_or(Error::MechanismInvalid)
    }
}
