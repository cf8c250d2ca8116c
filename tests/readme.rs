//! The README is true: its commands run, its output is what comes out, its table is the code's.
//!
//! Blocks marked `sh` run one after another in one shell, in an empty folder; a `text` block shows
//! what the block before it prints, with `…` for anything. The two long commands are run by
//! `conformance/run`; here it is checked that they are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
use keyferry::byok::cloud::{CLOUDS, hash_name};
use keyferry::mechanism::{MECHANISMS, Mechanism};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const README: &str = include_str!("../README.md");
const STEPS: &str = include_str!("../conformance/run");

/// Printed between two blocks by the shell.
const BOUNDARY: &str = "\u{1e}";

#[test]
fn its_commands_do_what_it_says() {
    let blocks = blocks();
    let short: Vec<&Block> = blocks.iter().filter(|block| !block.is_long()).collect();
    assert!(short.len() >= 5, "the README has lost its recipes");
    let folder = tempfile::tempdir().unwrap();
    let output = run_all(&short, folder.path());
    for (block, actual) in short.iter().zip(output) {
        if let Some(shown) = block.shown {
            assert!(
                matches(shown, &actual),
                "the README shows\n{shown}\nbut this came out:\n{actual}"
            );
        }
    }
    for package in [
        "KeyTransferPackage-signing.byok",
        "KeyTransferPackage-data.byok",
        "KeyTransferPackage-guarded.byok",
    ] {
        let file = std::fs::read_to_string(folder.path().join(package)).unwrap();
        assert!(file.contains("CKM_RSA_AES_KEY_WRAP"), "{package}: {file}");
    }
    for blob in ["signing.aws.bin", "signing.gcp.bin", "signing.oci.b64", "signing.vault.b64"] {
        assert!(folder.path().join(blob).metadata().unwrap().len() > 2000, "{blob}");
    }
}

#[test]
fn its_two_long_commands_are_there() {
    let long: Vec<&str> = blocks()
        .iter()
        .filter(|block| block.is_long())
        .map(|block| block.commands.trim())
        .collect();
    assert_eq!(long, ["cargo run --release -- rehearse", "./conformance/run"]);
    assert!(STEPS.contains("-- rehearse"), "conformance/run does not rehearse");
    let script = root().join("conformance/run");
    assert_ne!(
        script.metadata().unwrap().permissions().mode() & 0o111,
        0,
        "conformance/run is not executable"
    );
}

#[test]
fn its_links_lead_somewhere() {
    let targets = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target);
    for target in targets.filter(|target| !target.contains("://")) {
        assert!(root().join(target).exists(), "{target} is not there");
    }
}

#[test]
fn its_table_of_clouds_is_the_codes() {
    let joined = |words: Vec<String>| words.join(", ");
    let mut wanted =
        "| command | for | OAEP hash | KEK bits | keys |\n|---|---|---|---|---|\n".to_owned();
    for cloud in CLOUDS {
        let hashes = cloud.hashes.iter().map(|row| hash_name(row.0).to_owned()).collect();
        let bits = cloud.kek_bits.iter().map(usize::to_string).collect();
        wanted += &format!(
            "| `keyferry export {}` | {} | {} | {} | {} |\n",
            cloud.command,
            cloud.name,
            joined(hashes),
            joined(bits),
            cloud.takes()
        );
    }
    assert_eq!(table("clouds"), wanted);
}

/// What stands between the marks of this name.
fn table(name: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("<!-- {name}:begin -->\n")).unwrap();
    rest.split_once(&format!("<!-- {name}:end -->")).unwrap().0
}

#[test]
fn its_mechanism_table_is_the_codes() {
    let table = table("mechanisms");
    let mut rows: Vec<&Mechanism> = MECHANISMS.iter().collect();
    rows.sort_by_key(|mechanism| mechanism.ckm);
    let expected: Vec<String> = rows.into_iter().map(start_of_row).collect();
    let actual: Vec<&str> = table.lines().skip(2).collect();
    let same = expected.len() == actual.len()
        && expected.iter().zip(&actual).all(|(e, a)| a.starts_with(e.as_str()));
    assert!(
        same,
        "the rows should begin\n{}\nbut the README has\n{}",
        expected.join("\n"),
        actual.join("\n")
    );
}

/// A row without its last column, which is prose.
fn start_of_row(mechanism: &Mechanism) -> String {
    let functions = [
        ("encrypt", mechanism.encrypt.is_some()),
        ("decrypt", mechanism.decrypt.is_some()),
        ("digest", mechanism.digest.is_some()),
        ("sign", mechanism.sign.is_some()),
        ("verify", mechanism.verify.is_some()),
        ("sign recover", mechanism.sign_recover.is_some()),
        ("verify recover", mechanism.verify_recover.is_some()),
        ("wrap", mechanism.wrap.is_some()),
        ("unwrap", mechanism.unwrap.is_some()),
        ("generate", mechanism.generate.is_some()),
        ("generate pair", mechanism.generate_pair.is_some()),
        ("derive", mechanism.derive.is_some() || mechanism.derive_many.is_some()),
        ("encapsulate", mechanism.encapsulate.is_some()),
        ("decapsulate", mechanism.decapsulate.is_some()),
    ];
    let present: Vec<&str> =
        functions.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    format!("| `{}` | `0x{:04X}` | {} |", mechanism.name, mechanism.ckm, present.join(", "))
}

/// Commands, and what is shown of their output.
struct Block {
    commands: &'static str,
    shown: Option<&'static str>,
}

impl Block {
    /// Whether it builds or installs.
    fn is_long(&self) -> bool {
        self.commands.contains("cargo run") || self.commands.contains("./conformance/run")
    }
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut rest = README;
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

/// Runs the blocks as a user would who has just built, and answers the output of each.
fn run_all(blocks: &[&Block], folder: &Path) -> Vec<String> {
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
        "the README's commands failed (they need openssl and pkcs11-tool):\n{output}"
    );
    output.split(BOUNDARY).map(str::to_owned).collect()
}

/// The module that was built with this test.
fn module() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_keyferry")).parent().unwrap();
    let places = [beside.join("libkeyferry.so"), beside.join("deps/libkeyferry.so")];
    let built = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    places
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(built)
        .expect("the module is built with its tests")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
