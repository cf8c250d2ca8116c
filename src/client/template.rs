//! Templates: attributes with owned values; the C array exists only during a call.
use super::call::ulong;
use crate::ck::*;
use zeroize::Zeroizing;

/// Attributes to search for or to give an object.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<(CK_ATTRIBUTE_TYPE, Zeroizing<Vec<u8>>)>);

impl Template {
    /// Of a class (`CKA_CLASS`).
    pub fn class(class: CK_OBJECT_CLASS) -> Template {
        Template::default().ulong(CKA_CLASS, class)
    }

    /// With bytes.
    #[must_use]
    pub fn bytes(mut self, cka: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Template {
        self.0.push((cka, Zeroizing::new(value.to_vec())));
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

    /// The C array; good as long as the template lives.
    pub(super) fn raw(&self) -> Vec<CK_ATTRIBUTE> {
        let raw = |(cka, value): &(CK_ATTRIBUTE_TYPE, Zeroizing<Vec<u8>>)| CK_ATTRIBUTE {
            type_: *cka,
            pValue: value.as_ptr().cast_mut().cast(),
            ulValueLen: ulong(value.len()),
        };
        self.0.iter().map(raw).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_c_expects() {
        let template = Template::class(CKO_DATA).flag(CKA_TOKEN, true).bytes(CKA_LABEL, b"x");
        let lens: Vec<CK_ULONG> = template.raw().iter().map(|a| a.ulValueLen).collect();
        assert_eq!(lens, [ulong(size_of::<CK_ULONG>()), 1, 1]);
        assert_eq!(template.0[1].1.as_slice(), [CK_TRUE]);
    }
}
