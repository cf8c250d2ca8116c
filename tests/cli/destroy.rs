//! `keyferry key destroy`: one key, whatever else has its label.
use crate::{Place, with_token};
use keyferry::ck::*;
use keyferry::client::{Access, Module, Template, User};
use serde_json::json;

/// With a second key aes (id 0c), and a KEK aes without an id.
fn with_several() -> Place {
    let place = with_token();
    place.good("kek import {dir}/KEK-real.pem --label aes");
    let module = Module::embedded(Some(&format!("sqlite:{}", place.path("store")))).unwrap();
    let session = module.open(0, Access::ReadWrite).unwrap();
    session.login(User::User, "12345678").unwrap();
    let aes = session.find(&Template::class(CKO_SECRET_KEY).bytes(CKA_LABEL, b"aes")).unwrap();
    session.copy(aes[0], &Template::default().bytes(CKA_ID, &[0x0c])).unwrap();
    place
}

fn ids(place: &Place, label: &str) -> Vec<String> {
    let keys = place.json("key list");
    let keys = keys.as_array().unwrap().iter().filter(|key| key["label"] == label);
    let mut ids: Vec<String> = keys.map(|key| key["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn refuses_what_is_not_one_key() {
    let place = with_several();
    place.refuses(include_str!("destroy.toml"));
    assert_eq!(ids(&place, "aes"), ["", "0a0b", "0c"]);
}

#[test]
fn destroys_the_one_that_is_named() {
    let place = with_several();
    let answer = place.json("key destroy aes --id 0c --yes");
    assert_eq!(answer, json!({ "label": "aes", "id": "0c", "destroyed": 1 }));
    assert_eq!(ids(&place, "aes"), ["", "0a0b"]);
    place.good("key destroy aes --id 0A0B --yes");
    // the last one needs no id
    assert_eq!(place.json("key destroy aes --yes")["id"], "");
    assert_eq!(ids(&place, "aes").len(), 0);
    // the KEK has none, and is no reason to keep it or to lose the other
    place.good("kek import {dir}/KEK-real.pem --label secret");
    assert_eq!(place.json("key destroy secret --id none --yes")["destroyed"], 1);
    assert_eq!(ids(&place, "secret").len(), 1);
    assert_eq!(place.json("key destroy sign --yes")["destroyed"], 2, "both halves of a pair");
}
