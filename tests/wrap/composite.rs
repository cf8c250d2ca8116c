//! RSA keys whose numbers fit together, and of which one "prime" is none: made with Python and sympy,
//! where p is the product of two primes.
use crate::common::*;
use crate::fixture::*;
use keyferry::crypto::Failed;
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep::{self, Oaep};
use keyferry::crypto::pss::{self, Pss};
use keyferry::crypto::rsa::{Parts, PrivateKey, PublicKey};

const COMPOSITE: &str = include_str!("../data/rsa-composite.pem");
const SMALL_FACTOR: &str = include_str!("../data/rsa-small-factor.pem");

fn composite() -> &'static Parts {
    numbers_of_pem(COMPOSITE)
}

#[test]
fn a_modulus_with_a_small_factor_is_refused() {
    let numbers = numbers_of_pem(SMALL_FACTOR);
    assert!(PrivateKey::new(numbers).is_err());
    with_token(|t| {
        assert_eq!(t.create(&private_key(numbers, &[])), Err(CKR_ATTRIBUTE_VALUE_INVALID));
    });
}

/// Without the factors nothing but an operation can tell that d does not fit.
#[test]
fn without_its_factors_it_is_refused_at_once() {
    let numbers = Parts { crt: None, ..composite().clone() };
    assert!(PrivateKey::new(&numbers).is_err());
}

#[test]
fn nothing_comes_out_of_it() {
    let numbers = composite();
    let key = PrivateKey::new(numbers).unwrap();
    let public = PublicKey::new(&numbers.n, &numbers.e).unwrap();
    let mut one = vec![0; key.size()];
    *one.last_mut().unwrap() = 1;
    for input in [vec![0; key.size()], one, vec![0x5A; key.size()]] {
        assert_eq!(key.raw(&input), Err(Failed));
    }
    assert_eq!(key.sign_pkcs1(b"hello"), Err(Failed));
    let pss = Pss { hash: Hash::Sha256, mgf: Hash::Sha256, salt_len: 32 };
    assert_eq!(pss::sign(&key, &pss, &[7; 32]), Err(Failed));
    // no message in place of a wrong one either: the key is at fault, and nobody's ciphertext
    let sealed = public.encrypt_pkcs1(b"hello").unwrap();
    assert_eq!(key.decrypt_pkcs1(&sealed), Err(Failed));
    let sealed = oaep::encrypt(&public, &Oaep::SHA1, b"hello").unwrap();
    assert_eq!(oaep::decrypt(&key, &Oaep::SHA1, &sealed), Err(Failed));
}

#[test]
fn as_an_object_it_is_of_no_use() {
    with_token(|t| {
        let kek = Kek::new(t, 2048);
        let extractable = attrs![CKA_EXTRACTABLE => true];
        let made = t.create(&private_key(composite(), &extractable)).unwrap();
        // it goes on as it came
        let blob = t.wrap(&azure(), kek.public, made).unwrap();
        let came = t.unwrap(&azure(), kek.private, &blob, &received_rsa()).unwrap();
        let public = t.create(&public_key(composite(), &[])).unwrap();
        let pkcs = Mech::new(CKM_RSA_PKCS);
        let sealed = t.encrypt(&pkcs, public, b"hello").unwrap();
        for key in [made, came] {
            for mech in [CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS] {
                assert_eq!(t.sign(&Mech::new(mech), key, b"hello"), Err(CKR_FUNCTION_FAILED));
            }
            assert_eq!(t.decrypt(&pkcs, key, &sealed), Err(CKR_ENCRYPTED_DATA_INVALID));
        }
    });
}
