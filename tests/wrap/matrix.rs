//! Every target under every profile and KEK size: there and back, and the key is the key.
use crate::common::keys::*;
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::aes_kw::kwp_len;
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep::Oaep;

const LABEL: &[u8] = b"label of the other side";

/// Every hash × MGF of the same and of another × AES size × label.
fn profiles() -> Vec<Mech> {
    let mut all = Vec::new();
    for (n, (hash, same)) in HASHES.into_iter().enumerate() {
        let another = HASHES[(n + 2) % HASHES.len()].1;
        for mgf in [same, another] {
            for aes_bits in [128, 192, 256] {
                for label in [&b""[..], LABEL] {
                    all.push(Mech::rsa_aes(aes_bits, hash, mgf, label));
                }
            }
        }
    }
    assert_eq!(all.len(), 60);
    all
}

/// Wraps and unwraps; checks lengths, and answers the blob and the received key.
fn there_and_back(
    t: &Session,
    mech: &Mech,
    kek: &Kek,
    key: Handle,
    wanted: &Attrs,
) -> (Vec<u8>, Handle) {
    // `wrap` asks for the length first and insists that it is exact
    let blob = t.wrap(mech, kek.public, key).unwrap();
    assert_eq!(t.wrap_len(mech, kek.public, key), Ok(blob.len()));
    let received = t.unwrap(mech, kek.private, &blob, wanted).unwrap();
    (blob, received)
}

const RSA_NUMBERS: [CK_ATTRIBUTE_TYPE; 8] = [
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PRIME_1,
    CKA_PRIME_2,
    CKA_EXPONENT_1,
    CKA_EXPONENT_2,
    CKA_COEFFICIENT,
];

fn same_attributes(t: &Session, one: Handle, other: Handle, which: &[CK_ATTRIBUTE_TYPE]) {
    for cka in which {
        let value = t.bytes(one, *cka).unwrap();
        assert!(!value.is_empty());
        assert_eq!(t.bytes(other, *cka).unwrap(), value, "{cka:x}");
    }
}

/// A private key under each profile: same numbers, and what it signs the public half verifies.
fn private_target(
    t: &Session,
    kek: &Kek,
    (public, private): (Handle, Handle),
    (sign, same): (&Mech, &[CK_ATTRIBUTE_TYPE]),
    wanted: &Attrs,
) {
    let mut lengths = Vec::new();
    for mech in profiles() {
        let (blob, key) = there_and_back(t, &mech, kek, private, wanted);
        same_attributes(t, private, key, same);
        let signature = t.sign(sign, key, &[7; 32]).unwrap();
        assert_eq!(t.verify(sign, public, &[7; 32], &signature), Ok(()));
        lengths.push(blob.len());
        t.destroy(key).unwrap();
    }
    let opened = kek.open(&Oaep::SHA1, &t.wrap(&azure(), kek.public, private).unwrap());
    let expected = kek.len() + kwp_len(opened.len());
    assert!(lengths.iter().all(|len| *len == expected));
}

fn rsa_target(bits: usize) {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let numbers = numbers(bits, "target");
        let clear = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let pair = (
            t.create(&public_key(numbers, &[])).unwrap(),
            t.create(&private_key(numbers, &clear)).unwrap(),
        );
        let sign = Mech::new(CKM_SHA256_RSA_PKCS);
        private_target(t, &kek, pair, (&sign, &RSA_NUMBERS), &received_rsa());
    });
}

#[test]
fn rsa_1024() {
    rsa_target(1024);
}
#[test]
fn rsa_2048() {
    rsa_target(2048);
}
#[test]
fn rsa_3072() {
    rsa_target(3072);
}

#[test]
fn every_curve() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        for curve in [P256, P384, P521, SECP256K1] {
            let public = attrs![CKA_EC_PARAMS => curve];
            let private = attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false];
            let generate = Mech::new(CKM_EC_KEY_PAIR_GEN);
            let pair = t.generate_pair(&generate, &public, &private).unwrap();
            let same = [CKA_EC_PARAMS, CKA_EC_POINT, CKA_VALUE];
            let sign = Mech::new(CKM_ECDSA);
            private_target(t, &kek, pair, (&sign, &same), &received_ec());
        }
    });
}

/// A secret key under each of `profiles`.
fn secret_target(t: &Session, kek: &Kek, key_type: CK_KEY_TYPE, value: &[u8], profiles: &[Mech]) {
    let key = t.secret(key_type, value).unwrap();
    let wanted = received(CKO_SECRET_KEY, key_type);
    for mech in profiles {
        let (blob, received) = there_and_back(t, mech, kek, key, &wanted);
        assert_eq!(blob.len(), kek.len() + kwp_len(value.len()));
        assert_eq!(t.bytes(received, CKA_VALUE).unwrap(), value);
        assert_eq!(t.ulong(received, CKA_VALUE_LEN), Ok(len(value)));
        assert_eq!(t.ulong(received, CKA_KEY_TYPE), Ok(key_type));
        t.destroy(received).unwrap();
    }
}

#[test]
fn aes_of_every_size() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        for size in [16, 24, 32] {
            secret_target(t, &kek, CKK_AES, &t.random(size).unwrap(), &profiles());
        }
    });
}

#[test]
fn generic_secrets_of_every_length_to_100() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let profiles = profiles();
        for size in 1..=100 {
            let at = size * 7 % profiles.len();
            let some = &profiles[at..(at + 2).min(profiles.len())];
            secret_target(t, &kek, CKK_GENERIC_SECRET, &t.random(size).unwrap(), some);
        }
        secret_target(t, &kek, CKK_GENERIC_SECRET, &t.random(13).unwrap(), &profiles);
        secret_target(t, &kek, CKK_GENERIC_SECRET, &[0; 8], &profiles[..1]);
        secret_target(t, &kek, CKK_GENERIC_SECRET, &[0; 4096], &profiles[..1]);
    });
}

#[test]
fn hmac_secrets() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let profiles = profiles();
        for (key_type, size) in [
            (CKK_SHA_1_HMAC, 20),
            (CKK_SHA224_HMAC, 28),
            (CKK_SHA256_HMAC, 32),
            (CKK_SHA384_HMAC, 48),
            (CKK_SHA512_HMAC, 65),
        ] {
            secret_target(t, &kek, key_type, &t.random(size).unwrap(), &profiles);
        }
    });
}

#[test]
fn keks_of_every_size() {
    with_token(|t| {
        for bits in [2048, 3072, 4096, 8192] {
            let kek = Kek::new(t, bits);
            let (public, private) = t.ec(P256).unwrap();
            for (hash, mgf) in [HASHES[0], HASHES[4]] {
                let mech = Mech::rsa_aes(256, hash, mgf, b"");
                secret_target(t, &kek, CKK_AES, &[9; 32], std::slice::from_ref(&mech));
                let (blob, key) = there_and_back(t, &mech, &kek, private, &received_ec());
                assert!(blob.len() > bits / 8);
                let ecdsa = Mech::new(CKM_ECDSA);
                let signature = t.sign(&ecdsa, key, &[1; 32]).unwrap();
                assert_eq!(t.verify(&ecdsa, public, &[1; 32], &signature), Ok(()));
            }
        }
    });
}

#[test]
fn what_is_inside_is_what_the_standard_says() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let value = t.random(37).unwrap();
        let key = t.secret(CKK_GENERIC_SECRET, &value).unwrap();
        let hashes = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
        for (n, (ckm, _)) in HASHES.into_iter().enumerate() {
            for (m, (_, ckg)) in HASHES.into_iter().enumerate() {
                let mech = Mech::rsa_aes(192, ckm, ckg, LABEL);
                let blob = t.wrap(&mech, kek.public, key).unwrap();
                let params = Oaep { hash: hashes[n], mgf: hashes[m], label: LABEL.to_vec() };
                assert_eq!(kek.open(&params, &blob), value);
            }
        }
    });
}

/// A profile opens what it made and nothing that another made.
#[test]
fn each_part_of_the_profile_matters() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let key = t.secret(CKK_AES, &[3; 16]).unwrap();
        let made = Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256, b"a");
        let blob = t.wrap(&made, kek.public, key).unwrap();
        assert!(t.unwrap(&made, kek.private, &blob, &received_aes()).is_ok());
        for other in [
            Mech::rsa_aes(128, CKM_SHA256, CKG_MGF1_SHA256, b"a"),
            Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA256, b"a"),
            Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA1, b"a"),
            Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256, b"b"),
            Mech::rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256, b""),
            Mech::new(CKM_RSA_AES_KEY_WRAP),
        ] {
            let outcome = t.unwrap(&other, kek.private, &blob, &received_aes());
            assert_eq!(outcome, Err(CKR_WRAPPED_KEY_INVALID), "{other:?}");
        }
    });
}

/// The same profile, said in the ways in which callers say it.
#[test]
fn every_way_to_say_the_azure_profile() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let (_, private) = t.ec(P256).unwrap();
        let kw = CKM_RSA_AES_KEY_WRAP;
        let ways = [
            Mech::new(kw),
            azure(),
            azure().source(0),
            Mech::oaep(kw, CKM_SHA_1, CKG_MGF1_SHA1, b""),
            Mech::oaep(kw, CKM_SHA_1, CKG_MGF1_SHA1, b"").source(0),
        ];
        for made in &ways {
            let blob = t.wrap(made, kek.public, private).unwrap();
            for opened in &ways {
                let key = t.unwrap(opened, kek.private, &blob, &received_ec()).unwrap();
                same_attributes(t, key, private, &[CKA_EC_POINT, CKA_EC_PARAMS]);
            }
        }
    });
}

#[test]
fn bare_oaep_parameters_mean_aes_256() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let key = t.secret(CKK_AES, &[3; 16]).unwrap();
        for (hash, mgf) in HASHES {
            for label in [&b""[..], LABEL] {
                let bare = Mech::oaep(CKM_RSA_AES_KEY_WRAP, hash, mgf, label);
                let full = Mech::rsa_aes(256, hash, mgf, label);
                let blob = t.wrap(&bare, kek.public, key).unwrap();
                let received = t.unwrap(&full, kek.private, &blob, &received_aes()).unwrap();
                assert_eq!(t.bytes(received, CKA_VALUE).unwrap(), [3; 16]);
            }
        }
    });
}

/// The AES key is fresh: no two blobs are alike, in either part.
#[test]
fn nothing_is_used_twice() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let key = t.secret(CKK_AES, &[3; 16]).unwrap();
        let blobs: Vec<_> = (0..20).map(|_| t.wrap(&azure(), kek.public, key).unwrap()).collect();
        for (n, one) in blobs.iter().enumerate() {
            for other in &blobs[n + 1..] {
                assert_ne!(one[..256], other[..256]);
                assert_ne!(one[256..], other[256..]);
            }
        }
    });
}

#[test]
fn the_mechanism_says_what_it_is() {
    with_token(|t| {
        assert!(t.p.mechanisms(t.slot).unwrap().contains(&CKM_RSA_AES_KEY_WRAP));
        let info = t.p.mechanism_info(t.slot, CKM_RSA_AES_KEY_WRAP).unwrap();
        assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (2048, 8192));
        assert_eq!(info.flags, CKF_WRAP | CKF_UNWRAP);
    });
}
