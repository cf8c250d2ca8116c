//! Forked children: not initialised, free to initialise themselves, harmless to their parent.
use crate::common::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// Runs `child` in a forked child; fails if it panics there.
pub fn in_child(child: impl FnOnce()) {
    match unsafe { fork() } {
        -1 => panic!("fork failed"),
        0 => {
            let failed = catch_unwind(AssertUnwindSafe(child)).is_err();
            unsafe { _exit(failed.into()) }
        }
        pid => {
            let mut status = 0;
            assert_eq!(unsafe { waitpid(pid, &mut status, 0) }, pid);
            assert_eq!(status, 0, "the child failed");
        }
    }
}

#[test]
fn a_child_is_not_initialised() {
    with_token(|t| {
        let object = t.create(&attrs![CKA_CLASS => CKO_DATA, CKA_VALUE => b"x"]).unwrap();
        in_child(|| {
            for (name, call) in every::every(&t.p) {
                if !["C_Initialize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"]
                    .contains(&name)
                {
                    assert_eq!(call(), CKR_CRYPTOKI_NOT_INITIALIZED, "{name}");
                }
            }
        });
        assert_eq!(t.bytes(object, CKA_VALUE).unwrap(), b"x");
    });
}

#[test]
fn a_child_may_initialise_itself() {
    with_token(|t| {
        in_child(|| {
            t.p.initialize("memory:").unwrap();
            assert_eq!(t.info().err(), Some(CKR_SESSION_HANDLE_INVALID));
            let own = t.p.token(t.slot).unwrap();
            assert!(own.find(&[]).unwrap().is_empty());
            in_child(|| {
                assert_eq!(own.info().err(), Some(CKR_CRYPTOKI_NOT_INITIALIZED));
                t.p.initialize("memory:").unwrap();
                t.p.finalize().unwrap();
            });
            assert!(own.info().is_ok());
            t.p.finalize().unwrap();
            assert_eq!(t.p.finalize(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
        });
        assert!(t.info().is_ok());
    });
}

#[test]
fn a_child_of_a_parent_never_initialised_is_free() {
    let _alone = alone();
    let p = Pkcs11::new();
    in_child(|| {
        p.initialize("memory:").unwrap();
        assert!(p.info().is_ok());
        p.finalize().unwrap();
    });
    assert_eq!(p.info().err(), Some(CKR_CRYPTOKI_NOT_INITIALIZED));
}

/// In a child, because there the environment is nobody else's.
#[test]
fn no_arguments_mean_the_environment() {
    let _alone = alone();
    let p = Pkcs11::new();
    in_child(|| {
        unsafe { std::env::set_var("KEYFERRY_STORE", "memory:") };
        call!(p.C_Initialize(null_mut())).unwrap();
        assert!(p.info().is_ok());
        p.finalize().unwrap();
    });
}

#[test]
fn a_fork_amid_calls_of_other_threads_does_not_hang() {
    with_module(|p| {
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        assert!(p.info().is_ok());
                    }
                });
            }
            for _ in 0..20 {
                in_child(|| {
                    assert_eq!(p.info().err(), Some(CKR_CRYPTOKI_NOT_INITIALIZED));
                    p.initialize("memory:").unwrap();
                    p.finalize().unwrap();
                });
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    });
}
