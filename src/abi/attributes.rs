//! `C_GetAttributeValue`: values into the application's `CK_ATTRIBUTE`s, by the rules of
//! PKCS#11 3.2 section 5.7.5.
//!
//! Every attribute is answered, whatever became of those before it. The call then fails with the
//! gravest of what happened: anything unexpected, then `CKR_ATTRIBUTE_SENSITIVE`, then
//! `CKR_ATTRIBUTE_TYPE_INVALID`, then `CKR_BUFFER_TOO_SMALL`.
use super::caller::{Caller, ulong};
use super::template::MOST;
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};

/// The array of an application that wants to know attributes.
pub(super) struct Wanted<'a> {
    caller: &'a Caller<'a>,
    at: *mut CK_ATTRIBUTE,
    array: Vec<CK_ATTRIBUTE>,
}

impl Caller<'_> {
    /// The attributes wanted: `count` at `at`.
    pub(super) fn wanted(&self, at: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Result<Wanted<'_>> {
        Ok(Wanted { caller: self, at, array: self.array(at, count, &mut { MOST })? })
    }
}

impl Wanted<'_> {
    /// Their types.
    pub(super) fn types(&self) -> Vec<CK_ATTRIBUTE_TYPE> {
        self.array.iter().map(|raw| raw.type_).collect()
    }

    /// Gives an answer for each, in their order.
    pub(super) fn put(self, answers: &[Result<Value>]) -> Result<()> {
        let mut outcome = Ok(());
        for (n, (raw, answer)) in self.array.iter().zip(answers).enumerate() {
            let one = match answer {
                Ok(value) => self.value(raw, value),
                Err(error) => Err(*error),
            };
            let len = one.as_ref().map_or(CK_UNAVAILABLE_INFORMATION, |len| *len);
            self.caller.place(len_of(self.at.wrapping_add(n)))?.put(len)?;
            outcome = graver(outcome, one.map(|_| ()));
        }
        outcome
    }

    /// Gives one value if there is a buffer for it; answers its length.
    fn value(&self, raw: &CK_ATTRIBUTE, value: &Value) -> Result<CK_ULONG> {
        if let Value::Template(inner) = value {
            return self.template(raw, inner);
        }
        let bytes = value.to_bytes().ok_or(Error::GeneralError)?;
        let len = ulong(bytes.len())?;
        if !raw.pValue.is_null() {
            room(raw, len)?;
            self.caller.places(raw.pValue.cast::<u8>(), len)?.put(&bytes)?;
        }
        Ok(len)
    }

    /// Gives a template: the application's buffer is an array of attributes itself, of which it
    /// fills in the buffers, or leaves them NULL to learn types and lengths.
    fn template(&self, raw: &CK_ATTRIBUTE, inner: &Attributes) -> Result<CK_ULONG> {
        let len = ulong(inner.len().saturating_mul(size_of::<CK_ATTRIBUTE>()))?;
        if raw.pValue.is_null() {
            return Ok(len);
        }
        room(raw, len)?;
        let at = raw.pValue.cast::<CK_ATTRIBUTE>();
        let array = self.caller.array(at, ulong(inner.len())?, &mut { MOST })?;
        for (n, (cka, _)) in inner.iter().enumerate() {
            let type_at = at.wrapping_add(n).wrapping_byte_add(TYPE).cast::<CK_ULONG>();
            self.caller.place(type_at)?.put(cka)?;
        }
        let values: Vec<Result<Value>> = inner.iter().map(|(_, value)| Ok(value.clone())).collect();
        Wanted { caller: self.caller, at, array }.put(&values).map(|()| len)
    }
}

const TYPE: usize = std::mem::offset_of!(CK_ATTRIBUTE, type_);

/// Where the length of an attribute is.
fn len_of(at: *mut CK_ATTRIBUTE) -> *mut CK_ULONG {
    at.wrapping_byte_add(std::mem::offset_of!(CK_ATTRIBUTE, ulValueLen)).cast()
}

/// Whether the buffer of `raw` has room for `len` bytes.
fn room(raw: &CK_ATTRIBUTE, len: CK_ULONG) -> Result<()> {
    if raw.ulValueLen < len { Err(Error::BufferTooSmall) } else { Ok(()) }
}

/// The graver of two outcomes; of equals the first.
fn graver(a: Result<()>, b: Result<()>) -> Result<()> {
    let weight = |outcome: &Result<()>| match outcome {
        Ok(()) => 0,
        Err(Error::BufferTooSmall) => 1,
        Err(Error::AttributeTypeInvalid) => 2,
        Err(Error::AttributeSensitive) => 3,
        Err(_) => 4,
    };
    if weight(&b) > weight(&a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    const NONE: CK_ULONG = CK_UNAVAILABLE_INFORMATION;

    fn raw<T>(cka: CK_ATTRIBUTE_TYPE, buffer: &mut [T]) -> CK_ATTRIBUTE {
        let len = CK_ULONG::try_from(size_of_val(buffer)).unwrap();
        let at = if buffer.is_empty() { null_mut() } else { buffer.as_mut_ptr().cast() };
        CK_ATTRIBUTE { type_: cka, pValue: at, ulValueLen: len }
    }

    fn put(array: &mut [CK_ATTRIBUTE], answers: &[Result<Value>]) -> (Result<()>, Vec<CK_ULONG>) {
        // SAFETY: the tests give valid or null pointers.
        let caller = unsafe { Caller::for_this_call(&()) };
        let count = CK_ULONG::try_from(array.len()).unwrap();
        let outcome = caller.wanted(array.as_mut_ptr(), count).unwrap().put(answers);
        (outcome, array.iter().map(|raw| raw.ulValueLen).collect())
    }

    #[test]
    fn every_attribute_is_answered() {
        let mut id = [0u8; 4];
        let mut short = [0u8; 1];
        let mut array = [
            raw(CKA_ID, &mut short),
            raw::<u8>(CKA_VALUE, &mut []),
            raw::<u8>(CKA_MODULUS, &mut []),
            raw(CKA_ID, &mut id),
            raw::<u8>(CKA_ID, &mut []),
        ];
        let value = || Ok(Value::bytes(&[1, 2, 3]));
        let answers = [
            value(),
            Err(Error::AttributeSensitive),
            Err(Error::AttributeTypeInvalid),
            value(),
            value(),
        ];
        let (outcome, lens) = put(&mut array, &answers);
        assert_eq!(outcome, Err(Error::AttributeSensitive));
        assert_eq!(lens, [NONE, NONE, NONE, 3, 3]);
        assert_eq!((id, short), ([1, 2, 3, 0], [0]));
    }

    #[test]
    fn the_gravest_wins_in_any_order() {
        let small = || Err(Error::BufferTooSmall);
        let invalid = || Err(Error::AttributeTypeInvalid);
        let sensitive = || Err(Error::AttributeSensitive);
        for (a, b, expected) in [
            (Ok(()), small(), small()),
            (small(), invalid(), invalid()),
            (invalid(), sensitive(), sensitive()),
            (sensitive(), Err(Error::DeviceError), Err(Error::DeviceError)),
        ] {
            assert_eq!(graver(a, b), expected);
            assert_eq!(graver(b, a), expected);
        }
    }

    #[test]
    fn numbers_and_flags_are_native() {
        let (mut class, mut token) = ([0 as CK_ULONG], [9u8]);
        let mut array = [raw(CKA_CLASS, &mut class), raw(CKA_TOKEN, &mut token)];
        let (outcome, lens) = put(&mut array, &[Ok(Value::Ulong(CKO_DATA)), Ok(Value::Bool(true))]);
        assert_eq!(outcome, Ok(()));
        assert_eq!(lens, [super::ulong(size_of::<CK_ULONG>()).unwrap(), 1]);
        assert_eq!((class, token), ([CKO_DATA], [CK_TRUE]));
    }

    #[test]
    fn templates_are_given_in_three_steps() {
        let inner: Attributes =
            [(CKA_TOKEN, Value::Bool(true)), (CKA_ID, Value::bytes(b"id"))].into_iter().collect();
        let answer = || [Ok(Value::Template(inner.clone()))];
        let mut outer = [raw::<u8>(CKA_WRAP_TEMPLATE, &mut [])];
        let size = super::ulong(2 * size_of::<CK_ATTRIBUTE>()).unwrap();
        assert_eq!(put(&mut outer, &answer()), (Ok(()), vec![size]));

        let empty = || raw::<u8>(0, &mut []);
        let mut room = [empty(), empty()];
        let mut outer = [raw(CKA_WRAP_TEMPLATE, &mut room)];
        assert_eq!(put(&mut outer, &answer()), (Ok(()), vec![size]));
        assert_eq!(room.map(|r| (r.type_, r.ulValueLen)), [(CKA_TOKEN, 1), (CKA_ID, 2)]);

        let (mut token, mut id) = ([0u8; 1], [0u8; 2]);
        let mut room = [raw(0, &mut token), raw(0, &mut id)];
        let mut outer = [raw(CKA_WRAP_TEMPLATE, &mut room)];
        assert_eq!(put(&mut outer, &answer()), (Ok(()), vec![size]));
        assert_eq!((token, id), ([CK_TRUE], *b"id"));

        let mut outer = [raw(CKA_WRAP_TEMPLATE, &mut [empty()])];
        assert_eq!(put(&mut outer, &answer()), (Err(Error::BufferTooSmall), vec![NONE]));
    }
}
