//! `keyferry key`: generate, list and show keys.
use crate::dates::{Dates, Day, Limit, NOT_KNOWN};
use crate::kek;
use crate::kind::{self, Kind, hex};
use crate::objects;
use crate::options::Options;
use crate::output::{Answer, Fault, Report, clean, facts, fault, table};
use crate::usage::Usage;
use crate::wish::{Leaving, Wish};
use clap::{Args, Subcommand};
use keyferry::byok::azure::Kid;
use keyferry::byok::cloud::{CLOUDS, Cloud, Form};
use keyferry::ck::*;
use keyferry::client::{Access, RIGHTS, Session, Template, Way, known};
use serde_json::{Map, Value, json};

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Generate a key or a key pair in the token
    #[command(after_help = "Examples:
  keyferry key generate --type rsa-3072 --label signing --extractable
  keyferry key generate --type aes-256 --label data --extractable --usage encrypt,decrypt
  keyferry key generate --type p-256 --label next --active-from 2026-12-01 --active-until 2027-12-01")]
    Generate(Generate),
    /// List the keys in the token
    #[command(after_help = "Example:\n  keyferry key list --token offline")]
    List,
    /// Show everything about the keys of a label
    #[command(after_help = "Example:\n  keyferry key show signing")]
    Show {
        /// The key's label
        label: String,
    },
    /// Write the public half of a key to a file, as PEM
    #[command(after_help = "Examples:
  keyferry key public signing -o signing.pem
  keyferry key public my-kek")]
    Public(crate::public::Public),
    /// Copy a key into one that can do nothing but leave under a trusted KEK
    Restrict(crate::restrict::Restrict),
    /// Destroy a key, of a pair both halves; nothing brings it back
    #[command(after_help = "Examples:
  keyferry key destroy signing --yes
  keyferry key destroy signing --id 0a0b")]
    Destroy(crate::destroy::Destroy),
}

#[derive(Debug, Args)]
pub struct Generate {
    /// rsa-2048, -3072, -4096, -8192; p-256, p-384, p-521, p-256k; aes-128, -192, -256; secret-N
    #[arg(long = "type", value_name = "TYPE")]
    kind: Kind,
    /// The key's label
    #[arg(long)]
    label: String,
    /// The key's identifier in hexadecimal; random if not given
    #[arg(long, value_name = "HEX", value_parser = unhex)]
    id: Option<Id>,
    /// Let it leave the token, wrapped; without this it never can
    #[arg(long)]
    extractable: bool,
    /// Let it leave only under a KEK that the SO trusts (`kek import --trust`)
    #[arg(long, requires = "extractable")]
    wrap_with_trusted: bool,
    /// What it may be used for; of a pair, the public key gets the other side
    #[arg(long, value_delimiter = ',')]
    usage: Vec<Usage>,
    /// The first day (UTC) on which it is to be used; before it, `export` refuses it
    #[arg(long, value_name = "DATE")]
    active_from: Option<Day>,
    /// The last day (UTC) on which it is to be used
    #[arg(long, value_name = "DATE")]
    active_until: Option<Day>,
}

/// The bytes of a `CKA_ID`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(pub Vec<u8>);

/// Reads hexadecimal digits.
pub fn unhex(text: &str) -> Result<Id, String> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    match digits {
        Some(digits) if !digits.is_empty() && digits.len() % 2 == 0 => Ok(Id(digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect())),
        _ => Err("give an even number of hexadecimal digits".to_owned()),
    }
}

impl Key {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            Key::Generate(generate) => generate.run(options),
            Key::List => list(options),
            Key::Show { label } => show(options, label),
            Key::Public(public) => public.run(options),
            Key::Restrict(restrict) => restrict.run(options),
            Key::Destroy(destroy) => destroy.run(options),
        }
    }
}

impl Generate {
    fn run(&self, options: &Options) -> Answer {
        let dates = self.dates()?;
        let (token, session) = options.log_in(Access::ReadWrite)?;
        // two processes would both find the label free
        let _alone = options.lock_store();
        objects::check_free(&session, &token.label, &self.label)?;
        let id = match &self.id {
            Some(id) => id.0.clone(),
            None => session.random(8)?,
        };
        let (leaving, stays) = match (self.extractable, self.wrap_with_trusted) {
            (true, true) => (Leaving::UnderTrusted, under_trusted(&session)),
            (true, false) => (Leaving::May, ""),
            (false, _) => (Leaving::MayNot, "; it can never leave the token"),
        };
        let usages = if self.usage.is_empty() { self.kind.usages() } else { &self.usage };
        let Generate { kind, label, .. } = self;
        Wish {
            kind,
            label,
            id: &id,
            on_token: true,
            leaving,
            usages,
            mechanisms: &[],
            lets_in: &[],
            trusted: false,
        }
        .make_for(&session, &dates)?;
        Ok(self.report(&token.label, &id, &dates, stays))
    }

    fn report(&self, token: &str, id: &[u8], dates: &Dates, stays: &str) -> Report {
        let Generate { kind, label, .. } = self;
        let active = match dates.words() {
            words if words.is_empty() => words,
            words => format!("; it is active {words}"),
        };
        let text = format!(
            "The {} {} \"{}\" is in the token \"{}\"{active}{stays}.\n",
            kind.name(),
            if kind.is_pair() { "key pair" } else { "key" },
            clean(label),
            clean(token)
        );
        let json = json!({
            "label": label, "id": hex(id), "type": kind.name(),
            "extractable": self.extractable, "wrap_with_trusted": self.wrap_with_trusted,
            "active_from": json_of(dates.from), "active_until": json_of(dates.until), "token": token,
        });
        Report::new(text, json)
    }

    fn dates(&self) -> Result<Dates, Fault> {
        match (self.active_from, self.active_until) {
            (Some(from), Some(until)) if from > until => Err(fault!(
                "the key \"{}\" would be active from {from} until {until}, which is before; exchange the two dates",
                self.label
            )),
            (from, until) => Ok(Dates { from: from.into(), until: until.into() }),
        }
    }
}

/// How a key of this token leaves that leaves under trusted KEKs only.
fn under_trusted(session: &Session) -> &'static str {
    match Way::of(session.module(), session.slot(), Form::RsaAes) {
        Some(Way::TwoSteps(_)) => {
            "; it leaves only under a trusted KEK, with --trust-step, since this module wraps in two steps"
        }
        _ => "; it leaves only under a trusted KEK",
    }
}

fn json_of(limit: Limit) -> Value {
    limit.text().into()
}

const PUBLIC: &str = "public";
const CLASSES: [(CK_OBJECT_CLASS, &str); 3] =
    [(CKO_PUBLIC_KEY, PUBLIC), (CKO_PRIVATE_KEY, "private"), (CKO_SECRET_KEY, "secret")];

/// A key object and the name of its class.
pub type Found = (CK_OBJECT_HANDLE, &'static str);

fn keys(session: &Session, template: impl Fn(Template) -> Template) -> Result<Vec<Found>, Fault> {
    let mut found = Vec::new();
    for (class, name) in CLASSES {
        let objects = session.find(&template(Template::class(class)))?;
        found.extend(objects.into_iter().map(|object| (object, name)));
    }
    Ok(found)
}

/// The keys of a label.
pub fn labelled(session: &Session, label: &str) -> Result<Vec<Found>, Fault> {
    keys(session, |template| template.bytes(CKA_LABEL, label.as_bytes()))
}

fn list(options: &Options) -> Answer {
    let (_, session) = options.log_in(Access::ReadOnly)?;
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for found in keys(&session, |template| template)? {
        let (row, object) = listed(&session, found)?;
        rows.push(row);
        objects.push(object);
    }
    rows.sort();
    let text = if rows.is_empty() {
        "The token holds no keys.\n".to_owned()
    } else {
        table(&["LABEL", "CLASS", "TYPE", "ID", "LEAVING", "ACTIVE", "TRUSTED", "KID"], &rows)
    };
    Ok(Report::new(text, Value::Array(objects)))
}

/// A key as a row for people and an object for programs. What the module fails to give is not known.
fn listed(session: &Session, (key, class): Found) -> Result<(Vec<String>, Value), Fault> {
    let flag = |cka| known(session.flag(key, cka));
    let label = known(session.text(key, CKA_LABEL))?.unwrap_or_else(not_known);
    let id = known(session.attribute(key, CKA_ID))?.map(Option::unwrap_or_default);
    let kind = known(kind::of(session, key))?.map_or_else(not_known, |kind| kind.name());
    let (extractable, guarded) = (flag(CKA_EXTRACTABLE)?, flag(CKA_WRAP_WITH_TRUSTED)?.flatten());
    let trusted = flag(CKA_TRUSTED)?;
    let kid = if class == PUBLIC { kek::kid(session, key, &label) } else { None };
    let dates = Dates::of(session, key)?;
    let object = json!({
        "label": label, "class": class, "type": kind, "id": id.as_ref().map_or_else(not_known, |id| hex(id)),
        "extractable": extractable.flatten(), "wrap_with_trusted": guarded, "trusted": trusted.flatten(),
        "kid": kid.as_ref().map(Kid::as_str),
        "active_from": json_of(dates.from), "active_until": json_of(dates.until),
    });
    let leaving = match (extractable, guarded) {
        (None, _) => NOT_KNOWN,
        (Some(None), _) => "",
        (Some(Some(false)), _) => "stays",
        (Some(Some(true)), Some(true)) => "under trusted KEKs",
        (Some(Some(true)), _) => "extractable",
    };
    let id = id.map_or_else(not_known, |id| kek::id_cell(&id, kid.as_ref()));
    let trusted = match trusted {
        None => NOT_KNOWN,
        Some(Some(true)) => "yes",
        Some(_) => "",
    };
    let kid = kid.map(|kid| kid.as_str().to_owned()).unwrap_or_default();
    let class = class.to_owned();
    Ok((vec![label, class, kind, id, leaving.into(), dates.words(), trusted.into(), kid], object))
}

fn not_known() -> String {
    NOT_KNOWN.to_owned()
}

/// Attributes that `show` prints, in this order; the rights come after them.
const SHOWN: [(CK_ATTRIBUTE_TYPE, &str); 13] = [
    (CKA_TOKEN, "token"),
    (CKA_PRIVATE, "private"),
    (CKA_SENSITIVE, "sensitive"),
    (CKA_EXTRACTABLE, "extractable"),
    (CKA_ALWAYS_SENSITIVE, "always_sensitive"),
    (CKA_NEVER_EXTRACTABLE, "never_extractable"),
    (CKA_LOCAL, "local"),
    (CKA_MODIFIABLE, "modifiable"),
    (CKA_DESTROYABLE, "destroyable"),
    (CKA_COPYABLE, "copyable"),
    (CKA_TRUSTED, "trusted"),
    (CKA_WRAP_WITH_TRUSTED, "wrap_with_trusted"),
    (CKA_ALWAYS_AUTHENTICATE, "always_authenticate"),
];

fn show(options: &Options, label: &str) -> Answer {
    let (token, session) = options.log_in(Access::ReadOnly)?;
    let found = labelled(&session, label)?;
    if found.is_empty() {
        return Err(absent(label, &token.label));
    }
    let shown = found.into_iter().map(|found| shown(&session, label, found));
    let (texts, objects): (Vec<String>, Vec<Value>) =
        shown.collect::<Result<Vec<_>, Fault>>()?.into_iter().unzip();
    Ok(Report::new(texts.join("\n"), Value::Array(objects)))
}

/// Everything about a key, for people and for programs. What the module fails to give is not known.
fn shown(session: &Session, label: &str, (key, class): Found) -> Result<(String, Value), Fault> {
    let kind = known(kind::of(session, key))?;
    let name = kind.as_ref().map_or_else(not_known, Kind::name);
    let id = known(session.attribute(key, CKA_ID))?;
    let id = id.map_or_else(not_known, |id| hex(&id.unwrap_or_default()));
    let mut rows = vec![
        ("Label", label.to_owned()),
        ("Class", class.to_owned()),
        ("Type", name.clone()),
        ("Id", id.clone()),
    ];
    if let Some(kind) = kind.filter(|_| class != PUBLIC) {
        rows.push(("Taken by", takers(&kind)));
    }
    let dates = Dates::of(session, key)?;
    if dates != Dates::default() {
        rows.push(("Active", dates.words()));
    }
    let mut flags = Map::new();
    let rights = RIGHTS.iter().map(|right| (right.cka, right.name));
    for (cka, name) in SHOWN.into_iter().chain(rights) {
        let is = match known(session.flag(key, cka))? {
            None => NOT_KNOWN,
            Some(None) => continue,
            Some(Some(true)) => "yes",
            Some(Some(false)) => "no",
        };
        rows.push((name, is.to_owned()));
        flags.insert(name.to_owned(), (is != NOT_KNOWN).then_some(is == "yes").into());
    }
    let object = json!({
        "label": label, "class": class, "type": name, "id": id,
        "active_from": json_of(dates.from), "active_until": json_of(dates.until), "attributes": flags,
    });
    Ok((facts(&rows), object))
}

/// The clouds that take keys of this kind.
fn takers(kind: &Kind) -> String {
    let takes = |cloud: &&&Cloud| kind.target().is_some_and(|key| cloud.taken(key).is_some());
    let names: Vec<&str> = CLOUDS.iter().filter(takes).map(|cloud| cloud.name).collect();
    if names.is_empty() { "no cloud".to_owned() } else { names.join(", ") }
}

/// There is none of the label.
pub fn absent(label: &str, token: &str) -> Fault {
    fault!("the token \"{token}\" has no key \"{label}\"; `keyferry key list` shows those it has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_hexadecimal() {
        assert_eq!(unhex("0aFF"), Ok(Id(vec![0x0A, 0xFF])));
        for wrong in ["", "0", "0g", "é0", "0x0a"] {
            assert!(unhex(wrong).is_err(), "{wrong}");
        }
    }
}
