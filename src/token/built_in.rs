//! The objects that every token has and nobody made: the profiles it is of, its mechanisms, its
//! clock. They are worked out, not stored; nobody changes, copies or destroys them.
//!
//! There is no validation object (PKCS#11 3.2 section 4.15). Each one names a third-party validation that
//! "the module conforms to", with its version, level and the name of the module in its documentation. The
//! section has no value for "none", so an object with empty fields would still claim a validation:
//! programs look for the class. No object is the standard's way to say that nothing is validated;
//! `C_GetSessionValidationFlags` answers 0, and no key has `CKA_OBJECT_VALIDATION_FLAGS`.
use super::clock::utc_time;
use super::{Shared, Token};
use crate::ck::*;
use crate::config::Config;
use crate::error::Result;
use crate::mechanism::MECHANISMS;
use crate::object::attribute::{Attributes, Value};
use crate::object::{Object, index};
use std::sync::Arc;
use std::time::SystemTime;

/// A built-in object, where it is found, and of which class it is.
pub(super) type Placed = (CK_OBJECT_HANDLE, CK_OBJECT_CLASS, Arc<Object>);

/// The profiles of "PKCS #11 Profiles 3.2" whose conditions are met.
///
/// Two are left out on purpose. `CKP_AUTHENTICATION_TOKEN` makes NSS ask for the PIN as soon as it
/// starts, and `CKP_PUBLIC_CERTIFICATES_TOKEN` promises that certificates are public and share the
/// `CKA_ID` of their keys, which is for applications to say.
const PROFILES: [(CK_PROFILE_ID, &str); 3] = [
    (CKP_BASELINE_PROVIDER, "Baseline Provider"),
    (CKP_EXTENDED_PROVIDER, "Extended Provider"),
    (CKP_HKDF_TLS_TOKEN, "HKDF TLS Token"),
];

/// The classes of built-in objects.
const CLASSES: [CK_OBJECT_CLASS; 3] = [CKO_PROFILE, CKO_MECHANISM, CKO_HW_FEATURE];

impl Token {
    /// The built-in object at `handle`.
    pub(super) fn built_in(&self, handle: CK_OBJECT_HANDLE) -> Option<Arc<Object>> {
        // nobody has a handle of one before the first search
        let all = self.built_in.get()?;
        let at = all.binary_search_by_key(&handle, |(handle, ..)| *handle).ok()?;
        all.get(at).map(|(.., object)| today(object))
    }

    /// Handles of the built-in objects that match `template`. Mechanisms and the clock are for
    /// those who ask for their class: they would puzzle programs that look at everything (PKCS#11
    /// 2.40, sections 4.3 and 4.12). Profiles are like any other object.
    pub(super) fn search_built_in(&self, template: &Attributes) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let asked = template.ulong(CKA_CLASS);
        if asked.is_some_and(|class| !CLASSES.contains(&class)) {
            return Ok(Vec::new());
        }
        let all = self.built_in.get_or_try_init(|| {
            let objects = all(&self.shared.config).into_iter();
            let place = |object: Object| Ok((Shared::new_handle()?, object.class(), object.into()));
            objects.map(place).collect()
        })?;
        let seen = all
            .iter()
            .filter(|(_, class, _)| *class == asked.unwrap_or(CKO_PROFILE))
            .filter(|(_, class, object)| match *class {
                CKO_HW_FEATURE => index::matches(&today(object), template),
                // without a count of references, on which all threads would meet
                _ => index::matches(object, template),
            });
        Ok(seen.map(|(handle, ..)| *handle).collect())
    }
}

/// All of them. The clock stands still.
fn all(config: &Config) -> Vec<Object> {
    let profiles = PROFILES.iter().map(|(id, name)| {
        let unique = format!("profile {id}");
        object(CKO_PROFILE, name, &unique, CKA_PROFILE_ID, *id)
    });
    let wanted = MECHANISMS.iter().filter(|m| m.wanted(config).is_ok());
    let mechanisms = wanted.map(|m| {
        let unique = format!("mechanism 0x{:08X}", m.ckm);
        object(CKO_MECHANISM, m.name, &unique, CKA_MECHANISM_TYPE, m.ckm)
    });
    let clock = object(CKO_HW_FEATURE, "clock", "clock", CKA_HW_FEATURE_TYPE, CKH_CLOCK);
    profiles.chain(mechanisms).chain([clock]).collect()
}

fn object(
    class: CK_OBJECT_CLASS,
    label: &str,
    unique: &str,
    of: CK_ATTRIBUTE_TYPE,
    number: CK_ULONG,
) -> Object {
    let no = || Value::Bool(false);
    Object::new(Attributes::from_iter([
        (CKA_CLASS, Value::Ulong(class)),
        (CKA_TOKEN, Value::Bool(true)),
        (CKA_PRIVATE, no()),
        (CKA_MODIFIABLE, no()),
        (CKA_COPYABLE, no()),
        (CKA_DESTROYABLE, no()),
        (CKA_LABEL, Value::bytes(label.as_bytes())),
        (CKA_UNIQUE_ID, Value::bytes(unique.as_bytes())),
        (of, Value::Ulong(number)),
    ]))
}

/// The object as it is now: the clock with the time (section 4.3.3).
fn today(object: &Arc<Object>) -> Arc<Object> {
    if object.class() != CKO_HW_FEATURE {
        return object.clone();
    }
    let time = Value::bytes(&utc_time(SystemTime::now()));
    Arc::new(object.with(Attributes::from_iter([(CKA_VALUE, time)])))
}
