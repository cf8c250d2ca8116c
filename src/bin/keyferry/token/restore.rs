//! `keyferry token restore`: a token out of a backup, once it was checked.
use super::describe;
use super::stored::{self, Stored};
use crate::file;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, fault};
use clap::Args;
use keyferry::store::Store;
use keyferry::store::backup::{Backup, LONGEST, MAGIC, Share, Unusable};
use keyferry::store::memory::Memory;
use keyferry::store::vault::Vault;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry token restore offline.backup
  keyferry token restore offline.backup --share offline.backup.share-1 --share offline.backup.share-3")]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// A file with a share, if the backup was made with --shares
    #[arg(long = "share", value_name = "FILE")]
    shares: Vec<PathBuf>,
    /// Restore without a PIN, and so without a check of the backup's seals
    #[arg(long)]
    unchecked: bool,
}

impl Restore {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let store = stored::open(options)?;
        options.refuse_passing_store("the restored token")?;
        let backup = self.read()?;
        self.prove(&backup, options)?;
        // no other process chooses a slot until the token is in its own
        let _alone = options.lock_store();
        if store.tokens().is_ok_and(|tokens| tokens.contains(&backup.token())) {
            return Err(fault!(
                "this token is in the store already; to go back to the backup, restore it into an empty store \
                 with --store sqlite:FOLDER"
            ));
        }
        backup.restore(store.as_ref()).map_err(|e| {
            fault!("the backup cannot be written into the store: {e}; nothing was restored: make room, or give another store")
        })?;
        let tokens = store.tokens().unwrap_or_default();
        let number = tokens.iter().position(|token| *token == backup.token());
        let slots = options.open_module()?.slots()?.tokens;
        let token = number
            .and_then(|n| slots.into_iter().find(|t| usize::try_from(t.slot) == Ok(n)))
            .ok_or_else(|| fault!("the token was restored, but the store does not show it; see `keyferry token list`"))?;
        let unchecked = match self.unchecked {
            true => "Its seals were not checked: `keyferry token check` does it.\n",
            false => "",
        };
        let text = format!(
            "The token \"{}\" is in slot {}, with the PINs it had then.\n{unchecked}",
            clean(&token.label),
            token.slot
        );
        Ok(Report::new(text, describe(&token)))
    }

    /// The backup, opened with its shares if it has any.
    fn read(&self) -> Result<Backup, Fault> {
        let bytes = file::read_if_begins(MAGIC, LONGEST, &self.file, "backup")?;
        let unusable = |e: Unusable| fault!("{}: {e}", self.file.display());
        match Backup::parse(&bytes) {
            Err(Unusable::Shares(_)) if !self.shares.is_empty() => {
                Backup::join(&bytes, &self.read_shares()?).map_err(|e| match e {
                    Unusable::ForeignShare(at) => self.foreign(at),
                    other => unusable(other),
                })
            }
            Ok(_) if !self.shares.is_empty() => Err(fault!(
                "{} was made without --shares, so there are none of it; leave --share out",
                self.file.display()
            )),
            read => read.map_err(unusable),
        }
    }

    /// Refuses a backup without a whole token in it, and one that is damaged: it would stand in the way of the
    /// others in the store.
    fn prove(&self, backup: &Backup, options: &Options) -> Result<(), Fault> {
        let elsewhere: Arc<dyn Store> = Arc::new(Memory::default());
        let restored = backup.restore(elsewhere.as_ref());
        let described =
            restored.and_then(|()| Vault::of(elsewhere.clone(), backup.token()).description());
        described.map(drop).map_err(|_| {
            fault!(
                "{} holds no whole token; nothing was restored: take another copy of the backup",
                self.file.display()
            )
        })?;
        if self.unchecked {
            return Ok(());
        }
        let inspection = Stored::read(elsewhere, 0, backup.token())?.inspect(options)?;
        match inspection.is_whole() {
            true => Ok(()),
            false => Err(fault!(
                "the token in {} is damaged, and nothing was restored; take another copy of the backup, or restore it \
                 with --unchecked into an empty store and save what still verifies with `keyferry token salvage`",
                self.file.display()
            )),
        }
    }

    /// Which share is of another backup, and where the right one may be.
    fn foreign(&self, at: usize) -> Fault {
        let named = self.shares.get(at).map(|path| path.display().to_string()).unwrap_or_default();
        let kept = format!("{named}.old");
        let perhaps = match Path::new(&kept).exists() {
            true => format!(", perhaps {kept}, which an interrupted `token backup` left"),
            false => String::new(),
        };
        fault!(
            "{named} is a share of another backup than {}; give the shares that were made with this one{perhaps}",
            self.file.display()
        )
    }

    fn read_shares(&self) -> Result<Vec<Share>, Fault> {
        let read = |path: &PathBuf| {
            let bytes = file::read_secret(path, "share")?;
            let share = std::str::from_utf8(&bytes).ok().and_then(Share::parse);
            share.ok_or_else(|| {
                fault!("{} holds no share, or one with a typing mistake; compare it with what was written down", Path::new(path).display())
            })
        };
        self.shares.iter().map(read).collect()
    }
}
