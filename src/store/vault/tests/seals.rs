//! The limit of seals under one key.
use super::super::unlocked::SEALS;
use super::*;

/// Makes the token look as if its keys had made this many seals.
fn with_seals(vault: &Vault, unlocked: &Unlocked, seals: u64) {
    let (from, description) = vault.fetch_description().unwrap();
    let ledger = unlocked.open_ledger(&description).unwrap();
    let worn = DescriptionRecord { version: seals, ..description };
    let worn = unlocked.seal_description(worn, &ledger).unwrap();
    let change = Change { id: DESCRIPTION, from, body: Some(worn.body()) };
    vault.store.write(vault.token, &[change]).unwrap().unwrap();
}

fn seals(vault: &Vault) -> u64 {
    vault.fetch_description().unwrap().1.version
}

#[test]
fn every_seal_is_counted() {
    on_each(|store| {
        let (vault, unlocked) = token(store);
        let before = seals(&vault);
        let entries =
            written(&vault, &unlocked, vec![insert(5, true), insert(6, false), insert(7, true)]);
        assert_eq!(seals(&vault), before + 3);
        let delete = Write::Delete { id: id(5), from: entries[0].revision };
        written(&vault, &unlocked, vec![delete]);
        assert_eq!(seals(&vault), before + 4, "the description is sealed for a deletion too");
    });
}

#[test]
fn no_write_makes_more_seals_than_one_key_may() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        with_seals(&vault, &unlocked, SEALS - 2);
        let vault = Vault::of(store, vault.token());
        let three = vec![insert(5, true), insert(6, true), insert(7, true)];
        assert_eq!(vault.write(&unlocked, three).err(), Some(Error::DeviceMemory));
        written(&vault, &unlocked, vec![insert(5, true), insert(6, true)]);
        assert_eq!(seals(&vault), SEALS);
        assert_eq!(vault.write(&unlocked, vec![insert(7, true)]).err(), Some(Error::DeviceMemory));
        let unlocked = vault.unlock(Who::User, USER).unwrap();
        let entries = vault.changes(Revision(0)).unwrap().entries;
        let content = entries.iter().find(|entry| entry.id == id(5)).unwrap().content.clone();
        assert_eq!(*unlocked.attributes(id(5), &content.unwrap()).unwrap(), [5, 1, 2, 3]);
    });
}
