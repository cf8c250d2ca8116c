//! Microsoft's known answer: a blob that neither this module nor its authors made. The vector and
//! its origin are in `tests/data/rsa_aes_key_wrap_microsoft.json`.
use crate::common::*;
use crate::fixture::*;
use base64ct::{Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::{Kid, Package};
use keyferry::crypto::rsa::Parts;

struct Vector {
    kek: &'static Parts,
    blob: Vec<u8>,
    target: Vec<u8>,
}

fn vector() -> Vector {
    let json = include_str!("../data/rsa_aes_key_wrap_microsoft.json");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let text = |member: &str| json[member].as_str().unwrap().to_owned();
    assert_eq!(
        (text("oaep_hash"), text("mgf"), text("label"), json["aes_bits"].as_u64()),
        ("SHA-1".into(), "MGF1-SHA-1".into(), String::new(), Some(256))
    );
    Vector {
        kek: numbers_of_pem(&text("kek_private_pem")),
        blob: Base64UrlUnpadded::decode_vec(&text("ciphertext_base64url")).unwrap(),
        target: hex(&text("target_hex")),
    }
}

#[test]
fn unwraps_to_the_target() {
    let vector = vector();
    with_token(|t| {
        let kek = Kek::of(t, vector.kek);
        for mech in [azure(), Mech::new(CKM_RSA_AES_KEY_WRAP)] {
            let key = t.unwrap(&mech, kek.private, &vector.blob, &received_aes()).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), vector.target);
        }
        // and wrapped again it has the same length
        let key = t.unwrap(&azure(), kek.private, &vector.blob, &received_aes()).unwrap();
        assert_eq!(t.wrap(&azure(), kek.public, key).unwrap().len(), vector.blob.len());
    });
}

#[test]
fn unwraps_from_a_package() {
    let vector = vector();
    with_token(|t| {
        let kek = Kek::of(t, vector.kek);
        let package = Package {
            kid: Kid::parse(KID).unwrap(),
            ciphertext: vector.blob,
            generator: String::new(),
        };
        let mech = Mech::new(CKM_KEYFERRY_AZURE_BYOK);
        let key = t.unwrap(&mech, kek.private, &package.to_bytes(), &received_aes()).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), vector.target);
    });
}

#[test]
fn must_fail_with_another_hash() {
    let vector = vector();
    with_token(|t| {
        let kek = Kek::of(t, vector.kek);
        let before = count(t);
        for (hash, mgf) in &HASHES[1..] {
            for mgf in [*mgf, CKG_MGF1_SHA1] {
                let mech = Mech::rsa_aes(256, *hash, mgf, b"");
                let outcome = t.unwrap(&mech, kek.private, &vector.blob, &received_aes());
                assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
            }
        }
        assert_eq!(count(t), before);
    });
}

#[test]
fn must_fail_with_another_key() {
    let vector = vector();
    with_token(|t| {
        let before = count(t);
        for name in ["kek", "other", "target"] {
            let private = t.create(&private_key(numbers(2048, name), &[])).unwrap();
            let outcome = t.unwrap(&azure(), private, &vector.blob, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
            t.destroy(private).unwrap();
        }
        assert_eq!(count(t), before);
    });
}
