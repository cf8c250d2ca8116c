//! Attacks on the templates of KEKs: a key that came in under one opens what it should have bound.
use crate::common::*;
use crate::tools::*;

const TARGET: [u8; 32] = *b"a key that a cloud sent us alone";
const OAEP: fn() -> Mech = || Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");

/// Hides keys, and lets them derive others by encryption: an owner may say so.
fn hidden_and_deriving() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let allowed: &[CK_ULONG] = &[CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_KEY_WRAP];
    [&hidden()[..], &attrs![CKA_ALLOWED_MECHANISMS => allowed]].concat()
}

/// A receiving KEK whose private half hides what it unwraps, and more.
fn receiving(t: &Session, rule: Vec<(CK_ATTRIBUTE_TYPE, Attr)>) -> (Handle, Handle) {
    let public = attrs![CKA_MODULUS_BITS => 2048usize, CKA_WRAP => true];
    let private = attrs![CKA_UNWRAP => true, CKA_UNWRAP_TEMPLATE => rule];
    t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private).unwrap()
}

fn aes(more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    [&attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES][..], more].concat()
}

fn shown() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true].to_vec()
}

#[test]
fn a_package_taken_apart_stays_under_the_template() {
    with_token(|t| {
        let (public, private) = receiving(t, hidden());
        let target = t.secret(CKK_AES, &TARGET).unwrap();
        let package = t.wrap(&Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, b""), public, target);
        let package = package.unwrap();
        let (head, tail) = package.split_at(256);
        let inner = t.unwrap(&OAEP(), private, head, &aes(&attrs![CKA_UNWRAP => true])).unwrap();
        let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
        let opened = t.unwrap(&kwp, inner, tail, &aes(&shown()));
        let value = opened.and_then(|key| t.bytes(key, CKA_VALUE));
        assert_eq!(value, Err(CKR_TEMPLATE_INCONSISTENT));
        // nor by decryption, asked for at once or later
        for usage in [CKA_DECRYPT, CKA_ENCRYPT] {
            let asked = t.unwrap(&OAEP(), private, head, &aes(&attrs![usage => true]));
            let value = asked.and_then(|key| t.decrypt(&kwp, key, tail));
            assert_eq!(value, Err(CKR_TEMPLATE_INCONSISTENT));
            assert_eq!(t.set(inner, &attrs![usage => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
            let copy = t.copy(inner, &attrs![usage => true]);
            assert_eq!(copy, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        let key = t.unwrap(&kwp, inner, tail, &aes(&[])).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
    });
}

#[test]
fn a_template_goes_three_keys_deep() {
    with_token(|t| {
        let (public, private) = receiving(t, hidden());
        let kw = Mech::new(CKM_AES_KEY_WRAP);
        // the sender's keys, each under the one before
        let [first, second, third] =
            [[1; 32], [2; 32], [3; 32]].map(|value| t.secret(CKK_AES, &value).unwrap());
        let blobs = [
            t.wrap(&OAEP(), public, first).unwrap(),
            t.wrap(&kw, first, second).unwrap(),
            t.wrap(&kw, second, third).unwrap(),
            t.wrap(&kw, third, t.secret(CKK_AES, &TARGET).unwrap()).unwrap(),
        ];
        let mut kek = private;
        for (deep, blob) in blobs.iter().enumerate() {
            let mech = if deep == 0 { OAEP() } else { Mech::new(CKM_AES_KEY_WRAP) };
            for lax in [
                shown(),
                attrs![CKA_DECRYPT => true].to_vec(),
                attrs![CKA_UNWRAP_TEMPLATE => attrs![CKA_SENSITIVE => false]].to_vec(),
                attrs![CKA_DERIVE_TEMPLATE => attrs![CKA_EXTRACTABLE => true]].to_vec(),
            ] {
                let outcome = t.unwrap(&mech, kek, blob, &aes(&lax));
                assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT), "{deep} deep: {lax:?}");
            }
            // a copy is bound as well
            let next = t.unwrap(&mech, kek, blob, &aes(&attrs![CKA_UNWRAP => true])).unwrap();
            let empty = [(CKA_UNWRAP_TEMPLATE, Attr::Template(vec![]))];
            assert_eq!(t.set(next, &empty), Err(CKR_ATTRIBUTE_READ_ONLY));
            assert_eq!(t.copy(next, &empty), Err(CKR_ATTRIBUTE_READ_ONLY));
            kek = t.copy(next, &[]).unwrap();
            assert_eq!(t.bytes(kek, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        }
    });
}

#[test]
fn keys_derived_from_an_unwrapped_key_are_hidden_as_well() {
    with_token(|t| {
        let (public, private) = receiving(t, hidden_and_deriving());
        let sent = t.secret(CKK_AES, &TARGET).unwrap();
        let blob = t.wrap(&OAEP(), public, sent).unwrap();
        let base = t.unwrap(&OAEP(), private, &blob, &aes(&attrs![CKA_DERIVE => true])).unwrap();
        let derived = |from, more: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
            let ecb = Mech::with(CKM_AES_ECB_ENCRYPT_DATA, |keep| CK_KEY_DERIVATION_STRING_DATA {
                pData: keep(&[0; 32]),
                ulLen: 32,
            });
            derive(t, &ecb, from, &aes(&[&attrs![CKA_VALUE_LEN => 32usize], more].concat()))
        };
        let mut base = base;
        for _ in 0..3 {
            assert_eq!(derived(base, &shown()), Err(CKR_TEMPLATE_INCONSISTENT));
            base = derived(base, &attrs![CKA_DERIVE => true, CKA_UNWRAP => true]).unwrap();
            assert_eq!(t.bytes(base, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        }
        // nor does a derived key unwrap what it may show
        let value = t.secret(CKK_AES, &[5; 32]).unwrap();
        let kek = t.secret(CKK_AES, &[6; 32]).unwrap();
        let blob = t.wrap(&Mech::new(CKM_AES_KEY_WRAP), kek, value).unwrap();
        let opened = t.unwrap(&Mech::new(CKM_AES_KEY_WRAP), base, &blob, &aes(&shown()));
        assert_eq!(opened, Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

#[test]
fn a_derive_template_goes_on_to_the_keys_of_its_keys() {
    with_token(|t| {
        let base = t
            .generate(
                &Mech::new(CKM_AES_KEY_GEN),
                &attrs![
                    CKA_VALUE_LEN => 32usize,
                    CKA_DERIVE => true,
                    CKA_DERIVE_TEMPLATE => hidden_and_deriving(),
                ],
            )
            .unwrap();
        let ecb = Mech::with(CKM_AES_ECB_ENCRYPT_DATA, |keep| CK_KEY_DERIVATION_STRING_DATA {
            pData: keep(&[0; 32]),
            ulLen: 32,
        });
        let mut key = base;
        for _ in 0..3 {
            let next = |more: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
                derive(t, &ecb, key, &aes(&[&attrs![CKA_VALUE_LEN => 32usize], more].concat()))
            };
            assert_eq!(next(&shown()), Err(CKR_TEMPLATE_INCONSISTENT));
            key = next(&attrs![CKA_DERIVE => true]).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        }
    });
}

#[test]
fn a_shared_secret_keeps_the_templates_of_its_key_pair() {
    with_token(|t| {
        let (public, private) = t
            .generate_pair(
                &Mech::new(CKM_ML_KEM_KEY_PAIR_GEN),
                &attrs![
                    CKA_PARAMETER_SET => CKP_ML_KEM_768,
                    CKA_ENCAPSULATE_TEMPLATE => hidden(),
                ],
                &attrs![CKA_DECAPSULATE_TEMPLATE => hidden()],
            )
            .unwrap();
        let kem = Mech::new(CKM_ML_KEM);
        let secret = aes(&attrs![CKA_UNWRAP => true, CKA_WRAP => true, CKA_DERIVE => true]);
        let (ciphertext, ours) = t.encapsulate(&kem, public, &secret).unwrap();
        let theirs = t.decapsulate(&kem, private, &ciphertext, &secret).unwrap();
        let kw = Mech::new(CKM_AES_KEY_WRAP);
        let blob = t.wrap(&kw, ours, t.secret(CKK_AES, &TARGET).unwrap()).unwrap();
        for kek in [ours, theirs] {
            let opened = t.unwrap(&kw, kek, &blob, &aes(&shown()));
            assert_eq!(opened, Err(CKR_TEMPLATE_INCONSISTENT));
            let hidden = t.unwrap(&kw, kek, &blob, &aes(&[])).unwrap();
            assert_eq!(t.bytes(hidden, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        }
    });
}

#[test]
fn a_received_rsa_key_signs_and_does_no_bare_arithmetic() {
    with_token(|t| {
        let (public, private) = receiving(t, hidden());
        let (_, signing) = t.rsa(2048).unwrap();
        let rsa_aes = Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, b"");
        let package = t.wrap(&rsa_aes, public, signing).unwrap();
        let template = attrs![
            CKA_CLASS => CKO_PRIVATE_KEY,
            CKA_KEY_TYPE => CKK_RSA,
            CKA_SIGN => true,
            CKA_SIGN_RECOVER => true,
        ];
        let key = t.unwrap(&rsa_aes, private, &package, &template).unwrap();
        assert_eq!(t.sign(&Mech::new(CKM_SHA256_RSA_PKCS), key, b"x").unwrap().len(), 256);
        let bare = Mech::new(CKM_RSA_X_509);
        assert_eq!(t.sign(&bare, key, &[1; 256]), Err(CKR_MECHANISM_INVALID));
        assert_eq!(t.sign_recover(&bare, key, &[1; 256]), Err(CKR_MECHANISM_INVALID));
        let decrypts = [&template[..], &attrs![CKA_DECRYPT => true]].concat();
        let outcome = t.unwrap(&rsa_aes, private, &package, &decrypts);
        assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT));
        // unless the owner of the KEK says so
        let rule = [&hidden()[..], &attrs![CKA_DECRYPT => true]].concat();
        let (public, private) = receiving(t, rule);
        let package = t.wrap(&rsa_aes, public, signing).unwrap();
        let key = t.unwrap(&rsa_aes, private, &package, &template).unwrap();
        assert_eq!(t.flag(key, CKA_DECRYPT), Ok(true));
    });
}

/// A usage that would be a way round a template stays off, also on the KEK itself.
#[test]
fn a_kek_with_a_template_does_not_learn_to_decrypt() {
    with_token(|t| {
        let (_, private) = receiving(t, hidden());
        for usage in [CKA_DECRYPT, CKA_SIGN_RECOVER, CKA_DERIVE] {
            assert_eq!(t.set(private, &attrs![usage => true]), Err(CKR_ATTRIBUTE_READ_ONLY));
            let copy = t.copy(private, &attrs![usage => true]);
            assert_eq!(copy, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        t.set(private, &attrs![CKA_UNWRAP => false]).unwrap();
        t.set(private, &attrs![CKA_UNWRAP => true]).unwrap();
    });
}
