//! Objects: create, copy, destroy, their attributes and who may touch them.
use crate::common::certificate::Certificate;
use crate::common::*;
use std::ptr::null_mut;

fn data_object(token: bool) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![
        CKA_CLASS => CKO_DATA,
        CKA_TOKEN => token,
        CKA_LABEL => "a note",
        CKA_APPLICATION => "tests",
        CKA_OBJECT_ID => &[6, 3, 42, 3, 4],
        CKA_VALUE => "something",
    ]
    .to_vec()
}

/// The beginning of a template, and more.
fn with<const N: usize>(
    template: &[(CK_ATTRIBUTE_TYPE, Attr)],
    more: [(CK_ATTRIBUTE_TYPE, Attr); N],
) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let mut all = template.to_vec();
    all.retain(|(cka, _)| more.iter().all(|(given, _)| given != cka));
    all.extend(more);
    all
}

fn aes_value(value: &[u8]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE => value].to_vec()
}

fn certificate() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    with(&Certificate::default().template(), attrs![CKA_ID => &[0x0A]])
}

/// The attributes of an object, as a template that makes another of it.
fn read(s: &Session, object: Handle, all: &[CK_ULONG]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let one = |cka: &CK_ULONG| (*cka, Attr::Bytes(s.bytes(object, *cka).unwrap()));
    all.iter().map(one).collect()
}

#[test]
fn data_and_certificates() {
    with_token(|t| {
        let note = t.create(&data_object(false)).unwrap();
        for (cka, value) in data_object(false) {
            assert_eq!(t.bytes(note, cka).map(Attr::Bytes), Ok(value));
        }
        assert_eq!(t.flag(note, CKA_PRIVATE), Ok(false));
        for cka in [CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE] {
            assert_eq!(t.flag(note, cka), Ok(true));
        }
        assert_eq!(t.bytes(note, CKA_ID), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        assert!(t.size(note).unwrap() > 9);

        let made = t.create(&certificate()).unwrap();
        assert_eq!(t.bytes(made, CKA_VALUE), Ok(Certificate::default().der()));
        assert_eq!(t.flag(made, CKA_TRUSTED), Ok(false));
        assert_eq!(t.bytes(made, CKA_CHECK_VALUE).unwrap().len(), 3);
        let unique = |object| t.bytes(object, CKA_UNIQUE_ID).unwrap();
        assert_ne!(unique(note), unique(made));
        assert_eq!(unique(made).len(), 36);
        assert_eq!(t.set(made, &attrs![CKA_VALUE => b"other"]), Err(CKR_ATTRIBUTE_READ_ONLY));
        t.set(made, &attrs![CKA_ID => &[0x0B], CKA_LABEL => "new"]).unwrap();
        assert_eq!(t.bytes(made, CKA_ID).unwrap(), [0x0B]);
    });
}

/// What a pair is made of makes the same pair again.
#[test]
fn key_pairs_are_made_of_their_numbers() {
    with_token(|t| {
        let both = [CKA_CLASS, CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT];
        let crt = [
            CKA_PRIVATE_EXPONENT,
            CKA_PRIME_1,
            CKA_PRIME_2,
            CKA_EXPONENT_1,
            CKA_EXPONENT_2,
            CKA_COEFFICIENT,
        ];
        let (public, private) = t.rsa(1024).unwrap();
        assert_eq!(t.bytes(private, CKA_PRIVATE_EXPONENT), Err(CKR_ATTRIBUTE_SENSITIVE));
        let open = attrs![CKA_MODULUS_BITS => 1024usize];
        let seen = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public2, private2) = t.generate_pair(&mech, &open, &seen).unwrap();
        let mech = Mech::new(CKM_SHA256_RSA_PKCS);
        let numbers = with(&read(t, private2, &both), []);
        let secret = read(t, private2, &crt);
        let whole = t.create(&[numbers.clone(), secret.clone()].concat()).unwrap();
        let public_again = t.create(&read(t, public2, &both)).unwrap();
        let signature = t.sign(&mech, whole, b"x").unwrap();
        t.verify(&mech, public_again, b"x", &signature).unwrap();
        assert_eq!(t.verify(&mech, public, b"x", &signature), Err(CKR_SIGNATURE_INVALID));
        assert_eq!(t.ulong(public_again, CKA_MODULUS_BITS), Ok(1024));
        let info = |object| t.bytes(object, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(info(whole), info(public2));
        for (cka, no) in [(CKA_LOCAL, false), (CKA_ALWAYS_SENSITIVE, false)] {
            assert_eq!(t.flag(whole, cka), Ok(no));
        }
        // a number of another key
        let foreign = attrs![CKA_MODULUS => t.bytes(public, CKA_MODULUS).unwrap()];
        let mixed = t.create(&with(&[numbers, secret].concat(), foreign));
        assert_eq!(mixed, Err(CKR_ATTRIBUTE_VALUE_INVALID));
    });
}

#[test]
fn elliptic_keys_are_made_of_their_numbers() {
    with_token(|t| {
        let seen = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        for (curve, other) in [(keys::P256, keys::SECP256K1), (keys::P521, keys::P384)] {
            let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
            let open = attrs![CKA_EC_PARAMS => curve];
            let (public, private) = t.generate_pair(&mech, &open, &seen).unwrap();
            let of = [CKA_CLASS, CKA_KEY_TYPE, CKA_EC_PARAMS];
            let secret = [read(t, private, &of), read(t, private, &[CKA_VALUE])].concat();
            let point = [read(t, public, &of), read(t, public, &[CKA_EC_POINT])].concat();
            let private_again = t.create(&secret).unwrap();
            let public_again = t.create(&point).unwrap();
            let ecdsa = Mech::new(CKM_ECDSA);
            let signature = t.sign(&ecdsa, private_again, &[3; 32]).unwrap();
            t.verify(&ecdsa, public_again, &[3; 32], &signature).unwrap();
            // the point without its OCTET STRING is what some programs send
            let bytes = t.bytes(public, CKA_EC_POINT).unwrap();
            let header = if bytes[1] > 0x7F { 3 } else { 2 };
            let bare = t.create(&with(&point, attrs![CKA_EC_POINT => &bytes[header..]])).unwrap();
            assert_eq!(t.bytes(bare, CKA_EC_POINT).unwrap(), bytes);
            // a point of another curve, or of none
            let elsewhere = t.create(&with(&point, attrs![CKA_EC_PARAMS => other]));
            assert_eq!(elsewhere, Err(CKR_ATTRIBUTE_VALUE_INVALID));
            let mut off = bytes;
            *off.last_mut().unwrap() ^= 1;
            let off = t.create(&with(&point, attrs![CKA_EC_POINT => off]));
            assert_eq!(off, Err(CKR_ATTRIBUTE_VALUE_INVALID));
            let zero = t.create(&with(&secret, attrs![CKA_VALUE => &[0; 32]]));
            assert_eq!(zero, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
    });
}

#[test]
fn secret_keys_show_what_they_may() {
    with_token(|t| {
        for (key_type, len) in [
            (CKK_AES, 16),
            (CKK_AES, 24),
            (CKK_AES, 32),
            (CKK_GENERIC_SECRET, 1),
            (CKK_GENERIC_SECRET, 4096),
            (CKK_SHA256_HMAC, 20),
        ] {
            let value = vec![0xA7; len];
            let key = t.secret(key_type, &value).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE), Ok(value));
            assert_eq!(t.ulong(key, CKA_VALUE_LEN), Ok(len as CK_ULONG));
            assert_eq!(t.bytes(key, CKA_CHECK_VALUE).unwrap().len(), 3);
            assert_eq!(t.ulong(key, CKA_KEY_GEN_MECHANISM), Ok(CK_UNAVAILABLE_INFORMATION));
            assert_eq!(t.flag(key, CKA_LOCAL), Ok(false));
        }
        // FIPS 197: the check value is the beginning of the encryption of zeros
        let zeros = t.secret(CKK_AES, &[0; 16]).unwrap();
        assert_eq!(t.bytes(zeros, CKA_CHECK_VALUE).unwrap(), [0x66, 0xE9, 0x4B]);
        for (key_type, len) in [(CKK_AES, 15), (CKK_AES, 0), (CKK_GENERIC_SECRET, 0)] {
            let refused = t.secret(key_type, &vec![1; len]);
            assert_eq!(refused, Err(CKR_ATTRIBUTE_VALUE_INVALID), "{len}");
        }

        let hidden = t.create(&aes_value(&[1; 16])).unwrap();
        assert_eq!(t.bytes(hidden, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        let open = |sensitive: bool, extractable: bool| {
            let more = attrs![CKA_SENSITIVE => sensitive, CKA_EXTRACTABLE => extractable];
            t.create(&with(&aes_value(&[1; 16]), more)).unwrap()
        };
        assert_eq!(t.bytes(open(true, true), CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        assert_eq!(t.bytes(open(false, false), CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        let shown = open(false, true);
        assert_eq!(t.bytes(shown, CKA_VALUE).unwrap(), [1; 16]);
        t.set(shown, &attrs![CKA_SENSITIVE => true]).unwrap();
        assert_eq!(t.bytes(shown, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        assert_eq!(t.flag(shown, CKA_ALWAYS_SENSITIVE), Ok(false));
    });
}

/// PKCS#11 3.2, section 5.7.5.
#[test]
fn every_attribute_is_answered() {
    with_token(|t| {
        let template = attrs![CKA_VALUE_LEN => 16usize, CKA_ID => b"four", CKA_LABEL => "label"];
        let key = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let (mut id, mut short, mut class) = ([0u8; 9], [0u8; 2], [0u8; 8]);
        let ask = |cka, buffer: &mut [u8]| CK_ATTRIBUTE {
            type_: cka,
            pValue: buffer.as_mut_ptr().cast(),
            ulValueLen: len(buffer),
        };
        let query = |cka| CK_ATTRIBUTE { type_: cka, pValue: null_mut(), ulValueLen: 77 };
        let mut all = [
            ask(CKA_LABEL, &mut short),
            query(CKA_VALUE),
            query(CKA_MODULUS),
            ask(CKA_ID, &mut id),
            query(CKA_LABEL),
            ask(CKA_CLASS, &mut class),
            query(0x7FFF_FFFF),
        ];
        let get = |all: &mut [CK_ATTRIBUTE]| {
            let count = all.len() as CK_ULONG;
            call!(t.C_GetAttributeValue(t.handle, key, all.as_mut_ptr(), count))
        };
        assert_eq!(get(&mut all), Err(CKR_ATTRIBUTE_SENSITIVE));
        const NONE: CK_ULONG = CK_UNAVAILABLE_INFORMATION;
        let lens = all.map(|one| one.ulValueLen);
        assert_eq!(lens, [NONE, NONE, NONE, 4, 5, 8, NONE]);
        assert_eq!((&id[..4], short), (&b"four"[..], [0, 0]));
        assert_eq!(CK_ULONG::from_ne_bytes(class), CKO_SECRET_KEY);

        assert_eq!(get(&mut [query(CKA_MODULUS)]), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        assert_eq!(get(&mut [ask(CKA_LABEL, &mut short)]), Err(CKR_BUFFER_TOO_SMALL));
        let both = &mut [ask(CKA_LABEL, &mut short), query(CKA_MODULUS)];
        assert_eq!(get(both), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        assert_eq!(get(&mut []), Ok(()));
    });
}

#[test]
fn templates_in_templates_come_back() {
    with_token(|t| {
        let inner = attrs![CKA_EXTRACTABLE => false, CKA_LABEL => "inside"];
        let key =
            t.create(&with(&aes_value(&[1; 16]), attrs![CKA_UNWRAP_TEMPLATE => inner])).unwrap();
        let mut outer =
            CK_ATTRIBUTE { type_: CKA_UNWRAP_TEMPLATE, pValue: null_mut(), ulValueLen: 0 };
        let mut get =
            || call!(t.C_GetAttributeValue(t.handle, key, &raw mut outer, 1)).map(|()| outer);
        let size = get().unwrap().ulValueLen as usize;
        assert_eq!(size, 2 * size_of::<CK_ATTRIBUTE>());
        let mut array = [CK_ATTRIBUTE { type_: 0, pValue: null_mut(), ulValueLen: 0 }; 2];
        outer.pValue = array.as_mut_ptr().cast();
        call!(t.C_GetAttributeValue(t.handle, key, &mut outer, 1)).unwrap();
        let mut buffers = array.map(|one| vec![0u8; one.ulValueLen as usize]);
        for (one, buffer) in array.iter_mut().zip(&mut buffers) {
            one.pValue = buffer.as_mut_ptr().cast();
        }
        call!(t.C_GetAttributeValue(t.handle, key, &mut outer, 1)).unwrap();
        let mut found: Vec<_> = array.iter().map(|one| one.type_).zip(buffers).collect();
        found.sort();
        assert_eq!(found, [(CKA_LABEL, b"inside".to_vec()), (CKA_EXTRACTABLE, vec![CK_FALSE])]);
    });
}

#[test]
fn templates_that_cannot_be() {
    with_token(|t| {
        let note = data_object(false);
        let aes = aes_value(&[1; 16]);
        let without = |template: &[(CK_ATTRIBUTE_TYPE, Attr)], cka| -> Vec<_> {
            template.iter().filter(|(given, _)| *given != cka).cloned().collect()
        };
        let (inconsistent, invalid) = (CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID);
        let refused = [
            (vec![], CKR_TEMPLATE_INCOMPLETE),
            (without(&aes, CKA_CLASS), CKR_TEMPLATE_INCOMPLETE),
            (without(&aes, CKA_KEY_TYPE), CKR_TEMPLATE_INCOMPLETE),
            (without(&aes, CKA_VALUE), CKR_TEMPLATE_INCOMPLETE),
            (without(&certificate(), CKA_SUBJECT), CKR_TEMPLATE_INCOMPLETE),
            (without(&certificate(), CKA_VALUE), CKR_TEMPLATE_INCOMPLETE),
            (with(&note, attrs![CKA_CLASS => CKO_HW_FEATURE]), invalid),
            (with(&aes, attrs![CKA_KEY_TYPE => CKK_DES3]), invalid),
            (with(&note, attrs![CKA_TOKEN => b"long"]), invalid),
            (with(&note, attrs![CKA_LABEL => Attr::Null(4)]), invalid),
            (with(&aes, attrs![CKA_START_DATE => b"yesterda"]), invalid),
            (with(&note, attrs![CKA_ENCRYPT => true]), CKR_ATTRIBUTE_TYPE_INVALID),
            (with(&note, attrs![0x7FFF_FFFF => true]), CKR_ATTRIBUTE_TYPE_INVALID),
            (with(&aes, attrs![CKA_MODULUS => b"x"]), CKR_ATTRIBUTE_TYPE_INVALID),
            (with(&aes, attrs![CKA_LOCAL => true]), CKR_ATTRIBUTE_READ_ONLY),
            (with(&aes, attrs![CKA_ALWAYS_SENSITIVE => true]), CKR_ATTRIBUTE_READ_ONLY),
            (with(&aes, attrs![CKA_NEVER_EXTRACTABLE => true]), CKR_ATTRIBUTE_READ_ONLY),
            (with(&aes, attrs![CKA_KEY_GEN_MECHANISM => 1usize]), CKR_ATTRIBUTE_READ_ONLY),
            (with(&note, attrs![CKA_UNIQUE_ID => "mine"]), CKR_ATTRIBUTE_READ_ONLY),
            (with(&aes, attrs![CKA_VALUE_LEN => 32usize]), inconsistent),
            (with(&aes, attrs![CKA_CHECK_VALUE => b"abc"]), invalid),
            (with(&aes, attrs![CKA_TRUSTED => true]), CKR_ATTRIBUTE_READ_ONLY),
        ];
        let before = t.find(&[]).unwrap();
        for (template, expected) in refused {
            assert_eq!(t.create(&template), Err(expected), "{template:?}");
        }
        let twice = [note.clone(), attrs![CKA_LABEL => "other"].to_vec()].concat();
        assert_eq!(t.create(&twice), Err(inconsistent));
        assert_eq!(t.find(&[]).unwrap(), before, "nothing was left behind");
        // said twice, but the same
        t.create(&[note.clone(), attrs![CKA_LABEL => "a note"].to_vec()].concat()).unwrap();
    });
}

#[test]
fn what_sticks() {
    with_token(|t| {
        let yes = |cka| attrs![cka => true];
        let no = |cka| attrs![cka => false];
        let sensitive = with(&aes_value(&[1; 16]), attrs![CKA_SENSITIVE => true]);
        let key = t.create(&sensitive).unwrap();
        let read_only = Err(CKR_ATTRIBUTE_READ_ONLY);
        assert_eq!(t.set(key, &no(CKA_SENSITIVE)), read_only);
        assert_eq!(t.set(key, &yes(CKA_EXTRACTABLE)), read_only);
        for cka in [CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_LOCAL] {
            assert_eq!(t.set(key, &yes(cka)), read_only);
        }
        assert_eq!(t.set(key, &attrs![CKA_VALUE => &[2; 16]]), read_only);
        assert_eq!(t.set(key, &attrs![CKA_KEY_TYPE => CKK_AES]), read_only);
        assert_eq!(t.set(key, &attrs![CKA_MODULUS => b"x"]), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        assert_eq!(t.set(key, &attrs![CKA_ENCRYPT => b"xx"]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        t.set(key, &yes(CKA_WRAP_WITH_TRUSTED)).unwrap();
        assert_eq!(t.set(key, &no(CKA_WRAP_WITH_TRUSTED)), read_only);
        assert_eq!(t.set(key, &yes(CKA_TRUSTED)), read_only, "the SO's");
        // all or nothing
        let both = attrs![CKA_LABEL => "new", CKA_SENSITIVE => false];
        assert_eq!(t.set(key, &both), read_only);
        assert_eq!(t.bytes(key, CKA_LABEL).unwrap(), b"");
        t.set(key, &no(CKA_ENCRYPT)).unwrap();
        let ecb = Mech::new(CKM_AES_ECB);
        assert_eq!(t.encrypt(&ecb, key, &[0; 16]), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));

        // copies: no less strict than their originals
        let inconsistent = Err(CKR_TEMPLATE_INCONSISTENT);
        assert_eq!(t.copy(key, &no(CKA_SENSITIVE)), inconsistent);
        assert_eq!(t.copy(key, &yes(CKA_EXTRACTABLE)), inconsistent);
        assert_eq!(t.copy(key, &no(CKA_PRIVATE)), inconsistent);
        assert_eq!(t.copy(key, &no(CKA_WRAP_WITH_TRUSTED)), inconsistent);
        assert_eq!(t.copy(key, &yes(CKA_TRUSTED)), Err(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(t.copy(key, &attrs![CKA_VALUE => &[2; 16]]), Err(CKR_ATTRIBUTE_READ_ONLY));
        let copy = t.copy(key, &attrs![CKA_LABEL => "copy", CKA_ENCRYPT => true]).unwrap();
        assert_eq!(t.bytes(copy, CKA_LABEL).unwrap(), b"copy");
        assert_eq!(t.bytes(copy, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        let plain = t.secret(CKK_AES, &[1; 16]).unwrap();
        assert_eq!(t.encrypt(&ecb, copy, &[5; 16]), t.encrypt(&ecb, plain, &[5; 16]));
        assert_ne!(t.bytes(copy, CKA_UNIQUE_ID), t.bytes(key, CKA_UNIQUE_ID));
    });
}

#[test]
fn objects_that_may_not_be_touched() {
    with_token(|t| {
        for token in [false, true] {
            let note = data_object(token);
            let prohibited = Err(CKR_ACTION_PROHIBITED);
            let fixed = t.create(&with(&note, attrs![CKA_MODIFIABLE => false])).unwrap();
            let label = attrs![CKA_LABEL => "new"];
            assert_eq!(t.set(fixed, &label), prohibited);
            assert_eq!(
                t.copy(fixed, &attrs![CKA_MODIFIABLE => true]),
                Err(CKR_TEMPLATE_INCONSISTENT)
            );
            assert_eq!(t.set(t.copy(fixed, &[]).unwrap(), &label), prohibited);
            t.destroy(fixed).unwrap();

            let lone = t.create(&with(&note, attrs![CKA_COPYABLE => false])).unwrap();
            assert_eq!(t.copy(lone, &[]), Err(CKR_ACTION_PROHIBITED));
            assert_eq!(t.set(lone, &attrs![CKA_COPYABLE => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
            t.set(lone, &label).unwrap();

            let kept = t.create(&with(&note, attrs![CKA_DESTROYABLE => false])).unwrap();
            assert_eq!(t.destroy(kept), prohibited);
            assert_eq!(t.set(kept, &attrs![CKA_DESTROYABLE => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
            assert_eq!(t.destroy(kept), prohibited);
            assert_eq!(t.bytes(kept, CKA_VALUE).unwrap(), b"something");
        }
    });
}

/// Token objects are written by someone who is logged in, in a read-write session.
#[test]
fn who_may_write_what() {
    with_token(|t| {
        let (lasting, passing) = (data_object(true), data_object(false));
        let private = |template: &[_]| with(template, attrs![CKA_PRIVATE => true]);
        let ro = t.p.open_ro(0).unwrap();
        let own = t.create(&lasting).unwrap();
        let label = attrs![CKA_LABEL => "new"];
        assert_eq!(ro.create(&lasting), Err(CKR_SESSION_READ_ONLY));
        assert_eq!(ro.set(own, &label), Err(CKR_SESSION_READ_ONLY));
        assert_eq!(ro.destroy(own), Err(CKR_SESSION_READ_ONLY));
        assert_eq!(ro.copy(own, &[]), Err(CKR_SESSION_READ_ONLY));
        let copy = ro.copy(own, &attrs![CKA_TOKEN => false]).unwrap();
        ro.set(copy, &label).unwrap();
        ro.destroy(ro.create(&private(&passing)).unwrap()).unwrap();
        let token_key = attrs![CKA_VALUE_LEN => 16usize, CKA_TOKEN => true];
        let aes = Mech::new(CKM_AES_KEY_GEN);
        assert_eq!(ro.generate(&aes, &token_key), Err(CKR_SESSION_READ_ONLY));
        ro.close().unwrap();

        t.logout().unwrap();
        let out = Err(CKR_USER_NOT_LOGGED_IN);
        assert_eq!(t.create(&lasting), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(t.set(own, &label), out);
        assert_eq!(t.destroy(own), out);
        assert_eq!(t.create(&private(&passing)), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(t.create(&private(&aes_value(&[1; 16]))), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(t.generate(&aes, &token_key), Err(CKR_USER_NOT_LOGGED_IN));
        for key in [t.create(&aes_value(&[1; 16])).unwrap(), t.aes(16).unwrap()] {
            assert_eq!(t.flag(key, CKA_PRIVATE), Ok(false), "the default before login");
            t.destroy(key).unwrap();
        }
        let mine = t.create(&passing).unwrap();
        t.set(mine, &label).unwrap();
        t.destroy(mine).unwrap();

        t.login(CKU_SO, SO_PIN).unwrap();
        let (_, by_so) = t.rsa(1024).unwrap();
        assert_eq!(t.flag(by_so, CKA_PRIVATE), Ok(false), "the default of the SO");
        assert_eq!(t.create(&private(&passing)), Err(CKR_USER_NOT_LOGGED_IN));
        assert_eq!(t.create(&private(&lasting)), Err(CKR_USER_NOT_LOGGED_IN));
        t.set(own, &label).unwrap();
        t.destroy(own).unwrap();
        let by_so = t.create(&with(&certificate(), attrs![CKA_TOKEN => true])).unwrap();
        t.set(by_so, &attrs![CKA_TRUSTED => true]).unwrap();
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.flag(by_so, CKA_TRUSTED), Ok(true));
        let copy = t.copy(by_so, &[]).unwrap();
        assert_eq!(t.flag(copy, CKA_TRUSTED), Ok(false), "trust is not inherited");
    });
}
