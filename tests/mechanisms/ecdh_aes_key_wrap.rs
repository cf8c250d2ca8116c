//! `CKM_ECDH_AES_KEY_WRAP` and its kin, taken apart with the mechanisms they are made of.
use crate::common::keys::{P256, P384, P521};
use crate::common::*;
use crate::derive::*;
use std::ptr::null_mut;

const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];
const GENERIC: [(CK_ATTRIBUTE_TYPE, CK_ULONG); 2] =
    [(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_GENERIC_SECRET)];

fn params(bits: CK_ULONG, kdf: CK_EC_KDF_TYPE) -> CK_ECDH_AES_KEY_WRAP_PARAMS {
    CK_ECDH_AES_KEY_WRAP_PARAMS {
        ulAESKeyBits: bits,
        kdf,
        ulSharedDataLen: if kdf == CKD_NULL { 0 } else { 4 },
        pSharedData: if kdf == CKD_NULL { null_mut() } else { ptr(b"info") },
    }
}

fn kek(t: &Session, curve: &[u8]) -> (Handle, Handle) {
    let made_by =
        if curve == X25519 { CKM_EC_MONTGOMERY_KEY_PAIR_GEN } else { CKM_EC_KEY_PAIR_GEN };
    let public = attrs![CKA_EC_PARAMS => curve, CKA_WRAP => true];
    let private = attrs![CKA_UNWRAP => true, CKA_DERIVE => true];
    t.generate_pair(&Mech::new(made_by), &public, &private).unwrap()
}

fn template() -> Vec<(CK_ATTRIBUTE_TYPE, Attr)> {
    let generic = GENERIC.iter().map(|(cka, value)| (*cka, Attr::from(*value)));
    generic.chain(attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]).collect()
}

/// The target, by deriving the AES key and unwrapping under it.
fn by_hand(
    t: &Session,
    kek: Handle,
    blob: &[u8],
    head: usize,
    params: &CK_ECDH_AES_KEY_WRAP_PARAMS,
) -> Vec<u8> {
    let (public, wrapped) = blob.split_at(head);
    let mut ecdh = CK_ECDH1_DERIVE_PARAMS {
        kdf: params.kdf,
        ulSharedDataLen: params.ulSharedDataLen,
        pSharedData: params.pSharedData,
        ulPublicDataLen: len(public),
        pPublicData: ptr(public),
    };
    let aes = attrs![
        CKA_KEY_TYPE => CKK_AES,
        CKA_VALUE_LEN => params.ulAESKeyBits / 8,
        CKA_UNWRAP => true,
    ];
    let aes = derive(t, &with(CKM_ECDH1_DERIVE, &mut ecdh), kek, &aes).unwrap();
    let key = t.unwrap(&Mech::new(CKM_AES_KEY_WRAP_KWP), aes, wrapped, &template()).unwrap();
    t.bytes(key, CKA_VALUE).unwrap()
}

#[test]
fn what_is_wrapped_is_what_its_parts_make() {
    let all: [(&[u8], usize, CK_MECHANISM_TYPE); 5] = [
        (P256, 65, CKM_ECDH_AES_KEY_WRAP),
        (P384, 97, CKM_ECDH_COF_AES_KEY_WRAP),
        (P521, 133, CKM_ECDH_AES_KEY_WRAP),
        (X25519, 32, CKM_ECDH_AES_KEY_WRAP),
        (X25519, 32, CKM_ECDH_X_AES_KEY_WRAP),
    ];
    with_token(|t| {
        let target = t.secret(CKK_GENERIC_SECRET, b"a secret of some length").unwrap();
        for (curve, head, ckm) in all {
            let (public, private) = kek(t, curve);
            for (bits, kdf) in [(128, CKD_NULL), (192, CKD_SHA256_KDF), (256, CKD_SHA512_KDF)] {
                let mut params = params(bits, kdf);
                let mech = with(ckm, &mut params);
                let mut blob = t.wrap(&mech, public, target).unwrap();
                assert_eq!(blob.len(), head + 32);
                let key = t.unwrap(&mech, private, &blob, &template()).unwrap();
                assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), b"a secret of some length");
                let apart = by_hand(t, private, &blob, head, &params);
                assert_eq!(apart, b"a secret of some length");
                // the public key in an OCTET STRING
                let header =
                    if head < 128 { vec![4, head as u8] } else { vec![4, 0x81, head as u8] };
                let der = [&header[..], &blob].concat();
                assert!(t.unwrap(&mech, private, &der, &template()).is_ok());
                for at in [1, head - 1, head, blob.len() - 1] {
                    blob[at] ^= 4;
                    let wrong = t.unwrap(&mech, private, &blob, &template());
                    assert_eq!(wrong, Err(CKR_WRAPPED_KEY_INVALID));
                    blob[at] ^= 4;
                }
                let short = t.unwrap(&mech, private, &blob[..head + 8], &template());
                assert_eq!(short, Err(CKR_WRAPPED_KEY_LEN_RANGE));
            }
        }
    });
}

#[test]
fn an_ephemeral_key_is_used_once() {
    with_token(|t| {
        let target = t.secret(CKK_GENERIC_SECRET, b"secret").unwrap();
        let (public, _) = kek(t, P256);
        let mut params = params(256, CKD_SHA256_KDF);
        let mech = with(CKM_ECDH_AES_KEY_WRAP, &mut params);
        let blobs = [(); 2].map(|()| t.wrap(&mech, public, target).unwrap());
        assert_ne!(blobs[0][..65], blobs[1][..65]);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let target = t.secret(CKK_GENERIC_SECRET, b"secret").unwrap();
        let (public, private) = kek(t, P256);
        for mut wrong in [params(255, CKD_NULL), params(256, 0), params(256, CKD_SHA1_KDF_ASN1)] {
            let wrapped = t.wrap(&with(CKM_ECDH_AES_KEY_WRAP, &mut wrong), public, target);
            assert_eq!(wrapped, Err(CKR_MECHANISM_PARAM_INVALID));
        }
        let mut params = params(256, CKD_NULL);
        let none = Mech::new(CKM_ECDH_AES_KEY_WRAP);
        assert_eq!(t.wrap(&none, public, target), Err(CKR_MECHANISM_PARAM_INVALID));
        let mech = with(CKM_ECDH_X_AES_KEY_WRAP, &mut params);
        assert_eq!(t.wrap(&mech, public, target), Err(CKR_WRAPPING_KEY_TYPE_INCONSISTENT));
        let mech = with(CKM_ECDH_AES_KEY_WRAP, &mut params);
        assert_eq!(t.wrap(&mech, private, target), Err(CKR_WRAPPING_KEY_TYPE_INCONSISTENT));
        let rsa = t.rsa(2048).unwrap().0;
        assert_eq!(t.wrap(&mech, rsa, target), Err(CKR_WRAPPING_KEY_TYPE_INCONSISTENT));
    });
}
