//! Mechanism parameters: the C structures they come in, and what is left once they are understood.
mod derive;
mod message;
mod tls;

use crate::ck::*;
use crate::crypto::aead::ChaChaPoly;
use crate::crypto::aes::{Ccm, Ctr, Gcm};
use crate::crypto::chacha;
use crate::crypto::edwards::Variant;
use crate::crypto::hash::Hash;
use crate::crypto::oaep::Oaep;
use crate::crypto::prehash::{Hedge, PreHash};
use crate::crypto::pss::Pss;
pub use derive::*;
pub use message::{Message, MessageShape};
pub use tls::*;

/// How parameters name a hash: as itself, and as the hash of MGF1. Those of SHA-512/t have no name
/// of the second kind.
pub const HASHES: [(CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE, Hash); 9] = [
    (CKM_SHA_1, CKG_MGF1_SHA1, Hash::Sha1),
    (CKM_SHA224, CKG_MGF1_SHA224, Hash::Sha224),
    (CKM_SHA256, CKG_MGF1_SHA256, Hash::Sha256),
    (CKM_SHA384, CKG_MGF1_SHA384, Hash::Sha384),
    (CKM_SHA512, CKG_MGF1_SHA512, Hash::Sha512),
    (CKM_SHA3_224, CKG_MGF1_SHA3_224, Hash::Sha3_224),
    (CKM_SHA3_256, CKG_MGF1_SHA3_256, Hash::Sha3_256),
    (CKM_SHA3_384, CKG_MGF1_SHA3_384, Hash::Sha3_384),
    (CKM_SHA3_512, CKG_MGF1_SHA3_512, Hash::Sha3_512),
];

/// Hashes that OAEP can have next to [`HASHES`].
pub const OAEP_HASHES: [(CK_MECHANISM_TYPE, Hash); 2] =
    [(CKM_SHA512_224, Hash::Sha512_224), (CKM_SHA512_256, Hash::Sha512_256)];

/// Hashes of messages that are signed as hashes. The standard has no number for SHAKE on its own.
pub const PRE_HASHES: [(CK_MECHANISM_TYPE, Hash); 10] = [
    (CKM_SHA224, Hash::Sha224),
    (CKM_SHA256, Hash::Sha256),
    (CKM_SHA384, Hash::Sha384),
    (CKM_SHA512, Hash::Sha512),
    (CKM_SHA512_224, Hash::Sha512_224),
    (CKM_SHA512_256, Hash::Sha512_256),
    (CKM_SHA3_224, Hash::Sha3_224),
    (CKM_SHA3_256, Hash::Sha3_256),
    (CKM_SHA3_384, Hash::Sha3_384),
    (CKM_SHA3_512, Hash::Sha3_512),
];

/// The C structure that a mechanism's parameter comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No parameter allowed.
    None,
    /// `CK_RSA_PKCS_OAEP_PARAMS`
    Oaep,
    /// `CK_RSA_PKCS_PSS_PARAMS`
    Pss,
    /// `CK_RSA_AES_KEY_WRAP_PARAMS`, or by old callers a bare `CK_RSA_PKCS_OAEP_PARAMS` (AES-256)
    RsaAesKeyWrap,
    /// An initialisation vector of this many bytes
    Iv(usize),
    /// `CK_GCM_PARAMS`
    Gcm,
    /// `CK_AES_CTR_PARAMS`
    Ctr,
    /// `CK_CCM_PARAMS`
    Ccm,
    /// `CK_MAC_GENERAL_PARAMS`
    MacLen,
    /// `CK_CHACHA20_PARAMS`
    ChaCha,
    /// `CK_SALSA20_CHACHA20_POLY1305_PARAMS`
    ChaChaPoly,
    /// `CK_KEY_DERIVATION_STRING_DATA`
    StringData,
    /// `CK_AES_CBC_ENCRYPT_DATA_PARAMS`
    CbcData,
    /// `CK_ECDH1_DERIVE_PARAMS`
    Ecdh,
    /// `CK_ECDH_AES_KEY_WRAP_PARAMS`
    EcdhAesKeyWrap,
    /// `CK_EDDSA_PARAMS`
    Eddsa,
    /// `CK_SIGN_ADDITIONAL_CONTEXT`
    SignContext,
    /// `CK_HASH_SIGN_ADDITIONAL_CONTEXT`
    HashSignContext,
    /// `CK_HKDF_PARAMS`
    Hkdf,
    /// `CK_PKCS5_PBKD2_PARAMS2`, or `CK_PKCS5_PBKD2_PARAMS`, which is as long
    Pbkdf2,
    /// `CK_SP800_108_KDF_PARAMS`, where the iteration variable is a counter
    Counter108,
    /// `CK_SP800_108_FEEDBACK_KDF_PARAMS`
    Feedback108,
    /// `CK_SP800_108_KDF_PARAMS`, where the iteration variable is what came before
    Pipeline108,
    /// `CK_OBJECT_HANDLE` of another key
    OtherKey,
    /// `CK_EXTRACT_PARAMS`: the number of a bit
    Bit,
    /// `CK_VERSION`
    TlsVersion,
    /// `CK_TLS12_MASTER_KEY_DERIVE_PARAMS`
    TlsMaster,
    /// `CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS`
    TlsExtendedMaster,
    /// `CK_TLS12_KEY_MAT_PARAMS`
    TlsKeys,
    /// The same, whatever it says of initialisation vectors
    TlsKeysAlone,
    /// `CK_TLS_KDF_PARAMS`
    TlsKdf,
    /// `CK_TLS_MAC_PARAMS`
    TlsMac,
}

impl Shape {
    /// Whether it holds what no two messages may have in common: an initialisation vector, a nonce.
    pub fn is_for_one_message(self) -> bool {
        matches!(
            self,
            Shape::Iv(_) | Shape::Gcm | Shape::Ctr | Shape::Ccm | Shape::ChaCha | Shape::ChaChaPoly
        )
    }
}

/// The same, read out of the caller's memory and checked. A NULL parameter of length 0 is
/// [`Params::None`] whatever the shape; the mechanism's row says whether it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Params {
    None,
    Oaep(Oaep),
    Pss(Pss),
    RsaAesKeyWrap(RsaAesKeyWrap),
    Iv(Vec<u8>),
    Gcm(Gcm),
    Ctr(Ctr),
    Ccm(Ccm),
    MacLen(usize),
    ChaCha(chacha::Start),
    ChaChaPoly(ChaChaPoly),
    StringData(Vec<u8>),
    CbcData { iv: [u8; 16], data: Vec<u8> },
    Ecdh(Ecdh),
    EcdhAesKeyWrap(EcdhAesKeyWrap),
    Eddsa(Variant),
    SignContext(SignContext),
    HashSignContext(SignContext, PreHash),
    Hkdf(Hkdf),
    Pbkdf2(Pbkdf2),
    Kdf108(Kdf108),
    OtherKey(OtherKey),
    Bit(usize),
    TlsVersion([u8; 2]),
    TlsMaster(TlsMaster),
    TlsKeys(TlsKeys),
    TlsKdf(TlsKdf),
    TlsMac(TlsMac),
}

impl Params {
    /// The other keys that it names, for the session to look up.
    pub fn other_keys(&mut self) -> Vec<&mut OtherKey> {
        match self {
            Params::OtherKey(key) | Params::Hkdf(Hkdf { extract: Some(Salt::Key(key)), .. }) => {
                vec![key]
            }
            Params::Kdf108(params) => params
                .pieces
                .iter_mut()
                .filter_map(|piece| match piece {
                    Piece::Key(key) => Some(key),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Parameters of ML-DSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignContext {
    /// At most 255 bytes.
    pub context: Vec<u8>,
    /// None if the parameter names a variant that there is not, which verification ignores.
    pub hedge: Option<Hedge>,
}

impl SignContext {
    /// What no parameter means.
    pub const NONE: SignContext = SignContext { context: Vec::new(), hedge: Some(Hedge::Hedged) };
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
