//! Two operations over the same data.
use crate::common::session::{into, query_then};
use crate::common::*;

const NOT_STARTED: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

macro_rules! dual {
    ($($name:ident: $function:ident;)*) => {$(
        /// Query, then call with just that room.
        fn $name(t: &Session, part: &[u8]) -> Rv<Vec<u8>> {
            query_then(|at, n| call!(t.$function(t.handle, ptr(part), len(part), at, n)))
        }
    )*};
}
dual! {
    digest_encrypt: C_DigestEncryptUpdate;
    decrypt_digest: C_DecryptDigestUpdate;
    sign_encrypt: C_SignEncryptUpdate;
    decrypt_verify: C_DecryptVerifyUpdate;
}

fn sha256() -> Mech {
    Mech::new(CKM_SHA256)
}
fn hmac() -> Mech {
    Mech::new(CKM_SHA256_HMAC)
}
fn text() -> Vec<u8> {
    (0..150).collect()
}

/// Ciphers that give all they can at once, that hold a block back, and that say nothing before the end.
fn ciphers() -> [Mech; 4] {
    [
        Mech::bytes(CKM_AES_CBC_PAD, &[3; 16]),
        Mech::bytes(CKM_AES_OFB, &[3; 16]),
        Mech::gcm(&[3; 12], b"aad", 128),
        Mech::with(CKM_AES_CCM, |keep| CK_CCM_PARAMS {
            ulDataLen: 150,
            pNonce: keep(&[3; 12]),
            ulNonceLen: 12,
            pAAD: null(),
            ulAADLen: 0,
            ulMACLen: 16,
        }),
    ]
}

fn null() -> *mut u8 {
    std::ptr::null_mut()
}

#[test]
fn both_halves_have_the_whole() {
    with_token(|t| {
        let (aes, mac) = (t.aes(32).unwrap(), t.secret(CKK_GENERIC_SECRET, &[7; 32]).unwrap());
        let digest = t.digest(&sha256(), &text()).unwrap();
        let signature = t.sign(&hmac(), mac, &text()).unwrap();
        for cipher in ciphers() {
            let whole = t.encrypt(&cipher, aes, &text()).unwrap();
            for size in [1, 15, 16, 17, 64, 150] {
                let parts = |data: &[u8], update: fn(&Session, &[u8]) -> Rv<Vec<u8>>| {
                    data.chunks(size).flat_map(|part| update(t, part).unwrap()).collect::<Vec<u8>>()
                };
                t.encrypt_init(&cipher, aes).unwrap();
                t.digest_init(&sha256()).unwrap();
                let mut sealed = parts(&text(), digest_encrypt);
                sealed.extend(t.encrypt_final().unwrap());
                assert_eq!((sealed, t.digest_final()), (whole.clone(), Ok(digest.clone())));

                t.encrypt_init(&cipher, aes).unwrap();
                t.sign_init(&hmac(), mac).unwrap();
                let mut sealed = parts(&text(), sign_encrypt);
                sealed.extend(t.encrypt_final().unwrap());
                assert_eq!((sealed, t.sign_final()), (whole.clone(), Ok(signature.clone())));

                // what comes with the end of the decryption is not passed on: the standard says so
                t.decrypt_init(&cipher, aes).unwrap();
                t.digest_init(&sha256()).unwrap();
                let mut opened = parts(&whole, decrypt_digest);
                let last = t.decrypt_final().unwrap();
                t.digest_update(&last).unwrap();
                opened.extend(last);
                assert_eq!((opened, t.digest_final()), (text(), Ok(digest.clone())));

                t.decrypt_init(&cipher, aes).unwrap();
                t.verify_init(&hmac(), mac).unwrap();
                let mut opened = parts(&whole, decrypt_verify);
                let last = t.decrypt_final().unwrap();
                t.verify_update(&last).unwrap();
                opened.extend(last);
                assert_eq!((opened, t.verify_final(&signature)), (text(), Ok(())));
            }
        }
    });
}

#[test]
fn no_room_feeds_neither() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let ofb = Mech::bytes(CKM_AES_OFB, &[3; 16]);
        let whole = t.encrypt(&ofb, aes, &text()).unwrap();
        let digest = t.digest(&sha256(), &text()).unwrap();
        let (data, size) = (text(), 150);
        t.encrypt_init(&ofb, aes).unwrap();
        t.digest_init(&sha256()).unwrap();
        for room in [0, 1, 149] {
            let outcome = into(room, |at, n| {
                call!(t.C_DigestEncryptUpdate(t.handle, ptr(&data), size, at, n))
            });
            assert_eq!(outcome, Err(CKR_BUFFER_TOO_SMALL));
        }
        assert_eq!(digest_encrypt(t, &data), Ok(whole.clone()));
        assert_eq!(t.digest_final(), Ok(digest.clone()));
        assert!(t.encrypt_final().unwrap().is_empty());

        t.decrypt_init(&ofb, aes).unwrap();
        t.digest_init(&sha256()).unwrap();
        let outcome =
            into(149, |at, n| call!(t.C_DecryptDigestUpdate(t.handle, ptr(&whole), size, at, n)));
        assert_eq!(outcome, Err(CKR_BUFFER_TOO_SMALL));
        assert_eq!(decrypt_digest(t, &whole), Ok(data));
        assert_eq!(t.digest_final(), Ok(digest));
    });
}

#[test]
fn both_must_be_under_way() {
    with_token(|t| {
        let (aes, mac) = (t.aes(16).unwrap(), t.secret(CKK_GENERIC_SECRET, &[7; 32]).unwrap());
        let ofb = Mech::bytes(CKM_AES_OFB, &[3; 16]);
        let whole = t.encrypt(&ofb, aes, &text()).unwrap();
        let all = [digest_encrypt, decrypt_digest, sign_encrypt, decrypt_verify];
        let refused = || {
            for update in all {
                assert_eq!(update(t, &text()), Err(NOT_STARTED));
            }
        };
        refused();
        t.encrypt_init(&ofb, aes).unwrap();
        t.decrypt_init(&ofb, aes).unwrap();
        refused();
        // neither was fed nor ended
        assert_eq!(t.encrypt_update(&text()), Ok(whole.clone()));
        assert_eq!(t.decrypt_update(&whole), Ok(text()));
        call!(t.C_SessionCancel(t.handle, CKF_ENCRYPT | CKF_DECRYPT)).unwrap();
        t.digest_init(&sha256()).unwrap();
        t.sign_init(&hmac(), mac).unwrap();
        t.verify_init(&hmac(), mac).unwrap();
        refused();
        assert_eq!(t.digest_final(), t.digest(&sha256(), &[]));
        let signature = t.sign_final().unwrap();
        t.verify_final(&signature).unwrap();
        assert_eq!(t.sign(&hmac(), mac, &[]), Ok(signature.clone()));

        // a verification whose signature came first has functions of its own
        t.decrypt_init(&ofb, aes).unwrap();
        let (at, n) = (ptr(&signature), len(&signature));
        call!(t.C_VerifySignatureInit(t.handle, &mut hmac().raw(), mac, at, n)).unwrap();
        assert_eq!(decrypt_verify(t, &whole), Err(NOT_STARTED));
        assert_eq!(t.decrypt_update(&whole), Ok(text()));
    });
}

/// PKCS#11 3.2, section 5.17: without output of the cipher nothing is passed on.
#[test]
fn an_error_of_the_cipher_is_its_own() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let [_, _, _, ccm] = ciphers();
        t.encrypt_init(&ccm, aes).unwrap();
        t.digest_init(&sha256()).unwrap();
        assert_eq!(digest_encrypt(t, &[1; 100]), Ok(Vec::new()));
        assert_eq!(digest_encrypt(t, &[1; 51]), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        assert_eq!(t.digest_final(), t.digest(&sha256(), &[1; 100]));
    });
}

#[test]
fn an_error_of_the_other_half_ends_both() {
    with_token(|t| {
        let (aes, rsa) = (t.aes(16).unwrap(), t.rsa(1024).unwrap());
        let (ofb, raw) = (Mech::bytes(CKM_AES_OFB, &[3; 16]), Mech::new(CKM_RSA_X_509));
        t.encrypt_init(&ofb, aes).unwrap();
        t.sign_init(&raw, rsa.1).unwrap();
        assert!(sign_encrypt(t, &[1; 128]).is_ok());
        assert_eq!(sign_encrypt(t, &[1]), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        assert_eq!(t.sign_final(), Err(NOT_STARTED));

        t.decrypt_init(&ofb, aes).unwrap();
        t.verify_init(&raw, rsa.0).unwrap();
        assert_eq!(decrypt_verify(t, &[1; 129]), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.decrypt_final(), Err(NOT_STARTED));
        assert_eq!(t.verify_final(&[0; 128]), Err(NOT_STARTED));
    });
}

#[test]
fn a_buffer_may_be_input_and_output() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let ofb = Mech::bytes(CKM_AES_OFB, &[3; 16]);
        let whole = t.encrypt(&ofb, aes, &text()).unwrap();
        let digest = t.digest(&sha256(), &text());
        let (mut memory, mut n) = (text(), 150);
        let at = memory.as_mut_ptr();
        t.encrypt_init(&ofb, aes).unwrap();
        t.digest_init(&sha256()).unwrap();
        call!(t.C_DigestEncryptUpdate(t.handle, at, 150, at, &mut n)).unwrap();
        assert_eq!((&memory, n, t.digest_final()), (&whole, 150, digest.clone()));
        t.decrypt_init(&ofb, aes).unwrap();
        t.digest_init(&sha256()).unwrap();
        let at = memory.as_mut_ptr();
        call!(t.C_DecryptDigestUpdate(t.handle, at, 150, at, &mut n)).unwrap();
        assert_eq!((memory, n, t.digest_final()), (text(), 150, digest));
    });
}

#[test]
fn a_key_that_waits_for_a_login_takes_no_part() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let private = attrs![CKA_ALWAYS_AUTHENTICATE => true, CKA_PRIVATE => true];
        let pair = t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap();
        let (ofb, ecdsa) = (Mech::bytes(CKM_AES_OFB, &[3; 16]), Mech::new(CKM_ECDSA_SHA256));
        let whole = t.encrypt(&ofb, aes, &text()).unwrap();
        t.encrypt_init(&ofb, aes).unwrap();
        t.sign_init(&ecdsa, pair.1).unwrap();
        assert_eq!(sign_encrypt(t, &text()), Err(CKR_USER_NOT_LOGGED_IN));
        let login = || t.login(CKU_CONTEXT_SPECIFIC, PIN);
        assert_eq!(login(), Err(CKR_OPERATION_NOT_INITIALIZED), "the signature has ended");
        assert_eq!(t.encrypt_init(&ofb, aes), Err(CKR_OPERATION_ACTIVE), "the cipher has not");
        t.sign_init(&ecdsa, pair.1).unwrap();
        login().unwrap();
        assert_eq!(sign_encrypt(t, &text()), Ok(whole));
        let signature = t.sign_final().unwrap();
        t.verify(&ecdsa, pair.0, &text(), &signature).unwrap();
    });
}

#[test]
fn the_token_says_that_it_can() {
    with_token(|t| {
        assert_ne!(t.p.token_info(0).unwrap().flags & CKF_DUAL_CRYPTO_OPERATIONS, 0);
    });
}
