//! What a token keeps in memory: who is logged in, and which objects are where.
use super::{Sessions, Shared};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::object::index::{Hashed, Index};
use crate::object::policy::{self, Login};
use crate::store::vault::{Contents, Entry, Unlocked};
use crate::store::{RecordId, Revision};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct State {
    pub(super) login: Login,
    pub(super) unlocked: Option<Arc<Unlocked>>,
    /// How often someone was logged out.
    pub(super) locked: u64,
    /// Which initialisation of the token the objects are of.
    pub(super) epoch: Option<[u8; 16]>,
    pub(super) revision: Revision,
    pub(super) index: Index,
    /// Where the token objects of the store are in the index.
    pub(super) places: HashMap<RecordId, Place>,
    pub(super) homes: BTreeMap<CK_OBJECT_HANDLE, Home>,
    pub(super) sessions: Sessions,
    /// The sessions that are open, and the objects of each.
    pub(super) open: HashMap<CK_SESSION_HANDLE, HashSet<CK_OBJECT_HANDLE>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) handle: CK_OBJECT_HANDLE,
    pub(super) revision: Revision,
}

/// Where an object lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    Store(RecordId),
    Session(CK_SESSION_HANDLE),
}

impl State {
    pub(super) fn new() -> State {
        State {
            login: Login::Public,
            unlocked: None,
            locked: 0,
            epoch: None,
            revision: Revision::default(),
            index: Index::default(),
            places: HashMap::new(),
            homes: BTreeMap::new(),
            sessions: Sessions::default(),
            open: HashMap::new(),
        }
    }

    pub(super) fn may_login(&self, login: Login) -> Result<()> {
        match self.login {
            // a login must not outlive the last session, which may have gone while the PIN was hashed
            _ if self.open.is_empty() => Err(Error::SessionHandleInvalid),
            Login::Public if login == Login::So && self.sessions.read_only > 0 => {
                Err(Error::SessionReadOnlyExists)
            }
            Login::Public => Ok(()),
            already if already == login => Err(Error::UserAlreadyLoggedIn),
            _ => Err(Error::UserAnotherAlreadyLoggedIn),
        }
    }

    /// Logs out. Private objects go; public ones of the store keep their handles, but must be read
    /// again: without the token key they can be neither verified nor used.
    pub(super) fn lock(&mut self) {
        self.login = Login::Public;
        self.unlocked = None;
        self.locked += 1;
        self.forget(|_, object| object.is_private());
        let stored: Vec<_> = self.places.values().map(|place| place.handle).collect();
        for handle in stored {
            if let Some(object) = self.index.at(handle).map(|o| o.locked()) {
                self.index.insert(handle, Arc::new(object));
            }
        }
        self.doubt();
    }

    /// Whatever is known of the store must be read again: it is verified, or not, by another login.
    pub(super) fn doubt(&mut self) {
        self.revision = Revision::default();
        for place in self.places.values_mut() {
            place.revision = Revision::default();
        }
    }

    /// Everything known of the store is void: the token was initialised anew.
    pub(super) fn reset(&mut self) {
        self.lock();
        self.forget(|home, _| matches!(home, Home::Store(_)));
    }

    pub(super) fn forget(&mut self, which: impl Fn(&Home, &Object) -> bool) {
        let gone: Vec<_> = self
            .homes
            .iter()
            .filter(|(handle, home)| {
                self.index.at(**handle).is_none_or(|object| which(home, object))
            })
            .map(|(handle, _)| *handle)
            .collect();
        for handle in gone {
            self.take(handle);
        }
    }

    pub(super) fn take(&mut self, handle: CK_OBJECT_HANDLE) {
        self.index.remove(handle);
        match self.homes.remove(&handle) {
            Some(Home::Store(id)) => {
                self.places.remove(&id);
            }
            Some(Home::Session(owner)) => {
                self.open.get_mut(&owner).map(|objects| objects.remove(&handle));
            }
            None => {}
        }
    }

    /// Counts a session out; its objects go with it.
    pub(super) fn close(&mut self, session: CK_SESSION_HANDLE) {
        for handle in self.open.remove(&session).unwrap_or_default() {
            self.take(handle);
        }
    }

    pub(super) fn place(
        &mut self,
        handle: CK_OBJECT_HANDLE,
        home: Home,
        object: Object,
        revision: Revision,
    ) {
        let object = self.index.hashes().of(Arc::new(object));
        self.place_hashed(handle, home, object, revision);
    }

    fn place_hashed(
        &mut self,
        handle: CK_OBJECT_HANDLE,
        home: Home,
        object: Hashed,
        revision: Revision,
    ) {
        match home {
            Home::Store(id) => {
                self.places.insert(id, Place { handle, revision });
            }
            Home::Session(owner) => {
                self.open.get_mut(&owner).map(|objects| objects.insert(handle));
            }
        }
        self.homes.insert(handle, home);
        self.index.insert_hashed(handle, object);
    }

    /// Whether `object` is still what is at `handle`.
    pub(super) fn has(&self, handle: CK_OBJECT_HANDLE, object: &Arc<Object>) -> bool {
        self.index.at(handle).is_some_and(|now| Arc::ptr_eq(now, object))
    }

    /// Whether a new object that was written at `revision`, under `unlocked`, is still to come in sight:
    /// not if its session was closed meanwhile, whoever made it has logged out, or what the store had
    /// then has been read already: the object came and went.
    pub(super) fn keeps(
        &self,
        home: Home,
        revision: Revision,
        object: &Object,
        unlocked: Option<&Arc<Unlocked>>,
    ) -> bool {
        let stays = match home {
            Home::Store(_) => {
                self.unlocked.as_ref().map(Arc::as_ptr) == unlocked.map(Arc::as_ptr)
                    && self.revision < revision
            }
            Home::Session(owner) => self.open.contains_key(&owner),
        };
        stays && policy::sees(self.login, object.attributes())
    }

    pub(super) fn handle_of(&self, home: Home) -> Option<CK_OBJECT_HANDLE> {
        match home {
            Home::Store(id) => self.places.get(&id).map(|place| place.handle),
            Home::Session(_) => None,
        }
    }

    /// Whether the store's entry is what the index has already.
    pub(super) fn knows(&self, entry: &Entry) -> bool {
        self.places.get(&entry.id).is_some_and(|place| place.revision == entry.revision)
    }

    /// Logs in: all that the store has at one moment comes in sight, as far as `login` sees it.
    pub(super) fn unlock(
        &mut self,
        login: Login,
        unlocked: Unlocked,
        contents: Contents<Hashed>,
    ) -> Result<()> {
        if self.epoch.is_some_and(|epoch| epoch != contents.epoch) {
            self.reset();
        }
        self.login = login;
        self.unlocked = Some(Arc::new(unlocked));
        self.doubt();
        let more = contents.objects.len().saturating_sub(self.places.len());
        self.places.reserve(more);
        self.index.reserve(more);
        for (id, revision, object) in contents.objects {
            self.seen(id, revision, object)?;
        }
        self.epoch = Some(contents.epoch);
        self.revision = contents.revision;
        Ok(())
    }

    /// Takes in what the store has at `id` now.
    pub(super) fn seen(
        &mut self,
        id: RecordId,
        revision: Revision,
        object: Option<Hashed>,
    ) -> Result<()> {
        let known = self.places.get(&id).copied();
        if known.is_some_and(|place| place.revision > revision) {
            return Ok(());
        }
        match (known, object) {
            (Some(place), Some(object)) => {
                self.place_hashed(place.handle, Home::Store(id), object, revision)
            }
            (None, Some(object)) => {
                self.place_hashed(Shared::new_handle()?, Home::Store(id), object, revision)
            }
            (Some(place), None) => self.take(place.handle),
            (None, None) => {}
        }
        Ok(())
    }
}
