//! Commands in a page of documentation, run.
//!
//! Blocks marked `sh` run one after another in one shell, in an empty folder; a `text` block shows
//! what the block before it prints, with `…` for anything.
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Printed between two blocks by the shell.
const BOUNDARY: &str = "\u{1e}";

/// OpenSSL's policy in the tests: an update of the machine's own file changes no result.
const OPENSSL_CONF: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/lib/policy/openssl.cnf");

/// Commands, and what is shown of their output.
pub struct Block {
    pub commands: &'static str,
    shown: Option<&'static str>,
}

impl Block {
    /// Whether it builds or installs.
    pub fn is_long(&self) -> bool {
        self.commands.contains("cargo run") || self.commands.contains("./conformance/run")
    }
}

/// The blocks of a page.
pub fn of(page: &'static str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut rest = page;
    while let Some((_, fenced)) = rest.split_once("\n```") {
        let (language, body) = fenced.split_once('\n').unwrap();
        let (body, after) = body.split_once("```").unwrap();
        match language {
            "sh" => blocks.push(Block { commands: body, shown: None }),
            "text" => blocks.last_mut().unwrap().shown = Some(body),
            _ => {}
        }
        rest = after;
    }
    blocks
}

/// Runs the blocks as a user would who has just built, and compares what each prints. `extra` goes into the
/// environment.
pub fn run(blocks: &[&Block], folder: &Path, extra: &[(&str, &OsStr)]) {
    for (block, actual) in blocks.iter().zip(run_all(blocks, folder, extra)) {
        if let Some(shown) = block.shown {
            assert!(
                matches(shown, &actual),
                "the page shows\n{shown}\nbut this came out:\n{actual}"
            );
        }
    }
}

fn run_all(blocks: &[&Block], folder: &Path, extra: &[(&str, &OsStr)]) -> Vec<String> {
    let built = folder.join("target/release");
    std::fs::create_dir_all(&built).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keyferry"), built.join("keyferry")).unwrap();
    std::os::unix::fs::symlink(module(), built.join("libkeyferry.so")).unwrap();

    let script: String =
        blocks.iter().map(|block| format!("{}printf '{BOUNDARY}'\n", block.commands)).collect();
    let run = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder)
        .env("HOME", folder)
        .env("OPENSSL_CONF", OPENSSL_CONF)
        .envs(extra.iter().copied())
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("KEYFERRY_STORE")
        .env_remove("KEYFERRY_CONFIG")
        .env_remove("KEYFERRY_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "the page's commands failed (they need openssl; the README's, pkcs11-tool):\n{output}"
    );
    output.split(BOUNDARY).map(str::to_owned).collect()
}

/// The module that was built with this test.
pub fn module() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_keyferry")).parent().unwrap();
    let places = [beside.join("libkeyferry.so"), beside.join("deps/libkeyferry.so")];
    let built = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    places
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(built)
        .expect("the module is built with its tests")
}

/// Whether the output is what is shown, with `…` for anything.
fn matches(shown: &str, actual: &str) -> bool {
    let mut pieces = shown.trim().split('…');
    let Some(mut rest) = actual.trim().strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn a_wildcard_stands_for_anything() {
    assert!(matches("a…c\n", "abbc"));
    assert!(matches("…b…", "abc"));
    assert!(matches("abc", "abc\n"));
    assert!(!matches("a…d", "abc"));
    assert!(!matches("b…", "abc"));
    assert!(!matches("ab", "abc"));
}
