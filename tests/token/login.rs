//! PINs, logins and the states of sessions.
use crate::common::*;
use std::ptr::null_mut;

const USER_FLAGS: CK_FLAGS = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
const SO_FLAGS: CK_FLAGS = CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED;
const WRONG: &[u8] = b"not the pin";

fn flags(p: &Pkcs11, of: CK_FLAGS) -> CK_FLAGS {
    p.token_info(0).unwrap().flags & of
}

/// A token with both PINs, and nobody logged in.
fn with_public<T>(test: impl FnOnce(&Token) -> T) -> T {
    with_token(|t| {
        t.logout().unwrap();
        test(t)
    })
}

#[test]
fn every_session_has_the_state_of_the_token() {
    with_public(|t| {
        let ro = t.p.open_ro(0).unwrap();
        let states = || (ro.state().unwrap(), t.state().unwrap());
        assert_eq!(states(), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
        ro.login(CKU_USER, PIN).unwrap();
        assert_eq!(states(), (CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS));
        let late = t.p.open_ro(0).unwrap();
        assert_eq!(late.state(), Ok(CKS_RO_USER_FUNCTIONS));
        late.logout().unwrap();
        assert_eq!(states(), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
        let info = ro.info().unwrap();
        assert_eq!((info.slotID, info.flags), (0, CKF_SERIAL_SESSION));
        let info = t.info().unwrap();
        assert_eq!(info.flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    });
}

#[test]
fn the_so_has_no_read_only_sessions() {
    with_public(|t| {
        let ro = t.p.open_ro(0).unwrap();
        for session in [&ro, &t.session] {
            let so = session.login(CKU_SO, SO_PIN);
            assert_eq!(so, Err(CKR_SESSION_READ_ONLY_EXISTS));
        }
        ro.close().unwrap();
        t.login(CKU_SO, SO_PIN).unwrap();
        assert_eq!(t.state(), Ok(CKS_RW_SO_FUNCTIONS));
        let ro = t.p.open_ro(0).err();
        assert_eq!(ro, Some(CKR_SESSION_READ_WRITE_SO_EXISTS));
        let rw = t.p.open_rw(0).unwrap();
        assert_eq!(rw.state(), Ok(CKS_RW_SO_FUNCTIONS));
        assert_eq!(t.p.token_info(0).unwrap().ulSessionCount, 2);
    });
}

#[test]
fn one_at_a_time() {
    with_public(|t| {
        for (user, pin, other) in [(CKU_USER, PIN, CKU_SO), (CKU_SO, SO_PIN, CKU_USER)] {
            t.login(user, pin).unwrap();
            assert_eq!(t.login(user, pin), Err(CKR_USER_ALREADY_LOGGED_IN));
            assert_eq!(t.login(user, WRONG), Err(CKR_USER_ALREADY_LOGGED_IN));
            let another = t.login(other, WRONG);
            assert_eq!(another, Err(CKR_USER_ANOTHER_ALREADY_LOGGED_IN));
            t.logout().unwrap();
            assert_eq!(t.logout(), Err(CKR_USER_NOT_LOGGED_IN));
        }
        assert_eq!(flags(&t.p, USER_FLAGS | SO_FLAGS), 0, "nothing was tried");
    });
}

#[test]
fn users_that_are_not_there() {
    with_public(|t| {
        assert_eq!(t.login(3, PIN), Err(CKR_USER_TYPE_INVALID));
        assert_eq!(t.login(CK_ULONG::MAX, PIN), Err(CKR_USER_TYPE_INVALID));
        let login_user = |name: &[u8]| {
            let (at, n) = (ptr(name), len(name));
            call!(t.C_LoginUser(t.handle, CKU_USER, ptr(PIN), len(PIN), at, n))
        };
        assert_eq!(login_user(b"alice"), Err(CKR_USER_TYPE_INVALID));
        assert_eq!(t.state(), Ok(CKS_RW_PUBLIC_SESSION));
        login_user(b"").unwrap();
        assert_eq!(t.state(), Ok(CKS_RW_USER_FUNCTIONS));
        t.logout().unwrap();
        let null = call!(t.C_Login(t.handle, CKU_USER, null_mut(), 0));
        assert_eq!(null, Err(CKR_PIN_INCORRECT), "NULL is an empty PIN");
        let bad = call!(t.C_Login(t.handle, CKU_USER, null_mut(), 4));
        assert_eq!(bad, Err(CKR_ARGUMENTS_BAD));
    });
}

#[test]
fn the_last_session_takes_the_login_along() {
    with_token(|t| {
        let other = t.p.open_ro(0).unwrap();
        t.close().unwrap();
        assert_eq!(t.state(), Err(CKR_SESSION_HANDLE_INVALID));
        assert_eq!(t.close(), Err(CKR_SESSION_HANDLE_INVALID));
        assert_eq!(other.state(), Ok(CKS_RO_USER_FUNCTIONS));
        other.close().unwrap();
        let fresh = t.p.open_rw(0).unwrap();
        assert_eq!(fresh.state(), Ok(CKS_RW_PUBLIC_SESSION));
        fresh.login(CKU_USER, PIN).unwrap();
        t.p.close_all(0).unwrap();
        assert_eq!(t.p.open_rw(0).unwrap().state(), Ok(CKS_RW_PUBLIC_SESSION));
    });
}

#[test]
fn sessions_that_cannot_be() {
    with_token(|t| {
        let mut handle = 77;
        let parallel = call!(t.C_OpenSession(0, CKF_RW_SESSION, null_mut(), None, &mut handle));
        assert_eq!(parallel, Err(CKR_SESSION_PARALLEL_NOT_SUPPORTED));
        assert_eq!(handle, 77);
        let nowhere = call!(t.C_OpenSession(0, CKF_SERIAL_SESSION, null_mut(), None, null_mut()));
        assert_eq!(nowhere, Err(CKR_ARGUMENTS_BAD));
        assert_eq!(t.p.token_info(0).unwrap().ulSessionCount, 1);
        assert_eq!(t.p.close_all(9), Err(CKR_SLOT_ID_INVALID));
        for handle in [0, t.handle + 1000, CK_ULONG::MAX] {
            let session = Session { p: t.p, handle };
            assert_eq!(session.state(), Err(CKR_SESSION_HANDLE_INVALID));
            assert_eq!(session.login(CKU_USER, PIN), Err(CKR_SESSION_HANDLE_INVALID));
        }
    });
}

#[test]
fn wrong_pins_lock_the_user_out_until_the_so_helps() {
    with_public(|t| {
        assert_eq!(flags(&t.p, USER_FLAGS), 0);
        for tried in 1..=10 {
            assert_eq!(t.login(CKU_USER, WRONG), Err(CKR_PIN_INCORRECT));
            let expected = CKF_USER_PIN_COUNT_LOW
                | match tried {
                    9 => CKF_USER_PIN_FINAL_TRY,
                    10 => CKF_USER_PIN_LOCKED,
                    _ => 0,
                };
            assert_eq!(flags(&t.p, USER_FLAGS), expected, "after {tried}");
        }
        assert_eq!(t.login(CKU_USER, PIN), Err(CKR_PIN_LOCKED));
        assert_eq!(t.set_pin(PIN, b"new pin"), Err(CKR_PIN_LOCKED));
        assert_eq!(flags(&t.p, SO_FLAGS), 0);

        t.login(CKU_SO, SO_PIN).unwrap();
        t.init_pin(b"a new one").unwrap();
        assert_eq!(flags(&t.p, USER_FLAGS), 0);
        t.logout().unwrap();
        assert_eq!(t.login(CKU_USER, PIN), Err(CKR_PIN_INCORRECT));
        t.login(CKU_USER, b"a new one").unwrap();
        assert_eq!(flags(&t.p, USER_FLAGS), 0, "a right PIN sets the count back");
    });
}

#[test]
fn a_locked_so_stays_locked() {
    with_public(|t| {
        for _ in 0..9 {
            assert_eq!(t.login(CKU_SO, WRONG), Err(CKR_PIN_INCORRECT));
        }
        let low = CKF_SO_PIN_COUNT_LOW;
        assert_eq!(flags(&t.p, SO_FLAGS), low | CKF_SO_PIN_FINAL_TRY);
        t.close().unwrap();
        assert_eq!(t.p.init_token(0, WRONG, "x"), Err(CKR_PIN_INCORRECT));
        assert_eq!(flags(&t.p, SO_FLAGS), low | CKF_SO_PIN_LOCKED);
        assert_eq!(t.p.init_token(0, SO_PIN, "x"), Err(CKR_PIN_LOCKED));
        let session = t.p.open_rw(0).unwrap();
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(CKR_PIN_LOCKED));
        session.login(CKU_USER, PIN).unwrap();
        assert_eq!(flags(&t.p, SO_FLAGS), low | CKF_SO_PIN_LOCKED);
    });
}

#[test]
fn only_the_so_sets_a_users_pin() {
    with_public(|t| {
        assert_eq!(t.init_pin(PIN), Err(CKR_USER_NOT_LOGGED_IN));
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.init_pin(PIN), Err(CKR_USER_NOT_LOGGED_IN));
        t.logout().unwrap();
        t.login(CKU_SO, SO_PIN).unwrap();
        for pin in [&b"abc"[..], &[b'x'; 256], b""] {
            assert_eq!(t.init_pin(pin), Err(CKR_PIN_LEN_RANGE));
        }
        t.init_pin(&[b'x'; 255]).unwrap();
        t.logout().unwrap();
        t.login(CKU_USER, &[b'x'; 255]).unwrap();
    });
}

#[test]
fn pins_change_in_every_state_but_read_only() {
    with_public(|t| {
        // nobody logged in: the user's
        t.set_pin(PIN, b"second").unwrap();
        t.login(CKU_USER, b"second").unwrap();
        // the user's own
        t.set_pin(b"second", b"third").unwrap();
        assert_eq!(t.state(), Ok(CKS_RW_USER_FUNCTIONS));
        let key = t.aes(16).unwrap();
        assert!(t.size(key).is_ok(), "the session goes on");
        let ro = t.p.open_ro(0).unwrap();
        assert_eq!(ro.set_pin(b"third", b"fourth"), Err(CKR_SESSION_READ_ONLY));
        t.logout().unwrap();
        assert_eq!(ro.set_pin(b"third", b"fourth"), Err(CKR_SESSION_READ_ONLY));
        ro.close().unwrap();
        assert_eq!(t.login(CKU_USER, b"second"), Err(CKR_PIN_INCORRECT));
        // the SO's
        t.login(CKU_SO, SO_PIN).unwrap();
        t.set_pin(SO_PIN, b"so two").unwrap();
        t.logout().unwrap();
        assert_eq!(t.login(CKU_SO, SO_PIN), Err(CKR_PIN_INCORRECT));
        t.login(CKU_SO, b"so two").unwrap();
        t.logout().unwrap();
        t.login(CKU_USER, b"third").unwrap();
    });
}

#[test]
fn a_refused_change_changes_nothing() {
    with_public(|t| {
        for new in [&b"abc"[..], &[b'x'; 256], b""] {
            assert_eq!(t.set_pin(PIN, new), Err(CKR_PIN_LEN_RANGE));
        }
        assert_eq!(flags(&t.p, USER_FLAGS), 0, "no PIN was tried");
        assert_eq!(t.set_pin(WRONG, b"new one"), Err(CKR_PIN_INCORRECT));
        assert_eq!(flags(&t.p, USER_FLAGS), CKF_USER_PIN_COUNT_LOW);
        assert_eq!(t.login(CKU_USER, b"new one"), Err(CKR_PIN_INCORRECT));
        t.login(CKU_USER, PIN).unwrap();
    });
}

#[test]
fn a_user_without_a_pin() {
    with_module(|p| {
        p.init_token(0, SO_PIN, LABEL).unwrap();
        let session = p.open_rw(0).unwrap();
        let none = Err(CKR_USER_PIN_NOT_INITIALIZED);
        assert_eq!(session.login(CKU_USER, PIN), none);
        assert_eq!(session.set_pin(PIN, PIN), none);
        assert_eq!(flags(p, USER_FLAGS | CKF_USER_PIN_INITIALIZED), 0);
    });
}

#[test]
fn a_key_that_always_asks() {
    with_token(|t| {
        let again = |pin| t.login(CKU_CONTEXT_SPECIFIC, pin);
        assert_eq!(again(PIN), Err(CKR_OPERATION_NOT_INITIALIZED));
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let private = attrs![CKA_ALWAYS_AUTHENTICATE => true];
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let (public, private) = t.generate_pair(&mech, &public, &private).unwrap();
        let ecdsa = Mech::new(CKM_ECDSA);
        let sign =
            || session::into(64, |at, n| call!(t.C_Sign(t.handle, ptr(&[7; 32]), 32, at, n)));

        t.sign_init(&ecdsa, private).unwrap();
        assert_eq!(sign(), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(again(PIN), Err(CKR_OPERATION_NOT_INITIALIZED), "the refusal ends it");
        t.sign_init(&Mech::new(CKM_ECDSA_SHA256), private).unwrap();
        assert_eq!(t.sign_update(b"x"), Err(CKR_USER_NOT_LOGGED_IN));
        t.sign_init(&ecdsa, private).unwrap();
        assert_eq!(again(WRONG), Err(CKR_PIN_INCORRECT));
        assert_eq!(flags(&t.p, USER_FLAGS), CKF_USER_PIN_COUNT_LOW);
        assert_eq!(again(SO_PIN), Err(CKR_PIN_INCORRECT));
        again(PIN).unwrap();
        assert_eq!(again(PIN), Err(CKR_OPERATION_NOT_INITIALIZED));
        let signature = sign().unwrap();
        t.verify(&ecdsa, public, &[7; 32], &signature).unwrap();

        t.sign_init(&ecdsa, private).unwrap();
        assert_eq!(sign(), Err(CKR_USER_NOT_LOGGED_IN), "once is for one use");
        assert_eq!(t.state(), Ok(CKS_RW_USER_FUNCTIONS));
    });
}
