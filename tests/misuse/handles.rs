//! Handles of objects that are not there, or not for this session: each function has its code.
use crate::common::*;
use std::ptr::null_mut;

/// Every function that takes the handle of an object, with one that should be none.
#[allow(clippy::too_many_lines, reason = "a table")]
fn takers(s: &Session, wrong: Handle) -> Vec<(&'static str, Rv<()>, CK_RV)> {
    let aes = s.aes(16).unwrap();
    let (no_object, no_key) = (CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID);
    let (ecb, pkcs) = (Mech::new(CKM_AES_ECB), Mech::new(CKM_RSA_PKCS));
    let (kw, hmac) = (Mech::new(CKM_AES_KEY_WRAP), Mech::new(CKM_SHA256_HMAC));
    let data = CK_KEY_DERIVATION_STRING_DATA { pData: ptr(&[1; 16]), ulLen: 16 };
    let derive = Mech::with(CKM_CONCATENATE_BASE_AND_DATA, |_| data);
    let other = Mech::with(CKM_CONCATENATE_BASE_AND_KEY, |_| wrong);
    let base = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_GENERIC_SECRET,
        CKA_VALUE => &[1; 16],
        CKA_DERIVE => true,
    ];
    let base = s.create(&base).unwrap();
    let (h, mut new) = (s.handle, 0);
    let none = null_mut();
    s.digest_init(&Mech::new(CKM_SHA256)).unwrap();
    let all = vec![
        ("C_CopyObject", s.copy(wrong, &[]).map(drop), no_object),
        ("C_DestroyObject", s.destroy(wrong), no_object),
        ("C_GetObjectSize", s.size(wrong).map(drop), no_object),
        ("C_GetAttributeValue", s.bytes(wrong, CKA_CLASS).map(drop), no_object),
        ("C_SetAttributeValue", s.set(wrong, &attrs![CKA_LABEL => "x"]), no_object),
        ("C_EncryptInit", s.encrypt_init(&ecb, wrong), no_key),
        ("C_DecryptInit", s.decrypt_init(&ecb, wrong), no_key),
        ("C_SignInit", s.sign_init(&hmac, wrong), no_key),
        ("C_VerifyInit", s.verify_init(&hmac, wrong), no_key),
        ("C_SignRecoverInit", call!(s.C_SignRecoverInit(h, &mut pkcs.raw(), wrong)), no_key),
        ("C_VerifyRecoverInit", call!(s.C_VerifyRecoverInit(h, &mut pkcs.raw(), wrong)), no_key),
        ("C_DigestKey", s.digest_key(wrong), no_key),
        ("C_WrapKey", s.wrap(&kw, wrong, aes).map(drop), CKR_WRAPPING_KEY_HANDLE_INVALID),
        ("C_WrapKey, key", s.wrap(&kw, aes, wrong).map(drop), no_key),
        (
            "C_UnwrapKey",
            s.unwrap(&kw, wrong, &[0; 24], &base_template()).map(drop),
            CKR_UNWRAPPING_KEY_HANDLE_INVALID,
        ),
        (
            "C_DeriveKey",
            call!(s.C_DeriveKey(h, &mut derive.raw(), wrong, none, 0, &mut new)),
            no_key,
        ),
        (
            "C_DeriveKey, parameter",
            call!(s.C_DeriveKey(h, &mut other.raw(), base, none, 0, &mut new)),
            no_key,
        ),
    ];
    s.digest_final().unwrap();
    s.destroy(aes).unwrap();
    s.destroy(base).unwrap();
    all
}

fn base_template() -> [(CK_ATTRIBUTE_TYPE, Attr); 2] {
    attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES]
}

fn refused(s: &Session, what: &str, wrong: Handle) {
    for (name, outcome, expected) in takers(s, wrong) {
        assert_eq!(outcome, Err(expected), "{name}, {what}");
    }
}

#[test]
fn objects_that_are_not_there() {
    with_token(|t| {
        let destroyed = t.aes(16).unwrap();
        t.destroy(destroyed).unwrap();
        let passing = t.p.open_rw(t.slot).unwrap();
        let gone = passing.aes(16).unwrap();
        passing.close().unwrap();
        let stranger = t.p.token(1).unwrap();
        let elsewhere = stranger.aes(16).unwrap();
        for (what, wrong) in [
            ("destroyed", destroyed),
            ("of a closed session", gone),
            ("of another token", elsewhere),
            ("a session", t.handle),
            ("nothing", 0),
            ("of the future", t.aes(16).unwrap() + 1000),
            ("absurd", 1 << 31),
            ("absurd", CK_ULONG::MAX),
        ] {
            refused(t, what, wrong);
        }
        assert!(stranger.size(elsewhere).is_ok(), "its own token knows it");
    });
}

/// Who logs out takes the private objects along, for good: their handles are not those of the next.
#[test]
fn private_objects_after_a_logout() {
    with_token(|t| {
        let passing = t.aes(16).unwrap();
        let kept = attrs![CKA_VALUE_LEN => 16usize, CKA_TOKEN => true, CKA_LABEL => "kept"];
        let kept = t.generate(&Mech::new(CKM_AES_KEY_GEN), &kept).unwrap();
        t.logout().unwrap();
        for hidden in [passing, kept] {
            assert_eq!(t.size(hidden), Err(CKR_OBJECT_HANDLE_INVALID));
            let encrypt = t.encrypt_init(&Mech::new(CKM_AES_ECB), hidden);
            assert_eq!(encrypt, Err(CKR_KEY_HANDLE_INVALID));
        }
        t.login(CKU_SO, SO_PIN).unwrap();
        assert_eq!(t.size(kept), Err(CKR_OBJECT_HANDLE_INVALID), "the SO sees nothing private");
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        refused(t, "of the login before", passing);
        refused(t, "of the login before", kept);
        assert_eq!(t.find(&attrs![CKA_LABEL => "kept"]).unwrap().len(), 1);
    });
}

/// The session objects of one session are for all sessions of the application.
#[test]
fn session_objects_of_another_session() {
    with_token(|t| {
        let other = t.p.open_ro(t.slot).unwrap();
        let key = other.aes(16).unwrap();
        let ecb = Mech::new(CKM_AES_ECB);
        let sealed = t.encrypt(&ecb, key, &[1; 16]).unwrap();
        let third = t.p.open_ro(t.slot).unwrap();
        third.encrypt_init(&ecb, key).unwrap();
        other.close().unwrap();
        refused(t, "its session is closed", key);
        assert_eq!(third.encrypt_update(&[1; 16]), Ok(sealed), "what began goes on");
    });
}
