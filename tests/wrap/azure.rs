//! `CKM_KEYFERRY_AZURE_BYOK`: a whole `.byok` file out of `C_WrapKey`, and into `C_UnwrapKey`.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;
use base64ct::{Base64Url, Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::Package;
use keyferry::crypto::oaep::Oaep;

const OTHER: &str = "https://h.managedhsm.azure.net/keys/other/ffeeddccbbaa99887766554433221100";

fn byok() -> Mech {
    Mech::new(CKM_KEYFERRY_AZURE_BYOK)
}

/// With a KEK whose label is a key identifier.
fn with_kek(bits: usize, test: impl FnOnce(&Token, Kek)) {
    with_token(|t| {
        let kek = Kek::new(t, bits);
        t.set(kek.public, &attrs![CKA_LABEL => KID]).unwrap();
        test(t, kek);
    });
}

fn kid_of(file: &[u8]) -> String {
    Package::parse(file).unwrap().kid.as_str().to_owned()
}

#[test]
fn every_target_that_azure_takes() {
    for bits in [2048, 3072, 4096] {
        with_kek(bits, |t, kek| {
            let sign = Mech::new(CKM_SHA256_RSA_PKCS);
            for size in [2048, 3072] {
                let numbers = numbers(size, "target");
                let extractable = attrs![CKA_EXTRACTABLE => true];
                let private = t.create(&private_key(numbers, &extractable)).unwrap();
                let public = t.create(&public_key(numbers, &[])).unwrap();
                let file = t.wrap(&byok(), kek.public, private).unwrap();
                let key = t.unwrap(&byok(), kek.private, &file, &received_rsa()).unwrap();
                let signature = t.sign(&sign, key, b"data").unwrap();
                assert_eq!(t.verify(&sign, public, b"data", &signature), Ok(()));
            }
            for curve in [P256, P384, P521, SECP256K1] {
                let (public, private) = t.ec(curve).unwrap();
                let file = t.wrap(&byok(), kek.public, private).unwrap();
                let key = t.unwrap(&byok(), kek.private, &file, &received_ec()).unwrap();
                let ecdsa = Mech::new(CKM_ECDSA);
                let signature = t.sign(&ecdsa, key, &[8; 32]).unwrap();
                assert_eq!(t.verify(&ecdsa, public, &[8; 32], &signature), Ok(()));
            }
            for size in [16, 24, 32] {
                let key = t.secret(CKK_AES, &vec![9; size]).unwrap();
                let file = t.wrap(&byok(), kek.public, key).unwrap();
                let key = t.unwrap(&byok(), kek.private, &file, &received_aes()).unwrap();
                assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), vec![9; size]);
            }
        });
    }
}

#[test]
fn the_file_is_what_azure_wants() {
    with_kek(2048, |t, kek| {
        let key = t.secret(CKK_AES, &[6; 32]).unwrap();
        let file = t.wrap(&byok(), kek.public, key).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&file).unwrap();
        assert_eq!(json["schema_version"], "1.0.0");
        assert_eq!(json["header"]["kid"], KID);
        assert_eq!(json["header"]["alg"], "dir");
        assert_eq!(json["header"]["enc"], "CKM_RSA_AES_KEY_WRAP");
        assert!(json["generator"].as_str().unwrap().starts_with("keyferry/"));
        assert_eq!(json.as_object().unwrap().len(), 4);
        assert_eq!(json["header"].as_object().unwrap().len(), 3);
        let ciphertext = json["ciphertext"].as_str().unwrap();
        let blob = Base64UrlUnpadded::decode_vec(ciphertext).unwrap();
        assert_eq!(blob.len(), 256 + 40);
        assert_eq!(kek.open(&Oaep::SHA1, &blob), [6; 32]);
        // the blob inside is one of CKM_RSA_AES_KEY_WRAP, and the other way round
        assert_eq!(Package::parse(&file).unwrap().ciphertext, blob);
        let key = t.unwrap(&azure(), kek.private, &blob, &received_aes()).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), [6; 32]);
    });
}

/// The size query knows the length of every file: kids and targets of different lengths.
#[test]
fn size_is_exact() {
    with_kek(2048, |t, kek| {
        let targets = [
            t.secret(CKK_AES, &[1; 16]).unwrap(),
            t.secret(CKK_AES, &[1; 24]).unwrap(),
            t.ec(P521).unwrap().1,
        ];
        for name in 1..=20 {
            let name = "k".repeat(name);
            let kid = format!(
                "https://h.managedhsm.azure.net/keys/{name}/00112233445566778899aabbccddeeff"
            );
            t.set(kek.public, &attrs![CKA_LABEL => kid.as_str()]).unwrap();
            for key in targets {
                // `wrap` insists on it
                assert_eq!(kid_of(&t.wrap(&byok(), kek.public, key).unwrap()), kid);
            }
        }
    });
}

#[test]
fn the_kid_is_an_attribute_or_the_label() {
    with_kek(2048, |t, kek| {
        let key = t.secret(CKK_AES, &[1; 16]).unwrap();
        assert_eq!(kid_of(&t.wrap(&byok(), kek.public, key).unwrap()), KID);
        t.set(kek.public, &attrs![CKA_KEYFERRY_KID => OTHER]).unwrap();
        assert_eq!(t.bytes(kek.public, CKA_KEYFERRY_KID).unwrap(), OTHER.as_bytes());
        assert_eq!(kid_of(&t.wrap(&byok(), kek.public, key).unwrap()), OTHER);
        assert_eq!(t.find(&attrs![CKA_KEYFERRY_KID => OTHER]), Ok(vec![kek.public]));
        let more = attrs![CKA_KEYFERRY_KID => KID, CKA_LABEL => "KEK of the vault"];
        let made = t.create(&public_key(kek.numbers, &more)).unwrap();
        assert_eq!(kid_of(&t.wrap(&byok(), made, key).unwrap()), KID);
    });
}

#[test]
fn without_a_kid_there_is_no_file() {
    with_kek(2048, |t, kek| {
        let key = t.secret(CKK_AES, &[1; 16]).unwrap();
        let version = KID.rsplit_once('/').unwrap().0;
        for label in [
            &b""[..],
            b"KEK",
            version.as_bytes(),
            b"http://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff",
            b"https://v.vault.azure.net/secrets/KEK/00112233445566778899aabbccddeeff",
            b"\xFF\xFE",
        ] {
            t.set(kek.public, &attrs![CKA_LABEL => label]).unwrap();
            let none = Err(CKR_MECHANISM_PARAM_INVALID);
            assert_eq!(t.wrap_len(&byok(), kek.public, key).map(|_| ()), none);
            assert_eq!(t.wrap_into(&byok(), kek.public, key, 4096).map(|_| ()), none);
            // the blob does not need one
            assert!(t.wrap(&azure(), kek.public, key).is_ok());
        }
        // one that is wrong is not passed over for the label
        t.set(kek.public, &attrs![CKA_LABEL => KID, CKA_KEYFERRY_KID => version]).unwrap();
        assert_eq!(t.wrap(&byok(), kek.public, key), Err(CKR_MECHANISM_PARAM_INVALID));
    });
}

#[test]
fn refuses_targets_that_azure_does_not_take() {
    with_kek(2048, |t, kek| {
        let extractable = attrs![CKA_EXTRACTABLE => true];
        let short = t.create(&private_key(numbers(1024, "target"), &extractable)).unwrap();
        let mut targets = vec![short, t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap()];
        for key_type in [CKK_SHA_1_HMAC, CKK_SHA256_HMAC, CKK_SHA512_HMAC] {
            targets.push(t.secret(key_type, &[1; 32]).unwrap());
        }
        for target in targets {
            assert_eq!(t.wrap_len(&byok(), kek.public, target), Err(CKR_KEY_NOT_WRAPPABLE));
            assert_eq!(t.wrap_into(&byok(), kek.public, target, 9999), Err(CKR_KEY_NOT_WRAPPABLE));
            assert!(t.wrap(&azure(), kek.public, target).is_ok());
        }
    });
}

#[test]
fn refuses_keks_that_azure_does_not_have() {
    for bits in [1024, 2560, 8192] {
        with_kek(bits, |t, kek| {
            let key = t.secret(CKK_AES, &[1; 16]).unwrap();
            assert_eq!(t.wrap(&byok(), kek.public, key), Err(CKR_WRAPPING_KEY_SIZE_RANGE));
        });
    }
}

#[test]
fn takes_no_parameter() {
    with_kek(2048, |t, kek| {
        let key = t.secret(CKK_AES, &[1; 16]).unwrap();
        let file = t.wrap(&byok(), kek.public, key).unwrap();
        let ckm = CKM_KEYFERRY_AZURE_BYOK;
        for mech in [Mech::bytes(ckm, b"x"), Mech::oaep(ckm, CKM_SHA_1, CKG_MGF1_SHA1, b"")] {
            let refused = CKR_MECHANISM_PARAM_INVALID;
            assert_eq!(t.wrap(&mech, kek.public, key), Err(refused));
            assert_eq!(t.unwrap(&mech, kek.private, &file, &received_aes()), Err(refused));
        }
    });
}

#[test]
fn unwraps_what_other_producers_write() {
    with_kek(2048, |t, kek| {
        // two bytes beyond a multiple of three, so that there is padding
        let key = t.secret(CKK_AES, &[6; 32]).unwrap();
        let blob = t.wrap(&azure(), kek.public, key).unwrap();
        let (bare, padded) =
            (Base64UrlUnpadded::encode_string(&blob), Base64Url::encode_string(&blob));
        assert_ne!(bare, padded);
        for file in [
            // indented and padded
            format!(
                "{{\r\n  \"schema_version\": \"1.0.0\",\r\n  \"header\":\r\n  {{\r\n    \"kid\": \"{KID}\",\r\n    \
                 \"alg\": \"dir\",\r\n    \"enc\": \"CKM_RSA_AES_KEY_WRAP\"\r\n  }},\r\n  \
                 \"ciphertext\":\"{padded}\",\r\n  \"generator\": \"BYOK v1.0\"\r\n}}\r\n"
            ),
            // in another order, with a member more, and one less
            format!(
                "{{\"ciphertext\":\"{bare}\",\"comment\":{{\"a\":[1,null]}},\"header\":{{\"enc\":\
                 \"CKM_RSA_AES_KEY_WRAP\",\"kid\":\"{OTHER}\",\"alg\":\"dir\"}},\"schema_version\":\"1.0.0\"}}"
            ),
            // with a byte order mark
            format!(
                "\u{feff}{{\"schema_version\":\"1.0.0\",\"header\":{{\"kid\":\"{KID}\",\"alg\":\"dir\",\
                 \"enc\":\"CKM_RSA_AES_KEY_WRAP\"}},\"ciphertext\":\"{bare}\",\"generator\":\"g\"}}\n\n"
            ),
        ] {
            let key = t.unwrap(&byok(), kek.private, file.as_bytes(), &received_aes()).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), [6; 32], "{file}");
        }
    });
}

#[test]
fn files_that_are_none() {
    with_kek(2048, |t, kek| {
        let key = t.secret(CKK_AES, &[6; 32]).unwrap();
        let file = t.wrap(&byok(), kek.public, key).unwrap();
        let blob = Package::parse(&file).unwrap().ciphertext;
        let text = String::from_utf8(file.clone()).unwrap();
        let before = count(t);
        let mut bad = vec![
            Vec::new(),
            blob.clone(),
            b"{}".to_vec(),
            b"null".to_vec(),
            vec![b'['; 60_000],
            vec![b' '; 1 << 17],
        ];
        for (from, to) in [
            ("1.0.0", "2.0.0"),
            ("\"dir\"", "\"RSA-OAEP\""),
            ("RSA_AES_KEY_WRAP", "RSA_PKCS_OAEP"),
            ("\"ciphertext\":\"", "\"ciphertext\":\"+/"),
            ("\"ciphertext\"", "\"cipher\""),
            ("\"header\"", "\"head\""),
        ] {
            assert_ne!(text.replace(from, to), text);
            bad.push(text.replace(from, to).into_bytes());
        }
        for file in bad {
            let outcome = t.unwrap(&byok(), kek.private, &file, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
        }
        // a file is not a blob
        let outcome = t.unwrap(&azure(), kek.private, &file, &received_aes());
        assert!(matches!(outcome, Err(CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE)));
        assert_eq!(count(t), before);
    });
}

#[test]
fn refuses_symmetric_keys_for_a_vault() {
    with_kek(2048, |t, kek| {
        let vault = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";
        t.set(kek.public, &attrs![CKA_LABEL => vault]).unwrap();
        let aes = t.secret(CKK_AES, &[9; 32]).unwrap();
        assert_eq!(t.wrap(&byok(), kek.public, aes), Err(CKR_KEY_NOT_WRAPPABLE));
        let (_, private) = t.ec(P256).unwrap();
        assert_eq!(kid_of(&t.wrap(&byok(), kek.public, private).unwrap()), vault);
    });
}
