//! The vault from outside: what callers may rely on, on every store.
mod attempts;
mod backup;
mod bytes;
mod pins;
mod seals;
mod tampering;
mod vector;

use super::*;
use crate::store::memory::Memory;
use crate::store::suite::{id, on_each};

const LABEL: [u8; 32] = [b'L'; 32];
const SO: &[u8] = b"12345678";
const USER: &[u8] = b"1234";

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::default())
}

/// A token with both PINs set, and unlocked by the user.
fn token(store: Arc<dyn Store>) -> (Vault, Unlocked) {
    let number = store.tokens().unwrap().len();
    let vault = Vault::create(store, number, LABEL, SO).unwrap().unwrap();
    vault.set_user_pin(&vault.unlock(Who::So, SO).unwrap(), USER).unwrap();
    let unlocked = vault.unlock(Who::User, USER).unwrap();
    (vault, unlocked)
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}

fn insert(n: u8, private: bool) -> Write {
    let material = private.then(|| secret(&[n; 40]));
    Write::Insert { id: id(n), private, attributes: secret(&[n, 1, 2, 3]), material }
}

fn update(n: u8, from: Revision, private: bool, attributes: &[u8]) -> Write {
    Write::Update { id: id(n), from, private, attributes: secret(attributes) }
}

fn written(vault: &Vault, unlocked: &Unlocked, writes: Vec<Write>) -> Vec<Entry> {
    vault.write(unlocked, writes).unwrap().unwrap()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story, step by step")]
fn objects_go_in_and_come_out() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        let entries = written(&vault, &unlocked, vec![insert(5, true), insert(6, false)]);
        let reader = Vault::of(store, vault.token());
        let other = reader.unlock(Who::User, USER).unwrap();
        let changes = reader.changes(Revision(0)).unwrap();
        assert_eq!(changes.entries.len(), 2);
        for (written, n) in entries.iter().zip([5, 6]) {
            let read = changes.entries.iter().find(|entry| entry.id == id(n)).unwrap();
            assert_eq!((written.id, written.revision), (read.id, read.revision));
            let (written, read) =
                (written.content.as_ref().unwrap(), read.content.as_ref().unwrap());
            assert_eq!(written.body, read.body);
            assert_eq!(*other.attributes(id(n), read).unwrap(), [n, 1, 2, 3]);
        }
        let [private, public] = [5, 6].map(|n| {
            changes.entries.iter().find(|entry| entry.id == id(n)).unwrap().content.clone().unwrap()
        });
        assert_eq!((private.open, public.open.as_deref()), (None, Some(&[6, 1, 2, 3][..])));
        assert_eq!(*other.material(id(5), &private.material.unwrap()).unwrap(), [5; 40]);
        assert!(public.material.is_none());
    });
}

#[test]
fn updates_keep_the_material_byte_for_byte() {
    on_each(|store| {
        let (vault, unlocked) = token(store);
        let first = written(&vault, &unlocked, vec![insert(5, true)]).remove(0);
        let second =
            written(&vault, &unlocked, vec![update(5, first.revision, true, b"new")]).remove(0);
        let (old, new) = (first.content.unwrap(), second.content.unwrap());
        assert_eq!(old.material, new.material);
        assert_eq!(*unlocked.attributes(id(5), &new).unwrap(), *b"new");
        // public now, and back
        let third =
            written(&vault, &unlocked, vec![update(5, second.revision, false, b"seen")]).remove(0);
        assert_eq!(third.content.unwrap().open.as_deref(), Some(&b"seen"[..]));
        vault.unlock(Who::User, USER).unwrap();
    });
}

#[test]
fn the_first_writer_wins() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        let other = Vault::of(store, vault.token());
        let first = written(&vault, &unlocked, vec![insert(5, true), insert(6, true)]).remove(0);
        let from = first.revision;
        written(&other, &unlocked, vec![update(5, from, true, b"other")]);
        let late = vec![update(6, from, true, b"mine"), update(5, from, true, b"mine")];
        assert!(vault.write(&unlocked, late).unwrap().is_none());
        assert!(vault.write(&unlocked, vec![insert(5, true)]).unwrap().is_none());
        let delete = Write::Delete { id: id(5), from };
        assert!(vault.write(&unlocked, vec![delete]).unwrap().is_none());
        let delete = Write::Delete { id: id(6), from };
        let gone = written(&vault, &unlocked, vec![delete]).remove(0);
        assert!(gone.content.is_none());
        let seen = other.changes(from).unwrap().entries;
        assert_eq!(seen.iter().map(|entry| entry.id).collect::<Vec<_>>(), [id(5), id(6)]);
        assert!(seen[1].content.is_none());
        vault.unlock(Who::User, USER).unwrap();
    });
}

#[test]
fn writers_side_by_side_all_get_through() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        std::thread::scope(|scope| {
            for n in 0..4 {
                let other = Vault::of(store.clone(), vault.token());
                let unlocked = &unlocked;
                scope.spawn(move || {
                    for m in 0..10 {
                        written(&other, unlocked, vec![insert(10 + n * 10 + m, true)]);
                    }
                });
            }
        });
        assert_eq!(vault.changes(Revision(0)).unwrap().entries.len(), 40);
        vault.unlock(Who::So, SO).unwrap();
    });
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story, step by step")]
fn a_new_beginning_leaves_nothing() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        let entry = written(&vault, &unlocked, vec![insert(5, true)]).remove(0);
        let (before, was) = (vault.changes(Revision(0)).unwrap(), vault.description().unwrap());
        assert_eq!(vault.reinitialize([b'M'; 32], b"87654321"), Err(Error::PinIncorrect));
        assert_eq!(vault.description().unwrap().tries.so, 1);
        vault.reinitialize([b'M'; 32], SO).unwrap();
        let after = vault.changes(before.revision).unwrap();
        assert_ne!(after.epoch, before.epoch);
        assert!(after.entries.iter().all(|entry| entry.content.is_none()));
        let now = vault.description().unwrap();
        assert_eq!((now.label, now.user_pin_set, now.tries), ([b'M'; 32], false, Tries::default()));
        assert_ne!(now.serial, was.serial);
        assert!(now.serial.iter().all(u8::is_ascii_hexdigit));
        assert_eq!(vault.unlock(Who::User, USER).unwrap_err(), Error::UserPinNotInitialized);
        assert_eq!(
            vault.write(&unlocked, vec![insert(7, true)]).unwrap_err(),
            Error::DeviceRemoved
        );
        assert_eq!(vault.set_user_pin(&unlocked, USER), Err(Error::DeviceRemoved));
        let fresh = vault.unlock(Who::So, SO).unwrap();
        assert!(fresh.attributes(id(5), &entry.content.unwrap()).is_err());
        vault.set_user_pin(&fresh, USER).unwrap();
        written(&vault, &vault.unlock(Who::User, USER).unwrap(), vec![insert(8, false)]);
        assert_eq!(store.tokens().unwrap(), [vault.token()]);
    });
}

#[test]
fn the_vaults_own_places_hold_no_objects() {
    let (vault, unlocked) = token(memory());
    for place in [DESCRIPTION, Who::So.slot(), Who::User.slot()] {
        let write = Write::Delete { id: place, from: Revision(1) };
        assert_eq!(vault.write(&unlocked, vec![write]).unwrap_err(), Error::GeneralError);
    }
    vault.unlock(Who::User, USER).unwrap();
}

#[test]
fn nothing_secret_is_printed() {
    let (vault, unlocked) = token(memory());
    let print = format!("{unlocked:?} {vault:?} {:?}", insert(77, true));
    let key = format!("{:?}", unlocked.token_key.as_slice());
    assert!(
        !print.contains(&key)
            && !print
                .contains("77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77, 77")
    );
}

#[test]
fn a_token_that_is_not_there_is_not_recognized() {
    let vault = Vault::of(memory(), TokenId([1; 16]));
    assert_eq!(vault.description().unwrap_err(), Error::TokenNotRecognized);
    assert_eq!(vault.unlock(Who::So, SO).unwrap_err(), Error::TokenNotRecognized);
}
