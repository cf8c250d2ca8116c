//! The gate: who may see, use, change, copy, wrap or destroy an object. Every such rule is here.
use super::{Object, Prepared};
use crate::crypto::{Secret, ec, rsa};
use crate::error::{Error, Result};
use std::sync::Arc;

/// A key that policy has let through for one use. Its only constructor is in this file.
#[derive(Clone, Debug)]
pub struct Key(Arc<Object>);

impl Key {
    /// Its attributes, without the key material.
    pub fn attributes(&self) -> &super::attribute::Attributes {
        self.0.attributes()
    }
    /// The RSA public key, or `CKR_KEY_TYPE_INCONSISTENT`.
    pub fn rsa_public(&self) -> Result<&rsa::PublicKey> {
        match self.0.prepared()? {
            Prepared::RsaPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The RSA private key.
    pub fn rsa_private(&self) -> Result<&rsa::PrivateKey> {
        match self.0.prepared()? {
            Prepared::RsaPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The EC public key.
    pub fn ec_public(&self) -> Result<&ec::PublicKey> {
        match self.0.prepared()? {
            Prepared::EcPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The EC private key.
    pub fn ec_private(&self) -> Result<&ec::PrivateKey> {
        match self.0.prepared()? {
            Prepared::EcPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The secret key's bytes.
    pub fn secret(&self) -> Result<&Secret> {
        match self.0.prepared()? {
            Prepared::Secret(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
}
