//! What a key's own attributes say about it, and what happens to those who try to get round them.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;

#[test]
fn unextractable_stays_so_and_no_mechanism_wraps_it() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        t.set(kek.public, &attrs![CKA_LABEL => KID]).unwrap();
        let aes = t.aes(32).unwrap();
        let kept = attrs![CKA_EXTRACTABLE => false];
        let targets = [
            t.create(&private_key(numbers(2048, "target"), &kept)).unwrap(),
            t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &attrs![CKA_EC_PARAMS => P256], &kept)
                .unwrap()
                .1,
            t.generate(&Mech::new(CKM_AES_KEY_GEN), &attrs![CKA_VALUE_LEN => 32usize]).unwrap(),
        ];
        for target in targets {
            stays(
                t,
                target,
                &attrs![CKA_EXTRACTABLE => true],
                CKR_ATTRIBUTE_READ_ONLY,
                CKR_TEMPLATE_INCONSISTENT,
            );
            let copy = t.copy(target, &[]).unwrap();
            for target in [target, copy] {
                for (mech, kek) in [
                    (azure(), kek.public),
                    (Mech::new(CKM_KEYFERRY_AZURE_BYOK), kek.public),
                    (oaep_sha256(), kek.public),
                    (Mech::new(CKM_AES_KEY_WRAP), aes),
                    (Mech::new(CKM_AES_KEY_WRAP_PAD), aes),
                    (Mech::new(CKM_AES_KEY_WRAP_KWP), aes),
                ] {
                    assert_eq!(t.wrap_len(&mech, kek, target), Err(CKR_KEY_UNEXTRACTABLE));
                    assert_eq!(t.wrap_into(&mech, kek, target, 9999), Err(CKR_KEY_UNEXTRACTABLE));
                }
                for cka in [CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_COEFFICIENT] {
                    let shown = t.bytes(target, cka);
                    assert!(matches!(
                        shown,
                        Err(CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID)
                    ));
                }
            }
        }
    });
}

#[test]
fn sensitive_stays_so_and_is_not_shown_nor_guessed() {
    with_token(|t| {
        let value = [0x42; 32];
        let key = t
            .create(&attrs![
                CKA_CLASS => CKO_SECRET_KEY,
                CKA_KEY_TYPE => CKK_AES,
                CKA_VALUE => &value,
                CKA_SENSITIVE => true,
                CKA_EXTRACTABLE => true,
            ])
            .unwrap();
        assert_eq!(t.flag(key, CKA_SENSITIVE), Ok(true));
        assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        stays(
            t,
            key,
            &attrs![CKA_SENSITIVE => false],
            CKR_ATTRIBUTE_READ_ONLY,
            CKR_TEMPLATE_INCONSISTENT,
        );
        let copy = t.copy(key, &[]).unwrap();
        assert_eq!(t.bytes(copy, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        // a search, and a KEK's wrap template, must not tell whether a guess is right
        assert_eq!(t.find(&attrs![CKA_VALUE => &value]), Ok(vec![]));
        let guess = Attr::from(attrs![CKA_VALUE => &value]);
        let kek =
            t.create(&public_key(numbers(2048, "kek"), &[(CKA_WRAP_TEMPLATE, guess)])).unwrap();
        assert_eq!(t.wrap(&azure(), kek, key), Err(CKR_KEY_HANDLE_INVALID));
        // extractable it may leave wrapped, and only so
        let kek = Kek::new(t, 2048);
        let blob = t.wrap(&azure(), kek.public, key).unwrap();
        let back = t.unwrap(&azure(), kek.private, &blob, &received_aes()).unwrap();
        assert_eq!(t.bytes(back, CKA_VALUE).unwrap(), value);
    });
}

#[test]
fn what_left_a_token_was_not_always_safe() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let strict = attrs![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        let hidden = attrs![CKA_VALUE_LEN => 32usize, CKA_SENSITIVE => true];
        let generated = t.generate(&Mech::new(CKM_AES_KEY_GEN), &hidden).unwrap();
        for cka in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            assert_eq!(t.flag(generated, cka), Ok(true));
        }
        let (_, target) = t.ec(P256).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        let template =
            [&attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC][..], &strict].concat();
        let unwrapped = t.unwrap(&azure(), kek.private, &blob, &template).unwrap();
        let created = t.create(&private_key(numbers(1024, "target"), &strict)).unwrap();
        for key in [unwrapped, created] {
            assert_eq!(t.flag(key, CKA_SENSITIVE), Ok(true));
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
            for cka in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
                assert_eq!(t.flag(key, cka), Ok(false));
                stays(
                    t,
                    key,
                    &[(cka, Attr::from(true))],
                    CKR_ATTRIBUTE_READ_ONLY,
                    CKR_ATTRIBUTE_READ_ONLY,
                );
            }
            assert_eq!(t.ulong(key, CKA_KEY_GEN_MECHANISM), Ok(CK_UNAVAILABLE_INFORMATION));
        }
        // a copy that becomes strict does not become innocent
        let lax = t.aes(32).unwrap();
        let copy = t.copy(lax, &strict).unwrap();
        assert_eq!(t.flag(copy, CKA_NEVER_EXTRACTABLE), Ok(false));
    });
}

#[test]
fn defaults_of_unwrapped_keys() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let (_, target) = t.ec(P256).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        let template = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC];
        let key = t.unwrap(&azure(), kek.private, &blob, &template).unwrap();
        for (cka, value) in [
            (CKA_EXTRACTABLE, true),
            (CKA_SENSITIVE, true),
            (CKA_PRIVATE, true),
            (CKA_TOKEN, false),
            (CKA_SIGN, true),
            (CKA_LOCAL, false),
            (CKA_WRAP_WITH_TRUSTED, false),
            (CKA_ALWAYS_AUTHENTICATE, false),
        ] {
            assert_eq!(t.flag(key, cka), Ok(value), "{cka:x}");
        }
        // it may go on to the next token
        assert!(t.wrap(&azure(), kek.public, key).is_ok());
    });
}

#[test]
fn not_modifiable() {
    with_token(|t| {
        let template =
            public_key(numbers(2048, "kek"), &attrs![CKA_MODIFIABLE => false, CKA_WRAP => false]);
        let key = t.create(&template).unwrap();
        for change in [
            attrs![CKA_WRAP => true],
            attrs![CKA_LABEL => "mine"],
            attrs![CKA_ID => b"mine"],
            attrs![CKA_KEYFERRY_KID => KID],
        ] {
            stays(t, key, &change, CKR_ACTION_PROHIBITED, CKR_ATTRIBUTE_READ_ONLY);
            let both = [&change[..], &attrs![CKA_MODIFIABLE => true]].concat();
            assert!(t.copy(key, &both).is_err());
        }
        let modifiable = attrs![CKA_MODIFIABLE => true];
        stays(t, key, &modifiable, CKR_ACTION_PROHIBITED, CKR_TEMPLATE_INCONSISTENT);
        // through a copy of a copy
        let copy = t.copy(key, &attrs![CKA_TOKEN => true]).unwrap();
        assert_eq!(t.set(copy, &attrs![CKA_WRAP => true]), Err(CKR_ACTION_PROHIBITED));
        assert_eq!(t.copy(copy, &modifiable), Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

#[test]
fn not_copyable() {
    with_token(|t| {
        let key = t.aes(32).unwrap();
        t.set(key, &attrs![CKA_COPYABLE => false]).unwrap();
        for template in [&attrs![][..], &attrs![CKA_LABEL => "mine"], &attrs![CKA_COPYABLE => true]]
        {
            assert_eq!(t.copy(key, template), Err(CKR_ACTION_PROHIBITED));
        }
        assert_eq!(t.set(key, &attrs![CKA_COPYABLE => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
    });
}

#[test]
fn not_destroyable() {
    with_token(|t| {
        let keep = attrs![CKA_DESTROYABLE => false, CKA_TOKEN => true];
        let key = t.create(&public_key(numbers(2048, "kek"), &keep)).unwrap();
        assert_eq!(t.destroy(key), Err(CKR_ACTION_PROHIBITED));
        assert_eq!(t.set(key, &attrs![CKA_DESTROYABLE => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
        t.logout().unwrap();
        assert!(t.destroy(key).is_err());
        t.login(CKU_SO, SO_PIN).unwrap();
        assert_eq!(t.destroy(key), Err(CKR_ACTION_PROHIBITED));
        assert!(t.bytes(key, CKA_MODULUS).is_ok());
    });
}

#[test]
fn rsa_keys_without_crt_values_are_not_wrapped() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let aes = t.aes(32).unwrap();
        t.set(kek.public, &attrs![CKA_LABEL => KID]).unwrap();
        let whole = private_key(numbers(2048, "target"), &attrs![CKA_EXTRACTABLE => true]);
        let crt = [CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
        let without = |gone: &[CK_ULONG]| {
            whole.iter().filter(|(cka, _)| !gone.contains(cka)).cloned().collect()
        };
        let mut templates: Vec<Attrs> = crt.iter().map(|cka| without(&[*cka])).collect();
        templates.push(without(&crt));
        for template in templates {
            let key = t.create(&template).unwrap();
            // it signs, it does not leave
            assert_eq!(t.sign(&Mech::new(CKM_RSA_PKCS), key, b"x").unwrap().len(), 256);
            let copy = t.copy(key, &[]).unwrap();
            for key in [key, copy] {
                for (mech, kek) in [
                    (azure(), kek.public),
                    (Mech::new(CKM_KEYFERRY_AZURE_BYOK), kek.public),
                    (Mech::new(CKM_AES_KEY_WRAP_KWP), aes),
                ] {
                    assert_eq!(t.wrap_len(&mech, kek, key), Err(CKR_KEY_NOT_WRAPPABLE));
                    assert_eq!(t.wrap_into(&mech, kek, key, 9999), Err(CKR_KEY_NOT_WRAPPABLE));
                }
            }
            // nor are the missing numbers added later
            for (cka, value) in whole.iter().filter(|(cka, _)| crt.contains(cka)) {
                assert!(t.set(key, &[(*cka, value.clone())]).is_err());
            }
        }
        let key = t.create(&whole).unwrap();
        assert!(t.wrap(&azure(), kek.public, key).is_ok());
    });
}

#[test]
fn handles_of_the_dead_stay_dead() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let target = t.secret(CKK_AES, &[1; 16]).unwrap();
        t.destroy(target).unwrap();
        let next = t.secret(CKK_AES, &[2; 16]).unwrap();
        assert_ne!(target, next);
        assert_eq!(t.wrap(&azure(), kek.public, target), Err(CKR_KEY_HANDLE_INVALID));
        assert_eq!(t.destroy(target), Err(CKR_OBJECT_HANDLE_INVALID));
    });
}

#[test]
fn short_rsa_keys_may_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyferry.toml");
    std::fs::write(&file, "store = \"memory:\"\nmin_rsa_bits = 2048\n").unwrap();
    // made where it may be made
    let padded = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
    let (blob, padded_blob, small) = with_token(|t| {
        let kek = Kek::new(t, 2048);
        let small = private_key(numbers(1024, "target"), &attrs![CKA_EXTRACTABLE => true]);
        let key = t.create(&small).unwrap();
        let aes = t.secret(CKK_AES, &[9; 32]).unwrap();
        let padded_blob = t.wrap(&padded, aes, key).unwrap();
        (t.wrap(&azure(), kek.public, key).unwrap(), padded_blob, small)
    });
    with_store(&format!("config={}", file.display()), |p| {
        let t = p.token(p.slots(true).unwrap()[0]).unwrap();
        let kek = Kek::new(&t, 2048);
        let before = count(&t);
        let refused = Err(CKR_KEY_SIZE_RANGE);
        assert_eq!(t.create(&small), refused);
        assert_eq!(t.rsa(1024).map(|_| ()), Err(CKR_KEY_SIZE_RANGE));
        assert_eq!(t.unwrap(&azure(), kek.private, &blob, &received_rsa()), refused);
        assert_eq!(count(&t), before);
        // where padding alone tells a wrapping from noise, its size has no code of its own
        let aes = t.secret(CKK_AES, &[9; 32]).unwrap();
        let outcome = t.unwrap(&padded, aes, &padded_blob, &received_rsa());
        assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
    });
}
