//! What is slipped into the store's file.
use crate::common::*;

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
