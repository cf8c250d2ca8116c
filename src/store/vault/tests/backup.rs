//! A backup taken while others write is the token at one moment: its ledger agrees with its records.
use super::*;
use crate::store::backup::Backup;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn is_whole_while_others_write() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        let stop = AtomicBool::new(false);
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for n in 10..=255 {
                    written(&vault, &unlocked, vec![insert(n, n % 2 == 0)]);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let counts = (0..20).map(|_| opened(&store, vault.token())).collect();
            stop.store(true, Ordering::Relaxed);
            writer.join().unwrap();
            counts
        });
        assert!(counts.is_sorted());
    });
}

/// How many objects a backup has, once it is in another store and unlocked there.
fn opened(store: &Arc<dyn Store>, token: TokenId) -> usize {
    let other = memory();
    let backup = Backup::take(store.as_ref(), token).unwrap();
    Backup::parse(&backup.to_bytes()).unwrap().restore(other.as_ref()).unwrap();
    let vault = Vault::of(other, token);
    vault.unlock(Who::User, USER).unwrap();
    vault.changes(Revision(0)).unwrap().entries.len()
}
