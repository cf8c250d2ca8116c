//! `keyferry verify`: what was exported is good, and whatever was done to it is told.
use crate::{HSM, KID, Place, jwk, text, with_token};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::{Package, request};
use keyferry::byok::kek::Kek;
use keyferry::byok::target::{Curve, Target};
use keyferry::crypto::aes_kw::kwp_wrap;
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep::{self, Oaep};
use keyferry::crypto::rsa::PublicKey;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Damages {
    case: Vec<Damage>,
}

#[derive(Deserialize)]
struct Damage {
    #[serde(default)]
    form: String,
    replace: Option<[String; 2]>,
    also: Option<[String; 2]>,
    inside: Option<[String; 2]>,
    /// How it was wrapped, as a release says.
    #[serde(default)]
    enc: String,
    flip: Option<isize>,
    #[serde(default)]
    saturate: bool,
    /// What the blob holds instead of the key: these bytes, and zeros.
    holds: Option<Vec<u8>>,
    #[serde(default)]
    cut: usize,
    #[serde(default)]
    truncate: usize,
    run: String,
    check: String,
    says: Vec<String>,
}

/// The token of `token-refusals.toml`, and receivers with their private keys.
pub fn with_receiver() -> Place {
    let place = with_token();
    for (name, pem) in [
        ("receiver.pem", &include_bytes!("receiver.pem")[..]),
        ("receiver-pkcs1.pem", include_bytes!("receiver-pkcs1.pem")),
        ("receiver-public.pem", include_bytes!("receiver-public.pem")),
        ("other-receiver.pem", include_bytes!("other-receiver.pem")),
        ("other-receiver-public.pem", include_bytes!("other-receiver-public.pem")),
        ("receiver-4096.pem", include_bytes!("receiver-4096.pem")),
        ("receiver-4096-public.pem", include_bytes!("receiver-4096-public.pem")),
        ("other-receiver-4096.pem", include_bytes!("other-receiver-4096.pem")),
    ] {
        std::fs::write(place.path(name), pem).unwrap();
    }
    let receiver = Kek::parse(include_bytes!("receiver-public.pem")).unwrap();
    for (name, more) in [
        ("receiver.jwk", format!(",\"key_ops\":[\"import\"],\"kid\":\"{KID}\"")),
        ("other-kid.jwk", format!(",\"kid\":\"{HSM}\"")),
        ("encrypt.jwk", ",\"key_ops\":[\"encrypt\"]".to_owned()),
    ] {
        std::fs::write(place.path(name), jwk(&receiver, &more)).unwrap();
    }
    // within the first prime
    let odd = include_str!("receiver.pem").replace("Qob1Nr3xkIwnS", "Qob1Nr3xlIwnS");
    std::fs::write(place.path("odd.pem"), odd).unwrap();
    place
}

impl Damage {
    fn of(&self, package: &Package) -> Vec<u8> {
        let mut blob = match &self.holds {
            Some(holds) => holding(holds),
            None => package.ciphertext.clone(),
        };
        if let Some(at) = self.flip {
            let at = usize::try_from(at).unwrap_or_else(|_| blob.len() - at.unsigned_abs());
            blob[at] ^= 1;
        }
        if self.saturate {
            blob[..256].fill(0xFF);
        }
        blob.truncate(blob.len() - self.cut);
        let package = Package { ciphertext: blob.clone(), ..package.clone() };
        let mut file = match self.form.as_str() {
            "raw" => blob,
            "release" => released(&blob, &self.enc).into_bytes(),
            "base64" => Base64::encode_string(&blob).into_bytes(),
            "request" => {
                let target = Target::Ec { curve: Curve::P256 };
                let ops = request::ops(target, &[]).unwrap();
                request::body(target, &ops, &replaced(package.to_bytes(), self.inside.as_ref()))
                    .unwrap()
            }
            _ => package.to_bytes(),
        };
        file = replaced(replaced(file, self.replace.as_ref()), self.also.as_ref());
        file.truncate(file.len() - self.truncate);
        file
    }
}

fn replaced(file: Vec<u8>, words: Option<&[String; 2]>) -> Vec<u8> {
    let Some([from, to]) = words else { return file };
    let whole = text(&file);
    assert!(whole.contains(from), "{from}");
    whole.replacen(from, to, 1).into_bytes()
}

/// As Azure answers a release request, the token alone.
pub fn released(blob: &[u8], enc: &str) -> String {
    let encoded = |bytes: &[u8]| <Base64UrlUnpadded as Encoding>::encode_string(bytes);
    let header = json!({ "alg": "dir", "enc": enc, "kid": "mine" });
    let package = json!({ "ciphertext": encoded(blob), "header": header, "schema_version": "1.0" });
    let key = json!({ "key_hsm": encoded(package.to_string().as_bytes()) });
    let payload = json!({ "response": { "key": { "key": key } } });
    format!("e30.{}.e30", encoded(payload.to_string().as_bytes()))
}

/// A blob for the receiver, as long as that of a P-256 key.
fn holding(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(138, 0);
    let kek = Kek::parse(include_bytes!("receiver-public.pem")).unwrap();
    let rsa = PublicKey::new(kek.modulus(), kek.exponent()).unwrap();
    let sha1 = Oaep { hash: Hash::Sha1, mgf: Hash::Sha1, label: Vec::new() };
    let mut blob = oaep::encrypt(&rsa, &sha1, &[7; 32]).unwrap();
    blob.extend(kwp_wrap(&[7; 32], None, &content).unwrap());
    blob
}

#[test]
fn every_damage_is_refused_with_the_reason() {
    let place = with_receiver();
    place.good("export azure --kek {dir}/receiver-public.pem --kid {kid} --key sign -o good.byok");
    let package = Package::parse(&std::fs::read(place.path("good.byok")).unwrap()).unwrap();
    let files = [include_str!("verify.toml"), include_str!("verify-members.toml")];
    let damages = files.map(|file| toml::from_str::<Damages>(file).unwrap().case);
    for damage in damages.into_iter().flatten() {
        std::fs::write(place.path("bad"), damage.of(&package)).unwrap();
        let line = format!("verify {{dir}}/bad {}", damage.run);
        let output = place.run(&line);
        let (shown, error) = (text(&output.stdout), text(&output.stderr));
        let what = format!("{line} ({}): {shown}{error}", damage.check);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(shown.ends_with("\nResult: FAILURE\n"), "{what}");
        let failed = format!("FAILED  {} ", damage.check);
        let row = shown.lines().find(|row| row.starts_with(&failed));
        let row = row.unwrap_or_else(|| panic!("{what}"));
        for said in damage.says {
            let said = said.replace("{hsm}", HSM).replace("{kid}", KID);
            assert!(row.contains(&said), "no \"{said}\" in {what}");
        }
        let answer: Value =
            serde_json::from_slice(&place.run(&format!("{line} --json")).stdout).unwrap();
        assert_eq!(answer["result"], "FAILURE", "{what}");
        let opens = |check: &Value| check["check"] == "opens" && check["ok"] == true;
        let is_opened = answer["checks"].as_array().unwrap().iter().any(opens);
        assert_eq!(answer["opened"], is_opened, "{what}");
        let checks = answer["checks"].as_array().unwrap();
        let wrong = checks.iter().find(|check| check["check"] == damage.check.as_str()).unwrap();
        assert_eq!(wrong["ok"], false, "{what}");
        assert!(error.starts_with("keyferry: ") && !answer["error"].is_null(), "{what}");
    }
}

fn receivers_fingerprint() -> String {
    Kek::parse(include_bytes!("receiver-public.pem")).unwrap().fingerprint().unwrap()
}

const KEK: &str = "--kek {dir}/receiver-public.pem";
const PRIVATE: &str = "--private {dir}/receiver.pem";

impl Place {
    /// Good, with the private half.
    fn opens(&self, line: &str) -> String {
        let shown = self.good(line);
        let is_good = shown.ends_with("\nResult: SUCCESS\n") && !shown.contains("FAILED");
        assert!(is_good, "{line}: {shown}");
        let answer = self.json(line);
        assert_eq!((&answer["result"], &answer["opened"]), (&"SUCCESS".into(), &true.into()));
        assert!(answer["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true));
        shown
    }

    /// Good as far as can be seen without it.
    fn does_not_open(&self, line: &str) -> String {
        let shown = self.good(line);
        assert!(shown.ends_with("\n\nResult: SUCCESS, not opened\n"), "{line}: {shown}");
        let row = shown.lines().find(|row| row.starts_with("-       opens ")).unwrap();
        let says = "  not checked: whether the blob is undamaged can be seen only with the KEK's private half \
                    (--private or --receive)";
        assert!(row.ends_with(says) && !shown.contains("FAILED"), "{line}: {shown}");
        let answer = self.json(line);
        assert_eq!((&answer["result"], &answer["opened"]), (&"SUCCESS".into(), &false.into()));
        let last = answer["checks"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["check"], &last["ok"]), (&"opens".into(), &Value::Null));
        shown
    }
}

#[test]
fn what_was_exported_is_good_in_every_form() {
    let place = with_receiver();
    place.good("key generate --type rsa-2048 --label rsa --extractable");
    place.good("key public rsa -o rsa.pem");
    for (key, own) in [("sign", "P-256"), ("rsa", "RSA-2048")] {
        for line in [
            format!(
                "export azure {KEK} --kid {{kid}} --key {key} -o {key}.byok --request {key}.json"
            ),
            format!("export aws {KEK} --key {key} -o {key}.bin"),
            format!("export custom {KEK} --key {key} --hash sha384 --encoding base64 -o {key}.b64"),
        ] {
            place.good(&line);
        }
        for (file, how) in
            [("byok", ""), ("json", ""), ("bin", "--for aws"), ("b64", "--for custom")]
        {
            let line = format!("verify {{dir}}/{key}.{file} {how}");
            assert!(place.does_not_open(&format!("{line} {KEK}")).contains(own));
            let opened = place.opens(&format!("{line} {PRIVATE} --public {key}"));
            assert!(opened.contains("public half") && opened.contains("the same"), "{opened}");
            place.opens(&format!("{line} --private {{dir}}/receiver-pkcs1.pem"));
        }
    }
    place.opens(&format!("verify {{dir}}/rsa.bin {PRIVATE} --public {{dir}}/rsa.pem --for aws"));
    place.good(&format!("export aws {KEK} --key aes"));
    let shown = place.opens(&format!("verify {{dir}}/aes.aws.bin {PRIVATE} --for aws"));
    assert!(shown.contains("AES-256, or a secret as long"), "{shown}");
    assert!(shown.contains(&format!("makes them, SHA-256 {}", receivers_fingerprint())), "{shown}");
    let answer = place.json(&format!("verify {{dir}}/sign.byok {KEK}"));
    assert_eq!(answer["kek_sha256"], receivers_fingerprint());
    assert_eq!(answer["for"], "azure");
    assert_eq!(answer["checks"][0]["check"], "form");
}

/// As editors of other systems begin a text.
#[test]
fn a_byte_order_mark_changes_nothing() {
    let place = with_receiver();
    place.good(&format!("export azure {KEK} --kid {{kid}} --key sign -o p.byok --request r.json"));
    place.good(&format!("export custom {KEK} --key sign --hash sha1 --encoding base64 -o b.b64"));
    let blob = Package::parse(&std::fs::read(place.path("p.byok")).unwrap()).unwrap().ciphertext;
    let release = released(&blob, "CKM_RSA_AES_KEY_WRAP");
    std::fs::write(place.path("release.json"), json!({ "value": release }).to_string()).unwrap();
    for name in ["p.byok", "r.json", "b.b64", "release.json"] {
        let bytes = std::fs::read(place.path(name)).unwrap();
        for before in ["\u{feff}", "\u{feff}\r\n "] {
            std::fs::write(place.path(name), [before.as_bytes(), &bytes].concat()).unwrap();
            place.good(&format!("inspect {{dir}}/{name}"));
            place.opens(&format!("verify {{dir}}/{name} {PRIVATE}"));
        }
    }
}

/// What a JWK says of its key matters to whom it is for.
#[test]
fn a_kek_says_what_it_is_for() {
    let place = with_receiver();
    place.good(&format!("export azure {KEK} --kid {{kid}} --key sign -o sign.byok"));
    place.good(&format!("export aws {KEK} --key sign -o sign.bin"));
    for line in [
        "sign.byok --kek {dir}/receiver.jwk",
        "sign.byok --kek {dir}/receiver.jwk --kid {kid}",
        "sign.bin --kek {dir}/encrypt.jwk --for aws",
    ] {
        place.does_not_open(&format!("verify {{dir}}/{line}"));
    }
}

#[test]
fn what_is_as_asked_for_is_good() {
    let place = with_receiver();
    place.good("key generate --type secret-512 --label hs512 --extractable");
    place.good("key generate --type secret-160 --label hs160 --extractable");
    place.good(&format!("export aws {KEK} --key hs512 -o hs512.bin"));
    place.good(&format!("export aws {KEK} --key aes -o aes.bin"));
    place.good(&format!("export custom {KEK} --key hs160 --hash sha256 -o hs160.bin"));
    place.good(&format!("export custom {KEK} --key sign --hash sha384 --aes 128 -o sign.bin"));
    let blob = std::fs::read(place.path("sign.bin")).unwrap();
    std::fs::write(place.path("sign.jws"), released(&blob, "RSA_AES_KEY_WRAP_384")).unwrap();
    for line in [
        "hs512.bin --for aws --type secret-512",
        "hs512.bin --type secret-512",
        "hs512.bin",
        "aes.bin --for aws --type aes-256",
        "aes.bin --for aws --type secret-256 --mgf sha256",
        "aes.bin --type aes-256",
        "hs160.bin --type secret-160",
        "sign.bin --type p-256 --hash sha384 --aes 128",
        "sign.jws --hash sha384",
        "sign.jws",
    ] {
        place.opens(&format!("verify {{dir}}/{line} {PRIVATE}"));
    }
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let place = with_receiver();
    place.refuses(include_str!("verify-refusals.toml"));
    let output = place.run("verify {dir}/package.byok");
    assert_eq!(output.status.code(), Some(2), "without any KEK");
}

#[test]
fn a_token_opens_it_and_keeps_nothing() {
    let place = with_receiver();
    place.good("key generate --type rsa-2048 --usage unwrap --label mine");
    place.good("key public mine -o mine.pem");
    place.good("export azure --kek {dir}/mine.pem --kid {kid} --key sign -o mine.byok");
    let before = place.json("key list");
    let shown = place.good("verify {dir}/mine.byok --receive mine --public sign");
    assert!(shown.contains("CKM_RSA_AES_KEY_WRAP, in the token"), "{shown}");
    assert!(shown.contains("the same: what the key signs verifies with it"), "{shown}");
    assert!(shown.ends_with("\nResult: SUCCESS\n"), "{shown}");
    for (line, said) in [
        ("verify {dir}/mine.byok --receive mine --public stays", "another key than --public"),
        (
            "verify {dir}/mine.byok --receive mine --public {dir}/KEK-real.pem",
            "another type than --public",
        ),
    ] {
        let output = place.run(line);
        assert!(text(&output.stderr).contains(said), "{line}: {}", text(&output.stderr));
    }
    let mut package = Package::parse(&std::fs::read(place.path("mine.byok")).unwrap()).unwrap();
    package.ciphertext[300] ^= 1;
    std::fs::write(place.path("bad.byok"), package.to_bytes()).unwrap();
    let output = place.run("verify {dir}/bad.byok --receive mine");
    let error = text(&output.stderr);
    assert!(
        error.contains("the token makes no P-256 of it") && error.contains("damaged"),
        "{error}"
    );
    assert_eq!(place.json("key list"), before);
}
