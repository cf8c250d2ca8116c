//! Key encapsulation: PKCS#11 3.2, section 5.18. Nothing is made unless all is well.
use super::{Output, Room, Session};
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params};
use crate::object::Object;
use crate::object::attribute::{Attributes, Value};
use crate::object::policy::{self, Act};
use crate::object::template::{Draft, Origin};

impl Session {
    /// `C_EncapsulateKey`: the ciphertext, and the handle of the secret key if there was room.
    pub fn encapsulate(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        public_key: CK_OBJECT_HANDLE,
        template: Attributes,
        room: Room,
    ) -> Result<(Output, Option<CK_OBJECT_HANDLE>)> {
        let encapsulate = mechanism.encapsulate.as_ref().ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let key = self.key(Act::Encapsulate, mechanism, public_key)?;
        let draft = self.shared_secret(policy::encapsulated(&key, template)?)?;
        let len = (encapsulate.len)(&params, &key)?;
        match room {
            Room::Query => return Ok((Output::Length(len), None)),
            Room::Bytes(room) if room < len => return Ok((Output::TooSmall(len), None)),
            Room::Bytes(_) => {}
        }
        let (ciphertext, secret) = (encapsulate.run)(&params, &key)?;
        let handle = self.insert(finished(draft, secret)?)?;
        Ok((Output::Bytes(Secret::new(ciphertext)), Some(handle)))
    }

    /// `C_DecapsulateKey`
    pub fn decapsulate(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        private_key: CK_OBJECT_HANDLE,
        template: Attributes,
        ciphertext: &[u8],
    ) -> Result<CK_OBJECT_HANDLE> {
        let decapsulate = mechanism.decapsulate.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let key = self.key(Act::Decapsulate, mechanism, private_key)?;
        if key.always_authenticate() {
            return Err(Error::UserNotLoggedIn
                .because("CKA_ALWAYS_AUTHENTICATE, and C_DecapsulateKey has no step for it"));
        }
        let draft = self.shared_secret(policy::decapsulated(&key, template)?)?;
        let secret = decapsulate(&params, &key, ciphertext)?;
        self.insert(finished(draft, secret)?)
    }

    /// The draft of a shared secret, if it may be. One of which nobody says more is a generic one.
    fn shared_secret(&self, template: Attributes) -> Result<Draft> {
        let mut implied = Attributes::from_iter([(CKA_CLASS, Value::Ulong(CKO_SECRET_KEY))]);
        if !template.has(CKA_KEY_TYPE) {
            implied.set(CKA_KEY_TYPE, Value::Ulong(CKK_GENERIC_SECRET));
        }
        self.draft(Origin::Encapsulate, template, implied)
    }
}

fn finished(draft: Draft, secret: Secret) -> Result<Object> {
    draft.finish(Attributes::from_iter([(CKA_VALUE, Value::Bytes(secret))]))
}
