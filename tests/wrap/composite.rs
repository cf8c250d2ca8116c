//! RSA keys whose numbers fit together, and of which one "prime" is none: made with Python and sympy,
//! where p is the product of two primes.
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::Failed;
use keyferry::crypto::rsa::{Parts, PrivateKey, Unproved};

const COMPOSITE: &str = include_str!("../data/rsa-composite.pem");
const SMALL_FACTOR: &str = include_str!("../data/rsa-small-factor.pem");

fn composite() -> &'static Parts {
    numbers_of_pem(COMPOSITE)
}

#[test]
fn a_modulus_with_a_small_factor_is_refused() {
    let numbers = numbers_of_pem(SMALL_FACTOR);
    assert!(Unproved::new(numbers).is_err());
    with_token(|t| {
        assert_eq!(t.create(&private_key(numbers, &[])), Err(CKR_ATTRIBUTE_VALUE_INVALID));
    });
}

/// Without the factors nothing but an operation can tell that d does not fit.
#[test]
fn without_its_factors_it_is_refused_at_once() {
    let numbers = Parts { crt: None, ..composite().clone() };
    assert!(Unproved::new(&numbers).is_err());
}

/// A key that can do anything there is only once it is proved.
#[test]
fn it_never_becomes_a_key_for_use() {
    assert!(PrivateKey::new(composite()).is_err());
    let key = Unproved::new(composite()).unwrap();
    for _ in 0..3 {
        assert_eq!(key.prove().err(), Some(Failed));
    }
}

fn pss(ckm: CK_MECHANISM_TYPE) -> Mech {
    Mech::with(ckm, |_| CK_RSA_PKCS_PSS_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        sLen: 32,
    })
}

/// Whatever is asked of it, and whatever data comes: one answer, which says nothing of the data.
#[test]
fn as_an_object_it_is_of_no_use() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let extractable = attrs![CKA_EXTRACTABLE => true, CKA_SIGN_RECOVER => true];
        let made = t.create(&private_key(composite(), &extractable)).unwrap();
        // it goes on as it came
        let blob = t.wrap(&azure(), kek.public, made).unwrap();
        let recovers = attrs![CKA_SIGN_RECOVER => true];
        let came =
            t.unwrap(&azure(), kek.private, &blob, &[received_rsa(), recovers.to_vec()].concat());
        let came = came.unwrap();
        let public = t.create(&public_key(composite(), &[])).unwrap();
        let aes = attrs![CKA_VALUE_LEN => 32_usize, CKA_EXTRACTABLE => true];
        let aes = t.generate(&Mech::new(CKM_AES_KEY_GEN), &aes).unwrap();
        let (pkcs, x509) = (Mech::new(CKM_RSA_PKCS), Mech::new(CKM_RSA_X_509));
        let oaep = Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");
        for key in [made, came] {
            for mech in [&pkcs, &x509, &Mech::new(CKM_SHA256_RSA_PKCS)] {
                assert_eq!(t.sign(mech, key, &[7; 32]), Err(CKR_FUNCTION_FAILED));
            }
            for ckm in [CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS] {
                assert_eq!(t.sign(&pss(ckm), key, &[7; 32]), Err(CKR_FUNCTION_FAILED));
            }
            for mech in [&pkcs, &x509] {
                assert_eq!(t.sign_recover(mech, key, &[7; 32]), Err(CKR_FUNCTION_FAILED));
            }
            for mech in [&pkcs, &x509, &oaep] {
                for sealed in variants(t.encrypt(mech, public, &[7; 32]).unwrap()) {
                    assert_eq!(t.decrypt(mech, key, &sealed), Err(CKR_FUNCTION_FAILED));
                }
            }
            for mech in [&pkcs, &oaep, &azure()] {
                for wrapped in variants(t.wrap(mech, public, aes).unwrap()) {
                    let unwrapped = t.unwrap(mech, key, &wrapped, &received_aes());
                    assert_eq!(unwrapped, Err(CKR_FUNCTION_FAILED));
                }
            }
        }
    });
}

/// A ciphertext, and others without the right padding, above the modulus and of other lengths.
fn variants(sealed: Vec<u8>) -> Vec<Vec<u8>> {
    let altered = |at: usize| {
        let mut other = sealed.clone();
        other[at] ^= 1;
        other
    };
    let len = sealed.len();
    vec![
        altered(len - 1),
        altered(9),
        vec![0; len],
        vec![0xFF; len],
        sealed[1..].to_vec(),
        [&sealed[..], &[0; 8]].concat(),
        sealed,
    ]
}
