//! A token: its vault, who is logged in, and the objects in sight.
//!
//! Objects of the store are read into an index ([`state`]); other processes' changes are picked up
//! in [`sync`]. No lock is held while a PIN is hashed or a key is used.
mod built_in;
pub mod clock;
mod login;
mod objects;
mod state;
mod sync;
mod turns;

use crate::ck::*;
use crate::config::Config;
use crate::crypto::Workers;
use crate::error::{Error, Result};
use crate::object::policy::Login;
use crate::store::Store;
use crate::store::vault::{Description, Vault};
use once_cell::sync::OnceCell;
use parking_lot::{Mutex, RwLock};
use state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use sync::Freshness;
pub use sync::LATELY;
use turns::Turns;

/// What all tokens of a module share.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Shared {
    pub store: Arc<dyn Store>,
    pub config: Config,
    pub workers: Arc<Workers>,
}

impl Shared {
    /// For a module on `store`.
    pub fn new(store: Arc<dyn Store>, config: Config, workers: Arc<Workers>) -> Shared {
        Shared { store, config, workers }
    }

    /// A handle that no session or object of this process has had: never 0, never reused, so that
    /// one of another token, of a destroyed object or from before a `C_Finalize` is always
    /// recognised. `CKR_HOST_MEMORY` once there are no more, which takes a 32-bit `CK_ULONG` and a
    /// busy year.
    pub fn new_handle() -> Result<CK_ULONG> {
        static HANDLES: AtomicUsize = AtomicUsize::new(1);
        count(&HANDLES)
    }
}

fn count(handles: &AtomicUsize) -> Result<CK_ULONG> {
    let next = |n: usize| n.checked_add(1);
    let handle = handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    handle.ok().and_then(|n| CK_ULONG::try_from(n).ok()).ok_or(Error::HostMemory)
}

/// A token, initialised or yet to be.
#[derive(Debug)]
pub struct Token {
    shared: Arc<Shared>,
    vault: OnceCell<Vault>,
    state: RwLock<State>,
    polled: Mutex<Polled>,
    turns: Turns,
    /// Made when first looked for.
    built_in: OnceCell<Vec<built_in::Placed>>,
}

/// When the store was last looked at. Whoever holds the lock on it may change which token objects
/// are in sight.
#[derive(Debug)]
struct Polled {
    at: Instant,
    /// What [`Store::stamp`] said; `None` if the objects must be read whatever it says.
    stamp: Option<u64>,
}

/// How many sessions are open.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct Sessions {
    pub read_only: usize,
    pub read_write: usize,
}

impl Token {
    /// A token in the store, or with `None` a slot whose token is yet to be initialised.
    pub fn new(shared: Arc<Shared>, vault: Option<Vault>) -> Token {
        Token {
            shared,
            vault: vault.map_or_else(OnceCell::new, OnceCell::with_value),
            state: RwLock::new(State::new()),
            polled: Mutex::new(Polled { at: Instant::now(), stamp: None }),
            turns: Turns::default(),
            built_in: OnceCell::new(),
        }
    }

    /// What the tokens of the module share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether it has been initialised.
    pub fn is_initialized(&self) -> bool {
        self.vault.get().is_some()
    }

    /// Tells a token that was yet to be initialised where it is in the store now.
    pub fn found(&self, vault: Vault) {
        let _ = self.vault.set(vault);
    }

    /// What anyone may know; `None` before initialisation.
    pub fn description(&self) -> Result<Option<Description>> {
        self.vault.get().map(Vault::description).transpose()
    }

    /// Initialises it anew: `C_InitToken` on an initialised token.
    pub fn reinitialize(&self, label: [u8; 32], so_pin: &[u8]) -> Result<()> {
        self.vault()?.reinitialize(label, so_pin)?;
        self.refresh(Freshness::Now)
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> Sessions {
        self.state.read().sessions
    }

    /// Who is logged in.
    pub fn login_state(&self) -> Login {
        self.state.read().login
    }

    /// How often someone was logged out: what began before a logout is not to go on after it.
    pub fn locked(&self) -> u64 {
        self.state.read().locked
    }

    fn vault(&self) -> Result<&Vault> {
        self.vault.get().ok_or(Error::TokenNotRecognized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_do_not_begin_again() {
        let handles = AtomicUsize::new(1);
        assert_eq!(count(&handles), Ok(1));
        handles.store(usize::try_from(u32::MAX).unwrap(), Ordering::Relaxed);
        assert_eq!(count(&handles), Ok(CK_ULONG::from(u32::MAX)));
        let next = count(&handles);
        assert!(next.is_err() || next == Ok(CK_ULONG::from(u32::MAX) + 1), "{next:?}");
        handles.store(usize::MAX, Ordering::Relaxed);
        assert_eq!(count(&handles), Err(Error::HostMemory));
    }
}
