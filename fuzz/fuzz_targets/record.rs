//! Stored bytes: an object's record, and a whole token whose records somebody wrote.
#![no_main]
use keyferry::config::Location;
use keyferry::object::record;
use keyferry::store::vault::Vault;
use keyferry::store::{self, Change, RecordId, Revision, TokenId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(attributes) = record::decode(bytes) {
        assert_eq!(record::decode(&record::encode(&attributes)), Some(attributes));
    }
    let Some((&n, body)) = bytes.split_first() else { return };
    let store = store::open(&Location::Memory).expect("a store in memory");
    let mut id = [0; 16];
    id[15] = n % 5;
    let change = Change { id: RecordId(id), from: Revision(0), body: Some(body.to_vec()) };
    store.write(TokenId([7; 16]), &[change]).expect("a record is a record");
    let vault = Vault::of(store, TokenId([7; 16]));
    let _ = vault.description();
    let _ = vault.changes(Revision(0));
});
