//! Nonces that the token makes: PKCS#11 3.2, section "AES-GCM Authenticated Encryption / Decryption".
use crate::common::session::query_then;
use crate::common::*;
use crate::fixture::{Messages, Param};
use std::collections::BTreeSet;
use std::ptr::null_mut;

const GENERATED: [CK_ULONG; 4] =
    [CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR, CKG_GENERATE_RANDOM];

/// A token with a process, both ways.
fn with_process(ckm: CK_MECHANISM_TYPE, test: impl FnOnce(&Token, Handle)) {
    with_token(|t| test(t, process(t, ckm)));
}

/// A process with a fresh key, both ways, instead of the one before.
fn process(t: &Token, ckm: CK_MECHANISM_TYPE) -> Handle {
    call!(t.C_SessionCancel(t.handle, CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT)).unwrap();
    let key = t.aes(16).unwrap();
    t.encrypts(&Mech::new(ckm), key).unwrap();
    t.decrypts(&Mech::new(ckm), key).unwrap();
    key
}

#[test]
fn each_message_has_its_own_and_opens_under_it() {
    with_token(|t| {
        for (ckm, nonce_len) in [(CKM_AES_GCM, 12), (CKM_AES_GCM, 16), (CKM_AES_CCM, 13)] {
            for generator in GENERATED {
                process(t, ckm);
                let mut seen = BTreeSet::new();
                for n in 0..20 {
                    let blank = Param::new(ckm, &vec![0x5A; nonce_len], &[0; 16], 30);
                    let mut param = blank.made_by(generator, 0);
                    let sealed = match n % 2 {
                        0 => t.seal(&mut param, b"aad", &[n; 30]),
                        _ => t.seal_cut(&mut param, b"aad", &[n; 30], 11),
                    };
                    assert!(seen.insert(param.nonce.clone()), "{generator}: {:?}", param.nonce);
                    // what made it is nothing that decryption looks at
                    let mut param = param.made_by(99, 7777);
                    assert_eq!(t.open(&mut param, b"aad", &sealed.unwrap()), Ok(vec![n; 30]));
                }
            }
        }
    });
}

#[test]
fn counters_start_at_zero_and_leave_the_fixed_bits() {
    with_process(CKM_AES_GCM, |t, _| {
        for n in 0..3u8 {
            let mut param = Param::gcm(&[9; 12]).made_by(CKG_GENERATE_COUNTER, 64);
            t.seal(&mut param, b"", b"x").unwrap();
            assert_eq!(param.nonce, [9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, n]);
        }
        process(t, CKM_AES_GCM);
        let mut param = Param::gcm(&[9; 12]).made_by(CKG_GENERATE_COUNTER_XOR, 64);
        for last in [9, 8, 11, 10] {
            // the nonce that came out last goes in again
            t.seal(&mut param, b"", b"x").unwrap();
            assert_eq!(param.nonce, [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, last]);
        }
        let mut other = Param::gcm(&[1; 12]).made_by(CKG_GENERATE_COUNTER_XOR, 64);
        assert_eq!(t.seal(&mut other, b"", b"x"), Err(CKR_MECHANISM_PARAM_INVALID));
    });
}

/// "Each IV must be unique for a given session": no end of a process makes its counter begin again.
#[test]
fn counters_go_on_from_process_to_process() {
    let ends: [fn(&Token) -> Rv<()>; 4] = [
        |t| t.encrypts_no_more(),
        |t| call!(t.C_SessionCancel(t.handle, CKF_MESSAGE_ENCRYPT)),
        |t| {
            call!(t.C_DigestInit(t.handle, &mut Mech::new(CKM_SHA256).raw()))?;
            let state = query_then(|at, n| call!(t.C_GetOperationState(t.handle, at, n)))?;
            call!(t.C_SetOperationState(t.handle, ptr(&state), len(&state), 0, 0))?;
            call!(t.C_SessionCancel(t.handle, CKF_DIGEST))
        },
        |t| call!(t.C_Logout(t.handle)).and_then(|()| t.login(CKU_USER, PIN)),
    ];
    let key = |t: &Token| {
        // stays in sight when the user has logged out
        let template = attrs![CKA_VALUE_LEN => 16usize, CKA_ENCRYPT => true, CKA_PRIVATE => false];
        t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap()
    };
    for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR] {
        with_token(|t| {
            let keys = [key(t), key(t)];
            let mut seen = BTreeSet::new();
            for (round, end) in ends.iter().enumerate() {
                for (which, key) in keys.into_iter().enumerate() {
                    t.encrypts(&Mech::new(CKM_AES_GCM), key).unwrap();
                    for _ in 0..2 {
                        let mut param = Param::gcm(&[0; 12]).made_by(generator, 64);
                        t.seal(&mut param, b"", b"x").unwrap();
                        assert!(seen.insert((which, param.nonce)), "{generator}, {round}");
                    }
                    end(t).unwrap();
                }
            }
            let counted =
                BTreeSet::from_iter(seen.iter().map(|(which, nonce)| (*which, nonce[11])));
            let expected = (0..2).flat_map(|which| (0..8).map(move |n| (which, n)));
            assert_eq!(counted, expected.collect(), "each key by itself");
        });
    }
}

#[test]
fn no_counter_comes_round() {
    with_token(|t| {
        for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR] {
            process(t, CKM_AES_GCM);
            let mut seen = BTreeSet::new();
            let blank = Param::gcm(&[0xFF; 12]).made_by(generator, 94);
            for _ in 0..4 {
                let mut param = blank.clone();
                t.seal(&mut param, b"", b"x").unwrap();
                seen.insert(param.nonce);
            }
            assert_eq!(seen.len(), 4);
            for _ in 0..2 {
                let mut param = blank.clone();
                assert_eq!(t.seal(&mut param, b"", b"x"), Err(CKR_DATA_LEN_RANGE));
                assert_eq!(t.seal_begin(&mut param, b""), Err(CKR_DATA_LEN_RANGE));
                assert_eq!(param, blank, "nothing is written");
            }
            t.seal(&mut Param::gcm(&[4; 12]), b"", b"given ones go on").unwrap();
        }
    });
}

/// The standard's example: a given nonce, then one that is generated, in one process.
#[test]
fn given_and_made_in_one_process() {
    with_process(CKM_AES_GCM, |t, _| {
        let mut param = Param::gcm(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let given = param.nonce.clone();
        t.seal(&mut param, b"aad", &[1; 200]).unwrap();
        assert_eq!(param.nonce, given);
        let mut param = param.made_by(CKG_GENERATE, 0);
        let sealed = t.seal_cut(&mut param, b"aad", &[2; 200], 100).unwrap();
        assert_ne!(param.nonce, given);
        assert_eq!(t.open(&mut param, b"aad", &sealed), Ok(vec![2; 200]));
    });
}

#[test]
fn neither_a_query_nor_too_small_a_buffer_uses_one_up() {
    with_process(CKM_AES_GCM, |t, _| {
        let mut param = Param::gcm(&[0; 12]).made_by(CKG_GENERATE_COUNTER, 32);
        let before = param.clone();
        for _ in 0..3 {
            let mut n = 0;
            param.with(|p, size| {
                let (h, data, no) = (t.handle, ptr(&[1; 5]), null_mut());
                call!(t.C_EncryptMessage(h, p, size, no, 0, data, 5, no, &mut n)).unwrap();
                assert_eq!(n, 5);
                let (mut room, mut n) = ([0u8; 4], 4);
                let at = room.as_mut_ptr();
                let small = call!(t.C_EncryptMessage(h, p, size, no, 0, data, 5, at, &mut n));
                assert_eq!((small, n, room), (Err(CKR_BUFFER_TOO_SMALL), 5, [0; 4]));
            });
            assert_eq!(param, before);
        }
        t.seal(&mut param, b"", b"x").unwrap();
        assert_eq!(param.nonce, [0; 12]);
        t.seal(&mut param, b"", b"x").unwrap();
        assert_eq!(param.nonce[11], 1);
    });
}

#[test]
fn what_cannot_be_generated() {
    with_process(CKM_AES_GCM, |t, _| {
        for (generator, fixed_bits) in [
            (CKG_GENERATE, 41),
            (CKG_GENERATE, 97),
            (CKG_GENERATE_COUNTER, 96),
            (CKG_GENERATE_COUNTER_XOR, 96),
            (CKG_GENERATE_COUNTER_XOR, CK_ULONG::MAX),
            (CKG_GENERATE_RANDOM, 1),
            (5, 0),
            (CK_ULONG::MAX, 0),
        ] {
            let mut param = Param::gcm(&[0; 12]).made_by(generator, fixed_bits);
            let sealed = t.seal(&mut param, b"", b"x");
            assert_eq!(sealed, Err(CKR_MECHANISM_PARAM_INVALID), "{generator} {fixed_bits}");
            assert_eq!(t.seal_begin(&mut param, b""), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
    with_process(CKM_AES_CCM, |t, _| {
        for nonce in [&[0; 7][..], &[0; 13]] {
            let short = Param::new(CKM_AES_CCM, nonce, &[0; 8], 1);
            t.seal(&mut short.clone().made_by(CKG_GENERATE, 0), b"", b"x").unwrap();
            let random = t.seal(&mut short.made_by(CKG_GENERATE_RANDOM, 0), b"", b"x");
            let expected =
                if nonce.len() == 13 { Ok(()) } else { Err(CKR_MECHANISM_PARAM_INVALID) };
            assert_eq!(random.map(drop), expected);
            process(t, CKM_AES_CCM);
        }
    });
}

/// Threads that share a session share its counter.
#[test]
fn threads_do_not_meet() {
    for generator in [CKG_GENERATE, CKG_GENERATE_COUNTER] {
        with_process(CKM_AES_GCM, |t, _| {
            let seal = |n: u8| {
                let mut param = Param::gcm(&[0; 12]).made_by(generator, 32);
                let sealed = t.seal(&mut param, b"", &[n; 20]).unwrap();
                (param, sealed, n)
            };
            let made: Vec<_> = std::thread::scope(|s| {
                let threads: Vec<_> = (0..4)
                    .map(|n| s.spawn(move || (0..100).map(|_| seal(n)).collect::<Vec<_>>()))
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            let nonces: BTreeSet<_> = made.iter().map(|(param, ..)| &param.nonce).collect();
            assert_eq!(nonces.len(), 400);
            for (param, sealed, n) in &made {
                assert_eq!(t.open(&mut param.clone(), b"", sealed), Ok(vec![*n; 20]));
            }
        });
    }
}
