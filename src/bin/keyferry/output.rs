//! What commands answer: text for people, JSON for programs, sentences for failures.
use crate::colour::painted;
use crate::options::Options;
use keyferry::byok::azure::Malformed;
use keyferry::client;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

/// What a command answers.
pub type Answer = std::result::Result<Report, Fault>;

/// What a command did or found.
#[derive(Debug)]
pub struct Report {
    /// For people; ends with a newline if it is not empty.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// What is wrong with what was found, though it could be shown.
    pub finding: Option<Fault>,
}

impl Report {
    /// A report of something good.
    pub fn new(text: String, json: Value) -> Report {
        Report { text, json, finding: None }
    }
}

/// One or two sentences: what is wrong, with which object; what to do.
#[derive(Clone, Debug)]
pub struct Fault(pub String);

/// A fault of a format string.
macro_rules! fault {
    ($($arguments:tt)*) => { $crate::output::Fault(format!($($arguments)*)) };
}
pub(crate) use fault;

impl From<client::Error> for Fault {
    fn from(error: client::Error) -> Fault {
        Fault(error.to_string())
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Fault {
        Fault(error.0)
    }
}

/// Adds what was being done, or with which object.
pub trait During<T> {
    /// `what: error`
    fn during(self, what: &str) -> std::result::Result<T, Fault>;
}

impl<T, E: Into<Fault>> During<T> for std::result::Result<T, E> {
    fn during(self, what: &str) -> std::result::Result<T, Fault> {
        self.map_err(|e| fault!("{what}: {}", e.into().0))
    }
}

/// Prints the answer and gives the exit status: 0 only for success.
pub fn finish(options: &Options, answer: Answer) -> ExitCode {
    let failure = match answer.map_err(|fault| hinted(options, fault)) {
        Ok(mut report) => {
            if let (Some(found), Some(members)) = (&report.finding, report.json.as_object_mut()) {
                members.insert("error".to_owned(), found.0.clone().into());
            }
            let shown = if options.json { line(&report.json) } else { report.text };
            let printed = print(&shown).err();
            report.finding.or(printed)
        }
        Err(fault) => {
            if options.json {
                // the sentence goes to standard error in any case
                let _ = print(&line(&json!({ "error": fault.0 })));
            }
            Some(fault)
        }
    };
    match failure {
        None => ExitCode::SUCCESS,
        Some(fault) => {
            complain(&fault.0);
            ExitCode::FAILURE
        }
    }
}

/// Adds to the failure of the embedded module's store which command says what is damaged. A store that does not
/// open is another matter.
fn hinted(options: &Options, Fault(sentence): Fault) -> Fault {
    let is_damage = sentence.contains("answered CKR_DEVICE_ERROR")
        && !sentence.contains("C_Initialize answered")
        && !sentence.contains("token check");
    match is_damage && options.module.is_none() {
        true => fault!("{sentence}; see with `keyferry token check` what is damaged"),
        false => Fault(sentence),
    }
}

/// Says what is not as it should be, though it stops nothing.
pub fn warn(sentence: &str) {
    complain(&format!("warning: {sentence}"));
}

fn complain(sentence: &str) {
    let mut err = std::io::stderr();
    let shown = painted(&format!("keyferry: {}\n", clean(sentence)), &err);
    // there is nobody else to tell
    let _ = err.write_all(shown.as_bytes());
}

/// For a command line that cannot be read: what clap says of it, which may be the help that was
/// asked for. Its exit status is 2 if it is an error.
pub fn misuse(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
        let text = error.render().to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let sentence = lines.collect::<Vec<&str>>().join(" ");
        let sentence = sentence.trim_start_matches("error: ");
        let _ = print(&line(&json!({ "error": sentence })));
    }
    error.exit()
}

/// Prints text at once. A reader that went away is a failure, but no panic.
pub fn print(text: &str) -> std::result::Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    let text = painted(text, &out);
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| {
        fault!("the output cannot be written: {e}; see whether there is a reader, and room")
    })
}

fn line(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Lines of `name: value`, aligned.
pub fn facts(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| width(name)).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let _ = writeln!(text, "{}  {}", pad(name, width), clean(value));
    }
    text
}

/// A table with a header; columns as wide as their widest cell.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = (*column).max(width(cell));
        }
    }
    let mut text = row(header, &widths);
    for cells in rows {
        text += &row(cells, &widths);
    }
    text
}

/// One line of a table with given column widths; the last column is not padded.
pub fn row<S: AsRef<str>>(cells: &[S], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| pad(cell.as_ref(), *width));
    let line = padded.collect::<Vec<String>>().join("  ");
    format!("{}\n", line.trim_end())
}

/// Text of a token or a file may hold anything: control characters would let it write over the terminal,
/// and those that turn the direction of writing or end a line would let it look like other text.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || MISLEADING.contains(&c) { '\u{FFFD}' } else { c })
        .collect()
}

/// Line and paragraph separators, and the explicit directions of Unicode Standard Annex 9, section 2.
const MISLEADING: [char; 14] = [
    '\u{061C}', '\u{200E}', '\u{200F}', '\u{2028}', '\u{2029}', '\u{202A}', '\u{202B}', '\u{202C}',
    '\u{202D}', '\u{202E}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

fn pad(cell: &str, to: usize) -> String {
    let cell = clean(cell);
    format!("{cell}{}", " ".repeat(to.saturating_sub(width(&cell))))
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(table(&["K", "V"], &rows), "K     V\na     1\nlong\n");
    }

    #[test]
    fn labels_cannot_write_over_the_terminal() {
        assert_eq!(
            facts(&[("Label", "a\u{1b}[2Jb\n".to_owned())]),
            "Label  a\u{FFFD}[2Jb\u{FFFD}\n"
        );
        assert_eq!(clean("gnp.\u{202E}exe\u{2028}\u{9B}m"), "gnp.\u{FFFD}exe\u{FFFD}\u{FFFD}m");
    }
}
