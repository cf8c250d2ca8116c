//! Links that another user has put where the command line writes: none is followed.
use crate::{Place, text, with_token};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

/// A file that is not the program's to write to.
const VICTIM: &str = "victim's own\n";

/// Runs a command that must succeed or fail, and leave the victim's file as it was. Returns its refusal.
fn spares_victim(place: &Place, line: &str, succeeds: bool) -> String {
    let output = place.run(line);
    let error = text(&output.stderr);
    assert_eq!(output.status.success(), succeeds, "{line}: {error}");
    assert_eq!(fs::read_to_string(place.path("victim")).unwrap(), VICTIM, "{line}");
    error
}

fn with_victim() -> Place {
    let place = with_token();
    fs::write(place.path("victim"), VICTIM).unwrap();
    fs::create_dir(place.path("out")).unwrap();
    place
}

#[test]
fn the_list_of_an_export_is_no_link() {
    let place = with_victim();
    let list = place.path("out/keyferry-export.jsonl");
    let line = "export azure --kek kek --all sign --output-dir {dir}/out";
    for is_hard in [false, true] {
        match is_hard {
            true => fs::hard_link(place.path("victim"), &list).unwrap(),
            false => symlink(place.path("victim"), &list).unwrap(),
        }
        let error = spares_victim(&place, line, false);
        let says = "out cannot be written to: ";
        assert!(error.contains(says) && error.contains("--output-dir"), "{error}");
        fs::remove_file(&list).unwrap();
    }
    // nor is anything made where a link leads that leads nowhere, and no pipe is waited for
    symlink(place.path("made"), &list).unwrap();
    spares_victim(&place, line, false);
    assert!(!std::path::Path::new(&place.path("made")).exists());
    fs::remove_file(&list).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(&list).status().unwrap();
    assert!(pipe.success());
    spares_victim(&place, line, false);
    fs::remove_file(&list).unwrap();
    spares_victim(&place, line, true);
    assert_eq!(fs::metadata(&list).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_link_in_the_place_of_an_exported_key_is_not_taken_for_it() {
    let place = with_victim();
    let line = "export azure --kek kek --all sign --output-dir {dir}/out";
    place.good(line);
    let (file, moved) = (place.path("out/KeyTransferPackage-sign.byok"), place.path("moved"));
    fs::rename(&file, &moved).unwrap();
    symlink(&moved, &file).unwrap();
    let output = place.run(line);
    assert!(text(&output.stdout).contains("exists already"), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
    let before = fs::read(&moved).unwrap();
    place.good(&format!("{line} --force"));
    assert!(!fs::symlink_metadata(&file).unwrap().is_symlink());
    assert_eq!(fs::read(&moved).unwrap(), before);
}

/// Every command that writes a file replaces a link itself, if it is told to, and else refuses it.
#[test]
fn files_that_are_links_are_replaced_and_not_written_through() {
    let place = with_victim();
    for (line, file) in [
        ("export azure --kek kek --key sign -o {dir}/link", "link"),
        ("export azure --kek kek --key sign -o {dir}/p --request {dir}/link --force", "link"),
        ("export custom --hash sha256 --kek kek --key sign -o {dir}/link", "link"),
        ("key public sign -o {dir}/link", "link"),
        ("kek generate --label own --type rsa-2048 -o {dir}/link", "link"),
        ("token backup {dir}/link", "link"),
        ("token backup {dir}/b --shares 2/2 --force", "b.share-2"),
        ("man {dir}/out", "out/keyferry-kek-generate.1"),
    ] {
        symlink(place.path("victim"), place.path(file)).unwrap();
        if !line.contains("--force") {
            let error = spares_victim(&place, line, false);
            assert!(error.contains("exists already"), "{line}: {error}");
        }
        spares_victim(&place, &format!("{} --force", line.trim_end_matches(" --force")), true);
        let left = fs::symlink_metadata(place.path(file)).unwrap();
        assert!(left.is_file(), "{line}: a link is left");
        fs::remove_file(place.path(file)).unwrap();
    }
}

/// A manual is for every user, and nothing else is.
#[test]
fn pages_of_the_manual_can_be_read_by_everyone() {
    let place = with_victim();
    place.good("man {dir}/manual");
    let mode = |file: &str| fs::metadata(place.path(file)).unwrap().mode() & 0o044;
    assert_eq!(mode("manual/keyferry.1"), mode("victim"));
    place.good("key public sign -o {dir}/sign.pem");
    assert_eq!(mode("sign.pem"), 0);
}
