//! HashML-DSA: signatures over hashes of messages.
use crate::common::*;
use crate::derive::with;
use crate::ml_dsa::{params, private, public};

/// Mechanisms that hash, the digest mechanism if there is one, and the length of the hash.
const HASHES: [(CK_MECHANISM_TYPE, Option<CK_MECHANISM_TYPE>); 10] = [
    (CKM_HASH_ML_DSA_SHA224, Some(CKM_SHA224)),
    (CKM_HASH_ML_DSA_SHA256, Some(CKM_SHA256)),
    (CKM_HASH_ML_DSA_SHA384, Some(CKM_SHA384)),
    (CKM_HASH_ML_DSA_SHA512, Some(CKM_SHA512)),
    (CKM_HASH_ML_DSA_SHA3_224, Some(CKM_SHA3_224)),
    (CKM_HASH_ML_DSA_SHA3_256, Some(CKM_SHA3_256)),
    (CKM_HASH_ML_DSA_SHA3_384, Some(CKM_SHA3_384)),
    (CKM_HASH_ML_DSA_SHA3_512, Some(CKM_SHA3_512)),
    (CKM_HASH_ML_DSA_SHAKE128, None),
    (CKM_HASH_ML_DSA_SHAKE256, None),
];

/// SHA-256 of the deterministic signatures of "message" with the context "context" by the key whose
/// seed is 00 01 … 1F, in the order of [`HASHES`]. Made with the crate fips204 0.5.0; those whose
/// hash is as strong as the key, with noble-post-quantum 0.7.1 too, which refuses the others.
const SIGNATURES: [(CK_ULONG, [&str; 10]); 3] = [
    (
        CKP_ML_DSA_44,
        [
            "f787d81e3349fe1ce3ea926a8fc46c3dcfd8120b7f222d2f98034420923d590e",
            "f8d78cb19dd423a5dc8d3e82f75905cab34aeab87cf47716c7db63b49352ad06",
            "18ddf6ef075dc24f6203eb87fbfa1aaaaad72dcbb06985b6a4641c562882520f",
            "f0dcc5ad58155c8663e012ce906bafff99ff470b65f55074d3cd654a312e2543",
            "0013e7f374df74135c1dfcac9d3aa0b3b37f366ba9c8144d66fb8f04912e5bb4",
            "460ac48261966606be2b04871b0045b5e5627efbff97aa9bdd513f04420f13a6",
            "03fc84eaaa5ca71583697c0faa8691f469df5de6a965a4cb4ad9da13de586a70",
            "90b7f9caa82d20646f77a4af6e8f4c28f303a9c521e2b68e74fc384d9f8e5072",
            "1ee3c77e95f8433e7c85df844de05ac52c91a22b6cfb84f8eb89fa55d4e93e40",
            "fb07243da3fe25a92d777019dc1f619cede96a233a63bd41210fa33993ee4b6b",
        ],
    ),
    (
        CKP_ML_DSA_65,
        [
            "8c31fdaf02172ace6c2b7b0f75a1fbc9eab5bad83a1d0499d7b244ae211f6455",
            "be6fa92697ddb3152505f74c2c3d28d940e0549b0c34cc17720a4fb3b38e1e38",
            "2694bc0afb68b8704707368942b3c605118daf1be64d829d9971a0fed236ae29",
            "5ff95c87e4169d8b91c1bcf0892fc7aa3b3ac8efecfb1d27af129d3fa8f2c5fa",
            "3507486145f33c05af72817a92ca6ee891a29628a16e34515a3692624bf20420",
            "08de435abaf9b3290e10a41f92eeb9b9f1d71bbe23d0021f05e3a91d9ea2b61b",
            "dc363a039e3121077b06799127421017e1ce51da2a1537767c8f7c7f19295478",
            "f669a1137d3072e8cb84f6ffb4f6aee62d49590858981a569d24f36726a4d903",
            "2fbfd4894579c1db69a301c437f56db6ddb06caf5e02d853b127e4821168c4ee",
            "ad539039916aa584cd3ddb1f46bfb08d502c23c1660fd41f29126d15e2770282",
        ],
    ),
    (
        CKP_ML_DSA_87,
        [
            "761db9f12497d47ef516faa10339a6d04771d55374cd7829ead6cf565566a570",
            "dd007ebf2325e852636fd6bb016713d965704d740b257c4664666c09b158691e",
            "34b241c4cb60ab37c8576881e74728dfe23bc010abc14d9675803c4268614b8a",
            "d57758a0bfa39288b8f7a2e6d5315b824a8ca2bfcc4a94e4435561e0fb89db6b",
            "9fa8357fa76dd84774bfaa9d3e2c5af5ae05fe59640505e610efb8658a760913",
            "a425fc9ada4c637bc40c4fd47557408bfc181243d18a6a77b383b543826d17b7",
            "d224bed6c690a5d9490e17235de1d12a9da3d6428693212d38a3c02d9afe02ce",
            "a64ace894af9c19f021ab8e283c1f734b348b08ca4f611b248e43af5a2a365be",
            "592648d1951bc2473631960091b18f08b8d6ac2b73141fe93dabc904fa27b55d",
            "f0be77867f3486d002f4e01d520f01df2e11573681e2ac8203360b18ff3a72a0",
        ],
    ),
];

fn key(t: &Session, set: CK_ULONG) -> (Handle, Handle) {
    let seed: [u8; 32] = std::array::from_fn(|n| n as u8);
    let private = private(t, set, &attrs![CKA_SEED => &seed]).unwrap();
    let info = t.bytes(private, CKA_PUBLIC_KEY_INFO).unwrap();
    (public(t, set, &info[22..]).unwrap(), private)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash_params(hash: CK_MECHANISM_TYPE, context: &[u8]) -> CK_HASH_SIGN_ADDITIONAL_CONTEXT {
    CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
        pContext: ptr(context),
        ulContextLen: len(context),
        hash,
    }
}

#[test]
fn signatures_are_those_of_others() {
    with_token(|t| {
        for (set, expected) in SIGNATURES {
            let (public, private) = key(t, set);
            for ((ckm, digest), expected) in HASHES.into_iter().zip(expected) {
                let mut context = CK_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
                    ..params(b"context")
                };
                let mech = with(ckm, &mut context);
                let signature = t.sign(&mech, private, b"message").unwrap();
                let sha256 = t.digest(&Mech::new(CKM_SHA256), &signature).unwrap();
                assert_eq!(hex(&sha256), expected, "{ckm:x}");
                assert_eq!(t.verify(&mech, public, b"message", &signature), Ok(()));
                // the same, of a hash that the application makes
                let Some(digest) = digest else { continue };
                let hash = t.digest(&Mech::new(digest), b"message").unwrap();
                let mut context = hash_params(digest, b"context");
                let mech = with(CKM_HASH_ML_DSA, &mut context);
                assert!(t.sign(&mech, private, &hash).unwrap() == signature, "{digest:x}");
                assert_eq!(t.verify(&mech, public, &hash, &signature), Ok(()));
            }
        }
    });
}

#[test]
fn every_byte_counts() {
    with_token(|t| {
        let (public, private) = key(t, CKP_ML_DSA_65);
        for (ckm, _) in HASHES {
            // hedged, without a parameter
            let mech = Mech::new(ckm);
            t.sign_init(&mech, private).unwrap();
            t.sign_update(b"mess").unwrap();
            t.sign_update(b"age").unwrap();
            let signature = t.sign_final().unwrap();
            assert!(t.sign(&mech, private, b"message").unwrap() != signature);
            t.verify_init(&mech, public).unwrap();
            t.verify_update(b"messag").unwrap();
            t.verify_update(b"e").unwrap();
            assert_eq!(t.verify_final(&signature), Ok(()));
            let wrong = t.verify(&mech, public, b"massage", &signature);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let mut other = params(b"context");
            let wrong = t.verify(&with(ckm, &mut other), public, b"message", &signature);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let pure = t.verify(&Mech::new(CKM_ML_DSA), public, b"message", &signature);
            assert_eq!(pure, Err(CKR_SIGNATURE_INVALID));
            let short = t.verify(&mech, public, b"message", &signature[1..]);
            assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
        }
    });
}

/// "Single-part operations only": a part ends the operation.
#[test]
fn a_hash_is_signed_and_verified_in_one_part() {
    with_token(|t| {
        let (public, private) = key(t, CKP_ML_DSA_44);
        let mut good = hash_params(CKM_SHA256, b"");
        let mech = with(CKM_HASH_ML_DSA, &mut good);
        let unsupported = Err(CKR_FUNCTION_NOT_SUPPORTED);
        t.sign_init(&mech, private).unwrap();
        assert_eq!(t.sign_update(&[1; 32]), unsupported);
        t.verify_init(&mech, public).unwrap();
        assert_eq!(t.verify_update(&[1; 32]), unsupported);
        let signature = t.sign(&mech, private, &[1; 32]).unwrap();
        let h = t.handle;
        let (at, n) = (ptr(&signature), len(&signature));
        let init = || call!(t.C_VerifySignatureInit(h, &mut mech.raw(), public, at, n));
        init().unwrap();
        assert_eq!(call!(t.C_VerifySignatureUpdate(h, ptr(&[1; 32]), 32)), unsupported);
        init().unwrap();
        assert_eq!(call!(t.C_VerifySignature(h, ptr(&[1; 32]), 32)), Ok(()));
    });
}

#[test]
fn what_cannot_be_is_refused() {
    with_token(|t| {
        let (public, private) = key(t, CKP_ML_DSA_44);
        let without = t.sign_init(&Mech::new(CKM_HASH_ML_DSA), private);
        assert_eq!(without, Err(CKR_MECHANISM_PARAM_INVALID));
        let good = hash_params(CKM_SHA256, b"");
        for wrong in [
            hash_params(CKM_SHA_1, b""),
            hash_params(CKM_SHA256_HMAC, b""),
            hash_params(CKM_HASH_ML_DSA_SHAKE128, b""),
            hash_params(CKM_SHA256, &[0; 256]),
            CK_HASH_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: 3, ..good },
            CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                pContext: std::ptr::null_mut(),
                ulContextLen: 1,
                ..good
            },
        ] {
            let mut wrong = wrong;
            let started = t.sign_init(&with(CKM_HASH_ML_DSA, &mut wrong), private);
            assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        }
        let mut pure = params(b"");
        let started = t.sign_init(&with(CKM_HASH_ML_DSA, &mut pure), private);
        assert_eq!(started, Err(CKR_MECHANISM_PARAM_INVALID));
        let mut good = good;
        let mech = with(CKM_HASH_ML_DSA, &mut good);
        for len in [0, 31, 33, 64] {
            let signed = t.sign(&mech, private, &vec![1; len]);
            assert_eq!(signed, Err(CKR_DATA_LEN_RANGE), "{len}");
            let verified = t.verify(&mech, public, &vec![1; len], &[0; 2420]);
            assert_eq!(verified, Err(CKR_DATA_LEN_RANGE), "{len}");
        }
        let short = t.verify(&mech, public, &[1; 32], &[0; 2419]);
        assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
    });
}
