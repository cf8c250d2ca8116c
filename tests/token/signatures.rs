//! RSA and ECDSA: signing, verifying, and encryption with PKCS #1 v1.5.
use crate::common::session::into;
use crate::common::*;

const PKCS: Ckm = CKM_RSA_PKCS;
const SHA256: Ckm = CKM_SHA256_RSA_PKCS;
const ECDSA: Ckm = CKM_ECDSA;
type Ckm = CK_MECHANISM_TYPE;

/// DigestInfo of SHA-256 up to the digest, RFC 8017 section 9.2 note 1.
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
/// SHA-256 of "abc", FIPS 180-4's example.
const ABC: [u8; 32] = [
    0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
    0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
];

#[test]
fn signatures_at_once_and_in_parts() {
    with_token(|t| {
        let (rsa, ec) = (t.rsa(1024).unwrap(), t.ec(keys::P384).unwrap());
        let text: Vec<u8> = (0..48).collect();
        for (ckm, (public, private), size) in
            [(PKCS, rsa, 128), (SHA256, rsa, 128), (ECDSA, ec, 96)]
        {
            let mech = Mech::new(ckm);
            let whole = t.sign(&mech, private, &text).unwrap();
            assert_eq!(whole.len(), size);
            for at in 0..=text.len() {
                t.sign_init(&mech, private).unwrap();
                t.sign_update(&text[..at]).unwrap();
                t.sign_update(&[]).unwrap();
                t.sign_update(&text[at..]).unwrap();
                let signature = t.sign_final().unwrap();
                if ckm != ECDSA {
                    assert_eq!(signature, whole, "{at}");
                }
                t.verify(&mech, public, &text, &signature).unwrap();
                t.verify_init(&mech, public).unwrap();
                t.verify_update(&text[..at]).unwrap();
                t.verify_update(&text[at..]).unwrap();
                t.verify_final(&whole).unwrap();
            }
        }
        // the hash of the one mechanism is the DigestInfo of the other
        let (public, private) = rsa;
        let info = [&SHA256_INFO[..], &ABC].concat();
        let hashed = t.sign(&Mech::new(SHA256), private, b"abc").unwrap();
        assert_eq!(t.sign(&Mech::new(PKCS), private, &info), Ok(hashed.clone()));
        t.verify(&Mech::new(PKCS), public, &info, &hashed).unwrap();
    });
}

#[test]
fn wrong_signatures_and_wrong_lengths() {
    with_token(|t| {
        let (rsa, ec) = (t.rsa(1024).unwrap(), t.ec(keys::P256).unwrap());
        for (ckm, (public, private)) in [(PKCS, rsa), (SHA256, rsa), (ECDSA, ec)] {
            let mech = Mech::new(ckm);
            let signature = t.sign(&mech, private, &ABC).unwrap();
            let verify = |data: &[u8], signature: &[u8]| {
                let verdict = t.verify(&mech, public, data, signature);
                let ended = t.verify_update(b"x");
                assert_eq!(ended, Err(CKR_OPERATION_NOT_INITIALIZED), "any verdict ends it");
                verdict
            };
            assert_eq!(verify(&ABC, &signature), Ok(()));
            assert_eq!(verify(&ABC[1..], &signature), Err(CKR_SIGNATURE_INVALID));
            for bit in [0, 7, 8 * signature.len() - 1] {
                let mut bad = signature.clone();
                bad[bit / 8] ^= 0x80 >> (bit % 8);
                assert_eq!(verify(&ABC, &bad), Err(CKR_SIGNATURE_INVALID));
            }
            let zeros = vec![0; signature.len()];
            assert_eq!(verify(&ABC, &zeros), Err(CKR_SIGNATURE_INVALID));
            let longer = [&signature[..], &[0]].concat();
            for wrong in [&signature[1..], &longer, &[]] {
                assert_eq!(verify(&ABC, wrong), Err(CKR_SIGNATURE_LEN_RANGE));
                t.verify_init(&mech, public).unwrap();
                t.verify_update(&ABC).unwrap();
                assert_eq!(t.verify_final(wrong), Err(CKR_SIGNATURE_LEN_RANGE));
            }
        }
    });
}

#[test]
fn inputs_that_are_too_long() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let pkcs = Mech::new(PKCS);
        let long = [7; 118];
        let signature = t.sign(&pkcs, private, &long[..117]).unwrap();
        assert_eq!(signature.len(), 128);
        assert_eq!(t.sign(&pkcs, private, &long), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.verify(&pkcs, public, &long, &signature), Err(CKR_DATA_LEN_RANGE));
        t.sign_init(&pkcs, private).unwrap();
        t.sign_update(&long[..100]).unwrap();
        assert_eq!(t.sign_update(&long[..18]), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.sign_final(), Err(CKR_OPERATION_NOT_INITIALIZED));
        let (_, private) = t.ec(keys::P256).unwrap();
        let ecdsa = Mech::new(ECDSA);
        assert_eq!(t.sign(&ecdsa, private, &[]), Err(CKR_DATA_LEN_RANGE));
        for len in [1, 20, 31, 33, 64] {
            assert_eq!(t.sign(&ecdsa, private, &vec![1; len]).unwrap().len(), 64);
        }
    });
}

/// FIPS 186-5, section 6.4: of a digest longer than the order the leftmost bits count.
#[test]
fn ecdsa_takes_the_leftmost_bits() {
    with_token(|t| {
        let (public, private) = t.ec(keys::P256).unwrap();
        let ecdsa = Mech::new(ECDSA);
        let signature = t.sign(&ecdsa, private, &[&ABC[..], &[1; 32]].concat()).unwrap();
        t.verify(&ecdsa, public, &ABC, &signature).unwrap();
        t.verify(&ecdsa, public, &[&ABC[..], &[2; 16]].concat(), &signature).unwrap();
    });
}

#[test]
fn rsa_encryption() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let pkcs = Mech::new(PKCS);
        let open = |sealed: &[u8]| {
            t.decrypt_init(&pkcs, private)?;
            into(128, |at, n| call!(t.C_Decrypt(t.handle, ptr(sealed), len(sealed), at, n)))
        };
        for size in [0, 1, 32, 117] {
            let text = vec![0xC3; size];
            let sealed = t.encrypt(&pkcs, public, &text).unwrap();
            assert_ne!(t.encrypt(&pkcs, public, &text).unwrap(), sealed, "random padding");
            assert_eq!((sealed.len(), open(&sealed)), (128, Ok(text.clone())));
            t.decrypt_init(&pkcs, private).unwrap();
            assert!(t.decrypt_update(&sealed[..50]).unwrap().is_empty());
            assert!(t.decrypt_update(&sealed[50..]).unwrap().is_empty());
            let opened = into(117, |at, n| call!(t.C_DecryptFinal(t.handle, at, n)));
            assert_eq!(opened, Ok(text));
        }
        assert_eq!(t.encrypt(&pkcs, public, &[1; 118]), Err(CKR_DATA_LEN_RANGE));
        for size in [0, 127, 129] {
            assert_eq!(open(&vec![1; size]), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        }
    });
}

/// Who sends a wrong padding gets a message all the same: always the same one for the same
/// ciphertext, another for another.
#[test]
fn rsa_decryption_never_says_why() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let pkcs = Mech::new(PKCS);
        let open = |sealed: &[u8]| {
            t.decrypt_init(&pkcs, private)?;
            into(117, |at, n| call!(t.C_Decrypt(t.handle, ptr(sealed), len(sealed), at, n)))
        };
        let sealed = t.encrypt(&pkcs, public, b"a session key").unwrap();
        let mut messages = std::collections::BTreeSet::new();
        for n in 0..40 {
            let mut bad = sealed.clone();
            bad[127] ^= n + 1;
            let message = open(&bad).unwrap();
            assert_ne!(message, b"a session key");
            assert_eq!(open(&bad), Ok(message.clone()), "no chance of a second look");
            messages.insert(message);
        }
        assert!(messages.len() > 30, "{}", messages.len());
        assert_eq!(open(&sealed).unwrap(), b"a session key");
        // not even a number that is none below the modulus is told apart
        let beyond = open(&[0xFF; 128]).unwrap();
        assert_eq!(open(&[0xFF; 128]), Ok(beyond));
    });
}
