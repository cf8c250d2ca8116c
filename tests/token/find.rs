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
        let init = |s: &Session| call!(s.C_FindObjectsInit(s.handle, null_mut(), 0));
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
        // a template that cannot be starts nothing
        let mut raw = RawTemplate::new(&attrs![0x7FFF_FFFF => true]);
        let unknown = call!(t.C_FindObjectsInit(t.handle, raw.ptr(), 1));
        assert_eq!(unknown, Err(CKR_ATTRIBUTE_TYPE_INVALID));
        let mut raw = RawTemplate::new(&attrs![CKA_CLASS => b"short"]);
        let short = call!(t.C_FindObjectsInit(t.handle, raw.ptr(), 1));
        assert_eq!(short, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(end(t), Err(CKR_OPERATION_NOT_INITIALIZED));
        assert!(named(t, "none").is_empty());
    });
}
