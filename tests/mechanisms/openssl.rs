//! Beside OpenSSL's command line, both ways, on random text: what the token signs OpenSSL verifies,
//! and the other way round.
use super::ecdsa::{fixed, octet_string};
use super::hashes::{HASHES, Relatives, signing};
use crate::common::*;
use std::path::{Path, PathBuf};

/// A folder with a random text in it.
pub struct Bench {
    folder: tempfile::TempDir,
    pub text: Vec<u8>,
}

impl Bench {
    pub fn new(t: &Session) -> Bench {
        let bench = Bench { folder: tempfile::tempdir().unwrap(), text: t.random(777).unwrap() };
        bench.put("text", &bench.text);
        bench
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }
    /// What `openssl` prints; it must succeed. Words are separated by blanks.
    pub fn openssl(&self, arguments: &str) -> Vec<u8> {
        let run = openssl_command()
            .args(arguments.split_whitespace())
            .current_dir::<&Path>(self.folder.path())
            .output()
            .expect("this test needs openssl");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "openssl {arguments}: {said}");
        run.stdout
    }
    /// A token's public key as OpenSSL reads it.
    pub fn put_public(&self, t: &Session, key: Handle) {
        self.put("public.der", &t.bytes(key, CKA_PUBLIC_KEY_INFO).unwrap());
    }
    pub fn verifies(&self, hash: &str, options: &str, signature: &[u8]) {
        self.put("signature", signature);
        let verify = "-verify public.der -keyform DER -signature signature";
        self.openssl(&format!("dgst -{hash} {options} {verify} text"));
    }
    pub fn signs(&self, hash: &str, options: &str) -> Vec<u8> {
        self.openssl(&format!("dgst -{hash} {options} -sign private.pem -binary text"))
    }
    /// A key of OpenSSL's in `private.pem`, and its public half as DER.
    pub fn make_key(&self, options: &str) -> Vec<u8> {
        self.openssl(&format!("genpkey {options} -out private.pem"));
        self.openssl("pkey -in private.pem -pubout -outform DER")
    }
    /// An RSA key of OpenSSL's in `private.pem`, its public half on the token.
    fn make_rsa(&self, t: &Session) -> Handle {
        self.make_key("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
        let modulus = self.openssl("rsa -in private.pem -noout -modulus");
        let modulus = std::str::from_utf8(&modulus).unwrap().trim().rsplit('=').next().unwrap();
        t.import_rsa_public(&crate::derive::hex(modulus), &[1, 0, 1]).unwrap()
    }
}

/// What OpenSSL calls a hash.
pub fn name(hash: &Relatives) -> String {
    let name = format!("{:?}", hash.function).to_lowercase().replace('_', "-");
    name.replace("sha2-", "sha")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn digests_and_codes() {
    with_token(|t| {
        let bench = Bench::new(t);
        let value = t.random(40).unwrap();
        let key = t.secret(CKK_GENERIC_SECRET, &value).unwrap();
        for hash in HASHES {
            let digest = bench.openssl(&format!("dgst -{} -binary text", name(hash)));
            assert_eq!(t.digest(&Mech::new(hash.digest), &bench.text), Ok(digest), "{hash:?}");
            let mac = format!("-mac HMAC -macopt hexkey:{}", hex(&value));
            let code = bench.openssl(&format!("dgst -{} {mac} -binary text", name(hash)));
            assert_eq!(t.sign(&Mech::new(hash.hmac), key, &bench.text), Ok(code), "{hash:?}");
        }
    });
}

/// Options of OpenSSL and mechanism for each way to sign with RSA.
fn rsa_ways() -> Vec<(String, String, Mech)> {
    let mut ways = Vec::new();
    for (hash, mgf) in signing().zip(signing().cycle().skip(4)) {
        ways.push((name(hash), String::new(), Mech::new(hash.rsa)));
        for salt in [0, 17, hash.size] {
            let options = format!(
                "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt} \
                 -sigopt rsa_mgf1_md:{}",
                name(mgf)
            );
            let mech = super::rsa_pss::pss(hash.pss, hash.digest, mgf.mgf, salt);
            ways.push((name(hash), options, mech));
        }
    }
    ways
}

#[test]
fn rsa_signatures() {
    with_token(|t| {
        let bench = Bench::new(t);
        let (public, private) = t.rsa(2048).unwrap();
        bench.put_public(t, public);
        let theirs = bench.make_rsa(t);
        for (hash, options, mech) in rsa_ways() {
            let signature = t.sign(&mech, private, &bench.text).unwrap();
            bench.verifies(&hash, &options, &signature);
            let signature = bench.signs(&hash, &options);
            let verdict = t.verify(&mech, theirs, &bench.text, &signature);
            assert_eq!(verdict, Ok(()), "{hash} {options}");
        }
    });
}

#[test]
fn ecdsa_signatures() {
    with_token(|t| {
        let bench = Bench::new(t);
        for (curve, name_of_curve, size) in [
            (keys::P256, "P-256", 32),
            (keys::P384, "P-384", 48),
            (keys::P521, "P-521", 66),
            (keys::SECP256K1, "secp256k1", 32),
        ] {
            let (public, private) = t.ec(curve).unwrap();
            bench.put_public(t, public);
            let theirs = bench
                .make_key(&format!("-algorithm EC -pkeyopt ec_paramgen_curve:{name_of_curve}"));
            let theirs = attrs![
                CKA_CLASS => CKO_PUBLIC_KEY,
                CKA_KEY_TYPE => CKK_EC,
                CKA_EC_PARAMS => curve,
                // the point is what SubjectPublicKeyInfo ends with
                CKA_EC_POINT => octet_string(&theirs[theirs.len() - 2 * size - 1..]),
            ];
            let theirs = t.create(&theirs).unwrap();
            for hash in signing() {
                let mech = Mech::new(hash.ecdsa);
                let signature = t.sign(&mech, private, &bench.text).unwrap();
                bench.verifies(&name(hash), "", &der(&signature));
                let signature = fixed(&bench.signs(&name(hash), ""), size).unwrap();
                let verdict = t.verify(&mech, theirs, &bench.text, &signature);
                assert_eq!(verdict, Ok(()), "{hash:?} {name_of_curve}");
            }
        }
    });
}

/// Two numbers of the same length as a SEQUENCE of two.
fn der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let content: Vec<u8> = [r, s].into_iter().flat_map(integer).collect();
    let len = content.len() as u8;
    let head = if len < 0x80 { vec![0x30, len] } else { vec![0x30, 0x81, len] };
    [head, content].concat()
}

fn integer(number: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.insert(0, 0);
    }
    [vec![2, content.len() as u8], content].concat()
}

/// Raw and PKCS #1 v1.5 encryption: OpenSSL opens what the token seals, and a key wrapped by it.
#[test]
fn rsa_encryption() {
    with_token(|t| {
        let bench = Bench::new(t);
        let (public, private) = t.rsa(2048).unwrap();
        bench.put_public(t, public);
        let seal = "pkeyutl -encrypt -pubin -inkey public.der -keyform DER -in plain";
        let value = t.random(32).unwrap();
        bench.put("plain", &value);
        let sealed = bench.openssl(&format!("{seal} -pkeyopt rsa_padding_mode:pkcs1"));
        let template = attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false,
        ];
        let key = t.unwrap(&Mech::new(CKM_RSA_PKCS), private, &sealed, &template).unwrap();
        assert_eq!(t.bytes(key, CKA_VALUE), Ok(value.clone()));
        let block = [vec![0; 256 - 32], value].concat();
        bench.put("plain", &block);
        let sealed = bench.openssl(&format!("{seal} -pkeyopt rsa_padding_mode:none"));
        let x509 = Mech::new(CKM_RSA_X_509);
        assert_eq!(t.encrypt(&x509, public, &block), Ok(sealed.clone()));
        assert_eq!(t.decrypt(&x509, private, &sealed), Ok(block));
    });
}

/// OAEP with every hash and every MGF, both ways, with a label and without; and the key under
/// `CKM_RSA_AES_KEY_WRAP` is the one that OpenSSL opens.
#[test]
fn rsa_oaep() {
    with_token(|t| {
        let bench = Bench::new(t);
        let (public, private) = t.rsa(2048).unwrap();
        bench.put_public(t, public);
        let theirs = bench.make_rsa(t);
        let plain = t.random(32).unwrap();
        // each hash with the MGF of its own, if there is one, and with two others
        let pairs = HASHES.iter().enumerate().flat_map(|(n, hash)| {
            let own = signing().find(|mgf| mgf.digest == hash.digest);
            let others = signing().cycle().skip(n + 1).step_by(4).take(2);
            own.into_iter().chain(others).map(move |mgf| (hash, mgf))
        });
        for (hash, mgf) in pairs {
            for label in [&b""[..], b"label"] {
                let mech = Mech::oaep(CKM_RSA_PKCS_OAEP, hash.digest, mgf.mgf, label);
                let mut options = format!(
                    "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{} \
                     -pkeyopt rsa_mgf1_md:{}",
                    name(hash),
                    name(mgf)
                );
                if !label.is_empty() {
                    options.push_str(&format!(" -pkeyopt rsa_oaep_label:{}", hex(label)));
                }
                bench.put("plain", &plain);
                let seal = "pkeyutl -encrypt -pubin -inkey public.der -keyform DER -in plain";
                let sealed = bench.openssl(&format!("{seal} {options}"));
                assert_eq!(t.decrypt(&mech, private, &sealed), Ok(plain.clone()), "{options}");
                bench.put("sealed", &t.encrypt(&mech, theirs, &plain).unwrap());
                let open = "pkeyutl -decrypt -inkey private.pem -in sealed";
                assert_eq!(bench.openssl(&format!("{open} {options}")), plain, "{options}");
                wraps_as_its_parts(t, &bench, theirs, (hash, mgf, label), &options);
            }
        }
    });
}

/// What `CKM_RSA_AES_KEY_WRAP` makes for a key of OpenSSL's: OpenSSL opens the first part, a random AES
/// key, and the second part is the wrapping under it.
fn wraps_as_its_parts(
    t: &Session,
    bench: &Bench,
    theirs: Handle,
    (hash, mgf, label): (&Relatives, &Relatives, &[u8]),
    options: &str,
) {
    let target = t.secret(CKK_GENERIC_SECRET, &[5; 32]).unwrap();
    let blob = t.wrap(&Mech::rsa_aes(256, hash.digest, mgf.mgf, label), theirs, target).unwrap();
    bench.put("sealed", &blob[..256]);
    let kek = bench.openssl(&format!("pkeyutl -decrypt -inkey private.pem -in sealed {options}"));
    let kek = t.secret(CKK_AES, &kek).unwrap();
    let kwp = Mech::new(CKM_AES_KEY_WRAP_KWP);
    assert_eq!(t.wrap(&kwp, kek, target).unwrap(), blob[256..], "{options}");
}

#[test]
fn ed25519_signatures() {
    const ED25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x70];
    with_token(|t| {
        let bench = Bench::new(t);
        let made_by = Mech::new(CKM_EC_EDWARDS_KEY_PAIR_GEN);
        let (public, private) =
            t.generate_pair(&made_by, &attrs![CKA_EC_PARAMS => ED25519], &[]).unwrap();
        bench.put_public(t, public);
        let mech = Mech::new(CKM_EDDSA);
        bench.put("signature", &t.sign(&mech, private, &bench.text).unwrap());
        let verify = "pkeyutl -verify -pubin -inkey public.der -keyform DER";
        bench.openssl(&format!("{verify} -rawin -in text -sigfile signature"));

        let theirs = bench.make_key("-algorithm ED25519");
        let theirs = attrs![
            CKA_CLASS => CKO_PUBLIC_KEY,
            CKA_KEY_TYPE => CKK_EC_EDWARDS,
            CKA_EC_PARAMS => ED25519,
            CKA_EC_POINT => octet_string(&theirs[theirs.len() - 32..]),
        ];
        let theirs = t.create(&theirs).unwrap();
        let signature = bench.openssl("pkeyutl -sign -inkey private.pem -rawin -in text");
        assert_eq!(t.verify(&mech, theirs, &bench.text, &signature), Ok(()));
    });
}
