//! `keyferry token backup` and `restore`: a token in one file, and out of it again.
use crate::file::{self, Existing, Pending};
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, facts, fault};
use crate::token::describe;
use clap::Args;
use keyferry::client::TokenSlot;
use keyferry::crypto::Secret;
use keyferry::store::backup::{Backup, LONGEST, MAGIC, Share, Split, Unusable};
use keyferry::store::memory::Memory;
use keyferry::store::vault::Vault;
use keyferry::store::{self, Store};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOG: &str = "set KEYFERRY_LOG=debug to see why";
const NO_SHARES: &str = "no shares were made, because the machine gives no random numbers; try again, or leave --shares out";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry token backup offline.backup
  keyferry token backup offline.backup --shares 2/3")]
pub struct Take {
    /// The file to write
    file: PathBuf,
    /// Seal it once more, under a secret in M shares of which N open it: FILE.share-1 and so on
    #[arg(long, value_name = "N/M", value_parser = split)]
    shares: Option<Split>,
    /// Replace what exists; shares are kept until the new backup is there
    #[arg(long)]
    force: bool,
}

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
}

fn split(text: &str) -> Result<Split, String> {
    let numbers = text.split_once('/').and_then(|(n, m)| Some((n.parse().ok()?, m.parse().ok()?)));
    match numbers {
        Some((needed, of)) if needed >= 2 && needed <= of => Ok(Split { needed, of }),
        _ => {
            Err("give how many shares are needed, at least 2, and how many there are, as 2/3"
                .into())
        }
    }
}

impl Take {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let store = open_store(options)?;
        let token = options.pick(&options.open_module()?)?;
        let number = usize::try_from(token.slot).unwrap_or(usize::MAX);
        let id = store.tokens().ok().and_then(|tokens| tokens.get(number).copied());
        let id = id.ok_or_else(|| {
            fault!(
                "the token \"{}\" is gone; `keyferry token list` shows those there are",
                token.label
            )
        })?;
        let files = self.files()?;
        let backup = Backup::take(store.as_ref(), id)
            .map_err(|e| fault!("the token \"{}\" cannot be read: {e}; {LOG}", token.label))?;
        let (bytes, shares) = match self.shares {
            None => (backup.to_bytes(), Vec::new()),
            Some(split) => backup.split(split).map_err(|_| fault!("{NO_SHARES}"))?,
        };
        files.write(&bytes, &shares)?;
        Ok(self.report(&token, &files, bytes.len()))
    }

    /// Where everything goes, if it can.
    fn files(&self) -> Result<Files, Fault> {
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        let share = |n: u8| {
            let mut name = self.file.clone().into_os_string();
            name.push(format!(".share-{n}"));
            Pending::new(Path::new(&name), existing)
        };
        let of = self.shares.map_or(0, |split| split.of);
        let backup = Pending::new(&self.file, existing)?;
        let shares = (1..=of).map(share).collect::<Result<_, Fault>>()?;
        let alone = self.shares.and_then(|_| file::lock_folder(file::folder_of(&self.file)));
        Ok(Files { backup, shares, _alone: alone })
    }

    fn report(&self, token: &TokenSlot, files: &Files, len: usize) -> Report {
        let shares: Vec<&Path> = files.shares.iter().map(Pending::path).collect();
        let mut rows = vec![
            ("Written", format!("{}, {len} bytes", self.file.display())),
            ("Token", format!("\"{}\", serial number {}", clean(&token.label), token.serial)),
        ];
        rows.extend(shares.iter().map(|file| ("Share", file.display().to_string())));
        let advice = match self.shares {
            None => "The PINs of today open it, and whoever has it can try PINs as often as they like: keep it as you keep the token.\n".to_owned(),
            Some(Split { needed, .. }) => format!("Any {needed} shares and the PINs of today open it. Give each share to somebody else, and keep none beside the backup.\n"),
        };
        let json = json!({
            "file": self.file, "bytes": len, "token": describe(token), "shares": shares,
        });
        Report::new(format!("{}\n{advice}", facts(&rows)), json)
    }
}

/// A backup and its shares: files that are of use together.
struct Files {
    backup: Pending,
    shares: Vec<Pending>,
    /// The locked folder: shares of one run are of no use with the backup of another.
    _alone: Option<File>,
}

impl Files {
    /// A backup without its shares is lost, and shares without it are harmless: so it comes last, and until then
    /// those of the backup that it replaces stay.
    fn write(&self, backup: &[u8], shares: &[Share]) -> Result<(), Fault> {
        let lines: Vec<Secret> = shares.iter().map(Share::to_line).collect();
        let mut files: Vec<(&Pending, &[u8])> =
            self.shares.iter().zip(lines.iter().map(|line| line.as_slice())).collect();
        files.push((&self.backup, backup));
        file::commit_all(&files)
    }
}

impl Restore {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let store = open_store(options)?;
        options.refuse_passing_store("the restored token")?;
        let backup = self.read()?;
        self.prove(&backup)?;
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
        let text = format!(
            "The token \"{}\" is in slot {}, with the PINs it had then.\n",
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

    /// Whether there is a token in it. What is none would stand in the way of all others in the store.
    fn prove(&self, backup: &Backup) -> Result<(), Fault> {
        let elsewhere: Arc<dyn Store> = Arc::new(Memory::default());
        let restored = backup.restore(elsewhere.as_ref());
        let described = restored.and_then(|()| Vault::of(elsewhere, backup.token()).description());
        described.map(drop).map_err(|_| {
            fault!(
                "{} holds no whole token; nothing was restored: take another copy of the backup",
                self.file.display()
            )
        })
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

/// The embedded module's store.
fn open_store(options: &Options) -> Result<Arc<dyn Store>, Fault> {
    if let Some(module) = &options.module {
        return Err(fault!(
            "only tokens of the embedded module are backed up; use what the maker of {} gives for its own",
            module.display()
        ));
    }
    let location = options.config()?.store;
    store::open(&location).map_err(|e| fault!("the store {location} cannot be opened: {e}; {LOG}"))
}
