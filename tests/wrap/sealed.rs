//! `C_WrapKey` and `C_UnwrapKey` with `CK_GCM_WRAP_PARAMS` and `CK_CCM_WRAP_PARAMS` (PKCS#11 3.2, sections
//! 6.13.3 and 6.13.5), and what a template need not say.
use crate::common::session::{into, query_then};
use crate::common::*;
use crate::fixture::*;
use std::ptr::null_mut;

const INVALID: CK_RV = CKR_MECHANISM_PARAM_INVALID;
const KINDS: [CK_MECHANISM_TYPE; 2] = [CKM_AES_GCM, CKM_AES_CCM];

/// What a parameter says and points to.
#[derive(Clone, Debug)]
struct Seal {
    ckm: CK_MECHANISM_TYPE,
    nonce: Vec<u8>,
    aad: Vec<u8>,
    fixed: CK_ULONG,
    generator: CK_ULONG,
    tag_len: CK_ULONG,
    data_len: CK_ULONG,
}

fn seal(ckm: CK_MECHANISM_TYPE) -> Seal {
    let (nonce, aad, generator) = (vec![3; 12], b"aad".to_vec(), CKG_NO_GENERATE);
    Seal { ckm, nonce, aad, fixed: 0, generator, tag_len: 16, data_len: 0 }
}

impl Seal {
    /// Calls with the structure of 3.2; what the call writes to the nonce stays.
    fn mechanism<T>(&mut self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        let (nonce, nonce_len) = (self.nonce.as_mut_ptr(), len(&self.nonce));
        let (aad, aad_len) = (ptr(&self.aad), len(&self.aad));
        match self.ckm {
            CKM_AES_GCM => {
                let mut params = CK_GCM_WRAP_PARAMS {
                    pIv: nonce,
                    ulIvLen: nonce_len,
                    ulIvFixedBits: self.fixed,
                    ivGenerator: self.generator,
                    pAAD: aad,
                    ulAADLen: aad_len,
                    ulTagBits: 8 * self.tag_len,
                };
                call(&mut raw(self.ckm, &mut params))
            }
            _ => {
                let mut params = CK_CCM_WRAP_PARAMS {
                    ulDataLen: self.data_len,
                    pNonce: nonce,
                    ulNonceLen: nonce_len,
                    ulNonceFixedBits: self.fixed,
                    nonceGenerator: self.generator,
                    pAAD: aad,
                    ulAADLen: aad_len,
                    ulMACLen: self.tag_len,
                };
                call(&mut raw(self.ckm, &mut params))
            }
        }
    }

    /// Query, then call with just that room.
    fn wrap(&mut self, t: &Session, kek: Handle, key: Handle) -> Rv<Vec<u8>> {
        self.mechanism(|mech| {
            query_then(|at, n| call!(t.C_WrapKey(t.handle, mech, kek, key, at, n)))
        })
    }

    fn unwrap(&mut self, t: &Session, kek: Handle, wrapped: &[u8], of: &Attrs) -> Rv<Handle> {
        let (mut template, mut key) = (RawTemplate::new(of), 0);
        let (at, n, count) = (ptr(wrapped), len(wrapped), template.count());
        let template = template.ptr();
        self.mechanism(|mech| {
            call!(t.C_UnwrapKey(t.handle, mech, kek, at, n, template, count, &mut key))
        })
        .map(|()| key)
    }

    /// The same for encryption, whose output is the same.
    fn cipher(&self, data_len: usize) -> Mech {
        match self.ckm {
            CKM_AES_GCM => Mech::gcm(&self.nonce, &self.aad, 8 * self.tag_len),
            _ => Mech::with(CKM_AES_CCM, |keep| CK_CCM_PARAMS {
                ulDataLen: data_len as CK_ULONG,
                pNonce: keep(&self.nonce),
                ulNonceLen: len(&self.nonce),
                pAAD: keep(&self.aad),
                ulAADLen: len(&self.aad),
                ulMACLen: self.tag_len,
            }),
        }
    }
}

fn raw<T>(ckm: CK_MECHANISM_TYPE, params: &mut T) -> CK_MECHANISM {
    let size = size_of::<T>() as CK_ULONG;
    CK_MECHANISM { mechanism: ckm, pParameter: void(params), ulParameterLen: size }
}

#[test]
fn a_wrapping_is_the_encryption_of_the_key_with_its_tag_behind() {
    with_token(|t| {
        let kek = t.aes(32).unwrap();
        let key = t.secret(CKK_AES, &[7; 32]).unwrap();
        for ckm in KINDS {
            for tag_len in [16, 12, 8, 4] {
                for data_len in [0, 32, 99, CK_ULONG::MAX] {
                    let mut seal = Seal { tag_len, data_len, ..seal(ckm) };
                    let wrapped = seal.wrap(t, kek, key).unwrap();
                    let expected = t.encrypt(&seal.cipher(32), kek, &[7; 32]).unwrap();
                    assert_eq!(wrapped, expected, "{ckm:#x}");
                    assert_eq!(seal.nonce, [3; 12], "a nonce that was given stays");
                    let back = seal.unwrap(t, kek, &wrapped, &received_aes()).unwrap();
                    assert_eq!(t.bytes(back, CKA_VALUE).unwrap(), [7; 32]);
                    // and by the older parameter
                    let back = t.unwrap(&seal.cipher(32), kek, &wrapped, &received_aes()).unwrap();
                    assert_eq!(t.bytes(back, CKA_VALUE).unwrap(), [7; 32]);
                }
            }
        }
    });
}

#[test]
fn a_nonce_is_made_and_told() {
    with_token(|t| {
        let (kek, private) = (t.aes(16).unwrap(), t.ec(keys::P256).unwrap().1);
        for ckm in KINDS {
            for (generator, fixed) in
                [(CKG_GENERATE, 0), (CKG_GENERATE, 32), (CKG_GENERATE_RANDOM, 0)]
            {
                let mut seal = Seal { generator, fixed, ..seal(ckm) };
                let wrapped = seal.wrap(t, kek, private).unwrap();
                let nonce = seal.nonce.clone();
                assert!(
                    nonce != [3; 12] && nonce.starts_with(&[3; 4]) == (fixed == 32),
                    "{ckm:#x}"
                );
                // unwrapping looks at no generator
                seal.generator = 99;
                let back = seal.unwrap(t, kek, &wrapped, &received_ec()).unwrap();
                assert_eq!(t.bytes(back, CKA_EC_POINT), t.bytes(private, CKA_EC_POINT));
                let mut again = Seal { generator, ..seal.clone() };
                again.wrap(t, kek, private).unwrap();
                assert_ne!(again.nonce, nonce);
            }
        }
    });
}

#[test]
fn nothing_is_written_without_room() {
    with_token(|t| {
        let (kek, key) = (t.aes(16).unwrap(), t.secret(CKK_AES, &[7; 16]).unwrap());
        for ckm in KINDS {
            let mut seal = Seal { generator: CKG_GENERATE, ..seal(ckm) };
            let mut needed = 0;
            seal.mechanism(|mech| {
                call!(t.C_WrapKey(t.handle, mech, kek, key, null_mut(), &mut needed)).unwrap();
                let small = into(31, |at, n| call!(t.C_WrapKey(t.handle, mech, kek, key, at, n)));
                assert_eq!(small, Err(CKR_BUFFER_TOO_SMALL));
            });
            assert_eq!((needed, &seal.nonce[..]), (32, &[3; 12][..]));
        }
    });
}

#[test]
fn what_is_wrong_is_refused() {
    with_token(|t| {
        let (kek, key) = (t.aes(16).unwrap(), t.secret(CKK_AES, &[7; 16]).unwrap());
        for ckm in KINDS {
            let good = seal(ckm);
            for wrong in [
                Seal { tag_len: 3, ..good.clone() },
                Seal { nonce: vec![], ..good.clone() },
                Seal { generator: 99, ..good.clone() },
                Seal { generator: CKG_GENERATE_COUNTER, ..good.clone() },
                Seal { generator: CKG_GENERATE, fixed: 97, ..good.clone() },
            ] {
                assert_eq!(wrong.clone().wrap(t, kek, key), Err(INVALID), "{wrong:?}");
            }
            let wrapped = good.clone().wrap(t, kek, key).unwrap();
            let other = Seal { aad: b"add".to_vec(), ..good.clone() };
            let nonce = Seal { nonce: vec![4; 12], ..good.clone() };
            for mut wrong in [other, nonce] {
                let back = wrong.unwrap(t, kek, &wrapped, &received_aes());
                assert_eq!(back, Err(CKR_WRAPPED_KEY_INVALID));
            }
            for cut in [0, 1, 15, 16] {
                let back = good.clone().unwrap(t, kek, &wrapped[..cut], &received_aes());
                assert_eq!(back, Err(CKR_WRAPPED_KEY_LEN_RANGE), "{cut}");
            }
            // encryption has a parameter of its own
            let init = good.clone().mechanism(|mech| call!(t.C_EncryptInit(t.handle, mech, kek)));
            assert_eq!(init, Err(INVALID));
        }
    });
}

#[test]
fn a_key_type_decides_the_class() {
    with_token(|t| {
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        let without = |template: Attrs| template[1..].to_vec();
        let aes = t.secret(CKK_AES, &[7; 16]).unwrap();
        let generic = t.secret(CKK_GENERIC_SECRET, &[7; 16]).unwrap();
        let (ec, rsa) = (t.ec(keys::P256).unwrap().1, t.rsa(1024).unwrap().1);
        for (key, template, class) in [
            (aes, received_aes(), CKO_SECRET_KEY),
            (generic, received(CKO_SECRET_KEY, CKK_GENERIC_SECRET), CKO_SECRET_KEY),
            (ec, received_ec(), CKO_PRIVATE_KEY),
            (rsa, received_rsa(), CKO_PRIVATE_KEY),
        ] {
            let wrapped = t.wrap(&kwp, kek, key).unwrap();
            let back = t.unwrap(&kwp, kek, &wrapped, &without(template.clone())).unwrap();
            assert_eq!(t.ulong(back, CKA_CLASS), Ok(class));
            assert_eq!(t.ulong(back, CKA_KEY_TYPE), t.ulong(key, CKA_KEY_TYPE));
            // with associated data, too
            let mut seal = seal(CKM_AES_GCM);
            let wrapped = seal.wrap(t, kek, key).unwrap();
            let (wrapped, tag) = wrapped.split_at(wrapped.len() - 16);
            let mut params = CK_GCM_MESSAGE_PARAMS {
                pIv: seal.nonce.as_mut_ptr(),
                ulIvLen: 12,
                ulIvFixedBits: 0,
                ivGenerator: CKG_NO_GENERATE,
                pTag: ptr(tag),
                ulTagBits: 128,
            };
            let mut template = RawTemplate::new(&without(template));
            let (at, n, mut back) = (ptr(wrapped), len(wrapped), 0);
            let (of, count) = (template.ptr(), template.count());
            let mech = &mut raw(CKM_AES_GCM, &mut params);
            call!(t.C_UnwrapKeyAuthenticated(
                t.handle,
                mech,
                kek,
                at,
                n,
                of,
                count,
                ptr(b"aad"),
                3,
                &mut back
            ))
            .unwrap();
            assert_eq!(t.ulong(back, CKA_CLASS), Ok(class));
        }
        // no type, or one of public keys alone, decides nothing
        let wrapped = t.wrap(&kwp, kek, aes).unwrap();
        for template in [attrs![].to_vec(), attrs![CKA_KEY_TYPE => CKK_DH].to_vec()] {
            let back = t.unwrap(&kwp, kek, &wrapped, &template);
            assert_eq!(back, Err(CKR_TEMPLATE_INCOMPLETE));
        }
    });
}
