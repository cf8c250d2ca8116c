//! Calls through a module's function list, and the two-call convention for outputs.
use super::Result;
use crate::ck::*;

/// Calls a function of the list: `call!(list, C_Login(session, …))`. Pointers among the arguments
/// must be valid for the length that stands next to them until the call returns.
macro_rules! call {
    ($list:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $list.$name {
            None => Err($crate::client::Error::Absent(stringify!($name))),
            Some(function) => {
                // SAFETY: the function comes from the list of a loaded module, which stays loaded
                // as long as the list is borrowed; every caller of this macro passes pointers to
                // live memory of the length it states, or null where the standard allows it.
                let rv = unsafe { function($($argument),*) };
                $crate::client::Error::check(stringify!($name), rv)
            }
        }
    };
}
pub(super) use call;

/// The length of a Rust buffer for the module.
pub(super) fn ulong(len: usize) -> CK_ULONG {
    CK_ULONG::try_from(len).unwrap_or(CK_ULONG::MAX)
}

/// The pointer to pass for bytes that are only read. The C signatures have no `const`.
pub(super) fn input(bytes: &[u8]) -> *mut CK_BYTE {
    bytes.as_ptr().cast_mut()
}

/// Longest output that is fetched, in bytes. A module that asks for more is broken.
const LIMIT: usize = 64 * 1024 * 1024;

/// Asks for the size, then for the bytes, and cuts to the length of the second answer.
pub(super) fn two_calls(
    mut function: impl FnMut(*mut CK_BYTE, *mut CK_ULONG) -> Result<()>,
) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let mut len: CK_ULONG = 0;
    function(std::ptr::null_mut(), &mut len)?;
    let size = usize::try_from(len).unwrap_or(usize::MAX);
    if size > LIMIT {
        return Err(super::Error::Unusable(format!(
            "the module asks for a buffer of {len} bytes, which nothing needs; use another, such as keyferry's own"
        )));
    }
    let mut buffer = zeroize::Zeroizing::new(vec![0; size]);
    function(buffer.as_mut_ptr(), &mut len)?;
    buffer.truncate(usize::try_from(len).unwrap_or(usize::MAX));
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_length_counts() {
        let mut lens = [10, 7].into_iter();
        let bytes = two_calls(|_, len| {
            // SAFETY: `two_calls` passes its own live length
            unsafe { len.write(lens.next().unwrap()) };
            Ok(())
        });
        assert_eq!(bytes.unwrap().len(), 7);
    }

    #[test]
    fn absurd_lengths_allocate_nothing() {
        let answer = two_calls(|_, len| {
            // SAFETY: `two_calls` passes its own live length
            unsafe { len.write(CK_ULONG::MAX) };
            Ok(())
        });
        assert!(answer.is_err());
    }
}
