//! Objects as a session sees them: PKCS#11 3.2, section 5.7.
use super::{Operations, Session};
use crate::ck::*;
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use crate::object::template::{self, Draft, Origin};
use crate::object::{Object, policy, record};
use parking_lot::MutexGuard;
use std::sync::Arc;

impl Session {
    /// `C_CreateObject`
    pub fn create_object(&self, template: Attributes) -> Result<CK_OBJECT_HANDLE> {
        let draft = self.draft(Origin::Create, template, Attributes::new())?;
        self.insert(draft.finish(Attributes::new())?)
    }

    /// `C_CopyObject`
    pub fn copy_object(
        &self,
        object: CK_OBJECT_HANDLE,
        template: Attributes,
    ) -> Result<CK_OBJECT_HANDLE> {
        let login = self.token.login_lately()?;
        let original = self.object(object)?;
        policy::copy(login, &original, &template)?;
        let copy = policy::distrust(login, template::copy(&original, template)?);
        policy::create(login, self.access, copy.attributes())?;
        self.insert(copy)
    }

    /// `C_DestroyObject`
    pub fn destroy_object(&self, object: CK_OBJECT_HANDLE) -> Result<()> {
        let login = self.token.login_lately()?;
        self.token.remove(object, |object| policy::destroy(login, self.access, object))
    }

    /// `C_GetObjectSize`: bytes of the record, without its seals
    pub fn object_size(&self, object: CK_OBJECT_HANDLE) -> Result<usize> {
        let object = self.seen(object)?;
        let opened = object.material_record().map(|record| record.len());
        let material = opened.or_else(|| object.sealed().map(<[u8]>::len));
        Ok(record::encode(object.attributes()).len() + material.unwrap_or(0))
    }

    /// `C_GetAttributeValue`: one answer for each attribute asked, in their order
    pub fn attributes(
        &self,
        object: CK_OBJECT_HANDLE,
        asked: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Result<Value>>> {
        let object = self.seen(object)?;
        Ok(asked.iter().map(|cka| policy::reveal(&object, *cka)).collect())
    }

    /// `C_SetAttributeValue`
    pub fn set_attributes(&self, object: CK_OBJECT_HANDLE, template: Attributes) -> Result<()> {
        let login = self.token.login_lately()?;
        self.token.replace(object, |object| {
            policy::change(login, self.access, object, &template)?;
            let changes = template::change(object, template.clone())?;
            Ok(object.with(changes))
        })
    }

    /// `C_FindObjectsInit`; nothing is found without a template
    pub fn find_init(&self, template: Option<Attributes>) -> Result<()> {
        drop(self.unsearched()?);
        // may notice that the token was begun anew, which ends what is under way
        let found = template.map(|template| self.token.search(&template)).transpose()?;
        let mut found = found.unwrap_or_default();
        found.reverse();
        self.unsearched()?.find = Some(found);
        Ok(())
    }

    /// What is under way, if no search is.
    fn unsearched(&self) -> Result<MutexGuard<'_, Operations>> {
        let operations = self.operations();
        if operations.find.is_some() { Err(Error::OperationActive) } else { Ok(operations) }
    }

    /// `C_FindObjects`: at most `max` more handles
    pub fn find(&self, max: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
        let mut operations = self.operations();
        let left = operations.find.as_mut().ok_or(Error::OperationNotInitialized)?;
        let now = left.split_off(left.len().saturating_sub(max));
        Ok(now.into_iter().rev().collect())
    }

    /// `C_FindObjectsFinal`
    pub fn find_final(&self) -> Result<()> {
        self.operations().find.take().map(drop).ok_or(Error::OperationNotInitialized)
    }

    /// The object at `handle`, key material open if it can be: a public secret key is seen before
    /// login, its value is not.
    fn seen(&self, handle: CK_OBJECT_HANDLE) -> Result<Arc<Object>> {
        let object = match self.token.open_object(handle) {
            Err(Error::UserNotLoggedIn) => self.token.object(handle)?,
            opened => opened?,
        };
        object.ok_or(Error::ObjectHandleInvalid)
    }

    /// The draft of an object, if this session may make it.
    pub(super) fn draft(
        &self,
        origin: Origin,
        template: Attributes,
        implied: Attributes,
    ) -> Result<Draft> {
        let config = &self.token.shared().config;
        let login = self.token.login_lately()?;
        let draft = template::draft(origin, template, implied, login)?;
        policy::create(login, self.access, &draft.attributes)?;
        policy::age(config.legacy, &draft.attributes)?;
        policy::strength(config.min_rsa_bits, &draft.attributes)?;
        Ok(draft)
    }

    pub(super) fn insert(&self, object: Object) -> Result<CK_OBJECT_HANDLE> {
        let handles = self.token.insert(self.handle, vec![object])?;
        handles.first().copied().ok_or(Error::GeneralError)
    }
}
