//! Every mechanism of this token: a row each, a file per family. To add one, write its file and put
//! its row into [`MECHANISMS`].
mod aead;
mod aes;
mod aes_derive;
mod aes_key_wrap;
mod aes_mac;
mod aes_stealing;
mod aes_stream;
mod azure_byok;
mod bytes;
mod chacha;
mod derived;
mod des3;
mod digest;
mod ec;
mod ecdh;
mod ecdh_aes_key_wrap;
mod edwards;
mod functions;
mod gcm;
mod generic_secret;
mod hashed;
mod hkdf;
mod hmac;
mod mac;
mod ml_dsa;
mod ml_kem;
mod montgomery;
pub mod nonces;
pub mod params;
mod pbkdf2;
mod public_half;
mod rsa;
mod rsa_aes_key_wrap;
mod rsa_hash;
mod rsa_oaep;
mod rsa_pss;
mod rsa_x509;
mod slh_dsa;
mod sp800_108;
mod stream;
mod tls12;
mod whole;
mod wrapping;

use crate::ck::*;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::object::policy::{Act, Key, Use};
pub use functions::*;
use once_cell::race::OnceBox;
pub use params::{Message, MessageShape, Params, Shape};
use std::ops::RangeInclusive;

/// A mechanism is a row: what it is called, what it takes, what it can do.
///
/// What it can do is which functions are present; [`Mechanism::flags`] reads them off, so that
/// `C_GetMechanismInfo` cannot disagree with the code.
#[derive(Debug)]
pub struct Mechanism {
    /// The `CKM_*` number.
    pub ckm: CK_MECHANISM_TYPE,
    /// Its name in the standard.
    pub name: &'static str,
    /// Shape of its parameter.
    pub params: Shape,
    /// What a NULL parameter means, where it may be NULL although the shape is not [`Shape::None`].
    pub null: Option<Params>,
    /// Types of the keys it works on or makes.
    pub key_types: &'static [CK_KEY_TYPE],
    /// Sizes of the keys it works on, in the unit of the standard's table.
    pub key_size: RangeInclusive<CK_ULONG>,
    /// Whether it is for old data, and there only if the configuration says so.
    pub legacy: bool,
    /// `C_EncryptInit`
    pub encrypt: Option<Start<dyn Transform>>,
    /// `C_DecryptInit`
    pub decrypt: Option<Start<dyn Transform>>,
    /// `C_MessageEncryptInit`, `C_MessageDecryptInit`: what comes with each message, of which
    /// [`Self::encrypt`] and [`Self::decrypt`] are then told as [`Self::params`]
    pub message: Option<MessageShape>,
    /// `C_DigestInit`
    pub digest: Option<Digest>,
    /// `C_SetOperationState`: a digest that goes on from its [`Transform::state`]
    pub resume: Option<Resume>,
    /// `C_SignInit`
    pub sign: Option<Start<dyn Transform>>,
    /// `C_SignRecoverInit`
    pub sign_recover: Option<Start<dyn Transform>>,
    /// `C_VerifyInit`
    pub verify: Option<Start<dyn Verify>>,
    /// `C_VerifyRecoverInit`
    pub verify_recover: Option<Start<dyn Transform>>,
    /// `C_WrapKey`
    pub wrap: Option<Wrap>,
    /// `C_UnwrapKey`
    pub unwrap: Option<Unwrap>,
    /// What tells a wrapping from noise.
    pub integrity: Integrity,
    /// `true` if wrappings under one KEK can be compared part by part, as two with one IV: those with an
    /// IV of the caller's, and those without one that encrypt block after block.
    pub comparable: bool,
    /// `C_GenerateKey`: from a complete template to the attributes that make the key
    pub generate: Option<Generate>,
    /// `C_GenerateKeyPair`
    pub generate_pair: Option<GeneratePair>,
    /// `C_DeriveKey`: from a base key and a complete template to the attributes that make the key
    pub derive: Option<Derive>,
    /// `C_DeriveKey`, where it makes several keys or shows something beside its key
    pub derive_many: Option<DeriveMany>,
    /// What the derivation makes
    pub derives: Derived,
    /// `C_EncapsulateKey`
    pub encapsulate: Option<Encapsulate>,
    /// `C_DecapsulateKey`: from a ciphertext to the value of the shared secret
    pub decapsulate: Option<Decapsulate>,
}

/// The longest encoding of a key that can be wrapped, in bytes: an RSA key of 16384 bits takes 9.5 KiB.
pub const MAX_KEY_LEN: usize = 1 << 16;

/// The table.
pub static MECHANISMS: &[Mechanism] = &[
    rsa::KEY_PAIR_GEN,
    rsa::PKCS,
    rsa_hash::SHA1,
    rsa_hash::SHA224,
    rsa_hash::SHA256,
    rsa_hash::SHA384,
    rsa_hash::SHA512,
    rsa_hash::SHA3_224,
    rsa_hash::SHA3_256,
    rsa_hash::SHA3_384,
    rsa_hash::SHA3_512,
    rsa_x509::X509,
    rsa_pss::DIGEST,
    rsa_pss::SHA1,
    rsa_pss::SHA224,
    rsa_pss::SHA256,
    rsa_pss::SHA384,
    rsa_pss::SHA512,
    rsa_pss::SHA3_224,
    rsa_pss::SHA3_256,
    rsa_pss::SHA3_384,
    rsa_pss::SHA3_512,
    rsa_oaep::OAEP,
    rsa_aes_key_wrap::RSA_AES_KEY_WRAP,
    azure_byok::AZURE_BYOK,
    ec::KEY_PAIR_GEN,
    ec::ECDSA,
    ec::ECDSA_SHA1,
    ec::ECDSA_SHA224,
    ec::ECDSA_SHA256,
    ec::ECDSA_SHA384,
    ec::ECDSA_SHA512,
    ec::ECDSA_SHA3_224,
    ec::ECDSA_SHA3_256,
    ec::ECDSA_SHA3_384,
    ec::ECDSA_SHA3_512,
    aes::KEY_GEN,
    aes::ECB,
    aes::CBC,
    aes::CBC_PAD,
    aead::GCM,
    aead::CCM,
    aes_mac::CMAC,
    aes_mac::CMAC_GENERAL,
    aes_mac::GMAC,
    aes_stealing::CTS,
    aes_stealing::XTS_KEY_GEN,
    aes_stealing::XTS,
    aes_stream::CTR,
    aes_stream::OFB,
    aes_stream::CFB8,
    aes_stream::CFB128,
    aes_key_wrap::KW,
    aes_key_wrap::PAD,
    aes_key_wrap::KWP,
    aes_key_wrap::PKCS7,
    aes_derive::ECB_ENCRYPT_DATA,
    aes_derive::CBC_ENCRYPT_DATA,
    chacha::KEY_GEN,
    chacha::CHACHA20,
    aead::CHACHA20_POLY1305,
    des3::KEY_GEN,
    des3::DES2_KEY_GEN,
    des3::ECB,
    des3::CBC,
    des3::CBC_PAD,
    des3::CMAC,
    des3::CMAC_GENERAL,
    generic_secret::KEY_GEN,
    digest::MD5,
    digest::SHA1,
    digest::SHA224,
    digest::SHA256,
    digest::SHA384,
    digest::SHA512,
    digest::SHA512_224,
    digest::SHA512_256,
    digest::SHA3_224,
    digest::SHA3_256,
    digest::SHA3_384,
    digest::SHA3_512,
    hmac::SHA1,
    hmac::SHA1_GENERAL,
    hmac::SHA1_KEY_GEN,
    hmac::SHA224,
    hmac::SHA224_GENERAL,
    hmac::SHA224_KEY_GEN,
    hmac::SHA256,
    hmac::SHA256_GENERAL,
    hmac::SHA256_KEY_GEN,
    hmac::SHA384,
    hmac::SHA384_GENERAL,
    hmac::SHA384_KEY_GEN,
    hmac::SHA512,
    hmac::SHA512_GENERAL,
    hmac::SHA512_KEY_GEN,
    hmac::SHA512_224,
    hmac::SHA512_224_GENERAL,
    hmac::SHA512_224_KEY_GEN,
    hmac::SHA512_256,
    hmac::SHA512_256_GENERAL,
    hmac::SHA512_256_KEY_GEN,
    hmac::SHA3_224,
    hmac::SHA3_224_GENERAL,
    hmac::SHA3_224_KEY_GEN,
    hmac::SHA3_256,
    hmac::SHA3_256_GENERAL,
    hmac::SHA3_256_KEY_GEN,
    hmac::SHA3_384,
    hmac::SHA3_384_GENERAL,
    hmac::SHA3_384_KEY_GEN,
    hmac::SHA3_512,
    hmac::SHA3_512_GENERAL,
    hmac::SHA3_512_KEY_GEN,
    ecdh::DERIVE,
    ecdh::COFACTOR_DERIVE,
    ecdh_aes_key_wrap::ANY,
    ecdh_aes_key_wrap::X,
    ecdh_aes_key_wrap::COFACTOR,
    edwards::KEY_PAIR_GEN,
    edwards::EDDSA,
    montgomery::KEY_PAIR_GEN,
    hkdf::DERIVE,
    hkdf::DATA,
    hkdf::KEY_GEN,
    pbkdf2::PBKD2,
    sp800_108::COUNTER,
    sp800_108::FEEDBACK,
    sp800_108::DOUBLE_PIPELINE,
    bytes::BASE_AND_KEY,
    bytes::BASE_AND_DATA,
    bytes::DATA_AND_BASE,
    bytes::XOR,
    bytes::EXTRACT,
    tls12::PRE_MASTER_KEY_GEN,
    tls12::MASTER_KEY_DERIVE,
    tls12::MASTER_KEY_DERIVE_DH,
    tls12::EXTENDED_MASTER_KEY_DERIVE,
    tls12::EXTENDED_MASTER_KEY_DERIVE_DH,
    tls12::KEY_AND_MAC_DERIVE,
    tls12::KEY_SAFE_DERIVE,
    tls12::TLS_KDF,
    tls12::TLS12_KDF,
    tls12::TLS_MAC,
    tls12::TLS12_MAC,
    ml_dsa::KEY_PAIR_GEN,
    ml_dsa::ML_DSA,
    ml_dsa::HASH,
    ml_dsa::SHA224,
    ml_dsa::SHA256,
    ml_dsa::SHA384,
    ml_dsa::SHA512,
    ml_dsa::SHA3_224,
    ml_dsa::SHA3_256,
    ml_dsa::SHA3_384,
    ml_dsa::SHA3_512,
    ml_dsa::SHAKE128,
    ml_dsa::SHAKE256,
    ml_kem::KEY_PAIR_GEN,
    ml_kem::ML_KEM,
    public_half::FROM_PRIVATE,
    slh_dsa::KEY_PAIR_GEN,
    slh_dsa::SLH_DSA,
    slh_dsa::HASH,
    slh_dsa::SHA224,
    slh_dsa::SHA256,
    slh_dsa::SHA384,
    slh_dsa::SHA512,
    slh_dsa::SHA3_224,
    slh_dsa::SHA3_256,
    slh_dsa::SHA3_384,
    slh_dsa::SHA3_512,
    slh_dsa::SHAKE128,
    slh_dsa::SHAKE256,
];

/// The same in the order of their numbers: every `C_*Init` looks for one.
/// No lock guards it, which a fork could leave behind for ever.
static BY_NUMBER: OnceBox<Vec<(CK_MECHANISM_TYPE, &Mechanism)>> = OnceBox::new();

fn by_number() -> Vec<(CK_MECHANISM_TYPE, &'static Mechanism)> {
    let mut rows: Vec<_> = MECHANISMS.iter().map(|row| (row.ckm, row)).collect();
    rows.sort_unstable_by_key(|(number, _)| *number);
    rows
}

impl Mechanism {
    /// A row that can do nothing: what every other row starts from.
    const NONE: Mechanism = Mechanism {
        ckm: CK_ULONG::MAX,
        name: "",
        params: Shape::None,
        null: None,
        key_types: &[],
        key_size: 0..=0,
        legacy: false,
        encrypt: None,
        decrypt: None,
        message: None,
        digest: None,
        resume: None,
        sign: None,
        sign_recover: None,
        verify: None,
        verify_recover: None,
        wrap: None,
        unwrap: None,
        integrity: Integrity::Own,
        comparable: false,
        generate: None,
        generate_pair: None,
        derive: None,
        derive_many: None,
        derives: Derived::Key,
        encapsulate: None,
        decapsulate: None,
    };

    /// The row of `ckm`, or `CKR_MECHANISM_INVALID`.
    pub fn of(ckm: CK_MECHANISM_TYPE) -> Result<&'static Mechanism> {
        let rows = BY_NUMBER.get_or_init(|| Box::new(by_number()));
        let at = rows.binary_search_by_key(&ckm, |(number, _)| *number).ok();
        at.and_then(|at| rows.get(at)).map(|(_, row)| *row).ok_or(Error::MechanismInvalid)
    }

    /// Whether the configuration wants it, or `CKR_MECHANISM_INVALID`.
    pub fn wanted(&self, config: &Config) -> Result<()> {
        match self.legacy && !config.legacy {
            true => Err(Error::MechanismInvalid.because("legacy is off")),
            false => Ok(()),
        }
    }

    /// Sizes of the keys it works on under this configuration: `min_rsa_bits` is a limit of each
    /// mechanism that has RSA keys.
    pub fn key_sizes(&self, config: &Config) -> RangeInclusive<CK_ULONG> {
        let (least, longest) = (*self.key_size.start(), *self.key_size.end());
        let wanted = CK_ULONG::try_from(config.min_rsa_bits).unwrap_or(longest);
        let least = if self.key_types == [CKK_RSA] { least.max(wanted) } else { least };
        least..=longest
    }

    /// The use it would make of a key.
    pub fn wants(&self, act: Act, config: &Config) -> Use {
        Use {
            act,
            mechanism: self.ckm,
            key_types: self.key_types,
            key_size: self.key_sizes(config),
            tells_noise: self.integrity == Integrity::Own,
            comparable: self.comparable,
        }
    }

    /// Whether it signs and verifies message after message: not if its parameter is for one alone.
    pub fn signs_messages(&self) -> bool {
        self.sign.is_some() && self.verify.is_some() && !self.params.is_for_one_message()
    }

    /// The functions of the standard it is there for: a `CKF_*` for each that is present.
    pub fn flags(&self) -> CK_FLAGS {
        [
            (self.message.is_some(), CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE),
            (self.signs_messages(), CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE),
            (self.encrypt.is_some(), CKF_ENCRYPT),
            (self.decrypt.is_some(), CKF_DECRYPT),
            (self.digest.is_some(), CKF_DIGEST),
            (self.sign.is_some(), CKF_SIGN),
            (self.sign_recover.is_some(), CKF_SIGN_RECOVER),
            (self.verify.is_some(), CKF_VERIFY),
            (self.verify_recover.is_some(), CKF_VERIFY_RECOVER),
            (self.wrap.is_some(), CKF_WRAP),
            (self.unwrap.is_some(), CKF_UNWRAP),
            (self.generate.is_some(), CKF_GENERATE),
            (self.generate_pair.is_some(), CKF_GENERATE_KEY_PAIR),
            (self.derive.is_some() || self.derive_many.is_some(), CKF_DERIVE),
            (self.encapsulate.is_some(), CKF_ENCAPSULATE),
            (self.decapsulate.is_some(), CKF_DECAPSULATE),
            (self.key_types.iter().any(|t| CURVED.contains(t)), CURVE_FLAGS),
        ]
        .into_iter()
        .filter_map(|(can, flag)| can.then_some(flag))
        .fold(0, |all, flag| all | flag)
    }
}

/// Types of the keys that are on curves.
const CURVED: &[CK_KEY_TYPE] = &[CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY];

/// What `C_GetMechanismInfo` says of the curves: prime fields, named by OID or by curve name,
/// points compressed or not.
const CURVE_FLAGS: CK_FLAGS =
    CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_mechanism_once_and_with_its_name() {
        let numbers: BTreeSet<_> = MECHANISMS.iter().map(|m| m.ckm).collect();
        let names: BTreeSet<_> = MECHANISMS.iter().map(|m| m.name).collect();
        assert_eq!(numbers.len(), MECHANISMS.len());
        assert_eq!(names.len(), MECHANISMS.len());
        assert!(names.iter().all(|n| n.starts_with("CKM_")));
    }
    #[test]
    fn each_is_found_by_its_number() {
        for m in MECHANISMS {
            assert_eq!(Mechanism::of(m.ckm).unwrap().name, m.name);
        }
        assert!(Mechanism::of(CKM_VENDOR_DEFINED).is_err());
    }
    #[test]
    fn each_mechanism_does_something_with_some_key_or_none() {
        for m in MECHANISMS {
            assert_ne!(m.flags() & !CURVE_FLAGS, 0, "{}", m.name);
            assert!(
                m.digest.is_some() == m.key_types.is_empty()
                    && m.key_size.start() <= m.key_size.end(),
                "{}",
                m.name
            );
        }
    }
    #[test]
    fn what_goes_one_way_comes_back() {
        for m in MECHANISMS {
            assert_eq!(m.wrap.is_some(), m.unwrap.is_some(), "{}", m.name);
            assert_eq!(m.encrypt.is_some(), m.decrypt.is_some(), "{}", m.name);
            assert_eq!(m.sign.is_some(), m.verify.is_some(), "{}", m.name);
            assert_eq!(m.sign_recover.is_some(), m.verify_recover.is_some(), "{}", m.name);
            assert_eq!(m.encapsulate.is_some(), m.decapsulate.is_some(), "{}", m.name);
        }
    }
    #[test]
    fn messages_are_for_ciphers_that_go_both_ways() {
        for m in MECHANISMS.iter().filter(|m| m.message.is_some()) {
            assert!(m.encrypt.is_some() && m.decrypt.is_some(), "{}", m.name);
            assert!(m.params.is_for_one_message(), "{}", m.name);
        }
    }
    /// The name of a mechanism tells that it has a check of its own.
    #[test]
    fn a_bare_cipher_says_that_it_is_one() {
        for m in MECHANISMS.iter().filter(|m| m.unwrap.is_some() && m.decrypt.is_some()) {
            let checked = ["_KEY_WRAP", "_GCM", "_CCM", "_POLY1305", "CKM_RSA_PKCS"];
            let own = checked.iter().any(|kind| m.name.contains(kind));
            assert_eq!(m.integrity == Integrity::Own, own, "{}", m.name);
            let whole = m.name.contains("_KEY_WRAP") || m.name.starts_with("CKM_RSA");
            assert_eq!(m.comparable, m.wrap.is_some() && !whole, "{}", m.name);
        }
    }
    #[test]
    fn policy_knows_the_mechanisms_that_work_in_parts() {
        for m in MECHANISMS.iter().filter(|m| m.comparable || m.integrity != Integrity::Own) {
            assert!(crate::object::policy::IN_PARTS.contains(&m.ckm), "{}", m.name);
        }
    }
    #[test]
    fn null_stands_for_a_parameter_only_where_there_is_one() {
        for m in MECHANISMS {
            assert!(m.null.is_none() || m.params != Shape::None, "{}", m.name);
        }
    }
}
