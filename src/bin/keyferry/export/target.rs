//! Which key: the one of a label, if it may leave under this KEK.
use super::Common;
use super::kek::Chosen;
use crate::kind::{self, Kind, hex};
use crate::output::{Fault, fault};
use keyferry::byok::cloud::{Cloud, Taken};
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{Session, Template, Way};

/// A key that leaves.
pub struct Leaving {
    /// The object.
    pub object: CK_OBJECT_HANDLE,
    /// What it is.
    pub kind: Kind,
}

impl Common {
    /// The key to export.
    pub fn find_key(&self, session: &Session) -> Result<Leaving, Fault> {
        let object = self.find_object(session)?;
        Ok(Leaving { object, kind: kind::of(session, object)? })
    }

    fn find_object(&self, session: &Session) -> Result<CK_OBJECT_HANDLE, Fault> {
        let named = |class| {
            let template = Template::class(class).bytes(CKA_LABEL, self.key.as_bytes());
            self.id.as_ref().map_or(template.clone(), |id| template.bytes(CKA_ID, &id.0))
        };
        let mut found = session.find(&named(CKO_PRIVATE_KEY))?;
        found.extend(session.find(&named(CKO_SECRET_KEY))?);
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(fault!(
                "the token has no private or secret key \"{}\"{}; `keyferry key list` shows those it has",
                self.key,
                self.id
                    .as_ref()
                    .map(|id| format!(" with the id {}", hex(&id.0)))
                    .unwrap_or_default()
            )),
            several => Err(fault!(
                "the token has {} keys \"{}\"; choose one with --id, as `keyferry key list` shows it",
                several.len(),
                self.key
            )),
        }
    }

    /// How the cloud takes it.
    pub fn taken(
        &self,
        kind: &Kind,
        cloud: &'static Cloud,
    ) -> Result<(Target, &'static Taken), Fault> {
        let taken = |target| cloud.taken(target).map(|taken| (target, taken));
        kind.target().and_then(taken).ok_or_else(|| {
            fault!(
                "the key \"{}\" is {}, which {} does not take; it takes {}: generate one of these",
                self.key,
                kind.name(),
                cloud.name,
                cloud.takes()
            )
        })
    }

    /// Whether its attributes let it leave under this KEK, in this way.
    pub fn may_leave(
        &self,
        session: &Session,
        key: &Leaving,
        chosen: &Chosen,
        way: Way,
    ) -> Result<(), Fault> {
        if session.flag(key.object, CKA_EXTRACTABLE)? == Some(false) {
            return Err(fault!(
                "the key \"{}\" may not leave the token (CKA_EXTRACTABLE is false), and that cannot be changed; \
                 generate a new key with --extractable",
                self.key
            ));
        }
        let trusted_only = session.flag(key.object, CKA_WRAP_WITH_TRUSTED)? == Some(true);
        if trusted_only && !chosen.stored.as_ref().is_some_and(|kek| kek.trusted) {
            return Err(fault!(
                "the key \"{}\" leaves only under a trusted KEK (CKA_WRAP_WITH_TRUSTED), and \"{}\" is not; \
                 import the KEK with `keyferry kek import FILE --label LABEL --trust`, and give that label",
                self.key,
                self.kek
            ));
        }
        if trusted_only && matches!(way, Way::TwoSteps(_)) {
            return Err(fault!(
                "the key \"{}\" leaves only under a trusted KEK (CKA_WRAP_WITH_TRUSTED), and this module wraps in two \
                 steps, the first under a session key that nobody trusts; use a module with CKM_RSA_AES_KEY_WRAP, \
                 such as keyferry's own",
                self.key
            ));
        }
        Ok(())
    }
}
