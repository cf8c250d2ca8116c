//! The module: slots, tokens, sessions. Safe Rust; the C boundary stands on it.
use crate::ck::*;
use crate::config::Config;
use crate::crypto::rsa_keygen::Threads;
use crate::error::Result;
use crate::session::Session;
use std::sync::Arc;

/// Everything between `C_Initialize` and `C_Finalize`.
#[derive(Debug)]
pub struct Module {}

#[allow(unused_variables)]
impl Module {
    /// `C_Initialize`. `threads`: whether the application allows threads of the module's own.
    pub fn new(config: Config, threads: Threads) -> Result<Module> { todo!() }
    /// `C_GetInfo`
    pub fn info() -> CK_INFO { todo!() }
    /// `C_GetSlotList`. Every slot has a token: those initialised, and one uninitialised after the last.
    pub fn slots(&self) -> Result<Vec<CK_SLOT_ID>> { todo!() }
    /// `C_GetSlotInfo`
    pub fn slot_info(&self, slot: CK_SLOT_ID) -> Result<CK_SLOT_INFO> { todo!() }
    /// `C_GetTokenInfo`
    pub fn token_info(&self, slot: CK_SLOT_ID) -> Result<CK_TOKEN_INFO> { todo!() }
    /// `C_GetMechanismList`
    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>> { todo!() }
    /// `C_GetMechanismInfo`
    pub fn mechanism_info(&self, slot: CK_SLOT_ID, ckm: CK_MECHANISM_TYPE) -> Result<CK_MECHANISM_INFO> { todo!() }
    /// `C_InitToken`. `CKR_SESSION_EXISTS` if a session with it is open.
    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &[u8], label: [u8; 32]) -> Result<()> { todo!() }
    /// `C_OpenSession`
    pub fn open_session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE> { todo!() }
    /// `C_CloseSession`
    pub fn close_session(&self, session: CK_SESSION_HANDLE) -> Result<()> { todo!() }
    /// `C_CloseAllSessions`
    pub fn close_all_sessions(&self, slot: CK_SLOT_ID) -> Result<()> { todo!() }
    /// The session of `handle`, or `CKR_SESSION_HANDLE_INVALID`.
    pub fn session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>> { todo!() }
}
