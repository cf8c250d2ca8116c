//! `C_FindObjectsInit`, `C_FindObjects`, `C_FindObjectsFinal`.
use crate::common::*;
use crate::disk::{Disk, data, named, user};
use std::ptr::null_mut;

/// A search in pieces of `n`: what each call gave.
fn pieces(s: &Session, template: &[(CK_ATTRIBUTE_TYPE, Attr)], n: usize) -> Vec<Vec<Handle>> {
    let mut raw = RawTemplate::new(template);
    call!(s.C_FindObjectsInit(s.handle, raw.ptr(), raw.count())).unwrap();
    let mut all = Vec::new();
    loop {
        let piece = more(s, n).unwrap();
        if piece.is_empty() {
            break;
        }
        all.push(piece);
    }
    call!(s.C_FindObjectsFinal(s.handle)).unwrap();
    all
}

fn more(s: &Session, n: usize) -> Rv<Vec<Handle>> {
    let (mut found, mut count) = (vec![0; n], 99);
    call!(s.C_FindObjects(s.handle, found.as_mut_ptr(), n as CK_ULONG, &mut count))?;
    found.truncate(count as usize);
    Ok(found)
}

#[test]
fn by_any_attribute() {
    with_token(|t| {
        let note = data(t, "note");
        let (rsa, rsa_private) = t.rsa(1024).unwrap();
        let (ec, ec_private) = t.ec(keys::P256).unwrap();
        let aes = t.aes(32).unwrap();
        let mac = t.secret(CKK_SHA256_HMAC, b"mac value").unwrap();
        t.set(rsa, &attrs![CKA_ID => b"1", CKA_LABEL => "same"]).unwrap();
        t.set(rsa_private, &attrs![CKA_ID => b"1", CKA_LABEL => "same"]).unwrap();
        t.set(ec_private, &attrs![CKA_LABEL => "same", CKA_SIGN => false]).unwrap();
        let modulus = t.bytes(rsa, CKA_MODULUS).unwrap();
        let point = t.bytes(ec, CKA_EC_POINT).unwrap();
        let unique = t.bytes(aes, CKA_UNIQUE_ID).unwrap();
        let aes_mechanism = t.ulong(aes, CKA_KEY_GEN_MECHANISM).unwrap();
        assert_eq!(aes_mechanism, CKM_AES_KEY_GEN);

        let found = [
            (attrs![CKA_CLASS => CKO_PUBLIC_KEY].to_vec(), vec![rsa, ec]),
            (attrs![CKA_CLASS => CKO_DATA].to_vec(), vec![note]),
            (attrs![CKA_ID => b"1"].to_vec(), vec![rsa, rsa_private]),
            (attrs![CKA_LABEL => "same"].to_vec(), vec![rsa, rsa_private, ec_private]),
            (attrs![CKA_LABEL => "sam"].to_vec(), vec![]),
            (attrs![CKA_KEY_TYPE => CKK_EC].to_vec(), vec![ec, ec_private]),
            (attrs![CKA_TOKEN => true].to_vec(), vec![note]),
            (attrs![CKA_PRIVATE => false].to_vec(), vec![note, rsa, ec]),
            (attrs![CKA_UNWRAP => true].to_vec(), vec![rsa_private, aes]),
            (attrs![CKA_SIGN => true].to_vec(), vec![rsa_private, aes, mac]),
            (attrs![CKA_VALUE_LEN => 32usize].to_vec(), vec![aes]),
            (attrs![CKA_MODULUS_BITS => 1024usize].to_vec(), vec![rsa]),
            (attrs![CKA_MODULUS => &modulus].to_vec(), vec![rsa, rsa_private]),
            (attrs![CKA_EC_POINT => point, CKA_VERIFY => true].to_vec(), vec![ec]),
            (attrs![CKA_EC_PARAMS => keys::P256].to_vec(), vec![ec, ec_private]),
            (attrs![CKA_UNIQUE_ID => unique].to_vec(), vec![aes]),
            (attrs![CKA_KEY_GEN_MECHANISM => CKM_AES_KEY_GEN].to_vec(), vec![aes]),
            (attrs![CKA_SUBJECT => b""].to_vec(), vec![rsa, rsa_private, ec, ec_private]),
            (attrs![CKA_VALUE => "note"].to_vec(), vec![note]),
            (attrs![CKA_VALUE => b"mac value"].to_vec(), vec![mac]),
            (
                attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_ID => b"1", CKA_LABEL => "same"].to_vec(),
                vec![rsa_private],
            ),
            (attrs![CKA_CLASS => CKO_DATA, CKA_ID => b"1"].to_vec(), vec![]),
            (vec![], vec![note, rsa, rsa_private, ec, ec_private, aes, mac]),
        ];
        for (template, mut expected) in found {
            let mut seen = t.find(&template).unwrap();
            seen.sort_unstable();
            expected.sort_unstable();
            assert_eq!(seen, expected, "{template:?}");
        }
    });
}

/// Whoever may not see a value may not guess it either.
#[test]
fn secrets_are_not_found_by_their_value() {
    let disk = Disk::new();
    let value = |bytes: &[u8]| attrs![CKA_VALUE => bytes];
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        for (byte, sensitive) in [(1, true), (2, false)] {
            let template = attrs![
                CKA_CLASS => CKO_SECRET_KEY,
                CKA_KEY_TYPE => CKK_AES,
                CKA_VALUE => &[byte; 16],
                CKA_TOKEN => true,
                CKA_SENSITIVE => sensitive,
                CKA_EXTRACTABLE => true,
            ];
            session.create(&template).unwrap();
        }
        assert!(session.find(&value(&[1; 16])).unwrap().is_empty());
        assert_eq!(session.find(&value(&[2; 16])).unwrap().len(), 1);
    });
    disk.visit(|p| {
        let session = user(p, 0);
        assert!(session.find(&value(&[1; 16])).unwrap().is_empty());
        let found = session.find(&value(&[2; 16])).unwrap();
        assert_eq!(found.len(), 1, "what may be seen is found after a restart too");
    });
}

#[test]
fn in_pieces() {
    with_token(|t| {
        let notes: Vec<_> = (0..7).map(|_| data(t, "note")).collect();
        data(t, "another");
        let note = attrs![CKA_LABEL => "note"];
        for (n, calls) in [(1, 7), (2, 4), (3, 3), (7, 1), (100, 1)] {
            let found = pieces(t, &note, n);
            assert_eq!((found.len(), found.concat()), (calls, notes.clone()));
        }
        // a handle each, found once, also if one goes in between
        let mut raw = RawTemplate::new(&note);
        call!(t.C_FindObjectsInit(t.handle, raw.ptr(), raw.count())).unwrap();
        assert_eq!(more(t, 3).unwrap(), notes[..3]);
        assert!(more(t, 0).unwrap().is_empty());
        t.destroy(notes[3]).unwrap();
        data(t, "note");
        let rest = more(t, 100).unwrap();
        assert!(rest.ends_with(&notes[4..]), "{rest:?}");
        assert!(more(t, 100).unwrap().is_empty());
        call!(t.C_FindObjectsFinal(t.handle)).unwrap();
    });
}

#[test]
fn one_search_at_a_time() {
    with_token(|t| {
        let init = |s: &Session| {
            let mut raw = RawTemplate::new(&attrs![CKA_CLASS => CKO_DATA]);
            call!(s.C_FindObjectsInit(s.handle, raw.ptr(), raw.count()))
        };
        let end = |s: &Session| call!(s.C_FindObjectsFinal(s.handle));
        assert_eq!(more(t, 1), Err(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(end(t), Err(CKR_OPERATION_NOT_INITIALIZED));
        init(t).unwrap();
        assert_eq!(init(t), Err(CKR_OPERATION_ACTIVE));
        let other = t.p.open_ro(0).unwrap();
        init(&other).unwrap();
        end(&other).unwrap();
        // searching is no obstacle to anything else
        let key = t.aes(16).unwrap();
        t.encrypt(&Mech::new(CKM_AES_ECB), key, &[0; 16]).unwrap();
        assert!(more(t, 1).unwrap().is_empty());
        end(t).unwrap();
        init(t).unwrap();
        call!(t.C_SessionCancel(t.handle, CKF_FIND_OBJECTS)).unwrap();
        assert_eq!(more(t, 1), Err(CKR_OPERATION_NOT_INITIALIZED));
        // a template that cannot be read starts nothing
        let mut raw = RawTemplate::new(&attrs![CKA_LABEL => Attr::Null(4)]);
        let unread = call!(t.C_FindObjectsInit(t.handle, raw.ptr(), 1));
        assert_eq!(unread, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let none = call!(t.C_FindObjectsInit(t.handle, null_mut(), 1));
        assert_eq!(none, Err(CKR_ARGUMENTS_BAD));
        assert_eq!(end(t), Err(CKR_OPERATION_NOT_INITIALIZED));
        assert!(named(t, "none").is_empty());
    });
}

/// Programs ask every token for what only some have: NSS for `CKA_NSS_*` and trust objects. The
/// answer is that there is none, as long as the question can be read at all.
#[test]
fn what_nothing_can_match() {
    const NSS_TRUST: CK_ULONG = 0xCE53_4353;
    const NSS_MOZILLA_CA_POLICY: CK_ULONG = 0xCE53_4382;
    with_token(|t| {
        data(t, "note");
        let key = t.aes(16).unwrap();
        for template in [
            attrs![0x7FFF_FFFF => true].to_vec(),
            attrs![NSS_MOZILLA_CA_POLICY => true, CKA_TOKEN => true].to_vec(),
            attrs![CKA_CLASS => NSS_TRUST].to_vec(),
            attrs![CKA_CLASS => b"short"].to_vec(),
            attrs![CKA_TOKEN => b"long"].to_vec(),
            attrs![CKA_START_DATE => b"tomorrow"].to_vec(),
            attrs![CKA_ALLOWED_MECHANISMS => b"odd"].to_vec(),
            attrs![CKA_UNWRAP_TEMPLATE => b"no array"].to_vec(),
            attrs![CKA_UNWRAP_TEMPLATE => attrs![0x7FFF_FFFF => true]].to_vec(),
            attrs![CKA_PRIVATE => true, CKA_PRIVATE => false].to_vec(),
            attrs![CKA_CLASS => CKO_VALIDATION].to_vec(),
            attrs![CKA_CLASS => CKO_DOMAIN_PARAMETERS].to_vec(),
        ] {
            assert_eq!(t.find(&template), Ok(vec![]), "{template:?}");
        }
        assert_eq!(t.find(&attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_ID => b""]), Ok(vec![key]));
    });
}

#[test]
fn arrays_are_search_terms_too() {
    with_token(|t| {
        let inner = || attrs![CKA_EXTRACTABLE => false, CKA_LABEL => "inside"];
        let mechanisms: &[CK_ULONG] = &[CKM_AES_KEY_WRAP_KWP, CKM_AES_GCM];
        let template = attrs![
            CKA_VALUE_LEN => 16usize,
            CKA_UNWRAP_TEMPLATE => inner(),
            CKA_ALLOWED_MECHANISMS => mechanisms,
        ];
        let bound = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        let free = t.aes(16).unwrap();
        let one = |template: &[_]| t.find(template).unwrap();
        assert_eq!(one(&attrs![CKA_UNWRAP_TEMPLATE => inner()]), [bound]);
        let turned = attrs![CKA_LABEL => "inside", CKA_EXTRACTABLE => false];
        assert_eq!(one(&attrs![CKA_UNWRAP_TEMPLATE => turned]), [bound]);
        assert!(one(&attrs![CKA_UNWRAP_TEMPLATE => attrs![CKA_EXTRACTABLE => false]]).is_empty());
        assert_eq!(one(&attrs![CKA_ALLOWED_MECHANISMS => mechanisms]), [bound]);
        assert!(one(&attrs![CKA_ALLOWED_MECHANISMS => &mechanisms[..1]]).is_empty());
        // an array that was never given is not an empty one, as C_GetAttributeValue says too
        let none = attrs![CKA_VALUE_LEN => 16usize, CKA_ALLOWED_MECHANISMS => b""];
        let none = t.generate(&Mech::new(CKM_AES_KEY_GEN), &none).unwrap();
        let absent = Err(CKR_ATTRIBUTE_TYPE_INVALID);
        for cka in [CKA_ALLOWED_MECHANISMS, CKA_WRAP_TEMPLATE, CKA_DERIVE_TEMPLATE] {
            assert_eq!(t.bytes(free, cka), absent, "{cka:#x}");
        }
        assert_eq!(t.bytes(none, CKA_ALLOWED_MECHANISMS), Ok(vec![]));
        assert_eq!(one(&attrs![CKA_ALLOWED_MECHANISMS => b""]), [none]);
    });
}

/// Neither the value nor its absence can be found out of a key that hides it.
#[test]
fn searching_is_no_oracle() {
    with_token(|t| {
        let (_, private) = t.rsa(1024).unwrap();
        let aes = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE => &[7; 16],
            CKA_SENSITIVE => false,
            CKA_EXTRACTABLE => false,
        ];
        let kept = t.create(&aes).unwrap();
        for (key, cka) in
            [(private, CKA_PRIVATE_EXPONENT), (private, CKA_PRIME_1), (kept, CKA_VALUE)]
        {
            assert_eq!(t.bytes(key, cka), Err(CKR_ATTRIBUTE_SENSITIVE));
            for value in [&b""[..], &[0], &[7; 16]] {
                assert_eq!(t.find(&attrs![cka => value]), Ok(vec![]));
            }
        }
    });
}
