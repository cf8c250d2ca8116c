//! The command line on a module that lies (`tests/c/liar.c`): what no honest module shows on demand.
use crate::cli::many::logged_in;
use crate::{Place, text, with_token};
use keyferry::ck::*;
use keyferry::client::{Mechanism, Template};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The token of `token-refusals.toml`, a second token, and the module that lies, with ours beside it.
fn with_liar() -> Place {
    let place = with_token();
    place.good("token init --label second");
    // where every build puts it first
    let folder = Path::new(env!("CARGO_BIN_EXE_keyferry")).parent().unwrap();
    let module = folder.join("deps/libkeyferry.so");
    assert!(module.exists(), "{} was not built", module.display());
    std::os::unix::fs::symlink(module, place.path("honest.so")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/liar.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
    let compiled = compiler.arg(place.path("liar.so")).arg(source).arg("-ldl").output();
    let compiled =
        compiled.unwrap_or_else(|e| panic!("this test needs a C compiler named cc: {e}"));
    assert!(compiled.status.success(), "{}", text(&compiled.stderr));
    place
}

impl Place {
    /// What must succeed although the module lies.
    fn good_lying(&self, lies: &str, line: &str) -> String {
        let mut command = self.with_pins(&format!("{line} --module {{dir}}/liar.so"));
        let output = command.env("LIES", lies).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
fn refuses_what_the_module_lies_about() {
    let place = with_liar();
    place.good("key generate --type rsa-2048 --usage unwrap --label mine --token offline");
    place.good("key public mine -o mine.pem --token offline");
    place.good(
        "export azure --kek {dir}/mine.pem --kid {kid} --key sign -o mine.byok --token offline",
    );
    place.good("kek import {dir}/KEK-2048.pem --label trusted --kid {kid} --trust --token offline");
    place.good("key generate --type aes-256 --label spoilt --extractable --token offline");
    place.good("key generate --type aes-256 --label dated --extractable --active-until 2090-01-01 --token offline");
    place.refuses(include_str!("modules.toml"));
    let left = place.json("key list --token offline");
    let labels = left.as_array().unwrap().iter().map(|key| key["label"].as_str().unwrap());
    let new = ["new", "sign-transfer", "aes-transfer", "spoilt-transfer", "kek-of-ours"];
    assert!(labels.clone().all(|label| !new.contains(&label)), "a refused key was kept");
    assert_eq!(labels.filter(|label| *label == "left").count(), 1);
}

#[test]
fn one_token_that_cannot_be_read_stops_nobody() {
    let place = with_liar();
    let lies = "token 1 30;";
    let shown = place.good_lying(lies, "token list");
    assert!(shown.contains("\n1     ?        cannot be read\n"), "{shown}");
    for part in [
        "the token in slot 1 cannot be read: ",
        "C_GetTokenInfo answered CKR_DEVICE_ERROR",
        "use another",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let listed: Value = serde_json::from_str(&place.good_lying(lies, "token list --json")).unwrap();
    let of = |slot: u64| listed.as_array().unwrap().iter().find(|t| t["slot"] == slot).unwrap();
    assert_eq!(of(0)["label"], "offline");
    assert_eq!(of(1).as_object().unwrap().len(), 2, "{listed}");
    assert!(of(1)["error"].as_str().unwrap().contains("CKR_DEVICE_ERROR"));
    // by its label, by its slot, and as the only one there is
    for choice in ["--token offline", "--slot 0", ""] {
        assert!(place.good_lying(lies, &format!("key list {choice}")).contains("guarded"));
    }
    place.good_lying(lies, "token init --label third");
    let mut command = place.with_pins("key list --token second --json --module {dir}/liar.so");
    let refused = command.env("LIES", lies).output().unwrap();
    let answer: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert!(answer["error"].as_str().unwrap().contains("what is in slot 1 cannot"), "{answer}");
}

#[test]
fn a_guarded_key_leaves_in_two_steps_with_the_so() {
    let place = with_liar();
    place.good("kek import {dir}/KEK-2048.pem --label trusted --kid {kid} --trust --token offline");
    place.good("key generate --type rsa-2048 --usage unwrap --label mine --token offline");
    place.good("key public mine -o mine.pem --token offline");
    place.good("kek import {dir}/mine.pem --label own --trust --token offline");
    let lies = "lacks 1054;";
    let shown = place.good_lying(lies, "doctor --key guarded --for azure --token offline");
    assert!(
        shown.contains(
            "in two steps with SHA-1, under a KEK that the SO trusts, with --trust-step\n"
        ),
        "{shown}"
    );
    let line =
        "key generate --type p-256 --label bound --extractable --wrap-with-trusted --token offline";
    assert!(
        place.good_lying(lies, line).contains("only under a trusted KEK, with --trust-step, since")
    );
    let before = place.json("key list --token offline");
    let line = "export azure --kek trusted --key guarded --trust-step --token offline --json";
    let answer: Value = serde_json::from_str(&place.good_lying(lies, line)).unwrap();
    assert_eq!(answer["steps"], "in two steps");
    let line = "export custom --kek own --key guarded --hash sha256 --aes 192 --trust-step --token offline -o own.bin";
    place.good_lying(lies, line);
    place.good(
        "verify own.bin --receive mine --hash sha256 --aes 192 --public guarded --token offline",
    );
    // in one call nobody need trust anything
    place.good("export azure --kek trusted --key guarded --trust-step --token offline --force");
    assert_eq!(place.json("key list --token offline"), before, "an AES key is left");
}

/// Some modules have no `C_SignRecover`, and refuse the attribute.
#[test]
fn a_module_that_does_not_know_a_denied_right_makes_keys_all_the_same() {
    let place = with_liar();
    for (n, lies) in ["refuses 109 12;", "refuses 10b 12;", "lacks f;", ""].iter().enumerate() {
        for (kind, usage) in [("rsa-2048", "sign"), ("p-256", "sign"), ("aes-128", "encrypt")] {
            let line = format!(
                "key generate --type {kind} --usage {usage} --label {kind}-{n} --token offline"
            );
            // our module gives the right that is left out, so that it is noticed
            let is_given = kind == "rsa-2048" && lies.starts_with("refuses");
            let mut command = place.with_pins(&format!("{line} --module {{dir}}/liar.so"));
            let output = command.env("LIES", lies).output().unwrap();
            let error = text(&output.stderr);
            assert_eq!(output.status.success(), !is_given, "{lies} {kind}: {error}");
            assert_eq!(
                error.contains("other rights than it was asked to"),
                is_given,
                "{lies} {kind}: {error}"
            );
            if is_given {
                assert!(error.contains("(CKA_SIGN_RECOVER)"), "{error}");
                // a module without the function gives no right
                let lies = format!("{lies}says 109 00;says 10b 00;");
                place.good_lying(&lies, &line);
            }
        }
    }
}

/// `CKA_COPYABLE` came with PKCS#11 2.40.
#[test]
fn a_module_that_knows_no_copyable_restricts_all_the_same() {
    let place = with_liar();
    let line = "key restrict sign --token offline";
    let shown = place.good_lying("says 171 ;", line);
    assert!(shown.contains("May     nothing else; it cannot be changed\n"), "{shown}");
    let line = format!("{line} --label other --json");
    let answer: Value = serde_json::from_str(&place.good_lying("says 171 ;", &line)).unwrap();
    assert_eq!((&answer["modifiable"], &answer["copyable"]), (&false.into(), &true.into()));
}

#[test]
fn a_kek_that_cannot_be_read_hides_no_other() {
    let place = with_liar();
    place.good("key generate --type rsa-2048 --usage unwrap --label mine --token offline");
    for (lies, member, count) in [("fails 3 5;", "label", 3), ("fails 102 30;", "id", 2)] {
        let listed = place.good_lying(lies, "kek list --json --token offline");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let keks = listed.as_array().unwrap();
        assert!(keks.len() == 3 && keks.iter().any(|kek| kek["kid"] == crate::KID), "{listed}");
        let is_unknown = |kek: &&Value| kek[member] == "not known" && kek["bits"] == 2048;
        assert_eq!(keks.iter().filter(is_unknown).count(), count, "{listed}");
        let shown = place.good_lying(lies, "kek list --token offline");
        assert!(shown.contains("not known") && shown.contains("RSA-2048"), "{shown}");
    }
    // nothing is a KEK without its numbers
    let shown = place.good_lying("fails 120 5;", "kek list --token offline");
    assert_eq!(shown.matches("not a proper RSA key").count(), 2, "{shown}");
    assert_eq!(shown.matches("cannot be read").count(), 1, "{shown}");
}

#[test]
fn a_key_without_a_label_or_id_stops_no_export_of_many() {
    let place = with_liar();
    {
        let session = logged_in(&place);
        let key = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_VALUE_LEN, 32)
            .flags(&[CKA_TOKEN, CKA_EXTRACTABLE]);
        for key in [key.clone().bytes(CKA_LABEL, b"plain"), key.bytes(CKA_ID, &[9])] {
            session.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &key).unwrap();
        }
    }
    for (lies, all, what, exported, refused) in [
        ("fails 3 5;", "*", "label (CKA_LABEL)", "09.vault.b64", 6),
        ("fails 102 30;", "[ap]*", "id (CKA_ID)", "plain.vault.b64", 1),
    ] {
        let line =
            format!("export vault --kek {{dir}}/KEK-real.pem --all {all} --output-dir {{dir}}/out");
        let line = format!("{line} --token offline --json --module {{dir}}/liar.so");
        let output = place.with_pins(&line).env("LIES", lies).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&answer["exported"], &answer["refused"]), (&1.into(), &refused.into()));
        assert!(std::path::Path::new(&place.path("out")).join(exported).exists(), "{answer}");
        let said = format!(
            "the module does not give the {what} of this key, so it is not known which it is; give it another with what \
             the module's maker gives, or generate a new key"
        );
        let refused: Vec<&Value> =
            answer["keys"].as_array().unwrap().iter().filter(|key| key["error"] == said).collect();
        assert!(!refused.is_empty(), "{answer}");
        let known = if what.starts_with("id") { "key" } else { "id" };
        assert!(refused.iter().all(|key| key[known].is_string() && key[known] != "not known"));
    }
    // what has another label is not asked for
    let line =
        "export vault --kek {dir}/KEK-real.pem --all plain --output-dir {dir}/out --token offline";
    place.good_lying("fails 102 30;", line);
}

/// As with a private key in SoftHSM whose public half is not in the token.
#[test]
fn a_key_that_nothing_tells_from_another_is_never_already_there() {
    let place = with_liar();
    let lies = "says 129 ;says 181 ;says 4 ;says 90 ;";
    let made = "key generate --type p-384 --label ec --id 05 --extractable --token offline";
    let line = "export azure --kek kek --all ec --token offline --output-dir {dir}/out";
    place.good(made);
    place.good_lying(lies, line);
    let file = || std::fs::read(place.path("out/KeyTransferPackage-ec.byok")).unwrap();
    let old = file();
    place.good("key destroy ec --yes --token offline");
    place.good(made);
    let mut command = place.with_pins(&format!("{line} --module {{dir}}/liar.so"));
    let refused = command.env("LIES", lies).output().unwrap();
    let (shown, error) = (text(&refused.stdout), text(&refused.stderr));
    assert_eq!(refused.status.code(), Some(1), "{shown}{error}");
    assert!(shown.contains("exists already") && shown.contains("with --force"), "{shown}");
    assert_eq!(file(), old);
    place.good_lying(lies, &format!("{line} --force"));
    assert_ne!(file(), old);
}

/// As with SoftHSM, which stores a date and cannot read it again.
#[test]
fn a_key_that_cannot_be_read_hides_no_other() {
    let place = with_liar();
    let line =
        "key generate --type aes-256 --label dated --active-until 2090-01-01 --token offline";
    place.good(line);
    for (lies, row, member, value) in [
        ("fails 111 5;", "until not known", "active_until", "not known".into()),
        ("fails 162 30;", "not known", "extractable", Value::Null),
        ("fails 100 6;", "not known", "type", "not known".into()),
        ("fails 102 5;", "not known", "id", "not known".into()),
    ] {
        let line = "key list --token offline";
        let shown = place.good_lying(lies, line);
        let of = shown.lines().find(|line| line.starts_with("dated ")).unwrap();
        assert!(of.contains(row) && shown.contains("guarded"), "{lies} {shown}");
        let listed: Value =
            serde_json::from_str(&place.good_lying(lies, &format!("{line} --json"))).unwrap();
        let of = listed.as_array().unwrap().iter().find(|key| key["label"] == "dated").unwrap();
        assert_eq!(of[member], value, "{lies}");
        let shown = place.good_lying(lies, "key show dated --token offline");
        assert!(shown.contains(row), "{lies} {shown}");
    }
    let shown = place.good_lying("fails 3 5;", "key list --token offline");
    assert!(shown.starts_with("LABEL") && shown.contains("\nnot known "), "{shown}");
}

/// Whoever can put a file there would run it with the user's PIN.
#[test]
fn a_module_in_the_current_folder_is_loaded_only_if_its_path_says_so() {
    let place = with_liar();
    assert!(place.good("token list --module ./liar.so").contains("offline"));
    let refused = place.run("token list --module liar.so");
    assert_eq!(refused.status.code(), Some(1));
    let error = text(&refused.stderr);
    let [start, end] = [
        "keyferry: the module liar.so cannot be loaded from the system's folders: ",
        "; give ./liar.so if the file in the current folder is meant, and you trust it\n",
    ];
    assert!(error.starts_with(start) && error.ends_with(end), "{error}");
}

/// As with SoftHSM, whose padding is right for some curves only.
#[test]
fn the_doctor_proves_the_type_of_the_key_itself() {
    let place = with_liar();
    place.good("key generate --type p-384 --label s384 --extractable --token offline");
    let (p256, p384) = ("keeps 06082a8648ce3d030107;", "keeps 06052b81040022;");
    let line = "doctor --key s384 --for azure --token offline";
    assert!(place.good_lying(p256, line).contains("in one call with SHA-1\n"));
    let mut command = place.with_pins(&format!("{line} --module {{dir}}/liar.so"));
    let refused = command.env("LIES", p384).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("CKR_KEY_UNEXTRACTABLE"));
    let shown = place.good_lying(p256, "doctor --token offline");
    let azure = shown.lines().find(|line| line.starts_with("Azure ")).unwrap();
    for part in [
        "RSA keys, P-384 keys, P-521 keys, P-256K keys and secret keys: in one call with SHA-1; ",
        "; no P-256 keys: CKM_RSA_AES_KEY_WRAP SHA-1: the module refuses it (CKR_KEY_UNEXTRACTABLE)",
    ] {
        assert!(azure.contains(part), "{part}: {azure}");
    }
    // nothing more is tried where all types are treated alike
    let answer: Value =
        serde_json::from_str(&place.good_lying("", "doctor --token offline --json")).unwrap();
    assert_eq!(answer["proof"][0]["results"].as_object().unwrap().len(), 3);
}
