//! What is slipped into the store's file.
use crate::common::*;

#[test]
fn triggers_in_the_file_do_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("sqlite:{}", folder.path().display());
    with_store(&config, |p| {
        p.token(0).unwrap().logout().unwrap();
    });
    let file = rusqlite::Connection::open(folder.path().join("keyferry.db")).unwrap();
    // every PIN that is tried is forgotten at once
    file.execute_batch(
        "CREATE TRIGGER forget AFTER UPDATE ON record BEGIN
             UPDATE record SET body = old.body WHERE token = new.token AND id = new.id; END;",
    )
    .unwrap();
    drop(file);
    with_store(&config, |p| {
        let session = p.open_rw(0).unwrap();
        assert_eq!(session.login(CKU_USER, b"wrong"), Err(CKR_PIN_INCORRECT));
        let flags = p.token_info(0).unwrap().flags;
        assert_ne!(flags & CKF_USER_PIN_COUNT_LOW, 0);
    });
}

#[test]
fn what_was_copied_before_login_is_not_sealed_as_if_it_were_verified() {
    with_token(|t| {
        let data = attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_VALUE => b"x"];
        let stored = t.create(&data).unwrap();
        t.logout().unwrap();
        let copy = t.copy(stored, &attrs![CKA_TOKEN => false]).unwrap();
        t.login(CKU_USER, PIN).unwrap();
        let token = attrs![CKA_TOKEN => true];
        assert_eq!(t.copy(copy, &token), Err(CKR_ACTION_PROHIBITED));
        assert!(t.copy(stored, &token).is_ok());
    });
}
