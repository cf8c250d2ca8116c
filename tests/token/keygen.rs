//! `C_GenerateKey` and `C_GenerateKeyPair`.
use crate::common::*;
use std::ptr::null_mut;

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

fn rsa(t: &Session, bits: usize, exponent: &[u8]) -> Rv<(Handle, Handle)> {
    let public = attrs![CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => exponent];
    t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &[])
}

fn ec(t: &Session, params: &[u8]) -> Rv<(Handle, Handle)> {
    let public = attrs![CKA_EC_PARAMS => params];
    t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &[])
}

fn bits(number: &[u8]) -> usize {
    number.len() * 8 - number[0].leading_zeros() as usize
}

#[test]
fn rsa_pairs_of_several_sizes_and_exponents() {
    with_token(|t| {
        let sign = Mech::new(CKM_SHA256_RSA_PKCS);
        let (f4, f5) = (&[1, 0, 1][..], &[1, 0, 0, 0, 1][..]);
        let odd = &[0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x61][..];
        let (e3, e17, e16) = (&[3][..], &[17][..], &[0xFF, 0xFF][..]);
        for (size, exponent) in [
            (1024, f4),
            (1024, f5),
            (1024, odd),
            (1024, e16),
            (1032, f4),
            (1033, e3),
            (2048, e3),
            (2048, e17),
            (2048, f4),
        ] {
            let (public, private) = rsa(t, size, exponent).unwrap();
            for key in [public, private] {
                assert_eq!(bits(&t.bytes(key, CKA_MODULUS).unwrap()), size);
                assert_eq!(t.bytes(key, CKA_PUBLIC_EXPONENT).unwrap(), exponent);
            }
            assert_eq!(t.ulong(public, CKA_MODULUS_BITS), Ok(size as CK_ULONG));
            let signature = t.sign(&sign, private, b"a message").unwrap();
            assert_eq!(signature.len(), size.div_ceil(8));
            t.verify(&sign, public, b"a message", &signature).unwrap();
        }
        let (zero_padded, _) = rsa(t, 1024, &[0, 0, 1, 0, 1]).unwrap();
        assert_eq!(t.bytes(zero_padded, CKA_PUBLIC_EXPONENT).unwrap(), f4);
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let without = attrs![CKA_MODULUS_BITS => 1024usize];
        let (public, _) = t.generate_pair(&mech, &without, &[]).unwrap();
        assert_eq!(t.bytes(public, CKA_PUBLIC_EXPONENT).unwrap(), f4);
    });
}

#[test]
fn rsa_pairs_that_are_not_made() {
    with_token(|t| {
        let invalid = Err(CKR_ATTRIBUTE_VALUE_INVALID);
        let even = [1, 0, 2];
        for exponent in [&[1][..], &[2], &[16], &[], &[0], &even, &[0, 1], &[1; 33]] {
            assert_eq!(rsa(t, 2048, exponent), invalid, "{exponent:?}");
        }
        for size in [0, 512, 1000, 1023, 8193, 8200, 16384, usize::MAX] {
            assert_eq!(rsa(t, size, &[1, 0, 1]), Err(CKR_KEY_SIZE_RANGE), "{size}");
        }
        let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
        let none = t.generate_pair(&mech, &[], &[]);
        assert_eq!(none, Err(CKR_TEMPLATE_INCOMPLETE));
        let wrong = attrs![CKA_MODULUS_BITS => 1024usize, CKA_KEY_TYPE => CKK_EC];
        let wrong = t.generate_pair(&mech, &wrong, &[]);
        assert_eq!(wrong, Err(CKR_TEMPLATE_INCONSISTENT));
        let parameter = Mech::bytes(CKM_RSA_PKCS_KEY_PAIR_GEN, b"x");
        let public = attrs![CKA_MODULUS_BITS => 1024usize];
        let given = t.generate_pair(&parameter, &public, &[]);
        assert_eq!(given, Err(CKR_MECHANISM_PARAM_INVALID));
        assert!(t.find(&[]).unwrap().is_empty());
    });
}

#[test]
fn small_rsa_keys_can_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyferry.toml");
    std::fs::write(&file, "store = 'memory:'\nmin_rsa_bits = 2048\n").unwrap();
    with_store(&format!("config={}", file.display()), |p| {
        let t = p.token(0).unwrap();
        assert_eq!(rsa(&t, 1024, &[1, 0, 1]), Err(CKR_KEY_SIZE_RANGE));
        assert_eq!(rsa(&t, 2047, &[1, 0, 1]), Err(CKR_KEY_SIZE_RANGE));
        let small = t.import_rsa_public(&[0xC1; 128], &[1, 0, 1]);
        assert_eq!(small, Err(CKR_KEY_SIZE_RANGE));
        assert!(t.import_rsa_public(&[0xC1; 256], &[1, 0, 1]).is_ok());
        assert!(rsa(&t, 2048, &[1, 0, 1]).is_ok());
    });
    std::fs::write(&file, "store = 'memory:'\nmin_rsa_bit = 2048\n").unwrap();
    let _alone = alone();
    let mistyped = Pkcs11::new().initialize(&format!("config={}", file.display()));
    assert_eq!(mistyped, Err(CKR_ARGUMENTS_BAD));
}

#[test]
fn four_curves_by_oid_and_by_name() {
    with_token(|t| {
        let ecdsa = Mech::new(CKM_ECDSA);
        for (oid, name, len) in [
            (keys::P256, "secp256r1", 32),
            (keys::P384, "secp384r1", 48),
            (keys::P521, "secp521r1", 66),
            (keys::SECP256K1, "secp256k1", 32),
        ] {
            let text = [&[0x13, name.len() as u8], name.as_bytes()].concat();
            for params in [oid, &text] {
                let (public, private) = ec(t, params).unwrap();
                for key in [public, private] {
                    assert_eq!(t.bytes(key, CKA_EC_PARAMS).unwrap(), oid, "always the OID");
                }
                let point = t.bytes(public, CKA_EC_POINT).unwrap();
                assert_eq!((point[0], point[point.len() - 2 * len - 1]), (4, 4));
                assert_eq!(t.bytes(private, CKA_EC_POINT).unwrap(), point);
                let signature = t.sign(&ecdsa, private, &[9; 32]).unwrap();
                assert_eq!(signature.len(), 2 * len);
                t.verify(&ecdsa, public, &[9; 32], &signature).unwrap();
            }
        }
    });
}

#[test]
fn curves_that_are_not_here() {
    with_token(|t| {
        let brainpool = &[6, 9, 0x2B, 0x24, 3, 3, 2, 8, 1, 1, 7][..];
        let unknown = Err(CKR_CURVE_NOT_SUPPORTED);
        for params in [brainpool, b"\x13\x09secp192r1", &[5, 0], &[0x30, 0]] {
            assert_eq!(ec(t, params), unknown, "{params:?}");
        }
        for params in [&b"not DER"[..], &[], &keys::P256[..5]] {
            assert_eq!(ec(t, params), Err(CKR_ATTRIBUTE_VALUE_INVALID), "{params:?}");
        }
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        let none = t.generate_pair(&mech, &[], &[]);
        assert_eq!(none, Err(CKR_TEMPLATE_INCOMPLETE));
        assert!(t.find(&[]).unwrap().is_empty());
    });
}

#[test]
fn secret_keys_of_every_length() {
    with_token(|t| {
        let make = |ckm, len: usize, more: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
            let len = attrs![CKA_VALUE_LEN => len];
            t.generate(&Mech::new(ckm), &[&len[..], more].concat())
        };
        let shown = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let (aes, generic) = (CKM_AES_KEY_GEN, CKM_GENERIC_SECRET_KEY_GEN);
        for (ckm, len) in [(aes, 16), (aes, 24), (aes, 32), (generic, 16), (generic, 4096)] {
            let values = [0, 1].map(|_| {
                let key = make(ckm, len, &shown).unwrap();
                assert_eq!(t.ulong(key, CKA_VALUE_LEN), Ok(len as CK_ULONG));
                assert_eq!(t.ulong(key, CKA_KEY_GEN_MECHANISM), Ok(ckm));
                t.bytes(key, CKA_VALUE).unwrap()
            });
            assert_eq!(values[0].len(), len);
            assert_ne!(values[0], values[1]);
        }
        for (ckm, len) in
            [(aes, 0), (aes, 15), (aes, 20), (aes, 64), (generic, 0), (generic, 1 << 20)]
        {
            assert_eq!(make(ckm, len, &[]), Err(CKR_KEY_SIZE_RANGE), "{len}");
        }
        let mech = Mech::new(CKM_AES_KEY_GEN);
        assert_eq!(t.generate(&mech, &[]), Err(CKR_TEMPLATE_INCOMPLETE));
        let known = make(aes, 16, &attrs![CKA_VALUE => &[0; 16]]);
        assert_eq!(known, Err(CKR_TEMPLATE_INCONSISTENT));
        let other = make(aes, 16, &attrs![CKA_KEY_TYPE => CKK_GENERIC_SECRET]);
        assert_eq!(other, Err(CKR_TEMPLATE_INCONSISTENT));
        let other = make(aes, 16, &attrs![CKA_CLASS => CKO_PRIVATE_KEY]);
        assert_eq!(other, Err(CKR_TEMPLATE_INCONSISTENT));
        let pair = t.generate(&Mech::new(CKM_EC_KEY_PAIR_GEN), &[]);
        assert_eq!(pair, Err(CKR_MECHANISM_INVALID));
    });
}

/// What a template leaves out.
#[test]
fn defaults_are_those_of_the_standard_and_safe() {
    with_token(|t| {
        let flags = |key, expected: &[(CK_ATTRIBUTE_TYPE, bool)]| {
            for (cka, value) in expected {
                assert_eq!(t.flag(key, *cka), Ok(*value), "0x{cka:x}");
            }
        };
        let hidden = [
            (CKA_TOKEN, false),
            (CKA_PRIVATE, true),
            (CKA_SENSITIVE, true),
            (CKA_ALWAYS_SENSITIVE, true),
            (CKA_EXTRACTABLE, false),
            (CKA_NEVER_EXTRACTABLE, true),
            (CKA_LOCAL, true),
            (CKA_MODIFIABLE, true),
            (CKA_WRAP_WITH_TRUSTED, false),
        ];
        let (public, private) = rsa(t, 1024, &[1, 0, 1]).unwrap();
        flags(private, &hidden);
        flags(private, &[(CKA_DECRYPT, true), (CKA_SIGN, true), (CKA_UNWRAP, true)]);
        flags(private, &[(CKA_ALWAYS_AUTHENTICATE, false), (CKA_DERIVE, false)]);
        flags(public, &[(CKA_PRIVATE, false), (CKA_LOCAL, true), (CKA_TRUSTED, false)]);
        flags(public, &[(CKA_ENCRYPT, true), (CKA_VERIFY, true), (CKA_WRAP, true)]);
        for key in [public, private] {
            let made_by = t.ulong(key, CKA_KEY_GEN_MECHANISM);
            assert_eq!(made_by, Ok(CKM_RSA_PKCS_KEY_PAIR_GEN));
        }
        let (public, private) = ec(t, keys::P256).unwrap();
        flags(private, &hidden);
        flags(private, &[(CKA_SIGN, true), (CKA_DECRYPT, false)]);
        flags(public, &[(CKA_VERIFY, true), (CKA_WRAP, false), (CKA_ENCRYPT, false)]);
        let mech = Mech::new(CKM_AES_KEY_GEN);
        let aes = t.generate(&mech, &attrs![CKA_VALUE_LEN => 32usize]).unwrap();
        // PKCS#11 3.2, section 4.10: a secret key is sensitive only if the template says so
        flags(aes, &[(CKA_PRIVATE, true), (CKA_SENSITIVE, false), (CKA_ALWAYS_SENSITIVE, false)]);
        flags(aes, &[(CKA_EXTRACTABLE, false), (CKA_NEVER_EXTRACTABLE, true), (CKA_LOCAL, true)]);
        flags(aes, &[(CKA_ENCRYPT, true), (CKA_DECRYPT, true), (CKA_WRAP, true)]);
        flags(aes, &[(CKA_DERIVE, false)]);
        assert_eq!(t.bytes(aes, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE), "not extractable");

        // what was said is remembered: always and never do not come back
        let open =
            attrs![CKA_VALUE_LEN => 32usize, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let aes = t.generate(&mech, &open).unwrap();
        t.set(aes, &attrs![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false]).unwrap();
        flags(aes, &[(CKA_SENSITIVE, true), (CKA_ALWAYS_SENSITIVE, false)]);
        flags(aes, &[(CKA_EXTRACTABLE, false), (CKA_NEVER_EXTRACTABLE, false)]);
    });
}

/// If one half cannot be, neither is.
#[test]
fn pairs_come_whole() {
    with_token(|t| {
        let good: Template = attrs![CKA_EC_PARAMS => keys::P256, CKA_TOKEN => true].to_vec();
        let mech = Mech::new(CKM_EC_KEY_PAIR_GEN);
        for (bad, code) in [
            (attrs![CKA_LOCAL => true], CKR_ATTRIBUTE_READ_ONLY),
            (attrs![CKA_VALUE => &[1; 32]], CKR_TEMPLATE_INCONSISTENT),
            (attrs![CKA_MODULUS_BITS => 1024usize], CKR_ATTRIBUTE_TYPE_INVALID),
            (attrs![CKA_CLASS => CKO_PUBLIC_KEY], CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(t.generate_pair(&mech, &good, &bad), Err(code));
        }
        let mut raw = RawTemplate::new(&good);
        let (mut mechanism, mut public) = (mech.raw(), 0);
        let nowhere = call!(t.C_GenerateKeyPair(
            t.handle,
            &mut mechanism,
            raw.ptr(),
            raw.count(),
            null_mut(),
            0,
            &mut public,
            null_mut()
        ));
        assert_eq!(nowhere, Err(CKR_ARGUMENTS_BAD));
        assert!(t.find(&[]).unwrap().is_empty());
        // halves need not be alike
        let private = attrs![CKA_TOKEN => false, CKA_LABEL => "private"];
        let (public, private) = t.generate_pair(&mech, &good, &private).unwrap();
        assert_eq!(t.flag(public, CKA_TOKEN), Ok(true));
        assert_eq!(t.flag(private, CKA_TOKEN), Ok(false));
    });
}
