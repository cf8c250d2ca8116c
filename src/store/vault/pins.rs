//! PINs: the slots that hold the token key, and the tries they are worth.
//!
//! A try is taken, durably, before the PIN is looked at, and given back if it was right. So neither
//! many processes at once nor a kill at the right moment get one more than the limit.
use super::layout::{DESCRIPTION, DescriptionRecord, SlotRecord};
use super::ledger::{Delta, Element};
use super::seal::{Place, random_array, tampered};
use super::writers::Batch;
use super::{ATTEMPTS, Change, PIN_LEN, Record, Revision, Tries, Unlocked, Vault, Who, pause};
use crate::crypto::Secret;
use crate::crypto::aes::GcmKey;
use crate::crypto::pin::{Cost, derive};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a PIN without tries left waits for those that other processes have under way, which may
/// give theirs back: since the slot was last seen to change. For those of this one it waits anyway.
const TRIES_UNDER_WAY: Duration = Duration::from_millis(1500);

/// A slot that its PIN has opened.
pub(super) struct Admitted {
    pub place: Place,
    pub token_key: Secret,
    pub slot: SlotRecord,
}

/// How many tries are under way.
#[derive(Debug, Default)]
pub(super) struct Trying {
    so: AtomicUsize,
    user: AtomicUsize,
}

impl Trying {
    fn of(&self, who: Who) -> &AtomicUsize {
        match who {
            Who::So => &self.so,
            Who::User => &self.user,
        }
    }
}

/// A try that was taken; under way until it is dropped.
pub(super) struct Try<'a> {
    vault: &'a Vault,
    description: DescriptionRecord,
    slot: SlotRecord,
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        self.vault.trying.of(self.slot.who).fetch_sub(1, Ordering::SeqCst);
    }
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
        let (cost, salt) = (Cost::DEFAULT, random_array()?);
        let mut slot = SlotRecord { who, version, cost, salt, seal: Vec::new(), tries: 0 };
        let key = slot.key(pin)?;
        slot.seal = place.seal(&key, who.slot(), [&slot.head(), &[]], token_key)?;
        Ok(slot)
    }

    /// The token key, if `pin` is right. Takes as long if it is wrong.
    fn open(&self, place: &Place, pin: &[u8]) -> Result<Option<Secret>> {
        let key = self.key(pin)?;
        Ok(place.open(&key, self.who.slot(), [&self.head(), &[]], &self.seal))
    }

    fn key(&self, pin: &[u8]) -> Result<GcmKey> {
        let failed = |_| Error::DeviceError.because("Argon2id failed");
        let key = derive(pin, &self.salt, self.cost).map_err(failed)?;
        GcmKey::new(&key).map_err(|_| Error::DeviceError)
    }
}

/// `CKR_PIN_LEN_RANGE` for a new PIN that is too short or too long.
pub(super) fn check_length(pin: &[u8]) -> Result<()> {
    if PIN_LEN.contains(&pin.len()) { Ok(()) } else { Err(Error::PinLenRange) }
}

impl Vault {
    /// Opens the slot of `who`, counting wrong PINs.
    pub(super) fn admit(&self, who: Who, pin: &[u8]) -> Result<Admitted> {
        self.check(self.take_try(who)?, pin)
    }

    /// Whether `pin` opens the slot in which a try has been taken.
    pub(super) fn check(&self, tried: Try<'_>, pin: &[u8]) -> Result<Admitted> {
        let Try { description, slot, .. } = &tried;
        let place = Place { token: self.token, epoch: description.epoch };
        let Some(token_key) = slot.open(&place, pin)? else {
            log::warn!("wrong {:?} PIN, {} in a row", slot.who, slot.tries);
            return Err(Error::PinIncorrect);
        };
        self.give_back_tries(slot)?;
        Ok(Admitted { place, token_key, slot: slot.clone() })
    }

    /// The description and the slot, in which a try has been taken.
    pub(super) fn take_try(&self, who: Who) -> Result<Try<'_>> {
        let mut seen = (Revision(0), Instant::now());
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            // asked first: what they give back is then in the slot
            let ours = self.trying.of(who).load(Ordering::SeqCst) > 0;
            let (description, slot) = self.description_and_slot(who)?;
            let (revision, mut slot) = slot.ok_or_else(|| match who {
                Who::User => Error::UserPinNotInitialized,
                Who::So => tampered(self.token, "the SO's slot was removed"),
            })?;
            if slot.tries >= Tries::LIMIT {
                if seen.0 != revision {
                    seen = (revision, Instant::now());
                }
                if !ours && seen.1.elapsed() > TRIES_UNDER_WAY {
                    return Err(Error::PinLocked);
                }
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            slot.tries += 1;
            self.trying.of(who).fetch_add(1, Ordering::SeqCst);
            let tried = Try { vault: self, description, slot };
            if self.replace_slot(revision, &tried.slot)? {
                return Ok(tried);
            }
            drop(tried);
            pause(attempt);
            attempt += 1;
        }
        Err(Error::FunctionFailed.because("too many tries at once"))
    }

    /// Sets the counter of a slot that its PIN has opened to zero, unless it has got another PIN.
    fn give_back_tries(&self, opened: &SlotRecord) -> Result<()> {
        for attempt in 0..ATTEMPTS {
            let (_, slot) = self.description_and_slot(opened.who)?;
            match slot {
                Some((revision, slot)) if slot.seal == opened.seal && slot.tries > 0 => {
                    if self.replace_slot(revision, &SlotRecord { tries: 0, ..slot })? {
                        return Ok(());
                    }
                }
                _ => return Ok(()),
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many tries at once"))
    }

    fn replace_slot(&self, from: Revision, slot: &SlotRecord) -> Result<bool> {
        let change = Change { id: slot.who.slot(), from, body: Some(slot.body()) };
        Ok(self.store.write(self.token, &[change])?.is_some())
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
