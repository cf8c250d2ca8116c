//! What a row is made of: the functions that a mechanism can have, and the operations they start.
use super::Params;
use crate::crypto::{InOut, Secret, Workers};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::{Key, Target};
use crate::object::template::Pair;

/// What tells a wrapping from noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// A check of the mechanism itself.
    Own,
    /// Nothing: any bytes open to something, and a part of them to a part of it.
    None,
    /// Padding, and nothing else: which code an error has must not tell that the padding was right.
    PaddingOnly,
}

/// What a derivation makes of its base key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// A secret key that says nothing about the base key.
    Key,
    /// A secret key that is hidden as the base key, unless the template says otherwise.
    Inheriting,
    /// A secret key at least as hidden as the base key, and unless the template says more, as it is.
    Hidden,
    /// Secret keys hidden just as the base key is.
    Alike,
    /// A secret key of the very bytes of the base key.
    Bytes,
    /// A data object.
    Data,
    /// The public key that belongs to the base key.
    PublicHalf,
}

/// Starts an operation: what every `C_*Init` calls.
pub type Start<Operation> = fn(&Params, &Key) -> Result<Box<Operation>>;

/// Starts a digest.
pub type Digest = fn(&Params) -> Result<Box<dyn Transform>>;

/// Goes on with a digest from its state. `CKR_SAVED_STATE_INVALID` if that cannot be one.
pub type Resume = fn(state: &[u8]) -> Result<Box<dyn Transform>>;

/// Derives a key for a template.
pub type Derive = fn(&Params, &Key, template: &Attributes) -> Result<Attributes>;

/// Derives keys, all or none.
#[derive(Debug)]
pub struct DeriveMany {
    /// The templates of the keys, from the application's.
    pub templates: fn(&Params, Attributes) -> Result<Vec<Attributes>>,
    /// The keys, one for each of these templates, which are complete now.
    pub run: fn(&Params, &Key, templates: &[Attributes]) -> Result<Derivatives>,
}

/// What a derivation yields.
#[derive(Debug, Default)]
pub struct Derivatives {
    /// Attributes of each key, in the order of the templates.
    pub keys: Vec<Attributes>,
    /// Bytes that the application is told: initialisation vectors, the version of a protocol.
    pub told: Vec<u8>,
}

/// Unwraps to the encoding of a key.
pub type Unwrap = fn(&Params, &Key, wrapped: &[u8]) -> Result<Secret>;

/// Takes the shared secret out of a ciphertext.
pub type Decapsulate = fn(&Params, &Key, ciphertext: &[u8]) -> Result<Secret>;

/// Makes a secret key for a template.
pub type Generate = fn(&Params, template: &Attributes) -> Result<Attributes>;

/// Makes a key pair for the public and private templates; with [`Workers`], if it takes long.
pub type GeneratePair =
    fn(&Params, public: &Attributes, private: &Attributes, &Workers) -> Result<Pair>;

/// Wrapping: its length is known before its bytes, so that a size query costs nothing.
#[derive(Debug)]
pub struct Wrap {
    /// Exact length of the wrapping of a target; refuses what cannot be wrapped. Computes nothing.
    pub len: fn(&Params, &Key, &Target) -> Result<usize>,
    /// The wrapping itself. Asked only after `len` agreed.
    pub run: fn(&Params, &Key, &Target) -> Result<Vec<u8>>,
}

/// Encapsulation: like wrapping, of a secret that comes to be on the way.
#[derive(Debug)]
pub struct Encapsulate {
    /// Exact length of the ciphertext. Computes nothing.
    pub len: fn(&Params, &Key) -> Result<usize>,
    /// The encapsulation itself.
    pub run: fn(&Params, &Key) -> Result<Encapsulated>,
}

/// A ciphertext, and the value of the shared secret in it.
pub type Encapsulated = (Vec<u8>, Secret);

/// Bytes in, bytes out: encrypt, decrypt, digest and sign are all this.
pub trait Transform: Send {
    /// Feeds a part; appends the output there is.
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()>;
    /// Ends the operation; appends what is left.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()>;
    /// [`Self::update`] and [`Self::finish`] in one, for input that comes all at once.
    fn single(mut self: Box<Self>, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.update(data, out)?;
        self.finish(out)
    }
    /// How many bytes at the beginning of a part of `len` bytes [`Self::run`] would take.
    fn straight(&self, _len: usize, _part: Part) -> usize {
        0
    }
    /// Feeds bytes whose output, as long, goes straight to its place in the application's memory.
    fn run(&mut self, _: InOut<'_>, _: Part) -> Result<()> {
        Err(Error::GeneralError.because("an operation that puts nothing in place"))
    }
    /// Exactly how many bytes [`Self::update`] would append for a part of `len` bytes.
    fn update_len(&self, len: usize) -> usize;
    /// How many bytes would be appended for a last part of `len` bytes and the end, together.
    fn finish_len(&self, len: usize) -> Bound;
    /// What it is to go on from later, if it can be: as long at any time.
    fn state(&self) -> Option<Vec<u8>> {
        None
    }
}

/// Which part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// More may come.
    More,
    /// The last or only one.
    Last,
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
    /// [`Self::update`] and [`Self::finish`] in one, for input that comes all at once.
    fn single(mut self: Box<Self>, data: &[u8], signature: &[u8]) -> Result<()> {
        self.update(data)?;
        self.finish(signature)
    }
}
