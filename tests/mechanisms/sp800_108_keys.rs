//! Several keys from one call of an SP 800-108 KDF. PKCS#11 3.2, section "Deriving Additional Keys".
use super::sp800_108::{Piece, kdf, raw};
use crate::common::*;
use crate::derive::*;
use std::ptr::null_mut;

const COUNTER: CK_MECHANISM_TYPE = CKM_SP800_108_COUNTER_KDF;
const MODES: [CK_MECHANISM_TYPE; 3] =
    [COUNTER, CKM_SP800_108_FEEDBACK_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF];
const LABEL: Piece = Piece::Bytes(b"label\0context");
const KEYS: Piece = Piece::Length(CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, 32);
const SEGMENTS: Piece = Piece::Length(CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS, 32);

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

/// The data parameters of a mode that ends with this length.
fn pieces(ckm: CK_MECHANISM_TYPE, length: Piece) -> [Piece; 3] {
    let variable = match ckm {
        COUNTER => Piece::Counter(CK_SP800_108_ITERATION_VARIABLE, 32),
        _ => Piece::Chain,
    };
    [variable, LABEL, length]
}

/// Derives keys with these templates. Handles that were not written are `0x7777`.
fn derive_all(
    t: &Session,
    ckm: CK_MECHANISM_TYPE,
    length: Piece,
    templates: &[Template],
) -> (Rv<Handle>, Vec<Handle>) {
    let base = t.secret(CKK_GENERIC_SECRET, &(0..32).collect::<Vec<u8>>()).unwrap();
    derive_from(t, base, ckm, length, templates)
}

fn derive_from(
    t: &Session,
    base: Handle,
    ckm: CK_MECHANISM_TYPE,
    length: Piece,
    templates: &[Template],
) -> (Rv<Handle>, Vec<Handle>) {
    let mut pieces = raw(&pieces(ckm, length));
    let mut handles = vec![0x7777; templates.len() - 1];
    let mut raws: Vec<RawTemplate> = templates[1..].iter().map(|t| RawTemplate::new(t)).collect();
    let mut others: Vec<CK_DERIVED_KEY> = raws
        .iter_mut()
        .zip(&mut handles)
        .map(|(template, handle)| CK_DERIVED_KEY {
            pTemplate: template.ptr(),
            ulAttributeCount: template.count(),
            phKey: handle,
        })
        .collect();
    let mut plain = CK_SP800_108_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: pieces.len() as CK_ULONG,
        pDataParams: pieces.as_mut_ptr(),
        ulAdditionalDerivedKeys: others.len() as CK_ULONG,
        pAdditionalDerivedKeys: others.as_mut_ptr(),
    };
    let mut iv = [7; 32];
    let mut feedback = CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: CKM_SHA256_HMAC,
        ulNumberOfDataParams: plain.ulNumberOfDataParams,
        pDataParams: plain.pDataParams,
        ulIVLen: 32,
        pIV: iv.as_mut_ptr(),
        ulAdditionalDerivedKeys: plain.ulAdditionalDerivedKeys,
        pAdditionalDerivedKeys: plain.pAdditionalDerivedKeys,
    };
    let mech = match ckm {
        CKM_SP800_108_FEEDBACK_KDF => with(ckm, &mut feedback),
        _ => with(ckm, &mut plain),
    };
    let first = derive(t, &mech, base, &templates[0]);
    (first, handles)
}

/// Three keys of 16, 40 and 20 bytes take one, two and one iterations of SHA-256: each begins with its
/// own. The sum of the keys is 76 bytes, that of the segments 128, and one key of 76 or of 128 bytes is
/// derived from the same input.
#[test]
fn each_key_begins_with_an_iteration() {
    with_token(|t| {
        for ckm in MODES {
            for (length, one) in [(KEYS, 76), (SEGMENTS, 128)] {
                let templates = [16, 40, 20].map(|len| open(len).to_vec());
                let (first, others) = derive_all(t, ckm, length, &templates);
                let keys = [vec![first.unwrap()], others].concat();
                let values: Vec<_> =
                    keys.iter().map(|key| t.bytes(*key, CKA_VALUE).unwrap()).collect();
                // as long as the sum says, and then the rest with that length as a constant
                let bits = (8 * one as u32).to_be_bytes();
                let constant = Piece::Bytes(Box::leak(Box::new(bits)));
                let all = kdf(t, ckm, CKM_SHA256_HMAC, &pieces(ckm, constant), 128).unwrap();
                let same = kdf(t, ckm, CKM_SHA256_HMAC, &pieces(ckm, length), one).unwrap();
                assert_eq!(all[..one], same);
                let expected = [&all[..16], &all[32..72], &all[96..116]].map(<[u8]>::to_vec);
                assert_eq!(values, expected, "{ckm:x}");
            }
        }
    });
}

#[test]
fn keys_have_templates_of_their_own() {
    with_token(|t| {
        let aes = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 32usize, CKA_LABEL => "second"];
        let kept = attrs![CKA_VALUE_LEN => 20usize, CKA_TOKEN => true, CKA_SENSITIVE => true];
        let templates = [open(16).to_vec(), aes.to_vec(), kept.to_vec()];
        let (first, others) = derive_all(t, COUNTER, KEYS, &templates);
        assert_eq!(t.ulong(first.unwrap(), CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
        assert_eq!(t.ulong(others[0], CKA_KEY_TYPE), Ok(CKK_AES));
        assert_eq!(t.bytes(others[0], CKA_LABEL), Ok(b"second".to_vec()));
        assert_eq!(t.flag(others[1], CKA_TOKEN), Ok(true));
        assert_eq!(t.bytes(others[1], CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        // what the base key demands is demanded of each of them
        let strict = t
            .create(&attrs![
                CKA_CLASS => CKO_SECRET_KEY,
                CKA_KEY_TYPE => CKK_GENERIC_SECRET,
                CKA_VALUE => &[1; 32],
                CKA_DERIVE => true,
                CKA_DERIVE_TEMPLATE => attrs![CKA_SENSITIVE => true],
            ])
            .unwrap();
        let plain = attrs![CKA_VALUE_LEN => 16usize].to_vec();
        let (first, others) =
            derive_from(t, strict, COUNTER, KEYS, &[plain.clone(), plain.clone()]);
        for key in [first.unwrap(), others[0]] {
            assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
        }
        let (refused, _) = derive_from(t, strict, COUNTER, KEYS, &[plain, open(16).to_vec()]);
        assert_eq!(refused, Err(CKR_TEMPLATE_INCONSISTENT));
    });
}

/// A key that cannot be made leaves none behind, and no handle that looks like one.
#[test]
fn all_keys_are_derived_or_none() {
    with_token(|t| {
        for (wrong, code) in [
            (attrs![CKA_LABEL => "no length"].to_vec(), CKR_TEMPLATE_INCOMPLETE),
            (attrs![CKA_VALUE_LEN => 0usize].to_vec(), CKR_KEY_SIZE_RANGE),
            (
                attrs![CKA_VALUE_LEN => 17usize, CKA_KEY_TYPE => CKK_AES].to_vec(),
                CKR_KEY_SIZE_RANGE,
            ),
            (
                attrs![CKA_VALUE_LEN => 16usize, CKA_CLASS => CKO_DATA].to_vec(),
                CKR_TEMPLATE_INCONSISTENT,
            ),
        ] {
            for ckm in MODES {
                let base = t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap();
                let before = t.find(&[]).unwrap().len();
                let templates = [open(16).to_vec(), open(16).to_vec(), wrong.clone()];
                let (first, others) = derive_from(t, base, ckm, KEYS, &templates);
                assert_eq!(first, Err(code));
                assert_eq!(others, [CK_INVALID_HANDLE; 2]);
                assert_eq!(t.find(&[]).unwrap().len(), before);
            }
        }
    });
}

#[test]
fn parameters_that_name_no_keys_are_refused() {
    with_token(|t| {
        let base = t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap();
        let mut pieces = raw(&pieces(COUNTER, KEYS));
        let mut none =
            CK_DERIVED_KEY { pTemplate: null_mut(), ulAttributeCount: 0, phKey: null_mut() };
        for (count, at) in [
            (1, null_mut()),
            (1, std::ptr::from_mut(&mut none)),
            (65, std::ptr::from_mut(&mut none)),
            (CK_ULONG::MAX, std::ptr::from_mut(&mut none)),
        ] {
            let mut params = CK_SP800_108_KDF_PARAMS {
                prfType: CKM_SHA256_HMAC,
                ulNumberOfDataParams: pieces.len() as CK_ULONG,
                pDataParams: pieces.as_mut_ptr(),
                ulAdditionalDerivedKeys: count,
                pAdditionalDerivedKeys: at,
            };
            let refused = derive(t, &with(COUNTER, &mut params), base, &open(16));
            assert_eq!(refused, Err(CKR_MECHANISM_PARAM_INVALID), "{count}");
        }
    });
}
