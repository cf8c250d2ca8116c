//! The public half of a private key: of every type, next to the half that was generated with it, and of
//! keys that OpenSSL made next to what `openssl pkey -pubout` says.
use super::derive::derive;
use super::openssl::Bench;
use crate::common::*;

const FROM_PRIVATE: CK_MECHANISM_TYPE = CKM_PUB_KEY_FROM_PRIV_KEY;
const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];
const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

/// For each type of key the mechanism that makes pairs, its template, and what tells one key from
/// another.
fn kinds() -> Vec<(CK_KEY_TYPE, CK_MECHANISM_TYPE, Template, Vec<CK_ATTRIBUTE_TYPE>)> {
    let point = vec![CKA_EC_PARAMS, CKA_EC_POINT];
    let value = vec![CKA_PARAMETER_SET, CKA_VALUE];
    let set = |set: CK_ULONG| attrs![CKA_PARAMETER_SET => set].to_vec();
    let curve = |curve: &[u8]| attrs![CKA_EC_PARAMS => curve].to_vec();
    vec![
        (
            CKK_RSA,
            CKM_RSA_PKCS_KEY_PAIR_GEN,
            attrs![CKA_MODULUS_BITS => 1031usize].to_vec(),
            vec![CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_MODULUS_BITS],
        ),
        (CKK_EC, CKM_EC_KEY_PAIR_GEN, curve(keys::P256), point.clone()),
        (CKK_EC, CKM_EC_KEY_PAIR_GEN, curve(keys::P521), point.clone()),
        (CKK_EC, CKM_EC_KEY_PAIR_GEN, curve(keys::SECP256K1), point.clone()),
        (CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(ED25519), point.clone()),
        (CKK_EC_MONTGOMERY, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(X25519), point),
        (CKK_ML_DSA, CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_65), value.clone()),
        (CKK_ML_KEM, CKM_ML_KEM_KEY_PAIR_GEN, set(CKP_ML_KEM_768), value.clone()),
        (CKK_SLH_DSA, CKM_SLH_DSA_KEY_PAIR_GEN, set(CKP_SLH_DSA_SHA2_128F), value),
    ]
}

#[test]
fn public_halves_of_every_type_are_those_of_the_pair() {
    with_token(|t| {
        let mech = Mech::new(FROM_PRIVATE);
        for (key_type, made_by, template, telling) in kinds() {
            // neither CKA_DERIVE nor a login of its own is needed for what is no secret
            let open = attrs![CKA_ALWAYS_AUTHENTICATE => true];
            let (public, private) = t.generate_pair(&Mech::new(made_by), &template, &open).unwrap();
            let half = derive(t, &mech, private, &[]).unwrap();
            assert_eq!(t.ulong(half, CKA_CLASS), Ok(CKO_PUBLIC_KEY));
            assert_eq!(t.ulong(half, CKA_KEY_TYPE), Ok(key_type));
            for cka in telling.iter().chain(&[CKA_PUBLIC_KEY_INFO]) {
                assert_eq!(t.bytes(half, *cka), t.bytes(public, *cka), "{key_type} {cka:x}");
            }
            assert_eq!(t.flag(half, CKA_LOCAL), Ok(false));
            assert_eq!(t.flag(half, CKA_TOKEN), Ok(false));
            let asked = attrs![
                CKA_CLASS => CKO_PUBLIC_KEY,
                CKA_KEY_TYPE => key_type,
                CKA_TOKEN => true,
                CKA_LABEL => "half",
            ];
            let half = derive(t, &mech, private, &asked).unwrap();
            assert_eq!(t.bytes(half, CKA_LABEL), Ok(b"half".to_vec()));
            assert_eq!(t.flag(half, CKA_TOKEN), Ok(true));
            // a public key has no public half
            assert_eq!(derive(t, &mech, public, &[]), Err(CKR_KEY_TYPE_INCONSISTENT));
        }
    });
}

#[test]
fn a_derived_public_half_verifies() {
    with_token(|t| {
        let (_, private) = t.ec(keys::P384).unwrap();
        let half = derive(t, &Mech::new(FROM_PRIVATE), private, &[]).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA384);
        let signature = t.sign(&mech, private, b"text").unwrap();
        assert_eq!(t.verify(&mech, half, b"text", &signature), Ok(()));
    });
}

/// Keys that OpenSSL made are unwrapped, so that nothing but the private key is there.
#[test]
fn public_halves_are_those_that_openssl_computes() {
    with_token(|t| {
        let bench = Bench::new(t);
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        for (key_type, options) in [
            (CKK_RSA, "RSA -pkeyopt rsa_keygen_bits:2048"),
            (CKK_EC, "EC -pkeyopt ec_paramgen_curve:P-256"),
            (CKK_EC, "EC -pkeyopt ec_paramgen_curve:P-384"),
            (CKK_EC_EDWARDS, "ED25519"),
            (CKK_EC_MONTGOMERY, "X25519"),
        ] {
            let spki = bench.make_key(&format!("-algorithm {options}"));
            let pkcs8 = bench.openssl("pkcs8 -topk8 -nocrypt -in private.pem -outform DER");
            let wrapped = t.encrypt(&kwp, kek, &pkcs8).unwrap();
            let template = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => key_type];
            let private = t.unwrap(&kwp, kek, &wrapped, &template).unwrap();
            let half = derive(t, &Mech::new(FROM_PRIVATE), private, &[]).unwrap();
            assert_eq!(t.bytes(half, CKA_PUBLIC_KEY_INFO), Ok(spki), "{options}");
        }
    });
}

#[test]
fn what_is_no_private_key_has_no_public_half() {
    with_token(|t| {
        let mech = Mech::new(FROM_PRIVATE);
        let aes = t.aes(32).unwrap();
        assert_eq!(derive(t, &mech, aes, &[]), Err(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(derive(t, &mech, 0x7777, &[]), Err(CKR_KEY_HANDLE_INVALID));
        let (_, private) = t.ec(keys::P256).unwrap();
        let parameter = Mech::bytes(FROM_PRIVATE, b"x");
        assert_eq!(derive(t, &parameter, private, &[]), Err(CKR_MECHANISM_PARAM_INVALID));
        for wrong in [
            attrs![CKA_CLASS => CKO_SECRET_KEY],
            attrs![CKA_KEY_TYPE => CKK_RSA],
            attrs![CKA_EC_PARAMS => keys::P384],
        ] {
            let refused = derive(t, &mech, private, &wrong);
            assert_eq!(refused, Err(CKR_TEMPLATE_INCONSISTENT));
        }
        // but a key that is kept for other mechanisms is kept for them
        let only: &[CK_ULONG] = &[CKM_ECDSA];
        let kept = attrs![CKA_ALLOWED_MECHANISMS => only];
        let public = attrs![CKA_EC_PARAMS => keys::P256];
        let (_, kept) = t.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &kept).unwrap();
        assert_eq!(derive(t, &mech, kept, &[]), Err(CKR_MECHANISM_INVALID));
    });
}
