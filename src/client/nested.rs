//! Reads attributes whose value is a template, such as `CKA_UNWRAP_TEMPLATE`.
use super::call::{call, ulong};
use super::find::is_answer;
use super::{Result, Session};
use crate::ck::*;

/// The longest template that is read. No class of objects has as many attributes.
const MOST_MEMBERS: usize = 1024;

const EMPTY: CK_ATTRIBUTE = CK_ATTRIBUTE { type_: 0, pValue: std::ptr::null_mut(), ulValueLen: 0 };

impl Session {
    /// Returns the truth values in an attribute that is a template. `None` if the object has no such attribute, or the
    /// module does not show it.
    pub fn nested_flags(
        &self,
        object: CK_OBJECT_HANDLE,
        cka: CK_ATTRIBUTE_TYPE,
    ) -> Result<Option<Vec<(CK_ATTRIBUTE_TYPE, bool)>>> {
        // PKCS#11 3.2, section 5.7.5: the size of the array, then types and lengths, then values
        let Some(len) = self.fill(object, cka, &mut [])? else { return Ok(None) };
        let count = usize::try_from(len).unwrap_or(usize::MAX) / size_of::<CK_ATTRIBUTE>();
        if count > MOST_MEMBERS {
            return Ok(None);
        }
        let mut members = vec![EMPTY; count];
        if count > 0 && self.fill(object, cka, &mut members)?.is_none() {
            return Ok(None);
        }
        let mut values = vec![CK_FALSE; count];
        for (member, value) in members.iter_mut().zip(&mut values) {
            let is_flag = member.ulValueLen == 1;
            member.pValue = if is_flag { (&raw mut *value).cast() } else { std::ptr::null_mut() };
        }
        if count > 0 && self.fill(object, cka, &mut members)?.is_none() {
            return Ok(None);
        }
        let flags = members.iter().zip(&values).filter(|(member, _)| !member.pValue.is_null());
        Ok(Some(flags.map(|(member, value)| (member.type_, *value != CK_FALSE)).collect()))
    }

    /// Has the module fill the members, and returns the length of the array in bytes. Without members it is only asked
    /// for the length.
    fn fill(
        &self,
        object: CK_OBJECT_HANDLE,
        cka: CK_ATTRIBUTE_TYPE,
        members: &mut [CK_ATTRIBUTE],
    ) -> Result<Option<CK_ULONG>> {
        let len = ulong(size_of_val::<[CK_ATTRIBUTE]>(members));
        let value = match members {
            [] => std::ptr::null_mut(),
            members => members.as_mut_ptr().cast(),
        };
        let mut whole = CK_ATTRIBUTE { type_: cka, pValue: value, ulValueLen: len };
        let query = call!(self.list(), C_GetAttributeValue(self.handle, object, &mut whole, 1));
        let is_answer = is_answer(query)? && whole.ulValueLen != CK_UNAVAILABLE_INFORMATION;
        Ok(is_answer.then_some(whole.ulValueLen))
    }
}
