//! `keyferry receive`: the other side of a transfer. A wrapped key becomes a key in the token, under a KEK
//! whose private half is there.
use crate::carrier;
use crate::file;
use crate::key::{Id, unhex};
use crate::kind::{Kind, hex};
use crate::objects::{self, Flag};
use crate::options::Options;
use crate::output::{Answer, During, Fault, Report, facts, fault};
use crate::usage::Usage;
use crate::whom::{Party, Whom};
use crate::wish::{Leaving, Wish};
use clap::Args;
use keyferry::byok::cloud::{Form, hash_name};
use keyferry::byok::file::BlobFile;
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{Access, Profile, Session, Way};
use keyferry::object::attribute;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry receive KeyTransferPackage-signing.byok --kek my-kek --label signing
  keyferry receive data.aws.bin --kek my-kek --label data --for aws --type aes-256
  keyferry receive signing.bin --kek my-kek --label signing --hash sha256 --type rsa-3072

Such a KEK is made with
  keyferry kek generate --label my-kek -o KEK.pem
for secret keys that came without an AES key between (data.aws.bin above) with --oaep, for keys that encrypt or decrypt
with --receive-usage, for keys that may leave again with --receive-extractable.")]
pub struct Receive {
    /// The file: a key transfer package, an import request, a key release, base64, or raw
    file: PathBuf,
    /// The label of the KEK's private key in the token
    #[arg(long, value_name = "LABEL")]
    kek: String,
    /// The label of the new key
    #[arg(long)]
    label: String,
    #[command(flatten)]
    whom: Whom,
    /// The type of the key, as for `key generate`; not needed if its length tells
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// The key's identifier in hexadecimal; random if not given
    #[arg(long, value_name = "HEX", value_parser = unhex)]
    id: Option<Id>,
    /// Let it leave the token, wrapped; without this it cannot from now on
    #[arg(long)]
    extractable: bool,
    /// What it may be used for
    #[arg(long, value_delimiter = ',')]
    usage: Vec<Usage>,
}

impl Receive {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let bytes = file::read(&self.file, "file")?;
        let name = self.file.display().to_string();
        let file = BlobFile::parse(&bytes).during(&name)?;
        let party = self.whom.party(file.format);
        let hash = self.whom.one_hash(party, &file).during(&name)?;
        let (token, session) = options.log_in(Access::ReadWrite)?;
        let (object, kek) = objects::opener(&session, &self.kek)?;
        // two processes would both find the label free
        let _alone = options.lock_store();
        objects::check_free(&session, &token.label, &self.label)?;
        let (kind, form) = self.kind(party, &file, kek.size())?;
        let way = Way::into(session.module(), session.slot(), form).ok_or_else(|| {
            fault!(
                "the token can unwrap neither with CKM_RSA_AES_KEY_WRAP nor in the two steps of the specification; \
                 receive the key in one that can, such as keyferry's own"
            )
        })?;
        let id = match &self.id {
            Some(id) => id.0.clone(),
            None => session.random(8)?,
        };
        let usages = if self.usage.is_empty() { kind.usages() } else { &self.usage };
        let leaving = if self.extractable { Leaving::May } else { Leaving::MayNot };
        let wish = Wish {
            kind: &kind,
            label: &self.label,
            id: &id,
            on_token: true,
            leaving,
            usages,
            mechanisms: &[],
            lets_in: &[],
            trusted: false,
        };
        let profile = self.whom.profile(form, hash);
        let key =
            self.unwrap(&session, (way, &profile), (object, kek.size()), &file.blob, &wish)?;
        if let Err(fault) = self.is(&session, key, &wish) {
            return Err(objects::undone(&session, &[key], &self.label, fault));
        }
        Ok(self.report(&token.label, (&id, &kind), kek.bits(), way, &profile))
    }

    /// Unwraps the key, if the `CKA_UNWRAP_TEMPLATE` of the KEK lets it in.
    fn unwrap(
        &self,
        session: &Session,
        (way, profile): (Way, &Profile),
        kek: (CK_OBJECT_HANDLE, usize),
        blob: &[u8],
        wish: &Wish<'_>,
    ) -> Result<CK_OBJECT_HANDLE, Fault> {
        let rule = carrier::lets_in(session, kek.0)?;
        self.check_let_in(rule.as_deref().unwrap_or_default(), &wish.asked())?;
        let key = session.receive(way, profile, kek, blob, &wish.unwrapped());
        key.map_err(|error| match rule.is_some() && error.is(CKR_TEMPLATE_INCONSISTENT) {
            true => self.kept_out(&error),
            false => self.explained(&error, wish.kind, profile),
        })
    }

    fn report(
        &self,
        token: &str,
        (id, kind): (&[u8], &Kind),
        kek_bits: usize,
        way: Way,
        profile: &Profile,
    ) -> Report {
        let hash = hash_name(profile.oaep.hash);
        let with = format!("{} {}, OAEP with {hash}", way.name(), way.steps());
        let key = format!("\"{}\", {}, in the token \"{token}\"", self.label, kind.name());
        let leaving = if self.extractable { "it may leave again, wrapped" } else { "it stays" };
        let rows = [
            ("Received", key),
            ("KEK", format!("\"{}\", RSA-{kek_bits}", self.kek)),
            ("Unwrapped with", with),
            ("Leaving", leaving.to_owned()),
        ];
        let json = json!({
            "label": self.label, "id": hex(id), "type": kind.name(), "token": token, "kek": self.kek,
            "kek_bits": kek_bits, "mechanisms": way.name(), "steps": way.steps(), "hash": hash,
            "extractable": self.extractable,
        });
        Report::new(facts(&rows), json)
    }

    /// What type of key it is, and how it was wrapped: as was said, or as the length tells.
    fn kind(&self, party: Party, file: &BlobFile, kek_size: usize) -> Result<(Kind, Form), Fault> {
        let fits = party.fits(kek_size, file.blob.len());
        let said = file.request.as_ref().and_then(|request| request.curve());
        let said = self.kind.clone().or(said.map(Kind::Ec));
        let Some(kind) = said else { return self.told(&fits, file) };
        let form = |wanted: Target| match party {
            Party::Cloud(cloud) => cloud.taken(wanted).map(|taken| taken.form),
            Party::Custom if file.blob.len() == kek_size => Some(Form::Oaep),
            Party::Custom => Some(Form::RsaAes),
        };
        match kind.target().and_then(form) {
            Some(form) => Ok((kind, form)),
            None => Err(fault!(
                "{} does not take {} keys, so the file holds none; leave --type or --for out, or give the right one",
                party.name(),
                kind.name()
            )),
        }
    }

    fn told(&self, fits: &[(Target, Form)], file: &BlobFile) -> Result<(Kind, Form), Fault> {
        // secrets can have nearly any length; what is one does not pass for a private key
        let is_private = |target: Target| matches!(target, Target::Rsa { .. } | Target::Ec { .. });
        let private: Vec<(Target, Form)> =
            fits.iter().copied().filter(|(target, _)| is_private(*target)).collect();
        match if private.is_empty() { fits } else { &private } {
            [(target, form)] => Ok((Kind::of_target(*target), *form)),
            [] => Err(fault!(
                "{}: no key gives {} bytes under the KEK \"{}\"; the file is cut off, or for another KEK: export the key again",
                self.file.display(),
                file.blob.len(),
                self.kek
            )),
            several => {
                let names: Vec<String> =
                    several.iter().map(|(target, _)| target.name()).take(4).collect();
                Err(fault!(
                    "{}: its length does not tell which type of key it is ({}, …); say so with --type",
                    self.file.display(),
                    names.join(", ")
                ))
            }
        }
    }

    /// Whether the key is what was asked for.
    fn is(&self, session: &Session, key: CK_OBJECT_HANDLE, wish: &Wish<'_>) -> Result<(), Fault> {
        is(session, key, wish.kind)?;
        match objects::differs(session, key, &wish.asked())? {
            None => Ok(()),
            Some(name) => Err(fault!(
                "the module made the key \"{}\" otherwise than it was asked to ({name}), so it was not kept; receive \
                 it in another token, such as keyferry's own",
                self.label
            )),
        }
    }

    /// Refuses a key that the KEK's `CKA_UNWRAP_TEMPLATE` contradicts.
    fn check_let_in(&self, rule: &[Flag], asked: &[Flag]) -> Result<(), Fault> {
        let Some((cka, is)) = rule.iter().find(|(cka, is)| asked.contains(&(*cka, !is))) else {
            return Ok(());
        };
        let kek = &self.kek;
        if (*cka, *is) == (CKA_EXTRACTABLE, false) {
            return Err(fault!(
                "keys that the KEK \"{kek}\" lets in stay in the token (CKA_UNWRAP_TEMPLATE); leave --extractable out, or \
                 receive under a KEK that `keyferry kek generate --receive-extractable` made"
            ));
        }
        Err(fault!(
            "keys that the KEK \"{kek}\" lets in have {} {} (CKA_UNWRAP_TEMPLATE), and this one would not; give another \
             --usage, or receive under another KEK: `keyferry kek generate` makes one",
            attribute::name(*cka),
            if *is { "TRUE" } else { "FALSE" }
        ))
    }

    /// Says why a KEK with a `CKA_UNWRAP_TEMPLATE` did not let a key in.
    fn kept_out(&self, error: &keyferry::client::Error) -> Fault {
        fault!(
            "{} was not received: the KEK \"{}\" does not let in such a key (CKA_UNWRAP_TEMPLATE): {}; leave encrypt and \
             decrypt out of --usage, or receive under a KEK that `keyferry kek generate --receive-usage` made for them",
            self.file.display(),
            self.kek,
            error.what()
        )
    }

    fn explained(&self, error: &keyferry::client::Error, kind: &Kind, profile: &Profile) -> Fault {
        fault!(
            "{} was not received as {} with OAEP and {}: {}; it is damaged, for another KEK than \"{}\", or was \
             wrapped otherwise: `keyferry verify` tells more",
            self.file.display(),
            kind.name(),
            hash_name(profile.oaep.hash),
            error.what(),
            self.kek
        )
    }
}

/// Whether the key is of the type that was expected, as far as the module shows it.
fn is(session: &Session, key: CK_OBJECT_HANDLE, wanted: &Kind) -> Result<(), Fault> {
    match crate::kind::of(session, key)? {
        found if found == *wanted => Ok(()),
        // a private key need not show its curve, and some modules do not say how long an unwrapped key is
        Kind::Other(_) if matches!(wanted, Kind::Ec(_)) => Ok(()),
        Kind::Aes(0) | Kind::Secret(0) if !wanted.is_pair() => Ok(()),
        found => Err(fault!(
            "what was wrapped is {}, not {}, so it was not kept; give the right --type",
            found.name(),
            wanted.name()
        )),
    }
}
