//! Sessions and logins, PKCS#11 3.2 section 5.6.
use super::Token;
use super::state::Home;
use super::sync::Freshness;
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::policy::{Access, Login};
use crate::store::vault::{Unlocked, Who};
use std::sync::Arc;

impl Token {
    /// Counts a new session in.
    pub fn session_opened(&self, session: CK_SESSION_HANDLE, access: Access) -> Result<()> {
        self.refresh(Freshness::Now)?;
        let mut state = self.state.write();
        match access {
            Access::ReadOnly if state.login == Login::So => {
                return Err(Error::SessionReadWriteSoExists);
            }
            Access::ReadOnly => state.sessions.read_only += 1,
            Access::ReadWrite => state.sessions.read_write += 1,
        }
        state.open.insert(session);
        Ok(())
    }

    /// Counts a session out; its objects go with it, and with the last one the login.
    pub fn session_closed(&self, session: CK_SESSION_HANDLE, access: Access) {
        let mut polled = self.polled.lock();
        let mut state = self.state.write();
        let count = match access {
            Access::ReadOnly => &mut state.sessions.read_only,
            Access::ReadWrite => &mut state.sessions.read_write,
        };
        *count = count.saturating_sub(1);
        state.open.remove(&session);
        let last = state.open.is_empty();
        state.forget(|home, _| matches!(home, Home::Session(owner) if *owner == session));
        if last && state.login != Login::Public {
            state.lock();
            polled.stamp = None;
        }
    }

    /// Who is logged in now: nobody, if another process has initialised the token anew.
    pub fn login_now(&self) -> Result<Login> {
        self.refresh(Freshness::Now)?;
        Ok(self.login_state())
    }

    /// The same as it was a moment ago, for whoever asks often.
    pub fn login_lately(&self) -> Result<Login> {
        self.refresh(Freshness::Lately)?;
        Ok(self.login_state())
    }

    /// `C_Login` as SO or user.
    pub fn login(&self, who: Who, pin: &[u8]) -> Result<()> {
        let vault = self.vault()?;
        let login = match who {
            Who::So => Login::So,
            Who::User => Login::User,
        };
        // another process may have initialised the token anew, which ended a login
        self.refresh(Freshness::Now)?;
        self.state.read().may_login(login)?;
        let unlocked = vault.unlock(who, pin)?;
        let mut polled = self.polled.lock();
        {
            let mut state = self.state.write();
            state.may_login(login)?;
            state.login = login;
            state.unlocked = Some(Arc::new(unlocked));
            state.doubt();
        }
        polled.stamp = None;
        let read = self.read_store(&mut polled, vault).and_then(|()| {
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
