//! The key schedule of TLS 1.2: what its keys may do, who may see them, and what is refused.
use crate::common::*;
use crate::derive::*;
use crate::tls12::*;
use std::ptr::null_mut;

/// A premaster secret that nobody sees, and its master secret.
fn hidden_master(t: &Session, template: Template<'_>) -> Rv<Handle> {
    let premaster = hidden(t, &[])?;
    let mut params = master_params(CKM_SHA256, &ONES, &ONES);
    let said = template.iter().any(|(cka, _)| *cka == CKA_SENSITIVE);
    let sensitive = attrs![CKA_SENSITIVE => true];
    let template = [template, if said { &[] } else { &sensitive }].concat();
    derive(t, &with(CKM_TLS12_MASTER_KEY_DERIVE_DH, &mut params), premaster, &template)
}

#[test]
fn a_master_secret_is_for_tls_alone() {
    with_token(|t| {
        let master = hidden_master(t, &[]).unwrap();
        assert_eq!(t.ulong(master, CKA_VALUE_LEN), Ok(48));
        for flag in [CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_DERIVE] {
            assert_eq!(t.flag(master, flag), Ok(true));
        }
        let data = attrs![CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_VALUE_LEN => 16usize];
        let mut bit: CK_ULONG = 0;
        let part = derive(t, &with(CKM_EXTRACT_KEY_FROM_KEY, &mut bit), master, &data);
        assert_eq!(part, Err(CKR_MECHANISM_INVALID));
        let code = t.sign(&Mech::new(CKM_SHA256_HMAC), master, b"x");
        assert_eq!(code, Err(CKR_MECHANISM_INVALID));
        let aes = attrs![CKA_KEY_TYPE => CKK_AES];
        assert!(keys(t, BOTH, master, (0, 16, 4), &aes, ones()).is_ok());
        assert!(keys(t, SAFE, master, (0, 16, 4), &aes, ones()).is_ok());

        // the template may want less, not more and not all
        let only_safe = [CKM_TLS12_KEY_SAFE_DERIVE];
        let template = attrs![CKA_ALLOWED_MECHANISMS => &only_safe[..]];
        let master = hidden_master(t, &template).unwrap();
        let refused = keys(t, BOTH, master, (0, 16, 4), &aes, ones());
        assert_eq!(refused, Err(CKR_MECHANISM_INVALID));
        assert!(keys(t, SAFE, master, (0, 16, 4), &aes, ones()).is_ok());
        for more in [&[CKM_TLS12_KEY_SAFE_DERIVE, CKM_SHA256_HMAC][..], &[]] {
            let made = hidden_master(t, &attrs![CKA_ALLOWED_MECHANISMS => more]);
            assert_eq!(made, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        for wrong in [attrs![CKA_VALUE_LEN => 47usize], attrs![CKA_KEY_TYPE => CKK_AES]] {
            assert_eq!(hidden_master(t, &wrong), Err(CKR_TEMPLATE_INCONSISTENT));
        }
    });
}

#[test]
fn the_keys_of_a_connection_are_hidden_as_their_master_is() {
    with_token(|t| {
        let aes = attrs![CKA_KEY_TYPE => CKK_AES];
        let with_flag = |cka, value: bool| attrs![CKA_KEY_TYPE => CKK_AES, cka => value];
        let master = hidden_master(t, &[]).unwrap();
        let (made, _) = keys(t, BOTH, master, (32, 32, 4), &aes, ones()).unwrap();
        for key in made {
            for flag in [CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
                assert_eq!(t.flag(key, flag), Ok(true));
            }
            assert_eq!(t.flag(key, CKA_LOCAL), Ok(false));
        }
        let types = made.map(|key| t.ulong(key, CKA_KEY_TYPE).unwrap());
        assert_eq!(types, [CKK_GENERIC_SECRET, CKK_GENERIC_SECRET, CKK_AES, CKK_AES]);
        for (flag, expected) in [(CKA_SIGN, true), (CKA_VERIFY, true), (CKA_DERIVE, false)] {
            assert_eq!(t.flag(made[0], flag), Ok(expected));
        }
        for flag in [CKA_ENCRYPT, CKA_DECRYPT] {
            assert_eq!(t.flag(made[3], flag), Ok(true));
        }
        for (flag, value) in [(CKA_SENSITIVE, false), (CKA_EXTRACTABLE, true)] {
            let refused = keys(t, BOTH, master, (32, 32, 4), &with_flag(flag, value), ones());
            assert_eq!(refused, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        let master = hidden_master(t, &open_whole()).unwrap();
        let (made, _) = keys(t, BOTH, master, (32, 32, 4), &aes, ones()).unwrap();
        assert!(made.iter().all(|key| t.bytes(*key, CKA_VALUE).unwrap().len() == 32));
        assert_eq!(t.flag(made[2], CKA_ALWAYS_SENSITIVE), Ok(false));
        for (flag, value) in [(CKA_SENSITIVE, true), (CKA_EXTRACTABLE, false)] {
            let refused = keys(t, BOTH, master, (32, 32, 4), &with_flag(flag, value), ones());
            assert_eq!(refused, Err(CKR_TEMPLATE_INCONSISTENT));
        }
    });
}

#[test]
fn exported_keys_are_no_less_hidden_than_their_master() {
    with_token(|t| {
        let mut params = CK_TLS_KDF_PARAMS {
            prfMechanism: CKM_SHA256,
            pLabel: ptr(b"label"),
            ulLabelLength: 5,
            RandomInfo: ones(),
            pContextData: null_mut(),
            ulContextDataLength: 0,
        };
        let mech = with(CKM_TLS_KDF, &mut params);
        let len = attrs![CKA_VALUE_LEN => 16usize];
        let master = hidden_master(t, &[]).unwrap();
        let key = derive(t, &mech, master, &len).unwrap();
        assert_eq!(t.flag(key, CKA_ALWAYS_SENSITIVE), Ok(true));
        assert_eq!(t.flag(key, CKA_NEVER_EXTRACTABLE), Ok(true));
        assert_eq!(derive(t, &mech, master, &open(16)), Err(CKR_TEMPLATE_INCONSISTENT));
        let master = hidden_master(t, &open_whole()).unwrap();
        let key = derive(t, &mech, master, &len).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE).unwrap().len(), 16);
        let hiding = attrs![CKA_VALUE_LEN => 16usize, CKA_SENSITIVE => true];
        let key = derive(t, &mech, master, &hiding).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        assert_eq!(derive(t, &mech, master, &[]), Err(CKR_TEMPLATE_INCOMPLETE));
    });
}

/// "The base hash" is a hash.
#[test]
fn a_mac_is_no_hash() {
    with_token(|t| {
        let mut params = CK_TLS_KDF_PARAMS {
            prfMechanism: CKM_SHA256_HMAC,
            pLabel: ptr(b"label"),
            ulLabelLength: 5,
            RandomInfo: ones(),
            pContextData: null_mut(),
            ulContextDataLength: 0,
        };
        let mech = with(CKM_TLS_KDF, &mut params);
        let master = hidden_master(t, &[]).unwrap();
        let len = attrs![CKA_VALUE_LEN => 16usize];
        assert_eq!(derive(t, &mech, master, &len), Err(CKR_MECHANISM_PARAM_INVALID));
        let mut mac = CK_TLS_MAC_PARAMS {
            prfHashMechanism: CKM_SHA256_HMAC,
            ulMacLength: 12,
            ulServerOrClient: 1,
        };
        let mech = with(CKM_TLS_MAC, &mut mac);
        assert_eq!(t.sign_init(&mech, master), Err(CKR_MECHANISM_PARAM_INVALID));
    });
}

#[test]
fn all_keys_of_a_connection_or_none() {
    with_token(|t| {
        let master = hidden_master(t, &[]).unwrap();
        let before = t.find(&[]).unwrap().len();
        let keys = |lens, template: Template<'_>| keys(t, BOTH, master, lens, template, ones());
        // 20 bytes are no AES key, and a MAC key has made its way by then
        let aes = attrs![CKA_KEY_TYPE => CKK_AES];
        assert_eq!(keys((32, 20, 0), &aes), Err(CKR_KEY_SIZE_RANGE));
        let other = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 32usize];
        assert_eq!(keys((32, 16, 0), &other), Err(CKR_TEMPLATE_INCONSISTENT));
        let wrong = attrs![CKA_KEY_TYPE => CKK_AES, CKA_MODULUS => &[1]];
        assert_eq!(keys((32, 16, 0), &wrong), Err(CKR_ATTRIBUTE_TYPE_INVALID));
        assert_eq!(t.find(&[]).unwrap().len(), before);
        let token = attrs![CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => true];
        let (made, _) = keys((32, 16, 0), &token).unwrap();
        assert_eq!(t.find(&attrs![CKA_TOKEN => true]).unwrap().len(), 4);
        assert!(made.iter().all(|key| t.flag(*key, CKA_TOKEN) == Ok(true)));
        let (made, _) = keys((32, 0, 0), &[]).unwrap();
        assert_eq!(made[2..], [CK_INVALID_HANDLE; 2]);
    });
}

#[test]
fn masters_that_cannot_be() {
    with_token(|t| {
        let master = t.secret(CKK_GENERIC_SECRET, &[7; 48]).unwrap();
        let refused = |mech: &Mech| {
            let derived = derive(t, mech, master, &open(48));
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID));
        };
        let good = master_params(CKM_SHA256, &ONES, &ONES);
        for wrong in [
            master_params(CKM_SHA_1, &ONES, &ONES),
            master_params(CKM_TLS_PRF, &ONES, &ONES),
            master_params(CKM_SHA256, &ONES[1..], &ONES),
            master_params(CKM_SHA256, &ONES, &[]),
            CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
                RandomInfo: CK_SSL3_RANDOM_DATA { pServerRandom: null_mut(), ..ones() },
                ..good
            },
        ] {
            refused(&with(CKM_TLS12_MASTER_KEY_DERIVE, &mut { wrong }));
        }
        let mut params = master_params(CKM_SHA256, &ONES, &ONES);
        let mech = with(CKM_TLS12_MASTER_KEY_DERIVE, &mut params);
        let short = t.secret(CKK_GENERIC_SECRET, &[7; 32]).unwrap();
        assert_eq!(derive(t, &mech, short, &open(48)), Err(CKR_KEY_SIZE_RANGE));
        assert_eq!(derive_keys(t, &mech, master, &[]), Err(CKR_ARGUMENTS_BAD));
    });
}

#[test]
fn keys_that_cannot_be() {
    with_token(|t| {
        let master = t.secret(CKK_GENERIC_SECRET, &[7; 48]).unwrap();
        let refused = |mech: &Mech| {
            let derived = derive(t, mech, master, &open(48));
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID));
        };
        let mut out = CK_SSL3_KEY_MAT_OUT::default();
        let good = CK_TLS12_KEY_MAT_PARAMS {
            pReturnedKeyMaterial: &mut out,
            ..key_params(CKM_SHA256, (20, 16, 4), ones())
        };
        for wrong in [
            CK_TLS12_KEY_MAT_PARAMS { bIsExport: CK_TRUE, ..good },
            CK_TLS12_KEY_MAT_PARAMS { pReturnedKeyMaterial: null_mut(), ..good },
            CK_TLS12_KEY_MAT_PARAMS { prfHashMechanism: CKM_MD5, ..good },
            CK_TLS12_KEY_MAT_PARAMS { ulKeySizeInBits: 127, ..good },
            CK_TLS12_KEY_MAT_PARAMS { ulMacSizeInBits: CK_ULONG::MAX - 7, ..good },
            CK_TLS12_KEY_MAT_PARAMS { ulIVSizeInBits: 136, ..good },
            // no place for initialisation vectors
            good,
            // what else would be keys, told as initialisation vectors
            CK_TLS12_KEY_MAT_PARAMS { ulKeySizeInBits: 0, ..good },
            CK_TLS12_KEY_MAT_PARAMS { ulKeySizeInBits: 0, ulMacSizeInBits: 0, ..good },
        ] {
            refused(&with(CKM_TLS12_KEY_AND_MAC_DERIVE, &mut { wrong }));
        }
    });
}

#[test]
fn codes_that_cannot_be() {
    with_token(|t| {
        let master = t.secret(CKK_GENERIC_SECRET, &[7; 48]).unwrap();
        for (side, hash, n) in [(0, CKM_SHA256, 12), (3, CKM_SHA256, 12), (1, CKM_SHA_1, 12)]
            .into_iter()
            .chain([(1, CKM_SHA256, 11), (2, CKM_SHA256, CK_ULONG::MAX)])
        {
            let started = t.sign_init(&with(CKM_TLS_MAC, &mut finished(side, hash, n)), master);
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
