//! RSA key pairs and threads: none of the module's own where the application forbids it, none after
//! `C_Finalize`.
//!
//! In forked children, which have no other threads than those made there.
use crate::children::in_child;
use crate::common::*;
use std::thread::{scope, sleep};
use std::time::Duration;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn generate(session: &Session, bits: usize, token: bool) -> Rv<(Handle, Handle)> {
    let public = attrs![CKA_MODULUS_BITS => bits, CKA_TOKEN => token];
    let private = attrs![CKA_TOKEN => token];
    session.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
}

/// The most threads that this process had while it made key pairs, itself and the caller's counted.
fn most_threads(flags: CK_FLAGS) -> usize {
    let p = Pkcs11::new();
    p.initialize_with(Some("memory:"), CKF_OS_LOCKING_OK | flags).unwrap();
    let session = p.token(0).unwrap();
    let most = scope(|s| {
        let made =
            s.spawn(|| (0..6).map(|_| generate(&session, 2048, false)).all(|pair| pair.is_ok()));
        let mut most = 0;
        while !made.is_finished() {
            most = most.max(threads());
        }
        assert!(made.join().unwrap());
        most
    });
    p.finalize().unwrap();
    most
}

#[test]
fn no_thread_is_made_where_the_application_forbids_it() {
    let _alone = alone();
    in_child(|| assert_eq!(most_threads(CKF_LIBRARY_CANT_CREATE_OS_THREADS), 2));
    in_child(|| assert_eq!(most_threads(0), 3, "or a thread would not be seen here"));
}

/// A pair of 8192 bits takes seconds where it takes least; given up, it is nobody's.
fn finalize_amid_a_pair(flags: CK_FLAGS) {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().display());
    let p = Pkcs11::new();
    p.initialize_with(Some(&store), CKF_OS_LOCKING_OK | flags).unwrap();
    let session = p.token(0).unwrap();
    scope(|s| {
        let made = s.spawn(|| generate(&session, 8192, true));
        sleep(Duration::from_millis(50));
        p.finalize().unwrap();
        assert_eq!(made.join().unwrap(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
    });
    // what has ended may be listed for a moment longer
    for _ in 0..1000 {
        if threads() > 1 {
            sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(threads(), 1, "a thread outlives C_Finalize");
    p.initialize_with(Some(&store), CKF_OS_LOCKING_OK | flags).unwrap();
    let session = p.open_rw(0).unwrap();
    session.login(CKU_USER, PIN).unwrap();
    assert_eq!(session.find(&attrs![CKA_KEY_TYPE => CKK_RSA]), Ok(vec![]));
    generate(&session, 1024, true).unwrap();
    p.finalize().unwrap();
}

#[test]
fn finalize_gives_up_a_pair_under_way() {
    let _alone = alone();
    in_child(|| finalize_amid_a_pair(0));
    in_child(|| finalize_amid_a_pair(CKF_LIBRARY_CANT_CREATE_OS_THREADS));
}
