//! What objects look like: a row per class and key type, with the standard's footnotes as named flags.
//!
//! [`template`](super::template) reads these rows for every function that makes or changes an object.
mod attributes;
mod classes;

use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
pub use classes::CLASSES;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// The footnotes of PKCS#11 3.2 section 4.2, table "Common footnotes for object attribute tables".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// No footnote.
    pub const NONE: Flags = Flags(0);
    /// Footnote 1: must be given to `C_CreateObject`.
    pub const CREATE: Flags = Flags(1 << 1);
    /// Footnote 2: not the application's to give to `C_CreateObject`. A value equal to the one the
    /// token works out is let pass, as section 4.1.1 allows.
    pub const NOT_CREATE: Flags = Flags(1 << 2);
    /// Footnote 3: must be given to generate a key or key pair.
    pub const GENERATE: Flags = Flags(1 << 3);
    /// Footnote 4: must not be given to generate.
    pub const NOT_GENERATE: Flags = Flags(1 << 4);
    /// Footnote 5: must be given to `C_UnwrapKey`.
    pub const UNWRAP: Flags = Flags(1 << 5);
    /// Footnote 6: not the application's to give to `C_UnwrapKey`. A public value equal to the
    /// unwrapped one is let pass, as section 4.1.1 allows.
    pub const NOT_UNWRAP: Flags = Flags(1 << 6);
    /// Key material (footnote 7): not revealed if sensitive or not extractable; sealed apart.
    pub const MATERIAL: Flags = Flags(1 << 7);
    /// Footnote 8: `C_SetAttributeValue` and `C_CopyObject` may change it.
    pub const MODIFIABLE: Flags = Flags(1 << 8);
    /// Footnote 10: only the SO can set it to `CK_TRUE`. The gate looks.
    pub const SO_ONLY: Flags = Flags(1 << 10);
    /// Footnote 11: once `CK_TRUE`, it stays so.
    pub const STAYS_TRUE: Flags = Flags(1 << 11);
    /// Footnote 12: once `CK_FALSE`, it stays so.
    pub const STAYS_FALSE: Flags = Flags(1 << 12);
    /// Not a footnote, but said of some attributes: `C_CopyObject` may change it (section 4.4.1).
    pub const COPY: Flags = Flags(1 << 13);
    /// Footnotes 2, 4 and 6 together, and a value that the token alone knows: `CKR_ATTRIBUTE_READ_ONLY`.
    pub const TOKENS_OWN: Flags = Flags(1 << 14);

    /// These and `others`.
    pub const fn and(self, others: Flags) -> Flags {
        Flags(self.0 | others.0)
    }
    /// Whether all of `others` are among these.
    pub const fn has(self, others: Flags) -> bool {
        self.0 & others.0 == others.0
    }
}

/// What an attribute is if nobody says (footnote 9 where the choice is this token's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The object goes without it, or its value is worked out from the key.
    Absent,
    /// Always this.
    Bool(bool),
    /// This for unwrapped and (de)encapsulated keys, the contrary for all others: `CKA_EXTRACTABLE`.
    Unwrapped(bool),
    /// Whether keys of the type can do it at all ([`Class::can`]).
    Ability,
    /// `true` if the user makes the object: `CKA_PRIVATE` of private and secret keys.
    OfUser,
    /// An empty array.
    Empty,
    /// These bytes.
    Bytes(&'static [u8]),
    /// This number.
    Ulong(CK_ULONG),
}

/// One attribute of a class.
#[derive(Debug)]
pub struct Attribute {
    /// The `CKA_*` number.
    pub cka: CK_ATTRIBUTE_TYPE,
    /// Footnotes.
    pub flags: Flags,
    /// What it is if nobody says.
    pub default: Default,
}

/// How a key is put down in attributes and bytes. [`encode`](super::encode) has a file for each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Form {
    /// Not a key.
    None,
    /// A string of bytes in `CKA_VALUE`.
    Secret,
    RsaPublic,
    RsaPrivate,
    EcPublic,
    EcPrivate,
    EdwardsPublic,
    EdwardsPrivate,
    MontgomeryPublic,
    MontgomeryPrivate,
    MlDsaPublic,
    MlDsaPrivate,
    MlKemPublic,
    MlKemPrivate,
    SlhDsaPublic,
    SlhDsaPrivate,
}

impl Form {
    /// Whether it is the private half of a pair.
    pub fn is_private(self) -> bool {
        use Form::*;
        matches!(
            self,
            RsaPrivate
                | EcPrivate
                | EdwardsPrivate
                | MontgomeryPrivate
                | MlDsaPrivate
                | MlKemPrivate
                | SlhDsaPrivate
        )
    }
    /// Whether it is the public half of a pair.
    pub fn is_public(self) -> bool {
        use Form::*;
        matches!(
            self,
            RsaPublic
                | EcPublic
                | EdwardsPublic
                | MontgomeryPublic
                | MlDsaPublic
                | MlKemPublic
                | SlhDsaPublic
        )
    }
}

/// A row: objects of one class and, where the class has such, one key or certificate type.
#[derive(Debug)]
pub struct Class {
    /// `CKO_*`
    pub class: CK_OBJECT_CLASS,
    /// The attribute that tells types of the class apart, and the type.
    pub subtype: Option<(CK_ATTRIBUTE_TYPE, CK_ULONG)>,
    /// How such a key is put down.
    pub form: Form,
    /// The usage attributes that mean something for the type. Absent ones become `CK_TRUE`, but for
    /// `CKA_DERIVE`.
    pub can: &'static [CK_ATTRIBUTE_TYPE],
    /// Lengths in bytes that `CKA_VALUE` of a secret key can have.
    pub value_len: &'static [RangeInclusive<usize>],
    /// Attributes, in groups that classes share.
    pub groups: &'static [&'static [Attribute]],
    /// Whether the token has such objects of its own, and nobody else can make one.
    pub built_in: bool,
}

impl Class {
    /// The attributes that say what a key may be used for.
    pub const USAGES: [CK_ATTRIBUTE_TYPE; 11] = [
        CKA_ENCRYPT,
        CKA_DECRYPT,
        CKA_SIGN,
        CKA_SIGN_RECOVER,
        CKA_VERIFY,
        CKA_VERIFY_RECOVER,
        CKA_WRAP,
        CKA_UNWRAP,
        CKA_DERIVE,
        CKA_ENCAPSULATE,
        CKA_DECAPSULATE,
    ];

    /// The row for an object of these attributes. `CKR_TEMPLATE_INCOMPLETE` if they do not say what
    /// it is, `CKR_ATTRIBUTE_VALUE_INVALID` if the token has no such class or type.
    pub fn of(attributes: &Attributes) -> Result<&'static Class> {
        let class = attributes
            .ulong(CKA_CLASS)
            .ok_or_else(|| Error::TemplateIncomplete.because("CKA_CLASS"))?;
        let mut missing = Error::AttributeValueInvalid;
        for row in CLASSES.iter().filter(|row| row.class == class) {
            match row.subtype.map(|(cka, subtype)| (attributes.ulong(cka), subtype)) {
                None => return Ok(row),
                Some((None, _)) => missing = Error::TemplateIncomplete,
                Some((Some(given), subtype)) if given == subtype => return Ok(row),
                Some(_) => {}
            }
        }
        Err(missing
            .because(format_args!("object class 0x{class:x}, or its key or certificate type")))
    }
    /// All its attributes.
    pub fn attributes(&self) -> impl Iterator<Item = &'static Attribute> + use<> {
        self.groups.iter().copied().flatten()
    }
    /// The attribute `cka` of this class, or `CKR_ATTRIBUTE_TYPE_INVALID`.
    pub fn attribute(&self, cka: CK_ATTRIBUTE_TYPE) -> Result<&'static Attribute> {
        self.attributes().find(|a| a.cka == cka).ok_or(Error::AttributeTypeInvalid)
    }
    /// Whether a secret key can have `len` bytes.
    pub fn takes_value_len(&self, len: usize) -> bool {
        self.value_len.iter().any(|lengths| lengths.contains(&len))
    }
}

/// Whether `cka` is key material in objects of `class`: `CKA_VALUE` of private and secret keys,
/// `CKA_PRIVATE_EXPONENT`, primes and CRT values.
pub fn is_material(class: CK_OBJECT_CLASS, cka: CK_ATTRIBUTE_TYPE) -> bool {
    /// What the table says, looked up once.
    static MATERIAL: LazyLock<BTreeSet<(CK_OBJECT_CLASS, CK_ATTRIBUTE_TYPE)>> =
        LazyLock::new(|| {
            let pairs = |row: &'static Class| row.attributes().map(|a| (row.class, a));
            let material = CLASSES.iter().flat_map(pairs);
            let material = material.filter(|(_, a)| a.flags.has(Flags::MATERIAL));
            material.map(|(class, a)| (class, a.cka)).collect()
        });
    MATERIAL.contains(&(class, cka))
}

/// The facts that a [`Default`] depends on.
#[derive(Clone, Copy, Debug)]
pub(in crate::object) struct Facts {
    /// The key is unwrapped, encapsulated or decapsulated.
    pub unwrapped: bool,
    /// The type of key can do it.
    pub can: bool,
    /// The user is logged in.
    pub of_user: bool,
}

impl Default {
    /// The value, if the object gets one.
    pub(in crate::object) fn value(self, facts: Facts) -> Option<Value> {
        Some(match self {
            Default::Absent => return None,
            Default::Bool(value) => Value::Bool(value),
            Default::Unwrapped(value) => Value::Bool(value == facts.unwrapped),
            Default::Ability => Value::Bool(facts.can),
            Default::OfUser => Value::Bool(facts.of_user),
            Default::Empty => Value::bytes(&[]),
            Default::Bytes(bytes) => Value::bytes(bytes),
            Default::Ulong(number) => Value::Ulong(number),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::attribute::{Kind, row};

    #[test]
    fn each_class_and_type_has_one_row_and_each_attribute_one_entry() {
        let rows: BTreeSet<_> = CLASSES.iter().map(|c| (c.class, c.subtype)).collect();
        assert_eq!(rows.len(), CLASSES.len());
        for class in CLASSES {
            let ckas: BTreeSet<_> = class.attributes().map(|a| a.cka).collect();
            assert_eq!(ckas.len(), class.attributes().count(), "{class:?}");
        }
    }

    #[test]
    fn defaults_are_of_the_kind_of_their_attribute() {
        for a in CLASSES.iter().flat_map(Class::attributes) {
            let kind = row(a.cka).unwrap().kind;
            let fits = match a.default {
                Default::Absent => true,
                Default::Bool(_) | Default::Unwrapped(_) | Default::Ability | Default::OfUser => {
                    kind == Kind::Bool
                }
                Default::Ulong(_) => kind == Kind::Ulong,
                Default::Empty => matches!(kind, Kind::Bytes | Kind::Text | Kind::Date),
                Default::Bytes(_) => matches!(kind, Kind::Bytes | Kind::BigInteger),
            };
            assert!(fits, "{}", row(a.cka).unwrap().name);
        }
    }

    #[test]
    fn footnotes_do_not_contradict_each_other() {
        for a in CLASSES.iter().flat_map(Class::attributes) {
            let name = row(a.cka).unwrap().name;
            for (must, must_not) in [
                (Flags::CREATE, Flags::NOT_CREATE),
                (Flags::GENERATE, Flags::NOT_GENERATE),
                (Flags::UNWRAP, Flags::NOT_UNWRAP),
                (Flags::TOKENS_OWN, Flags::MODIFIABLE),
                (Flags::MATERIAL, Flags::MODIFIABLE),
                (Flags::STAYS_TRUE, Flags::STAYS_FALSE),
                (Flags::GENERATE, Flags::TOKENS_OWN),
            ] {
                assert!(!(a.flags.has(must) && a.flags.has(must_not)), "{name}");
            }
            assert!(a.default == Default::Absent || !a.flags.has(Flags::GENERATE), "{name}");
            assert!(a.default == Default::Absent || !a.flags.has(Flags::TOKENS_OWN), "{name}");
        }
    }

    #[test]
    fn what_keys_can_do_are_usage_attributes_of_theirs() {
        for class in CLASSES {
            for cka in class.can {
                let default = class.attribute(*cka).unwrap().default;
                let derives = *cka == CKA_DERIVE && default == Default::Bool(false);
                assert!(default == Default::Ability || derives, "{class:?}");
            }
            assert_eq!(class.form == Form::Secret, !class.value_len.is_empty());
        }
    }

    #[test]
    fn values_are_material_in_keys_alone() {
        assert!(is_material(CKO_SECRET_KEY, CKA_VALUE));
        assert!(is_material(CKO_PRIVATE_KEY, CKA_VALUE));
        assert!(is_material(CKO_PRIVATE_KEY, CKA_COEFFICIENT));
        assert!(!is_material(CKO_DATA, CKA_VALUE));
        assert!(!is_material(CKO_CERTIFICATE, CKA_VALUE));
        assert!(!is_material(CKO_PRIVATE_KEY, CKA_MODULUS));
    }
}
