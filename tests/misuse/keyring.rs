//! A key of every type that the token has, with every use that it may have.
use crate::common::*;

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];
const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];

const SECRET_USES: [CK_ATTRIBUTE_TYPE; 7] =
    [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE];

fn uses(all: &[CK_ATTRIBUTE_TYPE]) -> Template {
    all.iter().map(|cka| (*cka, Attr::from(true))).collect()
}

fn secret(t: &Token, key_type: CK_KEY_TYPE, len: usize) -> Handle {
    let value = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => key_type,
        CKA_VALUE => vec![7; len],
        CKA_EXTRACTABLE => true,
    ];
    t.create(&[value.to_vec(), uses(&SECRET_USES)].concat()).unwrap()
}

fn pair(
    t: &Token,
    ckm: CK_ULONG,
    of: Template,
    open: &[CK_ULONG],
    hidden: &[CK_ULONG],
) -> [Handle; 2] {
    let public = [of, uses(open)].concat();
    let private = [attrs![CKA_EXTRACTABLE => true].to_vec(), uses(hidden)].concat();
    let (public, private) = t.generate_pair(&Mech::new(ckm), &public, &private).unwrap();
    [public, private]
}

/// Handles of a key of each type, of objects that are no keys, and of nothing.
pub fn every_handle(t: &Token) -> Vec<Handle> {
    let mut all: Vec<Handle> = [
        (CKK_AES, 16),
        (CKK_AES, 32),
        (CKK_AES_XTS, 64),
        (CKK_CHACHA20, 32),
        (CKK_GENERIC_SECRET, 1),
        (CKK_GENERIC_SECRET, 4096),
        (CKK_HKDF, 32),
        (CKK_SHA256_HMAC, 32),
    ]
    .into_iter()
    .map(|(key_type, len)| secret(t, key_type, len))
    .collect();
    let rsa = attrs![CKA_MODULUS_BITS => 1024usize].to_vec();
    let open = [CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP];
    let hidden = [CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP];
    all.extend(pair(t, CKM_RSA_PKCS_KEY_PAIR_GEN, rsa, &open, &hidden));
    for curve in [keys::P256, keys::P521] {
        let of = attrs![CKA_EC_PARAMS => curve].to_vec();
        let (open, hidden) = ([CKA_VERIFY, CKA_WRAP], [CKA_SIGN, CKA_DERIVE, CKA_UNWRAP]);
        all.extend(pair(t, CKM_EC_KEY_PAIR_GEN, of, &open, &hidden));
    }
    let of = |curve: &[u8]| attrs![CKA_EC_PARAMS => curve].to_vec();
    let edwards = CKM_EC_EDWARDS_KEY_PAIR_GEN;
    all.extend(pair(t, edwards, of(ED25519), &[CKA_VERIFY], &[CKA_SIGN]));
    let montgomery = CKM_EC_MONTGOMERY_KEY_PAIR_GEN;
    all.extend(pair(t, montgomery, of(X25519), &[], &[CKA_DERIVE]));
    let of = attrs![CKA_PARAMETER_SET => CKP_ML_DSA_44].to_vec();
    all.extend(pair(t, CKM_ML_DSA_KEY_PAIR_GEN, of, &[CKA_VERIFY], &[CKA_SIGN]));
    all.push(t.create(&attrs![CKA_CLASS => CKO_DATA, CKA_VALUE => b"no key"]).unwrap());
    all.extend([0, t.handle, 1 << 31, CK_ULONG::MAX]);
    all
}
