//! Ways round the rules about who may use what.
use crate::common::session::query_then;
use crate::common::*;

const OAEP: fn() -> Mech = || Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");

#[test]
fn an_rsa_key_of_1024_bits_carries_keys_by_oaep_alone() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let target = t.aes(16).unwrap();
        let blob = t.wrap(&OAEP(), public, target).unwrap();
        let aes = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        t.unwrap(&OAEP(), private, &blob, &aes).unwrap();
        let combined = Mech::new(CKM_RSA_AES_KEY_WRAP);
        assert_eq!(t.wrap_len(&combined, public, target), Err(CKR_WRAPPING_KEY_SIZE_RANGE));
        let unwrapped = t.unwrap(&combined, private, &[7; 168], &aes);
        assert_eq!(unwrapped, Err(CKR_UNWRAPPING_KEY_SIZE_RANGE));
    });
}

#[test]
fn one_context_specific_login_is_for_one_operation() {
    with_token(|t| {
        let private = attrs![
            CKA_ALWAYS_AUTHENTICATE => true, CKA_SIGN => true, CKA_DECRYPT => true,
        ];
        let public = attrs![CKA_MODULUS_BITS => 2048usize];
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, key) = t.generate_pair(&mech, &public, &private).unwrap();
        let rsa = Mech::new(CKM_RSA_PKCS);
        t.decrypt_init(&rsa, key).unwrap();
        t.sign_init(&rsa, key).unwrap();
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        let sealed = [1; 256];
        let signed = query_then(|at, n| call!(t.C_Sign(t.handle, ptr(b"x"), 1, at, n)));
        assert_eq!(signed.map(|s| s.len()), Ok(256));
        // the next login is for the other one, and then nobody waits any more
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        query_then(|at, n| call!(t.C_Decrypt(t.handle, ptr(&sealed), 256, at, n))).unwrap();
        let again = t.login(CKU_CONTEXT_SPECIFIC, PIN);
        assert_eq!(again, Err(CKR_OPERATION_NOT_INITIALIZED));

        // the one that is used without its login ends, and the login is for the other one
        t.decrypt_init(&rsa, key).unwrap();
        t.sign_init(&rsa, key).unwrap();
        let decrypted = query_then(|at, n| call!(t.C_Decrypt(t.handle, ptr(&sealed), 256, at, n)));
        assert_eq!(decrypted, Err(CKR_USER_NOT_LOGGED_IN));
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        let signed = query_then(|at, n| call!(t.C_Sign(t.handle, ptr(b"x"), 1, at, n)));
        assert_eq!(signed.map(|s| s.len()), Ok(256));
        assert_eq!(t.decrypt_init(&rsa, key), Ok(()), "the decryption has ended");
    });
}

/// Whoever may do the arithmetic of a KEK in another way opens what it wraps, and gives it the
/// attributes they like.
#[test]
fn an_unwrap_template_leaves_no_way_round_it() {
    with_token(|t| {
        let rule = || attrs![CKA_EXTRACTABLE => false, CKA_SENSITIVE => true];
        let aes = |more: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
            let template = [&attrs![CKA_VALUE_LEN => 16usize][..], more].concat();
            t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
        };
        let kek = aes(&attrs![CKA_UNWRAP_TEMPLATE => rule()]);
        for usage in [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_DERIVE] {
            assert_eq!(t.flag(kek, usage), Ok(false), "{usage:#x}");
        }
        for usage in [CKA_WRAP, CKA_UNWRAP, CKA_VERIFY] {
            assert_eq!(t.flag(kek, usage), Ok(true), "{usage:#x}");
        }
        let no = Err(CKR_KEY_FUNCTION_NOT_PERMITTED);
        let iv = Mech::bytes(CKM_AES_OFB, &[0; 16]);
        assert_eq!(t.encrypt_init(&iv, kek), no, "the same as decryption");
        assert_eq!(t.decrypt_init(&iv, kek), no);
        assert_eq!(t.sign_init(&Mech::new(CKM_AES_CMAC), kek), no);

        let base = aes(&attrs![CKA_DERIVE_TEMPLATE => rule(), CKA_DERIVE => true]);
        assert_eq!(t.encrypt_init(&Mech::new(CKM_AES_ECB), base), no, "what derivation yields");
        assert_eq!((t.flag(base, CKA_DERIVE), t.flag(base, CKA_SIGN)), (Ok(true), Ok(false)));

        let asked = aes(&attrs![CKA_UNWRAP_TEMPLATE => rule(), CKA_ENCRYPT => true]);
        assert_eq!(t.flag(asked, CKA_ENCRYPT), Ok(true));

        let public = attrs![CKA_MODULUS_BITS => 2048usize];
        let private = attrs![CKA_UNWRAP_TEMPLATE => rule()];
        let rsa = t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private);
        let (_, rsa) = rsa.unwrap();
        assert_eq!(t.decrypt_init(&Mech::new(CKM_RSA_X_509), rsa), no);
        assert_eq!(t.sign_init(&Mech::new(CKM_RSA_X_509), rsa), no, "the same as decryption");
        assert_eq!(t.flag(rsa, CKA_SIGN_RECOVER), Ok(false));
    });
}
