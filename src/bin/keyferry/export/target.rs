//! Whether a key may leave: for this cloud, under this KEK, in this way, today.
use super::Common;
use super::kek::Chosen;
use super::which::Item;
use crate::dates::Dates;
use crate::kind::Kind;
use crate::output::{Fault, fault};
use keyferry::byok::cloud::{Cloud, Taken};
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{Session, Way};

/// How the cloud takes a key of this kind.
pub fn taken(
    label: &str,
    kind: &Kind,
    cloud: &'static Cloud,
) -> Result<(Target, &'static Taken), Fault> {
    let taken = |target| cloud.taken(target).map(|taken| (target, taken));
    kind.target().and_then(taken).ok_or_else(|| {
        fault!(
            "the key \"{label}\" is {}, which {} does not take; it takes {}: generate one of these",
            kind.name(),
            cloud.name,
            cloud.takes()
        )
    })
}

impl Common {
    /// Whether its attributes let it leave under this KEK, in this way.
    pub fn may_leave(
        &self,
        session: &Session,
        key: &Item,
        chosen: &Chosen,
        way: Way,
    ) -> Result<(), Fault> {
        if session.flag(key.object, CKA_EXTRACTABLE)? == Some(false) {
            return Err(fault!(
                "the key \"{}\" may not leave the token (CKA_EXTRACTABLE is false), and that cannot be changed; \
                 generate a new key with --extractable",
                key.label
            ));
        }
        if let Some(objection) = Dates::of(session, key.object)?.objection() {
            return Err(fault!("the key \"{}\" {objection}", key.label));
        }
        let trusted_only = session.flag(key.object, CKA_WRAP_WITH_TRUSTED)? == Some(true);
        if trusted_only && !chosen.stored.as_ref().is_some_and(|kek| kek.trusted) {
            return Err(fault!(
                "the key \"{}\" leaves only under a trusted KEK (CKA_WRAP_WITH_TRUSTED), and \"{}\" is not; \
                 import the KEK with `keyferry kek import FILE --label LABEL --trust`, and give that label",
                key.label,
                self.kek
            ));
        }
        if trusted_only && matches!(way, Way::TwoSteps(_)) && !session.has_trusted_aes() {
            return Err(fault!(
                "the key \"{}\" leaves only under a trusted KEK (CKA_WRAP_WITH_TRUSTED), and this module wraps in two \
                 steps, the first under a session key that nobody trusts; let the SO trust it with --trust-step, or \
                 use a module with CKM_RSA_AES_KEY_WRAP, such as keyferry's own",
                key.label
            ));
        }
        Ok(())
    }
}
