//! `CKM_RSA_X_509`: what other mechanisms make with a padding, without one.
use crate::common::*;

const X509: CK_MECHANISM_TYPE = CKM_RSA_X_509;
const SIZE: usize = 128;

/// With zeros before it, as long as the modulus.
fn padded(content: &[u8]) -> Vec<u8> {
    [vec![0; SIZE - content.len()], content.to_vec()].concat()
}

#[test]
fn there_and_back() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let x509 = Mech::new(X509);
        for content in [vec![], vec![2], vec![7; 64], [vec![0], vec![0xFF; 127]].concat()] {
            let sealed = t.encrypt(&x509, public, &content).unwrap();
            assert_eq!(t.decrypt(&x509, private, &sealed), Ok(padded(&content)));
            let signature = t.sign(&x509, private, &content).unwrap();
            assert_eq!(t.sign_recover(&x509, private, &content), Ok(signature.clone()));
            assert_eq!(t.verify(&x509, public, &content, &signature), Ok(()));
            assert_eq!(t.verify(&x509, public, &padded(&content), &signature), Ok(()));
            assert_eq!(t.verify_recover(&x509, public, &signature), Ok(padded(&content)));
            let verdict = t.verify(&x509, public, b"other", &signature);
            assert_eq!(verdict, Err(CKR_SIGNATURE_INVALID));
        }
    });
}

/// RFC 8017, sections 8.2.1 and 9.2: the signature of a block that the application padded.
#[test]
fn a_padding_by_hand() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let (x509, pkcs) = (Mech::new(X509), Mech::new(CKM_RSA_PKCS));
        let content = b"what is signed";
        let mut block = vec![0, 1];
        block.resize(SIZE - content.len() - 1, 0xFF);
        block.push(0);
        block.extend_from_slice(content);
        let signature = t.sign(&pkcs, private, content).unwrap();
        assert_eq!(t.sign(&x509, private, &block), Ok(signature.clone()));
        assert_eq!(t.verify_recover(&x509, public, &signature), Ok(block));
        let sealed = t.encrypt(&pkcs, public, content).unwrap();
        let opened = t.decrypt(&x509, private, &sealed).unwrap();
        assert!(opened.starts_with(&[0, 2]) && opened.ends_with(content));
    });
}

#[test]
fn numbers_out_of_range() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let x509 = Mech::new(X509);
        let modulus = t.bytes(public, CKA_MODULUS).unwrap();
        for large in [&modulus[..], &[0xFF; SIZE]] {
            assert_eq!(t.encrypt(&x509, public, large), Err(CKR_DATA_INVALID));
            assert_eq!(t.sign(&x509, private, large), Err(CKR_DATA_INVALID));
            assert_eq!(t.decrypt(&x509, private, large), Err(CKR_ENCRYPTED_DATA_INVALID));
            assert_eq!(t.verify_recover(&x509, public, large), Err(CKR_SIGNATURE_INVALID));
            assert_eq!(t.verify(&x509, public, b"x", large), Err(CKR_SIGNATURE_INVALID));
        }
        let long = [1; SIZE + 1];
        assert_eq!(t.encrypt(&x509, public, &long), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.sign(&x509, private, &long), Err(CKR_DATA_LEN_RANGE));
        for wrong in [&long[..], &long[2..]] {
            assert_eq!(t.decrypt(&x509, private, wrong), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
            assert_eq!(t.verify_recover(&x509, public, wrong), Err(CKR_SIGNATURE_LEN_RANGE));
            assert_eq!(t.verify(&x509, public, b"x", wrong), Err(CKR_SIGNATURE_LEN_RANGE));
        }
        let key = t.secret(CKK_AES, &[1; 16]).unwrap();
        assert_eq!(t.wrap(&x509, public, key), Err(CKR_MECHANISM_INVALID));
    });
}
