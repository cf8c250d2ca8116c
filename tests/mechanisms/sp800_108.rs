//! The KDFs of SP 800-108.
//!
//! Expected values: counter mode by `KBKDFHMAC` and `KBKDFCMAC` of Python's `cryptography` 48.0,
//! feedback by OpenSSL 3.0's `openssl kdf … KBKDF`, double pipeline by the formula of section 4.3
//! in Python with `cryptography`'s HMAC. Key: bytes 0 to 31; label "label", context "context".
use crate::common::*;
use crate::derive::*;
use std::ffi::c_void;
use std::ptr::null_mut;

/// A data parameter.
#[derive(Clone, Copy)]
pub enum Piece {
    Chain,
    /// Counter of so many bits, as iteration variable or beside it.
    Counter(CK_PRF_DATA_TYPE, CK_ULONG),
    Length(CK_SP800_108_DKM_LENGTH_METHOD, CK_ULONG),
    Bytes(&'static [u8]),
    Key(Handle),
}
use Piece::*;

const LABEL: Piece = Bytes(b"label\0context");
const KEYS: CK_ULONG = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
const SEGMENTS: CK_ULONG = CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS;

const fn variable(bits: CK_ULONG) -> Piece {
    Counter(CK_SP800_108_ITERATION_VARIABLE, bits)
}
const fn beside(bits: CK_ULONG) -> Piece {
    Counter(CK_SP800_108_COUNTER, bits)
}

/// The C form of the pieces; what they point to is leaked.
pub fn raw(pieces: &[Piece]) -> Vec<CK_PRF_DATA_PARAM> {
    fn to<T>(value: T) -> (*mut c_void, CK_ULONG) {
        (Box::into_raw(Box::new(value)).cast(), size_of::<T>() as CK_ULONG)
    }
    let one = |piece: &Piece| {
        let (type_, (pValue, ulValueLen)) = match *piece {
            Chain => (CK_SP800_108_ITERATION_VARIABLE, (null_mut(), 0)),
            Counter(type_, ulWidthInBits) => {
                (type_, to(CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits }))
            }
            Length(dkmLengthMethod, ulWidthInBits) => (
                CK_SP800_108_DKM_LENGTH,
                to(CK_SP800_108_DKM_LENGTH_FORMAT {
                    dkmLengthMethod,
                    bLittleEndian: CK_FALSE,
                    ulWidthInBits,
                }),
            ),
            Bytes(bytes) => (CK_SP800_108_BYTE_ARRAY, (ptr(bytes).cast(), len(bytes))),
            Key(handle) => (CK_SP800_108_KEY_HANDLE, to(handle)),
        };
        CK_PRF_DATA_PARAM { type_, pValue, ulValueLen }
    };
    pieces.iter().map(one).collect()
}

/// Derives with one of the three.
pub fn kdf(
    t: &Session,
    ckm: CK_MECHANISM_TYPE,
    prf: CK_MECHANISM_TYPE,
    pieces: &[Piece],
    n: usize,
) -> Rv<Vec<u8>> {
    let key_type = if prf == CKM_AES_CMAC { CKK_AES } else { CKK_GENERIC_SECRET };
    let key: Vec<u8> = (0..32).collect();
    let key = t.secret(key_type, &key)?;
    let mut pieces = raw(pieces);
    let mut plain = CK_SP800_108_KDF_PARAMS {
        prfType: prf,
        ulNumberOfDataParams: pieces.len() as CK_ULONG,
        pDataParams: pieces.as_mut_ptr(),
        ..Default::default()
    };
    let mut iv = [7; 32];
    let mut feedback = CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: prf,
        ulNumberOfDataParams: pieces.len() as CK_ULONG,
        pDataParams: pieces.as_mut_ptr(),
        ulIVLen: 32,
        pIV: iv.as_mut_ptr(),
        ..Default::default()
    };
    let mech = match ckm {
        CKM_SP800_108_FEEDBACK_KDF => with(ckm, &mut feedback),
        _ => with(ckm, &mut plain),
    };
    value(t, &mech, key, &open(n))
}

const COUNTER_MODE: [(CK_MECHANISM_TYPE, &[Piece], &str); 6] = [
    (
        CKM_SHA256_HMAC,
        &[variable(32), LABEL, Length(KEYS, 32)],
        "b9cd5f6323f01f4680650855f1ebea9b4c54c08131b506fc28c856364a38a2f4fb680c12ea51696887d9",
    ),
    (
        CKM_SHA_1_HMAC,
        &[LABEL, Length(KEYS, 16), variable(8)],
        "dd649482633e26768787a32292d58663b374fc4091d80cf07eb9f0ff93a1",
    ),
    (
        CKM_SHA512_HMAC,
        &[variable(16), LABEL, Length(KEYS, 32)],
        "a8569ce2deb041d6015d3bb60e3bf53d884b222bcfd1ae77463ef8ac6da9dd45\
             aa6e4d6e12d1cfd5c7218bae5f41abdd73c082cd726920c5422f9de2b18c7dca\
             bb690fd0f75624565b84974a5dab1754bd4a04ddb46d4929160c5c225a9b0da07bbb686b",
    ),
    (CKM_SHA384_HMAC, &[variable(24), LABEL, Length(KEYS, 32)], "9e94e336ed31e0020503a812367e0c28"),
    (
        CKM_SHA224_HMAC,
        &[variable(32), Bytes(b"label"), Bytes(b"\0"), Bytes(b"context"), Length(KEYS, 32)],
        "2f5588321b945b3248ccdbbd1579bcf4b69adf181887a7cba5007761430205b4\
             5b30143c75161c7c99d16b01b79b129dfa3cbdf154704442501ca22d087e9bde",
    ),
    (
        CKM_AES_CMAC,
        &[variable(32), LABEL, Length(KEYS, 32)],
        "f14b2590d159191e74c966b0ccefd4e8acc21dac50a6b9816be8a8b591834af5291ae4253390327d",
    ),
];

#[test]
fn counter_mode() {
    with_token(|t| {
        for (prf, pieces, expected) in COUNTER_MODE {
            let expected = hex(expected);
            let derived = kdf(t, CKM_SP800_108_COUNTER_KDF, prf, pieces, expected.len());
            assert_eq!(derived.unwrap(), expected, "{prf:x}");
        }
    });
}

#[test]
fn feedback_and_double_pipeline() {
    let pieces = [Chain, beside(32), LABEL, Length(KEYS, 32)];
    let feedback = hex("ab28f196a2d04a5a0b5e2b66ab871ca134c3e47c43dbb8c6cc3e4385edcd1a69\
                        97f0b64e4f5a6b479f50e2a7026371ad89c0be17b31b3c43590cce195c647bed\
                        5e1d01b3daa1c86e2cb7eaa8a411246a");
    let pipeline = hex("35e297f71a608735462708a2acfcd32b04670e15f391bf71c25007e3c7197844\
                        e358b452f58f0e99c9c72b52cf05a8118343c4f6c27cf10f08d1740a042dba90\
                        dae53703894d5a4400f069d177cd17d4");
    with_token(|t| {
        let derive = |ckm| kdf(t, ckm, CKM_SHA256_HMAC, &pieces, 80).unwrap();
        assert_eq!(derive(CKM_SP800_108_FEEDBACK_KDF), feedback);
        assert_eq!(derive(CKM_SP800_108_DOUBLE_PIPELINE_KDF), pipeline);
    });
}

#[test]
fn segments_count_whole_and_keys_count_as_their_bytes() {
    with_token(|t| {
        let derive = |pieces: &[Piece], n| {
            kdf(t, CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, pieces, n).unwrap()
        };
        let whole = derive(&[variable(32), LABEL, Length(KEYS, 32)], 64);
        assert_eq!(derive(&[variable(32), LABEL, Length(SEGMENTS, 32)], 40), whole[..40]);
        let label = t.secret(CKK_GENERIC_SECRET, b"label\0context").unwrap();
        assert_eq!(derive(&[variable(32), Key(label), Length(KEYS, 32)], 64), whole);
    });
}

/// Section 6.42: what the template leaves out is as it is in the base key.
#[test]
fn keys_are_hidden_as_their_base_unless_the_template_says_otherwise() {
    with_token(|t| {
        let mut pieces = raw(&[variable(8)]);
        let mut params = CK_SP800_108_KDF_PARAMS {
            prfType: CKM_SHA256_HMAC,
            ulNumberOfDataParams: 1,
            pDataParams: pieces.as_mut_ptr(),
            ..Default::default()
        };
        let mech = with(CKM_SP800_108_COUNTER_KDF, &mut params);
        let len = attrs![CKA_VALUE_LEN => 32usize];
        let hidden = hidden(t, &[]).unwrap();
        let shown = t.secret(CKK_GENERIC_SECRET, &[1; 32]).unwrap();
        for (base, is_hidden) in [(hidden, true), (shown, false)] {
            let key = derive(t, &mech, base, &len).unwrap();
            assert_eq!(t.flag(key, CKA_SENSITIVE), Ok(is_hidden));
            assert_eq!(t.flag(key, CKA_EXTRACTABLE), Ok(!is_hidden));
            assert_eq!(t.flag(key, CKA_ALWAYS_SENSITIVE), Ok(is_hidden));
        }
        assert_eq!(value(t, &mech, hidden, &open(32)).unwrap().len(), 32);
        let hiding = attrs![CKA_VALUE_LEN => 32usize, CKA_SENSITIVE => true];
        let key = derive(t, &mech, shown, &hiding).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
    });
}

#[test]
fn parameters_that_cannot_be() {
    let counter: [&[Piece]; 8] = [
        &[LABEL],
        &[Chain, LABEL],
        &[variable(32), variable(32)],
        &[variable(32), beside(32)],
        &[variable(12)],
        &[variable(64)],
        &[variable(0)],
        &[variable(32), Length(KEYS, 32), Length(KEYS, 32)],
    ];
    let feedback: [&[Piece]; 3] =
        [&[LABEL], &[variable(32), LABEL], &[Chain, beside(32), beside(32)]];
    with_token(|t| {
        let refused = |ckm, pieces: &[Piece]| {
            let derived = kdf(t, ckm, CKM_SHA256_HMAC, pieces, 32);
            assert_eq!(derived, Err(CKR_MECHANISM_PARAM_INVALID));
        };
        counter.iter().for_each(|pieces| refused(CKM_SP800_108_COUNTER_KDF, pieces));
        for ckm in [CKM_SP800_108_FEEDBACK_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF] {
            feedback.iter().for_each(|pieces| refused(ckm, pieces));
        }
        refused(CKM_SP800_108_COUNTER_KDF, &[variable(32); 65]);
        let derive = |prf, pieces: &[Piece], n| {
            kdf(t, CKM_SP800_108_COUNTER_KDF, prf, pieces, n).map(|_| ())
        };
        assert_eq!(derive(CKM_MD5_HMAC, &[variable(8)], 9), Err(CKR_MECHANISM_PARAM_INVALID));
        // 256 iterations do not fit into a byte, nor 32 × 8 bits
        assert_eq!(derive(CKM_SHA_1_HMAC, &[variable(8)], 255 * 16), Ok(()));
        assert_eq!(derive(CKM_AES_CMAC, &[variable(8)], 256 * 16), Err(CKR_KEY_SIZE_RANGE));
        let short = [variable(8), Length(KEYS, 8)];
        assert_eq!(derive(CKM_SHA256_HMAC, &short, 32), Err(CKR_KEY_SIZE_RANGE));
        let none = [variable(8), Key(0)];
        assert_eq!(derive(CKM_SHA256_HMAC, &none, 32), Err(CKR_KEY_HANDLE_INVALID));
    });
}
