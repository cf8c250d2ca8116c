//! Sessions: open, log in, and closed when dropped.
use super::call::{call, input, ulong};
use super::padding::Padding;
use super::{Module, Result};
use crate::ck::*;
use std::ptr::null_mut;
use std::sync::{Mutex, OnceLock};

/// A session with a token.
#[derive(Debug)]
pub struct Session {
    pub(super) module: Module,
    pub(super) handle: CK_SESSION_HANDLE,
    slot: CK_SLOT_ID,
    /// How `CKM_AES_KEY_WRAP_PAD` pads, once that is proved.
    pub(super) padding: OnceLock<Padding>,
    /// The AES key that the SO has made for the next wrap in two steps.
    pub(super) trusted: Mutex<Option<CK_OBJECT_HANDLE>>,
}

/// What a session may do with token objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read them.
    ReadOnly,
    /// Also make, change and destroy them.
    ReadWrite,
}

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The security officer, `CKU_SO`.
    So,
    /// The user, `CKU_USER`.
    User,
}

impl Session {
    pub(super) fn open(module: Module, slot: CK_SLOT_ID, access: Access) -> Result<Session> {
        let flags = match access {
            Access::ReadOnly => CKF_SERIAL_SESSION,
            Access::ReadWrite => CKF_SERIAL_SESSION | CKF_RW_SESSION,
        };
        let mut handle = CK_INVALID_HANDLE;
        call!(module.0.list, C_OpenSession(slot, flags, null_mut(), None, &mut handle))?;
        Ok(Session { module, handle, slot, padding: OnceLock::new(), trusted: Mutex::default() })
    }

    /// The slot of its token.
    pub fn slot(&self) -> CK_SLOT_ID {
        self.slot
    }

    /// The module it belongs to.
    pub fn module(&self) -> &Module {
        &self.module
    }

    pub(super) fn list(&self) -> &CK_FUNCTION_LIST {
        &self.module.0.list
    }

    /// `C_Login`. Being logged in already is no error.
    pub fn login(&self, user: User, pin: &str) -> Result<()> {
        let user = match user {
            User::So => CKU_SO,
            User::User => CKU_USER,
        };
        let pin = pin.as_bytes();
        match call!(self.list(), C_Login(self.handle, user, input(pin), ulong(pin.len()))) {
            Err(error) if error.is(CKR_USER_ALREADY_LOGGED_IN) => Ok(()),
            answer => answer,
        }
    }

    /// `C_Logout`
    pub fn logout(&self) -> Result<()> {
        call!(self.list(), C_Logout(self.handle))
    }

    /// `C_GenerateRandom`
    pub fn random(&self, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        call!(self.list(), C_GenerateRandom(self.handle, bytes.as_mut_ptr(), ulong(len)))?;
        Ok(bytes)
    }

    /// `C_InitPIN`: the SO sets the user's PIN.
    pub fn init_pin(&self, pin: &str) -> Result<()> {
        let pin = pin.as_bytes();
        call!(self.list(), C_InitPIN(self.handle, input(pin), ulong(pin.len())))
    }

    /// `C_SetPIN`: whoever is logged in (or else the user) changes the PIN.
    pub fn set_pin(&self, old: &str, new: &str) -> Result<()> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        call!(
            self.list(),
            C_SetPIN(self.handle, input(old), ulong(old.len()), input(new), ulong(new.len()))
        )
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // nobody is left who could act on an error
        let _ = call!(self.list(), C_CloseSession(self.handle));
    }
}
