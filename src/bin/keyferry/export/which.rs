//! Which keys: the one of a label, those whose labels match, or those that a manifest lists.
use super::Common;
use super::folder::Folder;
use crate::file::{self, Pending};
use crate::key::{Id, unhex};
use crate::kind::hex;
use crate::output::{Fault, clean, fault};
use clap::Args;
use glob::Pattern;
use keyferry::byok::cloud::fill;
use keyferry::ck::*;
use keyferry::client::{Session, Template};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the keys are named.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The label of the key to export
    #[arg(long, value_name = "LABEL")]
    pub key: Option<String>,
    /// Export every private and secret key whose label matches: with *, ? and [a-z], as a shell matches names
    #[arg(long, value_name = "GLOB")]
    all: Option<Pattern>,
    /// Export the keys that a TOML file lists: a [[key]] with label each, and perhaps id, output, ops
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

/// A key as it was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID` in hexadecimal.
    pub id: Option<String>,
    /// The file's name in the folder.
    pub output: Option<String>,
    /// What the imported key is for, as `--ops` says it.
    #[serde(default)]
    pub ops: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    key: Vec<Wanted>,
}

/// A key to export, and the names that it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The object.
    pub object: CK_OBJECT_HANDLE,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// What files and clouds call it: its label, and its id where the label is not enough.
    pub name: String,
    /// The file to write.
    pub path: PathBuf,
    /// What the imported key is for, if it was said for this one.
    pub ops: Vec<String>,
}

/// Where an export writes to, proved to be writable before anyone is asked for a PIN.
pub enum Place {
    /// One key's file.
    One(String, Pending),
    /// Many keys' folder.
    Many(Asked, Folder),
}

/// Many keys, as they were asked for.
pub enum Asked {
    /// By a pattern of labels.
    Matching(Pattern),
    /// One by one.
    Listed(Vec<Wanted>),
}

/// A key of many that cannot be exported, for this reason.
pub type Refused = (Wanted, Fault);

impl Common {
    /// Where the keys go; `usual` is a file's name if none is given.
    pub fn place(&self, usual: &str) -> Result<Place, Fault> {
        let asked = match (&self.which.key, &self.which.all, &self.which.manifest) {
            (Some(key), ..) => {
                let path = self.output.clone().unwrap_or_else(|| self.usual_path(usual, key));
                return Ok(Place::One(key.clone(), Pending::new(&path, self.existing())?));
            }
            (None, Some(pattern), _) => Asked::Matching(pattern.clone()),
            (None, None, Some(path)) => Asked::Listed(read(path)?),
            (None, None, None) => return Err(fault!("give --key, --all or --manifest")),
        };
        Ok(Place::Many(asked, Folder::open(&self.folder())?))
    }

    /// The one key of a label, for the file `path`.
    pub fn one(&self, session: &Session, label: &str, path: &Path) -> Result<Item, Fault> {
        let id = self.id.as_ref().map(|id| hex(&id.0));
        let wanted = Wanted { label: label.to_owned(), id, ..Wanted::default() };
        let found = labelled(session, label)?;
        let key = choose(&found.iter().collect::<Vec<&Held>>(), &wanted)?;
        Ok(Item { path: path.to_owned(), ..key.item(wanted.label.clone(), &wanted) })
    }

    /// The many, in the order of a manifest or of their labels; and those that cannot be.
    pub fn many(
        &self,
        session: &Session,
        asked: Asked,
        usual: &str,
    ) -> Result<(Vec<Item>, Vec<Refused>), Fault> {
        let held = all(session)?;
        let (found, mut refused) = find(&held, asked)?;
        let names = names(&found);
        let mut items: Vec<Item> = Vec::new();
        for ((key, wanted), name) in found.iter().zip(names) {
            let mut item = key.item(name, wanted);
            item.path = match &wanted.output {
                Some(output) => self.folder().join(output),
                None => self.usual_path(usual, &item.name),
            };
            match items.iter().find(|other| folded(&other.path) == folded(&item.path)) {
                None => items.push(item),
                Some(other) => refused.push((
                    wanted.clone(),
                    fault!(
                        "its file would be {}, as that of the key \"{}\" with the id {}; list the keys in a \
                         --manifest, and give each another output",
                        item.path.display(),
                        other.label,
                        hex(&other.id)
                    ),
                )),
            }
        }
        Ok((items, refused))
    }

    fn folder(&self) -> PathBuf {
        self.output_dir.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    fn usual_path(&self, usual: &str, name: &str) -> PathBuf {
        let name = PathBuf::from(fill(usual, &[("key", &file::safe_name(name))]));
        self.output_dir.as_ref().map_or(name.clone(), |folder| folder.join(name))
    }
}

/// File systems may not tell large letters from small ones.
fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// Longest manifest, in bytes: a hundred thousand keys fit.
const LONGEST: u64 = 16 << 20;

fn read(path: &Path) -> Result<Vec<Wanted>, Fault> {
    let wrong = |why: &str| {
        fault!(
            "the manifest {} cannot be used: {why}; it is TOML with a [[key]] for each: label = \"…\", and if needed \
             id = \"0a0b\", output = \"NAME\", ops = [\"sign\"]",
            path.display()
        )
    };
    let bytes = file::read_up_to(LONGEST, path, "manifest")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is not UTF-8 text"))?;
    let manifest: Manifest = toml::from_str(text)
        .map_err(|e| wrong(&e.to_string().split_whitespace().collect::<Vec<&str>>().join(" ")))?;
    for key in &manifest.key {
        let (id, output) = (key.id.as_deref(), key.output.as_deref());
        if let Some(why) = id.and_then(|id| unhex(id).err()) {
            return Err(wrong(&format!("the id of \"{}\": {why}", key.label)));
        }
        let is_name = |output: &str| {
            Path::new(output).file_name().is_some_and(|n| n == output) && clean(output) == output
        };
        if output.is_some_and(|output| !is_name(output)) {
            return Err(wrong(&format!(
                "the output of \"{}\" is not the name of a file alone (--output-dir says where it goes)",
                key.label
            )));
        }
    }
    Ok(manifest.key)
}

/// A private or secret key in the token.
struct Held {
    object: CK_OBJECT_HANDLE,
    label: String,
    id: Vec<u8>,
}

impl Held {
    fn item(&self, name: String, wanted: &Wanted) -> Item {
        let (label, id) = (self.label.clone(), self.id.clone());
        Item { object: self.object, label, id, name, path: PathBuf::new(), ops: wanted.ops.clone() }
    }
}

fn held(session: &Session, narrow: impl Fn(Template) -> Template) -> Result<Vec<Held>, Fault> {
    let mut keys = Vec::new();
    for class in [CKO_PRIVATE_KEY, CKO_SECRET_KEY] {
        for object in session.find(&narrow(Template::class(class)))? {
            let id = session.attribute(object, CKA_ID)?.map(|id| id.to_vec()).unwrap_or_default();
            keys.push(Held { object, label: session.text(object, CKA_LABEL)?, id });
        }
    }
    Ok(keys)
}

fn labelled(session: &Session, label: &str) -> Result<Vec<Held>, Fault> {
    held(session, |template| template.bytes(CKA_LABEL, label.as_bytes()))
}

fn all(session: &Session) -> Result<Vec<Held>, Fault> {
    let mut keys = held(session, |template| template.flag(CKA_TOKEN, true))?;
    keys.sort_by(|a, b| (&a.label, &a.id).cmp(&(&b.label, &b.id)));
    Ok(keys)
}

type Found<'a> = Vec<(&'a Held, Wanted)>;

fn find(held: &[Held], asked: Asked) -> Result<(Found<'_>, Vec<Refused>), Fault> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    match asked {
        Asked::Matching(pattern) => {
            let matching = held.iter().filter(|key| pattern.matches(&key.label));
            found.extend(matching.map(|key| (key, Wanted::default())));
            if found.is_empty() {
                return Err(fault!(
                    "no private or secret key of the token has a label that matches \"{}\"; `keyferry key list` \
                     shows those it has",
                    pattern.as_str()
                ));
            }
        }
        Asked::Listed(wanted) => {
            let mut by_label: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
            for key in held {
                by_label.entry(&key.label).or_default().push(key);
            }
            for wanted in wanted {
                let same = by_label.get(wanted.label.as_str()).map_or(&[][..], Vec::as_slice);
                match choose(same, &wanted) {
                    Ok(key) => found.push((key, wanted)),
                    Err(fault) => refused.push((wanted, fault)),
                }
            }
        }
    }
    Ok((found, refused))
}

/// The one that is wanted, of the keys of its label.
fn choose<'a>(same: &[&'a Held], wanted: &Wanted) -> Result<&'a Held, Fault> {
    let id = wanted.id.as_deref().and_then(|id| unhex(id).ok());
    let fits = |key: &&&Held| id.as_ref().is_none_or(|Id(id)| *id == key.id);
    let fitting: Vec<&&Held> = same.iter().filter(fits).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => Err(fault!(
            "the token has no private or secret key \"{}\"{}; `keyferry key list` shows those it has",
            wanted.label,
            wanted.id.as_ref().map(|id| format!(" with the id {id}")).unwrap_or_default()
        )),
        several => Err(fault!(
            "the token has {} keys \"{}\"; give the id of one (--id, or id in the manifest), as `keyferry key list` \
             shows it",
            several.len(),
            wanted.label
        )),
    }
}

/// The keys' names: their labels, with the ids where labels would give the same file.
fn names(found: &Found<'_>) -> Vec<String> {
    let plain = |key: &Held| file::safe_name(&key.label).to_lowercase();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (key, _) in found {
        *counts.entry(plain(key)).or_default() += 1;
    }
    let name = |(key, _): &(&Held, Wanted)| match counts.get(&plain(key)) {
        Some(2..) => format!("{}-{}", key.label, hex(&key.id)),
        _ => key.label.clone(),
    };
    found.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[(&str, u8)]) -> Vec<Held> {
        let key = |(label, id): &(&str, u8)| Held {
            object: 1,
            label: (*label).to_owned(),
            id: vec![*id],
        };
        keys.iter().map(key).collect()
    }

    fn found(held: &[Held], pattern: &str) -> Vec<String> {
        let asked = Asked::Matching(Pattern::new(pattern).unwrap());
        find(held, asked).map(|(found, _)| names(&found)).unwrap_or_default()
    }

    #[test]
    fn labels_match_as_names_do_in_a_shell() {
        let held = keys(&[("a1", 1), ("a2", 2), ("b/1", 3), (".c", 4)]);
        for (pattern, labels) in [
            ("*", vec!["a1", "a2", "b/1", ".c"]),
            ("a?", vec!["a1", "a2"]),
            ("?[2-9]", vec!["a2"]),
            ("[!a]*", vec!["b/1", ".c"]),
            ("b*1", vec!["b/1"]),
            ("a", vec![]),
        ] {
            assert_eq!(found(&held, pattern), labels, "{pattern}");
        }
    }

    #[test]
    fn names_of_files_differ() {
        let held =
            keys(&[("a", 1), ("a", 2), ("x/y", 3), ("x_y", 4), ("B", 5), ("b", 6), ("c", 7)]);
        assert_eq!(found(&held, "*"), ["a-01", "a-02", "x/y-03", "x_y-04", "B-05", "b-06", "c"]);
    }

    #[test]
    fn the_listed_key_must_be_one() {
        let held = keys(&[("a", 1), ("a", 2), ("b", 3)]);
        let wanted = |label: &str, id: Option<&str>| Wanted {
            label: label.to_owned(),
            id: id.map(str::to_owned),
            ..Wanted::default()
        };
        let asked = vec![wanted("a", Some("02")), wanted("a", None), wanted("b", Some("01"))];
        let (found, refused) = find(&held, Asked::Listed(asked)).unwrap();
        assert_eq!(found.iter().map(|(key, _)| key.id[0]).collect::<Vec<u8>>(), [2]);
        assert!(refused[0].1.0.contains("2 keys \"a\""));
        assert!(refused[1].1.0.contains("\"b\" with the id 01"));
    }
}
