//! Keys and targets that have passed the gate, and all that a mechanism can reach of them.
use crate::ck::*;
use crate::crypto::aes::GcmKey;
use crate::crypto::{
    Failed, Secret, SecretKey, ec, edwards, ml_dsa, ml_kem, montgomery, rsa, slh_dsa,
};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::{Object, Prepared, encode};
use std::sync::Arc;

/// A key that policy has let through for one use. Its only constructor is [`permit`](super::permit).
#[derive(Clone, Debug)]
pub struct Key(pub(super) Arc<Object>);

/// A key that policy has let out of the token under one KEK. Its only constructor is
/// [`export`](super::export).
#[derive(Clone, Debug)]
pub struct Target(pub(super) Arc<Object>);

impl Key {
    /// Its attributes, without the key material.
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }
    /// Whether each use needs a `CKU_CONTEXT_SPECIFIC` login of its own.
    pub fn always_authenticate(&self) -> bool {
        self.0.is(CKA_ALWAYS_AUTHENTICATE)
    }
}

/// What each kind of key is made of; for any other key `CKR_KEY_TYPE_INCONSISTENT`.
macro_rules! prepared {
    ($($(#[$doc:meta])* $name:ident: $kind:ident($ty:ty);)*) => {
        impl Key {$(
            $(#[$doc])*
            pub fn $name(&self) -> Result<&$ty> {
                match self.0.prepared()? {
                    Prepared::$kind(key) => Ok(key),
                    _ => Err(Error::KeyTypeInconsistent),
                }
            }
        )*}
    };
}

prepared! {
    /// The RSA public key.
    rsa_public: RsaPublic(rsa::PublicKey);
    /// The EC public key.
    ec_public: EcPublic(ec::PublicKey);
    /// The EC private key.
    ec_private: EcPrivate(ec::PrivateKey);
    /// The Ed25519 public key.
    edwards_public: EdwardsPublic(edwards::PublicKey);
    /// The Ed25519 private key.
    edwards_private: EdwardsPrivate(edwards::PrivateKey);
    /// The X25519 public key.
    montgomery_public: MontgomeryPublic(montgomery::PublicKey);
    /// The X25519 private key.
    montgomery_private: MontgomeryPrivate(montgomery::PrivateKey);
    /// The ML-DSA public key.
    ml_dsa_public: MlDsaPublic(ml_dsa::PublicKey);
    /// The ML-DSA private key.
    ml_dsa_private: MlDsaPrivate(ml_dsa::PrivateKey);
    /// The ML-KEM public key.
    ml_kem_public: MlKemPublic(ml_kem::PublicKey);
    /// The ML-KEM private key.
    ml_kem_private: MlKemPrivate(ml_kem::PrivateKey);
    /// The SLH-DSA public key.
    slh_dsa_public: SlhDsaPublic(slh_dsa::PublicKey);
    /// The SLH-DSA private key.
    slh_dsa_private: SlhDsaPrivate(slh_dsa::PrivateKey);
    /// The secret key.
    secret_key: Secret(SecretKey);
}

impl Key {
    /// The RSA private key, which proves the first time, at the price of a signature, that p and q are
    /// as good as prime. If not, `CKR_FUNCTION_FAILED`: whatever was asked, and on what data.
    pub fn rsa_private(&self) -> Result<&rsa::PrivateKey> {
        match self.0.prepared()? {
            Prepared::RsaPrivate(key) => key.prove().map_err(|Failed| {
                Error::FunctionFailed.because("an RSA key of which p or q is not prime")
            }),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The attributes of the private key's public half.
    pub fn public_half(&self) -> Result<Attributes> {
        encode::public_half(&self.0)
    }
    /// The secret key's bytes.
    pub fn secret(&self) -> Result<&Secret> {
        self.secret_key().map(SecretKey::value)
    }
    /// The AES key as GCM needs it, set up at its first use.
    pub fn gcm(&self) -> Result<&GcmKey> {
        self.secret_key()?.gcm().map_err(|Failed| Error::KeySizeRange)
    }
}

impl Target {
    /// Its attributes, without the key material.
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }
    /// Length of [`Self::encoding`], known without making it.
    pub fn len(&self) -> Result<usize> {
        encode::encoding_len(&self.0)
    }
    /// Never.
    pub fn is_empty(&self) -> bool {
        false
    }
    /// PKCS#8 for private keys, the value for secret keys; `CKR_KEY_NOT_WRAPPABLE` for an RSA key
    /// without its CRT values.
    pub fn encoding(&self) -> Result<Secret> {
        encode::encoding(&self.0)
    }
}
