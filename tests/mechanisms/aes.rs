//! What the tests of AES and its relatives share: keys and plaintext of NIST, and ways to cut.
use crate::common::*;

/// NIST SP 800-38A, appendix F: the keys and the plaintext of all its AES examples.
pub const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
pub const KEY_192: &str = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
pub const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
pub const IV: &str = "000102030405060708090a0b0c0d0e0f";
pub const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// What must come out, and go in again.
pub fn answers(t: &Session, mech: &Mech, key: Handle, plain: &[u8], sealed: &[u8]) {
    assert_eq!(t.encrypt(mech, key, plain), Ok(sealed.to_vec()), "{mech:?}");
    assert_eq!(t.decrypt(mech, key, sealed), Ok(plain.to_vec()), "{mech:?}");
}

/// A message cut in two at every place, and into single bytes, both ways.
pub fn cut_at_every_place(t: &Session, mech: &Mech, key: Handle, text: &[u8]) {
    let whole = t.encrypt(mech, key, text).unwrap();
    for at in 0..=text.len() {
        t.encrypt_init(mech, key).unwrap();
        let mut sealed = t.encrypt_update(&text[..at]).unwrap();
        sealed.extend(t.encrypt_update(&[]).unwrap());
        sealed.extend(t.encrypt_update(&text[at..]).unwrap());
        sealed.extend(t.encrypt_final().unwrap());
        assert_eq!(sealed, whole, "{mech:?} {at}");
    }
    for at in 0..=whole.len() {
        t.decrypt_init(mech, key).unwrap();
        let mut opened = t.decrypt_update(&whole[..at]).unwrap();
        opened.extend(t.decrypt_update(&whole[at..]).unwrap());
        opened.extend(t.decrypt_final().unwrap());
        assert_eq!(opened, text, "{mech:?} {at}");
    }
    t.encrypt_init(mech, key).unwrap();
    let mut sealed: Vec<u8> =
        text.iter().flat_map(|byte| t.encrypt_update(&[*byte]).unwrap()).collect();
    sealed.extend(t.encrypt_final().unwrap());
    assert_eq!(sealed, whole, "{mech:?} byte by byte");
    t.decrypt_init(mech, key).unwrap();
    let mut opened: Vec<u8> =
        whole.iter().flat_map(|byte| t.decrypt_update(&[*byte]).unwrap()).collect();
    opened.extend(t.decrypt_final().unwrap());
    assert_eq!(opened, text, "{mech:?} byte by byte");
}

/// The standard allows input and output to be the same memory, or to overlap.
pub fn in_place(t: &Session, mech: &Mech, key: Handle, text: &[u8]) {
    let sealed = t.encrypt(mech, key, text).unwrap();
    for shift in [0, 1, 16] {
        let mut memory = [text, &[0; 64]].concat();
        let (at, out) = (memory.as_mut_ptr(), memory[shift..].as_mut_ptr());
        let mut n = len(&sealed);
        t.encrypt_init(mech, key).unwrap();
        call!(t.C_Encrypt(t.handle, at, len(text), out, &mut n)).unwrap();
        assert_eq!(memory[shift..shift + n as usize], sealed, "{mech:?}");

        let mut memory = [&sealed[..], &[0; 32]].concat();
        let (at, out) = (memory.as_mut_ptr(), memory[shift..].as_mut_ptr());
        let mut n = len(&sealed);
        t.decrypt_init(mech, key).unwrap();
        call!(t.C_Decrypt(t.handle, at, len(&sealed), out, &mut n)).unwrap();
        assert_eq!(memory[shift..shift + n as usize], *text, "{mech:?}");
    }
}
