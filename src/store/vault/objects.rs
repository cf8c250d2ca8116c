//! Objects in and out.
use super::layout::{DESCRIPTION, ObjectRecord, is_object};
use super::ledger::Element;
use super::seal::{hex, tampered};
use super::unlocked::Content;
use super::writers::{Batch, Written};
use super::{
    ATTEMPTS, Change, Changes, Entry, Record, RecordId, Revision, Sealed, Unlocked, Vault, Write,
    pause,
};
use crate::crypto::Secret;
use crate::error::{Error, Result};

impl Batch {
    /// Seals a write. `old` is the object as it is, if there is to be one.
    fn take(&mut self, unlocked: &Unlocked, write: Write, old: Option<ObjectRecord>) -> Result<()> {
        let id = write.id();
        if let Some(old) = &old {
            self.delta.removed.push(Element::object(id, old.version, &old.seal)?);
        }
        let version = old.as_ref().map_or(1, |old| old.version.wrapping_add(1));
        let (from, content) = content(unlocked, write, old)?;
        let object =
            content.map(|content| unlocked.seal_object(id, version, content)).transpose()?;
        if let Some(object) = &object {
            self.delta.added.push(Element::object(id, object.version, &object.seal)?);
        }
        let body = object.map(|object| object.body().ok_or(Error::DeviceMemory)).transpose()?;
        self.changes.push(Change { id, from, body });
        Ok(())
    }
}

/// Where a write expects its object, and what the object is to hold; `None` to destroy it.
fn content(
    unlocked: &Unlocked,
    write: Write,
    old: Option<ObjectRecord>,
) -> Result<(Revision, Option<Content>)> {
    let (from, private, attributes, material) = match write {
        Write::Insert { id, private, attributes, material } => {
            let seal = |material: Secret| unlocked.seal_material(id, &material);
            (Revision(0), private, attributes, material.map(seal).transpose()?)
        }
        Write::Update { from, private, attributes, .. } => {
            (from, private, attributes, old.and_then(|old| old.material))
        }
        Write::Delete { from, .. } => return Ok((from, None)),
    };
    Ok((from, Some(Content { private, attributes, material })))
}

impl Vault {
    pub(super) fn write_objects(
        &self,
        unlocked: &Unlocked,
        writes: Vec<Write>,
    ) -> Result<Option<Vec<Entry>>> {
        let destroys = writes.iter().any(|write| matches!(write, Write::Delete { .. }));
        let Some(batch) = self.seal_all(unlocked, writes)? else {
            return Ok(None);
        };
        let Some(written) = self.commit(unlocked, batch)? else {
            return Ok(None);
        };
        if destroys {
            self.settle();
        }
        let Written { revision, changes } = written;
        changes
            .into_iter()
            .map(|change| self.entry(change.id, revision, change.body))
            .collect::<Result<_>>()
            .map(Some)
    }

    /// `None` if an object is not at the expected revision.
    fn seal_all(&self, unlocked: &Unlocked, writes: Vec<Write>) -> Result<Option<Batch>> {
        let Some(mut present) = self.present(unlocked, &writes)? else {
            return Ok(None);
        };
        let mut batch = Batch::default();
        for write in writes {
            let old = write.was().and_then(|_| present.next());
            batch.take(unlocked, write, old)?;
        }
        Ok(Some(batch))
    }

    /// The objects that updates and deletions are about, authenticated, in their order. `None` if
    /// one is not at the expected revision.
    fn present(
        &self,
        unlocked: &Unlocked,
        writes: &[Write],
    ) -> Result<Option<impl Iterator<Item = ObjectRecord> + use<>>> {
        if let Some(id) = writes.iter().map(Write::id).find(|id| !is_object(*id)) {
            let cause = format!("{} is not an object's place", hex(&id.0));
            return Err(Error::GeneralError.because(cause));
        }
        let (ids, from): (Vec<_>, Vec<_>) = writes.iter().filter_map(Write::was).unzip();
        let mut present = Vec::with_capacity(ids.len());
        let records =
            if ids.is_empty() { Vec::new() } else { self.store.fetch(self.token, &ids)? };
        for ((record, id), from) in records.into_iter().zip(ids).zip(from) {
            let Some(Record { revision, body: Some(body), .. }) = record else {
                return Ok(None);
            };
            if revision != from {
                return Ok(None);
            }
            let object = unlocked.object(id, &body)?;
            unlocked.attributes_of(id, &object)?;
            present.push(object.into_record());
        }
        Ok(Some(present.into_iter()))
    }

    pub(super) fn changes_since(&self, since: Revision) -> Result<Changes> {
        for attempt in 0..ATTEMPTS {
            let (revision, records) = self.store.read(self.token, since)?;
            let found = records.iter().find(|record| record.id == DESCRIPTION).cloned();
            let (described, description) = match found {
                Some(record) => self.parse_description(Some(record))?,
                None => self.fetch_description()?,
            };
            if described > revision {
                // written between the two reads, perhaps by a reinitialisation
                pause(attempt);
                continue;
            }
            let objects = records.into_iter().filter(|record| is_object(record.id));
            let entries = objects.map(|record| self.entry(record.id, record.revision, record.body));
            let entries = entries.collect::<Result<_>>()?;
            return Ok(Changes { epoch: description.epoch, revision, entries });
        }
        Err(Error::FunctionFailed.because("too many writers at once"))
    }

    fn entry(&self, id: RecordId, revision: Revision, body: Option<Vec<u8>>) -> Result<Entry> {
        let altered = || tampered(self.token, format_args!("object {} was altered", hex(&id.0)));
        let content = body.map(|body| Sealed::parse(body).ok_or_else(altered)).transpose()?;
        Ok(Entry { id, revision, content })
    }
}

impl Write {
    fn id(&self) -> RecordId {
        match self {
            Write::Insert { id, .. } | Write::Update { id, .. } | Write::Delete { id, .. } => *id,
        }
    }

    /// Which record the write is about, and where it must be, if it must be there already.
    fn was(&self) -> Option<(RecordId, Revision)> {
        match self {
            Write::Insert { .. } => None,
            Write::Update { id, from, .. } | Write::Delete { id, from } => Some((*id, *from)),
        }
    }
}
