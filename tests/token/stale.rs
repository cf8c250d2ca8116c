//! What was true once and is not any more: handles, logins and operations of before.
use crate::common::*;
use crate::disk::{Disk, data, named, user};
use crate::peer::together;

const NO_SESSION: CK_RV = CKR_SESSION_HANDLE_INVALID;
const NO_OBJECT: CK_RV = CKR_OBJECT_HANDLE_INVALID;

fn kept(session: &Session, label: &str) -> Handle {
    let template = attrs![CKA_VALUE_LEN => 16usize, CKA_TOKEN => true, CKA_LABEL => label];
    session.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
}

/// A handle that an application kept over `C_Finalize` is nobody's: neither the session's nor the
/// object's that it was, nor by chance another's.
#[test]
fn handles_do_not_outlive_the_module() {
    let disk = Disk::new();
    let ecb = Mech::new(CKM_AES_ECB);
    let (mut sessions, mut objects) = (Vec::new(), Vec::new());
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        objects.extend([kept(&session, "kept"), session.aes(16).unwrap()]);
        session.encrypt_init(&ecb, objects[0]).unwrap();
        sessions.push(session);
    });
    for _ in 0..3 {
        disk.visit(|p| {
            let session = user(p, 0);
            let found = named(&session, "kept");
            for stale in &sessions {
                assert_eq!(stale.info().err(), Some(NO_SESSION));
                assert_eq!(stale.encrypt_update(&[0; 16]), Err(NO_SESSION));
                assert_eq!(stale.logout(), Err(NO_SESSION));
                assert_eq!(stale.close(), Err(NO_SESSION));
                assert_eq!(session.size(stale.handle), Err(NO_OBJECT));
            }
            for stale in &objects {
                assert_eq!(session.size(*stale), Err(NO_OBJECT));
                assert_eq!(session.destroy(*stale), Err(NO_OBJECT));
                assert_eq!(session.encrypt_init(&ecb, *stale), Err(CKR_KEY_HANDLE_INVALID));
            }
            assert_eq!(session.encrypt_update(&[0; 16]), Err(CKR_OPERATION_NOT_INITIALIZED));
            objects.extend([found[0], session.aes(16).unwrap()]);
            sessions.push(session);
        });
    }
}

/// Whoever asks for nothing but the state of their session learns that they are logged out.
#[test]
fn a_session_knows_that_its_token_was_begun_anew() {
    together(
        "stale::a_session_knows_that_its_token_was_begun_anew",
        |s, peer| {
            data(s, "old");
            peer.hear("ready");
            assert_eq!(s.state(), Ok(CKS_RW_USER_FUNCTIONS));
            peer.say("go on");
            peer.hear("begun anew");
            assert_eq!(s.state(), Ok(CKS_RW_PUBLIC_SESSION));
            assert_eq!(s.logout(), Err(CKR_USER_NOT_LOGGED_IN));
        },
        |s, peer| {
            peer.say("ready");
            peer.hear("go on");
            s.p.close_all(0).unwrap();
            s.p.init_token(0, SO_PIN, "new").unwrap();
            peer.say("begun anew");
        },
    );
}

/// Another program takes the store away, and puts it back: a code while it is gone, nothing after.
#[test]
fn a_store_that_is_taken_away_and_put_back() {
    let disk = Disk::new();
    let (path, aside) = (disk.path(), disk.path().with_extension("aside"));
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let key = kept(&session, "kept");
        std::fs::rename(&path, &aside).unwrap();
        let gone = Err(CKR_DEVICE_REMOVED);
        assert_eq!(session.find(&[]).err(), Some(CKR_DEVICE_REMOVED));
        assert_eq!(session.state(), gone.map(|()| 0));
        assert_eq!(session.login(CKU_SO, SO_PIN), gone);
        let note = attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true];
        assert_eq!(session.create(&note), gone.map(|()| 0), "nothing is written into the void");
        let absent = Some(CKR_TOKEN_NOT_PRESENT);
        assert_eq!(p.token_info(0).err(), absent);
        assert_eq!(p.open_rw(0).err(), absent);
        assert_eq!(p.init_token(0, SO_PIN, "x").err(), absent);
        assert_eq!(p.init_token(1, SO_PIN, "x").err(), absent);
        assert_eq!(p.mechanisms(0).err(), absent);
        assert_eq!(p.slot_info(0).unwrap().flags & CKF_TOKEN_PRESENT, 0);
        assert_eq!(p.slot_info(2).err(), Some(CKR_SLOT_ID_INVALID));
        assert_eq!((p.slots(true), p.slots(false)), (Ok(vec![]), Ok(vec![0, 1])));
        std::fs::rename(&aside, &path).unwrap();
        assert_eq!(p.slots(true), Ok(vec![0, 1]));
        assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
        assert_eq!(named(&session, "kept"), [key]);
        session.create(&note).unwrap();
        std::fs::rename(&path, &aside).unwrap();
        p.close_all(0).unwrap();
        std::fs::rename(&aside, &path).unwrap();
        assert_eq!(session.state(), Err(NO_SESSION));
        user(p, 0);
    });
}

/// A session may open for a moment after the store has gone; nothing can be done in it.
#[test]
fn a_session_opened_as_the_store_goes() {
    let disk = Disk::new();
    let (path, aside) = (disk.path(), disk.path().with_extension("aside"));
    disk.visit(|p| {
        p.token(0).unwrap().close().unwrap();
        std::fs::rename(&path, &aside).unwrap();
        match p.open_rw(0) {
            Ok(session) => {
                assert_eq!(session.state(), Err(CKR_DEVICE_REMOVED));
                assert_eq!(session.find(&[]).err(), Some(CKR_DEVICE_REMOVED));
                assert_eq!(session.login(CKU_USER, PIN), Err(CKR_DEVICE_REMOVED));
            }
            Err(rv) => assert_eq!(rv, CKR_TOKEN_NOT_PRESENT),
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(p.open_rw(0).err(), Some(CKR_TOKEN_NOT_PRESENT));
        std::fs::rename(&aside, &path).unwrap();
        user(p, 0);
    });
}

/// Another program puts another store in its place: what was known of the old one is void.
#[test]
fn a_store_that_is_replaced() {
    let (disk, other) = (Disk::new(), Disk::new());
    other.visit(|p| {
        p.init_token(0, b"another so pin", "other").unwrap();
        let session = p.token(1).unwrap();
        data(&session, "of the other");
    });
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let key = kept(&session, "kept");
        let passing = session.aes(16).unwrap();
        std::fs::remove_dir_all(disk.path()).unwrap();
        std::fs::rename(other.path(), disk.path()).unwrap();
        assert_eq!(session.state(), Err(CKR_DEVICE_REMOVED));
        assert_eq!(session.find(&[]).err(), Some(CKR_DEVICE_REMOVED));
        assert_eq!(p.slots(true), Ok(vec![0, 1, 2]));
        assert_eq!(session.state(), Err(NO_SESSION));
        assert_eq!(&p.token_info(0).unwrap().label[..6], b"other ");
        assert_eq!(p.token_info(0).unwrap().ulSessionCount, 0);
        let session = user(p, 1);
        assert_eq!(named(&session, "of the other").len(), 1);
        for stale in [key, passing] {
            assert_eq!(session.size(stale), Err(NO_OBJECT));
        }
        data(&session, "new");
    });
    disk.visit(|p| assert_eq!(user(p, 1).find(&[]).unwrap().len(), 2));
}

/// Two processes initialise the free slot at the same moment: one token comes of it, and whoever was second does not
/// begin it anew, though the PIN is the same.
#[test]
fn one_free_slot_and_two_processes() {
    together(
        "stale::one_free_slot_and_two_processes",
        |s, peer| {
            peer.hear("ready");
            peer.say("now");
            let mine = s.p.init_token(1, SO_PIN, "first");
            let theirs = peer.next().unwrap();
            assert_eq!(s.p.slots(true).unwrap(), [0, 1, 2]);
            let label = s.p.token_info(1).unwrap().label;
            let lost = Err(CKR_FUNCTION_FAILED);
            match (mine, &*theirs) {
                (Ok(()), "too late") => assert_eq!(&label[..6], b"first "),
                (refused, "made") => assert_eq!((refused, &label[..6]), (lost, &b"second"[..])),
                other => panic!("{other:?}"),
            }
        },
        |s, peer| {
            peer.say("ready");
            peer.hear("now");
            match s.p.init_token(1, SO_PIN, "second") {
                Ok(()) => peer.say("made"),
                Err(CKR_FUNCTION_FAILED) => peer.say("too late"),
                Err(other) => panic!("{other:x}"),
            }
        },
    );
}

/// Whatever is the first thing that is asked after another process has begun the token anew: it is
/// not answered as if somebody were still logged in.
#[test]
fn the_first_call_to_a_token_begun_anew_elsewhere() {
    type Call = fn(&Session) -> Rv<()>;
    const CALLS: [(Call, CK_RV); 5] = [
        (|s| s.logout(), CKR_USER_NOT_LOGGED_IN),
        (|s| s.init_pin(PIN), CKR_USER_NOT_LOGGED_IN),
        // the SO's PIN would be changed if the SO were logged in
        (|s| s.set_pin(SO_PIN, b"another"), CKR_USER_PIN_NOT_INITIALIZED),
        (|s| s.login(CKU_CONTEXT_SPECIFIC, SO_PIN), CKR_OPERATION_NOT_INITIALIZED),
        (|s| s.login(CKU_USER, PIN), CKR_USER_PIN_NOT_INITIALIZED),
    ];
    together(
        "stale::the_first_call_to_a_token_begun_anew_elsewhere",
        |s, peer| {
            s.logout().unwrap();
            for (call, expected) in CALLS {
                s.login(CKU_SO, SO_PIN).unwrap();
                peer.say("begin anew");
                peer.hear("begun anew");
                assert_eq!(call(s), Err(expected));
                assert_eq!(s.state(), Ok(CKS_RW_PUBLIC_SESSION));
            }
            s.login(CKU_SO, SO_PIN).unwrap();
            s.init_pin(PIN).unwrap();
            s.logout().unwrap();
            s.login(CKU_USER, PIN).unwrap();
            let old = s.aes(16).unwrap();
            peer.say("begin anew");
            peer.hear("begun anew");
            std::thread::sleep(std::time::Duration::from_millis(100));
            let private = attrs![CKA_VALUE_LEN => 16usize, CKA_PRIVATE => true];
            let made = s.generate(&Mech::new(CKM_AES_KEY_GEN), &private);
            assert_eq!(made, Err(CKR_USER_NOT_LOGGED_IN), "a private session object");
            assert_eq!(s.size(old), Err(NO_OBJECT));
        },
        |s, peer| {
            s.p.close_all(0).unwrap();
            for _ in 0..=CALLS.len() {
                peer.hear("begin anew");
                s.p.init_token(0, SO_PIN, "new").unwrap();
                peer.say("begun anew");
            }
        },
    );
}
