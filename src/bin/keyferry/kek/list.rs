//! `keyferry kek list`: the keys in the token that carry others, and what is wrong with them.
use super::{id_cell, stored};
use crate::carrier;
use crate::dates::NOT_KNOWN;
use crate::kind::{self, Kind, hex};
use crate::objects;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, table};
use keyferry::ck::*;
use keyferry::client::{Access, Session, Template, known};
use serde_json::{Value, json};

const HEADER: [&str; 7] = ["LABEL", "CLASS", "ID", "TYPE", "TRUSTED", "SHA-256", "KID"];

/// A KEK as a row for people, an object for programs, and sentences on what is wrong with it.
type Listed = (Vec<String>, Value, Vec<String>);

/// Runs the command.
pub fn run(options: &Options) -> Answer {
    let (_, session) = options.log_in(Access::ReadOnly)?;
    let (mut rows, mut objects, mut warnings) = (Vec::new(), Vec::new(), String::new());
    for (object, class) in carriers(&session)? {
        let (row, json, sentences) = listed(&session, object, class)?;
        for sentence in sentences {
            let label = row.first().map(String::as_str).unwrap_or_default();
            warnings += &format!(
                "\nwarning: the {class} key \"{}\": {}; {}\n",
                clean(label),
                clean(&sentence),
                carrier::INSTEAD
            );
        }
        rows.push(row);
        objects.push(json);
    }
    let text = match rows.is_empty() {
        true => "The token holds no key that may wrap or unwrap.\n".to_owned(),
        false => table(&HEADER, &rows) + &warnings,
    };
    Ok(Report::new(text, Value::Array(objects)))
}

/// Every key that may wrap or unwrap, each once, with the name of its class.
fn carriers(session: &Session) -> Result<Vec<(CK_OBJECT_HANDLE, &'static str)>, Fault> {
    let of = |class| Template::class(class);
    let searches = [
        (of(CKO_PUBLIC_KEY).ulong(CKA_KEY_TYPE, CKK_RSA).flag(CKA_WRAP, true), "public"),
        (of(CKO_PRIVATE_KEY).flag(CKA_UNWRAP, true), "private"),
        (of(CKO_SECRET_KEY).flag(CKA_WRAP, true), "secret"),
        (of(CKO_SECRET_KEY).flag(CKA_WRAP, false).flag(CKA_UNWRAP, true), "secret"),
    ];
    let mut found = Vec::new();
    for (search, class) in searches {
        found.extend(session.find(&search)?.into_iter().map(|object| (object, class)));
    }
    Ok(found)
}

/// Reads a KEK. One bad object does not hide the others: what the module fails to give is not known.
fn listed(
    session: &Session,
    object: CK_OBJECT_HANDLE,
    class: &'static str,
) -> Result<Listed, Fault> {
    let label = known(session.text(object, CKA_LABEL))?.unwrap_or_else(|| NOT_KNOWN.to_owned());
    let numbers = match numbers(session, object, class, &label) {
        Ok(numbers) => numbers,
        Err(fault) => {
            let json = json!({ "label": label, "error": fault.0 });
            let unknown = || "?".to_owned();
            let why = match class {
                "public" => "not a proper RSA key".to_owned(),
                _ => "cannot be read".to_owned(),
            };
            let row = vec![label, class.to_owned(), unknown(), unknown(), unknown(), why];
            return Ok((row, json, Vec::new()));
        }
    };
    let Numbers { kind, bits, sha256, kid, trusted } = numbers;
    let id = known(session.attribute(object, CKA_ID))?.map(Option::unwrap_or_default);
    let warnings = carrier::objections(session, object)?;
    let or_not_known = |id: Option<String>| id.unwrap_or_else(|| NOT_KNOWN.to_owned());
    let json = json!({
        "label": label, "class": class, "id": or_not_known(id.as_ref().map(|id| hex(id))), "type": kind,
        "bits": bits, "sha256": sha256, "kid": kid.as_ref().map(|kid| kid.as_str()), "trusted": trusted,
        "warnings": warnings,
    });
    let row = vec![
        label,
        class.to_owned(),
        or_not_known(id.map(|id| id_cell(&id, kid.as_ref()))),
        kind,
        if trusted { "yes" } else { "no" }.to_owned(),
        sha256.unwrap_or_else(|| "-".to_owned()),
        kid.map_or_else(|| "-".to_owned(), |kid| kid.as_str().to_owned()),
    ];
    Ok((row, json, warnings))
}

/// What a KEK is.
struct Numbers {
    kind: String,
    bits: Option<usize>,
    sha256: Option<String>,
    kid: Option<super::Kid>,
    trusted: bool,
}

fn numbers(
    session: &Session,
    object: CK_OBJECT_HANDLE,
    class: &str,
    label: &str,
) -> Result<Numbers, Fault> {
    if class == "public" {
        let stored = stored(session, object, label)?;
        let (bits, sha256) = (stored.kek.bits(), Some(stored.kek.fingerprint()?));
        let (kind, kid, trusted) = (Kind::Rsa(bits).name(), stored.kid, stored.trusted);
        return Ok(Numbers { kind, bits: Some(bits), sha256, kid, trusted });
    }
    let kind = kind::of(session, object)?;
    let bits = match kind {
        Kind::Rsa(bits) | Kind::Aes(bits) | Kind::Secret(bits) => Some(bits),
        Kind::Ec(_) | Kind::Other(_) => None,
    };
    let sha256 = match kind {
        Kind::Rsa(_) => Some(objects::numbers(session, object)?.fingerprint()?),
        _ => None,
    };
    let trusted = known(session.flag(object, CKA_TRUSTED))?.flatten().unwrap_or(false);
    Ok(Numbers { kind: kind.name(), bits, sha256, kid: None, trusted })
}
