//! What is left when writing fails, at each step: a preloaded library lets the first call that changes a file fail,
//! or the program end there, then the second, and so on (`tests/c/failing.c`).
#![cfg(target_os = "linux")]
use crate::{KID, Place, text, with_token};
use base64ct::{Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::Package;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// The call answers that there is no room.
    Error,
    /// The program ends before it.
    Kill,
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/failing.c");
        // each test is a process of its own, and all of them use the one that is finished last
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failing.so");
        let made = library.with_extension(std::process::id().to_string());
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&made);
        let compiled = cc.arg(source).args(["-ldl", "-pthread"]).output().unwrap();
        assert!(compiled.status.success(), "{}", text(&compiled.stderr));
        fs::rename(made, &library).unwrap();
        library
    })
}

/// Runs a command line, and lets the call `at` below the folder `set` go wrong. Nothing, if there are not so many.
fn run(place: &Place, line: &str, at: usize, how: How) -> Option<(Output, String)> {
    let log = place.path("failed");
    let mut command = place.command(line);
    command.env("KEYFERRY_PIN", "12345678").env("LD_PRELOAD", library());
    command
        .env("FAIL_UNDER", place.path("set"))
        .env("FAIL_AT", at.to_string())
        .env("FAIL_LOG", &log);
    command.env("FAIL_HOW", if how == How::Kill { "kill" } else { "error" });
    let output = command.output().unwrap();
    let failed = fs::read_to_string(&log).ok()?;
    fs::remove_file(log).unwrap();
    Some((output, format!("{how:?} at call {at}, {}", failed.trim_end())))
}

/// Lets each call go wrong, from the same files each time; `check` looks at what is left.
fn at_each_step(
    place: &Place,
    line: &str,
    check: impl Fn(&Output, &BTreeMap<String, Vec<u8>>, How, &str),
) {
    let before = files(place);
    for how in [How::Error, How::Kill] {
        let steps = (1..).map_while(|at| {
            put_back(place, &before);
            let (output, what) = run(place, line, at, how)?;
            check(&output, &files(place), how, &format!("{what}: {}", text(&output.stderr)));
            Some(())
        });
        assert!(steps.count() > 5, "{line}: the library is not used");
    }
}

/// The files in the folder `set`.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.path("set")).unwrap().map(Result::unwrap);
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

fn put_back(place: &Place, files: &BTreeMap<String, Vec<u8>>) {
    let _ = fs::remove_dir_all(place.path("set"));
    fs::create_dir(place.path("set")).unwrap();
    for (name, bytes) in files {
        fs::write(place.path(&format!("set/{name}")), bytes).unwrap();
    }
}

/// Whether the backup comes back with those of the shares beside it that belong together.
fn restores(place: &Place, files: &BTreeMap<String, Vec<u8>>) -> bool {
    let mut sets: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("b.share")) {
        let of = text(bytes).split(':').nth(1).unwrap().to_owned();
        sets.entry(of).or_default().push(name);
    }
    sets.values().any(|shares| {
        let shares: String =
            shares.iter().map(|name| format!(" --share {{dir}}/set/{name}")).collect();
        let line = format!(
            "token restore {{dir}}/set/b --unchecked --store sqlite:{{dir}}/restored{shares}"
        );
        let output = place.run(&line);
        let _ = fs::remove_dir_all(place.path("restored"));
        output.status.success()
    })
}

#[test]
fn a_backup_keeps_its_shares_until_the_new_one_is_there() {
    let place = with_token();
    fs::create_dir(place.path("set")).unwrap();
    let line = "token backup {dir}/set/b --shares 2/2 --force";
    place.good(line);
    let old = files(&place);
    at_each_step(&place, line, |output, left, how, what| {
        assert!(restores(&place, left), "{what}: {:?}", left.keys());
        if how == How::Error && !output.status.success() {
            assert!(*left == old, "{what}: {:?}", left.keys());
        }
        // the next run removes what was only begun: there are shares in it
        place.good(line);
        let left = files(&place);
        assert!(!left.keys().any(|name| name.starts_with('.')), "{what}: {:?}", left.keys());
        assert!(restores(&place, &left), "{what}: {:?}", left.keys());
    });
}

#[test]
fn a_backup_that_fails_leaves_no_shares() {
    let place = with_token();
    fs::create_dir(place.path("set")).unwrap();
    at_each_step(&place, "token backup {dir}/set/b --shares 2/2", |output, left, how, what| {
        if how == How::Error && !output.status.success() {
            assert!(left.is_empty(), "{what}: {:?}", left.keys());
        }
        assert!(!left.contains_key("b") || restores(&place, left), "{what}: {:?}", left.keys());
    });
}

/// Each file is whole, if it is there.
fn is_whole(name: &str, bytes: &[u8]) -> bool {
    let package =
        |bytes: &[u8]| Package::parse(bytes).is_ok_and(|package| package.kid.as_str() == KID);
    if name.starts_with("request") {
        let Ok(request) = serde_json::from_slice::<Value>(bytes) else { return false };
        let hsm = request["key"]["key_hsm"]
            .as_str()
            .and_then(|hsm| Base64UrlUnpadded::decode_vec(hsm).ok());
        return hsm.is_some_and(|bytes| package(&bytes));
    }
    package(bytes)
}

#[test]
fn a_package_and_its_request_come_together() {
    let place = with_token();
    for old in [false, true] {
        put_back(&place, &BTreeMap::new());
        let mut line = "export azure --kek kek --key sign -o {dir}/set/p.byok --request {dir}/set/request.json".to_owned();
        if old {
            place.good(&line);
            line += " --force";
        }
        let before = files(&place);
        at_each_step(&place, &line, |output, left, how, what| {
            let named = |(name, _): &(&String, &Vec<u8>)| !name.starts_with('.');
            for (name, bytes) in left.iter().filter(named) {
                assert!(is_whole(name, bytes), "{what}: {name}");
            }
            let has = |name: &str| left.contains_key(name);
            assert!(has("request.json") || !has("p.byok"), "{what}: {:?}", left.keys());
            if how == How::Error && !output.status.success() {
                assert!(*left == before, "{what}: {:?}", left.keys());
            }
        });
    }
}

#[test]
fn many_keys_are_whole_or_absent_and_the_next_run_does_what_is_missing() {
    let place = with_token();
    place.good("key generate --type p-256 --label sign2 --extractable");
    put_back(&place, &BTreeMap::new());
    let line = "export custom --hash sha256 --kek kek --all sign* --output-dir {dir}/set";
    at_each_step(&place, line, |_, left, _, what| {
        for (name, bytes) in left.iter().filter(|(name, _)| name.ends_with(".bin")) {
            assert_eq!(bytes.len(), 408, "{what}: {name}");
        }
        place.good(line);
        let left: BTreeSet<String> = files(&place).into_keys().collect();
        let wanted = ["keyferry-export.jsonl", "sign.bin", "sign2.bin"];
        assert_eq!(left, wanted.map(str::to_owned).into(), "{what}");
    });
}
