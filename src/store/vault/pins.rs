//! PINs: the slots that hold the token key.
//!
//! A PIN is hashed first, which tells nothing about it. Then the attempt is recorded, durably, under
//! a tag of the PIN; only then is the seal opened. See [`super::tries`].
use super::layout::{DESCRIPTION, DescriptionRecord, SlotRecord};
use super::ledger::{Delta, Element};
use super::seal::{Place, random_array, tampered};
use super::tries::{Admission, Counter, Tag, local};
use super::writers::Batch;
use super::{ATTEMPTS, Change, PIN_LEN, Record, Revision, Unlocked, Vault, Who, pause};
use crate::crypto::Secret;
use crate::crypto::aes::GcmKey;
use crate::crypto::mac::subkey;
use crate::crypto::pin::{Cost, Derivation};
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// How long an attempt goes on against other writers of the slot before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A slot that its PIN has opened.
pub(super) struct Admitted {
    pub place: Place,
    pub token_key: Secret,
    pub slot: SlotRecord,
}

/// A hashed PIN.
struct Hashed {
    key: GcmKey,
    tag: Tag,
}

impl SlotRecord {
    /// Seals `token_key` under `pin`.
    pub(super) fn new(
        place: &Place,
        who: Who,
        version: u64,
        pin: &[u8],
        token_key: &[u8],
    ) -> Result<Self> {
        SlotRecord::with_cost(place, who, (version, Cost::DEFAULT), pin, token_key)
    }

    /// [`Self::new`] at another cost than new PINs get.
    pub(super) fn with_cost(
        place: &Place,
        who: Who,
        (version, cost): (u64, Cost),
        pin: &[u8],
        token_key: &[u8],
    ) -> Result<Self> {
        let (salt, counter) = (random_array()?, Counter::default());
        let mut slot = SlotRecord { who, version, cost, salt, seal: Vec::new(), counter };
        let Hashed { key, .. } = slot.hash(pin)?;
        slot.seal = place.seal(&key, who.slot(), [&slot.head(), &[]], token_key)?;
        Ok(slot)
    }

    /// Hashes a PIN. Takes the same time for a right and a wrong one.
    fn hash(&self, pin: &[u8]) -> Result<Hashed> {
        let failed = |_| Error::DeviceError.because("Argon2id failed");
        let memory = Derivation::new(self.cost).map_err(failed)?.memory();
        let memory = memory.map_err(|_| Error::HostMemory.because("no memory for Argon2id"))?;
        let hash = memory.derive(pin, &self.salt).map_err(failed)?;
        let tag = subkey(&hash, b"keyferry 1 try").map_err(failed)?;
        let tag = tag.first_chunk().copied().ok_or(Error::DeviceError)?;
        Ok(Hashed { key: GcmKey::new(&hash).map_err(failed)?, tag })
    }

    /// Returns the token key if the PIN is right.
    fn open(&self, place: &Place, key: &GcmKey) -> Option<Secret> {
        place.open(key, self.who.slot(), [&self.head(), &[]], &self.seal)
    }
}

/// `CKR_PIN_LEN_RANGE` for a new PIN that is too short or too long.
pub(super) fn check_length(pin: &[u8]) -> Result<()> {
    if PIN_LEN.contains(&pin.len()) { Ok(()) } else { Err(Error::PinLenRange) }
}

impl Vault {
    /// Opens the slot of `who`, counting wrong PINs.
    pub(super) fn admit(&self, who: Who, pin: &[u8]) -> Result<Admitted> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let (description, slot) = self.open_slot(who)?;
            let hashed = slot.hash(pin)?;
            if self.count_try(&slot, &hashed.tag)? {
                let place = Place { token: self.token, epoch: description.epoch };
                return self.decide(place, slot, &hashed);
            }
        }
        Err(Error::FunctionFailed.because("the PIN changed again and again"))
    }

    /// Returns the description and the slot. `CKR_PIN_LOCKED` if no PIN is accepted any more.
    pub(super) fn open_slot(&self, who: Who) -> Result<(DescriptionRecord, SlotRecord)> {
        let (description, slot) = self.description_and_slot(who)?;
        let (_, slot) = slot.ok_or_else(|| match who {
            Who::User => Error::UserPinNotInitialized,
            Who::So => tampered(self.token, "the SO's slot was removed"),
        })?;
        match local(self.token, who, |local| slot.counter.is_final(local)) {
            true => Err(Error::PinLocked),
            false => Ok((description, slot)),
        }
    }

    /// Opens the seal, for which the attempt has been recorded, and settles the counter.
    fn decide(&self, place: Place, slot: SlotRecord, hashed: &Hashed) -> Result<Admitted> {
        let token_key = slot.open(&place, &hashed.key);
        let settled = match token_key {
            Some(_) => self.clear_tries(&slot),
            None => self.refute_try(&slot, &hashed.tag),
        };
        if let Err(error) = settled {
            // The tag stays: it counts one, and its PIN is accepted again without a write.
            log::warn!("{:?} PIN: the retry counter was not updated: {error}", slot.who);
        }
        let token_key = token_key.ok_or(Error::PinIncorrect)?;
        Ok(Admitted { place, token_key, slot })
    }

    /// Records an attempt with the PIN of `tag`, durably: also one that is recorded already, so that the seal is
    /// opened after a write in any case. `false` if the slot has another PIN by now. `CKR_PIN_LOCKED`.
    fn count_try(&self, hashed: &SlotRecord, tag: &Tag) -> Result<bool> {
        let start = Instant::now();
        let mut attempt = 0;
        while start.elapsed() < PATIENCE {
            let Some((revision, slot)) = self.same_slot(hashed)? else { return Ok(false) };
            let admit = |local: &mut Counter| slot.counter.admit(tag, local);
            let (admission, counter) = local(self.token, slot.who, admit);
            let written = match admission == Admission::Locked && counter == slot.counter {
                true => Ok(true),
                false => self.replace_slot(revision, &SlotRecord { counter, ..slot.clone() }),
            };
            match (written, admission) {
                (Ok(true), Admission::Allowed) => return Ok(true),
                (Ok(true), Admission::Locked) => return Err(Error::PinLocked),
                (Ok(false), _) => {}
                (Err(Error::TokenWriteProtected), _) => return self.count_here(&slot, tag),
                (Err(error), _) => return Err(error),
            }
            pause(attempt);
            attempt = (attempt + 1).min(ATTEMPTS);
        }
        Err(Error::FunctionFailed.because("too many attempts at once"))
    }

    /// Counts the attempt in this process: for a store that can only be read.
    fn count_here(&self, slot: &SlotRecord, tag: &Tag) -> Result<bool> {
        let admission = local(self.token, slot.who, |local| {
            let (admission, counted) = local.admit(tag, &slot.counter);
            *local = counted;
            admission
        });
        if admission == Admission::Allowed { Ok(true) } else { Err(Error::PinLocked) }
    }

    /// Sets the counter of a slot that its PIN has opened to zero, unless the PIN has changed since.
    fn clear_tries(&self, opened: &SlotRecord) -> Result<()> {
        local(self.token, opened.who, |local| *local = Counter::default());
        self.settle_tries(opened, |_| Counter::default())
    }

    /// Counts a wrong PIN.
    fn refute_try(&self, opened: &SlotRecord, tag: &Tag) -> Result<()> {
        let settled = self.settle_tries(opened, |counter| counter.refuted(tag));
        if settled == Err(Error::TokenWriteProtected) {
            local(self.token, opened.who, |local| *local = local.refuted(tag));
            return Ok(());
        }
        settled
    }

    /// Replaces the counter of a slot, unless it is right already or the PIN has changed since.
    fn settle_tries(
        &self,
        opened: &SlotRecord,
        settle: impl Fn(&Counter) -> Counter,
    ) -> Result<()> {
        let start = Instant::now();
        let mut attempt = 0;
        while start.elapsed() < PATIENCE {
            let Some((revision, slot)) = self.same_slot(opened)? else { return Ok(()) };
            let counter = settle(&slot.counter);
            if counter == slot.counter
                || self.replace_slot(revision, &SlotRecord { counter, ..slot })?
            {
                return Ok(());
            }
            pause(attempt);
            attempt = (attempt + 1).min(ATTEMPTS);
        }
        Err(Error::FunctionFailed.because("too many attempts at once"))
    }

    /// Returns the slot as it is now, unless the PIN has changed since.
    fn same_slot(&self, known: &SlotRecord) -> Result<Option<(Revision, SlotRecord)>> {
        let (_, slot) = self.description_and_slot(known.who)?;
        Ok(slot.filter(|(_, slot)| slot.seal == known.seal))
    }

    fn replace_slot(&self, from: Revision, slot: &SlotRecord) -> Result<bool> {
        let change = Change { id: slot.who.slot(), from, body: Some(slot.body()) };
        Ok(self.store.write_reserved(self.token, &[change])?.is_some())
    }

    fn description_and_slot(
        &self,
        who: Who,
    ) -> Result<(DescriptionRecord, Option<(Revision, SlotRecord)>)> {
        let records = self.store.fetch(self.token, &[DESCRIPTION, who.slot()])?;
        let [description, slot] =
            <[Option<Record>; 2]>::try_from(records).map_err(|_| Error::DeviceError)?;
        let (_, description) = self.parse_description(description)?;
        let slot = match slot {
            Some(Record { revision, body: Some(body), .. }) => {
                Some((revision, self.parse_slot(who, &body)?))
            }
            _ => None,
        };
        Ok((description, slot))
    }

    pub(super) fn parse_slot(&self, who: Who, body: &[u8]) -> Result<SlotRecord> {
        SlotRecord::parse(body)
            .filter(|slot| slot.who == who)
            .ok_or_else(|| tampered(self.token, format_args!("the slot of {who:?} was altered")))
    }

    /// Puts `slot`, a new one for the same token key, in the place of `old`. `false` if `old` is
    /// not there any more.
    fn renew_slot(
        &self,
        unlocked: &Unlocked,
        slot: &SlotRecord,
        old: Option<&SlotRecord>,
    ) -> Result<bool> {
        let id = slot.who.slot();
        let delta = Delta {
            added: vec![Element::slot(slot)?],
            removed: old.map(Element::slot).transpose()?.into_iter().collect(),
        };
        for attempt in 0..ATTEMPTS {
            let record = self.store.fetch(self.token, &[id])?.into_iter().flatten().next();
            let from = record.as_ref().map_or(Revision(0), |record| record.revision);
            let now = record.and_then(|record| record.body);
            let now = now.map(|body| self.parse_slot(slot.who, &body)).transpose()?;
            if now.map(|now| now.seal).as_ref() != old.map(|old| &old.seal) {
                return Ok(false);
            }
            let changes = vec![Change { id, from, body: Some(slot.body()) }];
            if self.commit(unlocked, Batch { changes, delta: delta.clone() })?.is_some() {
                self.settle();
                return Ok(true);
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }

    pub(super) fn change(&self, who: Who, old: &[u8], new: &[u8]) -> Result<()> {
        check_length(new)?;
        let Admitted { place, token_key, slot } = self.admit(who, old)?;
        let unlocked = Unlocked::new(place, token_key)?;
        let version = slot.version.wrapping_add(1);
        let fresh = SlotRecord::new(&place, who, version, new, &unlocked.token_key)?;
        if self.renew_slot(&unlocked, &fresh, Some(&slot))? {
            return Ok(());
        }
        Err(Error::PinIncorrect.because("the PIN was changed by another process"))
    }

    pub(super) fn set_user(&self, unlocked: &Unlocked, pin: &[u8]) -> Result<()> {
        check_length(pin)?;
        for attempt in 0..ATTEMPTS {
            let (_, old) = self.description_and_slot(Who::User)?;
            let old = old.map(|(_, slot)| slot);
            let version = old.as_ref().map_or(1, |slot| slot.version.wrapping_add(1));
            let place = &unlocked.place;
            let fresh = SlotRecord::new(place, Who::User, version, pin, &unlocked.token_key)?;
            if self.renew_slot(unlocked, &fresh, old.as_ref())? {
                return Ok(());
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }
}
