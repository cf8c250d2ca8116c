//! The connections that read: each is lent to one thread at a time, so that threads need not wait for
//! each other.
use parking_lot::Mutex;
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many are kept for the next who reads; more than that at once are closed again.
const KEPT: usize = 4;

/// A connection that reads.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    /// `PRAGMA data_version` when it was last asked: SQLite tells each connection what others wrote.
    version: Option<i64>,
}

/// The connections that nobody is using.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Mutex<Vec<Reader>>,
    /// How often a connection has found that others wrote. Several may find the same.
    found: AtomicU64,
}

impl Readers {
    pub(super) fn new(connection: Connection) -> Readers {
        let first = Reader { connection, version: None };
        Readers { idle: Mutex::new(vec![first]), found: AtomicU64::new(0) }
    }

    /// Lends a connection, or a new one if all are lent.
    pub(super) fn lend<T>(
        &self,
        connect: impl FnOnce() -> rusqlite::Result<Connection>,
        work: impl FnOnce(&mut Reader) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader { connection: connect()?, version: None },
        };
        let done = work(&mut reader);
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push(reader);
        }
        done
    }

    /// Another number whenever others have written since it was the same. Whatever one connection
    /// finds moves the number for all; what is read after the number was told is at least as new as
    /// whatever moved it there.
    pub(super) fn stamp(&self, reader: &mut Reader) -> rusqlite::Result<u64> {
        let mut query = reader.connection.prepare_cached("PRAGMA data_version")?;
        let version = query.query_row([], |row| row.get(0))?;
        if reader.version.replace(version) != Some(version) {
            self.found.fetch_add(1, Ordering::SeqCst);
        }
        Ok(self.found.load(Ordering::SeqCst))
    }

    /// Those that are idle: there are no others when the store goes.
    pub(super) fn take(&mut self) -> Vec<Reader> {
        std::mem::take(self.idle.get_mut())
    }
}
