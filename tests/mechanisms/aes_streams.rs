//! AES as a stream cipher: CTR, OFB, CFB128, CFB8.
use super::aes::*;
use crate::common::*;

/// SP 800-38A sections F.5.1, F.5.3, F.5.5.
const CTR: [(&str, &str); 3] = [
    (
        KEY_128,
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
         5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    ),
    (
        KEY_192,
        "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94\
         1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050",
    ),
    (
        KEY_256,
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5\
         2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    ),
];

/// Sections F.4.1, F.4.5.
const OFB: [(&str, &str); 2] = [
    (
        KEY_128,
        "3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825\
         9740051e9c5fecf64344f7a82260edcc304c6528f659c77866a510d9c1d6ae5e",
    ),
    (
        KEY_256,
        "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d\
         71ab47a086e86eedf39d1c5bba97c4080126141d67f37be8538f5a8be740e484",
    ),
];

/// Sections F.3.13, F.3.17.
const CFB128: [(&str, &str); 2] = [
    (
        KEY_128,
        "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b\
         26751f67a3cbb140b1808cf187a4f4dfc04b05357c5d1c0eeac4c66f9ff7f2e6",
    ),
    (
        KEY_256,
        "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b\
         df10132415e54b92a13ed0a8267ae2f975a385741ab9cef82031623d55b1e471",
    ),
];

/// Sections F.3.7, F.3.11: the first 18 bytes of the plaintext.
const CFB8: [(&str, &str); 2] = [
    (KEY_128, "3b79424c9c0dd436bace9e0ed4586a4f32b9"),
    (KEY_256, "dc1f1a8520a64db55fcc8ac554844e889700"),
];

pub fn ctr(bits: CK_ULONG, block: &str) -> Mech {
    let cb = hex(block).try_into().unwrap();
    Mech::with(CKM_AES_CTR, |_| CK_AES_CTR_PARAMS { ulCounterBits: bits, cb })
}

/// SP 800-38A's counter block.
fn nist_ctr() -> Mech {
    ctr(128, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
}

fn feedback(ckm: CK_MECHANISM_TYPE) -> Mech {
    Mech::bytes(ckm, &hex(IV))
}

#[test]
fn known_answers_of_nist() {
    with_token(|t| {
        let table = [
            (nist_ctr(), &CTR[..]),
            (feedback(CKM_AES_OFB), &OFB),
            (feedback(CKM_AES_CFB128), &CFB128),
            (feedback(CKM_AES_CFB8), &CFB8),
        ];
        for (mech, examples) in table {
            for (key, sealed) in examples {
                let (key, sealed) = (t.secret(CKK_AES, &hex(key)).unwrap(), hex(sealed));
                answers(t, &mech, key, &hex(PLAIN)[..sealed.len()], &sealed);
            }
        }
    });
}

#[test]
fn parts_and_places() {
    with_token(|t| {
        let key = t.aes(24).unwrap();
        let text: Vec<u8> = (0..50).collect();
        let wrapping = ctr(4, "000102030405060708090a0b0c0d0eff");
        for mech in [
            nist_ctr(),
            wrapping,
            feedback(CKM_AES_OFB),
            feedback(CKM_AES_CFB128),
            feedback(CKM_AES_CFB8),
        ] {
            cut_at_every_place(t, &mech, key, &text);
            in_place(t, &mech, key, &text);
            assert_eq!(t.encrypt(&mech, key, b""), Ok(vec![]));
        }
    });
}

/// The counter counts modulo 2 to the power of its bits and leaves the others alone.
#[test]
fn a_short_counter_wraps() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let text = [0u8; 48];
        let sealed = t.encrypt(&ctr(8, &("aa".repeat(15) + "ff")), key, &text).unwrap();
        let second = t.encrypt(&ctr(8, &("aa".repeat(15) + "00")), key, &text).unwrap();
        assert_eq!(sealed[16..], second[..32]);
        let carried = t.encrypt(&ctr(128, &("aa".repeat(15) + "ff")), key, &text).unwrap();
        let next = t.encrypt(&ctr(128, &("aa".repeat(14) + "ab00")), key, &text).unwrap();
        assert_eq!(carried[16..], next[..32]);
    });
}

/// Its first block never comes again: two parts of a message would be encrypted alike.
#[test]
fn a_counter_does_not_come_round() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        let mech = ctr(2, &"55".repeat(16));
        let sealed = t.encrypt(&mech, key, &[7; 64]).unwrap();
        assert_eq!(t.encrypt(&mech, key, &[7; 65]), Err(CKR_DATA_LEN_RANGE));
        assert_eq!(t.decrypt(&mech, key, &[7; 65]), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        t.decrypt_init(&mech, key).unwrap();
        assert_eq!(t.decrypt_update(&sealed).unwrap(), [7; 64]);
        assert_eq!(t.decrypt_update(&[1]), Err(CKR_ENCRYPTED_DATA_LEN_RANGE));
        assert_eq!(t.decrypt_final(), Err(CKR_OPERATION_NOT_INITIALIZED));
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let key = t.aes(16).unwrap();
        for mech in [
            ctr(0, IV),
            ctr(129, IV),
            ctr(CK_ULONG::MAX, IV),
            Mech::new(CKM_AES_CTR),
            Mech::bytes(CKM_AES_CTR, &[0; 16]),
            Mech::new(CKM_AES_OFB),
            Mech::bytes(CKM_AES_CFB8, &[0; 15]),
            Mech::bytes(CKM_AES_CFB128, &[0; 17]),
        ] {
            assert_eq!(t.encrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
            assert_eq!(t.decrypt_init(&mech, key), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}
