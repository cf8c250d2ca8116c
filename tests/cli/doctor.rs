//! `keyferry doctor` on the embedded module, which can do everything.
use crate::{Place, text, with_token};
use keyferry::ck::*;
use keyferry::client::{Access, Mechanism, Module, Template, User};
use serde_json::Value;

/// With keys that no command makes.
fn with_dated_keys() -> Place {
    let place = with_token();
    let module = Module::embedded(Some(&format!("sqlite:{}", place.path("store")))).unwrap();
    let session = module.open(0, Access::ReadWrite).unwrap();
    session.login(User::User, "12345678").unwrap();
    for (label, start, end) in [("early", "29990131", "29991231"), ("late", "20010101", "20011231")]
    {
        let template = Template::class(CKO_SECRET_KEY)
            .bytes(CKA_LABEL, label.as_bytes())
            .ulong(CKA_VALUE_LEN, 32)
            .flags(&[CKA_TOKEN, CKA_EXTRACTABLE])
            .bytes(CKA_START_DATE, start.as_bytes())
            .bytes(CKA_END_DATE, end.as_bytes());
        session.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template).unwrap();
    }
    place
}

#[test]
fn says_what_is_in_the_way() {
    with_dated_keys().refuses(include_str!("doctor.toml"));
}

#[test]
fn proves_every_hash_and_leaves_nothing() {
    let place = with_token();
    let before = place.json("key list");
    let answer = place.json("doctor");
    assert_eq!(answer["possible"], true);
    assert_eq!(answer["token"]["token"], "offline");
    let proof = answer["proof"].as_array().unwrap();
    // five hashes and two smaller AES keys in one call and under either number of RFC 5649; OAEP alone
    assert_eq!(proof.len(), 3 * 7 + 5);
    for row in proof {
        let results = row["results"].as_object().unwrap();
        assert!(results.values().all(|result| result == "opens"), "{row}");
        let alone = row["mechanisms"] == "CKM_RSA_PKCS_OAEP";
        assert_eq!(results.len(), if alone { 1 } else { 3 }, "{row}");
    }
    let steps = |row: &&Value| row["steps"] == "in two steps";
    assert_eq!(proof.iter().filter(steps).count(), 14);
    for (cloud, hash) in [
        ("azure", "SHA-1"),
        ("aws", "SHA-256"),
        ("gcp", "SHA-256"),
        ("oci", "SHA-256"),
        ("vault", "SHA-256"),
    ] {
        let clouds = answer["clouds"].as_array().unwrap();
        let verdict = clouds.iter().find(|verdict| verdict["cloud"] == cloud).unwrap();
        assert_eq!(verdict["possible"], true, "{verdict}");
        assert_eq!(verdict["because"], format!("in one call with {hash}"));
    }
    let offered = answer["mechanisms"].as_array().unwrap();
    assert!(offered.iter().all(|row| row["offered"] == true), "{offered:?}");
    assert_eq!(answer["key"], Value::Null);
    assert_eq!(place.json("key list"), before);
}

#[test]
fn looks_at_a_key() {
    let place = with_token();
    let shown = place.good("doctor --key guarded");
    for part in [
        "Key                  \"guarded\", P-256\n",
        "wrap_with_trusted    yes: it leaves only under a KEK that the SO trusts: `keyferry kek import",
        "Azure             yes       in one call with SHA-1, under a KEK that the SO trusts\n",
        "Oracle OCI Vault  no        it does not take P-256 keys",
        "CKM_RSA_AES_KEY_WRAP                     SHA-256  256  opens    opens  opens\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let answer = place.json("doctor --key aes --for aws");
    assert_eq!(
        (&answer["key"]["type"], &answer["key"]["may_leave"]),
        (&"AES-256".into(), &true.into())
    );
    let output = place.run("doctor --key stays --json");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["possible"], false);
    assert!(answer["error"].as_str().unwrap().contains("extractable"));
    let findings = answer["key"]["findings"].as_array().unwrap();
    let blocks: Vec<&Value> = findings.iter().filter(|finding| finding["blocks"] == true).collect();
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0]["remedy"].as_str().unwrap().contains("--extractable"));
    assert_eq!(place.run("doctor --for nowhere").status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("keyferry: "));
}
