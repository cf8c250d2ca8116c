//! Objects that others destroy while they are written.
use super::*;
use crate::config::{Config, Location, NullParameter};
use crate::crypto::{Threads, Workers};
use crate::object::attribute::Value;
use crate::object::policy::Access;
use crate::store::memory::Memory;
use crate::store::suite::Meddled;
use crate::store::vault::{Unlocked, Vault, Who};
use crate::store::{Change, Store, TokenId};
use parking_lot::Mutex;

const PIN: &[u8] = b"12345678";
const SESSION: CK_SESSION_HANDLE = 1;

/// What happens after the next write, before whoever wrote goes on.
type Then = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A token that the SO is logged in to, and how another process sees it.
struct Two {
    token: Arc<Token>,
    elsewhere: Arc<(Vault, Unlocked)>,
    then: Then,
}

fn two() -> Two {
    let (store, then): (Arc<dyn Store>, Then) = (Arc::new(Memory::default()), Then::default());
    let next = then.clone();
    let write = move |store: &dyn Store, token: TokenId, changes: &[Change]| {
        let written = store.write(token, changes);
        let next = next.lock().take();
        if let Some(next) = next {
            next();
        }
        written
    };
    let elsewhere = Vault::create(store.clone(), 0, [b' '; 32], PIN).unwrap().unwrap();
    let unlocked = elsewhere.unlock(Who::So, PIN).unwrap();
    let id = elsewhere.token();
    let config = Config {
        store: Location::Memory,
        null_parameter: NullParameter::default(),
        min_rsa_bits: 1024,
        legacy: false,
        enforce_dates: false,
    };
    let workers = Arc::new(Workers::new(Threads::One));
    let store: Arc<dyn Store> = Arc::new(Meddled { store, write });
    let shared = Arc::new(Shared::new(store.clone(), config, workers));
    let token = Arc::new(Token::new(shared, Some(Vault::of(store, id))));
    token.session_opened(SESSION, Access::ReadWrite).unwrap();
    token.login(Who::So, PIN).unwrap();
    Two { token, elsewhere: Arc::new((elsewhere, unlocked)), then }
}

impl Two {
    /// After the next write, another process destroys all that is there, and another thread looks.
    fn destroy_next(&self) {
        let (token, elsewhere) = (self.token.clone(), self.elsewhere.clone());
        let destroy = move || {
            let (vault, unlocked) = &*elsewhere;
            let there = vault.changes(Revision(0)).unwrap().entries;
            let delete = |entry: Entry| Write::Delete { id: entry.id, from: entry.revision };
            let deletes = there.into_iter().map(delete).collect();
            vault.write(unlocked, deletes).unwrap().unwrap();
            assert_eq!(token.search(&data()), Ok(vec![]));
        };
        *self.then.lock() = Some(Box::new(destroy));
    }

    fn is_gone(&self, handle: CK_OBJECT_HANDLE) -> bool {
        self.then.lock().is_none()
            && self.token.object(handle).unwrap().is_none()
            && self.token.search(&data()) == Ok(vec![])
    }
}

fn data() -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set(CKA_CLASS, Value::Ulong(CKO_DATA));
    attributes.set(CKA_TOKEN, Value::Bool(true));
    attributes
}

fn labelled(label: &[u8]) -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set(CKA_LABEL, Value::bytes(label));
    attributes
}

#[test]
fn what_was_destroyed_before_it_came_in_sight_does_not_come_back() {
    let two = two();
    let new = || vec![Object::new(data())];
    let kept = two.token.insert(SESSION, new()).unwrap();
    assert_eq!(two.token.search(&data()), Ok(kept));
    two.destroy_next();
    let [handle] = two.token.insert(SESSION, new()).unwrap().try_into().unwrap();
    assert!(two.is_gone(handle));
}

#[test]
fn what_was_destroyed_after_a_change_does_not_come_back() {
    let two = two();
    let [handle] =
        two.token.insert(SESSION, vec![Object::new(data())]).unwrap().try_into().unwrap();
    two.destroy_next();
    two.token.replace(handle, |object| Ok(object.with(labelled(b"new")))).unwrap();
    assert!(two.is_gone(handle));
}
