//! Attributes as stored bytes: versioned, independent of the machine's `CK_ULONG`.
//!
//! A record is its version (1), then the attributes: how many, then for each its number, the kind of
//! its value and the value, ascending by number. Counts, numbers of attributes and lengths are
//! LEB128; values of `CK_ULONG` attributes are 8 bytes, little-endian, all ones for
//! `CK_UNAVAILABLE_INFORMATION` whatever its width here.
use super::attribute::{Attributes, Value};
use crate::ck::*;
use crate::crypto::Secret;

const VERSION: u8 = 1;

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const ULONG: u8 = 2;
const BYTES: u8 = 3;
const ULONGS: u8 = 4;
const TEMPLATE: u8 = 5;

/// Templates within templates: more levels than that mean nothing.
const MAX_DEPTH: usize = 4;

/// The stored form of `attributes`.
pub fn encode(attributes: &Attributes) -> Secret {
    // all the room at once: growing would leave copies of secrets behind
    let mut out = Secret::new(Vec::with_capacity(1 + room(attributes)));
    out.push(VERSION);
    put(&mut out, attributes);
    out
}

/// The attributes of a stored form; `None` if it is malformed.
pub fn decode(bytes: &[u8]) -> Option<Attributes> {
    let (VERSION, rest) = bytes.split_first().map(|(version, rest)| (*version, rest))? else {
        return None;
    };
    let mut reader = Reader(rest);
    let attributes = reader.attributes(MAX_DEPTH)?;
    reader.0.is_empty().then_some(attributes)
}

/// Longest LEB128 form of 64 bits.
const LEB128_MAX: usize = 10;

/// At least as many bytes as [`put`] writes.
fn room(attributes: &Attributes) -> usize {
    let value = |value: &Value| match value {
        Value::Bool(_) => 0,
        Value::Ulong(_) => 8,
        Value::Bytes(bytes) => LEB128_MAX + bytes.len(),
        Value::Ulongs(numbers) => LEB128_MAX + 8 * numbers.len(),
        Value::Template(template) => room(template),
    };
    LEB128_MAX + attributes.iter().map(|(_, v)| LEB128_MAX + 1 + value(v)).sum::<usize>()
}

fn put(out: &mut Vec<u8>, attributes: &Attributes) {
    put_len(out, attributes.len());
    for (cka, value) in attributes.iter() {
        put_leb128(out, wide(cka));
        match value {
            Value::Bool(false) => out.push(FALSE),
            Value::Bool(true) => out.push(TRUE),
            Value::Ulong(number) => {
                out.push(ULONG);
                out.extend(stored(*number).to_le_bytes());
            }
            Value::Bytes(bytes) => {
                out.push(BYTES);
                put_len(out, bytes.len());
                out.extend_from_slice(bytes);
            }
            Value::Ulongs(numbers) => {
                out.push(ULONGS);
                put_len(out, numbers.len());
                out.extend(numbers.iter().flat_map(|number| stored(*number).to_le_bytes()));
            }
            Value::Template(template) => {
                out.push(TEMPLATE);
                put(out, template);
            }
        }
    }
}

#[allow(clippy::useless_conversion, reason = "CK_ULONG has 32 bits on some platforms")]
fn wide(number: CK_ULONG) -> u64 {
    u64::from(number)
}

fn stored(number: CK_ULONG) -> u64 {
    if number == CK_UNAVAILABLE_INFORMATION { u64::MAX } else { wide(number) }
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    // no length has more than 64 bits
    put_leb128(out, u64::try_from(len).unwrap_or(u64::MAX));
}

fn put_leb128(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn leb128(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                // one form for each number
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    /// A count or length of things of at least `each` bytes, no more than there is room for.
    fn count(&mut self, each: usize) -> Option<usize> {
        let count = usize::try_from(self.leb128()?).ok()?;
        (count <= self.0.len() / each).then_some(count)
    }

    fn ulong(&mut self) -> Option<CK_ULONG> {
        match u64::from_le_bytes(*self.take(8)?.first_chunk()?) {
            u64::MAX => Some(CK_UNAVAILABLE_INFORMATION),
            number => CK_ULONG::try_from(number).ok(),
        }
    }

    fn attributes(&mut self, depth: usize) -> Option<Attributes> {
        let count = self.count(2)?;
        let mut attributes = Attributes::new();
        let mut last = None;
        for _ in 0..count {
            let cka = CK_ATTRIBUTE_TYPE::try_from(self.leb128()?).ok()?;
            if last.replace(cka).is_some_and(|last| last >= cka) {
                return None;
            }
            attributes.append(cka, self.value(depth)?);
        }
        attributes.shrink();
        Some(attributes)
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        Some(match self.byte()? {
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            ULONG => Value::Ulong(self.ulong()?),
            BYTES => {
                let len = self.count(1)?;
                Value::bytes(self.take(len)?)
            }
            ULONGS => {
                let count = self.count(8)?;
                Value::Ulongs((0..count).map(|_| self.ulong()).collect::<Option<_>>()?)
            }
            TEMPLATE => Value::Template(self.attributes(depth.checked_sub(1)?)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Attributes {
        let inner = Attributes::from_iter([(CKA_EXTRACTABLE, Value::Bool(false))]);
        Attributes::from_iter([
            (CKA_CLASS, Value::Ulong(CKO_SECRET_KEY)),
            (CKA_TOKEN, Value::Bool(true)),
            (CKA_LABEL, Value::bytes(&[7; 300])),
            (CKA_ID, Value::bytes(&[])),
            (CKA_KEY_GEN_MECHANISM, Value::Ulong(CK_UNAVAILABLE_INFORMATION)),
            (CKA_ALLOWED_MECHANISMS, Value::Ulongs(vec![CKM_AES_GCM, CKM_VENDOR_DEFINED])),
            (CKA_UNWRAP_TEMPLATE, Value::Template(inner)),
            (CKA_KEYFERRY_KID, Value::bytes(b"https://v.vault.azure.net/keys/k/0")),
        ])
    }

    #[test]
    fn attributes_survive_storage() {
        for attributes in [sample(), Attributes::new()] {
            let stored = encode(&attributes);
            assert!(stored.len() <= 1 + room(&attributes));
            assert_eq!(decode(&stored), Some(attributes));
        }
    }

    /// Stores outlive versions: this is what they hold.
    #[test]
    fn the_format_is_as_written_down() {
        let attributes = Attributes::from_iter([
            (CKA_CLASS, Value::Ulong(4)),
            (CKA_TOKEN, Value::Bool(true)),
            (CKA_ID, Value::bytes(b"ab")),
        ]);
        let expected = [1, 3, 0, 2, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x82, 2, 3, 2, b'a', b'b'];
        assert_eq!(encode(&attributes).as_slice(), expected);
    }

    #[test]
    fn what_is_cut_or_continued_is_refused() {
        let stored = encode(&sample());
        for len in 0..stored.len() {
            assert_eq!(decode(&stored[..len]), None, "{len}");
        }
        assert_eq!(decode(&[&stored[..], &[0]].concat()), None);
    }

    #[test]
    fn order_repetition_version_and_width_are_checked() {
        assert_eq!(decode(&[2, 0]), None, "version");
        assert_eq!(decode(&[1, 2, 1, 1, 1, 1]), None, "repeated");
        assert_eq!(decode(&[1, 2, 2, 1, 1, 1]), None, "descending");
        assert_eq!(decode(&[1, 0x80, 0]), None, "padded count");
        assert_eq!(
            decode(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            None,
            "absurd count"
        );
        let nested = [&[1][..], &[1, 1, 5].repeat(20), &[0]].concat();
        assert_eq!(decode(&nested), None, "too deep");
    }

    #[test]
    fn mutations_never_panic() {
        let stored = encode(&sample());
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut bytes = stored.to_vec();
            for _ in 0..3 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let [_, _, _, a, b, c, ..] = state.to_le_bytes();
                let at = usize::from(u16::from_le_bytes([a, b])) % bytes.len();
                bytes[at] ^= c;
            }
            if let Some(attributes) = decode(&bytes) {
                assert_eq!(
                    encode(&attributes).as_slice(),
                    bytes,
                    "one form for each set of attributes"
                );
            }
        }
    }
}
