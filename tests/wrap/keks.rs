//! What KEKs may do: trust, templates, allowed mechanisms; and attempts to get round them.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;

/// The SO marks a KEK; the user wraps a key that insists on such a KEK.
#[test]
fn the_so_trusts_a_kek() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        let kek = t.create(&public_key(numbers, &attrs![CKA_TOKEN => true])).unwrap();
        let careful = attrs![
            CKA_VALUE_LEN => 32usize,
            CKA_TOKEN => true,
            CKA_EXTRACTABLE => true,
            CKA_WRAP_WITH_TRUSTED => true,
        ];
        let target = t.generate(&Mech::new(CKM_AES_KEY_GEN), &careful).unwrap();
        assert_eq!(t.wrap(&azure(), kek, target), Err(CKR_KEY_NOT_WRAPPABLE));
        t.logout().unwrap();
        t.login(CKU_SO, SO_PIN).unwrap();
        let [kek] = t.find(&attrs![CKA_CLASS => CKO_PUBLIC_KEY]).unwrap()[..] else { panic!() };
        t.set(kek, &attrs![CKA_TRUSTED => true]).unwrap();
        // or makes it so from the start
        let made = attrs![CKA_TOKEN => true, CKA_TRUSTED => true, CKA_LABEL => "made"];
        t.create(&public_key(numbers, &made)).unwrap();
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        let keks = t.find(&attrs![CKA_TRUSTED => true, CKA_CLASS => CKO_PUBLIC_KEY]).unwrap();
        assert_eq!(keks.len(), 2);
        let [target] = t.find(&attrs![CKA_CLASS => CKO_SECRET_KEY]).unwrap()[..] else { panic!() };
        for kek in keks {
            assert!(t.wrap(&azure(), kek, target).is_ok());
            // the user takes no copy of it, and does not give up the trust
            assert_eq!(t.copy(kek, &[]), Err(CKR_ACTION_PROHIBITED));
            for trusted in [true, false] {
                let changed = t.set(kek, &attrs![CKA_TRUSTED => trusted]);
                assert_eq!(changed, Err(CKR_ACTION_PROHIBITED));
            }
        }
    });
}

#[test]
fn the_user_cannot_make_a_kek_trusted() {
    with_token(|t| {
        let trusted = attrs![CKA_TRUSTED => true];
        let refused = Err(CKR_ATTRIBUTE_READ_ONLY);
        let kek = Kek::new(t, 2048);
        let secret = t.aes(32).unwrap();
        for key in [kek.public, secret] {
            stays(t, key, &trusted, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY);
        }
        assert_eq!(t.create(&public_key(kek.numbers, &trusted)), refused);
        let generate = [&attrs![CKA_VALUE_LEN => 32usize][..], &trusted].concat();
        assert_eq!(t.generate(&Mech::new(CKM_AES_KEY_GEN), &generate), refused);
        let pair = [&attrs![CKA_EC_PARAMS => P256][..], &trusted].concat();
        let outcome = t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &pair, &[]);
        assert_eq!(outcome, Err(CKR_ATTRIBUTE_READ_ONLY));
        // nor by unwrapping, from the own template or a KEK's
        let blob = t.wrap(&azure(), kek.public, secret).unwrap();
        let template = [&received_aes()[..], &trusted].concat();
        assert_eq!(t.unwrap(&azure(), kek.private, &blob, &template), refused);
        let more = [(CKA_UNWRAP_TEMPLATE, Attr::from(trusted.clone()))];
        let private = t.create(&private_key(kek.numbers, &more)).unwrap();
        let before = count(t);
        assert_eq!(t.unwrap(&azure(), private, &blob, &received_aes()), refused);
        assert_eq!(count(t), before);
        assert_eq!(t.find(&trusted), Ok(vec![]));
        // before login neither
        t.logout().unwrap();
        assert_eq!(t.create(&public_key(kek.numbers, &trusted)), refused);
    });
}

#[test]
fn wrap_with_trusted_stays() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let key = t.aes(32).unwrap();
        t.set(key, &attrs![CKA_WRAP_WITH_TRUSTED => true]).unwrap();
        stays(
            t,
            key,
            &attrs![CKA_WRAP_WITH_TRUSTED => false],
            CKR_ATTRIBUTE_READ_ONLY,
            CKR_TEMPLATE_INCONSISTENT,
        );
        let copy = t.copy(key, &[]).unwrap();
        let wrapper = t.aes(32).unwrap();
        for target in [key, copy] {
            for (mech, kek) in [
                (azure(), kek.public),
                (oaep_sha256(), kek.public),
                (Mech::new(CKM_AES_KEY_WRAP), wrapper),
                (Mech::new(CKM_AES_KEY_WRAP_KWP), wrapper),
                // a key under itself
                (Mech::new(CKM_AES_KEY_WRAP_KWP), target),
            ] {
                assert_eq!(t.wrap(&mech, kek, target), Err(CKR_KEY_NOT_WRAPPABLE));
            }
        }
    });
}

#[test]
fn wrap_template_binds_copies_too() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        let only_ec = Attr::from(attrs![CKA_KEY_TYPE => CKK_EC, CKA_CLASS => CKO_PRIVATE_KEY]);
        let kek = t.create(&public_key(numbers, &[(CKA_WRAP_TEMPLATE, only_ec)])).unwrap();
        let (_, ec) = t.ec(P256).unwrap();
        let aes = t.aes(32).unwrap();
        let weaker = [(CKA_WRAP_TEMPLATE, Attr::from(attrs![CKA_KEY_TYPE => CKK_AES]))];
        let empty = [(CKA_WRAP_TEMPLATE, Attr::Template(vec![]))];
        for other in [&weaker, &empty] {
            stays(t, kek, other, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY);
        }
        let copy = t.copy(kek, &attrs![CKA_LABEL => "copy"]).unwrap();
        for kek in [kek, copy] {
            assert!(t.wrap(&azure(), kek, ec).is_ok());
            for mech in [azure(), oaep_sha256()] {
                assert_eq!(t.wrap(&mech, kek, aes), Err(CKR_KEY_HANDLE_INVALID));
            }
        }
        // the same key made anew has no template; a key that must not leave so asks for trust
        let anew = t.create(&public_key(numbers, &[])).unwrap();
        t.set(aes, &attrs![CKA_WRAP_WITH_TRUSTED => true]).unwrap();
        assert_eq!(t.wrap(&azure(), anew, aes), Err(CKR_KEY_NOT_WRAPPABLE));
    });
}

/// A template that names what the target has not got at all.
#[test]
fn wrap_template_with_an_absent_attribute() {
    with_token(|t| {
        let numbers = numbers(2048, "kek");
        let absent = Attr::from(attrs![CKA_MODULUS_BITS => 2048usize]);
        let kek = t.create(&public_key(numbers, &[(CKA_WRAP_TEMPLATE, absent)])).unwrap();
        assert_eq!(t.wrap(&azure(), kek, t.aes(16).unwrap()), Err(CKR_KEY_HANDLE_INVALID));
    });
}

#[test]
fn unwrap_template_binds_copies_too() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let target = t.aes(32).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        let strict = attrs![CKA_EXTRACTABLE => false, CKA_SENSITIVE => true, CKA_WRAP => false];
        let more = [(CKA_UNWRAP_TEMPLATE, Attr::from(strict))];
        let private = t.create(&private_key(kek.numbers, &more)).unwrap();
        for other in [Attr::from(attrs![CKA_EXTRACTABLE => true]), Attr::Template(vec![])] {
            let other = [(CKA_UNWRAP_TEMPLATE, other)];
            stays(t, private, &other, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY);
        }
        let copy = t.copy(private, &attrs![CKA_LABEL => "copy"]).unwrap();
        let bare = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        for private in [private, copy] {
            let key = t.unwrap(&azure(), private, &blob, &bare).unwrap();
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(false));
            assert_eq!(t.flag(key, CKA_WRAP), Ok(false));
            assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
            // to say the same is no contradiction
            let same = [&bare[..], &attrs![CKA_EXTRACTABLE => false]].concat();
            assert!(t.unwrap(&azure(), private, &blob, &same).is_ok());
            for lax in [attrs![CKA_EXTRACTABLE => true], attrs![CKA_SENSITIVE => false]] {
                let template = [&bare[..], &lax].concat();
                let outcome = t.unwrap(&azure(), private, &blob, &template);
                assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT));
            }
        }
    });
}

#[test]
fn allowed_mechanisms_bind_copies_too() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let only = [(CKA_ALLOWED_MECHANISMS, Attr::from(&[CKM_RSA_AES_KEY_WRAP][..]))];
        let more = [(CKA_ALLOWED_MECHANISMS, Attr::from(&[CKM_RSA_PKCS_OAEP][..]))];
        let none = [(CKA_ALLOWED_MECHANISMS, Attr::from(&[][..] as &[CK_ULONG]))];
        let private = t.create(&private_key(kek.numbers, &only)).unwrap();
        for other in [&more, &none] {
            stays(t, private, other, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY);
        }
        let copy = t.copy(private, &attrs![CKA_LABEL => "copy"]).unwrap();
        let target = t.aes(32).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        let oaep_sha1 = Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");
        for private in [private, copy] {
            assert!(t.unwrap(&azure(), private, &blob, &received_aes()).is_ok());
            // what would show the AES key inside
            assert_eq!(t.decrypt(&oaep_sha1, private, &blob[..256]), Err(CKR_MECHANISM_INVALID));
            let outcome =
                t.unwrap(&Mech::new(CKM_RSA_PKCS_OAEP), private, &blob[..256], &received_aes());
            assert_eq!(outcome, Err(CKR_MECHANISM_INVALID));
            let sign = t.sign(&Mech::new(CKM_RSA_PKCS), private, b"x");
            assert_eq!(sign, Err(CKR_MECHANISM_INVALID));
        }
    });
}

#[test]
fn an_empty_list_of_allowed_mechanisms_allows_none() {
    with_token(|t| {
        let none: &[CK_ULONG] = &[];
        let template = attrs![CKA_VALUE_LEN => 32usize, CKA_ALLOWED_MECHANISMS => none];
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let target = t.aes(32).unwrap();
        let refused = Err(CKR_MECHANISM_INVALID);
        assert_eq!(t.wrap(&Mech::new(CKM_AES_KEY_WRAP), key, target), refused);
        assert_eq!(t.encrypt(&Mech::new(CKM_AES_ECB), key, &[0; 16]), refused);
        assert_eq!(t.bytes(key, CKA_ALLOWED_MECHANISMS), Ok(vec![]));
        assert_eq!(t.bytes(target, CKA_ALLOWED_MECHANISMS), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        // nor does a key that comes in under it
        let rule = [(CKA_UNWRAP_TEMPLATE, Attr::from(attrs![CKA_ALLOWED_MECHANISMS => none]))];
        let kek = Kek::new(t, 2048);
        let private = t.create(&private_key(kek.numbers, &rule)).unwrap();
        let blob = t.wrap(&azure(), kek.public, target).unwrap();
        let bare = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let key = t.unwrap(&azure(), private, &blob, &bare).unwrap();
        assert_eq!(t.wrap(&Mech::new(CKM_AES_KEY_WRAP), key, target), refused);
    });
}
