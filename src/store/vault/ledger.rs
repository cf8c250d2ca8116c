//! What a token holds, in 40 bytes: a keyed hash of the set of its records, kept in constant time.
//!
//! Each record counts as HMAC-SHA-256 (ledger key, id, version, tag of its seal); the ledger is
//! their sum modulo 2^256, and how many they are. This is MSet-Add-Hash of Clarke et al.,
//! "Incremental Multiset Hash Functions" (ASIACRYPT 2003), section 5, whose sum has to be kept from
//! the attacker: it is sealed.
use super::RecordId;
use super::layout::{SlotRecord, TAG_LEN};
use crate::crypto::Secret;
use crate::crypto::mac::Mac;
use crate::error::{Error, Result};

/// A record as the ledger counts it.
#[derive(Clone, Debug)]
pub(super) struct Element {
    id: RecordId,
    version: u64,
    tag: [u8; TAG_LEN],
}

impl Element {
    fn of(id: RecordId, version: u64, seal: &[u8]) -> Result<Element> {
        let tag = seal.last_chunk().ok_or(Error::DeviceError)?;
        Ok(Element { id, version, tag: *tag })
    }

    pub(super) fn slot(slot: &SlotRecord) -> Result<Element> {
        Element::of(slot.who.slot(), slot.version, &slot.seal)
    }

    pub(super) fn object(id: RecordId, version: u64, seal: &[u8]) -> Result<Element> {
        Element::of(id, version, seal)
    }
}

/// What comes and what goes in one write.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    pub added: Vec<Element>,
    pub removed: Vec<Element>,
}

impl Delta {
    /// And what comes and goes in another.
    pub(super) fn extend(&mut self, other: &Delta) {
        self.added.extend_from_slice(&other.added);
        self.removed.extend_from_slice(&other.removed);
    }
}

/// The sum, least significant limb first, and the count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    sum: [u64; 4],
    count: u64,
}

impl Ledger {
    /// The ledger once `delta` has happened.
    pub(super) fn after(mut self, delta: &Delta, key: &Mac) -> Result<Ledger> {
        for element in &delta.removed {
            self.remove(element, key)?;
        }
        for element in &delta.added {
            self.add(element, key)?;
        }
        Ok(self)
    }

    pub(super) fn add(&mut self, element: &Element, key: &Mac) -> Result<()> {
        self.merge(&Ledger { sum: value(element, key)?, count: 1 });
        Ok(())
    }

    /// The ledger of both sets together.
    pub(super) fn merge(&mut self, other: &Ledger) {
        let mut carry = false;
        for (limb, other) in self.sum.iter_mut().zip(other.sum) {
            (*limb, carry) = limb.carrying_add(other, carry);
        }
        self.count = self.count.wrapping_add(other.count);
    }

    fn remove(&mut self, element: &Element, key: &Mac) -> Result<()> {
        let mut borrow = false;
        for (limb, other) in self.sum.iter_mut().zip(value(element, key)?) {
            (*limb, borrow) = limb.borrowing_sub(other, borrow);
        }
        self.count = self.count.wrapping_sub(1);
        Ok(())
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// 40 bytes: the sum and the count, each least significant byte first.
    pub(super) fn encode(&self) -> Secret {
        let limbs = self.sum.iter().chain([&self.count]);
        Secret::new(limbs.flat_map(|limb| limb.to_le_bytes()).collect())
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Ledger> {
        let (limbs, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let [a, b, c, d, count] = <[[u8; 8]; 5]>::try_from(limbs).ok()?;
        let sum = [a, b, c, d].map(u64::from_le_bytes);
        Some(Ledger { sum, count: u64::from_le_bytes(count) })
    }
}

fn value(element: &Element, key: &Mac) -> Result<[u64; 4]> {
    let code = key
        .code(&[&element.id.0, &element.version.to_be_bytes(), &element.tag])
        .map_err(|_| Error::DeviceError)?;
    let (limbs, _) = code.as_chunks::<8>();
    let limbs = <[[u8; 8]; 4]>::try_from(limbs).map_err(|_| Error::DeviceError)?;
    Ok(limbs.map(u64::from_le_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(n: u8) -> Element {
        Element { id: RecordId([n; 16]), version: u64::from(n), tag: [n; 16] }
    }

    #[test]
    fn order_does_not_matter_and_removal_undoes() {
        let key = Mac::new(&[1; 32]);
        let all: Vec<Element> = (0..50).map(element).collect();
        let reversed = all.iter().rev().cloned().collect();
        let of = |added| Ledger::default().after(&Delta { added, removed: vec![] }, &key).unwrap();
        assert_eq!(of(all.clone()), of(reversed));
        let (some, others) = all.split_at(17);
        let mut merged = of(some.to_vec());
        merged.merge(&of(others.to_vec()));
        assert_eq!(merged, of(all.clone()));
        let gone = of(all.clone()).after(&Delta { added: vec![], removed: all }, &key).unwrap();
        assert_eq!(gone, Ledger::default());
    }

    #[test]
    fn key_version_and_tag_matter() {
        let of = |key: u8, e: Element| {
            let mut ledger = Ledger::default();
            ledger.add(&e, &Mac::new(&[key; 32])).unwrap();
            ledger
        };
        let base = of(1, element(1));
        assert_ne!(base, of(2, element(1)));
        assert_ne!(base, of(1, Element { version: 2, ..element(1) }));
        assert_ne!(base, of(1, Element { tag: [2; 16], ..element(1) }));
        assert_eq!(Ledger::decode(&base.encode()), Some(base));
    }
}
