//! Memory of this process that may not be there (Linux): the kernel reads it, and says so.
//!
//! For numbers that are pointers only if the application means them to be.
use crate::ck::CK_ULONG;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The number at `address`, if there is memory.
pub(super) fn ulong_at(address: usize) -> Option<CK_ULONG> {
    let mut bytes = [0; size_of::<CK_ULONG>()];
    let memory = File::open("/proc/self/mem").ok()?;
    memory.read_exact_at(&mut bytes, u64::try_from(address).ok()?).ok()?;
    Some(CK_ULONG::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_not() {
        let number: CK_ULONG = 0x0102_0304;
        assert_eq!(ulong_at(std::ptr::from_ref(&number).addr()), Some(number));
        for nowhere in [0, 1 << 40, usize::MAX - 7] {
            assert_eq!(ulong_at(nowhere), None);
        }
    }
}
