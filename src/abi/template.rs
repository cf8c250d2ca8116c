//! Templates that an application gives: arrays of `CK_ATTRIBUTE` in, [`Attributes`] out.
//!
//! [`attributes`](super::attributes) is the other way.
use super::caller::Caller;
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Kind, Value, row};

/// The most attributes that one template may have, those of nested templates included.
pub(super) const MOST: usize = 1 << 16;

/// The longest value in bytes that an attribute may have. Beyond, a length is a mistake.
const LONGEST: CK_ULONG = 1 << 24;

/// How deep templates may nest: the unwrap template of a KEK that unwraps KEKs has one itself.
const NESTING: usize = 2;

impl Caller<'_> {
    /// The template of `count` attributes at `at`; none at all if both say so.
    ///
    /// `CKR_ATTRIBUTE_TYPE_INVALID`, `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_TEMPLATE_INCONSISTENT` if
    /// an attribute is given twice with different values, `CKR_ARGUMENTS_BAD` if the array itself
    /// is wrong.
    pub(super) fn template(&self, at: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Attributes> {
        let mut left = MOST;
        self.attributes(&self.array(at, count, &mut left)?, NESTING, &mut left)
    }

    /// The template of a search; `None` if it is one that no object matches: an attribute that
    /// nothing here has, a value that its attribute cannot have, two values for one attribute.
    ///
    /// PKCS#11 3.2 section 5.7.7 has codes for these, but programs ask every token for attributes of
    /// their own (`CKA_NSS_*`) and mean "if there is such a thing". `CKR_ARGUMENTS_BAD` if the array
    /// is wrong and `CKR_ATTRIBUTE_VALUE_INVALID` if a value is not there to be read, as ever.
    pub(super) fn search_template(
        &self,
        at: *const CK_ATTRIBUTE,
        count: CK_ULONG,
    ) -> Result<Option<Attributes>> {
        let mut left = MOST;
        let array = self.array(at, count, &mut left)?;
        let there = |raw: &CK_ATTRIBUTE| {
            raw.ulValueLen == 0 || (raw.ulValueLen <= LONGEST && !raw.pValue.is_null())
        };
        if !array.iter().all(there) {
            return Err(Error::AttributeValueInvalid);
        }
        match self.attributes(&array, NESTING, &mut left) {
            Err(
                Error::AttributeTypeInvalid
                | Error::AttributeValueInvalid
                | Error::TemplateInconsistent,
            ) => Ok(None),
            template => template.map(Some),
        }
    }

    /// The elements of an array of attributes, whose number comes off `left`.
    pub(super) fn array(
        &self,
        at: *const CK_ATTRIBUTE,
        count: CK_ULONG,
        left: &mut usize,
    ) -> Result<Vec<CK_ATTRIBUTE>> {
        let count = usize::try_from(count).map_err(|_| Error::ArgumentsBad)?;
        *left = left.checked_sub(count).ok_or(Error::ArgumentsBad)?;
        (0..count).map(|n| self.read(nth(at, n)?)).collect()
    }

    fn attributes(
        &self,
        array: &[CK_ATTRIBUTE],
        nesting: usize,
        left: &mut usize,
    ) -> Result<Attributes> {
        let mut all = Attributes::new();
        for raw in array {
            let value = self.value(raw, nesting, left)?;
            all.add(raw.type_, value)?;
        }
        Ok(all)
    }

    fn value(&self, raw: &CK_ATTRIBUTE, nesting: usize, left: &mut usize) -> Result<Value> {
        let kind = row(raw.type_)?.kind;
        if raw.ulValueLen > LONGEST {
            return Err(Error::AttributeValueInvalid);
        }
        let bytes = self
            .bytes(raw.pValue.cast(), raw.ulValueLen)
            .map_err(|_| Error::AttributeValueInvalid)?;
        if kind != Kind::Template {
            return Value::parse(kind, bytes);
        }
        let nesting = nesting.checked_sub(1).ok_or(Error::AttributeValueInvalid)?;
        let array = self.array(raw.pValue.cast(), elements(raw)?, left)?;
        self.attributes(&array, nesting, left).map(Value::Template)
    }
}

/// Element `n` of an array; NULL stays NULL.
fn nth(at: *const CK_ATTRIBUTE, n: usize) -> Result<*const CK_ATTRIBUTE> {
    if at.is_null() { Err(Error::ArgumentsBad) } else { Ok(at.wrapping_add(n)) }
}

/// How many elements the array has that is the value of `raw`.
fn elements(raw: &CK_ATTRIBUTE) -> Result<CK_ULONG> {
    let size = super::caller::ulong(size_of::<CK_ATTRIBUTE>())?;
    if !raw.ulValueLen.is_multiple_of(size) {
        return Err(Error::AttributeValueInvalid);
    }
    Ok(raw.ulValueLen / size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::{null, null_mut};

    fn caller() -> Caller<'static> {
        // SAFETY: the pointers below are valid or null, or refused before they are used.
        unsafe { Caller::for_this_call(&()) }
    }

    fn attribute<T>(cka: CK_ATTRIBUTE_TYPE, value: &mut [T]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE {
            type_: cka,
            ulValueLen: CK_ULONG::try_from(size_of_val(value)).unwrap(),
            pValue: value.as_mut_ptr().cast(),
        }
    }

    fn template(array: &[CK_ATTRIBUTE]) -> Result<Attributes> {
        caller().template(array.as_ptr(), CK_ULONG::try_from(array.len()).unwrap())
    }

    #[test]
    fn arrays_that_cannot_be() {
        assert_eq!(caller().template(null(), 0), Ok(Attributes::new()));
        assert_eq!(caller().template(null(), 1), Err(Error::ArgumentsBad));
        let one = attribute(CKA_TOKEN, &mut [CK_TRUE]);
        for count in [CK_ULONG::MAX, CK_ULONG::MAX / 24 + 1, (1 << 16) + 1] {
            assert_eq!(caller().template(&one, count), Err(Error::ArgumentsBad));
        }
    }

    #[test]
    fn values_that_cannot_be() {
        let mut yes = [CK_TRUE];
        let token = attribute(CKA_TOKEN, &mut yes);
        for len in [CK_UNAVAILABLE_INFORMATION, CK_ULONG::MAX / 2, LONGEST + 1] {
            let wrong = CK_ATTRIBUTE { ulValueLen: len, ..token };
            assert_eq!(template(&[wrong]), Err(Error::AttributeValueInvalid));
        }
        let null = CK_ATTRIBUTE { pValue: null_mut(), ..token };
        assert_eq!(template(&[null]), Err(Error::AttributeValueInvalid));
        let unknown = CK_ATTRIBUTE { type_: 0x7FFF_FFFF, ..token };
        assert_eq!(template(&[unknown]), Err(Error::AttributeTypeInvalid));
    }

    #[test]
    fn a_search_that_nothing_matches_is_no_mistake() {
        let search = |array: &[CK_ATTRIBUTE]| {
            caller().search_template(array.as_ptr(), CK_ULONG::try_from(array.len()).unwrap())
        };
        let (mut yes, mut no, mut long) = ([CK_TRUE], [CK_FALSE], [CK_TRUE; 2]);
        let token = attribute(CKA_TOKEN, &mut yes);
        assert_eq!(search(&[token]).unwrap().map(|t| t.len()), Some(1));
        let unknown = CK_ATTRIBUTE { type_: 0x7FFF_FFFF, ..token };
        for nothing in [
            vec![token, unknown],
            vec![attribute(CKA_TOKEN, &mut long)],
            vec![token, attribute(CKA_TOKEN, &mut no)],
        ] {
            assert_eq!(search(&nothing), Ok(None));
        }
        let unread = CK_ATTRIBUTE { pValue: null_mut(), ..unknown };
        assert_eq!(search(&[unread]), Err(Error::AttributeValueInvalid));
        let long = CK_ATTRIBUTE { ulValueLen: CK_UNAVAILABLE_INFORMATION, ..unknown };
        assert_eq!(search(&[long]), Err(Error::AttributeValueInvalid));
        assert_eq!(caller().search_template(null(), 1), Err(Error::ArgumentsBad));
    }

    #[test]
    fn values_are_typed_and_need_not_be_aligned() {
        let (mut yes, mut class, mut id) = ([CK_TRUE], [CKO_SECRET_KEY], [1u8, 2, 3]);
        let array = [
            attribute(CKA_TOKEN, &mut yes),
            attribute(CKA_CLASS, &mut class),
            attribute(CKA_ID, &mut id),
        ];
        let size = size_of_val(&array);
        let mut memory = vec![0u8; size + 1];
        let odd = memory.as_mut_ptr().wrapping_add(1);
        // SAFETY: the memory is one byte longer than the array.
        unsafe { std::ptr::copy_nonoverlapping(array.as_ptr().cast(), odd, size) };
        let all = caller().template(odd.cast(), 3).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all.flag(CKA_TOKEN), Some(true));
        assert_eq!(all.ulong(CKA_CLASS), Some(CKO_SECRET_KEY));
        assert_eq!(all.bytes(CKA_ID), Some(&[1, 2, 3][..]));
    }

    #[test]
    fn an_attribute_given_twice_must_agree() {
        let (mut yes, mut also, mut no) = ([CK_TRUE], [CK_TRUE], [CK_FALSE]);
        let agree = [attribute(CKA_TOKEN, &mut yes), attribute(CKA_TOKEN, &mut also)];
        assert_eq!(template(&agree).map(|t| t.len()), Ok(1));
        let differ = [attribute(CKA_TOKEN, &mut yes), attribute(CKA_TOKEN, &mut no)];
        assert_eq!(template(&differ), Err(Error::TemplateInconsistent));
    }

    #[test]
    fn templates_nest_twice() {
        let mut yes = [CK_TRUE];
        let mut innermost = [attribute(CKA_EXTRACTABLE, &mut yes)];
        let mut inner = [attribute(CKA_UNWRAP_TEMPLATE, &mut innermost)];
        let mut outer = [attribute(CKA_UNWRAP_TEMPLATE, &mut inner)];
        let all = template(&outer).unwrap();
        let Some(Value::Template(one)) = all.value(CKA_UNWRAP_TEMPLATE) else { panic!() };
        let Some(Value::Template(two)) = one.value(CKA_UNWRAP_TEMPLATE) else { panic!() };
        assert_eq!(two.flag(CKA_EXTRACTABLE), Some(true));
        let deeper = attribute(CKA_UNWRAP_TEMPLATE, &mut outer);
        assert_eq!(template(&[deeper]), Err(Error::AttributeValueInvalid));
    }

    #[test]
    fn a_nested_template_is_made_of_whole_attributes() {
        let mut yes = [CK_TRUE];
        let mut inner = [attribute(CKA_EXTRACTABLE, &mut yes)];
        let outer = attribute(CKA_WRAP_TEMPLATE, &mut inner);
        let cut = CK_ATTRIBUTE { ulValueLen: outer.ulValueLen - 1, ..outer };
        assert_eq!(template(&[cut]), Err(Error::AttributeValueInvalid));
        let empty = CK_ATTRIBUTE { ulValueLen: 0, pValue: null_mut(), ..outer };
        let all = template(&[empty]).unwrap();
        assert_eq!(all.value(CKA_WRAP_TEMPLATE), Some(&Value::Template(Attributes::new())));
    }

    #[test]
    fn a_template_that_holds_itself_ends() {
        let mut array =
            [CK_ATTRIBUTE { type_: CKA_WRAP_TEMPLATE, pValue: null_mut(), ulValueLen: 0 }];
        let size = CK_ULONG::try_from(size_of_val(&array)).unwrap();
        let at = array.as_mut_ptr();
        // SAFETY: the array lives until the end of the test.
        unsafe {
            at.write(CK_ATTRIBUTE { type_: CKA_WRAP_TEMPLATE, pValue: at.cast(), ulValueLen: size })
        };
        assert_eq!(caller().template(at, 1), Err(Error::AttributeValueInvalid));
    }
}
