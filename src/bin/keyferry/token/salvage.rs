//! `keyferry token salvage`: what still verifies of a damaged token, in a new store.
use super::stored::Stored;
use super::{check, damage};
use crate::file;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, fault};
use clap::Args;
use keyferry::abi::environment::variable;
use keyferry::config::{Config, Location};
use keyferry::store;
use keyferry::store::vault::{Count, Inspection, Salvage as Saved};
use serde_json::json;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  keyferry token salvage --to sqlite:/var/lib/keyferry-salvaged

The damaged store stays as it is. The status is 1 if anything was left behind. If the ledger does not fit, the record
of the PIN that was not given is left behind, too. Give the SO PIN then (--so-pin-file): the SO sets a new user PIN.")]
pub struct Salvage {
    /// The new store, as in KEYFERRY_STORE: sqlite:FOLDER
    #[arg(long, value_name = "LOCATION")]
    to: String,
}

impl Salvage {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let stored = Stored::pick(options)?;
        let folder = match Config::read_with_reason(Some(&self.to), &variable).map_err(Fault)?.store
        {
            Location::Sqlite(folder) => folder,
            Location::Memory => {
                return Err(fault!(
                    "the store memory: is gone as soon as this command ends; give one that stays with --to \
                     sqlite:FOLDER"
                ));
            }
        };
        if !stored.can_be_opened() {
            return Err(fault!(
                "nothing of the {} can be saved, because its description or every PIN record cannot be read; use a \
                 backup of it with `keyferry token restore`",
                stored.name()
            ));
        }
        let inspection = stored.inspect(options)?;
        let failed = |e| fault!("the {} cannot be saved: {e}; try again", stored.name());
        let saved = inspection.salvage().map_err(failed)?;
        let location = Location::Sqlite(folder.clone());
        let target = store::open(&location)
            .map_err(|e| fault!("the store {location} cannot be opened: {e}; give another"))?;
        let _alone = file::lock_folder(&folder);
        if target.tokens().is_ok_and(|tokens| !tokens.is_empty()) {
            return Err(fault!("the store {location} has tokens already; give an empty folder"));
        }
        saved.backup.restore(target.as_ref()).map_err(|e| {
            fault!("the store {location} cannot be written: {e}; make room, or give another")
        })?;
        Ok(report(&stored, &saved, &location, &inspection))
    }
}

/// Said of what was saved, if the ledger does not vouch for it.
const MAYBE_OLD: &str = "\
The ledger does not fit, so an attacker may have put back earlier versions of these saved objects. Compare CKA_TRUSTED
and the usages of each with those you expect before you use it (`keyferry key show`):";

fn report(stored: &Stored, saved: &Saved, location: &Location, inspection: &Inspection) -> Report {
    let Saved { objects: Count { good, of }, left, unproven, .. } = saved;
    let mut text = String::new();
    if !left.is_empty() {
        text += &format!("Not saved, or not as the token wrote it:\n{}\n", damage::listed(left));
    }
    if !unproven.is_empty() {
        text += &format!("{MAYBE_OLD}\n{}\n", damage::listed(unproven));
    }
    text +=
        &format!("{good} of {of} objects of the {} are in {location}, slot 0.\n", stored.name());
    let json = json!({
        "store": location.to_string(),
        "saved": good,
        "objects": of,
        "left": damage::described(left),
        "unproven": damage::described(unproven),
    });
    let finding = match (inspection.is_whole(), stored.missing()) {
        (false, _) => Some(incomplete(stored, inspection)),
        (true, 1..) => Some(check::rolled_back(stored)),
        (true, 0) => None,
    };
    Report { text, json, finding }
}

fn incomplete(stored: &Stored, inspection: &Inspection) -> Fault {
    if inspection.damages.is_empty() {
        return fault!(
            "every record of the {} verifies, but its ledger does not: one may be old, and others may be missing; \
             compare the objects with those you expect",
            stored.name()
        );
    }
    let Fault(damaged) = check::damaged(stored, &inspection.damages);
    let (what, _) = damaged.split_once(';').unwrap_or((&damaged, ""));
    match inspection.sum {
        true => fault!(
            "{what}; look for the objects that are missing in a backup, and keep the old store until then"
        ),
        false => fault!(
            "{what}, and its ledger does not fit: saved objects may be old; compare CKA_TRUSTED and usages of each \
             with those you expect, look for the objects that are missing in a backup, and keep the old store until then"
        ),
    }
}
