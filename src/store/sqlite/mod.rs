//! A store in a file: SQLite in WAL mode with full synchronisation.
//!
//! One connection writes and others read, so that no reader waits for a writer's disk or for another
//! reader. A forked child never touches its parent's connections: every method asks whose they are, and
//! dropping leaks them.
mod access;
#[cfg(unix)]
mod folder;
#[cfg(not(unix))]
#[path = "folder_elsewhere.rs"]
mod folder;
mod readers;
mod reserve;
mod schema;
#[cfg(test)]
mod tests;

use super::{Change, Presence, Record, RecordId, Revision, Store, TokenId};
use crate::error::{Error, Result};
use access::{Access, PATIENCE, connect};
use parking_lot::Mutex;
use readers::{Reader, Readers};
pub use reserve::RESERVE;
use reserve::Reserve;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database's name in its folder.
pub const DATABASE: &str = "keyferry.db";

/// How long the log's end waits for readers that are in it.
const DRAINING: Duration = Duration::from_secs(1);

/// A folder with a database.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// The process that opened it.
    process: u32,
    /// Which file it was then: SQLite would go on in one that was removed, and lose what it writes.
    file: folder::Identity,
    access: Access,
    /// `None` only while being dropped.
    writer: Mutex<Option<Connection>>,
    readers: Readers,
    reserve: Reserve,
    missing: Mutex<Option<u64>>,
}

impl Sqlite {
    /// Opens the database in `folder`, making both if need be.
    /// `CKR_DEVICE_ERROR` for a file that is not ours, or made by a newer version.
    pub fn open(folder: &Path) -> Result<Sqlite> {
        let path = folder.join(DATABASE);
        folder::prepare(folder, &path).map_err(|error| refused(&path, &error))?;
        let access = Access::of(&path);
        let (writer, reader) = match connections(&path, access) {
            // the log and its index are made here, for which a full disk has no room
            Err(_) if Reserve::release_in(folder) => connections(&path, access),
            opened => opened,
        }?;
        let reserve = match access {
            Access::ReadWrite => Reserve::open(folder),
            Access::ReadOnly | Access::Immutable => {
                log::warn!("{}: can only be read", path.display());
                Reserve::read(folder)
            }
        };
        let store = Sqlite {
            file: folder::identity(&path).map_err(|error| refused(&path, &error))?,
            path,
            process: std::process::id(),
            access,
            writer: Mutex::new(Some(writer)),
            readers: Readers::new(reader),
            reserve,
            missing: Mutex::default(),
        };
        store.count_missing()?;
        if access == Access::ReadWrite {
            store.reserve.refill();
        }
        Ok(store)
    }

    /// Notes how many acknowledged changes are missing: the log was damaged or removed, or an old copy was
    /// put back.
    fn count_missing(&self) -> Result<()> {
        // read first: the store may go on meanwhile
        let (marked, stamp) = (self.reserve.marked(), self.stamp()?);
        // a new store has no mark and needs none
        let missing = marked.or((stamp == 0).then_some(0)).map(|mark| mark.saturating_sub(stamp));
        if let Some(missing @ 1..) = missing {
            log::error!(
                "{}: the last {missing} changes are missing. The log was damaged or removed, or an old \
                 copy was put back. Restore a backup, or check PINs and objects and accept the loss with \
                 `keyferry token check --accept-missing`.",
                self.path.display()
            );
        }
        *self.missing.lock() = missing;
        Ok(())
    }

    /// `work`, a transaction; notes the revision that it leads to.
    fn changing(
        &self,
        work: impl FnOnce(Transaction<'_>) -> rusqlite::Result<Option<Revision>>,
    ) -> Result<Option<Revision>> {
        self.writing(|connection| {
            let immediate = TransactionBehavior::Immediate;
            let written = work(connection.transaction_with_behavior(immediate)?)?;
            if written.is_some() {
                // what is committed is committed, whatever becomes of the mark
                let revision = readers::count_changes(connection).unwrap_or_default();
                // the missing ones stay missing, however many are made after them
                let missing = self.missing.lock().unwrap_or_default();
                self.reserve.mark(revision.saturating_add(missing));
            }
            Ok(written)
        })
    }

    /// `work` on a connection that nobody else uses meanwhile.
    fn reading<T>(&self, work: impl FnOnce(&mut Reader) -> rusqlite::Result<T>) -> Result<T> {
        self.here()?;
        let connect = || connect(&self.path, self.access);
        self.readers.lend(connect, work).map_err(|error| failed(&self.path, &error))
    }

    /// `work` on the one connection that writes.
    fn writing<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.here()?;
        let mut connection = self.writer.lock();
        let connection = connection.as_mut().ok_or(Error::DeviceError)?;
        work(connection).map_err(|error| failed(&self.path, &error))
    }

    /// `CKR_DEVICE_ERROR` in a forked child, `CKR_DEVICE_REMOVED` if the file is not there any more.
    fn here(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::DeviceError.because("the store belongs to the parent process"));
        }
        if self.presence()? != Presence::Here {
            return Err(Error::DeviceRemoved.because(self.path.display()));
        }
        Ok(())
    }
}

impl Store for Sqlite {
    fn tokens(&self) -> Result<Vec<TokenId>> {
        self.reading(|reader| {
            let mut query =
                reader.connection.prepare_cached("SELECT id FROM token ORDER BY number")?;
            query.query_map([], |row| Ok(TokenId(row.get(0)?)))?.collect()
        })
    }

    fn read(&self, token: TokenId, since: Revision) -> Result<(Revision, Vec<Record>)> {
        self.reading(|reader| {
            let moment = reader.connection.transaction()?;
            let Some((number, revision)) = find(&moment, token)? else {
                return Ok((Revision(0), Vec::new()));
            };
            let mut query = moment.prepare_cached(
                "SELECT id, revision, body FROM record WHERE token = ? AND revision > ? ORDER BY revision",
            )?;
            let records = query.query_map(params![number, signed(since)], record)?;
            Ok((revision, records.collect::<rusqlite::Result<_>>()?))
        })
    }

    fn fetch(&self, token: TokenId, ids: &[RecordId]) -> Result<Vec<Option<Record>>> {
        self.reading(|reader| {
            let moment = reader.connection.transaction()?;
            let mut query = moment.prepare_cached(
                "SELECT record.id, record.revision, body FROM record JOIN token ON token = number
                 WHERE token.id = ? AND record.id = ?",
            )?;
            let one = |id: &RecordId| query.query_row(params![token.0, id.0], record).optional();
            ids.iter().map(one).collect()
        })
    }

    fn write(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>> {
        self.changing(|transaction| commit(transaction, token, changes))
    }

    fn write_reserved(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>> {
        let written = self.write(token, changes);
        if written != Err(Error::DeviceMemory) || !self.reserve.release() {
            return written;
        }
        let written = self.write(token, changes);
        // makes room for the reserve
        if let Err(error) = self.settle() {
            log::warn!("{}: the log was not emptied: {error}", self.path.display());
        }
        self.reserve.refill();
        written
    }

    /// Empties the log. Copying it to the database is not enough: what a damaged log still holds of
    /// older pages would cover the newer ones in the database.
    fn settle(&self) -> Result<()> {
        let busy = self.writing(|connection| {
            connection.busy_timeout(DRAINING)?;
            let busy = empty_log(connection);
            connection.busy_timeout(PATIENCE)?;
            busy
        })?;
        match busy {
            0 => Ok(()),
            _ => Err(Error::FunctionFailed.because("another process reads the log")),
        }
    }

    fn create(
        &self,
        token: TokenId,
        number: usize,
        changes: &[Change],
    ) -> Result<Option<Revision>> {
        self.changing(|transaction| {
            let count = |row: &Row<'_>| row.get::<_, i64>(0);
            let tokens = transaction.query_row("SELECT count(*) FROM token", [], count)?;
            match usize::try_from(tokens) == Ok(number) {
                true => commit(transaction, token, changes),
                false => Ok(None),
            }
        })
    }

    fn presence(&self) -> Result<Presence> {
        match folder::identity(&self.path) {
            Ok(file) if file == self.file => Ok(Presence::Here),
            Ok(_) => Ok(Presence::Replaced),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Presence::Gone),
            Err(error) => Err(refused(&self.path, &error)),
        }
    }

    fn stamp(&self) -> Result<u64> {
        self.reading(Reader::stamp)
    }

    fn missing(&self) -> Option<u64> {
        *self.missing.lock()
    }

    fn accept_missing(&self) -> Result<()> {
        let stamp = self.stamp()?;
        let path = self.path.with_file_name(RESERVE);
        self.reserve.accept(stamp).map_err(|error| refused(&path, &error))?;
        *self.missing.lock() = Some(0);
        Ok(())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let (readers, writer) = (self.readers.take(), self.writer.get_mut().take());
        if self.process != std::process::id() {
            std::mem::forget((readers, writer));
            return;
        }
        drop(readers);
        // Leaves the whole store in the one file if nobody else is using it.
        if let Some(writer) = &writer {
            let _ = writer.busy_timeout(Duration::ZERO);
            let _ = empty_log(writer);
        }
    }
}

/// The connection that writes, with the tables made, and one that reads.
fn connections(path: &Path, access: Access) -> Result<(Connection, Connection)> {
    let failed = |error| failed(path, &error);
    let mut writer = connect(path, access).map_err(failed)?;
    if let Err(cause) = patiently(|| schema::prepare(&mut writer)).map_err(failed)? {
        log::error!("{}: {cause}", path.display());
        return Err(Error::DeviceError);
    }
    Ok((writer, connect(path, access).map_err(failed)?))
}

/// Moves the log into the database and cuts it to nothing. Not 0 if others are in the way.
fn empty_log(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
}

/// Switching a new file to WAL does not wait for others that do the same, so this does.
fn patiently<T>(mut work: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let start = std::time::Instant::now();
    loop {
        match work() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

/// Makes all changes of a token, unless one comes too late.
fn commit(
    transaction: Transaction<'_>,
    token: TokenId,
    changes: &[Change],
) -> rusqlite::Result<Option<Revision>> {
    let (number, revision) = advance(&transaction, token)?;
    for change in changes {
        if !apply(&transaction, number, revision, change)? {
            return Ok(None);
        }
    }
    transaction.commit()?;
    Ok(Some(revision))
}

/// The token's number and revision.
fn find(
    transaction: &Transaction<'_>,
    token: TokenId,
) -> rusqlite::Result<Option<(i64, Revision)>> {
    let mut query =
        transaction.prepare_cached("SELECT number, revision FROM token WHERE id = ?")?;
    query.query_row(params![token.0], numbered).optional()
}

/// Takes the token to its next revision. A new token starts at 1.
fn advance(transaction: &Transaction<'_>, token: TokenId) -> rusqlite::Result<(i64, Revision)> {
    let mut query = transaction.prepare_cached(
        "INSERT INTO token (id, revision) VALUES (?, 1)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1 RETURNING number, revision",
    )?;
    query.query_row(params![token.0], numbered)
}

/// Whether the record was still where the change expects it.
fn apply(
    transaction: &Transaction<'_>,
    token: i64,
    revision: Revision,
    change: &Change,
) -> rusqlite::Result<bool> {
    let (to, from) = (signed(revision), signed(change.from));
    let changed = if from == 0 {
        let mut insert = transaction.prepare_cached(
            "INSERT INTO record (token, id, revision, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?;
        insert.execute(params![token, change.id.0, to, change.body])?
    } else {
        let mut update = transaction.prepare_cached(
            "UPDATE record SET revision = ?, body = ? WHERE token = ? AND id = ? AND revision = ?",
        )?;
        update.execute(params![to, change.body, token, change.id.0, from])?
    };
    Ok(changed == 1)
}

fn numbered(row: &Row<'_>) -> rusqlite::Result<(i64, Revision)> {
    Ok((row.get(0)?, revision(row, 1)?))
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { id: RecordId(row.get(0)?), revision: revision(row, 1)?, body: row.get(2)? })
}

fn revision(row: &Row<'_>, column: usize) -> rusqlite::Result<Revision> {
    let signed: i64 = row.get(column)?;
    let negative = |_| rusqlite::Error::IntegralValueOutOfRange(column, signed);
    u64::try_from(signed).map(Revision).map_err(negative)
}

/// SQLite counts in signed 64 bits; a revision beyond them is one that no record has.
fn signed(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// What SQLite could not do, as the standard says it.
fn failed(path: &Path, error: &rusqlite::Error) -> Error {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::DeviceMemory,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::TokenWriteProtected,
        Some(ErrorCode::OutOfMemory) => Error::HostMemory,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::FunctionFailed,
        _ => Error::DeviceError,
    };
    log::error!("{}: {error}", path.display());
    code
}

/// Why the folder or the file could not be made.
fn refused(path: &Path, error: &std::io::Error) -> Error {
    log::error!("{}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DeviceMemory,
        std::io::ErrorKind::ReadOnlyFilesystem => Error::TokenWriteProtected,
        _ => Error::DeviceError,
    }
}
