//! A session on a token: who may do what with its objects ([`objects`]), making and moving keys
//! ([`keys`], [`derive`], [`encapsulate`]), and the operations under way ([`operations`], and message
//! after message [`messages`]), which one table ends ([`ending`]).
mod derive;
mod encapsulate;
mod ending;
mod keys;
mod messages;
mod objects;
mod operations;

use crate::ck::*;
use crate::config::NullParameter;
use crate::crypto::{self, Secret};
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Shape};
use crate::object::Object;
use crate::object::policy::{self, Access, Act, Key, Login};
use crate::store::vault::Who;
use crate::token::{Token, clock};
pub use derive::Derivation;
pub use messages::Sealed;
use operations::Operations;
pub use operations::{Dual, Order, Role};
use parking_lot::Mutex;
use std::sync::Arc;

/// The room that an application has for an output (PKCS#11 3.2 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// None: it only asks how much it will need.
    Query,
    /// This many bytes.
    Bytes(usize),
}

/// The answer to a call that has an output.
#[derive(Debug)]
pub enum Output {
    /// The length asked for: exact where the mechanism determines it.
    Length(usize),
    /// The room is too small for this many bytes: `CKR_BUFFER_TOO_SMALL`. Nothing was lost.
    TooSmall(usize),
    /// The output; it fits.
    Bytes(Secret),
    /// What comes behind so many bytes that are in their place already; it fits.
    Behind(usize, Secret),
}

/// A session.
#[derive(Debug)]
pub struct Session {
    slot: CK_SLOT_ID,
    handle: CK_SESSION_HANDLE,
    access: Access,
    token: Arc<Token>,
    operations: Mutex<Operations>,
}

impl Session {
    /// A session that the token has counted in.
    pub fn new(
        slot: CK_SLOT_ID,
        handle: CK_SESSION_HANDLE,
        access: Access,
        token: Arc<Token>,
    ) -> Session {
        Session { slot, handle, access, token, operations: Mutex::default() }
    }

    /// Its slot.
    pub fn slot(&self) -> CK_SLOT_ID {
        self.slot
    }

    /// Ends it: its objects go, and with the token's last session the login.
    pub fn close(&self) {
        self.token.session_closed(self.handle, self.access);
    }

    /// `C_GetSessionInfo`
    pub fn info(&self) -> Result<CK_SESSION_INFO> {
        let writes = self.access == Access::ReadWrite;
        let state = match self.token.login_now()? {
            Login::Public if writes => CKS_RW_PUBLIC_SESSION,
            Login::Public => CKS_RO_PUBLIC_SESSION,
            Login::User if writes => CKS_RW_USER_FUNCTIONS,
            Login::User => CKS_RO_USER_FUNCTIONS,
            Login::So => CKS_RW_SO_FUNCTIONS,
        };
        let flags = CKF_SERIAL_SESSION | if writes { CKF_RW_SESSION } else { 0 };
        Ok(CK_SESSION_INFO { slotID: self.slot, state, flags, ulDeviceError: 0 })
    }

    /// `C_InitPIN`. `CKR_USER_NOT_LOGGED_IN` for anyone but the SO.
    pub fn init_pin(&self, pin: &[u8]) -> Result<()> {
        self.token.set_user_pin(pin)
    }

    /// `C_SetPIN`
    pub fn set_pin(&self, old: &[u8], new: &[u8]) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(Error::SessionReadOnly);
        }
        self.token.change_pin(old, new)
    }

    /// `C_Login`, and `C_LoginUser` without a name
    pub fn login(&self, user: CK_USER_TYPE, pin: &[u8]) -> Result<()> {
        match user {
            CKU_SO => self.token.login(Who::So, pin),
            CKU_USER => self.token.login(Who::User, pin),
            CKU_CONTEXT_SPECIFIC => self.login_again(pin),
            _ => Err(Error::UserTypeInvalid),
        }
    }

    /// `C_Logout`
    pub fn logout(&self) -> Result<()> {
        self.token.logout()
    }

    /// `C_SeedRandom`
    pub fn seed_random(&self, seed: &[u8]) -> Result<()> {
        crypto::seed(seed);
        Ok(())
    }

    /// `C_GenerateRandom`
    pub fn generate_random(&self, len: usize) -> Result<Secret> {
        crypto::random(len).map_err(|_| Error::RandomNoRng)
    }

    /// The object at `handle`, key material open, or `CKR_OBJECT_HANDLE_INVALID`.
    fn object(&self, handle: CK_OBJECT_HANDLE) -> Result<Arc<Object>> {
        self.token.open_object(handle)?.ok_or(Error::ObjectHandleInvalid)
    }

    /// The key at `handle`, if `mechanism` may use it so.
    fn key(&self, act: Act, mechanism: &Mechanism, handle: CK_OBJECT_HANDLE) -> Result<Key> {
        let wanted = mechanism.wants(act, &self.token.shared().config);
        policy::permit(&wanted, self.usable(handle, act.no_such_key())?)
    }

    /// The object at `handle`, or `absent`; on a day when it is in force, if the configuration asks
    /// for that.
    fn usable(&self, handle: CK_OBJECT_HANDLE, absent: Error) -> Result<Arc<Object>> {
        let object = self.token.open_object(handle)?.ok_or(absent)?;
        if self.token.shared().config.enforce_dates {
            policy::in_force(&clock::today(), &object)?;
        }
        Ok(object)
    }

    /// What the parameter means: NULL only where the mechanism has a default of its own, such as an
    /// initialisation vector. An old mechanism has to be wanted first.
    fn params(&self, mechanism: &Mechanism, params: Params) -> Result<Params> {
        mechanism.wanted(&self.token.shared().config)?;
        match &mechanism.null {
            _ if params != Params::None || mechanism.params == Shape::None => Ok(params),
            Some(Params::None) => Ok(Params::None),
            _ => Err(Error::MechanismParamInvalid.because("a parameter is needed")),
        }
    }

    /// The same for wrapping and unwrapping, and for nothing else: there NULL may stand for a profile, if
    /// the configuration says so.
    fn wrapping_params(&self, mechanism: &Mechanism, params: Params) -> Result<Params> {
        let profiles = self.token.shared().config.null_parameter == NullParameter::Azure;
        match &mechanism.null {
            Some(profile) if profiles && params == Params::None => {
                self.params(mechanism, profile.clone())
            }
            _ => self.params(mechanism, params),
        }
    }
}
