//! PKCS #7 padding (RFC 5652 section 6.3), taken off in a time that does not tell what it was.
use crate::crypto::Secret;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};

/// Content and padding: as many bytes as each of them says, 1 to `block`.
pub fn add(content: &[u8], block: u8) -> Secret {
    let len = usize::from(block);
    let missing = len - content.len() % len;
    let fill = u8::try_from(missing).unwrap_or(block);
    let mut padded = Secret::new(Vec::with_capacity(content.len() + missing));
    padded.extend_from_slice(content);
    padded.extend(std::iter::repeat_n(fill, missing));
    padded
}

/// What is left of whole blocks of `block` bytes without their padding; none if it is not one.
pub fn strip(padded: &[u8], block: usize) -> Option<&[u8]> {
    let fill = *padded.last()?;
    let mut good = fill.ct_gt(&0) & !fill.ct_gt(&u8::try_from(block).ok()?);
    for (n, byte) in (0u8..).zip(padded.iter().rev().take(block)) {
        let inside: Choice = n.ct_lt(&fill);
        good &= !inside | byte.ct_eq(&fill);
    }
    if !bool::from(good) {
        return None;
    }
    padded.get(..padded.len().checked_sub(usize::from(fill))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_comes_off() {
        for block in [8, 16] {
            for len in 0..40 {
                let content = vec![3; len];
                let padded = add(&content, block);
                assert!(padded.len() > len && padded.len().is_multiple_of(usize::from(block)));
                assert_eq!(strip(&padded, usize::from(block)), Some(&content[..]));
            }
        }
    }

    #[test]
    fn wrong_padding() {
        assert_eq!(strip(&[], 16), None);
        for last in [0, 9, 255] {
            assert_eq!(strip(&[last; 8], 8), None, "{last}");
        }
        assert_eq!(strip(&[9, 9, 9, 9, 9, 3, 4, 4], 8), None);
        assert_eq!(strip(&[4, 3, 4, 4], 4), None);
        assert_eq!(strip(&[8; 4], 8), None, "longer than the content");
    }
}
