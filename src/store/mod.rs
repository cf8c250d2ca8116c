//! Where tokens live. A store keeps sealed records; it knows neither PKCS#11 nor keys.
//!
//! [`Store`] is one of the two joints of the house. [`vault`] stands on it and does the sealing.
pub mod backup;
pub mod memory;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod suite;
pub mod vault;

use crate::config::Location;
use crate::error::Result;
use std::sync::Arc;

/// A token in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub [u8; 16]);

/// A record of a token: its description, a PIN's slot, or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

/// A count of the changes to a token. It only grows, in whichever process the change is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// A record as stored. `body` is `None` once the record has been deleted.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Record {
    pub id: RecordId,
    pub revision: Revision,
    pub body: Option<Vec<u8>>,
}

/// A change asked of one record, which must still be at revision `from` (0: must never have been).
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Change {
    pub id: RecordId,
    pub from: Revision,
    pub body: Option<Vec<u8>>,
}

/// Whether a store is where it was when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Here,
    /// It is gone: its file was removed.
    Gone,
    /// Another one is in its place.
    Replaced,
}

/// A place where tokens live: SQLite on one host, memory for tests and rehearsals.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The tokens there are, oldest first: token n lives in slot n for ever.
    fn tokens(&self) -> Result<Vec<TokenId>>;

    /// The records of `token` that changed after `since`, oldest change first, with the revision
    /// they bring the reader to.
    fn read(&self, token: TokenId, since: Revision) -> Result<(Revision, Vec<Record>)>;

    /// The records `ids` of `token` as they are now, deleted ones included, in the order asked;
    /// `None` for those that never were. One moment in time for all of them.
    fn fetch(&self, token: TokenId, ids: &[RecordId]) -> Result<Vec<Option<Record>>> {
        let (_, records) = self.read(token, Revision(0))?;
        Ok(ids.iter().map(|id| records.iter().find(|record| record.id == *id).cloned()).collect())
    }

    /// Makes all `changes` or none, durably. `None` if another writer was first: read again and
    /// decide anew. A token that is not there yet comes to be.
    fn write(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>>;

    /// [`Self::write`] for what must succeed on a full store too: retry counters and removals. Uses
    /// space that the store keeps for them.
    fn write_reserved(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>> {
        self.write(token, changes)
    }

    /// Moves what was written out of the log, if the store has one, so that damage to the log cannot
    /// undo it.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// Counts the acknowledged changes, of all tokens, that were missing when the store was opened: it
    /// was rolled back or damaged. `None` if that cannot be told.
    fn missing(&self) -> Option<u64> {
        Some(0)
    }

    /// Forgets the missing changes: from here on the store counts as whole.
    fn accept_missing(&self) -> Result<()> {
        Ok(())
    }

    /// Makes a new token with its first `changes`, the one after the first `number` tokens. `None` if
    /// another writer was first: the store has more tokens already.
    fn create(&self, token: TokenId, number: usize, changes: &[Change])
    -> Result<Option<Revision>>;

    /// Whether it is still there. While it is not, everything else is `CKR_DEVICE_REMOVED`.
    fn presence(&self) -> Result<Presence> {
        Ok(Presence::Here)
    }

    /// A number that differs whenever another process (or another handle) has written since it was
    /// last asked. Cheap: no records are read.
    fn stamp(&self) -> Result<u64>;
}

/// Opens the store at `location`, making it if it is not there yet.
pub fn open(location: &Location) -> Result<Arc<dyn Store>> {
    Ok(match location {
        Location::Memory => Arc::new(memory::Memory::default()),
        Location::Sqlite(folder) => Arc::new(sqlite::Sqlite::open(folder)?),
    })
}
