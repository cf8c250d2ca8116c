//! What is in the way of one key: its attributes, each with what can be done about it.
use crate::carrier;
use crate::dates::{Dates, Limit};
use crate::kind::{self, Kind};
use crate::objects;
use crate::output::{Fault, facts};
use keyferry::ck::*;
use keyferry::client::{RIGHTS, Session};
use serde_json::{Value, json};

/// A key, looked at.
pub struct Examined {
    label: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it leaves under trusted KEKs only.
    pub trusted_only: bool,
    findings: Vec<Finding>,
}

struct Finding {
    name: &'static str,
    is: String,
    /// What it means for a transfer, and what can be done.
    remedy: Option<String>,
    /// Whether it must be dealt with before the key can leave.
    blocks: bool,
}

/// A truth value and what it means: the attribute, its name, the value that is worth a word, the word,
/// and whether it blocks.
const FLAGS: [(CK_ATTRIBUTE_TYPE, &str, bool, &str, bool); 8] = [
    (
        CKA_EXTRACTABLE,
        "extractable",
        false,
        "it may never leave the token, and that cannot be changed; generate a new key with --extractable",
        true,
    ),
    (
        CKA_WRAP_WITH_TRUSTED,
        "wrap_with_trusted",
        true,
        "it leaves only under a KEK that the SO trusts: `keyferry kek import KEK.pem --label KEK --trust`, and export with \
         --kek KEK",
        false,
    ),
    (
        CKA_SENSITIVE,
        "sensitive",
        false,
        "whoever logs in can read it in plain; generate keys that are to be protected with `keyferry key generate`",
        false,
    ),
    (CKA_PRIVATE, "private", false, "it is seen and used without a login", false),
    (CKA_TOKEN, "token", false, "it is gone when its session ends; export it before that", false),
    (
        CKA_ALWAYS_AUTHENTICATE,
        "always_authenticate",
        true,
        "the module asks for the PIN before each use, and some ask before wrapping, too",
        false,
    ),
    (CKA_MODIFIABLE, "modifiable", false, "nothing about it can be changed", false),
    (CKA_COPYABLE, "copyable", false, "`keyferry key restrict` cannot copy it", false),
];

/// Looks at the key of a label.
pub fn examine(session: &Session, label: &str) -> Result<Examined, Fault> {
    let object = objects::key(session, label)?;
    let kind = kind::of(session, object)?;
    let mut findings = Vec::new();
    for (cka, name, noted, remedy, blocks) in FLAGS {
        let Some(value) = session.flag(object, cka)? else { continue };
        let noted = value == noted;
        findings.push(Finding {
            name,
            is: if value { "yes" } else { "no" }.to_owned(),
            remedy: noted.then(|| remedy.to_owned()),
            blocks: noted && blocks,
        });
    }
    findings.push(usage(session, object)?);
    findings.extend(allowed(session, object)?);
    findings.extend(carries(session, object)?);
    findings.extend(dates(session, object)?);
    let trusted_only = session.flag(object, CKA_WRAP_WITH_TRUSTED)? == Some(true);
    Ok(Examined { label: label.to_owned(), kind, trusted_only, findings })
}

/// A cloud asks what the key is for; what it was for here is the answer to start from.
fn usage(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Finding, Fault> {
    let mut uses = Vec::new();
    for right in RIGHTS {
        if session.flag(object, right.cka)? == Some(true) {
            uses.push(right.name);
        }
    }
    let is = if uses.is_empty() { "nothing but leaving".to_owned() } else { uses.join(", ") };
    Ok(Finding { name: "usage", is, remedy: None, blocks: false })
}

/// The mechanisms of `CKA_ALLOWED_MECHANISMS`: those that may use the key. Being wrapped uses the KEK.
fn allowed(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Option<Finding>, Fault> {
    let allowed = carrier::allowed(session, object).unwrap_or_default();
    Ok((!allowed.is_empty()).then(|| Finding {
        name: "allowed mechanisms",
        is: carrier::names(&allowed),
        remedy: Some(
            "of no effect on its wrapping, which is the KEK's, and the cloud will not know of it"
                .to_owned(),
        ),
        blocks: false,
    }))
}

/// What is wrong with a key that carries keys.
fn carries(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Vec<Finding>, Fault> {
    let finding = |is| {
        let remedy = Some(carrier::INSTEAD.to_owned());
        Finding { name: "warning", is, remedy, blocks: false }
    };
    Ok(carrier::objections(session, object)?.into_iter().map(finding).collect())
}

/// `CKA_START_DATE` and `CKA_END_DATE`.
fn dates(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Vec<Finding>, Fault> {
    let sides = Dates::of(session, object)?.sides();
    let finding = |(name, limit, objection): (&'static str, Limit, Option<String>)| {
        let blocks = objection.is_some();
        let remedy = objection.map(|objection| format!("it {objection}"));
        limit.text().map(|is| Finding { name, is, remedy, blocks })
    };
    Ok(sides.into_iter().filter_map(finding).collect())
}

impl Examined {
    /// Whether nothing about the key itself keeps it in the token.
    pub fn may_leave(&self) -> bool {
        self.blocked().is_none()
    }

    /// What keeps it there.
    pub fn blocked(&self) -> Option<String> {
        let blocks = self.findings.iter().find(|finding| finding.blocks)?;
        Some(format!(
            "{}: {}; {}",
            blocks.name,
            blocks.is,
            blocks.remedy.as_deref().unwrap_or_default()
        ))
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut rows = vec![("Key", format!("\"{}\", {}", self.label, self.kind.name()))];
        for Finding { name, is, remedy, .. } in &self.findings {
            let remedy = remedy.as_ref().map(|remedy| format!(": {remedy}")).unwrap_or_default();
            rows.push((name, format!("{is}{remedy}")));
        }
        facts(&rows)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let one = |finding: &Finding| json!({ "name": finding.name, "is": finding.is, "remedy": finding.remedy, "blocks": finding.blocks });
        json!({
            "label": self.label, "type": self.kind.name(), "may_leave": self.may_leave(),
            "findings": self.findings.iter().map(one).collect::<Value>(),
        })
    }
}
