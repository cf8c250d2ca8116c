//! Messages that are encrypted and decrypted: ciphertext and plaintext are the output, nonce and tag
//! go beside it.
use super::{Messages, Process, finish, idle, ready, short, vacant};
use crate::ck::CK_OBJECT_HANDLE;
use crate::crypto::Secret;
use crate::crypto::aes::Direction;
use crate::error::{Error, Result};
use crate::mechanism::nonces::Nonces;
use crate::mechanism::{Bound, Mechanism, Message, MessageShape, Params, Transform};
use crate::object::policy::{Act, Key};
use crate::session::ending::{Spent, Step};
use crate::session::{Output, Room, Session};
use std::mem;

/// The outcome of an encryption, of a message or of a key.
#[derive(Debug)]
pub struct Sealed {
    /// Ciphertext, or wrapped key, without the tag.
    pub output: Output,
    /// The nonce, if it was made and not given.
    pub nonce: Vec<u8>,
    /// The tag; empty as long as the message goes on.
    pub tag: Vec<u8>,
}

impl From<Output> for Sealed {
    fn from(output: Output) -> Sealed {
        Sealed { output, nonce: Vec::new(), tag: Vec::new() }
    }
}

/// A message under way.
pub(super) struct Parts {
    transform: Box<dyn Transform>,
    tag_len: usize,
    /// Length of all plaintext, where it was told beforehand.
    data_len: Option<usize>,
}

impl Messages {
    fn crypt(&mut self, direction: Direction) -> &mut Option<Process<Parts>> {
        match direction {
            Direction::Encrypt => &mut self.encrypt,
            Direction::Decrypt => &mut self.decrypt,
        }
    }
}

impl Session {
    /// `C_MessageEncryptInit`, `C_MessageDecryptInit`
    pub fn message_start(
        &self,
        direction: Direction,
        mechanism: &'static Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let mut operations = self.operations();
        vacant(operations.messages.crypt(direction))?;
        mechanism.wanted(&self.token.shared().config)?;
        mechanism.message.ok_or(Error::MechanismInvalid)?;
        let act = match direction {
            Direction::Encrypt => Act::Encrypt,
            Direction::Decrypt => Act::Decrypt,
        };
        let process = self.process(act, mechanism, Params::None, key)?;
        *operations.messages.crypt(direction) = Some(process);
        if direction == Direction::Encrypt {
            operations.messages.counting.begin(key);
        }
        Ok(())
    }

    /// The structure that the parameters of messages come in.
    pub fn message_shape(&self, direction: Direction) -> Result<MessageShape> {
        let mut operations = self.operations();
        let process = ready(operations.messages.crypt(direction))?;
        process.mechanism.message.ok_or(Error::MechanismInvalid)
    }

    /// `C_EncryptMessage`
    pub fn encrypt_message(
        &self,
        message: &Message,
        aad: &[u8],
        data: &[u8],
        room: Room,
    ) -> Result<Sealed> {
        let mut operations = self.operations();
        let Messages { encrypt, counting, .. } = &mut operations.messages;
        let process = idle(encrypt)?;
        if let Some(short) = short(room, data.len()) {
            return Ok(short.into());
        }
        let (key, nonces) = (self.key_of(process)?, &mut counting.nonces);
        let (parts, nonce) = process.begin(Direction::Encrypt, &key, nonces, message, aad)?;
        let tag_len = parts.tag_len;
        let mut out = Secret::default();
        parts.transform.single(data, &mut out)?;
        Ok(Sealed { nonce, ..apart(out, tag_len)? })
    }

    /// `C_DecryptMessage`
    pub fn decrypt_message(
        &self,
        message: &Message,
        tag: &[u8],
        aad: &[u8],
        data: &[u8],
        room: Room,
    ) -> Result<Output> {
        let mut operations = self.operations();
        let Messages { decrypt, .. } = &mut operations.messages;
        let process = idle(decrypt)?;
        if let Some(short) = short(room, data.len()) {
            return Ok(short);
        }
        let nonces = &mut Nonces::default();
        let (parts, _) =
            process.begin(Direction::Decrypt, &self.key_of(process)?, nonces, message, aad)?;
        parts.takes(data.len(), tag.len())?;
        let mut out = Secret::default();
        parts.transform.single(&[data, tag].concat(), &mut out).map_err(forged)?;
        Ok(Output::Bytes(out))
    }

    /// `C_EncryptMessageBegin`, `C_DecryptMessageBegin`: the nonce, if it was made
    pub fn message_begin(
        &self,
        direction: Direction,
        message: &Message,
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        let mut operations = self.operations();
        let Messages { encrypt, decrypt, counting, .. } = &mut operations.messages;
        let process = match direction {
            Direction::Encrypt => idle(encrypt)?,
            Direction::Decrypt => idle(decrypt)?,
        };
        let (key, nonces) = (self.key_of(process)?, &mut counting.nonces);
        let (parts, nonce) = process.begin(direction, &key, nonces, message, aad)?;
        process.message = Some(parts);
        Ok(nonce)
    }

    /// `C_EncryptMessageNext`, `C_DecryptMessageNext` before the last part
    pub fn message_next(&self, direction: Direction, part: &[u8], room: Room) -> Result<Output> {
        let mut operations = self.operations();
        ready(operations.messages.crypt(direction))?.step(Step::Part, |parts| {
            if let Some(short) = short(room, parts.transform.update_len(part.len())) {
                return Ok(short);
            }
            let mut out = Secret::default();
            parts.transform.update(part, &mut out)?;
            Ok(Output::Bytes(out))
        })
    }

    /// `C_EncryptMessageNext` with the last part
    pub fn encrypt_message_end(&self, tag_len: usize, part: &[u8], room: Room) -> Result<Sealed> {
        let mut operations = self.operations();
        ready(&mut operations.messages.encrypt)?.step(Step::End, |parts| {
            let left = parts.left(part.len()).saturating_sub(parts.tag_len);
            if let Some(short) = short(room, left) {
                return Ok(short.into());
            }
            if parts.tag_len != tag_len {
                return Err(Error::MechanismParamInvalid.because("the tag had another length"));
            }
            let mut out = Secret::new(Vec::with_capacity(left.saturating_add(tag_len)));
            let mut transform = parts.spend();
            transform.update(part, &mut out)?;
            transform.finish(&mut out)?;
            apart(out, tag_len)
        })
    }

    /// `C_DecryptMessageNext` with the last part. Only now is any plaintext given out.
    pub fn decrypt_message_end(&self, tag: &[u8], part: &[u8], room: Room) -> Result<Output> {
        let mut operations = self.operations();
        ready(&mut operations.messages.decrypt)?.step(Step::End, |parts| {
            let len = parts.left(part.len().saturating_add(parts.tag_len));
            if let Some(short) = short(room, len) {
                return Ok(short);
            }
            parts.takes(len, tag.len())?;
            let mut out = Secret::default();
            let mut transform = parts.spend();
            transform.update(part, &mut out)?;
            transform.update(tag, &mut out)?;
            transform.finish(&mut out).map_err(forged)?;
            Ok(Output::Bytes(out))
        })
    }

    /// `C_MessageEncryptFinal`, `C_MessageDecryptFinal`
    pub fn message_finish(&self, direction: Direction) -> Result<()> {
        finish(self.operations().messages.crypt(direction))
    }
}

impl Process<Parts> {
    /// A message that begins, and its nonce if that was made here.
    fn begin(
        &self,
        direction: Direction,
        key: &Key,
        nonces: &mut Nonces,
        message: &Message,
        aad: &[u8],
    ) -> Result<(Parts, Vec<u8>)> {
        if self.mechanism.message != Some(message.shape) {
            return Err(Error::MechanismParamInvalid);
        }
        let start = match direction {
            Direction::Encrypt => self.mechanism.encrypt,
            Direction::Decrypt => self.mechanism.decrypt,
        };
        let start = start.ok_or(Error::MechanismInvalid)?;
        let nonce = nonces.next(&message.nonce)?;
        let made = message.nonce.made(nonce.clone());
        let transform = start(&message.params(nonce, aad)?, key)?;
        Ok((Parts { transform, tag_len: message.tag_len, data_len: message.data_len }, made))
    }
}

impl Parts {
    /// What seals or opens the message, to be finished.
    fn spend(&mut self) -> Box<dyn Transform> {
        mem::replace(&mut self.transform, Box::new(Spent))
    }

    /// How many bytes a last part of `len` bytes and the end would yield.
    fn left(&self, len: usize) -> usize {
        let (Bound::Exactly(len) | Bound::AtMost(len)) = self.transform.finish_len(len);
        len
    }

    /// Whether all of the ciphertext can be so long, and the tag.
    fn takes(&self, len: usize, tag_len: usize) -> Result<()> {
        if self.tag_len != tag_len {
            return Err(Error::MechanismParamInvalid.because("the tag had another length"));
        }
        match self.data_len {
            Some(told) if told != len => Err(Error::EncryptedDataLenRange),
            _ => Ok(()),
        }
    }
}

/// Ciphertext and tag, each by itself.
fn apart(mut sealed: Secret, tag_len: usize) -> Result<Sealed> {
    let len = sealed.len().checked_sub(tag_len).ok_or(Error::FunctionFailed)?;
    let tag = sealed.split_off(len);
    Ok(Sealed { output: Output::Bytes(sealed), nonce: Vec::new(), tag })
}

/// What message-based functions call a ciphertext that is not authentic.
fn forged(error: Error) -> Error {
    match error {
        Error::EncryptedDataInvalid => Error::AeadDecryptFailed,
        error => error,
    }
}
