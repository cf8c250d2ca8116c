//! The README is true: its commands run, its output is what comes out, its table is the code's.
//! So are the recipes in `docs/`.
//!
//! The two long commands are run by `conformance/run`; here it is checked that they are.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
use blocks::Block;
use keyferry::byok::cloud::{CLOUDS, hash_name};
use keyferry::mechanism::{MECHANISMS, Mechanism};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[path = "readme/blocks.rs"]
mod blocks;
#[path = "readme/byok.rs"]
mod byok;

const README: &str = include_str!("../README.md");
const STEPS: &str = include_str!("../conformance/run");

#[test]
fn its_commands_do_what_it_says() {
    let blocks = blocks::of(README);
    let short: Vec<&Block> = blocks.iter().filter(|block| !block.is_long()).collect();
    assert!(short.len() >= 5, "the README has lost its recipes");
    let folder = tempfile::tempdir().unwrap();
    blocks::run(&short, folder.path(), &[]);
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
    let blocks = blocks::of(README);
    let long: Vec<&str> =
        blocks.iter().filter(|block| block.is_long()).map(|block| block.commands.trim()).collect();
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
    links_lead_somewhere(README, root());
}

/// Links to files, that is; and a heading that a link names is there.
fn links_lead_somewhere(text: &str, folder: &Path) {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.trim());
    for target in targets.filter(|target| !target.contains("://")) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        assert!(folder.join(file).exists(), "{target} is not there");
        let named = match file {
            "" => text.to_owned(),
            file => std::fs::read_to_string(folder.join(file)).unwrap_or_default(),
        };
        assert!(heading.is_empty() || has_heading(&named, heading), "{target} names no heading");
    }
}

/// Whether a page has the heading of an anchor: lower case, hyphens for blanks, no punctuation.
fn has_heading(page: &str, anchor: &str) -> bool {
    let kept = |c: &char| c.is_alphanumeric() || *c == '-';
    page.lines().filter_map(|line| line.strip_prefix('#')).any(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(kept).eq(anchor.chars())
    })
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
