//! Forks of a program whose other threads are busy: no child may wait for a thread it has not got.
use crate::common::*;
use std::sync::atomic::{AtomicBool, Ordering};

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn alarm(seconds: u32) -> u32;
}

/// Makes and destroys token objects until told to stop.
fn work(p: &Pkcs11, stop: &AtomicBool) {
    let data = attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_VALUE => b"x"];
    while !stop.load(Ordering::Relaxed) {
        let session = p.open_rw(0).unwrap();
        let object = session.create(&data).unwrap();
        session.destroy(object).unwrap();
        session.close().unwrap();
    }
}

/// How a child ended that uses the module on its own: 0, or a signal if it hung.
fn child(p: &Pkcs11, store: &str) -> i32 {
    match unsafe { fork() } {
        0 => unsafe {
            alarm(20);
            let works =
                p.initialize(store).is_ok() && p.slots(true).is_ok() && p.finalize().is_ok();
            _exit(if works { 0 } else { 1 })
        },
        pid => {
            let mut status = -1;
            unsafe { waitpid(pid, &mut status, 0) };
            status
        }
    }
}

#[test]
fn children_of_a_busy_program_do_not_hang() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = |folder: &tempfile::TempDir| format!("sqlite:{}", folder.path().display());
    with_store(&store(&ours), |p| {
        let _user = p.token(0).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| work(p, &stop));
            }
            let ends: Vec<i32> = (0..100).map(|_| child(p, &store(&theirs))).collect();
            stop.store(true, Ordering::Relaxed);
            assert_eq!(ends, [0; 100]);
        });
    });
}
