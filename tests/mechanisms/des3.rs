//! Triple DES with keys of three parts and of two: there only if the configuration says so, and whole.
use super::aes::*;
use super::openssl::Bench;
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

pub fn with_legacy(test: impl FnOnce(&Session)) {
    with_config("legacy = true", test);
}

#[test]
fn off_by_default() {
    with_token(|t| {
        let listed = t.p.mechanisms(t.slot).unwrap();
        assert_eq!(t.secret(CKK_DES3, &hex(KEY)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(t.secret(CKK_DES2, &hex(KEY)[..16]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let key = t.aes(16).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        let wrapped = t.wrap(&kwp, key, t.secret(CKK_GENERIC_SECRET, &hex(KEY)).unwrap()).unwrap();
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES3];
        let unwrapped = t.unwrap(&kwp, key, &wrapped, &template);
        assert_eq!(unwrapped, Err(CKR_ATTRIBUTE_VALUE_INVALID));
        for ckm in [CKM_DES3_KEY_GEN, CKM_DES2_KEY_GEN, CKM_DES3_CMAC, CKM_MD5] {
            assert!(!listed.contains(&ckm));
            assert_eq!(t.p.mechanism_info(t.slot, ckm).err(), Some(CKR_MECHANISM_INVALID));
            assert_eq!(t.generate(&Mech::new(ckm), &[]), Err(CKR_MECHANISM_INVALID));
        }
        for mech in mechs() {
            assert!(!listed.contains(&mech.ckm));
            let info = t.p.mechanism_info(t.slot, mech.ckm);
            assert_eq!(info.err(), Some(CKR_MECHANISM_INVALID));
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_INVALID));
            assert_eq!(t.decrypt_init(&mech, key), Err(CKR_MECHANISM_INVALID));
            let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
            let wrong = t.unwrap(&mech, key, &[0; 16], &template);
            assert_eq!(wrong, Err(CKR_MECHANISM_INVALID));
        }
    });
}

/// The old name of the configuration's key does the same, and `C_GetMechanismList` names all of it.
#[test]
fn either_name_of_the_key_offers_all() {
    for line in ["legacy = true", "legacy_des3 = true"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, format!("store = 'memory:'\n{line}\n")).unwrap();
        with_store(&format!("config={}", file.display()), |p| {
            p.token(0).unwrap();
            let listed = p.mechanisms(0).unwrap();
            for mechanism in keyferry::mechanism::MECHANISMS {
                assert!(listed.contains(&mechanism.ckm), "{line} {}", mechanism.name);
            }
        });
    }
}

#[test]
fn known_answers_both_ways() {
    with_legacy(|t| {
        let key = t.secret(CKK_DES3, &hex(KEY)).unwrap();
        let [ecb, cbc, pad] = mechs();
        let in_cbc = &hex(OLD_SEALED)[..24];
        let in_parts = |mech: &Mech, sealed: &[u8], plain: &[u8]| {
            assert_eq!(t.encrypt(mech, key, plain), Ok(sealed.to_vec()));
            for at in 0..=sealed.len() {
                t.decrypt_init(mech, key).unwrap();
                let mut opened = t.decrypt_update(&sealed[..at]).unwrap();
                opened.extend(t.decrypt_update(&sealed[at..]).unwrap());
                opened.extend(t.decrypt_final().unwrap());
                assert_eq!(opened, plain, "{at}");
            }
            for at in 0..=plain.len() {
                t.encrypt_init(mech, key).unwrap();
                let mut made = t.encrypt_update(&plain[..at]).unwrap();
                made.extend(t.encrypt_update(&plain[at..]).unwrap());
                made.extend(t.encrypt_final().unwrap());
                assert_eq!(made, sealed, "{at}");
            }
        };
        in_parts(&ecb, &hex(SEALED), PLAIN);
        in_parts(&cbc, in_cbc, &OLD[..24]);
        in_parts(&pad, &hex(OLD_SEALED), OLD);
        assert_eq!(t.bytes(key, CKA_CHECK_VALUE).map(|value| value.len()), Ok(3));
        for mech in mechs() {
            let wrong = t.decrypt(&mech, key, &[0; 15]);
            assert_eq!(wrong, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        }
        for mech in &mechs()[..2] {
            assert_eq!(t.encrypt(mech, key, &[0; 15]), Err(CKR_DATA_LEN_RANGE));
        }
    });
}

/// Keys of two parts and of three, generated, on random data next to OpenSSL.
#[test]
fn generated_keys_encrypt_as_openssl_does() {
    with_legacy(|t| {
        let bench = Bench::new(t);
        for (ckm, len, name) in [(CKM_DES2_KEY_GEN, 16, "ede"), (CKM_DES3_KEY_GEN, 24, "ede3")] {
            let open = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
            let key = t.generate(&Mech::new(ckm), &open).unwrap();
            let value = t.bytes(key, CKA_VALUE).unwrap();
            assert_eq!(value.len(), len);
            assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "parity");
            let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            let enc = format!("enc -des-{name}-cbc -K {digits} -iv {IV} -in text");
            let [_, _, pad] = mechs();
            assert_eq!(t.encrypt(&pad, key, &bench.text), Ok(bench.openssl(&enc)));
            let other = t.generate(&Mech::new(ckm), &attrs![CKA_VALUE_LEN => 40 - len]);
            assert_eq!(other, Err(CKR_KEY_SIZE_RANGE));
        }
    });
}

/// PKCS#11 3.2, section "DES3 secret key objects": a key of wrong parity is an error.
#[test]
fn parity_is_checked_of_what_comes_in_and_set_of_what_is_derived() {
    with_legacy(|t| {
        let mut wrong = hex(KEY);
        wrong[5] ^= 1;
        assert_eq!(t.secret(CKK_DES3, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(t.secret(CKK_DES2, &wrong[..16]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let (kek, kwp) = (t.aes(16).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        let wrapped = t.wrap(&kwp, kek, t.secret(CKK_GENERIC_SECRET, &wrong).unwrap()).unwrap();
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_DES3];
        assert_eq!(t.unwrap(&kwp, kek, &wrapped, &template), Err(CKR_WRAPPED_KEY_INVALID));

        let base = t.secret(CKK_GENERIC_SECRET, &wrong).unwrap();
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_DES3,
            CKA_VALUE_LEN => 24usize,
            CKA_SENSITIVE => false,
            CKA_EXTRACTABLE => true,
        ];
        let extract = Mech::bytes(CKM_EXTRACT_KEY_FROM_KEY, &(0 as CK_ULONG).to_ne_bytes());
        let derived = super::derive::derive(t, &extract, base, &template).unwrap();
        assert_eq!(t.bytes(derived, CKA_VALUE), Ok(hex(KEY)));
    });
}

#[test]
fn keys_are_wrapped_and_unwrapped() {
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
            let key = t.secret(CKK_GENERIC_SECRET, value).unwrap();
            assert_eq!(t.wrap(mech, kek, key), Ok(wrapped.to_vec()));
        }
        let part = t.secret(CKK_GENERIC_SECRET, OLD).unwrap();
        assert_eq!(t.wrap(&cbc, kek, part), Err(CKR_KEY_SIZE_RANGE));
        let (_, private) = t.ec(keys::P256).unwrap();
        assert_eq!(t.wrap(&cbc, kek, private), Err(CKR_KEY_NOT_WRAPPABLE));
        let wrapped = t.wrap(&pad, kek, private).unwrap();
        let ec = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC];
        assert!(t.unwrap(&pad, kek, &wrapped, &ec).is_ok());
        let wrong = t.unwrap(&pad, kek, in_cbc, &template);
        assert_eq!(wrong, Err(CKR_WRAPPED_KEY_INVALID));
        let short = t.unwrap(&pad, kek, &in_cbc[..23], &template);
        assert_eq!(short, Err(CKR_WRAPPED_KEY_LEN_RANGE));
    });
}

/// SP 800-38B, appendix D: key, and the MAC of the first 0, 8, 20 and 32 bytes of the message.
const CMAC: [(&str, [&str; 4]); 2] = [
    (
        "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5",
        ["b7a688e122ffaf95", "8e8f293136283797", "743ddbe0ce2dc2ed", "33e6b1092400eae5"],
    ),
    (
        "4cf15134a2850dd58a3d10ba80570d38",
        ["bd2ebf9a3ba00361", "4ff2ab813c53ce83", "62dd1b471902bd4e", "31b1e431dabc4eb8"],
    ),
];
const MESSAGE: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

#[test]
fn cmac_as_nist_has_it() {
    with_legacy(|t| {
        for (key, codes) in CMAC {
            let key_type = if key.len() == 32 { CKK_DES2 } else { CKK_DES3 };
            let key = t.secret(key_type, &hex(key)).unwrap();
            for (len, code) in [0, 8, 20, 32].into_iter().zip(codes) {
                let (message, code) = (&hex(MESSAGE)[..len], hex(code));
                let mech = Mech::new(CKM_DES3_CMAC);
                assert_eq!(t.sign(&mech, key, message), Ok(code.clone()));
                assert_eq!(t.verify(&mech, key, message, &code), Ok(()));
                let wrong = t.verify(&mech, key, b"other", &code);
                assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
                for cut in [1, 4, 8] {
                    let mech = Mech::bytes(CKM_DES3_CMAC_GENERAL, &(cut as CK_ULONG).to_ne_bytes());
                    assert_eq!(t.sign(&mech, key, message), Ok(code[..cut].to_vec()));
                }
            }
            for len in [0, 9] {
                let len: CK_ULONG = len;
                let mech = Mech::bytes(CKM_DES3_CMAC_GENERAL, &len.to_ne_bytes());
                assert_eq!(t.sign_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            }
        }
    });
}
