//! SLH-DSA: signatures, and its keys as objects.
use crate::common::*;
use crate::derive::with;
use crate::ml_dsa::params;

/// Parameter sets; length of a signature; public key of the private one that begins with 00 01 02 …
/// up to that; SHA-256 of the deterministic signature of "message" with the context "context". Made
/// with the crate fips205 0.5.0, and, but for SHAKE_192S and SHAKE_256S, with noble-post-quantum
/// 0.7.1, which shares no code with it.
const VECTORS: [(CK_ULONG, usize, &str, &str); 12] = [
    (
        CKP_SLH_DSA_SHA2_128S,
        7856,
        "202122232425262728292a2b2c2d2e2f990ce6298792b128846a8e4a3a68954c",
        "7a761609d23a469cf8ce2d35acc603177b7f083b748493561fe57fd34bc2a6c7",
    ),
    (
        CKP_SLH_DSA_SHAKE_128S,
        7856,
        "202122232425262728292a2b2c2d2e2f89fd81fdbb5b94129b14761bdc6bf682",
        "e24064f4afe2ee40557c33edc82b3e46d05e7ff5abb6da082c5c08a2a8f5d19f",
    ),
    (
        CKP_SLH_DSA_SHA2_128F,
        17088,
        "202122232425262728292a2b2c2d2e2f3b56e816847f000386aeec2e2bb9e1b5",
        "8cf6744657b5f19defae315b07dd467376357b6b67ea48d289139cc9a8a7ec2c",
    ),
    (
        CKP_SLH_DSA_SHAKE_128F,
        17088,
        "202122232425262728292a2b2c2d2e2fa90e4715b9a925c332801767fd786371",
        "8907c75a4dfdb1e57906686ed40a980886ee7893f75c1b82b598017aca3019e4",
    ),
    (
        CKP_SLH_DSA_SHA2_192S,
        16224,
        "303132333435363738393a3b3c3d3e3f4041424344454647b6f282ce116ff59bce2d9fc4a67c6031dabdce326c34f541",
        "593dad4fa2e51eab3539ac28db7ddde277bc8f3068eab3e63862bf417331a5aa",
    ),
    (
        CKP_SLH_DSA_SHAKE_192S,
        16224,
        "303132333435363738393a3b3c3d3e3f4041424344454647eb247f955d8eca24a5860536c56b2c4d1e8d8e835eb27d2d",
        "5b4e4026c1c7079076edc002683fe9f3b8566ef8cddf9f2b446124db18026dac",
    ),
    (
        CKP_SLH_DSA_SHA2_192F,
        35664,
        "303132333435363738393a3b3c3d3e3f40414243444546479236ccebbb3a90ac2452dd89de49dab1340ec02419a2870e",
        "33a43b99830ebb6b49df8896b25758dcf885d45ac5f3071cb6ea76edec62c72f",
    ),
    (
        CKP_SLH_DSA_SHAKE_192F,
        35664,
        "303132333435363738393a3b3c3d3e3f40414243444546473f01b06bebed020a459696868d115fe8507ded8dc08e825d",
        "9abfcf564852cd3b9fe98f49e2248adbc6e7e125df85aa5a143d9c42918bc662",
    ),
    (
        CKP_SLH_DSA_SHA2_256S,
        29792,
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5fda7163e601352515bc0f06f9f4f44be71a5a65ee9dca5575cf4a7b6d4a87d6e2",
        "6d38fab0d2e1a4d3ad5ae2425c017562e0e00b80ee04e20ff1976fb38380e705",
    ),
    (
        CKP_SLH_DSA_SHAKE_256S,
        29792,
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f27ea444dbc8ca9c169fd484b9e977eb77a4f233550757e025cf180ede7e8839f",
        "1d8545337ddaf26b041b4bedb1e598c42ad97b7c30aabdef1a06f200ed5418af",
    ),
    (
        CKP_SLH_DSA_SHA2_256F,
        49856,
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f42cffe64ddbd6731063752684df77c8b58c225dc6b491208916b654ea1393176",
        "886f2dbaf1290936da7524d97f0550c8d519b572de36df9b69edf15582fd7f01",
    ),
    (
        CKP_SLH_DSA_SHAKE_256F,
        49856,
        "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f818d7e76beef979b5bbf9161fdefa21bd0fe0bfe19157a5711a8de8a8f6878e6",
        "86d0c942ea9b8cccecd5353f033ce609b88ec81c2f4ed79a1419514dc9c0629a",
    ),
];

pub fn unhex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn private(t: &Session, set: CK_ULONG, value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_SLH_DSA,
        CKA_PARAMETER_SET => set,
        CKA_VALUE => value,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ])
}

pub fn public(t: &Session, set: CK_ULONG, value: &[u8]) -> Rv<Handle> {
    t.create(&attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_SLH_DSA,
        CKA_PARAMETER_SET => set,
        CKA_VALUE => value,
    ])
}

/// The private key whose public half is in the table.
pub fn value(key: &[u8]) -> Vec<u8> {
    (0..).take(key.len()).chain(key.iter().copied()).collect()
}

#[test]
fn signatures_are_those_of_others() {
    with_token(|t| {
        for (set, len, key, expected) in VECTORS {
            let key = unhex(key);
            let private = private(t, set, &value(&key)).unwrap();
            let public = public(t, set, &key).unwrap();
            assert_eq!(t.bytes(private, CKA_PUBLIC_KEY_INFO), t.bytes(public, CKA_PUBLIC_KEY_INFO));
            let mut context = CK_SIGN_ADDITIONAL_CONTEXT {
                hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
                ..params(b"context")
            };
            let mech = with(CKM_SLH_DSA, &mut context);
            let signature = t.sign(&mech, private, b"message").unwrap();
            assert_eq!(signature.len(), len);
            let sha256 = t.digest(&Mech::new(CKM_SHA256), &signature).unwrap();
            assert_eq!(hex(&sha256), expected, "{set}");
            assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
            let wrong = t.verify(&mech, public, b"massage", &signature);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let none = t.verify(&Mech::new(CKM_SLH_DSA), public, b"message", &signature);
            assert_eq!(none, Err(CKR_SIGNATURE_INVALID));
            let short = t.verify(&mech, public, b"message", &signature[1..]);
            assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
        }
    });
}

#[test]
fn keys_are_made_wrapped_and_unwrapped() {
    with_token(|t| {
        let (kek, kwp) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
        for set in [CKP_SLH_DSA_SHA2_128F, CKP_SLH_DSA_SHAKE_192F] {
            let (public, made) = t
                .generate_pair(
                    &Mech::new(CKM_SLH_DSA_KEY_PAIR_GEN),
                    &attrs![CKA_PARAMETER_SET => set],
                    &attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false],
                )
                .unwrap();
            assert_eq!(t.ulong(made, CKA_PARAMETER_SET), Ok(set));
            let template = attrs![
                CKA_CLASS => CKO_PRIVATE_KEY,
                CKA_KEY_TYPE => CKK_SLH_DSA,
                CKA_SENSITIVE => false,
            ];
            let wrapped = t.wrap(&kwp, kek, made).unwrap();
            // RFC 9909: the octets of the key, with nothing around them
            let pkcs8 = t.decrypt(&kwp, kek, &wrapped).unwrap();
            assert!(pkcs8.ends_with(&t.bytes(made, CKA_VALUE).unwrap()));
            let again = t.unwrap(&kwp, kek, &wrapped, &template).unwrap();
            for cka in [CKA_VALUE, CKA_PARAMETER_SET, CKA_PUBLIC_KEY_INFO] {
                assert_eq!(t.bytes(again, cka), t.bytes(made, cka), "{cka:x}");
            }
            let mech = Mech::new(CKM_SLH_DSA);
            let signature = t.sign(&mech, again, b"message").unwrap();
            assert!(t.sign(&mech, made, b"message").unwrap() != signature);
            assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
        }
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let (set, _, key, _) = VECTORS[2];
        let key = unhex(key);
        let mut wrong = value(&key);
        wrong[63] ^= 1;
        assert_eq!(private(t, set, &wrong), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(private(t, set, &wrong[1..]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(private(t, 13, &value(&key)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        assert_eq!(public(t, set, &key[1..]), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let made = t.generate_pair(&Mech::new(CKM_SLH_DSA_KEY_PAIR_GEN), &attrs![], &attrs![]);
        assert_eq!(made, Err(CKR_TEMPLATE_INCOMPLETE));
        let private = private(t, set, &value(&key)).unwrap();
        for wrong in
            [CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: 3, ..params(b"") }, params(&[0; 256])]
        {
            let mut wrong = wrong;
            let started = t.sign_init(&with(CKM_SLH_DSA, &mut wrong), private);
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        }
        let mut context = params(b"");
        let other = t.sign_init(&with(CKM_ML_DSA, &mut context), private);
        assert_eq!(other, Err(CKR_KEY_TYPE_INCONSISTENT));
    });
}
