//! Seals a token's records: a random token key, held by a slot for each PIN (`docs/storage-format.md`).
//!
//! | file | holds |
//! |---|---|
//! | `layout` | records as bytes |
//! | `seal` | AES-256-GCM bound to a token, its epoch and a record |
//! | `ledger` | the keyed hash of all records |
//! | `unlocked` | the token key's subkeys at work |
//! | `pins` | PIN slots: opened, renewed |
//! | `tries` | the retry counter |
//! | `login` | all records in one pass: audited, and opened |
//! | `objects` | reading and writing objects |
//! | `writers` | the one way in which anything that the ledger counts is written |
//! | `initialize` | `C_InitToken` |
//! | `inspect` | read-only verification of all records |
//! | `salvage` | a whole token of the records that still verify |
mod initialize;
mod inspect;
mod layout;
mod ledger;
mod login;
mod objects;
mod pins;
mod salvage;
mod seal;
#[cfg(test)]
mod tests;
mod tries;
mod unlocked;
mod writers;

use super::{Change, Record, RecordId, Revision, Store, TokenId};
use crate::crypto::Secret;
use crate::crypto::{Threads, Workers};
use crate::error::{Error, Result};
pub use inspect::{Count, Damage, Defect, Inspection, Outline, Part};
use layout::{DESCRIPTION, DescriptionRecord};
pub use login::{Contents, Opened};
pub use salvage::Salvage;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
pub use unlocked::Unlocked;
use writers::Writers;

/// Who has a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Who {
    So,
    User,
}

/// What anyone may know about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The label as `C_InitToken` got it: 32 bytes, blank padded.
    pub label: [u8; 32],
    /// 16 hexadecimal digits, fixed when the token is initialised.
    pub serial: [u8; 16],
    /// Whether the SO has set a user PIN.
    pub user_pin_set: bool,
    /// Wrong PINs since the last right one, and how many lock it.
    pub tries: Tries,
}

/// Wrong PINs since the last right one. `LIMIT` of them lock the PIN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tries {
    pub so: u32,
    pub user: u32,
}

impl Tries {
    /// This many wrong PINs in a row lock it.
    pub const LIMIT: u32 = 10;
}

/// Shortest and longest PIN in bytes.
pub const PIN_LEN: std::ops::RangeInclusive<usize> = 4..=255;

/// A token in its store, locked.
#[derive(Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    token: TokenId,
    writers: Writers,
}

/// An object as it stands in the store.
#[derive(Debug)]
pub struct Entry {
    /// Whose.
    pub id: RecordId,
    /// When it changed last.
    pub revision: Revision,
    /// What it is now; `None` once destroyed.
    pub content: Option<Sealed>,
}

/// An object's record, taken apart but not opened.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The attributes of a public object, readable by anyone, authentic only once
    /// [`Unlocked::attributes`] says so. `None` for private objects.
    pub open: Option<Vec<u8>>,
    /// The whole record, for [`Unlocked::attributes`].
    pub body: Vec<u8>,
    /// The sealed key material, for [`Unlocked::material`].
    pub material: Option<Box<[u8]>>,
}

/// A change to an object that the vault is to seal and write.
pub enum Write {
    /// A new object.
    #[allow(missing_docs)]
    Insert { id: RecordId, private: bool, attributes: Secret, material: Option<Secret> },
    /// New attributes for an object that must still be at `from`; its sealed material stays.
    #[allow(missing_docs)]
    Update { id: RecordId, from: Revision, private: bool, attributes: Secret },
    /// Destroys an object that must still be at `from`.
    #[allow(missing_docs)]
    Delete { id: RecordId, from: Revision },
}

impl fmt::Debug for Write {
    /// Says which object, not what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Write::Insert { id, .. } => write!(f, "Insert({id:?})"),
            Write::Update { id, from, .. } => write!(f, "Update({id:?}, {from:?})"),
            Write::Delete { id, from } => write!(f, "Delete({id:?}, {from:?})"),
        }
    }
}

impl Vault {
    /// Makes a new token, the one after the first `number`: `C_InitToken` on an empty slot. `None` if
    /// there is one by now. `CKR_PIN_LEN_RANGE`.
    pub fn create(
        store: Arc<dyn Store>,
        number: usize,
        label: [u8; 32],
        so_pin: &[u8],
    ) -> Result<Option<Vault>> {
        Vault::begin(store, number, label, so_pin)
    }

    /// The token `token` of `store`. Reads nothing yet.
    pub fn of(store: Arc<dyn Store>, token: TokenId) -> Vault {
        Vault { store, token, writers: Writers::default() }
    }

    /// Which token it is.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// `C_InitToken` on a token: every object and the user PIN go, key and serial are new.
    /// `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`; a locked SO PIN locks the token for good.
    pub fn reinitialize(&self, label: [u8; 32], so_pin: &[u8]) -> Result<()> {
        self.begin_anew(label, so_pin)
    }

    /// What anyone may know. Label and serial are authentic only once [`Self::unlock`] has said so.
    pub fn description(&self) -> Result<Description> {
        let ids = [DESCRIPTION, Who::So.slot(), Who::User.slot()];
        let records = self.store.fetch(self.token, &ids)?;
        let [description, so, user] =
            <[Option<Record>; 3]>::try_from(records).map_err(|_| Error::DeviceError)?;
        let (_, description) = self.parse_description(description)?;
        let tries = |who, record: Option<Record>| match record.and_then(|record| record.body) {
            Some(body) => self.parse_slot(who, &body).map(|slot| Some(slot.counter.shown())),
            None => Ok(None),
        };
        let (so, user) = (tries(Who::So, so)?, tries(Who::User, user)?);
        Ok(Description {
            label: description.label,
            serial: description.serial,
            user_pin_set: user.is_some(),
            tries: Tries { so: so.unwrap_or_default(), user: user.unwrap_or_default() },
        })
    }

    /// Opens the token with a PIN, counts wrong ones, and checks that no record was removed, added,
    /// altered or rolled back. `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`, `CKR_USER_PIN_NOT_INITIALIZED`,
    /// `CKR_DEVICE_ERROR` for a token that was tampered with.
    pub fn unlock(&self, who: Who, pin: &[u8]) -> Result<Unlocked> {
        let alone = Workers::new(Threads::One);
        self.unlock_all(who, pin, &alone, &|_| None::<()>).map(|(unlocked, _)| unlocked)
    }

    /// [`Self::unlock`], and what `make` makes of each object: records are read once and opened once.
    /// Nothing that `make` has made goes out unless all records are what they should be. If there may
    /// be [`Threads::Two`] it is called on either. `CKR_CRYPTOKI_NOT_INITIALIZED` soon after
    /// [`Workers::stop`].
    pub fn unlock_all<T: Send>(
        &self,
        who: Who,
        pin: &[u8],
        workers: &Workers,
        make: &(impl Fn(Opened<'_>) -> Option<T> + Sync),
    ) -> Result<(Unlocked, Contents<T>)> {
        self.open_all(who, pin, workers, make)
    }

    /// Whether `pin` is right, counting as [`Self::unlock`] does: `CKU_CONTEXT_SPECIFIC`.
    pub fn check_pin(&self, who: Who, pin: &[u8]) -> Result<()> {
        self.admit(who, pin).map(|_| ())
    }

    /// `C_SetPIN`: needs the old PIN, logged in or not.
    pub fn change_pin(&self, who: Who, old: &[u8], new: &[u8]) -> Result<()> {
        self.change(who, old, new)
    }

    /// `C_InitPIN`: the SO, who has unlocked the token, sets the user's PIN and its counter to zero.
    pub fn set_user_pin(&self, unlocked: &Unlocked, pin: &[u8]) -> Result<()> {
        self.set_user(unlocked, pin)
    }

    /// Objects that changed after `since`, and the revision this brings the reader to.
    /// An [`Entry`] is given for objects only, not for description and PIN slots. If the token was
    /// reinitialised since, `since` is not below anything: see [`Changes::epoch`].
    pub fn changes(&self, since: Revision) -> Result<Changes> {
        self.changes_since(since)
    }

    /// Seals and writes all of `writes` in one transaction, description included, or nothing.
    /// `Ok(None)` if an object was not at the expected revision any more. Otherwise the objects as
    /// they now are, in the order of `writes`.
    pub fn write(&self, unlocked: &Unlocked, writes: Vec<Write>) -> Result<Option<Vec<Entry>>> {
        self.write_objects(unlocked, writes)
    }

    /// Moves acknowledged changes out of the log. They are durable without that, so a failure is
    /// logged only.
    fn settle(&self) {
        if let Err(error) = self.store.settle() {
            log::warn!("token {}: the log was not emptied: {error}", seal::hex(&self.token.0));
        }
    }

    fn fetch_description(&self) -> Result<(Revision, DescriptionRecord)> {
        let record = self.store.fetch(self.token, &[DESCRIPTION])?.into_iter().flatten().next();
        self.parse_description(record)
    }

    fn parse_description(&self, record: Option<Record>) -> Result<(Revision, DescriptionRecord)> {
        let Some(Record { revision, body: Some(body), .. }) = record else {
            return Err(Error::TokenNotRecognized.because("the token has no description"));
        };
        let altered = || seal::tampered(self.token, "the description was altered");
        Ok((revision, DescriptionRecord::parse(&body).ok_or_else(altered)?))
    }
}

/// Maximum retries of a write that loses to other processes: about 20 seconds.
const ATTEMPTS: u32 = 4000;

/// Lets other writers pass, longer each time and at most 5 ms.
fn pause(attempt: u32) {
    std::thread::sleep(Duration::from_micros(u64::from(50 * (attempt + 1).min(100))));
}

/// What changed.
#[derive(Debug)]
pub struct Changes {
    /// Differs after a reinitialisation: everything known before is void.
    pub epoch: [u8; 16],
    /// Where the reader is now.
    pub revision: Revision,
    /// The objects that changed, oldest change first.
    pub entries: Vec<Entry>,
}
