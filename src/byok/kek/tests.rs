//! Every form of a KEK, and what is none.
use super::*;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};

fn kek(bits: usize) -> Kek {
    let mut modulus = vec![0xC5; bits / 8];
    modulus[0] = 0x80;
    Kek::new(&modulus, &[0, 1, 0, 1]).unwrap()
}

#[test]
fn every_form_is_the_same_key() {
    let kek = kek(2048);
    let spki = kek.spki_der().unwrap();
    // 270 bytes of PKCS#1, 294 of SubjectPublicKeyInfo: what every RSA-2048 key has
    assert_eq!(spki.len(), 294);
    let pkcs1 = &spki[24..];
    let pem = kek.pem().unwrap();
    let block =
        Document::try_from(pkcs1).unwrap().to_pem("RSA PUBLIC KEY", Default::default()).unwrap();
    let noisy = format!("Bag Attributes\n  x: y\n{}more\n", pem.replace('\n', "\r\n"));
    for form in [spki.as_slice(), pkcs1, pem.as_bytes(), block.as_bytes(), noisy.as_bytes()] {
        assert_eq!(Kek::parse(form).unwrap(), kek);
    }
}

#[test]
fn sizes_are_in_bits() {
    for bits in [2048, 3072, 4096] {
        assert_eq!(kek(bits).bits(), bits);
        assert!(kek(bits).fits().is_ok());
    }
    assert!(kek(1024).fits().unwrap_err().0.contains("1024 bits"));
    assert_eq!(Kek::new(&[0, 0x01, 0xFF], &[3]).unwrap().bits(), 9);
}

#[test]
fn answers_of_clouds_are_read() {
    let kek = kek(2048);
    let (n, e) = (kek.modulus(), kek.exponent());
    let kid = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";
    let pem = kek.pem().unwrap().replace('\n', "\\n");
    let der = Base64::encode_string(&kek.spki_der().unwrap());
    // as `az keyvault key show` prints it: standard base64, private members null, `keyOps`
    let az = format!(
        "{{\"attributes\": {{\"enabled\": true}}, \"key\": {{\"crv\": null, \"d\": null, \"e\": \"AQAB\", \
         \"keyOps\": [\"import\"], \"kid\": \"{kid}\", \"kty\": \"RSA-HSM\", \"n\": \"{}\"}}}}",
        Base64::encode_string(n)
    );
    let jwk = format!(
        "\u{feff} {{\"kty\":\"RSA\",\"n\":\"{}\",\"e\":\"{}\",\"key_ops\":[\"wrapKey\",\"import\"]}}\n",
        Base64UrlUnpadded::encode_string(n),
        Base64UrlUnpadded::encode_string(e)
    );
    for (file, has_kid, ops) in [
        (az, true, Some(vec!["import".to_owned()])),
        (jwk, false, Some(vec!["wrapKey".to_owned(), "import".to_owned()])),
        (
            format!("{{\"KeyId\":\"k\",\"ImportToken\":\"AA==\",\"PublicKey\":\"{der}\"}}"),
            false,
            None,
        ),
        (format!("{{\"name\":\"j\",\"publicKey\":{{\"pem\":\"{pem}\"}}}}"), false, None),
        (format!("{{\"data\":{{\"public_key\":\"{pem}\"}}}}"), false, None),
        (format!("{{\"data\":{{\"public-key\":\"{pem}\"}}}}"), false, None),
    ] {
        let read = KekFile::parse(file.as_bytes()).unwrap();
        assert_eq!(read.kek, kek, "{file}");
        assert_eq!((read.kid.as_deref(), read.key_ops), (has_kid.then_some(kid), ops), "{file}");
    }
}

#[test]
fn says_why_not() {
    let private = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let mixed = format!("{}{private}", kek(2048).pem().unwrap());
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
    // a P-256 point
    let mut ec = vec![
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08,
        0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    ec.resize(91, 1);
    for (file, said) in [
        (private.as_bytes(), "private key"),
        (request.as_bytes(), "CERTIFICATE REQUEST"),
        (ec.as_slice(), "not an RSA key"),
        (&[0x30, 0x06, 0x02, 0x01, 0x00, 0x30, 0x01, 0x00], "private key"),
        (&[0x30, 0x06, 0x02, 0x01, 0x01, 0x04, 0x01, 0x07], "private key"),
        (mixed.as_bytes(), "private key"),
        (b"{\"kty\":\"RSA\",\"n\":\"uQ\",\"e\":\"AQAB\",\"d\":\"uQ\"}", "private key"),
        (b"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"uQ\",\"y\":\"uQ\"}", "not an RSA key"),
        (b"{\"kty\":\"RSA\",\"n\":\"u!\",\"e\":\"AQAB\"}", "\"n\" is not base64url"),
        (b"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "has no \"n\""),
        (b"{\"kty\":\"RSA\"", "cannot be read as JSON"),
        (b"{\"a\":1}", "no public key"),
        (b"".as_slice(), "no public key"),
        (b"hello".as_slice(), "no public key"),
    ] {
        let error = Kek::parse(file).unwrap_err();
        assert!(error.0.contains(said), "{error}");
        assert!(error.0.contains("; "), "nothing says what to do: {error}");
    }
}

/// Whatever stands beside it: which of the two counts, readers may see otherwise.
#[test]
fn json_holds_one_key_and_nothing_private() {
    let (one, other) = (kek(2048), kek(3072));
    let pem = one.pem().unwrap().replace('\n', "\\n");
    let der = Base64::encode_string(&one.spki_der().unwrap());
    let members = |kek: &Kek| {
        let (n, e) = (Base64UrlUnpadded::encode_string(kek.modulus()), "AQAB");
        format!("\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"{e}\"")
    };
    let (own, others) = (members(&one), members(&other));
    for places in [
        format!("\"publicKey\":{{\"pem\":\"{pem}\"}}"),
        format!("\"data\":{{\"public_key\":\"{pem}\"}}"),
        format!("\"PublicKey\":\"{der}\""),
    ] {
        let read = |more: &str| KekFile::parse(format!("{{{places},{more}}}").as_bytes());
        let both = read(&format!("{own},\"kid\":\"k\"")).unwrap();
        assert_eq!((both.kek, both.kid.as_deref()), (one.clone(), Some("k")));
        assert_eq!(read(&format!("\"key\":{{{own},\"d\":null}}")).unwrap().kek, one);
        for (more, said) in [
            (format!("{own},\"d\":\"uQ\""), "private key"),
            (format!("\"key\":{{{own},\"q\":\"uQ\"}}"), "private key"),
            ("\"also\":[{\"kty\":\"oct\",\"k\":\"uQ\"}]".to_owned(), "private key"),
            ("\"d\":\"uQ\"".to_owned(), "private key"),
            ("\"key\":{\"d\":\"uQ\"}".to_owned(), "private key"),
            ("\"also\":\"-----BEGIN PRIVATE KEY-----\\nMAA=\"".to_owned(), "private key"),
            (others.clone(), "several keys that are not the same"),
            (format!("\"key\":{{{others}}}"), "several keys that are not the same"),
        ] {
            let error = read(&more).unwrap_err();
            assert!(error.0.contains(said) && error.0.contains("; "), "{more}: {error}");
        }
    }
    let two = format!("{{{own},\"key\":{{{others}}}}}");
    assert!(KekFile::parse(two.as_bytes()).unwrap_err().0.contains("not the same"));
}

#[test]
fn damage_never_panics() {
    let good = kek(2048).spki_der().unwrap();
    for at in 0..good.len() {
        for value in [0, 0x7F, 0x80, 0x84, 0xFF] {
            let mut bad = good.clone();
            bad[at] = value;
            let _ = Kek::parse(&bad);
            let _ = Kek::parse(&bad[..at]);
        }
    }
}

#[test]
fn numbers_that_hide_nothing_are_refused() {
    let odd = vec![0xA5; 256];
    let even = [&odd[..255], &[0xA4]].concat();
    let long = vec![0xA5; 33];
    for (modulus, exponent) in [
        (&odd, &[1][..]),
        (&odd, &[0, 0, 1]),
        (&odd, &[1, 0, 0]),
        (&odd, &[0]),
        (&odd, &long),
        (&even, &EXPONENT),
        (&vec![], &EXPONENT),
        (&vec![0xA5; 2049], &EXPONENT),
    ] {
        let error = Kek::new(modulus, exponent).unwrap_err();
        assert!(error.0.contains("not a proper RSA key") && error.0.contains("again"), "{error}");
    }
    assert!(Kek::new(&odd, &[0, 3]).is_ok());
}
