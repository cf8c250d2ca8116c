//! `keyferry key destroy`: one key, of a pair both halves.
use crate::key::{Found, Id, absent, labelled, unhex};
use crate::kind::hex;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, fault};
use clap::Args;
use keyferry::ck::CKA_ID;
use keyferry::client::{Access, Session};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;

#[derive(Debug, Args)]
pub struct Destroy {
    /// The key's label
    label: String,
    /// The key's identifier, if several have the label; `none` is the key that has none
    #[arg(long, value_name = "HEX", value_parser = id_or_none)]
    id: Option<Id>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

const NONE: &str = "none";

fn id_or_none(text: &str) -> Result<Id, String> {
    if text == NONE { Ok(Id(Vec::new())) } else { unhex(text) }
}

fn shown(id: &str) -> &str {
    if id.is_empty() { NONE } else { id }
}

impl Destroy {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let (token, session) = options.log_in(Access::ReadWrite)?;
        let (id, found) = self.chosen(&session, &token.label)?;
        let names: Vec<&str> = found.iter().map(|(_, class)| *class).collect();
        let (label, names) = (&self.label, names.join(" and "));
        if !self.yes {
            confirm(&format!(
                "Destroy the {names} key \"{}\" of the token \"{}\"?",
                clean(label),
                clean(&token.label)
            ))?;
        }
        for (key, class) in &found {
            session.destroy(*key).map_err(|e| {
                fault!(
                    "the {class} key \"{label}\" was not destroyed: {}; `keyferry key show {label}` tells more",
                    e.what()
                )
            })?;
        }
        let text = format!("The {names} key \"{}\" is destroyed.\n", clean(label));
        Ok(Report::new(text, json!({ "destroyed": found.len(), "label": label, "id": id })))
    }

    /// The one key's identifier, in hexadecimal, and its objects: those of the label that share it.
    fn chosen(&self, session: &Session, token: &str) -> Result<(String, Vec<Found>), Fault> {
        let label = &self.label;
        let mut keys: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for object in labelled(session, label)? {
            let id = session.attribute(object.0, CKA_ID)?.unwrap_or_default();
            keys.entry(hex(&id)).or_default().push(object);
        }
        if let Some(Id(id)) = &self.id {
            let id = hex(id);
            return keys.remove_entry(&id).ok_or_else(|| {
                fault!(
                    "the token \"{token}\" has no key \"{label}\" with the id {}; `keyferry key list` shows those it has",
                    shown(&id)
                )
            });
        }
        let ids: Vec<&str> = keys.keys().map(|id| shown(id)).collect();
        let several = fault!(
            "the token \"{token}\" has {} keys \"{label}\" (ids: {}); say which with --id",
            ids.len(),
            ids.join(", ")
        );
        match (keys.pop_first(), keys.is_empty()) {
            (None, _) => Err(absent(label, token)),
            (Some(key), true) => Ok(key),
            (Some(_), false) => Err(several),
        }
    }
}

fn confirm(question: &str) -> Result<(), Fault> {
    if !std::io::stdin().is_terminal() {
        return Err(fault!(
            "there is no terminal to ask at whether to destroy the key; --yes destroys without a question"
        ));
    }
    eprint!("{question} [yes/no] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|e| fault!("the answer cannot be read: {e}; --yes destroys without a question"))?;
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(fault!("nothing was destroyed; answer yes, or give --yes, to destroy the key"))
    }
}
