//! The command line, as a user meets it: run as a program, judged by what it prints, the files it
//! leaves and its exit status. Command lines are data, in `tests/cli/`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod source;
mod cli {
    mod backup;
    mod damages;
    mod destroy;
    mod doctor;
    mod failing;
    mod init;
    mod integrity;
    mod json;
    mod keks;
    #[cfg(unix)]
    mod links;
    mod many;
    #[cfg(unix)]
    mod modules;
    mod receive;
    mod recorded;
    mod refusals;
    mod restrict;
    #[cfg(unix)]
    mod terminal;
    mod verify;
}

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::{Kid, Package};
use keyferry::byok::kek::Kek;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

#[path = "cli/exports.rs"]
mod exports;

const KID: &str = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";
const HSM: &str = "https://h.managedhsm.azure.net/keys/KEK/00112233445566778899aabbccddeeff";

#[derive(Deserialize)]
struct Commands {
    commands: Vec<String>,
}

/// A folder of files to work with, and a store of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        let write = |name: &str, bytes: &[u8]| std::fs::write(place.path(name), bytes).unwrap();
        for bits in [1024, 2048, 4096, 8192] {
            write(&format!("KEK-{bits}.pem"), kek(bits, &[1, 0, 1]).pem().unwrap().as_bytes());
        }
        write("KEK-e3.pem", kek(4096, &[3]).pem().unwrap().as_bytes());
        let one = jwk(&kek(2048, &[1, 0, 1]), "").replace("\"AQAB\"", "\"AQ\"");
        write("KEK-e1.jwk", one.as_bytes());
        write("KEK-p256.pem", include_bytes!("cli/kek-p256.pem"));
        write("private.pem", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
        write("private.der", &[0x30, 6, 2, 1, 0, 0x30, 1, 0]);
        let private = jwk(&kek(2048, &[1, 0, 1]), ",\"d\":\"AQAB\"");
        write("private.jwk", private.as_bytes());
        let import = ",\"key_ops\":[\"import\"]";
        let with_kid = format!("{import},\"kid\":\"{KID}\"");
        write("KEK.jwk", jwk(&kek(2048, &[1, 0, 1]), &with_kid).as_bytes());
        let ops = ",\"key_ops\":[\"wrapKey\",\"import\"]";
        write("wrap.jwk", jwk(&kek(2048, &[1, 0, 1]), ops).as_bytes());
        write("named.jwk", jwk(&kek(2048, &[1, 0, 1]), ",\"kid\":\"kek-1\"").as_bytes());
        let real = include_bytes!("cli/kek-4096.pem");
        write("KEK-real.pem", real);
        write("real.jwk", jwk(&Kek::parse(real).unwrap(), &with_kid).as_bytes());
        write("notes.txt", b"not a key\n");
        write("wrong.pin", b"87654321\n");
        write("short.pin", b"1\n");
        write("latin1.pin", b"p\xE4ssword\n");
        write("long.pem", &[b'x'; 70_000]);
        write("package.byok", &package(296));
        write("short.byok", &package(300));
        write("dotted.byok", b"eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC");
        std::fs::create_dir(place.path("folder")).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command line; the PINs are in the environment, nobody is at the terminal.
    fn run(&self, line: &str) -> Output {
        self.with_pins(line).output().unwrap()
    }

    fn with_pins(&self, line: &str) -> Command {
        let mut command = self.command(line);
        command.env("KEYFERRY_PIN", "12345678").env("KEYFERRY_SO_PIN", "abcdefgh");
        command
    }

    fn command(&self, line: &str) -> Command {
        let line = line.replace("{kid}", KID).replace("{hsm}", HSM);
        let dir = self.0.path().to_str().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyferry"));
        let word =
            |word: &str| if word == "''" { String::new() } else { word.replace("{dir}", dir) };
        command.args(line.split_whitespace().map(word));
        for name in ["KEYFERRY_CONFIG", "KEYFERRY_PIN", "KEYFERRY_SO_PIN", "KEYFERRY_LOG"] {
            command.env_remove(name);
        }
        command.env("KEYFERRY_STORE", format!("sqlite:{dir}/store"));
        command.current_dir(dir).stdin(Stdio::null());
        command
    }

    /// Runs what must succeed.
    fn good(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.good(&format!("{line} --json"))).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Numbers of the right size; nothing is wrapped under them.
fn kek(bits: usize, exponent: &[u8]) -> Kek {
    let mut modulus = vec![0xA5; bits / 8];
    modulus[0] = 0x80;
    Kek::new(&modulus, exponent).unwrap()
}

/// A JWK (RFC 7517), with members of its own.
fn jwk(kek: &Kek, more: &str) -> String {
    let encode = <Base64UrlUnpadded as Encoding>::encode_string;
    let (n, e) = (encode(kek.modulus()), encode(kek.exponent()));
    format!("{{\"kty\":\"RSA-HSM\",\"n\":\"{n}\",\"e\":\"{e}\"{more}}}")
}

fn package(len: usize) -> Vec<u8> {
    let package = Package {
        kid: Kid::parse(KID).unwrap(),
        ciphertext: vec![0xFE; len],
        generator: "test".into(),
    };
    package.to_bytes()
}

#[test]
fn every_command_shows_an_example() {
    let place = Place::new();
    let commands: Commands = toml::from_str(include_str!("cli/commands.toml")).unwrap();
    for command in commands.commands {
        let help = place.good(&format!("{command} --help"));
        assert!(help.contains("Example"), "{command}");
        assert!(help.contains(&format!("  keyferry {command}")), "{command}: {help}");
    }
    assert!(place.good("--help").contains("Examples:"));
    for (command, looks) in [("inspect", false), ("man", false), ("key list", true)] {
        let help = place.good(&format!("{command} --help"));
        assert_eq!(help.contains("--module") && help.contains("--pin-file"), looks, "{help}");
        assert!(help.contains("--json"), "{help}");
    }
    place.good("inspect {dir}/package.byok --token unused");
}

/// What the cloud refuses is not offered.
#[test]
fn help_says_what_each_cloud_takes() {
    let place = Place::new();
    for (cloud, hashes) in [
        ("aws", "sha256, sha1 [default: sha256]"),
        ("gcp", "sha256, sha1 [default: sha256]"),
        ("oci", "sha256 [default: sha256]"),
        ("vault", "sha256, sha1, sha224, sha384, sha512 [default: sha256]"),
    ] {
        let help = place.good(&format!("export {cloud} --help"));
        let help = help.split_whitespace().collect::<Vec<&str>>().join(" ");
        let said = format!("The hash of OAEP, that of the KEK's method: {hashes} -h");
        assert!(help.contains(&said), "{help}");
        let refused = help.matches("Not for AWS KMS, which makes a KEK for each key").count();
        assert_eq!(refused, if cloud == "aws" { 2 } else { 0 }, "{help}");
    }
}

#[test]
fn manual_and_completions_name_every_command() {
    let place = Place::new();
    let commands: Commands = toml::from_str(include_str!("cli/commands.toml")).unwrap();
    place.good("man {dir}/manual/man1");
    for command in &commands.commands {
        let page = format!("manual/man1/keyferry-{}.1", command.replace(' ', "-"));
        let page = std::fs::read_to_string(place.path(&page)).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains("Example"), "{command}");
    }
    let script = place.good("completions bash");
    for word in commands.commands.iter().flat_map(|command| command.split(' ')) {
        assert!(script.contains(word), "{word}");
    }
    let syntax = std::process::Command::new("bash").args(["-n", "-c", &script]).status().unwrap();
    assert!(syntax.success());
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(place.good(&format!("completions {shell}")).contains("keyferry"), "{shell}");
    }
}

#[test]
fn pages_that_are_there_are_replaced_only_if_asked_for() {
    let place = Place::new();
    std::fs::create_dir(place.path("man1")).unwrap();
    std::fs::write(place.path("man1/keyferry-token.1"), "mine").unwrap();
    let refused = place.run("man man1");
    let says = "keyferry: man1/keyferry-token.1 exists already; give another folder, or --force to replace the pages \
                in it\n";
    assert_eq!((refused.status.code(), text(&refused.stderr).as_str()), (Some(1), says));
    assert_eq!(std::fs::read_dir(place.path("man1")).unwrap().count(), 1);
    place.good("man man1 --force");
    assert_ne!(std::fs::read(place.path("man1/keyferry-token.1")).unwrap(), b"mine");
}

/// Its records are sealed, but others could put an old copy of all of them there.
#[cfg(unix)]
#[test]
fn a_store_that_others_may_write_to_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt;
    let place = with_token();
    let warns = |mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path("store"), mode).unwrap();
        let output = place.run("token list");
        assert!(output.status.success());
        text(&output.stderr)
    };
    let folder = place.path("store");
    for mode in [0o777, 0o770] {
        let says = format!(
            "keyferry: warning: others may write to the store's folder {folder} (mode {mode:o}), and put an old copy of \
             it in its place; close it with `chmod go-w {folder}`\n"
        );
        assert_eq!(warns(mode), says);
    }
    assert_eq!(warns(0o755), "");
}

#[test]
fn no_pin_can_be_an_argument() {
    let place = Place::new();
    for option in ["--pin", "--so-pin", "--user-pin"] {
        let output = place.run(&format!("key list {option} 12345678"));
        assert_eq!(output.status.code(), Some(2), "{option}");
    }
}

#[test]
fn refuses_what_needs_no_token_to_be_wrong() {
    Place::new().refuses(include_str!("cli/refusals.toml"));
}

#[test]
fn failures_are_json_too() {
    let place = Place::new();
    let fails = |line: &str| -> Value {
        let output = place.run(line);
        assert!(!output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let answer = fails("inspect {dir}/short.byok --json");
    assert!(answer["error"].as_str().unwrap().contains("300 bytes"));
    assert_eq!(answer["ciphertext_bytes"], 300);
    let answer = fails("inspect {dir}/notes.txt --json");
    assert!(answer["error"].as_str().unwrap().contains("not a key transfer package"));
}

#[test]
fn a_command_line_that_cannot_be_read_is_json_too() {
    let place = Place::new();
    let output = place.run("key generate --type rsa-1 --label k --json");
    assert_eq!(output.status.code(), Some(2));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = answer["error"].as_str().unwrap();
    assert!(error.starts_with("invalid value 'rsa-1'"), "{error}");
    assert!(place.good("key generate --help --json").contains("Usage:"));
}

/// A label may come from a manifest, a file or a module that somebody else made.
#[test]
fn no_refusal_writes_over_the_terminal() {
    let place = with_token();
    for label in ["no\u{1b}[31m\u{9b}m", "no\u{202E}such\u{7f}"] {
        for line in [format!("key show {label}"), format!("export aws --kek kek --key {label}")] {
            let error = text(&place.run(&line).stderr);
            let clean = |c: char| c == '\n' || !c.is_control() && !"\u{202E}\u{2028}".contains(c);
            assert!(error.contains('\u{FFFD}') && error.chars().all(clean), "{error:?}");
        }
    }
}

#[test]
fn inspects_packages() {
    let place = Place::new();
    let shown = place.good("inspect {dir}/package.byok");
    for part in [KID, "CKM_RSA_AES_KEY_WRAP", "AES-256 under a KEK of 2048 bits", "296 bytes"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let answer = place.json("inspect {dir}/package.byok");
    assert_eq!(answer["fits"][0]["type"], "AES-256");
    assert_eq!(answer["fits"][0]["kek_bits"], 2048);
    assert_eq!(answer["ciphertext_bytes"], 296);
    for (name, format, blob) in [("raw", "raw", 552), ("text", "base64", 256)] {
        let bytes = vec![0xFE; blob];
        let text = base64ct::Base64::encode_string(&bytes).into_bytes();
        std::fs::write(place.path(name), if format == "raw" { bytes } else { text }).unwrap();
        let answer = place.json(&format!("inspect {{dir}}/{name}"));
        assert_eq!(
            (&answer["format"], &answer["ciphertext_bytes"]),
            (&format.into(), &blob.into())
        );
        assert_eq!(answer["fits"].as_array().unwrap().len(), 1, "{answer}");
    }
    assert!(
        place
            .good("inspect {dir}/text")
            .contains("a secret key under a KEK of 2048 bits, with OAEP alone")
    );
}

/// A place with the token that `token-refusals.toml` describes, and a real KEK.
fn with_token() -> Place {
    let place = Place::new();
    let real = include_bytes!("cli/kek-2048.pem");
    std::fs::write(place.path("KEK-2048.pem"), real).unwrap();
    let certificate = include_bytes!("cli/kek-2048.crt");
    std::fs::write(place.path("real-2048.crt"), certificate).unwrap();
    let lines = text(certificate);
    let inner: String = lines.lines().filter(|line| !line.starts_with('-')).collect();
    std::fs::write(place.path("real-2048.cer"), Base64::decode_vec(&inner).unwrap()).unwrap();
    let kek = Kek::parse(real).unwrap();
    let spki = kek.spki_der().unwrap();
    std::fs::write(place.path("real-2048.der"), &spki).unwrap();
    // after the algorithm and the head of the BIT STRING
    std::fs::write(place.path("real-2048.pkcs1"), &spki[24..]).unwrap();
    let kid = format!(",\"kid\":\"{KID}\"");
    std::fs::write(place.path("real-2048.jwk"), jwk(&kek, &kid)).unwrap();
    place.good("token init --label offline");
    place.good("key generate --type p-256 --label sign --extractable");
    place.good("key generate --type p-256 --label guarded --extractable --wrap-with-trusted");
    place.good("key generate --type p-256 --label stays");
    place.good("key generate --type aes-256 --label aes --extractable --id 0a0b");
    place.good("key generate --type secret-160 --label secret --extractable");
    place.good("kek import {dir}/KEK-2048.pem --label kek --kid {kid}");
    place
}

#[test]
fn refuses_what_the_token_shows_to_be_wrong() {
    let place = with_token();
    place.good("key generate --type p-256 --label early --extractable --active-from 2999-12-31");
    place.good("key generate --type p-256 --label late --extractable --active-until 2020-02-29");
    place.refuses(include_str!("cli/token-refusals.toml"));
}

#[test]
fn keys_have_days() {
    let place = with_token();
    let days = "--active-from 2020-01-01 --active-until 2999-12-31";
    let made =
        place.json(&format!("key generate --type rsa-2048 --label dated --extractable {days}"));
    let is = |object: &Value| (object["active_from"].clone(), object["active_until"].clone());
    let wanted = ("2020-01-01".into(), "2999-12-31".into());
    assert_eq!(is(&made), wanted);
    let shown = place.json("key show dated");
    assert_eq!(shown.as_array().unwrap().len(), 2);
    assert!(shown.as_array().unwrap().iter().all(|half| is(half) == wanted), "{shown}");
    let listed = place.json("key list");
    let of = |label: &str| listed.as_array().unwrap().iter().find(|k| k["label"] == label).unwrap();
    assert_eq!(is(of("dated")), wanted);
    assert_eq!(is(of("aes")), (Value::Null, Value::Null));
    let words = "from 2020-01-01 until 2999-12-31";
    for line in ["key list", "key show dated"] {
        assert!(place.good(line).contains(words), "{line}");
    }
    place.good("export azure --kek kek --key dated");
    for wrong in ["2026-02-30", "20261201", "tomorrow"] {
        let line = format!("key generate --type p-256 --label x --active-from {wrong}");
        let output = place.run(&line);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("as 2026-12-01"));
    }
}

#[test]
fn asks_for_a_pin_only_at_a_terminal() {
    let place = with_token();
    let output = place.command("key list").output().unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success());
    assert!(error.contains("--pin-file") && error.contains("KEYFERRY_PIN"), "{error}");
}

/// Some editors begin a file in UTF-8 with a byte order mark. A wrong PIN would cost a try.
#[test]
fn a_byte_order_mark_is_no_part_of_a_pin() {
    let place = with_token();
    std::fs::write(place.path("marked.pin"), "\u{FEFF}12345678\r\n").unwrap();
    place.good("key list --pin-file {dir}/marked.pin");
}

/// A file that somebody puts there does not take the place of the KEK in the token.
#[test]
fn a_file_named_as_the_kek_is_not_taken_for_it() {
    let place = with_token();
    std::fs::copy(place.path("KEK-2048.pem"), place.path("kek")).unwrap();
    let output = place.run("export azure --kek kek --key sign");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("both a file and a key in the token") && error.contains("./kek"),
        "{error}"
    );
    place.good("export azure --kek ./kek --kid {kid} --key sign");
}

#[test]
fn exports_a_key() {
    let place = with_token();
    let answer = place.json("export azure --kek kek --key sign");
    assert_eq!(answer["file"], "KeyTransferPackage-sign.byok");
    assert_eq!(answer["blob_bytes"], 408);
    assert_eq!(answer["mechanisms"], "CKM_RSA_AES_KEY_WRAP");
    assert_eq!(
        answer["next"],
        "az keyvault key import --vault-name v --name sign --byok-file KeyTransferPackage-sign.byok \
         --kty EC --curve P-256 --ops sign verify"
    );
    let file = place.path("KeyTransferPackage-sign.byok");
    let package = Package::parse(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((package.kid.as_str(), package.ciphertext.len()), (KID, 408));
    assert!(package.generator.starts_with("keyferry/"));
    let kek = Kek::parse(&std::fs::read(place.path("KEK-2048.pem")).unwrap()).unwrap();
    let fingerprint = kek.fingerprint().unwrap();
    assert_eq!(answer["kek_sha256"], fingerprint);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    replaces_it_from_a_file(&place, &fingerprint);
}

/// For a Managed HSM, with the fingerprint compared.
fn replaces_it_from_a_file(place: &Place, fingerprint: &str) {
    let shown = place.good(&format!(
        "export azure --kek {{dir}}/KEK-2048.pem --kid {{hsm}} --key aes --kek-sha256 {fingerprint} \
         --force -o KeyTransferPackage-sign.byok"
    ));
    assert!(shown.contains("az keyvault key import --hsm-name h --name aes"), "{shown}");
    assert!(shown.contains("--kty oct --ops encrypt decrypt"), "{shown}");
    let file = std::fs::read(place.path("KeyTransferPackage-sign.byok")).unwrap();
    let package = Package::parse(&file).unwrap();
    assert_eq!((package.kid.as_str(), package.ciphertext.len()), (HSM, 296));
    assert_eq!(place.json("kek list").as_array().unwrap().len(), 1, "the KEK of the file is gone");
}

#[test]
fn keeps_and_destroys_keys() {
    let place = with_token();
    let tokens = place.json("token list");
    assert_eq!((&tokens[0]["label"], &tokens[0]["slot"]), (&"offline".into(), &0.into()));
    let keks = place.json("kek list");
    assert_eq!((&keks[0]["label"], &keks[0]["kid"]), (&"kek".into(), &KID.into()));
    let shown = place.json("key show aes");
    assert_eq!((&shown[0]["type"], &shown[0]["id"]), (&"AES-256".into(), &"0a0b".into()));
    assert_eq!(shown[0]["attributes"]["extractable"], true);
    assert_eq!(shown[0]["attributes"]["sensitive"], true);
    let labels = |place: &Place| -> Vec<String> {
        let keys = place.json("key list");
        let label = |key: &Value| key["label"].as_str().unwrap().to_owned();
        keys.as_array().unwrap().iter().map(label).collect()
    };
    assert_eq!(labels(&place).iter().filter(|label| *label == "sign").count(), 2);
    place.good("key destroy sign --yes");
    assert!(!labels(&place).contains(&"sign".to_owned()));
}

#[test]
fn rehearses() {
    let place = Place::new();
    let shown = place.good("rehearse --kek-bits 2048");
    let lines: Vec<&str> = shown.trim_end().lines().collect();
    assert_eq!(lines.last(), Some(&"Result: SUCCESS"), "{shown}");
    for name in ["RSA-4096", "P-256K", "AES-192"] {
        assert!(
            lines.iter().any(|line| line.starts_with(name) && line.ends_with("same")),
            "{shown}"
        );
    }
    let answer = place.json("rehearse --kek-bits 2048 --keep {dir}/kept");
    assert_eq!(answer["result"], "SUCCESS");
    assert_eq!(answer["rows"].as_array().unwrap().len(), 10);
    let files = std::fs::read_dir(place.path("kept")).unwrap();
    assert_eq!(files.count(), 11);
    assert!(!Path::new(&place.path("store")).exists(), "a rehearsal touches no store");
}

/// Files may have one block of `ulimit` here, so the KEK's fits and no package does.
#[cfg(unix)]
#[test]
fn a_rehearsal_that_fails_says_where() {
    let place = Place::new();
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" rehearse --kek-bits 2048";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_keyferry")]);
    let output = command.current_dir(place.0.path()).output().unwrap();
    let (shown, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{shown}{error}");
    assert!(shown.ends_with("Result: FAILURE\n"), "{shown}");
    assert!(error.contains("rehearsal of RSA-2048 under RSA-2048 failed"), "{error}");
    assert!(error.contains("KeyTransferPackage-RSA-2048"), "{error}");
    assert!(error.contains("nothing was written: make room there"), "{error}");
}
