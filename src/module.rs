//! The module: slots, tokens, sessions. Safe Rust; the C boundary stands on it.
use crate::ck::*;
use crate::config::Config;
use crate::crypto::{Threads, Workers};
use crate::error::{Error, Result};
use crate::mechanism::{MECHANISMS, Mechanism};
use crate::object::policy::Access;
use crate::session::Session;
use crate::store::vault::{Description, PIN_LEN, Tries, Vault};
use crate::store::{self, Presence};
use crate::token::clock::utc_time;
use crate::token::{LATELY, Shared, Token};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Everything between `C_Initialize` and `C_Finalize`.
#[derive(Debug)]
pub struct Module {
    /// Locked before the tokens, those before the sessions.
    shared: RwLock<Arc<Shared>>,
    /// Token n is in slot n for ever; the last one is yet to be initialised.
    tokens: RwLock<Vec<Arc<Token>>>,
    sessions: RwLock<BTreeMap<CK_SESSION_HANDLE, Arc<Session>>>,
    /// Held by whoever initialises a token: two at once would make two of one slot.
    initializing: Mutex<()>,
    /// When the store was seen where it should be; `None` if it was not.
    seen: Mutex<Option<Instant>>,
    /// The slot that the last `C_GetSlotList` showed as free.
    listed_free: Mutex<Option<usize>>,
}

const MANUFACTURER: &str = "keyferry";
const LIBRARY: &str = "keyferry PKCS#11 token";
const MODEL: &str = "keyferry";

impl Module {
    /// `C_Initialize`. `threads`: whether the application allows threads of the module's own.
    pub fn new(config: Config, threads: Threads) -> Result<Module> {
        let store = store::open(&config.store)?;
        let workers = Arc::new(Workers::new(threads));
        let shared = Arc::new(Shared::new(store, config, workers));
        let module = Module {
            shared: RwLock::new(shared),
            tokens: RwLock::default(),
            sessions: RwLock::default(),
            initializing: Mutex::default(),
            seen: Mutex::default(),
            listed_free: Mutex::default(),
        };
        module.scan()?;
        Ok(module)
    }

    /// `C_Finalize`: gives up what other threads are at and would be at for long, searches for primes
    /// and logins, and waits for the threads of our own.
    pub fn stop(&self) {
        self.shared().workers.stop();
    }

    /// `C_GetInfo`
    pub fn info() -> CK_INFO {
        CK_INFO {
            cryptokiVersion: CK_VERSION { major: 3, minor: 2 },
            manufacturerID: padded(MANUFACTURER),
            flags: 0,
            libraryDescription: padded(LIBRARY),
            libraryVersion: version(),
        }
    }

    /// `C_GetSlotList`. Every slot has a token: those initialised, and one yet to be after the last.
    /// But none has if the store is gone.
    ///
    /// The last slot stays free for [`Self::token_info`] until the application lists the slots again or
    /// works with the slot. Otherwise a token that another process makes between the two calls would leave
    /// the application without a free slot. A list of slots is a snapshot: PKCS#11 3.2, section 5.5.1.
    pub fn slots(&self, token_present: bool) -> Result<Vec<CK_SLOT_ID>> {
        match self.look() {
            Ok(()) => self.scan()?,
            Err(Error::TokenNotPresent) if token_present => return Ok(Vec::new()),
            Err(Error::TokenNotPresent) => {}
            Err(error) => return Err(error),
        }
        let count = self.tokens.read().len();
        *self.listed_free.lock() = count.checked_sub(1);
        (0..count).map(|slot| CK_SLOT_ID::try_from(slot).map_err(|_| Error::GeneralError)).collect()
    }

    /// `C_GetSlotInfo`
    pub fn slot_info(&self, slot: CK_SLOT_ID) -> Result<CK_SLOT_INFO> {
        let present = match self.token(slot) {
            Ok(_) => CKF_TOKEN_PRESENT,
            Err(Error::TokenNotPresent) => 0,
            Err(error) => return Err(error),
        };
        Ok(CK_SLOT_INFO {
            slotDescription: padded(&format!("keyferry slot {slot}")),
            manufacturerID: padded(MANUFACTURER),
            flags: present,
            hardwareVersion: version(),
            firmwareVersion: version(),
        })
    }

    /// `C_GetTokenInfo`
    pub fn token_info(&self, slot: CK_SLOT_ID) -> Result<CK_TOKEN_INFO> {
        let token = self.token(slot)?;
        let description = if self.is_listed_free(slot) { None } else { token.description()? };
        let sessions = token.sessions();
        let count = |n: usize| CK_ULONG::try_from(n).unwrap_or(CK_UNAVAILABLE_INFORMATION);
        Ok(CK_TOKEN_INFO {
            label: description.as_ref().map_or([b' '; 32], |d| d.label),
            manufacturerID: padded(MANUFACTURER),
            model: padded(MODEL),
            serialNumber: description.as_ref().map_or([b' '; 16], |d| d.serial),
            flags: token_flags(description.as_ref()),
            ulMaxSessionCount: CK_EFFECTIVELY_INFINITE,
            ulSessionCount: count(sessions.read_only + sessions.read_write),
            ulMaxRwSessionCount: CK_EFFECTIVELY_INFINITE,
            ulRwSessionCount: count(sessions.read_write),
            ulMaxPinLen: count(*PIN_LEN.end()),
            ulMinPinLen: count(*PIN_LEN.start()),
            ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
            ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
            ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
            hardwareVersion: version(),
            firmwareVersion: version(),
            utcTime: utc_time(SystemTime::now()),
        })
    }

    /// `C_GetMechanismList`
    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>> {
        self.token(slot)?;
        let shared = self.shared();
        let wanted = MECHANISMS.iter().filter(|m| m.wanted(&shared.config).is_ok());
        Ok(wanted.map(|m| m.ckm).collect())
    }

    /// `C_GetMechanismInfo`
    pub fn mechanism_info(
        &self,
        slot: CK_SLOT_ID,
        ckm: CK_MECHANISM_TYPE,
    ) -> Result<CK_MECHANISM_INFO> {
        self.token(slot)?;
        let mechanism = Mechanism::of(ckm)?;
        let shared = self.shared();
        mechanism.wanted(&shared.config)?;
        let (shortest, longest) = mechanism.key_sizes(&shared.config).into_inner();
        Ok(CK_MECHANISM_INFO {
            ulMinKeySize: shortest,
            ulMaxKeySize: longest,
            flags: mechanism.flags(),
        })
    }

    /// `C_InitToken`. `CKR_SESSION_EXISTS` if a session with it is open; `CKR_FUNCTION_FAILED` if another process made a
    /// token in the slot since the application was told that there is none: it did not ask to destroy one. From then
    /// on it is a token like any other.
    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &[u8], label: [u8; 32]) -> Result<()> {
        let _alone = self.initializing.lock();
        self.forget_listed(slot);
        let number = usize::try_from(slot).map_err(|_| Error::SlotIdInvalid)?;
        let was_empty = self.tokens.read().get(number).is_some_and(|token| !token.is_initialized());
        let token = self.token(slot)?;
        let sessions = token.sessions();
        if sessions.read_only + sessions.read_write > 0 {
            return Err(Error::SessionExists);
        }
        let created = match (token.is_initialized(), was_empty) {
            (true, false) => return token.reinitialize(label, so_pin),
            (true, true) => None,
            (false, _) => Vault::create(self.shared().store.clone(), number, label, so_pin)?,
        };
        self.scan()?;
        let taken = "another process made a token in the slot meanwhile";
        created.map(drop).ok_or_else(|| Error::FunctionFailed.because(taken))
    }

    /// `C_OpenSession`
    pub fn open_session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE> {
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Error::SessionParallelNotSupported);
        }
        let token = self.token_lately(slot)?;
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Error::SessionAsyncNotSupported);
        }
        if !token.is_initialized() {
            return Err(Error::TokenNotRecognized.because("the token is not initialised"));
        }
        let access = if flags & CKF_RW_SESSION == 0 { Access::ReadOnly } else { Access::ReadWrite };
        let handle = Shared::new_handle()?;
        token.session_opened(handle, access)?;
        self.forget_listed(slot);
        let session = Session::new(slot, handle, access, token);
        self.sessions.write().insert(handle, Arc::new(session));
        Ok(handle)
    }

    /// `C_CloseSession`
    pub fn close_session(&self, session: CK_SESSION_HANDLE) -> Result<()> {
        let session = self.sessions.write().remove(&session).ok_or(Error::SessionHandleInvalid)?;
        session.close();
        Ok(())
    }

    /// `C_CloseAllSessions`
    pub fn close_all_sessions(&self, slot: CK_SLOT_ID) -> Result<()> {
        match self.token(slot) {
            Ok(_) | Err(Error::TokenNotPresent) => {}
            Err(error) => return Err(error),
        }
        let closed: Vec<_> =
            self.sessions.write().extract_if(.., |_, session| session.slot() == slot).collect();
        for (_, session) in closed {
            session.close();
        }
        Ok(())
    }

    /// The session of `handle`, or `CKR_SESSION_HANDLE_INVALID`.
    pub fn session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>> {
        self.sessions.read().get(&handle).cloned().ok_or(Error::SessionHandleInvalid)
    }

    /// Returns `true` if the last `C_GetSlotList` showed the slot as free, and nothing was done with it since.
    fn is_listed_free(&self, slot: CK_SLOT_ID) -> bool {
        let listed = *self.listed_free.lock();
        listed.is_some() && listed == usize::try_from(slot).ok()
    }

    /// Lets [`Self::token_info`] answer for `slot` as it is now.
    fn forget_listed(&self, slot: CK_SLOT_ID) {
        if self.is_listed_free(slot) {
            *self.listed_free.lock() = None;
        }
    }

    fn token(&self, slot: CK_SLOT_ID) -> Result<Arc<Token>> {
        let at = usize::try_from(slot).map_err(|_| Error::SlotIdInvalid)?;
        let known = || self.tokens.read().get(at).cloned();
        self.look()
            .map_err(|error| if known().is_none() { Error::SlotIdInvalid } else { error })?;
        match known() {
            Some(token) if token.is_initialized() => Ok(token),
            _ => {
                // another process may have initialised it since
                self.scan()?;
                known().ok_or(Error::SlotIdInvalid)
            }
        }
    }

    /// The same as it was a moment ago: for whoever only opens a session. What is done in it looks
    /// for the store again.
    fn token_lately(&self, slot: CK_SLOT_ID) -> Result<Arc<Token>> {
        let lately = self.seen.lock().is_some_and(|seen| seen.elapsed() < LATELY);
        let known = || self.tokens.read().get(usize::try_from(slot).ok()?).cloned();
        match known() {
            Some(token) if lately && token.is_initialized() => Ok(token),
            _ => self.token(slot),
        }
    }

    fn shared(&self) -> Arc<Shared> {
        self.shared.read().clone()
    }

    /// Looks whether the store is there. If another is in its place, everything that was known of
    /// the old one goes, its sessions too. `CKR_TOKEN_NOT_PRESENT` if there is none.
    fn look(&self) -> Result<()> {
        let shared = self.shared();
        *self.seen.lock() = None;
        match shared.store.presence()? {
            Presence::Here => {
                *self.seen.lock() = Some(Instant::now());
                return Ok(());
            }
            Presence::Gone => return Err(Error::TokenNotPresent.because("the store is gone")),
            Presence::Replaced => {}
        }
        let mut current = self.shared.write();
        if Arc::ptr_eq(&current, &shared) {
            let store = store::open(&shared.config.store)?;
            *current = Arc::new(Shared::new(store, shared.config.clone(), shared.workers.clone()));
            self.tokens.write().clear();
            *self.listed_free.lock() = None;
            self.sessions.write().clear();
        }
        Ok(())
    }

    /// Finds the tokens that are in the store by now.
    fn scan(&self) -> Result<()> {
        let shared = self.shared.read();
        let ids = shared.store.tokens()?;
        let mut tokens = self.tokens.write();
        for (slot, id) in ids.iter().enumerate() {
            let vault = || Vault::of(shared.store.clone(), *id);
            match tokens.get(slot) {
                Some(token) if token.is_initialized() => {}
                Some(token) => token.found(vault()),
                None => tokens.push(Arc::new(Token::new(shared.clone(), Some(vault())))),
            }
        }
        if tokens.len() <= ids.len() {
            tokens.push(Arc::new(Token::new(shared.clone(), None)));
        }
        Ok(())
    }
}

fn token_flags(description: Option<&Description>) -> CK_FLAGS {
    let always = CKF_RNG
        | CKF_LOGIN_REQUIRED
        | CKF_CLOCK_ON_TOKEN
        | CKF_DUAL_CRYPTO_OPERATIONS
        | CKF_RESTORE_KEY_NOT_NEEDED;
    let Some(token) = description else { return always };
    let Tries { so, user } = token.tries;
    let flags = [
        (true, CKF_TOKEN_INITIALIZED),
        (token.user_pin_set, CKF_USER_PIN_INITIALIZED),
        (user > 0, CKF_USER_PIN_COUNT_LOW),
        (user + 1 == Tries::LIMIT, CKF_USER_PIN_FINAL_TRY),
        (user >= Tries::LIMIT, CKF_USER_PIN_LOCKED),
        (so > 0, CKF_SO_PIN_COUNT_LOW),
        (so + 1 == Tries::LIMIT, CKF_SO_PIN_FINAL_TRY),
        (so >= Tries::LIMIT, CKF_SO_PIN_LOCKED),
    ];
    flags.into_iter().filter(|(set, _)| *set).fold(always, |all, (_, flag)| all | flag)
}

/// The package's version, which is that of the library and of the "firmware".
fn version() -> CK_VERSION {
    let part = |text: &str| text.parse().unwrap_or(0);
    CK_VERSION {
        major: part(env!("CARGO_PKG_VERSION_MAJOR")),
        minor: part(env!("CARGO_PKG_VERSION_MINOR")),
    }
}

/// Text in a field of the standard: blank padded, not terminated.
fn padded<const LEN: usize>(text: &str) -> [CK_UTF8CHAR; LEN] {
    let mut field = [b' '; LEN];
    for (to, from) in field.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_and_cut() {
        assert_eq!(&padded::<4>("ab"), b"ab  ");
        assert_eq!(&padded::<4>("abcdef"), b"abcd");
    }
}
