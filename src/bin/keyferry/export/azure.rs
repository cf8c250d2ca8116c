//! `keyferry export azure`: a key transfer package for Key Vault Premium or Managed HSM.
use super::ready::{Ready, Run, Written};
use super::recipe::{Recipe, Terms};
use super::target::taken;
use super::which::{self, Item, Place};
use super::{Common, kek::Fits};
use crate::file::{self, Pending};
use crate::kek::{self, Origin};
use crate::kind::Kind;
use crate::options::Options;
use crate::output::{Answer, Fault, fault};
use clap::Args;
use keyferry::byok::azure::{Kid, Package, request};
use keyferry::byok::cloud::{AES_BITS, AZURE, Cloud};
use keyferry::byok::kek::KekFile;
use keyferry::byok::kid::Service;
use keyferry::byok::target::Target;
use keyferry::client::{Oaep, Profile, TokenSlot};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry export azure --kek KEK.pem --key signing \\
    --kid https://V.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef
  keyferry export azure --kek azure-kek --key signing -o /media/usb/signing.byok
  keyferry export azure --kek KEK.json --key signing --request import.json
  keyferry export azure --kek azure-kek --all 'web-*' --output-dir packages
  keyferry export azure --kek azure-kek --manifest keys.toml --output-dir packages

The KEK can be a file that `az keyvault key download` or `az keyvault key show` wrote; the
second holds the kid, too.")]
pub struct Azure {
    #[command(flatten)]
    common: Common,
    /// The KEK's key identifier, with version; not needed if it is kept with the KEK
    #[arg(long, value_name = "URL")]
    kid: Option<String>,
    /// What the imported key is for: sign, verify, encrypt, decrypt, wrapKey, unwrapKey
    #[arg(long, value_name = "OP", value_delimiter = ',')]
    ops: Vec<String>,
    /// Also write the body of the REST import request, for a program of your own
    #[arg(long, value_name = "FILE", conflicts_with_all = which::MANY)]
    request: Option<PathBuf>,
}

const FITS: Fits<'static> = &|kek| AZURE.fits(kek);

impl Azure {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let common = &self.common;
        let given = self.kid.as_deref().map(Kid::parse).transpose()?;
        let place = common.place(AZURE.file)?;
        let body = self.request.as_deref().map(|path| self.body_file(path, &place)).transpose()?;
        let file = common.kek_file(FITS)?;
        let kid = |origin: Origin<'_>| self.kid_of(given.clone(), origin);
        let in_file = file.as_ref().map(|file| kid(Origin::File(file))).transpose()?;

        let (token, session) = common.log_in(options, AES_BITS)?;
        let chosen = common.choose_kek(&session, file, FITS)?;
        let in_token =
            chosen.stored.as_ref().map(|stored| kid(Origin::Token(stored))).transpose()?;
        let kid = in_token.or(in_file).flatten().ok_or_else(|| self.no_kid())?;
        let import = Import { kid, generator: generator(&token), ops: &self.ops };
        let run = Run { common, chosen, recipe: &import };
        let (label, pending) = match place {
            Place::Many(asked, folder) => {
                return run.many(&session, options, asked, AZURE.file, &folder);
            }
            Place::One(label, pending) => (label, pending),
        };
        let (mut ready, written) = run.wrap_one(&session, &label, &pending)?;
        if let Some(body) = body {
            let bytes = import.body(&ready, &written)?;
            // the request holds the package, and so is of use without it
            file::commit_all(&[(&body, &bytes), (&pending, &written.bytes)])?;
            ready.plan.terms.own.push((
                "Request body",
                "request",
                body.path().display().to_string(),
            ));
        } else {
            pending.commit(&written.bytes)?;
        }
        ready.report(&written)
    }

    /// Where the request's body goes, beside the package.
    fn body_file(&self, path: &Path, place: &Place) -> Result<Pending, Fault> {
        self.common.refuse_own(path)?;
        let body = Pending::new(path, self.common.existing())?;
        match place {
            Place::One(_, package) if file::is_same(package.path(), path) => Err(fault!(
                "{} cannot be both the package and the request; give another name with --request",
                path.display()
            )),
            _ => Ok(body),
        }
    }

    /// The key identifier, given or kept with the KEK. A name of another system's in a file is one only beside the
    /// right one.
    fn kid_of(&self, given: Option<Kid>, origin: Origin<'_>) -> Result<Option<Kid>, Fault> {
        match (kek::one_kid(&self.common.kek, given, origin, Some(&AZURE))?, origin) {
            (None, Origin::File(KekFile { kid: Some(other), .. })) => Ok(Some(Kid::parse(other)?)),
            (kid, _) => Ok(kid),
        }
    }

    fn no_kid(&self) -> Fault {
        fault!(
            "no key identifier is known for the KEK \"{}\"; give --kid with what \
             `az keyvault key show --name KEK --vault-name V --query key.kid -o tsv` prints",
            self.common.kek
        )
    }
}

/// An import into Azure.
struct Import<'a> {
    kid: Kid,
    generator: String,
    ops: &'a [String],
}

impl Import<'_> {
    /// What the imported key is for.
    fn ops(&self, target: Target, item: &Item) -> Result<Vec<String>, Fault> {
        let asked = if item.ops.is_empty() { self.ops } else { &item.ops };
        Ok(request::ops(target, asked)?)
    }

    /// The body of the request that imports the package.
    fn body(&self, ready: &Ready<'_>, package: &Written) -> Result<Vec<u8>, Fault> {
        let target = ready.plan.terms.profile.target.ok_or_else(|| {
            fault!(
                "the key \"{}\" is of no type that Azure knows; leave --request out",
                ready.plan.item.label
            )
        })?;
        Ok(request::body(target, &self.ops(target, &ready.plan.item)?, &package.bytes)?)
    }
}

impl Recipe for Import<'_> {
    fn cloud(&self) -> Option<&'static Cloud> {
        Some(&AZURE)
    }

    fn purpose(&self) -> String {
        self.kid.as_str().to_owned()
    }

    fn terms(&self, item: &Item, kind: &Kind) -> Result<Terms, Fault> {
        let (target, taken) = taken(&item.label, kind, &AZURE)?;
        let service = self.kid.service();
        if !target.goes_to(service) {
            return Err(fault!(
                "the key \"{}\" is {}, which only a Managed HSM takes, and the kid is a vault's; use the KEK of a \
                 Managed HSM",
                item.label,
                target.name()
            ));
        }
        let ops = self.ops(target, item)?;
        let place = match service {
            Service::Vault => "--vault-name",
            Service::ManagedHsm => "--hsm-name",
        };
        let (form, oaep, target) = (taken.form, Oaep::azure(), Some(target));
        Ok(Terms {
            profile: Profile { form, oaep, aes_bits: AES_BITS, target },
            values: vec![
                ("place", place.to_owned()),
                ("vault", self.kid.vault().to_owned()),
                ("called", taken.called.to_owned()),
                ("ops", ops.join(" ")),
            ],
            own: vec![("kid", "kid", self.kid.as_str().to_owned())],
        })
    }

    fn file(&self, blob: &[u8]) -> Vec<u8> {
        let (ciphertext, generator) = (blob.to_vec(), self.generator.clone());
        Package { ciphertext, generator, kid: self.kid.clone() }.to_bytes()
    }
}

/// `keyferry/0.1.0 (manufacturer model firmware)`; a model of its maker's name is said once.
pub fn generator(token: &TokenSlot) -> String {
    let source = [&token.manufacturer, &token.model, &token.firmware].map(String::as_str);
    let mut source: Vec<&str> = source.into_iter().filter(|part| !part.is_empty()).collect();
    source.dedup();
    format!("keyferry/{} ({})", env!("CARGO_PKG_VERSION"), source.join(" "))
}
