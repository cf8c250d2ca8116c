//! `keyferry verify` of what came to harm: each kind of damage in each form, as `damages.toml` has them.
use super::verify::with_receiver;
use crate::{KID, Place, text};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use keyferry::byok::azure::{Kid, Package, request};
use keyferry::byok::file::BlobFile;
use keyferry::byok::kek::Kek;
use keyferry::byok::target::{Curve, Target};
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep::{self, Oaep};
use keyferry::crypto::{aes_kw, rsa};
use serde::Deserialize;
use std::fs;

#[derive(Deserialize)]
struct Damages {
    form: Vec<Form>,
    damage: Vec<Damage>,
}

#[derive(Deserialize)]
struct Form {
    name: String,
    key: String,
    make: String,
    kek: String,
    encoding: String,
    how: String,
    cloud: String,
    hash: String,
}

#[derive(Deserialize)]
struct Damage {
    #[serde(default)]
    forms: Vec<String>,
    #[serde(default)]
    blob: Vec<String>,
    #[serde(default)]
    file: Vec<String>,
    make: Option<String>,
    wrap: Option<String>,
    run: String,
    check: String,
    says: Vec<String>,
}

/// A form's blobs, and what belongs to it.
struct Made<'a> {
    place: &'a Place,
    form: &'a Form,
    /// What was exported, and what a second run exported.
    blobs: [Vec<u8>; 2],
    /// Length of the RSA part.
    rsa: usize,
}

impl<'a> Made<'a> {
    fn new(place: &'a Place, form: &'a Form) -> Made<'a> {
        let export = || blob(place, "good", &form.make);
        let rsa = if form.kek.ends_with("4096") { 512 } else { 256 };
        Made { place, form, blobs: [export(), export()], rsa }
    }

    /// Fills in what is the form's own.
    fn filled(&self, line: &str) -> String {
        let Form { kek, key, hash, cloud, .. } = self.form;
        let kind = match key.as_str() {
            "sign" => "p-256",
            "rsa" => "rsa-2048",
            _ => "aes-256",
        };
        [
            ("{kek}", format!("--kek {{dir}}/{kek}-public.pem")),
            ("{private}", format!("--private {{dir}}/{kek}.pem")),
            ("{another}", format!("--private {{dir}}/other-{kek}.pem")),
            ("{public}", format!("{{dir}}/{kek}-public.pem")),
            ("{type}", format!("--type {kind}")),
            ("{key}", key.clone()),
            ("{hash}", hash.clone()),
            ("{cloud}", cloud.clone()),
        ]
        .iter()
        .fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
    }

    /// The blob before it comes to harm.
    fn blob_for(&self, damage: &Damage) -> Vec<u8> {
        if let Some(start) = &damage.wrap {
            return self.wrapped(start);
        }
        match &damage.make {
            // secret keys go under OAEP alone: what was made has an AES key between, which is as long as the key
            Some(line) => {
                let mut made = blob(self.place, "other", &self.filled(line));
                made.truncate(if self.form.key == "aes" { self.rsa } else { made.len() });
                made
            }
            None => self.blobs[0].clone(),
        }
    }

    /// As many bytes as a P-256 key has, in place of one.
    fn wrapped(&self, start: &str) -> Vec<u8> {
        let mut content: Vec<u8> =
            start.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        content.resize(138, 0);
        let pem = fs::read(self.place.path(&format!("{}-public.pem", self.form.kek))).unwrap();
        let kek = Kek::parse(&pem).unwrap();
        let kek = rsa::PublicKey::new(kek.modulus(), kek.exponent()).unwrap();
        let hash = match self.form.hash.as_str() {
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            _ => Hash::Sha384,
        };
        let oaep = Oaep { hash, mgf: hash, label: Vec::new() };
        let mut blob = oaep::encrypt(&kek, &oaep, &[7; 32]).unwrap();
        blob.extend(aes_kw::kwp_wrap(&[7; 32], None, &content).unwrap());
        blob
    }

    /// `12`, `rsa`, `end-1`, …
    fn at(&self, word: &str, blob: &[u8]) -> usize {
        let (word, less) = word.split_once('-').unwrap_or((word, "0"));
        let at = match word {
            "rsa" => self.rsa,
            "end" => blob.len(),
            number => number.parse().unwrap(),
        };
        at - less.parse::<usize>().unwrap()
    }

    fn harm_blob(&self, blob: &mut Vec<u8>, what: &str) {
        let words: Vec<&str> = what.split(' ').collect();
        let at = |n: usize, blob: &[u8]| self.at(words[n], blob);
        let bytes = |n: usize| -> Vec<u8> {
            let digits = words[n].as_bytes().chunks(2);
            digits
                .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        match words[0] {
            "flip" => {
                let at = at(1, blob);
                blob[at] ^= 1;
            }
            "set" => {
                let at = at(1, blob);
                blob[at] = bytes(2)[0];
            }
            "fill" => {
                let (from, to) = (at(1, blob), at(2, blob));
                blob[from..to].fill(bytes(3)[0]);
            }
            "cut" => blob.truncate(blob.len() - at(1, blob)),
            "keep" => blob.truncate(at(1, blob)),
            "drop" => drop(blob.drain(at(1, blob)..at(2, blob))),
            "append" => blob.extend(bytes(1)),
            "prepend" => *blob = [bytes(1), blob.clone()].concat(),
            "splice" => {
                blob.truncate(self.rsa);
                blob.extend(&self.blobs[1][self.rsa..]);
            }
            other => panic!("{other}"),
        }
    }
}

/// What a command line exports to the file `name`, without the form around it.
fn blob(place: &Place, name: &str, line: &str) -> Vec<u8> {
    place.good(&format!("{line} --force"));
    BlobFile::parse(&fs::read(place.path(name)).unwrap()).unwrap().blob
}

fn encoded(blob: &[u8], encoding: &str) -> Vec<u8> {
    let generator = "test".to_owned();
    let package = || {
        Package { kid: Kid::parse(KID).unwrap(), ciphertext: blob.to_vec(), generator }.to_bytes()
    };
    match encoding {
        "package" => package(),
        "request" => {
            let target = Target::Ec { curve: Curve::P256 };
            request::body(target, &request::ops(target, &[]).unwrap(), &package()).unwrap()
        }
        "base64" => Base64::encode_string(blob).into_bytes(),
        // it is told from base64 by its alphabet alone
        "base64url" => {
            let text = Base64UrlUnpadded::encode_string(blob);
            assert!(text.contains(['-', '_']), "another blob, please");
            text.into_bytes()
        }
        _ => blob.to_vec(),
    }
}

fn harm_file(file: &mut Vec<u8>, what: &str, blob: &[u8]) {
    let (name, rest) = what.split_once(' ').unwrap_or((what, ""));
    match name {
        "as" => *file = encoded(blob, rest),
        "crlf" => {
            let each = |byte: &u8| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] };
            *file = file.iter().flat_map(each).collect();
        }
        "empty" => file.clear(),
        "unpad" => {
            let before = file.len();
            *file = text(file).trim_end_matches('=').as_bytes().to_vec();
            assert!(file.len() < before, "it has no padding");
        }
        "wrap" => *file = file.chunks(64).collect::<Vec<_>>().join(&b'\n'),
        "put" => {
            let (at, word) = rest.split_once(' ').unwrap();
            file.insert(at.parse().unwrap(), word.as_bytes()[0]);
        }
        "cut" => file.truncate(file.len() - rest.parse::<usize>().unwrap()),
        // in text, a byte that is none
        "bit" => file[rest.parse::<usize>().unwrap()] ^= 0x80,
        "add" => file.extend(rest.as_bytes()),
        other => panic!("{other}"),
    }
}

impl Damage {
    /// Does it, and compares what is said of it.
    fn check(&self, made: &Made<'_>) {
        let mut blob = made.blob_for(self);
        self.blob.iter().for_each(|what| made.harm_blob(&mut blob, what));
        let mut file = encoded(&blob, &made.form.encoding);
        self.file.iter().for_each(|what| harm_file(&mut file, what, &blob));
        fs::write(made.place.path("bad"), file).unwrap();
        let line = format!("verify {{dir}}/bad {} {}", made.form.how, made.filled(&self.run));
        let output = made.place.run(&line);
        let (shown, error) = (text(&output.stdout), text(&output.stderr));
        let harm = [&self.blob[..], &self.file[..]].concat().join(", ");
        let what = format!("{}, {harm}: {line}: {shown}{error}", made.form.name);
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(shown.ends_with("\nResult: FAILURE\n"), "{what}");
        let failed = format!("FAILED  {} ", self.check);
        let row = shown.lines().find(|row| row.starts_with(&failed));
        let row = row.unwrap_or_else(|| panic!("no {} failed: {what}", self.check));
        for said in &self.says {
            let said = made.filled(said).replace("{len}", &blob.len().to_string());
            assert!(row.contains(&said), "no \"{said}\" in {what}");
        }
        assert!(error.starts_with("keyferry: ") && error.trim_end().lines().count() == 1, "{what}");
    }
}

#[test]
fn every_form_is_refused_for_every_damage() {
    let place = with_receiver();
    place.good("key generate --type rsa-2048 --label rsa --extractable");
    let damages: Damages = toml::from_str(include_str!("damages.toml")).unwrap();
    for form in &damages.form {
        let made = Made::new(&place, form);
        let good =
            place.good(&format!("verify {{dir}}/good {} {}", form.how, made.filled("{private}")));
        assert!(good.ends_with("\nResult: SUCCESS\n"), "{}: {good}", form.name);
        let here = |damage: &&Damage| damage.forms.is_empty() || damage.forms.contains(&form.name);
        damages.damage.iter().filter(here).for_each(|damage| damage.check(&made));
    }
    for damage in &damages.damage {
        let is_form = |name: &String| damages.form.iter().any(|form| form.name == *name);
        assert!(damage.forms.iter().all(is_form), "{:?}", damage.forms);
    }
}
