//! PINs, names, seeds and events that cannot be.
use crate::common::*;
use std::ptr::null_mut;

const TRIED: CK_FLAGS = CKF_USER_PIN_COUNT_LOW | CKF_SO_PIN_COUNT_LOW;

/// Lengths at which nothing may be read: the PIN is one byte long.
const ABSURD: [CK_ULONG; 4] = [(1 << 16) + 1, 1 << 31, 1 << 63, CK_ULONG::MAX];

#[test]
fn pins_of_absurd_length_cost_no_try() {
    with_token(|t| {
        t.logout().unwrap();
        let (h, pin) = (t.handle, ptr(b"x"));
        for n in ABSURD {
            for user in [CKU_USER, CKU_SO] {
                assert_eq!(call!(t.C_Login(h, user, pin, n)), Err(CKR_PIN_INCORRECT));
            }
            let login = call!(t.C_LoginUser(h, CKU_USER, pin, n, null_mut(), 0));
            assert_eq!(login, Err(CKR_PIN_INCORRECT));
            let (old, len) = (ptr(PIN), len(PIN));
            assert_eq!(call!(t.C_SetPIN(h, pin, n, old, len)), Err(CKR_PIN_INCORRECT));
            assert_eq!(call!(t.C_SetPIN(h, old, len, pin, n)), Err(CKR_PIN_LEN_RANGE));
            t.login(CKU_SO, SO_PIN).unwrap();
            assert_eq!(call!(t.C_InitPIN(h, pin, n)), Err(CKR_PIN_LEN_RANGE));
            t.logout().unwrap();
        }
        assert_eq!(t.p.token_info(0).unwrap().flags & TRIED, 0);
        t.close().unwrap();
        let (p, mut label) = (t.p, [b' '; 32]);
        for n in ABSURD {
            for slot in [0, 1] {
                let made = call!(p.C_InitToken(slot, pin, n, label.as_mut_ptr()));
                assert_eq!(made, Err(CKR_PIN_LEN_RANGE));
            }
        }
        assert_eq!(t.p.token_info(0).unwrap().flags & TRIED, 0);
    });
}

#[test]
fn names_of_users() {
    with_token(|t| {
        t.logout().unwrap();
        let (h, pin, n) = (t.handle, ptr(PIN), len(PIN));
        let named = |name, len| call!(t.C_LoginUser(h, CKU_USER, pin, n, name, len));
        assert_eq!(named(null_mut(), 1), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(named(ptr(b"x"), CK_ULONG::MAX), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(named(ptr(b"x"), 1), Err(CKR_USER_TYPE_INVALID));
        assert_eq!(t.p.token_info(0).unwrap().flags & TRIED, 0);
        named(ptr(b"x"), 0).unwrap();
        t.logout().unwrap();
        named(null_mut(), 0).unwrap();
        assert_eq!(named(null_mut(), 0), Err(CKR_USER_ALREADY_LOGGED_IN));
    });
}

#[test]
fn seeds_random_bytes_and_events() {
    with_token(|t| {
        let (h, mut byte) = (t.handle, [7u8; 2]);
        let at = byte.as_mut_ptr();
        for n in [1 << 63, CK_ULONG::MAX - 1, CK_ULONG::MAX, 1 << 60] {
            assert_eq!(call!(t.C_SeedRandom(h, at, n)), Err(CKR_ARGUMENTS_BAD));
            assert_eq!(call!(t.C_GenerateRandom(h, at, n)), Err(CKR_ARGUMENTS_BAD));
        }
        assert_eq!(byte, [7; 2], "nothing was written");
        call!(t.C_SeedRandom(h, null_mut(), 0)).unwrap();
        call!(t.C_GenerateRandom(h, null_mut(), 0)).unwrap();
        let (p, mut slot) = (t.p, 77);
        let wait = |flags, slot, reserved| call!(p.C_WaitForSlotEvent(flags, slot, reserved));
        assert_eq!(wait(CKF_DONT_BLOCK, &mut slot, null_mut()), Err(CKR_NO_EVENT));
        assert_eq!(wait(0, &mut slot, null_mut()), Err(CKR_FUNCTION_NOT_SUPPORTED));
        assert_eq!(wait(CKF_DONT_BLOCK, null_mut(), null_mut()), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(wait(CKF_DONT_BLOCK, &mut slot, at.cast()), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(slot, 77);
    });
}
