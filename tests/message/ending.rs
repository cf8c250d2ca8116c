//! What ends a message and what leaves it: PKCS#11 3.2, sections 5.9, 5.11, 5.14 and 5.16. The process
//! of messages goes on in every case.
use crate::common::*;
use crate::fixture::{Messages, Param};
use std::ffi::c_void;
use std::ptr::null_mut;

const BAD: CK_RV = CKR_ARGUMENTS_BAD;
const NONE: CK_RV = CKR_OPERATION_NOT_INITIALIZED;
const NO_PARAM: CK_RV = CKR_MECHANISM_PARAM_INVALID;

type Plain<'a> = &'a dyn Fn() -> Rv<()>;
type Call<'a> = &'a dyn Fn(*mut c_void, CK_ULONG) -> Rv<()>;

/// Calls with a message under way, and says if it goes on: then none begins.
fn goes_on(begin: &dyn Fn() -> Rv<()>, end: &dyn Fn()) -> bool {
    match begin() {
        Ok(()) => {
            end();
            false
        }
        Err(CKR_OPERATION_ACTIVE) => true,
        Err(rv) => panic!("{rv:#x}"),
    }
}

#[test]
fn every_error_of_a_further_part_ends_an_encryption_or_a_decryption() {
    with_token(|t| {
        let (h, aes, end) = (t.handle, t.aes(16).unwrap(), CKF_END_OF_MESSAGE);
        let (gcm, data) = (Mech::new(CKM_AES_GCM), ptr(&[1; 16]));
        let mut out = [0u8; 32];
        let at = out.as_mut_ptr();
        type Next = unsafe extern "C" fn(
            CK_SESSION_HANDLE,
            *mut c_void,
            CK_ULONG,
            *mut u8,
            CK_ULONG,
            *mut u8,
            *mut CK_ULONG,
            CK_FLAGS,
        ) -> CK_RV;
        let both: [(CK_FLAGS, Next); 2] = [
            (CKF_MESSAGE_ENCRYPT, t.list().C_EncryptMessageNext.unwrap()),
            (CKF_MESSAGE_DECRYPT, t.list().C_DecryptMessageNext.unwrap()),
        ];
        for (flag, next) in both {
            let next = |p, size, data, at, n, flags| {
                ok(unsafe { next(h, p, size, data, 16, at, n, flags) })
            };
            let calls: [(&str, CK_RV, bool, Call); 11] = [
                ("no length, part", BAD, true, &|p, size| next(p, size, data, at, null_mut(), 0)),
                ("no length, end", BAD, true, &|p, size| next(p, size, data, at, null_mut(), end)),
                ("no data, part", BAD, true, &|p, size| next(p, size, null_mut(), at, &mut 32, 0)),
                ("no data, end", BAD, true, &|p, size| next(p, size, null_mut(), at, &mut 32, end)),
                ("no such flags", BAD, true, &|p, size| next(p, size, data, at, &mut 32, 6)),
                ("no parameter", NO_PARAM, true, &|_, _| {
                    next(null_mut(), 0, data, at, &mut 32, end)
                }),
                ("cut parameter", NO_PARAM, true, &|p, size| {
                    next(p, size - 1, data, at, &mut 32, end)
                }),
                ("small, end", CKR_BUFFER_TOO_SMALL, false, &|p, size| {
                    next(p, size, data, at, &mut 3, end)
                }),
                ("length, part", CKR_OK, false, &|p, size| {
                    next(p, size, data, null_mut(), &mut 32, 0)
                }),
                ("length, end", CKR_OK, false, &|p, size| {
                    next(p, size, data, null_mut(), &mut 32, end)
                }),
                ("a part", CKR_OK, false, &|p, size| next(p, size, data, at, &mut 32, 0)),
            ];
            for (name, rv, ends, call) in calls {
                let mut p = Param::gcm(&[1; 12]);
                let begin = |p: &mut Param| match flag {
                    CKF_MESSAGE_ENCRYPT => t.seal_begin(p, b""),
                    _ => t.open_begin(p, b""),
                };
                match flag {
                    CKF_MESSAGE_ENCRYPT => t.encrypts(&gcm, aes).unwrap(),
                    _ => t.decrypts(&gcm, aes).unwrap(),
                }
                begin(&mut p).unwrap();
                let answer = p.with(call).err().unwrap_or(CKR_OK);
                assert_eq!(answer, rv, "{name}");
                let went_on = goes_on(&|| begin(&mut Param::gcm(&[2; 12])), &|| ());
                assert_eq!(went_on, !ends, "{name}");
                call!(t.C_SessionCancel(h, flag)).unwrap();
            }
        }
    });
}

#[test]
fn every_error_of_a_further_part_ends_a_signature_or_a_verification() {
    with_token(|t| {
        let (h, ec) = (t.handle, t.ec(keys::P256).unwrap());
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let (mut out, mut room) = ([0u8; 64], 64);
        let (at, n) = (out.as_mut_ptr(), &raw mut room);
        let (data, none) = (ptr(b"data"), null_mut());
        let sign = |p, size, data, at, n| call!(t.C_SignMessageNext(h, p, size, data, 4, at, n));
        let signing: [(&str, CK_RV, bool, Plain); 7] = [
            ("a parameter", NO_PARAM, true, &|| sign(at.cast(), 1, data, null_mut(), null_mut())),
            ("no parameter", NO_PARAM, true, &|| sign(null_mut(), 1, data, at, n)),
            ("no data", BAD, true, &|| sign(none, 0, null_mut(), null_mut(), null_mut())),
            ("no data, end", BAD, true, &|| sign(none, 0, null_mut(), at, n)),
            ("small", CKR_BUFFER_TOO_SMALL, false, &|| sign(none, 0, data, at, &mut 63)),
            ("length", CKR_OK, false, &|| sign(none, 0, data, null_mut(), n)),
            ("a part", CKR_OK, false, &|| sign(none, 0, data, null_mut(), null_mut())),
        ];
        t.signs(&mech, ec.1).unwrap();
        for (name, rv, ends, call) in signing {
            t.sign_begin().unwrap();
            assert_eq!(call().err().unwrap_or(CKR_OK), rv, "{name}");
            assert_eq!(t.sign_begin().is_ok(), ends, "{name}");
            t.sign_last(b"x").unwrap();
        }
        let verify =
            |p, size, data, at, n| call!(t.C_VerifyMessageNext(h, p, size, data, 4, at, n));
        let verifying: [(&str, CK_RV, bool, Plain); 6] = [
            ("a parameter", NO_PARAM, true, &|| verify(at.cast(), 1, data, null_mut(), 0)),
            ("no data", BAD, true, &|| verify(none, 0, null_mut(), null_mut(), 0)),
            ("no signature", BAD, true, &|| verify(none, 0, data, null_mut(), 64)),
            ("wrong", CKR_SIGNATURE_INVALID, true, &|| verify(none, 0, data, ptr(&[1; 64]), 64)),
            ("short", CKR_SIGNATURE_LEN_RANGE, true, &|| verify(none, 0, data, at, 63)),
            ("a part", CKR_OK, false, &|| verify(none, 0, data, null_mut(), 0)),
        ];
        t.verifies(&mech, ec.0).unwrap();
        for (name, rv, ends, call) in verifying {
            t.verify_begin().unwrap();
            assert_eq!(call().err().unwrap_or(CKR_OK), rv, "{name}");
            assert_eq!(t.verify_begin().is_ok(), ends, "{name}");
            assert_eq!(t.verify_last(b"x", &[1; 64]), Err(CKR_SIGNATURE_INVALID));
        }
        assert_eq!((t.signs_no_more(), t.verifies_no_more()), (Ok(()), Ok(())));
    });
}

/// One call for a whole message begins and ends one of its own.
#[test]
fn a_call_for_a_whole_message_leaves_the_one_under_way() {
    with_token(|t| {
        let (h, aes) = (t.handle, t.aes(16).unwrap());
        t.encrypts(&Mech::new(CKM_AES_GCM), aes).unwrap();
        let mut p = Param::gcm(&[1; 12]);
        t.seal_begin(&mut p, b"").unwrap();
        assert_eq!(t.seal(&mut p.clone(), b"", b"x"), Err(CKR_OPERATION_ACTIVE));
        let refused = p.clone().with(|p, size| {
            let (none, no_len) = (null_mut(), null_mut());
            call!(t.C_EncryptMessage(h, p, size, none, 0, ptr(b"x"), 1, none, no_len))
        });
        assert_eq!(refused, Err(BAD));
        assert_eq!(t.seal_next(&mut p, b"x", CKF_END_OF_MESSAGE).map(|out| out.len()), Ok(1));
        assert_eq!(t.seal_next(&mut p, b"x", 0), Err(NONE));
    });
}
