//! Files that are written whole or not at all.
use crate::output::{self, Fault, fault};
use keyferry::crypto::Secret;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

mod own;
mod set;
pub use own::{is_file, open_own};
pub use set::commit_all;

/// Files that nothing is written over in this run, whatever its options say, and what each is.
static IN_USE: OnceLock<Vec<(PathBuf, &'static str)>> = OnceLock::new();

/// Sets, once and before anything is written, what is in use.
pub fn keep_in_use(files: Vec<(PathBuf, &'static str)>) {
    let _ = IN_USE.set(files);
}

fn refuse_in_use(path: &Path) -> Result<(), Fault> {
    match IN_USE.get().into_iter().flatten().find(|(file, _)| is_same(path, file)) {
        Some((_, what)) => {
            Err(fault!("{} is {what}, which stays as it is; give another name", path.display()))
        }
        None => Ok(()),
    }
}

/// What to do if there is a file of that name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and fail.
    Refuse,
    /// Replace it.
    Replace,
}

/// A file that does not exist yet under its name, though its folder has been proved writable.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    existing: Existing,
    readers: Readers,
}

/// The users that may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner.
    Owner,
    /// Every user that the umask permits.
    Everyone,
}

impl Pending {
    /// Prepares to write `path`; nothing is there before [`Pending::commit`], so that an
    /// interrupt in between leaves nothing behind.
    pub fn new(path: &Path, existing: Existing) -> Result<Pending, Fault> {
        refuse_in_use(path)?;
        if path.is_dir() {
            return Err(fault!("{} is a folder; give the name of a file in it", path.display()));
        }
        if existing == Existing::Refuse && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        drop(Temporary::beside(path, Readers::Owner)?);
        sweep(folder_of(path), [path]);
        Ok(Pending::in_proved(path, existing))
    }

    /// The same in a folder that is known to be writable.
    pub fn in_proved(path: &Path, existing: Existing) -> Pending {
        Pending { path: path.to_owned(), existing, readers: Readers::Owner }
    }

    /// The same for a file that every user may read.
    pub fn for_everyone(self) -> Pending {
        Pending { readers: Readers::Everyone, ..self }
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it, to the disk, and gives it its name.
    pub fn commit(self, bytes: &[u8]) -> Result<(), Fault> {
        self.stage(bytes)?.publish()
    }

    /// The same for one of many: its name survives a power failure after [`sync_folder`].
    pub fn commit_name_later(self, bytes: &[u8]) -> Result<(), Fault> {
        self.stage(bytes)?.name()
    }

    /// Writes it, to the disk, under another name.
    fn stage(&self, bytes: &[u8]) -> Result<Staged<'_>, Fault> {
        refuse_in_use(&self.path)?;
        let mut temporary = Temporary::beside(&self.path, self.readers)?;
        let written = temporary.file.write_all(bytes).and_then(|()| temporary.file.sync_all());
        written.map_err(|e| self.unwritten(&e))?;
        Ok(Staged { pending: self, temporary })
    }

    fn unwritten(&self, error: &std::io::Error) -> Fault {
        match error.kind() {
            ErrorKind::AlreadyExists => exists(&self.path),
            _ => fault!(
                "{} cannot be written: {error}; nothing was written: make room there, or choose another folder",
                self.path.display()
            ),
        }
    }
}

/// A file that is on the disk, and has not its name yet; gone if it is dropped.
struct Staged<'a> {
    pending: &'a Pending,
    temporary: Temporary,
}

impl Staged<'_> {
    /// Gives it its name, for good.
    fn publish(&self) -> Result<(), Fault> {
        self.name()?;
        sync_folder(folder_of(&self.pending.path));
        Ok(())
    }

    fn name(&self) -> Result<(), Fault> {
        self.rename().map_err(|e| self.pending.unwritten(&e))
    }

    /// A hard link never replaces a file; where there are none (FAT), look before renaming.
    fn rename(&self) -> std::io::Result<()> {
        let (temporary, path) = (&self.temporary.path, &self.pending.path);
        if self.pending.existing == Existing::Refuse {
            match fs::hard_link(temporary, path) {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(e),
                Err(_) if path.symlink_metadata().is_ok() => {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                Err(_) => {}
            }
        }
        fs::rename(temporary, path)
    }
}

/// A file under another name, gone when it is dropped.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn beside(path: &Path, readers: Readers) -> Result<Temporary, Fault> {
        let unwritable = |why: &dyn std::fmt::Display| {
            fault!("{} cannot be written: {why}; choose another name or folder", path.display())
        };
        let name = path.file_name().ok_or_else(|| unwritable(&"it names no file"))?;
        let name = format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id());
        let path = path.with_file_name(name);
        let mut file = make_locked(&path, readers).map_err(|e| unwritable(&e))?;
        if path.symlink_metadata().is_err() {
            // swept before it was locked
            file = make_locked(&path, readers).map_err(|e| unwritable(&e))?;
        }
        Ok(Temporary { path, file })
    }
}

/// A new file whose lock shows that it is being written, where there are locks.
fn make_locked(path: &Path, readers: Readers) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if readers == Readers::Owner {
        private(&mut options);
    }
    let open = || options.open(path);
    let file = match open() {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            // of another process that had our number, and is gone
            fs::remove_file(path).and_then(|()| open())
        }
        opened => opened,
    }?;
    let _ = file.lock();
    Ok(file)
}

/// Removes what interrupted processes left of these files in a folder, and nobody is writing: there may be a secret
/// in it.
pub fn sweep<'a>(folder: &Path, files: impl IntoIterator<Item = &'a Path>) {
    let name = |file: &Path| Some(file.file_name()?.to_string_lossy().into_owned());
    let names: BTreeSet<String> = files.into_iter().filter_map(name).collect();
    for left in fs::read_dir(folder).into_iter().flatten().flatten() {
        let left_name = left.file_name().to_string_lossy().into_owned();
        let is_ours = of_temporary(&left_name).is_some_and(|name| names.contains(name))
            && left.file_type().is_ok_and(|kind| kind.is_file());
        if !is_ours {
            continue;
        }
        // held until it is gone, so that nobody who begins to write it meanwhile takes it for theirs
        let held = own::open_to_read(&left.path()).ok().filter(|file| file.try_lock().is_ok());
        if held.is_some() {
            // what cannot be removed is in nobody's way
            let _ = fs::remove_file(left.path());
        }
    }
}

/// The file that a file of this name was to become, if it is a temporary one.
pub fn of_temporary(name: &str) -> Option<&str> {
    let (file, process) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    process.parse::<u32>().ok().map(|_| file)
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // gone already if it was renamed
        let _ = fs::remove_file(&self.path);
    }
}

/// A new folder only its owner can look into.
pub fn private_folder(path: &Path) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|e| {
            fault!(
                "the folder {} cannot be made: {e}; give one in a folder that is there and that you may write to",
                path.display()
            )
        })
}

/// Whether what is written to `path` would take the place of `other`, however each is spelt. Large and small
/// letters may be the same.
pub fn is_same(path: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = folder_of(path).canonicalize().ok()?;
        Some((folder, path.file_name()?.to_string_lossy().to_lowercase()))
    };
    let Some(written) = place(path) else { return false };
    // a symbolic link is replaced itself, and a file is in use under the name that a link leads to
    [Some(other.to_owned()), other.canonicalize().ok()]
        .iter()
        .flatten()
        .any(|other| place(other).as_ref() == Some(&written))
}

/// Locks a folder until it is dropped; who comes second says so and waits. Nothing is left behind. `None` where
/// folders cannot be locked.
pub fn lock_folder(path: &Path) -> Option<File> {
    let folder = File::open(path).ok()?;
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        output::warn(&format!(
            "another program has locked the folder {}; wait until it lets it go, or end it",
            path.display()
        ));
        folder.lock().ok()?;
    }
    Some(folder)
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Longest file that is read, in bytes: no PIN, KEK or package comes near it.
const LONGEST: u64 = 1 << 20;

/// Reads a file that somebody named.
pub fn read(path: &Path, what: &str) -> Result<Vec<u8>, Fault> {
    read_up_to(LONGEST, path, what)
}

/// Reads a file of at most `longest` bytes.
pub fn read_up_to(longest: u64, path: &Path, what: &str) -> Result<Vec<u8>, Fault> {
    read_if_begins(b"", longest, path, what)
}

/// The same of a file that begins with `start`; of another, no more than as many bytes.
pub fn read_if_begins(
    start: &[u8],
    longest: u64,
    path: &Path,
    what: &str,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, start, longest, path, what).map(|()| bytes)
}

/// Room for the longest file, and to see that it goes on or ends.
const ROOM: usize = (1 << 20) + 64;

/// Reads a file that holds a secret. There is room for all of it from the start, whatever its length is said to be: memory
/// that is grown leaves what was in it behind.
pub fn read_secret(path: &Path, what: &str) -> Result<Secret, Fault> {
    let mut bytes = Secret::new(Vec::with_capacity(ROOM));
    read_into(&mut bytes, b"", LONGEST, path, what).map(|()| bytes)
}

fn read_into(
    bytes: &mut Vec<u8>,
    start: &[u8],
    longest: u64,
    path: &Path,
    what: &str,
) -> Result<(), Fault> {
    let unreadable = |why: &dyn std::fmt::Display| {
        fault!("the {what} {} cannot be read: {why}; give another", path.display())
    };
    let mut file = File::open(path).map_err(|e| unreadable(&e))?;
    let beginning = u64::try_from(start.len()).unwrap_or(u64::MAX);
    Read::by_ref(&mut file).take(beginning).read_to_end(bytes).map_err(|e| unreadable(&e))?;
    if bytes != start {
        return Ok(());
    }
    // one byte more shows a file that goes on, as a device may for ever
    let rest = file.take(longest.saturating_sub(beginning) + 1).read_to_end(bytes);
    rest.map_err(|e| unreadable(&e))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= longest) {
        Ok(())
    } else {
        Err(unreadable(&format!("it has more than {} MiB", longest >> 20)))
    }
}

/// `label` as part of a file name: other characters than letters, digits, `.`, `_`, `-` become `_`.
pub fn safe_name(label: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    label.chars().map(|c| if keep(c) { c } else { '_' }).take(100).collect()
}

/// The mode of a folder that others than its owner may write to.
#[cfg(unix)]
pub fn mode_open_to_others(folder: &Path) -> Option<u32> {
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(folder).ok()?) & 0o7777;
    (mode & 0o022 != 0).then_some(mode)
}

/// The mode of a folder that others than its owner may write to.
#[cfg(not(unix))]
pub fn mode_open_to_others(_: &Path) -> Option<u32> {
    None
}

/// With no access for anybody else, if the file is made.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn exists(path: &Path) -> Fault {
    fault!("{} exists already; give another name, or --force to replace it", path.display())
}

/// So that the names of its files, too, survive a power failure. Not every file system can.
pub fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        let pending = Pending::new(&path, Existing::Refuse).unwrap();
        let there = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(there(), 0, "an interrupt would leave something behind");
        pending.commit(b"one").unwrap();
        assert!(Pending::new(&path, Existing::Refuse).unwrap_err().0.contains("--force"));
        Pending::new(&path, Existing::Replace).unwrap().commit(b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Pending::new(folder.path(), Existing::Replace).unwrap_err().0.contains("folder"));
    }

    #[test]
    fn a_file_that_appears_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        let pending = Pending::new(&path, Existing::Refuse).unwrap();
        fs::write(&path, b"theirs").unwrap();
        assert!(pending.commit(b"ours").unwrap_err().0.contains("exists already"));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        Pending::new(&path, Existing::Refuse).unwrap().commit(b"x").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_a_process_of_our_number_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!(".a.byok.{}.tmp", std::process::id());
        fs::write(folder.path().join(&name), b"half").unwrap();
        assert_eq!(of_temporary(&name), Some("a.byok"));
        let path = folder.path().join("a.byok");
        Pending::new(&path, Existing::Refuse).unwrap().commit(b"whole").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for other in ["a.byok", ".a.byok.tmp", ".a.byok.x.tmp", "a.byok.1.tmp"] {
            assert!(of_temporary(other).is_none_or(|file| file.is_empty()), "{other}");
        }
    }

    #[test]
    fn what_nobody_is_writing_any_more_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let [left, written, other] =
            [".a.1.tmp", ".a.2.tmp", ".b.1.tmp"].map(|name| folder.path().join(name));
        let writer = [&left, &written, &other]
            .map(|path| File::create(path).unwrap())
            .into_iter()
            .nth(1)
            .unwrap();
        writer.try_lock().unwrap();
        Pending::new(&folder.path().join("a"), Existing::Refuse).unwrap();
        assert_eq!([&left, &written, &other].map(|path| path.exists()), [false, true, true]);
    }

    #[test]
    fn a_secret_is_never_moved_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for len in [0, 9, 1 << 20] {
            fs::write(&path, vec![b'x'; len]).unwrap();
            let secret = read_secret(&path, "file").unwrap();
            assert_eq!((secret.len(), secret.capacity()), (len, ROOM));
        }
        fs::write(&path, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert!(read_secret(&path, "file").unwrap_err().0.contains("more than 1 MiB"));
    }

    #[test]
    fn labels_become_names() {
        assert_eq!(safe_name("my key/../1"), "my_key_.._1");
    }
}
