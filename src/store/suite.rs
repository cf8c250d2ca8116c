//! What every store promises, as tests: each runs on memory and on SQLite.
use super::{Change, Record, RecordId, Revision, Store, TokenId, memory::Memory, sqlite::Sqlite};
use crate::error::Result;
use std::fmt;
use std::sync::Arc;

/// Runs `test` on a fresh store of each kind.
pub(super) fn on_each(test: impl Fn(Arc<dyn Store>)) {
    test(Arc::new(Memory::default()));
    let folder = tempfile::tempdir().unwrap();
    test(Arc::new(Sqlite::open(folder.path()).unwrap()));
}

/// A store of which `write` makes the writes, or something else: it gets hold of what is beneath.
pub struct Meddled<F> {
    pub store: Arc<dyn Store>,
    pub write: F,
}

impl<F> fmt::Debug for Meddled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl<F> Store for Meddled<F>
where
    F: Fn(&dyn Store, TokenId, &[Change]) -> Result<Option<Revision>> + Send + Sync,
{
    fn tokens(&self) -> Result<Vec<TokenId>> {
        self.store.tokens()
    }

    fn read(&self, token: TokenId, since: Revision) -> Result<(Revision, Vec<Record>)> {
        self.store.read(token, since)
    }

    fn write(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>> {
        (self.write)(&*self.store, token, changes)
    }

    fn settle(&self) -> Result<()> {
        self.store.settle()
    }

    fn create(
        &self,
        token: TokenId,
        number: usize,
        changes: &[Change],
    ) -> Result<Option<Revision>> {
        self.store.create(token, number, changes)
    }

    fn stamp(&self) -> Result<u64> {
        self.store.stamp()
    }
}

pub(super) const TOKEN: TokenId = TokenId([9; 16]);

pub(super) fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

pub(super) fn put(n: u8, from: u64, body: &[u8]) -> Change {
    Change { id: id(n), from: Revision(from), body: Some(body.to_vec()) }
}

fn delete(n: u8, from: u64) -> Change {
    Change { id: id(n), from: Revision(from), body: None }
}

fn plain(records: Vec<Record>) -> Vec<(RecordId, u64, Option<Vec<u8>>)> {
    records.into_iter().map(|r| (r.id, r.revision.0, r.body)).collect()
}

#[test]
fn tokens_keep_their_order() {
    on_each(|store| {
        assert_eq!(store.tokens().unwrap(), []);
        let tokens = [7, 3, 200, 1].map(|n| TokenId([n; 16]));
        for token in tokens {
            assert_eq!(store.write(token, &[put(1, 0, b"x")]).unwrap(), Some(Revision(1)));
        }
        store.write(tokens[2], &[put(1, 1, b"y")]).unwrap().unwrap();
        assert_eq!(store.tokens().unwrap(), tokens);
    });
}

#[test]
fn one_of_many_is_the_next_token() {
    on_each(|store| {
        for (number, base) in [10, 20, 30].into_iter().enumerate() {
            let made = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4u8)
                    .map(|n| {
                        let (token, store) = (TokenId([base + n; 16]), store.clone());
                        scope.spawn(move || store.create(token, number, &[put(1, 0, b"x")]))
                    })
                    .collect();
                threads.into_iter().filter_map(|t| t.join().unwrap().unwrap()).count()
            });
            assert_eq!(made, 1);
            assert_eq!(store.tokens().unwrap().len(), number + 1);
        }
        assert_eq!(store.create(TOKEN, 4, &[put(1, 0, b"x")]).unwrap(), None);
        assert_eq!(store.create(TOKEN, 3, &[put(1, 7, b"x")]).unwrap(), None);
        assert_eq!(store.tokens().unwrap().len(), 3);
    });
}

#[test]
fn what_is_written_is_read() {
    on_each(|store| {
        assert_eq!(
            store.write(TOKEN, &[put(1, 0, b"a"), put(2, 0, b"")]).unwrap(),
            Some(Revision(1))
        );
        assert_eq!(store.write(TOKEN, &[put(1, 1, b"b")]).unwrap(), Some(Revision(2)));
        let (revision, records) = store.read(TOKEN, Revision(0)).unwrap();
        assert_eq!(revision, Revision(2));
        let expected = [(id(2), 1, Some(b"".to_vec())), (id(1), 2, Some(b"b".to_vec()))];
        assert_eq!(plain(records), expected);
        let (revision, records) = store.read(TOKEN, Revision(1)).unwrap();
        assert_eq!(
            (revision, plain(records)),
            (Revision(2), vec![(id(1), 2, Some(b"b".to_vec()))])
        );
        let (revision, records) = store.read(TOKEN, Revision(u64::MAX)).unwrap();
        assert_eq!((revision, records.len()), (Revision(2), 0));
        let (revision, records) = store.read(TokenId([0; 16]), Revision(0)).unwrap();
        assert_eq!((revision, records.len()), (Revision(0), 0));
    });
}

#[test]
fn a_write_happens_whole_or_not_at_all() {
    on_each(|store| {
        store.write(TOKEN, &[put(1, 0, b"a"), put(2, 0, b"a")]).unwrap().unwrap();
        for stale in
            [put(2, 0, b"z"), put(2, 7, b"z"), put(3, 1, b"z"), delete(2, 2), put(1, 1, b"twice")]
        {
            assert_eq!(store.write(TOKEN, &[put(1, 1, b"b"), stale]).unwrap(), None);
        }
        let (revision, records) = store.read(TOKEN, Revision(0)).unwrap();
        assert_eq!(revision, Revision(1));
        assert!(records.iter().all(|record| record.body.as_deref() == Some(b"a")));
        assert_eq!(store.write(TokenId([1; 16]), &[put(1, 5, b"a")]).unwrap(), None);
        assert_eq!(store.tokens().unwrap(), [TOKEN]);
    });
}

#[test]
fn the_deleted_leave_a_trace() {
    on_each(|store| {
        store.write(TOKEN, &[put(1, 0, b"a"), put(2, 0, b"a")]).unwrap().unwrap();
        store.write(TOKEN, &[delete(1, 1)]).unwrap().unwrap();
        let (_, records) = store.read(TOKEN, Revision(1)).unwrap();
        assert_eq!(plain(records), [(id(1), 2, None)]);
        let fetched = store.fetch(TOKEN, &[id(3), id(1), id(2)]).unwrap();
        let fetched: Vec<_> =
            fetched.into_iter().map(|r| r.map(|r| (r.revision.0, r.body))).collect();
        assert_eq!(fetched, [None, Some((2, None)), Some((1, Some(b"a".to_vec())))]);
        assert_eq!(store.write(TOKEN, &[put(1, 0, b"again")]).unwrap(), None);
        assert_eq!(store.write(TOKEN, &[put(1, 2, b"again")]).unwrap(), Some(Revision(3)));
    });
}

#[test]
fn one_of_many_writers_wins() {
    on_each(|store| {
        store.write(TOKEN, &[put(1, 0, b"a")]).unwrap().unwrap();
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| store.write(TOKEN, &[put(1, 1, b"b")]).unwrap()))
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).count()
        });
        assert_eq!(wins, 1);
    });
}
