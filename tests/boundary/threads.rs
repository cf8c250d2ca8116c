//! Threads of the module's own, for RSA key pairs and logins: none where the application forbids it,
//! none after `C_Finalize`.
//!
//! In forked children, which have no other threads than those made there.
use crate::children::in_child;
use crate::common::*;
use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::thread::{scope, sleep};
use std::time::Duration;

fn threads() -> usize {
    read_dir("/proc/self/task").unwrap().count()
}

/// What has ended may be listed for a moment longer.
fn assert_no_thread_but_this() {
    for _ in 0..1000 {
        if threads() > 1 {
            sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(threads(), 1, "a thread outlives C_Finalize");
}

fn generate(session: &Session, bits: usize, token: bool) -> Rv<(Handle, Handle)> {
    let public = attrs![CKA_MODULUS_BITS => bits, CKA_TOKEN => token];
    let private = attrs![CKA_TOKEN => token];
    session.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
}

type Work = fn(&Session) -> Rv<()>;

/// What this process had while it was at something: the most threads, itself and the caller's counted,
/// and the names of the module's own.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    most: usize,
    names: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self) {
        let tasks: Vec<_> = read_dir("/proc/self/task").unwrap().flatten().collect();
        self.most = self.most.max(tasks.len());
        // a thread that has ended has no name any more
        let names = tasks.iter().flat_map(|task| read_to_string(task.path().join("comm")));
        self.names
            .extend(names.map(|n| n.trim().to_owned()).filter(|n| n.starts_with("keyferry-")));
    }

    /// Until a thread and its name were seen: one that ends soon may be overlooked.
    fn at(flags: CK_FLAGS, rounds: usize, work: Work) -> Seen {
        let p = Pkcs11::new();
        p.initialize_with(Some("memory:"), CKF_OS_LOCKING_OK | flags).unwrap();
        let session = p.token(0).unwrap();
        let mut seen = Seen::default();
        for _ in 0..rounds {
            scope(|s| {
                let work = s.spawn(|| work(&session));
                while !work.is_finished() {
                    seen.look();
                }
                work.join().unwrap().unwrap();
            });
            if seen.most > 2 && !seen.names.is_empty() {
                break;
            }
        }
        p.finalize().unwrap();
        seen
    }
}

fn pairs(session: &Session) -> Rv<()> {
    (0..6).try_for_each(|_| generate(session, 2048, false).map(drop))
}

fn logins(session: &Session) -> Rv<()> {
    (0..6).try_for_each(|_| session.logout().and_then(|()| session.login(CKU_USER, PIN)))
}

/// What makes a thread, and what the thread is called.
const AT_WORK: [(Work, &str); 2] = [(pairs, "keyferry-primes"), (logins, "keyferry-login")];

#[test]
fn no_thread_is_made_where_the_application_forbids_it() {
    let _alone = alone();
    for (work, name) in AT_WORK {
        in_child(|| {
            let seen = Seen::at(0, 20, work);
            // or none would be seen below; one that has ended may be counted beside the next
            assert!(seen.most >= 3, "{name}");
            assert_eq!(seen.names, [name.to_owned()].into());
        });
        in_child(|| {
            let seen = Seen::at(CKF_LIBRARY_CANT_CREATE_OS_THREADS, 1, work);
            assert_eq!(seen, Seen { most: 2, ..Seen::default() }, "{name}");
        });
    }
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
    assert_no_thread_but_this();
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

/// What a login answers whose second thread is there when `C_Finalize` is called; nothing if it ended
/// too soon to be seen.
fn finalize_amid_a_login() -> Option<Rv<()>> {
    let p = Pkcs11::new();
    p.initialize("memory:").unwrap();
    let session = p.token(0).unwrap();
    for _ in 0..600 {
        session.create(&attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true]).unwrap();
    }
    session.logout().unwrap();
    let answer = scope(|s| {
        let login = s.spawn(|| session.login(CKU_USER, PIN));
        let mut most = 0;
        while most < 3 && !login.is_finished() {
            most = threads();
        }
        p.finalize().unwrap();
        login.join().map(|answer| (most == 3).then_some(answer)).unwrap()
    });
    assert_no_thread_but_this();
    answer
}

/// Its second thread reads what there is while the PIN is hashed, so there is much left to give up.
#[test]
fn finalize_gives_up_a_login_under_way() {
    let _alone = alone();
    in_child(|| {
        let mut answers = (0..20).filter_map(|_| finalize_amid_a_login());
        assert!(answers.any(|answer| answer == Err(CKR_CRYPTOKI_NOT_INITIALIZED)));
    });
}
