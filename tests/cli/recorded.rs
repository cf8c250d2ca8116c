//! That every refusal has a recorded case, and a remedy: the sentences of the sources against those of `*.toml`.
use super::refusals::says_what_to_do;
use crate::source::{Piece, pieces, walk};
use crate::{Commands, Place};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Sentences for which no case is recorded.
#[derive(Deserialize)]
struct Unrecorded {
    says: Vec<String>,
    /// The file of the test that finds them instead.
    tested: Option<String>,
    /// Or why there is none.
    because: Option<String>,
}

#[derive(Deserialize)]
struct Exceptions {
    group: Vec<Unrecorded>,
}

impl Unrecorded {
    /// Whether there is a reason, or the file has strings that are a part of each sentence.
    fn is_justified(&self) -> bool {
        let Some(file) = &self.tested else { return self.because.is_some() };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let tests = strings(&std::fs::read_to_string(path).unwrap(), |_, _| true);
        let is_part = |part: &str, test: &String| {
            let shorter = part.trim().len().min(test.len());
            shorter >= 10 && (part.contains(test.as_str()) || test.contains(part.trim()))
        };
        self.says.iter().all(|sentence| {
            fixed(sentence).iter().any(|part| tests.iter().any(|test| is_part(part, test)))
        })
    }
}

/// Where sentences stand that a user may read.
const SOURCES: [&str; 5] =
    ["src/bin/keyferry", "src/byok", "src/client", "src/config.rs", "src/store/backup.rs"];

/// What makes a refusal of a string.
const MAKERS: [&str; 4] = ["fault", "Malformed", "malformed", "Unusable"];

/// The same, and adds the remedy.
const MENDERS: [&str; 3] = ["broken", "again", "in_request"];

#[test]
fn every_refusal_is_recorded() {
    let (recorded, sentences) = (recorded(), sentences(is_sentence));
    assert!(sentences.len() > 150, "the walk must have missed the sources");
    let exceptions: Exceptions = toml::from_str(include_str!("unrecorded.toml")).unwrap();
    let excepted: Vec<&String> = exceptions.group.iter().flat_map(|group| &group.says).collect();
    let mut wrong = Vec::new();
    for sentence in &sentences {
        let is_recorded = recorded.iter().any(|said| fits(said, sentence));
        match (is_recorded, excepted.contains(&sentence)) {
            (false, false) => wrong.push(format!("no case says: {sentence}")),
            (true, true) => wrong.push(format!("a case says, so it is no exception: {sentence}")),
            _ => {}
        }
    }
    let gone = excepted.iter().filter(|sentence| !sentences.contains(sentence));
    wrong.extend(gone.map(|sentence| format!("nobody says any more: {sentence}")));
    let unjustified = exceptions.group.iter().filter(|group| !group.is_justified());
    wrong.extend(unjustified.map(|group| format!("not in {:?}: {:?}", group.tested, group.says)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sentence_says_what_to_do() {
    // a remedy may be filled in
    let is_open = |sentence: &str| match sentence.rsplit_once("; ") {
        Some((_, remedy)) => remedy.contains('{'),
        None => sentence.ends_with('}'),
    };
    let is_good = |sentence: &str| match sentence.contains("; ") {
        true => says_what_to_do(sentence),
        // what it says may be the remedy alone
        false => says_what_to_do(&format!("; {sentence}")),
    };
    let mut wrong = sentences(is_whole);
    wrong.retain(|sentence| !is_open(sentence) && !is_good(sentence));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_checks_see_what_they_should() {
    for (sentence, good) in [
        ("the key \"a\" is gone; `keyferry key list` shows those there are", true),
        ("the key \"a\" is gone: look for it", true),
        ("the key \"a\" is gone; it was there yesterday", false),
        ("give the key with --key; it is gone", false),
    ] {
        assert_eq!(says_what_to_do(sentence), good, "{sentence}");
    }
    assert!(fits("x: the key \"a\" is gone; go on", "the key \"{}\" is {what}; go on"));
    assert!(!fits("the key \"a\" stays; go on", "the key \"{}\" is gone; go on"));
    let file = "/// one two three; four\n#[command(after_help = \"one two three; four\")]\n\
                fn f() { fault!(\"{a} is \\\n    wrong here\"); again(&format!(\"{b} is cut off\")); g(\"a: b\"); }";
    assert_eq!(strings(file, is_sentence), ["{a} is wrong here", "{b} is cut off"]);
    assert_eq!(strings(file, is_whole), ["{a} is wrong here"]);
}

/// The list of commands is that of the manual's pages, and each command is refused something.
#[test]
fn every_command_is_listed_and_has_a_refusal() {
    let commands: Commands = toml::from_str(include_str!("commands.toml")).unwrap();
    let place = Place::new();
    let pages = place.json("man {dir}/manual")["pages"].clone();
    let pages: Vec<&str> = pages.as_array().unwrap().iter().filter_map(|p| p.as_str()).collect();
    let page = |command: &str| format!("keyferry-{}.1", command.replace(' ', "-"));
    let groups = commands.commands.iter().filter_map(|command| command.split_once(' '));
    let groups = groups.map(|(group, _)| page(group)).chain(["keyferry.1".to_owned()]);
    let listed: BTreeSet<String> =
        commands.commands.iter().map(|command| page(command)).chain(groups).collect();
    let helps = |page: &&str| page.ends_with("-help.1") || page.contains("-help-");
    let shown: BTreeSet<String> =
        pages.into_iter().filter(|page| !helps(page)).map(str::to_owned).collect();
    assert_eq!(listed, shown);
    let lines: Vec<String> = cases().into_iter().map(|(run, _)| run).collect();
    for command in commands.commands {
        let refused = lines.iter().any(|line| line.starts_with(&format!("{command} ")));
        assert!(refused, "no refusal of {command} is recorded");
    }
}

/// What the cases of all files say.
fn recorded() -> Vec<String> {
    cases().into_iter().map(|(_, said)| said).collect()
}

/// The command lines and the sentences of all files.
fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let file: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let listed = |name: &&str| file.get(*name).and_then(toml::Value::as_array);
        let cases = ["case", "damage"].iter().filter_map(listed).flatten();
        for case in cases {
            let Some(says) = case.get("says") else { continue };
            let says = says.as_array().into_iter().flatten().filter_map(toml::Value::as_str);
            // a manifest has no command line of its own
            let run = case.get("run").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
            found.push((run, says.collect::<Vec<&str>>().join("…")));
        }
    }
    found
}

/// Whether `said` is what the format string makes.
fn fits(said: &str, format: &str) -> bool {
    let mut rest = Some(said);
    for part in fixed(format) {
        rest = rest.and_then(|rest| rest.split_once(part)).map(|(_, after)| after);
    }
    rest.is_some()
}

/// The parts of a format string that are always the same.
fn fixed(format: &str) -> Vec<&str> {
    let parts = format.split('{').enumerate();
    parts
        .map(
            |(n, part)| {
                if n == 0 { part } else { part.split_once('}').map_or("", |(_, after)| after) }
            },
        )
        .filter(|part| !part.is_empty())
        .collect()
}

/// Every string of the sources that is a refusal: made one at once, or of the form `what; remedy`.
fn sentences(wanted: fn(&str, &[&str]) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for place in SOURCES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
        let mut read = |file: PathBuf| {
            if file.file_stem().is_none_or(|name| name != "tests") {
                let file = std::fs::read_to_string(file).unwrap();
                let code = file.split("#[cfg(test)]\nmod tests {").next().unwrap();
                found.extend(strings(code, wanted));
            }
        };
        if path.is_dir() { walk(&path, &mut read) } else { read(path) }
    }
    found.sort();
    found.dedup();
    found
}

/// The strings of a file that are wanted, by what they are and the tokens before them.
fn strings(file: &str, wanted: impl Fn(&str, &[&str]) -> bool) -> Vec<String> {
    let (mut found, mut before) = (Vec::new(), Vec::new());
    for piece in pieces(file) {
        match piece {
            Piece::Skipped(string) if string.starts_with('"') => {
                let string = unescaped(string);
                if wanted(&string, &before) {
                    found.push(string);
                }
                before.push("\"");
            }
            Piece::Token(token) if !token.trim().is_empty() => before.push(token),
            Piece::Token(_) | Piece::Skipped(_) => {}
        }
    }
    found
}

fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut chars = literal[1..literal.len() - 1].chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some('n')) => {
                chars.next();
                text.push('\n');
            }
            ('\\', Some(_)) => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    text
}

/// `before` is what stands before the string.
fn is_sentence(string: &str, before: &[&str]) -> bool {
    let words = fixed(string).join(" ");
    let words = words.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
    let is_help = matches!(before, [.., "after_help" | "reason", "="]);
    let is_made = is_made_by(&MAKERS, before) || is_made_by(&MENDERS, before);
    let has_remedy = string.find("; ").is_some_and(|at| at > 0) && !string.ends_with('\n');
    words >= 3 && !is_help && (is_made || has_remedy)
}

/// Whether it says all there is to say.
fn is_whole(string: &str, before: &[&str]) -> bool {
    is_sentence(string, before) && !is_made_by(&MENDERS, before)
}

/// `maker("`, `maker!("`, `maker(&format!("`
fn is_made_by(makers: &[&str], before: &[&str]) -> bool {
    let before = match before {
        [rest @ .., "format", "!", "("] => rest,
        all => all,
    };
    let before = match before {
        [rest @ .., "&"] => rest,
        all => all,
    };
    matches!(before, [.., maker, "!", "("] | [.., maker, "("] if makers.contains(maker))
}
