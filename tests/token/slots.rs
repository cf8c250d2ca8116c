//! Slots, token info, `C_InitToken`.
use crate::common::*;
use crate::disk::{Disk, data, named, user};
use std::time::{SystemTime, UNIX_EPOCH};

fn label(p: &Pkcs11, slot: CK_SLOT_ID) -> String {
    let label = p.token_info(slot).unwrap().label;
    String::from_utf8(label.to_vec()).unwrap().trim_end().to_string()
}

fn labels(p: &Pkcs11) -> Vec<String> {
    let slots = p.slots(true).unwrap();
    assert_eq!(slots, (0..slots.len() as CK_SLOT_ID).collect::<Vec<_>>());
    assert_eq!(p.slots(false).unwrap(), slots);
    slots.into_iter().map(|slot| label(p, slot)).collect()
}

fn has(p: &Pkcs11, slot: CK_SLOT_ID, flags: CK_FLAGS) -> bool {
    p.token_info(slot).unwrap().flags & flags == flags
}

#[test]
fn slots_keep_their_numbers() {
    let disk = Disk::new();
    disk.visit(|p| {
        assert_eq!(labels(p), [""]);
        p.init_token(0, SO_PIN, "zero").unwrap();
        assert_eq!(labels(p), ["zero", ""]);
        p.init_token(1, SO_PIN, "one").unwrap();
        assert_eq!(labels(p), ["zero", "one", ""]);
        p.init_token(0, SO_PIN, "again").unwrap();
        assert_eq!(labels(p), ["again", "one", ""]);
    });
    disk.visit(|p| {
        assert_eq!(labels(p), ["again", "one", ""]);
        p.init_token(2, SO_PIN, "two").unwrap();
        assert_eq!(labels(p), ["again", "one", "two", ""]);
        assert_eq!(p.slot_info(4).err(), Some(CKR_SLOT_ID_INVALID));
        assert_eq!(p.token_info(4).err(), Some(CKR_SLOT_ID_INVALID));
        assert_eq!(p.init_token(4, SO_PIN, "x"), Err(CKR_SLOT_ID_INVALID));
        assert_eq!(p.open_rw(CK_SLOT_ID::MAX).err(), Some(CKR_SLOT_ID_INVALID));
        assert_eq!(p.mechanisms(4).err(), Some(CKR_SLOT_ID_INVALID));
    });
}

#[test]
fn a_list_of_slots_that_is_too_short_says_so() {
    with_token(|t| {
        let (mut slots, mut count) = ([7; 2], 1);
        let short = call!(t.C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count));
        assert_eq!((short, count, slots), (Err(CKR_BUFFER_TOO_SMALL), 2, [7; 2]));
        call!(t.C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count)).unwrap();
        assert_eq!(slots, [0, 1]);
    });
}

#[test]
fn a_slot_without_a_token_yet() {
    with_module(|p| {
        let info = p.token_info(0).unwrap();
        assert_eq!(info.flags & CKF_TOKEN_INITIALIZED, 0);
        assert_eq!(info.flags & CKF_USER_PIN_INITIALIZED, 0);
        assert_eq!((info.label, info.serialNumber), ([b' '; 32], [b' '; 16]));
        assert!(p.slot_info(0).unwrap().flags & CKF_TOKEN_PRESENT != 0);
        assert_eq!(p.open_rw(0).err(), Some(CKR_TOKEN_NOT_RECOGNIZED));
        assert!(p.mechanisms(0).unwrap().contains(&CKM_RSA_AES_KEY_WRAP));
        for pin in [&b"abc"[..], &[b'x'; 256], b""] {
            assert_eq!(p.init_token(0, pin, "x"), Err(CKR_PIN_LEN_RANGE));
        }
        assert_eq!(p.slots(true).unwrap(), [0]);
        p.init_token(0, &[b'x'; 255], "longest").unwrap();
        p.init_token(1, b"abcd", "shortest").unwrap();
        assert_eq!(labels(p), ["longest", "shortest", ""]);
    });
}

#[test]
fn token_info_is_true() {
    with_module(|p| {
        p.init_token(0, SO_PIN, "first").unwrap();
        let info = p.token_info(0).unwrap();
        let version = env!("CARGO_PKG_VERSION").split('.').take(2);
        let firmware = info.firmwareVersion;
        let parts = [firmware.major, firmware.minor].map(|n| n.to_string());
        assert!(version.eq(parts.iter()));
        assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (4, 255));
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (0, 0));
        assert!(has(p, 0, CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_RNG));
        assert!(has(p, 0, CKF_CLOCK_ON_TOKEN));
        assert!(!has(p, 0, CKF_USER_PIN_INITIALIZED));
        assert!(info.serialNumber.iter().all(u8::is_ascii_hexdigit));

        let so = p.open_rw(0).unwrap();
        p.open_ro(0).unwrap().close().unwrap();
        let ro = p.open_ro(0).unwrap();
        let info = p.token_info(0).unwrap();
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (2, 1));
        ro.close().unwrap();
        so.login(CKU_SO, SO_PIN).unwrap();
        so.init_pin(PIN).unwrap();
        assert!(has(p, 0, CKF_USER_PIN_INITIALIZED));
        p.close_all(0).unwrap();
        assert_eq!(p.token_info(0).unwrap().ulSessionCount, 0);

        p.init_token(1, SO_PIN, "second").unwrap();
        let serial = |slot| p.token_info(slot).unwrap().serialNumber;
        assert_ne!(serial(0), serial(1));
    });
}

/// Days are not counted here: `token/clock.rs` does. This asks whether the digits are those of now.
#[test]
fn the_clock_is_the_hosts() {
    with_token(|t| {
        let digits = |at: std::ops::Range<usize>| -> u64 {
            let time = t.p.token_info(t.slot).unwrap().utcTime;
            std::str::from_utf8(&time[at]).unwrap().parse().unwrap()
        };
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let before = now();
        let minute_of_day = digits(8..10) * 60 + digits(10..12);
        let after = now();
        let minutes = [before, after].map(|seconds| seconds / 60 % 1440);
        assert!(minutes.contains(&minute_of_day));
        assert!((2024..2200).contains(&digits(0..4)));
        assert!((1..=12).contains(&digits(4..6)) && (1..=31).contains(&digits(6..8)));
    });
}

#[test]
fn labels_are_32_bytes_of_anything() {
    with_module(|p| {
        let full = "0123456789abcdef0123456789abcdef";
        p.init_token(0, SO_PIN, full).unwrap();
        assert_eq!(label(p, 0), full);
        p.init_token(0, SO_PIN, "Schlüssel für drüben").unwrap();
        assert_eq!(label(p, 0), "Schlüssel für drüben");
        p.init_token(0, SO_PIN, "").unwrap();
        assert_eq!(p.token_info(0).unwrap().label, [b' '; 32]);
        let mut without = SO_PIN.to_vec();
        let none = std::ptr::null_mut();
        let null = call!(p.C_InitToken(0, without.as_mut_ptr(), len(SO_PIN), none));
        assert_eq!(null, Err(CKR_ARGUMENTS_BAD));
    });
}

#[test]
fn a_new_beginning_leaves_nothing() {
    let disk = Disk::new();
    let serial = |p: &Pkcs11| p.token_info(0).unwrap().serialNumber;
    let first = disk.visit(|p| {
        let session = p.token(0).unwrap();
        data(&session, "old");
        let key = attrs![CKA_VALUE_LEN => 32usize, CKA_TOKEN => true, CKA_LABEL => "old"];
        session.generate(&Mech::new(CKM_AES_KEY_GEN), &key).unwrap();
        assert_eq!(named(&session, "old").len(), 2);
        p.close_all(0).unwrap();
        let first = serial(p);

        p.init_token(0, SO_PIN, "new").unwrap();
        assert!(!has(p, 0, CKF_USER_PIN_INITIALIZED));
        let session = p.open_rw(0).unwrap();
        assert!(session.find(&[]).unwrap().is_empty());
        assert_eq!(session.login(CKU_USER, PIN), Err(CKR_USER_PIN_NOT_INITIALIZED));
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(PIN).unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, PIN).unwrap();
        assert!(session.find(&[]).unwrap().is_empty());
        first
    });
    disk.visit(|p| {
        assert_ne!(serial(p), first);
        assert!(user(p, 0).find(&[]).unwrap().is_empty());
    });
}

#[test]
fn only_the_so_begins_anew() {
    with_token(|t| {
        data(t, "kept");
        assert_eq!(t.p.init_token(0, SO_PIN, "x"), Err(CKR_SESSION_EXISTS));
        let ro = t.p.open_ro(0).unwrap();
        t.close().unwrap();
        assert_eq!(t.p.init_token(0, SO_PIN, "x"), Err(CKR_SESSION_EXISTS));
        ro.close().unwrap();
        for pin in [PIN, b"", b"so-pin-1234", &[b'x'; 300]] {
            assert_eq!(t.p.init_token(0, pin, "x"), Err(CKR_PIN_INCORRECT));
        }
        assert!(has(&t.p, 0, CKF_SO_PIN_COUNT_LOW));
        assert_eq!(label(&t.p, 0), LABEL);
        assert_eq!(named(&user(&t.p, 0), "kept").len(), 1);
        t.p.close_all(0).unwrap();
        t.p.init_token(0, SO_PIN, "x").unwrap();
        assert!(!has(&t.p, 0, CKF_SO_PIN_COUNT_LOW));
    });
}

/// What one token's PINs and sessions do is nothing to another.
#[test]
fn tokens_are_strangers() {
    with_module(|p| {
        let one = p.token(0).unwrap();
        let secret = one.aes(16).unwrap();
        data(&one, "of one");
        p.init_token(1, b"another so pin", "two").unwrap();
        let two = p.open_rw(1).unwrap();
        assert_eq!(two.state(), Ok(CKS_RW_PUBLIC_SESSION));
        assert_eq!(one.state(), Ok(CKS_RW_USER_FUNCTIONS));
        assert_eq!(two.login(CKU_SO, SO_PIN), Err(CKR_PIN_INCORRECT));
        assert!(!has(p, 0, CKF_SO_PIN_COUNT_LOW) && has(p, 1, CKF_SO_PIN_COUNT_LOW));
        assert!(two.find(&[]).unwrap().is_empty());
        assert_eq!(two.size(secret), Err(CKR_OBJECT_HANDLE_INVALID));
        p.close_all(1).unwrap();
        assert_eq!(two.info().err(), Some(CKR_SESSION_HANDLE_INVALID));
        assert_eq!(one.size(secret).err(), None);
        p.init_token(1, b"another so pin", "two").unwrap();
        assert_eq!(one.state(), Ok(CKS_RW_USER_FUNCTIONS));
    });
}

#[test]
fn mechanisms_are_what_they_say() {
    with_token(|t| {
        let all = t.p.mechanisms(0).unwrap();
        for ckm in &all {
            let info = t.p.mechanism_info(0, *ckm).unwrap();
            assert!(info.ulMinKeySize <= info.ulMaxKeySize && info.flags != 0);
            assert_eq!(info.flags & CKF_HW, 0);
            assert_eq!(
                t.p.mechanism_info(1, *ckm).unwrap().flags,
                info.flags,
                "the slot without a token"
            );
        }
        let unknown = t.p.mechanism_info(0, CKM_DES_CBC).err();
        assert_eq!(unknown, Some(CKR_MECHANISM_INVALID));
        let wrap = t.p.mechanism_info(0, CKM_RSA_AES_KEY_WRAP).unwrap();
        assert_eq!(wrap.flags, CKF_WRAP | CKF_UNWRAP);
        // every mechanism does what it does not claim to do with the same answer
        for ckm in all {
            let flags = t.p.mechanism_info(0, ckm).unwrap().flags;
            let mech = Mech::new(ckm);
            for (flag, start) in [
                (CKF_ENCRYPT, t.encrypt_init(&mech, 1)),
                (CKF_DECRYPT, t.decrypt_init(&mech, 1)),
                (CKF_SIGN, t.sign_init(&mech, 1)),
                (CKF_VERIFY, t.verify_init(&mech, 1)),
                (CKF_GENERATE, t.generate(&mech, &[]).map(drop)),
                (CKF_WRAP, t.wrap(&mech, 1, 1).map(drop)),
            ] {
                assert_eq!(start == Err(CKR_MECHANISM_INVALID), flags & flag == 0);
            }
        }
    });
}
