//! The token key at work: its subkeys, and what they open, seal and check.
use super::layout::{DESCRIPTION, DescriptionRecord, ObjectParts, ObjectRecord};
use super::ledger::{Delta, Ledger};
use super::seal::{MATERIAL_HEAD, Place, hex, tampered};
use super::{RecordId, Sealed};
use crate::crypto::Secret;
use crate::crypto::aes::GcmKey;
use crate::crypto::mac::{Mac, subkey};
use crate::error::{Error, Result};
use std::fmt;

/// The most seals that one key may make with random 96-bit nonces: NIST SP 800-38D, section 8.3.
pub(super) const SEALS: u64 = 1 << 32;

/// The token key, for as long as someone is logged in. Wiped when dropped.
pub struct Unlocked {
    pub(super) place: Place,
    /// For the slots that hold it.
    pub(super) token_key: Secret,
    attributes: GcmKey,
    public: GcmKey,
    material: GcmKey,
    description: GcmKey,
    pub(super) ledger: Mac,
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Unlocked {
    /// Checks the seal of an object's record and opens its attributes. `CKR_DEVICE_ERROR` if it is
    /// not what this token stored under `id`.
    pub fn attributes(&self, id: RecordId, sealed: &Sealed) -> Result<Secret> {
        let object = self.object(id, &sealed.body)?;
        self.attributes_of(id, &object)
    }

    /// Opens key material, which carries the record's id within its seal.
    pub fn material(&self, id: RecordId, material: &[u8]) -> Result<Secret> {
        self.place
            .open(&self.material, id, [MATERIAL_HEAD, &[]], material)
            .ok_or_else(|| self.altered("key material", id))
    }

    pub(super) fn new(place: Place, token_key: Secret) -> Result<Unlocked> {
        let subkey = |label: &[u8]| subkey(&token_key, label).map_err(|_| Error::DeviceError);
        let key = |label: &[u8]| GcmKey::new(&subkey(label)?).map_err(|_| Error::DeviceError);
        Ok(Unlocked {
            place,
            attributes: key(b"keyferry 1 attributes")?,
            public: key(b"keyferry 1 public")?,
            material: key(b"keyferry 1 material")?,
            description: key(b"keyferry 1 description")?,
            ledger: Mac::new(&subkey(b"keyferry 1 ledger")?),
            token_key,
        })
    }

    /// The record of an object, not yet authenticated.
    pub(super) fn object<'a>(&self, id: RecordId, body: &'a [u8]) -> Result<ObjectParts<'a>> {
        ObjectParts::parse(body).ok_or_else(|| self.altered("object", id))
    }

    /// Checks the seal of an object; what is in it, which is nothing if the attributes are open.
    pub(super) fn sealed(&self, id: RecordId, object: &ObjectParts<'_>) -> Result<Secret> {
        let head = [object.head, object.material.unwrap_or_default()];
        let key = if object.open.is_some() { &self.public } else { &self.attributes };
        let sealed = self.place.open(key, id, head, object.seal);
        sealed.ok_or_else(|| self.altered("object", id))
    }

    pub(super) fn attributes_of(&self, id: RecordId, object: &ObjectParts<'_>) -> Result<Secret> {
        let sealed = self.sealed(id, object)?;
        Ok(object.open.map_or(sealed, |open| Secret::new(open.to_vec())))
    }

    pub(super) fn seal_object(
        &self,
        id: RecordId,
        version: u64,
        content: Content,
    ) -> Result<ObjectRecord> {
        let Content { private, attributes, material } = content;
        let open = (!private).then(|| attributes.to_vec());
        let mut object = ObjectRecord { version, open, seal: Vec::new(), material };
        let head = object.head().ok_or(Error::DeviceMemory)?;
        let head = [head.as_slice(), object.material.as_deref().unwrap_or_default()];
        let (key, sealed) = if private {
            (&self.attributes, attributes.as_slice())
        } else {
            (&self.public, &[][..])
        };
        object.seal = self.place.seal(key, id, head, sealed)?;
        Ok(object)
    }

    pub(super) fn seal_material(&self, id: RecordId, material: &[u8]) -> Result<Vec<u8>> {
        self.place.seal(&self.material, id, [MATERIAL_HEAD, &[]], material)
    }

    /// The description with `ledger` in it.
    pub(super) fn seal_description(
        &self,
        mut description: DescriptionRecord,
        ledger: &Ledger,
    ) -> Result<DescriptionRecord> {
        let head = description.head();
        description.seal =
            self.place.seal(&self.description, DESCRIPTION, [&head, &[]], &ledger.encode())?;
        Ok(description)
    }

    /// The next description, in whose ledger `delta` has happened. Its version counts the seals, so that no key
    /// makes more than [`SEALS`] of them with random nonces. `CKR_DEVICE_MEMORY` after the last one.
    pub(super) fn amend(
        &self,
        description: &DescriptionRecord,
        delta: &Delta,
    ) -> Result<DescriptionRecord> {
        let ledger = self.open_ledger(description)?.after(delta, &self.ledger)?;
        let seals = u64::try_from(delta.added.len()).unwrap_or(u64::MAX).max(1);
        let version = description.version.checked_add(seals).filter(|version| *version <= SEALS);
        let version = version.ok_or_else(|| {
            log::error!("the token's keys have made {SEALS} seals; no write is possible any more");
            Error::DeviceMemory.because("a token takes 2^32 writes; make a new token")
        })?;
        self.seal_description(DescriptionRecord { version, ..description.clone() }, &ledger)
    }

    /// A ledger of nothing but `delta`.
    pub(super) fn new_ledger(&self, delta: &Delta) -> Result<Ledger> {
        Ledger::default().after(delta, &self.ledger)
    }

    pub(super) fn open_ledger(&self, description: &DescriptionRecord) -> Result<Ledger> {
        let head = description.head();
        self.place
            .open(&self.description, DESCRIPTION, [&head, &[]], &description.seal)
            .and_then(|ledger| Ledger::decode(&ledger))
            .ok_or_else(|| tampered(self.place.token, "the description was altered"))
    }

    /// Checks that `found`, the ledger of the records there are, is what this token wrote last.
    pub(super) fn compare(&self, description: &DescriptionRecord, found: &Ledger) -> Result<()> {
        let stated = self.open_ledger(description)?;
        if stated == *found {
            return Ok(());
        }
        let (stated, found) = (stated.count(), found.count());
        let what = match stated.cmp(&found) {
            std::cmp::Ordering::Greater => "records were removed",
            std::cmp::Ordering::Less => "records were added",
            std::cmp::Ordering::Equal => "a record was replaced or rolled back",
        };
        Err(tampered(self.place.token, format_args!("{what} ({stated} expected, {found} found)")))
    }

    pub(super) fn altered(&self, what: &str, id: RecordId) -> Error {
        tampered(self.place.token, format_args!("{what} {} was altered", hex(&id.0)))
    }
}

/// What an object is to hold.
pub(super) struct Content {
    pub private: bool,
    pub attributes: Secret,
    /// Sealed already.
    pub material: Option<Vec<u8>>,
}
