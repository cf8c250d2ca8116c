//! What objects look like: a row per class and key type, with the standard's footnotes as named flags.
use crate::ck::*;
use crate::object::attribute::Value;

/// The footnotes of PKCS#11 3.2, table "Common footnotes for object attribute tables".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// Key material (footnote 7): not revealed if sensitive or not extractable; sealed apart.
    pub const MATERIAL: Flags = Flags(1 << 7);
}

/// One attribute of a class.
#[derive(Debug)]
pub struct Attribute {
    /// The `CKA_*` number.
    pub cka: CK_ATTRIBUTE_TYPE,
    /// Footnotes.
    pub flags: Flags,
    /// What it is if nobody says.
    pub default: Option<Value>,
}

/// Whether `cka` is key material in some class that has it: `CKA_VALUE` of keys,
/// `CKA_PRIVATE_EXPONENT`, primes and CRT values.
pub fn is_material(class: CK_OBJECT_CLASS, cka: CK_ATTRIBUTE_TYPE) -> bool {
    let _ = (class, cka);
    todo!()
}
