//! What is refused: by command line, in `*.toml`, each with the sentence that says what is wrong, with which
//! object, and what to do next.
use crate::cli::many::logged_in;
use crate::{HSM, KID, Place, kek, text, with_token};
use keyferry::ck::*;
use keyferry::client::{Mechanism, Session, Template};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A file of refusals.
#[derive(Deserialize)]
struct Refusals {
    /// Files that are there, with what is in them.
    #[serde(default)]
    file: BTreeMap<String, String>,
    /// What is run before, and must succeed.
    #[serde(default)]
    before: Vec<String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    run: String,
    /// Variables of the environment besides the PINs, or in place of them.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Variables that are not there.
    #[serde(default)]
    unset: Vec<String>,
    /// The sentence, or parts of it if the rest is not ours.
    says: Vec<String>,
}

impl Place {
    /// Runs every case of a file, and leaves no file behind.
    pub fn refuses(&self, refusals: &str) {
        let refusals: Refusals = toml::from_str(refusals).unwrap();
        for (name, content) in &refusals.file {
            std::fs::write(self.path(name), content.replace("{kid}", KID)).unwrap();
        }
        for line in &refusals.before {
            self.good(line);
        }
        for case in refusals.case {
            self.refuses_one(&case);
        }
        let left = std::fs::read_dir(self.0.path()).unwrap();
        let left =
            left.filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "tmp"));
        assert_eq!(left.count(), 0, "temporary files are left");
    }

    fn refuses_one(&self, case: &Case) {
        let run = &case.run;
        let dir = self.0.path().to_str().unwrap();
        let mut command = self.with_pins(run);
        command.envs(case.env.iter().map(|(name, value)| (name, value.replace("{dir}", dir))));
        for name in &case.unset {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        let (shown, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{run}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{run}: {error}");
        assert!(says_what_to_do(&error), "{run}: nothing says what to do: {error}");
        let fingerprint = kek(2048, &[1, 0, 1]).fingerprint().unwrap();
        for said in &case.says {
            let said = said.replace("{kid}", KID).replace("{hsm}", HSM);
            let said = said.replace("{sha256}", &fingerprint).replace("{dir}", dir);
            let is_said = error.contains(&said) || shown.contains(&said);
            assert!(is_said, "{run}: no \"{said}\" in: {shown}{error}");
        }
        assert!(!Path::new(&self.path("new.byok")).exists(), "{run}");
    }
}

/// What a remedy begins with, if it is no command and no option.
const VERBS: [&str; 41] = [
    "answer", "ask", "begin", "change", "check", "choose", "close", "compare", "correct", "create",
    "decrypt", "destroy", "do", "end", "exchange", "export", "fetch", "generate", "get", "give",
    "have", "import", "leave", "list", "look", "make", "mend", "move", "name", "put", "receive",
    "report", "run", "say", "see", "set", "take", "try", "use", "wait", "write",
];

/// Whether one of the clauses after the first is a remedy: it begins with a verb, or names a command or an
/// option.
pub fn says_what_to_do(sentence: &str) -> bool {
    let clauses = sentence.split("; ").flat_map(|part| part.split(": ")).skip(1);
    clauses.into_iter().any(|clause| {
        let first = clause.split([' ', ',']).next().unwrap_or_default();
        VERBS.contains(&first) || clause.contains('`') || clause.contains("--")
    })
}

#[test]
fn refuses_files_that_hold_no_kek() {
    Place::new().refuses(include_str!("kek-refusals.toml"));
}

#[test]
fn refuses_packages_that_are_not_whole() {
    Place::new().refuses(include_str!("package-refusals.toml"));
}

#[test]
fn refuses_what_the_machine_does_not_allow() {
    Place::new().refuses(include_str!("machine-refusals.toml"));
}

/// With `--json`, where clap's lines are one sentence.
#[test]
fn refuses_command_lines_that_cannot_be_read() {
    let place = Place::new();
    let refusals: Refusals = toml::from_str(include_str!("misuse.toml")).unwrap();
    for Case { run, says, .. } in refusals.case {
        let output = place.run(&format!("{run} --json"));
        assert_eq!(output.status.code(), Some(2), "{run}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = answer["error"].as_str().unwrap();
        assert!(text(&output.stderr).contains("try '--help'"), "{run}");
        assert!(says.iter().all(|said| error.contains(said)), "{run}: {error}");
    }
}

#[test]
fn refuses_backups_that_are_none() {
    with_token().refuses(include_str!("backup-refusals.toml"));
}

#[test]
fn refuses_keys_of_many_one_by_one() {
    let place = with_token();
    let session = logged_in(&place);
    for (label, id) in [("twin", 1), ("twin", 2), ("same", 5), ("same", 5)] {
        secret(&session, label, &[id]);
    }
    drop(session);
    place.refuses(include_str!("many-refusals.toml"));
}

#[test]
fn refuses_objects_that_are_not_for_this() {
    let place = with_token();
    place.good("key generate --type rsa-2048 --label rsa");
    let session = logged_in(&place);
    for label in ["pinless", "twin", "twin"] {
        let slots = session.module().slots().unwrap();
        let free = slots.tokens.iter().find(|slot| !slot.is_initialized()).unwrap();
        session.module().init_token(free.slot, "abcdefgh", label).unwrap();
    }
    for (label, wraps) in [("signer", false), ("keks", true), ("keks", true)] {
        let template = public(label).flag(CKA_WRAP, wraps);
        session.create(&template).unwrap();
    }
    secret(&session, "same", &[1]);
    secret(&session, "same", &[1]);
    let fixed = Template::default().bytes(CKA_LABEL, b"fixed").flag(CKA_MODIFIABLE, false);
    session.copy(secret(&session, "changing", &[1]), &fixed).unwrap();
    edwards(&session);
    drop(session);
    place.refuses(include_str!("object-refusals.toml"));
}

fn secret(session: &Session, label: &str, id: &[u8]) -> CK_OBJECT_HANDLE {
    let template = Template::class(CKO_SECRET_KEY)
        .ulong(CKA_VALUE_LEN, 32)
        .flags(&[CKA_TOKEN, CKA_EXTRACTABLE])
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_ID, id);
    session.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template).unwrap()
}

/// A public RSA key.
fn public(label: &str) -> Template {
    let kek = kek(2048, &[1, 0, 1]);
    Template::class(CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_RSA)
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_MODULUS, kek.modulus())
        .bytes(CKA_PUBLIC_EXPONENT, kek.exponent())
        .flag(CKA_TOKEN, true)
}

fn edwards(session: &Session) {
    let named = |class| Template::class(class).bytes(CKA_LABEL, b"edwards").flag(CKA_TOKEN, true);
    // id-Ed25519, RFC 8410 section 3
    let public = named(CKO_PUBLIC_KEY).bytes(CKA_EC_PARAMS, &[6, 3, 0x2B, 0x65, 0x70]);
    let mechanism = Mechanism::Plain(CKM_EC_EDWARDS_KEY_PAIR_GEN);
    session.generate_pair(&mechanism, &public, &named(CKO_PRIVATE_KEY)).unwrap();
}

/// Nine wrong PINs, a tenth, and then not even the right one.
#[test]
fn a_locked_pin_says_who_can_set_a_new_one() {
    let place = with_token();
    for _ in 0..10 {
        let error = text(&place.run("key list --pin-file {dir}/wrong.pin").stderr);
        assert!(error.contains("the PIN is wrong (C_Login answered CKR_PIN_INCORRECT)"), "{error}");
    }
    let says = "keyferry: login to the token \"offline\" failed: the PIN is locked after too many wrong ones (C_Login \
                answered CKR_PIN_LOCKED); the SO sets a user PIN anew with `pkcs11-tool --module MODULE --login \
                --login-type so --init-pin`, but nobody an SO PIN\n";
    assert_eq!(text(&place.run("key list").stderr), says);
}

/// Variables need not be text.
#[cfg(unix)]
#[test]
fn refuses_variables_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let place = with_token();
    for (variable, says) in [
        (
            "KEYFERRY_PIN",
            "KEYFERRY_PIN is not UTF-8 text; set it to the PIN alone, or give --pin-file",
        ),
        ("KEYFERRY_STORE", "KEYFERRY_STORE is not UTF-8 text; set it to sqlite:PATH"),
    ] {
        let mut command = place.with_pins("key list");
        command.env(variable, std::ffi::OsStr::from_bytes(b"p\xE4ssword"));
        let error = text(&command.output().unwrap().stderr);
        assert_eq!(error, format!("keyferry: {says}\n"));
    }
}

/// Where a library that is no module, and a device that is always full, have names that are known.
#[cfg(target_os = "linux")]
#[test]
fn refuses_what_linux_has() {
    let place = Place::new();
    // the system's goes before it
    std::fs::write(place.path("libc.so.6"), "junk").unwrap();
    for (line, says) in [
        (
            "token list --module libc.so.6",
            "libc.so.6 is not a PKCS#11 module: it has no C_GetFunctionList; give the library of the token's maker",
        ),
        (
            "completions bash",
            "the output cannot be written: No space left on device (os error 28); see whether there is a reader, and \
             room",
        ),
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = place.with_pins(line).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(text(&output.stderr), format!("keyferry: {says}\n"));
    }
}
