//! Attributes that depend on each other, sizes, copies, and what is known of a token.
use crate::common::*;
use crate::disk::data;
use std::ptr::null_mut;

fn secret(more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let base = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE => &[1; 16]];
    [&base[..], more].concat()
}

/// `CK_DATE`, and nothing ends before it starts.
#[test]
fn dates() {
    with_token(|t| {
        let both = |start: &str, end: &str| attrs![CKA_START_DATE => start, CKA_END_DATE => end];
        for (start, end, expected) in [
            ("20260101", "20260101", CKR_OK),
            ("20260101", "20270101", CKR_OK),
            ("", "20270101", CKR_OK),
            ("20270101", "", CKR_OK),
            ("20260102", "20260101", CKR_TEMPLATE_INCONSISTENT),
            ("20260230", "", CKR_ATTRIBUTE_VALUE_INVALID),
            ("2026-1-1", "", CKR_ATTRIBUTE_VALUE_INVALID),
            ("", "202601011", CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let made = t.create(&secret(&both(start, end)));
            assert_eq!(made.map_or_else(|rv| rv, |_| CKR_OK), expected, "{start} {end}");
            let whole = [&both(start, end)[..], &attrs![CKA_VALUE_LEN => 16usize]].concat();
            let generated = t.generate(&Mech::new(CKM_AES_KEY_GEN), &whole);
            assert_eq!(generated.map_or_else(|rv| rv, |_| CKR_OK), expected, "{start} {end}");
        }
        let key = t.create(&secret(&both("20260101", "20270101"))).unwrap();
        let earlier = attrs![CKA_END_DATE => "20250101"];
        assert_eq!(t.set(key, &earlier), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(t.copy(key, &earlier), Err(CKR_TEMPLATE_INCONSISTENT));
        t.set(key, &both("20240101", "20250101")).unwrap();
        assert_eq!(t.bytes(key, CKA_END_DATE).unwrap(), b"20250101");
    });
}

/// Section 4.11: a check value is right, or given up for good.
#[test]
fn check_values() {
    with_token(|t| {
        let key = t.create(&secret(&[])).unwrap();
        let value = t.bytes(key, CKA_CHECK_VALUE).unwrap();
        let given = attrs![CKA_CHECK_VALUE => &value];
        t.create(&secret(&given)).unwrap();
        t.set(key, &given).unwrap();
        let wrong = attrs![CKA_CHECK_VALUE => b"abc"];
        assert_eq!(t.create(&secret(&wrong)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(t.set(key, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(t.copy(key, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let none = attrs![CKA_CHECK_VALUE => b""];
        t.set(key, &none).unwrap();
        assert_eq!(t.bytes(key, CKA_CHECK_VALUE), Ok(vec![]));
        assert_eq!(t.set(key, &given), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let without = t.create(&secret(&none)).unwrap();
        assert_eq!(t.bytes(without, CKA_CHECK_VALUE), Ok(vec![]));
    });
}

/// Section 4.10: `CKA_PUBLIC_KEY_INFO` of a private key is that of its public half.
#[test]
fn public_key_info() {
    with_token(|t| {
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let open = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let (half, key) = t.generate_pair(&mech, &public, &open).unwrap();
        let (other, _) = t.generate_pair(&mech, &public, &open).unwrap();
        let info = t.bytes(half, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(t.bytes(key, CKA_PUBLIC_KEY_INFO).as_ref(), Ok(&info));
        let right = attrs![CKA_PUBLIC_KEY_INFO => &info];
        let wrong = attrs![CKA_PUBLIC_KEY_INFO => t.bytes(other, CKA_PUBLIC_KEY_INFO).unwrap()];
        let invalid = CKR_ATTRIBUTE_VALUE_INVALID;
        t.set(key, &right).unwrap();
        t.copy(key, &right).unwrap();
        assert_eq!(t.set(key, &wrong), Err(invalid));
        assert_eq!(t.copy(key, &wrong), Err(invalid));
        let whole = attrs![
            CKA_CLASS => CKO_PRIVATE_KEY,
            CKA_KEY_TYPE => CKK_EC,
            CKA_EC_PARAMS => keys::P256,
            CKA_VALUE => t.bytes(key, CKA_VALUE).unwrap(),
        ];
        t.create(&[&whole[..], &right].concat()).unwrap();
        assert_eq!(t.create(&[&whole[..], &wrong].concat()), Err(invalid));
    });
}

/// Section 4.10: `CKA_ALWAYS_AUTHENTICATE` is for private objects.
#[test]
fn always_authenticate() {
    with_token(|t| {
        let pair = |more: &[_]| {
            let public = attrs![CKA_EC_PARAMS => keys::P256];
            t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, more).map(|(_, key)| key)
        };
        let seen = attrs![CKA_ALWAYS_AUTHENTICATE => true, CKA_PRIVATE => false];
        assert_eq!(pair(&seen), Err(CKR_TEMPLATE_INCONSISTENT));
        let key = pair(&attrs![CKA_ALWAYS_AUTHENTICATE => true]).unwrap();
        let no = attrs![CKA_ALWAYS_AUTHENTICATE => false];
        assert_eq!(t.set(key, &no), Err(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(t.copy(key, &no), Err(CKR_ATTRIBUTE_READ_ONLY));
        assert_eq!(t.flag(t.copy(key, &[]).unwrap(), CKA_ALWAYS_AUTHENTICATE), Ok(true));
    });
}

/// Section 4.4: names are the token's to give, each once, and a copy has one of its own.
#[test]
fn unique_ids() {
    with_token(|t| {
        let mut all: Vec<_> = (0..20).map(|_| data(t, "note")).collect();
        all.extend(all.clone().into_iter().map(|note| t.copy(note, &[]).unwrap()));
        let of = |object: &Handle| t.bytes(*object, CKA_UNIQUE_ID).unwrap();
        let unique: std::collections::BTreeSet<_> = all.iter().map(of).collect();
        assert_eq!(unique.len(), all.len());
        for name in &unique {
            assert_eq!(t.find(&attrs![CKA_UNIQUE_ID => name]).unwrap().len(), 1);
        }
    });
}

/// Sizes are of what is kept: a byte more of content is a byte more of size.
#[test]
fn sizes_are_those_of_the_records() {
    with_token(|t| {
        let size = |len: usize, token: bool| {
            let value = vec![7; len];
            let note = attrs![CKA_CLASS => CKO_DATA, CKA_VALUE => value, CKA_TOKEN => token];
            t.size(t.create(&note).unwrap()).unwrap()
        };
        for token in [false, true] {
            assert_eq!(size(1000, token) - size(300, token), 700);
            assert_eq!(size(300, token) - size(200, token), 100);
        }
        let key =
            |len: usize| t.size(t.secret(CKK_GENERIC_SECRET, &vec![7; len]).unwrap()).unwrap();
        assert_eq!(key(1000) - key(300), 700, "key material counts");
        let note = data(t, "short");
        let before = t.size(note).unwrap();
        t.set(note, &attrs![CKA_LABEL => "longer by a few"]).unwrap();
        assert_eq!(t.size(note).unwrap() - before, 10);
    });
}

/// Section 5.7.2: a copy may be a token object, private, fixed or indestructible when the original
/// is not, and is in no way weaker.
#[test]
fn copies_are_as_strict_or_stricter() {
    with_token(|t| {
        let open = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true, CKA_PRIVATE => false];
        let key = t.create(&secret(&open)).unwrap();
        for (cka, value) in [
            (CKA_TOKEN, true),
            (CKA_PRIVATE, true),
            (CKA_SENSITIVE, true),
            (CKA_EXTRACTABLE, false),
            (CKA_WRAP_WITH_TRUSTED, true),
            (CKA_MODIFIABLE, false),
            (CKA_COPYABLE, false),
            (CKA_DESTROYABLE, false),
            (CKA_ENCRYPT, false),
        ] {
            let copy = t.copy(key, &attrs![cka => value]).unwrap();
            assert_eq!(t.flag(copy, cka), Ok(value), "{cka:x}");
            assert_eq!(t.flag(key, cka), Ok(!value), "the original stays");
            let back = t.copy(copy, &attrs![cka => !value]);
            match cka {
                CKA_TOKEN | CKA_ENCRYPT => assert_eq!(t.flag(back.unwrap(), cka), Ok(!value)),
                CKA_COPYABLE => assert_eq!(back, Err(CKR_ACTION_PROHIBITED)),
                _ => assert_eq!(back, Err(CKR_TEMPLATE_INCONSISTENT), "{cka:x}"),
            }
        }
        // what was once seen or could be taken out stays known for it
        let copy = t.copy(key, &attrs![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false]).unwrap();
        assert_eq!(t.flag(copy, CKA_ALWAYS_SENSITIVE), Ok(false));
        assert_eq!(t.flag(copy, CKA_NEVER_EXTRACTABLE), Ok(false));
        // of one that cannot be modified the copy differs in what section 4.1.3 names
        let fixed = t.copy(key, &attrs![CKA_MODIFIABLE => false]).unwrap();
        assert_eq!(t.copy(fixed, &attrs![CKA_LABEL => "new"]), Err(CKR_ATTRIBUTE_READ_ONLY));
        for (cka, value) in [(CKA_TOKEN, true), (CKA_PRIVATE, true), (CKA_DESTROYABLE, false)] {
            t.copy(fixed, &attrs![cka => value]).unwrap();
        }
        assert_eq!(t.copy(key, &attrs![CKA_KEY_TYPE => CKK_HKDF]), Err(CKR_ATTRIBUTE_READ_ONLY));
        let generated = t.aes(16).unwrap();
        assert_eq!(t.flag(t.copy(generated, &[]).unwrap(), CKA_LOCAL), Ok(true), "section 4.8");
    });
}

/// Section 5.7.6: one attribute that cannot be changed, and none is, wherever it stands.
#[test]
fn one_bad_attribute_changes_nothing() {
    with_token(|t| {
        for token in [false, true] {
            let key = t.create(&secret(&attrs![CKA_TOKEN => token])).unwrap();
            for (cka, value, rv) in [
                (CKA_CLASS, Attr::from(CKO_DATA), CKR_ATTRIBUTE_READ_ONLY),
                (CKA_EXTRACTABLE, Attr::from(true), CKR_ATTRIBUTE_READ_ONLY),
                (CKA_TRUSTED, Attr::from(true), CKR_ATTRIBUTE_READ_ONLY),
                (CKA_MODULUS, Attr::from("x"), CKR_ATTRIBUTE_TYPE_INVALID),
                (0x7FFF_FFFF, Attr::from("x"), CKR_ATTRIBUTE_TYPE_INVALID),
                (CKA_ENCRYPT, Attr::from("xx"), CKR_ATTRIBUTE_VALUE_INVALID),
                (CKA_START_DATE, Attr::from("xx"), CKR_ATTRIBUTE_VALUE_INVALID),
                (CKA_ID, Attr::Null(3), CKR_ATTRIBUTE_VALUE_INVALID),
                (CKA_LABEL, Attr::from("other"), CKR_TEMPLATE_INCONSISTENT),
            ] {
                let (label, bad) = ((CKA_LABEL, Attr::from("new")), (cka, value));
                assert_eq!(t.set(key, &[label.clone(), bad.clone()]), Err(rv), "{cka:x}");
                assert_eq!(t.set(key, &[bad, label]), Err(rv), "{cka:x}");
                assert_eq!(t.bytes(key, CKA_LABEL), Ok(vec![]), "{cka:x}");
            }
            t.set(key, &[]).unwrap();
        }
    });
}

/// Section 5.7.5, within templates: a member without room fails the whole and says so itself.
#[test]
fn nested_templates_without_room() {
    with_token(|t| {
        let inner = attrs![CKA_EXTRACTABLE => false, CKA_LABEL => "inside"];
        let key = t.create(&secret(&attrs![CKA_UNWRAP_TEMPLATE => inner])).unwrap();
        let empty = CK_ATTRIBUTE { type_: 0, pValue: null_mut(), ulValueLen: 0 };
        let mut members = [empty, empty];
        let size = size_of_val(&members) as CK_ULONG;
        let mut whole = CK_ATTRIBUTE {
            type_: CKA_UNWRAP_TEMPLATE,
            pValue: members.as_mut_ptr().cast(),
            ulValueLen: size,
        };
        let get = |whole: &mut CK_ATTRIBUTE| call!(t.C_GetAttributeValue(t.handle, key, whole, 1));
        get(&mut whole).unwrap();
        assert_eq!(whole.ulValueLen, size);
        let (mut flag, mut short) = ([9u8], [9u8; 3]);
        for member in &mut members {
            let (at, len) = match member.type_ {
                CKA_EXTRACTABLE => (flag.as_mut_ptr(), 1),
                CKA_LABEL => (short.as_mut_ptr(), 3),
                other => panic!("{other:x}"),
            };
            (member.pValue, member.ulValueLen) = (at.cast(), len);
        }
        assert_eq!(get(&mut whole), Err(CKR_BUFFER_TOO_SMALL));
        assert_eq!((flag, short), ([CK_FALSE], [9; 3]));
        assert_eq!(whole.ulValueLen, CK_UNAVAILABLE_INFORMATION);
        let len = |cka| members.iter().find(|member| member.type_ == cka).unwrap().ulValueLen;
        assert_eq!((len(CKA_EXTRACTABLE), len(CKA_LABEL)), (1, CK_UNAVAILABLE_INFORMATION));
        whole.ulValueLen = size - 1;
        assert_eq!(get(&mut whole), Err(CKR_BUFFER_TOO_SMALL));
    });
}

/// What a token does not know of itself it does not make up.
#[test]
fn memory_is_not_counted() {
    with_token(|t| {
        let info = t.p.token_info(0).unwrap();
        for memory in [
            info.ulTotalPublicMemory,
            info.ulFreePublicMemory,
            info.ulTotalPrivateMemory,
            info.ulFreePrivateMemory,
        ] {
            assert_eq!(memory, CK_UNAVAILABLE_INFORMATION);
        }
        let sessions = [info.ulMaxSessionCount, info.ulMaxRwSessionCount];
        assert_eq!(sessions, [CK_EFFECTIVELY_INFINITE; 2]);
    });
}
