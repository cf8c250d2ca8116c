//! The two sides of a rehearsal: the source, whose keys leave, and the vault, which receives them.
use crate::carrier;
use crate::export::generator;
use crate::file::{self, Existing, Pending};
use crate::kek as keks;
use crate::kind::Kind;
use crate::output::{During, Fault, fault};
use crate::token;
use crate::usage::Usage;
use crate::wish::{Leaving, Made, Wish};
use keyferry::byok::azure::{Kid, Package};
use keyferry::byok::cloud::AZURE;
use keyferry::byok::kek::Kek;
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{Access, Mechanism, Module, Session, Template, TokenSlot, User};
use std::path::Path;
use std::time::{Duration, Instant};

/// The PIN of tokens that live as long as the rehearsal, in memory only.
const PIN: &str = "rehearsal";

/// Two tokens, and the folder that is all they share.
pub struct Ceremony<'a> {
    source: Session,
    source_token: TokenSlot,
    vault: Session,
    folder: &'a Path,
}

/// A KEK as each side has it.
pub struct SharedKek {
    kid: Kid,
    /// The source's public key object, made of the PEM file.
    public: CK_OBJECT_HANDLE,
    /// The vault's private key.
    private: CK_OBJECT_HANDLE,
    bits: usize,
}

/// A key that went over.
pub struct Transfer {
    /// Its type.
    pub target: Target,
    /// Length of the blob in bytes.
    pub blob_len: usize,
    /// The package's name in the folder.
    pub file_name: String,
    /// Time to generate it.
    pub generate: Duration,
    /// Time to wrap it.
    pub wrap: Duration,
    /// Time to unwrap it.
    pub unwrap: Duration,
    /// The mechanism that proved it to be the same.
    pub proof: &'static str,
}

impl<'a> Ceremony<'a> {
    /// Makes the tokens and logs in to both.
    pub fn begin(module: &Module, folder: &'a Path) -> Result<Ceremony<'a>, Fault> {
        let (source_token, source) = throw_away(module, "source")?;
        let (_, vault) = throw_away(module, "vault")?;
        Ok(Ceremony { source, source_token, vault, folder })
    }

    /// The vault makes a KEK and hands out a PEM file; the source imports that.
    pub fn exchange_kek(&self, bits: usize) -> Result<SharedKek, Fault> {
        let (public, private) = self.make_kek(bits).during("the vault cannot make a KEK")?;
        let number = |cka| self.vault.attribute(public, cka).map(Option::unwrap_or_default);
        let made = Kek::new(&number(CKA_MODULUS)?, &number(CKA_PUBLIC_EXPONENT)?)?;
        AZURE.fits(&made)?;
        let path = self.folder.join(format!("KEK-{bits}.pem"));
        Pending::new(&path, Existing::Refuse)?.commit(made.pem()?.as_bytes())?;

        let read = keks::read(&path)?.kek;
        if read.fingerprint()? != made.fingerprint()? {
            return Err(fault!(
                "the KEK that the source reads is not the one that the vault made; somebody else writes to the folder: choose another with --keep"
            ));
        }
        let template = keks::template(&read, "KEK").flag(CKA_TOKEN, false);
        let public = self.source.create(&template).during("the source cannot import the KEK")?;
        let version: String = read.fingerprint()?.chars().take(32).collect();
        let kid = Kid::parse(&format!(
            "https://rehearsal.managedhsm.azure.net/keys/KEK-{bits}/{version}"
        ))?;
        Ok(SharedKek { kid, public, private, bits })
    }

    fn make_kek(&self, bits: usize) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), Fault> {
        let (kind, label) = (Kind::Rsa(bits), format!("KEK-{bits}"));
        let mechanisms = carrier::mechanisms(&self.vault, &kind, false);
        let wish = passing(&kind, &label, Leaving::MayNot, &[Usage::Unwrap]);
        let made = Wish { mechanisms: &mechanisms, ..wish }.make(&self.vault)?;
        // RSA keys are pairs
        Ok((made.public.unwrap_or(made.key), made.key))
    }

    /// A key of this type goes over, in a file.
    pub fn transfer(&self, kek: &SharedKek, target: Target) -> Result<Transfer, Fault> {
        let kind = Kind::of_target(target);
        let label = format!("{}-KEK{}", target.name(), kek.bits);
        let (made, generate) = timed(|| self.generate(&kind, &label))?;
        let (ciphertext, wrap) = timed(|| {
            self.source.wrap(&Mechanism::azure(), kek.public, made.key).during("wrapping")
        })?;
        let blob_len = ciphertext.len();
        let file_name = format!("KeyTransferPackage-{}.byok", file::safe_name(&label));
        let path = self.folder.join(&file_name);
        let generator = generator(&self.source_token);
        let package = Package { kid: kek.kid.clone(), ciphertext, generator };
        Pending::new(&path, Existing::Refuse)?.commit(&package.to_bytes())?;

        let received = self.receive(&path, kek)?.ciphertext;
        let template = unwrapped(&kind);
        let (key, unwrap) = timed(|| {
            let key = self.vault.unwrap(&Mechanism::azure(), kek.private, &received, &template);
            key.during("unwrapping")
        })?;
        let proof = self.prove(&kind, &made, key)?;
        for object in [Some(made.key), made.public].into_iter().flatten() {
            self.source.destroy(object)?;
        }
        self.vault.destroy(key)?;
        Ok(Transfer { target, blob_len, file_name, generate, wrap, unwrap, proof })
    }

    fn generate(&self, kind: &Kind, label: &str) -> Result<Made, Fault> {
        let (leaving, usages) = (Leaving::May, kind.usages());
        passing(kind, label, leaving, usages).make(&self.source)
    }

    /// The vault reads the file, and sees whether it is for its KEK.
    fn receive(&self, path: &Path, kek: &SharedKek) -> Result<Package, Fault> {
        let package = Package::parse(&file::read(path, "package")?)?;
        if package.kid != kek.kid {
            return Err(fault!(
                "the package names another KEK, {}; somebody else writes to the folder: choose another with --keep",
                package.kid.as_str()
            ));
        }
        Ok(package)
    }

    /// The vault signs or encrypts something new with the key it received; the source checks it
    /// with what it has kept.
    fn prove(
        &self,
        kind: &Kind,
        made: &Made,
        received: CK_OBJECT_HANDLE,
    ) -> Result<&'static str, Fault> {
        let challenge = self.source.random(32)?;
        let (mechanism, name) = match kind {
            Kind::Rsa(_) => (Mechanism::Plain(CKM_SHA256_RSA_PKCS), "CKM_SHA256_RSA_PKCS"),
            Kind::Ec(_) => (Mechanism::Plain(CKM_ECDSA), "CKM_ECDSA"),
            _ => (Mechanism::Iv(CKM_AES_CBC_PAD, self.vault.random(16)?), "CKM_AES_CBC_PAD"),
        };
        match made.public {
            Some(public) => {
                let signature = self
                    .vault
                    .sign(&mechanism, received, &challenge)
                    .during("signing with the received key")?;
                self.source
                    .verify(&mechanism, public, &challenge, &signature)
                    .during("the received key is another")?;
            }
            None => {
                let ciphertext = self
                    .vault
                    .encrypt(&mechanism, received, &challenge)
                    .during("encrypting with the received key")?;
                let back = self
                    .source
                    .decrypt(&mechanism, made.key, &ciphertext)
                    .during("the received key is another")?;
                if *back != challenge {
                    return Err(fault!(
                        "the received key is another: it encrypts differently; use no package of this build, and report it"
                    ));
                }
            }
        }
        Ok(name)
    }
}

/// What the vault makes of a received key: it stays, and does what its kind does.
fn unwrapped(kind: &Kind) -> Template {
    let usages: &[Usage] =
        if kind.is_pair() { &[Usage::Sign] } else { &[Usage::Encrypt, Usage::Decrypt] };
    passing(kind, "received", Leaving::MayNot, usages).unwrapped()
}

/// A key that goes with its session.
fn passing<'a>(kind: &'a Kind, label: &'a str, leaving: Leaving, usages: &'a [Usage]) -> Wish<'a> {
    let (on_token, trusted) = (false, false);
    let (id, mechanisms, lets_in) = (b"rehearsal", &[], &[]);
    Wish { kind, label, id, on_token, leaving, usages, mechanisms, lets_in, trusted }
}

/// A new token, the user logged in.
fn throw_away(module: &Module, label: &str) -> Result<(TokenSlot, Session), Fault> {
    let slots = module.slots()?.tokens;
    let free = slots.iter().find(|token| !token.is_initialized());
    let free =
        free.ok_or_else(|| fault!("the module has no slot for the {label}'s token; report this"))?;
    let made = token::make(module, free.slot, label, PIN, PIN)?;
    let session = module.open(made.slot, Access::ReadWrite)?;
    session.login(User::User, PIN).during(&format!("login to the {label}'s token"))?;
    Ok((made, session))
}

fn timed<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<(T, Duration), Fault> {
    let start = Instant::now();
    work().map(|done| (done, start.elapsed()))
}
