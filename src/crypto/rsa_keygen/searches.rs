//! What searches for primes may use, and how they are given up.
use super::super::{Failed, Threads};
use parking_lot::{RwLock, RwLockReadGuard};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long [`Searches::stop`] waits. A search notices within a tenth of a second; but a system that
/// ends a process may have killed its thread, whose lock then stays.
const PATIENCE: Duration = Duration::from_secs(5);

/// All searches that belong together, and may have to end together.
#[derive(Debug)]
pub struct Searches {
    threads: Threads,
    stopped: AtomicBool,
    /// Read by each search, for as long as it lasts.
    under_way: RwLock<()>,
}

impl Searches {
    /// Each of them with so many threads.
    pub fn new(threads: Threads) -> Searches {
        Searches { threads, stopped: AtomicBool::new(false), under_way: RwLock::new(()) }
    }

    /// Gives up all of them, those to come too: they fail. When it returns, their threads are gone.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(self.under_way.try_write_for(PATIENCE));
    }

    /// Whether they were given up.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// How many threads the application allows.
    pub fn threads(&self) -> Threads {
        self.threads
    }

    /// Held while primes are searched.
    pub(super) fn begin(&self) -> RwLockReadGuard<'_, ()> {
        self.under_way.read()
    }

    /// Fails if there is no use in going on.
    pub(super) fn go_on(&self) -> Result<(), Failed> {
        if self.stopped() { Err(Failed) } else { Ok(()) }
    }
}
