//! `keyferry kek`: what is kept of a KEK, and what is said of what is not.
use crate::cli::many::logged_in;
use crate::{KID, Place, jwk, with_token};
use keyferry::byok::azure::Package;
use keyferry::byok::kek::Kek;
use keyferry::ck::*;
use keyferry::client::{Mechanism, Oaep, Session, Template};
use serde_json::{Value, json};

/// With a JWK that another system has named.
fn with_named() -> Place {
    let place = with_token();
    let kek = Kek::parse(&std::fs::read(place.path("KEK-real.pem")).unwrap()).unwrap();
    std::fs::write(place.path("named.jwk"), jwk(&kek, ",\"kid\":\"kek-1\"")).unwrap();
    place
}

#[test]
fn a_name_that_is_not_kept_is_told() {
    let place = with_named();
    let shown = place.good("kek import {dir}/named.jwk --label named");
    let said = "kid in the file  \"kek-1\" is not kept, since it is no key identifier of Azure's; if the KEK is \
                Azure's, import it with --kid\n";
    assert!(shown.contains(said), "{shown}");
    let shown = place.good("kek import {dir}/named.jwk --label both --kid {kid}");
    assert!(
        shown.contains("\"kek-1\" is not kept") && shown.contains("the one given is\n"),
        "{shown}"
    );
    assert!(!place.good("kek import {dir}/real.jwk --label real").contains("in the file"));
    for (line, kid, kept, named) in [
        ("{dir}/named.jwk --label a", None, false, Some("kek-1")),
        ("{dir}/named.jwk --label b --kid {kid}", Some(KID), true, Some("kek-1")),
        ("{dir}/real.jwk --label c", Some(KID), true, Some(KID)),
        ("{dir}/KEK-real.pem --label d", None, false, None),
    ] {
        let answer = place.json(&format!("kek import {line}"));
        assert_eq!(answer["kid"].as_str(), kid, "{line}");
        assert_eq!(answer["kid_kept"], kept, "{line}");
        assert_eq!(answer["kid_in_file"].as_str(), named, "{line}");
    }
}

#[test]
fn lists_show_what_there_is_to_know() {
    let place = with_named();
    place.good("kek import {dir}/real.jwk --label trusted --trust");
    let shown = place.good("kek list");
    let line = |text: &str, label: &str| -> String {
        let found = text.lines().find(|line| line.starts_with(label));
        let words: Vec<&str> = found.unwrap().split("  ").map(str::trim).collect();
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<&str>>().join("|")
    };
    let sha256 = &place.json("kek list")[0]["sha256"];
    assert_eq!(line(&shown, "LABEL"), "LABEL|CLASS|ID|TYPE|TRUSTED|SHA-256|KID");
    assert_eq!(
        line(&shown, "kek"),
        format!("kek|public|-|RSA-2048|no|{}|{KID}", sha256.as_str().unwrap())
    );
    assert!(line(&shown, "trusted").starts_with("trusted|public|-|RSA-4096|yes|"), "{shown}");

    let shown = place.good("key list");
    assert_eq!(line(&shown, "LABEL"), "LABEL|CLASS|TYPE|ID|LEAVING|ACTIVE|TRUSTED|KID");
    assert_eq!(line(&shown, "aes"), "aes|secret|AES-256|0a0b|extractable");
    assert_eq!(line(&shown, "trusted"), format!("trusted|public|RSA-4096|-|yes|{KID}"));
    assert!(line(&shown, "guarded  private").ends_with("|under trusted KEKs"), "{shown}");
    assert!(line(&shown, "stays  ").contains("|stays"), "{shown}");

    let keys = place.json("key list");
    let facts = |label: &str, class: &str| {
        let keys = keys.as_array().unwrap();
        let key = keys.iter().find(|key| key["label"] == label && key["class"] == class).unwrap();
        json!([key["extractable"], key["wrap_with_trusted"], key["trusted"], key["kid"]])
    };
    assert_eq!(facts("guarded", "private"), json!([true, true, null, null]));
    assert_eq!(facts("sign", "private"), json!([true, false, null, null]));
    assert_eq!(facts("aes", "secret"), json!([true, false, false, null]));
    assert_eq!(facts("trusted", "public"), json!([null, null, true, KID]));
    assert_eq!(facts("sign", "public"), json!([null, null, false, null]));
}

/// Every right of each class, PKCS#11 3.2 sections 4.7 to 4.10.
const RIGHTS: [(CK_OBJECT_CLASS, &[CK_ATTRIBUTE_TYPE]); 3] = [
    (
        CKO_PUBLIC_KEY,
        &[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_DERIVE, CKA_ENCAPSULATE],
    ),
    (
        CKO_PRIVATE_KEY,
        &[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_DERIVE, CKA_DECAPSULATE],
    ),
    (
        CKO_SECRET_KEY,
        &[CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE],
    ),
];

/// The rights that the objects of a label really have, and their guards.
fn rights(session: &Session, label: &str) -> Vec<(CK_OBJECT_CLASS, Vec<CK_ATTRIBUTE_TYPE>)> {
    let mut found = Vec::new();
    for (class, all) in RIGHTS {
        let search = Template::class(class).bytes(CKA_LABEL, label.as_bytes());
        for key in session.find(&search).unwrap() {
            let flag = |cka: CK_ATTRIBUTE_TYPE| session.flag(key, cka).unwrap() == Some(true);
            if class != CKO_PUBLIC_KEY {
                assert!(flag(CKA_SENSITIVE) && flag(CKA_PRIVATE), "{label}");
            }
            found.push((class, all.iter().copied().filter(|cka| flag(*cka)).collect()));
        }
    }
    found
}

#[test]
fn keys_have_the_rights_that_were_named_and_no_other() {
    let place = with_token();
    let (public, private, secret) = (CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY);
    let pair =
        |p: CK_ATTRIBUTE_TYPE, q: CK_ATTRIBUTE_TYPE| vec![(public, vec![p]), (private, vec![q])];
    let cases = [
        ("rsa-2048", "unwrap", pair(CKA_WRAP, CKA_UNWRAP)),
        ("rsa-2048", "wrap", pair(CKA_WRAP, CKA_UNWRAP)),
        ("rsa-2048", "sign", pair(CKA_VERIFY, CKA_SIGN)),
        ("rsa-2048", "decrypt", pair(CKA_ENCRYPT, CKA_DECRYPT)),
        ("p-256", "sign", pair(CKA_VERIFY, CKA_SIGN)),
        ("p-384", "verify", pair(CKA_VERIFY, CKA_SIGN)),
        ("p-521", "sign", pair(CKA_VERIFY, CKA_SIGN)),
        ("p-256k", "derive", vec![(public, vec![]), (private, vec![CKA_DERIVE])]),
        ("aes-128", "unwrap", vec![(secret, vec![CKA_UNWRAP])]),
        ("aes-192", "wrap", vec![(secret, vec![CKA_WRAP])]),
        ("aes-256", "encrypt", vec![(secret, vec![CKA_ENCRYPT])]),
        ("secret-160", "sign", vec![(secret, vec![CKA_SIGN, CKA_VERIFY])]),
        ("secret-160", "derive", vec![(secret, vec![CKA_DERIVE])]),
    ];
    for (n, (kind, usage, _)) in cases.iter().enumerate() {
        place.good(&format!("key generate --type {kind} --usage {usage} --label key{n}"));
    }
    place.good("kek generate --type rsa-2048 --label own -o own.pem");
    place.good("kek generate --type aes-256 --label aes-kek");
    place.good("export azure --kek {dir}/own.pem --kid {kid} --key sign -o own.byok");
    place.good("receive {dir}/own.byok --kek own --label received");
    let session = logged_in(&place);
    for (n, (kind, usage, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(rights(&session, &format!("key{n}")), wanted, "{kind} {usage}");
    }
    assert_eq!(rights(&session, "own"), pair(CKA_WRAP, CKA_UNWRAP));
    assert_eq!(rights(&session, "aes-kek"), [(secret, vec![CKA_WRAP, CKA_UNWRAP])]);
    assert_eq!(rights(&session, "received"), [(private, vec![CKA_SIGN])]);
    assert_eq!(rights(&session, "kek"), [(public, vec![CKA_WRAP])]);
    assert_eq!(rights(&session, "sign"), pair(CKA_VERIFY, CKA_SIGN));
}

/// The mechanisms that a KEK is limited to.
fn allowed(session: &Session, key: CK_OBJECT_HANDLE) -> Vec<CK_MECHANISM_TYPE> {
    let list = session.attribute(key, CKA_ALLOWED_MECHANISMS).unwrap().unwrap();
    let (numbers, rest) = list.as_chunks();
    assert!(rest.is_empty());
    numbers.iter().copied().map(CK_ULONG::from_ne_bytes).collect()
}

fn one(session: &Session, class: CK_OBJECT_CLASS, label: &str) -> CK_OBJECT_HANDLE {
    let found = session.find(&Template::class(class).bytes(CKA_LABEL, label.as_bytes())).unwrap();
    assert_eq!(found.len(), 1, "{label}");
    found[0]
}

#[test]
fn a_kek_is_limited_to_its_mechanisms_and_stays() {
    let place = with_token();
    let answer = place.json("kek generate --label own --id 0a0b -o own.pem");
    assert_eq!((&answer["type"], &answer["id"]), (&"RSA-4096".into(), &"0a0b".into()));
    let pem = Kek::parse(&std::fs::read(place.path("own.pem")).unwrap()).unwrap();
    assert_eq!(answer["sha256"], pem.fingerprint().unwrap());
    place.good("kek generate --label oaep --type rsa-2048 --oaep");
    place.good("kek generate --label inner --type aes-128");
    place.good("kek generate --label own-trusted --type rsa-2048 --trust");
    place.good("kek generate --label aes-trusted --type aes-256 --trust");
    let session = logged_in(&place);
    let rsa = [CKM_RSA_AES_KEY_WRAP, CKM_KEYFERRY_AZURE_BYOK];
    let aes = [CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP];
    for (class, label, mechanisms, trusted) in [
        (CKO_PUBLIC_KEY, "own", &rsa[..], false),
        (CKO_PRIVATE_KEY, "own", &rsa, false),
        (CKO_PRIVATE_KEY, "oaep", &[CKM_RSA_PKCS_OAEP], false),
        (CKO_SECRET_KEY, "inner", &aes, false),
        (CKO_PUBLIC_KEY, "own-trusted", &rsa, true),
        (CKO_SECRET_KEY, "aes-trusted", &aes, true),
    ] {
        let key = one(&session, class, label);
        assert_eq!(allowed(&session, key), mechanisms, "{label}");
        assert_eq!(session.flag(key, CKA_TRUSTED).unwrap() == Some(true), trusted, "{label}");
        if class != CKO_PUBLIC_KEY {
            let flags = [CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_TOKEN];
            let flags = flags.map(|cka| session.flag(key, cka).unwrap());
            assert_eq!(flags, [Some(true), Some(false), Some(true)], "{label}");
        }
        if class == CKO_SECRET_KEY {
            lets_in_hidden_keys_only(&session, key, label);
        }
    }
    drop(session);
    // keys that leave under trusted KEKs only leave under it, and come back
    place.good("export azure --kek own-trusted --kid {kid} --key guarded -o guarded.byok");
    place.good("verify {dir}/guarded.byok --receive own-trusted --public guarded");
    place.good("receive {dir}/guarded.byok --kek own-trusted --label back");
    let listed = place.json("kek list");
    let warnings = |kek: &Value| kek["warnings"].as_array().unwrap().len();
    assert_eq!(listed.as_array().unwrap().len(), 1 + 3 * 2 + 2, "{listed}");
    assert!(listed.as_array().unwrap().iter().all(|kek| warnings(kek) == 0), "{listed}");
}

/// An AES KEK does not show what it wrapped, and gets no right that does.
fn lets_in_hidden_keys_only(session: &Session, kek: CK_OBJECT_HANDLE, label: &str) {
    let secret = Template::class(CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .ulong(CKA_VALUE_LEN, 32)
        .flags(&[CKA_SENSITIVE, CKA_EXTRACTABLE]);
    let secret = session.generate(&Mechanism::Plain(CKM_GENERIC_SECRET_KEY_GEN), &secret).unwrap();
    let mechanism = Mechanism::Plain(CKM_AES_KEY_WRAP);
    let blob = session.wrap(&mechanism, kek, secret).unwrap();
    let back = |sensitive, extractable| {
        let back = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
            .flag(CKA_SENSITIVE, sensitive)
            .flag(CKA_EXTRACTABLE, extractable);
        session.unwrap(&mechanism, kek, &blob, &back)
    };
    for (sensitive, extractable) in [(false, true), (false, false), (true, true)] {
        let refused = back(sensitive, extractable).unwrap_err();
        assert!(refused.is(CKR_TEMPLATE_INCONSISTENT), "{label}: {refused}");
    }
    back(true, false).unwrap();
    for right in [CKA_DECRYPT, CKA_ENCRYPT, CKA_SIGN, CKA_DERIVE] {
        let more = Template::default().flag(right, true);
        assert!(session.set(kek, &more).is_err(), "{label} 0x{right:X}");
        assert!(session.copy(kek, &more).is_err(), "{label} 0x{right:X}");
    }
}

/// The options of `kek generate` for keys that come in, and what `receive` says under KEKs without them.
#[test]
fn keks_let_in_what_they_were_made_for() {
    let place = with_token();
    let make = |label: &str, options: &str| {
        place
            .good(&format!("kek generate --type rsa-2048 --label {label} -o {label}.pem {options}"))
    };
    assert!(make("keeps", "").contains("Lets in       keys that stay\n"));
    let shown = make("leaves", "--receive-extractable");
    assert!(shown.contains("Lets in       keys that may leave again, wrapped\n"), "{shown}");
    let shown = make("safe", "--receive-extractable --trust");
    assert!(shown.contains("Lets in       keys that may leave again, under trusted KEKs\n"));
    make("data", "--oaep --receive-usage encrypt,decrypt");
    make("decrypts", "--receive-usage decrypt");
    for kek in ["keeps", "leaves", "safe"] {
        place.good(&format!(
            "export azure --kek {{dir}}/{kek}.pem --kid {{kid}} --key sign -o {kek}.byok"
        ));
        place.good(&format!("verify {{dir}}/{kek}.byok --receive {kek} --public sign"));
        place.good(&format!("receive {{dir}}/{kek}.byok --kek {kek} --label from-{kek}"));
        let line =
            format!("receive {{dir}}/{kek}.byok --kek {kek} --label {kek}-again --extractable");
        assert_eq!(place.run(&line).status.success(), kek != "keeps", "{kek}");
    }
    uses_that_open(&place);
    let session = logged_in(&place);
    let flags = |label: &str| {
        let key = one(&session, CKO_PRIVATE_KEY, label);
        [CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED, CKA_DECRYPT]
            .map(|cka| session.flag(key, cka).unwrap() == Some(true))
    };
    assert_eq!(flags("from-keeps"), [true, false, false, false]);
    assert_eq!(flags("leaves-again"), [true, true, false, false]);
    assert_eq!(flags("safe-again"), [true, true, true, false]);
    assert_eq!(flags("rsa-both"), [true, false, false, true]);
}

/// Keys that encrypt or decrypt, under KEKs that were made for them.
fn uses_that_open(place: &Place) {
    place.good("export aws --kek {dir}/data.pem --key aes -o data.bin");
    place.good("verify {dir}/data.bin --for aws --receive data");
    place.good("receive {dir}/data.bin --kek data --label data2 --for aws --type aes-256");
    place.good("key generate --type rsa-2048 --label rsa --extractable");
    place.good("export azure --kek {dir}/keeps.pem --kid {kid} --key rsa -o rsa.byok");
    place.good("verify {dir}/rsa.byok --receive keeps --public rsa");
    place.good("receive {dir}/rsa.byok --kek keeps --label rsa-signs --usage sign");
    place.good("export azure --kek {dir}/decrypts.pem --kid {kid} --key rsa -o rsa2.byok");
    place.good("verify {dir}/rsa2.byok --receive decrypts --public rsa");
    place.good("receive {dir}/rsa2.byok --kek decrypts --label rsa-both");
}

#[test]
fn keks_that_can_do_more_are_warned_of() {
    let place = with_token();
    let session = logged_in(&place);
    let aes = Template::class(CKO_SECRET_KEY)
        .ulong(CKA_VALUE_LEN, 32)
        .flags(&[CKA_TOKEN, CKA_SENSITIVE])
        .bytes(CKA_LABEL, b"loose")
        .rights(CKO_SECRET_KEY, &[CKA_WRAP, CKA_UNWRAP, CKA_DECRYPT])
        .ulongs(CKA_ALLOWED_MECHANISMS, &[CKM_AES_KEY_WRAP, CKM_AES_CBC_PAD, CKM_AES_CTR]);
    session.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &aes).unwrap();
    drop(session);
    place.good("key generate --type rsa-2048 --usage unwrap,sign --label both");
    place.good("kek generate --type rsa-2048 --label strict");
    let shown = place.good("kek list");
    for part in [
        "\nwarning: the secret key \"loose\": it carries keys and may do more, which may give them away: decrypt; \
         `keyferry kek generate` makes a KEK that unwraps and does nothing else\n",
        "\nwarning: the secret key \"loose\": it may unwrap with mechanisms that notice no change: CKM_AES_CBC_PAD, \
         CKM_AES_CTR; ",
        "\nwarning: the private key \"both\": it carries keys and may do more, which may give them away: sign; ",
        "\nwarning: the public key \"both\": it carries keys and may do more, which may give them away: verify; ",
        "\nwarning: the private key \"both\": it may unwrap with every mechanism of its type",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let readable =
        "a key that it unwraps can be read, since no CKA_UNWRAP_TEMPLATE demands CKA_SENSITIVE; ";
    for key in ["secret key \"loose\"", "private key \"both\""] {
        assert!(shown.contains(&format!("\nwarning: the {key}: {readable}")), "{shown}");
    }
    assert_eq!(shown.matches("warning: ").count(), 7, "{shown}");
    let told = |label: &str| -> Vec<String> {
        // what is in the way of leaving does not matter here
        let output = place.run(&format!("doctor --key {label} --json"));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = answer["key"]["findings"].as_array().unwrap();
        let warnings = findings.iter().filter(|finding| finding["name"] == "warning");
        warnings.map(|finding| finding["is"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told("loose").len(), 3);
    assert!(told("both")[0].ends_with(": sign"));
    assert_eq!(told("strict").len() + told("sign").len() + told("aes").len(), 0);
}

/// What the literature does with a package and its KEK, logged in as the user: every call of the standard that could
/// open the part under OAEP alone.
#[test]
fn a_kek_does_not_give_away_what_a_package_holds() {
    let place = with_token();
    place.good("kek generate --type rsa-2048 --label own -o own.pem");
    place.good("export azure --kek {dir}/own.pem --kid {kid} --key sign -o own.byok");
    let package = Package::parse(&std::fs::read(place.path("own.byok")).unwrap()).unwrap();
    let (head, _) = package.ciphertext.split_at(256);
    let session = logged_in(&place);
    let key = one(&session, CKO_PRIVATE_KEY, "own");
    let oaep = Mechanism::Oaep(Oaep::azure());
    let plain = [CKM_RSA_X_509, CKM_RSA_PKCS].map(Mechanism::Plain);
    // the whole package does not come in as a key that can be read
    let readable = Template::class(CKO_PRIVATE_KEY)
        .ulong(CKA_KEY_TYPE, CKK_EC)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true);
    let refused = session.unwrap(&Mechanism::azure(), key, &package.ciphertext, &readable);
    assert!(refused.unwrap_err().is(CKR_TEMPLATE_INCONSISTENT));
    for mechanism in plain.iter().chain([&oaep]) {
        let refused = session.decrypt(mechanism, key, head).unwrap_err();
        assert!(refused.is(CKR_KEY_FUNCTION_NOT_PERMITTED), "{mechanism:?}: {refused}");
        let refused = session.sign(mechanism, key, head).unwrap_err();
        let codes = [CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID];
        assert!(codes.iter().any(|rv| refused.is(*rv)), "{mechanism:?}: {refused}");
        let aes = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES)
            .flags(&[CKA_EXTRACTABLE, CKA_UNWRAP, CKA_ENCRYPT])
            .flag(CKA_SENSITIVE, false);
        let refused = session.unwrap(mechanism, key, head, &aes).unwrap_err();
        assert!(refused.is(CKR_MECHANISM_INVALID), "{mechanism:?}: {refused}");
    }
    assert_eq!(sign_recover(&session, key, head), CKR_KEY_FUNCTION_NOT_PERMITTED);
    // no right comes back by another way
    for right in [CKA_SIGN_RECOVER, CKA_DECRYPT, CKA_SIGN, CKA_DERIVE, CKA_EXTRACTABLE] {
        let more = Template::default().flag(right, true);
        assert!(session.set(key, &more).is_err(), "0x{right:X}");
        assert!(session.copy(key, &more).is_err(), "0x{right:X}");
    }
    let more = Template::default().ulongs(CKA_ALLOWED_MECHANISMS, &[CKM_RSA_X_509]);
    assert!(session.set(key, &more).is_err() && session.copy(key, &more).is_err());
}

/// `C_SignRecoverInit`, and `C_SignRecover` if that is allowed, with `CKM_RSA_X_509`: the arithmetic of decryption. The
/// session shares the login of the other one.
#[allow(unsafe_code, reason = "the client has no such function")]
fn sign_recover(session: &Session, key: CK_OBJECT_HANDLE, data: &[u8]) -> CK_RV {
    let mut list = std::ptr::null_mut();
    // SAFETY: a live variable
    let found = unsafe { keyferry::abi::C_GetFunctionList(&raw mut list) };
    assert_eq!(found, CKR_OK);
    // SAFETY: C_GetFunctionList answered CKR_OK
    let list = unsafe { *list };
    let mut own = CK_INVALID_HANDLE;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    let null = std::ptr::null_mut();
    // SAFETY: a live variable, and no callback
    let opened =
        unsafe { list.C_OpenSession.unwrap()(session.slot(), flags, null, None, &mut own) };
    assert_eq!(opened, CKR_OK);
    let mut raw = CK_MECHANISM { mechanism: CKM_RSA_X_509, pParameter: null, ulParameterLen: 0 };
    // SAFETY: a live mechanism without a parameter
    let begun = unsafe { list.C_SignRecoverInit.unwrap()(own, &raw mut raw, key) };
    let mut answer = begun;
    if begun == CKR_OK {
        let (mut out, mut len) = ([0; 256], 256);
        let data_len = CK_ULONG::try_from(data.len()).unwrap();
        // SAFETY: live buffers of the lengths that are given
        answer = unsafe {
            list.C_SignRecover.unwrap()(
                own,
                data.as_ptr().cast_mut(),
                data_len,
                out.as_mut_ptr(),
                &mut len,
            )
        };
    }
    // SAFETY: the session was opened above
    let closed = unsafe { list.C_CloseSession.unwrap()(own) };
    assert_eq!(closed, CKR_OK);
    answer
}
