//! `kill -9` at any moment: what was acknowledged is there, and the token opens.
//!
//! The writer is this very program, started again with a folder to write to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
use keyferry::config::Location;
use keyferry::crypto::Secret;
use keyferry::store::vault::{Vault, Who, Write};
use keyferry::store::{RecordId, Revision, open};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SO: &[u8] = b"12345678";
const USER: &[u8] = b"1234";
const FOLDER: &str = "KEYFERRY_CRASH_FOLDER";

fn vault(folder: &Path) -> Vault {
    let store = open(&Location::Sqlite(folder.into())).unwrap();
    match store.tokens().unwrap().first() {
        Some(token) => Vault::of(store, *token),
        None => {
            let vault = Vault::create(store, 0, [b' '; 32], SO).unwrap().unwrap();
            vault.set_user_pin(&vault.unlock(Who::So, SO).unwrap(), USER).unwrap();
            vault
        }
    }
}

/// Writes `count` objects and says each one's id once it is written.
fn write_objects(folder: &Path, count: u64, mut acknowledge: impl FnMut(&str)) {
    let vault = vault(folder);
    let unlocked = vault.unlock(Who::User, USER).unwrap();
    for n in 0..count {
        let mut id = [0xAA; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        id[8..12].copy_from_slice(&std::process::id().to_be_bytes());
        let secret = |len| Secret::new(vec![7; len]);
        let write = Write::Insert {
            id: RecordId(id),
            private: n % 2 == 0,
            attributes: secret(200),
            material: Some(secret(2000)),
        };
        vault.write(&unlocked, vec![write]).unwrap().unwrap();
        acknowledge(&id.map(|byte| format!("{byte:02x}")).concat());
    }
}

/// The writer's body; as a test of its own it writes a few objects and reads them back.
#[test]
fn writer() {
    match std::env::var_os(FOLDER) {
        Some(folder) => write_objects(Path::new(&folder), u64::MAX, |id| {
            let mut out = std::io::stdout();
            writeln!(out, "written {id}").and_then(|()| out.flush()).unwrap();
        }),
        None => {
            let folder = tempfile::tempdir().unwrap();
            let mut ids = BTreeSet::new();
            write_objects(folder.path(), 3, |id| {
                ids.insert(id.to_string());
            });
            assert_eq!(stored(folder.path()), ids);
        }
    }
}

/// Starts a writer under umask 0, which must not open the files to anyone.
fn spawn(folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "umask 0; exec \"$0\" --exact writer --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets the writer acknowledge `count` objects, kills it, and gives all that it acknowledged.
fn kill_after(mut writer: Child, count: usize) -> BTreeSet<String> {
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let acknowledged = lines.filter_map(|line| {
        let line = line.unwrap();
        line.split_once("written ").map(|(_, id)| id.to_string())
    });
    let mut seen = BTreeSet::new();
    for id in acknowledged {
        seen.insert(id);
        if seen.len() == count {
            writer.kill().unwrap();
        }
    }
    writer.wait().unwrap();
    assert!(seen.len() >= count, "the writer ended by itself after {} objects", seen.len());
    seen
}

/// The ids of the objects there are, each of which opens.
fn stored(folder: &Path) -> BTreeSet<String> {
    let vault = vault(folder);
    let unlocked = vault.unlock(Who::User, USER).unwrap();
    let entries = vault.changes(Revision(0)).unwrap().entries;
    let id = |id: RecordId| id.0.map(|byte| format!("{byte:02x}")).concat();
    for entry in &entries {
        let content = entry.content.as_ref().unwrap();
        unlocked.attributes(entry.id, content).unwrap();
        unlocked.material(entry.id, content.material.as_ref().unwrap()).unwrap();
    }
    entries.iter().map(|entry| id(entry.id)).collect()
}

#[test]
fn killed_writers_lose_nothing_acknowledged() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("store");
    let mut acknowledged = BTreeSet::new();
    for count in [1, 17, 40, 3, 90] {
        acknowledged.extend(kill_after(spawn(&folder), count));
        let stored = stored(&folder);
        assert!(acknowledged.is_subset(&stored));
    }
    // at most the one object that each writer was killed over is there without having been told
    assert!(stored(&folder).len() <= acknowledged.len() + 5);
}

#[test]
fn two_writers_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    vault(folder.path());
    let (a, b) = (spawn(folder.path()), spawn(folder.path()));
    let mut acknowledged = kill_after(a, 20);
    acknowledged.extend(kill_after(b, 20));
    assert!(acknowledged.is_subset(&stored(folder.path())));
}

#[test]
fn an_open_umask_opens_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("store");
    kill_after(spawn(&folder), 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
}
