//! Which keys: the one of a label, those whose labels match, or those that a manifest lists.
use super::folder::{self, Folder};
use super::manifest::{self, Wanted};
use super::{Common, cloud_name};
use crate::dates::NOT_KNOWN;
use crate::file::{self, Pending};
use crate::key::{Id, unhex};
use crate::kind::hex;
use crate::output::{Fault, fault};
use clap::Args;
use glob::Pattern;
use keyferry::byok::cloud::fill;
use keyferry::ck::*;
use keyferry::client::{Session, Template, known};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Export the keys that a TOML file lists: a [[key]] with label each, and perhaps id, name, output, ops
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

/// The options that name many keys, for those that are about one. That they require `key` would not be asked
/// of them beside one of these: clap asks nothing that the group forbids.
pub const MANY: [&str; 2] = ["all", "manifest"];

/// A key to export, and the names that it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The object.
    pub object: CK_OBJECT_HANDLE,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// What files and clouds call it: its label, another name for it, or the label with its id where that is not
    /// enough.
    pub name: String,
    /// The file to write.
    pub path: PathBuf,
    /// What the imported key is for, if it was said for this one.
    pub ops: Vec<String>,
}

/// What no two keys of a run may share, in small letters: file systems and clouds may not tell them from large ones.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Called {
    File(String),
    InCloud(String),
}

impl Called {
    fn file(item: &Item) -> Called {
        Called::File(item.path.to_string_lossy().to_lowercase())
    }

    fn in_cloud(item: &Item) -> Called {
        Called::InCloud(cloud_name(&item.name).to_lowercase())
    }

    fn clash(&self, item: &Item, twin: &Item) -> Fault {
        let what = match self {
            Called::File(_) => format!("its file would be {}, as that of", item.path.display()),
            Called::InCloud(_) => {
                format!("the cloud would call it \"{}\", as", cloud_name(&item.name))
            }
        };
        fault!(
            "{what} the key \"{}\" with the id {}; list the keys in a --manifest, and give each a name of its own",
            twin.label,
            hex(&twin.id)
        )
    }
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

impl Which {
    /// Whether they are named in a way that may be many.
    pub fn is_many(&self) -> bool {
        self.key.is_none()
    }
}

impl Common {
    /// Where the keys go; `usual` is a file's name if none is given.
    pub fn place(&self, usual: &str) -> Result<Place, Fault> {
        let asked = match (&self.which.key, &self.which.all, &self.which.manifest) {
            (Some(key), ..) => {
                let path = self.output.clone().unwrap_or_else(|| self.usual_path(usual, key));
                self.refuse_own(&path)?;
                return Ok(Place::One(key.clone(), Pending::new(&path, self.existing())?));
            }
            (None, Some(pattern), _) => Asked::Matching(pattern.clone()),
            (None, None, Some(path)) => Asked::Listed(self.listed(path)?),
            (None, None, None) => return Err(fault!("give --key, --all or --manifest")),
        };
        Ok(Place::Many(asked, Folder::open(&self.folder())?))
    }

    /// The keys of a manifest; none has the place of a file that this run reads.
    fn listed(&self, path: &Path) -> Result<Vec<Wanted>, Fault> {
        let wanted = manifest::read(path)?;
        let outputs = wanted.iter().filter_map(|key| key.output.as_ref());
        let mut paths = outputs.map(|output| self.folder().join(output));
        paths.try_for_each(|path| self.refuse_own(&path))?;
        Ok(wanted)
    }

    /// Refuses to write where this run reads, or where another export notes what it did.
    pub fn refuse_own(&self, path: &Path) -> Result<(), Fault> {
        if folder::is_own(path) {
            return Err(fault!("{} is {}", path.display(), folder::OWN));
        }
        let read = [Some(Path::new(&self.kek)), self.which.manifest.as_deref()];
        match read.into_iter().flatten().find(|read| file::is_same(path, read)) {
            Some(read) => Err(fault!(
                "{} would take the place of {}, which this run reads; choose another name",
                path.display(),
                read.display()
            )),
            None => Ok(()),
        }
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
        let keys = all(session)?;
        let (found, mut refused) = find(&keys, asked)?;
        let mut items: Vec<Item> = Vec::new();
        let mut taken: BTreeMap<Called, usize> = BTreeMap::new();
        for (key, wanted) in found {
            let mut item = key.item(wanted.name().to_owned(), &wanted);
            item.path = match &wanted.output {
                Some(output) => self.folder().join(output),
                None => self.usual_path(usual, &item.name),
            };
            let called = [Called::file(&item), Called::in_cloud(&item)];
            let twin = called.iter().find_map(|one| Some((one, items.get(*taken.get(one)?)?)));
            match (self.refuse_own(&item.path), twin) {
                (Ok(()), None) => {
                    taken.extend(called.map(|one| (one, items.len())));
                    items.push(item);
                }
                (Ok(()), Some((one, twin))) => refused.push((wanted, one.clash(&item, twin))),
                (Err(fault), _) => refused.push((wanted, fault)),
            }
        }
        Ok((items, refused))
    }

    fn folder(&self) -> PathBuf {
        self.output_dir.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    /// A key without a name is a file with one all the same, that no dot hides.
    fn usual_path(&self, usual: &str, name: &str) -> PathBuf {
        let name = if name.is_empty() { "key" } else { name };
        let name = PathBuf::from(fill(usual, &[("key", &file::safe_name(name))]));
        self.output_dir.as_ref().map_or(name.clone(), |folder| folder.join(name))
    }
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

/// A key whose label or id the module does not give, so that nobody can say whether it is one of those asked for.
struct Unread {
    label: Option<String>,
    id: Option<Vec<u8>>,
}

impl Unread {
    fn fault(&self) -> Fault {
        let what = if self.label.is_none() { "label (CKA_LABEL)" } else { "id (CKA_ID)" };
        fault!(
            "the module does not give the {what} of this key, so it is not known which it is; give it another with what \
             the module's maker gives, or generate a new key"
        )
    }

    fn refused(&self) -> Refused {
        let label = self.label.clone().unwrap_or_else(|| NOT_KNOWN.to_owned());
        let wanted = Wanted { label, id: self.id.as_deref().map(hex), ..Wanted::default() };
        (wanted, self.fault())
    }
}

/// The private and secret keys of a token.
#[derive(Default)]
struct Keys {
    held: Vec<Held>,
    unread: Vec<Unread>,
}

fn keys(session: &Session, narrow: impl Fn(Template) -> Template) -> Result<Keys, Fault> {
    let mut keys = Keys::default();
    for class in [CKO_PRIVATE_KEY, CKO_SECRET_KEY] {
        for object in session.find(&narrow(Template::class(class)))? {
            let label = known(session.text(object, CKA_LABEL))?;
            let id = known(session.attribute(object, CKA_ID))?;
            match (label, id.map(|id| id.map(|id| id.to_vec()).unwrap_or_default())) {
                (Some(label), Some(id)) => keys.held.push(Held { object, label, id }),
                (label, id) => keys.unread.push(Unread { label, id }),
            }
        }
    }
    Ok(keys)
}

fn labelled(session: &Session, label: &str) -> Result<Vec<Held>, Fault> {
    let Keys { held, unread } =
        keys(session, |template| template.bytes(CKA_LABEL, label.as_bytes()))?;
    unread.first().map_or(Ok(held), |unread| Err(unread.fault()))
}

fn all(session: &Session) -> Result<Keys, Fault> {
    let mut keys = keys(session, |template| template.flag(CKA_TOKEN, true))?;
    keys.held.sort_by(|a, b| (&a.label, &a.id).cmp(&(&b.label, &b.id)));
    Ok(keys)
}

type Found<'a> = Vec<(&'a Held, Wanted)>;

fn find(keys: &Keys, asked: Asked) -> Result<(Found<'_>, Vec<Refused>), Fault> {
    match asked {
        Asked::Matching(pattern) => {
            let found = named(keys.held.iter().filter(|key| pattern.matches(&key.label)).collect());
            let may_match =
                |key: &&Unread| key.label.as_ref().is_none_or(|label| pattern.matches(label));
            let refused: Vec<Refused> =
                keys.unread.iter().filter(may_match).map(Unread::refused).collect();
            if found.is_empty() && refused.is_empty() {
                return Err(fault!(
                    "no private or secret key of the token has a label that matches \"{}\"; `keyferry key list` \
                     shows those it has",
                    pattern.as_str()
                ));
            }
            Ok((found, refused))
        }
        Asked::Listed(wanted) => Ok(listed(keys, wanted)),
    }
}

fn listed(keys: &Keys, wanted: Vec<Wanted>) -> (Found<'_>, Vec<Refused>) {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    let mut by_label: BTreeMap<&str, Vec<&Held>> = BTreeMap::new();
    for key in &keys.held {
        by_label.entry(&key.label).or_default().push(key);
    }
    for wanted in wanted {
        let same = by_label.get(wanted.label.as_str()).map_or(&[][..], Vec::as_slice);
        let unread = keys.unread.iter().find(|key| key.label.as_ref() == Some(&wanted.label));
        match (choose(same, &wanted), unread) {
            (Ok(key), None) => found.push((key, wanted)),
            (Ok(key), Some(_)) if wanted.id.is_some() => found.push((key, wanted)),
            (_, Some(unread)) => refused.push((wanted, unread.fault())),
            (Err(fault), None) => refused.push((wanted, fault)),
        }
    }
    (found, refused)
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

/// The keys by their labels, and their ids where labels alone would give the same name to a file or in a cloud, or
/// where there is no label.
fn named(keys: Vec<&Held>) -> Found<'_> {
    let plain = |key: &Held| {
        [file::safe_name(&key.label), cloud_name(&key.label)].map(|name| name.to_lowercase())
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in keys.iter().flat_map(|key| BTreeSet::from(plain(key))) {
        *counts.entry(name).or_default() += 1;
    }
    let wanted = |key: &Held| {
        let is_alone = plain(key).iter().all(|name| counts.get(name) == Some(&1));
        let name = match key.label.as_str() {
            "" => Some(hex(&key.id)),
            label => (!is_alone).then(|| format!("{label}-{}", hex(&key.id))),
        };
        Wanted { label: key.label.clone(), name, ..Wanted::default() }
    };
    keys.iter().map(|key| (*key, wanted(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[(&str, u8)]) -> Keys {
        let key = |(label, id): &(&str, u8)| Held {
            object: 1,
            label: (*label).to_owned(),
            id: vec![*id],
        };
        Keys { held: keys.iter().map(key).collect(), unread: Vec::new() }
    }

    fn found(keys: &Keys, pattern: &str) -> Vec<String> {
        let asked = Asked::Matching(Pattern::new(pattern).unwrap());
        let names =
            |found: Found<'_>| found.iter().map(|(_, wanted)| wanted.name().to_owned()).collect();
        find(keys, asked).map(|(found, _)| names(found)).unwrap_or_default()
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
        let held = keys(&[("a b", 1), ("a-b", 2), ("a_c", 3)]);
        assert_eq!(found(&held, "*"), ["a b-01", "a-b-02", "a_c"], "one name in a cloud");
        assert_eq!(found(&keys(&[("", 8), ("", 9)]), "*"), ["08", "09"]);
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
