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
