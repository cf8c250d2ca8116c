//! Input and the place for what comes of it, in memory that is not ours: apart, overlapping, or one and
//! the same (PKCS#11 3.2 section 5.2 allows all of that).
//!
//! What is written there is written by the library through pointers. No reference to the place is ever
//! formed, and one to the input lives only while nothing is written, which the borrow checker sees to.
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// The input of a call and the room for its output.
#[derive(Debug)]
pub struct Exchange<'a> {
    from: *const u8,
    len: usize,
    to: *mut u8,
    room: usize,
    memory: PhantomData<&'a mut [u8]>,
}

/// Bytes and the place for as many others, apart or the same memory.
#[derive(Debug)]
pub struct InOut<'a> {
    from: *const u8,
    to: *mut u8,
    len: usize,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Exchange<'a> {
    /// # Safety
    /// For `'a`: `len` bytes at `from` can be read, unless there are none; as many bytes as the output
    /// has, but no more than `room`, can be written at `to`; nobody else writes to either or holds
    /// a reference to either.
    pub unsafe fn new(from: *const u8, len: usize, to: *mut u8, room: usize) -> Exchange<'a> {
        Exchange { from, len, to, room, memory: PhantomData }
    }

    /// Input alone: its output goes elsewhere.
    pub fn of(input: &'a [u8]) -> Exchange<'a> {
        let (from, len) = (input.as_ptr(), input.len());
        Exchange { from, len, to: std::ptr::null_mut(), room: 0, memory: PhantomData }
    }

    /// Length of the input.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no input.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The input, as it is now: what went [straight](Self::straight) to where it came from is output.
    pub fn input(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: as many bytes as `new` was told of, or those of the slice of `of`. Whoever writes
        // has the exchange borrowed as mutable.
        unsafe { std::slice::from_raw_parts(self.from, self.len) }
    }

    /// The first `len` bytes of the input and their place at the beginning of the output, which will
    /// have `total` bytes in all. None if these have no room, or if their place overlaps the
    /// input and is not the same: then input that is still to be read would be lost.
    pub fn straight(&mut self, len: usize, total: usize) -> Option<InOut<'_>> {
        let Exchange { from, to, .. } = *self;
        let behind_input = from.addr().checked_add(self.len)?;
        let behind_output = to.addr().checked_add(total)?;
        let apart = behind_input <= to.addr() || behind_output <= from.addr();
        let fits = (1..=self.len.min(total)).contains(&len) && total <= self.room;
        let same = from.addr() == to.addr();
        (fits && (apart || same)).then_some(InOut { from, to, len, memory: PhantomData })
    }
}

impl<'a> InOut<'a> {
    /// Bytes, and memory of our own for as many others at most.
    pub(in crate::crypto) fn apart(from: &'a [u8], to: &'a mut [MaybeUninit<u8>]) -> InOut<'a> {
        let len = from.len().min(to.len());
        InOut { from: from.as_ptr(), to: to.as_mut_ptr().cast(), len, memory: PhantomData }
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first `at` bytes, and the others. Neither's place is where the other's bytes are.
    pub fn split(self, at: usize) -> (InOut<'a>, InOut<'a>) {
        let InOut { from, to, len, memory } = self;
        let at = at.min(len);
        let behind =
            InOut { from: from.wrapping_add(at), to: to.wrapping_add(at), len: len - at, memory };
        (InOut { from, to, len: at, memory }, behind)
    }

    /// For the library: the bytes and their place. They are good for [`Self::len`] bytes.
    pub(super) fn pointers(&self) -> (*const u8, *mut u8) {
        (self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `len` of 16 bytes at `from` in some memory may go straight to `to`.
    fn goes(from: usize, to: usize, (len, total, room): (usize, usize, usize)) -> bool {
        let mut memory = [0u8; 64];
        let at = memory.as_mut_ptr();
        // SAFETY: all of it is within the array, which nobody else uses.
        let mut exchange =
            unsafe { Exchange::new(at.wrapping_add(from), 16, at.wrapping_add(to), room) };
        exchange.straight(len, total).is_some_and(|bytes| bytes.len() == len)
    }

    #[test]
    fn what_is_apart_or_the_same_goes_straight() {
        for from in [0, 20, 40] {
            for to in 0..40 {
                for total in [16, 17, 24] {
                    let apart = to >= from + 16 || to + total <= from;
                    assert_eq!(goes(from, to, (16, total, 24)), apart || to == from);
                }
            }
        }
    }

    #[test]
    fn what_has_no_room_does_not() {
        assert!(goes(0, 20, (16, 16, 16)));
        assert!(!goes(0, 20, (16, 17, 16)));
        assert!(!goes(0, 20, (17, 17, 20)), "more than there is");
        assert!(!goes(0, 20, (0, 16, 16)), "nothing");
        assert!(!goes(0, 20, (16, usize::MAX, usize::MAX)));
        assert!(Exchange::of(&[1; 16]).straight(16, 16).is_none());
        assert!(Exchange::of(&[]).straight(0, 0).is_none());
        assert_eq!(Exchange::of(&[1, 2]).input(), [1, 2]);
    }

    #[test]
    fn halves_are_where_they_belong() {
        let mut room = [MaybeUninit::uninit(); 5];
        let both = InOut::apart(&[1, 2, 3], &mut room);
        let (from, to) = both.pointers();
        let (one, other) = both.split(2);
        assert_eq!((one.len(), other.len(), one.pointers()), (2, 1, (from, to)));
        assert_eq!(other.pointers(), (from.wrapping_add(2), to.wrapping_add(2)));
        let (one, other) = other.split(9);
        assert_eq!((one.len(), other.is_empty()), (1, true));
    }
}
