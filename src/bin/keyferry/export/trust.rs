//! The session of an export; with `--trust-step`, the SO is there before the user.
use super::Common;
use crate::options::Options;
use crate::output::{Fault, fault};
use keyferry::byok::cloud::Form;
use keyferry::client::{Access, Session, TokenSlot, User, Way};

impl Common {
    /// A session with the token, the user logged in. Where the module wraps in two steps, the SO has been
    /// there and left a trusted AES key of so many bits, if that was asked for.
    pub fn log_in(
        &self,
        options: &Options,
        aes_bits: usize,
    ) -> Result<(TokenSlot, Session), Fault> {
        if !self.trust_step {
            return options.log_in(Access::ReadOnly);
        }
        let (token, session) = options.log_in_as(User::So, Access::ReadWrite)?;
        if let Some(Way::TwoSteps(_)) = Way::of(session.module(), session.slot(), Form::RsaAes) {
            session.trust_aes(aes_bits).map_err(|error| {
                fault!(
                    "the SO of the token \"{}\" cannot trust an AES key: {error}; keys that leave under trusted KEKs \
                     only cannot leave this module in two steps: use one with CKM_RSA_AES_KEY_WRAP, such as \
                     keyferry's own",
                    token.label
                )
            })?;
        }
        session.logout()?;
        options.enter(&session, &token, User::User)?;
        Ok((token, session))
    }
}
