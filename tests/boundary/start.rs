//! `C_Initialize` and `C_Finalize`.
use crate::common::*;
use std::ffi::c_void;
use std::ptr::null_mut;

unsafe extern "C" fn create(_: *mut *mut c_void) -> CK_RV {
    CKR_OK
}
unsafe extern "C" fn with(_: *mut c_void) -> CK_RV {
    CKR_OK
}

fn args() -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS {
        pReserved: c"memory:".as_ptr().cast_mut().cast(),
        ..CK_C_INITIALIZE_ARGS::default()
    }
}

fn with_mutexes() -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create),
        DestroyMutex: Some(with),
        LockMutex: Some(with),
        UnlockMutex: Some(with),
        ..args()
    }
}

fn initialize(mut args: CK_C_INITIALIZE_ARGS) -> Rv<()> {
    let p = Pkcs11::new();
    call!(p.C_Initialize(void(&mut args)))
}

#[test]
fn every_locking_mode_is_taken() {
    let _alone = alone();
    let flags = [
        0,
        CKF_OS_LOCKING_OK,
        CKF_LIBRARY_CANT_CREATE_OS_THREADS,
        CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS,
        CKF_OS_LOCKING_OK | 0x8000,
    ];
    for args in [args(), with_mutexes()] {
        for flags in flags {
            initialize(CK_C_INITIALIZE_ARGS { flags, ..args }).unwrap();
            assert!(Pkcs11::new().info().is_ok());
            Pkcs11::new().finalize().unwrap();
        }
    }
}

#[test]
fn all_mutex_functions_or_none() {
    let _alone = alone();
    let all = with_mutexes();
    for some in [
        CK_C_INITIALIZE_ARGS { CreateMutex: None, ..all },
        CK_C_INITIALIZE_ARGS { DestroyMutex: None, ..all },
        CK_C_INITIALIZE_ARGS { LockMutex: None, flags: CKF_OS_LOCKING_OK, ..all },
        CK_C_INITIALIZE_ARGS { UnlockMutex: None, ..all },
        CK_C_INITIALIZE_ARGS { UnlockMutex: Some(with), ..args() },
    ] {
        assert_eq!(initialize(some), Err(CKR_ARGUMENTS_BAD));
    }
}

#[test]
fn nonsense_in_reserved_is_refused() {
    let _alone = alone();
    let long = [b'a'; 5000];
    for text in [&b"no such store\0"[..], b"\xFF\xFE\0", &long] {
        let refused = CK_C_INITIALIZE_ARGS { pReserved: ptr(text).cast(), ..args() };
        assert_eq!(initialize(refused), Err(CKR_ARGUMENTS_BAD));
    }
    assert_eq!(Pkcs11::new().info().err(), Some(CKR_CRYPTOKI_NOT_INITIALIZED));
}

#[test]
fn once_and_again() {
    let _alone = alone();
    let p = Pkcs11::new();
    for _ in 0..3 {
        assert_eq!(p.finalize(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
        p.initialize("memory:").unwrap();
        assert_eq!(p.initialize("memory:"), Err(CKR_CRYPTOKI_ALREADY_INITIALIZED));
        assert_eq!(call!(p.C_Initialize(null_mut())), Err(CKR_CRYPTOKI_ALREADY_INITIALIZED));
        assert_eq!(call!(p.C_Finalize(void(&mut 0u8))), Err(CKR_ARGUMENTS_BAD));
        p.finalize().unwrap();
    }
}

#[test]
fn one_of_many_threads_initialises() {
    let _alone = alone();
    let p = Pkcs11::new();
    let answers: Vec<Rv<()>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| p.initialize("memory:"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let already = Err(CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == already).count(), 7);
    p.finalize().unwrap();
}

#[test]
fn nothing_works_before_initialize() {
    let _alone = alone();
    let p = Pkcs11::new();
    for (name, call) in every::every(&p) {
        let expected = match name {
            "C_Initialize" => continue,
            "C_GetFunctionList" | "C_GetInterfaceList" | "C_GetInterface" => CKR_ARGUMENTS_BAD,
            _ => CKR_CRYPTOKI_NOT_INITIALIZED,
        };
        assert_eq!(call(), expected, "{name}");
    }
}

#[test]
fn sessions_end_with_the_module() {
    let _alone = alone();
    let p = Pkcs11::new();
    p.initialize("memory:").unwrap();
    let session = p.open_ro(p.slots(true).unwrap()[0]);
    p.finalize().unwrap();
    p.initialize("memory:").unwrap();
    if let Ok(session) = session {
        assert_eq!(session.info().err(), Some(CKR_SESSION_HANDLE_INVALID));
    }
    p.finalize().unwrap();
}

#[test]
fn finalize_while_others_work() {
    let _alone = alone();
    let p = Pkcs11::new();
    for _ in 0..20 {
        p.initialize("memory:").unwrap();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                loop {
                    match p.slots(true) {
                        Ok(slots) => assert_eq!(slots.len(), 1),
                        Err(rv) => return rv,
                    }
                }
            });
            std::thread::yield_now();
            p.finalize().unwrap();
            assert_eq!(worker.join().unwrap(), CKR_CRYPTOKI_NOT_INITIALIZED);
        });
    }
}
