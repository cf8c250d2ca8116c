//! Read-only verification of all records of a token: their form, their seals, and the ledger.
//!
//! A login stops at the first record that is not what the token wrote. This pass goes through all of them and
//! says of each what is wrong. It changes nothing but the retry counter of the PIN.
use super::layout::{DESCRIPTION, DescriptionRecord, ObjectParts, SlotRecord, is_object};
use super::ledger::{Element, Ledger};
use super::pins::Admitted;
use super::{RecordId, Revision, TokenId, Unlocked, Vault, Who};
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::store::backup::Backup;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Description,
    Pin(Who),
    Object,
}

/// Why a record is not what the token wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is none, and there must be one.
    Missing,
    /// The bytes are no record of this kind.
    Form,
    /// The seal does not verify.
    Seal,
    /// The seal of the key material does not verify.
    Material,
    /// A PIN's record that only the ledger vouches for, and the ledger does not fit.
    Unproven,
    /// The seal verifies, and the ledger does not fit: it may be an earlier version.
    Age,
}

/// A damaged record.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Its kind.
    pub part: Part,
    /// The damage.
    pub defect: Defect,
    /// Its id.
    pub id: RecordId,
    /// The revision of its last change that the token knows of. The damage came after it.
    pub revision: Revision,
    /// The attributes of a public object as they read. They are authentic with [`Defect::Age`] alone.
    pub open: Option<Secret>,
}

/// A record that is there.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub id: RecordId,
    pub revision: Revision,
    pub body: Vec<u8>,
}

/// A snapshot of a token's records, as far as they can be read without a PIN.
#[derive(Debug)]
pub struct Outline {
    /// The moment.
    pub revision: Revision,
    /// Number of objects, damaged ones included.
    pub objects: usize,
    /// Records that are missing or have no valid form.
    pub damages: Vec<Damage>,
    pub(super) token: TokenId,
    pub(super) description: Option<DescriptionRecord>,
    pub(super) records: Vec<Present>,
}

/// How many of so many are good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Count {
    pub good: usize,
    pub of: usize,
}

impl Count {
    fn add(&mut self, good: bool) {
        self.of += 1;
        self.good += usize::from(good);
    }

    /// Returns `true` if all of them are good.
    pub fn is_whole(self) -> bool {
        self.good == self.of
    }
}

/// All that a PIN lets verify.
#[derive(Debug)]
pub struct Inspection {
    /// The records.
    pub outline: Outline,
    /// The PIN that opened the token.
    pub who: Who,
    /// The description's seal verifies.
    pub description: bool,
    /// Objects whose seal verifies.
    pub objects: Count,
    /// Key material whose seal verifies.
    pub materials: Count,
    /// Number of records that the ledger states; `None` if the ledger does not open.
    pub stated: Option<u64>,
    /// Number of records that there are.
    pub found: u64,
    /// The ledger's keyed sum is that of the records.
    pub sum: bool,
    /// Every damaged record.
    pub damages: Vec<Damage>,
    pub(super) unlocked: Unlocked,
}

impl Vault {
    /// Reads all records and checks their form. Takes no PIN.
    pub fn outline(&self) -> Result<Outline> {
        let (revision, records) = self.store.read(self.token, Revision(0))?;
        let there = records.into_iter().filter_map(|record| {
            Some(Present { id: record.id, revision: record.revision, body: record.body? })
        });
        Ok(Outline::of(self.token, revision, there.collect()))
    }

    /// Verifies every seal that a PIN opens, and the ledger. Wrong PINs count. Damage is no error here, unless
    /// the PIN's own record or the description cannot be read: `CKR_DEVICE_ERROR`. A damaged seal of the PIN's
    /// record cannot be told from a wrong PIN: `CKR_PIN_INCORRECT`.
    pub fn inspect(&self, who: Who, pin: &[u8]) -> Result<Inspection> {
        let Admitted { place, token_key, .. } = self.admit(who, pin)?;
        let unlocked = Unlocked::new(place, token_key)?;
        let outline = self.outline()?;
        match &outline.description {
            Some(description) if description.epoch == place.epoch => {}
            _ => return Err(Error::DeviceRemoved.because("the token is being initialised")),
        }
        Inspection::of(unlocked, outline, who)
    }
}

impl Outline {
    fn of(token: TokenId, revision: Revision, records: Vec<Present>) -> Outline {
        let at = |id| records.iter().find(|record| record.id == id);
        let description = at(DESCRIPTION).and_then(|r| DescriptionRecord::parse(&r.body));
        let needed = [(Part::Description, DESCRIPTION), (Part::Pin(Who::So), Who::So.slot())];
        let missing = needed.into_iter().filter(|(_, id)| at(*id).is_none());
        let revision_zero = Revision(0);
        let mut damages: Vec<Damage> = missing
            .map(|(part, id)| {
                let defect = Defect::Missing;
                Damage { part, defect, id, revision: revision_zero, open: None }
            })
            .collect();
        damages.extend(records.iter().filter(|r| !r.has_form()).map(|r| r.damage(Defect::Form)));
        let objects = records.iter().filter(|record| is_object(record.id)).count();
        Outline { revision, objects, damages, token, description, records }
    }

    /// The label as it reads; `None` if the description cannot be read.
    pub fn label(&self) -> Option<&[u8; 32]> {
        self.description.as_ref().map(|description| &description.label)
    }

    /// Returns `true` if the PIN's record is there and can be read.
    pub fn has_pin(&self, who: Who) -> bool {
        self.records.iter().any(|record| record.id == who.slot() && record.has_form())
    }

    /// Returns `true` if there is a record of this PIN, readable or not.
    pub fn is_pin_set(&self, who: Who) -> bool {
        self.records.iter().any(|record| record.id == who.slot())
    }
}

impl Present {
    fn part(&self) -> Part {
        match self.id {
            DESCRIPTION => Part::Description,
            id => match [Who::So, Who::User].into_iter().find(|who| who.slot() == id) {
                Some(who) => Part::Pin(who),
                None => Part::Object,
            },
        }
    }

    pub(super) fn slot(&self) -> Option<SlotRecord> {
        SlotRecord::parse(&self.body).filter(|slot| slot.who.slot() == self.id)
    }

    fn has_form(&self) -> bool {
        match self.part() {
            Part::Description => DescriptionRecord::parse(&self.body).is_some(),
            Part::Pin(_) => self.slot().is_some(),
            Part::Object => ObjectParts::parse(&self.body).is_some(),
        }
    }

    /// The record as the ledger counts it; `None` for the description, and if it cannot be read.
    pub(super) fn element(&self) -> Option<Element> {
        match self.part() {
            Part::Description => None,
            Part::Pin(_) => Element::slot(&self.slot()?).ok(),
            Part::Object => {
                let object = ObjectParts::parse(&self.body)?;
                Element::object(self.id, object.version, object.seal).ok()
            }
        }
    }

    pub(super) fn damage(&self, defect: Defect) -> Damage {
        let open = ObjectParts::parse(&self.body).filter(|_| is_object(self.id));
        let open = open.and_then(|object| object.open.map(|open| Secret::new(open.to_vec())));
        Damage { part: self.part(), defect, id: self.id, revision: self.revision, open }
    }
}

impl Inspection {
    fn of(unlocked: Unlocked, outline: Outline, who: Who) -> Result<Inspection> {
        let counted = outline.records.iter().filter(|record| record.id != DESCRIPTION);
        let found = u64::try_from(counted.count()).unwrap_or(u64::MAX);
        let stated = outline.description.as_ref().and_then(|d| unlocked.open_ledger(d).ok());
        let mut ledger = Ledger::default();
        for element in outline.records.iter().filter_map(Present::element) {
            ledger.add(&element, &unlocked.ledger)?;
        }
        let damages = outline.damages.clone();
        let mut inspection = Inspection {
            who,
            description: stated.is_some(),
            objects: Count::default(),
            materials: Count::default(),
            sum: stated.as_ref().is_some_and(|stated| *stated == ledger),
            stated: stated.map(|stated| stated.count()),
            found,
            damages,
            unlocked,
            outline,
        };
        inspection.check_seals();
        Ok(inspection)
    }

    fn check_seals(&mut self) {
        let Inspection { outline, unlocked, objects, materials, damages, .. } = self;
        let sealed = outline.records.iter().filter(|record| is_object(record.id));
        for record in sealed {
            let Some(object) = ObjectParts::parse(&record.body) else {
                objects.add(false);
                continue;
            };
            let is_sealed = unlocked.sealed(record.id, &object).is_ok();
            objects.add(is_sealed);
            let opens = object.material.map(|sealed| unlocked.material(record.id, sealed).is_ok());
            if let Some(opens) = opens {
                materials.add(opens);
            }
            match (is_sealed, opens) {
                (_, Some(false)) => damages.push(record.damage(Defect::Material)),
                (false, _) => damages.push(record.damage(Defect::Seal)),
                (true, _) => {}
            }
        }
        let description = outline.records.iter().find(|record| record.id == DESCRIPTION);
        if let (false, Some(record)) = (self.description, description) {
            damages.push(record.damage(Defect::Seal));
        }
    }

    /// Returns `true` if every seal that the PIN opens verifies, and the ledger fits.
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty() && self.sum
    }

    /// The records that were verified, as a backup.
    pub fn backup(&self) -> Backup {
        let records = self.outline.records.iter().map(|r| (r.id, r.body.clone()));
        Backup::of(self.outline.token, records.collect())
    }
}
