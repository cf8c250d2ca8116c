//! Templates: pairs of a type and a value, and the C arrays of them.
use super::{CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_FALSE, CK_TRUE, CK_ULONG};
use std::ptr::null_mut;

/// A template: `attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_TOKEN => true, CKA_LABEL => "key"]`.
macro_rules! attrs {
    ($($cka:expr => $value:expr),* $(,)?) => {
        [$(($cka, $crate::common::Attr::from($value))),*]
    };
}
pub(crate) use attrs;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attr {
    /// The bytes as they go over the boundary.
    Bytes(Vec<u8>),
    /// A template in the template.
    Template(Vec<(CK_ATTRIBUTE_TYPE, Attr)>),
    /// A NULL pointer that claims to have this many bytes.
    Null(CK_ULONG),
}

impl From<bool> for Attr {
    fn from(value: bool) -> Attr {
        Attr::Bytes(vec![if value { CK_TRUE } else { CK_FALSE }])
    }
}
impl From<CK_ULONG> for Attr {
    fn from(value: CK_ULONG) -> Attr {
        Attr::Bytes(value.to_ne_bytes().to_vec())
    }
}
impl From<usize> for Attr {
    fn from(value: usize) -> Attr {
        Attr::from(value as CK_ULONG)
    }
}
impl From<&str> for Attr {
    fn from(value: &str) -> Attr {
        Attr::Bytes(value.as_bytes().to_vec())
    }
}
impl From<&[u8]> for Attr {
    fn from(value: &[u8]) -> Attr {
        Attr::Bytes(value.to_vec())
    }
}
impl<const N: usize> From<&[u8; N]> for Attr {
    fn from(value: &[u8; N]) -> Attr {
        Attr::Bytes(value.to_vec())
    }
}
impl From<Vec<u8>> for Attr {
    fn from(value: Vec<u8>) -> Attr {
        Attr::Bytes(value)
    }
}
impl From<&Vec<u8>> for Attr {
    fn from(value: &Vec<u8>) -> Attr {
        Attr::Bytes(value.clone())
    }
}
/// `CKA_ALLOWED_MECHANISMS`
impl From<&[CK_ULONG]> for Attr {
    fn from(value: &[CK_ULONG]) -> Attr {
        Attr::Bytes(value.iter().flat_map(|n| n.to_ne_bytes()).collect())
    }
}
impl From<Vec<(CK_ATTRIBUTE_TYPE, Attr)>> for Attr {
    fn from(template: Vec<(CK_ATTRIBUTE_TYPE, Attr)>) -> Attr {
        Attr::Template(template)
    }
}
impl<const N: usize> From<[(CK_ATTRIBUTE_TYPE, Attr); N]> for Attr {
    fn from(value: [(CK_ATTRIBUTE_TYPE, Attr); N]) -> Attr {
        Attr::Template(value.to_vec())
    }
}

/// The C array of a template, and the memory it points to.
#[derive(Debug)]
pub struct RawTemplate {
    array: Vec<CK_ATTRIBUTE>,
    values: Vec<Vec<u8>>,
    nested: Vec<RawTemplate>,
}

impl RawTemplate {
    pub fn new(template: &[(CK_ATTRIBUTE_TYPE, Attr)]) -> RawTemplate {
        let mut raw = RawTemplate { array: Vec::new(), values: Vec::new(), nested: Vec::new() };
        for (cka, attr) in template {
            let (at, len) = raw.keep(attr);
            raw.array.push(CK_ATTRIBUTE { type_: *cka, pValue: at, ulValueLen: len });
        }
        raw
    }

    /// Moving a `Vec` does not move what it holds, so the pointers stay right.
    fn keep(&mut self, attr: &Attr) -> (*mut std::ffi::c_void, CK_ULONG) {
        match attr {
            Attr::Null(len) => (null_mut(), *len),
            Attr::Bytes(bytes) => {
                let mut bytes = bytes.clone();
                let raw = (bytes.as_mut_ptr().cast(), bytes.len() as CK_ULONG);
                self.values.push(bytes);
                raw
            }
            Attr::Template(inner) => {
                let mut inner = RawTemplate::new(inner);
                let len = size_of_val(&inner.array[..]) as CK_ULONG;
                let raw = (inner.array.as_mut_ptr().cast(), len);
                self.nested.push(inner);
                raw
            }
        }
    }

    pub fn ptr(&mut self) -> *mut CK_ATTRIBUTE {
        self.array.as_mut_ptr()
    }

    pub fn count(&self) -> CK_ULONG {
        self.array.len() as CK_ULONG
    }
}
