//! Templates: attributes with owned values; the C array exists only during a call.
use super::call::ulong;
use super::rights::Known;
use crate::ck::*;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroizing;

/// Attributes to search for or to give an object.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    cka: CK_ATTRIBUTE_TYPE,
    value: Value,
    known: Known,
}

#[derive(Clone, Debug)]
enum Value {
    Bytes(Zeroizing<Vec<u8>>),
    Nested(Template),
}

/// The C array of a template, and the arrays of the templates in it. Good as long as the template lives.
#[derive(Debug)]
pub(super) struct Raw {
    attributes: Vec<CK_ATTRIBUTE>,
    /// Keeps the memory that `attributes` points to.
    _nested: Vec<Raw>,
}

impl Deref for Raw {
    type Target = [CK_ATTRIBUTE];

    fn deref(&self) -> &[CK_ATTRIBUTE] {
        &self.attributes
    }
}

impl DerefMut for Raw {
    fn deref_mut(&mut self) -> &mut [CK_ATTRIBUTE] {
        &mut self.attributes
    }
}

impl Template {
    /// Of a class (`CKA_CLASS`).
    pub fn class(class: CK_OBJECT_CLASS) -> Template {
        Template::default().ulong(CKA_CLASS, class)
    }

    /// With bytes.
    #[must_use]
    pub fn bytes(mut self, cka: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Template {
        let (value, known) = (Value::Bytes(Zeroizing::new(value.to_vec())), Known::Everywhere);
        self.0.push(Entry { cka, value, known });
        self
    }

    /// With a number.
    #[must_use]
    pub fn ulong(self, cka: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Template {
        self.bytes(cka, &value.to_ne_bytes())
    }

    /// With a truth value.
    #[must_use]
    pub fn flag(self, cka: CK_ATTRIBUTE_TYPE, value: bool) -> Template {
        self.bytes(cka, &[if value { CK_TRUE } else { CK_FALSE }])
    }

    /// With several truth values that are all true.
    #[must_use]
    pub fn flags(self, ckas: &[CK_ATTRIBUTE_TYPE]) -> Template {
        ckas.iter().fold(self, |template, cka| template.flag(*cka, true))
    }

    /// With several numbers: `CKA_ALLOWED_MECHANISMS`.
    #[must_use]
    pub fn ulongs(self, cka: CK_ATTRIBUTE_TYPE, values: &[CK_ULONG]) -> Template {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        self.bytes(cka, &bytes)
    }

    /// With a template as the value: `CKA_UNWRAP_TEMPLATE`.
    #[must_use]
    pub fn nested(mut self, cka: CK_ATTRIBUTE_TYPE, inner: Template) -> Template {
        let (value, known) = (Value::Nested(inner), Known::Everywhere);
        self.0.push(Entry { cka, value, known });
        self
    }

    /// With a truth value that not every module knows.
    pub(super) fn known(mut self, cka: CK_ATTRIBUTE_TYPE, is: bool, known: Known) -> Template {
        let value = Value::Bytes(Zeroizing::new(vec![if is { CK_TRUE } else { CK_FALSE }]));
        self.0.push(Entry { cka, value, known });
        self
    }

    /// Returns `true` if no module refuses one of its attributes as unknown.
    pub(super) fn is_known_everywhere(&self) -> bool {
        self.0.iter().all(|entry| entry.known == Known::Everywhere)
    }

    /// The C array of the attributes that are known so widely; good as long as the template lives.
    pub(super) fn raw(&self, most: Known) -> Raw {
        let mut nested = Vec::new();
        let mut attributes = Vec::new();
        for entry in self.0.iter().filter(|entry| entry.known.is_at_most(most)) {
            let (value, len): (CK_VOID_PTR, usize) = match &entry.value {
                Value::Bytes(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
                Value::Nested(inner) => {
                    let mut inner = inner.raw(most);
                    let array = (inner.as_mut_ptr().cast(), size_of_val::<[CK_ATTRIBUTE]>(&inner));
                    nested.push(inner);
                    array
                }
            };
            attributes.push(CK_ATTRIBUTE {
                type_: entry.cka,
                pValue: value,
                ulValueLen: ulong(len),
            });
        }
        Raw { attributes, _nested: nested }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_c_expects() {
        let template = Template::class(CKO_DATA).flag(CKA_TOKEN, true).bytes(CKA_LABEL, b"x");
        let lens: Vec<CK_ULONG> =
            template.raw(Known::Everywhere).iter().map(|a| a.ulValueLen).collect();
        assert_eq!(lens, [ulong(size_of::<CK_ULONG>()), 1, 1]);
        let Value::Bytes(token) = &template.0[1].value else { panic!() };
        assert_eq!(token.as_slice(), [CK_TRUE]);
    }
}
