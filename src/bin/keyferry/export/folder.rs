//! The folder of many keys' files, and the list in it that says which key under which KEK each file is:
//! what a second run goes by.
use super::which::Item;
use crate::file;
use crate::kind::hex;
use crate::output::{Fault, fault};
use keyferry::crypto::hash::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The list's name.
const LIST: &str = "keyferry-export.jsonl";

/// What is wrong with a name that [`is_own`].
pub const OWN: &str =
    "a name that keyferry itself uses in folders that it exports to; choose another";

/// Whether a file of this name is the list, or taken for what an interrupted run left.
pub fn is_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_lowercase() == LIST || file::of_temporary(&name).is_some()
}

/// A folder that this process alone exports many keys to.
pub struct Folder {
    path: PathBuf,
    /// Locked until the process ends, however it does.
    list: File,
    /// Who adds a line.
    turn: Mutex<()>,
    known: BTreeSet<Entry>,
}

/// A line of the list: a file that may be there, and what it is if its digest is this one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Entry {
    file: String,
    key: String,
    id: String,
    /// What tells the key from others of that label and id, see [`super::identity`].
    identity: String,
    /// Cloud, KEK and parameters.
    made_for: String,
    sha256: String,
}

/// What a file is made of, and for.
pub struct Source<'a> {
    /// The key, and the file's place.
    pub item: &'a Item,
    /// What tells the key from others of that label and id.
    pub identity: String,
    /// Cloud, KEK and parameters.
    pub made_for: &'a str,
}

impl Entry {
    fn of(source: &Source<'_>, bytes: &[u8]) -> Entry {
        let item = source.item;
        Entry {
            file: item.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            key: item.label.clone(),
            id: hex(&item.id),
            identity: source.identity.clone(),
            made_for: source.made_for.to_owned(),
            sha256: hex(&Hash::Sha256.digest(bytes)),
        }
    }
}

impl Folder {
    /// Opens it, or makes it. One process at a time.
    pub fn open(path: &Path) -> Result<Folder, Fault> {
        if !path.exists() {
            file::private_folder(path)?;
        }
        let unusable = |why: &dyn std::fmt::Display| {
            fault!(
                "the folder {} cannot be written to: {why}; choose another with --output-dir",
                path.display()
            )
        };
        let mut list = file::open_own(path, LIST).map_err(|e| unusable(&e))?;
        match list.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(fault!(
                    "another export writes to the folder {}; wait for it, or choose another with --output-dir",
                    path.display()
                ));
            }
            Err(TryLockError::Error(e)) => return Err(unusable(&e)),
        }
        let mut text = String::new();
        list.read_to_string(&mut text).map_err(|e| unusable(&e))?;
        if !text.is_empty() && !text.ends_with('\n') {
            // a run that was interrupted in the middle of a line
            list.write_all(b"\n").map_err(|e| unusable(&e))?;
        }
        let known = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Folder { path: path.to_owned(), list, turn: Mutex::new(()), known })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what interrupted runs left of these files.
    pub fn sweep(&self, items: &[Item]) {
        file::sweep(&self.path, items.iter().map(|item| item.path.as_path()));
    }

    /// Whether these bytes are what was once made of this key for this purpose.
    pub fn knows(&self, source: &Source<'_>, bytes: &[u8]) -> bool {
        self.known.contains(&Entry::of(source, bytes))
    }

    /// Notes what will be in a file, on the disk, before it is: so no file is there that nobody knows.
    pub fn note(&self, source: &Source<'_>, bytes: &[u8]) -> Result<(), Fault> {
        let entry = Entry::of(source, bytes);
        let mut line = serde_json::to_vec(&entry).map_err(|e| {
            fault!("the key \"{}\" cannot be noted: {e}; give it another label", source.item.label)
        })?;
        line.push(b'\n');
        // others add theirs while the disk is waited for
        self.append(&line).and_then(|()| self.list.sync_data()).map_err(|e| {
            fault!(
                "{} cannot be written: {e}; make room or choose another folder with --output-dir",
                self.path.join(LIST).display()
            )
        })
    }

    /// Adds a line, or leaves the list as it was: half a line would make the next one unreadable, too.
    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.list.metadata()?.len();
        (&self.list).write_all(line).inspect_err(|_| {
            let _ = self.list.set_len(before);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};

    fn item(folder: &Path) -> Item {
        let (label, id) = ("a".to_owned(), vec![1]);
        Item {
            object: 1,
            name: label.clone(),
            label,
            id,
            path: folder.join("a.byok"),
            ops: Vec::new(),
        }
    }

    fn source<'a>(item: &'a Item, identity: &str, made_for: &'a str) -> Source<'a> {
        Source { item, identity: identity.to_owned(), made_for }
    }

    #[test]
    fn knows_what_it_noted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let item = item(&path);
        let noted = source(&item, "one", "kek");
        Folder::open(&path).unwrap().note(&noted, b"blob").unwrap();
        // an interrupt in the middle of a line
        let mut list = OpenOptions::new().append(true).open(path.join(LIST)).unwrap();
        list.write_all(b"{\"file\":\"b").unwrap();
        let again = Folder::open(&path).unwrap();
        again.note(&noted, b"other").unwrap();
        drop(again);
        let third = Folder::open(&path).unwrap();
        assert!(third.knows(&noted, b"blob") && third.knows(&noted, b"other"));
        assert!(!third.knows(&noted, b"bl"));
        assert!(!third.knows(&source(&item, "one", "another kek"), b"blob"));
        assert!(!third.knows(&source(&item, "two", "kek"), b"blob"));
        for another in [
            Item { id: vec![2], ..item.clone() },
            Item { label: "b".to_owned(), ..item.clone() },
            Item { path: path.join("b.byok"), ..item.clone() },
        ] {
            assert!(!third.knows(&source(&another, "one", "kek"), b"blob"));
        }
    }

    #[test]
    fn one_at_a_time_and_nothing_left() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        assert!(Folder::open(folder.path()).err().unwrap().0.contains("another export"));
        for name in [".a.byok.77.tmp", ".b.byok.77.tmp", ".a.byok.x.tmp", "a.byok"] {
            fs::write(folder.path().join(name), b"half").unwrap();
        }
        let written = File::create(folder.path().join(".a.byok.78.tmp")).unwrap();
        written.try_lock().unwrap();
        first.sweep(&[item(folder.path())]);
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, [".a.byok.78.tmp", ".a.byok.x.tmp", ".b.byok.77.tmp", "a.byok", LIST]);
    }
}
