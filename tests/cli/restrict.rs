//! `keyferry key restrict`: a copy that can do nothing but leave under a trusted KEK.
use crate::{Place, with_token};
use keyferry::ck::*;
use keyferry::client::{Access, Mechanism, Module, Session, Template, User};
use serde_json::Value;

fn with_copies() -> Place {
    let place = with_token();
    place.good("key restrict sign");
    place.good("key restrict aes --label aes-copy");
    place
}

#[test]
fn refuses_what_cannot_be_restricted() {
    with_copies().refuses(include_str!("restrict.toml"));
}

#[test]
fn the_copy_has_fewer_rights_and_the_original_its_own() {
    let place = with_token();
    let private = |label: &str| -> Value {
        let found = place.json(&format!("key show {label}"));
        found.as_array().unwrap().iter().find(|key| key["class"] != "public").unwrap().clone()
    };
    for (label, uses) in [
        ("sign", &["sign", "decrypt", "unwrap", "derive"][..]),
        ("aes", &["encrypt", "decrypt", "wrap", "unwrap"]),
    ] {
        let before = private(label);
        let answer = place.json(&format!("key restrict {label}"));
        assert_eq!(answer["label"], format!("{label}-transfer"));
        assert_eq!((&answer["of"], &answer["wrap_with_trusted"]), (&label.into(), &true.into()));
        assert_eq!(
            (&answer["modifiable"], &answer["usage"]),
            (&false.into(), &serde_json::json!([]))
        );
        assert_eq!(private(label), before, "the original changed");
        let copy = private(&format!("{label}-transfer"));
        for name in uses.iter().chain(&["modifiable", "copyable"]) {
            assert_eq!(copy["attributes"][name], false, "{label}: {name}");
        }
        for name in ["wrap_with_trusted", "extractable", "sensitive", "token"] {
            assert_eq!(copy["attributes"][name], true, "{label}: {name}");
        }
        assert_eq!(copy["id"], before["id"]);
    }
}

#[test]
fn the_copy_leaves_under_trusted_keks_only() {
    let place = with_copies();
    place.good("kek import {dir}/KEK-real.pem --label trusted --trust --kid {kid}");
    place.good("export azure --kek trusted --key sign-transfer");
    place.good("export aws --kek trusted --key aes-copy");
    the_module_itself_refuses(&place);
}

/// Not only the command line: the functions of the standard, too, in a process of another store.
fn the_module_itself_refuses(place: &Place) {
    let module = Module::embedded(Some(&format!("sqlite:{}", place.path("store")))).unwrap();
    let session = module.open(0, Access::ReadWrite).unwrap();
    session.login(User::User, "12345678").unwrap();
    let one = |class, label: &str| {
        let found = session.find(&Template::class(class).bytes(CKA_LABEL, label.as_bytes()));
        found.unwrap()[0]
    };
    let copy = one(CKO_PRIVATE_KEY, "sign-transfer");
    let wrap = |kek| session.wrap(&Mechanism::azure(), one(CKO_PUBLIC_KEY, kek), copy);
    assert!(wrap("kek").unwrap_err().is(CKR_KEY_NOT_WRAPPABLE));
    assert_eq!(wrap("trusted").unwrap().len(), 664);
    let sign = session.sign(&Mechanism::Plain(CKM_ECDSA), copy, &[1; 32]).unwrap_err();
    assert!(sign.is(CKR_KEY_FUNCTION_NOT_PERMITTED), "{sign}");
    gives_nothing_back(&session, copy);
}

fn gives_nothing_back(session: &Session, copy: CK_OBJECT_HANDLE) {
    for cka in [CKA_WRAP_WITH_TRUSTED, CKA_SIGN, CKA_MODIFIABLE, CKA_SENSITIVE] {
        let other = Template::default().flag(cka, matches!(cka, CKA_SIGN | CKA_MODIFIABLE));
        assert!(session.set(copy, &other).is_err(), "set 0x{cka:X}");
        assert!(session.copy(copy, &other).is_err(), "copy 0x{cka:X}");
    }
    assert!(session.attribute(copy, CKA_VALUE).unwrap().is_none());
}
