//! `keyferry`: carries keys out of any PKCS#11 token and into a cloud HSM.
//!
//! A file per noun; each command answers with a report or with a sentence that says what is
//! wrong, with which object, and what to do.
mod carrier;
mod colour;
mod dates;
mod destroy;
mod doctor;
mod export;
mod file;
mod inspect;
mod kek;
mod key;
mod kind;
mod objects;
mod opener;
mod options;
mod output;
mod pin;
mod progress;
mod public;
mod receive;
mod rehearse;
mod restrict;
mod shell;
mod token;
mod usage;
mod verify;
mod whom;
mod wish;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use options::Options;
use output::Answer;
use std::process::ExitCode;

/// Carry keys out of a PKCS#11 token and into a cloud HSM.
///
/// Works with any PKCS#11 module; without --module, with the one built in.
#[derive(Debug, Parser)]
#[command(name = "keyferry", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  keyferry rehearse
  keyferry token init --label offline
  keyferry key generate --type rsa-3072 --label signing --extractable
  keyferry export azure --kek KEK.pem --kid https://V.vault.azure.net/keys/KEK/VERSION --key signing

The PIN comes from --pin-file, from KEYFERRY_PIN, or from a prompt.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make, list, back up and check tokens
    #[command(subcommand, after_help = "Example:\n  keyferry token init --label offline")]
    Token(token::Token),
    /// Generate, list, show, restrict and destroy keys
    #[command(
        subcommand,
        after_help = "Example:\n  keyferry key generate --type rsa-3072 --label signing --extractable"
    )]
    Key(key::Key),
    /// Import, generate and list key exchange keys
    #[command(subcommand, after_help = "Example:\n  keyferry kek import KEK.pem --label azure-kek")]
    Kek(kek::KekCommand),
    /// Wrap a key for a cloud and write the file to upload
    #[command(
        subcommand,
        after_help = "Example:\n  keyferry export azure --kek azure-kek --key signing"
    )]
    Export(export::Export),
    /// Prove what this token can wrap, and for which clouds; say what is in a key's way
    Doctor(doctor::Doctor),
    /// Say what a key transfer package holds, as far as can be told without the KEK
    Inspect(inspect::Inspect),
    /// Check a wrapped key before a cloud sees it; with the KEK's private half, the key itself
    Verify(verify::Verify),
    /// Make a key in the token of a wrapped one: the other side of `export`
    Receive(receive::Receive),
    /// Play a whole transfer, both sides, with throw-away keys in memory
    Rehearse(rehearse::Rehearse),
    /// Print completions of this command line for a shell
    Completions(shell::Completions),
    /// Write the manual: a page for each command
    Man(shell::Man),
}

/// Commands that look at no token.
const TOKENLESS: [&str; 3] = ["inspect", "completions", "man"];

/// The command line, as help, manual and completions show it: options that say which token it is are
/// hidden where there is none, and what a cloud takes stands with its export.
fn command() -> clap::Command {
    let command = Cli::command().mut_subcommand("export", export::shown);
    let about_tokens = command.get_arguments().filter(|arg| arg.get_help_heading().is_some());
    let hidden: Vec<clap::Arg> = about_tokens.map(|arg| arg.clone().hide(true)).collect();
    let hide = |command: clap::Command, name| command.mut_subcommand(name, |sub| sub.args(&hidden));
    TOKENLESS.into_iter().fold(command, hide)
}

fn parse() -> Result<Cli, clap::Error> {
    let mut matches = command().try_get_matches()?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
}

fn main() -> ExitCode {
    match parse() {
        Ok(cli) => output::finish(&cli.options, run(&cli)),
        Err(error) => output::misuse(&error),
    }
}

fn run(cli: &Cli) -> Answer {
    let options = &cli.options;
    file::keep_in_use(options.files_in_use());
    match &cli.command {
        Command::Token(command) => command.run(options),
        Command::Key(command) => command.run(options),
        Command::Kek(command) => command.run(options),
        Command::Export(command) => command.run(options),
        Command::Doctor(command) => command.run(options),
        Command::Inspect(command) => command.run(),
        Command::Receive(command) => command.run(options),
        Command::Verify(command) => command.run(options),
        Command::Rehearse(command) => command.run(options),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("keyferry "), "{path} has no example");
            for child in command.get_subcommands() {
                check(child, &format!("{path} {}", child.get_name()));
            }
        }
        check(&command(), "keyferry");
    }
}
