//! `keyferry.reserve`: space that is given up when the disk is full, and the highest revision written.
//!
//! Retry counters and removals must succeed on a full disk, or no login and no clean-up is possible.
//! The revision shows at the next start that acknowledged changes are missing.
use super::folder;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The file's name in the store's folder.
pub const RESERVE: &str = "keyferry.reserve";

/// What the file begins with, before the revision in 8 bytes.
const MAGIC: &[u8; 16] = b"keyferry reserve";

/// The part of the file that stays: one block of a usual file system.
const HEAD: u64 = 4096;

/// Length of the whole file: more than a login and a removal write to the log, and the log's index.
const SIZE: u64 = 256 * 1024;

/// The open file. Without one, nothing is reserved: it is made once the disk has room.
#[derive(Debug, Default)]
pub(super) struct Reserve(Mutex<Option<File>>);

impl Reserve {
    /// Opens or makes the file in `folder`, as far as that is possible.
    pub(super) fn open(folder: &Path) -> Reserve {
        let path = folder.join(RESERVE);
        let made = folder::private(&path).and_then(|mut file| {
            if file.metadata()?.len() < HEAD {
                let mut head = vec![0; usize::try_from(HEAD).unwrap_or_default()];
                head.iter_mut().zip(MAGIC).for_each(|(to, from)| *to = *from);
                file.write_all(&head)?;
            }
            Ok(file)
        });
        let made = made.inspect_err(|error| log::warn!("{}: {error}", path.display()));
        Reserve(Mutex::new(made.ok()))
    }

    /// [`Self::release`] before the database of `folder` could be opened. Makes no file.
    pub(super) fn release_in(folder: &Path) -> bool {
        folder.join(RESERVE).is_file() && Reserve::open(folder).release()
    }

    /// Gives up the space. `false` if there is none.
    pub(super) fn release(&self) -> bool {
        let file = self.0.lock();
        let shorten = |file: &File| {
            let len = file.metadata()?.len();
            file.set_len(HEAD.min(len)).map(|()| len > HEAD)
        };
        file.as_ref().is_some_and(|file| shorten(file).unwrap_or(false))
    }

    /// Takes as much of the space again as there is.
    pub(super) fn refill(&self) {
        let filled = self.0.lock().as_mut().map_or(Ok(()), fill);
        if let Err(error) = filled {
            log::warn!("the store's reserve is not complete: {error}");
        }
    }

    /// Notes the highest revision. Not synchronised: after a power failure it may be too low, never
    /// too high.
    pub(super) fn mark(&self, revision: u64) {
        let note = |file: &mut File| {
            file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
            file.write_all(&revision.to_be_bytes())
        };
        if let Some(Err(error)) = self.0.lock().as_mut().map(note) {
            log::warn!("the store's highest revision was not noted: {error}");
        }
    }

    /// Returns the revision noted last; 0 without one.
    pub(super) fn marked(&self) -> u64 {
        let read = |file: &mut File| -> io::Result<Option<u64>> {
            let mut head = [0; 24];
            file.rewind()?;
            file.read_exact(&mut head)?;
            let revision = head.strip_prefix(MAGIC).and_then(<[u8]>::first_chunk);
            Ok(revision.map(|revision| u64::from_be_bytes(*revision)))
        };
        self.0.lock().as_mut().and_then(|file| read(file).ok().flatten()).unwrap_or_default()
    }
}

/// Writes the file to its full length. Not with zeros, which some file systems do not store.
fn fill(file: &mut File) -> io::Result<()> {
    let mut at = file.metadata()?.len();
    let block = [0xA5; 4096];
    file.seek(SeekFrom::Start(at))?;
    while at < SIZE {
        at += file.write(&block)? as u64;
    }
    file.sync_data()
}
