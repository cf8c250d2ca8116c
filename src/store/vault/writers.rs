//! The one way in which anything that the ledger counts is written, and how threads share it.
//!
//! Every write changes the description, so writes of one process go one after the other. What several
//! threads are about to write at the same time goes into one transaction, with one description and one
//! synchronisation. Nobody is told that something was written before that was done.
use super::layout::{DESCRIPTION, DescriptionRecord};
use super::ledger::Delta;
use super::{ATTEMPTS, Change, Record, RecordId, Revision, Unlocked, Vault, pause};
use crate::error::{Error, Result};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// How long the first to come waits for as many others as there were the last time: about as long as a
/// write takes at best. Who writes alone never waits.
const PATIENCE: Duration = Duration::from_micros(200);

/// Sealed changes, and what they do to the ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub changes: Vec<Change>,
    pub delta: Delta,
}

/// Changes that were made.
#[derive(Debug)]
pub(super) struct Written {
    pub revision: Revision,
    pub changes: Vec<Change>,
}

/// `None` if another writer was first.
type Outcome = Result<Option<Written>>;

/// The description as this process wrote it last: a guess that the store's compare-and-swap confirms
/// or refutes.
type Last = Option<(Revision, DescriptionRecord)>;

/// The threads that write.
#[derive(Debug, Default)]
pub(super) struct Writers {
    /// Locked during a write.
    last: Mutex<Last>,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Arc<Ticket>>,
    /// How many there were the last time, those who came too late for it included.
    expected: usize,
}

/// What one thread wants written.
#[derive(Debug)]
struct Ticket {
    /// Of the token that the thread has unlocked.
    epoch: [u8; 16],
    batch: Mutex<Option<Batch>>,
    outcome: Mutex<Option<Outcome>>,
}

impl Writers {
    fn join(&self, epoch: [u8; 16], batch: Batch) -> Arc<Ticket> {
        let batch = Mutex::new(Some(batch));
        let ticket = Arc::new(Ticket { epoch, batch, outcome: Mutex::default() });
        self.queue.lock().waiting.push(ticket.clone());
        self.arrived.notify_one();
        ticket
    }

    /// All that wait to write to the same token, once they have had time to come.
    fn gather(&self, epoch: [u8; 16]) -> Vec<Arc<Ticket>> {
        let mut queue = self.queue.lock();
        let few = |queue: &mut Queue| queue.waiting.len() < queue.expected;
        self.arrived.wait_while_for(&mut queue, few, PATIENCE);
        queue.waiting.extract_if(.., |ticket| ticket.epoch == epoch).collect()
    }

    fn done(&self, together: usize) {
        let mut queue = self.queue.lock();
        queue.expected = together + queue.waiting.len();
    }
}

impl Vault {
    /// Writes `batch` together with a description whose ledger knows of it. Other writers of the
    /// description are waited for; `None` if one of them wrote what the changes are about.
    pub(super) fn commit(&self, unlocked: &Unlocked, batch: Batch) -> Outcome {
        let ticket = self.writers.join(unlocked.place.epoch, batch);
        let mut last = self.writers.last.lock();
        // unless someone has written it meanwhile
        if ticket.batch.lock().is_some() {
            self.write_gathered(unlocked, &mut last);
        }
        drop(last);
        let outcome = ticket.outcome.lock().take();
        outcome.unwrap_or(Err(Error::GeneralError))
    }

    fn write_gathered(&self, unlocked: &Unlocked, last: &mut Last) {
        let tickets = self.writers.gather(unlocked.place.epoch);
        let batches = tickets.iter().filter_map(|ticket| ticket.batch.lock().take()).collect();
        let outcomes = self.write_together(unlocked, last, batches);
        for (ticket, outcome) in tickets.iter().zip(outcomes) {
            *ticket.outcome.lock() = Some(outcome);
        }
        self.writers.done(tickets.len());
    }

    /// One outcome for each batch.
    fn write_together(
        &self,
        unlocked: &Unlocked,
        last: &mut Last,
        batches: Vec<Batch>,
    ) -> Vec<Outcome> {
        if batches.len() > 1 {
            let mut all = Batch::default();
            for batch in &batches {
                all.changes.extend_from_slice(&batch.changes);
                all.delta.extend(&batch.delta);
            }
            match self.attempt(unlocked, last, &mut all) {
                Ok(None) => {} // one of them comes too late: each for itself
                Ok(Some(revision)) => {
                    let written = |batch: Batch| Written { revision, changes: batch.changes };
                    return batches.into_iter().map(|batch| Ok(Some(written(batch)))).collect();
                }
                Err(error) => return batches.iter().map(|_| Err(error)).collect(),
            }
        }
        batches.into_iter().map(|batch| self.write_alone(unlocked, last, batch)).collect()
    }

    fn write_alone(&self, unlocked: &Unlocked, last: &mut Last, mut batch: Batch) -> Outcome {
        for attempt in 0..ATTEMPTS {
            if let Some(revision) = self.attempt(unlocked, last, &mut batch)? {
                return Ok(Some(Written { revision, changes: batch.changes }));
            }
            if !self.untouched(&batch.changes)? {
                return Ok(None);
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }

    /// Writes `batch`, which stays as it is, with the description that is to follow the last.
    fn attempt(
        &self,
        unlocked: &Unlocked,
        last: &mut Last,
        batch: &mut Batch,
    ) -> Result<Option<Revision>> {
        let known = last.take().filter(|(_, known)| known.epoch == unlocked.place.epoch);
        let (from, description) = match known {
            Some(known) => known,
            None => self.present_description(unlocked)?,
        };
        let next = unlocked.amend(&description, &batch.delta)?;
        batch.changes.push(Change { id: DESCRIPTION, from, body: Some(next.body()) });
        let written = self.store.write(self.token, &batch.changes);
        batch.changes.pop();
        let revision = written?;
        *last = revision.map(|revision| (revision, next));
        Ok(revision)
    }

    /// The description, if it is still that of the token that was unlocked.
    fn present_description(&self, unlocked: &Unlocked) -> Result<(Revision, DescriptionRecord)> {
        let (revision, description) = self.fetch_description()?;
        if description.epoch == unlocked.place.epoch {
            return Ok((revision, description));
        }
        Err(Error::DeviceRemoved.because("the token was initialised anew by another process"))
    }

    /// Whether every record is where its change expects it.
    fn untouched(&self, changes: &[Change]) -> Result<bool> {
        let ids: Vec<RecordId> = changes.iter().map(|change| change.id).collect();
        let now = self.store.fetch(self.token, &ids)?;
        let revision =
            |record: Option<Record>| record.map_or(Revision(0), |record| record.revision);
        Ok(now.into_iter().map(revision).eq(changes.iter().map(|change| change.from)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Who, Write};
    use super::*;
    use crate::crypto::Secret;
    use crate::store::Store;
    use crate::store::suite::{id, on_each};

    const SO: &[u8] = b"12345678";

    fn token(store: Arc<dyn Store>) -> (Vault, Unlocked) {
        let vault = Vault::create(store, 0, [b' '; 32], SO).unwrap().unwrap();
        let unlocked = vault.unlock(Who::So, SO).unwrap();
        (vault, unlocked)
    }

    fn insert(n: u8) -> Write {
        let attributes = Secret::new(vec![n]);
        Write::Insert { id: id(n), private: true, attributes, material: None }
    }

    /// What comes of `writes`, each in a thread of its own, that all wait for the same write.
    fn at_once(vault: &Vault, unlocked: &Unlocked, writes: Vec<Write>) -> Vec<Option<Entry>> {
        let busy = vault.writers.last.lock();
        let all = writes.len();
        std::thread::scope(|scope| {
            let write = |write| move || vault.write(unlocked, vec![write]).unwrap();
            let threads: Vec<_> = writes.into_iter().map(|w| scope.spawn(write(w))).collect();
            while vault.writers.queue.lock().waiting.len() < all {
                std::thread::yield_now();
            }
            drop(busy);
            let entry = |entries: Option<Vec<Entry>>| entries.map(|mut all| all.remove(0));
            threads.into_iter().map(|thread| entry(thread.join().unwrap())).collect()
        })
    }

    #[test]
    fn those_who_wait_are_written_together() {
        on_each(|store| {
            let (vault, unlocked) = token(store);
            let entries = at_once(&vault, &unlocked, (10..14).map(insert).collect());
            let first = entries[0].as_ref().unwrap().revision;
            assert!(entries.iter().all(|entry| entry.as_ref().unwrap().revision == first));
            assert_eq!(vault.changes(Revision(0)).unwrap().entries.len(), 4);
            // one for each, one after the other, and the ledger knows all of them
            let later = vault.write(&unlocked, vec![insert(20)]).unwrap().unwrap();
            assert_eq!(later[0].revision, Revision(first.0 + 1));
            vault.unlock(Who::So, SO).unwrap();
        });
    }

    #[test]
    fn who_comes_too_late_spoils_nothing_for_the_others() {
        on_each(|store| {
            let (vault, unlocked) = token(store);
            let from = vault.write(&unlocked, vec![insert(9)]).unwrap().unwrap()[0].revision;
            let delete = || Write::Delete { id: id(9), from };
            let writes = vec![insert(10), delete(), insert(11), delete()];
            let [one, gone, other, late] = at_once(&vault, &unlocked, writes).try_into().unwrap();
            assert!(one.is_some() && other.is_some());
            assert!(gone.is_some() != late.is_some(), "one of two has destroyed it");
            let there = vault.changes(Revision(0)).unwrap().entries;
            assert_eq!(there.iter().filter(|entry| entry.content.is_some()).count(), 2);
            vault.unlock(Who::So, SO).unwrap();
        });
    }
}
