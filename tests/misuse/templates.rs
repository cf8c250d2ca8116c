//! Templates that are wrong: each mistake has its code, in every function that takes a template.
use crate::common::*;
use std::ffi::c_void;
use std::ptr::null_mut;

const BAD: CK_RV = CKR_ARGUMENTS_BAD;
const VALUE: CK_RV = CKR_ATTRIBUTE_VALUE_INVALID;
const INCONSISTENT: CK_RV = CKR_TEMPLATE_INCONSISTENT;

const SEARCH: &str = "C_FindObjectsInit";

/// The functions that make or find something of one template. A search ends at once.
fn takers(t: &Token, at: *mut CK_ATTRIBUTE, n: CK_ULONG) -> [(&'static str, Rv<()>); 7] {
    let h = t.handle;
    let key = t.aes(16).unwrap();
    let (mut aes, mut ecb) = (Mech::new(CKM_AES_KEY_GEN).raw(), Mech::new(CKM_AES_KEY_WRAP).raw());
    let mut derive = Mech::new(CKM_SHA256).raw();
    derive.mechanism = CKM_CONCATENATE_BASE_AND_DATA;
    let mut string = CK_KEY_DERIVATION_STRING_DATA { pData: null_mut(), ulLen: 0 };
    derive.pParameter = void(&mut string);
    derive.ulParameterLen = size_of_val(&string) as CK_ULONG;
    let (mut new, blob) = (0, [0u8; 24]);
    let new = &raw mut new;
    let outcomes = [
        ("C_CreateObject", call!(t.C_CreateObject(h, at, n, new))),
        ("C_CopyObject", call!(t.C_CopyObject(h, key, at, n, new))),
        ("C_SetAttributeValue", call!(t.C_SetAttributeValue(h, key, at, n))),
        (SEARCH, call!(t.C_FindObjectsInit(h, at, n))),
        ("C_GenerateKey", call!(t.C_GenerateKey(h, &mut aes, at, n, new))),
        ("C_UnwrapKey", call!(t.C_UnwrapKey(h, &mut ecb, key, ptr(&blob), 24, at, n, new))),
        ("C_DeriveKey", call!(t.C_DeriveKey(h, &mut derive, key, at, n, new))),
    ];
    t.destroy(key).unwrap();
    let _ = call!(t.C_FindObjectsFinal(h));
    outcomes
}

fn one(cka: CK_ULONG, at: *mut c_void, len: CK_ULONG) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_: cka, pValue: at, ulValueLen: len }
}

/// Every function answers the same; `C_GenerateKeyPair` for either of its templates.
fn all_answer(t: &Token, template: &mut [CK_ATTRIBUTE], expected: CK_RV) {
    all_but_a_search_answer(t, template, expected, Err(expected));
}

/// The same for what can be searched for, though nothing can be it.
fn all_but_a_search_answer(
    t: &Token,
    template: &mut [CK_ATTRIBUTE],
    expected: CK_RV,
    search: Rv<()>,
) {
    let (at, n) = (template.as_mut_ptr(), template.len() as CK_ULONG);
    for (name, outcome) in takers(t, at, n) {
        let expected = if name == SEARCH { search } else { Err(expected) };
        assert_eq!(outcome, expected, "{name}, {template:x?}");
    }
    let mut mech = Mech::new(CKM_EC_KEY_PAIR_GEN).raw();
    let mut good = RawTemplate::new(&attrs![CKA_EC_PARAMS => keys::P256]);
    let (open, h) = (good.ptr(), t.handle);
    let (mut a, mut b) = (0, 0);
    for (public, private) in [((at, n), (null_mut(), 0)), ((open, 1), (at, n))] {
        let outcome = call!(t.C_GenerateKeyPair(
            h, &mut mech, public.0, public.1, private.0, private.1, &mut a, &mut b
        ));
        assert_eq!(outcome, Err(expected), "C_GenerateKeyPair, {template:x?}");
    }
}

#[test]
fn values_that_are_not_there() {
    with_token(|t| {
        let mut byte = 1u8;
        let at = void(&mut byte);
        let absurd = [(1 << 24) + 1, 1 << 31, 1 << 63, CK_UNAVAILABLE_INFORMATION];
        for cka in [CKA_LABEL, CKA_TOKEN, CKA_VALUE_LEN, CKA_START_DATE, CKA_ALLOWED_MECHANISMS] {
            for len in absurd {
                all_answer(t, &mut [one(cka, at, len)], VALUE);
            }
            for len in absurd.into_iter().chain([1, 8]) {
                all_answer(t, &mut [one(cka, null_mut(), len)], VALUE);
            }
        }
    });
}

#[test]
fn values_of_another_length() {
    with_token(|t| {
        let mut memory = [1u8; 32];
        let at = memory.as_mut_ptr().cast();
        for (cka, lens) in [
            (CKA_TOKEN, &[0, 2, 8][..]),
            (CKA_CLASS, &[0, 1, 4, 7, 9, 16]),
            (CKA_VALUE_LEN, &[0, 4, 7, 9]),
            (CKA_START_DATE, &[1, 7, 9]),
            (CKA_ALLOWED_MECHANISMS, &[1, 7, 9]),
            (CKA_UNWRAP_TEMPLATE, &[1, 23, 25]),
        ] {
            for len in lens {
                all_but_a_search_answer(t, &mut [one(cka, at, *len)], VALUE, Ok(()));
            }
        }
    });
}

#[test]
fn attributes_that_are_not_or_are_twice() {
    with_token(|t| {
        let (mut yes, mut no) = (CK_TRUE, CK_FALSE);
        let (yes, no) = (void(&mut yes), void(&mut no));
        for unknown in [0x7777, CKA_VENDOR_DEFINED, CK_ULONG::MAX, 1 << 63] {
            let mut template = [one(unknown, yes, 1)];
            all_but_a_search_answer(t, &mut template, CKR_ATTRIBUTE_TYPE_INVALID, Ok(()));
        }
        let mut twice = [one(CKA_TOKEN, yes, 1), one(CKA_TOKEN, no, 1)];
        all_but_a_search_answer(t, &mut twice, INCONSISTENT, Ok(()));
        let mut many = vec![one(CKA_TOKEN, no, 1); 60_000];
        many.push(one(CKA_TOKEN, yes, 1));
        all_but_a_search_answer(t, &mut many, INCONSISTENT, Ok(()));
    });
}

#[test]
fn counts_that_cannot_be() {
    with_token(|t| {
        let mut no = CK_FALSE;
        let mut one = [one(CKA_TOKEN, void(&mut no), 1)];
        for n in [(1 << 16) + 1, 1 << 31, 1 << 32, CK_ULONG::MAX / 24 + 1, 1 << 63, CK_ULONG::MAX] {
            for (name, outcome) in takers(t, one.as_mut_ptr(), n) {
                assert_eq!(outcome, Err(BAD), "{name}, {n:x}");
            }
        }
        for (name, outcome) in takers(t, null_mut(), 1) {
            assert_eq!(outcome, Err(BAD), "{name}");
        }
    });
}

/// A template that holds itself, as often as it has room for; and one that is deep.
#[test]
fn bombs() {
    with_token(|t| {
        let mut wide = vec![one(CKA_UNWRAP_TEMPLATE, null_mut(), 0); 1000];
        let at = wide.as_mut_ptr();
        for each in &mut wide {
            *each = one(CKA_UNWRAP_TEMPLATE, at.cast(), 1000 * 24);
        }
        for (name, outcome) in takers(t, at, 1000) {
            let refused = matches!(outcome, Err(VALUE | BAD));
            assert!(refused || (name == SEARCH && outcome.is_ok()), "{name}: {outcome:x?}");
        }
        let mut deep = [one(CKA_DERIVE_TEMPLATE, null_mut(), 0); 100];
        let at = deep.as_mut_ptr();
        for (n, each) in deep.iter_mut().enumerate().skip(1) {
            *each = one(CKA_DERIVE_TEMPLATE, at.wrapping_add(n - 1).cast(), 24);
        }
        for (name, outcome) in takers(t, at.wrapping_add(99), 1) {
            let expected = if name == SEARCH { Ok(()) } else { Err(VALUE) };
            assert_eq!(outcome, expected, "{name}");
        }
        let mut itself = [one(CKA_WRAP_TEMPLATE, null_mut(), 0)];
        let at = itself.as_mut_ptr();
        itself[0] = one(CKA_WRAP_TEMPLATE, at.cast(), 24);
        all_but_a_search_answer(t, &mut itself, VALUE, Ok(()));
    });
}

/// What contradicts itself or the function, and keys of absurd size.
#[test]
fn contradictions_and_absurd_keys() {
    with_token(|t| {
        let generate = |ckm, template: &[_]| t.generate(&Mech::new(ckm), template).err();
        let aes = CKM_AES_KEY_GEN;
        for (template, expected) in [
            (attrs![CKA_VALUE_LEN => 16usize, CKA_KEY_TYPE => CKK_DES3], INCONSISTENT),
            (attrs![CKA_VALUE_LEN => 16usize, CKA_CLASS => CKO_PUBLIC_KEY], INCONSISTENT),
            (attrs![CKA_VALUE_LEN => 16usize, CKA_VALUE => &[0; 16]], INCONSISTENT),
            (attrs![CKA_VALUE_LEN => 16usize, CKA_LOCAL => true], CKR_ATTRIBUTE_READ_ONLY),
            (attrs![CKA_VALUE_LEN => 16usize, CKA_MODULUS => &[1]], CKR_ATTRIBUTE_TYPE_INVALID),
            (attrs![CKA_VALUE_LEN => 16usize, CKA_CLASS => CK_ULONG::MAX], INCONSISTENT),
        ] {
            assert_eq!(generate(aes, &template), Some(expected), "{template:?}");
        }
        assert_eq!(generate(aes, &[]), Some(CKR_TEMPLATE_INCOMPLETE));
        for len in [0usize, 15, 1 << 16, 1 << 31, 1 << 40, 1 << 63, usize::MAX] {
            let absurd = attrs![CKA_VALUE_LEN => len];
            assert_eq!(generate(aes, &absurd), Some(CKR_KEY_SIZE_RANGE), "{len}");
            let long = attrs![CKA_VALUE_LEN => if len == 15 || len == 1 << 16 { 0 } else { len }];
            for ckm in [CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA256_KEY_GEN, CKM_HKDF_KEY_GEN] {
                assert_eq!(generate(ckm, &long), Some(CKR_KEY_SIZE_RANGE), "{ckm:x}, {len}");
            }
        }
        let pair = |bits: usize, exponent: &[u8]| {
            let public = attrs![CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => exponent];
            t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &[]).err()
        };
        for bits in [0, 1, 512, 1 << 20, 1 << 31, 1 << 63, usize::MAX] {
            assert_eq!(pair(bits, &[1, 0, 1]), Some(CKR_KEY_SIZE_RANGE), "{bits}");
        }
        for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[0xFF; 5000]] {
            assert_eq!(pair(2048, exponent), Some(VALUE), "{} bytes", exponent.len());
        }
        for params in [&[][..], b"x", &[6, 0xFF], &[6, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], &[5, 0]] {
            let public = attrs![CKA_EC_PARAMS => params];
            let made = t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &[]).err();
            let codes = [CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, VALUE];
            assert!(made.is_some_and(|rv| codes.contains(&rv)), "{params:?}: {made:x?}");
        }
    });
}

/// Numbers of keys that are megabytes long, or nothing: quickly refused.
#[test]
fn keys_of_absurd_numbers() {
    with_token(|t| {
        let mut long = vec![0xFFu8; 1 << 22];
        long[0] = 0x7F;
        let create = |class: CK_ULONG, key_type: CK_ULONG, more: Vec<(CK_ULONG, Attr)>| {
            let head = attrs![CKA_CLASS => class, CKA_KEY_TYPE => key_type].to_vec();
            t.create(&[head, more].concat()).err()
        };
        let (public, private, secret) = (CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY);
        for number in [&[][..], &[0], &[0; 256], &long] {
            let rsa = attrs![CKA_MODULUS => number, CKA_PUBLIC_EXPONENT => &[1, 0, 1]].to_vec();
            let ec = attrs![CKA_EC_PARAMS => keys::P256, CKA_EC_POINT => number].to_vec();
            let d = attrs![CKA_EC_PARAMS => keys::P256, CKA_VALUE => number].to_vec();
            let value = attrs![CKA_VALUE => number].to_vec();
            let whole = attrs![
                CKA_MODULUS => number,
                CKA_PUBLIC_EXPONENT => &[1, 0, 1],
                CKA_PRIVATE_EXPONENT => number,
                CKA_PRIME_1 => number,
                CKA_PRIME_2 => number,
                CKA_EXPONENT_1 => number,
                CKA_EXPONENT_2 => number,
                CKA_COEFFICIENT => number,
            ];
            for made in [
                create(public, CKK_RSA, rsa.clone()),
                create(private, CKK_RSA, whole.to_vec()),
                create(public, CKK_EC, ec),
                create(private, CKK_EC, d),
                create(secret, CKK_AES, value.clone()),
                create(secret, CKK_CHACHA20, value),
            ] {
                let codes = [VALUE, CKR_KEY_SIZE_RANGE];
                assert!(made.is_some_and(|rv| codes.contains(&rv)), "{}: {made:x?}", number.len());
            }
        }
    });
}

/// The numbers of an RSA key, with and without those of the Chinese remainder theorem, of which one
/// is not of this key: refused, rather than found out when something is signed.
#[test]
fn keys_of_numbers_that_do_not_belong_together() {
    const CRT: [CK_ULONG; 5] =
        [CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];
    with_token(|t| {
        let seen = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let of = attrs![CKA_MODULUS_BITS => 1024usize];
        let (_, private) = t.generate_pair(&mech, &of, &seen).unwrap();
        let number = |cka| (cka, Attr::from(t.bytes(private, cka).unwrap()));
        let three = [CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT].map(number).to_vec();
        let all = [three.clone(), CRT.map(number).to_vec()].concat();
        let head = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA].to_vec();
        let create = |numbers: &[_]| t.create(&[&head, numbers].concat());
        for numbers in [three, all] {
            let key = create(&numbers).unwrap();
            t.sign(&Mech::new(CKM_SHA256_RSA_PKCS), key, b"x").unwrap();
            for n in 0..numbers.len() {
                let mut wrong = numbers.clone();
                let Attr::Bytes(bytes) = &mut wrong[n].1 else { panic!() };
                let middle = bytes.len() / 2;
                bytes[middle] ^= 2;
                if let Ok(key) = create(&wrong) {
                    let signed = t.sign(&Mech::new(CKM_SHA256_RSA_PKCS), key, b"x");
                    panic!("{:x} is not this key's: {signed:x?}", wrong[n].0);
                }
                assert_eq!(create(&wrong), Err(VALUE), "{:x}", wrong[n].0);
            }
        }
    });
}
