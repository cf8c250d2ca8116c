//! What starts and ends a process, and a message in it.
use crate::common::session::into;
use crate::common::*;
use crate::fixture::{Messages, Param};
use std::ptr::null_mut;

const NONE: CK_RV = CKR_OPERATION_NOT_INITIALIZED;
const ACTIVE: CK_RV = CKR_OPERATION_ACTIVE;

fn gcm() -> Mech {
    Mech::new(CKM_AES_GCM)
}

fn ecdsa() -> Mech {
    Mech::new(CKM_ECDSA_SHA256)
}

/// A token with a process of each kind.
fn with_processes(test: impl FnOnce(&Token, Handle, (Handle, Handle))) {
    with_token(|t| {
        let (aes, ec) = (t.aes(16).unwrap(), t.ec(keys::P256).unwrap());
        t.encrypts(&gcm(), aes).unwrap();
        t.decrypts(&gcm(), aes).unwrap();
        t.signs(&ecdsa(), ec.1).unwrap();
        t.verifies(&ecdsa(), ec.0).unwrap();
        test(t, aes, ec);
    });
}

fn finals(t: &Session) -> [Rv<()>; 4] {
    [t.encrypts_no_more(), t.decrypts_no_more(), t.signs_no_more(), t.verifies_no_more()]
}

#[test]
fn nothing_goes_on_that_was_not_started() {
    with_token(|t| {
        let mut p = Param::gcm(&[1; 12]);
        for flags in [0, CKF_END_OF_MESSAGE] {
            assert_eq!(t.seal_next(&mut p, b"x", flags), Err(NONE));
            assert_eq!(t.open_next(&mut p, b"x", flags), Err(NONE));
        }
        assert_eq!(t.seal(&mut p, b"", b"x"), Err(NONE));
        assert_eq!(t.open(&mut p, b"", b"x"), Err(NONE));
        assert_eq!(t.seal_begin(&mut p, b""), Err(NONE));
        assert_eq!(t.open_begin(&mut p, b""), Err(NONE));
        assert_eq!(t.sign_message(b"x"), Err(NONE));
        assert_eq!(t.verify_message(b"x", b"x"), Err(NONE));
        assert_eq!(t.sign_begin(), Err(NONE));
        assert_eq!(t.verify_begin(), Err(NONE));
        assert_eq!(finals(t), [Err(NONE); 4]);
    });
    with_processes(|t, _, _| {
        // a process, but no message
        let mut p = Param::gcm(&[1; 12]);
        for flags in [0, CKF_END_OF_MESSAGE] {
            assert_eq!(t.seal_next(&mut p, b"x", flags), Err(NONE));
            assert_eq!(t.open_next(&mut p, b"x", flags), Err(NONE));
        }
        assert_eq!(t.sign_next(b"x"), Err(NONE));
        assert_eq!(t.sign_last(b"x"), Err(NONE));
        assert_eq!(t.verify_next(b"x"), Err(NONE));
        assert_eq!(t.verify_last(b"x", b"x"), Err(NONE));
        assert_eq!(finals(t), [Ok(()); 4]);
        assert_eq!(finals(t), [Err(NONE); 4]);
    });
}

#[test]
fn one_process_of_each_kind_beside_the_operations() {
    with_processes(|t, aes, ec| {
        assert_eq!(t.encrypts(&gcm(), aes), Err(ACTIVE));
        assert_eq!(t.decrypts(&gcm(), aes), Err(ACTIVE));
        assert_eq!(t.signs(&ecdsa(), ec.1), Err(ACTIVE));
        assert_eq!(t.verifies(&ecdsa(), ec.0), Err(ACTIVE));
        // operations are another thing, and so are those of other sessions
        t.encrypt_init(&Mech::gcm(&[1; 12], b"", 128), aes).unwrap();
        t.sign_init(&ecdsa(), ec.1).unwrap();
        let other = t.p.open_ro(0).unwrap();
        assert_eq!(other.encrypts_no_more(), Err(NONE));
        other.encrypts(&gcm(), aes).unwrap();
        let mut param = Param::gcm(&[2; 12]);
        let sealed = other.seal(&mut param, b"aad", b"data").unwrap();
        assert_eq!(t.open(&mut param, b"aad", &sealed), Ok(b"data".to_vec()));
        let signature = t.sign_message(b"data").unwrap();
        t.verify_message(b"data", &signature).unwrap();
        t.sign_update(b"data").unwrap();
        t.verify_message(b"data", &t.sign_final().unwrap()).unwrap();
        assert_eq!(t.encrypt_final().unwrap().len(), 16);
    });
}

#[test]
fn one_message_at_a_time() {
    with_processes(|t, _, _| {
        let mut p = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut p, b"", b"whole").unwrap();
        t.seal_begin(&mut p, b"").unwrap();
        t.open_begin(&mut p, b"").unwrap();
        t.sign_begin().unwrap();
        t.verify_begin().unwrap();
        assert_eq!(t.seal(&mut p.clone(), b"", b"x"), Err(ACTIVE));
        assert_eq!(t.open(&mut p.clone(), b"", b"x"), Err(ACTIVE));
        assert_eq!(t.seal_begin(&mut p, b""), Err(ACTIVE));
        assert_eq!(t.open_begin(&mut p, b""), Err(ACTIVE));
        assert_eq!(t.sign_message(b"x"), Err(ACTIVE));
        assert_eq!(t.verify_message(b"x", b"x"), Err(ACTIVE));
        assert_eq!(t.sign_begin(), Err(ACTIVE));
        assert_eq!(t.verify_begin(), Err(ACTIVE));
        assert_eq!(finals(t), [Err(ACTIVE); 4]);
        // none of that ended anything
        assert_eq!(t.seal_next(&mut p, b"whole", CKF_END_OF_MESSAGE), Ok(sealed.clone()));
        assert_eq!(t.open_next(&mut p, &sealed, CKF_END_OF_MESSAGE), Ok(b"whole".to_vec()));
        let signature = t.sign_last(b"whole").unwrap();
        t.verify_last(b"whole", &signature).unwrap();
        assert_eq!(finals(t), [Ok(()); 4]);
    });
}

#[test]
fn a_null_mechanism_and_c_session_cancel_end_process_and_message() {
    with_processes(|t, aes, ec| {
        let h = t.handle;
        let begin = || {
            let mut p = Param::gcm(&[1; 12]);
            t.seal_begin(&mut p, b"").unwrap();
            t.open_begin(&mut p, b"").unwrap();
            t.sign_begin().unwrap();
            t.verify_begin().unwrap();
        };
        begin();
        call!(t.C_MessageEncryptInit(h, null_mut(), 0)).unwrap();
        call!(t.C_MessageDecryptInit(h, null_mut(), 0)).unwrap();
        call!(t.C_MessageSignInit(h, null_mut(), 0)).unwrap();
        call!(t.C_MessageVerifyInit(h, null_mut(), 0)).unwrap();
        assert_eq!(finals(t), [Err(NONE); 4]);
        call!(t.C_MessageEncryptInit(h, null_mut(), 0)).unwrap();

        let flags =
            [CKF_MESSAGE_ENCRYPT, CKF_MESSAGE_DECRYPT, CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY];
        for (kind, flag) in flags.into_iter().enumerate() {
            t.encrypts(&gcm(), aes).unwrap();
            t.decrypts(&gcm(), aes).unwrap();
            t.signs(&ecdsa(), ec.1).unwrap();
            t.verifies(&ecdsa(), ec.0).unwrap();
            let others = CKF_FIND_OBJECTS | CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY;
            call!(t.C_SessionCancel(h, others | flag)).unwrap();
            let mut left = [Ok(()); 4];
            left[kind] = Err(NONE);
            assert_eq!(finals(t), left);
        }
        t.encrypts(&gcm(), aes).unwrap();
        t.seal_begin(&mut Param::gcm(&[1; 12]), b"").unwrap();
        call!(t.C_SessionCancel(h, CKF_MESSAGE_ENCRYPT)).unwrap();
        t.encrypts(&gcm(), aes).unwrap();
        t.seal(&mut Param::gcm(&[1; 12]), b"", b"x").unwrap();
    });
}

#[test]
fn a_logout_ends_all_of_them() {
    with_processes(|t, _, _| {
        t.sign_begin().unwrap();
        let other = t.p.open_ro(0).unwrap();
        other.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(finals(t), [Err(NONE); 4]);
        assert_eq!(t.sign_last(b"x"), Err(NONE));
    });
}

#[test]
fn a_wrong_message_ends_itself_alone() {
    with_processes(|t, _, _| {
        let mut p = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut p, b"aad", b"content").unwrap();
        let mut bad = p.clone();
        bad.tag[15] ^= 1;
        assert_eq!(t.open(&mut bad, b"aad", &sealed), Err(CKR_AEAD_DECRYPT_FAILED));
        assert_eq!(t.open(&mut p, b"add", &sealed), Err(CKR_AEAD_DECRYPT_FAILED));
        assert_eq!(t.open(&mut p, b"aad", &sealed[..6]), Err(CKR_AEAD_DECRYPT_FAILED));
        assert_eq!(t.open_cut(&mut bad, b"aad", &sealed, 3), Err(CKR_AEAD_DECRYPT_FAILED));
        assert_eq!(t.open_next(&mut p, &sealed, CKF_END_OF_MESSAGE), Err(NONE));
        assert_eq!(t.open_cut(&mut p, b"aad", &sealed, 3), Ok(b"content".to_vec()));

        let signature = t.sign_message(b"content").unwrap();
        assert_eq!(t.verify_message(b"other", &signature), Err(CKR_SIGNATURE_INVALID));
        assert_eq!(t.verify_message(b"content", b"short"), Err(CKR_SIGNATURE_LEN_RANGE));
        t.verify_begin().unwrap();
        t.verify_next(b"oth").unwrap();
        assert_eq!(t.verify_last(b"er", &signature), Err(CKR_SIGNATURE_INVALID));
        assert_eq!(t.verify_next(b"x"), Err(NONE));
        t.verify_begin().unwrap();
        t.verify_next(b"con").unwrap();
        t.verify_last(b"tent", &signature).unwrap();
        assert_eq!(finals(t), [Ok(()); 4]);
    });
}

#[test]
fn ccm_keeps_to_the_length_it_was_told() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let ccm = Mech::new(CKM_AES_CCM);
        t.encrypts(&ccm, key).unwrap();
        t.decrypts(&ccm, key).unwrap();
        let mut p = Param::new(CKM_AES_CCM, &[1; 12], &[0; 8], 10);
        let sealed = t.seal(&mut p, b"", &[1; 10]).unwrap();
        for wrong in [0, 9, 11] {
            assert_eq!(t.seal(&mut p.clone(), b"", &vec![1; wrong]), Err(CKR_DATA_LEN_RANGE));
            let long = vec![1; wrong];
            assert_eq!(t.open(&mut p, b"", &long), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
            let parts = t.open_cut(&mut p, b"", &long, wrong / 2);
            assert_eq!(parts, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        }
        let mut longer = p.clone();
        t.seal_begin(&mut longer, b"").unwrap();
        t.seal_next(&mut longer, &[1; 10], 0).unwrap();
        assert_eq!(t.seal_next(&mut longer, &[1], 0), Err(CKR_DATA_LEN_RANGE));
        let over = t.seal_next(&mut longer, &[], CKF_END_OF_MESSAGE);
        assert_eq!(over, Err(NONE), "an error ends the message");
        assert_eq!(t.open(&mut p, b"", &sealed), Ok(vec![1; 10]));
    });
}

#[test]
fn too_small_a_buffer_loses_nothing() {
    with_processes(|t, _, _| {
        let (h, end) = (t.handle, CKF_END_OF_MESSAGE);
        let mut p = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut p, b"", b"content").unwrap();
        let full = p.clone();
        let mut p = Param::gcm(&[1; 12]);
        t.seal_begin(&mut p, b"").unwrap();
        t.open_begin(&mut p, b"").unwrap();
        t.sign_begin().unwrap();
        let (plain, cipher) = (ptr(b"content"), ptr(&sealed));
        for room in [0, 1, 6] {
            p.with(|p, size| {
                for flags in [0, end] {
                    let small = into(room, |at, n| {
                        call!(t.C_EncryptMessageNext(h, p, size, plain, 7, at, n, flags))
                    });
                    assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL), "{room}");
                }
                let small = into(room, |at, n| {
                    call!(t.C_DecryptMessageNext(h, p, size, cipher, 7, at, n, end))
                });
                assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL), "{room}");
            });
            assert_eq!(p, Param::gcm(&[1; 12]), "nothing is written");
            let small =
                into(room, |at, n| call!(t.C_SignMessageNext(h, null_mut(), 0, plain, 7, at, n)));
            assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL));
        }
        assert_eq!(t.seal_next(&mut p, b"content", end), Ok(sealed.clone()));
        assert_eq!(p, full);
        assert_eq!(t.open_next(&mut p, &sealed, end), Ok(b"content".to_vec()));
        let signature = t.sign_last(b"content").unwrap();
        t.verify_message(b"content", &signature).unwrap();
    });
}

#[test]
fn keys_that_may_not() {
    with_token(|t| {
        let only = |encrypt: bool| {
            let template = attrs![
                CKA_VALUE_LEN => 16usize,
                CKA_ENCRYPT => encrypt,
                CKA_DECRYPT => !encrypt,
            ];
            t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
        };
        let (encrypts, decrypts) = (only(true), only(false));
        assert_eq!(t.encrypts(&gcm(), decrypts), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        assert_eq!(t.decrypts(&gcm(), encrypts), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        t.encrypts(&gcm(), encrypts).unwrap();
        t.decrypts(&gcm(), decrypts).unwrap();
        let (public, private) = t.ec(keys::P256).unwrap();
        assert_eq!(t.signs(&ecdsa(), public), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(t.verifies(&ecdsa(), private), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(t.signs(&ecdsa(), encrypts), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(t.signs(&ecdsa(), 4711), Err(CKR_KEY_HANDLE_INVALID));
        t.encrypts_no_more().unwrap();
        let allowed = (CKA_ALLOWED_MECHANISMS, CKM_AES_CBC.to_ne_bytes());
        let template = attrs![
            CKA_VALUE_LEN => 16usize,
            CKA_ENCRYPT => true,
            allowed.0 => &allowed.1,
        ];
        let cbc = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        assert_eq!(t.encrypts(&gcm(), cbc), Err(CKR_MECHANISM_INVALID));
    });
}

#[test]
fn a_key_that_is_gone_takes_no_further_message() {
    with_processes(|t, aes, ec| {
        let mut p = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut p, b"", b"content").unwrap();
        let signature = t.sign_message(b"content").unwrap();
        t.open_begin(&mut p, b"").unwrap();
        t.destroy(aes).unwrap();
        t.destroy(ec.0).unwrap();
        t.destroy(ec.1).unwrap();
        let gone = CKR_KEY_HANDLE_INVALID;
        assert_eq!(t.seal(&mut p.clone(), b"", b"x"), Err(gone));
        assert_eq!(t.seal_begin(&mut p.clone(), b""), Err(gone));
        assert_eq!(t.sign_message(b"x"), Err(gone));
        assert_eq!(t.verify_message(b"content", &signature), Err(gone));
        // what was under way is finished, as an operation would be
        assert_eq!(t.open_next(&mut p, &sealed, CKF_END_OF_MESSAGE), Ok(b"content".to_vec()));
        assert_eq!(t.open(&mut p, b"", &sealed), Err(gone));
        assert_eq!(finals(t), [Ok(()); 4]);
    });
    with_processes(|t, aes, _| {
        t.set(aes, &attrs![CKA_ENCRYPT => false]).unwrap();
        let sealed = t.seal(&mut Param::gcm(&[1; 12]), b"", b"x");
        assert_eq!(sealed, Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    });
}

#[test]
fn a_key_that_always_asks_asks_before_each_message() {
    with_token(|t| {
        let again = || t.login(CKU_CONTEXT_SPECIFIC, PIN);
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let private = attrs![CKA_ALWAYS_AUTHENTICATE => true];
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let (public, private) = t.generate_pair(&mech, &public, &private).unwrap();
        let locked = Err(CKR_USER_NOT_LOGGED_IN);
        t.verifies(&ecdsa(), public).unwrap();
        assert_eq!(again(), Err(NONE));
        t.signs(&ecdsa(), private).unwrap();
        for message in [b"one", b"two"] {
            assert_eq!(t.sign_message(message), Err(CKR_USER_NOT_LOGGED_IN));
            assert_eq!(t.sign_begin(), locked);
            again().unwrap();
            assert_eq!(again(), Err(NONE));
            let signature = t.sign_message(message).unwrap();
            t.verify_message(message, &signature).unwrap();
            assert_eq!(t.sign_begin(), locked);
            again().unwrap();
            t.sign_begin().unwrap();
            t.sign_next(&message[..1]).unwrap();
            let signature = t.sign_last(&message[1..]).unwrap();
            t.verify_message(message, &signature).unwrap();
        }
        assert_eq!(t.sign_begin(), locked);
        // an operation that waits comes before the process
        t.sign_init(&ecdsa(), private).unwrap();
        again().unwrap();
        t.sign_update(b"x").unwrap();
        assert_eq!(t.sign_begin(), locked);
        t.signs_no_more().unwrap();
    });
}
