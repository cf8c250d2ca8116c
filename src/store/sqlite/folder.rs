//! The folder and the file of a database, closed to other users (Unix).
//!
//! SQLite gives its `-wal` and `-shm` files the mode of the database, whatever the umask.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes `folder` (0700, parents included) and the empty file `database` (0600) unless they exist.
pub(super) fn prepare(folder: &Path, database: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let options = OpenOptions::new().write(true).create_new(true).mode(0o600).open(database);
    match options {
        Ok(file) => {
            file.sync_all()?;
            File::open(folder)?.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = std::fs::metadata(database)?.mode() & 0o777;
            if mode & 0o077 != 0 {
                log::warn!("{} is open to other users (mode {mode:o})", database.display());
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Opens the file `path` of the store for reading and writing, making it (0600) if need be.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Device and number of a file: no two that exist at once have the same, and ours exists as long as
/// it is open.
pub(super) type Identity = (u64, u64);

/// Which file is at `database` now.
pub(super) fn identity(database: &Path) -> io::Result<Identity> {
    std::fs::metadata(database).map(|file| (file.dev(), file.ino()))
}
