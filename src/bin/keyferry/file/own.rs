//! Files of the program's own in folders that other users may write to: no symbolic link is followed, and nothing but
//! a file is opened.
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Opens a file of a folder to read it and to write at its end; makes it if there is none. Only its owner may read a new
/// one.
#[cfg(unix)]
pub fn open_own(folder: &Path, name: &str) -> Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};
    let directory = open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | NO_LINK;
    alone(plain(File::from(openat(&directory, name, flags, Mode::RUSR | Mode::WUSR)?))?)
}

/// Opens a file to read it.
#[cfg(unix)]
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    plain(File::from(open(path, OFlags::RDONLY | NO_LINK, Mode::empty())?))
}

/// Follows no link, and waits for no other end of a pipe.
#[cfg(unix)]
const NO_LINK: rustix::fs::OFlags = rustix::fs::OFlags::NOFOLLOW
    .union(rustix::fs::OFlags::NONBLOCK)
    .union(rustix::fs::OFlags::CLOEXEC);

/// Opens a file of a folder to read it and to write at its end; makes it if there is none.
#[cfg(not(unix))]
pub fn open_own(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(name);
    refuse_link(&path)?;
    alone(plain(std::fs::OpenOptions::new().read(true).append(true).create(true).open(path)?)?)
}

/// Opens a file to read it.
#[cfg(not(unix))]
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    refuse_link(path)?;
    plain(File::open(path)?)
}

#[cfg(not(unix))]
fn refuse_link(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(no_file()),
        _ => Ok(()),
    }
}

/// Refuses what is no file.
fn plain(file: File) -> Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// Refuses a file that has another name, too: what is written would be in a file elsewhere.
fn alone(file: File) -> Result<File> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1 {
        return Err(no_file());
    }
    Ok(file)
}

fn no_file() -> Error {
    Error::new(ErrorKind::InvalidInput, "it is a link or no file at all")
}

/// Returns `true` if there is a file, and not a link to one.
pub fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}
