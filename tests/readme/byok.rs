//! The recipes of `docs/byok.md` are true. The clouds' commands are stood in for by `cloud.sh`, which
//! opens what it is sent with OpenSSL.
use super::{blocks, links_lead_somewhere, root};
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const RECIPES: &str = include_str!("../../docs/byok.md");
const AUDIT: &str = include_str!("../../docs/audit.md");

#[test]
fn its_recipes_bring_the_key_into_every_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = folder.path().join("cloud");
    stand_in(&cloud);
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", cloud.display());
    let blocks = blocks::of(RECIPES);
    let extra = [("CLOUD", cloud.as_os_str()), ("PATH", path.as_ref())];
    blocks::run(&blocks.iter().collect::<Vec<_>>(), folder.path(), &extra);

    let arrived = arrived(&cloud.join("arrived"));
    let names: Vec<&str> = arrived.keys().map(String::as_str).collect();
    let expected = [
        "aws-RSA_3072",
        "aws-SYMMETRIC_DEFAULT",
        "azure-data",
        "azure-signing",
        "azure-web",
        "azure-web-1",
        "azure-web-2",
        "azure-web-3",
        "google-signing",
        "oracle-signing",
        "vault-signing",
    ];
    assert_eq!(names, expected);
    let signing = public_key(folder.path(), "signing");
    for name in
        ["azure-signing", "aws-RSA_3072", "google-signing", "oracle-signing", "vault-signing"]
    {
        assert!(arrived[name] == signing, "another key arrived as {name}");
    }
    for label in ["web", "web-1", "web-2", "web-3"] {
        let name = format!("azure-{label}");
        assert!(
            arrived[&name] == public_key(folder.path(), label),
            "another EC key arrived as {name}"
        );
    }
    assert_eq!(arrived["azure-data"].len(), 16, "azure-data is no AES key");
    assert_eq!(arrived["azure-data"], arrived["aws-SYMMETRIC_DEFAULT"]);
}

/// The clouds' command lines, in a folder.
fn stand_in(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for name in ["az", "attest", "aws", "gcloud", "oci", "vault"] {
        symlink(root().join("tests/readme/cloud.sh"), folder.join(name)).unwrap();
    }
}

/// What shows which keys arrived, by name.
fn arrived(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// SubjectPublicKeyInfo of a key in the token that the page made, by another program.
fn public_key(home: &Path, label: &str) -> Vec<u8> {
    let file = home.join(format!("{label}.der"));
    let read = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(blocks::module())
        .args(["--read-object", "--type", "pubkey", "--label", label, "--output-file"])
        .arg(&file)
        .env("HOME", home)
        .env_remove("XDG_DATA_HOME")
        .env_remove("KEYFERRY_STORE")
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    std::fs::read(file).unwrap()
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in [RECIPES, AUDIT] {
        links_lead_somewhere(page, &root().join("docs"));
    }
}
