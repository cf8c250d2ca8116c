//! Where the store is and how the module behaves: from `pReserved` of `C_Initialize`, the
//! environment (`KEYFERRY_STORE`, `KEYFERRY_CONFIG`) or a file, in this order. The caller brings the environment:
//! [`variable`](crate::abi::environment::variable) says which of it may be obeyed.
//!
//! The file is TOML: `store`, `null_parameter` (`"azure"`, `"refuse"`), `min_rsa_bits` (1024, 2048),
//! `legacy` (or its old name `legacy_des3`) and `enforce_dates` (true, false).
//! What it leaves out is as by default; so is everything if there is no file where it would be by
//! default, `$XDG_CONFIG_HOME/keyferry/config.toml`.
use crate::error::{Error, Result};
use serde::Deserialize;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where tokens live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `sqlite:PATH`: a folder of 0700 that holds the database.
    Sqlite(PathBuf),
    /// `memory:`: nowhere; gone with `C_Finalize`.
    Memory,
}

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where tokens live.
    pub store: Location,
    /// Whether wrapping mechanisms take a NULL parameter to mean the Azure profile. Default: yes.
    pub null_parameter: NullParameter,
    /// The shortest RSA key that may be generated, created, unwrapped or used, in bits: 1024 (default) or 2048.
    pub min_rsa_bits: usize,
    /// Offers triple DES whole, and MD5 as a digest. Default: no.
    pub legacy: bool,
    /// Whether keys are used only between their `CKA_START_DATE` and `CKA_END_DATE`. Default: no.
    pub enforce_dates: bool,
}

/// What a NULL parameter of a wrapping mechanism means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NullParameter {
    /// AES-256, SHA-1, MGF1-SHA-1, empty label.
    #[default]
    Azure,
    /// `CKR_MECHANISM_PARAM_INVALID`
    Refuse,
}

impl Config {
    /// Reads the configuration. `reserved` is the string that an application gave in `pReserved`:
    /// a store (`memory:`, `sqlite:PATH`) or `config=PATH`; unknown keys are `CKR_ARGUMENTS_BAD`.
    pub fn read(reserved: Option<&str>, env: Lookup<'_>) -> Result<Config> {
        Config::read_with_reason(reserved, env).map_err(|reason| {
            log::error!("configuration: {reason}");
            Error::ArgumentsBad
        })
    }

    /// As [`Self::read`], but says in a sentence what is wrong.
    pub fn read_with_reason(
        reserved: Option<&str>,
        env: Lookup<'_>,
    ) -> std::result::Result<Config, String> {
        assemble(reserved, env)
    }

    /// Tokens in memory, everything else as by default.
    pub fn memory() -> Config {
        Config {
            store: Location::Memory,
            null_parameter: NullParameter::Azure,
            min_rsa_bits: 1024,
            legacy: false,
            enforce_dates: false,
        }
    }
}

impl Location {
    /// Reads `memory:` or `sqlite:PATH`; or says why it is neither.
    pub fn parse(text: &str) -> std::result::Result<Location, String> {
        let shown = showable(text);
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        match (scheme.to_ascii_lowercase().as_str(), rest) {
            ("memory", "") => Ok(Location::Memory),
            ("sqlite", "") => Err("\"sqlite:\" names no folder; give sqlite:PATH".into()),
            ("sqlite", path) => Ok(Location::Sqlite(path.into())),
            ("postgres" | "postgresql", _) => {
                Err("there is no PostgreSQL store; use sqlite:PATH".into())
            }
            _ if Path::new(text).has_root() && shown == text => {
                Err(format!("{text:?} is not a store; give sqlite:{text} if that is meant"))
            }
            _ => Err(format!("{shown:?} is not a store; give sqlite:PATH or memory:")),
        }
    }
}

/// What of a store may be shown: nothing behind the scheme (RFC 3986 section 3.1), where a password may be.
fn showable(text: &str) -> String {
    let is_scheme =
        |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match text.split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}:…"),
        None if !text.contains('@') => text.to_owned(),
        _ => "…".to_owned(),
    }
}

/// As [`Location::parse`] reads it.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(folder) => write!(f, "sqlite:{}", folder.display()),
            Location::Memory => f.write_str("memory:"),
        }
    }
}

/// The configuration file. Unknown keys are errors: a typing mistake must not weaken anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    /// Where it was read.
    #[serde(skip)]
    path: PathBuf,
    store: Option<String>,
    #[serde(default)]
    null_parameter: NullParameter,
    min_rsa_bits: Option<usize>,
    #[serde(default)]
    legacy: bool,
    /// The old name of `legacy`.
    #[serde(default)]
    legacy_des3: bool,
    #[serde(default)]
    enforce_dates: bool,
}

/// Looks a variable of the environment up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn assemble(reserved: Option<&str>, env: Lookup<'_>) -> std::result::Result<Config, String> {
    let reserved = reserved.filter(|text| !text.is_empty());
    let given = reserved.and_then(|text| text.strip_prefix("config="));
    let file = config_file(given.map(PathBuf::from), env)?;
    let store = match (reserved, given) {
        (Some(text), None) => Some(Location::parse(text)?),
        _ => None,
    };
    let from_env = || {
        let text = set(env, "KEYFERRY_STORE").map(OsString::into_string);
        let text = text
            .transpose()
            .map_err(|_| "KEYFERRY_STORE is not UTF-8 text; set it to sqlite:PATH".to_string())?;
        text.map(|text| Location::parse(&text).map_err(|why| format!("KEYFERRY_STORE: {why}")))
            .transpose()
    };
    let in_file = |why| format!("the configuration file {}: {why}", file.path.display());
    let from_file = file.store.as_deref().map(Location::parse).transpose().map_err(in_file)?;
    // a file that the application itself named goes before the environment
    let store = match (store, given) {
        (Some(store), _) => Some(store),
        (None, Some(_)) => from_file.map_or_else(from_env, |store| Ok(Some(store)))?,
        (None, None) => from_env()?.or(from_file),
    };
    Ok(Config {
        store: store.map_or_else(|| default_store(env), Ok)?,
        null_parameter: file.null_parameter,
        min_rsa_bits: min_rsa_bits(file.min_rsa_bits).map_err(in_file)?,
        legacy: file.legacy || file.legacy_des3,
        enforce_dates: file.enforce_dates,
    })
}

fn min_rsa_bits(bits: Option<usize>) -> std::result::Result<usize, String> {
    match bits.unwrap_or(1024) {
        bits @ (1024 | 2048) => Ok(bits),
        bits => Err(format!("min_rsa_bits is {bits}, and can be 1024 or 2048; change that")),
    }
}

/// The configuration file, which has to be there only if somebody named it.
fn config_file(given: Option<PathBuf>, env: Lookup<'_>) -> std::result::Result<ConfigFile, String> {
    let named = given.or_else(|| set(env, "KEYFERRY_CONFIG").map(PathBuf::from));
    let required = named.is_some();
    let Some(path) = named
        .or_else(|| base(env, "XDG_CONFIG_HOME", ".config").map(|base| base.join("config.toml")))
    else {
        return Ok(ConfigFile::default());
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => match toml::from_str(&text) {
            Ok(file) => Ok(ConfigFile { path, ..file }),
            Err(error) => Err(format!(
                "the configuration file {} has a mistake: {}; correct that line",
                path.display(),
                mistake(&text, &error)
            )),
        },
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(ConfigFile::default())
        }
        Err(error) => Err(format!(
            "the configuration file {} cannot be read: {error}; mend that, or name another with KEYFERRY_CONFIG",
            path.display()
        )),
    }
}

/// What is wrong with a file in TOML, in which line and at which key: the parser names not always the key. No value is
/// shown: it may be a password, and the file another one than was meant.
pub fn mistake(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let lines = text.get(..at).unwrap_or_default().matches('\n').count();
    let what = without_value(error.message()).split_whitespace().collect::<Vec<&str>>().join(" ");
    match text.lines().nth(lines).and_then(key_of) {
        Some(key) => format!("{what} in line {}, at `{key}`", lines + 1),
        None => format!("{what} in line {}", lines + 1),
    }
}

/// How messages begin that go on with a value of the file, and then with what is expected instead (`serde::de::Error`).
const WITH_VALUE: [&str; 4] =
    ["invalid type", "invalid value", "invalid length", "unknown variant"];

fn without_value(message: &str) -> String {
    let kind = WITH_VALUE.iter().find(|kind| message.starts_with(*kind));
    match (kind, message.rsplit_once(", expected ")) {
        (Some(kind), Some((_, expected))) => format!("{kind}, expected {expected}"),
        (Some(kind), None) => (*kind).to_owned(),
        (None, _) => message.to_owned(),
    }
}

/// The key of a line, if it is one and has a value: what ends in `=` may be a secret in base64.
fn key_of(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))?;
    let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    (is_key && !key.is_empty() && !value.is_empty() && !value.starts_with('=')).then_some(key)
}

fn default_store(env: Lookup<'_>) -> std::result::Result<Location, String> {
    let folder = base(env, "XDG_DATA_HOME", ".local/share");
    folder.map(Location::Sqlite).ok_or_else(|| {
        "no home folder to keep tokens in; set HOME or KEYFERRY_STORE=sqlite:PATH, or name the store in pReserved: a \
         setuid program obeys no variable"
            .to_string()
    })
}

/// Our folder as the XDG Base Directory Specification has it: relative paths are ignored.
fn base(env: Lookup<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| set(env, name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)));
    base.map(|base| base.join("keyferry"))
}

/// An environment variable, if it is there and not empty.
fn set(env: Lookup<'_>, name: &str) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reserved: Option<&str>, env: &[(&str, &str)]) -> std::result::Result<Config, String> {
        let lookup = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        assemble(reserved, &lookup)
    }

    fn sqlite(path: &str) -> Location {
        Location::Sqlite(path.into())
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path.to_str().unwrap().to_string())
    }

    #[test]
    fn defaults() {
        let config = read(None, &[("HOME", "/nowhere")]).unwrap();
        assert_eq!(
            config,
            Config { store: sqlite("/nowhere/.local/share/keyferry"), ..Config::memory() }
        );
        let config = read(Some(""), &[("HOME", "/nowhere"), ("XDG_DATA_HOME", "/data")]).unwrap();
        assert_eq!(config.store, sqlite("/data/keyferry"));
        let config = read(None, &[("HOME", "/nowhere"), ("XDG_DATA_HOME", "data")]).unwrap();
        assert_eq!(config.store, sqlite("/nowhere/.local/share/keyferry"));
        assert!(read(None, &[]).unwrap_err().contains("KEYFERRY_STORE"));
        assert_eq!(read(Some("memory:"), &[]), Ok(Config::memory()));
    }

    #[test]
    fn who_goes_first() {
        let (_folder, path) =
            file("store = 'sqlite:/file'\nnull_parameter = 'refuse'\nmin_rsa_bits = 2048");
        let env = [("KEYFERRY_CONFIG", path.as_str())];
        let config = read(None, &env).unwrap();
        assert_eq!((config.store, config.min_rsa_bits), (sqlite("/file"), 2048));
        let both = [env[0], ("KEYFERRY_STORE", "sqlite:/env")];
        let config = read(None, &both).unwrap();
        assert_eq!((config.store, config.null_parameter), (sqlite("/env"), NullParameter::Refuse));
        let config = read(Some("memory:"), &both).unwrap();
        assert_eq!(
            (config.store, config.null_parameter),
            (Location::Memory, NullParameter::Refuse)
        );
        let named = format!("config={path}");
        assert_eq!(read(Some(&named), &both[1..]).unwrap().store, sqlite("/file"));
    }

    #[test]
    fn the_default_file_is_read_and_may_be_missing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/keyferry");
        let env = [("HOME", home.path().to_str().unwrap())];
        assert_eq!(read(None, &env).unwrap().min_rsa_bits, 1024);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.toml"), "min_rsa_bits = 2048").unwrap();
        assert_eq!(read(None, &env).unwrap().min_rsa_bits, 2048);
        assert!(!read(None, &env).unwrap().legacy);
        for line in ["legacy = true", "legacy_des3 = true", "legacy = false\nlegacy_des3 = true"] {
            std::fs::write(folder.join("config.toml"), line).unwrap();
            assert!(read(None, &env).unwrap().legacy, "{line}");
        }
        assert!(!read(None, &env).unwrap().enforce_dates);
    }

    #[test]
    fn mistakes_have_reasons() {
        for (reserved, part) in [
            ("/var/lib/keyferry", "give sqlite:/var/lib/keyferry"),
            ("keys", "is not a store"),
            ("memory:x", "is not a store"),
            ("sqlite:", "names no folder; give sqlite:PATH"),
            ("postgres://user:hunter2@host/db", "PostgreSQL"),
            ("Postgres://user:hunter2@host/db", "there is no PostgreSQL store"),
            ("mysql://user:hunter2@host/db", "\"mysql:…\" is not a store; give sqlite:PATH"),
            ("//user:hunter2@host/db", "\"…\" is not a store; give sqlite:PATH"),
            ("my hunter2: x", "\"…\" is not a store; give sqlite:PATH"),
            ("config=/nowhere/at/all", "the configuration file /nowhere/at/all cannot be read: "),
        ] {
            let reason = read(Some(reserved), &[]).unwrap_err();
            assert!(reason.contains(part), "{reserved}: {reason}");
            assert!(!reason.contains("hunter2"));
        }
        for (text, part) in [
            ("stoer = 'hunter2'", "`enforce_dates` in line 1, at `stoer`; correct that line"),
            ("legacy_des3 = true\n store = 'hunter2", "in line 2, at `store`; correct that line"),
            ("store = 'postgres://u:hunter2@h/db'", "there is no PostgreSQL store"),
            ("min_rsa_bits = 'hunter2, expected'", "invalid type, expected usize in line 1, at"),
            ("null_parameter = 'hunter2'", "unknown variant, expected `azure` or `refuse` in line"),
            ("hunter2", "key with no value, expected `=` in line 1; correct"),
            ("hunter2==", " in line 1; correct that line"),
            ("hunter2=", " in line 1; correct that line"),
            ("min_rsa_bits = 512", "min_rsa_bits is 512, and can be 1024 or 2048; change that"),
            ("min_rsa_bits = 'x'", "min_rsa_bits"),
            ("legacy_des3 = 'yes'", "legacy_des3"),
            ("store = 'here'", "is not a store"),
            ("store", "key with no value, expected `=` in line 1; correct that line"),
        ] {
            let (_folder, path) = file(text);
            let reason =
                read(Some(&format!("config={path}")), &[("HOME", "/nowhere")]).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains("hunter2"), "{reason}");
        }
        assert!(read(None, &[("KEYFERRY_STORE", "x")]).unwrap_err().starts_with("KEYFERRY_STORE"));
        assert_eq!(Config::read(Some("keys"), &|_| None), Err(Error::ArgumentsBad));
    }
}
