//! Damage to the log: it takes nothing back that concerns PINs, initialisation and destruction.
use crate::common::*;
use crate::disk::{Disk, data, named, user};

/// Makes a token, then `change`s it, and takes what is in the database without the log at that moment.
fn without_log(change: impl FnOnce(&Pkcs11, &Session), check: impl FnOnce(&Pkcs11)) {
    let (disk, copy) = (Disk::new(), Disk::new());
    let file = |disk: &Disk, name: &str| disk.path().join(name);
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        data(&session, "note");
        change(p, &session);
        std::fs::create_dir(copy.path()).unwrap();
        let name = "keyferry.db";
        std::fs::copy(file(&disk, name), file(&copy, name)).unwrap();
        let log = std::fs::metadata(file(&disk, "keyferry.db-wal")).unwrap();
        assert_eq!(log.len(), 0, "nothing to damage");
    });
    copy.visit(check);
}

#[test]
fn changed_pin_outlives_the_log() {
    const NEW: &[u8] = b"another pin";
    without_log(
        |_, session| session.set_pin(PIN, NEW).unwrap(),
        |p| {
            let session = p.open_rw(0).unwrap();
            assert_eq!(session.login(CKU_USER, PIN), Err(CKR_PIN_INCORRECT));
            session.login(CKU_USER, NEW).unwrap();
        },
    );
}

#[test]
fn user_pin_set_by_the_so_outlives_the_log() {
    const NEW: &[u8] = b"another pin";
    without_log(
        |_, session| {
            session.logout().unwrap();
            session.login(CKU_SO, SO_PIN).unwrap();
            session.init_pin(NEW).unwrap();
        },
        |p| {
            let session = p.open_rw(0).unwrap();
            assert_eq!(session.login(CKU_USER, PIN), Err(CKR_PIN_INCORRECT));
            session.login(CKU_USER, NEW).unwrap();
        },
    );
}

#[test]
fn destroyed_object_stays_destroyed_without_the_log() {
    without_log(
        |_, session| session.destroy(named(session, "note")[0]).unwrap(),
        |p| assert!(named(&user(p, 0), "note").is_empty()),
    );
}

#[test]
fn initialised_token_outlives_the_log() {
    without_log(
        |p, session| {
            session.close().unwrap();
            p.init_token(0, SO_PIN, "another").unwrap();
        },
        |p| {
            let info = p.token_info(0).unwrap();
            assert!(info.label.starts_with(b"another"));
            assert_eq!(info.flags & CKF_USER_PIN_INITIALIZED, 0);
        },
    );
}
