//! The table of attributes: a row per `CKA_*` of PKCS#11 3.2, and keyferry's own, by number.
//!
//! Aliases (`CKA_ECDSA_PARAMS`, `CKA_SUB_PRIME_BITS`) have no row: they are the same number.
use super::{Kind, Row};
use crate::ck::*;

macro_rules! rows {
    ($($cka:ident $kind:ident,)*) => {
        /// The table, in the order of the numbers.
        pub static ATTRIBUTES: &[Row] =
            &[$(Row { cka: $cka, name: stringify!($cka), kind: Kind::$kind },)*];
    };
}

rows! {
    CKA_CLASS Ulong,
    CKA_TOKEN Bool,
    CKA_PRIVATE Bool,
    CKA_LABEL Text,
    CKA_UNIQUE_ID Text,
    CKA_APPLICATION Text,
    CKA_VALUE Bytes,
    CKA_OBJECT_ID Bytes,
    CKA_CERTIFICATE_TYPE Ulong,
    CKA_ISSUER Bytes,
    CKA_SERIAL_NUMBER Bytes,
    CKA_AC_ISSUER Bytes,
    CKA_OWNER Bytes,
    CKA_ATTR_TYPES Bytes,
    CKA_TRUSTED Bool,
    CKA_CERTIFICATE_CATEGORY Ulong,
    CKA_JAVA_MIDP_SECURITY_DOMAIN Ulong,
    CKA_URL Text,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY Bytes,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY Bytes,
    CKA_NAME_HASH_ALGORITHM Ulong,
    CKA_CHECK_VALUE Bytes,
    CKA_KEY_TYPE Ulong,
    CKA_SUBJECT Bytes,
    CKA_ID Bytes,
    CKA_SENSITIVE Bool,
    CKA_ENCRYPT Bool,
    CKA_DECRYPT Bool,
    CKA_WRAP Bool,
    CKA_UNWRAP Bool,
    CKA_SIGN Bool,
    CKA_SIGN_RECOVER Bool,
    CKA_VERIFY Bool,
    CKA_VERIFY_RECOVER Bool,
    CKA_DERIVE Bool,
    CKA_START_DATE Date,
    CKA_END_DATE Date,
    CKA_MODULUS BigInteger,
    CKA_MODULUS_BITS Ulong,
    CKA_PUBLIC_EXPONENT BigInteger,
    CKA_PRIVATE_EXPONENT BigInteger,
    CKA_PRIME_1 BigInteger,
    CKA_PRIME_2 BigInteger,
    CKA_EXPONENT_1 BigInteger,
    CKA_EXPONENT_2 BigInteger,
    CKA_COEFFICIENT BigInteger,
    CKA_PUBLIC_KEY_INFO Bytes,
    CKA_PRIME BigInteger,
    CKA_SUBPRIME BigInteger,
    CKA_BASE BigInteger,
    CKA_PRIME_BITS Ulong,
    CKA_SUBPRIME_BITS Ulong,
    CKA_VALUE_BITS Ulong,
    CKA_VALUE_LEN Ulong,
    CKA_EXTRACTABLE Bool,
    CKA_LOCAL Bool,
    CKA_NEVER_EXTRACTABLE Bool,
    CKA_ALWAYS_SENSITIVE Bool,
    CKA_KEY_GEN_MECHANISM Ulong,
    CKA_MODIFIABLE Bool,
    CKA_COPYABLE Bool,
    CKA_DESTROYABLE Bool,
    CKA_EC_PARAMS Bytes,
    CKA_EC_POINT Bytes,
    CKA_SECONDARY_AUTH Bool,
    CKA_AUTH_PIN_FLAGS Ulong,
    CKA_ALWAYS_AUTHENTICATE Bool,
    CKA_WRAP_WITH_TRUSTED Bool,
    CKA_OTP_FORMAT Ulong,
    CKA_OTP_LENGTH Ulong,
    CKA_OTP_TIME_INTERVAL Ulong,
    CKA_OTP_USER_FRIENDLY_MODE Bool,
    CKA_OTP_CHALLENGE_REQUIREMENT Ulong,
    CKA_OTP_TIME_REQUIREMENT Ulong,
    CKA_OTP_COUNTER_REQUIREMENT Ulong,
    CKA_OTP_PIN_REQUIREMENT Ulong,
    CKA_OTP_USER_IDENTIFIER Text,
    CKA_OTP_SERVICE_IDENTIFIER Text,
    CKA_OTP_SERVICE_LOGO Bytes,
    CKA_OTP_SERVICE_LOGO_TYPE Text,
    CKA_OTP_COUNTER Bytes,
    CKA_OTP_TIME Text,
    CKA_GOSTR3410_PARAMS Bytes,
    CKA_GOSTR3411_PARAMS Bytes,
    CKA_GOST28147_PARAMS Bytes,
    CKA_HW_FEATURE_TYPE Ulong,
    CKA_RESET_ON_INIT Bool,
    CKA_HAS_RESET Bool,
    CKA_PIXEL_X Ulong,
    CKA_PIXEL_Y Ulong,
    CKA_RESOLUTION Ulong,
    CKA_CHAR_ROWS Ulong,
    CKA_CHAR_COLUMNS Ulong,
    CKA_COLOR Bool,
    CKA_BITS_PER_PIXEL Ulong,
    CKA_CHAR_SETS Text,
    CKA_ENCODING_METHODS Text,
    CKA_MIME_TYPES Text,
    CKA_MECHANISM_TYPE Ulong,
    CKA_REQUIRED_CMS_ATTRIBUTES Bytes,
    CKA_DEFAULT_CMS_ATTRIBUTES Bytes,
    CKA_SUPPORTED_CMS_ATTRIBUTES Bytes,
    CKA_PROFILE_ID Ulong,
    CKA_X2RATCHET_BAG Bytes,
    CKA_X2RATCHET_BAGSIZE Ulong,
    CKA_X2RATCHET_BOBS1STMSG Bytes,
    CKA_X2RATCHET_CKR Bytes,
    CKA_X2RATCHET_CKS Bytes,
    CKA_X2RATCHET_DHP Bytes,
    CKA_X2RATCHET_DHR Bytes,
    CKA_X2RATCHET_DHS Bytes,
    CKA_X2RATCHET_HKR Bytes,
    CKA_X2RATCHET_HKS Bytes,
    CKA_X2RATCHET_ISALICE Bool,
    CKA_X2RATCHET_NHKR Bytes,
    CKA_X2RATCHET_NHKS Bytes,
    CKA_X2RATCHET_NR Ulong,
    CKA_X2RATCHET_NS Ulong,
    CKA_X2RATCHET_PNS Ulong,
    CKA_X2RATCHET_RK Bytes,
    CKA_HSS_LEVELS Ulong,
    CKA_HSS_LMS_TYPE Ulong,
    CKA_HSS_LMOTS_TYPE Ulong,
    CKA_HSS_LMS_TYPES Ulongs,
    CKA_HSS_LMOTS_TYPES Ulongs,
    CKA_HSS_KEYS_REMAINING Ulong,
    CKA_PARAMETER_SET Ulong,
    CKA_OBJECT_VALIDATION_FLAGS Ulong,
    CKA_VALIDATION_TYPE Ulong,
    CKA_VALIDATION_VERSION Bytes,
    CKA_VALIDATION_LEVEL Ulong,
    CKA_VALIDATION_MODULE_ID Text,
    CKA_VALIDATION_FLAG Ulong,
    CKA_VALIDATION_AUTHORITY_TYPE Ulong,
    CKA_VALIDATION_COUNTRY Text,
    CKA_VALIDATION_CERTIFICATE_IDENTIFIER Text,
    CKA_VALIDATION_CERTIFICATE_URI Text,
    CKA_VALIDATION_VENDOR_URI Text,
    CKA_VALIDATION_PROFILE Text,
    CKA_ENCAPSULATE_TEMPLATE Template,
    CKA_DECAPSULATE_TEMPLATE Template,
    CKA_TRUST_SERVER_AUTH Ulong,
    CKA_TRUST_CLIENT_AUTH Ulong,
    CKA_TRUST_CODE_SIGNING Ulong,
    CKA_TRUST_EMAIL_PROTECTION Ulong,
    CKA_TRUST_IPSEC_IKE Ulong,
    CKA_TRUST_TIME_STAMPING Ulong,
    CKA_TRUST_OCSP_SIGNING Ulong,
    CKA_ENCAPSULATE Bool,
    CKA_DECAPSULATE Bool,
    CKA_HASH_OF_CERTIFICATE Bytes,
    CKA_PUBLIC_CRC64_VALUE Bytes,
    CKA_SEED Bytes,
    CKA_WRAP_TEMPLATE Template,
    CKA_UNWRAP_TEMPLATE Template,
    CKA_DERIVE_TEMPLATE Template,
    CKA_ALLOWED_MECHANISMS Ulongs,
    CKA_KEYFERRY_KID Text,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::attribute::row;

    #[test]
    fn rows_ascend_and_are_named_after_the_standard() {
        assert!(ATTRIBUTES.is_sorted_by(|a, b| a.cka < b.cka));
        assert!(ATTRIBUTES.iter().all(|row| row.name.starts_with("CKA_")));
    }

    #[test]
    fn each_is_found_and_others_are_not() {
        for known in ATTRIBUTES {
            assert_eq!(row(known.cka).unwrap().name, known.name);
        }
        assert!(row(CKA_VENDOR_DEFINED).is_err());
        assert_eq!(row(CKA_KEYFERRY_KID).unwrap().kind, Kind::Text);
    }

    #[test]
    fn array_attributes_carry_the_flag_of_arrays() {
        for row in ATTRIBUTES.iter().filter(|row| row.kind == Kind::Template) {
            let flagged = row.cka & CKF_ARRAY_ATTRIBUTE != 0;
            assert!(flagged || row.cka >= CKA_ENCAPSULATE_TEMPLATE, "{}", row.name);
        }
    }
}
