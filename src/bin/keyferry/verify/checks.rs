//! Checks, in the order they were made, and what they add up to.
use crate::output::{Answer, Fault, Report, clean, fault};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// The check that takes the KEK's private half.
pub const OPENS: &str = "opens";

/// What was checked so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    name: &'static str,
    /// Nothing, if it was not looked at.
    good: Option<bool>,
    says: String,
}

impl Checks {
    /// Good: what was seen.
    pub fn ok(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, good: Some(true), says: says.into() });
    }

    /// Not good: what is wrong, and what to do.
    pub fn failed(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, good: Some(false), says: says.into() });
    }

    /// Not looked at: what it would take.
    pub fn not_checked(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, good: None, says: says.into() });
    }

    /// One or the other.
    pub fn result<T, E: Into<Fault>>(
        &mut self,
        name: &'static str,
        result: Result<T, E>,
        says: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                let says = says(&value);
                self.ok(name, says);
                Some(value)
            }
            Err(error) => {
                self.failed(name, error.into().0);
                None
            }
        }
    }

    /// Goes on with others.
    pub fn extend(&mut self, others: Checks) {
        self.0.extend(others.0);
    }

    /// Whether none failed.
    pub fn are_good(&self) -> bool {
        !self.0.iter().any(Check::failed)
    }

    /// Whether a check of this name was good.
    fn is_good(&self, name: &str) -> bool {
        self.0.iter().any(|check| check.name == name && check.good == Some(true))
    }

    /// The report; `own` are members besides. A blob that nobody opened may be damaged all the same, which the last
    /// line says, too: it may be all that somebody reads.
    pub fn report(self, file: &Path, own: &[(&str, Value)]) -> Answer {
        let width = self.0.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for check in &self.0 {
            let (verdict, name) = (check.verdict(), check.name);
            let _ = writeln!(text, "{verdict:6}  {name:width$}  {}", clean(&check.says));
        }
        let (result, opened) =
            (if self.are_good() { "SUCCESS" } else { "FAILURE" }, self.is_good(OPENS));
        let not_opened = if self.are_good() && !opened { ", not opened" } else { "" };
        let _ = writeln!(text, "\nResult: {result}{not_opened}");
        let each =
            |check: &Check| json!({ "check": check.name, "ok": check.good, "says": check.says });
        let checks: Vec<Value> = self.0.iter().map(each).collect();
        let mut json =
            json!({ "file": file, "checks": checks, "opened": opened, "result": result });
        if let Some(members) = json.as_object_mut() {
            members.extend(own.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        let wrong = self.0.iter().find(|check| check.failed());
        let finding = wrong.map(|check| fault!("{}: {}", file.display(), clean(&check.says)));
        Ok(Report { text, json, finding })
    }
}

impl Check {
    fn failed(&self) -> bool {
        self.good == Some(false)
    }

    fn verdict(&self) -> &'static str {
        match self.good {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "-",
        }
    }
}
