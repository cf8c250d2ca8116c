//! Attributes: a row per `CKA_*` with the kind of its value, and the values themselves.
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `CK_BBOOL`
    Bool,
    /// `CK_ULONG` and its aliases
    Ulong,
    /// A byte array
    Bytes,
    /// An unsigned big-endian number; leading zeros do not count
    BigInteger,
    /// UTF-8 text (RFC 2279 string in the standard)
    Text,
    /// `CK_DATE`, or empty
    Date,
    /// An array of `CK_ULONG`s: `CKA_ALLOWED_MECHANISMS`
    Ulongs,
    /// An array of attributes: `CKA_WRAP_TEMPLATE` and its like
    Template,
}

/// A row of the table of attributes.
#[derive(Debug)]
pub struct Row {
    /// The `CKA_*` number.
    pub cka: CK_ATTRIBUTE_TYPE,
    /// Its name in the standard.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
}

/// The table.
pub static ATTRIBUTES: &[Row] = &[];

/// The row of `cka`, or `CKR_ATTRIBUTE_TYPE_INVALID`.
pub fn row(cka: CK_ATTRIBUTE_TYPE) -> Result<&'static Row> {
    ATTRIBUTES.iter().find(|r| r.cka == cka).ok_or(Error::AttributeTypeInvalid)
}

/// A typed value. Whatever it is, it is wiped when dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Value {
    Bool(bool),
    Ulong(CK_ULONG),
    Bytes(Secret),
    Ulongs(Vec<CK_ULONG>),
    Template(Attributes),
}

impl Value {
    /// From the bytes an application gave (native `CK_ULONG`s; not for [`Kind::Template`], whose
    /// structures only the boundary can follow). `CKR_ATTRIBUTE_VALUE_INVALID` if they cannot be
    /// a value of this kind.
    pub fn parse(kind: Kind, bytes: &[u8]) -> Result<Value> {
        let _ = (kind, bytes);
        todo!()
    }
    /// The bytes an application gets; `None` for templates.
    pub fn to_bytes(&self) -> Option<Secret> {
        todo!()
    }
    /// A byte-array value.
    pub fn bytes(bytes: &[u8]) -> Value {
        Value::Bytes(Secret::new(bytes.to_vec()))
    }
}

/// A set of attributes, each at most once, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Value)>);

impl Attributes {
    /// No attributes.
    pub const fn new() -> Attributes {
        Attributes(Vec::new())
    }
    /// The value of `cka`.
    pub fn value(&self, cka: CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        let at = self.0.binary_search_by_key(&cka, |(k, _)| *k).ok()?;
        self.0.get(at).map(|(_, v)| v)
    }
    /// The value of a boolean attribute.
    pub fn flag(&self, cka: CK_ATTRIBUTE_TYPE) -> Option<bool> {
        match self.value(cka)? {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
    /// The value of a `CK_ULONG` attribute.
    pub fn ulong(&self, cka: CK_ATTRIBUTE_TYPE) -> Option<CK_ULONG> {
        match self.value(cka)? {
            Value::Ulong(n) => Some(*n),
            _ => None,
        }
    }
    /// The value of a byte array, number, text or date attribute.
    pub fn bytes(&self, cka: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        match self.value(cka)? {
            Value::Bytes(b) => Some(b),
            _ => None,
        }
    }
    /// Sets `cka`, replacing what was there.
    pub fn set(&mut self, cka: CK_ATTRIBUTE_TYPE, value: Value) {
        match self.0.binary_search_by_key(&cka, |(k, _)| *k) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => self.0.insert(at, (cka, value)),
        }
    }
    /// Whether `cka` is present.
    pub fn has(&self, cka: CK_ATTRIBUTE_TYPE) -> bool {
        self.value(cka).is_some()
    }
    /// Sets all of `others`.
    pub fn extend(&mut self, others: Attributes) {
        for (cka, value) in others.0 {
            self.set(cka, value);
        }
    }
    /// In the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &Value)> {
        self.0.iter().map(|(k, v)| (*k, v))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Those for which `is` holds, and the others.
    pub fn partition(self, is: impl Fn(CK_ATTRIBUTE_TYPE) -> bool) -> (Attributes, Attributes) {
        let (yes, no) = self.0.into_iter().partition(|(cka, _)| is(*cka));
        (Attributes(yes), Attributes(no))
    }
}

impl FromIterator<(CK_ATTRIBUTE_TYPE, Value)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (CK_ATTRIBUTE_TYPE, Value)>>(pairs: I) -> Attributes {
        let mut all = Attributes::new();
        for (cka, value) in pairs {
            all.set(cka, value);
        }
        all
    }
}
