//! `keyferry token check`: every record of a token verified, with a line per kind of check.
use super::damage;
use super::stored::Stored;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, fault};
use clap::Args;
use keyferry::store::vault::{Count, Damage, Inspection, Part, Who};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry token check
  keyferry token check --token offline --so-pin-file so.pin

The user PIN or the SO PIN opens the seals. The seal of the other PIN's record opens with that PIN alone: check with
each. A wrong PIN counts, as at a login.

If changes to the store are missing, its file was rolled back or damaged, and the check fails until a backup is restored
into an empty store, or the loss is accepted with --accept-missing. End the programs that use the store before that.")]
pub struct Check {
    /// Accept that changes to the store are missing, if all else is good: the check and `token backup` succeed again
    #[arg(long)]
    accept_missing: bool,
}

/// One kind of check: its name, the verdict (`None`: not checked), and what was seen.
type Line = (&'static str, Option<bool>, String);

impl Check {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let stored = Stored::pick(options)?;
        let outline = &stored.outline;
        let (mut lines, damages, intact) = if stored.can_be_opened() {
            let inspection = stored.inspect(options)?;
            let mut lines = forms(&inspection.outline.damages, inspection.outline.objects);
            lines.extend(seals(&inspection));
            (lines, inspection.damages.clone(), inspection.is_whole())
        } else {
            (forms(&outline.damages, outline.objects), outline.damages.clone(), false)
        };
        if !outline.is_pin_set(Who::User) {
            lines.retain(|(name, ..)| *name != "user PIN record");
        }
        let accepted = intact && self.accept(&stored)?;
        let whole = intact && (accepted || stored.missing() == 0);
        lines.push(changes(&stored, accepted));
        let finding = (!whole).then(|| match intact {
            true => rolled_back(&stored),
            false => damaged(&stored, &damages),
        });
        let result = if whole { "SUCCESS" } else { "FAILURE" };
        let mut text = written(&lines);
        for part in [damage::listed(&damages), format!("Result: {result}\n")] {
            if !part.is_empty() {
                text += &format!("\n{part}");
            }
        }
        let json = json!({
            "slot": stored.slot(),
            "label": stored.label(),
            "revision": outline.revision.0,
            "checks": lines.iter().map(described).collect::<Vec<Value>>(),
            "damaged": damage::described(&damages),
            "result": result,
        });
        Ok(Report { text, json, finding })
    }

    /// Accepts the loss of changes, if there is one and --accept-missing says so.
    fn accept(&self, stored: &Stored) -> Result<bool, Fault> {
        if !self.accept_missing || stored.missing() == 0 {
            return Ok(false);
        }
        stored.store.accept_missing().map_err(|e| {
            fault!(
                "the loss cannot be noted in the store: {e}; check that its folder can be written"
            )
        })?;
        Ok(true)
    }
}

/// The store has lost changes, and what to do.
pub fn rolled_back(stored: &Stored) -> Fault {
    fault!(
        "the last {} changes to the store are missing: its file was rolled back or damaged; restore the last backup \
         into an empty store, or look through keys and PINs and accept the loss with \
         `keyferry token check --accept-missing`",
        stored.missing()
    )
}

/// The check of the store's own count of changes.
fn changes(stored: &Stored, accepted: bool) -> Line {
    let (good, says) = match (accepted, stored.store.missing()) {
        (true, _) => (Some(true), "the loss is accepted from here on".to_owned()),
        (false, Some(0)) => (Some(true), "none is missing".to_owned()),
        (false, Some(missing)) => (
            Some(false),
            format!(
                "the last {missing} changes to the store are missing: it was rolled back or damaged"
            ),
        ),
        (false, None) => {
            (None, "not checked: keyferry.reserve had no count of the changes".to_owned())
        }
    };
    ("changes", good, says)
}

/// What is wrong with a token, and what to do.
pub fn damaged(stored: &Stored, damages: &[Damage]) -> Fault {
    let (name, count) = (stored.name(), damages.len());
    let what = match count {
        0 => "its ledger does not fit its records".to_owned(),
        1 => "1 record is not as the token wrote it".to_owned(),
        _ => format!("{count} records are not as the token wrote them"),
    };
    fault!(
        "the {name} is damaged: {what}; restore a backup into an empty store, or save what still verifies with \
         `keyferry token salvage --to sqlite:FOLDER`"
    )
}

/// The checks that take no PIN.
fn forms(damages: &[Damage], objects: usize) -> Vec<Line> {
    let bad = |part| damages.iter().filter(|damage| damage.part == part).count();
    let single = |name, part| match bad(part) {
        0 => (name, Some(true), "can be read".to_owned()),
        _ => (name, Some(false), "cannot be read".to_owned()),
    };
    let count = Count { good: objects.saturating_sub(bad(Part::Object)), of: objects };
    vec![
        single("description", Part::Description),
        single("SO PIN record", Part::Pin(Who::So)),
        single("user PIN record", Part::Pin(Who::User)),
        counted("object records", count, "can be read"),
    ]
}

/// The checks that a PIN makes possible.
fn seals(inspection: &Inspection) -> Vec<Line> {
    let (verifies, opened, other) = match inspection.who {
        Who::So => ("SO PIN's seal", "opens", "user PIN's seal"),
        Who::User => ("user PIN's seal", "opens", "SO PIN's seal"),
    };
    let description = match inspection.description {
        true => "verifies",
        false => "does not verify",
    };
    let mut lines = vec![
        (verifies, Some(true), opened.to_owned()),
        (other, None, "not checked: it opens with that PIN alone".to_owned()),
        ("description's seal", Some(inspection.description), description.to_owned()),
        counted("object seals", inspection.objects, "verify"),
        counted("material seals", inspection.materials, "verify"),
    ];
    let Some(stated) = inspection.stated else {
        let closed = "not checked: the ledger is under the description's seal";
        lines.extend(["ledger count", "ledger sum"].map(|name| (name, None, closed.to_owned())));
        return lines;
    };
    let (fits, found) = (stated == inspection.found, inspection.found);
    lines.push(("ledger count", Some(fits), format!("{stated} records expected, {found} found")));
    let sum = match inspection.sum {
        true => "fits the records",
        false => "does not fit: a record was altered, added, removed or rolled back",
    };
    lines.push(("ledger sum", Some(inspection.sum), sum.to_owned()));
    lines
}

fn counted(name: &'static str, count: Count, says: &str) -> Line {
    (name, Some(count.is_whole()), format!("{} of {} {says}", count.good, count.of))
}

fn written(lines: &[Line]) -> String {
    let width = lines.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, good, says) in lines {
        let verdict = match good {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "-",
        };
        let _ = writeln!(text, "{verdict:6}  {name:width$}  {}", clean(says));
    }
    text
}

fn described((name, good, says): &Line) -> Value {
    json!({ "check": name, "ok": good, "says": says })
}
