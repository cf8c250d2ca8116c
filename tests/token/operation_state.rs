//! Saving where an operation stands, and going on from there.
use crate::common::session::{into, query_then};
use crate::common::*;
use std::ptr::null_mut;

const NOT_STARTED: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

/// The digests whose state can be saved.
const SAVEABLE: [CK_MECHANISM_TYPE; 7] =
    [CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512, CKM_SHA512_224, CKM_SHA512_256];
const SHA3: [CK_MECHANISM_TYPE; 4] = [CKM_SHA3_224, CKM_SHA3_256, CKM_SHA3_384, CKM_SHA3_512];

/// Query, then call with just that room.
fn save(t: &Session) -> Rv<Vec<u8>> {
    query_then(|at, n| call!(t.C_GetOperationState(t.handle, at, n)))
}
fn restore(t: &Session, state: &[u8]) -> Rv<()> {
    restore_with(t, state, [0, 0])
}
fn restore_with(t: &Session, state: &[u8], keys: [Handle; 2]) -> Rv<()> {
    let (at, n) = (ptr(state), len(state));
    call!(t.C_SetOperationState(t.handle, at, n, keys[0], keys[1]))
}
fn sha256() -> Mech {
    Mech::new(CKM_SHA256)
}
fn text() -> Vec<u8> {
    (0..=255).collect()
}

#[test]
fn a_digest_goes_on_from_where_it_was_saved() {
    with_token(|t| {
        let other = t.p.open_ro(0).unwrap();
        for ckm in SAVEABLE {
            let mech = Mech::new(ckm);
            let whole = t.digest(&mech, &text()).unwrap();
            let mut sizes = Vec::new();
            for at in [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 255, 256] {
                t.digest_init(&mech).unwrap();
                t.digest_update(&text()[..at]).unwrap();
                let state = save(t).unwrap();
                sizes.push(state.len());
                // the saved one goes on as if nothing had been
                t.digest_update(b"something else").unwrap();
                assert_ne!(t.digest_final().unwrap(), whole);
                for session in [&**t, &other] {
                    restore(session, &state).unwrap();
                    assert_eq!(save(session), Ok(state.clone()));
                    session.digest_update(&text()[at..]).unwrap();
                    assert_eq!(session.digest_final(), Ok(whole.clone()), "{ckm:#x} {at}");
                    assert_eq!(session.digest_final(), Err(NOT_STARTED));
                }
            }
            sizes.dedup();
            assert_eq!(sizes.len(), 1, "as long at any time");
        }
    });
}

/// The example of PKCS#11 3.2, section 5.6.7.
#[test]
fn as_the_standard_tells_it() {
    with_token(|t| {
        let sha1 = Mech::new(CKM_SHA_1);
        t.digest_init(&sha1).unwrap();
        t.digest_update(&[1, 3, 5, 7]).unwrap();
        let state = save(t).unwrap();
        t.digest_update(&[2, 4, 8]).unwrap();
        restore(t, &state).unwrap();
        t.digest_update(&[0x10, 0xF, 0xE, 0xD, 0xC]).unwrap();
        let whole = [1, 3, 5, 7, 0x10, 0xF, 0xE, 0xD, 0xC];
        assert_eq!(t.digest_final(), t.digest(&sha1, &whole));
    });
}

#[test]
fn in_parts_or_not_is_saved_too() {
    with_token(|t| {
        t.digest_init(&sha256()).unwrap();
        let fresh = save(t).unwrap();
        t.digest_update(&[]).unwrap();
        let begun = save(t).unwrap();
        let single = || query_then(|at, n| call!(t.C_Digest(t.handle, ptr(&text()), 256, at, n)));
        restore(t, &fresh).unwrap();
        let whole = single().unwrap();
        restore(t, &begun).unwrap();
        assert_eq!(single(), Err(CKR_OPERATION_ACTIVE));
        restore(t, &begun).unwrap();
        t.digest_update(&text()).unwrap();
        assert_eq!(t.digest_final(), Ok(whole));
    });
}

#[test]
fn asking_and_no_room_change_nothing() {
    with_token(|t| {
        t.digest_init(&sha256()).unwrap();
        t.digest_update(&text()).unwrap();
        let state = save(t).unwrap();
        for room in [0, 1, state.len() - 1] {
            let outcome = into(room, |at, n| call!(t.C_GetOperationState(t.handle, at, n)));
            assert_eq!(outcome, Err(CKR_BUFFER_TOO_SMALL));
        }
        let mut byte = 0;
        for at in [null_mut(), &raw mut byte] {
            let rv = call!(t.C_GetOperationState(t.handle, at, null_mut()));
            assert_eq!(rv, Err(CKR_ARGUMENTS_BAD));
        }
        assert_eq!(save(t), Ok(state));
        assert_eq!(t.digest_final(), t.digest(&sha256(), &text()));
    });
}

#[test]
fn what_cannot_be_saved() {
    with_token(|t| {
        let unsaveable = Err(CKR_STATE_UNSAVEABLE);
        let (aes, rsa) = (t.aes(16).unwrap(), t.rsa(1024).unwrap());
        let (ecb, pkcs) = (Mech::new(CKM_AES_ECB), Mech::new(CKM_RSA_PKCS));
        let cancel = || call!(t.C_SessionCancel(t.handle, CK_FLAGS::MAX)).unwrap();
        assert_eq!(save(t), Err(NOT_STARTED));
        t.find(&[]).unwrap();
        assert_eq!(save(t), Err(NOT_STARTED));

        let starts: [(&str, &dyn Fn() -> Rv<()>); 5] = [
            ("encrypt", &|| t.encrypt_init(&ecb, aes)),
            ("decrypt", &|| t.decrypt_init(&ecb, aes)),
            ("sign", &|| t.sign_init(&pkcs, rsa.1)),
            ("verify", &|| t.verify_init(&pkcs, rsa.0)),
            ("signature", &|| {
                let signature = [0; 128];
                let (at, n) = (ptr(&signature), 128);
                call!(t.C_VerifySignatureInit(t.handle, &mut pkcs.raw(), rsa.0, at, n))
            }),
        ];
        for (name, start) in starts {
            start().unwrap();
            assert_eq!(save(t), unsaveable, "{name}");
            t.digest_init(&sha256()).unwrap();
            assert_eq!(save(t), unsaveable, "{name}");
            cancel();
            assert_eq!(save(t), Err(NOT_STARTED));
        }
        // section 5.6.6 does not count those with recovery among what is saved
        call!(t.C_SignRecoverInit(t.handle, &mut pkcs.raw(), rsa.1)).unwrap();
        assert_eq!(save(t), Err(NOT_STARTED));
        t.digest_init(&sha256()).unwrap();
        assert_eq!(save(t), unsaveable);
        cancel();

        for ckm in SHA3 {
            t.digest_init(&Mech::new(ckm)).unwrap();
            assert_eq!(save(t), unsaveable);
            assert_eq!(t.digest_final(), t.digest(&Mech::new(ckm), &[]), "it goes on");
        }
    });
}

/// Its state would have bytes of the key in it, and the key may be sensitive.
#[test]
fn a_digest_with_a_key_in_it_is_not_saved() {
    with_token(|t| {
        let key = t.secret(CKK_GENERIC_SECRET, &[7; 32]).unwrap();
        t.digest_init(&sha256()).unwrap();
        save(t).unwrap();
        t.digest_key(key).unwrap();
        assert_eq!(save(t), Err(CKR_STATE_UNSAVEABLE));
        t.digest_update(&[1; 64]).unwrap();
        assert_eq!(save(t), Err(CKR_STATE_UNSAVEABLE));
        assert_eq!(t.digest_final(), t.digest(&sha256(), &[[7; 32], [1; 32], [1; 32]].concat()));
    });
}

#[test]
fn damaged_states_are_refused_and_end_nothing() {
    with_token(|t| {
        t.digest_init(&sha256()).unwrap();
        t.digest_update(&text()[..100]).unwrap();
        let state = save(t).unwrap();
        let invalid = Err(CKR_SAVED_STATE_INVALID);
        for at in 0..state.len() {
            for bit in [1, 0x80] {
                let mut damaged = state.clone();
                damaged[at] ^= bit;
                assert_eq!(restore(t, &damaged), invalid, "{at}");
            }
            assert_eq!(restore(t, &state[..at]), invalid, "{at}");
        }
        assert_eq!(restore(t, &[&state[..], &[0]].concat()), invalid);
        assert_eq!(restore(t, &[0; 200]), invalid);
        for n in [1, CK_ULONG::MAX] {
            let rv = call!(t.C_SetOperationState(t.handle, null_mut(), n, 0, 0));
            assert_eq!(rv, Err(CKR_ARGUMENTS_BAD));
        }
        t.digest_update(&text()[100..]).unwrap();
        assert_eq!(t.digest_final(), t.digest(&sha256(), &text()));
    });
}

/// Well made, but of nothing that could be: the check value is no secret.
#[test]
fn forged_states_are_refused() {
    with_token(|t| {
        t.digest_init(&sha256()).unwrap();
        let state = save(t).unwrap();
        call!(t.C_DigestInit(t.handle, null_mut())).unwrap();
        let body = &state[..state.len() - 32];
        let forge = |at: usize, bytes: &[u8]| {
            let mut body = body.to_vec();
            body[at..at + bytes.len()].copy_from_slice(bytes);
            let check = t.digest(&sha256(), &body).unwrap();
            restore(t, &[body, check].concat())
        };
        let ckm = |ckm: CK_MECHANISM_TYPE| u32::try_from(ckm).unwrap().to_be_bytes();
        let invalid = Err(CKR_SAVED_STATE_INVALID);
        assert_eq!(forge(0, b"KFOS"), Ok(()));
        call!(t.C_DigestInit(t.handle, null_mut())).unwrap();
        assert_eq!(forge(0, b"NONE"), invalid);
        assert_eq!(forge(4, &[2]), invalid, "version");
        assert_eq!(forge(5, &[2]), invalid, "neither in parts nor not");
        for wrong in [0, CKM_SHA512, CKM_SHA3_256, CKM_AES_ECB, CKM_SHA256_HMAC, 0xFFFF_FFFF] {
            assert_eq!(forge(6, &ckm(wrong)), invalid, "{wrong:#x}");
        }
        // after 32 bytes of chaining value: the count, and the length of the rest
        assert_eq!(forge(10 + 32, &1u64.to_be_bytes()), invalid);
        assert_eq!(forge(10 + 32, &u64::MAX.to_be_bytes()), invalid);
        assert_eq!(forge(10 + 40, &[64]), invalid);
        assert_eq!(forge(10 + 40, &[255]), invalid);
        assert_eq!(save(t), Err(NOT_STARTED));
    });
}

#[test]
fn no_key_is_needed() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        t.digest_init(&sha256()).unwrap();
        let state = save(t).unwrap();
        for keys in [[aes, 0], [0, aes], [aes, aes], [12345, 0]] {
            assert_eq!(restore_with(t, &state, keys), Err(CKR_KEY_NOT_NEEDED));
        }
        assert_eq!(restore_with(t, &[1; 9], [aes, 0]), Err(CKR_SAVED_STATE_INVALID));
        assert_eq!(save(t), Ok(state));
        assert_ne!(t.p.token_info(0).unwrap().flags & CKF_RESTORE_KEY_NOT_NEEDED, 0);
    });
}

#[test]
fn what_is_under_way_makes_room() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        t.digest_init(&sha256()).unwrap();
        let state = save(t).unwrap();
        t.encrypt_init(&Mech::new(CKM_AES_ECB), aes).unwrap();
        call!(t.C_FindObjectsInit(t.handle, null_mut(), 0)).unwrap();
        t.digest_update(b"x").unwrap();
        restore(t, &state).unwrap();
        assert_eq!(t.encrypt_final(), Err(NOT_STARTED));
        assert_eq!(call!(t.C_FindObjectsFinal(t.handle)), Err(NOT_STARTED));
        assert_eq!(t.digest_final(), t.digest(&sha256(), &[]));
        // it outlives the login, as digests need none
        t.logout().unwrap();
        restore(t, &state).unwrap();
        assert_eq!(t.digest_final(), t.digest(&sha256(), &[]));
    });
}

/// PKCS#11 3.2, section 4.15.3: nobody has validated this token.
#[test]
fn nothing_is_validated() {
    with_token(|t| {
        let mut flags = 77;
        let ask = |kind, at| call!(t.C_GetSessionValidationFlags(t.handle, kind, at));
        assert_eq!(ask(CKS_LAST_VALIDATION_OK, &raw mut flags), Ok(()));
        assert_eq!(flags, 0);
        assert_eq!(ask(CKS_LAST_VALIDATION_OK, null_mut()), Err(CKR_ARGUMENTS_BAD));
        flags = 77;
        assert_eq!(ask(0, &raw mut flags), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(ask(2, &raw mut flags), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(flags, 77);
    });
}

#[test]
fn sessions_are_not_asynchronous() {
    with_token(|t| {
        let rv = t.p.open(0, CKF_ASYNC_SESSION);
        assert_eq!(rv.map(drop), Err(CKR_SESSION_ASYNC_NOT_SUPPORTED));
    });
}
