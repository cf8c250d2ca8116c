//! A manifest: the keys that somebody listed in a file, and what each is to be called.
use super::{cloud_name, folder};
use crate::file;
use crate::key::unhex;
use crate::output::{Fault, clean, fault};
use keyferry::config::mistake;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A key as it was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID` in hexadecimal.
    pub id: Option<String>,
    /// What the file and the cloud's key are called by, if not by the label.
    pub name: Option<String>,
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

/// Longest manifest, in bytes: a hundred thousand keys fit.
const LONGEST: u64 = 16 << 20;

/// Reads it, and refuses what would give two keys one name or one file.
pub fn read(path: &Path) -> Result<Vec<Wanted>, Fault> {
    let wrong = |why: &str| fault!("the manifest {} cannot be used: {why}", path.display());
    let form = |why: &str| {
        wrong(&format!(
            "{why}; write it in TOML, with a [[key]] for each: label = \"…\", and if needed id = \"0a0b\", name = \"…\", \
             output = \"FILE\", ops = [\"sign\"]"
        ))
    };
    let bytes = file::read_up_to(LONGEST, path, "manifest")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| form("it is not UTF-8 text"))?;
    let manifest: Manifest = toml::from_str(text).map_err(|e| form(&mistake(text, &e)))?;
    let keys = manifest.key;
    if keys.is_empty() {
        return Err(form("it lists no key"));
    }
    keys.iter().try_for_each(Wanted::check).map_err(|fault| wrong(&fault.0))?;
    names_differ(&keys).and_then(|()| outputs_differ(&keys)).map_err(|fault| wrong(&fault.0))?;
    Ok(keys)
}

impl Wanted {
    /// What the file and the cloud's key are called by.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.label)
    }

    fn check(&self) -> Result<(), Fault> {
        let label = &self.label;
        if let Some(why) = self.id.as_deref().and_then(|id| unhex(id).err()) {
            return Err(fault!("the id of \"{label}\": {why}"));
        }
        let named = self.name.as_deref();
        if named.is_some_and(|name| clean(name) != name) {
            return Err(fault!("the name of \"{label}\" has control characters; leave them out"));
        }
        if named.is_some_and(|name| !name.contains(|c: char| c.is_ascii_alphanumeric())) {
            return Err(fault!("the name of \"{label}\" has no letter or digit; give it some"));
        }
        let Some(output) = &self.output else { return Ok(()) };
        let is_name = Path::new(output).file_name().is_some_and(|name| name == output.as_str())
            && clean(output) == *output;
        if !is_name {
            return Err(fault!(
                "the output of \"{label}\" is not the name of a file alone; --output-dir says where it goes"
            ));
        }
        if folder::is_own(Path::new(output)) {
            return Err(fault!("the output of \"{label}\", {output}, is {}", folder::OWN));
        }
        Ok(())
    }
}

fn names_differ(keys: &[Wanted]) -> Result<(), Fault> {
    const GIVE: &str =
        "give each its own name = \"…\", which its file and the cloud's key are called by";
    let twins = first_twins(keys.iter().map(|key| {
        // both, because a name is cut off at another length in each
        let name = key.name();
        let [file, cloud] = [file::safe_name(name), cloud_name(name)];
        ([file, cloud], key)
    }));
    match twins {
        Some((one, other)) if one.name() == other.name() => {
            Err(fault!("\"{}\" stands there twice; {GIVE}", one.name()))
        }
        Some((one, other)) => Err(fault!(
            "\"{}\" and \"{}\" would be one name in a cloud or a folder; {GIVE}",
            one.name(),
            other.name()
        )),
        None => Ok(()),
    }
}

fn outputs_differ(keys: &[Wanted]) -> Result<(), Fault> {
    let outputs = keys.iter().filter_map(|key| Some(([key.output.clone()?], key)));
    match first_twins(outputs) {
        Some((one, other)) => Err(fault!(
            "\"{}\" and \"{}\" have the same output, \"{}\"; give each another",
            one.label,
            other.label,
            one.output.as_deref().unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// The first two rows that have something in common, whether in large letters or small.
fn first_twins<'a, const N: usize>(
    rows: impl Iterator<Item = ([String; N], &'a Wanted)>,
) -> Option<(&'a Wanted, &'a Wanted)> {
    let mut seen: BTreeMap<(usize, String), &Wanted> = BTreeMap::new();
    for (words, row) in rows {
        for (at, word) in words.into_iter().enumerate() {
            if let Some(twin) = seen.insert((at, word.to_lowercase()), row) {
                return Some((twin, row));
            }
        }
    }
    None
}
