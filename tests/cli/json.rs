//! `--json`: each command answers with the members that `docs/json.md` lists, and no others.
use crate::{Commands, Place, with_token};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Members as paths: `keys[].file`.
type Members = BTreeSet<String>;

#[derive(Deserialize)]
struct Runs {
    run: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    /// The heading in the document that describes the answer.
    of: String,
    line: String,
}

/// What the document lists, by its headings.
fn documented() -> BTreeMap<&'static str, Members> {
    let text = include_str!("../../docs/json.md");
    let mut all = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (heading, body) = section.split_once('\n').unwrap();
        let member = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
        for name in heading.split(", ") {
            all.insert(name, body.lines().filter_map(member).collect());
        }
    }
    all
}

/// The members of a value, as deep as the document goes.
fn collect(value: &Value, at: &str, documented: &Members, found: &mut Members) {
    match value {
        Value::Array(values) => {
            values.iter().for_each(|value| collect(value, at, documented, found));
        }
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{at}{name}");
                let below = format!("{path}[].");
                if documented.iter().any(|other| other.starts_with(&below)) {
                    collect(value, &below, documented, found);
                }
                found.insert(path);
            }
        }
        _ => {}
    }
}

#[test]
fn every_command_answers_as_documented() {
    let place = with_token();
    place.good("token backup {dir}/first.backup");
    std::fs::write(place.path("keys.toml"), "[[key]]\nlabel = \"sign\"\n").unwrap();
    let documented = documented();
    let runs: Runs = toml::from_str(include_str!("json.toml")).unwrap();
    let mut found: BTreeMap<&str, Members> = BTreeMap::new();
    for run in &runs.run {
        let answer = place.json(&run.line);
        assert!(!answer.as_array().is_some_and(Vec::is_empty), "{}: nothing to look at", run.line);
        let listed = documented.get(run.of.as_str()).unwrap_or_else(|| panic!("{}", run.of));
        collect(&answer, "", listed, found.entry(&run.of).or_default());
    }
    for (name, members) in &documented {
        assert_eq!(found.get(name), Some(members), "{name}");
    }
}

#[test]
fn every_command_is_documented() {
    let commands: Commands = toml::from_str(include_str!("commands.toml")).unwrap();
    let documented = documented();
    for command in &commands.commands {
        assert!(documented.contains_key(command.as_str()), "docs/json.md lacks {command}");
    }
}

#[test]
fn failures_have_an_error() {
    let place = Place::new();
    for (line, code) in
        [("token list --store elsewhere --json", 1), ("key list --nonsense --json", 2)]
    {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(names, ["error"], "{line}");
    }
}
