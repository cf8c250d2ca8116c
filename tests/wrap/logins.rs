//! Who has to be logged in, and how, for what.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;

#[test]
fn private_objects_are_the_users_alone() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let key = t
            .generate(
                &Mech::new(CKM_AES_KEY_GEN),
                &attrs![CKA_VALUE_LEN => 32usize, CKA_TOKEN => true, CKA_EXTRACTABLE => true],
            )
            .unwrap();
        let public = t.create(&public_key(kek.numbers, &attrs![CKA_TOKEN => true])).unwrap();
        stays(
            t,
            key,
            &attrs![CKA_PRIVATE => false],
            CKR_ATTRIBUTE_READ_ONLY,
            CKR_TEMPLATE_INCONSISTENT,
        );
        t.logout().unwrap();
        for login in [None, Some((CKU_SO, SO_PIN))] {
            if let Some((user, pin)) = login {
                t.login(user, pin).unwrap();
            }
            assert_eq!(t.find(&attrs![CKA_CLASS => CKO_SECRET_KEY]), Ok(vec![]));
            assert_eq!(t.find(&attrs![CKA_PRIVATE => true]), Ok(vec![]));
            assert_eq!(t.bytes(key, CKA_LABEL), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(t.copy(key, &attrs![CKA_PRIVATE => false]), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(t.destroy(key), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(t.wrap_len(&azure(), public, key), Err(CKR_KEY_HANDLE_INVALID));
            // nor can anybody else make one
            let private = attrs![CKA_CLASS => CKO_DATA, CKA_PRIVATE => true];
            assert_eq!(t.create(&private), Err(CKR_USER_NOT_LOGGED_IN));
        }
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.find(&attrs![CKA_CLASS => CKO_SECRET_KEY]).unwrap().len(), 1);
    });
}

#[test]
fn always_authenticate() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        let each = attrs![CKA_ALWAYS_AUTHENTICATE => true, CKA_EXTRACTABLE => true];
        let key = t.create(&private_key(numbers, &each)).unwrap();
        let public = t.create(&public_key(numbers, &[])).unwrap();
        let sign = Mech::new(CKM_SHA256_RSA_PKCS);
        let not_yet = Err(CKR_USER_NOT_LOGGED_IN);
        assert_eq!(t.login(CKU_CONTEXT_SPECIFIC, PIN), Err(CKR_OPERATION_NOT_INITIALIZED));
        for _ in 0..2 {
            t.sign_init(&sign, key).unwrap();
            let mut room = [0u8; 256];
            let mut n = 256;
            let mut call = || call!(t.C_Sign(t.handle, ptr(b"x"), 1, room.as_mut_ptr(), &mut n));
            assert_eq!(call(), Err(CKR_USER_NOT_LOGGED_IN));
            assert_eq!(call(), Err(CKR_OPERATION_NOT_INITIALIZED), "that ended it");
            t.sign_init(&sign, key).unwrap();
            assert_eq!(t.login(CKU_CONTEXT_SPECIFIC, b"wrong-pin"), Err(CKR_PIN_INCORRECT));
            assert_eq!(call(), Err(CKR_USER_NOT_LOGGED_IN));
            t.sign_init(&sign, key).unwrap();
            t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
            assert_eq!(call(), Ok(()));
            assert_eq!(t.verify(&sign, public, b"x", &room), Ok(()));
        }
        // in parts, and by decryption
        t.sign_init(&sign, key).unwrap();
        assert_eq!(t.sign_update(b"x"), Err(CKR_USER_NOT_LOGGED_IN));
        t.sign_init(&sign, key).unwrap();
        assert_eq!(t.sign_final(), not_yet);
        let sealed = t.encrypt(&oaep_sha256(), public, b"secret").unwrap();
        assert_eq!(t.decrypt(&oaep_sha256(), key, &sealed), not_yet);
        // C_UnwrapKey has no step in which to say the PIN
        let target = t.aes(32).unwrap();
        let blob = t.wrap(&azure(), public, target).unwrap();
        let before = count(t);
        assert_eq!(t.unwrap(&azure(), key, &blob, &received_aes()), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(count(t), before);
        stays(
            t,
            key,
            &attrs![CKA_ALWAYS_AUTHENTICATE => false],
            CKR_ATTRIBUTE_READ_ONLY,
            CKR_ATTRIBUTE_READ_ONLY,
        );
        let copy = t.copy(key, &[]).unwrap();
        assert_eq!(t.sign(&sign, copy, b"x"), not_yet);
    });
}

/// One authentication is for one operation.
#[test]
fn always_authenticate_is_for_each_operation() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        let each = attrs![CKA_ALWAYS_AUTHENTICATE => true];
        let key = t.create(&private_key(numbers, &each)).unwrap();
        let sign = Mech::new(CKM_SHA256_RSA_PKCS);
        let sealed = {
            let public = t.create(&public_key(numbers, &[])).unwrap();
            t.encrypt(&oaep_sha256(), public, b"secret").unwrap()
        };
        t.decrypt_init(&oaep_sha256(), key).unwrap();
        t.sign_init(&sign, key).unwrap();
        // the operation that was begun last is the one that is meant
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        assert_eq!(t.sign_update(b"x"), Ok(()));
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        assert_eq!(t.decrypt_update(&sealed).map(|_| ()), Ok(()));
        assert_eq!(t.login(CKU_CONTEXT_SPECIFIC, PIN), Err(CKR_OPERATION_NOT_INITIALIZED));
        // and not for another one
        t.decrypt_init(&oaep_sha256(), key).unwrap_err();
        call!(t.C_SessionCancel(t.handle, CKF_SIGN | CKF_DECRYPT)).unwrap();
        t.decrypt_init(&oaep_sha256(), key).unwrap();
        t.sign_init(&sign, key).unwrap();
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        assert_eq!(t.decrypt_update(&sealed), Err(CKR_USER_NOT_LOGGED_IN));
    });
}

#[test]
fn read_only_sessions_write_no_token_objects() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let token = attrs![CKA_TOKEN => true];
        let kept = t.create(&public_key(kek.numbers, &token)).unwrap();
        let target = t.secret(CKK_AES, &[1; 16]).unwrap();
        let ro = t.p.open_ro(t.slot).unwrap();
        let no = Err(CKR_SESSION_READ_ONLY);
        // wrapping is no writing
        let blob = ro.wrap(&azure(), kept, target).unwrap();
        assert!(ro.unwrap(&azure(), kek.private, &blob, &received_aes()).is_ok());
        let template = [&received_aes()[..], &token].concat();
        assert_eq!(ro.unwrap(&azure(), kek.private, &blob, &template), no);
        assert_eq!(ro.create(&public_key(kek.numbers, &token)), no);
        assert_eq!(ro.copy(target, &token), no);
        assert_eq!(ro.set(kept, &attrs![CKA_LABEL => "x"]), Err(CKR_SESSION_READ_ONLY));
        assert_eq!(ro.destroy(kept), Err(CKR_SESSION_READ_ONLY));
        let aes = [&attrs![CKA_VALUE_LEN => 16usize][..], &token].concat();
        assert_eq!(ro.generate(&Mech::new(CKM_AES_KEY_GEN), &aes), no);
        let pair = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let outcome = ro.generate_pair(&pair, &attrs![CKA_EC_PARAMS => P256], &token);
        assert_eq!(outcome, Err(CKR_SESSION_READ_ONLY));
        // a KEK's template cannot do it either
        let more = [(CKA_UNWRAP_TEMPLATE, Attr::from(token.clone()))];
        let private = t.create(&private_key(kek.numbers, &more)).unwrap();
        assert_eq!(ro.unwrap(&azure(), private, &blob, &received_aes()), no);
        assert_eq!(t.find(&token), Ok(vec![kept]));
        // an object of the session may be kept by a session that writes
        let mine = ro.secret(CKK_AES, &[2; 16]).unwrap();
        assert!(t.copy(mine, &token).is_ok());
    });
}

/// Before login nobody has checked the seals: whoever can write the store could have replaced a KEK.
#[test]
fn an_unverified_kek_wraps_nothing() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        t.create(&public_key(numbers, &attrs![CKA_TOKEN => true])).unwrap();
        t.logout().unwrap();
        let [kek] = t.find(&attrs![CKA_CLASS => CKO_PUBLIC_KEY]).unwrap()[..] else { panic!() };
        let open = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE => &[1; 16],
            CKA_PRIVATE => false,
            CKA_EXTRACTABLE => true,
        ];
        let target = t.create(&open).unwrap();
        let refused = Err(CKR_USER_NOT_LOGGED_IN);
        assert_eq!(t.wrap(&azure(), kek, target), refused);
        assert_eq!(t.wrap(&oaep_sha256(), kek, target), refused);
        // a copy of it, before and after the login
        let copy = t.copy(kek, &attrs![CKA_TOKEN => false]).unwrap();
        assert_eq!(t.wrap(&azure(), copy, target), refused);
        t.set(copy, &attrs![CKA_LABEL => "mine"]).unwrap();
        assert_eq!(t.wrap(&azure(), copy, target), refused);
        // what this application brought itself needs no seal
        let own = t.create(&public_key(numbers, &[])).unwrap();
        assert!(t.wrap(&azure(), own, target).is_ok());
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.wrap(&azure(), copy, target), refused);
        let [kek] = t.find(&attrs![CKA_CLASS => CKO_PUBLIC_KEY, CKA_TOKEN => true]).unwrap()[..]
        else {
            panic!()
        };
        assert!(t.wrap(&azure(), kek, target).is_ok());
        t.logout().unwrap();
        assert_eq!(t.wrap(&azure(), kek, target), refused);
    });
}

#[test]
fn public_sessions_hold_session_objects_only() {
    with_token(|t| {
        t.logout().unwrap();
        let numbers = numbers(2048, "kek");
        let refused = Err(CKR_USER_NOT_LOGGED_IN);
        let public = attrs![CKA_PRIVATE => false];
        // private and secret keys are private only if a user makes them, or the template says so
        let private = attrs![CKA_PRIVATE => true];
        assert_eq!(t.create(&private_key(numbers, &private)), refused);
        let open = t.create(&private_key(numbers, &[])).unwrap();
        assert_eq!(t.flag(open, CKA_PRIVATE), Ok(false));
        assert_eq!(t.create(&public_key(numbers, &attrs![CKA_TOKEN => true])), refused);
        let mine = t.create(&private_key(numbers, &public)).unwrap();
        assert_eq!(t.copy(mine, &attrs![CKA_TOKEN => true]), refused);
        assert_eq!(t.copy(mine, &attrs![CKA_PRIVATE => true]), refused);
        let other = t.p.open_rw(t.slot).unwrap();
        assert!(other.bytes(mine, CKA_MODULUS).is_ok());
        // they go with their session, whoever has logged in since
        let theirs = other.create(&public_key(numbers, &public)).unwrap();
        t.login(CKU_USER, PIN).unwrap();
        let private = other.create(&private_key(numbers, &[])).unwrap();
        other.close().unwrap();
        for gone in [theirs, private] {
            assert_eq!(t.bytes(gone, CKA_MODULUS), Err(CKR_OBJECT_HANDLE_INVALID));
        }
        assert!(t.bytes(mine, CKA_MODULUS).is_ok());
        let private = t.create(&private_key(numbers, &[])).unwrap();
        t.logout().unwrap();
        assert_eq!(t.bytes(private, CKA_MODULUS), Err(CKR_OBJECT_HANDLE_INVALID));
        assert!(t.bytes(mine, CKA_MODULUS).is_ok());
    });
}
