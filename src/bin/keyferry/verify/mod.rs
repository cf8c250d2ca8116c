//! `keyferry verify`: everything that can be checked of a wrapped key before a cloud sees it; with the KEK's
//! private half, the key itself.
mod asked;
mod checks;
mod form;
mod opening;

use crate::kek::{self, Origin};
use crate::kind::Kind;
use crate::opener::Opener;
use crate::options::Options;
use crate::output::{Answer, During, Fault, fault};
use crate::whom::{Party, Whom};
use crate::{file, objects};
use checks::{Checks, OPENS};
use clap::Args;
use keyferry::byok::azure::Kid;
use keyferry::byok::cloud::Form;
use keyferry::byok::file::{BlobFile, Format};
use keyferry::byok::kek::Kek;
use keyferry::byok::public::PublicKey;
use keyferry::byok::target::Target;
use keyferry::ck::{CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
use keyferry::client::{Access, Session};
use opening::Asked;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry verify KeyTransferPackage-signing.byok --kek KEK.pem
  keyferry verify signing.aws.bin --kek WrappingPublicKey.bin --for aws
  keyferry verify KeyTransferPackage-signing.byok --private KEK-private.pem --public signing.pem

Without the KEK's private half nobody can see whether a blob was damaged on the way, and the result says
\"not opened\"; with it (--private or --receive, for KEKs of your own) the key is taken out and compared.")]
pub struct Verify {
    /// The file: a key transfer package, an import request, a key release, base64, or raw
    file: PathBuf,
    /// The KEK: its file (PEM, DER, certificate, JWK), or the label of a public key in the token
    #[arg(long, value_name = "FILE|LABEL", required_unless_present_any = ["private", "receive"])]
    kek: Option<String>,
    #[command(flatten)]
    whom: Whom,
    /// The key identifier that the package must name
    #[arg(long, value_name = "URL")]
    kid: Option<String>,
    /// The type of key that it must be, as for `key generate`
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// The KEK's private half, to open it: PEM, not encrypted
    #[arg(long, value_name = "FILE", conflicts_with = "receive")]
    private: Option<PathBuf>,
    /// The label of the KEK's private key in the token, to open it there
    #[arg(long, value_name = "LABEL")]
    receive: Option<String>,
    /// The public half that the key must have: PEM or DER, or the label of a key in the token
    #[arg(long, value_name = "FILE|LABEL")]
    public: Option<String>,
}

const NOT_OPENED: &str = "not checked: whether the blob is undamaged can be seen only with the KEK's private half \
                          (--private or --receive)";

/// With what the blob can be opened.
enum Private {
    Software(Opener),
    Token(CK_OBJECT_HANDLE),
}

/// What is known beforehand.
struct Known {
    kek: Kek,
    kid: Option<Kid>,
    private: Option<Private>,
    public: Option<PublicKey>,
    session: Option<Session>,
}

impl Verify {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let bytes = file::read(&self.file, "file")?;
        let party = self.whom.party(Format::of(&bytes));
        let known = self.known(options, party)?;
        let mut checks = Checks::default();
        let mut own = vec![("kek_sha256", json!(known.kek.fingerprint()?))];
        self.whom.check(party)?;
        if let Some(file) = form::check(&mut checks, party, &bytes) {
            own.push(("for", json!(party.command())));
            let (whom, kind, blob) = (&self.whom, self.kind.as_ref(), &file.blob);
            let hashes = asked::hashes(&mut checks, whom, party, &file);
            self.check_kek(&mut checks, party, &file, &known);
            let fits = self.check_blob(&mut checks, party, &file, &known.kek);
            if checks.are_good() {
                let asked = Asked { whom, party, kind, blob, hashes: &hashes, fits: &fits };
                open(&mut checks, &asked, &known)?;
            }
        }
        checks.report(&self.file, &own)
    }

    /// Everything that was named, found before anything is checked.
    fn known(&self, options: &Options, party: Party) -> Result<Known, Fault> {
        let is_label =
            |name: &Option<String>| name.as_deref().is_some_and(|n| !Path::new(n).exists());
        let session = if is_label(&self.kek) || is_label(&self.public) || self.receive.is_some() {
            Some(options.log_in(Access::ReadOnly)?.1)
        } else {
            None
        };
        let given = self.kid.as_deref().map(Kid::parse).transpose()?;
        let token = session.as_ref();
        let kek = self.kek.as_deref().map(|name| named_kek(name, token, given.clone(), party));
        let mut named = kek.transpose()?;
        let private = match (&self.private, &self.receive) {
            (Some(path), _) => {
                let opener = Opener::read(path)?;
                named = Some(same(named, opener.kek(), &path.display().to_string())?);
                Some(Private::Software(opener))
            }
            (None, Some(label)) => {
                let (object, kek) = objects::opener(present(token)?, label)?;
                named = Some(same(named, &kek, label)?);
                Some(Private::Token(object))
            }
            (None, None) => None,
        };
        let public = self.public.as_deref().map(|name| named_public(name, token)).transpose()?;
        if public.is_some() && private.is_none() {
            return Err(fault!(
                "the key can be compared with --public only if it can be taken out; give the KEK's private half with \
                 --private or --receive"
            ));
        }
        let (kek, kept) = named.ok_or_else(|| fault!("give the KEK with --kek"))?;
        Ok(Known { kek, kid: kept.or(given), private, public, session })
    }

    /// Whether the KEK is one of the cloud's, and the one that the package names.
    fn check_kek(&self, checks: &mut Checks, party: Party, file: &BlobFile, known: &Known) {
        let kek = &known.kek;
        let fits = match party {
            Party::Cloud(cloud) => cloud.fits(kek),
            Party::Custom => kek.fits(),
        };
        let fits = fits.and_then(|()| kek.fingerprint());
        let says = |fingerprint: &String| match party {
            Party::Cloud(cloud) => {
                format!("RSA-{}, as {} makes them, SHA-256 {fingerprint}", kek.bits(), cloud.name)
            }
            Party::Custom => format!("RSA-{}, SHA-256 {fingerprint}", kek.bits()),
        };
        checks.result("KEK", fits, says);
        asked::kid(checks, file, known.kid.as_ref(), self.kid.is_some());
    }

    /// Whether the blob can be a key under this KEK: its length, and its RSA part.
    fn check_blob(
        &self,
        checks: &mut Checks,
        party: Party,
        file: &BlobFile,
        kek: &Kek,
    ) -> Vec<(Target, Form)> {
        let (blob, size) = (&file.blob, kek.size());
        let fits = asked::fits(checks, party, file, size, self.kind.as_ref());
        if fits.is_empty() {
            checks.failed("length", self.no_length(party, file, kek));
        } else {
            let mut names: Vec<String> = fits.iter().map(|(target, _)| target.name()).collect();
            names.dedup();
            let shown = names.len().min(4);
            let more = if names.len() > shown { " or another" } else { "" };
            let names = names.get(..shown).unwrap_or_default().join(" or ");
            checks.ok(
                "length",
                format!("{} bytes under RSA-{}: {names}{more}", blob.len(), kek.bits()),
            );
        }
        // RSAES-OAEP gives a number below the modulus, RFC 8017 section 7.1.2
        match blob.get(..size) {
            Some(part) if part < kek.modulus() => {
                checks.ok("RSA part", format!("{size} bytes, below the KEK's modulus"));
            }
            Some(_) => checks.failed(
                "RSA part",
                "the package was not made with this KEK: its RSA part is not below the modulus; export the key again",
            ),
            None => checks.failed("RSA part", "the file is shorter than the KEK; it is cut off, or for another KEK: export the key again"),
        }
        fits
    }

    fn no_length(&self, party: Party, file: &BlobFile, kek: &Kek) -> String {
        let len = file.blob.len();
        let asked = self.kind.as_ref().and_then(Kind::target).map(Target::name);
        let said = file.request.as_ref().map(|request| request.name().to_owned());
        let what = asked.or(said).map_or_else(|| "no key".to_owned(), |name| format!("no {name}"));
        format!(
            "{what} that {} takes gives {len} bytes under a KEK of {} bits; the file is cut off, or for another KEK: \
             export the key again",
            party.name(),
            kek.bits()
        )
    }
}

fn open(checks: &mut Checks, asked: &Asked<'_>, known: &Known) -> Result<(), Fault> {
    let public = known.public.as_ref();
    match (&known.private, &known.session) {
        (Some(Private::Software(opener)), _) => {
            opening::in_software(checks, asked, opener, public);
            Ok(())
        }
        (Some(Private::Token(object)), Some(session)) => {
            opening::in_token(checks, asked, session, (*object, known.kek.size()), public)
        }
        _ => {
            checks.not_checked(OPENS, NOT_OPENED);
            Ok(())
        }
    }
}

/// A KEK in a file or in the token, and its key identifier, if it is given or kept with it.
fn named_kek(
    name: &str,
    token: Option<&Session>,
    given: Option<Kid>,
    party: Party,
) -> Result<(Kek, Option<Kid>), Fault> {
    let kid = |origin| kek::one_kid(name, given, origin, party.cloud());
    if is_file(name, token, &kek::KEKS)? {
        let file = kek::read(Path::new(name))?;
        let kid = kid(Origin::File(&file))?;
        return Ok((file.kek, kid));
    }
    let stored = kek::find(present(token)?, name)?;
    let kid = kid(Origin::Token(&stored))?;
    Ok((stored.kek, kid))
}

/// Whether a name is that of a file, and of no key of these classes in the token, if there is one.
fn is_file(
    name: &str,
    token: Option<&Session>,
    classes: &[CK_OBJECT_CLASS],
) -> Result<bool, Fault> {
    match token {
        _ if !Path::new(name).exists() => Ok(false),
        Some(session) => objects::not_both(session, classes, name).map(|()| true),
        None => Ok(true),
    }
}

fn named_public(name: &str, token: Option<&Session>) -> Result<PublicKey, Fault> {
    if is_file(name, token, &[CKO_PUBLIC_KEY, CKO_PRIVATE_KEY])? {
        let bytes = file::read(Path::new(name), "public key")?;
        return PublicKey::parse(&bytes).during(name);
    }
    objects::public(present(token)?, name)
}

fn present(token: Option<&Session>) -> Result<&Session, Fault> {
    token.ok_or_else(|| fault!("there is no token to look into; name one with --token"))
}

/// The KEK that was named is the one whose private half is there.
fn same(
    named: Option<(Kek, Option<Kid>)>,
    own: &Kek,
    place: &str,
) -> Result<(Kek, Option<Kid>), Fault> {
    match named {
        Some((kek, _)) if kek != *own => Err(fault!(
            "the private key \"{place}\" is not that of the KEK given with --kek; leave --kek out, or give the other one"
        )),
        Some(named) => Ok(named),
        None => Ok((own.clone(), None)),
    }
}
