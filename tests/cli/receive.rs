//! `keyferry receive` and `key public`: the other side of an export.
use crate::{Place, text, with_token};
use keyferry::byok::public::PublicKey;
use serde_json::json;

fn with_own_kek() -> Place {
    let place = with_token();
    place.good("key generate --type rsa-2048 --usage unwrap --label mine");
    place.good("key public mine -o mine.pem");
    place.good("export azure --kek {dir}/mine.pem --kid {kid} --key sign -o mine.byok");
    place.good("export aws --kek {dir}/mine.pem --key aes -o mine.bin");
    place
}

#[test]
fn refuses_what_it_cannot_receive() {
    let place = with_own_kek();
    std::fs::write(place.path("released"), "e30.e30.e30").unwrap();
    place.good("export custom --kek {dir}/mine.pem --key sign --hash sha256 -o blob");
    let blob = std::fs::read(place.path("blob")).unwrap();
    for (name, enc) in [("sha256.jws", "RSA_AES_KEY_WRAP_256"), ("bogus.jws", "bogus")] {
        std::fs::write(place.path(name), super::verify::released(&blob, enc)).unwrap();
    }
    place.good("kek generate --type rsa-2048 --label strict");
    place.good("kek generate --type rsa-2048 --label decrypts --receive-usage decrypt");
    let before = place.json("key list");
    place.refuses(include_str!("receive.toml"));
    assert_eq!(place.json("key list"), before, "something was left behind");
}

#[test]
fn what_was_exported_comes_back() {
    let place = with_own_kek();
    let answer =
        place.json("receive {dir}/mine.byok --kek mine --label back --extractable --id 0c");
    let wanted = json!({
        "label": "back", "id": "0c", "type": "P-256", "token": "offline", "kek": "mine", "kek_bits": 2048,
        "mechanisms": "CKM_RSA_AES_KEY_WRAP", "steps": "in one call", "hash": "SHA-1", "extractable": true,
    });
    assert_eq!(answer, wanted);
    let shown = &place.json("key show back")[0];
    for (name, value) in
        [("extractable", true), ("sensitive", true), ("sign", true), ("local", false)]
    {
        assert_eq!(shown["attributes"][name], value, "{name}");
    }
    // it is the key that left: its public half is that of the original
    place.good("export azure --kek {dir}/mine.pem --kid {kid} --key back -o again.byok");
    place.good("verify {dir}/again.byok --receive mine --public sign");
    let shown = place.good(
        "receive {dir}/mine.bin --kek mine --label aes2 --for aws --type aes-256 --usage decrypt",
    );
    assert!(
        shown.contains("Unwrapped with  CKM_RSA_PKCS_OAEP in one call, OAEP with SHA-256"),
        "{shown}"
    );
    let shown = &place.json("key show aes2")[0];
    assert_eq!(
        (&shown["type"], &shown["attributes"]["extractable"]),
        (&"AES-256".into(), &false.into())
    );
    assert_eq!(
        (&shown["attributes"]["decrypt"], &shown["attributes"]["encrypt"]),
        (&true.into(), &false.into())
    );
}

#[test]
fn every_cloud_and_hash_comes_back() {
    let place = with_token();
    place.good("key generate --type rsa-4096 --usage unwrap --label mine");
    place.good("key generate --type rsa-2048 --label rsa --extractable");
    place.good("key public mine -o mine.pem");
    for (cloud, key, more) in [
        ("aws", "rsa", ""),
        ("aws", "sign", "--hash sha1"),
        ("gcp", "rsa", ""),
        ("gcp", "secret", "--type secret-160"),
        ("oci", "rsa", ""),
        ("oci", "aes", "--type aes-256"),
        ("vault", "sign", "--hash sha512"),
        ("vault", "sign", "--hash sha224"),
        ("custom", "sign", "--hash sha384 --mgf sha1 --aes 128"),
        ("custom", "aes", "--hash sha256 --type aes-256"),
    ] {
        let (said, wrapped) = match more.split_once("--type") {
            Some((before, _)) => (more, before),
            None => (more, more),
        };
        place.good(&format!(
            "export {cloud} --kek {{dir}}/mine.pem --key {key} {wrapped} -o file --force"
        ));
        let line = format!("receive {{dir}}/file --kek mine --label back --for {cloud} {said}");
        assert_eq!(place.json(&line)["label"], "back", "{cloud} {key}");
        place.good("key destroy back --yes");
    }
}

/// As Azure answers a release request: a package in the payload of a signed token.
#[test]
fn what_azure_released_is_received() {
    let place = with_own_kek();
    place.good("export custom --kek {dir}/mine.pem --key sign --hash sha256 -o blob");
    let blob = std::fs::read(place.path("blob")).unwrap();
    let token = super::verify::released(&blob, "RSA_AES_KEY_WRAP_256");
    std::fs::write(place.path("token"), &token).unwrap();
    std::fs::write(place.path("answer"), json!({ "value": token }).to_string()).unwrap();
    for (file, label, said) in
        [("token", "one", ""), ("answer", "two", "--for custom --hash sha256 --mgf sha256")]
    {
        let line = format!("receive {{dir}}/{file} --kek mine --label {label} {said}");
        let received = place.json(&line);
        assert_eq!((&received["type"], &received["hash"]), (&"P-256".into(), &"SHA-256".into()));
        assert_eq!(place.good(&format!("key public {label}")), place.good("key public sign"));
    }
    let seen = place.json("inspect {dir}/answer");
    assert_eq!(
        (&seen["format"], &seen["enc"]),
        (&"key release".into(), &"RSA_AES_KEY_WRAP_256".into())
    );
    let shown = place.good("verify {dir}/answer --receive mine --public sign");
    assert!(shown.starts_with("ok      form         key release, "), "{shown}");
    let output = place.run("verify {dir}/answer --kek {dir}/mine.pem --for azure");
    let shown = text(&output.stdout);
    assert!(shown.contains("key release, and Azure takes a key transfer package"), "{shown}");
}

#[test]
fn public_halves_are_files() {
    let place = with_own_kek();
    let pem = place.good("key public sign");
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    let key = PublicKey::parse(pem.as_bytes()).unwrap();
    let answer = place.json("key public sign -o sign.pem");
    assert_eq!(answer["sha256"], key.fingerprint().unwrap());
    assert_eq!((&answer["type"], &answer["pem"]), (&"P-256".into(), &pem.as_str().into()));
    assert_eq!(std::fs::read_to_string(place.path("sign.pem")).unwrap(), pem);
    let kek = place.json("kek import {dir}/mine.pem --label theirs");
    assert_eq!(kek["sha256"], place.json("key public mine")["sha256"]);
}
