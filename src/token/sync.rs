//! Keeping up with the store, which other processes change too.
use super::{Polled, Token};
use crate::crypto::Secret;
use crate::error::Result;
use crate::object::policy::{self, Login};
use crate::object::{Object, record};
use crate::store::vault::{Opened, Sealed, Unlocked, Vault};
use crate::store::{RecordId, Revision};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How old the view of the store may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Now,
    /// Not older than [`LATELY`]: for every use of a key.
    Lately,
}

/// A key destroyed elsewhere works no longer than this.
pub const LATELY: Duration = Duration::from_millis(50);

impl Token {
    /// Picks up what others have changed.
    pub(super) fn refresh(&self, freshness: Freshness) -> Result<()> {
        let Some(vault) = self.vault.get() else { return Ok(()) };
        match freshness {
            Freshness::Now => {
                // many may look at once; only who finds something new needs the others to wait
                let (at, stamp) = (Instant::now(), self.shared.store.stamp()?);
                let mut polled = self.polled.lock();
                if polled.stamp != Some(stamp) {
                    return self.read_store(&mut polled, vault);
                }
                polled.at = polled.at.max(at);
                Ok(())
            }
            // someone who is reading the store right now is fresh enough
            Freshness::Lately => match self.polled.try_lock() {
                Some(polled) if polled.stamp.is_some() && polled.at.elapsed() < LATELY => Ok(()),
                Some(mut polled) => self.read_store(&mut polled, vault),
                None => Ok(()),
            },
        }
    }

    pub(super) fn read_store(&self, polled: &mut Polled, vault: &Vault) -> Result<()> {
        let (at, stamp) = (Instant::now(), self.shared.store.stamp()?);
        polled.at = at;
        if polled.stamp == Some(stamp) {
            return Ok(());
        }
        let known = self.state.read().revision;
        let mut changes = vault.changes(known)?;
        if self.state.read().epoch.is_some_and(|epoch| epoch != changes.epoch) {
            self.state.write().reset();
            changes = vault.changes(Revision::default())?;
        }
        let (login, unlocked, hashes) = {
            let state = self.state.read();
            (state.login, state.unlocked.clone(), state.index.hashes())
        };
        let read: Vec<_> = changes
            .entries
            .into_iter()
            .filter(|entry| !self.state.read().knows(entry))
            .map(|entry| {
                let object =
                    entry.content.and_then(|s| view(entry.id, &s, login, unlocked.as_deref()));
                (entry.id, entry.revision, object.map(|object| hashes.of(object)))
            })
            .collect();
        let mut state = self.state.write();
        for (id, revision, object) in read {
            state.seen(id, revision, object)?;
        }
        state.epoch = Some(changes.epoch);
        state.revision = changes.revision;
        polled.stamp = Some(stamp);
        Ok(())
    }
}

/// What this login sees of an object's record.
fn view(
    id: RecordId,
    sealed: &Sealed,
    login: Login,
    unlocked: Option<&Unlocked>,
) -> Option<Arc<Object>> {
    let (bytes, verified) = match (unlocked, &sealed.open) {
        (Some(unlocked), _) => (unlocked.attributes(id, sealed), true),
        (None, Some(open)) => (Ok(Secret::new(open.clone())), false),
        (None, None) => return None,
    };
    let Ok(attributes) = bytes else {
        left_out();
        return None;
    };
    show(login, &Opened { attributes: &attributes, material: sealed.material.as_deref() }, verified)
}

/// The object, if this login sees it.
pub(super) fn show(login: Login, opened: &Opened<'_>, verified: bool) -> Option<Arc<Object>> {
    let attributes = record::decode(opened.attributes);
    if attributes.is_none() {
        left_out();
    }
    let attributes = attributes?;
    policy::sees(login, &attributes)
        .then(|| Arc::new(Object::stored(attributes, opened.material.map(Box::from), verified)))
}

fn left_out() {
    log::error!("an object of the token is not what was stored; it is left out");
}
