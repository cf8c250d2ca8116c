//! KEKs and targets that the chapters share. RSA keys are made once and imported by each test.
use crate::common::*;
use keyferry::crypto::oaep::Oaep;
use keyferry::crypto::rsa::{Crt, Parts, PrivateKey};
use keyferry::crypto::rsa_keygen;
use keyferry::crypto::{Secret, Threads, Workers, aes_kw, oaep};
use parking_lot::Mutex;
use rsa::pkcs1::{RsaPrivateKey, UintRef, der::Decode};
use std::collections::BTreeMap;

pub type Attrs = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

/// The hash functions of OAEP with their MGF.
pub const HASHES: [(CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE); 5] = [
    (CKM_SHA_1, CKG_MGF1_SHA1),
    (CKM_SHA224, CKG_MGF1_SHA224),
    (CKM_SHA256, CKG_MGF1_SHA256),
    (CKM_SHA384, CKG_MGF1_SHA384),
    (CKM_SHA512, CKG_MGF1_SHA512),
];

/// The Azure profile in full.
pub fn azure() -> Mech {
    Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, b"")
}

/// The numbers of an RSA key: always the same for the same size and name.
pub fn numbers(bits: usize, name: &'static str) -> &'static Parts {
    static MADE: Mutex<BTreeMap<(usize, &str), &'static Parts>> = Mutex::new(BTreeMap::new());
    MADE.lock().entry((bits, name)).or_insert_with(|| {
        if bits == 8192 {
            // half a minute to make
            return numbers_of_pem(include_str!("../data/rsa-8192.pem"));
        }
        let made = rsa_keygen::generate(bits, &[1, 0, 1], &Workers::new(Threads::Two))
            .expect("an RSA key");
        Box::leak(Box::new(made))
    })
}

/// The numbers of a key in PKCS#1.
pub fn numbers_of_pem(pem: &str) -> &'static Parts {
    let (_, der) = der::pem::decode_vec(pem.as_bytes()).unwrap();
    let key = RsaPrivateKey::<UintRef<'_>>::from_der(&der).unwrap();
    let secret = |number: UintRef<'_>| Secret::new(number.as_bytes().to_vec());
    Box::leak(Box::new(Parts {
        n: key.modulus.as_bytes().to_vec(),
        e: key.public_exponent.as_bytes().to_vec(),
        d: secret(key.private_exponent),
        crt: Some(Crt {
            p: secret(key.prime1),
            q: secret(key.prime2),
            dp: secret(key.exponent1),
            dq: secret(key.exponent2),
            qinv: secret(key.coefficient),
        }),
    }))
}

/// The template of a public key, and then `more`.
pub fn public_key(key: &Parts, more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Attrs {
    let template = attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_MODULUS => &key.n,
        CKA_PUBLIC_EXPONENT => &key.e,
    ];
    [&template, more].concat()
}

/// The template of a private key with its CRT values, and then `more`.
pub fn private_key(key: &Parts, more: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> Attrs {
    let crt = key.crt.as_ref().expect("CRT values");
    let template = attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_MODULUS => &key.n,
        CKA_PUBLIC_EXPONENT => &key.e,
        CKA_PRIVATE_EXPONENT => key.d.as_slice(),
        CKA_PRIME_1 => crt.p.as_slice(),
        CKA_PRIME_2 => crt.q.as_slice(),
        CKA_EXPONENT_1 => crt.dp.as_slice(),
        CKA_EXPONENT_2 => crt.dq.as_slice(),
        CKA_COEFFICIENT => crt.qinv.as_slice(),
    ];
    [&template, more].concat()
}

/// A KEK, both halves on one token.
#[derive(Clone, Copy)]
pub struct Kek {
    pub public: Handle,
    pub private: Handle,
    pub numbers: &'static Parts,
}

impl Kek {
    pub fn new(s: &Session, bits: usize) -> Kek {
        Kek::of(s, numbers(bits, "kek"))
    }
    pub fn of(s: &Session, numbers: &'static Parts) -> Kek {
        Kek {
            public: s.create(&public_key(numbers, &[])).expect("a public key"),
            private: s.create(&private_key(numbers, &[])).expect("a private key"),
            numbers,
        }
    }
    /// Length of its modulus in bytes.
    pub fn len(&self) -> usize {
        self.numbers.n.len()
    }
    /// What is in a blob, found without the module.
    pub fn open(&self, params: &Oaep, blob: &[u8]) -> Vec<u8> {
        let (head, tail) = blob.split_at(self.len());
        let key = PrivateKey::new(self.numbers).expect("a sound key");
        let aes = oaep::decrypt(&key, params, head).expect("the OAEP part");
        aes_kw::kwp_unwrap(&aes, None, tail).expect("the KWP part").to_vec()
    }
}

/// What a received key is told to be.
pub fn received(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Attrs {
    attrs![CKA_CLASS => class, CKA_KEY_TYPE => key_type, CKA_SENSITIVE => false].to_vec()
}

pub fn received_aes() -> Attrs {
    received(CKO_SECRET_KEY, CKK_AES)
}

pub fn received_ec() -> Attrs {
    received(CKO_PRIVATE_KEY, CKK_EC)
}

pub fn received_rsa() -> Attrs {
    received(CKO_PRIVATE_KEY, CKK_RSA)
}

/// How many objects there are.
pub fn count(s: &Session) -> usize {
    s.find(&[]).expect("find").len()
}

/// Numbers without end that are the same at each run (xorshift).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }
}

pub fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Attributes and what is answered when they are set, in a copy or in the object itself.
pub fn stays(
    t: &Session,
    object: Handle,
    template: &[(CK_ATTRIBUTE_TYPE, Attr)],
    set: CK_RV,
    copy: CK_RV,
) {
    assert_eq!(t.set(object, template), Err(set), "set {template:?}");
    assert_eq!(t.copy(object, template), Err(copy), "copy {template:?}");
}

pub fn oaep_sha256() -> Mech {
    Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA256, CKG_MGF1_SHA256, b"")
}

/// A key identifier.
pub const KID: &str = "https://h.managedhsm.azure.net/keys/KEK/00112233445566778899aabbccddeeff";
