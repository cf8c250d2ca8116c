//! A module: loaded, initialised, and finalised when nothing uses it any more.
use super::call::{call, input, ulong};
use super::{Access, Error, Result, Session};
use crate::abi::environment::variable;
use crate::ck::*;
use crate::config::Config;
use std::ffi::CString;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;

/// The most slots that a module may have: one call of `C_GetTokenInfo` for each.
pub const MOST_SLOTS: usize = 1 << 16;

/// An initialised module.
#[derive(Clone, Debug)]
pub struct Module(pub(super) Arc<Loaded>);

/// The function list, and the library that it belongs to.
pub(super) struct Loaded {
    pub(super) list: CK_FUNCTION_LIST,
    /// Kept loaded as long as the list is used; the embedded module has none.
    _library: Option<libloading::Library>,
    finalize: bool,
    threads: bool,
}

/// A slot with a token, and what `C_GetTokenInfo` says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSlot {
    /// The slot's number.
    pub slot: CK_SLOT_ID,
    /// The token's label, without padding.
    pub label: String,
    /// The manufacturer.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The serial number.
    pub serial: String,
    /// `CKF_*` of the token.
    pub flags: CK_FLAGS,
    /// How long a PIN may be, in bytes; some modules say 0 for what they do not limit.
    pub pin_len: RangeInclusive<CK_ULONG>,
    /// The firmware version, as `major.minor`.
    pub firmware: String,
}

/// The slots of a module that hold a token. One that cannot be read does not hide the others.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// Those whose token can be read.
    pub tokens: Vec<TokenSlot>,
    /// The others, each with the reason: what `C_GetTokenInfo` answered.
    pub unreadable: Vec<(CK_SLOT_ID, Error)>,
}

impl TokenSlot {
    /// Whether the token has been initialised.
    pub fn is_initialized(&self) -> bool {
        self.flags & CKF_TOKEN_INITIALIZED != 0
    }
    /// Whether a user PIN has been set.
    pub fn has_user_pin(&self) -> bool {
        self.flags & CKF_USER_PIN_INITIALIZED != 0
    }
}

impl Module {
    /// The embedded module. `store` is where its tokens live (`memory:`, `sqlite:PATH`); without
    /// it the module's own configuration counts.
    pub fn embedded(store: Option<&str>) -> Result<Module> {
        // read here first, because C_Initialize can answer a code only, and no reason
        Config::read_with_reason(store, &variable).map_err(Error::Unusable)?;
        Module::initialize(embedded_list()?, None, store)
    }

    /// The module in a shared library. Its constructors run: load only what you trust. A bare name is looked for in the
    /// system's folders only, as `dlopen` does.
    pub fn load(path: &Path) -> Result<Module> {
        // SAFETY: the user chose the library; running its code is what loading a module means
        let library =
            unsafe { libloading::Library::new(path) }.map_err(|e| not_loaded(path, &e))?;
        // SAFETY: every PKCS#11 module exports the function with this signature
        let symbol = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") };
        let entry = symbol.map(|symbol| *symbol).map_err(|_| not_a_module(path))?;
        let entry = entry.ok_or_else(|| not_a_module(path))?;
        let list = list_of(entry)?;
        Module::initialize(list, Some(library), None)
    }

    fn initialize(
        list: CK_FUNCTION_LIST,
        library: Option<libloading::Library>,
        reserved: Option<&str>,
    ) -> Result<Module> {
        let reserved = reserved.map(CString::new).transpose();
        let reserved = reserved.map_err(|_| {
            Error::Unusable(
                "the store's location has a zero byte in it; give one without".to_owned(),
            )
        })?;
        let initialize = |flags| {
            let mut arguments = CK_C_INITIALIZE_ARGS {
                CreateMutex: None,
                DestroyMutex: None,
                LockMutex: None,
                UnlockMutex: None,
                flags,
                pReserved: reserved.as_ref().map_or(null_mut(), |r| r.as_ptr().cast_mut().cast()),
            };
            call!(list, C_Initialize((&raw mut arguments).cast()))
        };
        let (answer, threads) = match initialize(CKF_OS_LOCKING_OK) {
            // then it is for one thread at a time (PKCS#11 3.2, section 5.4)
            Err(error) if error.is(CKR_CANT_LOCK) => (initialize(0), false),
            answer => (answer, true),
        };
        match answer {
            Ok(()) => {
                Ok(Module(Arc::new(Loaded { list, _library: library, finalize: true, threads })))
            }
            // by somebody who may have promised it one thread
            Err(error) if error.is(CKR_CRYPTOKI_ALREADY_INITIALIZED) => {
                let (finalize, threads) = (false, false);
                Ok(Module(Arc::new(Loaded { list, _library: library, finalize, threads })))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether several threads may use it at once.
    pub fn takes_threads(&self) -> bool {
        self.0.threads
    }

    /// Slots that hold a token, initialised or not. Fails only if there is no list of them.
    pub fn slots(&self) -> Result<Slots> {
        let mut slots = Slots::default();
        for slot in self.slot_list()? {
            match self.token(slot) {
                Ok(token) => slots.tokens.push(token),
                Err(error) => slots.unreadable.push((slot, error)),
            }
        }
        Ok(slots)
    }

    fn slot_list(&self) -> Result<Vec<CK_SLOT_ID>> {
        let mut count: CK_ULONG = 0;
        call!(self.0.list, C_GetSlotList(CK_TRUE, null_mut(), &mut count))?;
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        if wanted > MOST_SLOTS {
            return Err(Error::Unusable(format!(
                "the module says that it has {count} slots, and none has more than {MOST_SLOTS}; use another, such as \
                 keyferry's own"
            )));
        }
        // more may have come meanwhile
        let mut slots: Vec<CK_SLOT_ID> = vec![0; wanted.saturating_add(16)];
        let mut count = ulong(slots.len());
        call!(self.0.list, C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count))?;
        slots.truncate(usize::try_from(count).unwrap_or_default());
        Ok(slots)
    }

    fn token(&self, slot: CK_SLOT_ID) -> Result<TokenSlot> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self.0.list, C_GetTokenInfo(slot, &mut info))?;
        Ok(TokenSlot {
            slot,
            label: text(&info.label),
            manufacturer: text(&info.manufacturerID),
            model: text(&info.model),
            serial: text(&info.serialNumber),
            flags: info.flags,
            pin_len: info.ulMinPinLen..=info.ulMaxPinLen,
            firmware: format!("{}.{}", info.firmwareVersion.major, info.firmwareVersion.minor),
        })
    }

    /// Whether the token in `slot` has the mechanism for the functions `flags` (`CKF_*`).
    pub fn has_mechanism(&self, slot: CK_SLOT_ID, ckm: CK_MECHANISM_TYPE, flags: CK_FLAGS) -> bool {
        let mut info = CK_MECHANISM_INFO::default();
        let answer = call!(self.0.list, C_GetMechanismInfo(slot, ckm, &mut info));
        answer.is_ok() && info.flags & flags == flags
    }

    /// What `C_GetMechanismInfo` says: the functions (`CKF_*`), and the sizes of keys; `None` if the
    /// token does not have the mechanism.
    pub fn mechanism(
        &self,
        slot: CK_SLOT_ID,
        ckm: CK_MECHANISM_TYPE,
    ) -> Option<(CK_FLAGS, RangeInclusive<CK_ULONG>)> {
        let mut info = CK_MECHANISM_INFO::default();
        call!(self.0.list, C_GetMechanismInfo(slot, ckm, &mut info)).ok()?;
        Some((info.flags, info.ulMinKeySize..=info.ulMaxKeySize))
    }

    /// Makes an empty token with this label. `CKR_PIN_INCORRECT` if there is a token already and
    /// its SO PIN is another.
    pub fn init_token(&self, slot: CK_SLOT_ID, so_pin: &str, label: &str) -> Result<()> {
        let mut padded = [b' '; 32];
        for (to, from) in padded.iter_mut().zip(label.bytes()) {
            *to = from;
        }
        let pin = so_pin.as_bytes();
        call!(self.0.list, C_InitToken(slot, input(pin), ulong(pin.len()), padded.as_mut_ptr()))
    }

    /// Opens a session with the token in `slot`.
    pub fn open(&self, slot: CK_SLOT_ID, access: Access) -> Result<Session> {
        Session::open(self.clone(), slot, access)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("finalize", &self.finalize).finish_non_exhaustive()
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if self.finalize {
            // nobody is left who could act on an error
            let _ = call!(self.list, C_Finalize(null_mut()));
        }
    }
}

/// The list of the module that is part of this program.
fn embedded_list() -> Result<CK_FUNCTION_LIST> {
    list_of(crate::abi::C_GetFunctionList)
}

/// What a module's `C_GetFunctionList` gives.
fn list_of(
    entry: unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV,
) -> Result<CK_FUNCTION_LIST> {
    let mut list = null_mut();
    // SAFETY: the pointer is to a live variable
    let rv = unsafe { entry(&raw mut list) };
    Error::check("C_GetFunctionList", rv)?;
    if list.is_null() {
        return Err(Error::Unusable(
            "the module has an empty function list; use another, such as keyferry's own".to_owned(),
        ));
    }
    // SAFETY: not null, and C_GetFunctionList answered CKR_OK for it; it is only copied
    Ok(unsafe { *list })
}

/// Whoever can put a file into the current folder is not to run it with the user's PIN, so that has to be asked for.
fn not_loaded(path: &Path, error: &libloading::Error) -> Error {
    let name = path.display();
    Error::Unusable(match path.components().count() == 1 && path.is_file() {
        true => format!(
            "the module {name} cannot be loaded from the system's folders: {error}; give ./{name} if the file in the \
             current folder is meant, and you trust it"
        ),
        false => format!(
            "the module {name} cannot be loaded: {error}; give the path of a PKCS#11 module that is for this machine"
        ),
    })
}

fn not_a_module(path: &Path) -> Error {
    Error::Unusable(format!(
        "{} is not a PKCS#11 module: it has no C_GetFunctionList; give the library of the token's maker",
        path.display()
    ))
}

/// A padded field as text.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_refused() {
        let absent = Module::load(Path::new("/nonexistent/module.so")).unwrap_err();
        assert!(absent.to_string().contains("cannot be loaded"), "{absent}");
    }

    /// `C_Initialize` of a module without locks.
    unsafe extern "C" fn lockless(arguments: CK_VOID_PTR) -> CK_RV {
        // SAFETY: only called below, through `initialize`, with live arguments
        let flags = unsafe { (*arguments.cast::<CK_C_INITIALIZE_ARGS>()).flags };
        if flags & CKF_OS_LOCKING_OK == 0 { CKR_OK } else { CKR_CANT_LOCK }
    }

    #[test]
    fn a_module_without_locks_is_for_one_thread() {
        let list = CK_FUNCTION_LIST { C_Initialize: Some(lockless), ..Default::default() };
        assert!(!Module::initialize(list, None, None).unwrap().takes_threads());
        assert!(Module::embedded(Some("memory:")).is_ok_and(|module| module.takes_threads()));
    }

    #[test]
    fn fields_lose_their_padding() {
        assert_eq!(text(b"a b   "), "a b");
        assert_eq!(text(b"a\0\0"), "a");
    }
}
