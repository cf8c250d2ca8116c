//! `keyferry kek`: what is kept of a KEK, and what is said of what is not.
use crate::{KID, Place, jwk, with_token};
use keyferry::byok::kek::Kek;
use serde_json::json;

/// With a JWK that another system has named.
fn with_named() -> Place {
    let place = with_token();
    let kek = Kek::parse(&std::fs::read(place.path("KEK-real.pem")).unwrap()).unwrap();
    std::fs::write(place.path("named.jwk"), jwk(&kek, ",\"kid\":\"kek-1\"")).unwrap();
    place
}

#[test]
fn a_name_that_is_not_kept_is_told() {
    let place = with_named();
    let shown = place.good("kek import {dir}/named.jwk --label named");
    let said = "kid in the file  \"kek-1\" is not kept, since it is no key identifier of Azure's; if the KEK is \
                Azure's, import it with --kid\n";
    assert!(shown.contains(said), "{shown}");
    let shown = place.good("kek import {dir}/named.jwk --label both --kid {kid}");
    assert!(
        shown.contains("\"kek-1\" is not kept") && shown.contains("the one given is\n"),
        "{shown}"
    );
    assert!(!place.good("kek import {dir}/real.jwk --label real").contains("in the file"));
    for (line, kid, kept, named) in [
        ("{dir}/named.jwk --label a", None, false, Some("kek-1")),
        ("{dir}/named.jwk --label b --kid {kid}", Some(KID), true, Some("kek-1")),
        ("{dir}/real.jwk --label c", Some(KID), true, Some(KID)),
        ("{dir}/KEK-real.pem --label d", None, false, None),
    ] {
        let answer = place.json(&format!("kek import {line}"));
        assert_eq!(answer["kid"].as_str(), kid, "{line}");
        assert_eq!(answer["kid_kept"], kept, "{line}");
        assert_eq!(answer["kid_in_file"].as_str(), named, "{line}");
    }
}

#[test]
fn lists_show_what_there_is_to_know() {
    let place = with_named();
    place.good("kek import {dir}/real.jwk --label trusted --trust");
    let shown = place.good("kek list");
    let line = |text: &str, label: &str| -> String {
        let found = text.lines().find(|line| line.starts_with(label));
        let words: Vec<&str> = found.unwrap().split("  ").map(str::trim).collect();
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<&str>>().join("|")
    };
    let sha256 = &place.json("kek list")[0]["sha256"];
    assert_eq!(line(&shown, "LABEL"), "LABEL|ID|TYPE|TRUSTED|SHA-256|KID");
    assert_eq!(
        line(&shown, "kek"),
        format!("kek|-|RSA-2048|no|{}|{KID}", sha256.as_str().unwrap())
    );
    assert!(line(&shown, "trusted").starts_with("trusted|-|RSA-4096|yes|"), "{shown}");

    let shown = place.good("key list");
    assert_eq!(line(&shown, "LABEL"), "LABEL|CLASS|TYPE|ID|LEAVING|ACTIVE|TRUSTED|KID");
    assert_eq!(line(&shown, "aes"), "aes|secret|AES-256|0a0b|extractable");
    assert_eq!(line(&shown, "trusted"), format!("trusted|public|RSA-4096|-|yes|{KID}"));
    assert!(line(&shown, "guarded  private").ends_with("|under trusted KEKs"), "{shown}");
    assert!(line(&shown, "stays  ").contains("|stays"), "{shown}");

    let keys = place.json("key list");
    let facts = |label: &str, class: &str| {
        let keys = keys.as_array().unwrap();
        let key = keys.iter().find(|key| key["label"] == label && key["class"] == class).unwrap();
        json!([key["extractable"], key["wrap_with_trusted"], key["trusted"], key["kid"]])
    };
    assert_eq!(facts("guarded", "private"), json!([true, true, null, null]));
    assert_eq!(facts("sign", "private"), json!([true, false, null, null]));
    assert_eq!(facts("aes", "secret"), json!([true, false, false, null]));
    assert_eq!(facts("trusted", "public"), json!([null, null, true, KID]));
    assert_eq!(facts("sign", "public"), json!([null, null, false, null]));
}
