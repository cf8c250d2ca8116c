//! `keyferry token backup` and `restore`.
use crate::{Place, text, with_token};

/// The labels of the keys in a store that is not the place's own.
fn labels(place: &Place, store: &str) -> Vec<String> {
    let keys = place.json(&format!("key list --store sqlite:{{dir}}/{store}"));
    let label = |key: &serde_json::Value| key["label"].as_str().unwrap().to_owned();
    keys.as_array().unwrap().iter().map(label).collect()
}

fn refused(place: &Place, line: &str) -> String {
    let output = place.run(line);
    assert_eq!(output.status.code(), Some(1), "{line}");
    text(&output.stderr)
}

#[test]
fn a_token_comes_back_with_its_keys_and_pins() {
    let place = with_token();
    let before = place.json("token list")[0].clone();
    let taken = place.json("token backup {dir}/offline.backup");
    assert_eq!((&taken["token"], &taken["shares"]), (&before, &serde_json::json!([])));
    place.good("key destroy sign --yes");
    assert!(refused(&place, "token restore {dir}/offline.backup").contains("in the store already"));
    let restored = place.json("token restore {dir}/offline.backup --store sqlite:{dir}/other");
    assert_eq!(restored, before);
    let found = labels(&place, "other");
    assert!(
        ["sign", "stays", "aes", "secret"].iter().all(|label| found.contains(&(*label).into()))
    );
    place.good(
        "export azure --kek kek --key sign -o {dir}/restored.byok --store sqlite:{dir}/other",
    );
    let error = refused(&place, "token backup {dir}/offline.backup");
    assert!(error.contains("exists") && error.contains("--force"), "{error}");
    place.good("token backup {dir}/offline.backup --force");
}

#[test]
fn two_of_three_shares_bring_it_back() {
    let place = with_token();
    place.good("token backup {dir}/b --shares 2/3");
    let restore = |store: &str, shares: &str| {
        let shares = shares.split_whitespace().map(|n| format!(" --share {{dir}}/b.share-{n}"));
        format!(
            "token restore {{dir}}/b --store sqlite:{{dir}}/{store}{}",
            shares.collect::<String>()
        )
    };
    for (store, shares) in [("one", "1 2"), ("two", "3 1"), ("three", "1 2 3")] {
        place.good(&restore(store, shares));
        assert!(labels(&place, store).contains(&"aes".to_owned()));
    }
    for shares in ["", "2", "2 2"] {
        let error = refused(&place, &restore("none", shares));
        assert!(
            error.contains("2 different shares of its 3") && error.contains("--share"),
            "{error}"
        );
    }
    place.good("token backup {dir}/c --shares 2/2");
    std::fs::copy(place.path("c.share-1"), place.path("b.share-9")).unwrap();
    let error = refused(&place, &restore("none", "1 9"));
    assert!(error.contains("b.share-9 is a share of another backup than "), "{error}");
    assert!(error.contains("give the shares that were made with this one\n"), "{error}");
    // as an interrupted `token backup --force` leaves them
    std::fs::rename(place.path("b.share-2"), place.path("b.share-2.old")).unwrap();
    std::fs::copy(place.path("c.share-2"), place.path("b.share-2")).unwrap();
    let error = refused(&place, &restore("none", "1 2"));
    assert!(error.contains("b.share-2 is a share of another backup"), "{error}");
    assert!(error.contains("perhaps ") && error.contains("b.share-2.old, which"), "{error}");
    place.good(&restore("four", "1 2.old"));
    std::fs::write(place.path("b.share-9"), "keyferry-share-1:00:2/3:0102:00000000\n").unwrap();
    assert!(refused(&place, &restore("none", "1 9")).contains("typing mistake"));
}

/// What stands in the way is seen before anything is replaced.
#[test]
fn a_folder_in_the_place_of_a_share_is_refused() {
    let place = with_token();
    place.good("token backup {dir}/b --shares 2/3");
    std::fs::remove_file(place.path("b.share-2")).unwrap();
    std::fs::create_dir(place.path("b.share-2")).unwrap();
    for more in ["", "--force"] {
        let error = refused(&place, &format!("token backup {{dir}}/b --shares 2/3 {more}"));
        assert!(error.contains("exists already") || error.contains("is a folder"), "{error}");
    }
    place.good(
        "token restore {dir}/b --share {dir}/b.share-1 --share {dir}/b.share-3 --store sqlite:{dir}/other",
    );
}

#[test]
fn what_is_no_backup_is_refused() {
    let place = with_token();
    place.good("token backup {dir}/b");
    assert!(refused(&place, "token restore {dir}/notes.txt").contains("no backup of a token"));
    let mut bytes = std::fs::read(place.path("b")).unwrap();
    bytes[200] ^= 1;
    std::fs::write(place.path("damaged"), bytes).unwrap();
    assert!(refused(&place, "token restore {dir}/damaged").contains("damaged"));
    let error = refused(&place, "token backup {dir}/x --module /nowhere/module.so");
    assert!(error.contains("use what the maker of"), "{error}");
    assert!(refused(&place, "token backup {dir}/nowhere/x").contains("cannot be written"));
    for shares in ["1/3", "3/2", "2", "x/y", "2/256"] {
        let output = place.run(&format!("token backup {{dir}}/y --shares {shares}"));
        assert_eq!(output.status.code(), Some(2), "{shares}");
    }
}

/// A backup's file of these records, its sum right: anybody can make one.
fn forged(records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file = [b"keyferry backup\n\x01\x01".as_slice(), &[7; 16]].concat();
    for (id, body) in records {
        let len = u64::try_from(body.len()).unwrap();
        file.extend([[*id; 16].as_slice(), &len.to_be_bytes(), body].concat());
    }
    let sum = keyferry::crypto::hash::Hash::Sha256.digest(&file);
    [file, sum].concat()
}

#[test]
fn a_backup_without_a_token_in_it_does_not_get_into_the_store() {
    let place = with_token();
    let before = place.json("token list");
    let cases: [&[(u8, &[u8])]; 4] =
        [&[], &[(1, b"abc")], &[(1, b"abc"), (1, b"abc")], &[(0, b"abc"), (1, b"")]];
    for records in cases {
        std::fs::write(place.path("forged"), forged(records)).unwrap();
        let error = refused(&place, "token restore {dir}/forged");
        assert!(error.contains("no whole token") && error.contains("another copy"), "{error}");
        assert_eq!(place.json("token list"), before);
    }
}

#[test]
fn shares_of_a_backup_that_has_none_are_refused() {
    let place = with_token();
    place.good("token backup {dir}/whole");
    place.good("token backup {dir}/b --shares 2/2");
    let error = refused(&place, "token restore {dir}/whole --share {dir}/b.share-1");
    assert!(error.contains("without --shares") && error.contains("leave --share out"), "{error}");
}

/// The folder's lock is that of a run that is not done; nothing but the backups is left in it.
#[cfg(target_os = "linux")]
#[test]
fn runs_do_not_mix_their_shares_but_wait_for_each_other() {
    let place = with_token();
    std::fs::create_dir(place.path("backups")).unwrap();
    let folder = std::fs::File::open(place.path("backups")).unwrap();
    folder.lock().unwrap();
    let line = "token backup {dir}/backups/b --shares 2/3 --force";
    let mut waiting = place.with_pins(line).spawn().unwrap();
    until_it_waits(&mut waiting);
    place.good("token backup {dir}/backups/whole");
    drop(folder);
    let others = (0..3).map(|_| place.with_pins(line).spawn().unwrap());
    let runs: Vec<std::process::Child> = std::iter::once(waiting).chain(others).collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    place.good(
        "token restore {dir}/backups/b --share {dir}/backups/b.share-1 --share {dir}/backups/b.share-3 --store sqlite:{dir}/other",
    );
    assert_eq!(std::fs::read_dir(place.path("backups")).unwrap().count(), 5);
}

/// What was not there when the second began is there when it has waited.
#[cfg(target_os = "linux")]
#[test]
fn a_backup_that_waited_replaces_nothing_unasked() {
    let place = with_token();
    std::fs::create_dir(place.path("backups")).unwrap();
    let folder = std::fs::File::open(place.path("backups")).unwrap();
    folder.lock().unwrap();
    let mut command = place.with_pins("token backup {dir}/backups/b --shares 2/2");
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    until_it_waits(&mut child);
    std::fs::write(place.path("backups/b"), "of another").unwrap();
    drop(folder);
    let output = child.wait_with_output().unwrap();
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("b exists already"), "{error}");
    assert!(error.contains("wait until it lets it go"), "{error}");
    assert_eq!(std::fs::read(place.path("backups/b")).unwrap(), b"of another");
    assert_eq!(std::fs::read_dir(place.path("backups")).unwrap().count(), 1);
}

/// Waits until a program waits for the lock that this test holds.
#[cfg(target_os = "linux")]
fn until_it_waits(child: &mut std::process::Child) {
    let pid = child.id().to_string();
    let is_waiting = || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let mut waiting = locks.lines().filter(|line| line.contains("->"));
        waiting.any(|line| line.split_whitespace().any(|word| word == pid))
    };
    while !is_waiting() {
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// `token init` holds this lock from the choice of a slot until the token is there: no other may take the slot.
#[cfg(target_os = "linux")]
#[test]
fn a_restore_waits_while_another_process_makes_a_token() {
    let place = with_token();
    place.good("token backup {dir}/b");
    std::fs::create_dir(place.path("other")).unwrap();
    let folder = std::fs::File::open(place.path("other")).unwrap();
    folder.lock().unwrap();
    let line = "token restore {dir}/b --store sqlite:{dir}/other";
    let mut child = place.with_pins(line).spawn().unwrap();
    until_it_waits(&mut child);
    let tokens = place.json("token list --store sqlite:{dir}/other");
    assert_eq!(tokens[0]["initialized"], false, "{tokens}");
    drop(folder);
    assert!(child.wait().unwrap().success());
    assert!(labels(&place, "other").contains(&"sign".to_owned()));
}

/// How often two processes make a token each in a new store: more often with `KEYFERRY_ROUNDS`.
fn rounds() -> usize {
    std::env::var("KEYFERRY_ROUNDS").map_or(8, |rounds| rounds.parse().unwrap())
}

/// With the SO PIN that the token in the backup has, too.
#[test]
fn a_restored_token_keeps_its_keys_beside_a_new_one() {
    let place = with_token();
    place.good("token backup {dir}/b");
    for round in 0..rounds() {
        let run = |line: &str| {
            let mut command = place.with_pins(&format!("{line} --store sqlite:{{dir}}/{round}"));
            command.stderr(std::process::Stdio::piped()).spawn().unwrap()
        };
        let both = [run("token init --label new"), run("token restore {dir}/b --unchecked")];
        for child in both {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", text(&output.stderr));
        }
        let keys = place.good(&format!("key list --token offline --store sqlite:{{dir}}/{round}"));
        assert!(keys.contains("sign") && keys.contains("aes"), "{keys}");
        std::fs::remove_dir_all(place.path(&round.to_string())).unwrap();
    }
}

/// A device may go on for ever, and this pipe is closed only after the answer.
#[cfg(unix)]
#[test]
fn what_begins_otherwise_is_no_backup_however_long_it_is() {
    use std::io::Write;
    let place = with_token();
    let fifo = place.path("long");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = place.with_pins("token restore {dir}/long");
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    pipe.write_all(&[0; 4096]).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(pipe);
    let error = text(&output.stderr);
    assert!(error.contains("long: this is no backup of a token; give a file"), "{error}");
    let error = refused(&place, "token restore /dev/zero");
    assert!(error.contains("/dev/zero: this is no backup of a token; give a file"), "{error}");
}
