//! `keyferry export azure`: a key transfer package for Key Vault Premium or Managed HSM.
use super::ready::{Ready, Written, way};
use super::{Common, kek::Fits};
use crate::file::Pending;
use crate::options::Options;
use crate::output::{Answer, Fault, clean, fault};
use clap::Args;
use keyferry::byok::azure::{Kid, Package, request};
use keyferry::byok::cloud::{AES_BITS, AZURE, Taken};
use keyferry::byok::kek::KekFile;
use keyferry::byok::kid::Service;
use keyferry::byok::target::Target;
use keyferry::client::{Access, Oaep, Profile, TokenSlot};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry export azure --kek KEK.pem --key signing \\
    --kid https://V.vault.azure.net/keys/KEK/0123456789abcdef0123456789abcdef
  keyferry export azure --kek azure-kek --key signing -o /media/usb/signing.byok
  keyferry export azure --kek KEK.json --key signing --request import.json

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
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

const FITS: Fits<'static> = &|kek| AZURE.fits(kek);

impl Azure {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let common = &self.common;
        let given = self.kid.as_deref().map(Kid::parse).transpose()?;
        let pending = common.pending(AZURE.file)?;
        let body = self.request.as_deref().map(|path| Pending::new(path, common.existing()));
        let body = body.transpose()?;
        let file = common.kek_file(FITS)?;
        let in_file = file.as_ref().map(|file| self.kid_of(file, given.as_ref())).transpose()?;

        let (token, session) = options.log_in(Access::ReadOnly)?;
        let chosen = common.choose_kek(&session, file, FITS)?;
        let kept = chosen.stored.as_ref().and_then(|stored| stored.kid.clone());
        let kid = self.one_kid(given, kept.map(|kid| (kid, "token")).or(in_file.flatten()))?;
        let key = common.find_key(&session)?;
        let (target, taken) = common.taken(&key.kind, &AZURE)?;
        self.check_service(target, kid.service())?;
        let ops = request::ops(target, &self.ops)?;
        let way = way(&session, taken.form)?;
        common.may_leave(&session, &key, &chosen, way)?;
        let profile = Profile {
            form: taken.form,
            oaep: Oaep::azure(),
            aes_bits: AES_BITS,
            target: Some(target),
        };
        let ready = Ready { common, cloud: Some(&AZURE), key, chosen, profile, way };

        let package =
            Package { ciphertext: ready.wrap(&session)?, generator: generator(&token), kid };
        let path = pending.path().to_owned();
        let bytes = package.to_bytes();
        pending.commit(&bytes)?;
        if let Some(body) = body {
            body.commit(&request::body(target, &ops, &bytes)?)?;
        }
        let next = upload(&ready, &path, &package.kid, taken, &ops);
        let written = Written { path: &path, len: bytes.len(), blob_len: package.ciphertext.len() };
        let mut own = vec![("kid", "kid", package.kid.as_str().to_owned())];
        own.extend(
            self.request.as_ref().map(|p| ("Request body", "request", p.display().to_string())),
        );
        ready.report(&written, next, &own)
    }

    /// The key identifier in a JWK. What else stands there must not contradict the purpose.
    fn kid_of(
        &self,
        file: &KekFile,
        given: Option<&Kid>,
    ) -> Result<Option<(Kid, &'static str)>, Fault> {
        if let Some(ops) = file.key_ops.as_ref().filter(|ops| *ops != &["import"]) {
            return Err(fault!(
                "the KEK \"{}\" is for {} (key_ops), and Azure imports with a KEK for import alone; create one with \
                 `az keyvault key create --kty RSA-HSM --size 4096 --ops import`",
                self.common.kek,
                if ops.is_empty() { "nothing".to_owned() } else { clean(&ops.join(", ")) }
            ));
        }
        match (&file.kid, given) {
            (None, _) => Ok(None),
            (Some(kid), None) => Ok(Some((Kid::parse(kid)?, "file"))),
            // a name of another system's is not one of Azure's, and the right one is given
            (Some(kid), Some(_)) => Ok(Kid::parse(kid).ok().map(|kid| (kid, "file"))),
        }
    }

    /// The key identifier, given or kept with the KEK; never one that contradicts the other.
    fn one_kid(&self, given: Option<Kid>, kept: Option<(Kid, &str)>) -> Result<Kid, Fault> {
        match (given, kept) {
            (Some(given), Some((kept, place))) if given != kept => Err(fault!(
                "the KEK \"{}\" has the key identifier {} in the {place}, not the one given; leave --kid out, \
                 or give the PEM file of the other KEK",
                self.common.kek,
                kept.as_str()
            )),
            (Some(kid), _) | (None, Some((kid, _))) => Ok(kid),
            (None, None) => Err(fault!(
                "no key identifier is known for the KEK \"{}\"; give --kid with what \
                 `az keyvault key show --name KEK --vault-name V --query key.kid -o tsv` prints",
                self.common.kek
            )),
        }
    }

    fn check_service(&self, target: Target, service: Service) -> Result<(), Fault> {
        if target.goes_to(service) {
            return Ok(());
        }
        Err(fault!(
            "the key \"{}\" is {}, which only a Managed HSM takes, and the kid is a vault's; use the KEK of a Managed HSM",
            self.common.key,
            target.name()
        ))
    }
}

/// `keyferry/0.1.0 (manufacturer model firmware)`; a model of its maker's name is said once.
pub fn generator(token: &TokenSlot) -> String {
    let source = [&token.manufacturer, &token.model, &token.firmware].map(String::as_str);
    let mut source: Vec<&str> = source.into_iter().filter(|part| !part.is_empty()).collect();
    source.dedup();
    format!("keyferry/{} ({})", env!("CARGO_PKG_VERSION"), source.join(" "))
}

/// The command that imports the package.
fn upload(
    ready: &Ready<'_>,
    path: &Path,
    kid: &Kid,
    taken: &Taken,
    ops: &[String],
) -> Option<String> {
    let place = match kid.service() {
        Service::Vault => "--vault-name",
        Service::ManagedHsm => "--hsm-name",
    };
    let ops = ops.join(" ");
    let values =
        [("place", place), ("vault", kid.vault()), ("called", taken.called), ("ops", &ops)];
    ready.next(path, &values)
}
