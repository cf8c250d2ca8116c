//! Connections to the database, and what the medium allows.
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{OpenOptions, metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for another process's write.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How the database can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    /// The medium or the file's rights forbid writing.
    ReadOnly,
    /// The same, and there is no log: SQLite would want to make one, even to read.
    Immutable,
}

impl Access {
    /// Looks what the file at `path` allows.
    pub(super) fn of(path: &Path) -> Access {
        let refused =
            |kind| matches!(kind, ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied);
        match OpenOptions::new().append(true).open(path) {
            Err(error) if refused(error.kind()) => {}
            _ => return Access::ReadWrite,
        }
        let len = |suffix| metadata(with_suffix(path, suffix)).map(|file| file.len());
        match (len("-wal"), len("-shm")) {
            (Ok(_), Ok(_)) => Access::ReadOnly,
            (Ok(1..), Err(_)) => Access::ReadOnly,
            _ => Access::Immutable,
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Connects to the database at `path`.
pub(super) fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let connection = match access {
        Access::ReadWrite => open(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
        Access::ReadOnly => open(path, OpenFlags::SQLITE_OPEN_READ_ONLY),
        Access::Immutable => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            open(&immutable(path), flags)
        }
    }?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    // Our tables have neither triggers nor views: those that an attacker adds to the file do not run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // The last connection to close would remove the log. A child of a process that has the database
    // open shares SQLite's own bookkeeping of its parent's file locks, so "last" cannot be trusted.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // SQLite would choose the folder of a temporary file by variables of the environment.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// The URI of a database that SQLite reads without locks or a log (<https://www.sqlite.org/uri.html>).
fn immutable(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    (uri + "?immutable=1").into()
}
