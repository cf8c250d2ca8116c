//! `keyferry rehearse`: a whole transfer on throw-away tokens, both sides played.
//!
//! The vault makes a KEK and hands out its PEM; the source wraps a key of each type under it and
//! writes packages; the vault opens the files and proves, with the keys it received, that they
//! are the keys that left.
mod sides;

use crate::file;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, fault, print, row};
use clap::{Args, ValueEnum};
use keyferry::byok::target::Target;
use keyferry::client::Module;
use serde_json::{Value, json};
use sides::{Ceremony, Transfer};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry rehearse
  keyferry rehearse --kek-bits all --keep packages")]
pub struct Rehearse {
    /// The size of the KEK
    #[arg(long, value_name = "BITS", default_value = "4096")]
    kek_bits: KekBits,
    /// A new or empty folder that keeps the files
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KekBits {
    #[value(name = "2048")]
    B2048,
    #[value(name = "3072")]
    B3072,
    #[value(name = "4096")]
    B4096,
    All,
}

impl KekBits {
    fn sizes(self) -> &'static [usize] {
        match self {
            KekBits::B2048 => &[2048],
            KekBits::B3072 => &[3072],
            KekBits::B4096 => &[4096],
            KekBits::All => &[2048, 3072, 4096],
        }
    }
}

const HEADER: [&str; 8] = ["TYPE", "KEK", "BLOB", "GENERATE", "WRAP", "UNWRAP", "PROOF", "VERDICT"];
/// Wide enough for every cell, so that rows can be printed as they come.
const WIDTHS: [usize; 8] = [8, 4, 10, 9, 9, 9, 21, 7];

impl Rehearse {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        if options.module.is_some() || options.store.is_some() {
            return Err(fault!(
                "a rehearsal plays both sides on throw-away tokens in memory, which only the embedded module has; \
                 leave --module and --store out"
            ));
        }
        let folder = Folder::new(self.keep.as_deref())?;
        let module = Module::embedded(Some("memory:"))?;
        let ceremony = Ceremony::begin(&module, &folder.path)?;
        let mut rows = Vec::new();
        let outcome = self.play(&ceremony, options, &mut rows);
        let success = outcome.is_ok();
        let result = if success { "Result: SUCCESS" } else { "Result: FAILURE" };
        let kept =
            self.keep.as_ref().map(|folder| format!("The files are in {}\n", folder.display()));
        let json = json!({ "rows": rows, "result": if success { "SUCCESS" } else { "FAILURE" }, "folder": self.keep });
        let text = format!("\n{}{result}\n", kept.unwrap_or_default());
        Ok(Report { text, json, finding: outcome.err() })
    }

    fn play(
        &self,
        ceremony: &Ceremony<'_>,
        options: &Options,
        rows: &mut Vec<Value>,
    ) -> Result<(), Fault> {
        let show = |line: &str| if options.json { Ok(()) } else { print(line) };
        show(&row(&HEADER, &WIDTHS))?;
        for bits in self.kek_bits.sizes() {
            let kek = ceremony.exchange_kek(*bits)?;
            for target in Target::ALL {
                let done = ceremony.transfer(&kek, target).map_err(|failure| {
                    fault!("rehearsal of {} under RSA-{bits} failed: {}", target.name(), failure.0)
                })?;
                show(&row(&cells(&done, *bits), &WIDTHS))?;
                rows.push(describe(&done, *bits));
            }
        }
        Ok(())
    }
}

fn cells(done: &Transfer, kek_bits: usize) -> [String; 8] {
    [
        done.target.name(),
        kek_bits.to_string(),
        format!("{} bytes", done.blob_len),
        milliseconds(done.generate),
        milliseconds(done.wrap),
        milliseconds(done.unwrap),
        done.proof.to_owned(),
        "same".to_owned(),
    ]
}

fn describe(done: &Transfer, kek_bits: usize) -> Value {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    json!({
        "type": done.target.name(), "kek_bits": kek_bits, "blob_bytes": done.blob_len,
        "generate_ms": ms(done.generate), "wrap_ms": ms(done.wrap), "unwrap_ms": ms(done.unwrap),
        "proof": done.proof, "verdict": "same", "file": done.file_name,
    })
}

fn milliseconds(time: std::time::Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Where the files of the rehearsal are; gone afterwards unless they are kept.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Folder, Fault> {
        let Some(path) = keep else {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let unique = since.map_or(0, |time| time.as_nanos());
            let path = std::env::temp_dir()
                .join(format!("keyferry-rehearsal-{}-{unique}", std::process::id()));
            file::private_folder(&path)?;
            return Ok(Folder { path, temporary: true });
        };
        if path.exists() {
            let mut files = path.read_dir().map_err(|e| {
                fault!(
                    "{} is no folder to keep files in: {e}; choose another for --keep",
                    path.display()
                )
            })?;
            if files.next().is_some() {
                return Err(fault!(
                    "the folder {} is not empty; choose another for --keep",
                    path.display()
                ));
            }
        } else {
            file::private_folder(path)?;
        }
        Ok(Folder { path: path.to_owned(), temporary: false })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // made by us, private, and of no use to anyone
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_fit_a_terminal() {
        assert!(WIDTHS.iter().sum::<usize>() + 2 * (WIDTHS.len() - 1) <= 100);
        for (title, width) in HEADER.iter().zip(WIDTHS) {
            assert!(title.len() <= width);
        }
    }

    #[test]
    fn temporary_folders_go_and_full_ones_are_refused() {
        let folder = Folder::new(None).unwrap();
        let path = folder.path.clone();
        std::fs::write(path.join("x"), b"x").unwrap();
        assert!(Folder::new(Some(&path)).is_err());
        drop(folder);
        assert!(!path.exists());
    }
}
