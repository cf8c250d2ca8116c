//! `keyferry.reserve`: space that is given up when the disk is full, and the highest revision written.
//!
//! Retry counters and removals must succeed on a full disk, or no login and no clean-up is possible.
//! The revision shows at the next start that acknowledged changes are missing. It is lowered only by
//! [`Reserve::accept`]: writes to a rolled-back store would hide the loss otherwise.
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

    /// Opens the file in `folder` for [`Self::marked`] alone.
    pub(super) fn read(folder: &Path) -> Reserve {
        Reserve(Mutex::new(File::open(folder.join(RESERVE)).ok()))
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

    /// Notes the highest revision, unless a higher one is noted. Not synchronised: after a power failure
    /// it may be too low, never too high.
    pub(super) fn mark(&self, revision: u64) {
        let note = |file: &mut File| match read_mark(file)? {
            Some(noted) if noted >= revision => Ok(()),
            _ => write_mark(file, revision),
        };
        if let Some(Err(error)) = self.0.lock().as_mut().map(note) {
            log::warn!("the store's highest revision was not noted: {error}");
        }
    }

    /// Lowers the highest revision to that of the store, and forgets the changes above it.
    pub(super) fn accept(&self, revision: u64) -> io::Result<()> {
        let lower = |file: &mut File| {
            write_mark(file, revision)?;
            file.sync_data()
        };
        self.0.lock().as_mut().map_or(Ok(()), lower)
    }

    /// Returns the revision noted last; `None` without one.
    pub(super) fn marked(&self) -> Option<u64> {
        let mark = self.0.lock().as_mut().and_then(|file| read_mark(file).ok().flatten());
        mark.filter(|mark| *mark > 0)
    }
}

fn read_mark(file: &mut File) -> io::Result<Option<u64>> {
    let mut head = [0; 24];
    file.rewind()?;
    file.read_exact(&mut head)?;
    let revision = head.strip_prefix(MAGIC).and_then(<[u8]>::first_chunk);
    Ok(revision.map(|revision| u64::from_be_bytes(*revision)))
}

fn write_mark(file: &mut File, revision: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
    file.write_all(&revision.to_be_bytes())
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
