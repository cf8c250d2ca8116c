//! Records as bytes, as `docs/storage-format.md` draws them. Reading is total: any bytes give a
//! record or `None`.
//!
//! A record is a head, which its seal authenticates, and the seal. Numbers are big-endian.
use super::tries::{Counter, TAG_LEN as TRY_LEN};
use super::{RecordId, Sealed, Tries, Who};
use crate::crypto::pin::Cost;

/// The version of the records. A record of another one is refused.
pub(super) const FORMAT: u8 = 1;
/// Length of a seal of nothing: nonce and tag.
pub(super) const SEAL_LEN: usize = NONCE_LEN + TAG_LEN;
pub(super) const NONCE_LEN: usize = 12;
pub(super) const TAG_LEN: usize = 16;

/// Length of the sealed token key.
const SLOT_SEAL_LEN: usize = SEAL_LEN + 32;

const KIND_DESCRIPTION: u8 = 1;
const KIND_SLOT: u8 = 2;
const KIND_OBJECT: u8 = 3;
/// Not a record of its own: what the seal of key material says it is.
pub(super) const KIND_MATERIAL: u8 = 4;

/// Where the description is.
pub(super) const DESCRIPTION: RecordId = RecordId([0; 16]);

impl Who {
    /// Where this PIN's slot is.
    pub(super) const fn slot(self) -> RecordId {
        match self {
            Who::So => RecordId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            Who::User => RecordId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
        }
    }
}

/// Whether an object lives at `id`, or a record of the vault's own.
pub(super) fn is_object(id: RecordId) -> bool {
    ![DESCRIPTION, Who::So.slot(), Who::User.slot()].contains(&id)
}

/// What the token is, and its sealed ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DescriptionRecord {
    pub epoch: [u8; 16],
    pub version: u64,
    pub label: [u8; 32],
    pub serial: [u8; 16],
    /// The ledger, sealed: [`SEAL_LEN`] and 40 bytes.
    pub seal: Vec<u8>,
}

impl DescriptionRecord {
    pub(super) fn head(&self) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        [&[FORMAT, KIND_DESCRIPTION][..], &self.epoch, &version, &self.label, &self.serial].concat()
    }

    pub(super) fn body(&self) -> Vec<u8> {
        [self.head(), self.seal.clone()].concat()
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::of(body, KIND_DESCRIPTION)?;
        Some(DescriptionRecord {
            epoch: bytes.take()?,
            version: bytes.u64()?,
            label: bytes.take()?,
            serial: bytes.take()?,
            seal: bytes.seal()?.to_vec(),
        })
    }
}

/// A PIN's slot: the token key, sealed under the key that the PIN gives, and the PIN's counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlotRecord {
    pub who: Who,
    pub version: u64,
    pub cost: Cost,
    pub salt: [u8; 16],
    /// The token key, sealed: [`SEAL_LEN`] and 32 bytes.
    pub seal: Vec<u8>,
    /// The retry counter. Not authenticated: it is written before any key is known, and an attacker
    /// who can modify it can also guess offline.
    pub counter: Counter,
}

impl SlotRecord {
    pub(super) fn head(&self) -> Vec<u8> {
        let who = match self.who {
            Who::So => 0,
            Who::User => 1,
        };
        let Cost { memory, passes, lanes } = self.cost;
        let mut head = vec![FORMAT, KIND_SLOT, who];
        head.extend(self.version.to_be_bytes());
        for number in [memory, passes, lanes] {
            head.extend(number.to_be_bytes());
        }
        head.extend(self.salt);
        head
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let Counter { wrong, undecided } = &self.counter;
        [&self.head()[..], &wrong.to_be_bytes(), &self.seal, &undecided.concat()].concat()
    }

    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::of(body, KIND_SLOT)?;
        let who = match bytes.u8()? {
            0 => Who::So,
            1 => Who::User,
            _ => return None,
        };
        let version = bytes.u64()?;
        let cost = Cost { memory: bytes.u32()?, passes: bytes.u32()?, lanes: bytes.u32()? };
        let (salt, wrong) = (bytes.take()?, bytes.u32()?);
        payable(cost).then_some(())?;
        let (seal, tags) = bytes.0.split_at_checked(SLOT_SEAL_LEN)?;
        let (tags, rest) = tags.as_chunks::<TRY_LEN>();
        let most = usize::try_from(Tries::LIMIT).ok()?;
        (rest.is_empty() && tags.len() <= most).then_some(())?;
        let counter = Counter { wrong, undecided: tags.to_vec() };
        Some(SlotRecord { who, version, cost, salt, seal: seal.to_vec(), counter })
    }
}

/// Whether a cost is one that we would ever have written: an altered one must not eat all memory.
fn payable(cost: Cost) -> bool {
    let Cost { memory, passes, lanes } = cost;
    (1..=1024).contains(&passes)
        && (1..=64).contains(&lanes)
        && (8 * lanes..=4 * 1024 * 1024).contains(&memory)
}

/// An object: attributes, in the clear or sealed, and sealed key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectRecord {
    pub version: u64,
    /// The attributes of a public object; `None` for a private one, which has them in its seal.
    pub open: Option<Vec<u8>>,
    pub seal: Vec<u8>,
    pub material: Option<Vec<u8>>,
}

const PRIVATE: u8 = 1;
const MATERIAL: u8 = 2;

impl ObjectRecord {
    pub(super) fn head(&self) -> Option<Vec<u8>> {
        let private = if self.open.is_none() { PRIVATE } else { 0 };
        let material = if self.material.is_some() { MATERIAL } else { 0 };
        let mut head = vec![FORMAT, KIND_OBJECT, private | material];
        head.extend(self.version.to_be_bytes());
        push(&mut head, self.open.as_deref().unwrap_or_default())?;
        Some(head)
    }

    pub(super) fn body(&self) -> Option<Vec<u8>> {
        let mut body = self.head()?;
        push(&mut body, &self.seal)?;
        body.extend(self.material.iter().flatten());
        Some(body)
    }

    #[cfg(test)]
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        ObjectParts::parse(body).map(ObjectParts::into_record)
    }
}

/// A stored object, taken apart where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectParts<'a> {
    pub version: u64,
    /// What the seal authenticates beside the material.
    pub head: &'a [u8],
    pub open: Option<&'a [u8]>,
    pub seal: &'a [u8],
    pub material: Option<&'a [u8]>,
}

impl<'a> ObjectParts<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes::of(body, KIND_OBJECT)?;
        let flags = bytes.u8()?;
        if flags & !(PRIVATE | MATERIAL) != 0 {
            return None;
        }
        let version = bytes.u64()?;
        let open = bytes.counted()?;
        let head = body.get(..body.len().checked_sub(bytes.0.len())?)?;
        let seal = bytes.counted().filter(|seal| seal.len() >= SEAL_LEN)?;
        let private = flags & PRIVATE != 0;
        let empty = if private { open.is_empty() } else { seal.len() == SEAL_LEN };
        let material = if flags & MATERIAL != 0 { Some(bytes.seal()?) } else { None };
        let whole = empty && (material.is_some() || bytes.0.is_empty());
        let open = (!private).then_some(open);
        whole.then_some(ObjectParts { version, head, open, seal, material })
    }

    pub(super) fn into_record(self) -> ObjectRecord {
        ObjectRecord {
            version: self.version,
            open: self.open.map(<[u8]>::to_vec),
            seal: self.seal.to_vec(),
            material: self.material.map(<[u8]>::to_vec),
        }
    }
}

impl Sealed {
    /// Takes a stored object apart. `None` if it is not one.
    pub(super) fn parse(body: Vec<u8>) -> Option<Sealed> {
        let ObjectParts { open, material, .. } = ObjectParts::parse(&body)?;
        let (open, material) = (open.map(<[u8]>::to_vec), material.map(Box::from));
        Some(Sealed { open, body, material })
    }
}

fn push(to: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    to.extend(u32::try_from(bytes.len()).ok()?.to_be_bytes());
    to.extend(bytes);
    Some(())
}

/// The rest of a record being read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// What follows the format and the kind.
    fn of(body: &'a [u8], kind: u8) -> Option<Self> {
        Some(Bytes(body.strip_prefix(&[FORMAT, kind])?))
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        let (first, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(first)
    }

    /// All that is left, which is a seal.
    fn seal(&self) -> Option<&'a [u8]> {
        (self.0.len() >= SEAL_LEN).then_some(self.0)
    }
}
