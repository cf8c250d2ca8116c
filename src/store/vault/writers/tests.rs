//! Threads that write at the same time.
use super::super::{Entry, Who, Write};
use super::*;
use crate::crypto::Secret;
use crate::store::memory::Memory;
use crate::store::suite::{Meddled, id, on_each};
use crate::store::{Store, TokenId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const SO: &[u8] = b"12345678";

fn token(store: Arc<dyn Store>) -> (Vault, Unlocked) {
    let vault = Vault::create(store, 0, [b' '; 32], SO).unwrap().unwrap();
    let unlocked = vault.unlock(Who::So, SO).unwrap();
    (vault, unlocked)
}

/// A token in memory whose writes go through `write`.
fn meddled<F>(write: F) -> (Vault, Unlocked)
where
    F: Fn(&dyn Store, TokenId, &[Change]) -> Result<Option<Revision>> + Send + Sync + 'static,
{
    token(Arc::new(Meddled { store: Arc::new(Memory::default()), write }))
}

fn insert(n: u8) -> Write {
    insert_long(n, 1)
}

fn insert_long(n: u8, length: usize) -> Write {
    let attributes = Secret::new(vec![n; length]);
    Write::Insert { id: id(n), private: true, attributes, material: None }
}

fn length(changes: &[Change]) -> usize {
    changes.iter().filter_map(|change| change.body.as_ref()).map(Vec::len).sum()
}

/// How many objects there are; the ledger knows all of them.
fn objects(vault: &Vault) -> usize {
    vault.unlock(Who::So, SO).unwrap();
    let there = vault.changes(Revision(0)).unwrap().entries;
    there.iter().filter(|entry| entry.content.is_some()).count()
}

/// The turn of a thread that has nothing to write.
fn turn(writers: &Writers) -> Turn<'_> {
    let mut queue = writers.queue.lock();
    queue.writing = true;
    Turn { writers, tickets: Vec::new(), last: queue.last.take() }
}

/// What comes of `work`, each in a thread of its own, whose first writes all wait for the same write.
fn at_once<T: Send>(vault: &Vault, work: Vec<impl FnOnce() -> T + Send>) -> Vec<thread::Result<T>> {
    let all = work.len();
    let busy = turn(&vault.writers);
    thread::scope(|scope| {
        let threads: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        while vault.writers.queue.lock().waiting.len() < all {
            thread::yield_now();
        }
        drop(busy);
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    })
}

/// What comes of `writes` that all wait for the same write.
fn written_at_once(
    vault: &Vault,
    unlocked: &Unlocked,
    writes: Vec<Write>,
) -> Vec<Result<Option<Entry>>> {
    let write = |write| {
        move || Ok(vault.write(unlocked, vec![write])?.map(|mut entries| entries.remove(0)))
    };
    let done = at_once(vault, writes.into_iter().map(write).collect());
    done.into_iter().map(|outcome| outcome.unwrap()).collect()
}

fn revision(outcome: &Result<Option<Entry>>) -> Revision {
    outcome.as_ref().unwrap().as_ref().unwrap().revision
}

#[test]
fn those_who_wait_are_written_together() {
    on_each(|store| {
        let (vault, unlocked) = token(store);
        let done = written_at_once(&vault, &unlocked, (10..14).map(insert).collect());
        let first = revision(&done[0]);
        assert!(done.iter().all(|outcome| revision(outcome) == first));
        assert_eq!(objects(&vault), 4);
        // one for each, one after the other
        let [one, other] = [20, 21].map(|n| vault.write(&unlocked, vec![insert(n)]));
        let [one, other] = [one, other].map(|entries| entries.unwrap().unwrap()[0].revision);
        assert!(first < one && other == Revision(one.0 + 1));
        assert_eq!(objects(&vault), 6);
    });
}

#[test]
fn who_comes_too_late_spoils_nothing_for_the_others() {
    on_each(|store| {
        let (vault, unlocked) = token(store);
        let from = vault.write(&unlocked, vec![insert(9)]).unwrap().unwrap()[0].revision;
        let delete = || Write::Delete { id: id(9), from };
        let writes = vec![insert(10), delete(), insert(11), delete()];
        let done = written_at_once(&vault, &unlocked, writes);
        let done: Vec<_> = done.into_iter().map(|outcome| outcome.unwrap().is_some()).collect();
        let [one, gone, other, late] = done.try_into().unwrap();
        assert!(one && other);
        assert!(gone != late, "one of two has destroyed it");
        assert_eq!(objects(&vault), 2);
    });
}

#[test]
fn what_another_process_wrote_before_does_not_part_those_who_wait() {
    on_each(|store| {
        let (vault, unlocked) = token(store.clone());
        vault.write(&unlocked, vec![insert(9)]).unwrap().unwrap();
        let elsewhere = Vault::of(store, vault.token());
        elsewhere.write(&unlocked, vec![insert(8)]).unwrap().unwrap();
        let done = written_at_once(&vault, &unlocked, (10..14).map(insert).collect());
        let first = revision(&done[0]);
        assert!(done.iter().all(|outcome| revision(outcome) == first));
        assert_eq!(objects(&vault), 6);
    });
}

#[test]
fn others_are_expected_only_for_a_moment_after_a_write_with_others() {
    let (vault, unlocked) = token(Arc::new(Memory::default()));
    let expects = |then| {
        vault.writers.join([0; 16], Batch::default());
        let mut queue = vault.writers.queue.lock();
        let expects = queue.expects_more(then);
        queue.waiting.clear();
        expects
    };
    let now = Instant::now();
    assert!(!expects(now), "nobody has written");
    vault.write(&unlocked, vec![insert(9)]).unwrap().unwrap();
    written_at_once(&vault, &unlocked, (10..13).map(insert).collect());
    assert!(expects(now));
    assert!(!expects(Instant::now() + LATELY), "they have gone");
    vault.write(&unlocked, vec![insert(14)]).unwrap().unwrap();
    assert!(!expects(now), "one wrote alone");
}

/// Whoever has led the write may lead the next at once: that is not to hold up the others.
#[test]
fn who_has_been_written_need_not_wait_for_the_next_write() {
    let told = Arc::new((Mutex::new(0), Condvar::new()));
    let (all_told, first_told) = (told.clone(), AtomicUsize::new(0));
    let (vault, unlocked) = meddled(move |store, token, changes| {
        if changes.iter().any(|change| change.id >= id(20)) {
            let (told, more) = &*all_told;
            let late = Duration::from_secs(10);
            let waited = more.wait_while_for(&mut told.lock(), |told| *told < 2, late);
            if waited.timed_out() {
                return Err(Error::FunctionFailed.because("the other one still waits"));
            }
        }
        store.write(token, changes)
    });
    let write = |n| vault.write(&unlocked, vec![insert(n)]).map(|entries| entries.unwrap());
    let work = |n| {
        let (told, first_told) = (&told, &first_told);
        move || {
            write(n)?;
            *told.0.lock() += 1;
            told.1.notify_all();
            match first_told.fetch_add(1, Ordering::SeqCst) {
                0 => write(n + 10).map(drop),
                _ => Ok(()),
            }
        }
    };
    let done = at_once(&vault, vec![work(10), work(11)]);
    assert!(done.iter().all(|outcome| outcome.as_ref().unwrap() == &Ok(())), "{done:?}");
    assert_eq!(objects(&vault), 3);
}

#[test]
fn what_one_of_them_writes_too_much_is_no_error_for_the_others() {
    let (vault, unlocked) = meddled(|store, token, changes| match length(changes) {
        0..10_000 => store.write(token, changes),
        _ => Err(Error::DeviceMemory),
    });
    let writes = vec![insert(10), insert_long(11, 20_000), insert(12)];
    let [one, much, other] = written_at_once(&vault, &unlocked, writes).try_into().unwrap();
    assert!(revision(&one) != revision(&other));
    assert_eq!(much.unwrap_err(), Error::DeviceMemory);
    assert_eq!(objects(&vault), 2);
}

/// The store may fail after the point of no return.
#[test]
fn what_was_written_in_spite_of_an_error_is_not_written_twice() {
    let (vault, unlocked) = meddled(|store, token, changes| {
        let written = store.write(token, changes)?;
        if changes.len() > 2 { Err(Error::DeviceError) } else { Ok(written) }
    });
    let done = written_at_once(&vault, &unlocked, (10..13).map(insert).collect());
    assert!(done.iter().all(|outcome| outcome.as_ref().is_err_and(|e| *e == Error::DeviceError)));
    assert_eq!(objects(&vault), 3);
    vault.write(&unlocked, vec![insert(20)]).unwrap().unwrap();
    assert_eq!(objects(&vault), 4);
}

#[test]
fn a_store_that_is_busy_is_waited_for_once() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let (vault, unlocked) = meddled(move |store, token, changes| {
        if changes.iter().all(|change| change.id < id(10)) {
            return store.write(token, changes);
        }
        counted.fetch_add(1, Ordering::SeqCst);
        Err(Error::FunctionFailed)
    });
    let done = written_at_once(&vault, &unlocked, (10..13).map(insert).collect());
    assert!(
        done.iter().all(|outcome| outcome.as_ref().is_err_and(|e| *e == Error::FunctionFailed))
    );
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[test]
fn a_panic_of_the_one_who_writes_leaves_nobody_waiting() {
    let (vault, unlocked) = meddled(|store, token, changes| {
        assert!(changes.iter().all(|change| change.id != id(66)), "meant to be");
        store.write(token, changes)
    });
    let write = |n| {
        let (vault, unlocked) = (&vault, &unlocked);
        move || vault.write(unlocked, vec![insert(n)]).map(|entries| entries.unwrap())
    };
    let done = at_once(&vault, vec![write(10), write(66), write(11)]);
    assert_eq!(done.iter().filter(|thread| thread.is_err()).count(), 1);
    let told = done.into_iter().flatten();
    assert!(told.map(|outcome| outcome.unwrap_err()).eq([Error::GeneralError; 2]));
    write(20)().unwrap();
    assert_eq!(objects(&vault), 1);
}
