//! Which process has called `C_Initialize`, and its [`Module`].
//!
//! A forked child is not initialised (PKCS#11 3.2 section 5.4, `C_Initialize`), may initialise
//! itself, and must leave alone what it inherited: locks another thread of its parent held will
//! never be released in it, and the parent's database handle is not its own. So each process has its own
//! link in a chain, found without taking a lock, and links of ancestors are never touched or dropped.
use super::wiped::Wiped;
use crate::error::{Error, Result};
use crate::module::Module;
use once_cell::race::OnceBox;
use parking_lot::RwLock;
use std::sync::Arc;

/// The first process of the chain.
static FIRST: OnceBox<Process> = OnceBox::new();

/// The link of this process, if it was looked for before.
static MINE: OnceBox<Wiped<Process>> = OnceBox::new();

/// A process, and what it has initialised.
struct Process {
    id: u32,
    module: RwLock<Option<Arc<Module>>>,
    /// The process that was forked from this one and is now running this code.
    child: OnceBox<Process>,
}

/// The module, if this process has called `C_Initialize`. A call under way keeps it alive.
pub(super) fn module() -> Result<Arc<Module>> {
    process().module.read().clone().ok_or(Error::CryptokiNotInitialized)
}

/// `C_Initialize`. Calls on other threads wait until the module is made.
pub(super) fn initialize(make: impl FnOnce() -> Result<Module>) -> Result<()> {
    let mut module = process().module.write();
    if module.is_some() {
        return Err(Error::CryptokiAlreadyInitialized);
    }
    *module = Some(Arc::new(make()?));
    Ok(())
}

/// `C_Finalize`.
pub(super) fn finalize() -> Result<()> {
    // A statement of its own, so that the lock is released before the module is dropped.
    let module = process().module.write().take();
    module.map(|module| module.stop()).ok_or(Error::CryptokiNotInitialized)
}

/// This process.
fn process() -> &'static Process {
    let mine = MINE.get_or_init(|| Box::new(Wiped::new()));
    mine.get().unwrap_or_else(|| {
        let process = link(&FIRST, std::process::id());
        mine.set(process);
        process
    })
}

/// The link of process `id`: the last of the chain, or a new one after it. The last, because the
/// number of an ancestor may have been given to its descendant.
fn link(mut link: &OnceBox<Process>, id: u32) -> &Process {
    loop {
        let process = link.get_or_init(|| Process::new(id));
        match process.child.get() {
            None if process.id == id => return process,
            _ => link = &process.child,
        }
    }
}

impl Process {
    fn new(id: u32) -> Box<Process> {
        Box::new(Process { id, module: RwLock::new(None), child: OnceBox::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn each_process_has_its_own_link() {
        let chain = OnceBox::new();
        let parent = link(&chain, 10);
        assert!(ptr::eq(parent, link(&chain, 10)));
        let child = link(&chain, 11);
        assert!(!ptr::eq(parent, child));
        assert!(ptr::eq(child, link(&chain, 11)));
    }

    #[test]
    fn a_number_used_again_is_another_process() {
        let chain = OnceBox::new();
        let ancestor = link(&chain, 10);
        link(&chain, 11);
        let descendant = link(&chain, 10);
        assert!(!ptr::eq(ancestor, descendant));
        assert!(ptr::eq(descendant, link(&chain, 10)));
    }

    #[test]
    fn what_an_ancestor_has_locked_is_not_waited_for() {
        let chain = OnceBox::new();
        let _locked = link(&chain, 10).module.write();
        assert!(link(&chain, 11).module.read().is_none());
    }
}
