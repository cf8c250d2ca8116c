//! The objects of a token, in the store or in sessions.
#[cfg(test)]
mod tests;

use super::state::Home;
use super::sync::Freshness;
use super::{Shared, Token};
use crate::ck::*;
use crate::crypto;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::{Object, record};
use crate::store::vault::{Entry, Write};
use crate::store::{RecordId, Revision};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The limit for a change that other processes keep overtaking. Threads of this process take
/// [turns](super::turns) and are never in the way.
const PATIENCE: Duration = Duration::from_secs(30);

impl Token {
    /// The object at `handle`, if it is in sight.
    pub fn object(&self, handle: CK_OBJECT_HANDLE) -> Result<Option<Arc<Object>>> {
        self.refresh(Freshness::Lately)?;
        let kept = self.state.read().index.at(handle).cloned();
        Ok(kept.or_else(|| self.built_in(handle)))
    }

    /// The same with its key material open: for whoever is about to use it.
    pub fn open_object(&self, handle: CK_OBJECT_HANDLE) -> Result<Option<Arc<Object>>> {
        let Some(object) = self.object(handle)? else { return Ok(None) };
        let (home, unlocked) = {
            let state = self.state.read();
            (state.homes.get(&handle).copied(), state.unlocked.clone())
        };
        object.open(&|sealed| match (home, &unlocked) {
            // one that a login under way has not read anew yet may say of itself what it likes
            (Some(Home::Store(id)), Some(unlocked)) if object.is_verified() => {
                unlocked.material(id, sealed)
            }
            _ => {
                Err(Error::UserNotLoggedIn.because("key material is sealed until someone logs in"))
            }
        })?;
        Ok(Some(object))
    }

    /// Handles of the objects in sight that match `template`.
    pub fn search(&self, template: &Attributes) -> Result<Vec<CK_OBJECT_HANDLE>> {
        self.refresh(Freshness::Now)?;
        let (undecided, mut found) = {
            let index = &self.state.read().index;
            (index.undecided(template), index.find(template))
        };
        if !undecided.is_empty() {
            for handle in undecided {
                // what cannot be opened cannot be seen, so it does not match
                let _ = self.open_object(handle);
            }
            found = self.state.read().index.find(template);
        }
        found.extend(self.search_built_in(template)?);
        Ok(found)
    }

    /// Puts new objects into the store or the session, all or none; their handles.
    pub fn insert(
        &self,
        session: CK_SESSION_HANDLE,
        objects: Vec<Object>,
    ) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let mut writes = Vec::new();
        let mut placed = Vec::new();
        for object in objects {
            let home = if object.is_token() {
                if !object.is_verified() {
                    return Err(Error::ActionProhibited
                        .because("a copy of what was not verified would pass for verified"));
                }
                let id = new_record_id()?;
                writes.push(insertion(id, &object));
                Home::Store(id)
            } else {
                Home::Session(session)
            };
            placed.push((home, object));
        }
        let unlocked = self.state.read().unlocked.clone();
        let entries = match writes.is_empty() {
            true => Vec::new(),
            false => {
                let unlocked = unlocked.as_ref().ok_or(Error::UserNotLoggedIn)?;
                self.vault()?.write(unlocked, writes)?.ok_or(Error::FunctionFailed)?
            }
        };
        let mut state = self.state.write();
        placed
            .into_iter()
            .map(|(home, object)| {
                // another thread may have read it from the store already
                if let Some(handle) = state.handle_of(home) {
                    return Ok(handle);
                }
                let (handle, revision) = (Shared::new_handle()?, revision_of(&entries, home));
                if state.keeps(home, revision, &object, unlocked.as_ref()) {
                    state.place(handle, home, object, revision);
                }
                Ok(handle)
            })
            .collect()
    }

    /// Replaces the object at `handle` by what `change` makes of it.
    pub fn replace(
        &self,
        handle: CK_OBJECT_HANDLE,
        change: impl Fn(&Object) -> Result<Object>,
    ) -> Result<()> {
        let _turn = self.turns.take(handle);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let old = self.open_object(handle)?.ok_or(Error::ObjectHandleInvalid)?;
            let new = change(&old)?;
            let Some((home, from)) = self.place_of(handle, &old) else { continue };
            let Home::Store(id) = home else {
                let mut state = self.state.write();
                if !state.has(handle, &old) {
                    continue;
                }
                state.place(handle, home, new, from);
                return Ok(());
            };
            let private = new.is_private();
            let attributes = record::encode(new.attributes());
            let update = Write::Update { id, from, private, attributes };
            if let Some(entries) = self.vault()?.write(&*self.unlocked()?, vec![update])? {
                let mut state = self.state.write();
                // what is there instead is newer, or of another login that reads the store anew
                if state.has(handle, &old) {
                    state.place(handle, home, new, revision_of(&entries, home));
                }
                return Ok(());
            }
            self.refresh(Freshness::Now)?;
        }
        Err(overtaken())
    }

    /// Destroys the object at `handle` if `may` says so.
    pub fn remove(
        &self,
        handle: CK_OBJECT_HANDLE,
        may: impl Fn(&Object) -> Result<()>,
    ) -> Result<()> {
        let _turn = self.turns.take(handle);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let object = self.object(handle)?.ok_or(Error::ObjectHandleInvalid)?;
            may(&object)?;
            let Some((home, from)) = self.place_of(handle, &object) else { continue };
            if let Home::Store(id) = home {
                let delete = Write::Delete { id, from };
                if self.vault()?.write(&*self.unlocked()?, vec![delete])?.is_none() {
                    self.refresh(Freshness::Now)?;
                    continue;
                }
            }
            let mut state = self.state.write();
            if matches!(home, Home::Session(_)) && !state.has(handle, &object) {
                continue;
            }
            state.take(handle);
            return Ok(());
        }
        Err(overtaken())
    }

    /// Where `object` is, and at which revision, if it is still what is at `handle`: a decision
    /// about one must not be carried out on another.
    fn place_of(&self, handle: CK_OBJECT_HANDLE, object: &Arc<Object>) -> Option<(Home, Revision)> {
        let state = self.state.read();
        state.has(handle, object).then_some(())?;
        let home = *state.homes.get(&handle)?;
        let revision = match home {
            Home::Store(id) => state.places.get(&id)?.revision,
            Home::Session(_) => Revision::default(),
        };
        Some((home, revision))
    }
}

fn overtaken() -> Error {
    Error::FunctionFailed.because("other processes keep changing the object")
}

fn insertion(id: RecordId, object: &Object) -> Write {
    Write::Insert {
        id,
        private: object.is_private(),
        attributes: record::encode(object.attributes()),
        material: object.material_record(),
    }
}

fn new_record_id() -> Result<RecordId> {
    let random = crypto::random(16).map_err(|_| Error::RandomNoRng)?;
    random.as_slice().try_into().map(RecordId).map_err(|_| Error::RandomNoRng)
}

fn revision_of(entries: &[Entry], home: Home) -> Revision {
    let Home::Store(id) = home else { return Revision::default() };
    entries.iter().find(|e| e.id == id).map_or_else(Revision::default, |e| e.revision)
}
