//! The module as an application sees it: through `C_GetFunctionList`, in this process.
//!
//! `with_token(|t| ...)` gives a fresh token in memory with a user logged in; [`with_module`] gives
//! an initialised module without a token. `C_Initialize` is for the whole process, so only one of
//! them runs at a time, whatever the test runner does. Every method answers with the `CK_RV` as it
//! came when that is not `CKR_OK`.
//!
//! ```ignore
//! mod common;
//! use common::*;
//! with_token(|t| {
//!     let aes = Mech::new(CKM_AES_KEY_GEN);
//!     let key = t.generate(&aes, &attrs![CKA_VALUE_LEN => 32usize, CKA_WRAP => true]).unwrap();
//!     assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
//! });
//! ```
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "`call!` is the one place to call from")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]
#![allow(dead_code, unused_imports, missing_docs, reason = "each test uses some of it")]

pub mod certificate;
pub mod digest;
pub mod every;
pub mod keys;
pub mod mechanism;
pub mod openssl;
pub mod session;
pub mod template;

pub use keyferry::ck::*;
pub use mechanism::Mech;
pub use openssl::openssl_command;
pub use session::Session;
pub(crate) use template::attrs;
pub use template::{Attr, RawTemplate};

use parking_lot::{Mutex, MutexGuard};
use std::ffi::{CString, c_void};
use std::ptr::null_mut;

pub type Handle = CK_OBJECT_HANDLE;
pub type Rv<T> = Result<T, CK_RV>;

pub const SO_PIN: &[u8] = b"so-pin-12345";
pub const PIN: &[u8] = b"user-pin-123";
pub const LABEL: &str = "test token";

/// `CKR_OK` or the error.
pub fn ok(rv: CK_RV) -> Rv<()> {
    if rv == CKR_OK { Ok(()) } else { Err(rv) }
}

/// Calls a function of the list: `call!(p.C_Login(session, CKU_USER, pin, len))`.
macro_rules! call {
    ($list:ident.$name:ident($($arg:expr),* $(,)?)) => {
        // The arguments are valid for the call, or wrong on purpose where the module can tell.
        $crate::common::ok(unsafe { ($list.list().$name.expect(stringify!($name)))($($arg),*) })
    };
}

pub(crate) use call;

/// The module: the newest of its function lists.
#[derive(Clone, Copy, Debug)]
pub struct Pkcs11(&'static CK_FUNCTION_LIST_3_2);

impl Default for Pkcs11 {
    fn default() -> Pkcs11 {
        Pkcs11::new()
    }
}

impl Pkcs11 {
    /// The list of 2.40 must be what the newest begins with; that is how both are tested at once.
    pub fn new() -> Pkcs11 {
        let mut interface = null_mut();
        let mut version = CK_VERSION { major: 3, minor: 2 };
        let name = c"PKCS 11".as_ptr().cast_mut().cast();
        ok(unsafe { keyferry::abi::C_GetInterface(name, &mut version, &mut interface, 0) })
            .unwrap();
        Pkcs11(unsafe { &*(*interface).pFunctionList.cast::<CK_FUNCTION_LIST_3_2>() })
    }

    /// The raw list, for tests that want to call it wrongly.
    pub fn list(&self) -> &'static CK_FUNCTION_LIST_3_2 {
        self.0
    }

    /// With a configuration in `pReserved`, such as `memory:` or `sqlite:PATH`.
    pub fn initialize(&self, config: &str) -> Rv<()> {
        self.initialize_with(Some(config), CKF_OS_LOCKING_OK)
    }

    pub fn initialize_with(&self, config: Option<&str>, flags: CK_FLAGS) -> Rv<()> {
        let config = config.map(|text| CString::new(text).unwrap());
        let reserved = config.as_ref().map_or(null_mut(), |text| text.as_ptr().cast_mut().cast());
        let mut args = CK_C_INITIALIZE_ARGS { flags, pReserved: reserved, ..Default::default() };
        call!(self.C_Initialize((&raw mut args).cast()))
    }

    pub fn finalize(&self) -> Rv<()> {
        call!(self.C_Finalize(null_mut()))
    }

    pub fn info(&self) -> Rv<CK_INFO> {
        let mut info = CK_INFO::default();
        call!(self.C_GetInfo(&mut info)).map(|()| info)
    }

    pub fn slots(&self, token_present: bool) -> Rv<Vec<CK_SLOT_ID>> {
        two_calls(|at, count| call!(self.C_GetSlotList(token_present.into(), at, count)))
    }

    pub fn slot_info(&self, slot: CK_SLOT_ID) -> Rv<CK_SLOT_INFO> {
        let mut info = CK_SLOT_INFO::default();
        call!(self.C_GetSlotInfo(slot, &mut info)).map(|()| info)
    }

    pub fn token_info(&self, slot: CK_SLOT_ID) -> Rv<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self.C_GetTokenInfo(slot, &mut info)).map(|()| info)
    }

    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Rv<Vec<CK_MECHANISM_TYPE>> {
        two_calls(|at, count| call!(self.C_GetMechanismList(slot, at, count)))
    }

    pub fn mechanism_info(&self, slot: CK_SLOT_ID, ckm: CK_ULONG) -> Rv<CK_MECHANISM_INFO> {
        let mut info = CK_MECHANISM_INFO::default();
        call!(self.C_GetMechanismInfo(slot, ckm, &mut info)).map(|()| info)
    }

    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &[u8], label: &str) -> Rv<()> {
        let mut padded = [b' '; 32];
        padded[..label.len()].copy_from_slice(label.as_bytes());
        call!(self.C_InitToken(slot, ptr(so_pin), len(so_pin), padded.as_mut_ptr()))
    }

    /// Flags beside `CKF_SERIAL_SESSION`: [`CKF_RW_SESSION`] or 0.
    pub fn open(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Rv<Session> {
        let mut handle = 0;
        let flags = flags | CKF_SERIAL_SESSION;
        call!(self.C_OpenSession(slot, flags, null_mut(), None, &mut handle))?;
        Ok(Session { p: *self, handle })
    }

    pub fn open_rw(&self, slot: CK_SLOT_ID) -> Rv<Session> {
        self.open(slot, CKF_RW_SESSION)
    }

    pub fn open_ro(&self, slot: CK_SLOT_ID) -> Rv<Session> {
        self.open(slot, 0)
    }

    pub fn close_all(&self, slot: CK_SLOT_ID) -> Rv<()> {
        call!(self.C_CloseAllSessions(slot))
    }

    /// A token with [`SO_PIN`] and [`PIN`] in a slot; answers a read-write session of its user.
    pub fn token(&self, slot: CK_SLOT_ID) -> Rv<Session> {
        self.init_token(slot, SO_PIN, LABEL)?;
        let session = self.open_rw(slot)?;
        session.login(CKU_SO, SO_PIN)?;
        session.init_pin(PIN)?;
        session.logout()?;
        session.login(CKU_USER, PIN)?;
        Ok(session)
    }
}

/// A token in memory, and a read-write session of its user, whose methods it has.
#[derive(Debug)]
pub struct Token {
    pub p: Pkcs11,
    pub slot: CK_SLOT_ID,
    pub session: Session,
}

impl std::ops::Deref for Token {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}

/// Runs `test` with a fresh token.
pub fn with_token<T>(test: impl FnOnce(&Token) -> T) -> T {
    with_module(|p| {
        let slot = p.slots(true).expect("slots")[0];
        let session = p.token(slot).expect("a token");
        test(&Token { p: *p, slot, session })
    })
}

/// Runs `test` with the module initialised, its store empty and in memory.
pub fn with_module<T>(test: impl FnOnce(&Pkcs11) -> T) -> T {
    with_store("memory:", test)
}

/// A logged-in session of a token in memory, under a configuration file of these lines.
pub fn with_config(lines: &str, test: impl FnOnce(&Session)) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, format!("store = 'memory:'\n{lines}\n")).unwrap();
    with_store(&format!("config={}", file.display()), |p| {
        let slot = p.slots(true).unwrap()[0];
        test(&p.token(slot).unwrap());
    });
}

/// Runs `test` with the module initialised with this configuration.
pub fn with_store<T>(config: &str, test: impl FnOnce(&Pkcs11) -> T) -> T {
    struct Finalized(Pkcs11);
    impl Drop for Finalized {
        fn drop(&mut self) {
            let _ = self.0.finalize();
        }
    }
    let _alone = alone();
    let p = Pkcs11::new();
    p.initialize(config).expect("C_Initialize");
    let module = Finalized(p);
    test(&module.0)
}

/// As long as the guard lives, no other test of this process has the module.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock()
}

/// A list by the two-call convention.
fn two_calls<T: Default + Clone>(list: impl Fn(*mut T, *mut CK_ULONG) -> Rv<()>) -> Rv<Vec<T>> {
    let mut count = 0;
    list(null_mut(), &mut count)?;
    let mut all = vec![T::default(); count as usize];
    list(all.as_mut_ptr(), &mut count)?;
    all.truncate(count as usize);
    Ok(all)
}

/// Bytes as a C function takes them.
pub fn ptr(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

/// Their length.
pub fn len(bytes: &[u8]) -> CK_ULONG {
    bytes.len() as CK_ULONG
}

pub fn void<T>(value: &mut T) -> *mut c_void {
    std::ptr::from_mut(value).cast()
}
