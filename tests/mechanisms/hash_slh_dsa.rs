//! HashSLH-DSA: signatures over hashes of messages.
use crate::common::*;
use crate::derive::with;
use crate::ml_dsa::params;
use crate::slh_dsa::{private, public, unhex, value};

/// Mechanisms that hash, and the digest mechanism if there is one.
const HASHES: [(CK_MECHANISM_TYPE, Option<CK_MECHANISM_TYPE>); 10] = [
    (CKM_HASH_SLH_DSA_SHA224, Some(CKM_SHA224)),
    (CKM_HASH_SLH_DSA_SHA256, Some(CKM_SHA256)),
    (CKM_HASH_SLH_DSA_SHA384, Some(CKM_SHA384)),
    (CKM_HASH_SLH_DSA_SHA512, Some(CKM_SHA512)),
    (CKM_HASH_SLH_DSA_SHA3_224, Some(CKM_SHA3_224)),
    (CKM_HASH_SLH_DSA_SHA3_256, Some(CKM_SHA3_256)),
    (CKM_HASH_SLH_DSA_SHA3_384, Some(CKM_SHA3_384)),
    (CKM_HASH_SLH_DSA_SHA3_512, Some(CKM_SHA3_512)),
    (CKM_HASH_SLH_DSA_SHAKE128, None),
    (CKM_HASH_SLH_DSA_SHAKE256, None),
];

/// Parameter set; public key of the private one that begins with 00 01 02 … up to that; SHA-256 of the
/// deterministic signatures of "message" with the context "context", in the order of [`HASHES`]. Made
/// with noble-post-quantum 0.7.1. It refuses hashes that are weaker than the key; those were signed
/// through its internal interface, with the head of FIPS 205 section 10.2.2 put together by hand, which
/// gives the same signatures for all others.
#[rustfmt::skip]
const SIGNATURES: [(CK_ULONG, &str, [&str; 10]); 3] = [
    (
        CKP_SLH_DSA_SHA2_128F,
        "202122232425262728292a2b2c2d2e2f3b56e816847f000386aeec2e2bb9e1b5",
        [
            "ca178469caae03579b1c6a79935166b17b26be5ed60cd307916e6f40b9765964",
            "47480c091037ec33e448461019f0d5b7fb02c62981cf6198d3e8ad6d931e10fa",
            "24fcf5055c06ee39ba70029c64b249e48ae63b667fe00c6525ce2e2101632739",
            "4b123aa87635b10785cbfa18830252ef7e5b09636ef63f7463f2a7e4410814d4",
            "199969207f42408037696a7fafa76faa390487eac95e1ada98378f5c0bc8654c",
            "51b5f4ac542b053dee115c75d744ccf067e4a6c1d6fb4c59dcbf8688d6437cdf",
            "479d5a5405c37c384b446ec58b784308d8613e993b43b1bb9fb35c68bea9d41b",
            "03dba0228d04e0c03623842d1c5e3a298e0b012810ccd92b273143b191f9aa86",
            "79e1d8d31e5de3acc635cd94b7beebbbd19ccaca0315931c05dafa01d38d22ca",
            "6e4c1bb64de289b1fb0f9364e443c662c3221a3b8efd39f64c1b43c3939c70a1",
        ],
    ),
    (
        CKP_SLH_DSA_SHAKE_128F,
        "202122232425262728292a2b2c2d2e2fa90e4715b9a925c332801767fd786371",
        [
            "6b782d3068c589dbeeeea623e44b320b53a38d4b53d72baf7295c67fd2ce0908",
            "daa32c84686e7dd0199d8cd2e81638c9476e3b540b5bc7df8684f5c6f1c74489",
            "949f962f74b84022bb57149e9099017b6233180b10c5e871ad4c186b36a003aa",
            "f22740e166b960a1a8bdc4247ca85add70ac8f624d20e60b944cd3613e3d817c",
            "459554558e69ce89e1efec9d526943fcd10dc0c4ffdf5234083de81a3865d351",
            "5aa5d56eadf2bd94b92fafbf3bae6433230a6fe8a117d73ceb9c039c6a88dc43",
            "a93750478c4c638367739d114eb06ca2b05b526a3ced750ddc6de84ac6e519c1",
            "ddc88cf4152d5cde62110c44e1b54019ed57ab04f8be4f43a018f9fd4f12750c",
            "561f8000b4caf322c2f949d0e86b47d809f8ea3886903a05c40933b21770b182",
            "3d51a35e8ec095f5456b79f0de4d8554b50211bee15c73c2313df62e83479399",
        ],
    ),
    (
        CKP_SLH_DSA_SHA2_256F,
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f42cffe64ddbd6731063752684df77c8b58c225dc6b491208916b654ea1393176",
        [
            "aa66d653afbd76f1a8c3a587628897a5961b2f269dc324a0314a7e91e42fa596",
            "9378729df44e50a907082446409d43d6289a26e43b0c0c2ef3207d6c8e51a47f",
            "82a1c8df36bbc1b75794af9cc10aed88f83645f376f2e85f0e874c636637efc3",
            "ecaa5ea4d9d09a7a3dc89d3cd61536a0f028280655e99e9cce2976f774509b11",
            "4988574a524332b9935bf19f232e1f0295721707c4ace1487c335e4fa8643841",
            "c710f4b784d88c489c69ffe54990b90f748552670fb9c495c8f55a83273a9046",
            "090276e77cd1f0e9d6efa1238d16eabaf068225734f339798f4214eb857c1c2b",
            "5a8e6f71f66d249336763af2d52e0c1b16b0485c4f1fcbb5ecb2dcccdc3bd85b",
            "92be492736fbd61106cab7f5474e9b0163cec938bc204b225355156c0bc58b6f",
            "4281d21ceeb370a0c641ad659a41679a1ccab9828aa70d3c2c59e5f13802c1a9",
        ],
    ),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_params(hash: CK_MECHANISM_TYPE, context: &[u8]) -> CK_HASH_SIGN_ADDITIONAL_CONTEXT {
    CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
        pContext: ptr(context),
        ulContextLen: len(context),
        hash,
    }
}

/// The public and the private key of a row.
fn keys(t: &Session, set: CK_ULONG, key: &str) -> (Handle, Handle) {
    let key = unhex(key);
    (public(t, set, &key).unwrap(), private(t, set, &value(&key)).unwrap())
}

#[test]
fn signatures_are_those_of_others() {
    with_token(|t| {
        for (set, key, expected) in SIGNATURES {
            let (public, private) = keys(t, set, key);
            for ((ckm, digest), expected) in HASHES.into_iter().zip(expected) {
                let mut context = CK_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
                    ..params(b"context")
                };
                let mech = with(ckm, &mut context);
                let signature = t.sign(&mech, private, b"message").unwrap();
                let sha256 = t.digest(&Mech::new(CKM_SHA256), &signature).unwrap();
                assert_eq!(hex(&sha256), expected, "{ckm:x}");
                assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
                // the same, of a hash that the application makes
                let Some(digest) = digest else { continue };
                let hash = t.digest(&Mech::new(digest), b"message").unwrap();
                let mut context = hash_params(digest, b"context");
                let mech = with(CKM_HASH_SLH_DSA, &mut context);
                if set == SIGNATURES[0].0 {
                    assert!(t.sign(&mech, private, &hash).unwrap() == signature, "{digest:x}");
                }
                assert_eq!(t.verify(&mech, public, &hash, &signature), Ok(()));
            }
        }
    });
}

#[test]
fn every_byte_counts() {
    with_token(|t| {
        let (set, key, _) = SIGNATURES[1];
        let (public, private) = keys(t, set, key);
        for (ckm, _) in &HASHES[4..] {
            // hedged, without a parameter
            let mech = Mech::new(*ckm);
            t.sign_init(&mech, private).unwrap();
            t.sign_update(b"mess").unwrap();
            t.sign_update(b"age").unwrap();
            let signature = t.sign_final().unwrap();
            assert!(t.sign(&mech, private, b"message").unwrap() != signature);
            t.verify_init(&mech, public).unwrap();
            t.verify_update(b"messag").unwrap();
            t.verify_update(b"e").unwrap();
            assert_eq!(t.verify_final(&signature), Ok(()));
            let wrong = t.verify(&mech, public, b"massage", &signature);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let mut other = params(b"context");
            let wrong = t.verify(&with(*ckm, &mut other), public, b"message", &signature);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let pure = t.verify(&Mech::new(CKM_SLH_DSA), public, b"message", &signature);
            assert_eq!(pure, Err(CKR_SIGNATURE_INVALID));
            let short = t.verify(&mech, public, b"message", &signature[1..]);
            assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
        }
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let (set, key, _) = SIGNATURES[0];
        let (public, private) = keys(t, set, key);
        let without = t.sign_init(&Mech::new(CKM_HASH_SLH_DSA), private);
        assert_eq!(without, Err(CKR_MECHANISM_PARAM_INVALID));
        let good = hash_params(CKM_SHA256, b"");
        for wrong in [
            hash_params(CKM_SHA_1, b""),
            hash_params(CKM_SHA256_HMAC, b""),
            hash_params(CKM_HASH_SLH_DSA_SHAKE128, b""),
            hash_params(CKM_SHA256, &[0; 256]),
            CK_HASH_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: 3, ..good },
        ] {
            let mut wrong = wrong;
            let started = t.sign_init(&with(CKM_HASH_SLH_DSA, &mut wrong), private);
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        }
        let mut good = good;
        let mech = with(CKM_HASH_SLH_DSA, &mut good);
        for len in [0, 31, 33, 64] {
            let signed = t.sign(&mech, private, &vec![1; len]);
            assert_eq!(signed, Err(CKR_DATA_LEN_RANGE), "{len}");
            let verified = t.verify(&mech, public, &vec![1; len], &[0; 17088]);
            assert_eq!(verified, Err(CKR_DATA_LEN_RANGE), "{len}");
        }
        let short = t.verify(&mech, public, &[1; 32], &[0; 17087]);
        assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
    });
}
