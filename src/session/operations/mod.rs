//! Operations under way: how they start and are cancelled; what has an output ([`transforms`]) and
//! what has a verdict ([`verify`]), at once or in parts, both together ([`dual`]), and how
//! they are saved ([`state`]).
//!
//! What ends one and what does not is a table of its own ([`super::ending`]). A logout ends all of them,
//! in every session of the token: nobody uses a key that they may not see.
mod dual;
mod state;
mod transforms;
mod verify;

pub use dual::Dual;
pub use verify::Order;
use verify::Verification;

use super::messages::Messages;
use super::{Room, Session};
use crate::ck::*;
use crate::crypto::{Exchange, Secret};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Start, Transform};
use crate::object::policy::{self, Act};
use parking_lot::MutexGuard;

/// An operation with an output that a session can have under way, one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Role {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    SignRecover,
    VerifyRecover,
}

impl Role {
    /// Every role, in the order of their numbers.
    const ALL: [Role; 6] = [
        Role::Encrypt,
        Role::Decrypt,
        Role::Digest,
        Role::Sign,
        Role::SignRecover,
        Role::VerifyRecover,
    ];

    /// What `C_SessionCancel` calls it.
    pub const fn flags(self) -> CK_FLAGS {
        match self {
            Role::Encrypt => CKF_ENCRYPT,
            Role::Decrypt => CKF_DECRYPT,
            Role::Digest => CKF_DIGEST,
            Role::Sign => CKF_SIGN,
            Role::SignRecover => CKF_SIGN_RECOVER,
            Role::VerifyRecover => CKF_VERIFY_RECOVER,
        }
    }

    /// What it does with a key, and how a mechanism starts it. A digest has no key.
    fn keyed(self, mechanism: &Mechanism) -> Option<(Act, Start<dyn Transform>)> {
        let (act, start) = match self {
            Role::Encrypt => (Act::Encrypt, mechanism.encrypt),
            Role::Decrypt => (Act::Decrypt, mechanism.decrypt),
            Role::Sign => (Act::Sign, mechanism.sign),
            Role::SignRecover => (Act::SignRecover, mechanism.sign_recover),
            Role::VerifyRecover => (Act::VerifyRecover, mechanism.verify_recover),
            Role::Digest => return None,
        };
        Some((act, start?))
    }
}

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// How often the token had been locked when they began.
    locked: u64,
    /// Handles found and not yet given out, last first.
    pub(super) find: Option<Vec<CK_OBJECT_HANDLE>>,
    /// By the number of their role.
    transforms: [Option<Active<dyn Transform>>; Role::ALL.len()],
    verify: Option<Verification>,
    /// Processes of many messages.
    pub(super) messages: Messages,
    /// Whose keys asked for a `CKU_CONTEXT_SPECIFIC` login, in the order of their beginning; some
    /// may be over by now.
    waiting: Vec<Role>,
}

/// An operation under way.
struct Active<Operation: ?Sized> {
    operation: Box<Operation>,
    /// The last output, which the application had no room for.
    pending: Option<Secret>,
    /// Whether a part was fed: then it cannot be finished in one go.
    in_parts: bool,
    /// Whether `CKA_ALWAYS_AUTHENTICATE` still waits for a `CKU_CONTEXT_SPECIFIC` login.
    locked: bool,
    /// Of a digest: its mechanism.
    mechanism: Option<&'static Mechanism>,
    /// Whether where it stands may be seen.
    saveable: bool,
}

impl<Operation: ?Sized> std::fmt::Debug for Active<Operation> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Active").field("in_parts", &self.in_parts).finish_non_exhaustive()
    }
}

impl Operations {
    /// Ends all of them.
    fn end(&mut self, locked: u64) {
        self.messages.end();
        let messages = std::mem::take(&mut self.messages);
        *self = Operations { locked, messages, ..Operations::default() };
    }

    /// Ends those that `flags` names, searches and processes of messages aside.
    fn cancel(&mut self, flags: CK_FLAGS) {
        for role in Role::ALL.into_iter().filter(|role| flags & role.flags() != 0) {
            *self.slot(role) = None;
        }
        if flags & CKF_VERIFY != 0 {
            self.verify = None;
        }
    }

    fn slot(&mut self, role: Role) -> &mut Option<Active<dyn Transform>> {
        let [encrypt, decrypt, digest, sign, sign_recover, verify_recover] = &mut self.transforms;
        match role {
            Role::Encrypt => encrypt,
            Role::Decrypt => decrypt,
            Role::Digest => digest,
            Role::Sign => sign,
            Role::SignRecover => sign_recover,
            Role::VerifyRecover => verify_recover,
        }
    }

    /// The lock that a `CKU_CONTEXT_SPECIFIC` login is for. Processes of messages, which may have
    /// none to come, are last.
    fn waiting(&mut self) -> Option<&mut bool> {
        while let Some(role) = self.waiting.last().copied() {
            if self.slot(role).as_ref().is_some_and(|active| active.locked) {
                return self.slot(role).as_mut().map(|active| &mut active.locked);
            }
            self.waiting.pop();
        }
        self.messages.waiting()
    }
}

impl<Operation: ?Sized> Active<Operation> {
    fn new(operation: Box<Operation>, locked: bool) -> Active<Operation> {
        Active {
            operation,
            pending: None,
            in_parts: false,
            locked,
            mechanism: None,
            saveable: false,
        }
    }

    /// The operation, unless its key waits for a `CKU_CONTEXT_SPECIFIC` login.
    fn unlocked(&mut self) -> Result<&mut Active<Operation>> {
        if self.locked { Err(Error::UserNotLoggedIn) } else { Ok(self) }
    }
}

impl Active<dyn Transform> {
    fn digest(
        operation: Box<dyn Transform>,
        mechanism: &'static Mechanism,
    ) -> Active<dyn Transform> {
        Active { mechanism: Some(mechanism), saveable: true, ..Active::new(operation, false) }
    }
}

impl Session {
    /// What is under way, unless someone has logged out since.
    pub(super) fn operations(&self) -> MutexGuard<'_, Operations> {
        let locked = self.token.locked();
        let mut operations = self.operations.lock();
        if operations.locked != locked {
            operations.end(locked);
        }
        operations
    }

    /// `C_DigestInit`
    pub fn digest_start(&self, mechanism: &'static Mechanism, params: Params) -> Result<()> {
        let mut operations = self.operations();
        if operations.slot(Role::Digest).is_some() {
            return Err(Error::OperationActive);
        }
        let start = mechanism.digest.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        *operations.slot(Role::Digest) = Some(Active::digest(start(&params)?, mechanism));
        Ok(())
    }

    /// `C_DigestKey`: the value of a secret key as the next part. `CKR_KEY_INDIGESTIBLE` for others.
    pub fn digest_key(&self, key: CK_OBJECT_HANDLE) -> Result<()> {
        let key = self.usable(key, Error::KeyHandleInvalid)?;
        let mut operations = self.operations();
        let digest = operations.slot(Role::Digest).as_ref().and_then(|active| active.mechanism);
        let digest = digest.ok_or(Error::OperationNotInitialized)?;
        let value = policy::digestible(digest.ckm, key)?;
        operations.update(Role::Digest, Exchange::of(&value), Room::Bytes(0))?;
        if let Some(active) = operations.slot(Role::Digest) {
            // its state has bytes of the key in it, as they are
            active.saveable = false;
        }
        Ok(())
    }

    /// `C_EncryptInit`, `C_DecryptInit`, `C_SignInit`, `C_SignRecoverInit`, `C_VerifyRecoverInit`
    pub fn start(
        &self,
        role: Role,
        mechanism: &'static Mechanism,
        params: Params,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let mut operations = self.operations();
        if operations.slot(role).is_some() {
            return Err(Error::OperationActive);
        }
        let (act, start) = role.keyed(mechanism).ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let key = self.key(act, mechanism, key)?;
        let active = Active::new(start(&params, &key)?, key.always_authenticate());
        operations.waiting.retain(|other| *other != role);
        if active.locked {
            operations.waiting.push(role);
        }
        *operations.slot(role) = Some(active);
        Ok(())
    }

    /// `C_*Init` with a NULL mechanism: ends the operation of that role, if any
    pub fn cancel(&self, role: Role) -> Result<()> {
        *self.operations().slot(role) = None;
        Ok(())
    }

    /// What an argument of a call that feeds or ends the operations `of` (`CKF_*`) is, if it is sound; if
    /// not, the operations end, as they do with any other error. Of messages it is the one under way
    /// that ends, not the process.
    pub fn argument<T>(&self, of: CK_FLAGS, argument: Result<T>) -> Result<T> {
        argument.inspect_err(|_| {
            let mut operations = self.operations();
            operations.cancel(of);
            operations.messages.end_message(of);
        })
    }

    /// `C_SessionCancel`: ends the operations that `flags` names, if they are under way
    pub fn cancel_all(&self, flags: CK_FLAGS) -> Result<()> {
        let mut operations = self.operations();
        if flags & CKF_FIND_OBJECTS != 0 {
            operations.find = None;
        }
        operations.cancel(flags);
        operations.messages.cancel(flags);
        Ok(())
    }

    /// `C_Login` as `CKU_CONTEXT_SPECIFIC`: for one operation, the last begun of those that wait for
    /// it. Each use of such a key is authenticated by itself (section 4.9).
    pub(super) fn login_again(&self, pin: &[u8]) -> Result<()> {
        self.operations().waiting().ok_or(Error::OperationNotInitialized)?;
        self.token.check_pin(pin)?;
        let mut operations = self.operations();
        *operations.waiting().ok_or(Error::OperationNotInitialized)? = false;
        Ok(())
    }
}
