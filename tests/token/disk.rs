//! A store on disk that a test can leave and come back to.
use crate::common::*;
use rusqlite::Connection;
use std::path::PathBuf;

/// A folder with a store, gone with the test.
#[derive(Debug)]
pub struct Disk(tempfile::TempDir);

impl Disk {
    pub fn new() -> Disk {
        Disk(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }

    /// What `C_Initialize` is told.
    pub fn config(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// Runs `test` between `C_Initialize` and `C_Finalize`.
    pub fn visit<T>(&self, test: impl FnOnce(&Pkcs11) -> T) -> T {
        with_store(&self.config(), test)
    }

    /// The database itself, as whoever has the file can open it.
    pub fn database(&self) -> Connection {
        Connection::open(self.path().join("keyferry.db")).unwrap()
    }
}

/// A session of the user of a token that is there already.
pub fn user(p: &Pkcs11, slot: CK_SLOT_ID) -> Session {
    let session = p.open_rw(slot).unwrap();
    session.login(CKU_USER, PIN).unwrap();
    session
}

/// A token object with this label, for all to see.
pub fn data(session: &Session, label: &str) -> Handle {
    let template = attrs![
        CKA_CLASS => CKO_DATA,
        CKA_TOKEN => true,
        CKA_LABEL => label,
        CKA_VALUE => label,
    ];
    session.create(&template).unwrap()
}

/// The objects with this label.
pub fn named(session: &Session, label: &str) -> Vec<Handle> {
    session.find(&attrs![CKA_LABEL => label]).unwrap()
}
