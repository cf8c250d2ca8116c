//! Objects that nobody made: profiles, mechanisms, the clock.
use crate::common::*;
use crate::disk::data;
use keyferry::mechanism::MECHANISMS;

fn of(s: &Session, class: CK_OBJECT_CLASS) -> Vec<Handle> {
    s.find_raw(&attrs![CKA_CLASS => class]).unwrap()
}

fn numbers(s: &Session, class: CK_OBJECT_CLASS, cka: CK_ULONG) -> Vec<CK_ULONG> {
    of(s, class).into_iter().map(|object| s.ulong(object, cka).unwrap()).collect()
}

const CLASSES: [CK_OBJECT_CLASS; 3] = [CKO_PROFILE, CKO_MECHANISM, CKO_HW_FEATURE];

/// PKCS #11 Profiles 3.2, chapter 5.
#[test]
fn the_profiles() {
    with_token(|t| {
        let profiles = [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_HKDF_TLS_TOKEN];
        t.logout().unwrap();
        assert_eq!(numbers(t, CKO_PROFILE, CKA_PROFILE_ID), profiles, "for all to see");
        let ro = t.p.open_ro(0).unwrap();
        assert_eq!(of(&ro, CKO_PROFILE), of(t, CKO_PROFILE), "the same handles in every session");
        let hkdf = attrs![CKA_PROFILE_ID => CKP_HKDF_TLS_TOKEN, CKA_TOKEN => true];
        assert_eq!(t.find_raw(&hkdf).unwrap(), of(t, CKO_PROFILE)[2..]);
        let ours = attrs![CKA_PROFILE_ID => CKP_AUTHENTICATION_TOKEN];
        assert_eq!(t.find_raw(&ours), Ok(vec![]), "NSS would ask for the PIN at once");
    });
}

/// Section 4.15: each validation object names a validation, and there is none to name.
#[test]
fn nothing_claims_to_be_validated() {
    with_token(|t| {
        assert!(of(t, CKO_VALIDATION).is_empty());
        assert!(t.find_raw(&attrs![CKA_VALIDATION_LEVEL => 0usize]).unwrap().is_empty());
        let key = t.aes(16).unwrap();
        assert_eq!(t.bytes(key, CKA_OBJECT_VALIDATION_FLAGS), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        let mut flags = CK_FLAGS::MAX;
        let h = t.handle;
        call!(t.C_GetSessionValidationFlags(h, CKS_LAST_VALIDATION_OK, &mut flags)).unwrap();
        assert_eq!(flags, 0);
        let other = call!(t.C_GetSessionValidationFlags(h, 2, &mut flags));
        assert_eq!(other, Err(CKR_ARGUMENTS_BAD));
    });
}

#[test]
fn the_mechanisms() {
    with_token(|t| {
        let all = numbers(t, CKO_MECHANISM, CKA_MECHANISM_TYPE);
        assert_eq!(all, t.p.mechanisms(0).unwrap());
        let legacy = MECHANISMS.iter().find(|m| m.legacy).unwrap();
        assert!(!all.contains(&legacy.ckm));
        let wrap = attrs![CKA_CLASS => CKO_MECHANISM, CKA_MECHANISM_TYPE => CKM_RSA_AES_KEY_WRAP];
        let [wrap] = t.find_raw(&wrap).unwrap()[..] else { panic!() };
        assert_eq!(t.bytes(wrap, CKA_LABEL).unwrap(), b"CKM_RSA_AES_KEY_WRAP");
    });
}

#[test]
fn the_clock() {
    with_token(|t| {
        let [clock] = of(t, CKO_HW_FEATURE)[..] else { panic!() };
        assert_eq!(t.ulong(clock, CKA_HW_FEATURE_TYPE), Ok(CKH_CLOCK));
        let told = || t.bytes(clock, CKA_VALUE).unwrap();
        let before = t.p.token_info(0).unwrap();
        assert_ne!(before.flags & CKF_CLOCK_ON_TOKEN, 0);
        let now = told();
        let after = t.p.token_info(0).unwrap();
        assert!(before.utcTime[..] <= now[..] && now[..] <= after.utcTime[..], "{now:?}");
        assert!(now.ends_with(b"00") && now.iter().all(u8::is_ascii_digit));
        while told() == now {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
}

/// Programs that look at everything find what they know, and profiles.
#[test]
fn only_profiles_are_found_unasked() {
    with_token(|t| {
        let note = data(t, "note");
        let profiles = of(t, CKO_PROFILE);
        for template in [vec![], attrs![CKA_PRIVATE => false, CKA_TOKEN => true].to_vec()] {
            let found = t.find_raw(&template).unwrap();
            assert_eq!(found, [&[note][..], &profiles].concat());
        }
        let by_type = attrs![CKA_MECHANISM_TYPE => CKM_AES_GCM];
        assert_eq!(t.find_raw(&by_type), Ok(vec![]), "the class has to be named");
        assert_eq!(t.find_raw(&attrs![CKA_LABEL => "clock"]), Ok(vec![]));
    });
}

#[test]
fn nobody_makes_changes_or_takes_them() {
    with_token(|t| {
        for class in CLASSES {
            for object in [of(t, class)[0], *of(t, class).last().unwrap()] {
                let label = attrs![CKA_LABEL => "mine"];
                assert_eq!(t.set(object, &label), Err(CKR_ACTION_PROHIBITED));
                assert_eq!(t.copy(object, &[]), Err(CKR_ACTION_PROHIBITED));
                assert_eq!(t.destroy(object), Err(CKR_ACTION_PROHIBITED));
                for cka in [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_PRIVATE] {
                    assert_eq!(t.flag(object, cka), Ok(false));
                }
                assert!(t.size(object).unwrap() > 0);
                let ecb = Mech::new(CKM_AES_ECB);
                assert_eq!(t.encrypt_init(&ecb, object), Err(CKR_KEY_HANDLE_INVALID));
            }
            for token in [false, true] {
                let made = t.create(&attrs![CKA_CLASS => class, CKA_TOKEN => token]);
                assert_eq!(made, Err(CKR_ATTRIBUTE_VALUE_INVALID), "{class}");
            }
        }
        let unique: std::collections::BTreeSet<_> = CLASSES
            .iter()
            .flat_map(|class| of(t, *class))
            .map(|object| t.bytes(object, CKA_UNIQUE_ID).unwrap())
            .collect();
        assert_eq!(unique.len(), CLASSES.iter().map(|class| of(t, *class).len()).sum::<usize>());
    });
}

/// Classes of the standard that this token has no objects of: domain parameters are for DSA and DH,
/// and curves are named in the template of the pair.
#[test]
fn classes_that_are_not_there() {
    with_token(|t| {
        for class in [CKO_DOMAIN_PARAMETERS, CKO_VALIDATION, CKO_OTP_KEY, CKO_VENDOR_DEFINED] {
            let template = attrs![CKA_CLASS => class, CKA_KEY_TYPE => CKK_EC];
            assert_eq!(t.create(&template), Err(CKR_ATTRIBUTE_VALUE_INVALID), "{class}");
            assert!(of(t, class).is_empty());
        }
    });
}
