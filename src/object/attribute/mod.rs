//! Attributes: a row per `CKA_*` with the kind of its value, and the values themselves.
//!
//! Everything above knows attributes in this form only: typed, checked, each once.
mod set;
mod table;

use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
pub use set::Attributes;
use std::fmt;
pub use table::ATTRIBUTES;

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

/// The row of `cka`, or `CKR_ATTRIBUTE_TYPE_INVALID`.
pub fn row(cka: CK_ATTRIBUTE_TYPE) -> Result<&'static Row> {
    ATTRIBUTES
        .binary_search_by_key(&cka, |row| row.cka)
        .ok()
        .and_then(|at| ATTRIBUTES.get(at))
        .ok_or(Error::AttributeTypeInvalid)
}

/// The name of `cka` for logs.
pub fn name(cka: CK_ATTRIBUTE_TYPE) -> String {
    row(cka).map_or_else(|_| format!("CKA_ 0x{cka:x}"), |row| row.name.to_owned())
}

/// A typed value. Whatever it is, it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
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
    ///
    /// Any byte but 0 is `CK_TRUE`, and texts are not held to UTF-8: programs put Latin-1 and
    /// binary names into `CKA_LABEL`, and want the same bytes back.
    pub fn parse(kind: Kind, bytes: &[u8]) -> Result<Value> {
        match kind {
            Kind::Bool => match bytes {
                [byte] => Ok(Value::Bool(*byte != 0)),
                _ => Err(Error::AttributeValueInvalid),
            },
            Kind::Ulong => Ok(Value::Ulong(native(bytes).ok_or(Error::AttributeValueInvalid)?)),
            Kind::Ulongs => bytes
                .chunks(size_of::<CK_ULONG>())
                .map(native)
                .collect::<Option<Vec<_>>>()
                .map(Value::Ulongs)
                .ok_or(Error::AttributeValueInvalid),
            Kind::Date if !bytes.is_empty() && !is_date(bytes) => Err(Error::AttributeValueInvalid),
            Kind::BigInteger => Ok(Value::bytes(strip(bytes))),
            Kind::Bytes | Kind::Text | Kind::Date => Ok(Value::bytes(bytes)),
            Kind::Template => Err(Error::AttributeValueInvalid),
        }
    }
    /// The bytes an application gets; `None` for templates.
    pub fn to_bytes(&self) -> Option<Secret> {
        Some(Secret::new(match self {
            Value::Bool(b) => vec![CK_BBOOL::from(*b)],
            Value::Ulong(n) => n.to_ne_bytes().to_vec(),
            Value::Bytes(bytes) => return Some(bytes.clone()),
            Value::Ulongs(numbers) => numbers.iter().flat_map(|n| n.to_ne_bytes()).collect(),
            Value::Template(_) => return None,
        }))
    }
    /// The value that says as much as an absent one of this kind, if there is one. A list or template
    /// without entries says something else: an empty list of mechanisms allows none.
    pub fn empty(kind: Kind) -> Option<Value> {
        match kind {
            Kind::Bool | Kind::Ulong | Kind::Ulongs | Kind::Template => None,
            Kind::Bytes | Kind::BigInteger | Kind::Text | Kind::Date => Some(Value::bytes(&[])),
        }
    }
    /// A byte-array value.
    pub fn bytes(bytes: &[u8]) -> Value {
        Value::Bytes(Secret::new(bytes.to_vec()))
    }
}

/// Never shows bytes: they may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(b) => b.fmt(f),
            Value::Ulong(n) => n.fmt(f),
            Value::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Value::Ulongs(numbers) => numbers.fmt(f),
            Value::Template(template) => template.fmt(f),
        }
    }
}

/// A native `CK_ULONG`, if `bytes` are as long as one.
fn native(bytes: &[u8]) -> Option<CK_ULONG> {
    Some(CK_ULONG::from_ne_bytes(bytes.try_into().ok()?))
}

/// `bytes` without leading zeros.
pub(in crate::object) fn strip(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Whether `bytes` are a day of the Gregorian calendar as `CK_DATE` has it: `YYYYMMDD`.
fn is_date(bytes: &[u8]) -> bool {
    if bytes.len() != 8 || !bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0u32, |n, digit| n * 10 + u32::from(digit - b'0'));
    let (year, day) = bytes.split_at(4);
    let (month, day) = day.split_at(2);
    let (year, month, day) = (number(year), number(month), number(day));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_trip_through_bytes() {
        let long = (7 as CK_ULONG).to_ne_bytes();
        let two = [long, long].concat();
        for (kind, bytes) in [
            (Kind::Bool, &[1][..]),
            (Kind::Bool, &[0]),
            (Kind::Ulong, &long),
            (Kind::Ulongs, &two),
            (Kind::Ulongs, &[]),
            (Kind::Bytes, &[0, 1, 2]),
            (Kind::Text, b"caf\xe9"),
            (Kind::Date, b"20240229"),
            (Kind::Date, b""),
            (Kind::BigInteger, &[1, 0, 1]),
        ] {
            let value = Value::parse(kind, bytes).unwrap();
            assert_eq!(value.to_bytes().unwrap().as_slice(), bytes, "{kind:?}");
        }
    }

    #[test]
    fn what_is_not_a_value_of_its_kind_is_refused() {
        for (kind, bytes) in [
            (Kind::Bool, &[][..]),
            (Kind::Bool, &[1, 0, 0, 0]),
            (Kind::Ulong, &[1]),
            (Kind::Ulong, &[0; 9]),
            (Kind::Ulongs, &[0; 9]),
            (Kind::Date, b"20230229"),
            (Kind::Date, b"20241301"),
            (Kind::Date, b"20240431"),
            (Kind::Date, b"2024 101"),
            (Kind::Date, b"2024"),
            (Kind::Template, &[]),
        ] {
            assert_eq!(
                Value::parse(kind, bytes),
                Err(Error::AttributeValueInvalid),
                "{kind:?} {bytes:?}"
            );
        }
    }

    #[test]
    fn leading_zeros_of_numbers_do_not_count_and_any_nonzero_byte_is_true() {
        assert_eq!(Value::parse(Kind::BigInteger, &[0, 0, 5]), Ok(Value::bytes(&[5])));
        assert_eq!(Value::parse(Kind::Bool, &[0xff]), Ok(Value::Bool(true)));
    }

    #[test]
    fn a_template_may_repeat_itself_but_not_contradict_itself() {
        let mut template = Attributes::new();
        template.add(CKA_TOKEN, Value::Bool(true)).unwrap();
        template.add(CKA_TOKEN, Value::Bool(true)).unwrap();
        assert_eq!(template.len(), 1);
        assert_eq!(template.add(CKA_TOKEN, Value::Bool(false)), Err(Error::TemplateInconsistent));
        assert_eq!(template.remove(CKA_TOKEN), Some(Value::Bool(true)));
        assert!(template.is_empty());
    }
}
