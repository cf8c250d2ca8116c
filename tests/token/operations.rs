//! What starts an operation, what ends it, and what does neither.
use crate::common::session::{into, query_then};
use crate::common::*;
use std::ptr::null_mut;

const NOT_STARTED: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

/// A token with a key of each kind.
struct Keys {
    aes: Handle,
    rsa: (Handle, Handle),
    ec: (Handle, Handle),
}

fn with_keys(test: impl FnOnce(&Token, &Keys)) {
    with_token(|t| {
        let keys = Keys {
            aes: t.aes(16).unwrap(),
            rsa: t.rsa(1024).unwrap(),
            ec: t.ec(keys::P256).unwrap(),
        };
        test(t, &keys);
    });
}

fn ecb() -> Mech {
    Mech::new(CKM_AES_ECB)
}
fn ecdsa() -> Mech {
    Mech::new(CKM_ECDSA)
}

#[test]
fn nothing_goes_on_that_was_not_started() {
    with_keys(|t, _| {
        let mut n = 0;
        let handle = t.handle;
        let none = Err(NOT_STARTED);
        assert_eq!(call!(t.C_Encrypt(handle, null_mut(), 0, null_mut(), &mut n)), none);
        assert_eq!(call!(t.C_Decrypt(handle, null_mut(), 0, null_mut(), &mut n)), none);
        assert_eq!(call!(t.C_Sign(handle, null_mut(), 0, null_mut(), &mut n)), none);
        assert_eq!(call!(t.C_Verify(handle, null_mut(), 0, null_mut(), 0)), none);
        assert_eq!(t.encrypt_update(b"x").err(), Some(NOT_STARTED));
        assert_eq!(t.decrypt_update(b"x").err(), Some(NOT_STARTED));
        assert_eq!(t.sign_update(b"x").err(), Some(NOT_STARTED));
        assert_eq!(t.verify_update(b"x").err(), Some(NOT_STARTED));
        assert_eq!(t.encrypt_final().err(), Some(NOT_STARTED));
        assert_eq!(t.decrypt_final().err(), Some(NOT_STARTED));
        assert_eq!(t.sign_final().err(), Some(NOT_STARTED));
        assert_eq!(t.verify_final(b"x").err(), Some(NOT_STARTED));
    });
}

#[test]
fn one_of_each_at_a_time() {
    with_keys(|t, keys| {
        let (aes, ec) = (keys.aes, keys.ec);
        t.encrypt_init(&ecb(), aes).unwrap();
        t.decrypt_init(&ecb(), aes).unwrap();
        t.sign_init(&ecdsa(), ec.1).unwrap();
        t.verify_init(&ecdsa(), ec.0).unwrap();
        let active = Err(CKR_OPERATION_ACTIVE);
        assert_eq!(t.encrypt_init(&ecb(), aes), active);
        assert_eq!(t.decrypt_init(&ecb(), aes), active);
        assert_eq!(t.sign_init(&ecdsa(), ec.1), active);
        assert_eq!(t.verify_init(&ecdsa(), ec.0), active);
        // all four go on, and other sessions have their own
        let other = t.p.open_ro(0).unwrap();
        let sealed = other.encrypt(&ecb(), aes, &[8; 16]).unwrap();
        assert_eq!(t.encrypt_update(&[8; 16]), Ok(sealed.clone()));
        assert_eq!(t.decrypt_update(&sealed).unwrap(), [8; 16]);
        t.sign_update(&[1; 32]).unwrap();
        let signature = t.sign_final().unwrap();
        t.verify_update(&[1; 32]).unwrap();
        t.verify_final(&signature).unwrap();
        assert!(t.encrypt_final().unwrap().is_empty());
        assert!(t.decrypt_final().unwrap().is_empty());
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
    });
}

#[test]
fn a_null_mechanism_cancels() {
    with_keys(|t, keys| {
        let no = null_mut();
        t.encrypt_init(&ecb(), keys.aes).unwrap();
        t.decrypt_init(&ecb(), keys.aes).unwrap();
        t.sign_init(&ecdsa(), keys.ec.1).unwrap();
        t.verify_init(&ecdsa(), keys.ec.0).unwrap();
        call!(t.C_SignInit(t.handle, no, 0)).unwrap();
        assert_eq!(t.sign_update(b"x"), Err(NOT_STARTED));
        assert!(t.encrypt_update(b"x").is_ok(), "the others go on");
        call!(t.C_EncryptInit(t.handle, no, 0)).unwrap();
        call!(t.C_DecryptInit(t.handle, no, 0)).unwrap();
        call!(t.C_VerifyInit(t.handle, no, 0)).unwrap();
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        assert_eq!(t.decrypt_final(), Err(NOT_STARTED));
        assert_eq!(t.verify_update(b"x"), Err(NOT_STARTED));
        t.encrypt(&ecb(), keys.aes, &[0; 16]).unwrap();
    });
}

#[test]
fn a_session_cancels_what_it_names() {
    with_keys(|t, keys| {
        let start = || {
            t.encrypt_init(&ecb(), keys.aes).unwrap();
            t.sign_init(&ecdsa(), keys.ec.1).unwrap();
            t.verify_init(&ecdsa(), keys.ec.0).unwrap();
        };
        let cancel = |flags| call!(t.C_SessionCancel(t.handle, flags)).unwrap();
        start();
        cancel(CKF_ENCRYPT | CKF_DECRYPT);
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        t.sign_update(b"x").unwrap();
        cancel(CKF_SIGN | CKF_VERIFY);
        assert_eq!(t.sign_final(), Err(NOT_STARTED));
        assert_eq!(t.verify_update(b"x"), Err(NOT_STARTED));
        start();
        cancel(0);
        assert_eq!(t.sign_init(&ecdsa(), keys.ec.1), Err(CKR_OPERATION_ACTIVE));
        t.logout().unwrap();
        assert_eq!(t.sign_update(b"x"), Err(NOT_STARTED), "a logout ends them too");
        let nobody = call!(t.C_SessionCancel(0, CKF_SIGN));
        assert_eq!(nobody, Err(CKR_SESSION_HANDLE_INVALID));
    });
}

/// A key that was the user's is nobody's after a logout, wherever it was at work.
#[test]
fn a_logout_ends_the_operations_of_every_session() {
    with_keys(|t, keys| {
        let other = t.p.open_ro(0).unwrap();
        other.encrypt_init(&ecb(), keys.aes).unwrap();
        other.sign_init(&ecdsa(), keys.ec.1).unwrap();
        other.sign_update(b"x").unwrap();
        t.logout().unwrap();
        assert_eq!(other.encrypt_update(&[0; 16]), Err(NOT_STARTED));
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(other.sign_final(), Err(NOT_STARTED), "nor does a login bring it back");
        // a login is no logout
        t.logout().unwrap();
        let public = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE => &[1; 16],
            CKA_PRIVATE => false,
        ];
        let public = other.create(&public).unwrap();
        other.encrypt_init(&ecb(), public).unwrap();
        t.login(CKU_USER, PIN).unwrap();
        other.encrypt_update(&[0; 16]).unwrap();
    });
}

/// A question is free: asked any number of times, anywhere, it changes nothing.
#[test]
fn questions_have_no_effect() {
    with_keys(|t, keys| {
        let query = |call: &dyn Fn(*mut u8, *mut CK_ULONG) -> Rv<()>| {
            let mut n = 0;
            call(null_mut(), &mut n).map(|()| n)
        };
        let data = [5; 33];
        let cbc = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let whole = t.encrypt(&cbc, keys.aes, &data).unwrap();
        t.encrypt_init(&cbc, keys.aes).unwrap();
        let single = |at, n: *mut _| call!(t.C_Encrypt(t.handle, ptr(&data), 33, at, n));
        let update = |at, n: *mut _| call!(t.C_EncryptUpdate(t.handle, ptr(&data), 33, at, n));
        let end = |at, n: *mut _| call!(t.C_EncryptFinal(t.handle, at, n));
        for _ in 0..3 {
            assert_eq!(query(&single), Ok(48));
            assert_eq!(query(&update), Ok(32));
            assert_eq!(query(&end), Ok(16));
        }
        let mut sealed = t.encrypt_update(&data[..20]).unwrap();
        assert_eq!((sealed.len(), query(&update), query(&end)), (16, Ok(32), Ok(16)));
        sealed.extend(t.encrypt_update(&data[20..]).unwrap());
        sealed.extend(t.encrypt_final().unwrap());
        assert_eq!(sealed, whole);

        for (mech, key, size) in
            [(ecdsa(), keys.ec.1, 64), (Mech::new(CKM_SHA256_RSA_PKCS), keys.rsa.1, 128)]
        {
            t.sign_init(&mech, key).unwrap();
            let sign = |at, n: *mut _| call!(t.C_Sign(t.handle, ptr(&data), 32, at, n));
            assert_eq!((query(&sign), query(&sign)), (Ok(size), Ok(size)));
            let short = into(size as usize - 1, sign);
            assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
            assert_eq!(into(200, sign).unwrap().len() as CK_ULONG, size);
            assert_eq!(query(&sign), Err(NOT_STARTED));
        }
    });
}

#[test]
fn parts_are_not_ended_in_one_go() {
    with_keys(|t, keys| {
        t.encrypt_init(&ecb(), keys.aes).unwrap();
        t.encrypt_update(&[1; 16]).unwrap();
        let single = query_then(|at, n| call!(t.C_Encrypt(t.handle, ptr(&[1; 16]), 16, at, n)));
        assert_eq!(single, Err(CKR_OPERATION_ACTIVE));
        assert_eq!(t.encrypt_update(&[1; 16]), Err(NOT_STARTED), "that ended it");
        t.verify_init(&ecdsa(), keys.ec.0).unwrap();
        t.verify_update(b"x").unwrap();
        let single = call!(t.C_Verify(t.handle, ptr(b"x"), 1, ptr(&[0; 64]), 64));
        assert_eq!(single, Err(CKR_OPERATION_ACTIVE));
        assert_eq!(t.verify_final(&[0; 64]), Err(NOT_STARTED));
    });
}

#[test]
fn errors_end_what_they_happen_to() {
    with_keys(|t, keys| {
        assert_eq!(t.encrypt(&ecb(), keys.aes, b"short"), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        t.decrypt_init(&ecb(), keys.aes).unwrap();
        t.decrypt_update(b"short").unwrap();
        assert_eq!(t.decrypt_final(), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        assert_eq!(t.decrypt_final(), Err(NOT_STARTED));
        t.decrypt(&ecb(), keys.aes, &[0; 16]).unwrap();
        // an Init that fails starts nothing and ends nothing
        t.encrypt_init(&ecb(), keys.aes).unwrap();
        assert_eq!(t.encrypt_init(&ecdsa(), keys.aes), Err(CKR_OPERATION_ACTIVE));
        t.encrypt_update(&[0; 16]).unwrap();
        t.encrypt_final().unwrap();
    });
}

#[test]
fn keys_that_do_not_fit() {
    with_keys(|t, keys| {
        let (pkcs, hashed) = (Mech::new(CKM_RSA_PKCS), Mech::new(CKM_SHA256_RSA_PKCS));
        let Keys { aes, rsa, ec } = *keys;
        let (type_, mechanism) = (CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_INVALID);
        let unknown = Mech::new(CKM_DES_ECB);
        for (rv, expected) in [
            (t.encrypt_init(&ecb(), rsa.0), type_),
            (t.encrypt_init(&pkcs, aes), type_),
            (t.encrypt_init(&pkcs, rsa.1), type_),
            (t.decrypt_init(&pkcs, rsa.0), type_),
            (t.sign_init(&ecdsa(), rsa.1), type_),
            (t.sign_init(&ecdsa(), ec.0), type_),
            (t.sign_init(&hashed, ec.1), type_),
            (t.verify_init(&ecdsa(), ec.1), type_),
            (t.verify_init(&hashed, aes), type_),
            (t.encrypt_init(&ecdsa(), aes), mechanism),
            (t.encrypt_init(&hashed, rsa.0), mechanism),
            (t.sign_init(&ecb(), aes), mechanism),
            (t.verify_init(&Mech::new(CKM_AES_GCM), aes), mechanism),
            (t.encrypt_init(&unknown, aes), mechanism),
            (t.sign_init(&Mech::new(CKM_RSA_AES_KEY_WRAP), rsa.1), mechanism),
            (t.sign_init(&Mech::bytes(CKM_ECDSA, b"x"), ec.1), CKR_MECHANISM_PARAM_INVALID),
        ] {
            assert_eq!(rv, Err(expected));
        }
        let short = t.secret(CKK_GENERIC_SECRET, &[1; 16]).unwrap();
        assert_eq!(t.encrypt_init(&ecb(), short), Err(type_));
    });
}

#[test]
fn uses_that_a_key_forbids() {
    with_keys(|t, keys| {
        let Keys { aes, rsa, ec } = *keys;
        let forbid = |key, cka| t.set(key, &attrs![cka => false]).unwrap();
        let pkcs = Mech::new(CKM_RSA_PKCS);
        let forbidden = Err(CKR_KEY_FUNCTION_NOT_PERMITTED);
        forbid(aes, CKA_ENCRYPT);
        assert_eq!(t.encrypt_init(&ecb(), aes), forbidden);
        t.decrypt(&ecb(), aes, &[0; 16]).unwrap();
        forbid(aes, CKA_DECRYPT);
        assert_eq!(t.decrypt_init(&ecb(), aes), forbidden);
        for (key, cka) in [(rsa.0, CKA_ENCRYPT), (rsa.0, CKA_VERIFY), (ec.0, CKA_VERIFY)] {
            forbid(key, cka);
        }
        for (key, cka) in [(rsa.1, CKA_DECRYPT), (rsa.1, CKA_SIGN), (ec.1, CKA_SIGN)] {
            forbid(key, cka);
        }
        assert_eq!(t.encrypt_init(&pkcs, rsa.0), forbidden);
        assert_eq!(t.verify_init(&pkcs, rsa.0), forbidden);
        assert_eq!(t.decrypt_init(&pkcs, rsa.1), forbidden);
        assert_eq!(t.sign_init(&pkcs, rsa.1), forbidden);
        assert_eq!(t.sign_init(&ecdsa(), ec.1), forbidden);
        assert_eq!(t.verify_init(&ecdsa(), ec.0), forbidden);

        let allowed: &[CK_ULONG] = &[CKM_AES_ECB];
        let only = attrs![CKA_VALUE_LEN => 16usize, CKA_ALLOWED_MECHANISMS => allowed];
        let only = t.generate(&Mech::new(CKM_AES_KEY_GEN), &only).unwrap();
        t.encrypt(&ecb(), only, &[0; 16]).unwrap();
        let cbc = Mech::bytes(CKM_AES_CBC, &[0; 16]);
        assert_eq!(t.encrypt_init(&cbc, only), Err(CKR_MECHANISM_INVALID));
        let copy = t.copy(only, &[]).unwrap();
        assert_eq!(t.encrypt_init(&cbc, copy), Err(CKR_MECHANISM_INVALID));
    });
}

/// The random source, which anyone may use.
#[test]
fn random_bytes() {
    with_token(|t| {
        t.logout().unwrap();
        let bytes = [t.random(32).unwrap(), t.random(32).unwrap()];
        assert_ne!(bytes[0], bytes[1]);
        let many = t.random(100_000).unwrap();
        let ones: u32 = many.iter().map(|byte| byte.count_ones()).sum();
        // 400,000 of 800,000, give or take ten standard deviations
        assert!((395_500..404_500).contains(&ones), "{ones}");
        assert!(t.random(0).unwrap().is_empty());
        t.seed(b"seed").unwrap();
        t.seed(b"seed").unwrap();
        assert_ne!(t.random(16), t.random(16));
    });
}
