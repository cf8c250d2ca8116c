//! `keyferry key public`: the public half of a key, as PEM.
use crate::file::{Existing, Pending};
use crate::objects;
use crate::options::Options;
use crate::output::{Answer, Report, facts};
use clap::Args;
use keyferry::client::Access;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Public {
    /// The key's label
    label: String,
    /// File to write [default: the terminal]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl Public {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        let pending =
            self.output.as_deref().map(|path| Pending::new(path, existing)).transpose()?;
        let (_, session) = options.log_in(Access::ReadOnly)?;
        let public = objects::public(&session, &self.label)?;
        let (pem, fingerprint) = (public.pem()?, public.fingerprint()?);
        let kind = public.target().name();
        let json = json!({
            "label": self.label, "type": kind, "sha256": fingerprint, "file": self.output, "pem": pem,
        });
        let Some(pending) = pending else { return Ok(Report::new(pem, json)) };
        let written = pending.path().display().to_string();
        pending.commit(pem.as_bytes())?;
        let key = format!("\"{}\", {kind}", self.label);
        let rows = [("Written", written), ("Key", key), ("SHA-256", fingerprint)];
        Ok(Report::new(facts(&rows), json))
    }
}
