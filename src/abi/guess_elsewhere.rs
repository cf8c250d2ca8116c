//! Memory that may not be there, on systems that offer no way to ask: nothing is taken for a pointer.
use crate::ck::CK_ULONG;

/// Not known.
pub(super) fn ulong_at(_: usize) -> Option<CK_ULONG> {
    None
}

/// Not known.
pub(super) fn text_at(_: usize, _: usize) -> Option<Vec<u8>> {
    None
}
