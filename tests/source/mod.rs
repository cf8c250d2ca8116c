//! The sources, for tests that read them: files, and what stands in a file.
use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file in a folder and those below it.
pub fn walk(folder: &Path, seen: &mut impl FnMut(PathBuf)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            seen(path);
        }
    }
}

/// A part of a file.
#[allow(dead_code, reason = "some tests read tokens, some read strings")]
pub enum Piece<'a> {
    /// A word, `::`, or another character, which may be a space.
    Token(&'a str),
    /// A comment, a string or a character in quotes.
    Skipped(&'a str),
}

/// All parts of a file.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let skipped = skipped(rest);
        let length = match (skipped, word) {
            (0, 0) if rest.starts_with("::") => 2,
            (0, 0) => first.len_utf8(),
            (0, word) => word,
            (skipped, _) => skipped,
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(if skipped > 0 { Piece::Skipped(piece) } else { Piece::Token(piece) });
        rest = after;
    }
    pieces
}

/// Length of the comment, string or character that `text` starts with; 0 if with none.
fn skipped(text: &str) -> usize {
    let until = |end: &str, from: usize| {
        text[from..].find(end).map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return until("\n", 2);
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    if let Some(raw) = raw {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let start = text.len() - raw.len() + hashes + 1;
            return until(&format!("\"{}", "#".repeat(hashes)), start);
        }
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some('\''), Some('\\'), _) | (Some('\''), Some(_), Some('\'')) => quoted(text, '\''),
        _ => 0,
    }
}

/// Length of a literal between two `quote`s, escapes inside.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}
