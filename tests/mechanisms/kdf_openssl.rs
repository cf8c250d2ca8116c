//! Key derivation and agreement beside OpenSSL's command line, on random input.
use crate::aes_openssl::{openssl, to_hex};
use crate::common::keys::{P256, P384, P521, SECP256K1};
use crate::common::*;
use crate::derive::*;
use crate::hashes::{HASHES, Relatives};
use crate::openssl::name;
use std::ptr::null_mut;

/// What `openssl kdf` derives.
fn kdf(function: &str, len: usize, options: &[(&str, &str)]) -> Vec<u8> {
    let len = len.to_string();
    let mut args = vec!["kdf", "-binary", "-keylen", &len];
    let options: Vec<String> =
        options.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    args.extend(options.iter().flat_map(|option| ["-kdfopt", option]));
    args.push(function);
    openssl(&args, &[])
}

#[test]
fn hkdf() {
    with_token(|t| {
        for hash in HASHES {
            let [secret, salt, info] = [40, 20, 10].map(|len| t.random(len).unwrap());
            let key = t.secret(CKK_GENERIC_SECRET, &secret).unwrap();
            let mut params = CK_HKDF_PARAMS {
                bExtract: CK_TRUE,
                bExpand: CK_TRUE,
                prfHashMechanism: hash.digest,
                ulSaltType: CKF_HKDF_SALT_DATA,
                pSalt: ptr(&salt),
                ulSaltLen: len(&salt),
                hSaltKey: 0,
                pInfo: ptr(&info),
                ulInfoLen: len(&info),
            };
            let expected = kdf(
                "HKDF",
                150,
                &[
                    ("digest", &name(hash)),
                    ("hexkey", &to_hex(&secret)),
                    ("hexsalt", &to_hex(&salt)),
                    ("hexinfo", &to_hex(&info)),
                ],
            );
            let derived = value(t, &with(CKM_HKDF_DERIVE, &mut params), key, &open(150));
            assert_eq!(derived, Ok(expected), "{hash:?}");
            params.prfHashMechanism = hash.hmac;
            let derived = value(t, &with(CKM_HKDF_DERIVE, &mut params), key, &open(150));
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID), "a MAC is no hash");
        }
    });
}

#[test]
fn pbkdf2() {
    let prfs = [
        (CKP_PKCS5_PBKD2_HMAC_SHA1, "SHA1"),
        (CKP_PKCS5_PBKD2_HMAC_SHA224, "SHA2-224"),
        (CKP_PKCS5_PBKD2_HMAC_SHA256, "SHA2-256"),
        (CKP_PKCS5_PBKD2_HMAC_SHA384, "SHA2-384"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512, "SHA2-512"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512_224, "SHA2-512/224"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512_256, "SHA2-512/256"),
    ];
    with_token(|t| {
        for (prf, digest) in prfs {
            let [password, salt] = [13, 16].map(|len| t.random(len).unwrap());
            let mut params = CK_PKCS5_PBKD2_PARAMS2 {
                saltSource: CKZ_SALT_SPECIFIED,
                pSaltSourceData: ptr(&salt).cast(),
                ulSaltSourceDataLen: len(&salt),
                iterations: 1234,
                prf,
                pPrfData: null_mut(),
                ulPrfDataLen: 0,
                pPassword: ptr(&password),
                ulPasswordLen: len(&password),
            };
            let key = t.generate(&with(CKM_PKCS5_PBKD2, &mut params), &open(100)).unwrap();
            let expected = kdf(
                "PBKDF2",
                100,
                &[
                    ("digest", digest),
                    ("hexpass", &to_hex(&password)),
                    ("hexsalt", &to_hex(&salt)),
                    ("iter", "1234"),
                ],
            );
            assert_eq!(t.bytes(key, CKA_VALUE), Ok(expected), "{digest}");
        }
    });
}

/// A data parameter that points to a structure.
fn piece<T>(type_: CK_PRF_DATA_TYPE, structure: &mut T) -> CK_PRF_DATA_PARAM {
    let ulValueLen = size_of::<T>() as CK_ULONG;
    CK_PRF_DATA_PARAM { type_, pValue: void(structure), ulValueLen }
}

fn counter_of(bits: CK_ULONG) -> CK_SP800_108_COUNTER_FORMAT {
    CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: bits }
}

/// The token's derivation of 150 bytes in the format that OpenSSL's KBKDF has: counter and length
/// of 32 bits. An initialisation vector means feedback.
fn derived_108(
    t: &Session,
    prf: CK_MECHANISM_TYPE,
    secret: &[u8],
    fixed: &[u8],
    iv: Option<&[u8]>,
) -> Vec<u8> {
    let key_type = if prf == CKM_AES_CMAC { CKK_AES } else { CKK_GENERIC_SECRET };
    let key = t.secret(key_type, secret).unwrap();
    let mut counter = counter_of(32);
    let mut length = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let array = CK_PRF_DATA_PARAM {
        type_: CK_SP800_108_BYTE_ARRAY,
        pValue: ptr(fixed).cast(),
        ulValueLen: len(fixed),
    };
    let length = piece(CK_SP800_108_DKM_LENGTH, &mut length);
    let variable = CK_SP800_108_ITERATION_VARIABLE;
    let mut pieces = match iv {
        None => vec![piece(variable, &mut counter)],
        Some(_) => {
            let chain = CK_PRF_DATA_PARAM { type_: variable, ..Default::default() };
            vec![chain, piece(CK_SP800_108_COUNTER, &mut counter)]
        }
    };
    pieces.extend([array, length]);
    let (at, count) = (pieces.as_mut_ptr(), pieces.len() as CK_ULONG);
    let derived = match iv {
        None => {
            let mut params = CK_SP800_108_KDF_PARAMS::default();
            (params.prfType, params.pDataParams, params.ulNumberOfDataParams) = (prf, at, count);
            value(t, &with(CKM_SP800_108_COUNTER_KDF, &mut params), key, &open(150))
        }
        Some(iv) => {
            let mut params = CK_SP800_108_FEEDBACK_KDF_PARAMS::default();
            (params.prfType, params.pDataParams, params.ulNumberOfDataParams) = (prf, at, count);
            (params.pIV, params.ulIVLen) = (ptr(iv), len(iv));
            value(t, &with(CKM_SP800_108_FEEDBACK_KDF, &mut params), key, &open(150))
        }
    };
    derived.unwrap()
}

/// OpenSSL has a zero byte between label and context, and wants an initialisation vector as long
/// as the output of the PRF: `size` bytes.
fn kbkdf(t: &Session, (prf, size): (CK_MECHANISM_TYPE, usize), mac: &[(&str, &str)]) {
    let [secret, label, context, iv] = [32, 9, 11, size].map(|len| t.random(len).unwrap());
    let fixed = [&label[..], &[0], &context].concat();
    let counter = derived_108(t, prf, &secret, &fixed, None);
    let feedback = derived_108(t, prf, &secret, &fixed, Some(&iv));
    let [secret, label, context, iv] = [secret, label, context, iv].map(|bytes| to_hex(&bytes));
    let options = [("hexkey", &secret[..]), ("hexsalt", &label), ("hexinfo", &context)];
    let options = [&options[..], mac].concat();
    let theirs = kdf("KBKDF", 150, &[&options[..], &[("mode", "counter")]].concat());
    assert_eq!(counter, theirs, "{mac:?}");
    let options = [&options[..], &[("mode", "feedback"), ("hexseed", &iv)]].concat();
    assert_eq!(feedback, kdf("KBKDF", 150, &options), "{mac:?}");
}

#[test]
fn sp800_108() {
    with_token(|t| {
        for hash in HASHES.iter().filter(|hash| !is_cut(hash)) {
            kbkdf(t, (hash.hmac, hash.size), &[("mac", "HMAC"), ("digest", &name(hash))]);
        }
        kbkdf(t, (CKM_AES_CMAC, 16), &[("mac", "CMAC"), ("cipher", "AES-256-CBC")]);
    });
}

/// SHA-512/t, which the standard has neither among the PRFs of SP 800-108 nor among the KDFs of an
/// agreement.
fn is_cut(hash: &Relatives) -> bool {
    [CKM_SHA512_224, CKM_SHA512_256].contains(&hash.digest)
}

#[test]
fn prfs_that_the_standard_does_not_list() {
    with_token(|t| {
        let key = t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap();
        let mut counter = counter_of(8);
        let mut variable = piece(CK_SP800_108_ITERATION_VARIABLE, &mut counter);
        for hash in HASHES.iter().filter(|hash| is_cut(hash)) {
            let mut params = CK_SP800_108_KDF_PARAMS {
                prfType: hash.hmac,
                ulNumberOfDataParams: 1,
                pDataParams: &mut variable,
                ..Default::default()
            };
            let derived = value(t, &with(CKM_SP800_108_COUNTER_KDF, &mut params), key, &open(16));
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];
const P224: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x21];

/// A pair of the token, the other of OpenSSL's: the public keys of both, OpenSSL's shared secret.
fn agreement(
    t: &Session,
    curve: &[u8],
    options: &str,
    point_len: usize,
) -> (Handle, Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let made_by =
        if curve == X25519 { CKM_EC_MONTGOMERY_KEY_PAIR_GEN } else { CKM_EC_KEY_PAIR_GEN };
    let (public, private) = t
        .generate_pair(
            &Mech::new(made_by),
            &attrs![CKA_EC_PARAMS => curve],
            &attrs![CKA_DERIVE => true],
        )
        .unwrap();
    std::fs::write(at("ours.der"), t.bytes(public, CKA_PUBLIC_KEY_INFO).unwrap()).unwrap();
    let args: Vec<_> = ["genpkey"].into_iter().chain(options.split(' ')).collect();
    std::fs::write(at("theirs.pem"), openssl(&args, &[])).unwrap();
    let theirs = openssl(&["pkey", "-in", &at("theirs.pem"), "-pubout", "-outform", "DER"], &[]);
    let (key, peer) = (at("theirs.pem"), at("ours.der"));
    let args = ["pkeyutl", "-derive", "-inkey", &key, "-peerkey", &peer, "-peerform", "DER"];
    let shared = openssl(&args, &[]);
    (private, theirs[theirs.len() - point_len..].to_vec(), shared)
}

fn ecdh(kdf: CK_EC_KDF_TYPE, data: &[u8], public: &[u8]) -> CK_ECDH1_DERIVE_PARAMS {
    CK_ECDH1_DERIVE_PARAMS {
        kdf,
        ulSharedDataLen: len(data),
        pSharedData: if data.is_empty() { null_mut() } else { ptr(data) },
        ulPublicDataLen: len(public),
        pPublicData: ptr(public),
    }
}

#[test]
fn agreements() {
    let ec = |name: &str| format!("-algorithm EC -pkeyopt ec_paramgen_curve:{name}");
    let curves = [
        (P224, ec("P-224"), 57),
        (P256, ec("P-256"), 65),
        (P384, ec("P-384"), 97),
        (P521, ec("P-521"), 133),
        (SECP256K1, ec("secp256k1"), 65),
        (X25519, "-algorithm X25519".to_owned(), 32),
    ];
    with_token(|t| {
        for (curve, options, point_len) in curves {
            let (key, theirs, shared) = agreement(t, curve, &options, point_len);
            for ckm in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
                let mut params = ecdh(CKD_NULL, &[], &theirs);
                let derived = value(t, &with(ckm, &mut params), key, &open_whole());
                assert_eq!(derived, Ok(shared.clone()), "{options}");
            }
        }
    });
}

/// SP 800-56C's one step is OpenSSL's SSKDF.
#[test]
fn kdfs_of_agreements() {
    let kdfs = [
        (CKD_SHA1_KDF, CKD_SHA1_KDF_SP800, "SHA1"),
        (CKD_SHA224_KDF, CKD_SHA224_KDF_SP800, "SHA2-224"),
        (CKD_SHA256_KDF, CKD_SHA256_KDF_SP800, "SHA2-256"),
        (CKD_SHA384_KDF, CKD_SHA384_KDF_SP800, "SHA2-384"),
        (CKD_SHA512_KDF, CKD_SHA512_KDF_SP800, "SHA2-512"),
        (CKD_SHA3_224_KDF, CKD_SHA3_224_KDF_SP800, "SHA3-224"),
        (CKD_SHA3_256_KDF, CKD_SHA3_256_KDF_SP800, "SHA3-256"),
        (CKD_SHA3_384_KDF, CKD_SHA3_384_KDF_SP800, "SHA3-384"),
        (CKD_SHA3_512_KDF, CKD_SHA3_512_KDF_SP800, "SHA3-512"),
    ];
    with_token(|t| {
        let options = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
        let (key, theirs, shared) = agreement(t, P256, options, 65);
        for (x963, one_step, digest) in kdfs {
            let info = t.random(17).unwrap();
            for (number, function) in [(x963, "X963KDF"), (one_step, "SSKDF")] {
                let mut params = ecdh(number, &info, &theirs);
                let derived = value(t, &with(CKM_ECDH1_DERIVE, &mut params), key, &open(150));
                let options =
                    [("digest", digest), ("hexkey", &to_hex(&shared)), ("hexinfo", &to_hex(&info))];
                assert_eq!(derived, Ok(kdf(function, 150, &options)), "{function} {digest}");
            }
        }
    });
}
