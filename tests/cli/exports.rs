//! `export` for every cloud: what it answers, and what it leaves. Command lines are in `exports.toml`.
use super::{KID, Place, text, with_token};
use keyferry::byok::azure::Package;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Exports {
    shape: Vec<String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    run: String,
    #[serde(default)]
    own: Vec<String>,
    is: serde_json::Map<String, Value>,
}

#[test]
fn refuses_what_clouds_refuse() {
    Place::new().refuses(include_str!("export-refusals.toml"));
}

#[test]
fn exports_for_every_cloud() {
    let place = with_token();
    place.good("key generate --type rsa-2048 --label rsa --extractable");
    place.good("key generate --type secret-256 --label my/key:1 --extractable");
    place.good("key generate --type p-256 --label '' --extractable");
    place.good("kek import {dir}/KEK-real.pem --label trusted --trust");
    let exports: Exports = toml::from_str(include_str!("exports.toml")).unwrap();
    for case in exports.case {
        let answer = place.json(&case.run);
        let members: BTreeSet<&str> =
            answer.as_object().unwrap().keys().map(String::as_str).collect();
        let wanted: BTreeSet<&str> =
            exports.shape.iter().chain(&case.own).map(String::as_str).collect();
        assert_eq!(members, wanted, "{}", case.run);
        for (member, wanted) in case.is {
            let wanted = match wanted.as_str() {
                Some(text) => text.replace("{kid}", KID).into(),
                None => wanted,
            };
            assert_eq!(answer[&member], wanted, "{}: {member}", case.run);
        }
        let file = std::fs::read(place.path(answer["file"].as_str().unwrap())).unwrap();
        assert_eq!(answer["bytes"], file.len(), "{}", case.run);
    }
    the_request_holds_the_package(&place);
    the_text_says_the_same(&place);
}

/// The old request is kept beside it until both are there, and not in the place of the package.
#[test]
fn a_package_may_be_named_as_what_is_kept_of_the_request() {
    let place = with_token();
    let line = "export azure --kek kek --key sign --request import.json -o";
    place.good(&format!("{line} first.byok"));
    place.good(&format!("{line} import.json.old --force"));
    let package = std::fs::read(place.path("import.json.old")).unwrap();
    assert_eq!(Package::parse(&package).unwrap().kid.as_str(), KID);
}

fn the_request_holds_the_package(place: &Place) {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let request = std::fs::read(place.path("request.json")).unwrap();
    let request: Value = serde_json::from_slice(&request).unwrap();
    assert_eq!(request["key"]["kty"], "RSA-HSM");
    assert_eq!(request["key"]["key_ops"], serde_json::json!(["wrapKey", "unwrapKey"]));
    assert_eq!(request["attributes"]["enabled"], true);
    let package = Base64UrlUnpadded::decode_vec(request["key"]["key_hsm"].as_str().unwrap());
    let package = package.unwrap();
    assert_eq!(package, std::fs::read(place.path("rsa.byok")).unwrap());
    assert_eq!(Package::parse(&package).unwrap().kid.as_str(), KID);
}

fn the_text_says_the_same(place: &Place) {
    let shown = place.good("export aws --kek kek --key sign --force");
    for part in [
        "Written       sign.aws.bin, 408 bytes, blob of 408",
        "Wrapped with  CKM_RSA_AES_KEY_WRAP in one call, OAEP with SHA-256, AES-256",
        "For           AWS KMS, RSA_AES_KEY_WRAP_SHA_256",
        "Called        ECC_NIST_P256",
        "Upload it with\n  aws kms import-key-material --key-id",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = place.good("export custom --kek kek --key sign --hash sha512 --mgf sha1 --aes 192");
    assert!(shown.contains("OAEP with SHA-512 and MGF1 with SHA-1, AES-192"), "{shown}");
    assert!(!shown.contains("Upload"), "{shown}");
}

#[test]
fn every_form_of_a_kek_is_the_same_key() {
    let place = with_token();
    let fingerprint = place.json("kek list")[0]["sha256"].as_str().unwrap().to_owned();
    for form in [
        "KEK-2048.pem",
        "real-2048.der",
        "real-2048.pkcs1",
        "real-2048.crt",
        "real-2048.cer",
        "real-2048.jwk",
    ] {
        let line = format!(
            "kek import {{dir}}/{form} --label {form} --kek-sha256 {}",
            fingerprint.to_uppercase()
        );
        let answer = place.json(&line);
        assert_eq!(answer["sha256"], fingerprint.as_str(), "{form}");
        assert_eq!(answer["trusted"], false);
        let kid = if form.ends_with(".jwk") { KID.into() } else { Value::Null };
        assert_eq!(answer["kid"], kid, "{form}");
    }
}

#[test]
fn keks_keep_their_kid_and_the_so_can_trust_them() {
    let place = with_token();
    let answer = place.json("kek import {dir}/real.jwk --label trusted --trust");
    assert_eq!((&answer["trusted"], &answer["kid_kept"]), (&true.into(), &true.into()));
    let listed = place.json("kek list");
    let trusted: Vec<(&str, bool, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|kek| {
            let kid = kek["kid"].as_str().unwrap();
            (kek["label"].as_str().unwrap(), kek["trusted"].as_bool().unwrap(), kid)
        })
        .collect();
    assert_eq!(trusted, [("kek", false, KID), ("trusted", true, super::KID)]);
    let shown = place.good("kek list");
    assert!(shown.starts_with("LABEL    CLASS   ID  TYPE      TRUSTED  SHA-256"), "{shown}");
    assert!(shown.contains("\ntrusted  public  -   RSA-4096  yes "), "{shown}");
    place.good("export azure --kek trusted --key guarded");
    // without the SO's PIN nobody is trusted
    let output = place.command("kek import {dir}/KEK-real.pem --label other --trust").output();
    let error = text(&output.unwrap().stderr);
    assert!(error.contains("SO PIN") && error.contains("--so-pin-file"), "{error}");
}
