//! Parameters of one message: PKCS#11 3.2, sections "AES GCM and CCM Mechanism parameters" and
//! "Salsa20/ChaCha20 with Poly1305".
use super::Params;
use crate::crypto::aead::ChaChaPoly;
use crate::crypto::aes::{Ccm, Gcm};
use crate::error::{Error, Result};
use crate::mechanism::nonces::Nonce;

/// The C structure that the parameter of a message comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageShape {
    /// `CK_GCM_MESSAGE_PARAMS`
    Gcm,
    /// `CK_CCM_MESSAGE_PARAMS`
    Ccm,
    /// `CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS`
    ChaChaPoly,
}

/// The same, read out of the caller's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The structure that it came in.
    pub shape: MessageShape,
    /// The nonce that it wants.
    pub nonce: Nonce,
    /// Length of its tag in bytes.
    pub tag_len: usize,
    /// Length of its plaintext in bytes, where that has to be known beforehand: for CCM.
    pub data_len: Option<usize>,
}

impl Message {
    /// The same for a plaintext of `len` bytes, whatever the parameter says of that.
    pub fn of_len(self, len: usize) -> Message {
        Message { data_len: Some(len), ..self }
    }

    /// The cipher's parameter for this message, whose nonce has been made by now.
    pub fn params(&self, nonce: Vec<u8>, aad: &[u8]) -> Result<Params> {
        let (tag_len, aad) = (self.tag_len, aad.to_vec());
        match self.shape {
            MessageShape::Gcm => Ok(Params::Gcm(Gcm { iv: nonce, aad, tag_len })),
            MessageShape::Ccm => {
                let data_len = self.data_len.ok_or(Error::MechanismParamInvalid)?;
                let ccm = Ccm { data_len, nonce, aad, tag_len };
                match ccm.is_sound() {
                    true => Ok(Params::Ccm(ccm)),
                    false => Err(Error::MechanismParamInvalid.because("no such CCM")),
                }
            }
            MessageShape::ChaChaPoly => match nonce.try_into() {
                Ok(nonce) => Ok(Params::ChaChaPoly(ChaChaPoly { nonce, aad })),
                Err(_) => Err(Error::MechanismParamInvalid.because("the nonce has 12 bytes")),
            },
        }
    }
}
