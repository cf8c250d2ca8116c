//! Checks, in the order they were made, and what they add up to.
use crate::output::{Answer, Fault, Report, clean, fault};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// What was checked so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    name: &'static str,
    good: bool,
    says: String,
}

impl Checks {
    /// Good: what was seen.
    pub fn ok(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, good: true, says: says.into() });
    }

    /// Not good: what is wrong, and what to do.
    pub fn failed(&mut self, name: &'static str, says: impl Into<String>) {
        self.0.push(Check { name, good: false, says: says.into() });
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

    /// Whether none failed.
    pub fn are_good(&self) -> bool {
        self.0.iter().all(|check| check.good)
    }

    /// The report; `own` are members besides.
    pub fn report(self, file: &Path, own: &[(&str, Value)]) -> Answer {
        let width = self.0.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for Check { name, good, says } in &self.0 {
            let verdict = if *good { "ok    " } else { "FAILED" };
            let _ = writeln!(text, "{verdict}  {name:width$}  {}", clean(says));
        }
        let result = if self.are_good() { "SUCCESS" } else { "FAILURE" };
        let _ = writeln!(text, "\nResult: {result}");
        let each =
            |check: &Check| json!({ "check": check.name, "ok": check.good, "says": check.says });
        let checks: Vec<Value> = self.0.iter().map(each).collect();
        let mut json = json!({ "file": file, "checks": checks, "result": result });
        if let Some(members) = json.as_object_mut() {
            members.extend(own.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        let wrong = self.0.iter().find(|check| !check.good);
        let finding = wrong.map(|check| fault!("{}: {}", file.display(), clean(&check.says)));
        Ok(Report { text, json, finding })
    }
}
