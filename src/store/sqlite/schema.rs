//! What a database of ours looks like, and how it is told from others.
//!
//! `docs/storage-format.md` describes the tables. A file that is not ours is never written to.
use rusqlite::{Connection, TransactionBehavior};

/// `application_id` of the database: "KFRY".
const APPLICATION: i64 = 0x4B46_5259;
/// `user_version` of the database: the version of the tables.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE token (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        revision INTEGER NOT NULL);
    CREATE TABLE record (
        token INTEGER NOT NULL REFERENCES token (number),
        id BLOB NOT NULL CHECK (length(id) = 16),
        revision INTEGER NOT NULL,
        body BLOB,
        UNIQUE (token, id));
    CREATE INDEX record_by_revision ON record (token, revision);";

/// Whose file it is.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Us,
    Newer(i64),
    Other,
}

/// Makes the tables in an empty file, or says why the file is not one we work with.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<Result<(), String>> {
    if owner(connection)? == Owner::Nobody {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if owner(&transaction)? == Owner::Nobody {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    }
    Ok(match owner(connection)? {
        Owner::Us => Ok(()),
        Owner::Newer(version) => {
            Err(format!("made by a newer version (tables {version}, known {VERSION})"))
        }
        Owner::Nobody | Owner::Other => Err("a database of another application".into()),
    })
}

fn owner(connection: &Connection) -> rusqlite::Result<Owner> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Owner::Nobody,
        (APPLICATION, VERSION, _) => Owner::Us,
        (APPLICATION, newer, _) if newer > VERSION => Owner::Newer(newer),
        _ => Owner::Other,
    })
}
