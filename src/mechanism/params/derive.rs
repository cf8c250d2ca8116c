//! Parameters of key derivation and agreement.
use crate::ck::CK_OBJECT_HANDLE;
use crate::crypto::Secret;
use crate::crypto::hash::Hash;
use crate::crypto::kdf::{AgreementKdf, Prf};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::Key;
use std::num::NonZeroU32;

/// Parameters of `CKM_ECDH1_DERIVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ecdh {
    /// What the shared secret goes through, if anything.
    pub kdf: Option<AgreementKdf>,
    /// What both sides put into it.
    pub shared_data: Vec<u8>,
    /// The other side's public key.
    pub public: Vec<u8>,
}

/// Parameters of `CKM_ECDH_AES_KEY_WRAP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcdhAesKeyWrap {
    /// Length of the AES key in bytes.
    pub aes_len: usize,
    /// What the shared secret goes through, if anything.
    pub kdf: Option<AgreementKdf>,
    /// What both sides put into it.
    pub shared_data: Vec<u8>,
}

/// Parameters of `CKM_HKDF_DERIVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hkdf {
    /// What is extracted with, if anything.
    pub extract: Option<Salt>,
    /// What is expanded with, if anything.
    pub expand: Option<Vec<u8>>,
    /// The hash.
    pub hash: Hash,
}

/// The salt of HKDF.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Salt {
    None,
    Data(Vec<u8>),
    Key(OtherKey),
}

/// Parameters of `CKM_PKCS5_PBKD2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pbkdf2 {
    /// The hash of its HMAC.
    pub hash: Hash,
    /// The password, UTF-8 or not.
    pub password: Secret,
    /// The salt.
    pub salt: Vec<u8>,
    /// How often.
    pub iterations: NonZeroU32,
}

/// Parameters of the three KDFs of SP 800-108.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kdf108 {
    /// What is iterated.
    pub prf: Prf,
    /// Its input, in order.
    pub pieces: Vec<Piece>,
    /// Where feedback starts; empty in the other modes.
    pub iv: Vec<u8>,
    /// Templates of the keys that are derived next to the first one.
    pub others: Vec<Attributes>,
}

/// A piece of the input of an SP 800-108 KDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What the iteration before made (feedback, double pipeline).
    Chain,
    /// The number of the iteration, from 1.
    Counter(Number),
    /// The length of what is derived, in bits.
    Length(Number, LengthOf),
    /// Anything: label, separator, context.
    Bytes(Vec<u8>),
    /// The value of another key.
    Key(OtherKey),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// In so many bytes, 1 to 8.
    pub width: usize,
    /// Least significant byte first.
    pub little_endian: bool,
}

/// What a length is the length of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthOf {
    /// The keys made.
    Keys,
    /// The whole iterations that they take.
    Segments,
}

/// A second key that a parameter names. The handle is the application's; the key comes from policy,
/// before the mechanism sees the parameter.
#[derive(Clone, Debug)]
pub struct OtherKey {
    handle: CK_OBJECT_HANDLE,
    key: Option<Key>,
}

impl OtherKey {
    /// Not yet looked up.
    pub fn new(handle: CK_OBJECT_HANDLE) -> OtherKey {
        OtherKey { handle, key: None }
    }
    /// What the application calls it.
    pub fn handle(&self) -> CK_OBJECT_HANDLE {
        self.handle
    }
    /// Policy let it through.
    pub fn permitted(&mut self, key: Key) {
        self.key = Some(key);
    }
    /// The key.
    pub fn key(&self) -> Result<&Key> {
        self.key.as_ref().ok_or(Error::KeyHandleInvalid)
    }
    /// Its value.
    pub fn secret(&self) -> Result<&Secret> {
        self.key()?.secret()
    }
}

impl PartialEq for OtherKey {
    fn eq(&self, other: &OtherKey) -> bool {
        self.handle == other.handle
    }
}

impl Eq for OtherKey {}
