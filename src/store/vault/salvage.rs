//! A whole token of the records that still verify.
use super::inspect::{Count, Damage, Defect, Inspection, Present};
use super::layout::{DESCRIPTION, DescriptionRecord, ObjectParts, is_object};
use super::ledger::Delta;
use super::{RecordId, Who};
use crate::error::{Error, Result};
use crate::store::backup::Backup;

/// What was saved of a token, and what was not.
#[derive(Debug)]
pub struct Salvage {
    /// The saved records with a new ledger over them, ready to be restored into a store.
    pub backup: Backup,
    /// How many objects were saved, of how many.
    pub objects: Count,
    /// The records that are not in it, or are not as the token wrote them.
    pub left: Vec<Damage>,
    /// The saved objects, if the ledger does not fit: each may be an earlier version, put back by an attacker.
    pub unproven: Vec<Damage>,
}

impl Inspection {
    /// Puts together what still verifies. The seals stay as they are; description and ledger are sealed again.
    ///
    /// The record of the other PIN has a seal that only that PIN opens. The ledger alone says that it is the last
    /// one. If the ledger does not fit, an old PIN could be in its place, so the record is left out.
    pub fn salvage(&self) -> Result<Salvage> {
        let mut left = self.damages.clone();
        let kept: Vec<&Present> = self.outline.records.iter().filter(|r| self.keeps(r)).collect();
        let unproven = self.outline.records.iter().filter(|r| self.is_unproven(r));
        left.extend(unproven.map(|record| record.damage(Defect::Unproven)));
        let delta = Delta {
            added: kept.iter().filter_map(|record| record.element()).collect(),
            removed: Vec::new(),
        };
        let old = self.outline.description.clone().ok_or(Error::DeviceError)?;
        let version = old.version.wrapping_add(1);
        let ledger = self.unlocked.new_ledger(&delta)?;
        let next = DescriptionRecord { version, ..old };
        let description = self.unlocked.seal_description(next, &ledger)?;
        let mut records: Vec<(RecordId, Vec<u8>)> = vec![(DESCRIPTION, description.body())];
        records.extend(kept.iter().map(|record| (record.id, record.body.clone())));
        let objects = kept.iter().filter(|record| is_object(record.id)).count();
        let saved = kept.iter().filter(|record| is_object(record.id) && !self.sum);
        Ok(Salvage {
            unproven: saved.map(|record| self.maybe_old(record)).collect(),
            backup: Backup::of(self.outline.token, records),
            objects: Count { good: objects, of: self.outline.objects },
            left,
        })
    }

    fn keeps(&self, record: &Present) -> bool {
        let is_damaged = self.damages.iter().any(|damage| damage.id == record.id);
        record.id != DESCRIPTION && !is_damaged && !self.is_unproven(record)
    }

    /// An object that the ledger does not vouch for, with its attributes, which the PIN opens.
    fn maybe_old(&self, record: &Present) -> Damage {
        let attributes = ObjectParts::parse(&record.body)
            .and_then(|object| self.unlocked.attributes_of(record.id, &object).ok());
        Damage { open: attributes, ..record.damage(Defect::Age) }
    }

    fn is_unproven(&self, record: &Present) -> bool {
        let other = match self.who {
            Who::So => Who::User,
            Who::User => Who::So,
        };
        !self.sum && record.id == other.slot() && record.slot().is_some()
    }
}
