//! Other processes and threads at the same token.
use crate::common::*;
use crate::disk::{Disk, data, named, user};
use crate::peer::together;
use std::time::Duration;

fn aes(session: &Session, label: &str) -> Handle {
    let template = attrs![CKA_VALUE_LEN => 16usize, CKA_TOKEN => true, CKA_LABEL => label];
    session.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
}

fn ec(session: &Session, label: &str) -> (Handle, Handle) {
    let public = attrs![
        CKA_EC_PARAMS => keys::P256,
        CKA_TOKEN => true,
        CKA_LABEL => label,
    ];
    let private = attrs![CKA_TOKEN => true, CKA_LABEL => label];
    session.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap()
}

fn of_class(session: &Session, class: CK_OBJECT_CLASS, label: &str) -> Vec<Handle> {
    session.find(&attrs![CKA_CLASS => class, CKA_LABEL => label]).unwrap()
}

#[test]
fn what_one_makes_the_other_finds() {
    let ecdsa = || Mech::new(CKM_ECDSA);
    together(
        "processes::what_one_makes_the_other_finds",
        |s, peer| {
            let note = data(s, "note");
            let (public, _) = ec(s, "pair");
            s.create(&attrs![CKA_CLASS => CKO_DATA, CKA_LABEL => "mine"]).unwrap();
            peer.say("made");
            peer.hear("changed");
            assert_eq!(named(s, "changed"), [note], "the same object, under its handle");
            assert_eq!(s.bytes(note, CKA_VALUE).unwrap(), b"new value");
            let signature = s.bytes(named(s, "signature")[0], CKA_VALUE).unwrap();
            s.verify(&ecdsa(), public, &[7; 32], &signature).unwrap();
            peer.say("seen");
            peer.hear("destroyed");
            assert!(named(s, "changed").is_empty());
            assert_eq!(s.size(note), Err(CKR_OBJECT_HANDLE_INVALID));
        },
        |s, peer| {
            assert!(named(s, "mine").is_empty());
            peer.hear("made");
            let note = named(s, "note")[0];
            assert!(named(s, "mine").is_empty(), "session objects are nobody else's");
            let private = of_class(s, CKO_PRIVATE_KEY, "pair")[0];
            let signature = s.sign(&ecdsa(), private, &[7; 32]).unwrap();
            s.set(note, &attrs![CKA_LABEL => "changed", CKA_VALUE => "new value"]).unwrap();
            s.set(data(s, "signature"), &attrs![CKA_VALUE => signature]).unwrap();
            peer.say("changed");
            peer.hear("seen");
            s.destroy(note).unwrap();
            peer.say("destroyed");
        },
    );
}

#[test]
fn a_key_destroyed_elsewhere_stops_working() {
    together(
        "processes::a_key_destroyed_elsewhere_stops_working",
        |s, peer| {
            let ecb = Mech::new(CKM_AES_ECB);
            let key = aes(s, "key");
            s.encrypt(&ecb, key, &[0; 16]).unwrap();
            peer.say("made");
            peer.hear("ready");
            s.encrypt(&ecb, key, &[0; 16]).unwrap();
            peer.say("destroy");
            peer.hear("destroyed");
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(s.encrypt_init(&ecb, key), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(s.size(key), Err(CKR_OBJECT_HANDLE_INVALID));
        },
        |s, peer| {
            peer.hear("made");
            let key = named(s, "key")[0];
            peer.say("ready");
            peer.hear("destroy");
            s.destroy(key).unwrap();
            peer.say("destroyed");
        },
    );
}

#[test]
fn both_write_at_once() {
    const EACH: usize = 40;
    let write = |s: &Session, who: &str| {
        for n in 0..EACH {
            data(s, &format!("{who} {n}"));
        }
    };
    let all = |s: &Session| s.find(&attrs![CKA_CLASS => CKO_DATA]).unwrap().len();
    together(
        "processes::both_write_at_once",
        |s, peer| {
            let shared = data(s, "shared");
            peer.hear("ready");
            peer.say("go");
            write(s, "here");
            peer.hear("done");
            assert_eq!(all(s), 2 * EACH + 1);
            peer.say("race");
            // one of the two destroys it, and both know
            let mine = s.destroy(shared);
            let theirs = peer.next().unwrap();
            let gone = Err(CKR_OBJECT_HANDLE_INVALID);
            assert!(matches!((mine.is_ok(), &*theirs), (true, "gone") | (false, "mine")));
            assert!(mine.is_ok() || mine == gone, "{mine:?}");
            assert_eq!(all(s), 2 * EACH);
            s.logout().unwrap();
            s.login(CKU_USER, PIN).unwrap();
            assert_eq!(all(s), 2 * EACH);
        },
        |s, peer| {
            peer.say("ready");
            peer.hear("go");
            let shared = named(s, "shared")[0];
            write(s, "there");
            peer.say("done");
            peer.hear("race");
            match s.destroy(shared) {
                Ok(()) => peer.say("mine"),
                Err(CKR_OBJECT_HANDLE_INVALID) => peer.say("gone"),
                Err(other) => panic!("{other:x}"),
            }
        },
    );
}

#[test]
fn a_pin_changed_elsewhere() {
    together(
        "processes::a_pin_changed_elsewhere",
        |s, peer| {
            let key = aes(s, "key");
            peer.hear("changed");
            s.encrypt(&Mech::new(CKM_AES_ECB), key, &[0; 16]).unwrap();
            data(s, "written by who had the old PIN");
            s.logout().unwrap();
            assert_eq!(s.login(CKU_USER, PIN), Err(CKR_PIN_INCORRECT));
            s.login(CKU_USER, b"by the user").unwrap();
            peer.say("again");
            peer.hear("reset");
            data(s, "still here");
            s.logout().unwrap();
            assert_eq!(s.login(CKU_USER, b"by the user"), Err(CKR_PIN_INCORRECT));
            s.login(CKU_USER, b"by the so").unwrap();
            assert_eq!(s.find(&[]).unwrap().len(), 3);
        },
        |s, peer| {
            s.set_pin(PIN, b"by the user").unwrap();
            peer.say("changed");
            peer.hear("again");
            s.logout().unwrap();
            s.login(CKU_SO, SO_PIN).unwrap();
            s.init_pin(b"by the so").unwrap();
            peer.say("reset");
        },
    );
}

/// Tries are the token's, not a process's.
#[test]
fn wrong_pins_count_together() {
    together(
        "processes::wrong_pins_count_together",
        |s, peer| {
            s.logout().unwrap();
            peer.hear("ready");
            for _ in 0..5 {
                assert_eq!(s.login(CKU_USER, b"wrong"), Err(CKR_PIN_INCORRECT));
            }
            peer.say("your turn");
            peer.hear("done");
            let flags = s.p.token_info(0).unwrap().flags;
            assert!(flags & CKF_USER_PIN_LOCKED != 0);
            assert_eq!(s.login(CKU_USER, PIN), Err(CKR_PIN_LOCKED));
        },
        |s, peer| {
            s.logout().unwrap();
            peer.say("ready");
            peer.hear("your turn");
            for _ in 0..5 {
                assert_eq!(s.login(CKU_USER, b"wrong"), Err(CKR_PIN_INCORRECT));
            }
            peer.say("done");
        },
    );
}

#[test]
fn a_token_begun_anew_elsewhere() {
    together(
        "processes::a_token_begun_anew_elsewhere",
        |s, peer| {
            let (note, key) = (data(s, "note"), aes(s, "key"));
            let passing = s.aes(16).unwrap();
            s.decrypt_init(&Mech::new(CKM_AES_ECB), key).unwrap();
            peer.say("made");
            peer.hear("begun anew");
            let written = s.create(&attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true]);
            assert!(written.is_err(), "nothing is written with the old token key");
            assert!(s.find(&[]).unwrap().is_empty());
            assert_eq!(s.state(), Ok(CKS_RW_PUBLIC_SESSION), "logged out");
            for handle in [note, key, passing] {
                assert_eq!(s.size(handle), Err(CKR_OBJECT_HANDLE_INVALID));
            }
            let ecb = Mech::new(CKM_AES_ECB);
            assert_eq!(s.decrypt_update(&[0; 16]), Err(CKR_OPERATION_NOT_INITIALIZED));
            assert_eq!(s.encrypt_init(&ecb, key), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(s.encrypt_init(&ecb, passing), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(s.login(CKU_USER, PIN), Err(CKR_USER_PIN_NOT_INITIALIZED));
            s.login(CKU_SO, b"another so pin").unwrap();
            s.init_pin(PIN).unwrap();
            s.logout().unwrap();
            s.login(CKU_USER, PIN).unwrap();
            data(s, "new");
            assert_eq!(s.find(&[]).unwrap().len(), 1);
        },
        |s, peer| {
            peer.hear("made");
            assert_eq!(s.find(&[]).unwrap().len(), 2);
            s.p.close_all(0).unwrap();
            s.p.init_token(0, SO_PIN, "new").unwrap();
            let so = s.p.open_rw(0).unwrap();
            so.login(CKU_SO, SO_PIN).unwrap();
            so.set_pin(SO_PIN, b"another so pin").unwrap();
            peer.say("begun anew");
        },
    );
}

/// The first thing after it may be a login.
#[test]
fn a_login_to_a_token_begun_anew_elsewhere() {
    together(
        "processes::a_login_to_a_token_begun_anew_elsewhere",
        |s, peer| {
            peer.hear("begun anew");
            assert_eq!(s.login(CKU_USER, PIN), Err(CKR_USER_PIN_NOT_INITIALIZED));
            assert_eq!(s.state(), Ok(CKS_RW_PUBLIC_SESSION));
            s.login(CKU_SO, SO_PIN).unwrap();
        },
        |s, peer| {
            s.p.close_all(0).unwrap();
            s.p.init_token(0, SO_PIN, "new").unwrap();
            peer.say("begun anew");
        },
    );
}

/// A new token of another process gets the next slot here too.
#[test]
fn a_new_token_elsewhere() {
    together(
        "processes::a_new_token_elsewhere",
        |s, peer| {
            assert_eq!(s.p.token_info(1).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
            peer.say("free");
            peer.hear("made");
            // before anyone asks for the slots: it is theirs, and takes their SO PIN
            let taken = || s.p.init_token(1, b"my own so pin", "mine");
            assert_eq!(taken(), Err(CKR_FUNCTION_FAILED));
            assert_ne!(s.p.token_info(1).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
            assert_eq!(taken(), Err(CKR_PIN_INCORRECT));
            assert_eq!(s.p.slots(true).unwrap(), [0, 1, 2]);
            let there = user(&s.p, 1);
            assert_eq!(named(&there, "note").len(), 1);
            s.p.init_token(2, SO_PIN, "here").unwrap();
            assert_eq!(s.p.slots(true).unwrap(), [0, 1, 2, 3]);
        },
        |s, peer| {
            peer.hear("free");
            let other = s.p.token(1).unwrap();
            data(&other, "note");
            peer.say("made");
        },
    );
}

/// A list of slots and the token infos of its slots are one snapshot: there is a free slot in it, even if another
/// process makes a token between the two. The next list shows that token.
#[test]
fn a_listed_free_slot_is_shown_as_free_until_the_next_list() {
    together(
        "processes::a_listed_free_slot_is_shown_as_free_until_the_next_list",
        |s, peer| {
            let free = |slot| s.p.token_info(slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0;
            assert_eq!(s.p.slots(true).unwrap(), [0, 1]);
            peer.say("listed");
            peer.hear("made");
            assert_eq!((free(0), free(1)), (false, true));
            assert_eq!(s.p.slots(true).unwrap(), [0, 1, 2]);
            assert_eq!((free(1), free(2)), (false, true));
            peer.say("listed");
            peer.hear("made");
            // a session proves that the token is there
            assert!(free(2));
            s.p.open_rw(2).unwrap().close().unwrap();
            assert!(!free(2));
        },
        |s, peer| {
            for slot in [1, 2] {
                peer.hear("listed");
                s.p.init_token(slot, SO_PIN, "theirs").unwrap();
                peer.say("made");
            }
        },
    );
}

/// Whoever was told that a slot is empty does not mean to destroy a token, even with the same SO PIN. Who calls again
/// knows of it.
#[test]
fn a_new_token_elsewhere_is_not_begun_anew_by_mistake() {
    together(
        "processes::a_new_token_elsewhere_is_not_begun_anew_by_mistake",
        |s, peer| {
            assert_eq!(s.p.token_info(1).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
            peer.say("free");
            peer.hear("made");
            assert_eq!(s.p.init_token(1, SO_PIN, "mine"), Err(CKR_FUNCTION_FAILED));
            assert_eq!(named(&user(&s.p, 1), "note").len(), 1);
            s.p.close_all(1).unwrap();
            s.p.init_token(1, SO_PIN, "mine").unwrap();
            assert_eq!(s.p.token_info(1).unwrap().flags & CKF_USER_PIN_INITIALIZED, 0);
        },
        |s, peer| {
            peer.hear("free");
            data(&s.p.token(1).unwrap(), "note");
            peer.say("made");
        },
    );
}

/// A process is killed while it writes: what it was told is there, and nothing by halves.
#[test]
fn killed_while_writing() {
    together(
        "processes::killed_while_writing",
        |s, peer| {
            let mut acknowledged = Vec::new();
            while acknowledged.len() < 60 {
                acknowledged.push(peer.next().unwrap());
            }
            peer.kill();
            acknowledged.extend(std::iter::from_fn(|| peer.next()));
            s.logout().unwrap();
            s.login(CKU_USER, PIN).unwrap();
            for label in &acknowledged {
                let [public, private] = [CKO_PUBLIC_KEY, CKO_PRIVATE_KEY].map(|class| {
                    let found = of_class(s, class, label);
                    assert_eq!(found.len(), 1, "{label}");
                    found[0]
                });
                let ecdsa = Mech::new(CKM_ECDSA);
                let signature = s.sign(&ecdsa, private, &[7; 32]).unwrap();
                s.verify(&ecdsa, public, &[7; 32], &signature).unwrap();
            }
            let count = |class| s.find(&attrs![CKA_CLASS => class]).unwrap().len();
            assert_eq!(count(CKO_PUBLIC_KEY), count(CKO_PRIVATE_KEY));
            assert!(count(CKO_PUBLIC_KEY) <= acknowledged.len() + 1);
            data(s, "life goes on");
        },
        |s, peer| {
            for n in 0.. {
                let label = format!("pair {n}");
                ec(s, &label);
                peer.say(&label);
            }
        },
    );
}

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// A forked child is not initialised; once it is, it works beside its parent.
#[test]
fn a_forked_child_is_a_process_of_its_own() {
    let disk = Disk::new();
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let key = aes(&session, "key");
        match unsafe { fork() } {
            0 => {
                let work = std::panic::AssertUnwindSafe(|| {
                    assert_eq!(session.size(key), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
                    p.initialize(&disk.config()).unwrap();
                    let own = user(p, 0);
                    own.destroy(named(&own, "key")[0]).unwrap();
                    data(&own, "by the child");
                    p.finalize().unwrap();
                });
                let failed = std::panic::catch_unwind(work).is_err();
                unsafe { _exit(failed.into()) }
            }
            pid => {
                let mut status = 0;
                assert_eq!(unsafe { waitpid(pid, &mut status, 0) }, pid);
                assert_eq!(status, 0, "the child failed");
            }
        }
        assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
        assert_eq!(named(&session, "by the child").len(), 1);
        assert_eq!(session.size(key), Err(CKR_OBJECT_HANDLE_INVALID));
        data(&session, "by the parent");
    });
    disk.visit(|p| assert_eq!(user(p, 0).find(&[]).unwrap().len(), 2));
}

#[test]
fn eight_threads_at_one_token() {
    const THREADS: usize = 8;
    let disk = Disk::new();
    disk.visit(|p| {
        let login = p.token(0).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    let session = p.open_rw(0).unwrap();
                    let ecdsa = Mech::new(CKM_ECDSA);
                    for round in 0..6 {
                        let label = format!("{thread}.{round}");
                        let (public, private) = ec(&session, &label);
                        let found = of_class(&session, CKO_PRIVATE_KEY, &label);
                        assert_eq!(found, [private]);
                        let signature = session.sign(&ecdsa, private, &[7; 32]).unwrap();
                        session.verify(&ecdsa, public, &[7; 32], &signature).unwrap();
                        session.set(public, &attrs![CKA_ID => b"done"]).unwrap();
                        assert!(!session.find(&[]).unwrap().is_empty());
                        session.destroy(private).unwrap();
                    }
                    session.close().unwrap();
                });
            }
        });
        let done = login.find(&attrs![CKA_ID => b"done"]).unwrap();
        assert_eq!(done.len(), THREADS * 6);
        assert_eq!(login.find(&[]).unwrap().len(), THREADS * 6);
        assert_eq!(p.token_info(0).unwrap().ulSessionCount, 1);
    });
    disk.visit(|p| assert_eq!(user(p, 0).find(&[]).unwrap().len(), THREADS * 6));
}

/// Sessions open, log in and out and close on all threads; nothing but the standard's answers.
#[test]
fn logins_on_many_threads() {
    with_token(|t| {
        let p = t.p;
        t.logout().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..4 {
                        let session = p.open_rw(0).unwrap();
                        let login = session.login(CKU_USER, PIN);
                        let already = Err(CKR_USER_ALREADY_LOGGED_IN);
                        assert!(login.is_ok() || login == already, "{login:x?}");
                        let made = session.aes(16).map(drop);
                        let out = Err(CKR_USER_NOT_LOGGED_IN);
                        assert!(made.is_ok() || made == out, "{made:x?}");
                        let logout = session.logout();
                        assert!(logout.is_ok() || logout == out, "{logout:x?}");
                        session.close().unwrap();
                    }
                });
            }
        });
        assert_eq!(t.state(), Ok(CKS_RW_PUBLIC_SESSION));
        assert!(t.find(&[]).unwrap().is_empty());
        t.login(CKU_USER, PIN).unwrap();
    });
}
