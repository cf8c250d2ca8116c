//! `keyferry token backup`: a token in one file, once it was checked.
use super::check;
use super::describe;
use super::stored::{self, Stored};
use crate::file::{self, Existing, Pending};
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, facts, fault};
use clap::Args;
use keyferry::client::TokenSlot;
use keyferry::crypto::Secret;
use keyferry::store::backup::{Backup, Share, Split};
use keyferry::store::vault::Who;
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};

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
    /// Back up a token without a PIN, and so without a check of its seals; never replaces a file, even with --force
    #[arg(long)]
    unchecked: bool,
}

/// What was verified of a token, for the report.
const UNCHECKED: &str = "no: neither the seals nor the ledger, because of --unchecked";

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
        let store = stored::open(options)?;
        let token = options.pick(&options.open_module()?)?;
        let stored = Stored::of(store, &token)?;
        let files = self.files()?;
        let (backup, checked) = self.take(&stored, options)?;
        let (bytes, shares) = match self.shares {
            None => (backup.to_bytes(), Vec::new()),
            Some(split) => backup.split(split).map_err(|_| fault!("{NO_SHARES}"))?,
        };
        files.write(&bytes, &shares)?;
        Ok(self.report(&token, &files, bytes.len(), checked))
    }

    /// The records, and who has verified them.
    fn take(&self, stored: &Stored, options: &Options) -> Result<(Backup, Option<Who>), Fault> {
        if self.unchecked {
            let taken = Backup::take(stored.store.as_ref(), stored.id);
            let failed = |e| fault!("the {} cannot be read: {e}; {LOG}", stored.name());
            return Ok((taken.map_err(failed)?, None));
        }
        let inspection = stored.inspect(options)?;
        if inspection.is_whole() && stored.missing() == 0 {
            return Ok((inspection.backup(), Some(inspection.who)));
        }
        if inspection.is_whole() {
            let Fault(lost) = check::rolled_back(stored);
            return Err(fault!("nothing was written: {lost}"));
        }
        let Fault(damaged) = check::damaged(stored, &inspection.damages);
        Err(fault!("{damaged}; nothing was written: `keyferry token check` lists the damage"))
    }

    /// Where everything goes, if it can.
    fn files(&self) -> Result<Files, Fault> {
        let existing = match (self.force, self.unchecked) {
            (true, false) => Existing::Replace,
            _ => Existing::Refuse,
        };
        let of = self.shares.map_or(0, |split| split.of);
        let shares: Vec<PathBuf> = (1..=of).map(|n| self.share(n)).collect();
        let mut files = shares.iter().chain([&self.file]);
        let there = files.find(|file| self.unchecked && file.symlink_metadata().is_ok());
        if let Some(file) = there {
            return Err(fault!(
                "{} exists already, and an unchecked backup replaces nothing; give another name",
                file.display()
            ));
        }
        let backup = Pending::new(&self.file, existing)?;
        let pending = shares.iter().map(|share| Pending::new(share, existing));
        let shares = pending.collect::<Result<_, Fault>>()?;
        let alone = self.shares.and_then(|_| file::lock_folder(file::folder_of(&self.file)));
        Ok(Files { backup, shares, _alone: alone })
    }

    fn share(&self, number: u8) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(format!(".share-{number}"));
        PathBuf::from(name)
    }

    fn report(&self, token: &TokenSlot, files: &Files, len: usize, by: Option<Who>) -> Report {
        let shares: Vec<&Path> = files.shares.iter().map(Pending::path).collect();
        let mut rows = vec![
            ("Written", format!("{}, {len} bytes", self.file.display())),
            ("Token", format!("\"{}\", serial number {}", clean(&token.label), token.serial)),
            ("Checked", by.map_or(UNCHECKED, checked).to_owned()),
        ];
        rows.extend(shares.iter().map(|file| ("Share", file.display().to_string())));
        let advice = match self.shares {
            None => "The PINs of today open it, and whoever has it can try PINs as often as they like: keep it as you keep the token.\n".to_owned(),
            Some(Split { needed, .. }) => format!("Any {needed} shares and the PINs of today open it. Give each share to somebody else, and keep none beside the backup.\n"),
        };
        let json = json!({
            "file": self.file, "bytes": len, "token": describe(token), "shares": shares,
            "checked": by.is_some(),
        });
        Report::new(format!("{}\n{advice}", facts(&rows)), json)
    }
}

fn checked(by: Who) -> &'static str {
    match by {
        Who::So => "every object's seals and the ledger, with the SO PIN",
        Who::User => "every object's seals and the ledger, with the user PIN",
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
