//! Damaged records in words, for people and for programs.
use crate::output::{clean, table};
use keyferry::ck::*;
use keyferry::object::attribute::Attributes;
use keyferry::object::record;
use keyferry::store::vault::{Damage, Defect, Part, Who};
use serde_json::{Value, json};

/// Names of the classes that a token stores.
const CLASSES: [(CK_OBJECT_CLASS, &str); 6] = [
    (CKO_DATA, "data"),
    (CKO_CERTIFICATE, "certificate"),
    (CKO_PUBLIC_KEY, "public"),
    (CKO_PRIVATE_KEY, "private"),
    (CKO_SECRET_KEY, "secret"),
    (CKO_DOMAIN_PARAMETERS, "parameters"),
];

const HEADER: [&str; 6] = ["RECORD", "PART", "LABEL", "CLASS", "REVISION", "DAMAGE"];

/// A table of damaged records; empty if there are none.
pub fn listed(damages: &[Damage]) -> String {
    if damages.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = damages.iter().map(cells).collect();
    table(&HEADER, &rows)
}

/// For programs.
pub fn described(damages: &[Damage]) -> Value {
    let one = |damage: &Damage| {
        let (label, class) = named(damage);
        json!({
            "record": hex(damage),
            "part": part(damage.part),
            "label": label,
            "class": class,
            "revision": damage.revision.0,
            "damage": defect(damage.defect),
        })
    };
    Value::Array(damages.iter().map(one).collect())
}

fn cells(damage: &Damage) -> Vec<String> {
    let (label, class) = named(damage);
    let or_unknown = |text: Option<String>| text.map_or_else(|| "?".to_owned(), |t| clean(&t));
    vec![
        hex(damage),
        part(damage.part).to_owned(),
        or_unknown(label),
        or_unknown(class),
        damage.revision.0.to_string(),
        defect(damage.defect).to_owned(),
    ]
}

fn hex(damage: &Damage) -> String {
    damage.id.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Description => "description",
        Part::Pin(Who::So) => "SO PIN",
        Part::Pin(Who::User) => "user PIN",
        Part::Object => "object",
    }
}

fn defect(defect: Defect) -> &'static str {
    match defect {
        Defect::Missing => "missing",
        Defect::Form => "no valid record",
        Defect::Seal => "seal does not verify",
        Defect::Material => "seal of the key material does not verify",
        Defect::Unproven => "not verified, because the ledger does not fit",
        Defect::Age => "may be an earlier version",
    }
}

/// Label and class as they read, if they can be read without opening the seal.
fn named(damage: &Damage) -> (Option<String>, Option<String>) {
    let Some(attributes) = damage.open.as_ref().and_then(|open| record::decode(open)) else {
        return (None, None);
    };
    (label(&attributes), class(&attributes).map(str::to_owned))
}

fn label(attributes: &Attributes) -> Option<String> {
    attributes.bytes(CKA_LABEL).map(|label| String::from_utf8_lossy(label).into_owned())
}

fn class(attributes: &Attributes) -> Option<&'static str> {
    let class = attributes.ulong(CKA_CLASS)?;
    CLASSES.iter().find(|(number, _)| *number == class).map(|(_, name)| *name)
}
