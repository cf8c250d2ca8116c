//! What is wrong with the arguments: a code, no crash, and nothing ends but the message whose part it is.
use crate::common::*;
use crate::fixture::{Messages, Param, off};
use std::ffi::c_void;
use std::ptr::null_mut;

const BAD: Rv<()> = Err(CKR_ARGUMENTS_BAD);
const INVALID: Rv<()> = Err(CKR_MECHANISM_PARAM_INVALID);

fn with_processes(test: impl FnOnce(&Token, Handle)) {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        t.encrypts(&Mech::new(CKM_AES_GCM), key).unwrap();
        t.decrypts(&Mech::new(CKM_AES_GCM), key).unwrap();
        test(t, key);
    });
}

#[test]
fn pointers_and_lengths() {
    with_processes(|t, _| {
        let (h, none) = (t.handle, null_mut());
        let mut param = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut param, b"", b"data").unwrap();
        let before = param.clone();
        param.with(|p, size| {
            let (mut n, data) = (64, ptr(&sealed));
            let mut room = [0u8; 64];
            let at = room.as_mut_ptr();
            for long in [1, 1 << 40, CK_ULONG::MAX] {
                let n = &raw mut n;
                assert_eq!(call!(t.C_EncryptMessage(h, p, size, none, long, data, 4, at, n)), BAD);
                assert_eq!(call!(t.C_EncryptMessage(h, p, size, none, 0, none, long, at, n)), BAD);
                assert_eq!(call!(t.C_DecryptMessage(h, p, size, none, long, data, 4, at, n)), BAD);
                assert_eq!(call!(t.C_DecryptMessage(h, p, size, none, 0, none, long, at, n)), BAD);
                assert_eq!(call!(t.C_EncryptMessageBegin(h, p, size, none, long)), BAD);
                assert_eq!(call!(t.C_DecryptMessageBegin(h, p, size, none, long)), BAD);
            }
            for long in [1 << 40, CK_ULONG::MAX / 2 + 1, CK_ULONG::MAX] {
                assert_eq!(call!(t.C_EncryptMessageBegin(h, p, size, data, long)), BAD);
            }
            let n = none.cast();
            assert_eq!(call!(t.C_EncryptMessage(h, p, size, none, 0, data, 4, at, n)), BAD);
            assert_eq!(call!(t.C_DecryptMessage(h, p, size, none, 0, data, 4, none, n)), BAD);
        });
        assert_eq!(param, before, "nothing is written");
        assert_eq!(t.open(&mut param, b"", &sealed), Ok(b"data".to_vec()));
    });
}

#[test]
fn arguments_of_parts() {
    with_processes(|t, _| {
        let h = t.handle;
        let mut param = Param::gcm(&[1; 12]);
        // each wrong argument ends the message
        let wrong = |param: &mut Param, call: &dyn Fn(*mut c_void, CK_ULONG) -> Rv<()>| {
            t.seal_begin(param, b"").unwrap();
            let refused = param.with(call);
            assert_eq!(t.seal_next(param, b"", 0), Err(CKR_OPERATION_NOT_INITIALIZED));
            refused
        };
        let (data, mut room) = (ptr(b"data"), [0u8; 64]);
        let (at, none, no, long) = (room.as_mut_ptr(), null_mut(), null_mut(), CK_ULONG::MAX);
        let next = |p, size, data, len, n, flags| {
            call!(t.C_EncryptMessageNext(h, p, size, data, len, at, n, flags))
        };
        for flags in [2, 3, CKF_MESSAGE_ENCRYPT, CK_FLAGS::MAX] {
            let refused = wrong(&mut param, &|p, size| next(p, size, data, 4, &mut 64, flags));
            assert_eq!(refused, BAD, "{flags:#x}");
        }
        assert_eq!(wrong(&mut param, &|p, size| next(p, size, data, 4, none, 0)), BAD);
        assert_eq!(wrong(&mut param, &|p, size| next(p, size, no, 4, &mut 64, 0)), BAD);
        assert_eq!(wrong(&mut param, &|p, size| next(p, size, data, long, &mut 64, 0)), BAD);
        let end = CKF_END_OF_MESSAGE;
        assert_eq!(wrong(&mut param, &|_, _| next(null_mut(), 0, data, 4, &mut 64, end)), INVALID);
        // which has no parameter to look at before the end
        t.seal_begin(&mut param, b"").unwrap();
        next(null_mut(), 0, data, 4, &mut 64, 0).unwrap();
        assert_eq!(t.seal_next(&mut param, b"", CKF_END_OF_MESSAGE), Ok(Vec::new()));
    });
}

#[test]
fn lengths_of_parameters() {
    with_processes(|t, key| {
        let h = t.handle;
        let mut param = Param::gcm(&[1; 12]);
        param.with(|p, size| {
            for wrong in [0, 1, size - 1, size + 1, size / 2, 56, CK_ULONG::MAX] {
                assert_eq!(call!(t.C_EncryptMessageBegin(h, p, wrong, null_mut(), 0)), INVALID);
                assert_eq!(call!(t.C_DecryptMessageBegin(h, p, wrong, null_mut(), 0)), INVALID);
                if wrong != 0 {
                    let mech = Mech::raw_param(CKM_AES_GCM, p, wrong);
                    t.encrypts_no_more().unwrap();
                    assert_eq!(t.encrypts(&mech, key), INVALID, "{wrong}");
                    t.encrypts(&Mech::raw_param(CKM_AES_GCM, p, size), key).unwrap();
                }
            }
            for size in [0, size, CK_ULONG::MAX] {
                let none = null_mut();
                assert_eq!(call!(t.C_EncryptMessageBegin(h, none, size, null_mut(), 0)), INVALID);
                assert_eq!(call!(t.C_DecryptMessageBegin(h, none, size, null_mut(), 0)), INVALID);
            }
        });
    });
}

#[test]
fn what_the_structures_say() {
    with_processes(|t, _| {
        let (mut iv, mut tag) = ([1u8; 12], [0u8; 16]);
        let good = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_NO_GENERATE,
            pTag: tag.as_mut_ptr(),
            ulTagBits: 128,
        };
        let seal = |params| {
            let mut out = [0u8; 1];
            let mut n = 1;
            off(params, |p, size| {
                let (none, data, at) = (null_mut(), ptr(b"x"), out.as_mut_ptr());
                call!(t.C_EncryptMessage(t.handle, p, size, none, 0, data, 1, at, &mut n))
            })
        };
        for wrong in [
            CK_GCM_MESSAGE_PARAMS { pIv: null_mut(), ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: 0, ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: 1 << 40, ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: CK_ULONG::MAX, ..good },
            CK_GCM_MESSAGE_PARAMS { pTag: null_mut(), ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: 0, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: 16, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: 136, ..good },
            CK_GCM_MESSAGE_PARAMS { ulTagBits: CK_ULONG::MAX, ..good },
        ] {
            assert_eq!(seal(wrong), INVALID, "{wrong:?}");
        }
        seal(good).unwrap();
    });
    with_token(|t| {
        let key = t.aes(16).unwrap();
        t.encrypts(&Mech::new(CKM_AES_CCM), key).unwrap();
        for wrong in [
            Param::new(CKM_AES_CCM, &[1; 6], &[0; 8], 1),
            Param::new(CKM_AES_CCM, &[1; 14], &[0; 8], 1),
            Param::new(CKM_AES_CCM, &[1; 12], &[0; 7], 1),
            Param::new(CKM_AES_CCM, &[1; 12], &[], 1),
            Param::new(CKM_AES_CCM, &[1; 12], &[0; 18], 1),
            Param::new(CKM_AES_CCM, &[1; 13], &[0; 8], 1 << 16),
            Param::new(CKM_AES_CCM, &[1; 7], &[0; 8], usize::MAX),
        ] {
            assert_eq!(t.seal_begin(&mut wrong.clone(), b""), INVALID, "{wrong:?}");
        }
        t.encrypts_no_more().unwrap();
        let key = t.secret(CKK_CHACHA20, &[1; 32]).unwrap();
        t.encrypts(&Mech::new(CKM_CHACHA20_POLY1305), key).unwrap();
        for len in [0, 8, 11, 13, 24] {
            let mut param = Param::new(CKM_CHACHA20_POLY1305, &vec![1; len], &[0; 16], 0);
            assert_eq!(t.seal_begin(&mut param, b""), INVALID, "{len}");
        }
    });
}

#[test]
fn the_tag_keeps_its_length() {
    with_processes(|t, _| {
        let mut param = Param::gcm(&[1; 12]);
        let sealed = t.seal(&mut param, b"", b"data").unwrap();
        let mut short = Param { tag: param.tag[..12].to_vec(), ..param.clone() };
        t.seal_begin(&mut param, b"").unwrap();
        t.open_begin(&mut param, b"").unwrap();
        let end = CKF_END_OF_MESSAGE;
        assert_eq!(t.seal_next(&mut short, b"data", end).map(drop), INVALID);
        assert_eq!(t.open_next(&mut short, &sealed, end).map(drop), INVALID);
        t.encrypts_no_more().unwrap();
        t.decrypts_no_more().unwrap();
    });
}

/// A tag that comes, or has a place, only at the end of its message.
#[test]
fn the_tag_may_come_last() {
    with_processes(|t, _| {
        let (mut iv, mut tag, h) = ([1u8; 12], [0u8; 16], t.handle);
        let begun = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_NO_GENERATE,
            pTag: null_mut(),
            ulTagBits: 128,
        };
        let ended = CK_GCM_MESSAGE_PARAMS { pTag: tag.as_mut_ptr(), ..begun };
        let (mut memory, mut n) = (*b"content", 7);
        let at = memory.as_mut_ptr();
        off(begun, |p, len| call!(t.C_EncryptMessageBegin(h, p, len, null_mut(), 0))).unwrap();
        off(begun, |p, len| call!(t.C_DecryptMessageBegin(h, p, len, null_mut(), 0))).unwrap();
        let seal = |params, n| {
            let end = CKF_END_OF_MESSAGE;
            off(params, |p, len| call!(t.C_EncryptMessageNext(h, p, len, at, 7, at, n, end)))
        };
        let open = |params, n| {
            let end = CKF_END_OF_MESSAGE;
            off(params, |p, len| call!(t.C_DecryptMessageNext(h, p, len, at, 7, at, n, end)))
        };
        seal(ended, &raw mut n).unwrap();
        open(ended, &raw mut n).unwrap();
        assert_eq!((&memory, n), (b"content", 7));
        // and has to come by then
        off(begun, |p, len| call!(t.C_EncryptMessageBegin(h, p, len, null_mut(), 0))).unwrap();
        off(begun, |p, len| call!(t.C_DecryptMessageBegin(h, p, len, null_mut(), 0))).unwrap();
        assert_eq!((seal(begun, &raw mut n), open(begun, &raw mut n)), (INVALID, INVALID));
    });
}

#[test]
fn signatures_take_no_parameter() {
    with_token(|t| {
        let (public, private) = t.ec(keys::P256).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA256);
        t.signs(&mech, private).unwrap();
        t.verifies(&mech, public).unwrap();
        let (h, mut byte, mut n) = (t.handle, 0u8, 64);
        let some = void(&mut byte);
        let (data, sig) = (ptr(b"x"), ptr(&[0; 64]));
        for at in [null_mut(), some] {
            for len in [1, CK_ULONG::MAX] {
                let mut out = [0u8; 64];
                let out = out.as_mut_ptr();
                assert_eq!(call!(t.C_SignMessage(h, at, len, data, 1, out, &mut n)), INVALID);
                assert_eq!(call!(t.C_SignMessageBegin(h, at, len)), INVALID);
                assert_eq!(call!(t.C_VerifyMessage(h, at, len, data, 1, sig, 64)), INVALID);
                assert_eq!(call!(t.C_VerifyMessageBegin(h, at, len)), INVALID);
            }
        }
        let none = null_mut();
        assert_eq!(call!(t.C_SignMessage(h, none, 0, data, 1, sig, null_mut())), BAD);
        assert_eq!(call!(t.C_SignMessage(h, none, 0, null_mut(), 9, sig, &mut n)), BAD);
        assert_eq!(call!(t.C_VerifyMessage(h, none, 0, data, 1, null_mut(), 64)), BAD);
        t.verify_begin().unwrap();
        assert_eq!(call!(t.C_VerifyMessageNext(h, none, 0, data, 1, null_mut(), 64)), BAD);
        t.verify_begin().unwrap();
        call!(t.C_VerifyMessageNext(h, some, 0, data, 1, null_mut(), 0)).unwrap();
        let signature = t.sign_message(b"xx").unwrap();
        t.verify_last(b"x", &signature).unwrap();
    });
}

#[test]
fn a_mechanism_that_has_no_messages() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let h = t.handle;
        for mech in [Mech::bytes(CKM_AES_CBC, &[0; 16]), Mech::new(CKM_AES_ECB), Mech::new(0x7FFF)]
        {
            assert_eq!(t.encrypts(&mech, key), Err(CKR_MECHANISM_INVALID));
            assert_eq!(t.decrypts(&mech, key), Err(CKR_MECHANISM_INVALID));
        }
        assert_eq!(t.encrypts(&Mech::gcm(&[1; 12], b"", 1280), key), INVALID);
        assert_eq!(call!(t.C_MessageEncryptFinal(h)), Err(CKR_OPERATION_NOT_INITIALIZED));
    });
}
