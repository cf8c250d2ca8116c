//! What ends an operation, for every function and every code: PKCS#11 3.2, sections 5.2 and 5.8 to 5.17.
//! An operation that goes on refuses to begin again; one that has ended begins.
use super::operations::{Io, NOT_STARTED, with_kinds};
use crate::common::session::into;
use crate::common::*;
use std::ptr::null_mut;

const ACTIVE: CK_RV = CKR_OPERATION_ACTIVE;
const LOCKED: CK_RV = CKR_USER_NOT_LOGGED_IN;

/// Whether an operation of the kind that `begin` begins is under way; it is over afterwards.
fn goes_on(t: &Session, flag: CK_FLAGS, begin: impl Fn() -> Rv<()>) -> bool {
    let begun = begin();
    call!(t.C_SessionCancel(t.handle, flag)).unwrap();
    match begun {
        Ok(()) => false,
        Err(CKR_OPERATION_ACTIVE) => true,
        Err(rv) => panic!("{rv:#x}"),
    }
}

#[test]
fn one_call_for_all_after_a_part_is_refused_and_ends_the_operation() {
    with_kinds(|t, kind| {
        let Some((update, _)) = kind.parts else { return };
        let (mut out, mut m) = ([0; 200], 200);
        let io = kind.io(out.as_mut_ptr(), &mut m);
        for call in [io, Io { out: null_mut(), ..io }, Io { m: &mut 0, ..io }] {
            if call.out.is_null() && kind.output == 0 {
                continue;
            }
            kind.begin(t).unwrap();
            update(t, kind.io(out.as_mut_ptr(), &mut m)).unwrap();
            assert_eq!((kind.single)(t, call), Err(ACTIVE), "{}", kind.name);
            kind.over(t);
        }
    });
}

#[test]
fn a_code_for_each_call_and_the_operation_goes_on_only_without_room() {
    with_kinds(|t, kind| {
        let (mut out, mut m) = ([0; 200], 200);
        let at = out.as_mut_ptr();
        let Some((update, last)) = kind.parts else { return };
        kind.begin(t).unwrap();
        update(t, kind.io(at, &mut m)).unwrap();
        let begin = || kind.begin(t);
        if kind.output > 0 && kind.ckm != CKM_AES_ECB {
            last(t, kind.io(null_mut(), &mut m)).unwrap();
            let small = last(t, kind.io(at, &mut { kind.output as CK_ULONG - 1 }));
            assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL), "{}", kind.name);
            assert_eq!(begin(), Err(ACTIVE), "{}", kind.name);
        }
        m = 200;
        let done = last(t, kind.io(at, &mut m));
        let expected = if kind.output == 0 { Err(CKR_SIGNATURE_LEN_RANGE) } else { Ok(()) };
        assert_eq!(done, expected, "{}", kind.name);
        assert!(!goes_on(t, kind.flag, begin), "{}", kind.name);
    });
}

/// A call that fails, and with what.
type Failing<'a> = (&'static str, CK_RV, Box<dyn Fn() -> Rv<()> + 'a>);

/// What is wrong with the data ends each operation that sees it.
#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn wrong_content_ends_the_operation() {
    with_token(|t| {
        let (h, aes) = (t.handle, t.aes(16).unwrap());
        let rsa = t.rsa(1024).unwrap();
        let (ecb, pkcs) = (Mech::new(CKM_AES_ECB), Mech::new(CKM_RSA_PKCS));
        let gcm = Mech::gcm(&[1; 12], b"", 128);
        let (short, long) = ([1u8; 15], [1u8; 200]);
        let mut out = [0u8; 300];
        let at = out.as_mut_ptr();
        let (s, l) = (ptr(&short), ptr(&long));
        let begin = |flag, mech: &Mech| match flag {
            CKF_ENCRYPT => t.encrypt_init(mech, aes),
            CKF_DECRYPT => t.decrypt_init(mech, aes),
            CKF_SIGN => t.sign_init(mech, rsa.1),
            _ => t.verify_init(mech, rsa.0),
        };
        let range = CKR_ENCRYPTED_DATA_LEN_RANGE;
        let calls: Vec<(CK_FLAGS, &Mech, Failing)> = vec![
            (
                CKF_ENCRYPT,
                &ecb,
                (
                    "C_Encrypt",
                    CKR_DATA_LEN_RANGE,
                    Box::new(|| call!(t.C_Encrypt(h, s, 15, at, &mut 300))),
                ),
            ),
            (
                CKF_ENCRYPT,
                &ecb,
                (
                    "C_EncryptFinal",
                    CKR_DATA_LEN_RANGE,
                    Box::new(|| {
                        call!(t.C_EncryptUpdate(h, s, 15, at, &mut 300))?;
                        call!(t.C_EncryptFinal(h, at, &mut 300))
                    }),
                ),
            ),
            (
                CKF_DECRYPT,
                &ecb,
                ("C_Decrypt", range, Box::new(|| call!(t.C_Decrypt(h, s, 15, at, &mut 300)))),
            ),
            (
                CKF_DECRYPT,
                &gcm,
                (
                    "C_Decrypt",
                    CKR_ENCRYPTED_DATA_INVALID,
                    Box::new(|| call!(t.C_Decrypt(h, l, 200, at, &mut 300))),
                ),
            ),
            (
                CKF_DECRYPT,
                &gcm,
                (
                    "C_DecryptFinal",
                    CKR_ENCRYPTED_DATA_INVALID,
                    Box::new(|| {
                        call!(t.C_DecryptUpdate(h, l, 200, at, &mut 300))?;
                        call!(t.C_DecryptFinal(h, at, &mut 300))
                    }),
                ),
            ),
            (
                CKF_SIGN,
                &pkcs,
                (
                    "C_Sign",
                    CKR_DATA_LEN_RANGE,
                    Box::new(|| call!(t.C_Sign(h, l, 200, at, &mut 300))),
                ),
            ),
            (
                CKF_SIGN,
                &pkcs,
                ("C_SignUpdate", CKR_DATA_LEN_RANGE, Box::new(|| call!(t.C_SignUpdate(h, l, 200)))),
            ),
            (
                CKF_VERIFY,
                &pkcs,
                (
                    "C_Verify",
                    CKR_SIGNATURE_INVALID,
                    Box::new(|| call!(t.C_Verify(h, s, 15, l, 128))),
                ),
            ),
            (
                CKF_VERIFY,
                &pkcs,
                (
                    "C_Verify",
                    CKR_SIGNATURE_LEN_RANGE,
                    Box::new(|| call!(t.C_Verify(h, s, 15, l, 127))),
                ),
            ),
            (
                CKF_VERIFY,
                &pkcs,
                (
                    "C_VerifyUpdate",
                    CKR_DATA_LEN_RANGE,
                    Box::new(|| call!(t.C_VerifyUpdate(h, l, 200))),
                ),
            ),
            (
                CKF_VERIFY,
                &pkcs,
                (
                    "C_VerifyFinal",
                    CKR_SIGNATURE_INVALID,
                    Box::new(|| {
                        call!(t.C_VerifyUpdate(h, s, 15))?;
                        call!(t.C_VerifyFinal(h, l, 128))
                    }),
                ),
            ),
        ];
        for (flag, mech, (name, rv, call)) in calls {
            begin(flag, mech).unwrap();
            assert_eq!(call(), Err(rv), "{name}");
            assert!(!goes_on(t, flag, || begin(flag, mech)), "{name}");
        }
    });
}

#[test]
fn a_part_after_an_outcome_that_waits_for_room_ends_the_operation() {
    with_token(|t| {
        let aes = t.aes(16).unwrap();
        let mech = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        let sealed = t.encrypt(&mech, aes, b"content").unwrap();
        t.decrypt_init(&mech, aes).unwrap();
        t.decrypt_update(&sealed).unwrap();
        let small = into(3, |at, n| call!(t.C_DecryptFinal(t.handle, at, n)));
        assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL));
        assert_eq!(t.decrypt_update(&sealed), Err(ACTIVE));
        assert_eq!(t.decrypt_final(), Err(NOT_STARTED));
    });
}

#[test]
fn a_wrong_signature_goes_before_too_small_a_buffer() {
    with_token(|t| {
        let public = attrs![CKA_MODULUS_BITS => 1024usize, CKA_VERIFY_RECOVER => true];
        let private = attrs![CKA_SIGN_RECOVER => true];
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, _) = t.generate_pair(&mech, &public, &private).unwrap();
        for (ckm, signature, rv) in [
            (CKM_RSA_PKCS, vec![1; 128], CKR_SIGNATURE_INVALID),
            (CKM_RSA_PKCS, vec![1; 127], CKR_SIGNATURE_LEN_RANGE),
            (CKM_RSA_X_509, vec![255; 128], CKR_SIGNATURE_INVALID),
            (CKM_RSA_X_509, vec![1; 127], CKR_SIGNATURE_LEN_RANGE),
        ] {
            let begin =
                || call!(t.C_VerifyRecoverInit(t.handle, &mut Mech::new(ckm).raw(), public));
            begin().unwrap();
            let (from, len) = (ptr(&signature), len(&signature));
            let refused = into(1, |at, n| call!(t.C_VerifyRecover(t.handle, from, len, at, n)));
            assert_eq!(refused, Err(rv), "{ckm:#x}");
            assert!(!goes_on(t, CKF_VERIFY_RECOVER, begin), "{ckm:#x}");
        }
    });
}

#[test]
fn a_key_that_waits_for_its_pin_ends_the_operation() {
    with_token(|t| {
        let h = t.handle;
        let public = attrs![CKA_MODULUS_BITS => 1024usize];
        let private = attrs![CKA_ALWAYS_AUTHENTICATE => true, CKA_SIGN_RECOVER => true];
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (_, key) = t.generate_pair(&mech, &public, &private).unwrap();
        let raw = || Mech::new(CKM_RSA_PKCS).raw();
        let (mut out, mut m) = ([0u8; 200], 200);
        let (at, n, data) = (out.as_mut_ptr(), &raw mut m, ptr(&[1; 128]));
        let sign = || call!(t.C_SignInit(h, &mut raw(), key));
        let decrypt = || call!(t.C_DecryptInit(h, &mut raw(), key));
        let recover = || call!(t.C_SignRecoverInit(h, &mut raw(), key));
        type Begin<'a> = &'a dyn Fn() -> Rv<()>;
        let calls: [(CK_FLAGS, Begin, &str, Begin); 8] = [
            (CKF_SIGN, &sign, "C_Sign", &|| call!(t.C_Sign(h, data, 16, at, n))),
            (CKF_SIGN, &sign, "C_Sign, length", &|| call!(t.C_Sign(h, data, 16, null_mut(), n))),
            (CKF_SIGN, &sign, "C_SignUpdate", &|| call!(t.C_SignUpdate(h, data, 16))),
            (CKF_SIGN, &sign, "C_SignFinal", &|| call!(t.C_SignFinal(h, at, n))),
            (CKF_DECRYPT, &decrypt, "C_Decrypt", &|| call!(t.C_Decrypt(h, data, 128, at, n))),
            (CKF_DECRYPT, &decrypt, "C_DecryptUpdate", &|| {
                call!(t.C_DecryptUpdate(h, data, 128, at, n))
            }),
            (CKF_DECRYPT, &decrypt, "C_DecryptFinal", &|| call!(t.C_DecryptFinal(h, at, n))),
            (CKF_SIGN_RECOVER, &recover, "C_SignRecover", &|| {
                call!(t.C_SignRecover(h, data, 16, at, n))
            }),
        ];
        for (flag, begin, name, call) in calls {
            begin().unwrap();
            assert_eq!(call(), Err(LOCKED), "{name}");
            assert!(!goes_on(t, flag, begin), "{name}");
            assert_eq!(t.login(CKU_CONTEXT_SPECIFIC, PIN), Err(NOT_STARTED), "{name}");
        }
        sign().unwrap();
        t.login(CKU_CONTEXT_SPECIFIC, PIN).unwrap();
        call!(t.C_Sign(h, data, 16, at, n)).unwrap();
    });
}

#[test]
fn a_verification_ends_by_calls_of_its_own_kind_alone() {
    with_token(|t| {
        let (h, ec) = (t.handle, t.ec(keys::P256).unwrap());
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let good = t.sign(&mech, ec.1, b"data").unwrap();
        let data = ptr(b"data");
        let first = |signature: &[u8]| {
            let (at, n) = (ptr(signature), len(signature));
            call!(t.C_VerifySignatureInit(h, &mut mech.raw(), ec.0, at, n))
        };
        let begin = || first(&good);
        let over = |what: &str| assert!(!goes_on(t, CKF_VERIFY, begin), "{what}");
        // of the other kind: not initialised, whatever the arguments
        begin().unwrap();
        assert_eq!(call!(t.C_Verify(h, data, 4, ptr(&good), 64)), Err(NOT_STARTED));
        assert_eq!(call!(t.C_Verify(h, null_mut(), 4, ptr(&good), 64)), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(call!(t.C_VerifyUpdate(h, null_mut(), 4)), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(call!(t.C_VerifyFinal(h, ptr(&good), 64)), Err(NOT_STARTED));
        assert_eq!(begin(), Err(ACTIVE));
        call!(t.C_VerifySignature(h, data, 4)).unwrap();
        over("C_VerifySignature");
        begin().unwrap();
        assert_eq!(call!(t.C_VerifySignature(h, null_mut(), 4)), Err(CKR_ARGUMENTS_BAD));
        over("bad arguments");
        begin().unwrap();
        call!(t.C_VerifySignatureUpdate(h, data, 4)).unwrap();
        assert_eq!(call!(t.C_VerifySignature(h, data, 4)), Err(ACTIVE));
        over("C_VerifySignature after a part");
        begin().unwrap();
        assert_eq!(call!(t.C_VerifySignatureUpdate(h, null_mut(), 4)), Err(CKR_ARGUMENTS_BAD));
        over("C_VerifySignatureUpdate");
        first(&[1; 64]).unwrap();
        assert_eq!(call!(t.C_VerifySignatureFinal(h)), Err(CKR_SIGNATURE_INVALID));
        over("C_VerifySignatureFinal");
        t.verify_init(&mech, ec.0).unwrap();
        assert_eq!(call!(t.C_VerifySignature(h, null_mut(), 4)), Err(CKR_ARGUMENTS_BAD));
        call!(t.C_Verify(h, data, 4, ptr(&good), 64)).unwrap();
    });
}

#[test]
fn dual_functions_end_their_halves_as_updates_would() {
    with_token(|t| {
        let (h, aes) = (t.handle, t.aes(16).unwrap());
        let (mut out, mut m) = ([0u8; 64], 64);
        let (at, n, data) = (out.as_mut_ptr(), &raw mut m, ptr(&[1; 16]));
        let ecb = Mech::new(CKM_AES_ECB);
        let encrypt = || t.encrypt_init(&ecb, aes);
        let digest = || call!(t.C_DigestInit(h, &mut Mech::new(CKM_SHA256).raw()));
        let both = |at, n| call!(t.C_DigestEncryptUpdate(h, data, 16, at, n));
        encrypt().unwrap();
        assert_eq!(both(at, n), Err(NOT_STARTED));
        assert!(goes_on(t, CKF_ENCRYPT, encrypt), "one half is not there");
        let halves = || (goes_on(t, CKF_ENCRYPT, encrypt), goes_on(t, CKF_DIGEST, digest));
        for (room, rv) in [(at, CKR_BUFFER_TOO_SMALL), (null_mut(), CKR_OK)] {
            encrypt().unwrap();
            digest().unwrap();
            assert_eq!(both(room, &mut 15).err().unwrap_or(CKR_OK), rv);
            assert_eq!(halves(), (true, true));
        }
        encrypt().unwrap();
        digest().unwrap();
        assert_eq!(both(at, null_mut()), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(halves(), (false, false));
        // a key that waits for its PIN ends its half; nothing was encrypted yet
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let private = attrs![CKA_ALWAYS_AUTHENTICATE => true];
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let (_, key) = t.generate_pair(&mech, &public, &private).unwrap();
        let sign = || t.sign_init(&Mech::new(CKM_ECDSA_SHA256), key);
        encrypt().unwrap();
        sign().unwrap();
        assert_eq!(call!(t.C_SignEncryptUpdate(h, data, 16, at, n)), Err(LOCKED));
        assert!(goes_on(t, CKF_ENCRYPT, encrypt) && !goes_on(t, CKF_SIGN, sign));
    });
}

#[test]
fn calls_that_neither_feed_nor_end_leave_everything() {
    with_token(|t| {
        let h = t.handle;
        let digest = || call!(t.C_DigestInit(h, &mut Mech::new(CKM_SHA256).raw()));
        let public = t.ec(keys::P256).unwrap().0;
        digest().unwrap();
        assert_eq!(call!(t.C_DigestKey(h, 4711)), Err(CKR_KEY_HANDLE_INVALID));
        assert_eq!(call!(t.C_DigestKey(h, public)), Err(CKR_KEY_INDIGESTIBLE));
        let mut m = 1;
        let (mut small, n) = ([0u8; 1], &raw mut m);
        let state = |at, n| call!(t.C_GetOperationState(h, at, n));
        assert_eq!(state(small.as_mut_ptr(), n), Err(CKR_BUFFER_TOO_SMALL));
        assert_eq!(state(null_mut(), null_mut()), Err(CKR_ARGUMENTS_BAD));
        let set = call!(t.C_SetOperationState(h, small.as_mut_ptr(), 1, 0, 0));
        assert_eq!(set, Err(CKR_SAVED_STATE_INVALID));
        assert_eq!(digest(), Err(ACTIVE));
        let mut out = [0u8; 32];
        call!(t.C_DigestFinal(h, out.as_mut_ptr(), &mut 32)).unwrap();
    });
}
