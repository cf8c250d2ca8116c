//! One engine that reads [`class`](super::class) for create, generate, derive, unwrap, copy and set.
use super::Object;
use super::attribute::Attributes;
use crate::ck::*;
use crate::error::Result;

/// How an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `C_CreateObject`
    Create,
    /// `C_GenerateKey`, `C_GenerateKeyPair`
    Generate(CK_MECHANISM_TYPE),
    /// `C_UnwrapKey`
    Unwrap,
    /// `C_DeriveKey`; whether the base key was always sensitive and never extractable.
    #[allow(missing_docs)]
    Derive { always_sensitive: bool, never_extractable: bool },
}

/// A template that has been read against its class: what the application asked for, complete with
/// defaults. Policy can ask it about attributes before any key is made.
#[derive(Debug)]
pub struct Draft {
    /// Asked for and defaulted attributes, without what the mechanism or encoding will contribute.
    pub attributes: Attributes,
    origin: Origin,
}

/// Reads `template` for an object of `origin`. `implied` holds what the mechanism already decides
/// (class, key type): a template may repeat it, contradict it not (`CKR_TEMPLATE_INCONSISTENT`).
pub fn draft(origin: Origin, template: Attributes, implied: Attributes) -> Result<Draft> {
    let _ = (origin, template, implied);
    todo!()
}

impl Draft {
    /// The finished object: the draft, plus `contributed` (values from generation or decoding),
    /// plus the token's own attributes (`CKA_LOCAL`, `CKA_ALWAYS_SENSITIVE`, `CKA_UNIQUE_ID`,
    /// `CKA_CHECK_VALUE`, …). Checks that the key is sound: sizes, points, RSA numbers.
    pub fn finish(self, contributed: Attributes) -> Result<Object> {
        let _ = contributed;
        todo!()
    }
}

/// The attributes `C_SetAttributeValue` would change, checked: modifiable, not read-only, sticky.
pub fn change(object: &Object, template: Attributes) -> Result<Attributes> {
    let _ = (object, template);
    todo!()
}

/// The object `C_CopyObject` makes. Its material must be open.
pub fn copy(object: &Object, template: Attributes) -> Result<Object> {
    let _ = (object, template);
    todo!()
}
