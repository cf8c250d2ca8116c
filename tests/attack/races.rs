//! Threads that log out, close sessions and change objects under each other's hands.
use crate::common::*;
use std::sync::Barrier;
use std::thread::{scope, sleep};
use std::time::Duration;

/// Long enough for the other thread to be at work, short against that work.
const AMID: Duration = Duration::from_millis(10);

#[test]
fn a_private_key_made_during_a_logout_is_not_left_to_the_public() {
    for token in [false, true] {
        with_token(|t| {
            let private = attrs![CKA_TOKEN => token, CKA_SIGN => true];
            let public = attrs![CKA_MODULUS_BITS => 4096usize];
            scope(|s| {
                let made = s.spawn(|| {
                    let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
                    t.generate_pair(&mech, &public, &private)
                });
                sleep(AMID);
                t.logout().unwrap();
                if let Ok((_, key)) = made.join().unwrap() {
                    let rsa = Mech::new(CKM_RSA_PKCS);
                    assert_eq!(t.sign_init(&rsa, key), Err(CKR_KEY_HANDLE_INVALID));
                }
            });
            let keys = attrs![CKA_CLASS => CKO_PRIVATE_KEY];
            assert_eq!(t.find(&keys), Ok(vec![]));
        });
    }
}

#[test]
fn an_object_made_in_a_session_that_is_closed_goes_with_it() {
    with_token(|t| {
        let other = t.p.open_rw(t.slot).unwrap();
        let public = attrs![CKA_MODULUS_BITS => 4096usize];
        scope(|s| {
            let made = s.spawn(|| {
                let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
                other.generate_pair(&mech, &public, &[])
            });
            sleep(AMID);
            other.close().unwrap();
            let _ = made.join().unwrap();
        });
        assert_eq!(t.find(&[]), Ok(vec![]));
    });
}

#[test]
fn a_login_does_not_outlive_the_last_session() {
    with_token(|t| {
        t.logout().unwrap();
        scope(|s| {
            let login = s.spawn(|| t.login(CKU_USER, PIN));
            sleep(AMID);
            t.close().unwrap();
            let _ = login.join().unwrap();
        });
        let next = t.p.open_rw(t.slot).unwrap();
        assert_eq!(next.state(), Ok(CKS_RW_PUBLIC_SESSION));
    });
}

#[test]
fn what_sticks_is_not_undone_by_a_change_at_the_same_time() {
    with_token(|t| {
        for _ in 0..3000 {
            let key = t.secret(CKK_GENERIC_SECRET, b"secret").unwrap();
            scope(|s| {
                let label = attrs![CKA_LABEL => "another"];
                let relabel = s.spawn(move || t.set(key, &label));
                t.set(key, &attrs![CKA_EXTRACTABLE => false]).unwrap();
                relabel.join().unwrap().unwrap();
            });
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
            assert_eq!(t.bytes(key, CKA_LABEL).as_deref(), Ok(&b"another"[..]));
            t.destroy(key).unwrap();
        }
    });
}

#[test]
fn a_destroyed_object_is_not_brought_back_by_a_change_at_the_same_time() {
    with_token(|t| {
        for _ in 0..3000 {
            let key = t.secret(CKK_GENERIC_SECRET, b"secret").unwrap();
            scope(|s| {
                let label = attrs![CKA_LABEL => "another"];
                let relabel = s.spawn(move || t.set(key, &label));
                t.destroy(key).unwrap();
                let _ = relabel.join().unwrap();
            });
            assert_eq!(t.bytes(key, CKA_LABEL), Err(CKR_OBJECT_HANDLE_INVALID));
        }
    });
}

#[test]
fn a_slot_that_two_initialise_at_once_has_one_token() {
    with_module(|p| {
        let pins: [&[u8]; 2] = [b"one-so-pin", b"two-so-pin"];
        let init = |pin: &'static [u8]| move || p.init_token(0, pin, LABEL);
        let mut outcomes = scope(|s| {
            let both = pins.map(|pin| s.spawn(init(pin)));
            both.map(|thread| thread.join().unwrap())
        });
        outcomes.sort();
        assert_eq!(outcomes, [Ok(()), Err(CKR_PIN_INCORRECT)]);
        assert_eq!(p.slots(true).unwrap().len(), 2);
    });
}

const THREADS: usize = 64;

/// Each thread changes the same object again and again; then all destroy it at once.
fn change_and_destroy(t: &Session, token: bool) {
    let data = attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => token, CKA_LABEL => "of all threads"];
    let object = t.create(&data).unwrap();
    let start = Barrier::new(THREADS);
    let change = |number: usize| {
        start.wait();
        (0..8)
            .map(|round| t.set(object, &attrs![CKA_LABEL => format!("{number}/{round}").as_str()]))
            .collect()
    };
    let answers = in_threads(change).into_iter().flat_map(|answers: Vec<Rv<()>>| answers);
    let failed: Vec<_> = answers.filter(|answer| answer.is_err()).collect();
    assert!(failed.is_empty(), "{} of {} changes failed: {failed:x?}", failed.len(), THREADS * 8);
    let label = String::from_utf8(t.bytes(object, CKA_LABEL).unwrap()).unwrap();
    assert!(label.ends_with("/7"), "the last change is one of the last: {label}");

    let destroy = |_| {
        start.wait();
        t.destroy(object)
    };
    let answers = in_threads(destroy);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let gone = |answer: &&Rv<()>| **answer == Err(CKR_OBJECT_HANDLE_INVALID);
    assert_eq!(answers.iter().filter(gone).count(), THREADS - 1, "{answers:x?}");
}

fn in_threads<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    scope(|s| {
        let threads: Vec<_> = (0..THREADS).map(|number| s.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn many_threads_change_one_object_and_none_fails() {
    with_token(|t| {
        change_and_destroy(t, false);
        change_and_destroy(t, true);
    });
}

#[test]
fn many_threads_change_one_object_on_disk_and_none_fails() {
    let folder = tempfile::tempdir().unwrap();
    with_store(&format!("sqlite:{}", folder.path().display()), |p| {
        change_and_destroy(&p.token(0).unwrap(), true);
    });
}
