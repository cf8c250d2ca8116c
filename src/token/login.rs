//! Sessions and logins, PKCS#11 3.2 section 5.6.
use super::Token;
use super::sync::{Freshness, show};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::policy::{Access, Login};
use crate::store::Presence;
use crate::store::vault::{Opened, Unlocked, Who};
use std::collections::HashSet;
use std::sync::Arc;

impl Token {
    /// Counts a new session in. What other processes did is seen by whoever uses it.
    pub fn session_opened(&self, session: CK_SESSION_HANDLE, access: Access) -> Result<()> {
        if access == Access::ReadOnly && self.login_state() == Login::So {
            // unless another process has ended that login
            self.refresh(Freshness::Now)?;
        }
        let mut state = self.state.write();
        match access {
            Access::ReadOnly if state.login == Login::So => {
                return Err(Error::SessionReadWriteSoExists);
            }
            Access::ReadOnly => state.sessions.read_only += 1,
            Access::ReadWrite => state.sessions.read_write += 1,
        }
        state.open.insert(session, HashSet::new());
        Ok(())
    }

    /// Counts a session out; its objects go with it, and with the last one the login.
    pub fn session_closed(&self, session: CK_SESSION_HANDLE, access: Access) {
        let last = {
            let mut state = self.state.write();
            let count = match access {
                Access::ReadOnly => &mut state.sessions.read_only,
                Access::ReadWrite => &mut state.sessions.read_write,
            };
            *count = count.saturating_sub(1);
            state.close(session);
            state.open.is_empty() && state.login != Login::Public
        };
        if last {
            let mut polled = self.polled.lock();
            let mut state = self.state.write();
            // a session that was opened meanwhile was there before this one had gone
            if state.open.is_empty() && state.login != Login::Public {
                state.lock();
                polled.stamp = None;
            }
        }
    }

    /// Who is logged in now: nobody, if another process has initialised the token anew.
    pub fn login_now(&self) -> Result<Login> {
        self.login_as_of(Freshness::Now)
    }

    /// The same as it was a moment ago, for whoever asks often.
    pub fn login_lately(&self) -> Result<Login> {
        self.login_as_of(Freshness::Lately)
    }

    /// No other process can log anyone in: where nobody is, the store needs only to be there.
    fn login_as_of(&self, freshness: Freshness) -> Result<Login> {
        match (self.login_state(), freshness) {
            (Login::Public, Freshness::Now) => self.present()?,
            (Login::Public, Freshness::Lately) => {}
            _ => self.refresh(freshness)?,
        }
        Ok(self.login_state())
    }

    /// `CKR_DEVICE_REMOVED` unless the store is there.
    fn present(&self) -> Result<()> {
        match self.shared.store.presence()? {
            Presence::Here => Ok(()),
            Presence::Gone | Presence::Replaced => Err(Error::DeviceRemoved),
        }
    }

    /// `C_Login` as SO or user.
    pub fn login(&self, who: Who, pin: &[u8]) -> Result<()> {
        let vault = self.vault()?;
        let login = match who {
            Who::So => Login::So,
            Who::User => Login::User,
        };
        // another process may have initialised the token anew, which ended a login
        self.login_now()?;
        self.state.read().may_login(login)?;
        let hashes = self.state.read().index.hashes();
        let make = |opened: Opened<'_>| Some(hashes.of(show(login, &opened, true)?));
        let (unlocked, contents) = vault.unlock_all(who, pin, &self.shared.workers, &make)?;
        let mut polled = self.polled.lock();
        let unlocked = {
            let mut state = self.state.write();
            state.may_login(login)?;
            state.unlock(login, unlocked, contents)
        };
        // what was written while the PIN was hashed
        polled.stamp = None;
        let read = unlocked.and_then(|()| self.read_store(&mut polled, vault)).and_then(|()| {
            if self.login_state() == login {
                return Ok(());
            }
            Err(Error::DeviceRemoved.because("another process initialised the token anew"))
        });
        if read.is_err() {
            self.state.write().lock();
        }
        read
    }

    /// `C_Login` as `CKU_CONTEXT_SPECIFIC`: whether `pin` is that of whoever is logged in.
    pub fn check_pin(&self, pin: &[u8]) -> Result<()> {
        match self.login_now()? {
            Login::Public => Err(Error::UserNotLoggedIn),
            Login::User => self.vault()?.check_pin(Who::User, pin),
            Login::So => self.vault()?.check_pin(Who::So, pin),
        }
    }

    /// `C_Logout`. Handles of private objects are void from now on.
    pub fn logout(&self) -> Result<()> {
        // whatever has become of the store, nobody stays logged in
        let _ = self.refresh(Freshness::Now);
        let mut polled = self.polled.lock();
        let mut state = self.state.write();
        if state.login == Login::Public {
            return Err(Error::UserNotLoggedIn);
        }
        state.lock();
        polled.stamp = None;
        Ok(())
    }

    /// `C_InitPIN`, by the SO.
    pub fn set_user_pin(&self, pin: &[u8]) -> Result<()> {
        if self.login_now()? != Login::So {
            return Err(Error::UserNotLoggedIn);
        }
        self.vault()?.set_user_pin(&*self.unlocked()?, pin)
    }

    /// `C_SetPIN`: the SO's if the SO is logged in, else the user's.
    pub fn change_pin(&self, old: &[u8], new: &[u8]) -> Result<()> {
        let who = match self.login_now()? {
            Login::So => Who::So,
            Login::User | Login::Public => Who::User,
        };
        self.vault()?.change_pin(who, old, new)
    }

    pub(super) fn unlocked(&self) -> Result<Arc<Unlocked>> {
        self.state.read().unlocked.clone().ok_or(Error::UserNotLoggedIn)
    }
}
