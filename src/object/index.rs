//! Search: objects by handle, and by class, id and label without a scan.
use super::Object;
use super::attribute::Attributes;
use crate::ck::*;
use std::sync::Arc;

/// The objects of a token that are in sight, by handle and by what is usually searched for.
#[derive(Debug, Default)]
pub struct Index {}

impl Index {
    /// Puts `object` at `handle`, in place of what was there.
    pub fn insert(&mut self, handle: CK_OBJECT_HANDLE, object: Arc<Object>) {
        let _ = (handle, object);
        todo!()
    }
    /// Takes away and returns what is at `handle`.
    pub fn remove(&mut self, handle: CK_OBJECT_HANDLE) -> Option<Arc<Object>> {
        let _ = handle;
        todo!()
    }
    /// What is at `handle`.
    pub fn at(&self, handle: CK_OBJECT_HANDLE) -> Option<&Arc<Object>> {
        let _ = handle;
        todo!()
    }
    /// Handles of the objects that match `template`, in ascending order; the narrowest index that
    /// applies is used.
    pub fn find(&self, template: &Attributes) -> Vec<CK_OBJECT_HANDLE> {
        let _ = template;
        todo!()
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (CK_OBJECT_HANDLE, &Arc<Object>)> {
        std::iter::empty()
    }
    /// How many.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether `object` has every attribute of `template` with the same value. Key material never
/// matches unless it may be revealed.
pub fn matches(object: &Object, template: &Attributes) -> bool {
    let _ = (object, template);
    todo!()
}
