//! Triple DES: old data can be read, if the configuration says so, and new data never written.
use super::aes::*;
use crate::common::*;

/// SP 800-67, appendix B: three blocks under three keys.
const KEY: &str = "0123456789abcdef23456789abcdef01456789abcdef0123";
const PLAIN: &[u8] = b"The qufck brown fox jump";
const SEALED: &str = "a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900";

/// Made with OpenSSL 3.0: CBC with padding, this vector.
const IV: &str = "0001020304050607";
const OLD: &[u8] = b"old data to be read once more";
const OLD_SEALED: &str = "f039baf8abde27e631cd3ebdbc5b0f8256f204f2e8f1d0c67ad96363821df2b1";

fn mechs() -> [Mech; 3] {
    let iv = hex(IV);
    [Mech::new(CKM_DES3_ECB), Mech::bytes(CKM_DES3_CBC, &iv), Mech::bytes(CKM_DES3_CBC_PAD, &iv)]
}

fn with_legacy(test: impl FnOnce(&Session)) {
    with_config("legacy_des3 = true", test);
}

#[test]
fn off_by_default() {
    with_token(|t| {
        let listed = t.p.mechanisms(t.slot).unwrap();
        assert_eq!(t.secret(CKK_DES3, &hex(KEY)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let key = t.aes(16).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        let wrapped = t.wrap(&kwp, key, t.secret(CKK_GENERIC_SECRET, &hex(KEY)).unwrap()).unwrap();
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES3];
        let unwrapped = t.unwrap(&kwp, key, &wrapped, &template);
        assert_eq!(unwrapped, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        for mech in mechs() {
            assert!(!listed.contains(&mech.ckm));
            let info = t.p.mechanism_info(t.slot, mech.ckm);
            assert_eq!(info.err(), Some(CKR_MECHANISM_INVALID));
            assert_eq!(t.decrypt_init(&mech, key), Err(CKR_MECHANISM_INVALID));
            let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
            let wrong = t.unwrap(&mech, key, &[0; 16], &template);
            assert_eq!(wrong, Err(CKR_MECHANISM_INVALID));
        }
    });
}

#[test]
fn old_data_is_read() {
    with_legacy(|t| {
        let key = t.secret(CKK_DES3, &hex(KEY)).unwrap();
        let [ecb, cbc, pad] = mechs();
        let in_cbc = &hex(OLD_SEALED)[..24];
        let in_parts = |mech: &Mech, sealed: &[u8], plain: &[u8]| {
            for at in 0..=sealed.len() {
                t.decrypt_init(mech, key).unwrap();
                let mut opened = t.decrypt_update(&sealed[..at]).unwrap();
                opened.extend(t.decrypt_update(&sealed[at..]).unwrap());
                opened.extend(t.decrypt_final().unwrap());
                assert_eq!(opened, plain, "{at}");
            }
        };
        in_parts(&ecb, &hex(SEALED), PLAIN);
        in_parts(&cbc, in_cbc, &OLD[..24]);
        in_parts(&pad, &hex(OLD_SEALED), OLD);
        assert_eq!(t.bytes(key, CKA_CHECK_VALUE).map(|value| value.len()), Ok(3));
        for mech in mechs() {
            let wrong = t.decrypt(&mech, key, &[0; 15]);
            assert_eq!(wrong, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_INVALID));
            assert_eq!(t.wrap(&mech, key, key), Err(CKR_MECHANISM_INVALID));
        }
    });
}

#[test]
fn old_keys_are_unwrapped() {
    with_legacy(|t| {
        let kek = t.secret(CKK_DES3, &hex(KEY)).unwrap();
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_GENERIC_SECRET,
            CKA_SENSITIVE => false,
        ];
        let [ecb, cbc, pad] = mechs();
        let in_cbc = &hex(OLD_SEALED)[..24];
        for (mech, wrapped, value) in [
            (&ecb, &hex(SEALED)[..], PLAIN),
            (&cbc, in_cbc, &OLD[..24]),
            (&pad, &hex(OLD_SEALED)[..], OLD),
        ] {
            let key = t.unwrap(mech, kek, wrapped, &template).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), value);
        }
        let wrong = t.unwrap(&pad, kek, in_cbc, &template);
        assert_eq!(wrong, Err(CKR_WRAPPED_KEY_INVALID));
        let short = t.unwrap(&pad, kek, &in_cbc[..23], &template);
        assert_eq!(short, Err(CKR_WRAPPED_KEY_LEN_RANGE));
    });
}
