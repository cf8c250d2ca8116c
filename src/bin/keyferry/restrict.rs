//! `keyferry key restrict`: a copy of a key that can do nothing but leave, and only under a KEK that the SO
//! trusts. The original stays as it is.
use crate::kind::{self, hex};
use crate::objects::{self, Flag};
use crate::options::Options;
use crate::output::{Answer, Fault, Report, facts, fault};
use clap::Args;
use keyferry::byok::cloud::Form;
use keyferry::ck::*;
use keyferry::client::{Access, RIGHTS, Right, Session, Template, Way};
use serde_json::json;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry key restrict signing
  keyferry key restrict signing --label signing-for-azure

The copy leaves only under a KEK that the SO has marked (`keyferry kek import KEK.pem --label KEK --trust`), signs and
decrypts nothing, and cannot be changed or copied. Destroy it after the transfer.")]
pub struct Restrict {
    /// The label of the key to copy
    key: String,
    /// The label of the copy [default: the key's, and -transfer]
    #[arg(long)]
    label: Option<String>,
}

/// What must be of the original afterwards what it was before, and its rights.
const KEPT: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
];

impl Restrict {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let label = self.label.clone().unwrap_or_else(|| format!("{}-transfer", self.key));
        let (token, session) = options.log_in(Access::ReadWrite)?;
        let original = objects::key(&session, &self.key)?;
        self.check(&session, original)?;
        let _alone = options.lock_store();
        objects::check_free(&session, &token.label, &label)?;
        let before = rights(&session, original)?;
        let class = session.number(original, CKA_CLASS)?.unwrap_or(CKO_PRIVATE_KEY);
        let present = |cka: &CK_ATTRIBUTE_TYPE| before.iter().any(|(b, v)| b == cka && v.is_some());
        let uses: Vec<CK_ATTRIBUTE_TYPE> =
            Right::of(class).map(|right| right.cka).filter(present).collect();
        let template = template(&label, &uses);
        // modules of older standards do not know the attribute
        let copy = session
            .copy(original, &template.clone().flag(CKA_COPYABLE, false))
            .or_else(|_| session.copy(original, &template))
            .map_err(|e| self.explained(&session, &e))?;
        let proved = proved(&session, copy, &uses).and_then(|()| {
            match rights(&session, original)? == before {
                true => Ok(()),
                false => Err(fault!(
                    "the module changed the rights of \"{}\" itself; do not trust it with this",
                    self.key
                )),
            }
        });
        if let Err(fault) = proved {
            return Err(objects::undone(&session, &[copy], &label, fault));
        }
        self.report(&session, copy, &label, &token.label)
    }

    fn report(
        &self,
        session: &Session,
        copy: CK_OBJECT_HANDLE,
        label: &str,
        token: &str,
    ) -> Answer {
        let kind = kind::of(session, copy)?.name();
        let id = hex(&session.attribute(copy, CKA_ID)?.unwrap_or_default());
        let copyable = session.flag(copy, CKA_COPYABLE)?.unwrap_or(true);
        let stays =
            if copyable { "it cannot be changed" } else { "it cannot be changed or copied" };
        let rows = [
            ("Copy", format!("\"{label}\", {kind}, in the token \"{token}\"")),
            ("Of", format!("\"{}\", whose rights are what they were", self.key)),
            (
                "Leaves",
                "only under a KEK that the SO trusts (`keyferry kek import … --trust`)".to_owned(),
            ),
            ("May", format!("nothing else; {stays}")),
        ];
        let json = json!({
            "label": label, "of": self.key, "type": kind, "id": id, "wrap_with_trusted": true,
            "modifiable": false, "copyable": copyable, "usage": [], "token": token,
        });
        Ok(Report::new(facts(&rows), json))
    }

    /// What can be seen before anything is copied.
    fn check(&self, session: &Session, original: CK_OBJECT_HANDLE) -> Result<(), Fault> {
        let key = &self.key;
        if session.flag(original, CKA_EXTRACTABLE)? != Some(true) {
            return Err(fault!(
                "the key \"{key}\" may not leave the token (CKA_EXTRACTABLE is false), and no copy of it may either; \
                 generate a new key with --extractable"
            ));
        }
        if session.flag(original, CKA_COPYABLE)? == Some(false) {
            return Err(fault!(
                "the key \"{key}\" may not be copied (CKA_COPYABLE is false), and that cannot be changed; export it \
                 itself, or generate a new key"
            ));
        }
        if session.flag(original, CKA_MODIFIABLE)? == Some(false) {
            return Err(fault!(
                "the key \"{key}\" may not be modified (CKA_MODIFIABLE is false), and nor may a copy of it: it is \
                 restricted as it is; export it itself"
            ));
        }
        Ok(())
    }

    fn explained(&self, session: &Session, error: &keyferry::client::Error) -> Fault {
        fault!(
            "the key \"{}\" was not copied: {}; a module that makes no such copy cannot restrict a key: {}",
            self.key,
            error.what(),
            instead(session)
        )
    }
}

/// What can be done with a module that makes no restricted copy. Where it wraps in two steps, a key that
/// leaves under trusted KEKs only needs the SO.
fn instead(session: &Session) -> &'static str {
    match Way::of(session.module(), session.slot(), Form::RsaAes) {
        Some(Way::TwoSteps(_)) => {
            "export the key itself, with --kek-sha256, or generate another with --extractable --wrap-with-trusted, \
             and export that with --trust-step"
        }
        Some(_) => {
            "export the key itself, with --kek-sha256, or generate another with --extractable --wrap-with-trusted"
        }
        None => {
            "this module cannot wrap a key for a cloud at all; use another, such as keyferry's own"
        }
    }
}

fn template(label: &str, uses: &[CK_ATTRIBUTE_TYPE]) -> Template {
    let template = Template::default()
        .bytes(CKA_LABEL, label.as_bytes())
        .flags(&[CKA_SENSITIVE, CKA_WRAP_WITH_TRUSTED])
        .flag(CKA_MODIFIABLE, false);
    uses.iter().fold(template, |template, cka| template.flag(*cka, false))
}

type Rights = Vec<(CK_ATTRIBUTE_TYPE, Option<bool>)>;

fn rights(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Rights, Fault> {
    let kept = KEPT.iter().copied().chain(RIGHTS.iter().map(|right| right.cka));
    kept.map(|cka| Ok((cka, session.flag(key, cka)?))).collect()
}

/// Whether the copy is what was asked for. Modules of older standards have no `CKA_COPYABLE`.
fn proved(
    session: &Session,
    copy: CK_OBJECT_HANDLE,
    uses: &[CK_ATTRIBUTE_TYPE],
) -> Result<(), Fault> {
    let yes = [(CKA_SENSITIVE, true), (CKA_WRAP_WITH_TRUSTED, true)];
    let no = uses.iter().chain(&[CKA_MODIFIABLE, CKA_COPYABLE]).map(|cka| (*cka, false));
    let asked: Vec<Flag> = yes.into_iter().chain(no).collect();
    match objects::differs(session, copy, &asked)? {
        None => Ok(()),
        Some(name) => Err(fault!(
            "the module made a copy with more rights than asked for ({name}), so it is not kept; {}",
            instead(session)
        )),
    }
}
