//! Keys as OpenSSL writes them, in and out; and what must not come in.
use super::*;
use crate::crypto::ec as curves;
use crate::object::policy::Login;
use crate::object::template::{Origin, draft};
use der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use der::{Decode, Encode};

/// PKCS#8 of fresh keys, written by OpenSSL 3.0.19 (`openssl pkcs8 -topk8 -nocrypt -outform DER`).
const P256: &str = "\
    308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042086bedacc3e767bb4ca8cc05324f1\
    d13798f579b86869f92c34d371aa8aa35ebea14403420004bd9308bbbaedcd541c5ad77a61dce24437894642560d7035f4c4\
    f3152a2dc271b725518489752e0f6f9234187439228776bf9b4cb5e62549704ec86035c61330";
const RSA_1024: &str = "\
    30820275020100300d06092a864886f70d01010105000482025f3082025b02010002818100c0320315444ff979c69b8c442a\
    0db3b331443153a4d7b54ce8500915bd83109c7041c4c372e3df2390a0c3d553e6e83200acac364ff1a7f287c131257ee049\
    25ab305e60cb0785959d6d78b6a1be85e6f1c642803c785d153488ad75353ef47be810d0b5768dac1ed9e92bfbeb192b9993\
    7c1a59a4c207ac6262efcc2e841fdf02030100010281807ddd82c55faa5c3fd2c03538c2ad9c7c828c1d1da0fb9f00d1b6f0\
    6c2b62f4f2ee5533eda784f1b1d1da66c5831fd9fa3d14d7e6edaddd85e83fadd6d7633ca2eae6eec1aa4b6343b79f89a51e\
    4be3edeaf3be98d43a80a0344159cb2b424f27b02dad4252178769590930797c18891bfe3f4f29718ec807b1c578e5e81400\
    89024100e5ba0aef33b2dfd57761a190936244c33015d2a8f196a751b95686e0e83f047dacff77e2a4bbd148f474b1993351\
    004825868678463751c235bf6ff70cd20b8d024100d62d1f78319ba15c23858b05deec40e3eab772b7f1659bdc4d18e24320\
    6487b32cb3d8e8f6ebd58ba9a33569575fbb4c22fe2a176ad6fa6000b20fab6ba2881b02401d3214bbabbd5af71d31fa3f8e\
    8b99a398d3dd2efd6d211ca0ca5f5fec043e44de9ca516d7cacae153b814ee1c7879e9b1633469cabab318548e5ce36fecad\
    ed02404e63016b8a2c7da82d50090bc30510d2d9eafe4f984829fd3d32684d4d23be0eb3c3b715bc999ff497c7a61ac1e1c5\
    b91ded8c163a02286cce945cebce5f1415024073f58028d838cd1af56dfbcbaef0ab59a175916b1e9c714c7d5d4c7aac8da0\
    bbe16106ea792fb0eae33df1ce1aee9d41d22f383f3f4f4647965da0a605d241da";
/// The public halves, by `openssl pkey -pubout -outform DER`.
const P256_PUBLIC: &str = "\
    3059301306072a8648ce3d020106082a8648ce3d03010703420004bd9308bbbaedcd541c5ad77a61dce24437894642560d70\
    35f4c4f3152a2dc271b725518489752e0f6f9234187439228776bf9b4cb5e62549704ec86035c61330";
const RSA_1024_PUBLIC: &str = "\
    30819f300d06092a864886f70d010101050003818d0030818902818100c0320315444ff979c69b8c442a0db3b331443153a4\
    d7b54ce8500915bd83109c7041c4c372e3df2390a0c3d553e6e83200acac364ff1a7f287c131257ee04925ab305e60cb0785\
    959d6d78b6a1be85e6f1c642803c785d153488ad75353ef47be810d0b5768dac1ed9e92bfbeb192b99937c1a59a4c207ac62\
    62efcc2e841fdf0203010001";

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn private_key(key_type: CK_KEY_TYPE, numbers: Attributes) -> Result<Object> {
    let mut template = numbers;
    template.set(CKA_CLASS, Value::Ulong(CKO_PRIVATE_KEY));
    template.set(CKA_KEY_TYPE, Value::Ulong(key_type));
    draft(Origin::Create, template, Attributes::new(), Login::User)?.finish(Attributes::new())
}

#[test]
fn keys_of_openssl_come_in_and_leave_byte_for_byte() {
    for (key_type, hex, public) in
        [(CKK_EC, P256, P256_PUBLIC), (CKK_RSA, RSA_1024, RSA_1024_PUBLIC)]
    {
        let der = unhex(hex);
        let key = private_key(key_type, from_pkcs8(key_type, &der).unwrap()).unwrap();
        assert_eq!(encoding(&key).unwrap().as_slice(), der);
        assert_eq!(encoding_len(&key), Ok(der.len()));
        assert_eq!(key.attributes().bytes(CKA_PUBLIC_KEY_INFO), Some(unhex(public).as_slice()));
    }
}

/// The lengths behind the table of blob sizes: OAEP part, then 8 bytes and the key padded to 8.
#[test]
fn ec_encodings_have_the_lengths_that_azure_knows() {
    use curves::Curve::*;
    for (curve, len, blob) in
        [(P256, 138, 408), (P384, 185, 456), (P521, 241, 512), (Secp256k1, 135, 400)]
    {
        let fresh = curves::PrivateKey::generate(curve).unwrap();
        let numbers = ec::attributes(&fresh).unwrap();
        let key = private_key(CKK_EC, numbers.clone()).unwrap();
        assert_eq!(encoding_len(&key), Ok(len), "{curve:?}");
        assert_eq!(256 + crypto::aes_kw::kwp_len(len), blob, "{curve:?}");
        let der = encoding(&key).unwrap();
        assert_eq!(der.len(), len);
        assert_eq!(from_pkcs8(CKK_EC, &der), Ok(numbers));
    }
}

#[test]
fn lengths_of_elements_are_those_of_der() {
    for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 100_000] {
        let content = vec![0; len];
        let der = OctetStringRef::new(&content).unwrap().to_der().unwrap();
        assert_eq!(element_len(len), der.len(), "{len}");
    }
}

/// A SEQUENCE of `parts`.
fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = OctetStringRef::new(content).unwrap().to_der().unwrap();
    der[0] = tag;
    der
}

/// PKCS#8 of the P-256 key with other parts: version, what ECPrivateKey has behind the scalar, and
/// what stands behind all.
fn variant(version: u8, inside: &[u8], behind: &[u8]) -> Vec<u8> {
    let algorithm = unhex("301306072a8648ce3d020106082a8648ce3d030107");
    let scalar = &unhex(P256)[34..68];
    let inner = sequence(&[&[2, 1, 1], scalar, inside]);
    sequence(&[&[2, 1, version], &algorithm, &tagged(4, &inner), behind])
}

#[test]
fn optional_parts_may_be_there_in_any_combination_but_must_be_right() {
    let right = from_pkcs8(CKK_EC, &unhex(P256)).unwrap();
    let bits = unhex(P256)[70..].to_vec();
    let oid = curves::Curve::P256.oid().to_der().unwrap();
    let parameters = tagged(0xa0, &oid);
    let public = tagged(0xa1, &bits);
    assert!(BitStringRef::from_der(&bits).is_ok());
    let outer_public = tagged(0x81, AnyRef::from_der(&bits).unwrap().value());
    let attributes = tagged(0xa0, &[]);
    let both = [parameters.clone(), public.clone()].concat();
    for inside in [&[][..], &parameters, &public, &both] {
        for behind in [
            vec![],
            attributes.clone(),
            outer_public.clone(),
            [attributes.clone(), outer_public.clone()].concat(),
        ] {
            for version in [0, 1] {
                let der = variant(version, inside, &behind);
                assert_eq!(
                    from_pkcs8(CKK_EC, &der).as_ref(),
                    Ok(&right),
                    "{version} {inside:x?} {behind:x?}"
                );
            }
        }
    }
}

#[test]
fn optional_parts_that_belong_to_another_key_are_refused() {
    let other = curves::PrivateKey::generate(curves::Curve::P256).unwrap();
    let other = BitStringRef::from_bytes(other.point()).unwrap().to_der().unwrap();
    let refused = Err(Error::WrappedKeyInvalid);
    assert_eq!(from_pkcs8(CKK_EC, &variant(0, &tagged(0xa1, &other), &[])), refused);
    let foreign = curves::Curve::P384.oid().to_der().unwrap();
    assert_eq!(from_pkcs8(CKK_EC, &variant(0, &tagged(0xa0, &foreign), &[])), refused);
    assert_eq!(from_pkcs8(CKK_EC, &variant(2, &[], &[])), refused);
    assert_eq!(from_pkcs8(CKK_EC, &variant(0, &[], &[5, 0])), refused);
}

#[test]
fn what_is_not_this_key_in_der_is_refused() {
    let refused = Err(Error::WrappedKeyInvalid);
    for (key_type, hex, other) in [(CKK_EC, P256, CKK_RSA), (CKK_RSA, RSA_1024, CKK_EC)] {
        let der = unhex(hex);
        assert_eq!(from_pkcs8(other, &der), refused);
        assert_eq!(from_pkcs8(CKK_AES, &der), refused);
        assert_eq!(from_pkcs8(key_type, &[&der[..], &[0]].concat()), refused);
        for len in 0..der.len() {
            assert_eq!(from_pkcs8(key_type, &der[..len]), refused);
        }
    }
}

/// Some bits do not count (the version, say), but none may lead to another key.
#[test]
fn a_flipped_bit_never_makes_another_sound_key() {
    for (key_type, hex) in [(CKK_EC, P256), (CKK_RSA, RSA_1024)] {
        let der = unhex(hex);
        let right = from_pkcs8(key_type, &der).unwrap();
        for bit in 0..8 * der.len() {
            let mut flipped = der.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(numbers) = from_pkcs8(key_type, &flipped)
                && numbers != right
            {
                assert!(private_key(key_type, numbers).is_err(), "bit {bit}");
            }
        }
    }
}

#[test]
fn an_rsa_key_without_one_crt_value_works_but_does_not_leave() {
    let mut numbers = from_pkcs8(CKK_RSA, &unhex(RSA_1024)).unwrap();
    numbers.remove(CKA_EXPONENT_1);
    let key = private_key(CKK_RSA, numbers).unwrap();
    assert_eq!(encoding(&key), Err(Error::KeyNotWrappable));
    assert_eq!(encoding_len(&key), Err(Error::KeyNotWrappable));
}

#[test]
fn public_keys_are_read_from_and_written_to_spki() {
    for hex in [P256_PUBLIC, RSA_1024_PUBLIC] {
        let der = unhex(hex);
        let template = from_spki(&der).unwrap();
        let key = draft(Origin::Create, template, Attributes::new(), Login::User).unwrap();
        let key = key.finish(Attributes::new()).unwrap();
        assert_eq!(key.attributes().bytes(CKA_PUBLIC_KEY_INFO), Some(der.as_slice()));
        assert_eq!(encoding(&key), Err(Error::KeyNotWrappable));
        assert_eq!(from_spki(&der[..der.len() - 1]), Err(Error::PublicKeyInvalid));
    }
}

#[test]
fn curves_are_named_by_identifier_or_name() {
    for known in curves::Curve::ALL {
        assert_eq!(curve(&known.oid().to_der().unwrap()), Ok(known));
    }
    assert_eq!(curve(&tagged(0x13, b"secp384r1")), Ok(curves::Curve::P384));
    assert_eq!(curve(&tagged(0x13, b"curve25519")), Err(Error::CurveNotSupported));
    assert_eq!(curve(&unhex("06052b8104001f")), Err(Error::CurveNotSupported), "secp192k1");
    assert_eq!(curve(&[0x30, 0]), Err(Error::CurveNotSupported), "explicit parameters");
    assert_eq!(curve(b"P-256"), Err(Error::AttributeValueInvalid));
    assert_eq!(curve(&[]), Err(Error::AttributeValueInvalid));
}
