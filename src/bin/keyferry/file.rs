//! Files that are written whole or not at all.
use crate::output::{Fault, fault};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What to do if there is a file of that name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it, and fail.
    Refuse,
    /// Replace it.
    Replace,
}

/// A file that does not exist yet under its name, though its folder has been proved writable.
/// Dropped without [`Pending::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    existing: Existing,
}

impl Pending {
    /// Prepares to write `path`; nothing is there before [`Pending::commit`].
    pub fn new(path: &Path, existing: Existing) -> Result<Pending, Fault> {
        if existing == Existing::Refuse && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let name = path.file_name().filter(|_| !path.is_dir());
        let name = name.ok_or_else(|| {
            fault!(
                "{} is a folder; give the name of a file in it",
                path.display()
            )
        })?;
        let temporary = path.with_file_name(format!(
            ".{}.{}.tmp",
            name.to_string_lossy(),
            std::process::id()
        ));
        let file = private(OpenOptions::new().write(true).create_new(true))
            .open(&temporary)
            .map_err(|e| {
                fault!(
                    "{} cannot be written: {e}; choose another folder with --output",
                    path.display()
                )
            })?;
        Ok(Pending {
            path: path.to_owned(),
            temporary,
            file,
            existing,
        })
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it, to the disk, and gives it its name.
    pub fn commit(mut self, bytes: &[u8]) -> Result<(), Fault> {
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.file.sync_all());
        written
            .and_then(|()| self.publish())
            .map_err(|e| match e.kind() {
                ErrorKind::AlreadyExists => exists(&self.path),
                _ => fault!(
                    "{} cannot be written: {e}; nothing was written",
                    self.path.display()
                ),
            })?;
        sync_folder(&self.path);
        Ok(())
    }

    /// A hard link never replaces a file; where there are none (FAT), look before renaming.
    fn publish(&self) -> std::io::Result<()> {
        if self.existing == Existing::Refuse {
            match fs::hard_link(&self.temporary, &self.path) {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => return Err(e),
                Err(_) if self.path.symlink_metadata().is_ok() => {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                Err(_) => {}
            }
        }
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // gone already if it was renamed
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A new folder only its owner can look into.
pub fn private_folder(path: &Path) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|e| fault!("the folder {} cannot be made: {e}", path.display()))
}

/// Reads a file that somebody named.
pub fn read(path: &Path, what: &str) -> Result<Vec<u8>, Fault> {
    fs::read(path).map_err(|e| fault!("the {what} {} cannot be read: {e}", path.display()))
}

/// `label` as part of a file name: other characters than letters, digits, `.`, `_`, `-` become `_`.
pub fn safe_name(label: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    label
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .take(100)
        .collect()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn exists(path: &Path) -> Fault {
    fault!(
        "{} exists already; give another name with --output, or --force to replace it",
        path.display()
    )
}

/// So that the name, too, survives a power failure. Not every file system can.
fn sync_folder(path: &Path) {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        drop(Pending::new(&path, Existing::Refuse).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Pending::new(&path, Existing::Refuse)
            .unwrap()
            .commit(b"one")
            .unwrap();
        assert!(
            Pending::new(&path, Existing::Refuse)
                .unwrap_err()
                .0
                .contains("--force")
        );
        Pending::new(&path, Existing::Replace)
            .unwrap()
            .commit(b"two")
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(
            Pending::new(folder.path(), Existing::Replace)
                .unwrap_err()
                .0
                .contains("folder")
        );
    }

    #[test]
    fn a_file_that_appears_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        let pending = Pending::new(&path, Existing::Refuse).unwrap();
        fs::write(&path, b"theirs").unwrap();
        assert!(
            pending
                .commit(b"ours")
                .unwrap_err()
                .0
                .contains("exists already")
        );
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.byok");
        Pending::new(&path, Existing::Refuse)
            .unwrap()
            .commit(b"x")
            .unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn labels_become_names() {
        assert_eq!(safe_name("my key/../1"), "my_key_.._1");
    }
}
