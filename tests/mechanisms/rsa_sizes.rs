//! RSA keys of every length that `C_GetMechanismInfo` promises, odd ones too, and of small exponents:
//! made, taken in, used and carried, next to OpenSSL.
use super::openssl::Bench;
use crate::common::*;
use rsa::pkcs1::{RsaPrivateKey, UintRef, der::Decode};

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

/// A key of 8192 bits, which takes half a minute to make.
const LONGEST: &str = include_str!("../data/rsa-8192.pem");

fn generate(t: &Session, bits: usize, exponent: &[u8]) -> Rv<(Handle, Handle)> {
    let public = attrs![CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => exponent];
    let private = attrs![CKA_EXTRACTABLE => true, CKA_SENSITIVE => false];
    t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
}

fn bits(number: &[u8]) -> usize {
    number.len() * 8 - number[0].leading_zeros() as usize
}

/// Templates of the two halves of a key in PKCS #1.
fn halves(der: &[u8]) -> [Template; 2] {
    let key = RsaPrivateKey::<UintRef<'_>>::from_der(der).unwrap();
    let number = |number: UintRef<'_>| number.as_bytes().to_vec();
    let public = attrs![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_MODULUS => number(key.modulus),
        CKA_PUBLIC_EXPONENT => number(key.public_exponent),
    ];
    let private = attrs![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_EXTRACTABLE => true,
        CKA_MODULUS => number(key.modulus),
        CKA_PUBLIC_EXPONENT => number(key.public_exponent),
        CKA_PRIVATE_EXPONENT => number(key.private_exponent),
        CKA_PRIME_1 => number(key.prime1),
        CKA_PRIME_2 => number(key.prime2),
        CKA_EXPONENT_1 => number(key.exponent1),
        CKA_EXPONENT_2 => number(key.exponent2),
        CKA_COEFFICIENT => number(key.coefficient),
    ];
    [public.to_vec(), private.to_vec()]
}

/// Signs, decrypts, wraps and unwraps; OpenSSL verifies and encrypts.
fn works(t: &Session, bench: &Bench, (public, private): (Handle, Handle)) {
    let size = t.bytes(public, CKA_MODULUS).unwrap().len();
    bench.put_public(t, public);
    let sign = Mech::new(CKM_SHA256_RSA_PKCS);
    let signature = t.sign(&sign, private, &bench.text).unwrap();
    assert_eq!(signature.len(), size);
    assert_eq!(t.verify(&sign, public, &bench.text, &signature), Ok(()));
    bench.verifies("sha256", "", &signature);
    let pss = super::rsa_pss::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    let signature = t.sign(&pss, private, &bench.text).unwrap();
    assert_eq!(t.verify(&pss, public, &bench.text, &signature), Ok(()));
    let options = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    bench.verifies("sha256", options, &signature);

    let value = t.random(16).unwrap();
    bench.put("plain", &value);
    let seal = "pkeyutl -encrypt -pubin -inkey public.der -keyform DER -in plain";
    let aes = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => false];
    let key = t.secret(CKK_AES, &value).unwrap();
    let oaep = Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");
    for (mech, padding) in [(Mech::new(CKM_RSA_PKCS), "pkcs1"), (oaep, "oaep")] {
        let sealed = bench.openssl(&format!("{seal} -pkeyopt rsa_padding_mode:{padding}"));
        assert_eq!(t.decrypt(&mech, private, &sealed), Ok(value.clone()));
        let wrapped = t.wrap(&mech, public, key).unwrap();
        assert_eq!(wrapped.len(), size);
        let back = t.unwrap(&mech, private, &wrapped, &aes).unwrap();
        assert_eq!(t.bytes(back, CKA_VALUE), Ok(value.clone()));
    }
}

#[test]
fn generated_keys_of_any_length_work() {
    with_token(|t| {
        let bench = Bench::new(t);
        for size in [1024, 1031, 2047, 2049] {
            let (public, private) = generate(t, size, &[1, 0, 1]).unwrap();
            assert_eq!(bits(&t.bytes(private, CKA_MODULUS).unwrap()), size);
            assert_eq!(t.ulong(public, CKA_MODULUS_BITS), Ok(size as CK_ULONG));
            works(t, &bench, (public, private));
        }
        // each remainder by 8, and lengths for which p and q have different numbers of words
        for size in 1025..1034 {
            let (public, private) = generate(t, size, &[1, 0, 1]).unwrap();
            assert_eq!(bits(&t.bytes(public, CKA_MODULUS).unwrap()), size);
            let sign = Mech::new(CKM_SHA256_RSA_PKCS);
            let signature = t.sign(&sign, private, &bench.text).unwrap();
            assert_eq!(t.verify(&sign, public, &bench.text, &signature), Ok(()));
        }
    });
}

#[test]
fn small_exponents_are_generated_and_taken_in() {
    with_token(|t| {
        let bench = Bench::new(t);
        for exponent in [3, 17] {
            works(t, &bench, generate(t, 2048, &[exponent]).unwrap());
            let options = format!("rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:{exponent}");
            works(t, &bench, taken_in(t, &bench, &options));
        }
    });
}

/// Both halves of a fresh key of OpenSSL's.
fn taken_in(t: &Session, bench: &Bench, options: &str) -> (Handle, Handle) {
    bench.make_key(&format!("-algorithm RSA -pkeyopt {options}"));
    let der = bench.openssl("rsa -in private.pem -traditional -outform DER");
    let [public, private] = halves(&der).map(|template| t.create(&template).unwrap());
    (public, private)
}

/// Attributes of a private key that are numbers.
const NUMBERS: [CK_ATTRIBUTE_TYPE; 8] = [
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PRIME_1,
    CKA_PRIME_2,
    CKA_EXPONENT_1,
    CKA_EXPONENT_2,
    CKA_COEFFICIENT,
];

/// Both halves of a key, created from the numbers of a generated one: OpenSSL makes no keys of odd
/// lengths from 2048 bits.
fn taken_over(t: &Session, bits: usize) -> (Handle, Handle) {
    let (_, made) = generate(t, bits, &[1, 0, 1]).unwrap();
    let number = |cka: &CK_ATTRIBUTE_TYPE| (*cka, Attr::Bytes(t.bytes(made, *cka).unwrap()));
    let create = |class: CK_OBJECT_CLASS, numbers: &[CK_ATTRIBUTE_TYPE]| {
        let kind = attrs![CKA_CLASS => class, CKA_KEY_TYPE => CKK_RSA];
        let open: Template = match class {
            CKO_PRIVATE_KEY => attrs![CKA_EXTRACTABLE => true].to_vec(),
            _ => vec![],
        };
        let numbers: Template = numbers.iter().map(number).collect();
        t.create(&[&kind[..], &open, &numbers].concat()).unwrap()
    };
    let private = create(CKO_PRIVATE_KEY, &NUMBERS);
    (create(CKO_PUBLIC_KEY, &NUMBERS[..2]), private)
}

/// The same key once more, unwrapped from its wrapping.
fn unwrapped(t: &Session, private: Handle) -> Handle {
    let (kek, mech) = (t.aes(32).unwrap(), Mech::new(CKM_AES_KEY_WRAP_KWP));
    let wrapped = t.wrap(&mech, kek, private).unwrap();
    let template = attrs![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA];
    t.unwrap(&mech, kek, &wrapped, &template).unwrap()
}

#[test]
fn keys_of_any_length_are_taken_in_and_work() {
    with_token(|t| {
        let bench = Bench::new(t);
        for size in [1024, 1031, 2047, 2048, 2049, 3092, 4095] {
            let (public, private) = match size % 2 == 1 && size > 2048 {
                true => taken_over(t, size),
                false => taken_in(t, &bench, &format!("rsa_keygen_bits:{size}")),
            };
            assert_eq!(t.ulong(public, CKA_MODULUS_BITS), Ok(size as CK_ULONG));
            works(t, &bench, (public, unwrapped(t, private)));
        }
        let (_, der) = der::pem::decode_vec(LONGEST.as_bytes()).unwrap();
        let [public, private] = halves(&der).map(|template| t.create(&template).unwrap());
        works(t, &bench, (public, unwrapped(t, private)));
    });
}

/// Mechanisms with RSA keys, and the length of the shortest key by default.
const SHORTEST: &[(CK_MECHANISM_TYPE, CK_ULONG)] = &[
    (CKM_RSA_PKCS_KEY_PAIR_GEN, 1024),
    (CKM_RSA_PKCS, 1024),
    (CKM_RSA_PKCS_OAEP, 1024),
    (CKM_RSA_X_509, 1024),
    (CKM_SHA256_RSA_PKCS_PSS, 1024),
    (CKM_RSA_AES_KEY_WRAP, 2048),
];

#[test]
fn mechanism_info_says_what_is_refused() {
    with_token(|t| {
        for (mechanism, shortest) in SHORTEST {
            let info = t.p.mechanism_info(t.slot, *mechanism).unwrap();
            assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (*shortest, 8192));
        }
        for size in [1023, 8193] {
            assert_eq!(generate(t, size, &[1, 0, 1]), Err(CKR_KEY_SIZE_RANGE));
        }
        let (public, private) = generate(t, 2047, &[1, 0, 1]).unwrap();
        let mech = Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, b"");
        let wrapped = t.wrap(&mech, public, t.aes(16).unwrap());
        assert_eq!(wrapped, Err(CKR_WRAPPING_KEY_SIZE_RANGE));
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        let refused = t.unwrap(&mech, private, &[0; 296], &template);
        assert_eq!(refused, Err(CKR_UNWRAPPING_KEY_SIZE_RANGE));
    });
}

/// A key that was made before the limit was raised is not used below it.
#[test]
fn the_configured_minimum_holds_for_each_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("store").display());
    let label = attrs![CKA_TOKEN => true, CKA_LABEL => "old"];
    with_store(&store, |p| {
        let t = p.token(0).unwrap();
        let public = attrs![CKA_MODULUS_BITS => 2047usize];
        let public = [&public[..], &label].concat();
        t.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &label).unwrap();
    });
    let file = folder.path().join("keyferry.toml");
    std::fs::write(&file, format!("store = '{store}'\nmin_rsa_bits = 2048\n")).unwrap();
    with_store(&format!("config={}", file.display()), |p| {
        for (mechanism, _) in SHORTEST {
            let info = p.mechanism_info(0, *mechanism).unwrap();
            assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (2048, 8192));
        }
        let t = p.open_rw(0).unwrap();
        t.login(CKU_USER, PIN).unwrap();
        let half = |class: CK_OBJECT_CLASS| t.find(&attrs![CKA_CLASS => class]).unwrap()[0];
        let (public, private) = (half(CKO_PUBLIC_KEY), half(CKO_PRIVATE_KEY));
        let pkcs = Mech::new(CKM_RSA_PKCS);
        assert_eq!(t.sign_init(&pkcs, private), Err(CKR_KEY_SIZE_RANGE));
        assert_eq!(t.encrypt_init(&pkcs, public), Err(CKR_KEY_SIZE_RANGE));
        let wrapped = t.wrap(&pkcs, public, t.aes(16).unwrap());
        assert_eq!(wrapped, Err(CKR_WRAPPING_KEY_SIZE_RANGE));
    });
}
