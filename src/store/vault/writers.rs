//! The one way in which anything that the ledger counts is written, and how threads share it.
//!
//! Every write changes the description, so writes of one process go one after the other: of several
//! threads one has the turn, and those who come meanwhile wait. What they want written goes into one
//! transaction, with one description and one synchronisation, which one of them then writes for all.
//! Nobody is told that something was written before that was done, and everybody as soon as it was.
#[cfg(test)]
mod tests;

use super::layout::{DESCRIPTION, DescriptionRecord};
use super::ledger::Delta;
use super::{ATTEMPTS, Change, Record, RecordId, Revision, Unlocked, Vault, pause};
use crate::error::{Error, Result};
use parking_lot::{Condvar, Mutex};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long who is to write waits for as many others as there were the last time: they are on their
/// way, and a synchronisation takes longer. Who writes alone does not wait.
const PATIENCE: Duration = Duration::from_micros(100);

/// Who was told longer ago that its write is done is not expected any more.
const LATELY: Duration = Duration::from_millis(10);

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
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Notified after each turn.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Arc<Ticket>>,
    /// Whether a thread has the turn.
    writing: bool,
    /// `None` during a write.
    last: Last,
    /// How many there were the last time, those who came too late for it included, and when it ended.
    before: Option<(usize, Instant)>,
}

/// What one thread wants written.
#[derive(Debug)]
struct Ticket {
    /// Of the token that the thread has unlocked.
    epoch: [u8; 16],
    batch: Mutex<Option<Batch>>,
    outcome: Mutex<Option<Outcome>>,
}

/// What the one thread that writes is to write. Dropped, it tells the others, whatever has happened.
#[derive(Debug)]
struct Turn<'a> {
    writers: &'a Writers,
    tickets: Vec<Arc<Ticket>>,
    last: Last,
}

impl Queue {
    /// Whether others are likely to come in a moment.
    fn expects_more(&self, now: Instant) -> bool {
        self.before.is_some_and(|(together, ended)| {
            self.waiting.len() < together && now.saturating_duration_since(ended) < LATELY
        })
    }
}

impl Writers {
    fn join(&self, epoch: [u8; 16], batch: Batch) -> Arc<Ticket> {
        let batch = Mutex::new(Some(batch));
        let ticket = Arc::new(Ticket { epoch, batch, outcome: Mutex::default() });
        self.queue.lock().waiting.push(ticket.clone());
        self.arrived.notify_one();
        ticket
    }

    /// The turn to write for all that wait to write to the same token, once nobody else has it; `None`
    /// if somebody has written what `ticket` is about.
    fn turn(&self, ticket: &Ticket) -> Option<Turn<'_>> {
        let waits = || ticket.outcome.lock().is_none();
        let mut queue = self.queue.lock();
        self.written.wait_while(&mut queue, |queue| queue.writing && waits());
        waits().then(|| {
            queue.writing = true;
            let now = Instant::now();
            self.arrived.wait_while_for(&mut queue, |queue| queue.expects_more(now), PATIENCE);
            let same = |other: &mut Arc<Ticket>| other.epoch == ticket.epoch;
            let tickets = queue.waiting.extract_if(.., same).collect();
            Turn { writers: self, tickets, last: queue.last.take() }
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        for ticket in &self.tickets {
            // without an outcome only after a panic
            ticket.outcome.lock().get_or_insert(Err(Error::GeneralError));
        }
        let mut queue = self.writers.queue.lock();
        queue.writing = false;
        queue.last = self.last.take();
        queue.before = Some((self.tickets.len() + queue.waiting.len(), Instant::now()));
        drop(queue);
        self.writers.written.notify_all();
    }
}

impl Vault {
    /// Writes `batch` together with a description whose ledger knows of it. Other writers of the
    /// description are waited for; `None` if one of them wrote what the changes are about.
    pub(super) fn commit(&self, unlocked: &Unlocked, batch: Batch) -> Outcome {
        let ticket = self.writers.join(unlocked.place.epoch, batch);
        if let Some(turn) = self.writers.turn(&ticket) {
            self.write_all(unlocked, turn);
        }
        let outcome = ticket.outcome.lock().take();
        outcome.unwrap_or(Err(Error::GeneralError))
    }

    fn write_all(&self, unlocked: &Unlocked, mut turn: Turn<'_>) {
        let batch = |ticket: &Arc<Ticket>| ticket.batch.lock().take();
        let batches = turn.tickets.iter().filter_map(batch).collect();
        let outcomes = self.write_together(unlocked, &mut turn.last, batches);
        for (ticket, outcome) in turn.tickets.iter().zip(outcomes) {
            *ticket.outcome.lock() = Some(outcome);
        }
    }

    /// One outcome for each batch.
    fn write_together(
        &self,
        unlocked: &Unlocked,
        last: &mut Last,
        batches: Vec<Batch>,
    ) -> Vec<Outcome> {
        let shared = match all_of(&batches) {
            Some(mut all) => self.write_one(unlocked, last, &mut all),
            None => Ok(None),
        };
        let failed = match shared {
            Ok(Some(revision)) => {
                let written = |batch: Batch| Written { revision, changes: batch.changes };
                return batches.into_iter().map(|batch| Ok(Some(written(batch)))).collect();
            }
            // other processes are in the way of each of them, and have been waited for
            Err(Error::FunctionFailed) => {
                return batches.iter().map(|_| Err(Error::FunctionFailed)).collect();
            }
            // one of them comes too late, or is what the store cannot take: each for itself
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let alone = |mut batch: Batch| match (self.write_one(unlocked, last, &mut batch)?, failed) {
            (Some(revision), _) => Ok(Some(Written { revision, changes: batch.changes })),
            // what failed may have been written all the same
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        };
        batches.into_iter().map(alone).collect()
    }

    /// Writes `batch`, which stays as it is, once others let it. `None` if it comes too late.
    fn write_one(
        &self,
        unlocked: &Unlocked,
        last: &mut Last,
        batch: &mut Batch,
    ) -> Result<Option<Revision>> {
        for attempt in 0..ATTEMPTS {
            if let Some(revision) = self.attempt(unlocked, last, batch)? {
                return Ok(Some(revision));
            }
            if !self.untouched(&batch.changes)? {
                return Ok(None);
            }
            pause(attempt);
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }

    /// Writes `batch`, which stays as it is, with the description that is to follow the last. `None`
    /// if that is not the last any more, or the batch comes too late.
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
        let removes = batch.changes.iter().all(|change| change.body.is_none());
        batch.changes.push(Change { id: DESCRIPTION, from, body: Some(next.body()) });
        let written = match removes {
            true => self.store.write_reserved(self.token, &batch.changes),
            false => self.store.write(self.token, &batch.changes),
        };
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

/// Several batches as one; `None` if there is but one, or if two are about the same record, of which
/// one comes too late.
fn all_of(batches: &[Batch]) -> Option<Batch> {
    let mut seen = HashSet::new();
    let ids = || batches.iter().flat_map(|batch| &batch.changes).map(|change| change.id);
    if batches.len() < 2 || !ids().all(|id| seen.insert(id)) {
        return None;
    }
    let mut all = Batch::default();
    for batch in batches {
        all.changes.extend_from_slice(&batch.changes);
        all.delta.extend(&batch.delta);
    }
    Some(all)
}
