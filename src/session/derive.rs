//! Deriving keys: PKCS#11 3.2, section 5.18.5.
use super::Session;
use crate::ck::*;
use crate::error::{Error, Result};
use crate::mechanism::{Derive, DeriveMany, Derived, Mechanism, Params};
use crate::object::attribute::{Attributes, Value};
use crate::object::policy::{self, Act, Key};
use crate::object::template::Draft;

/// What `C_DeriveKey` yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derivation {
    /// Handles of the keys, or of the data object, in the mechanism's order.
    pub keys: Vec<CK_OBJECT_HANDLE>,
    /// What the application is told beside them.
    pub told: Vec<u8>,
}

impl Session {
    /// `C_DeriveKey`. A failure leaves no object behind.
    pub fn derive(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        base: CK_OBJECT_HANDLE,
        template: Attributes,
    ) -> Result<Derivation> {
        if mechanism.derive.is_none() && mechanism.derive_many.is_none() {
            return Err(Error::MechanismInvalid);
        }
        let mut params = self.params(mechanism, params)?;
        let act = match mechanism.derives {
            Derived::PublicHalf => Act::Publish,
            _ => Act::Derive,
        };
        let base = self.key(act, mechanism, base)?;
        let bases = self.bases(mechanism, &base, &mut params)?;
        match (mechanism.derive, &mechanism.derive_many) {
            (Some(derive), _) => self.derive_one(mechanism, derive, &params, &bases, template),
            (None, Some(derive)) => self.derive_many(mechanism, derive, &params, &bases, template),
            (None, None) => Err(Error::MechanismInvalid),
        }
    }

    fn derive_one(
        &self,
        mechanism: &Mechanism,
        derive: Derive,
        params: &Params,
        bases: &[Key],
        mut template: Attributes,
    ) -> Result<Derivation> {
        // data objects have no CKA_VALUE_LEN, but a derivation has to know
        let len = match mechanism.derives {
            Derived::Data => template.remove(CKA_VALUE_LEN),
            _ => None,
        };
        let draft = self.derived(mechanism, bases, template)?;
        let mut wanted = draft.attributes.clone();
        wanted.extend(len.into_iter().map(|len| (CKA_VALUE_LEN, len)).collect());
        let base = bases.first().ok_or(Error::KeyHandleInvalid)?;
        let contributed = derive(params, base, &wanted)?;
        let key = self.insert(draft.finish(contributed)?)?;
        Ok(Derivation { keys: vec![key], told: Vec::new() })
    }

    fn derive_many(
        &self,
        mechanism: &Mechanism,
        derive: &DeriveMany,
        params: &Params,
        bases: &[Key],
        template: Attributes,
    ) -> Result<Derivation> {
        // what a base key demands is to be in the template that the others are made from, too
        let template = demanded(bases, template)?;
        let drafts = (derive.templates)(params, template)?
            .into_iter()
            .map(|template| self.derived(mechanism, bases, template))
            .collect::<Result<Vec<_>>>()?;
        let base = bases.first().ok_or(Error::KeyHandleInvalid)?;
        let wanted: Vec<_> = drafts.iter().map(|draft| draft.attributes.clone()).collect();
        let made = (derive.run)(params, base, &wanted)?;
        if made.keys.len() != drafts.len() {
            return Err(Error::GeneralError.because("other keys than templates"));
        }
        let finish = drafts.into_iter().zip(made.keys).map(|(draft, key)| draft.finish(key));
        let keys = self.token.insert(self.handle, finish.collect::<Result<Vec<_>>>()?)?;
        Ok(Derivation { keys, told: made.told })
    }

    /// The draft of an object to be derived, if it may be.
    fn derived(&self, mechanism: &Mechanism, bases: &[Key], template: Attributes) -> Result<Draft> {
        let template = demanded(bases, classed(mechanism, template)?)?;
        let template = match (mechanism.derives, bases) {
            (Derived::Key | Derived::Data | Derived::PublicHalf, _) => template,
            (Derived::Bytes, _) => policy::kept_hidden(bases, template)?,
            (Derived::Inheriting, [base, ..]) => policy::inheriting(base, template),
            (Derived::Hidden, [base, ..]) => {
                policy::inheriting(base, policy::as_hidden(bases, template)?)
            }
            (Derived::Alike, [base, ..]) => policy::alike(base, template)?,
            (Derived::Inheriting | Derived::Hidden | Derived::Alike, []) => {
                return Err(Error::KeyHandleInvalid);
            }
        };
        let implied = implied(mechanism, bases, &template);
        self.draft(policy::descent(bases), template, implied)
    }

    /// All keys that a derivation starts from: the base key and those that its parameter names.
    fn bases(&self, mechanism: &Mechanism, base: &Key, params: &mut Params) -> Result<Vec<Key>> {
        let mut bases = vec![base.clone()];
        for other in params.other_keys() {
            let key = self.key(Act::Derive, mechanism, other.handle())?;
            other.permitted(key.clone());
            bases.push(key);
        }
        let secret = mechanism.derives != Derived::PublicHalf;
        if secret && bases.iter().any(Key::always_authenticate) {
            return Err(Error::UserNotLoggedIn
                .because("CKA_ALWAYS_AUTHENTICATE, and C_DeriveKey has no step for it"));
        }
        Ok(bases)
    }
}

/// The template with the class of a data object. A base key hands its templates on to keys only.
fn classed(mechanism: &Mechanism, mut template: Attributes) -> Result<Attributes> {
    if mechanism.derives == Derived::Data {
        template.add(CKA_CLASS, Value::Ulong(CKO_DATA))?;
    }
    Ok(template)
}

/// The template with what the base keys demand.
fn demanded(bases: &[Key], template: Attributes) -> Result<Attributes> {
    bases.iter().try_fold(template, |template, base| policy::derived(base, template))
}

/// Returns what a derivation says about its object: the class, and for public keys the type. Secret keys
/// default to `CKK_GENERIC_SECRET`.
fn implied(mechanism: &Mechanism, bases: &[Key], template: &Attributes) -> Attributes {
    let class = match mechanism.derives {
        Derived::Data => CKO_DATA,
        Derived::PublicHalf => CKO_PUBLIC_KEY,
        _ => CKO_SECRET_KEY,
    };
    let mut implied = Attributes::from_iter([(CKA_CLASS, Value::Ulong(class))]);
    if class == CKO_PUBLIC_KEY
        && let Some(key_type) = bases.first().and_then(|base| base.attributes().value(CKA_KEY_TYPE))
    {
        implied.set(CKA_KEY_TYPE, key_type.clone());
    }
    if class == CKO_SECRET_KEY && !template.has(CKA_KEY_TYPE) {
        implied.set(CKA_KEY_TYPE, Value::Ulong(CKK_GENERIC_SECRET));
    }
    implied
}
