//! The connections that read: each is lent to one thread at a time, so that threads need not wait for
//! each other.
use parking_lot::Mutex;
use rusqlite::Connection;

/// So many are kept for the next who reads, if so many were ever lent at once; more are closed again.
/// Each has two files open.
const KEPT: usize = 64;

/// A connection that reads.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    stamped: Option<Stamped>,
}

/// What a connection knew when it was last asked.
#[derive(Clone, Copy, Debug)]
struct Stamped {
    /// `PRAGMA data_version`: SQLite tells each connection whether others wrote, and each another number.
    version: i64,
    stamp: u64,
}

/// The connections that nobody is using.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    pub(super) fn new(connection: Connection) -> Readers {
        Readers { idle: Mutex::new(vec![Reader { connection, stamped: None }]) }
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
            None => Reader { connection: connect()?, stamped: None },
        };
        let done = work(&mut reader);
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push(reader);
        }
        done
    }

    /// Those that are idle: there are no others when the store goes.
    pub(super) fn take(&mut self) -> Vec<Reader> {
        std::mem::take(self.idle.get_mut())
    }
}

impl Reader {
    /// How many changes have been made, to all tokens: the same for each connection, so that none has
    /// to be told what another knows. They are counted anew only if others wrote.
    pub(super) fn stamp(&mut self) -> rusqlite::Result<u64> {
        let number =
            |sql| self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        // before the count, which may be newer
        let version = number("PRAGMA data_version")?;
        if let Some(known) = self.stamped.filter(|known| known.version == version) {
            return Ok(known.stamp);
        }
        let stamp = count_changes(&self.connection)?;
        self.stamped = Some(Stamped { version, stamp });
        Ok(stamp)
    }
}

/// Counts the changes made to all tokens.
pub(super) fn count_changes(connection: &Connection) -> rusqlite::Result<u64> {
    let mut query = connection.prepare_cached("SELECT coalesce(sum(revision), 0) FROM token")?;
    query.query_row([], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn as_many_are_kept_as_were_lent_at_once() {
        let made = Cell::new(0);
        let readers = Readers::new(Connection::open_in_memory().unwrap());
        fn lent_at_once(readers: &Readers, made: &Cell<usize>, n: usize) {
            let connect = || {
                made.set(made.get() + 1);
                Connection::open_in_memory()
            };
            let more = |_: &mut Reader| {
                if n > 1 {
                    lent_at_once(readers, made, n - 1);
                }
                Ok(())
            };
            readers.lend(connect, more).unwrap();
        }
        for n in [1, 8, 8, 3, 8] {
            lent_at_once(&readers, &made, n);
            assert_eq!(made.get(), if n == 1 { 0 } else { 7 });
        }
        lent_at_once(&readers, &made, 2 * KEPT);
        assert_eq!(readers.idle.lock().len(), KEPT);
    }
}
