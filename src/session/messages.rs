//! Processes of many messages under one key: PKCS#11 3.2, sections 5.9, 5.11, 5.14 and 5.16.
//!
//! A session has at most one of each kind, and one message at a time in each. What ends a message is
//! what ends an operation ([`super::ending`]), and it ends nothing but the message: the process goes on
//! until it is finished or cancelled, or the user logs out.
mod encrypt;
mod sign;

use super::ending::{Answer, Step, ends};
use super::{Output, Room, Session};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::mechanism::nonces::Nonces;
use crate::mechanism::{Mechanism, Params, Transform, Verify};
use crate::object::policy::{Act, Key};
use encrypt::Parts;
pub use encrypt::Sealed;
use std::collections::BTreeMap;
use std::mem;

/// The processes of a session.
#[derive(Debug, Default)]
pub(super) struct Messages {
    encrypt: Option<Process<Parts>>,
    decrypt: Option<Process<Parts>>,
    sign: Option<Process<Box<dyn Transform>>>,
    verify: Option<Process<Box<dyn Verify>>>,
    counting: Counting,
}

/// The nonces that a session makes: each is another one under the same key ("unique for a given
/// session", section "AES-GCM Authenticated Encryption / Decryption"), also if one process ends and
/// the next begins.
#[derive(Debug, Default)]
struct Counting {
    /// The key of the last process that encrypts.
    key: CK_OBJECT_HANDLE,
    nonces: Nonces,
    /// Counters of other keys.
    others: BTreeMap<CK_OBJECT_HANDLE, Nonces>,
}

impl Counting {
    /// A process with `key` begins.
    fn begin(&mut self, key: CK_OBJECT_HANDLE) {
        let last = mem::take(&mut self.nonces);
        if last.go_on() {
            self.others.insert(self.key, last);
        }
        self.nonces = self.others.remove(&key).unwrap_or_default();
        self.key = key;
    }
}

/// A process.
struct Process<Message> {
    mechanism: &'static Mechanism,
    params: Params,
    act: Act,
    /// Looked up for each message: a process may be long, and a key that was destroyed or changed
    /// in the meantime is used no more.
    key: CK_OBJECT_HANDLE,
    /// The message that is under way in parts.
    message: Option<Message>,
    /// Whether the key is `CKA_ALWAYS_AUTHENTICATE`.
    asks: bool,
    /// Whether `CKA_ALWAYS_AUTHENTICATE` waits for a `CKU_CONTEXT_SPECIFIC` login: before each
    /// message, since each is a use of the key (section 4.9).
    locked: bool,
}

impl<Message> std::fmt::Debug for Process<Message> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("mechanism", &self.mechanism.name).finish_non_exhaustive()
    }
}

impl Messages {
    /// Ends all processes. No counter begins again.
    pub(super) fn end(&mut self) {
        *self = Messages { counting: mem::take(&mut self.counting), ..Messages::default() };
    }

    /// Ends the processes that `flags` names.
    pub(super) fn cancel(&mut self, flags: CK_FLAGS) {
        let named = |flag| flags & flag != 0;
        if named(CKF_MESSAGE_ENCRYPT) {
            self.encrypt = None;
        }
        if named(CKF_MESSAGE_DECRYPT) {
            self.decrypt = None;
        }
        if named(CKF_MESSAGE_SIGN) {
            self.sign = None;
        }
        if named(CKF_MESSAGE_VERIFY) {
            self.verify = None;
        }
    }

    /// Ends the messages under way of the processes that `flags` names.
    pub(super) fn end_message(&mut self, flags: CK_FLAGS) {
        if flags & CKF_MESSAGE_ENCRYPT != 0 {
            end_message(&mut self.encrypt);
        }
        if flags & CKF_MESSAGE_DECRYPT != 0 {
            end_message(&mut self.decrypt);
        }
        if flags & CKF_MESSAGE_SIGN != 0 {
            end_message(&mut self.sign);
        }
        if flags & CKF_MESSAGE_VERIFY != 0 {
            end_message(&mut self.verify);
        }
    }

    /// The lock that a `CKU_CONTEXT_SPECIFIC` login is for. Only private keys have one, and those
    /// sign.
    pub(super) fn waiting(&mut self) -> Option<&mut bool> {
        self.sign.as_mut().map(|process| &mut process.locked).filter(|locked| **locked)
    }
}

impl<Message> Process<Message> {
    /// The key was used for a message: for another one it is to be unlocked again.
    fn used(&mut self) {
        self.locked = self.asks;
    }

    /// Runs a call to the message under way, and ends it if the table says so.
    fn step<T: Answer>(
        &mut self,
        step: Step,
        run: impl FnOnce(&mut Message) -> Result<T>,
    ) -> Result<T> {
        let answer = run(self.message.as_mut().ok_or(Error::OperationNotInitialized)?);
        if ends(step, &answer) {
            self.message = None;
            self.used();
        }
        answer
    }
}

/// Ends the message under way in `slot`, if there is one.
fn end_message<Message>(slot: &mut Option<Process<Message>>) {
    if let Some(process) = slot.as_mut().filter(|process| process.message.is_some()) {
        process.message = None;
        process.used();
    }
}

impl Session {
    /// A process that begins, if the key may be used so.
    fn process<Message>(
        &self,
        act: Act,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Process<Message>> {
        let asks = self.key(act, mechanism, key)?.always_authenticate();
        Ok(Process { mechanism, params, act, key, message: None, asks, locked: asks })
    }

    /// The key of a process, if it still may be used.
    fn key_of<Message>(&self, process: &Process<Message>) -> Result<Key> {
        self.key(process.act, process.mechanism, process.key)
    }
}

/// The process in `slot`, if its key may be used now.
fn ready<Message>(slot: &mut Option<Process<Message>>) -> Result<&mut Process<Message>> {
    match slot {
        None => Err(Error::OperationNotInitialized),
        Some(process) if process.locked => Err(Error::UserNotLoggedIn),
        Some(process) => Ok(process),
    }
}

/// The same, if no message is under way in it.
fn idle<Message>(slot: &mut Option<Process<Message>>) -> Result<&mut Process<Message>> {
    match ready(slot)? {
        process if process.message.is_some() => Err(Error::OperationActive),
        process => Ok(process),
    }
}

/// Whether a process can start here.
fn vacant<Message>(slot: &Option<Process<Message>>) -> Result<()> {
    if slot.is_some() { Err(Error::OperationActive) } else { Ok(()) }
}

/// `C_Message*Final`
fn finish<Message>(slot: &mut Option<Process<Message>>) -> Result<()> {
    match slot {
        None => Err(Error::OperationNotInitialized),
        Some(process) if process.message.is_some() => Err(Error::OperationActive),
        Some(_) => {
            *slot = None;
            Ok(())
        }
    }
}

/// The answer to a call that asks for the length, or has no room for it.
pub(super) fn short(room: Room, len: usize) -> Option<Output> {
    match room {
        Room::Query => Some(Output::Length(len)),
        Room::Bytes(room) if room < len => Some(Output::TooSmall(len)),
        Room::Bytes(_) => None,
    }
}
