//! Which process has called `C_Initialize`, and its [`Module`].
//!
//! A forked child is not initialised (PKCS#11 3.2 section 5.4, `C_Initialize`), may initialise
//! itself, and must leave alone what it inherited: locks another thread of its parent held will
//! never be released in it, and the parent's database handle is not its own. So each process has its own
//! link in a chain, found without taking a lock, and links of ancestors are never touched or dropped.
use crate::error::{Error, Result};
use crate::module::Module;
use once_cell::race::OnceBox;
use parking_lot::RwLock;
use std::sync::Arc;

/// The first process of the chain.
static FIRST: OnceBox<Process> = OnceBox::new();

/// A process, and what it has initialised.
struct Process {
    id: u32,
    module: RwLock<Option<Arc<Module>>>,
    /// The process that was forked from this one and is now running this code.
    child: OnceBox<Process>,
}

/// The module, if this process has called `C_Initialize`. A call under way keeps it alive.
pub(super) fn module() -> Result<Arc<Module>> {
    process(std::process::id())
        .module
        .read()
        .clone()
        .ok_or(Error::CryptokiNotInitialized)
}

/// `C_Initialize`. Calls on other threads wait until the module is made.
pub(super) fn initialize(make: impl FnOnce() -> Result<Module>) -> Result<()> {
    let mut module = process(std::process::id()).module.write();
    if module.is_some() {
        return Err(Error::CryptokiAlreadyInitialized);
    }
    *module = Some(Arc::new(make()?));
    Ok(())
}

/// `C_Finalize`.
pub(super) fn finalize() -> Result<()> {
    // A statement of its own, so that the lock is released before the module is dropped.
    let module = process(std::process::id()).module.write().take();
    module.map(drop).ok_or(Error::CryptokiNotInitialized)
}

/// The link of process `id`: the last of the chain, or a new one after it. The last, because the
/// number of an ancestor may have been given to its descendant.
fn process(id: u32) -> &'static Process {
    let mut link = &FIRST;
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
        Box::new(Process {
            id,
            module: RwLock::new(None),
            child: OnceBox::new(),
        })
    }
}
