//! X.509 certificates: their attributes say what they say themselves.
use crate::common::certificate::{Certificate, der, named};
use crate::common::*;

type Template = Vec<(CK_ATTRIBUTE_TYPE, Attr)>;

fn with<const N: usize>(
    template: &[(CK_ATTRIBUTE_TYPE, Attr)],
    more: [(CK_ULONG, Attr); N],
) -> Template {
    let mut all = template.to_vec();
    all.retain(|(cka, _)| more.iter().all(|(given, _)| given != cka));
    all.extend(more);
    all
}

/// What is not given follows from the certificate where the standard has no default for it
/// (sections 4.6.2 and 4.6.3).
#[test]
fn what_a_certificate_says_of_itself() {
    with_token(|t| {
        let certificate = Certificate::default();
        let made = t.create(&certificate.template()).unwrap();
        let hash = t.digest(&Mech::new(CKM_SHA_1), &certificate.der()).unwrap();
        assert_eq!(t.bytes(made, CKA_CHECK_VALUE).unwrap(), hash[..3]);
        assert_eq!(t.bytes(made, CKA_PUBLIC_KEY_INFO).unwrap(), certificate.public_key);
        for cka in [
            CKA_ID,
            CKA_ISSUER,
            CKA_SERIAL_NUMBER,
            CKA_START_DATE,
            CKA_END_DATE,
            CKA_URL,
            CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
            CKA_HASH_OF_ISSUER_PUBLIC_KEY,
        ] {
            assert_eq!(t.bytes(made, cka), Ok(vec![]), "{cka:x}");
        }
        for (cka, number) in [
            (CKA_CERTIFICATE_CATEGORY, CK_CERTIFICATE_CATEGORY_UNSPECIFIED),
            (CKA_JAVA_MIDP_SECURITY_DOMAIN, CK_SECURITY_DOMAIN_UNSPECIFIED),
            (CKA_NAME_HASH_ALGORITHM, CKM_SHA_1),
        ] {
            assert_eq!(t.ulong(made, cka), Ok(number));
        }
        let nameless = with(&certificate.template(), attrs![CKA_SUBJECT => b""]);
        let nameless = t.create(&nameless).unwrap();
        assert_eq!(t.bytes(nameless, CKA_SUBJECT).unwrap(), certificate.subject);
        let unchecked = with(&certificate.template(), attrs![CKA_CHECK_VALUE => b""]);
        assert_eq!(t.bytes(t.create(&unchecked).unwrap(), CKA_CHECK_VALUE), Ok(vec![]));
    });
}

#[test]
fn attributes_repeat_the_certificate() {
    with_token(|t| {
        let certificate = Certificate::default();
        let template = certificate.template();
        let hash = t.digest(&Mech::new(CKM_SHA_1), &certificate.der()).unwrap();
        let said = [
            (CKA_SUBJECT, certificate.subject.clone()),
            (CKA_ISSUER, certificate.issuer.clone()),
            (CKA_SERIAL_NUMBER, certificate.serial.clone()),
            // as Java's keytool sends it
            (CKA_SERIAL_NUMBER, certificate.serial[2..].to_vec()),
            (CKA_START_DATE, b"20260131".to_vec()),
            (CKA_END_DATE, b"20500201".to_vec()),
            (CKA_PUBLIC_KEY_INFO, certificate.public_key.clone()),
            (CKA_CHECK_VALUE, hash[..3].to_vec()),
        ];
        for (cka, value) in said {
            let made = t.create(&with(&template, attrs![cka => &value])).unwrap();
            assert_eq!(t.bytes(made, cka), Ok(value), "{cka:x}");
        }
        let wrong = [
            (CKA_SUBJECT, named("Someone else"), CKR_TEMPLATE_INCONSISTENT),
            (CKA_ISSUER, certificate.subject.clone(), CKR_TEMPLATE_INCONSISTENT),
            (CKA_SERIAL_NUMBER, vec![2, 1, 1], CKR_TEMPLATE_INCONSISTENT),
            (CKA_SERIAL_NUMBER, vec![0x8F, 1], CKR_TEMPLATE_INCONSISTENT),
            (CKA_START_DATE, b"20260130".to_vec(), CKR_TEMPLATE_INCONSISTENT),
            (CKA_END_DATE, b"20500131".to_vec(), CKR_TEMPLATE_INCONSISTENT),
            (CKA_END_DATE, b"2050".to_vec(), CKR_ATTRIBUTE_VALUE_INVALID),
            (CKA_PUBLIC_KEY_INFO, der(0x30, &[]), CKR_TEMPLATE_INCONSISTENT),
            (CKA_CHECK_VALUE, vec![1, 2, 3], CKR_ATTRIBUTE_VALUE_INVALID),
        ];
        for (cka, value, rv) in wrong {
            assert_eq!(t.create(&with(&template, attrs![cka => value])), Err(rv), "{cka:x}");
        }
        for required in [CKA_CERTIFICATE_TYPE, CKA_SUBJECT, CKA_VALUE] {
            let without: Template =
                template.iter().filter(|(cka, _)| *cka != required).cloned().collect();
            assert_eq!(t.create(&without), Err(CKR_TEMPLATE_INCOMPLETE));
        }
    });
}

#[test]
fn changes_repeat_it_too() {
    with_token(|t| {
        let certificate = Certificate::default();
        let made = t.create(&certificate.template()).unwrap();
        let right =
            attrs![CKA_ISSUER => &certificate.issuer, CKA_SERIAL_NUMBER => &certificate.serial];
        t.set(made, &right).unwrap();
        let wrong = attrs![CKA_LABEL => "new", CKA_SERIAL_NUMBER => &[2, 1, 1]];
        assert_eq!(t.set(made, &wrong), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(t.copy(made, &wrong), Err(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(t.bytes(made, CKA_LABEL), Ok(vec![]), "all or nothing");
        t.set(made, &attrs![CKA_SERIAL_NUMBER => b"", CKA_ID => b"id"]).unwrap();
        for cka in [CKA_SUBJECT, CKA_START_DATE, CKA_URL, CKA_CHECK_VALUE, CKA_PUBLIC_KEY_INFO] {
            assert_eq!(t.set(made, &attrs![cka => b""]), Err(CKR_ATTRIBUTE_READ_ONLY), "{cka:x}");
        }
    });
}

#[test]
fn what_is_no_certificate() {
    with_token(|t| {
        let certificate = Certificate::default();
        let whole = certificate.der();
        let of =
            |value: &[u8]| t.create(&with(&certificate.template(), attrs![CKA_VALUE => value]));
        let mut longer = whole.clone();
        longer.push(0);
        let no_number = Certificate { serial: der(0x04, &[&[1]]), ..certificate.clone() };
        let no_time = Certificate {
            validity: der(
                0x30,
                &[&der(0x17, &[b"999999999999Z"]), &der(0x17, &[b"260131120000Z"])],
            ),
            ..certificate.clone()
        };
        let no_key = Certificate { public_key: der(0x30, &[]), ..certificate.clone() };
        for value in [
            b"text".to_vec(),
            vec![0x30, 0],
            longer,
            no_number.der(),
            no_time.der(),
            no_key.der(),
            certificate.public_key.clone(),
        ] {
            assert_eq!(of(&value), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
        for at in 1..whole.len() {
            assert_eq!(of(&whole[..at]), Err(CKR_ATTRIBUTE_VALUE_INVALID), "cut at {at}");
            let mut bad = whole.clone();
            bad[at] ^= 0x81;
            let outcome = of(&bad).err().unwrap_or(CKR_OK);
            let known = [CKR_OK, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT];
            assert!(known.contains(&outcome), "{at}: {outcome:x}");
        }
    });
}

/// Version 1 has no version field, and serial numbers may be what RFC 5280 would not have.
#[test]
fn odd_certificates_are_in_use() {
    with_token(|t| {
        for serial in [vec![0], vec![0xFF], vec![0x7F; 40]] {
            let odd = Certificate { serial: der(0x02, &[&serial]), ..Certificate::default() };
            t.create(&odd.template()).unwrap();
        }
        let nobody = Certificate { subject: der(0x30, &[]), ..Certificate::default() };
        let made = t.create(&nobody.template()).unwrap();
        assert_eq!(t.bytes(made, CKA_SUBJECT).unwrap(), [0x30, 0]);
    });
}

/// Certificates as OpenSSL makes them.
#[test]
fn certificates_of_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.der");
    with_token(|t| {
        for key in ["rsa:2048", "ec", "ed25519"] {
            let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
            let made = openssl_command()
                .args(["req", "-x509", "-nodes", "-newkey", key])
                .args(if key == "ec" { &curve[..] } else { &[] })
                .args(["-subj", "/C=XX/O=Org+OU=Unit/CN=caf\u{e9}", "-utf8", "-days", "400"])
                .args(["-outform", "DER", "-keyout", "/dev/null", "-out"])
                .arg(&file)
                .output()
                .expect("openssl");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let value = std::fs::read(&file).unwrap();
            let template = attrs![
                CKA_CLASS => CKO_CERTIFICATE,
                CKA_CERTIFICATE_TYPE => CKC_X_509,
                CKA_SUBJECT => b"",
                CKA_VALUE => &value,
            ];
            let object = t.create(&template).unwrap();
            let name = t.bytes(object, CKA_SUBJECT).unwrap();
            assert!(!name.is_empty() && value.windows(name.len()).any(|part| part == name));
            let public_key = openssl_command()
                .args(["x509", "-inform", "DER", "-noout", "-pubkey", "-in"])
                .arg(&file)
                .output()
                .unwrap();
            let kept = t.bytes(object, CKA_PUBLIC_KEY_INFO).unwrap();
            let pem = String::from_utf8(public_key.stdout).unwrap();
            let (_, public_key) = ::der::Document::from_pem(&pem).unwrap();
            assert_eq!(kept, public_key.as_bytes());
        }
    });
}

/// Instead of a certificate there may be a place to find it, and then what tells it apart.
#[test]
fn certificates_that_are_elsewhere() {
    with_token(|t| {
        let away = attrs![
            CKA_CLASS => CKO_CERTIFICATE,
            CKA_CERTIFICATE_TYPE => CKC_X_509,
            CKA_SUBJECT => named("A subject"),
            CKA_URL => "https://example.com/certificate.der",
            CKA_HASH_OF_SUBJECT_PUBLIC_KEY => &[1; 20],
            CKA_HASH_OF_ISSUER_PUBLIC_KEY => &[2; 20],
        ];
        let made = t.create(&away).unwrap();
        assert_eq!(t.bytes(made, CKA_VALUE), Ok(vec![]));
        assert_eq!(t.bytes(made, CKA_CHECK_VALUE), Ok(vec![]));
        t.create(&with(&away, attrs![CKA_VALUE => b""])).unwrap();
        let sha256 = attrs![
            CKA_NAME_HASH_ALGORITHM => CKM_SHA256,
            CKA_HASH_OF_SUBJECT_PUBLIC_KEY => &[1; 32],
            CKA_HASH_OF_ISSUER_PUBLIC_KEY => &[2; 32],
        ];
        t.create(&with(&away, sha256)).unwrap();
        for (more, rv) in [
            (attrs![CKA_URL => ""], CKR_TEMPLATE_INCOMPLETE),
            (attrs![CKA_HASH_OF_SUBJECT_PUBLIC_KEY => b""], CKR_TEMPLATE_INCOMPLETE),
            (attrs![CKA_HASH_OF_ISSUER_PUBLIC_KEY => b""], CKR_TEMPLATE_INCOMPLETE),
            (attrs![CKA_HASH_OF_ISSUER_PUBLIC_KEY => &[2; 32]], CKR_ATTRIBUTE_VALUE_INVALID),
            (attrs![CKA_NAME_HASH_ALGORITHM => CKM_AES_GCM], CKR_ATTRIBUTE_VALUE_INVALID),
            (attrs![CKA_NAME_HASH_ALGORITHM => CKM_SHA256], CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            assert_eq!(t.create(&with(&away, more.clone())), Err(rv), "{more:?}");
        }
    });
}

#[test]
fn categories_and_domains() {
    with_token(|t| {
        let template = Certificate::default().template();
        for cka in [CKA_CERTIFICATE_CATEGORY, CKA_JAVA_MIDP_SECURITY_DOMAIN] {
            for number in 0..4 as CK_ULONG {
                let made = t.create(&with(&template, attrs![cka => number])).unwrap();
                assert_eq!(t.ulong(made, cka), Ok(number));
                assert_eq!(t.set(made, &attrs![cka => number]), Err(CKR_ATTRIBUTE_READ_ONLY));
            }
            for number in [4, CK_ULONG::MAX] {
                let refused = t.create(&with(&template, attrs![cka => number]));
                assert_eq!(refused, Err(CKR_ATTRIBUTE_VALUE_INVALID));
            }
        }
    });
}

/// "Trusted certificates cannot be modified" (section 4.6.2), and only the SO makes one trusted.
#[test]
fn trusted_certificates() {
    with_token(|t| {
        let trusted = attrs![CKA_TRUSTED => true];
        let template = with(&Certificate::default().template(), attrs![CKA_TOKEN => true]);
        let made = t.create(&template).unwrap();
        assert_eq!(t.set(made, &trusted), Err(CKR_ATTRIBUTE_READ_ONLY));
        let created = t.create(&with(&template, trusted.clone()));
        assert_eq!(created, Err(CKR_ATTRIBUTE_READ_ONLY));
        t.logout().unwrap();
        t.login(CKU_SO, SO_PIN).unwrap();
        t.set(made, &trusted).unwrap();
        t.create(&with(&template, trusted)).unwrap();
        let label = attrs![CKA_LABEL => "new"];
        assert_eq!(t.set(made, &label), Err(CKR_ACTION_PROHIBITED));
        t.logout().unwrap();
        t.login(CKU_USER, PIN).unwrap();
        assert_eq!(t.set(made, &label), Err(CKR_ACTION_PROHIBITED));
        let copy = t.copy(made, &label).unwrap();
        assert_eq!(t.flag(copy, CKA_TRUSTED), Ok(false));
    });
}

/// Attribute certificates and WTLS are of the past: the token has no such type.
#[test]
fn other_types() {
    with_token(|t| {
        for kind in [CKC_X_509_ATTR_CERT, CKC_WTLS, CKC_VENDOR_DEFINED] {
            let template =
                with(&Certificate::default().template(), attrs![CKA_CERTIFICATE_TYPE => kind]);
            assert_eq!(t.create(&template), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        }
    });
}

/// Section 4.7: trust in a certificate, which is told by issuer and serial number, and by its hash
/// wherever it is trusted.
#[test]
fn trust_objects() {
    with_token(|t| {
        let certificate = Certificate::default();
        let sha256 = t.digest(&Mech::new(CKM_SHA256), &certificate.der()).unwrap();
        let trust = |ckt: u32| Attr::from(CK_ULONG::from(ckt));
        let bare = attrs![
            CKA_CLASS => CKO_TRUST,
            CKA_ISSUER => &certificate.issuer,
            CKA_SERIAL_NUMBER => &certificate.serial,
            CKA_TRUST_CLIENT_AUTH => trust(CKT_NOT_TRUSTED),
        ];
        let distrust = t.create(&bare).unwrap();
        for (cka, ckt) in [
            (CKA_TRUST_CLIENT_AUTH, CKT_NOT_TRUSTED),
            (CKA_TRUST_SERVER_AUTH, CKT_TRUST_UNKNOWN),
            (CKA_TRUST_OCSP_SIGNING, CKT_TRUST_UNKNOWN),
        ] {
            assert_eq!(t.ulong(distrust, cka), Ok(CK_ULONG::from(ckt)));
        }
        assert_eq!(t.flag(distrust, CKA_PRIVATE), Ok(false));
        let hashed =
            attrs![CKA_NAME_HASH_ALGORITHM => CKM_SHA256, CKA_HASH_OF_CERTIFICATE => sha256];
        for ckt in [CKT_TRUSTED, CKT_TRUST_ANCHOR, CKT_TRUST_MUST_VERIFY_TRUST] {
            let anchor = attrs![CKA_TRUST_SERVER_AUTH => trust(ckt)];
            assert_eq!(t.create(&with(&bare, anchor.clone())), Err(CKR_TEMPLATE_INCOMPLETE));
            assert_eq!(t.set(distrust, &anchor), Err(CKR_TEMPLATE_INCOMPLETE));
            let made = t.create(&with(&with(&bare, hashed.clone()), anchor)).unwrap();
            assert_eq!(t.ulong(made, CKA_TRUST_SERVER_AUTH), Ok(CK_ULONG::from(ckt)));
            t.set(made, &attrs![CKA_TRUST_SERVER_AUTH => trust(CKT_NOT_TRUSTED)]).unwrap();
        }
        let none = attrs![CKA_TRUST_SERVER_AUTH => 5usize];
        assert_eq!(t.create(&with(&bare, none)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let short = attrs![CKA_HASH_OF_CERTIFICATE => b"short"];
        assert_eq!(t.create(&with(&bare, short)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
        let by_name = attrs![CKA_CLASS => CKO_TRUST, CKA_SERIAL_NUMBER => &certificate.serial];
        assert_eq!(t.find(&by_name).unwrap().len(), 4);
    });
}
