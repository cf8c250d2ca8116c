//! Files that belong together: all the new ones are there, or all the old ones still are.
use super::{Existing, Pending, Staged, is_same};
use crate::output::{Fault, fault};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Writes all of them to the disk, and then gives them their names in this order, the one that needs the
/// others last. Whatever fails, those that were there before are there again.
///
/// Of a crash in between, nobody can clean up: then each file is whole, the last one goes with those that were
/// there before until it is replaced itself, and these are beside them as `NAME.old`.
pub fn commit_all(files: &[(&Pending, &[u8])]) -> Result<(), Fault> {
    let staged = files.iter().map(|(pending, bytes)| pending.stage(bytes));
    let staged = staged.collect::<Result<Vec<Staged<'_>>, Fault>>()?;
    let places = files.iter().map(|(pending, _)| pending.path()).collect();
    let mut changes = Changes { places, made: Vec::new() };
    if let Some((last, others)) = staged.split_last() {
        for file in others {
            changes.make(file)?;
        }
        last.publish()?;
    }
    changes.settle();
    Ok(())
}

/// What was done so far; undone when it is dropped.
struct Changes<'a> {
    /// Where the files of the set go: what was there before is kept elsewhere.
    places: Vec<&'a Path>,
    made: Vec<Change<'a>>,
}

struct Change<'a> {
    path: &'a Path,
    /// Where the file is that was there before.
    old: Option<PathBuf>,
    is_published: bool,
}

impl<'a> Changes<'a> {
    fn make(&mut self, file: &Staged<'a>) -> Result<(), Fault> {
        let path = &file.pending.path;
        let is_there = path.symlink_metadata().is_ok();
        let old = match file.pending.existing {
            Existing::Replace if is_there => Some(keep(path, &self.places)?),
            Existing::Replace | Existing::Refuse => None,
        };
        self.made.push(Change { path, old, is_published: false });
        file.publish()?;
        if let Some(change) = self.made.last_mut() {
            change.is_published = true;
        }
        Ok(())
    }

    /// There is nothing to undo any more.
    fn settle(mut self) {
        for old in self.made.drain(..).filter_map(|change| change.old) {
            // what cannot be removed is in nobody's way
            let _ = fs::remove_file(old);
        }
    }
}

impl Drop for Changes<'_> {
    fn drop(&mut self) {
        for Change { path, old, is_published } in self.made.drain(..).rev() {
            match old {
                Some(old) => {
                    let _ = fs::rename(&old, path);
                    // two names of one file: then renaming does nothing
                    let _ = fs::remove_file(&old);
                }
                None if is_published => {
                    let _ = fs::remove_file(path);
                }
                None => {}
            }
        }
    }
}

/// Names that are tried for what is kept: more are there only if as many runs were interrupted.
const NAMES: u32 = 1000;

/// Gives a file another name, too, that no file has and none of the `places` is: `NAME.old`, or else `NAME.old-2` and
/// so on. Where there are no hard links (FAT), that is its only name for now.
fn keep(path: &Path, places: &[&Path]) -> Result<PathBuf, Fault> {
    let failed = |why: &dyn std::fmt::Display| {
        fault!(
            "{} cannot be replaced: {why}; nothing was written: choose another folder, or move it away",
            path.display()
        )
    };
    if path.is_dir() {
        return Err(failed(&"it is a folder"));
    }
    for n in 1..=NAMES {
        let mut old = path.as_os_str().to_owned();
        old.push(if n == 1 { ".old".to_owned() } else { format!(".old-{n}") });
        let old = PathBuf::from(old);
        if places.iter().any(|place| is_same(place, &old)) {
            continue;
        }
        match fs::hard_link(path, &old) {
            Ok(()) => return Ok(old),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(_) if old.symlink_metadata().is_ok() => {}
            Err(_) => return fs::rename(path, &old).map(|()| old).map_err(|e| failed(&e)),
        }
    }
    Err(failed(&"there are too many files of its name that end in .old"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The files of a folder; none of a folder in it.
    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap_or_default())
            })
            .collect()
    }

    fn set(folder: &Path, existing: Existing) -> [Pending; 3] {
        ["a", "b", "c"].map(|name| Pending::new(&folder.join(name), existing).unwrap())
    }

    fn commit(set: &[Pending; 3], bytes: [&[u8]; 3]) -> Result<(), Fault> {
        commit_all(&set.iter().zip(bytes).collect::<Vec<_>>())
    }

    #[test]
    fn all_are_written_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let there = |bytes: [&[u8]; 3]| {
            let names = ["a", "b", "c"].map(str::to_owned);
            names.into_iter().zip(bytes.map(<[u8]>::to_vec)).collect::<BTreeMap<_, _>>()
        };
        commit(&set(folder.path(), Existing::Refuse), [b"1", b"2", b"3"]).unwrap();
        assert_eq!(files(folder.path()), there([b"1", b"2", b"3"]));
        commit(&set(folder.path(), Existing::Replace), [b"4", b"5", b"6"]).unwrap();
        assert_eq!(files(folder.path()), there([b"4", b"5", b"6"]));
    }

    /// What stands in the way appears when all was looked at already.
    #[test]
    fn what_fails_leaves_what_was_there() {
        for at in ["a", "b", "c"] {
            for (existing, old) in [(Existing::Refuse, false), (Existing::Replace, true)] {
                let folder = tempfile::tempdir().unwrap();
                for name in ["a", "b", "c"].into_iter().filter(|name| old && *name != at) {
                    fs::write(folder.path().join(name), name).unwrap();
                }
                let set = set(folder.path(), existing);
                fs::create_dir(folder.path().join(at)).unwrap();
                let before = files(folder.path());
                assert!(commit(&set, [b"1", b"2", b"3"]).is_err(), "{at}");
                assert_eq!(files(folder.path()), before, "{at}");
            }
        }
    }

    #[test]
    fn what_is_kept_does_not_take_the_place_of_another_file_of_the_set() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "a.old"];
        fs::write(folder.path().join("a"), "before").unwrap();
        let set = names.map(|name| Pending::new(&folder.path().join(name), Existing::Replace));
        let [a, old] = set.map(Result::unwrap);
        commit_all(&[(&a, b"1"), (&old, b"2")]).unwrap();
        let wanted = [("a".to_owned(), b"1".to_vec()), ("a.old".to_owned(), b"2".to_vec())];
        assert_eq!(files(folder.path()), wanted.into());
    }

    #[test]
    fn what_an_interrupted_run_kept_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (name, text) in [("a", "now"), ("a.old", "first"), ("a.old-2", "second")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert_eq!(keep(&path, &[]).unwrap(), folder.path().join("a.old-3"));
        commit(&set(folder.path(), Existing::Replace), [b"1", b"2", b"3"]).unwrap();
        let left = files(folder.path());
        assert_eq!((&left["a"][..], &left["a.old"][..]), (&b"1"[..], &b"first"[..]));
        assert_eq!(left.len(), 6, "{left:?}");
    }
}
