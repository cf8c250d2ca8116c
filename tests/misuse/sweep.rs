//! Every mechanism with every function, parameters of all kinds and keys of all types: what the
//! standard answers, and the session works on.
use crate::common::session::into;
use crate::common::*;
use crate::keyring::every_handle;
use crate::noise::{Noise, Param, structures};
use keyferry::mechanism::Mechanism;
use std::ffi::c_void;
use std::ptr::null_mut;

/// What may come of a mechanism, a parameter and a key.
const START: &[CK_RV] = &[
    CKR_OK,
    CKR_MECHANISM_INVALID,
    CKR_MECHANISM_PARAM_INVALID,
    CKR_KEY_HANDLE_INVALID,
    CKR_KEY_TYPE_INCONSISTENT,
    CKR_KEY_SIZE_RANGE,
    CKR_KEY_FUNCTION_NOT_PERMITTED,
];
/// And of data.
const WORK: &[CK_RV] = &[
    CKR_OK,
    CKR_BUFFER_TOO_SMALL,
    CKR_DATA_INVALID,
    CKR_DATA_LEN_RANGE,
    CKR_ENCRYPTED_DATA_INVALID,
    CKR_ENCRYPTED_DATA_LEN_RANGE,
    CKR_AEAD_DECRYPT_FAILED,
    CKR_SIGNATURE_INVALID,
    CKR_SIGNATURE_LEN_RANGE,
    CKR_OPERATION_ACTIVE,
    CKR_OPERATION_NOT_INITIALIZED,
];
/// And of wrapping and making keys.
const MAKE: &[CK_RV] = &[
    CKR_WRAPPING_KEY_HANDLE_INVALID,
    CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    CKR_WRAPPING_KEY_SIZE_RANGE,
    CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    CKR_UNWRAPPING_KEY_SIZE_RANGE,
    CKR_WRAPPED_KEY_INVALID,
    CKR_WRAPPED_KEY_LEN_RANGE,
    CKR_KEY_NOT_WRAPPABLE,
    CKR_KEY_UNEXTRACTABLE,
    CKR_TEMPLATE_INCOMPLETE,
    CKR_TEMPLATE_INCONSISTENT,
    CKR_ATTRIBUTE_TYPE_INVALID,
    CKR_ATTRIBUTE_VALUE_INVALID,
];

type Start = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, Handle) -> CK_RV;

/// One call of everything that takes a mechanism and a key.
struct Attempt<'a> {
    t: &'a Token,
    raw: CK_MECHANISM,
    key: Handle,
    other: Handle,
    note: &'a str,
}

impl Attempt<'_> {
    fn at(&self) -> *mut CK_MECHANISM {
        std::ptr::from_ref(&self.raw).cast_mut()
    }

    fn check(&self, what: &str, outcome: Rv<()>, allowed: &[&[CK_RV]]) -> bool {
        let rv = outcome.err().unwrap_or(CKR_OK);
        let name = Mechanism::of(self.raw.mechanism).unwrap().name;
        let len = self.raw.ulParameterLen;
        assert!(
            allowed.iter().any(|some| some.contains(&rv)),
            "{what}, {name}, key {}, parameter of {len}, {}: {rv:#x}",
            self.key,
            self.note
        );
        outcome.is_ok()
    }

    /// The six kinds of operations, each as far as it gets; answers how many began.
    fn operate(&self, noise: &mut Noise) -> usize {
        let (t, list, h) = (self.t, self.t.list(), self.t.handle);
        let starts: [(&str, Option<Start>, CK_FLAGS); 6] = [
            ("C_EncryptInit", list.C_EncryptInit, CKF_ENCRYPT),
            ("C_DecryptInit", list.C_DecryptInit, CKF_DECRYPT),
            ("C_SignInit", list.C_SignInit, CKF_SIGN),
            ("C_VerifyInit", list.C_VerifyInit, CKF_VERIFY),
            ("C_SignRecoverInit", list.C_SignRecoverInit, CKF_SIGN_RECOVER),
            ("C_VerifyRecoverInit", list.C_VerifyRecoverInit, CKF_VERIFY_RECOVER),
        ];
        let mut began = 0;
        for (name, start, flag) in starts {
            let outcome = ok(unsafe { start.unwrap()(h, self.at(), self.key) });
            if self.check(name, outcome, &[START]) {
                began += 1;
                self.go_on(flag, noise);
            }
            call!(t.C_SessionCancel(h, flag)).unwrap();
        }
        began
    }

    fn go_on(&self, flag: CK_FLAGS, noise: &mut Noise) {
        let (t, h) = (self.t, self.t.handle);
        let some = noise.one(&[0, 1, 15, 16, 17, 32, 48, 128, 200]);
        let data = noise.bytes(some);
        let (at, n) = (ptr(&data), len(&data));
        let room = noise.one(&[0, 1, 16, 64, 128, 2420, 5000]);
        let parts = noise.below(2) == 0;
        let work = |outcome: Rv<Vec<u8>>| {
            self.check("going on", outcome.map(drop), &[WORK]);
        };
        match flag {
            CKF_ENCRYPT if parts => {
                work(into(room, |to, m| call!(t.C_EncryptUpdate(h, at, n, to, m))));
                work(into(room, |to, m| call!(t.C_EncryptFinal(h, to, m))));
            }
            CKF_ENCRYPT => work(into(room, |to, m| call!(t.C_Encrypt(h, at, n, to, m)))),
            CKF_DECRYPT if parts => {
                work(into(room, |to, m| call!(t.C_DecryptUpdate(h, at, n, to, m))));
                work(into(room, |to, m| call!(t.C_DecryptFinal(h, to, m))));
            }
            CKF_DECRYPT => work(into(room, |to, m| call!(t.C_Decrypt(h, at, n, to, m)))),
            CKF_SIGN if parts => {
                work(t.sign_update(&data).map(|()| Vec::new()));
                work(into(room, |to, m| call!(t.C_SignFinal(h, to, m))));
            }
            CKF_SIGN => work(into(room, |to, m| call!(t.C_Sign(h, at, n, to, m)))),
            CKF_VERIFY if parts => {
                work(t.verify_update(&data).map(|()| Vec::new()));
                work(t.verify_final(&data).map(|()| Vec::new()));
            }
            CKF_VERIFY => work(call!(t.C_Verify(h, at, n, at, n)).map(|()| Vec::new())),
            CKF_SIGN_RECOVER => work(into(room, |to, m| call!(t.C_SignRecover(h, at, n, to, m)))),
            _ => work(into(room, |to, m| call!(t.C_VerifyRecover(h, at, n, to, m)))),
        }
    }

    /// Digests, wraps, unwraps, derives and generates; answers how many keys came of it.
    fn make(&self, noise: &mut Noise) -> usize {
        let (t, h) = (self.t, self.t.handle);
        if self.check("C_DigestInit", call!(t.C_DigestInit(h, self.at())), &[START]) {
            call!(t.C_SessionCancel(h, CKF_DIGEST)).unwrap();
        }
        let room = noise.one(&[0, 16, 128, 5000]);
        let wrapped =
            into(room, |to, m| call!(t.C_WrapKey(h, self.at(), self.key, self.other, to, m)));
        self.check("C_WrapKey", wrapped.map(drop), &[START, WORK, MAKE]);
        let mut made = Vec::new();
        let mut template = template(noise);
        let (attributes, count) = (template.ptr(), template.count());
        let some = noise.one(&[0, 1, 16, 24, 32, 40, 128, 168]);
        let blob = noise.bytes(some);
        let (at, n, mut new) = (ptr(&blob), len(&blob), 0);
        let calls = [
            (
                "C_UnwrapKey",
                call!(t.C_UnwrapKey(h, self.at(), self.key, at, n, attributes, count, &mut new)),
            ),
            (
                "C_DeriveKey",
                call!(t.C_DeriveKey(h, self.at(), self.key, attributes, count, &mut new)),
            ),
            ("C_GenerateKey", call!(t.C_GenerateKey(h, self.at(), attributes, count, &mut new))),
        ];
        for (name, outcome) in calls {
            if self.check(name, outcome, &[START, WORK, MAKE]) {
                made.push(new);
            }
        }
        made.len()
    }
}

/// A template for a new secret key, most often a sound one.
fn template(noise: &mut Noise) -> RawTemplate {
    let mut all = Vec::new();
    if noise.below(8) > 0 {
        all.extend(attrs![CKA_CLASS => CKO_SECRET_KEY]);
    }
    if noise.below(8) > 0 {
        let types = [CKK_AES, CKK_GENERIC_SECRET, CKK_DES3, CKK_CHACHA20, CKK_RSA, CKK_EC, 0x7777];
        all.extend(attrs![CKA_KEY_TYPE => noise.one(&types)]);
    }
    if noise.below(4) > 0 {
        let lens = [0, 1, 16, 24, 32, 64, 4096, 1 << 16, 1 << 31, 1 << 63, CK_ULONG::MAX];
        all.extend(attrs![CKA_VALUE_LEN => noise.one(&lens)]);
    }
    RawTemplate::new(&all)
}

fn works_still(t: &Token, aes: Handle) {
    let ecb = Mech::new(CKM_AES_ECB);
    let sealed = t.encrypt(&ecb, aes, &[9; 16]).unwrap();
    assert_eq!(t.decrypt(&ecb, aes, &sealed).unwrap(), [9; 16]);
}

/// Runs `attempt` with every mechanism of the list, its noise and all handles.
fn with_every(attempt: impl Fn(&Token, &'static Mechanism, &mut Noise, &[Handle])) {
    with_token(|t| {
        let handles = every_handle(t);
        let aes = t.aes(16).unwrap();
        for ckm in t.p.mechanisms(t.slot).unwrap() {
            let mechanism = Mechanism::of(ckm).unwrap();
            attempt(t, mechanism, &mut Noise::new(ckm), &handles);
            works_still(t, aes);
        }
    });
}

fn raw(mechanism: &Mechanism, at: *mut c_void, len: CK_ULONG) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: mechanism.ckm, pParameter: at, ulParameterLen: len }
}

/// Everything that takes a mechanism, and nothing else that is worth mentioning.
fn every_taker(t: &Token, mut raw: CK_MECHANISM, key: Handle) -> [(&'static str, Rv<()>); 12] {
    let (h, m, no) = (t.handle, &raw mut raw, null_mut());
    let (mut n, mut made) = (0, 0);
    let (n, new) = (&raw mut n, &raw mut made);
    let none = null_mut();
    [
        ("C_EncryptInit", call!(t.C_EncryptInit(h, m, key))),
        ("C_DecryptInit", call!(t.C_DecryptInit(h, m, key))),
        ("C_SignInit", call!(t.C_SignInit(h, m, key))),
        ("C_SignRecoverInit", call!(t.C_SignRecoverInit(h, m, key))),
        ("C_VerifyInit", call!(t.C_VerifyInit(h, m, key))),
        ("C_VerifyRecoverInit", call!(t.C_VerifyRecoverInit(h, m, key))),
        ("C_DigestInit", call!(t.C_DigestInit(h, m))),
        ("C_GenerateKey", call!(t.C_GenerateKey(h, m, none, 0, new))),
        ("C_GenerateKeyPair", call!(t.C_GenerateKeyPair(h, m, none, 0, none, 0, new, n))),
        ("C_WrapKey", call!(t.C_WrapKey(h, m, key, key, no, n))),
        ("C_UnwrapKey", call!(t.C_UnwrapKey(h, m, key, no, 0, none, 0, new))),
        ("C_DeriveKey", call!(t.C_DeriveKey(h, m, key, none, 0, new))),
    ]
}

/// A length and nothing there, or a length that nothing has: no mechanism takes it.
#[test]
fn parameters_that_cannot_be() {
    with_every(|t, mechanism, _, handles| {
        let mut byte = 0u8;
        let nothing = [1, 8, 16, 24, 40, 48, 72, 1 << 31, 1 << 63, CK_ULONG::MAX];
        let nothing = nothing.map(|len| (null_mut(), len));
        let absurd = [1 << 31, 1 << 56, 1 << 63, CK_ULONG::MAX].map(|len| (void(&mut byte), len));
        for (at, len) in nothing.into_iter().chain(absurd) {
            for (name, outcome) in every_taker(t, raw(mechanism, at, len), handles[0]) {
                let expected = Err(CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(outcome, expected, "{name}, {}, {len:#x}", mechanism.name);
            }
        }
    });
}

/// No parameter, one that is only pointed at, and bytes of every small length that no structure has.
#[test]
fn parameters_of_no_structure() {
    with_every(|t, mechanism, noise, handles| {
        let structures = structures(mechanism.params);
        let taken = |len: usize| structures.iter().any(|words| words.len() * 8 == len);
        let pointed = Param::bytes(noise, 128);
        let mut lens = vec![(null_mut(), 0), (pointed.at(), 0)];
        lens.extend((1..=128).filter(|len| !taken(*len)).map(|len| (pointed.at(), len)));
        for (at, len) in lens {
            let key = noise.one(handles);
            let raw = raw(mechanism, at.cast(), len as CK_ULONG);
            let attempt = Attempt { t, raw, key, other: noise.one(handles), note: "plain" };
            attempt.operate(noise);
            attempt.make(noise);
        }
    });
}

/// Structures that are nearly right, and keys of every type.
#[test]
fn parameters_that_are_nearly_right() {
    let total = std::cell::Cell::new((0, 0));
    with_every(|t, mechanism, noise, handles| {
        for round in 0..40 {
            for structure in structures(mechanism.params) {
                let param = Param::new(noise, structure, handles);
                for key in handles {
                    let raw = raw(mechanism, param.at().cast(), param.len());
                    let note = format!("round {round}, {param}");
                    let other = noise.one(handles);
                    let attempt = Attempt { t, raw, key: *key, other, note: &note };
                    let (began, made) = total.get();
                    total.set((began + attempt.operate(noise), made + attempt.make(noise)));
                }
            }
        }
    });
    let (began, made) = total.get();
    assert!(began > 1000 && made > 30, "{began} operations and {made} keys are too few to tell");
}

/// Without a parameter, which is right for many: keys of every type.
#[test]
fn keys_of_every_type() {
    let total = std::cell::Cell::new((0, 0));
    with_every(|t, mechanism, noise, handles| {
        let iv = [0u64; 4];
        for len in [0, 8, 12, 16] {
            let at = if len == 0 { null_mut() } else { iv.as_ptr().cast_mut() };
            for key in handles {
                let raw = raw(mechanism, at.cast(), len);
                let other = noise.one(handles);
                let attempt = Attempt { t, raw, key: *key, other, note: "bytes" };
                let (began, made) = total.get();
                total.set((began + attempt.operate(noise), made + attempt.make(noise)));
            }
        }
    });
    let (began, made) = total.get();
    assert!(began > 100 && made > 10, "{began} operations and {made} keys are too few to tell");
}
