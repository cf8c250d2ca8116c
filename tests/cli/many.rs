//! `export` of many keys: side by side, a result for each, and a second run does what is missing.
use crate::{KID, Place, text, with_token};
use keyferry::byok::azure::Package;
use keyferry::byok::target::Curve;
use keyferry::ck::*;
use keyferry::client::{Access, Mechanism, Module, Session, Template, User};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Quicker than a process for each key. A process has one embedded module, so one test at a time has it.
pub struct LoggedIn(Session, #[allow(dead_code, reason = "held until the module is closed")] Turn);

type Turn = MutexGuard<'static, ()>;

impl std::ops::Deref for LoggedIn {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.0
    }
}

static ALONE: Mutex<()> = Mutex::new(());

/// A session with the place's token, the user logged in.
pub fn logged_in(place: &Place) -> LoggedIn {
    logged_in_to(&format!("sqlite:{}", place.path("store")))
}

/// The same with the first token of a store.
pub fn logged_in_to(store: &str) -> LoggedIn {
    let turn = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let module = Module::embedded(Some(store)).unwrap();
    let slot =
        module.slots().unwrap().tokens.into_iter().find(|slot| slot.is_initialized()).unwrap().slot;
    let session = module.open(slot, Access::ReadWrite).unwrap();
    session.login(User::User, "12345678").unwrap();
    LoggedIn(session, turn)
}

/// So many extractable key pairs: `NAME-00` and so on.
fn make(session: &Session, kind: CK_KEY_TYPE, name: &str, count: u8) {
    let (ckm, parameter) = match kind {
        CKK_RSA => (CKM_RSA_PKCS_KEY_PAIR_GEN, Template::default().ulong(CKA_MODULUS_BITS, 2048)),
        _ => (CKM_EC_KEY_PAIR_GEN, Template::default().bytes(CKA_EC_PARAMS, Curve::P256.oid())),
    };
    for n in 0..count {
        let label = format!("{name}-{n:02}");
        let named = |template: Template| {
            template.flag(CKA_TOKEN, true).bytes(CKA_LABEL, label.as_bytes()).bytes(CKA_ID, &[n])
        };
        let private = named(Template::class(CKO_PRIVATE_KEY)).flags(&[CKA_EXTRACTABLE, CKA_SIGN]);
        let public = named(parameter.clone()).flags(&[CKA_VERIFY]);
        session.generate_pair(&Mechanism::Plain(ckm), &public, &private).unwrap();
    }
}

/// What the run of a command line answers, whether or not every key was exported.
fn answer(place: &Place, line: &str) -> (bool, Value) {
    let output = place.run(&format!("{line} --json"));
    let answer = serde_json::from_slice(&output.stdout);
    (output.status.success(), answer.unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr))))
}

fn counts(answer: &Value) -> [u64; 3] {
    ["exported", "already_there", "refused"].map(|name| answer[name].as_u64().unwrap())
}

/// The names of the files in a folder.
fn files(place: &Place, folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(place.path(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A KEK whose private half is in the token, so that the test can open what was made.
fn make_kek(session: &Session) -> CK_OBJECT_HANDLE {
    let of = |class| {
        Template::class(class).ulong(CKA_KEY_TYPE, CKK_RSA).bytes(CKA_LABEL, KID.as_bytes())
    };
    let public = of(CKO_PUBLIC_KEY)
        .ulong(CKA_MODULUS_BITS, 2048)
        .bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, false)
        .flags(&[CKA_WRAP]);
    let private = of(CKO_PRIVATE_KEY).flag(CKA_TOKEN, false).flags(&[CKA_UNWRAP]);
    let pair = Mechanism::Plain(CKM_RSA_PKCS_KEY_PAIR_GEN);
    session.generate_pair(&pair, &public, &private).unwrap().1
}

/// That a second run says of each key what is to be done with it, as the first did.
fn tells_the_same(first: &Value, second: &Value) {
    let keys = |run: &Value| run["keys"].as_array().unwrap().clone();
    assert_eq!(keys(first).len(), keys(second).len());
    for (old, new) in keys(first).iter().zip(keys(second)) {
        for member in ["key", "file", "type", "next"] {
            assert_eq!(old[member], new[member], "{member}");
            assert!(new[member].is_string(), "{new}");
        }
    }
}

/// That the file of an exported key is one, under this KEK.
fn opens(session: &Session, kek: CK_OBJECT_HANDLE, key: &Value) {
    assert_eq!(key["result"], "exported");
    let file = key["file"].as_str().unwrap();
    let package = Package::parse(&fs::read(file).unwrap()).unwrap();
    assert!(key["next"].as_str().unwrap().contains(file));
    let rsa = key["key"].as_str().unwrap().starts_with("rsa");
    let template = Template::class(CKO_PRIVATE_KEY)
        .ulong(CKA_KEY_TYPE, if rsa { CKK_RSA } else { CKK_EC })
        .flag(CKA_TOKEN, false)
        .flags(&[CKA_SIGN]);
    let opened = session.unwrap(&Mechanism::azure(), kek, &package.ciphertext, &template);
    session.destroy(opened.unwrap()).unwrap();
}

#[test]
fn many_keys_go_side_by_side() {
    let place = with_token();
    let session = logged_in(&place);
    make(&session, CKK_EC, "ec", 22);
    make(&session, CKK_RSA, "rsa", 3);
    let kek = make_kek(&session);
    let line = format!("export azure --kek {KID} --all [er][cs]* --output-dir {{dir}}/out");
    let (success, first) = answer(&place, &line);
    assert!(success, "{first}");
    assert_eq!(counts(&first), [25, 0, 0]);
    for key in first["keys"].as_array().unwrap() {
        opens(&session, kek, key);
    }
    assert_eq!(files(&place, "out").len(), 26, "and the list");
    let before = fs::read(place.path("out/KeyTransferPackage-ec-00.byok")).unwrap();
    fs::remove_file(place.path("out/KeyTransferPackage-ec-01.byok")).unwrap();
    let (success, second) = answer(&place, &line);
    assert!(success);
    assert_eq!(counts(&second), [1, 24, 0]);
    assert_eq!(fs::read(place.path("out/KeyTransferPackage-ec-00.byok")).unwrap(), before);
    tells_the_same(&first, &second);
    fs::write(place.path("out/KeyTransferPackage-ec-02.byok"), &before[..300]).unwrap();
    let (success, third) = answer(&place, &line);
    assert!(!success);
    assert_eq!(counts(&third), [0, 24, 1]);
    // a package does not say of which key it is
    fs::remove_file(place.path("out/keyferry-export.jsonl")).unwrap();
    assert_eq!(counts(&answer(&place, &line).1), [0, 0, 25]);
    let (_, forced) = answer(&place, &format!("{line} --force"));
    assert_eq!(counts(&forced), [25, 0, 0]);
}

#[test]
fn each_key_is_refused_for_its_own_reason() {
    let place = with_token();
    let output = place.run("export azure --kek kek --all * --output-dir {dir}/out");
    let (shown, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    for line in [
        "exported       \"sign\"  ",
        "refused        \"stays\"  the key \"stays\" may not leave the token (CKA_EXTRACTABLE is false)",
        "refused        \"guarded\"  the key \"guarded\" leaves only under a trusted KEK",
        "refused        \"aes\"  the key \"aes\" is AES-256, which only a Managed HSM takes",
        "refused        \"secret\"  the key \"secret\" is secret-160, which Azure does not take",
        "5 keys: 1 exported, 0 already there, 4 refused; the files are in ",
        "  az keyvault key import --vault-name v --name sign --byok-file ",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(
        error.contains("4 of 5 keys were refused") && error.contains("run the same"),
        "{error}"
    );
    assert!(!shown.contains('\u{1b}') && !shown.contains('\r'), "{shown}");
    let one = place.good("export azure --kek kek --all sign --output-dir {dir}/one");
    assert!(one.contains("\n1 key: 1 exported, 0 already there, 0 refused; "), "{one}");
}

/// Extractable AES keys of these labels and identifiers.
fn make_aes(session: &Session, keys: &[(&str, u8)]) {
    for (label, id) in keys {
        let template = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_VALUE_LEN, 32)
            .flag(CKA_TOKEN, true)
            .flags(&[CKA_EXTRACTABLE])
            .bytes(CKA_LABEL, label.as_bytes())
            .bytes(CKA_ID, &[*id]);
        session.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template).unwrap();
    }
}

#[test]
fn labels_and_files_are_not_confused() {
    let place = with_token();
    make_aes(
        &logged_in(&place),
        &[
            ("twin", 1),
            ("twin", 2),
            ("a/b", 3),
            ("a_B", 4),
            ("same", 5),
            ("same", 5),
            ("twin_02", 6),
        ],
    );
    let (success, result) = answer(
        &place,
        "export vault --kek {dir}/KEK-real.pem --all [ats][w_/a]* --output-dir {dir}/out",
    );
    assert!(!success);
    assert_eq!(counts(&result), [5, 0, 2]);
    let why = |at: usize| result["keys"][at]["error"].as_str().unwrap();
    assert!(
        why(0).contains("its file would be ") && why(0).contains("give each a name of its own")
    );
    assert!(
        why(1).contains("the cloud would call it \"twin-02\", as the key \"twin\" with the id 02")
    );
    let names = ["a_b-03", "a_B-04", "same-05", "twin-01", "twin-02"];
    let mut wanted: BTreeSet<String> = names.iter().map(|n| format!("{n}.vault.b64")).collect();
    wanted.insert("keyferry-export.jsonl".to_owned());
    assert_eq!(files(&place, "out"), wanted);
    let last = result["keys"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["key"], &last["name"]), (&"twin".into(), &"twin-02".into()));
    let next = last["next"].as_str().unwrap();
    assert!(next.contains("transit/keys/twin-02/import"), "{next}");
    let again =
        place.good("export vault --kek {dir}/KEK-real.pem --all twin --output-dir {dir}/out");
    assert!(again.contains("already there  \"twin\" as \"twin-01\"  "), "{again}");
}

#[test]
fn one_of_a_label_is_chosen_by_its_id() {
    let place = with_token();
    make_aes(&logged_in(&place), &[("twin", 1), ("twin", 2)]);
    let output = place.run("export vault --kek {dir}/KEK-real.pem --key twin");
    let error = text(&output.stderr);
    assert!(error.contains("2 keys \"twin\"") && error.contains("--id"), "{error}");
    let other = "export vault --kek {dir}/KEK-real.pem --key twin --id 02 --output-dir {dir}/other";
    fs::create_dir(place.path("other")).unwrap();
    assert!(place.good(other).contains("other/twin.vault.b64"));
}

#[test]
fn a_manifest_lists_keys() {
    let place = with_token();
    let manifest = "[[key]]\nlabel = \"sign\"\noutput = \"first.byok\"\nops = [\"sign\"]\n\
                    [[key]]\nlabel = \"absent\"\n\
                    [[key]]\nlabel = \"sign\"\nname = \"other\"\nid = \"ff\"\n";
    fs::write(place.path("keys.toml"), manifest).unwrap();
    let line = "export azure --kek kek --manifest {dir}/keys.toml --output-dir {dir}/out";
    let (success, result) = answer(&place, line);
    assert!(!success);
    assert_eq!(counts(&result), [1, 0, 2]);
    assert!(place.path("out/first.byok").ends_with("first.byok"));
    let keys = result["keys"].as_array().unwrap();
    let exported = keys.iter().find(|key| key["result"] == "exported").unwrap();
    assert!(exported["next"].as_str().unwrap().ends_with("--ops sign"), "{exported}");
    let errors: Vec<&str> = keys.iter().filter_map(|key| key["error"].as_str()).collect();
    assert!(errors.iter().any(|e| e.contains("no private or secret key \"absent\"")), "{errors:?}");
    assert!(errors.iter().any(|e| e.contains("\"sign\" with the id ff")), "{errors:?}");
    let line = line.replace("azure", "custom --hash sha256");
    let (_, result) = answer(&place, &line);
    let error = result["keys"].as_array().unwrap().last().unwrap()["error"].as_str().unwrap();
    assert!(error.contains("which only Azure asks; leave it out"), "{error}");
}

/// Files that hold the blob alone do not say which KEK they are for: the list in the folder does.
#[test]
fn files_under_another_kek_are_not_taken_for_this_one() {
    let place = with_token();
    let line = "export custom --hash sha256 --all sign --output-dir {dir}/out";
    let under = |kek: &str, more: &str| answer(&place, &format!("{line} --kek {kek} {more}"));
    assert_eq!(counts(&under("kek", "").1), [1, 0, 0]);
    assert_eq!(counts(&under("kek", "").1), [0, 1, 0]);
    for (kek, more) in [("{dir}/KEK-real.pem", ""), ("kek", "--mgf sha1"), ("kek", "--aes 128")] {
        let (success, result) = under(kek, more);
        assert!(!success);
        let error = result["keys"][0]["error"].as_str().unwrap();
        assert!(error.contains("exists already") && error.contains("--force"), "{error}");
    }
    assert_eq!(counts(&under("{dir}/KEK-real.pem", "--force").1), [1, 0, 0]);
    assert_eq!(counts(&under("{dir}/KEK-real.pem", "").1), [0, 1, 0]);
}

/// That a run of one key takes the file there for none of its own.
fn refuses_what_is_there(place: &Place, line: &str) {
    let (success, result) = answer(place, line);
    assert!(!success, "{result}");
    assert_eq!(counts(&result), [0, 0, 1]);
    let error = result["keys"][0]["error"].as_str().unwrap();
    assert!(error.contains("exists already, and it is not known to be this key under"), "{error}");
}

#[test]
fn packages_that_another_command_made_are_not_taken_for_the_keys_own() {
    let place = with_token();
    place.good("key generate --type p-256 --label other --extractable");
    fs::create_dir(place.path("out")).unwrap();
    let there = "-o {dir}/out/KeyTransferPackage-sign.byok --force";
    for made in [
        format!("export azure --kek kek --key other {there}"),
        format!("export azure --kek {{dir}}/KEK-real.pem --kid {{kid}} --key sign {there}"),
    ] {
        place.good(&made);
        let before = fs::read(place.path("out/KeyTransferPackage-sign.byok")).unwrap();
        refuses_what_is_there(&place, "export azure --kek kek --all sign --output-dir {dir}/out");
        assert_eq!(fs::read(place.path("out/KeyTransferPackage-sign.byok")).unwrap(), before);
    }
}

/// Neither label nor `CKA_ID` nor type tells them apart.
#[test]
fn a_new_key_of_the_same_id_is_not_taken_for_the_old_one() {
    let place = with_token();
    for (kind, export) in [
        ("p-256", "azure --kek kek"),
        ("rsa-2048", "azure --kek kek"),
        ("aes-256", "vault --kek {dir}/KEK-real.pem"),
    ] {
        let made = format!("key generate --type {kind} --label anew-{kind} --id 0c --extractable");
        let line = format!("export {export} --all anew-{kind} --output-dir {{dir}}/out");
        place.good(&made);
        assert_eq!(counts(&answer(&place, &line).1), [1, 0, 0]);
        place.good(&format!("key destroy anew-{kind} --yes"));
        place.good(&made);
        refuses_what_is_there(&place, &line);
        assert_eq!(counts(&answer(&place, &format!("{line} --force")).1), [1, 0, 0]);
        assert_eq!(counts(&answer(&place, &line).1), [0, 1, 0]);
    }
    let list = fs::read_to_string(place.path("out/keyferry-export.jsonl")).unwrap();
    assert_eq!(list.lines().count(), 6, "{list}");
}

/// A package says for which KEK it is, and not of which key: the list does.
#[test]
fn a_new_key_of_the_label_is_not_taken_for_the_old_one() {
    let place = with_token();
    let line = "export azure --kek kek --all sign --output-dir {dir}/out";
    assert_eq!(counts(&answer(&place, line).1), [1, 0, 0]);
    place.good("key destroy sign --yes");
    place.good("key generate --type p-256 --label sign --extractable");
    let (success, result) = answer(&place, line);
    assert!(!success, "{result}");
    let error = result["keys"][0]["error"].as_str().unwrap();
    assert!(error.contains("exists already") && error.contains("--force"), "{error}");
    assert_eq!(counts(&answer(&place, &format!("{line} --force")).1), [1, 0, 0]);
    assert_eq!(counts(&answer(&place, line).1), [0, 1, 0]);
}

/// `kill -9` in the middle; what is there is whole, and a second run does the rest.
#[test]
fn an_interrupted_run_is_finished_by_the_next() {
    let place = with_token();
    make(&logged_in(&place), CKK_EC, "ec", 24);
    let line = "export azure --kek kek --all ec-* --output-dir {dir}/out";
    let mut command = place.command(line);
    command.env("KEYFERRY_PIN", "12345678").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // the first result is printed when its file is there; the rest has only begun
    let mut first = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let packages = |place: &Place| -> usize {
        let whole = |name: &String| {
            let file = fs::read(place.path(&format!("out/{name}"))).unwrap();
            Package::parse(&file).unwrap_or_else(|e| panic!("{name}: {}", e.0));
        };
        let there = files(place, "out");
        there.iter().filter(|name| name.starts_with("Key")).inspect(|name| whole(name)).count()
    };
    let there = packages(&place);
    assert!((1..24).contains(&there), "{there} files: the run was not interrupted");
    // what it would leave in the worst moment
    fs::write(place.path("out/.KeyTransferPackage-ec-23.byok.4194304.tmp"), b"half").unwrap();
    let (success, second) = answer(&place, line);
    assert!(success, "{second}");
    let there = u64::try_from(there).unwrap();
    assert_eq!(counts(&second), [24 - there, there, 0]);
    assert_eq!(packages(&place), 24);
    assert_eq!(files(&place, "out").len(), 25, "{:?}", files(&place, "out"));
}

#[test]
fn one_run_at_a_time_writes_to_a_folder() {
    let place = with_token();
    fs::create_dir(place.path("out")).unwrap();
    let list = fs::File::create(place.path("out/keyferry-export.jsonl")).unwrap();
    list.lock().unwrap();
    let output = place.run("export azure --kek kek --all sign --output-dir {dir}/out");
    assert!(text(&output.stderr).contains("another export writes to the folder"));
}

/// What a manifest is refused for, before anything is made; `{row}` begins a row of the key sign.
#[test]
fn a_manifest_names_files_and_nothing_else() {
    let place = with_token();
    let manifests: Manifests = toml::from_str(include_str!("manifests.toml")).unwrap();
    for Case { rows, more, says } in manifests.case {
        let manifest = rows.replace("{row}", "[[key]]\nlabel = \"sign\"\n");
        fs::write(place.path("keys.toml"), &manifest).unwrap();
        let before = files(&place, "");
        let kek = if more.contains("--kek") { "" } else { "--kek kek" };
        let line = format!("export azure --manifest {{dir}}/keys.toml {kek} {more}");
        let answered = place.run(&line);
        let error = text(&answered.stderr);
        assert_eq!(answered.status.code(), Some(1), "{manifest}: {error}");
        for said in says {
            assert!(error.contains(&said), "{manifest}: no \"{said}\" in {error}");
        }
        assert_eq!(files(&place, ""), before, "{manifest}");
        assert_eq!(fs::read_to_string(place.path("keys.toml")).unwrap(), manifest);
    }
}

#[derive(Deserialize)]
struct Manifests {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rows: String,
    more: String,
    says: Vec<String>,
}

#[test]
fn rows_of_one_label_have_names_of_their_own() {
    let place = with_token();
    {
        let session = logged_in(&place);
        make(&session, CKK_EC, "twin", 2);
    }
    let rows = "[[key]]\nlabel = \"twin-00\"\n[[key]]\nlabel = \"twin-00\"\nname = \"second\"\n";
    fs::write(place.path("keys.toml"), rows).unwrap();
    let line = "export azure --kek kek --manifest {dir}/keys.toml --output-dir {dir}/out";
    let (success, result) = answer(&place, line);
    assert!(success, "{result}");
    let keys = result["keys"].as_array().unwrap();
    assert_eq!(keys[1]["name"], "second");
    assert!(keys[1]["file"].as_str().unwrap().ends_with("KeyTransferPackage-second.byok"));
    assert!(keys[1]["next"].as_str().unwrap().contains(" --name second --byok-file "));
    assert!(keys[0]["next"].as_str().unwrap().contains(" --name twin-00 --byok-file "));
}
