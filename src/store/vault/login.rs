//! What a login reads: all records, once. In one pass every seal is opened, the ledger is added up, and
//! what was opened goes to whoever wants it.
//!
//! With a second thread the records are read while the PIN is hashed, and each thread opens half of
//! them. Both end before the call does; and soon after `C_Finalize`, which waits for them.
use super::layout::{DESCRIPTION, DescriptionRecord, SlotRecord, is_object};
use super::ledger::{Element, Ledger};
use super::pins::Admitted;
use super::{Record, RecordId, Revision, Unlocked, Vault, Who};
use crate::crypto::{Failed, Workers};
use crate::error::{Error, Result};
use parking_lot::Mutex;
use std::mem;

/// An object whose seal was opened.
#[derive(Debug)]
pub struct Opened<'a> {
    /// Its attributes, which are what was stored.
    pub attributes: &'a [u8],
    /// Its key material, still sealed: for [`Unlocked::material`].
    pub material: Option<&'a [u8]>,
}

/// All objects of a token at one moment, and what was made of them.
#[derive(Debug)]
pub struct Contents<T> {
    /// Which initialisation of the token they are of.
    pub epoch: [u8; 16],
    /// The moment.
    pub revision: Revision,
    /// The objects that there are or were, oldest change first; `None` for the destroyed, and for
    /// those of which nothing was made.
    pub objects: Vec<(RecordId, Revision, Option<T>)>,
}

/// Fewer records than this are opened before another thread has started.
const WORTH_A_THREAD: usize = 500;

/// What the second thread is called.
const THREAD: &str = "keyferry-login";

/// What one thread has made of its records.
struct Half<T> {
    ledger: Ledger,
    objects: Vec<(RecordId, Revision, Option<T>)>,
}

impl Vault {
    pub(super) fn open_all<T: Send>(
        &self,
        who: Who,
        pin: &[u8],
        workers: &Workers,
        make: &(impl Fn(Opened<'_>) -> Option<T> + Sync),
    ) -> Result<(Unlocked, Contents<T>)> {
        self.open_slot(who)?;
        let read = || self.store.read(self.token, Revision(0));
        let (admitted, read) = workers.both(THREAD, || self.admit(who, pin), read);
        let Admitted { place, token_key, .. } = admitted?;
        let (revision, records) = read?;
        let unlocked = Unlocked::new(place, token_key)?;
        let description = self.described(&records)?;
        if description.epoch != place.epoch {
            return Err(Error::DeviceRemoved.because("the token is being initialised anew"));
        }
        let Half { ledger, objects } = unlocked.open_records(workers, records, make)?;
        unlocked.compare(&description, &ledger)?;
        Ok((unlocked, Contents { epoch: place.epoch, revision, objects }))
    }

    fn described(&self, records: &[Record]) -> Result<DescriptionRecord> {
        let record = records.iter().find(|record| record.id == DESCRIPTION).cloned();
        self.parse_description(record).map(|(_, description)| description)
    }
}

impl Unlocked {
    fn open_records<T: Send>(
        &self,
        workers: &Workers,
        mut records: Vec<Record>,
        make: &(impl Fn(Opened<'_>) -> Option<T> + Sync),
    ) -> Result<Half<T>> {
        if records.len() < WORTH_A_THREAD {
            return self.open_half(workers, records, make);
        }
        let later = Mutex::new(records.split_off(records.len() / 2));
        let later = || mem::take(&mut *later.lock());
        let (half, other) = workers.both(
            THREAD,
            || self.open_half(workers, records, make),
            || self.open_half(workers, later(), make),
        );
        let (mut half, other) = (half?, other?);
        half.ledger.merge(&other.ledger);
        half.objects.extend(other.objects);
        Ok(half)
    }

    /// Every record goes as soon as it was opened: there may be many, and their objects take memory.
    fn open_half<T>(
        &self,
        workers: &Workers,
        records: Vec<Record>,
        make: &impl Fn(Opened<'_>) -> Option<T>,
    ) -> Result<Half<T>> {
        let mut pass = Pass { unlocked: self, ledger: Ledger::default() };
        let mut objects = Vec::with_capacity(records.len());
        for Record { id, revision, body } in records {
            workers.go_on().map_err(|Failed| {
                Error::CryptokiNotInitialized.because("C_Finalize ended the login")
            })?;
            let made = match body {
                Some(body) => pass.take(id, &body, make)?,
                None => None,
            };
            if is_object(id) {
                objects.push((id, revision, made));
            }
        }
        Ok(Half { ledger: pass.ledger, objects })
    }
}

/// A pass over records: the ledger so far.
struct Pass<'a> {
    unlocked: &'a Unlocked,
    ledger: Ledger,
}

impl Pass<'_> {
    /// Checks a record's seal as far as it can be, counts it, and makes something of an object.
    fn take<T>(
        &mut self,
        id: RecordId,
        body: &[u8],
        make: &impl Fn(Opened<'_>) -> Option<T>,
    ) -> Result<Option<T>> {
        if !is_object(id) {
            return self.take_slot(id, body).map(|()| None);
        }
        let unlocked = self.unlocked;
        let object = unlocked.object(id, body)?;
        let sealed = unlocked.sealed(id, &object)?;
        self.count(&Element::object(id, object.version, object.seal)?)?;
        let attributes = object.open.unwrap_or(&sealed);
        Ok(make(Opened { attributes, material: object.material }))
    }

    /// The description, which holds the ledger, is not counted in it.
    fn take_slot(&mut self, id: RecordId, body: &[u8]) -> Result<()> {
        let Some(who) = [Who::So, Who::User].into_iter().find(|who| who.slot() == id) else {
            return Ok(());
        };
        let slot = SlotRecord::parse(body).filter(|slot| slot.who == who);
        let slot = slot.ok_or_else(|| self.unlocked.altered("PIN slot", id))?;
        self.count(&Element::slot(&slot)?)
    }

    fn count(&mut self, element: &Element) -> Result<()> {
        self.ledger.add(element, &self.unlocked.ledger)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Write;
    use super::*;
    use crate::crypto::{Secret, Threads};
    use crate::store::Store;
    use crate::store::suite::on_each;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{ThreadId, current, scope, yield_now};

    const SO: &[u8] = b"12345678";
    const MANY: u16 = 1200;

    fn place(n: u16) -> RecordId {
        let mut id = [7; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        RecordId(id)
    }

    fn insert(n: u16) -> Write {
        let material = n.is_multiple_of(2).then(|| Secret::new(vec![1; 8]));
        let attributes = Secret::new(n.to_be_bytes().to_vec());
        Write::Insert { id: place(n), private: !n.is_multiple_of(3), attributes, material }
    }

    type Made = (RecordId, Revision, Option<(u16, bool)>);

    fn opened(vault: &Vault, threads: Threads) -> (Vec<Made>, HashSet<ThreadId>) {
        let seen = Mutex::new(HashSet::new());
        let make = |opened: Opened<'_>| {
            seen.lock().insert(current().id());
            let number = u16::from_be_bytes(opened.attributes.try_into().unwrap());
            (number % 5 > 0).then_some((number, opened.material.is_some()))
        };
        let workers = Workers::new(threads);
        let (_, contents) = vault.unlock_all(Who::So, SO, &workers, &make).unwrap();
        // what follows the moment is found from there
        assert!(vault.changes(contents.revision).unwrap().entries.is_empty());
        (contents.objects, seen.into_inner())
    }

    fn filled(store: Arc<dyn Store>) -> (Vault, Unlocked) {
        let vault = Vault::create(store, 0, [b' '; 32], SO).unwrap().unwrap();
        let unlocked = vault.unlock(Who::So, SO).unwrap();
        let all: Vec<u16> = (0..MANY).collect();
        for some in all.chunks(100) {
            vault.write(&unlocked, some.iter().map(|n| insert(*n)).collect()).unwrap().unwrap();
        }
        (vault, unlocked)
    }

    #[test]
    fn two_threads_open_what_one_does() {
        on_each(|store| {
            let (vault, unlocked) = filled(store);
            let delete = Write::Delete { id: place(3), from: Revision(0) };
            assert!(vault.write(&unlocked, vec![delete]).unwrap().is_none());
            let entry = vault.changes(Revision(0)).unwrap().entries;
            let from = entry.iter().find(|entry| entry.id == place(3)).unwrap().revision;
            vault.write(&unlocked, vec![Write::Delete { id: place(3), from }]).unwrap().unwrap();

            let (one, alone) = opened(&vault, Threads::One);
            assert_eq!(alone, HashSet::from([current().id()]), "no thread without leave");
            let (two, threads) = opened(&vault, Threads::Two);
            assert_eq!((one.len(), threads.len()), (usize::from(MANY), 2));
            assert_eq!(one, two);
            for (id, _, made) in one {
                let n = u16::from_be_bytes([id.0[0], id.0[1]]);
                assert_eq!(made, (n != 3 && n % 5 > 0).then_some((n, n.is_multiple_of(2))));
            }
        });
    }

    /// Each thread may be at one record when it is given up, and takes no other.
    #[test]
    fn given_up_it_fails_and_no_thread_is_left() {
        on_each(|store| {
            let (vault, _) = filled(store);
            for (threads, most) in [(Threads::One, 1), (Threads::Two, 2)] {
                let (workers, taken) = (Workers::new(threads), AtomicUsize::new(0));
                let make = |_: Opened<'_>| {
                    taken.fetch_add(1, Ordering::SeqCst);
                    while !workers.stopped() {
                        yield_now();
                    }
                    Some(())
                };
                scope(|scope| {
                    let login =
                        scope.spawn(|| vault.unlock_all(Who::So, SO, &workers, &make).err());
                    while taken.load(Ordering::SeqCst) == 0 {
                        yield_now();
                    }
                    workers.stop();
                    let by_then = taken.load(Ordering::SeqCst);
                    assert!(by_then <= most, "{by_then} records");
                    assert_eq!(login.join().unwrap(), Some(Error::CryptokiNotInitialized));
                    assert_eq!(taken.load(Ordering::SeqCst), by_then, "a record after the end");
                });
            }
        });
    }
}
