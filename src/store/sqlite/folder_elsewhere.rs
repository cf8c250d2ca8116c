//! The folder and the file of a database, where there are no Unix modes: the folder's own rights hold.
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes `folder` and the empty file `database` unless they exist.
pub(super) fn prepare(folder: &Path, database: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    match OpenOptions::new().write(true).create_new(true).open(database) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens the file `path` of the store for reading and writing, making it if need be.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Files that are open are neither removed nor replaced.
pub(super) type Identity = ();

/// Whether a file is at `database`.
pub(super) fn identity(database: &Path) -> io::Result<Identity> {
    std::fs::metadata(database).map(|_| ())
}
