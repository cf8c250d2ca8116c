//! `keyferry token check` and `salvage`, and what `backup` and `restore` do about damage: bits of each kind of
//! record are flipped in the store's file.
use crate::cli::many::logged_in_to;
use crate::{Place, text, with_token};
use keyferry::ck::*;
use keyferry::client::{Mechanism, Template};
use rusqlite::{Connection, params};
use serde_json::Value;

/// Ids of the vault's own records (docs/storage-format.md).
const DESCRIPTION: u8 = 0;
const SO_PIN: u8 = 1;
const USER_PIN: u8 = 2;

/// Behind format, kind and epoch, and the version: the label.
const LABEL_AT: isize = 2 + 16 + 8;
/// The second byte of a record is its kind.
const KIND_AT: isize = 1;
/// Behind format, kind and flags: the version, the high byte first.
const VERSION_AT: isize = 3;

/// The store's file, in the hands of who can write it.
struct File(Connection);

impl File {
    fn of(place: &Place, store: &str) -> File {
        File(Connection::open(place.path(&format!("{store}/keyferry.db"))).unwrap())
    }

    fn own(record: u8) -> Vec<u8> {
        let mut id = vec![0; 16];
        id[15] = record;
        id
    }

    /// The record of an object with these bytes in it.
    fn with(&self, bytes: &[u8]) -> Vec<u8> {
        let sql = "SELECT id FROM record WHERE instr(body, ?) > 0";
        self.0.query_row(sql, params![bytes], |row| row.get(0)).unwrap()
    }

    /// The record of a private object with key material.
    fn private(&self) -> Vec<u8> {
        let sql =
            "SELECT id FROM record WHERE substr(body, 1, 3) = x'010303' ORDER BY revision LIMIT 1";
        self.0.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Flips a bit of a record; a negative place counts from the end.
    fn flip(&self, id: &[u8], at: isize) {
        let sql = "SELECT body FROM record WHERE id = ?";
        let mut body: Vec<u8> = self.0.query_row(sql, params![id], |row| row.get(0)).unwrap();
        let len = isize::try_from(body.len()).unwrap();
        let at = usize::try_from(if at < 0 { len + at } else { at }).unwrap();
        body[at] ^= 1;
        let put = "UPDATE record SET body = ? WHERE id = ?";
        assert_eq!(self.0.execute(put, params![body, id]).unwrap(), 1);
    }

    fn remove(&self, id: &[u8]) {
        assert_eq!(self.0.execute("DELETE FROM record WHERE id = ?", params![id]).unwrap(), 1);
    }
}

/// Runs what must fail with status 1: the answer and the error.
fn failing(place: &Place, line: &str) -> (String, String) {
    let output = place.run(line);
    assert_eq!(output.status.code(), Some(1), "{line}: {}", text(&output.stdout));
    (text(&output.stdout), text(&output.stderr))
}

/// The verdict of each check.
fn verdicts(shown: &str) -> Vec<(String, String)> {
    let lines = shown.lines().take_while(|line| !line.is_empty());
    let words = |line: &str| {
        let (verdict, rest) = line.split_at(8);
        let name = rest.split("  ").next().unwrap();
        (name.trim().to_owned(), verdict.trim().to_owned())
    };
    lines.map(words).collect()
}

fn failed(shown: &str) -> Vec<String> {
    let failed = verdicts(shown).into_iter().filter(|(_, verdict)| verdict == "FAILED");
    failed.map(|(name, _)| name).collect()
}

#[test]
fn a_whole_token_passes_every_check() {
    let place = with_token();
    for (pin, other) in [("", "SO PIN's seal"), ("--so-pin-file {dir}/so.pin", "user PIN's seal")] {
        std::fs::write(place.path("so.pin"), "abcdefgh\n").unwrap();
        let shown = place.good(&format!("token check {pin}"));
        let verdicts = verdicts(&shown);
        assert_eq!(verdicts.len(), 12, "{shown}");
        for (name, verdict) in verdicts {
            assert_eq!(verdict, if name == other { "-" } else { "ok" }, "{shown}");
        }
        assert!(shown.ends_with("\n\nResult: SUCCESS\n"), "{shown}");
    }
    let answer = place.json("token check");
    assert_eq!((&answer["result"], &answer["label"]), (&"SUCCESS".into(), &"offline".into()));
    assert!(answer["damaged"].as_array().unwrap().is_empty());
}

#[test]
fn a_token_without_a_user_pin_is_checked_with_the_so_pin() {
    let place = with_token();
    let file = File::of(&place, "store");
    file.remove(&File::own(USER_PIN));
    let (shown, _) = failing(&place, "token check");
    assert_eq!(failed(&shown), ["ledger count", "ledger sum"], "{shown}");
    assert!(!shown.contains("user PIN record"), "{shown}");
}

type Damage = (&'static str, fn(&File), &'static [&'static str], &'static str);

/// One bit of each kind of record: how it is flipped, the checks that fail, and a part of the table.
const DAMAGES: [Damage; 8] = [
    (
        "a description that is none",
        |file| file.flip(&File::own(DESCRIPTION), KIND_AT),
        &["description"],
        "description  ?",
    ),
    (
        "the label",
        |file| file.flip(&File::own(DESCRIPTION), LABEL_AT),
        &["description's seal"],
        "seal does not verify",
    ),
    (
        "a user PIN record that is none",
        |file| file.flip(&File::own(USER_PIN), KIND_AT),
        &["user PIN record", "ledger sum"],
        "user PIN",
    ),
    (
        "an SO PIN record that is none",
        |file| file.flip(&File::own(SO_PIN), KIND_AT),
        &["SO PIN record", "ledger sum"],
        "SO PIN",
    ),
    (
        "an object that is none",
        |file| file.flip(&file.private(), KIND_AT),
        &["object records", "object seals", "ledger sum"],
        "no valid record",
    ),
    (
        "an attribute of a public object",
        |file| {
            let kek = file.with(b"kek");
            let body: Vec<u8> = file
                .0
                .query_row("SELECT body FROM record WHERE id = ?", params![kek], |r| r.get(0))
                .unwrap();
            let at = body.windows(3).position(|part| part == b"kek").unwrap();
            file.flip(&kek, isize::try_from(at).unwrap() + 2);
        },
        &["object seals"],
        "kej    public",
    ),
    (
        "key material",
        |file| file.flip(&file.private(), -1),
        &["object seals", "material seals"],
        "seal of the key material does not verify",
    ),
    (
        "an object's version",
        |file| file.flip(&file.private(), VERSION_AT),
        &["object seals", "ledger sum"],
        "seal does not verify",
    ),
];

/// The checks that take no PIN.
const FORMS: [&str; 4] = ["description", "SO PIN record", "user PIN record", "object records"];

#[test]
fn each_kind_of_damage_is_named() {
    let place = with_token();
    place.good("token backup {dir}/whole");
    for (n, (what, damage, checks, row)) in DAMAGES.into_iter().enumerate() {
        let store = format!("case-{n}");
        place.good(&format!("token restore {{dir}}/whole --store sqlite:{{dir}}/{store}"));
        damage(&File::of(&place, &store));
        let (shown, error) =
            failing(&place, &format!("token check --store sqlite:{{dir}}/{store}"));
        assert_eq!(failed(&shown), checks, "{what}: {shown}");
        let table = shown.split_once("REVISION").map(|(_, table)| table).unwrap_or_default();
        assert!(table.contains(row), "{what}: {shown}");
        assert!(shown.ends_with("\n\nResult: FAILURE\n"), "{what}: {shown}");
        assert!(error.contains("is damaged: 1 record is not as the token wrote it"), "{error}");
        assert!(error.contains("`keyferry token salvage --to sqlite:FOLDER`"), "{error}");
        let listed = place.good(&format!("token list --store sqlite:{{dir}}/{store}"));
        let takes_no_pin = checks.iter().any(|check| FORMS.contains(check));
        assert_eq!(listed.contains("damaged"), takes_no_pin, "{what}: {listed}");
    }
}

#[test]
fn a_damaged_seal_of_a_pin_looks_like_a_wrong_pin_and_the_other_pin_is_named() {
    let place = with_token();
    File::of(&place, "store").flip(&File::own(USER_PIN), -1);
    let (_, error) = failing(&place, "token check");
    assert!(error.contains("its record or the description is damaged"), "{error}");
    assert!(error.contains("the SO PIN with --so-pin-file"), "{error}");
    std::fs::write(place.path("so.pin"), "abcdefgh\n").unwrap();
    let (shown, _) = failing(&place, "token check --so-pin-file {dir}/so.pin");
    assert_eq!(failed(&shown), ["ledger sum"], "{shown}");
}

#[test]
fn a_removed_object_is_missed_by_the_ledger() {
    let place = with_token();
    let file = File::of(&place, "store");
    file.remove(&file.private());
    let (shown, error) = failing(&place, "token check");
    assert_eq!(failed(&shown), ["ledger count", "ledger sum"], "{shown}");
    assert!(error.contains("its ledger does not fit its records"), "{error}");
    let (shown, error) = failing(&place, "token salvage --to sqlite:{dir}/new");
    assert!(error.contains("compare the objects with those you expect"), "{error}");
    // the SO PIN's record could be an old one
    assert!(
        shown.contains("SO PIN") && shown.contains("because the ledger does not fit"),
        "{shown}"
    );
}

#[test]
fn every_command_hints_at_the_check_and_the_list_shows_the_damage() {
    let place = with_token();
    let file = File::of(&place, "store");
    let object = file.private();
    file.flip(&object, -1);
    for line in ["key list", "export custom --kek kek --key sign --hash sha256 -o {dir}/x"] {
        let (_, error) = failing(&place, line);
        assert!(error.contains("answered CKR_DEVICE_ERROR"), "{error}");
        assert!(error.contains("; see with `keyferry token check` what is damaged\n"), "{error}");
    }
    let logged = place.with_pins("key list").env("KEYFERRY_LOG", "error").output().unwrap();
    let hex: String = object.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text(&logged.stderr).contains(&format!("object {hex} was altered")), "{logged:?}");
    let (shown, _) = failing(&place, "token check");
    assert!(shown.contains(&hex), "the check names the same record: {shown}");
    assert!(!place.good("token list").contains("damaged"), "seals take a PIN");
    file.flip(&object, KIND_AT);
    let listed = place.good("token list");
    assert!(listed.contains("offline  damaged"), "{listed}");
    let answer = place.json("token list");
    assert!(answer[0]["error"].as_str().unwrap().contains("is damaged"), "{answer}");
    file.flip(&File::own(DESCRIPTION), KIND_AT);
    let listed = place.good("token list");
    assert!(listed.contains("?      damaged"), "{listed}");
}

#[test]
fn a_damaged_token_replaces_no_backup() {
    let place = with_token();
    place.good("token backup {dir}/good --shares 2/2");
    let names = ["good", "good.share-1", "good.share-2"];
    let read = || names.map(|name| std::fs::read(place.path(name)).unwrap());
    let before = read();
    let file = File::of(&place, "store");
    let private = file.private();
    file.flip(&private, -1);
    let (_, error) = failing(&place, "token backup {dir}/good --shares 2/2 --force");
    assert!(error.contains("is damaged") && error.contains("nothing was written"), "{error}");
    assert_eq!(read(), before);
    let (_, error) = failing(&place, "token backup {dir}/good --force --unchecked");
    assert!(error.contains("an unchecked backup replaces nothing"), "{error}");
    let (_, error) = failing(&place, "token backup {dir}/new");
    assert!(error.contains("is damaged"), "{error}");
    let shown = place.good("token backup {dir}/new --unchecked");
    assert!(shown.contains("Checked  no: neither the seals nor the ledger"), "{shown}");
    let (_, error) = failing(&place, "token restore {dir}/new --store sqlite:{dir}/other");
    assert!(error.contains("is damaged, and nothing was restored"), "{error}");
    let there = place.json("token list --store sqlite:{dir}/other");
    assert_eq!(there[0]["initialized"], false, "{there}");
    let shown = place.good("token restore {dir}/new --store sqlite:{dir}/other --unchecked");
    assert!(shown.contains("Its seals were not checked"), "{shown}");
    // the good one restores, shares and all
    place.good(
        "token restore {dir}/good --share {dir}/good.share-1 --share {dir}/good.share-2 --store sqlite:{dir}/old",
    );
    place.good("token check --store sqlite:{dir}/old");
}

/// Puts the store's database back as it was, without its log.
fn roll_back(place: &Place, old: &[u8]) {
    for log in ["store/keyferry.db-wal", "store/keyferry.db-shm"] {
        let _ = std::fs::remove_file(place.path(log));
    }
    std::fs::write(place.path("store/keyferry.db"), old).unwrap();
}

#[test]
fn a_rolled_back_store_fails_the_check_and_replaces_no_backup() {
    let place = with_token();
    let old = std::fs::read(place.path("store/keyferry.db")).unwrap();
    for label in ["a1", "a2", "a3"] {
        place.good(&format!("key generate --type p-256 --label {label}"));
    }
    place.good("token backup {dir}/b.bak");
    let backup = std::fs::read(place.path("b.bak")).unwrap();
    roll_back(&place, &old);
    // more changes than are missing: they do not hide the loss
    for n in 0..4 {
        place.good(&format!("key generate --type p-256 --label n{n}"));
        let (shown, error) = failing(&place, "token check");
        assert_eq!(failed(&shown), ["changes"], "{shown}");
        assert!(shown.ends_with("Result: FAILURE\n"), "{shown}");
        assert!(error.contains("changes to the store are missing: its file was rolled"), "{error}");
        let (_, error) = failing(&place, "token backup {dir}/b.bak --force");
        assert!(error.contains("nothing was written: the last "), "{error}");
        assert!(error.contains("`keyferry token check --accept-missing`"), "{error}");
    }
    assert_eq!(std::fs::read(place.path("b.bak")).unwrap(), backup);
    place.good("token backup {dir}/as-it-is --unchecked");
    let (_, error) = failing(&place, "token salvage --to sqlite:{dir}/saved");
    assert!(error.contains("changes to the store are missing"), "{error}");
    place.good("token restore {dir}/b.bak --store sqlite:{dir}/restored");
    place.good("token check --store sqlite:{dir}/restored");
}

#[test]
fn a_loss_is_accepted_once_and_no_damage_with_it() {
    let place = with_token();
    let old = std::fs::read(place.path("store/keyferry.db")).unwrap();
    place.good("key generate --type p-256 --label more");
    roll_back(&place, &old);
    let file = File::of(&place, "store");
    let private = file.private();
    file.flip(&private, -1);
    let (shown, _) = failing(&place, "token check --accept-missing");
    assert!(failed(&shown).contains(&"changes".to_owned()), "{shown}");
    file.flip(&private, -1);
    drop(file);
    failing(&place, "token check");
    let shown = place.good("token check --accept-missing");
    assert!(shown.contains("the loss is accepted"), "{shown}");
    let shown = place.good("token check");
    assert!(shown.contains("none is missing"), "{shown}");
    place.good("token backup {dir}/b.bak");
    std::fs::remove_file(place.path("store/keyferry.reserve")).unwrap();
    let answer = place.json("token check");
    let changes = answer["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((&changes["check"], &changes["ok"]), (&"changes".into(), &Value::Null));
}

#[test]
fn damage_within_a_split_backup_is_found_before_it_is_restored() {
    let place = with_token();
    File::of(&place, "store").flip(&File::own(DESCRIPTION), LABEL_AT);
    place.good("token backup {dir}/b --shares 2/2 --unchecked");
    let shares = "--share {dir}/b.share-1 --share {dir}/b.share-2 --store sqlite:{dir}/other";
    let (_, error) = failing(&place, &format!("token restore {{dir}}/b {shares}"));
    assert!(error.contains("is damaged, and nothing was restored"), "{error}");
}

#[test]
fn backup_and_restore_ask_for_a_right_pin() {
    let place = with_token();
    place.good("token backup {dir}/b");
    for line in ["token backup {dir}/c", "token restore {dir}/b --store sqlite:{dir}/other"] {
        let (_, error) = failing(&place, &format!("{line} --pin-file {{dir}}/wrong.pin"));
        assert!(error.contains("the user PIN does not open the token \"offline\""), "{error}");
    }
    assert!(std::fs::metadata(place.path("c")).is_err());
}

/// Signs with each private key of a token, and returns how many there are.
fn signs(place: &Place, store: &str) -> usize {
    let session = logged_in_to(&format!("sqlite:{}", place.path(store)));
    let keys = session.find(&Template::class(CKO_PRIVATE_KEY)).unwrap();
    for key in &keys {
        let signature = session.sign(&Mechanism::Plain(CKM_ECDSA), *key, &[7; 32]).unwrap();
        assert_eq!(signature.len(), 64);
    }
    keys.len()
}

#[test]
fn salvage_saves_what_verifies_into_a_store_that_works() {
    let place = with_token();
    let file = File::of(&place, "store");
    let private = file.private();
    file.flip(&private, -1);
    let (shown, error) = failing(&place, "token salvage --to sqlite:{dir}/new");
    assert!(shown.contains("seal of the key material does not verify"), "{shown}");
    assert!(shown.contains(" of 9 objects of the token \"offline\" are in sqlite:"), "{shown}");
    assert!(error.contains("is damaged: 1 record"), "{error}");
    assert!(error.contains("keep the old store until then"), "{error}");
    let checked = place.good("token check --store sqlite:{dir}/new");
    assert!(checked.ends_with("Result: SUCCESS\n"), "{checked}");
    std::fs::write(place.path("so.pin"), "abcdefgh\n").unwrap();
    place.good("token check --store sqlite:{dir}/new --so-pin-file {dir}/so.pin");
    place.good("key generate --type p-256 --label more --store sqlite:{dir}/new");
    assert_eq!(signs(&place, "new"), 3);
}

#[test]
fn salvage_says_that_objects_may_be_old_whatever_else_is_damaged() {
    let place = with_token();
    let file = File::of(&place, "store");
    let bodies = || -> Vec<(Vec<u8>, Vec<u8>)> {
        let sql = "SELECT id, body FROM record WHERE substr(body, 1, 3) = x'010303'";
        let mut query = file.0.prepare(sql).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = bodies();
    {
        let session = logged_in_to(&format!("sqlite:{}", place.path("store")));
        let key = session.find(&Template::class(CKO_PRIVATE_KEY)).unwrap()[0];
        session.set(key, &Template::default().flag(CKA_SIGN, false)).unwrap();
    }
    let after = bodies();
    let (id, old) = before.iter().find(|record| !after.contains(record)).unwrap();
    let put = "UPDATE record SET body = ? WHERE id = ?";
    assert_eq!(file.0.execute(put, params![old, id]).unwrap(), 1);
    let (other, _) = after.iter().find(|(other, _)| other != id).unwrap();
    file.flip(other, -1);
    let (shown, error) = failing(&place, "token salvage --to sqlite:{dir}/new");
    assert!(error.contains("saved objects may be old"), "{error}");
    assert!(error.contains("compare CKA_TRUSTED and usages"), "{error}");
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let row = shown.lines().find(|line| line.starts_with(&hex)).unwrap();
    assert!(row.contains("private") && !row.contains('?'), "{row}");
    assert!(row.ends_with("may be an earlier version"), "{row}");
    let output = place.run("token salvage --to sqlite:{dir}/again --json");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = answer["unproven"].as_array().unwrap();
    assert_eq!(Some(listed.len() as u64), answer["saved"].as_u64());
    assert!(listed.iter().any(|object| object["record"] == hex.as_str()), "{answer}");
}

#[test]
fn salvage_of_a_whole_token_leaves_nothing_behind() {
    let place = with_token();
    let answer: Value = place.json("token salvage --to sqlite:{dir}/new");
    assert_eq!(answer["left"], serde_json::json!([]));
    assert_eq!(answer["unproven"], serde_json::json!([]));
    assert_eq!(answer["saved"], answer["objects"]);
    place.good("token check --store sqlite:{dir}/new");
}

#[test]
fn a_token_that_nothing_opens_is_not_saved() {
    let place = with_token();
    File::of(&place, "store").flip(&File::own(DESCRIPTION), KIND_AT);
    let (_, error) = failing(&place, "token salvage --to sqlite:{dir}/new");
    assert!(error.contains("can be saved, because its description or every PIN record"), "{error}");
    assert!(std::fs::metadata(place.path("new")).is_err());
}

#[test]
fn a_locked_pin_names_the_other_one() {
    let place = with_token();
    for _ in 0..10 {
        failing(&place, "token check --pin-file {dir}/wrong.pin");
    }
    let (_, error) = failing(&place, "token check");
    assert!(error.contains("is locked after too many wrong ones; give the SO PIN with"), "{error}");
}
