//! Which objects are in sight, for whom, and for how long.
use crate::common::*;
use crate::disk::{Disk, data, named, user};

fn key(session: &Session, label: &str, token: bool, private: bool) -> Handle {
    let template = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_AES,
        CKA_VALUE => &[7; 16],
        CKA_LABEL => label,
        CKA_TOKEN => token,
        CKA_PRIVATE => private,
    ];
    session.create(&template).unwrap()
}

#[test]
fn private_objects_are_the_users() {
    with_token(|t| {
        let public = key(t, "public", true, false);
        let private = key(t, "private", true, true);
        let passing = key(t, "passing", false, true);
        t.logout().unwrap();

        let unseen = |login: &str| {
            for handle in [private, passing] {
                assert_eq!(t.size(handle), Err(CKR_OBJECT_HANDLE_INVALID), "{login}");
                let value = t.bytes(handle, CKA_LABEL);
                assert_eq!(value, Err(CKR_OBJECT_HANDLE_INVALID), "{login}");
            }
            assert!(named(t, "private").is_empty() && named(t, "passing").is_empty());
            assert_eq!(named(t, "public"), [public], "the same handle");
        };
        unseen("nobody");
        t.login(CKU_SO, SO_PIN).unwrap();
        unseen("the SO");
        t.logout().unwrap();

        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(named(t, "public"), [public]);
        let again = named(t, "private");
        assert_eq!(again.len(), 1);
        assert_ne!(again, [private], "old handles of private objects stay void");
        assert_eq!(t.size(private), Err(CKR_OBJECT_HANDLE_INVALID));
        assert!(named(t, "passing").is_empty(), "private session objects end at logout");
    });
}

/// A secret key that everyone sees is still nobody's to use before login.
#[test]
fn key_material_needs_a_login() {
    let disk = Disk::new();
    let ecb = Mech::new(CKM_AES_ECB);
    let (sealed, size) = disk.visit(|p| {
        let session = p.token(0).unwrap();
        let public = key(&session, "public", true, false);
        let sealed = session.encrypt(&ecb, public, &[1; 16]).unwrap();
        let size = session.size(public);
        session.logout().unwrap();
        assert!(session.size(public).is_ok(), "seen is seen");
        assert_eq!(session.encrypt(&ecb, public, &[1; 16]), Err(CKR_USER_NOT_LOGGED_IN));
        (sealed, size)
    });
    disk.visit(|p| {
        let session = p.open_rw(0).unwrap();
        let public = named(&session, "public")[0];
        assert_eq!(session.encrypt_init(&ecb, public), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(session.bytes(public, CKA_LABEL).unwrap(), b"public");
        assert_eq!(session.bytes(public, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        session.login(CKU_USER, PIN).unwrap();
        assert_eq!(session.encrypt(&ecb, public, &[1; 16]), Ok(sealed));
        assert_eq!(session.size(public), size);
    });
}

#[test]
fn session_objects_go_with_their_session() {
    with_token(|t| {
        let other = t.p.open_ro(0).unwrap();
        let theirs = key(&other, "theirs", false, true);
        let ours = key(t, "ours", false, true);
        let kept = key(&other.p.open_rw(0).unwrap(), "kept", true, true);
        assert!(t.size(theirs).is_ok(), "all sessions see it");
        t.set(theirs, &attrs![CKA_LABEL => "theirs still"]).unwrap();
        other.close().unwrap();
        assert_eq!(t.size(theirs), Err(CKR_OBJECT_HANDLE_INVALID));
        assert!(named(t, "theirs still").is_empty());
        assert!(t.size(ours).is_ok() && t.size(kept).is_ok());
        t.p.close_all(0).unwrap();
        let later = user(&t.p, 0);
        assert_eq!(later.find(&[]).unwrap().len(), 1);
        assert_eq!(later.size(ours), Err(CKR_OBJECT_HANDLE_INVALID));
    });
}

#[test]
fn token_objects_outlive_the_module() {
    let disk = Disk::new();
    let template = attrs![
        CKA_MODULUS_BITS => 1024usize,
        CKA_TOKEN => true,
        CKA_ID => b"pair",
        CKA_LABEL => "public half",
    ];
    let private = attrs![CKA_TOKEN => true, CKA_ID => b"pair", CKA_LABEL => "private half"];
    let sign = Mech::new(CKM_SHA256_RSA_PKCS);
    let (signature, unique) = disk.visit(|p| {
        let session = p.token(0).unwrap();
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, key) = session.generate_pair(&mech, &template, &private).unwrap();
        session.create(&attrs![CKA_CLASS => CKO_DATA, CKA_LABEL => "gone"]).unwrap();
        let unique = session.bytes(key, CKA_UNIQUE_ID).unwrap();
        (session.sign(&sign, key, b"before").unwrap(), unique)
    });
    disk.visit(|p| {
        let session = p.open_ro(0).unwrap();
        assert!(named(&session, "private half").is_empty());
        let public = named(&session, "public half");
        session.verify(&sign, public[0], b"before", &signature).unwrap();
        session.login(CKU_USER, PIN).unwrap();
        assert_eq!(session.find(&[]).unwrap().len(), 2, "no session objects");
        let key = named(&session, "private half")[0];
        assert_eq!(session.bytes(key, CKA_UNIQUE_ID), Ok(unique));
        assert_eq!(session.sign(&sign, key, b"before"), Ok(signature));
        assert_eq!(named(&session, "public half"), public);
        let by_id = session.find(&attrs![CKA_ID => b"pair"]).unwrap();
        assert_eq!(by_id.len(), 2);
        session.logout().unwrap();
    });
    disk.visit(|p| {
        let session = user(p, 0);
        let key = named(&session, "private half")[0];
        session.set(key, &attrs![CKA_LABEL => "renamed"]).unwrap();
        session.destroy(named(&session, "public half")[0]).unwrap();
    });
    disk.visit(|p| {
        let session = user(p, 0);
        assert_eq!(session.find(&[]).unwrap(), named(&session, "renamed"));
    });
}

#[test]
fn handles_that_are_not_there() {
    with_token(|t| {
        let note = data(t, "note");
        let gone = key(t, "gone", true, true);
        t.destroy(gone).unwrap();
        t.p.init_token(1, SO_PIN, "other").unwrap();
        let foreign = t.p.open_rw(1).unwrap();
        let elsewhere = foreign.create(&attrs![CKA_CLASS => CKO_DATA]).unwrap();
        let no_object = Some(CKR_OBJECT_HANDLE_INVALID);
        let ecb = Mech::new(CKM_AES_ECB);
        for handle in [0, gone, elsewhere, t.handle, CK_ULONG::MAX] {
            assert_eq!(t.destroy(handle).err(), no_object);
            assert_eq!(t.copy(handle, &[]).err(), no_object);
            assert_eq!(t.size(handle).err(), no_object);
            assert_eq!(t.bytes(handle, CKA_CLASS).err(), no_object);
            assert_eq!(t.set(handle, &attrs![CKA_LABEL => "x"]).err(), no_object);
            assert_eq!(t.encrypt_init(&ecb, handle), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(t.decrypt_init(&ecb, handle), Err(CKR_KEY_HANDLE_INVALID));
            let ecdsa = Mech::new(CKM_ECDSA);
            assert_eq!(t.sign_init(&ecdsa, handle), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(t.verify_init(&ecdsa, handle), Err(CKR_KEY_HANDLE_INVALID));
        }
        assert_eq!(t.encrypt_init(&ecb, note), Err(CKR_KEY_HANDLE_INVALID), "no key");
        assert_eq!(foreign.destroy(note), Err(CKR_OBJECT_HANDLE_INVALID));
        assert!(t.size(note).is_ok());
    });
}
