//! The application's memory, seen from inside one call.
//!
//! The methods of [`Caller`], [`Place`] and [`Output`] are the only code of this crate that reads
//! or writes it, with ciphers that put their output where it belongs ([`Exchange`]). They are sound by one rule: a pointer given to them is an argument of the C call in
//! progress, or a field of a structure that such an argument points to. Input and output may be the
//! same memory (PKCS#11 3.2 section 5.2 lets them), so output goes through raw pointers, after the
//! last use of the input; of an [`Exchange`] earlier, where both are apart or the very same.
use crate::ck::*;
use crate::crypto::Exchange;
use crate::error::{Error, Result};
use crate::session::{self, Room};
use std::marker::PhantomData;
use std::{ptr, slice};

/// The application on the other side of the boundary, for the length of one call.
pub(super) struct Caller<'call>(PhantomData<&'call ()>);

/// C types that any bytes are a value of.
///
/// # Safety
/// Every bit pattern is a value; a function pointer, if present, is only compared with NULL.
pub(super) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($ty:ty),* $(,)?) => {$(
        // SAFETY: integers, pointers and structures of them.
        unsafe impl Plain for $ty {}
    )*};
}
plain! {
    u8, CK_ULONG, [u8; 32], CK_ATTRIBUTE, CK_MECHANISM, CK_VERSION, CK_INTERFACE,
    *mut CK_FUNCTION_LIST, *mut CK_INTERFACE, CK_C_INITIALIZE_ARGS, CK_INFO, CK_SLOT_INFO,
    CK_TOKEN_INFO, CK_SESSION_INFO, CK_MECHANISM_INFO, CK_RSA_PKCS_OAEP_PARAMS,
    CK_RSA_AES_KEY_WRAP_PARAMS, CK_RSA_PKCS_PSS_PARAMS, CK_GCM_PARAMS, super::params::OldGcm,
    CK_GCM_MESSAGE_PARAMS, CK_CCM_MESSAGE_PARAMS, CK_GCM_WRAP_PARAMS, CK_CCM_WRAP_PARAMS, CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS,
    CK_AES_CTR_PARAMS, CK_CCM_PARAMS, CK_CHACHA20_PARAMS, CK_SALSA20_CHACHA20_POLY1305_PARAMS,
    CK_KEY_DERIVATION_STRING_DATA, CK_AES_CBC_ENCRYPT_DATA_PARAMS, CK_ECDH1_DERIVE_PARAMS,
    CK_ECDH_AES_KEY_WRAP_PARAMS, CK_EDDSA_PARAMS, CK_HKDF_PARAMS, CK_PKCS5_PBKD2_PARAMS2,
    CK_SP800_108_KDF_PARAMS, CK_SP800_108_FEEDBACK_KDF_PARAMS, CK_PRF_DATA_PARAM, CK_DERIVED_KEY,
    CK_SP800_108_COUNTER_FORMAT, CK_TLS12_MASTER_KEY_DERIVE_PARAMS,
    CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, CK_TLS12_KEY_MAT_PARAMS, CK_SSL3_KEY_MAT_OUT,
    CK_TLS_KDF_PARAMS, CK_TLS_MAC_PARAMS, CK_SP800_108_DKM_LENGTH_FORMAT,
    CK_SIGN_ADDITIONAL_CONTEXT, CK_HASH_SIGN_ADDITIONAL_CONTEXT,
}

impl<'call> Caller<'call> {
    /// `frame` lives in the exported function, so that nothing borrowed outlives the call.
    ///
    /// # Safety
    /// For `'call`, the pointers that will be given to this `Caller` are as PKCS#11 requires.
    pub(super) unsafe fn for_this_call(frame: &'call ()) -> Caller<'call> {
        let _ = frame;
        Caller(PhantomData)
    }

    /// Input of `len` bytes, borrowed. NULL is empty if `len` says so too, else `CKR_ARGUMENTS_BAD`.
    pub(super) fn bytes(&self, data: *const u8, len: CK_ULONG) -> Result<&'call [u8]> {
        let len = readable(data, len)?;
        if len == 0 {
            return Ok(&[]);
        }
        // SAFETY: not null, not longer than an object can be, does not wrap around the end of the
        // address space; the caller vouches for `len` bytes there during the call.
        Ok(unsafe { slice::from_raw_parts(data, len) })
    }

    /// Input as of [`Self::bytes`], with the place for its output: what comes out may be put there
    /// while the rest is still to be read.
    pub(super) fn exchange(
        &self,
        data: *const u8,
        len: CK_ULONG,
        output: &Output<'call>,
    ) -> Result<Exchange<'call>> {
        let len = readable(data, len)?;
        let room = match output.room {
            Room::Query => 0,
            Room::Bytes(room) => room,
        };
        // SAFETY: what `bytes` says of the input; the caller vouches for room for the output, or for
        // as much as it said, and no reference to either is formed elsewhere.
        Ok(unsafe { Exchange::new(data, len, output.buffer, room) })
    }

    /// A PIN. One that is longer than any could be is not read but answered with `too_long`.
    pub(super) fn pin(
        &self,
        pin: *const u8,
        len: CK_ULONG,
        too_long: Error,
    ) -> Result<&'call [u8]> {
        if !pin.is_null() && len > LONGEST_PIN {
            return Err(too_long);
        }
        self.bytes(pin, len)
    }

    /// A value, copied out. PKCS#11 does not promise alignment. NULL is `CKR_ARGUMENTS_BAD`.
    pub(super) fn read<T: Plain>(&self, at: *const T) -> Result<T> {
        if at.is_null() {
            return Err(Error::ArgumentsBad);
        }
        // SAFETY: not null, any bytes make a `T`, and the caller vouches for those of a `T` there.
        Ok(unsafe { at.read_unaligned() })
    }

    /// Whether the text at `at` is `text`, both with their NUL. Nothing behind a difference is read.
    pub(super) fn is_text(&self, at: *const u8, text: &[u8]) -> Result<bool> {
        for (n, byte) in text.iter().enumerate() {
            if self.read(at.wrapping_add(n))? != *byte {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where a result will go. NULL is `CKR_ARGUMENTS_BAD`: found before anything is done.
    pub(super) fn place<T: Plain>(&self, at: *mut T) -> Result<Place<'call, T>> {
        if at.is_null() { Err(Error::ArgumentsBad) } else { Ok(Place { at, call: PhantomData }) }
    }

    /// Where `count` results will go. NULL is fine if there are none.
    pub(super) fn places<T: Plain>(&self, at: *mut T, count: CK_ULONG) -> Result<Places<'call, T>> {
        let room = usize::try_from(count).map_err(|_| Error::ArgumentsBad)?;
        let bytes = room.checked_mul(size_of::<T>()).ok_or(Error::ArgumentsBad)?;
        let fits = at.addr().checked_add(bytes).is_some();
        if room > 0 && (at.is_null() || !fits || bytes > MOST_MEMORY) {
            return Err(Error::ArgumentsBad);
        }
        Ok(Places { at, room, call: PhantomData })
    }

    /// The output of a call by the convention of PKCS#11 3.2 section 5.2. A NULL `len` is
    /// `CKR_ARGUMENTS_BAD`; a NULL `buffer` only asks for the length.
    pub(super) fn output(&self, buffer: *mut u8, len: *mut CK_ULONG) -> Result<Output<'call>> {
        let len = self.place(len)?;
        let room = match buffer.is_null() {
            true => Room::Query,
            false => Room::Bytes(usize::try_from(self.read(len.at)?).unwrap_or(usize::MAX)),
        };
        Ok(Output { buffer, len, room })
    }

    /// Gives a list by the same convention, counted in elements.
    pub(super) fn list<T: Plain>(
        &self,
        at: *mut T,
        count: *mut CK_ULONG,
        list: &[T],
    ) -> Result<()> {
        let count = self.place(count)?;
        if at.is_null() {
            return count.put(ulong(list.len())?);
        }
        let room = self.read(count.at)?;
        count.put(ulong(list.len())?)?;
        if usize::try_from(room).is_ok_and(|room| room < list.len()) {
            return Err(Error::BufferTooSmall);
        }
        self.places(at, ulong(list.len())?)?.put(list).map(|_| ())
    }
}

/// Where one result goes.
pub(super) struct Place<'call, T> {
    at: *mut T,
    call: PhantomData<&'call ()>,
}

impl<T: Plain> Place<'_, T> {
    /// Gives `value`.
    pub(super) fn put(self, value: T) -> Result<()> {
        // SAFETY: not null, and the caller vouches for room for a `T` there; it may be unaligned.
        unsafe { self.at.write_unaligned(value) };
        Ok(())
    }
}

/// Where several results go.
pub(super) struct Places<'call, T> {
    at: *mut T,
    room: usize,
    call: PhantomData<&'call ()>,
}

impl<T: Plain> Places<'_, T> {
    /// For how many there is room.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Gives `values` and goes on behind them; answers how many they were.
    pub(super) fn put(&mut self, values: &[T]) -> Result<CK_ULONG> {
        let left = self.room.checked_sub(values.len()).ok_or(Error::GeneralError)?;
        if !values.is_empty() {
            let bytes = size_of_val(values);
            // SAFETY: not null, room for `values` is left, the source is our own memory and so no
            // part of the caller's; bytes have no alignment.
            unsafe {
                ptr::copy_nonoverlapping(values.as_ptr().cast::<u8>(), self.at.cast(), bytes)
            };
        }
        self.at = self.at.wrapping_add(values.len());
        self.room = left;
        ulong(values.len())
    }
}

/// The output of a call, before it is known.
pub(super) struct Output<'call> {
    buffer: *mut u8,
    len: Place<'call, CK_ULONG>,
    room: Room,
}

impl Output<'_> {
    /// The room the application has for it.
    pub(super) fn room(&self) -> Room {
        self.room
    }

    /// Gives it, or its length.
    pub(super) fn put(self, output: session::Output) -> Result<()> {
        match (output, self.room) {
            (session::Output::Length(len), _) => self.len.put(ulong(len)?),
            (session::Output::TooSmall(len), _) => {
                self.len.put(ulong(len)?)?;
                Err(Error::BufferTooSmall)
            }
            (session::Output::Bytes(bytes), room) => self.put_behind(0, room, &bytes),
            (session::Output::Behind(done, rest), room) => self.put_behind(done, room, &rest),
        }
    }

    /// Puts `rest` behind the first `done` bytes, which are there already.
    fn put_behind(self, done: usize, room: Room, rest: &[u8]) -> Result<()> {
        let without_room = || Error::GeneralError.because("output without room");
        let Room::Bytes(room) = room else { return Err(without_room()) };
        let room = room.checked_sub(done).filter(|room| rest.len() <= *room);
        let room = room.ok_or_else(without_room)?;
        Places { at: self.buffer.wrapping_add(done), room, call: PhantomData }.put(rest)?;
        self.len.put(ulong(done.saturating_add(rest.len()))?)
    }
}

/// The length of an input, if it can be one: NULL only if it is empty.
fn readable(data: *const u8, len: CK_ULONG) -> Result<usize> {
    let len = size(len)?;
    let impossible = data.is_null() || data.addr().checked_add(len).is_none();
    if len > 0 && impossible { Err(Error::ArgumentsBad) } else { Ok(len) }
}

/// A length that memory can have.
fn size(len: CK_ULONG) -> Result<usize> {
    usize::try_from(len).ok().filter(|len| *len <= MOST_MEMORY).ok_or(Error::ArgumentsBad)
}

/// The most memory in bytes that an application can have: no processor of today gives a process
/// more than 2^56, and no object is longer than `isize::MAX`.
const MOST_MEMORY: usize = usize::MAX >> if usize::BITS > 56 { 8 } else { 1 };

/// The longest PIN in bytes that is looked at, many times what any token takes.
const LONGEST_PIN: CK_ULONG = 1 << 16;

/// A length as C has it.
pub(super) fn ulong(len: usize) -> Result<CK_ULONG> {
    CK_ULONG::try_from(len).map_err(|_| Error::GeneralError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;
    use std::ptr::{null, null_mut};

    fn caller() -> Caller<'static> {
        // SAFETY: the pointers below are valid or null, or refused before they are used.
        unsafe { Caller::for_this_call(&()) }
    }

    #[test]
    fn lengths_from_outside_are_not_trusted() {
        let byte = 7u8;
        assert_eq!(caller().bytes(null(), 0), Ok(&[][..]));
        assert_eq!(caller().bytes(null(), 1), Err(Error::ArgumentsBad));
        assert_eq!(caller().bytes(&byte, 1), Ok(&[7][..]));
        for len in [CK_ULONG::MAX, CK_ULONG::MAX / 2 + 1, CK_ULONG::MAX / 4] {
            assert_eq!(caller().bytes(&byte, len), Err(Error::ArgumentsBad));
            assert_eq!(caller().pin(&byte, len, Error::PinIncorrect), Err(Error::PinIncorrect));
            assert_eq!(caller().pin(null(), len, Error::PinIncorrect), Err(Error::ArgumentsBad));
        }
        assert_eq!(caller().pin(&byte, 1 << 31, Error::PinLenRange), Err(Error::PinLenRange));
    }

    #[test]
    fn counts_that_overflow_are_refused() {
        let mut handle: CK_ULONG = 0;
        assert!(caller().places(&mut handle, CK_ULONG::MAX).is_err());
        assert!(caller().places(&mut handle, CK_ULONG::MAX / 8 + 2).is_err());
        assert!(caller().places(&mut handle, CK_ULONG::MAX / 16 + 1).is_err());
        assert!(caller().places::<CK_ULONG>(null_mut(), 1).is_err());
        assert!(caller().places::<CK_ULONG>(null_mut(), 0).is_ok());
    }

    #[test]
    fn nothing_need_be_aligned() {
        let mut memory = [0xAAu8; 33];
        let odd = memory.as_mut_ptr().wrapping_add(1);
        let odd = if odd.cast::<CK_ULONG>().is_aligned() { odd.wrapping_add(1) } else { odd };
        caller().place(odd.cast::<CK_ULONG>()).unwrap().put(0x0102).unwrap();
        assert_eq!(caller().read(odd.cast::<CK_ULONG>()), Ok(0x0102));
        let mut places = caller().places(odd.cast::<CK_ULONG>(), 3).unwrap();
        assert_eq!(places.put(&[1, 2]), Ok(2));
        assert_eq!(places.put(&[3]), Ok(1));
        assert!(places.put(&[4]).is_err());
        assert_eq!(caller().read(odd.cast::<CK_ULONG>().wrapping_add(2)), Ok(3));
    }

    #[test]
    fn null_is_an_error() {
        assert_eq!(caller().read(null::<CK_ULONG>()), Err(Error::ArgumentsBad));
        assert!(caller().place(null_mut::<CK_ULONG>()).is_err());
        assert!(caller().output(null_mut(), null_mut()).is_err());
    }

    fn output(bytes: &[u8]) -> session::Output {
        session::Output::Bytes(Secret::new(bytes.to_vec()))
    }

    #[test]
    fn an_output_is_given_and_counted() {
        let (mut buffer, mut len) = ([0u8; 4], 4);
        let out = caller().output(buffer.as_mut_ptr(), &mut len).unwrap();
        assert_eq!(out.room(), Room::Bytes(4));
        out.put(output(&[1, 2, 3])).unwrap();
        assert_eq!((buffer, len), ([1, 2, 3, 0], 3));
    }

    #[test]
    fn a_query_writes_the_length_alone() {
        let mut len = 77;
        let out = caller().output(null_mut(), &mut len).unwrap();
        assert_eq!(out.room(), Room::Query);
        out.put(session::Output::Length(5)).unwrap();
        assert_eq!(len, 5);
    }

    #[test]
    fn too_small_says_how_much_is_needed() {
        let (mut buffer, mut len) = ([0u8; 2], 2);
        let out = caller().output(buffer.as_mut_ptr(), &mut len).unwrap();
        assert_eq!(out.put(session::Output::TooSmall(9)), Err(Error::BufferTooSmall));
        assert_eq!((buffer, len), ([0; 2], 9));
    }

    #[test]
    fn no_more_is_written_than_there_is_room() {
        let (mut buffer, mut len) = ([0u8; 2], 1);
        let out = caller().output(buffer.as_mut_ptr(), &mut len).unwrap();
        assert_eq!(out.put(output(&[1, 2])), Err(Error::GeneralError));
        assert_eq!((buffer, len), ([0; 2], 1));
    }

    #[test]
    fn input_and_output_may_overlap() {
        let mut memory = *b"abcdef..";
        let at = memory.as_mut_ptr();
        let mut len = 7;
        let input = caller().bytes(at, 6).unwrap();
        let out = caller().output(at.wrapping_add(1), &mut len).unwrap();
        let reversed: Vec<u8> = input.iter().rev().copied().collect();
        out.put(output(&reversed)).unwrap();
        assert_eq!(&memory, b"afedcba.");
    }

    #[test]
    fn what_is_in_place_counts() {
        let mut memory = *b"abcdef..";
        let (at, mut len) = (memory.as_mut_ptr(), 7);
        let out = caller().output(at, &mut len).unwrap();
        let mut exchange = caller().exchange(at, 6, &out).unwrap();
        assert_eq!(exchange.input(), b"abcdef");
        assert!(exchange.straight(4, 7).is_some() && exchange.straight(4, 8).is_none());
        out.put(session::Output::Behind(4, Secret::new(b"xyz".to_vec()))).unwrap();
        assert_eq!((&memory, len), (b"abcdxyz.", 7));
        let out = caller().output(memory.as_mut_ptr(), &mut len).unwrap();
        let more = session::Output::Behind(5, Secret::new(b"xyz".to_vec()));
        assert_eq!(out.put(more), Err(Error::GeneralError));
        let query = caller().output(null_mut(), &mut len).unwrap();
        let mut exchange = caller().exchange(memory.as_ptr(), 6, &query).unwrap();
        assert!(exchange.straight(6, 6).is_none());
        assert!(caller().exchange(null(), 1, &query).is_err());
    }

    #[test]
    fn a_list_follows_the_two_call_convention() {
        let list: [CK_ULONG; 3] = [4, 5, 6];
        let (mut room, mut count) = ([0; 4], 0);
        caller().list(null_mut(), &mut count, &list).unwrap();
        assert_eq!(count, 3);
        count = 2;
        assert_eq!(caller().list(room.as_mut_ptr(), &mut count, &list), Err(Error::BufferTooSmall));
        assert_eq!((room, count), ([0; 4], 3));
        count = 4;
        caller().list(room.as_mut_ptr(), &mut count, &list).unwrap();
        assert_eq!((room, count), ([4, 5, 6, 0], 3));
        assert!(caller().list(room.as_mut_ptr(), null_mut(), &list).is_err());
    }
}
