//! `keyferry kek`: key exchange keys: the public keys that clouds hand out, and the token's own.
//!
//! Also what `export` needs of one, whether it is in a file or in the token.
use crate::file;
use crate::kind::hex;
use crate::objects::labelled;
use crate::options::Options;
use crate::output::{Answer, During, Fault, Report, clean, facts, fault};
use clap::{Args, Subcommand};
use keyferry::byok::azure::Kid;
use keyferry::byok::cloud::{AZURE, Cloud};
use keyferry::byok::kek::{Kek, KekFile};
use keyferry::ck::*;
use keyferry::client::{Access, Error, Session, Template, User};
use serde_json::json;
use std::path::{Path, PathBuf};

mod generate;
mod list;

#[derive(Debug, Subcommand)]
pub enum KekCommand {
    /// Put a KEK's public key into the token, to wrap with
    #[command(after_help = "Examples:
  keyferry kek import KEK.pem --label azure-kek \\
    --kid https://V.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef
  keyferry kek import KEK.json --label azure-kek --trust")]
    Import(Import),
    /// Make a KEK in the token that carries keys and does nothing else
    Generate(generate::Generate),
    /// List the keys in the token that may wrap or unwrap, and what is wrong with them
    #[command(after_help = "Example:\n  keyferry kek list --token offline")]
    List,
}

#[derive(Debug, Args)]
pub struct Import {
    /// PEM or DER of a public key or a certificate, or JSON with one: a JWK, as `az keyvault key show` prints
    file: PathBuf,
    /// The KEK's label
    #[arg(long)]
    label: String,
    /// The key identifier URL that the cloud gave it, with version; not needed if the file says it
    #[arg(long, value_name = "URL")]
    kid: Option<String>,
    /// The KEK's fingerprint as compared with somebody you trust: SHA-256 of its DER, in hexadecimal
    #[arg(long, value_name = "HEX")]
    kek_sha256: Option<String>,
    /// Mark it as trusted (CKA_TRUSTED), for keys that leave under such KEKs only; needs the SO PIN
    #[arg(long)]
    trust: bool,
}

impl KekCommand {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            KekCommand::Import(import) => import.run(options),
            KekCommand::Generate(generate) => generate.run(options),
            KekCommand::List => list::run(options),
        }
    }
}

impl Import {
    fn run(&self, options: &Options) -> Answer {
        let file = read(&self.file)?;
        let name = self.file.display().to_string();
        let given = self.kid.as_deref().map(Kid::parse).transpose()?;
        let (kek, kid) = (&file.kek, one_kid(&name, given, Origin::File(&file), None)?);
        let fits = if kid.is_some() { AZURE.fits(kek) } else { kek.fits() };
        fits.during(&name)?;
        expect(kek, &name, self.kek_sha256.as_deref())?;
        // the SO alone may say that a KEK is trusted, and writes it then: the user needs not log in
        let user = if self.trust { User::So } else { User::User };
        let (token, session) = options.log_in_as(user, Access::ReadWrite)?;
        // two processes would both find the label free
        let _alone = options.lock_store();
        if !labelled(&session, &KEKS, &self.label)?.is_empty() {
            return Err(fault!(
                "the token \"{}\" has a public key \"{}\" already; choose another label",
                token.label,
                self.label
            ));
        }
        let mut template = template(kek, &self.label).flag(CKA_TOKEN, true);
        if self.trust {
            template = template.flag(CKA_TRUSTED, true);
        }
        let kept = create(&session, &template, kid.as_ref())
            .during(&format!("the KEK \"{}\" was not imported", self.label))?;
        self.report(&token.label, &file, kid.as_ref(), kept)
    }

    fn report(&self, token: &str, file: &KekFile, kid: Option<&Kid>, kept: Kept) -> Answer {
        let kek = &file.kek;
        let fingerprint = kek.fingerprint()?;
        let name = format!("\"{}\", RSA-{}, in the token \"{token}\"", self.label, kek.bits());
        let mut rows = vec![("KEK", name), ("SHA-256", fingerprint.clone())];
        match (kid, kept) {
            (Some(kid), Kept::Yes) => rows.push(("kid", kid.as_str().to_owned())),
            (Some(_), Kept::No) => rows.push((
                "kid",
                "this module does not keep it; give --kid to `keyferry export azure`".to_owned(),
            )),
            (None, _) => {}
        }
        // only Azure's packages name their KEK; what another system calls it must not pass for that name
        let other = file.kid.as_deref().filter(|name| Kid::parse(name).is_err());
        if let Some(name) = other {
            let remedy = match kid {
                Some(_) => "the one given is",
                None => "if the KEK is Azure's, import it with --kid",
            };
            let why = "is not kept, since it is no key identifier of Azure's";
            rows.push(("kid in the file", format!("\"{name}\" {why}; {remedy}")));
        }
        if self.trust {
            rows.push(("Trusted", "yes".to_owned()));
        }
        let json = json!({
            "label": self.label, "bits": kek.bits(), "sha256": fingerprint, "trusted": self.trust,
            "kid": kid.map(Kid::as_str), "kid_kept": kid.is_some() && kept == Kept::Yes,
            "kid_in_file": file.kid,
        });
        Ok(Report::new(facts(&rows), json))
    }
}

/// Whether the module stores the key identifier with the KEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

/// Where the key identifier is kept: the vendor attribute, or, in modules that do not know that, an
/// identifier that is free text.
const KID_AT: [CK_ATTRIBUTE_TYPE; 2] = [CKA_KEYFERRY_KID, CKA_ID];

/// Then gives it the kid. Not in one step: some modules leave half an object behind when they refuse
/// an attribute.
fn create(session: &Session, template: &Template, kid: Option<&Kid>) -> Result<Kept, Error> {
    let object = session.create(template)?;
    let Some(kid) = kid else { return Ok(Kept::No) };
    let keeps = |cka: &CK_ATTRIBUTE_TYPE| {
        let value = Template::default().bytes(*cka, kid.as_str().as_bytes());
        let kept = session.set(object, &value).and_then(|()| session.text(object, *cka));
        kept.is_ok_and(|kept| kept == kid.as_str())
    };
    Ok(if KID_AT.iter().any(keeps) { Kept::Yes } else { Kept::No })
}

/// Where a KEK was found.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Origin<'a> {
    File(&'a KekFile),
    Token(&'a Stored),
}

/// The key identifier of the KEK `name`, given or kept with it; never one that contradicts the other. A KEK that has
/// one is Azure's, as is every KEK for that cloud, and its file must not say that it is for anything but import.
pub fn one_kid(
    name: &str,
    given: Option<Kid>,
    origin: Origin<'_>,
    cloud: Option<&Cloud>,
) -> Result<Option<Kid>, Fault> {
    let (kept, kept_in) = match origin {
        // other systems give JWKs names that are no URLs
        Origin::File(file) => (file.kid.as_deref().and_then(|kid| Kid::parse(kid).ok()), "file"),
        Origin::Token(stored) => (stored.kid.clone(), "token"),
    };
    let kid = match (given, kept) {
        (Some(given), Some(kept)) if given != kept => {
            return Err(fault!(
                "the KEK \"{name}\" has the key identifier {} in the {kept_in}, not the one given; leave --kid out, or \
                 give the file of the other KEK",
                kept.as_str()
            ));
        }
        (given, kept) => given.or(kept),
    };
    let is_azure = kid.is_some() || cloud.is_some_and(|cloud| cloud.command == AZURE.command);
    match origin {
        Origin::File(file) if is_azure => for_import(file, name)?,
        _ => {}
    }
    Ok(kid)
}

/// Whether the file lets its KEK be one of Azure's, which are for import alone.
fn for_import(file: &KekFile, name: &str) -> Result<(), Fault> {
    match &file.key_ops {
        Some(ops) if ops != &["import"] => Err(fault!(
            "the KEK \"{name}\" is for {} (key_ops), and Azure imports with a KEK for import alone; create one with \
             `az keyvault key create --kty RSA-HSM --size 4096 --ops import`",
            if ops.is_empty() { "nothing".to_owned() } else { clean(&ops.join(", ")) }
        )),
        _ => Ok(()),
    }
}

/// Reads a KEK's file.
pub fn read(path: &Path) -> Result<KekFile, Fault> {
    KekFile::parse(&file::read(path, "KEK file")?).during(&path.display().to_string())
}

/// The fingerprint of the KEK `name`, if it is the expected one. A replaced KEK is the one thing that
/// nobody would notice afterwards.
pub fn expect(kek: &Kek, name: &str, expected: Option<&str>) -> Result<String, Fault> {
    let fingerprint = kek.fingerprint()?;
    let digits = |text: &str| text.replace([':', ' '], "").to_ascii_lowercase();
    match expected.map(digits) {
        Some(expected) if expected != fingerprint => Err(fault!(
            "the KEK \"{name}\" has the SHA-256 fingerprint {fingerprint}, and not the one given, {expected}; \
             do not use it before you know why"
        )),
        _ => Ok(fingerprint),
    }
}

/// What KEKs are.
pub const KEKS: [CK_OBJECT_CLASS; 1] = [CKO_PUBLIC_KEY];

/// A public key object that can only wrap.
pub fn template(kek: &Kek, label: &str) -> Template {
    Template::class(CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_RSA)
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_MODULUS, kek.modulus())
        .bytes(CKA_PUBLIC_EXPONENT, kek.exponent())
        .flag(CKA_PRIVATE, false)
        .rights(CKO_PUBLIC_KEY, &[CKA_WRAP])
}

/// A KEK in the token.
#[derive(Debug)]
pub struct Stored {
    /// The object.
    pub object: CK_OBJECT_HANDLE,
    /// Its numbers.
    pub kek: Kek,
    /// Its key identifier: what [`KID_AT`] or the label says, if that is one.
    pub kid: Option<Kid>,
    /// `CKA_WRAP`
    pub may_wrap: bool,
    /// `CKA_TRUSTED`
    pub trusted: bool,
}

/// The one KEK of a label.
pub fn find(session: &Session, label: &str) -> Result<Stored, Fault> {
    match labelled(session, &KEKS, label)?.as_slice() {
        [] => Err(fault!(
            "there is neither a file nor a public key in the token named \"{label}\"; give the KEK's PEM file, \
             or a label that `keyferry kek list` shows"
        )),
        [object] => stored(session, *object, label),
        several => Err(fault!(
            "the token has {} public keys \"{label}\"; give the KEK's file instead",
            several.len()
        )),
    }
}

fn stored(session: &Session, object: CK_OBJECT_HANDLE, label: &str) -> Result<Stored, Fault> {
    if session.number(object, CKA_KEY_TYPE)? != Some(CKK_RSA) {
        return Err(fault!(
            "the public key \"{label}\" is not an RSA key; every cloud's KEK is one: choose a label that \
             `keyferry kek list` shows"
        ));
    }
    let number = |cka| session.attribute(object, cka).map(Option::unwrap_or_default);
    let kek = Kek::new(&number(CKA_MODULUS)?, &number(CKA_PUBLIC_EXPONENT)?);
    Ok(Stored {
        object,
        kek: kek.during(&format!("public key \"{label}\""))?,
        kid: kid(session, object, label),
        may_wrap: session.flag(object, CKA_WRAP)?.unwrap_or(false),
        trusted: session.flag(object, CKA_TRUSTED)?.unwrap_or(false),
    })
}

/// The key identifier that a public key has: what [`KID_AT`] or the label says, if that is one.
pub fn kid(session: &Session, object: CK_OBJECT_HANDLE, label: &str) -> Option<Kid> {
    let kids = KID_AT.map(|cka| session.text(object, cka).unwrap_or_default());
    kids.iter().map(String::as_str).chain([label]).find_map(|kid| Kid::parse(kid).ok())
}

/// `CKA_ID` as a cell of a table: some modules keep the kid there, which has a column of its own.
pub fn id_cell(id: &[u8], kid: Option<&Kid>) -> String {
    match id {
        [] => "-".to_owned(),
        id if kid.is_some_and(|kid| kid.as_str().as_bytes() == id) => "the kid".to_owned(),
        id => hex(id),
    }
}
