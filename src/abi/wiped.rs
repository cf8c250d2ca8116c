//! A pointer that a forked child finds null (Linux, `MADV_WIPEONFORK`): what it points to is of the
//! process that set it, and that needs no system call to be known.
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The pointer, in a page of its own, or nowhere if the system has no such pages.
pub(super) struct Wiped<T: 'static>(Option<&'static AtomicPtr<T>>);

impl<T> Wiped<T> {
    /// Null at first.
    pub(super) fn new() -> Wiped<T> {
        Wiped(page())
    }

    /// What this process has set.
    pub(super) fn get(&self) -> Option<&'static T> {
        let found = self.0?.load(Ordering::Acquire);
        // SAFETY: null, or made of a `&'static T` by `set`, in this process or, where memory is
        // shared, in another thread of it.
        unsafe { found.as_ref() }
    }

    /// Remembers it for this process.
    pub(super) fn set(&self, value: &'static T) {
        if let Some(at) = self.0 {
            at.store(std::ptr::from_ref(value).cast_mut(), Ordering::Release);
        }
    }
}

/// A page of zeros that is never given back.
fn page<T>() -> Option<&'static AtomicPtr<T>> {
    let (len, flags) = (size_of::<AtomicPtr<T>>(), libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory, wherever the system likes.
    let at = unsafe { libc::mmap(null_mut(), len, access, flags, -1, 0) };
    if at == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page that was mapped above, and nothing else; there is no such advice.
    if unsafe { libc::madvise(at, len, -1) } == 0 {
        return None; // an emulator that takes any advice and heeds none
    }
    // SAFETY: the page that was mapped above, and nothing else.
    if unsafe { libc::madvise(at, len, libc::MADV_WIPEONFORK) } != 0 {
        return None; // before Linux 4.14; a page is lost, once
    }
    // SAFETY: a page is aligned for and larger than a pointer, zeros are a null one, and it stays
    // for ever.
    unsafe { at.cast::<AtomicPtr<T>>().as_ref() }
}

#[cfg(test)]
mod tests {
    use super::*;

    // That a child finds nothing is seen in tests/boundary/children.rs and tests/attack/forks.rs.
    #[test]
    fn what_was_set_is_there() {
        static VALUE: u8 = 7;
        let wiped = Wiped::new();
        assert_eq!(wiped.get(), None);
        wiped.set(&VALUE);
        assert_eq!(wiped.get(), Some(&7));
    }
}
