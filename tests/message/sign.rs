//! Message after message signed and verified: what `C_Sign` signs and `C_Verify` takes.
use crate::common::*;
use crate::fixture::Messages;

const DATA: [&[u8]; 3] = [b"first message", b"", b"third"];

/// Whether messages and operations agree on each other's signatures.
fn agree(t: &Session, mech: &Mech, public: Handle, private: Handle, data: &[&[u8]]) {
    t.signs(mech, private).unwrap();
    t.verifies(mech, public).unwrap();
    for data in data {
        let signature = t.sign_message(data).unwrap();
        t.verify(mech, public, data, &signature).unwrap();
        t.verify_message(data, &signature).unwrap();
        t.verify_message(data, &t.sign(mech, private, data).unwrap()).unwrap();

        t.sign_begin().unwrap();
        t.verify_begin().unwrap();
        for byte in data.iter() {
            t.sign_next(&[*byte]).unwrap();
            t.verify_next(&[*byte]).unwrap();
        }
        let signature = t.sign_last(b"").unwrap();
        t.verify_last(b"", &signature).unwrap();
        t.verify_message(data, &signature).unwrap();

        let mut wrong = signature.clone();
        wrong[signature.len() / 2] ^= 1;
        assert_eq!(t.verify_message(data, &wrong), Err(CKR_SIGNATURE_INVALID), "{mech:?}");
        let short = t.verify_message(data, &signature[1..]);
        assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE), "{mech:?}");
    }
    t.signs_no_more().unwrap();
    t.verifies_no_more().unwrap();
}

#[test]
fn rsa() {
    with_token(|t| {
        let (public, private) = t.rsa(2048).unwrap();
        let pss = Mech::with(CKM_SHA256_RSA_PKCS_PSS, |_| CK_RSA_PKCS_PSS_PARAMS {
            hashAlg: CKM_SHA256,
            mgf: CKG_MGF1_SHA256,
            sLen: 32,
        });
        for mech in [Mech::new(CKM_RSA_PKCS), Mech::new(CKM_SHA384_RSA_PKCS), pss] {
            agree(t, &mech, public, private, &DATA);
        }
        let digest = Mech::with(CKM_RSA_PKCS_PSS, |_| CK_RSA_PKCS_PSS_PARAMS {
            hashAlg: CKM_SHA256,
            mgf: CKG_MGF1_SHA256,
            sLen: 20,
        });
        agree(t, &digest, public, private, &[&[7; 32]]);
        assert_eq!(
            t.signs(&Mech::new(CKM_RSA_PKCS_PSS), private),
            Err(CKR_MECHANISM_PARAM_INVALID)
        );
    });
}

#[test]
fn curves() {
    with_token(|t| {
        for curve in [keys::P256, keys::P384] {
            let (public, private) = t.ec(curve).unwrap();
            agree(t, &Mech::new(CKM_ECDSA), public, private, &[&[7; 32], &[8; 48]]);
            for ckm in [CKM_ECDSA_SHA256, CKM_ECDSA_SHA3_512] {
                agree(t, &Mech::new(ckm), public, private, &DATA);
            }
            // what one message cannot be, the next may
            t.signs(&Mech::new(CKM_ECDSA), private).unwrap();
            assert_eq!(t.sign_message(b""), Err(CKR_DATA_LEN_RANGE));
            t.sign_begin().unwrap();
            assert_eq!(t.sign_next(&[1; 2000]), Err(CKR_DATA_LEN_RANGE));
            assert_eq!(t.sign_next(b"x"), Err(CKR_OPERATION_NOT_INITIALIZED));
            t.sign_message(&[1; 32]).unwrap();
            t.signs_no_more().unwrap();
        }
    });
}

#[test]
fn ed25519_and_ml_dsa() {
    with_token(|t| {
        let ed25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];
        for (generate, parameter, sign) in [
            (
                CKM_EC_EDWARDS_KEY_PAIR_GEN,
                (CKA_EC_PARAMS, Attr::from(ed25519)),
                Mech::new(CKM_EDDSA),
            ),
            (
                CKM_ML_DSA_KEY_PAIR_GEN,
                (CKA_PARAMETER_SET, Attr::from(CKP_ML_DSA_65)),
                Mech::new(CKM_ML_DSA),
            ),
        ] {
            let public = [parameter, (CKA_VERIFY, Attr::from(true))];
            let private = attrs![CKA_SIGN => true];
            let (public, private) =
                t.generate_pair(&Mech::new(generate), &public, &private).unwrap();
            agree(t, &sign, public, private, &DATA);
        }
    });
}

#[test]
fn macs() {
    with_token(|t| {
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_GENERIC_SECRET,
            CKA_VALUE => &[7; 32],
            CKA_SIGN => true,
            CKA_VERIFY => true,
        ];
        let key = t.create(&template).unwrap();
        agree(t, &Mech::new(CKM_SHA256_HMAC), key, key, &DATA);
        let general = Mech::with(CKM_SHA512_HMAC_GENERAL, |_| 20 as CK_ULONG);
        agree(t, &general, key, key, &DATA);
        let template = attrs![CKA_VALUE_LEN => 16usize, CKA_SIGN => true, CKA_VERIFY => true];
        let aes = t.generate(&Mech::new(CKM_AES_KEY_GEN), &template).unwrap();
        agree(t, &Mech::new(CKM_AES_CMAC), aes, aes, &DATA);
        // GMAC's vector is for one message
        let gmac = Mech::new(CKM_AES_GMAC);
        assert_eq!(t.signs(&gmac, aes), Err(CKR_MECHANISM_INVALID));
        assert_eq!(t.verifies(&gmac, aes), Err(CKR_MECHANISM_INVALID));
    });
}
