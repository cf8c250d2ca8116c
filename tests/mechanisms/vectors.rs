//! Which test holds every mechanism to what somebody else has computed.
use crate::common::*;
use keyferry::mechanism::MECHANISMS;
use std::collections::BTreeSet;
use std::path::Path;

/// What a mechanism is held to.
#[derive(Debug)]
enum Proof {
    /// Known answers: file under `tests/`, function, origin.
    Vectors(&'static str, &'static str, &'static str),
    /// OpenSSL's answers on random input, where nobody publishes vectors.
    Beside(&'static str, &'static str),
    /// It is put together from mechanisms of this table, and a test puts it together by hand.
    Parts(&'static str, &'static str),
    /// It makes random keys.
    Random,
}
use Proof::*;

const SUITES: &str = "wycheproof";

#[rustfmt::skip]
const PROOFS: &[(&[&str], Proof)] = &[
    (&[
        "RSA_PKCS_KEY_PAIR_GEN", "EC_KEY_PAIR_GEN", "EC_EDWARDS_KEY_PAIR_GEN",
        "EC_MONTGOMERY_KEY_PAIR_GEN", "ML_DSA_KEY_PAIR_GEN", "ML_KEM_KEY_PAIR_GEN",
        "SLH_DSA_KEY_PAIR_GEN", "AES_KEY_GEN", "AES_XTS_KEY_GEN", "DES2_KEY_GEN", "DES3_KEY_GEN",
        "CHACHA20_KEY_GEN", "GENERIC_SECRET_KEY_GEN", "HKDF_KEY_GEN", "TLS_PRE_MASTER_KEY_GEN",
        "SHA_1_KEY_GEN", "SHA224_KEY_GEN", "SHA256_KEY_GEN", "SHA384_KEY_GEN", "SHA512_KEY_GEN",
        "SHA512_224_KEY_GEN", "SHA512_256_KEY_GEN", "SHA3_224_KEY_GEN", "SHA3_256_KEY_GEN",
        "SHA3_384_KEY_GEN", "SHA3_512_KEY_GEN",
    ], Random),
    (&["RSA_PKCS"], Vectors("mechanisms/rsa.rs", "wycheproof_decryption", SUITES)),
    (&[
        "RSA_X_509", "SHA1_RSA_PKCS", "SHA224_RSA_PKCS", "SHA256_RSA_PKCS", "SHA384_RSA_PKCS",
        "SHA512_RSA_PKCS", "SHA3_224_RSA_PKCS", "SHA3_256_RSA_PKCS", "SHA3_384_RSA_PKCS",
        "SHA3_512_RSA_PKCS",
    ], Vectors("mechanisms/rsa.rs", "wycheproof_with_a_hash", SUITES)),
    (&[
        "RSA_PKCS_PSS", "SHA1_RSA_PKCS_PSS", "SHA224_RSA_PKCS_PSS", "SHA256_RSA_PKCS_PSS",
        "SHA384_RSA_PKCS_PSS", "SHA512_RSA_PKCS_PSS",
    ], Vectors("mechanisms/rsa_pss.rs", "wycheproof_pss", SUITES)),
    (&["SHA3_224_RSA_PKCS_PSS", "SHA3_256_RSA_PKCS_PSS", "SHA3_384_RSA_PKCS_PSS", "SHA3_512_RSA_PKCS_PSS"],
        Beside("mechanisms/openssl.rs", "rsa_signatures")),
    (&["RSA_PKCS_OAEP"], Vectors("wrap/parts.rs", "wycheproof_oaep", SUITES)),
    (&["RSA_AES_KEY_WRAP"], Vectors("wrap/microsoft.rs", "unwraps_to_the_target",
        "Microsoft, tests/data")),
    (&["KEYFERRY_AZURE_BYOK"], Vectors("wrap/microsoft.rs", "unwraps_from_a_package",
        "Microsoft, tests/data")),
    (&["ECDSA", "ECDSA_SHA1", "ECDSA_SHA224", "ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512"],
        Vectors("mechanisms/ecdsa.rs", "wycheproof_fixed_length", SUITES)),
    (&["ECDSA_SHA3_224", "ECDSA_SHA3_256", "ECDSA_SHA3_384", "ECDSA_SHA3_512"],
        Vectors("mechanisms/ecdsa.rs", "wycheproof_sha3", SUITES)),
    (&["EDDSA"], Vectors("mechanisms/eddsa.rs", "rfc_8032", "RFC 8032 section 7")),
    (&["ML_DSA"], Vectors("mechanisms/ml_dsa.rs", "wycheproof_verifies", SUITES)),
    (&[
        "HASH_ML_DSA", "HASH_ML_DSA_SHA224", "HASH_ML_DSA_SHA256", "HASH_ML_DSA_SHA384",
        "HASH_ML_DSA_SHA512", "HASH_ML_DSA_SHA3_224", "HASH_ML_DSA_SHA3_256", "HASH_ML_DSA_SHA3_384",
        "HASH_ML_DSA_SHA3_512", "HASH_ML_DSA_SHAKE128", "HASH_ML_DSA_SHAKE256",
    ], Vectors("mechanisms/hash_ml_dsa.rs", "signatures_are_those_of_others", "fips204 0.5.0")),
    (&["ML_KEM"], Vectors("mechanisms/ml_kem.rs", "wycheproof_decapsulates", SUITES)),
    (&["SLH_DSA"],
        Vectors("mechanisms/slh_dsa.rs", "signatures_are_those_of_others", "noble-post-quantum")),
    (&[
        "HASH_SLH_DSA", "HASH_SLH_DSA_SHA224", "HASH_SLH_DSA_SHA256", "HASH_SLH_DSA_SHA384",
        "HASH_SLH_DSA_SHA512", "HASH_SLH_DSA_SHA3_224", "HASH_SLH_DSA_SHA3_256",
        "HASH_SLH_DSA_SHA3_384", "HASH_SLH_DSA_SHA3_512", "HASH_SLH_DSA_SHAKE128",
        "HASH_SLH_DSA_SHAKE256",
    ], Vectors("mechanisms/hash_slh_dsa.rs", "signatures_are_those_of_others", "noble-post-quantum")),
    (&["ECDH1_DERIVE", "ECDH1_COFACTOR_DERIVE"],
        Vectors("mechanisms/ecdh.rs", "wycheproof_weierstrass", SUITES)),
    (&["ECDH_AES_KEY_WRAP", "ECDH_X_AES_KEY_WRAP", "ECDH_COF_AES_KEY_WRAP"],
        Parts("mechanisms/ecdh_aes_key_wrap.rs", "what_is_wrapped_is_what_its_parts_make")),
    (&["AES_ECB", "AES_CBC"],
        Vectors("token/ciphers.rs", "known_answers_of_nist", "SP 800-38A appendix F")),
    (&["AES_CBC_PAD"], Vectors("mechanisms/aes_wrapping.rs", "padding_as_wycheproof_has_it", SUITES)),
    (&["AES_CTR", "AES_OFB", "AES_CFB8", "AES_CFB128"],
        Vectors("mechanisms/aes_streams.rs", "known_answers_of_nist", "SP 800-38A appendix F")),
    (&["AES_CTS"], Vectors("mechanisms/aes_stealing.rs", "cts_as_rfc_3962_has_it", "RFC 3962 appendix B")),
    (&["AES_XTS"], Vectors("mechanisms/aes_stealing.rs", "xts_as_ieee_1619_has_it", "IEEE 1619 annex B")),
    (&["AES_GCM"], Vectors("token/ciphers.rs", "gcm_as_wycheproof_has_it", SUITES)),
    (&["AES_CCM"], Vectors("mechanisms/aes_aead.rs", "ccm_as_nist_has_it", "SP 800-38C appendix C")),
    (&["AES_CMAC", "AES_CMAC_GENERAL"],
        Vectors("mechanisms/aes_macs.rs", "cmac_as_nist_has_it", "SP 800-38B appendix D")),
    (&["AES_GMAC"], Vectors("mechanisms/aes_macs.rs", "gmac_as_wycheproof_has_it", SUITES)),
    (&["AES_KEY_WRAP"], Vectors("wrap/parts.rs", "vectors_of_rfc_3394", "RFC 3394 section 4")),
    (&["AES_KEY_WRAP_PAD", "AES_KEY_WRAP_KWP"],
        Vectors("wrap/parts.rs", "vectors_of_rfc_5649", "RFC 5649 section 6")),
    (&["AES_KEY_WRAP_PKCS7"],
        Vectors("mechanisms/aes_wrapping.rs", "key_wrap_pkcs7", "RFC 3394 section 4")),
    (&["AES_ECB_ENCRYPT_DATA", "AES_CBC_ENCRYPT_DATA"],
        Vectors("mechanisms/aes_derive.rs", "the_ciphertext_is_the_key", "SP 800-38A appendix F")),
    (&["CHACHA20"], Vectors("mechanisms/chacha.rs", "the_stream_of_rfc_8439", "RFC 8439 section 2")),
    (&["CHACHA20_POLY1305"],
        Vectors("mechanisms/chacha.rs", "poly1305_as_wycheproof_has_it", SUITES)),
    (&["DES3_ECB", "DES3_CBC", "DES3_CBC_PAD"],
        Vectors("mechanisms/des3.rs", "known_answers_both_ways", "SP 800-67 appendix B")),
    (&["DES3_CMAC", "DES3_CMAC_GENERAL"],
        Vectors("mechanisms/des3.rs", "cmac_as_nist_has_it", "SP 800-38B appendix D")),
    (&["MD5"], Vectors("mechanisms/md5.rs", "digests_of_rfc_1321", "RFC 1321 appendix A.5")),
    (&[
        "SHA_1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512_224", "SHA512_256", "SHA3_224",
        "SHA3_256", "SHA3_384", "SHA3_512",
    ], Vectors("mechanisms/digest.rs", "the_standards_examples", "NIST, examples with intermediate values")),
    (&[
        "SHA_1_HMAC", "SHA224_HMAC", "SHA256_HMAC", "SHA384_HMAC", "SHA512_HMAC",
        "SHA512_224_HMAC", "SHA512_256_HMAC", "SHA3_224_HMAC", "SHA3_256_HMAC", "SHA3_384_HMAC",
        "SHA3_512_HMAC", "SHA_1_HMAC_GENERAL", "SHA224_HMAC_GENERAL", "SHA256_HMAC_GENERAL",
        "SHA384_HMAC_GENERAL", "SHA512_HMAC_GENERAL", "SHA512_224_HMAC_GENERAL",
        "SHA512_256_HMAC_GENERAL", "SHA3_224_HMAC_GENERAL", "SHA3_256_HMAC_GENERAL",
        "SHA3_384_HMAC_GENERAL", "SHA3_512_HMAC_GENERAL",
    ], Vectors("mechanisms/hmac.rs", "wycheproof_hmac", SUITES)),
    (&["HKDF_DERIVE", "HKDF_DATA"], Vectors("mechanisms/hkdf.rs", "wycheproof", SUITES)),
    (&["PUB_KEY_FROM_PRIV_KEY"],
        Beside("mechanisms/public_half.rs", "public_halves_are_those_that_openssl_computes")),
    (&["PKCS5_PBKD2"], Vectors("mechanisms/pbkdf2.rs", "wycheproof", SUITES)),
    (&["SP800_108_COUNTER_KDF", "SP800_108_FEEDBACK_KDF"],
        Beside("mechanisms/kdf_openssl.rs", "sp800_108")),
    (&["SP800_108_DOUBLE_PIPELINE_KDF"], Vectors("mechanisms/sp800_108.rs",
        "feedback_and_double_pipeline", "SP 800-108 section 4.3 in Python")),
    (&[
        "CONCATENATE_BASE_AND_KEY", "CONCATENATE_BASE_AND_DATA", "CONCATENATE_DATA_AND_BASE",
        "XOR_BASE_AND_DATA",
    ], Vectors("mechanisms/bytes.rs", "bytes_come_where_they_belong", "PKCS#11 3.2 section 6.43")),
    (&["EXTRACT_KEY_FROM_KEY"], Vectors("mechanisms/bytes.rs",
        "bits_are_counted_from_the_front_and_go_round", "PKCS#11 3.2 section 6.43")),
    (&[
        "TLS12_MASTER_KEY_DERIVE", "TLS12_MASTER_KEY_DERIVE_DH", "TLS12_KEY_AND_MAC_DERIVE",
        "TLS12_KEY_SAFE_DERIVE",
    ], Vectors("mechanisms/tls12.rs", "cavp", "NIST CAVP, 800-135 TLS")),
    (&["TLS12_EXTENDED_MASTER_KEY_DERIVE", "TLS12_EXTENDED_MASTER_KEY_DERIVE_DH"],
        Beside("mechanisms/tls12.rs", "extended_master_secrets_beside_openssl")),
    (&["TLS_MAC", "TLS12_MAC"],
        Vectors("mechanisms/tls12.rs", "a_whole_handshake", "tls12.xargs.org")),
    (&["TLS_KDF", "TLS12_KDF"],
        Beside("mechanisms/tls12.rs", "codes_and_exported_keys_beside_openssl")),
];

#[test]
fn every_mechanism_is_held_to_something() {
    let listed: Vec<String> =
        PROOFS.iter().flat_map(|row| row.0).map(|name| format!("CKM_{name}")).collect();
    let once: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(once.len(), listed.len(), "listed twice");
    let there: BTreeSet<&str> = MECHANISMS.iter().map(|mechanism| mechanism.name).collect();
    assert_eq!(once, there);
    with_token(|t| {
        let told: BTreeSet<_> = t.p.mechanisms(t.slot).unwrap().into_iter().collect();
        let offered = MECHANISMS.iter().filter(|mechanism| !mechanism.legacy);
        assert_eq!(told, offered.map(|mechanism| mechanism.ckm).collect());
    });
}

#[test]
fn the_tests_are_there() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (names, proof) in PROOFS {
        let (Vectors(file, test, _) | Beside(file, test) | Parts(file, test)) = proof else {
            assert!(names.iter().all(|name| name.ends_with("_GEN")), "{names:?}");
            continue;
        };
        let source = std::fs::read_to_string(tests.join(file)).unwrap();
        assert!(source.contains(&format!("#[test]\nfn {test}() {{")), "{proof:?}");
        let origin = if let Vectors(_, _, origin) = proof { origin } else { "openssl" };
        let work = [" section", " appendix", " annex", ","].into_iter();
        let work = work.fold(origin, |origin, end| origin.split(end).next().unwrap_or(origin));
        assert!(matches!(proof, Parts(..)) || source.contains(work), "{proof:?}");
    }
}
