//! The argument of `C_Initialize`, PKCS#11 3.2 section 5.4.
use super::caller::Caller;
use super::environment::variable;
use super::guess;
use crate::ck::*;
use crate::config::Config;
use crate::crypto::Threads;
use crate::error::{Error, Result};
use std::ffi::c_void;

/// The longest configuration string that `pReserved` may be, with its NUL.
const LONGEST: usize = 4096;

/// Prefixes of a configuration string in letters of either case, each with the part to remove.
const BEGINNINGS: [(&str, &str); 4] =
    [("config=", ""), ("store=", "store="), ("memory:", ""), ("sqlite:", "")];

impl Caller<'_> {
    /// What the application wants of us: a configuration, and whether we may make threads.
    ///
    /// Every locking mode of the standard is taken alike. Our locks are those of the operating
    /// system, which are right with one thread and with many; an application that brings mutex
    /// functions without `CKF_OS_LOCKING_OK` has them from the same system, so its threads and our
    /// locks agree, and refusing it with `CKR_CANT_LOCK` would help nobody.
    pub(super) fn initialize_args(&self, at: *mut c_void) -> Result<(Config, Threads)> {
        if at.is_null() {
            return Ok((Config::read(None, &variable)?, Threads::Two));
        }
        let (reserved, threads) = self.wishes(at)?;
        Ok((Config::read(reserved.as_deref(), &variable)?, threads))
    }

    fn wishes(&self, at: *mut c_void) -> Result<(Option<String>, Threads)> {
        let args = self.read(at.cast::<CK_C_INITIALIZE_ARGS>())?;
        let functions = [
            args.CreateMutex.is_some(),
            args.DestroyMutex.is_some(),
            args.LockMutex.is_some(),
            args.UnlockMutex.is_some(),
        ];
        if functions.contains(&true) && functions.contains(&false) {
            return Err(Error::ArgumentsBad.because("some mutex functions, but not all four"));
        }
        let threads = match args.flags & CKF_LIBRARY_CANT_CREATE_OS_THREADS {
            0 => Threads::Two,
            _ => Threads::One,
        };
        Ok((configuration(args.pReserved.cast())?, threads))
    }
}

/// The configuration string at `at`, or `None` for NULL.
///
/// The standard requires NULL (PKCS#11 3.2 section 5.4.1). An application may pass any pointer, so the kernel
/// reads the memory, and only a configuration is accepted. Other content is never logged.
fn configuration(at: *const u8) -> Result<Option<String>> {
    if at.is_null() {
        return Ok(None);
    }
    let refused = || Error::ArgumentsBad.because("pReserved is no configuration; set it to NULL");
    let text = guess::text_at(at.expose_provenance(), LONGEST).ok_or_else(refused)?;
    let text = String::from_utf8(text).map_err(|_| refused())?;
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    let (_, dropped) = BEGINNINGS.iter().find(|row| begins(row.0)).ok_or_else(refused)?;
    Ok(text.get(dropped.len()..).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    const NOTHING: CK_C_INITIALIZE_ARGS = CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: 0,
        pReserved: null_mut(),
    };

    unsafe extern "C" fn create(_: *mut *mut c_void) -> CK_RV {
        CKR_OK
    }
    unsafe extern "C" fn other(_: *mut c_void) -> CK_RV {
        CKR_OK
    }

    fn wishes(mut args: CK_C_INITIALIZE_ARGS) -> Result<(Option<String>, Threads)> {
        // SAFETY: the tests give valid or null pointers.
        let caller = unsafe { Caller::for_this_call(&()) };
        caller.wishes(std::ptr::from_mut(&mut args).cast())
    }

    #[test]
    fn locking_modes() {
        let all = CK_C_INITIALIZE_ARGS {
            CreateMutex: Some(create),
            DestroyMutex: Some(other),
            LockMutex: Some(other),
            UnlockMutex: Some(other),
            ..NOTHING
        };
        let os = CKF_OS_LOCKING_OK;
        for args in [NOTHING, all] {
            assert_eq!(wishes(args), Ok((None, Threads::Two)));
            assert_eq!(
                wishes(CK_C_INITIALIZE_ARGS { flags: os, ..args }),
                Ok((None, Threads::Two))
            );
            let flags = os | CKF_LIBRARY_CANT_CREATE_OS_THREADS | 0x100;
            assert_eq!(wishes(CK_C_INITIALIZE_ARGS { flags, ..args }), Ok((None, Threads::One)));
        }
        for some in [
            CK_C_INITIALIZE_ARGS { CreateMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { UnlockMutex: None, flags: os, ..all },
            CK_C_INITIALIZE_ARGS { LockMutex: Some(other), ..NOTHING },
        ] {
            assert_eq!(wishes(some), Err(Error::ArgumentsBad));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no kernel to ask")]
    fn reserved_is_a_configuration() {
        let with = |text: &[u8]| {
            wishes(CK_C_INITIALIZE_ARGS { pReserved: text.as_ptr().cast_mut().cast(), ..NOTHING })
        };
        let taken = |text: &str| Ok((Some(text.into()), Threads::Two));
        assert_eq!(with(b"memory:\0"), taken("memory:"));
        assert_eq!(with(b"store=memory:\0"), taken("memory:"));
        assert_eq!(with(b"SQLite:/a b\0"), taken("SQLite:/a b"));
        assert_eq!(with(b"config=/c.toml\0"), taken("config=/c.toml"));
        let long = [&b"config="[..], &[b'a'; LONGEST]].concat();
        for refused in [&b"\0"[..], b"\xFF\0", b"config\0", b"configdir='/nss'\0", &long] {
            assert_eq!(with(refused), Err(Error::ArgumentsBad));
        }
    }
}
