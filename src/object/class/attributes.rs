//! The groups of attributes that classes are made of, each after a table of PKCS#11 3.2.
//!
//! `CKA_CLASS`, key and certificate type are required wherever they appear: a row cannot be found
//! without them.
use super::{Attribute, Default, Flags};
use crate::ck::*;

const fn attribute(cka: CK_ATTRIBUTE_TYPE, flags: Flags, default: Default) -> Attribute {
    Attribute { cka, flags, default }
}

/// Written once, by whoever makes the object.
const FIXED: Flags = Flags::NONE;
/// Footnote 8.
const MODIFIABLE: Flags = Flags::MODIFIABLE;
/// Footnotes 2, 4, 6, and nobody's but the token's.
const TOKENS_OWN: Flags =
    Flags::NOT_CREATE.and(Flags::NOT_GENERATE).and(Flags::NOT_UNWRAP).and(Flags::TOKENS_OWN);
/// Footnotes 1, 4, 6: public numbers that come with the key.
const NUMBER: Flags = Flags::CREATE.and(Flags::NOT_GENERATE).and(Flags::NOT_UNWRAP);
/// Footnotes 4, 6, 7: the CRT values of RSA.
const OPTIONAL_MATERIAL: Flags = Flags::NOT_GENERATE.and(Flags::NOT_UNWRAP).and(Flags::MATERIAL);
/// Footnotes 1, 4, 6, 7.
const MATERIAL: Flags = Flags::CREATE.and(OPTIONAL_MATERIAL);

/// Section 4.4.1, storage objects, but for `CKA_PRIVATE`. `CKA_COPYABLE` cannot go back to
/// `CK_TRUE` by the standard; `CKA_MODIFIABLE` and `CKA_DESTROYABLE` cannot here, or they would
/// protect nothing.
pub(super) static STORAGE: &[Attribute] = &[
    attribute(CKA_CLASS, FIXED, Default::Absent),
    attribute(CKA_TOKEN, Flags::COPY, Default::Bool(false)),
    attribute(CKA_MODIFIABLE, Flags::COPY.and(Flags::STAYS_FALSE), Default::Bool(true)),
    attribute(CKA_COPYABLE, MODIFIABLE.and(Flags::STAYS_FALSE), Default::Bool(true)),
    attribute(
        CKA_DESTROYABLE,
        MODIFIABLE.and(Flags::COPY).and(Flags::STAYS_FALSE),
        Default::Bool(true),
    ),
    attribute(CKA_LABEL, MODIFIABLE, Default::Empty),
    attribute(CKA_UNIQUE_ID, TOKENS_OWN, Default::Absent),
];

/// Public keys, certificates and data are for all to see unless the template says no.
pub(super) static IN_PUBLIC: &[Attribute] =
    &[attribute(CKA_PRIVATE, Flags::COPY.and(Flags::STAYS_TRUE), Default::Bool(false))];

/// Private and secret keys that the user makes are for the user alone unless the template says no. The
/// standard leaves the default to the token (section 4.4.1); in public and SO sessions it is what these can
/// make.
pub(super) static IN_PRIVATE: &[Attribute] =
    &[attribute(CKA_PRIVATE, Flags::COPY.and(Flags::STAYS_TRUE), Default::OfUser)];

/// Section 4.5, data objects.
pub(super) static DATA: &[Attribute] = &[
    attribute(CKA_APPLICATION, MODIFIABLE, Default::Empty),
    attribute(CKA_OBJECT_ID, MODIFIABLE, Default::Empty),
    attribute(CKA_VALUE, MODIFIABLE, Default::Empty),
];

/// Sections 4.6.2 and 4.6.3, X.509 certificates. One of `CKA_VALUE` and `CKA_URL` must be there.
pub(super) static X509: &[Attribute] = &[
    attribute(CKA_CERTIFICATE_TYPE, Flags::CREATE, Default::Absent),
    attribute(CKA_TRUSTED, MODIFIABLE.and(Flags::SO_ONLY), Default::Bool(false)),
    attribute(CKA_CERTIFICATE_CATEGORY, FIXED, Default::Ulong(0)),
    attribute(CKA_CHECK_VALUE, FIXED, Default::Absent),
    attribute(CKA_START_DATE, FIXED, Default::Empty),
    attribute(CKA_END_DATE, FIXED, Default::Empty),
    attribute(CKA_PUBLIC_KEY_INFO, FIXED, Default::Empty),
    attribute(CKA_SUBJECT, Flags::CREATE, Default::Absent),
    attribute(CKA_ID, MODIFIABLE, Default::Empty),
    attribute(CKA_ISSUER, MODIFIABLE, Default::Empty),
    attribute(CKA_SERIAL_NUMBER, MODIFIABLE, Default::Empty),
    attribute(CKA_VALUE, FIXED, Default::Empty),
    attribute(CKA_URL, FIXED, Default::Empty),
    attribute(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, FIXED, Default::Empty),
    attribute(CKA_HASH_OF_ISSUER_PUBLIC_KEY, FIXED, Default::Empty),
    attribute(CKA_JAVA_MIDP_SECURITY_DOMAIN, FIXED, Default::Ulong(0)),
    attribute(CKA_NAME_HASH_ALGORITHM, FIXED, Default::Ulong(CKM_SHA_1)),
];

/// Section 4.7, trust objects. What is not said is not known: `CKT_TRUST_UNKNOWN`.
pub(super) static TRUST: &[Attribute] = &[
    attribute(CKA_ISSUER, Flags::CREATE, Default::Absent),
    attribute(CKA_SERIAL_NUMBER, Flags::CREATE, Default::Absent),
    attribute(CKA_HASH_OF_CERTIFICATE, FIXED, Default::Empty),
    attribute(CKA_NAME_HASH_ALGORITHM, FIXED, Default::Ulong(CKM_SHA_1)),
    attribute(CKA_TRUST_SERVER_AUTH, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_CLIENT_AUTH, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_CODE_SIGNING, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_EMAIL_PROTECTION, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_IPSEC_IKE, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_TIME_STAMPING, MODIFIABLE, Default::Ulong(0)),
    attribute(CKA_TRUST_OCSP_SIGNING, MODIFIABLE, Default::Ulong(0)),
];

/// Section 4.14, profile objects.
pub(super) static PROFILE: &[Attribute] = &[attribute(CKA_PROFILE_ID, FIXED, Default::Absent)];

/// Section 4.13, mechanism objects.
pub(super) static MECHANISM: &[Attribute] =
    &[attribute(CKA_MECHANISM_TYPE, FIXED, Default::Absent)];

/// Section 4.3.3, clock objects.
pub(super) static CLOCK: &[Attribute] = &[
    attribute(CKA_HW_FEATURE_TYPE, FIXED, Default::Absent),
    attribute(CKA_VALUE, FIXED, Default::Absent),
];

/// Section 4.7, keys. The standard gives `CKA_DERIVE` its default.
pub(super) static KEY: &[Attribute] = &[
    attribute(CKA_KEY_TYPE, Flags::CREATE.and(Flags::UNWRAP), Default::Absent),
    attribute(CKA_ID, MODIFIABLE, Default::Empty),
    attribute(CKA_START_DATE, MODIFIABLE, Default::Empty),
    attribute(CKA_END_DATE, MODIFIABLE, Default::Empty),
    attribute(CKA_DERIVE, MODIFIABLE, Default::Bool(false)),
    attribute(CKA_LOCAL, TOKENS_OWN, Default::Absent),
    attribute(CKA_KEY_GEN_MECHANISM, TOKENS_OWN, Default::Absent),
    attribute(CKA_ALLOWED_MECHANISMS, FIXED, Default::Absent),
];

/// Section 4.8, public keys.
pub(super) static PUBLIC_KEY: &[Attribute] = &[
    attribute(CKA_SUBJECT, MODIFIABLE, Default::Empty),
    attribute(CKA_ENCRYPT, MODIFIABLE, Default::Ability),
    attribute(CKA_VERIFY, MODIFIABLE, Default::Ability),
    attribute(CKA_VERIFY_RECOVER, MODIFIABLE, Default::Ability),
    attribute(CKA_WRAP, MODIFIABLE, Default::Ability),
    attribute(CKA_ENCAPSULATE, MODIFIABLE, Default::Ability),
    attribute(CKA_TRUSTED, MODIFIABLE.and(Flags::SO_ONLY), Default::Bool(false)),
    attribute(CKA_WRAP_TEMPLATE, FIXED, Default::Absent),
    attribute(CKA_ENCAPSULATE_TEMPLATE, FIXED, Default::Absent),
    attribute(CKA_PUBLIC_KEY_INFO, FIXED, Default::Absent),
];

const SENSITIVE: Flags = MODIFIABLE.and(Flags::STAYS_TRUE);

/// What sections 4.9 and 4.10 say of private and secret keys alike. Extractable only if the template
/// says so, but for keys from outside, as the standard has it.
pub(super) static HIDDEN_KEY: &[Attribute] = &[
    attribute(CKA_EXTRACTABLE, MODIFIABLE.and(Flags::STAYS_FALSE), Default::Unwrapped(true)),
    attribute(CKA_ALWAYS_SENSITIVE, TOKENS_OWN, Default::Absent),
    attribute(CKA_NEVER_EXTRACTABLE, TOKENS_OWN, Default::Absent),
    attribute(CKA_WRAP_WITH_TRUSTED, MODIFIABLE.and(Flags::STAYS_TRUE), Default::Bool(false)),
    attribute(CKA_DECRYPT, MODIFIABLE, Default::Ability),
    attribute(CKA_SIGN, MODIFIABLE, Default::Ability),
    attribute(CKA_UNWRAP, MODIFIABLE, Default::Ability),
    attribute(CKA_UNWRAP_TEMPLATE, FIXED, Default::Absent),
    attribute(CKA_DERIVE_TEMPLATE, FIXED, Default::Absent),
];

/// Section 4.9, private keys. Sensitive unless the template says no: the default is the token's.
pub(super) static PRIVATE_KEY: &[Attribute] = &[
    attribute(CKA_SENSITIVE, SENSITIVE, Default::Bool(true)),
    attribute(CKA_SUBJECT, MODIFIABLE, Default::Empty),
    attribute(CKA_SIGN_RECOVER, MODIFIABLE, Default::Ability),
    attribute(CKA_DECAPSULATE, MODIFIABLE, Default::Ability),
    attribute(CKA_DECAPSULATE_TEMPLATE, FIXED, Default::Absent),
    attribute(CKA_ALWAYS_AUTHENTICATE, FIXED, Default::Bool(false)),
    attribute(CKA_PUBLIC_KEY_INFO, MODIFIABLE, Default::Absent),
];

/// Section 4.10, secret keys, and `CKA_VALUE` with its length as all of them here have it. The standard
/// gives `CKA_SENSITIVE` its default.
pub(super) static SECRET_KEY: &[Attribute] = &[
    attribute(CKA_SENSITIVE, SENSITIVE, Default::Bool(false)),
    attribute(CKA_ENCRYPT, MODIFIABLE, Default::Ability),
    attribute(CKA_VERIFY, MODIFIABLE, Default::Ability),
    attribute(CKA_WRAP, MODIFIABLE, Default::Ability),
    attribute(CKA_CHECK_VALUE, MODIFIABLE, Default::Absent),
    attribute(CKA_TRUSTED, MODIFIABLE.and(Flags::SO_ONLY), Default::Bool(false)),
    attribute(CKA_WRAP_TEMPLATE, FIXED, Default::Absent),
    attribute(CKA_VALUE, MATERIAL, Default::Absent),
    attribute(
        CKA_VALUE_LEN,
        Flags::NOT_CREATE.and(Flags::GENERATE).and(Flags::NOT_UNWRAP),
        Default::Absent,
    ),
];

/// Section 6.1.2, RSA public keys. A KEK carries the name its cloud gave it.
pub(super) static RSA_PUBLIC: &[Attribute] = &[
    attribute(CKA_MODULUS, Flags::CREATE.and(Flags::NOT_GENERATE), Default::Absent),
    attribute(CKA_MODULUS_BITS, Flags::NOT_CREATE.and(Flags::GENERATE), Default::Absent),
    attribute(CKA_PUBLIC_EXPONENT, Flags::CREATE, Default::Bytes(&[1, 0, 1])),
    attribute(CKA_KEYFERRY_KID, MODIFIABLE, Default::Absent),
];

/// Section 6.1.3, RSA private keys.
pub(super) static RSA_PRIVATE: &[Attribute] = &[
    attribute(CKA_MODULUS, NUMBER, Default::Absent),
    attribute(CKA_PUBLIC_EXPONENT, NUMBER, Default::Absent),
    attribute(CKA_PRIVATE_EXPONENT, MATERIAL, Default::Absent),
    attribute(CKA_PRIME_1, OPTIONAL_MATERIAL, Default::Absent),
    attribute(CKA_PRIME_2, OPTIONAL_MATERIAL, Default::Absent),
    attribute(CKA_EXPONENT_1, OPTIONAL_MATERIAL, Default::Absent),
    attribute(CKA_EXPONENT_2, OPTIONAL_MATERIAL, Default::Absent),
    attribute(CKA_COEFFICIENT, OPTIONAL_MATERIAL, Default::Absent),
];

/// Section 6.3.3, EC public keys.
pub(super) static EC_PUBLIC: &[Attribute] = &[
    attribute(CKA_EC_PARAMS, Flags::CREATE.and(Flags::GENERATE), Default::Absent),
    attribute(CKA_EC_POINT, Flags::CREATE.and(Flags::NOT_GENERATE), Default::Absent),
];

/// Sections "ML-DSA", "ML-KEM" and "SLH-DSA", public keys.
pub(super) static SEEDED_PUBLIC: &[Attribute] = &[
    attribute(CKA_PARAMETER_SET, Flags::CREATE.and(Flags::GENERATE), Default::Absent),
    attribute(CKA_VALUE, Flags::CREATE.and(Flags::NOT_GENERATE), Default::Absent),
];

/// Sections "ML-DSA" and "ML-KEM", private keys: of seed and expanded form one must be there.
pub(super) static SEEDED_PRIVATE: &[Attribute] = &[
    attribute(CKA_PARAMETER_SET, NUMBER, Default::Absent),
    attribute(CKA_VALUE, OPTIONAL_MATERIAL, Default::Absent),
    attribute(CKA_SEED, OPTIONAL_MATERIAL, Default::Absent),
];

/// Section "SLH-DSA", private keys.
pub(super) static SLH_DSA_PRIVATE: &[Attribute] = &[
    attribute(CKA_PARAMETER_SET, NUMBER, Default::Absent),
    attribute(CKA_VALUE, MATERIAL, Default::Absent),
];

/// Section 6.3.4, EC private keys. They know their point too, which many programs ask them for.
pub(super) static EC_PRIVATE: &[Attribute] = &[
    attribute(CKA_EC_PARAMS, NUMBER, Default::Absent),
    attribute(CKA_EC_POINT, Flags::NOT_GENERATE.and(Flags::NOT_UNWRAP), Default::Absent),
    attribute(CKA_VALUE, MATERIAL, Default::Absent),
];
