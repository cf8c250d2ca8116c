//! Memory of this process that may not be there (Unix): the kernel reads it, and says so.
//!
//! For numbers that are pointers only if the application means them to be, and for pointers to text
//! of which the standard says nothing.
use crate::ck::CK_ULONG;
use std::io::{Read, pipe};
use std::os::fd::AsRawFd;
use std::ptr::with_exposed_provenance;

/// No system has smaller pages, and every page is a multiple of it.
const PAGE: usize = 4096;

/// The number at `address`, if there is memory.
pub(super) fn ulong_at(address: usize) -> Option<CK_ULONG> {
    let mut bytes = [0; size_of::<CK_ULONG>()];
    copy(address, &mut bytes)?;
    Some(CK_ULONG::from_ne_bytes(bytes))
}

/// The text at `address` up to its NUL, if there is memory, and a NUL among the first `longest` bytes.
/// Nothing of a page behind the NUL's is looked at.
pub(super) fn text_at(address: usize, longest: usize) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while text.len() < longest {
        let at = address.checked_add(text.len())?;
        let len = (PAGE - at % PAGE).min(longest - text.len());
        let mut part = vec![0; len];
        copy(at, &mut part)?;
        let end = part.iter().position(|byte| *byte == 0);
        text.extend(part.into_iter().take(end.unwrap_or(len)));
        if end.is_some() {
            return Some(text);
        }
    }
    None
}

/// Copies what is at `address`, at most a page, if all of it can be read. A pipe takes so much at once
/// and is there in every sandbox, which `/proc` and `process_vm_readv` are not.
fn copy(address: usize, to: &mut [u8]) -> Option<()> {
    let (mut reader, writer) = pipe().ok()?;
    let at = with_exposed_provenance::<libc::c_void>(address);
    // SAFETY: the kernel checks the memory before it reads, and answers EFAULT where there is none.
    let written = unsafe { libc::write(writer.as_raw_fd(), at, to.len()) };
    if usize::try_from(written) != Ok(to.len()) {
        return None;
    }
    reader.read_exact(to).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_only_where_there_is_memory() {
        let number: CK_ULONG = 0x0102_0304;
        assert_eq!(ulong_at(std::ptr::from_ref(&number).expose_provenance()), Some(number));
        for nowhere in [0, 1, 1 << 40, usize::MAX - 7, usize::MAX] {
            assert_eq!(ulong_at(nowhere), None);
        }
    }

    #[test]
    fn a_text_ends_at_its_nul_or_is_none() {
        let mut memory = vec![b'a'; 3 * PAGE];
        let address = memory.as_ptr().expose_provenance();
        assert_eq!(text_at(address, 2 * PAGE), None);
        for end in [0, 1, PAGE - 1, PAGE, 2 * PAGE - 1] {
            memory[end] = 0;
            assert_eq!(text_at(address, 2 * PAGE), Some(vec![b'a'; end]));
            memory[end] = b'a';
        }
        for nowhere in [0, 1, 1 << 40, usize::MAX] {
            assert_eq!(text_at(nowhere, PAGE), None);
        }
    }
}
