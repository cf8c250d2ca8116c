//! `keyferry completions` and `keyferry man`: what shells and manuals need, made of the command
//! line's own definition, so that it cannot say anything else.
use crate::file::{Existing, Pending};
use crate::output::{Answer, Report, fault};
use clap::Args;
use clap_complete::Shell;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  keyferry completions bash > ~/.local/share/bash-completion/completions/keyferry")]
pub struct Completions {
    /// The shell to write them for
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyferry man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder to write them into; it is made if there is none
    folder: PathBuf,
    /// Replace the pages that are there
    #[arg(long)]
    force: bool,
}

impl Completions {
    /// Runs the command.
    pub fn run(&self) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command(), "keyferry", &mut script);
        let text = String::from_utf8(script)
            .map_err(|e| fault!("the completions are no text: {e}; report this"))?;
        let json = json!({ "shell": self.shell.to_string(), "script": text });
        Ok(Report::new(text, json))
    }
}

impl Man {
    /// Runs the command.
    pub fn run(&self) -> Answer {
        let unwritten = |error: std::io::Error| {
            fault!("{}: {error}; give a folder that you may write to", self.folder.display())
        };
        let mut command = crate::command().disable_help_subcommand(true);
        command.build();
        let pages = pages(&command);
        let names: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
        let mut places = names.iter().map(|page| self.folder.join(page));
        let is_there = |place: &PathBuf| !self.force && place.symlink_metadata().is_ok();
        if let Some(page) = places.find(is_there) {
            return Err(fault!(
                "{} exists already; give another folder, or --force to replace the pages in it",
                page.display()
            ));
        }
        std::fs::create_dir_all(&self.folder).map_err(unwritten)?;
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        for (name, command) in pages {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(unwritten)?;
            Pending::new(&self.folder.join(name), existing)?.for_everyone().commit(&page)?;
        }
        let text = format!(
            "{} pages are in {}; `man -l {}` shows the first.\n",
            names.len(),
            self.folder.display(),
            self.folder.join("keyferry.1").display()
        );
        Ok(Report::new(text, json!({ "folder": Path::new(&self.folder), "pages": names })))
    }
}

/// A page for each command that is not hidden: its file's name, and the command.
fn pages(command: &clap::Command) -> Vec<(String, clap::Command)> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let own = (format!("{name}.1"), command.clone());
    std::iter::once(own).chain(below.flat_map(pages)).collect()
}
