//! Turns at an object: threads that change one object decide one after the other.
//!
//! Without turns all of them would decide on the same state, and all but one would have to decide
//! again. Threads that change different objects do not wait for each other.
use crate::ck::CK_OBJECT_HANDLE;
use parking_lot::{Condvar, Mutex};
use std::collections::HashSet;

/// The objects that threads of this process are changing.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<HashSet<CK_OBJECT_HANDLE>>,
    given_back: Condvar,
}

/// The turn of one thread at one object, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    handle: CK_OBJECT_HANDLE,
}

impl Turns {
    /// Waits until no other thread changes the object at `handle`.
    pub(super) fn take(&self, handle: CK_OBJECT_HANDLE) -> Turn<'_> {
        let mut taken = self.taken.lock();
        self.given_back.wait_while(&mut taken, |taken| taken.contains(&handle));
        taken.insert(handle);
        Turn { turns: self, handle }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.taken.lock().remove(&self.handle);
        self.turns.given_back.notify_all();
    }
}
