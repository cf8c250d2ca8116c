//! Objects: find, read, create, destroy.
use super::call::{call, ulong};
use super::{Error, Result, Session, Template};
use crate::ck::*;
use zeroize::Zeroizing;

/// The most objects that are taken from one search. No token holds as many: the module does not end.
pub const MOST_OBJECTS: usize = 1 << 20;

/// The longest value of an attribute that is read, in bytes. No key, label or certificate comes near it.
const LONGEST_VALUE: usize = 1 << 20;

impl Session {
    /// Every object that matches, up to [`MOST_OBJECTS`].
    pub fn find(&self, template: &Template) -> Result<Vec<CK_OBJECT_HANDLE>> {
        self.with([template], |[mut raw]| {
            call!(self.list(), C_FindObjectsInit(self.handle, raw.as_mut_ptr(), ulong(raw.len())))
        })?;
        let found = self.find_all();
        let end = call!(self.list(), C_FindObjectsFinal(self.handle));
        found.and_then(|found| end.map(|()| found))
    }

    fn find_all(&self) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let mut found = Vec::new();
        loop {
            let mut some = [CK_INVALID_HANDLE; 256];
            let mut count: CK_ULONG = 0;
            let room = ulong(some.len());
            call!(self.list(), C_FindObjects(self.handle, some.as_mut_ptr(), room, &mut count))?;
            let count = usize::try_from(count).unwrap_or_default();
            if count == 0 {
                return Ok(found);
            }
            found.extend(some.iter().take(count));
            if found.len() > MOST_OBJECTS {
                return Err(Error::Unusable(format!(
                    "the module found more than {MOST_OBJECTS} objects and does not end; use another, such as \
                     keyferry's own"
                )));
            }
        }
    }

    /// The value of an attribute; `None` if the object has none or does not reveal it.
    pub fn attribute(
        &self,
        object: CK_OBJECT_HANDLE,
        cka: CK_ATTRIBUTE_TYPE,
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut raw = CK_ATTRIBUTE { type_: cka, pValue: std::ptr::null_mut(), ulValueLen: 0 };
        let query = call!(self.list(), C_GetAttributeValue(self.handle, object, &mut raw, 1));
        if !is_answer(query)? || raw.ulValueLen == CK_UNAVAILABLE_INFORMATION {
            return Ok(None);
        }
        let size = usize::try_from(raw.ulValueLen).unwrap_or(usize::MAX);
        if size > LONGEST_VALUE {
            return Err(Error::Unusable(format!(
                "the module says that attribute 0x{cka:X} has {size} bytes, which none has; use another, such as \
                 keyferry's own"
            )));
        }
        let mut value = Zeroizing::new(vec![0u8; size]);
        raw.pValue = value.as_mut_ptr().cast();
        let fetch = call!(self.list(), C_GetAttributeValue(self.handle, object, &mut raw, 1));
        if !is_answer(fetch)? || raw.ulValueLen == CK_UNAVAILABLE_INFORMATION {
            return Ok(None);
        }
        value.truncate(usize::try_from(raw.ulValueLen).unwrap_or_default());
        Ok(Some(value))
    }

    /// An attribute as text; empty if there is none.
    pub fn text(&self, object: CK_OBJECT_HANDLE, cka: CK_ATTRIBUTE_TYPE) -> Result<String> {
        let value = self.attribute(object, cka)?;
        Ok(value.map(|v| String::from_utf8_lossy(&v).into_owned()).unwrap_or_default())
    }

    /// A truth value, if the object has it.
    pub fn flag(&self, object: CK_OBJECT_HANDLE, cka: CK_ATTRIBUTE_TYPE) -> Result<Option<bool>> {
        let value = self.attribute(object, cka)?;
        Ok(value.and_then(|v| v.first().map(|b| *b != CK_FALSE)))
    }

    /// A number, if the object has it.
    pub fn number(
        &self,
        object: CK_OBJECT_HANDLE,
        cka: CK_ATTRIBUTE_TYPE,
    ) -> Result<Option<CK_ULONG>> {
        let value = self.attribute(object, cka)?;
        Ok(value.and_then(|v| v.first_chunk().copied()).map(CK_ULONG::from_ne_bytes))
    }

    /// `C_CreateObject`
    pub fn create(&self, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        let mut object = CK_INVALID_HANDLE;
        self.with([template], |[mut raw]| {
            let count = ulong(raw.len());
            call!(self.list(), C_CreateObject(self.handle, raw.as_mut_ptr(), count, &mut object))
        })?;
        Ok(object)
    }

    /// `C_SetAttributeValue`
    pub fn set(&self, object: CK_OBJECT_HANDLE, template: &Template) -> Result<()> {
        self.with([template], |[mut raw]| {
            let count = ulong(raw.len());
            call!(self.list(), C_SetAttributeValue(self.handle, object, raw.as_mut_ptr(), count))
        })
    }

    /// `C_CopyObject`: a copy with these attributes changed.
    pub fn copy(&self, object: CK_OBJECT_HANDLE, template: &Template) -> Result<CK_OBJECT_HANDLE> {
        let mut copy = CK_INVALID_HANDLE;
        self.with([template], |[mut raw]| {
            let count = ulong(raw.len());
            call!(
                self.list(),
                C_CopyObject(self.handle, object, raw.as_mut_ptr(), count, &mut copy)
            )
        })?;
        Ok(copy)
    }

    /// `C_DestroyObject`
    pub fn destroy(&self, object: CK_OBJECT_HANDLE) -> Result<()> {
        call!(self.list(), C_DestroyObject(self.handle, object))
    }
}

/// What was read of an object, for those who only look; `None` if the module fails to give it, which is to hide
/// no other object.
pub fn known<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.may_be_of_one_object() => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether an attribute was answered: `false` if it does not exist or may not be seen.
pub(super) fn is_answer(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.is(CKR_ATTRIBUTE_TYPE_INVALID) || e.is(CKR_ATTRIBUTE_SENSITIVE) => Ok(false),
        Err(e) => Err(e),
    }
}
