//! Mechanism parameters: the C structures they come in, and what is left once they are understood.
use crate::crypto::aes::Gcm;
use crate::crypto::oaep::Oaep;

/// The C structure that a mechanism's parameter comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No parameter allowed.
    None,
    /// `CK_RSA_PKCS_OAEP_PARAMS`
    Oaep,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`, or by old callers a bare `CK_RSA_PKCS_OAEP_PARAMS` (AES-256)
    RsaAesKeyWrap,
    /// An initialisation vector of this many bytes
    Iv(usize),
    /// `CK_GCM_PARAMS`
    Gcm,
}

/// The same, read out of the caller's memory and checked. A NULL parameter of length 0 is
/// [`Params::None`] whatever the shape; the mechanism's row says whether it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Params {
    None,
    Oaep(Oaep),
    RsaAesKeyWrap(RsaAesKeyWrap),
    Iv(Vec<u8>),
    Gcm(Gcm),
}

/// Parameters of `CKM_RSA_AES_KEY_WRAP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaAesKeyWrap {
    /// Length of the ephemeral AES key in bytes.
    pub aes_len: usize,
    /// How it is wrapped.
    pub oaep: Oaep,
}

impl RsaAesKeyWrap {
    /// What Azure takes: AES-256, SHA-1, MGF1-SHA-1, empty label.
    pub const AZURE: RsaAesKeyWrap = RsaAesKeyWrap { aes_len: 32, oaep: Oaep::SHA1 };
}
