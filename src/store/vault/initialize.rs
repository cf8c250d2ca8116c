//! The beginning of a token, and a new beginning: `C_InitToken`.
use super::layout::{DESCRIPTION, DescriptionRecord, SlotRecord};
use super::ledger::{Delta, Element};
use super::pins::{Admitted, check_length};
use super::seal::{Place, hex, random, random_array};
use super::{ATTEMPTS, Change, Record, Revision, Store, TokenId, Unlocked, Vault, Who, pause};
use crate::error::{Error, Result};
use std::sync::Arc;

/// The records that a token begins with.
struct Beginning {
    description: DescriptionRecord,
    so: SlotRecord,
}

impl Beginning {
    fn new(token: TokenId, label: [u8; 32], so_pin: &[u8]) -> Result<Beginning> {
        let place = Place { token, epoch: random_array()? };
        let unlocked = Unlocked::new(place, random(32)?)?;
        let so = SlotRecord::new(&place, Who::So, 1, so_pin, &unlocked.token_key)?;
        let delta = Delta { added: vec![Element::slot(&so)?], removed: Vec::new() };
        let ledger = unlocked.new_ledger(&delta)?;
        let description = DescriptionRecord {
            epoch: place.epoch,
            version: 1,
            label,
            serial: serial()?,
            seal: Vec::new(),
        };
        Ok(Beginning { description: unlocked.seal_description(description, &ledger)?, so })
    }
}

/// 16 random hexadecimal digits.
fn serial() -> Result<[u8; 16]> {
    let digits = hex(&random_array::<8>()?).into_bytes();
    <[u8; 16]>::try_from(digits).map_err(|_| Error::DeviceError)
}

impl Vault {
    pub(super) fn begin(
        store: Arc<dyn Store>,
        number: usize,
        label: [u8; 32],
        so_pin: &[u8],
    ) -> Result<Option<Vault>> {
        check_length(so_pin)?;
        let token = TokenId(random_array()?);
        let Beginning { description, so } = Beginning::new(token, label, so_pin)?;
        let first = |id, body| Change { id, from: Revision(0), body: Some(body) };
        let changes = [first(DESCRIPTION, description.body()), first(Who::So.slot(), so.body())];
        let written = store.create(token, number, &changes)?;
        let vault = written.map(|_| Vault::of(store, token));
        vault.iter().for_each(Vault::settle);
        Ok(vault)
    }

    pub(super) fn begin_anew(&self, label: [u8; 32], so_pin: &[u8]) -> Result<()> {
        let Admitted { place, slot, .. } = self.admit(Who::So, so_pin)?;
        let beginning = Beginning::new(self.token, label, so_pin)?;
        for attempt in 0..ATTEMPTS {
            let (_, records) = self.store.read(self.token, Revision(0))?;
            if !self.still_admits(&records, &place, &slot)? {
                return Err(Error::PinIncorrect.because("another process changed the SO PIN"));
            }
            let changes: Vec<Change> =
                records.into_iter().filter_map(|record| beginning.replace(record)).collect();
            if self.store.write_reserved(self.token, &changes)?.is_some() {
                self.settle();
                return Ok(());
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }

    /// Whether the SO PIN that was right still is.
    fn still_admits(&self, records: &[Record], place: &Place, slot: &SlotRecord) -> Result<bool> {
        let find = |id| records.iter().find(|record| record.id == id).cloned();
        let (_, description) = self.parse_description(find(DESCRIPTION))?;
        let now = find(Who::So.slot()).and_then(|record| record.body);
        let now = now.map(|body| self.parse_slot(Who::So, &body)).transpose()?;
        Ok(description.epoch == place.epoch && now.is_some_and(|now| now.seal == slot.seal))
    }
}

impl Beginning {
    /// What becomes of a record when the token begins anew.
    fn replace(&self, record: Record) -> Option<Change> {
        let body = if record.id == DESCRIPTION {
            Some(self.description.body())
        } else if record.id == Who::So.slot() {
            Some(self.so.body())
        } else {
            record.body?;
            None
        };
        Some(Change { id: record.id, from: record.revision, body })
    }
}
