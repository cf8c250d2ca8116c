//! Rights of keys: the attributes that say what a key may do, PKCS#11 3.2 sections 4.7 to 4.10.
//!
//! Many modules grant a right that a template leaves out. So templates of new keys name every
//! right of their class, granted or not.
use super::template::Raw;
use super::{Result, Session, Template};
use crate::ck::*;

/// One attribute that says what a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// `CKA_*`
    pub cka: CK_ATTRIBUTE_TYPE,
    /// Its name, in small letters and without `CKA_`.
    pub name: &'static str,
    /// The classes of keys that have it.
    classes: &'static [CK_OBJECT_CLASS],
    known: Known,
}

/// Which modules know an attribute in a template of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All of them.
    Everywhere,
    /// Some refuse it (`CKR_ATTRIBUTE_TYPE_INVALID`), and have no such function.
    Mostly,
    /// Those of PKCS#11 3.2 that encapsulate keys.
    Encapsulating,
}

const PUBLIC: CK_OBJECT_CLASS = CKO_PUBLIC_KEY;
const PRIVATE: CK_OBJECT_CLASS = CKO_PRIVATE_KEY;
const SECRET: CK_OBJECT_CLASS = CKO_SECRET_KEY;

/// Every right there is.
pub const RIGHTS: [Right; 11] = [
    right(CKA_SIGN, "sign", &[PRIVATE, SECRET], Known::Everywhere),
    right(CKA_SIGN_RECOVER, "sign_recover", &[PRIVATE], Known::Mostly),
    right(CKA_VERIFY, "verify", &[PUBLIC, SECRET], Known::Everywhere),
    right(CKA_VERIFY_RECOVER, "verify_recover", &[PUBLIC], Known::Mostly),
    right(CKA_ENCRYPT, "encrypt", &[PUBLIC, SECRET], Known::Everywhere),
    right(CKA_DECRYPT, "decrypt", &[PRIVATE, SECRET], Known::Everywhere),
    right(CKA_WRAP, "wrap", &[PUBLIC, SECRET], Known::Everywhere),
    right(CKA_UNWRAP, "unwrap", &[PRIVATE, SECRET], Known::Everywhere),
    right(CKA_DERIVE, "derive", &[PUBLIC, PRIVATE, SECRET], Known::Everywhere),
    right(CKA_ENCAPSULATE, "encapsulate", &[PUBLIC], Known::Encapsulating),
    right(CKA_DECAPSULATE, "decapsulate", &[PRIVATE], Known::Encapsulating),
];

const fn right(
    cka: CK_ATTRIBUTE_TYPE,
    name: &'static str,
    classes: &'static [CK_OBJECT_CLASS],
    known: Known,
) -> Right {
    Right { cka, name, classes, known }
}

impl Right {
    /// Returns every right of a class of keys.
    pub fn of(class: CK_OBJECT_CLASS) -> impl Iterator<Item = &'static Right> {
        RIGHTS.iter().filter(move |right| right.classes.contains(&class))
    }

    /// Returns every right of a class, and whether it is among those granted.
    pub fn granted(
        class: CK_OBJECT_CLASS,
        granted: &[CK_ATTRIBUTE_TYPE],
    ) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, bool)> {
        Right::of(class).map(|right| (right.cka, granted.contains(&right.cka)))
    }

    fn known_in(&self, class: CK_OBJECT_CLASS) -> Known {
        match (self.cka, class) {
            // some modules have it in private and secret keys only
            (CKA_DERIVE, PUBLIC) => Known::Mostly,
            _ => self.known,
        }
    }
}

impl Template {
    /// With every right of the class: TRUE for those granted, FALSE for all others.
    #[must_use]
    pub fn rights(self, class: CK_OBJECT_CLASS, granted: &[CK_ATTRIBUTE_TYPE]) -> Template {
        Right::of(class).fold(self, |template, right| {
            let is = granted.contains(&right.cka);
            let known = if is { Known::Everywhere } else { right.known_in(class) };
            template.known(right.cka, is, known)
        })
    }
}

impl Session {
    /// Calls a function with the C arrays of templates. Rights that are denied are left out where the module does not
    /// know them.
    pub(super) fn with<T, const N: usize>(
        &self,
        templates: [&Template; N],
        mut call: impl FnMut([Raw; N]) -> Result<T>,
    ) -> Result<T> {
        let raw = |most| templates.map(|template| template.raw(most));
        if templates.iter().all(|template| template.is_known_everywhere()) {
            return call(raw(Known::Everywhere));
        }
        let most = if self.encapsulates() { Known::Encapsulating } else { Known::Mostly };
        match call(raw(most)) {
            Err(error) if error.is(CKR_ATTRIBUTE_TYPE_INVALID) => call(raw(Known::Everywhere)),
            answer => answer,
        }
    }

    /// Returns `true` if the token has a mechanism that encapsulates, and so knows the rights for it.
    fn encapsulates(&self) -> bool {
        let flags = CKF_ENCAPSULATE | CKF_DECAPSULATE;
        let info = self.module.mechanism(self.slot(), CKM_ML_KEM);
        info.is_some_and(|(offered, _)| offered & flags != 0)
    }
}

impl Known {
    /// Returns `true` if it is named where attributes are known as widely as this.
    pub(super) fn is_at_most(self, most: Known) -> bool {
        let rank = |known| match known {
            Known::Everywhere => 0,
            Known::Mostly => 1,
            Known::Encapsulating => 2,
        };
        rank(self) <= rank(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_of_a_class_is_named_once() {
        for (class, count) in [(PUBLIC, 6), (PRIVATE, 6), (SECRET, 7)] {
            let raw = Template::default().rights(class, &[]).raw(Known::Encapsulating);
            let named: std::collections::BTreeSet<_> = raw.iter().map(|row| row.type_).collect();
            assert_eq!((raw.len(), named.len()), (count, count));
            assert!(Right::granted(class, &[CKA_SIGN]).all(|(cka, is)| is == (cka == CKA_SIGN)));
        }
    }

    #[test]
    fn granted_rights_are_named_in_every_module() {
        let recover = Template::default().rights(PRIVATE, &[CKA_SIGN_RECOVER, CKA_DECAPSULATE]);
        let named: Vec<_> = recover.raw(Known::Everywhere).iter().map(|row| row.type_).collect();
        assert!(named.contains(&CKA_SIGN_RECOVER) && named.contains(&CKA_DECAPSULATE));
        let denied = Template::default().rights(PRIVATE, &[]).raw(Known::Everywhere);
        assert!(denied.iter().all(|row| row.type_ != CKA_SIGN_RECOVER));
    }
}
