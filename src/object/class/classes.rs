//! The rows. To add a key type, add its row, and its [`Form`] to [`encode`](crate::object::encode)
//! if it has a new one.
use super::{Class, Form, attributes::*};
use crate::ck::*;
use std::ops::RangeInclusive;

const NONE: Class = Class {
    class: 0,
    subtype: None,
    form: Form::None,
    can: &[],
    value_len: &[],
    groups: &[],
    built_in: false,
};

const BUILT_IN: Class = Class { built_in: true, ..NONE };

const PUBLIC: Class = Class { class: CKO_PUBLIC_KEY, ..NONE };
const PRIVATE: Class = Class { class: CKO_PRIVATE_KEY, ..NONE };

/// Secret keys that make MACs and derive other keys. 4096 bytes are more than any use needs.
const GENERIC: Class = Class {
    class: CKO_SECRET_KEY,
    form: Form::Secret,
    can: &[CKA_SIGN, CKA_VERIFY, CKA_DERIVE],
    value_len: &[1..=4096],
    groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, SECRET_KEY],
    ..NONE
};

/// Secret keys that encrypt and wrap.
const CIPHER: Class = Class { can: &[CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP], ..GENERIC };

/// Triple DES encrypts, wraps and makes MACs; no mechanism derives keys from its keys.
const DES: &[CK_ATTRIBUTE_TYPE] =
    &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP];

const AES_LEN: &[RangeInclusive<usize>] = &[16..=16, 24..=24, 32..=32];

const fn key(key_type: CK_KEY_TYPE, class: Class) -> Class {
    Class { subtype: Some((CKA_KEY_TYPE, key_type)), ..class }
}

/// The table.
pub static CLASSES: &[Class] = &[
    Class { class: CKO_PROFILE, groups: &[STORAGE, IN_PUBLIC, PROFILE], ..BUILT_IN },
    Class { class: CKO_MECHANISM, groups: &[STORAGE, IN_PUBLIC, MECHANISM], ..BUILT_IN },
    Class { class: CKO_HW_FEATURE, groups: &[STORAGE, IN_PUBLIC, CLOCK], ..BUILT_IN },
    Class { class: CKO_DATA, groups: &[STORAGE, IN_PUBLIC, DATA], ..NONE },
    Class { class: CKO_TRUST, groups: &[STORAGE, IN_PUBLIC, TRUST], ..NONE },
    Class {
        class: CKO_CERTIFICATE,
        subtype: Some((CKA_CERTIFICATE_TYPE, CKC_X_509)),
        groups: &[STORAGE, IN_PUBLIC, X509],
        ..NONE
    },
    Class {
        form: Form::RsaPublic,
        can: &[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, RSA_PUBLIC],
        ..key(CKK_RSA, PUBLIC)
    },
    Class {
        form: Form::RsaPrivate,
        can: &[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, RSA_PRIVATE],
        ..key(CKK_RSA, PRIVATE)
    },
    Class {
        form: Form::EcPublic,
        can: &[CKA_VERIFY],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, EC_PUBLIC],
        ..key(CKK_EC, PUBLIC)
    },
    Class {
        form: Form::EcPrivate,
        can: &[CKA_SIGN, CKA_DERIVE],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, EC_PRIVATE],
        ..key(CKK_EC, PRIVATE)
    },
    Class {
        form: Form::EdwardsPublic,
        can: &[CKA_VERIFY],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, EC_PUBLIC],
        ..key(CKK_EC_EDWARDS, PUBLIC)
    },
    Class {
        form: Form::EdwardsPrivate,
        can: &[CKA_SIGN],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, EC_PRIVATE],
        ..key(CKK_EC_EDWARDS, PRIVATE)
    },
    Class {
        form: Form::MlDsaPublic,
        can: &[CKA_VERIFY],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, SEEDED_PUBLIC],
        ..key(CKK_ML_DSA, PUBLIC)
    },
    Class {
        form: Form::MlDsaPrivate,
        can: &[CKA_SIGN],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, SEEDED_PRIVATE],
        ..key(CKK_ML_DSA, PRIVATE)
    },
    Class {
        form: Form::MlKemPublic,
        can: &[CKA_ENCAPSULATE],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, SEEDED_PUBLIC],
        ..key(CKK_ML_KEM, PUBLIC)
    },
    Class {
        form: Form::MlKemPrivate,
        can: &[CKA_DECAPSULATE],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, SEEDED_PRIVATE],
        ..key(CKK_ML_KEM, PRIVATE)
    },
    Class {
        form: Form::SlhDsaPublic,
        can: &[CKA_VERIFY],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, SEEDED_PUBLIC],
        ..key(CKK_SLH_DSA, PUBLIC)
    },
    Class {
        form: Form::SlhDsaPrivate,
        can: &[CKA_SIGN],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, SLH_DSA_PRIVATE],
        ..key(CKK_SLH_DSA, PRIVATE)
    },
    Class {
        form: Form::MontgomeryPublic,
        can: &[CKA_DERIVE],
        groups: &[STORAGE, IN_PUBLIC, KEY, PUBLIC_KEY, EC_PUBLIC],
        ..key(CKK_EC_MONTGOMERY, PUBLIC)
    },
    Class {
        form: Form::MontgomeryPrivate,
        can: &[CKA_DERIVE],
        groups: &[STORAGE, IN_PRIVATE, KEY, HIDDEN_KEY, PRIVATE_KEY, EC_PRIVATE],
        ..key(CKK_EC_MONTGOMERY, PRIVATE)
    },
    Class {
        can: &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE],
        value_len: AES_LEN,
        ..key(CKK_AES, GENERIC)
    },
    key(CKK_DES2, Class { value_len: &[16..=16], can: DES, ..CIPHER }),
    key(CKK_DES3, Class { value_len: &[24..=24], can: DES, ..CIPHER }),
    key(CKK_AES_XTS, Class { value_len: &[32..=32, 64..=64], ..CIPHER }),
    key(CKK_CHACHA20, Class { value_len: &[32..=32], ..CIPHER }),
    key(CKK_GENERIC_SECRET, GENERIC),
    key(CKK_HKDF, GENERIC),
    key(CKK_SHA_1_HMAC, GENERIC),
    key(CKK_SHA224_HMAC, GENERIC),
    key(CKK_SHA256_HMAC, GENERIC),
    key(CKK_SHA384_HMAC, GENERIC),
    key(CKK_SHA512_HMAC, GENERIC),
    key(CKK_SHA512_224_HMAC, GENERIC),
    key(CKK_SHA512_256_HMAC, GENERIC),
    key(CKK_SHA3_224_HMAC, GENERIC),
    key(CKK_SHA3_256_HMAC, GENERIC),
    key(CKK_SHA3_384_HMAC, GENERIC),
    key(CKK_SHA3_512_HMAC, GENERIC),
];
