//! Verification where the signature comes first (PKCS#11 3.2, section 5.15).
use crate::common::*;
use std::ptr::null_mut;

const NOT_STARTED: Rv<()> = Err(CKR_OPERATION_NOT_INITIALIZED);
const ACTIVE: Rv<()> = Err(CKR_OPERATION_ACTIVE);

fn init(t: &Session, mech: &Mech, key: Handle, signature: &[u8]) -> Rv<()> {
    let (at, n) = (ptr(signature), len(signature));
    call!(t.C_VerifySignatureInit(t.handle, &mut mech.raw(), key, at, n))
}
fn single(t: &Session, data: &[u8]) -> Rv<()> {
    call!(t.C_VerifySignature(t.handle, ptr(data), len(data)))
}
fn update(t: &Session, part: &[u8]) -> Rv<()> {
    call!(t.C_VerifySignatureUpdate(t.handle, ptr(part), len(part)))
}
fn finish(t: &Session) -> Rv<()> {
    call!(t.C_VerifySignatureFinal(t.handle))
}
fn cancel(t: &Session) -> Rv<()> {
    call!(t.C_VerifySignatureInit(t.handle, null_mut(), 0, null_mut(), 7))
}

/// `CKA_EC_PARAMS`: the object identifier of RFC 8410.
const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];

fn text() -> Vec<u8> {
    (0..100).collect()
}

/// One of each kind: signatures and MACs, of hashes and of whole messages. Who verifies, who signs.
fn kinds(t: &Session) -> Vec<(Mech, Handle, Handle)> {
    let (rsa, ec) = (t.rsa(2048).unwrap(), t.ec(keys::P256).unwrap());
    let (mac, aes) = (t.secret(CKK_GENERIC_SECRET, &[7; 32]).unwrap(), t.secret(CKK_AES, &[7; 16]));
    let pss = Mech::with(CKM_SHA256_RSA_PKCS_PSS, |_| CK_RSA_PKCS_PSS_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        sLen: 32,
    });
    let aes = aes.unwrap();
    let make = |ckm, public: &[(CK_ATTRIBUTE_TYPE, Attr)]| {
        t.generate_pair(&Mech::new(ckm), public, &attrs![]).unwrap()
    };
    let edwards = make(CKM_EC_EDWARDS_KEY_PAIR_GEN, &attrs![CKA_EC_PARAMS => ED25519]);
    let lattice = make(CKM_ML_DSA_KEY_PAIR_GEN, &attrs![CKA_PARAMETER_SET => CKP_ML_DSA_44]);
    vec![
        (Mech::new(CKM_RSA_PKCS), rsa.0, rsa.1),
        (Mech::new(CKM_SHA256_RSA_PKCS), rsa.0, rsa.1),
        (pss, rsa.0, rsa.1),
        (Mech::new(CKM_RSA_X_509), rsa.0, rsa.1),
        (Mech::new(CKM_ECDSA), ec.0, ec.1),
        (Mech::new(CKM_ECDSA_SHA384), ec.0, ec.1),
        (Mech::new(CKM_EDDSA), edwards.0, edwards.1),
        (Mech::new(CKM_ML_DSA), lattice.0, lattice.1),
        (Mech::new(CKM_SHA256_HMAC), mac, mac),
        (Mech::new(CKM_AES_CMAC), aes, aes),
    ]
}

#[test]
fn at_once_and_in_parts() {
    with_token(|t| {
        for (mech, public, private) in kinds(t) {
            let signature = t.sign(&mech, private, &text()).unwrap();
            init(t, &mech, public, &signature).unwrap();
            single(t, &text()).unwrap();
            assert_eq!(single(t, &text()), NOT_STARTED, "it is over");
            for at in [0, 1, 64, 100] {
                init(t, &mech, public, &signature).unwrap();
                update(t, &text()[..at]).unwrap();
                update(t, &text()[at..]).unwrap();
                finish(t).unwrap();
                assert_eq!(finish(t), NOT_STARTED);
            }
        }
    });
}

#[test]
fn wrong_signatures_and_wrong_lengths() {
    with_token(|t| {
        for (mech, public, private) in kinds(t) {
            let signature = t.sign(&mech, private, &text()).unwrap();
            let both = |signature: &[u8], data: &[u8]| {
                init(t, &mech, public, signature).unwrap();
                let verdict = single(t, data);
                init(t, &mech, public, signature).unwrap();
                update(t, data).unwrap();
                assert_eq!(finish(t), verdict);
                assert_eq!(finish(t), NOT_STARTED);
                verdict
            };
            let mut damaged = signature.clone();
            damaged[5] ^= 1;
            assert_eq!(both(&damaged, &text()), Err(CKR_SIGNATURE_INVALID), "{mech:?}");
            // the first byte: raw ECDSA reads no more than its order is long
            let mut other = text();
            other[0] ^= 1;
            assert_eq!(both(&signature, &other), Err(CKR_SIGNATURE_INVALID), "{mech:?}");
            // the length is judged with the data, as by C_Verify
            let longer = [&signature[..], &[0]].concat();
            for wrong in [&signature[1..], &[], &longer] {
                assert_eq!(both(wrong, &text()), Err(CKR_SIGNATURE_LEN_RANGE), "{mech:?}");
            }
            assert_eq!(both(&signature, &text()), Ok(()));
        }
    });
}

#[test]
fn one_verification_at_a_time() {
    with_token(|t| {
        let ec = t.ec(keys::P256).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let signature = t.sign(&mech, ec.1, &text()).unwrap();
        for call in [single, update] {
            assert_eq!(call(t, &text()), NOT_STARTED);
        }
        assert_eq!(finish(t), NOT_STARTED);

        init(t, &mech, ec.0, &signature).unwrap();
        assert_eq!(init(t, &mech, ec.0, &signature), ACTIVE);
        assert_eq!(t.verify_init(&mech, ec.0), ACTIVE);
        // the functions of the other order neither feed nor end it
        assert_eq!(t.verify_update(&text()), NOT_STARTED);
        assert_eq!(t.verify_final(&signature), NOT_STARTED);
        update(t, &text()[..50]).unwrap();
        assert_eq!(single(t, &text()), ACTIVE, "in parts it cannot end at once");
        assert_eq!(update(t, &text()[50..]), NOT_STARTED, "and the refusal ends it");
        init(t, &mech, ec.0, &signature).unwrap();
        update(t, &text()[..50]).unwrap();
        update(t, &text()[50..]).unwrap();
        finish(t).unwrap();

        t.verify_init(&mech, ec.0).unwrap();
        assert_eq!(init(t, &mech, ec.0, &signature), ACTIVE);
        assert_eq!(update(t, &text()), NOT_STARTED);
        assert_eq!(single(t, &text()), NOT_STARTED);
        assert_eq!(finish(t), NOT_STARTED);
        t.verify_update(&text()).unwrap();
        t.verify_final(&signature).unwrap();
    });
}

#[test]
fn cancelled_and_logged_out() {
    with_token(|t| {
        let ec = t.ec(keys::P256).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let start = || init(t, &mech, ec.0, &[1; 64]).unwrap();
        cancel(t).unwrap();
        start();
        cancel(t).unwrap();
        assert_eq!(finish(t), NOT_STARTED);
        start();
        call!(t.C_VerifyInit(t.handle, null_mut(), 0)).unwrap();
        assert_eq!(finish(t), NOT_STARTED);
        start();
        call!(t.C_SessionCancel(t.handle, CKF_SIGN)).unwrap();
        update(t, b"x").unwrap();
        call!(t.C_SessionCancel(t.handle, CKF_VERIFY)).unwrap();
        assert_eq!(finish(t), NOT_STARTED);
        start();
        t.logout().unwrap();
        assert_eq!(finish(t), NOT_STARTED);
    });
}

/// The memory of the signature is the application's again when the call is over.
#[test]
fn the_signature_is_kept() {
    with_token(|t| {
        let ec = t.ec(keys::P256).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let mut signature = t.sign(&mech, ec.1, &text()).unwrap();
        let n = len(&signature);
        let at = signature.as_mut_ptr();
        call!(t.C_VerifySignatureInit(t.handle, &mut mech.raw(), ec.0, at, n)).unwrap();
        signature.fill(0);
        single(t, &text()).unwrap();
    });
}

/// Of a length that is absurd no more is kept than what tells that no signature is so long.
#[test]
fn absurd_lengths_are_wrong_lengths() {
    with_token(|t| {
        let (public, private) = t.ec(keys::P256).unwrap();
        let mech = Mech::new(CKM_ECDSA_SHA256);
        let mut memory = t.sign(&mech, private, &text()).unwrap();
        memory.resize(1 << 16, 0);
        for n in [1 << 16, (1 << 16) + 1, 1 << 40] {
            let at = memory.as_mut_ptr();
            call!(t.C_VerifySignatureInit(t.handle, &mut mech.raw(), public, at, n)).unwrap();
            assert_eq!(single(t, &text()), Err(CKR_SIGNATURE_LEN_RANGE), "{n}");
        }
    });
}

#[test]
fn bad_input_starts_nothing() {
    with_token(|t| {
        let (ec, aes) = (t.ec(keys::P256).unwrap(), t.aes(16).unwrap());
        let ecdsa = Mech::new(CKM_ECDSA_SHA256);
        for n in [1, 64, CK_ULONG::MAX] {
            let at = null_mut();
            let rv = call!(t.C_VerifySignatureInit(t.handle, &mut ecdsa.raw(), ec.0, at, n));
            assert_eq!(rv, Err(CKR_ARGUMENTS_BAD));
        }
        for (mech, key, expected) in [
            (Mech::new(CKM_AES_ECB), aes, CKR_MECHANISM_INVALID),
            (Mech::new(0xDEAD), ec.0, CKR_MECHANISM_INVALID),
            (Mech::bytes(CKM_ECDSA_SHA256, &[0]), ec.0, CKR_MECHANISM_PARAM_INVALID),
            (Mech::new(CKM_ECDSA_SHA256), 0, CKR_KEY_HANDLE_INVALID),
            (Mech::new(CKM_ECDSA_SHA256), aes, CKR_KEY_TYPE_INCONSISTENT),
            (Mech::new(CKM_ECDSA_SHA256), ec.1, CKR_KEY_TYPE_INCONSISTENT),
        ] {
            assert_eq!(init(t, &mech, key, &[0; 64]), Err(expected));
        }
        t.set(ec.0, &attrs![CKA_VERIFY => false]).unwrap();
        assert_eq!(init(t, &ecdsa, ec.0, &[0; 64]), Err(CKR_KEY_FUNCTION_NOT_PERMITTED));
        assert_eq!(finish(t), NOT_STARTED);
    });
}
