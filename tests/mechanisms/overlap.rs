//! Input and output in one memory, wherever one lies beside the other: PKCS#11 3.2, section 5.2.
use super::aes::hex;
use super::aes_aead::ccm;
use super::aes_streams::ctr;
use super::chacha::{chacha, poly};
use crate::common::*;

const IV: [u8; 16] = [7; 16];
/// Where the input lies in a memory that has room before and behind it.
const HERE: usize = 600;
const MEMORY: usize = 1600;

/// Every cipher of ours with a text that it takes: whole blocks for those that want them.
fn ciphers(t: &Session) -> Vec<(Mech, Handle, Vec<u8>)> {
    let aes = t.aes(32).unwrap();
    let other = t.secret(CKK_CHACHA20, &[5; 32]).unwrap();
    let text = |len: u8| (0..len).collect::<Vec<u8>>();
    let with_iv = |ckm| Mech::bytes(ckm, &IV);
    let mut all =
        vec![(Mech::new(CKM_AES_ECB), aes, text(112)), (with_iv(CKM_AES_CBC), aes, text(112))];
    for len in [0, 1, 16, 112, 117] {
        all.extend([
            (with_iv(CKM_AES_CBC_PAD), aes, text(len)),
            (Mech::gcm(&IV[..12], b"aad", 128), aes, text(len)),
            (Mech::gcm(&IV, b"", 96), aes, text(len)),
            (ctr(128, &"ff".repeat(16)), aes, text(len)),
            (with_iv(CKM_AES_OFB), aes, text(len)),
            (with_iv(CKM_AES_CFB8), aes, text(len)),
            (with_iv(CKM_AES_CFB128), aes, text(len)),
            (ccm(len.into(), &IV[..12], b"aad", 16), aes, text(len)),
            (chacha(&[0; 4], &IV[..12]), other, text(len)),
            (poly(&IV[..12], b"aad"), other, text(len)),
        ]);
    }
    // the counter begins again on the way
    all.push((ctr(3, &format!("{}fd", "00".repeat(15))), aes, text(117)));
    all.push((with_iv(CKM_AES_CTS), aes, text(117)));
    all
}

/// How far behind the input the output begins.
fn distances(input: usize, output: usize) -> Vec<isize> {
    let (input, output) = (input as isize, output as isize);
    let mut all = vec![0, 1, 15, 16, 17, -1, -15, -16, -17, input - 1, input, input + 1, 300];
    all.extend([1 - output, -output, -output - 1, -300]);
    all
}

/// A memory with the input in it, and what the call makes of it with the output at that distance:
/// nothing else in it is touched.
fn beside(
    input: &[u8],
    output: &[u8],
    distance: isize,
    call: impl FnOnce(*mut u8, *mut u8, *mut CK_ULONG) -> Rv<()>,
) {
    let mut memory: Vec<u8> = (0..MEMORY).map(|at| (at % 251) as u8 ^ 0xA5).collect();
    memory[HERE..][..input.len()].copy_from_slice(input);
    let there = HERE.checked_add_signed(distance).unwrap();
    let mut expected = memory.clone();
    expected[there..][..output.len()].copy_from_slice(output);
    let (base, mut n) = (memory.as_mut_ptr(), len(output));
    call(base.wrapping_add(HERE), base.wrapping_add(there), &mut n).unwrap();
    assert_eq!(n, len(output));
    assert!(memory == expected, "distance {distance} of {} bytes", input.len());
}

#[test]
fn one_call_both_ways() {
    with_token(|t| {
        for (mech, key, text) in ciphers(t) {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            for distance in distances(text.len(), sealed.len()) {
                t.encrypt_init(&mech, key).unwrap();
                beside(&text, &sealed, distance, |from, to, n| {
                    call!(t.C_Encrypt(t.handle, from, len(&text), to, n))
                });
            }
            for distance in distances(sealed.len(), text.len()) {
                t.decrypt_init(&mech, key).unwrap();
                beside(&sealed, &text, distance, |from, to, n| {
                    // padding says its length late
                    *unsafe { &mut *n } = len(&sealed);
                    call!(t.C_Decrypt(t.handle, from, len(&sealed), to, n))
                });
            }
        }
    });
}

/// Parts that fill no block, that fill some, and that fill what waited.
#[test]
fn part_by_part() {
    with_token(|t| {
        for (mech, key, text) in ciphers(t).into_iter().filter(|(_, _, text)| text.len() > 100) {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            for cut in [0, 5, 16, 32] {
                for distance in distances(cut, cut) {
                    let mut done = t.encrypt_init(&mech, key).map(|()| 0).unwrap();
                    for part in [&text[..cut], &text[cut..cut + 64], &text[cut + 64..]] {
                        let needed = question(|n| {
                            call!(t.C_EncryptUpdate(t.handle, ptr(part), len(part), null(), n))
                        });
                        let output = &sealed[done..done + needed];
                        beside(part, output, distance, |from, to, n| {
                            call!(t.C_EncryptUpdate(t.handle, from, len(part), to, n))
                        });
                        done += needed;
                    }
                    assert_eq!(t.encrypt_final().unwrap(), sealed[done..]);
                    let mut done = t.decrypt_init(&mech, key).map(|()| 0).unwrap();
                    for part in [&sealed[..cut], &sealed[cut..cut + 64], &sealed[cut + 64..]] {
                        let needed = question(|n| {
                            call!(t.C_DecryptUpdate(t.handle, ptr(part), len(part), null(), n))
                        });
                        let output = &text[done..done + needed];
                        beside(part, output, distance, |from, to, n| {
                            call!(t.C_DecryptUpdate(t.handle, from, len(part), to, n))
                        });
                        done += needed;
                    }
                    assert_eq!(t.decrypt_final().unwrap(), text[done..]);
                }
            }
        }
    });
}

fn null() -> *mut u8 {
    std::ptr::null_mut()
}

fn question(call: impl FnOnce(&mut CK_ULONG) -> Rv<()>) -> usize {
    let mut needed = 0;
    call(&mut needed).unwrap();
    needed as usize
}

/// Calls in place that are refused; what was there still is.
fn refused(memory: &[u8], rv: CK_RV, call: impl FnOnce(*mut u8) -> Rv<()>) {
    let mut copy = memory.to_vec();
    assert_eq!(call(copy.as_mut_ptr()), Err(rv));
    assert!(copy == memory, "{rv:x}: the input is lost");
}

#[test]
fn what_is_refused_is_still_there() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let cbc = Mech::bytes(CKM_AES_CBC, &IV);
        t.encrypt_init(&cbc, key).unwrap();
        refused(&[3; 33], CKR_DATA_LEN_RANGE, |at| {
            call!(t.C_Encrypt(t.handle, at, 33, at, &mut 33))
        });
        t.decrypt_init(&cbc, key).unwrap();
        refused(&[3; 33], CKR_ENCRYPTED_DATA_LEN_RANGE, |at| {
            call!(t.C_Decrypt(t.handle, at, 33, at, &mut 33))
        });
        // a counter of two bits is good for four blocks
        t.encrypt_init(&ctr(2, &"00".repeat(16)), key).unwrap();
        refused(&[3; 65], CKR_DATA_LEN_RANGE, |at| {
            call!(t.C_Encrypt(t.handle, at, 65, at, &mut 65))
        });
        for mech in [Mech::gcm(&IV[..12], b"", 128), Mech::bytes(CKM_AES_CBC_PAD, &IV)] {
            let mut sealed = t.encrypt(&mech, key, &[3; 100]).unwrap();
            // the padding of the last block, or the tag
            let last = sealed.len() - 17;
            sealed[last] ^= 0x80;
            t.decrypt_init(&mech, key).unwrap();
            let n = len(&sealed);
            refused(&sealed, CKR_ENCRYPTED_DATA_INVALID, |at| {
                call!(t.C_Decrypt(t.handle, at, n, at, &mut n.clone()))
            });
        }
    });
}

/// A question or a buffer that is too small leaves the input and the operation as they are.
#[test]
fn what_has_no_room_is_still_there() {
    with_token(|t| {
        for (mech, key, text) in ciphers(t) {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            t.encrypt_init(&mech, key).unwrap();
            let rooms = [0, 1, sealed.len() / 2, sealed.len().saturating_sub(1)];
            for room in rooms.into_iter().filter(|room| *room < sealed.len()) {
                let mut n = room as CK_ULONG;
                refused(&text, CKR_BUFFER_TOO_SMALL, |at| {
                    call!(t.C_Encrypt(t.handle, at, len(&text), at, &mut n))
                });
                assert_eq!(n, len(&sealed));
            }
            beside(&text, &sealed, 0, |from, to, n| {
                call!(t.C_Encrypt(t.handle, from, len(&text), to, n))
            });
        }
    });
}

/// A buffer that claims to be endless is used as far as needed.
#[test]
fn room_of_any_claimed_length() {
    with_token(|t| {
        for (mech, key, text) in ciphers(t) {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            for (distance, claimed) in [(0, CK_ULONG::MAX), (300, CK_ULONG::MAX), (-300, 1 << 40)] {
                t.encrypt_init(&mech, key).unwrap();
                beside(&text, &sealed, distance, |from, to, n| {
                    let mut room = claimed;
                    call!(t.C_Encrypt(t.handle, from, len(&text), to, &mut room))?;
                    *unsafe { &mut *n } = room;
                    Ok(())
                });
            }
        }
    });
}

/// Longer than what is reserved for an output that is not put straight to its place.
#[test]
fn in_bulk() {
    with_token(|t| {
        let key = t.aes(32).unwrap();
        let text: Vec<u8> = (0..3 << 20).map(|at: u32| (at * 7 % 255) as u8).collect();
        let gcm = Mech::gcm(&hex("000102030405060708090a0b"), b"", 128);
        let cbc = Mech::bytes(CKM_AES_CBC, &IV);
        for mech in [gcm, cbc, Mech::bytes(CKM_AES_CBC_PAD, &IV), ctr(128, &"00".repeat(16))] {
            let sealed = t.encrypt(&mech, key, &text).unwrap();
            let mut memory = [&text[..], &[0; 64]].concat();
            let (at, mut n) = (memory.as_mut_ptr(), len(&memory));
            t.encrypt_init(&mech, key).unwrap();
            call!(t.C_Encrypt(t.handle, at, len(&text), at, &mut n)).unwrap();
            assert!(memory[..n as usize] == sealed);
            t.decrypt_init(&mech, key).unwrap();
            call!(t.C_Decrypt(t.handle, at, n, at, &mut n)).unwrap();
            assert!(memory[..n as usize] == text);
        }
    });
}
