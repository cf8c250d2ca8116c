//! Threads of the module's own: whether there may be any, how they are given up, and how to wait for
//! their end.
use super::Failed;
use parking_lot::RwLock;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long [`Workers::stop`] waits. Who works notices soon, but may have to wait for the store
/// first; and a system that ends a process may have killed its thread, whose lock then stays.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many threads may work on one thing, such as a search for primes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Only the caller's: the application set `CKF_LIBRARY_CANT_CREATE_OS_THREADS`.
    One,
    /// One more beside it.
    Two,
}

/// All work that may take a thread of its own or long, and may have to end at once.
#[derive(Debug)]
pub struct Workers {
    threads: Threads,
    stopped: AtomicBool,
    /// Read by all work, for as long as it lasts.
    under_way: RwLock<()>,
}

impl Workers {
    /// Each piece of work with so many threads.
    pub fn new(threads: Threads) -> Workers {
        Workers { threads, stopped: AtomicBool::new(false), under_way: RwLock::new(()) }
    }

    /// Gives up all work, that to come too. When it returns, the threads are gone, and there will be
    /// no more.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(self.under_way.try_write_for(PATIENCE));
    }

    /// Whether it was given up.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Fails if it was given up: to be asked by what takes long, every tenth of a second or sooner.
    pub fn go_on(&self) -> Result<(), Failed> {
        if self.stopped() { Err(Failed) } else { Ok(()) }
    }

    /// What both give: at the same time, if there may be two threads and the system has another for
    /// us, else one after the other. A panic of either goes on in the caller.
    ///
    /// Neither may call this again. `name` is the other thread's; Linux has 15 bytes for it.
    pub fn both<A, B: Send>(
        &self,
        name: &str,
        here: impl FnOnce() -> A,
        there: impl Fn() -> B + Sync,
    ) -> (A, B) {
        let _under_way = self.under_way.read();
        if self.threads == Threads::One || self.stopped() {
            return (here(), there());
        }
        thread::scope(|scope| {
            let other = thread::Builder::new().name(name.into()).spawn_scoped(scope, &there);
            let here = here();
            let there = match other {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => there(),
            };
            (here, there)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread::{current, yield_now};

    fn id_and_name() -> (thread::ThreadId, Option<String>) {
        (current().id(), current().name().map(str::to_owned))
    }

    #[test]
    fn two_threads_where_there_may_be_two() {
        let me = id_and_name();
        let (here, there) = Workers::new(Threads::Two).both("other", id_and_name, id_and_name);
        assert_eq!((here, there.1.as_deref()), (me.clone(), Some("other")));
        assert_ne!(there.0, me.0);
        let (here, there) = Workers::new(Threads::One).both("other", id_and_name, id_and_name);
        assert_eq!((here, there), (me.clone(), me));
    }

    #[test]
    fn a_stop_waits_for_work_under_way_and_lets_no_thread_begin() {
        for threads in [Threads::One, Threads::Two] {
            let workers = Workers::new(threads);
            let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
            let work = || {
                begun.store(true, Ordering::SeqCst);
                while workers.go_on().is_ok() {
                    yield_now();
                }
                thread::sleep(Duration::from_millis(20));
                ended.store(true, Ordering::SeqCst);
            };
            thread::scope(|scope| {
                scope.spawn(|| workers.both("other", || (), work));
                while !begun.load(Ordering::SeqCst) {
                    yield_now();
                }
                workers.stop();
                assert!(ended.load(Ordering::SeqCst));
            });
            let (here, there) = workers.both("other", id_and_name, id_and_name);
            assert_eq!(here, there, "a thread after the end");
        }
    }

    #[test]
    fn a_panic_goes_on_in_the_caller() {
        for threads in [Threads::One, Threads::Two] {
            let workers = Workers::new(threads);
            let panics = || workers.both("other", || (), || assert!(workers.stopped(), "no"));
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            let panics = || workers.both("other", || assert!(workers.stopped(), "no"), || ());
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
            workers.stop();
            assert!(workers.under_way.try_write().is_some());
        }
    }
}
