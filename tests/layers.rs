//! The house, checked: who may use whom, where `unsafe` and the crypto libraries may stand.
//!
//! Works on the tokens of the sources, so that comments and strings do not count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]
mod source;

use source::{Piece, pieces, walk};
use std::{fs, path::Path};

/// A module uses those before it, and itself.
const LAYERS: &[&str] = &[
    "ck",
    "error",
    "config",
    "crypto",
    "byok",
    "object",
    "mechanism",
    "store",
    "token",
    "session",
    "module",
    "abi",
    "client",
    "bin",
];

/// What the order would allow and the design does not: primitives and formats know no PKCS#11, and
/// the store knows no keys.
const FORBIDDEN: &[(&str, &str)] =
    &[("crypto", "ck"), ("byok", "ck"), ("store", "object"), ("store", "mechanism")];

/// The libraries with the hot arithmetic: only in `crypto`.
const ARITHMETIC: &[&str] = &["aws_lc_sys", "aws_lc_rs", "aes", "aes_kw", "argon2", "fips205"];

/// The libraries with key models: in `crypto`, and where keys are encoded.
const MODELS: &[&str] = &["rsa", "p256", "p384", "p521", "k256"];

const LONGEST: usize = 500;

struct Source {
    /// Components below `src`, the last without its `.rs`.
    path: Vec<String>,
    text: String,
    tokens: Vec<String>,
}

impl Source {
    fn layer(&self) -> &str {
        &self.path[0]
    }

    fn name(&self) -> String {
        format!("src/{}.rs", self.path.join("/"))
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.join("/").starts_with(place))
    }

    /// How deep the module of this file lies below the crate's root.
    fn depth(&self) -> usize {
        self.path.len() - usize::from(self.path.last().is_some_and(|name| name == "mod"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut |file| {
        let text = fs::read_to_string(&file).unwrap();
        let below = file.strip_prefix(&root).unwrap().with_extension("");
        let path = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        found.push(Source { path, tokens: tokens(&text), text });
    });
    assert!(found.len() > 20, "the walk must have missed the sources");
    found
}

/// Words, `::`, and other characters one by one; no comments, strings or spaces.
fn tokens(text: &str) -> Vec<String> {
    let token = |piece| match piece {
        Piece::Token(token) if !token.trim().is_empty() => Some(token.to_owned()),
        Piece::Token(_) | Piece::Skipped(_) => None,
    };
    pieces(text).into_iter().filter_map(token).collect()
}

/// The modules named at the root of `krate`: `krate::a::…` and `krate::{a::…, b}`. Macros of the
/// root belong to nobody.
fn named_at_root(tokens: &[String], krate: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let inner = at > 0 && tokens[at - 1] == "::";
        if pair[0] != krate || pair[1] != "::" || inner {
            continue;
        }
        let rest = &tokens[at + 2..];
        match rest[0].as_str() {
            "{" => named.extend(first_words(rest)),
            _ if rest.get(1).is_some_and(|next| next == "!") => {}
            word => named.push(word.to_owned()),
        }
    }
    named
}

/// The first word of each member of the `{…}` that `group` starts with.
fn first_words(group: &[String]) -> Vec<String> {
    let (mut depth, mut words) = (0, Vec::new());
    for (at, token) in group.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            word if depth == 1 && matches!(group[at - 1].as_str(), "{" | ",") => {
                words.push(word.to_owned());
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    words
}

/// Whether some chain of `super::` climbs to the crate's root, from where it could go anywhere.
fn climbs_to_root(tokens: &[String], depth: usize) -> bool {
    // For each open brace whether it opened a module.
    let mut braces: Vec<bool> = Vec::new();
    let mut climbed = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => braces.push(at > 1 && tokens[at - 2] == "mod"),
            "}" => drop(braces.pop()),
            "super" => {
                climbed += 1;
                let inline = braces.iter().filter(|module| **module).count();
                if climbed >= depth + inline {
                    return true;
                }
                continue;
            }
            "::" => continue,
            _ => {}
        }
        climbed = 0;
    }
    false
}

/// Whether `library` is named as a crate: not as a module of ours that was brought in or declared.
fn names_library(tokens: &[String], library: &str) -> bool {
    let ours = tokens.split(|token| token == ";").any(|statement| {
        let used = statement.iter().position(|token| token == "use").is_some_and(|at| {
            let from = statement.get(at + 1).map(String::as_str);
            matches!(from, Some("crate" | "super" | "self" | "keyferry"))
        });
        let declared = statement.windows(2).any(|pair| pair[0] == "mod" && pair[1] == library);
        declared || used && statement.iter().any(|token| token == library)
    });
    let named = tokens.windows(2).enumerate().any(|(at, pair)| {
        let inner = at > 0 && tokens[at - 1] == "::";
        let starts = pair[1] == "::" || at > 0 && tokens[at - 1] == "use";
        pair[0] == library && starts && !inner
    });
    named && !ours
}

/// Asserts that nothing is wrong, or says all that is.
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn imports_point_to_the_left() {
    let place = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.layer() != "lib") {
        let (name, layer) = (source.name(), source.layer());
        let Some(own) = place(layer) else {
            wrong.push(format!("{name}: belongs to no layer"));
            continue;
        };
        let krate = if layer == "bin" { "keyferry" } else { "crate" };
        for used in named_at_root(&source.tokens, krate) {
            match place(&used) {
                None => wrong.push(format!("{name}: {used} is no layer")),
                Some(at) if at > own || FORBIDDEN.contains(&(layer, &used)) => {
                    wrong.push(format!("{name}: {layer} may not use {used}"));
                }
                Some(_) => {}
            }
        }
        if layer != "bin" && climbs_to_root(&source.tokens, source.depth()) {
            wrong.push(format!("{name}: super:: reaches the root; say crate::"));
        }
    }
    none(wrong);
}

#[test]
fn crypto_libraries_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources() {
        let outside = |library: &&&str| names_library(&source.tokens, library);
        let arithmetic = ARITHMETIC.iter().filter(|_| !source.is_in(&["crypto/"]));
        let models = MODELS.iter().filter(|_| !source.is_in(&["crypto/", "object/encode"]));
        for library in arithmetic.chain(models).filter(outside) {
            wrong.push(format!("{}: names {library}", source.name()));
        }
    }
    none(wrong);
}

#[test]
fn unsafe_stays_at_the_borders() {
    let borders = ["abi/", "client/", "client", "crypto/aws_lc"];
    let inside = |source: &Source| source.tokens.iter().any(|token| token == "unsafe");
    let outside = sources().into_iter().filter(|source| !source.is_in(&borders));
    none(outside.filter(inside).map(|source| source.name()).collect());
}

/// What reads the environment, and so must ask whether it may be obeyed.
const ENVIRONMENT: &[&str] =
    &["var", "var_os", "vars", "vars_os", "home_dir", "getenv", "secure_getenv"];

/// Returns `true` if the tokens read a variable: `env::var`, `libc::getenv`.
fn reads_environment(tokens: &[String]) -> bool {
    let read = |three: &[String]| {
        matches!(three[0].as_str(), "env" | "libc")
            && three[1] == "::"
            && (three[2] == "{" || ENVIRONMENT.contains(&three[2].as_str()))
    };
    tokens.windows(3).any(read)
}

#[test]
fn one_file_reads_the_environment() {
    let outside = sources().into_iter().filter(|source| !source.is_in(&["abi/environment"]));
    let reads = outside.filter(|source| reads_environment(&source.tokens));
    none(reads.map(|source| source.name()).collect());
}

#[test]
fn every_file_is_short_and_says_what_it_is() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            wrong.push(format!("{}: {lines} lines", source.name()));
        }
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{}: the first line does not say what it is", source.name()));
        }
    }
    none(wrong);
}

#[test]
fn the_checks_see_what_they_should() {
    let text = r##"
        // use crate::comment::X;
        use crate::{ck, object::{Key, index}, error};
        fn f<'a>() { let s = "crate::string \" x"; let c = '"'; crate::store::g(r#"crate::raw"#); }
        crate::c_fn!(x);
        mod tests { use super::*; }
    "##;
    let tokens = tokens(text);
    assert_eq!(named_at_root(&tokens, "crate"), ["ck", "object", "error", "store"]);
    assert!(!climbs_to_root(&tokens, 1));
    assert!(climbs_to_root(&self::tokens("use super::x;"), 1));
    assert!(climbs_to_root(&self::tokens("mod a { use super::super::x; }"), 1));
    assert!(!climbs_to_root(&self::tokens("use super::a; use super::b;"), 2));
    for (code, is) in [
        ("fn f() { std::env::var(\"HOME\") }", true),
        ("use std::env::{self, var_os};", true),
        ("fn f() { libc::secure_getenv(name) }", true),
        ("fn f() { std::env::args_os(); environment::variable(\"HOME\") }", false),
    ] {
        assert_eq!(reads_environment(&self::tokens(code)), is, "{code}");
    }
    for (code, is) in [
        ("use rsa::BigUint;", true),
        ("fn f() { rsa::raw() }", true),
        ("use crate::crypto::{ec, rsa}; fn f() { rsa::raw() }", false),
        ("mod rsa; const ROWS: Row = rsa::ROW;", false),
        ("fn f() { crypto::rsa::raw() }", false),
    ] {
        assert_eq!(names_library(&self::tokens(code), "rsa"), is, "{code}");
    }
}
