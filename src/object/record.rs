//! Attributes as stored bytes: versioned, independent of the machine's `CK_ULONG`.
use super::attribute::Attributes;
use crate::crypto::Secret;

/// The stored form of `attributes`.
pub fn encode(attributes: &Attributes) -> Secret {
    let _ = attributes;
    todo!()
}

/// The attributes of a stored form; `None` if it is malformed.
pub fn decode(bytes: &[u8]) -> Option<Attributes> {
    let _ = bytes;
    todo!()
}
