//! Seals a token's records: a random token key, held by a slot for each PIN (`docs/storage-format.md`).
use super::{RecordId, Revision, Store, TokenId};
use crate::crypto::Secret;
use crate::error::Result;
use std::sync::Arc;

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

/// A token in its store, locked. Nothing here is kept between calls but what never changes.
#[derive(Debug)]
pub struct Vault {
    #[allow(dead_code)]
    store: Arc<dyn Store>,
    #[allow(dead_code)]
    token: TokenId,
}

/// The token key, for as long as someone is logged in. Wiped when dropped.
#[derive(Debug)]
pub struct Unlocked {}

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
#[derive(Debug)]
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

impl Vault {
    /// Makes a new token: `C_InitToken` on an empty slot. `CKR_PIN_LEN_RANGE`.
    pub fn create(store: Arc<dyn Store>, label: [u8; 32], so_pin: &[u8]) -> Result<Vault> {
        let _ = (store, label, so_pin);
        todo!()
    }
    /// The token `token` of `store`. Reads nothing yet.
    pub fn of(store: Arc<dyn Store>, token: TokenId) -> Vault {
        Vault { store, token }
    }
    /// `C_InitToken` on a token: every object and the user PIN go, key and serial are new.
    /// `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`; a locked SO PIN locks the token for good.
    pub fn reinitialize(&self, label: [u8; 32], so_pin: &[u8]) -> Result<()> {
        let _ = (label, so_pin);
        todo!()
    }
    /// What anyone may know.
    pub fn description(&self) -> Result<Description> {
        todo!()
    }
    /// Opens the token with a PIN, counts wrong ones, and checks that no record was removed, added,
    /// altered or rolled back. `CKR_PIN_INCORRECT`, `CKR_PIN_LOCKED`, `CKR_USER_PIN_NOT_INITIALIZED`,
    /// `CKR_DEVICE_ERROR` for a token that was tampered with.
    pub fn unlock(&self, who: Who, pin: &[u8]) -> Result<Unlocked> {
        let _ = (who, pin);
        todo!()
    }
    /// Whether `pin` is right, counting as [`Self::unlock`] does: `CKU_CONTEXT_SPECIFIC`.
    pub fn check_pin(&self, who: Who, pin: &[u8]) -> Result<()> {
        let _ = (who, pin);
        todo!()
    }
    /// `C_SetPIN`: needs the old PIN, logged in or not.
    pub fn change_pin(&self, who: Who, old: &[u8], new: &[u8]) -> Result<()> {
        let _ = (who, old, new);
        todo!()
    }
    /// `C_InitPIN`: the SO, who has unlocked the token, sets the user's PIN and its counter to zero.
    pub fn set_user_pin(&self, unlocked: &Unlocked, pin: &[u8]) -> Result<()> {
        let _ = (unlocked, pin);
        todo!()
    }
    /// Objects that changed after `since`, and the revision this brings the reader to.
    /// An [`Entry`] is given for objects only, not for description and PIN slots. If the token was
    /// reinitialised since, `since` is not below anything: see [`Changes::epoch`].
    pub fn changes(&self, since: Revision) -> Result<Changes> {
        let _ = since;
        todo!()
    }
    /// Seals and writes all of `writes` in one transaction, description included, or nothing.
    /// `Ok(None)` if an object was not at the expected revision any more.
    pub fn write(&self, unlocked: &Unlocked, writes: Vec<Write>) -> Result<Option<Vec<Entry>>> {
        let _ = (unlocked, writes);
        todo!()
    }
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

impl Unlocked {
    /// Checks the seal of an object's record and opens its attributes. `CKR_DEVICE_ERROR` if it is
    /// not what this token stored under `id`.
    pub fn attributes(&self, id: RecordId, sealed: &Sealed) -> Result<Secret> {
        let _ = (id, sealed);
        todo!()
    }
    /// Opens key material, which carries the record's id within its seal.
    pub fn material(&self, id: RecordId, material: &[u8]) -> Result<Secret> {
        let _ = (id, material);
        todo!()
    }
}
