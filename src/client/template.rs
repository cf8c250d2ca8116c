//! Templates: attributes with owned values; the C array exists only during a call.
use super::call::ulong;
use super::rights::Known;
use crate::ck::*;
use zeroize::Zeroizing;

/// Attributes to search for or to give an object.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    cka: CK_ATTRIBUTE_TYPE,
    value: Zeroizing<Vec<u8>>,
    known: Known,
}

impl Template {
    /// Of a class (`CKA_CLASS`).
    pub fn class(class: CK_OBJECT_CLASS) -> Template {
        Template::default().ulong(CKA_CLASS, class)
    }

    /// With bytes.
    #[must_use]
    pub fn bytes(mut self, cka: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Template {
        let (value, known) = (Zeroizing::new(value.to_vec()), Known::Everywhere);
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

    /// With a truth value that not every module knows.
    pub(super) fn known(mut self, cka: CK_ATTRIBUTE_TYPE, is: bool, known: Known) -> Template {
        let value = Zeroizing::new(vec![if is { CK_TRUE } else { CK_FALSE }]);
        self.0.push(Entry { cka, value, known });
        self
    }

    /// Returns `true` if no module refuses one of its attributes as unknown.
    pub(super) fn is_known_everywhere(&self) -> bool {
        self.0.iter().all(|entry| entry.known == Known::Everywhere)
    }

    /// The C array of the attributes that are known so widely; good as long as the template lives.
    pub(super) fn raw(&self, most: Known) -> Vec<CK_ATTRIBUTE> {
        let raw = |entry: &Entry| CK_ATTRIBUTE {
            type_: entry.cka,
            pValue: entry.value.as_ptr().cast_mut().cast(),
            ulValueLen: ulong(entry.value.len()),
        };
        self.0.iter().filter(|entry| entry.known.is_at_most(most)).map(raw).collect()
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
        assert_eq!(template.0[1].value.as_slice(), [CK_TRUE]);
    }
}
