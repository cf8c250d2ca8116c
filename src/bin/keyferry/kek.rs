//! `keyferry kek`: key exchange keys, the public keys that clouds hand out.
//!
//! Also what `export` needs of one, whether it is in a file or in the token.
use crate::file;
use crate::options::Options;
use crate::output::{Answer, During, Fault, Report, facts, fault, table};
use clap::{Args, Subcommand};
use keyferry::byok::azure::Kid;
use keyferry::byok::kek::Kek;
use keyferry::ck::*;
use keyferry::client::{Access, Error, Session, Template};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum KekCommand {
    /// Put a KEK's public key into the token, to wrap with
    #[command(after_help = "Example:
  keyferry kek import KEK.pem --label azure-kek \\
    --kid https://V.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef")]
    Import(Import),
    /// List the public keys in the token that may wrap
    #[command(after_help = "Example:\n  keyferry kek list --token offline")]
    List,
}

#[derive(Debug, Args)]
pub struct Import {
    /// PEM or DER: a public key or a certificate
    file: PathBuf,
    /// The KEK's label
    #[arg(long)]
    label: String,
    /// The key identifier URL that the cloud gave it, with version
    #[arg(long, value_name = "URL")]
    kid: Option<String>,
}

impl KekCommand {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            KekCommand::Import(import) => import.run(options),
            KekCommand::List => list(options),
        }
    }
}

impl Import {
    fn run(&self, options: &Options) -> Answer {
        let kek = read(&self.file)?;
        let kid = self.kid.as_deref().map(Kid::parse).transpose()?;
        let fits = match kid {
            Some(_) => kek.fits_azure(),
            None => kek.fits(),
        };
        fits.during(&self.file.display().to_string())?;
        let (token, session) = options.log_in(Access::ReadWrite)?;
        if !labelled(&session, &self.label)?.is_empty() {
            return Err(fault!(
                "the token \"{}\" has a public key \"{}\" already; choose another label",
                token.label,
                self.label
            ));
        }
        let template = template(&kek, &self.label).flag(CKA_TOKEN, true);
        let kept = create(&session, &template, kid.as_ref())
            .during(&format!("the KEK \"{}\" was not imported", self.label))?;
        self.report(&token.label, &kek, kid.as_ref(), kept)
    }

    fn report(&self, token: &str, kek: &Kek, kid: Option<&Kid>, kept: Kept) -> Answer {
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
        let json = json!({
            "label": self.label, "bits": kek.bits(), "sha256": fingerprint,
            "kid": kid.map(Kid::as_str), "kid_kept": kid.is_some() && kept == Kept::Yes,
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

/// Then gives it the vendor attribute for the kid, if the module knows that. Not in one step:
/// some modules leave half an object behind when they refuse an attribute.
fn create(session: &Session, template: &Template, kid: Option<&Kid>) -> Result<Kept, Error> {
    let object = session.create(template)?;
    let Some(kid) = kid else { return Ok(Kept::No) };
    let value = Template::default().bytes(CKA_KEYFERRY_KID, kid.as_str().as_bytes());
    let kept = session.set(object, &value).and_then(|()| session.text(object, CKA_KEYFERRY_KID));
    Ok(if kept.is_ok_and(|kept| kept == kid.as_str()) { Kept::Yes } else { Kept::No })
}

/// Reads a KEK's file.
pub fn read(path: &Path) -> Result<Kek, Fault> {
    Kek::parse(&file::read(path, "KEK file")?).during(&path.display().to_string())
}

/// A public key object that can only wrap.
pub fn template(kek: &Kek, label: &str) -> Template {
    Template::class(CKO_PUBLIC_KEY)
        .ulong(CKA_KEY_TYPE, CKK_RSA)
        .bytes(CKA_LABEL, label.as_bytes())
        .bytes(CKA_MODULUS, kek.modulus())
        .bytes(CKA_PUBLIC_EXPONENT, kek.exponent())
        .flags(&[CKA_WRAP])
        .flag(CKA_ENCRYPT, false)
        .flag(CKA_VERIFY, false)
}

/// A KEK in the token.
#[derive(Debug)]
pub struct Stored {
    /// The object.
    pub object: CK_OBJECT_HANDLE,
    /// Its numbers.
    pub kek: Kek,
    /// Its key identifier: the vendor attribute, or a label that is one.
    pub kid: Option<Kid>,
    /// `CKA_WRAP`
    pub may_wrap: bool,
    /// `CKA_TRUSTED`
    pub trusted: bool,
}

fn labelled(session: &Session, label: &str) -> Result<Vec<CK_OBJECT_HANDLE>, Fault> {
    Ok(session.find(&Template::class(CKO_PUBLIC_KEY).bytes(CKA_LABEL, label.as_bytes()))?)
}

/// The one KEK of a label.
pub fn find(session: &Session, label: &str) -> Result<Stored, Fault> {
    match labelled(session, label)?.as_slice() {
        [] => Err(fault!(
            "there is neither a file nor a public key in the token named \"{label}\"; give the KEK's PEM file, \
             or a label that `keyferry kek list` shows"
        )),
        [object] => stored(session, *object),
        several => Err(fault!(
            "the token has {} public keys \"{label}\"; give the KEK's PEM file instead",
            several.len()
        )),
    }
}

fn stored(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Stored, Fault> {
    let label = session.text(object, CKA_LABEL)?;
    if session.number(object, CKA_KEY_TYPE)? != Some(CKK_RSA) {
        return Err(fault!(
            "the public key \"{label}\" is not an RSA key; Azure's KEKs are RSA 2048, 3072 or 4096"
        ));
    }
    let number = |cka| session.attribute(object, cka).map(Option::unwrap_or_default);
    let kek = Kek::new(&number(CKA_MODULUS)?, &number(CKA_PUBLIC_EXPONENT)?);
    let kid = session.text(object, CKA_KEYFERRY_KID).unwrap_or_default();
    Ok(Stored {
        object,
        kek: kek.during(&format!("public key \"{label}\""))?,
        kid: Kid::parse(&kid).or_else(|_| Kid::parse(&label)).ok(),
        may_wrap: session.flag(object, CKA_WRAP)?.unwrap_or(false),
        trusted: session.flag(object, CKA_TRUSTED)?.unwrap_or(false),
    })
}

fn list(options: &Options) -> Answer {
    let (_, session) = options.log_in(Access::ReadOnly)?;
    let wanted = Template::class(CKO_PUBLIC_KEY).ulong(CKA_KEY_TYPE, CKK_RSA).flag(CKA_WRAP, true);
    let mut rows = Vec::new();
    let mut objects = Vec::new();
    for object in session.find(&wanted)? {
        let label = session.text(object, CKA_LABEL)?;
        let stored = match stored(&session, object) {
            Ok(stored) => stored,
            Err(fault) => {
                // one bad object does not hide the others
                objects.push(json!({ "label": label, "error": fault.0 }));
                rows.push(vec![label, "?".to_owned(), "not a proper RSA key".to_owned()]);
                continue;
            }
        };
        let fingerprint = stored.kek.fingerprint()?;
        let kid = stored.kid.as_ref().map(Kid::as_str);
        objects.push(json!({
            "label": label, "bits": stored.kek.bits(), "sha256": fingerprint, "kid": kid, "trusted": stored.trusted,
        }));
        rows.push(vec![
            label,
            stored.kek.bits().to_string(),
            fingerprint,
            kid.unwrap_or("-").to_owned(),
        ]);
    }
    let text = if rows.is_empty() {
        "The token holds no public key that may wrap.\n".to_owned()
    } else {
        table(&["LABEL", "BITS", "SHA-256", "KID"], &rows)
    };
    Ok(Report::new(text, Value::Array(objects)))
}
