//! `keyferry kek generate`: a KEK of the token's own, to receive keys or to wrap its own keys with.
use crate::carrier;
use crate::file::{Existing, Pending};
use crate::key::{Id, unhex};
use crate::kind::{Kind, hex};
use crate::objects::{self, Flag};
use crate::options::Options;
use crate::output::{Answer, Fault, Report, facts, fault};
use crate::usage::Usage;
use crate::wish::{Leaving, Made, Wish};
use clap::{Args, ValueEnum};
use keyferry::byok::public::PublicKey;
use keyferry::ck::*;
use keyferry::client::{Access, Session, Template, TokenSlot, User};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry kek generate --label receiver -o receiver.pem
  keyferry kek generate --label vault --type aes-256 --trust
  keyferry kek generate --label data-receiver --receive-usage encrypt,decrypt

An RSA KEK unwraps with CKM_RSA_AES_KEY_WRAP, an AES KEK wraps and unwraps with CKM_AES_KEY_WRAP and
CKM_AES_KEY_WRAP_KWP. They do nothing else, and cannot leave the token. Keys that they unwrap
(CKA_UNWRAP_TEMPLATE) cannot be read, leave or decrypt, unless the options say otherwise.")]
pub struct Generate {
    /// The KEK's label
    #[arg(long)]
    label: String,
    /// rsa-2048, -3072, -4096, -8192, to receive keys; aes-128, -192, -256, to wrap keys of this token
    #[arg(long = "type", value_name = "TYPE", default_value = "rsa-4096")]
    kind: Kind,
    /// The KEK's identifier in hexadecimal; random if not given
    #[arg(long, value_name = "HEX", value_parser = unhex)]
    id: Option<Id>,
    /// Unwrap with CKM_RSA_PKCS_OAEP instead: for secret keys that were wrapped without an AES key between
    #[arg(long)]
    oaep: bool,
    /// Let keys that it unwraps leave the token again, wrapped; under trusted KEKs only if it is trusted
    #[arg(long)]
    receive_extractable: bool,
    /// What keys that it unwraps do: encrypt,decrypt for AES keys, decrypt for RSA keys; it unwraps no others then
    #[arg(long, value_name = "USAGE", value_delimiter = ',')]
    receive_usage: Vec<Opening>,
    /// Mark it as trusted (CKA_TRUSTED), of a pair the public key; needs the SO PIN, too
    #[arg(long)]
    trust: bool,
    /// File to write the public half to, as PEM
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

/// A use that opens what other keys carry. A key comes in with it only if its KEK demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Opening {
    Encrypt,
    Decrypt,
}

impl Generate {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        self.check()?;
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        let mut pending =
            self.output.as_deref().map(|path| Pending::new(path, existing)).transpose()?;
        let (token, session) = options.log_in(Access::ReadWrite)?;
        let _alone = options.lock_store();
        objects::check_free(&session, &token.label, &self.label)?;
        let mechanisms = carrier::mechanisms(&session, &self.kind, self.oaep);
        if mechanisms.is_empty() {
            return Err(self.unsupported());
        }
        let id = match &self.id {
            Some(id) => id.0.clone(),
            None => session.random(8)?,
        };
        if self.trust && !self.kind.is_pair() {
            // the SO alone makes a trusted secret key; of a pair, the private half is the user's
            session.logout()?;
            options.enter(&session, &token, User::So)?;
        }
        let made = self.wish(&id, &mechanisms, &self.lets_in()).make(&session)?;
        let public = made.public.map(|object| objects::of(&session, object, "the KEK"));
        let public = public.transpose()?;
        if let (Some(pending), Some(public)) = (pending.take(), &public) {
            let pem = public.pem().map_err(Fault::from);
            let kept = pem.and_then(|pem| pending.commit(pem.as_bytes()));
            kept.map_err(|fault| self.undone(&session, &made, fault))?;
        }
        if self.trust {
            self.trust(options, &session, &token, &made)?;
        }
        self.report(&token.label, &id, &mechanisms, public.as_ref())
    }

    /// Refuses what no KEK is made of.
    fn check(&self) -> Result<(), Fault> {
        match self.kind {
            Kind::Rsa(_) => Ok(()),
            Kind::Aes(_) if self.oaep => Err(fault!(
                "an {} key does not unwrap with CKM_RSA_PKCS_OAEP; leave --oaep out, or choose --type rsa-4096",
                self.kind.name()
            )),
            Kind::Aes(_) if self.output.is_some() => Err(fault!(
                "an {} key has no public half to write; leave --output out, or choose --type rsa-4096",
                self.kind.name()
            )),
            Kind::Aes(_) => Ok(()),
            _ => Err(fault!(
                "a KEK is an RSA or an AES key, and {} is neither; choose --type rsa-4096 or aes-256",
                self.kind.name()
            )),
        }
    }

    fn unsupported(&self) -> Fault {
        let two_steps = match self.kind {
            Kind::Rsa(_) if !self.oaep => {
                ", or give --oaep: keys come in in two steps then, and the user of the token may keep the AES key between"
            }
            _ => "",
        };
        let wanted = match self.kind {
            Kind::Rsa(_) if self.oaep => "CKM_RSA_PKCS_OAEP",
            Kind::Rsa(_) => "CKM_RSA_AES_KEY_WRAP",
            _ => "CKM_AES_KEY_WRAP",
        };
        fault!(
            "the token does not wrap and unwrap with {wanted}, so the KEK \"{}\" would be of no use; use another module, \
             such as keyferry's own{two_steps}",
            self.label
        )
    }

    /// Returns the demands on keys that it unwraps. A key that came out of a trusted KEK goes only into one.
    fn lets_in(&self) -> Vec<Flag> {
        let leaving = match (self.receive_extractable, self.trust) {
            (false, _) => Some((CKA_EXTRACTABLE, false)),
            (true, true) => Some((CKA_WRAP_WITH_TRUSTED, true)),
            (true, false) => None,
        };
        let opens = [(Opening::Encrypt, CKA_ENCRYPT), (Opening::Decrypt, CKA_DECRYPT)];
        let opens = opens.into_iter().filter(|(usage, _)| self.receive_usage.contains(usage));
        let opens = opens.map(|(_, cka)| (cka, true));
        [carrier::HIDDEN].into_iter().chain(leaving).chain(opens).collect()
    }

    fn wish<'a>(
        &'a self,
        id: &'a [u8],
        mechanisms: &'a [CK_MECHANISM_TYPE],
        lets_in: &'a [Flag],
    ) -> Wish<'a> {
        let usages: &[Usage] = match self.kind.is_pair() {
            true => &[Usage::Unwrap],
            false => &[Usage::Wrap, Usage::Unwrap],
        };
        let Generate { kind, label, .. } = self;
        let leaving = Leaving::MayNot;
        let trusted = self.trust && !kind.is_pair();
        Wish { kind, label, id, on_token: true, leaving, usages, mechanisms, lets_in, trusted }
    }

    fn undone(&self, session: &Session, made: &Made, reason: Fault) -> Fault {
        let objects: Vec<CK_OBJECT_HANDLE> = made.objects().collect();
        objects::undone(session, &objects, &self.label, reason)
    }

    /// Has the SO mark the public key. The KEK stays if that fails: the private half is out of the SO's sight.
    fn trust(
        &self,
        options: &Options,
        session: &Session,
        token: &TokenSlot,
        made: &Made,
    ) -> Result<(), Fault> {
        let (Some(public), label) = (made.public, &self.label) else { return Ok(()) };
        let trusted = session.logout().map_err(Fault::from);
        let trusted = trusted.and_then(|()| options.enter(session, token, User::So));
        let mark = Template::default().flag(CKA_TRUSTED, true);
        trusted.and_then(|()| Ok(session.set(public, &mark)?)).map_err(|fault| {
            fault!(
                "the KEK \"{label}\" is in the token, but it is not trusted: {}; import its public half as a trusted KEK with \
                 `keyferry key public {label} -o FILE` and `keyferry kek import FILE --trust`, or destroy it",
                fault.0
            )
        })
    }

    fn report(
        &self,
        token: &str,
        id: &[u8],
        mechanisms: &[CK_MECHANISM_TYPE],
        public: Option<&PublicKey>,
    ) -> Answer {
        let (kind, label) = (self.kind.name(), &self.label);
        let sha256 = public.map(PublicKey::fingerprint).transpose()?;
        let mut rows = vec![("KEK", format!("\"{label}\", {kind}, in the token \"{token}\""))];
        rows.extend(sha256.iter().map(|sha256| ("SHA-256", sha256.clone())));
        rows.push(("Unwraps with", carrier::names(mechanisms)));
        rows.push(("May", "do nothing else, nor leave the token".to_owned()));
        let leaving = match (self.receive_extractable, self.trust) {
            (false, _) => "keys that stay",
            (true, true) => "keys that may leave again, under trusted KEKs",
            (true, false) => "keys that may leave again, wrapped",
        };
        rows.push(("Lets in", leaving.to_owned()));
        if self.trust {
            rows.push(("Trusted", "yes".to_owned()));
        }
        rows.extend(self.output.iter().map(|file| ("Written", file.display().to_string())));
        let names: Vec<String> = mechanisms.iter().map(|ckm| carrier::name(*ckm)).collect();
        let json = json!({
            "label": label, "id": hex(id), "type": kind, "sha256": sha256, "mechanisms": names,
            "receive_extractable": self.receive_extractable, "trusted": self.trust, "file": self.output, "token": token,
        });
        Ok(Report::new(facts(&rows), json))
    }
}
