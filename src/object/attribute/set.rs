//! A set of attributes.
//!
//! Half of what an object has are booleans, and there may be 100,000 objects: two bits each for them.
use super::{Value, name};
use crate::ck::*;
use crate::error::{Error, Result};

/// A set of attributes, each at most once, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// A bit for each of [`FLAGS`] that is there.
    present: u64,
    /// Of these, a bit for each that is `CK_TRUE`.
    set: u64,
    /// Everything else, ascending.
    others: Vec<(CK_ATTRIBUTE_TYPE, Value)>,
}

/// The attributes that are booleans, ascending; a test compares them with the table.
const FLAGS: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_TRUSTED,
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_DERIVE,
    CKA_EXTRACTABLE,
    CKA_LOCAL,
    CKA_NEVER_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_SECONDARY_AUTH,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_OTP_USER_FRIENDLY_MODE,
    CKA_RESET_ON_INIT,
    CKA_HAS_RESET,
    CKA_COLOR,
    CKA_X2RATCHET_ISALICE,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
];

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// The bit of `cka`, if it is a boolean.
fn bit(cka: CK_ATTRIBUTE_TYPE) -> Option<u64> {
    // most attributes are asked for often, and many objects at once
    let place = usize::try_from(cka).ok().and_then(|at| PLACES.get(at))?;
    Some(1u64 << (place.checked_sub(1)?))
}

/// One more than the last of [`FLAGS`].
#[allow(clippy::cast_possible_truncation, reason = "0x634")]
const END: usize = CKA_DECAPSULATE as usize + 1;

/// For each number below [`END`] its place in [`FLAGS`], counted from 1; 0 for all others.
static PLACES: [u8; END] = places();

#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "at compile time")]
const fn places() -> [u8; END] {
    let mut places = [0; END];
    let mut at = 0;
    while at < FLAGS.len() {
        places[FLAGS[at] as usize] = at as u8 + 1;
        at += 1;
    }
    places
}

impl Attributes {
    /// No attributes.
    pub const fn new() -> Attributes {
        Attributes { present: 0, set: 0, others: Vec::new() }
    }
    /// The value of `cka`.
    pub fn value(&self, cka: CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        if let Some(value) = bit(cka).and_then(|bit| self.at(bit)) {
            return Some(value);
        }
        let at = self.others.binary_search_by_key(&cka, |(k, _)| *k).ok()?;
        self.others.get(at).map(|(_, v)| v)
    }
    /// The value of the boolean at `bit`.
    fn at(&self, bit: u64) -> Option<&'static Value> {
        (self.present & bit != 0).then_some(if self.set & bit != 0 { &TRUE } else { &FALSE })
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
        self.remove(cka);
        match (bit(cka), value) {
            (Some(bit), Value::Bool(value)) => {
                self.present |= bit;
                self.set |= if value { bit } else { 0 };
            }
            (_, value) => {
                let at = self.others.partition_point(|(k, _)| *k < cka);
                self.others.insert(at, (cka, value));
            }
        }
    }
    /// Sets what comes after all that is there: for whoever has them in their order.
    pub(in crate::object) fn append(&mut self, cka: CK_ATTRIBUTE_TYPE, value: Value) {
        let after = self.others.last().is_none_or(|(last, _)| *last < cka);
        match (bit(cka), value) {
            (Some(bit), Value::Bool(value)) if after => {
                self.present |= bit;
                self.set |= if value { bit } else { 0 };
            }
            (_, value) if after => self.others.push((cka, value)),
            (_, value) => self.set(cka, value),
        }
    }
    /// Adds `cka` to a template. Given twice with the same value it counts once, with different
    /// ones the template is inconsistent: `CKR_TEMPLATE_INCONSISTENT` (section 4.1.1).
    pub fn add(&mut self, cka: CK_ATTRIBUTE_TYPE, value: Value) -> Result<()> {
        match self.value(cka) {
            None => self.set(cka, value),
            Some(present) if *present == value => {}
            Some(_) => return Err(Error::TemplateInconsistent.because(name(cka))),
        }
        Ok(())
    }
    /// Takes `cka` out.
    pub fn remove(&mut self, cka: CK_ATTRIBUTE_TYPE) -> Option<Value> {
        if let Some((bit, value)) = bit(cka).and_then(|bit| Some((bit, self.at(bit)?))) {
            self.present &= !bit;
            self.set &= !bit;
            return Some(value.clone());
        }
        let at = self.others.binary_search_by_key(&cka, |(k, _)| *k).ok()?;
        Some(self.others.remove(at).1)
    }
    /// Gives back memory that was set aside for more attributes.
    pub fn shrink(&mut self) {
        self.others.shrink_to_fit();
    }
    /// Whether `cka` is present.
    pub fn has(&self, cka: CK_ATTRIBUTE_TYPE) -> bool {
        self.value(cka).is_some()
    }
    /// Sets all of `others`.
    pub fn extend(&mut self, others: Attributes) {
        for (cka, value) in others {
            self.set(cka, value);
        }
    }
    /// In the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &Value)> {
        let mut flags = self.flags().peekable();
        let mut others = self.others.iter().map(|(k, v)| (*k, v)).peekable();
        std::iter::from_fn(move || match (flags.peek(), others.peek()) {
            (Some((flag, _)), Some((other, _))) if flag < other => flags.next(),
            (Some(_), None) => flags.next(),
            _ => others.next(),
        })
    }
    /// The booleans.
    fn flags(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &'static Value)> + use<'_> {
        FLAGS.iter().enumerate().filter_map(|(at, cka)| Some((*cka, self.at(1 << at)?)))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.flags().count() + self.others.len()
    }
    /// Those for which `is` holds, and the others.
    pub fn partition(self, is: impl Fn(CK_ATTRIBUTE_TYPE) -> bool) -> (Attributes, Attributes) {
        let (yes, no): (Vec<_>, Vec<_>) = self.into_iter().partition(|(cka, _)| is(*cka));
        (yes.into_iter().collect(), no.into_iter().collect())
    }
}

impl IntoIterator for Attributes {
    type Item = (CK_ATTRIBUTE_TYPE, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        let mut all: Vec<_> = self.flags().map(|(cka, value)| (cka, value.clone())).collect();
        all.extend(self.others);
        all.sort_by_key(|(cka, _)| *cka);
        all.into_iter()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::attribute::{ATTRIBUTES, Kind};

    #[test]
    fn the_booleans_are_those_of_the_table() {
        let table = ATTRIBUTES.iter().filter(|row| row.kind == Kind::Bool).map(|row| row.cka);
        assert!(table.eq(FLAGS.iter().copied()) && FLAGS.len() <= 64);
    }

    #[test]
    fn all_kinds_are_in_one_order() {
        let pairs = [
            (CKA_CLASS, Value::Ulong(4)),
            (CKA_TOKEN, Value::Bool(false)),
            (CKA_LABEL, Value::bytes(b"l")),
            (CKA_SIGN, Value::Bool(true)),
            (CKA_KEYFERRY_KID, Value::bytes(b"k")),
        ];
        let all: Attributes = pairs.iter().rev().cloned().collect();
        assert_eq!(all.iter().map(|(k, v)| (k, v.clone())).collect::<Vec<_>>(), pairs);
        assert_eq!(all.clone().into_iter().collect::<Vec<_>>(), pairs);
        assert_eq!(all.len(), 5);
        let (booleans, rest) = all.partition(|cka| bit(cka).is_some());
        assert_eq!((booleans.len(), rest.len()), (2, 3));
        assert!(booleans.others.is_empty());
    }

    #[test]
    fn a_value_replaces_another_of_whatever_kind() {
        let mut all = Attributes::new();
        for value in [Value::Bool(true), Value::bytes(&[1]), Value::Bool(false), Value::Ulong(3)] {
            all.set(CKA_TOKEN, value.clone());
            assert_eq!((all.value(CKA_TOKEN), all.len()), (Some(&value), 1));
        }
        assert_eq!(all.remove(CKA_TOKEN), Some(Value::Ulong(3)));
        assert_eq!(all, Attributes::new());
    }
}
