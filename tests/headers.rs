//! The C headers: the same numbers and layouts as `cryptoki-sys`, and a C program that uses them.
//!
//! Everything is asked of the machine's C compiler, `cc`, with all its warnings as errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]
#[path = "headers/constants.rs"]
mod constants;
#[path = "headers/structures.rs"]
mod structures;

use constants::CONSTANTS;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use structures::STRUCTURES;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the header defines beyond the standard's numbers: how to declare things, and two values
/// that `cryptoki-sys` has not.
const OTHER: &[&str] = &[
    "CK_CALLBACK_FUNCTION",
    "CK_DECLARE_FUNCTION",
    "CK_DECLARE_FUNCTION_POINTER",
    "CK_FUNCTION",
    "CK_MEMBERS_2_40",
    "CK_MEMBERS_3_0",
    "CK_MEMBERS_3_2",
    "CK_PTR",
    "CK_UNAVAILABLE_INFORMATION",
];

/// The names that `header` defines, as written.
fn defined(header: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("pkcs11-headers").join(header)).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(|rest| rest.split([' ', '(']).next().unwrap().to_owned())
        .filter(|name| name.starts_with("CK") || name.starts_with("CRYPTOKI"))
        .collect()
}

/// Compiles a C program and answers what it prints.
fn output_of(source: &Path, arguments: &[&Path]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program: PathBuf = folder.path().join("program");
    let compiled = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-I"])
        .arg(Path::new(ROOT).join("pkcs11-headers"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg("-ldl")
        .output()
        .expect("this test needs a C compiler named cc (Debian: apt install build-essential)");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{}: {said}", source.display());
    let run = Command::new(&program).args(arguments).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}: {}\n{out}{err}", source.display(), run.status);
    out.into_owned()
}

/// What a C program that prints the expressions has to say about each.
fn asked(expressions: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("ask.c");
    let mut text = String::from(
        "#include <stddef.h>\n#include <stdio.h>\n#include \"keyferry.h\"\nint main(void) {\n",
    );
    for (at, expression) in expressions.enumerate() {
        let shown = expression.replace(',', ".");
        writeln!(text, "printf(\"{shown} %lu\\n\", (unsigned long)({expression})); /* {at} */")
            .unwrap();
    }
    text.push_str("return 0;\n}\n");
    fs::write(&source, text).unwrap();
    output_of(&source, &[])
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, number)| (name.to_owned(), number.parse().unwrap()))
        .collect()
}

#[test]
fn every_constant_has_the_number_of_the_standard() {
    let expected: BTreeMap<String, u64> =
        CONSTANTS.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
    let mut names = defined("pkcs11.h");
    for other in OTHER {
        assert!(names.remove(*other), "{other} is not in the header");
    }
    assert!(names.iter().eq(expected.keys()), "the header and the table differ in names");
    assert_eq!(asked(names.into_iter()), expected);
}

#[test]
#[allow(clippy::useless_conversion, reason = "CK_ULONG has 32 bits elsewhere")]
fn what_keyferry_defines_is_the_same_in_c_and_in_rust() {
    use keyferry::ck;
    let expected = BTreeMap::from([
        ("CKA_KEYFERRY_KID", ck::CKA_KEYFERRY_KID),
        ("CKM_KEYFERRY_AZURE_BYOK", ck::CKM_KEYFERRY_AZURE_BYOK),
        ("CK_UNAVAILABLE_INFORMATION", ck::CK_UNAVAILABLE_INFORMATION),
    ]);
    assert!(defined("keyferry.h").iter().all(|name| expected.contains_key(name.as_str())));
    let answers = asked(expected.keys().map(|name| (*name).to_owned()));
    for (name, number) in expected {
        assert_eq!(answers[name], u64::from(number), "{name}");
    }
}

#[test]
fn every_structure_has_the_layout_of_the_standard() {
    let mut expected = BTreeMap::new();
    for (name, size, members) in STRUCTURES {
        expected.insert(format!("sizeof({name})"), *size as u64);
        for (member, offset) in *members {
            let member = member.trim_end_matches('_');
            expected.insert(format!("offsetof({name}, {member})"), *offset as u64);
        }
    }
    let answers = asked(expected.keys().cloned());
    for (asked, number) in expected {
        assert_eq!(answers[&asked.replace(',', ".")], number, "{asked}");
    }
}

#[test]
fn every_structure_of_the_header_is_compared() {
    let text = fs::read_to_string(Path::new(ROOT).join("pkcs11-headers/pkcs11.h")).unwrap();
    let declared: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("typedef ").unwrap_or(line).strip_prefix("struct "))
        .filter_map(|rest| rest.strip_suffix(" {"))
        .collect();
    let compared: BTreeSet<&str> = STRUCTURES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(declared, compared);
}

#[test]
fn a_c_program_wraps_a_key() {
    // Where every build puts the module first; the copy beside the binary may be older.
    let folder = Path::new(env!("CARGO_BIN_EXE_keyferry")).parent().unwrap();
    let module = folder.join("deps/libkeyferry.so");
    assert!(module.exists(), "{} was not built", module.display());
    let said = output_of(&Path::new(ROOT).join("tests/c/wrap.c"), &[&module]);
    assert!(said.ends_with("byok {\n"), "{said}");
}
