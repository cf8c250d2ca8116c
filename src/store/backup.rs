//! A token in one file: its records as the store has them, still sealed, and the way back into a
//! store. `docs/storage-format.md` has the format.
//!
//! A backup says no more than the store does: the PINs open it. One that is [split](Backup::split)
//! is sealed once more, under a recovery secret that is handed out in [`Share`]s and kept nowhere.
mod share;

use super::{Change, RecordId, Revision, Store, TokenId};
use crate::crypto::aes::{Gcm, GcmKey};
use crate::crypto::hash::Hash;
use crate::crypto::{self, Failed, Secret, shares};
use crate::error::{Error, Result};
pub use share::Share;
use std::fmt;

/// How the file of every backup begins.
pub const MAGIC: &[u8; 16] = b"keyferry backup\n";
const FORMAT: u8 = 1;
const KIND_PLAIN: u8 = 1;
const KIND_SPLIT: u8 = 2;
const HASH_LEN: usize = 32;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;
const SECRET_LEN: usize = 32;

/// Longest file of a backup in bytes: a million objects fit.
pub const LONGEST: u64 = 1 << 32;

/// A token's records at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    token: TokenId,
    records: Vec<(RecordId, Vec<u8>)>,
}

/// Why a file is no backup that can be used. `ForeignShare`: which of the shares is another backup's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unusable {
    NotABackup,
    Newer,
    Damaged,
    Shares(Split),
    ForeignShare(usize),
    WrongShares,
}

/// How many shares a split backup needs, of how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Split {
    pub needed: u8,
    pub of: u8,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::NotABackup => "this is no backup of a token; give a file that `keyferry token backup` wrote",
            Unusable::Newer => "a newer version of keyferry made this backup; use that one",
            Unusable::Damaged => "the backup is damaged; take another copy of it",
            Unusable::ForeignShare(_) => "a share belongs to another backup; give the shares made with this one",
            Unusable::WrongShares => "the backup does not open with these shares; one of them, or the backup, is damaged: use other copies",
            Unusable::Shares(Split { needed, of }) => {
                return write!(f, "the backup opens with {needed} different shares of its {of}; give each with --share");
            }
        })
    }
}

impl Backup {
    /// `token` as it is now: one moment for all of it, whoever is writing meanwhile.
    pub fn take(store: &dyn Store, token: TokenId) -> Result<Backup> {
        let (_, records) = store.read(token, Revision(0))?;
        let there = records.into_iter().filter_map(|record| Some((record.id, record.body?)));
        Ok(Backup { token, records: there.collect() })
    }

    /// These records of `token`.
    pub(super) fn of(token: TokenId, records: Vec<(RecordId, Vec<u8>)>) -> Backup {
        Backup { token, records }
    }

    /// Which token it is of.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// Makes the token in `store`, where it must not be yet: `CKR_SLOT_ID_INVALID` if it is.
    pub fn restore(&self, store: &dyn Store) -> Result<()> {
        let change = |(id, body): &(RecordId, Vec<u8>)| Change {
            id: *id,
            from: Revision(0),
            body: Some(body.clone()),
        };
        let changes: Vec<Change> = self.records.iter().map(change).collect();
        match store.tokens()?.contains(&self.token) {
            false if store.write(self.token, &changes)?.is_some() => Ok(()),
            _ => Err(Error::SlotIdInvalid.because("the store has the token already")),
        }
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [MAGIC.as_slice(), &[FORMAT, KIND_PLAIN], &self.token.0].concat();
        for (id, body) in &self.records {
            out.extend_from_slice(&id.0);
            out.extend_from_slice(&u64::try_from(body.len()).unwrap_or(u64::MAX).to_be_bytes());
            out.extend_from_slice(body);
        }
        let hash = Hash::Sha256.digest(&out);
        [out, hash].concat()
    }

    /// Reads the file of a backup that is not split; [`Unusable::Shares`] for one that is.
    pub fn parse(file: &[u8]) -> std::result::Result<Backup, Unusable> {
        match kind(file)? {
            (KIND_PLAIN, _) => Backup::parse_plain(file).ok_or(Unusable::Damaged),
            (KIND_SPLIT, rest) => Err(match split(rest) {
                Some((split, ..)) => Unusable::Shares(split),
                None => Unusable::Damaged,
            }),
            _ => Err(Unusable::Newer),
        }
    }

    fn parse_plain(file: &[u8]) -> Option<Backup> {
        let (content, hash) = file.split_last_chunk::<HASH_LEN>()?;
        if Hash::Sha256.digest(content) != hash {
            return None;
        }
        let (token, mut rest) = content.get(MAGIC.len() + 2..)?.split_first_chunk::<16>()?;
        let mut records = Vec::new();
        while let Some((id, after)) = rest.split_first_chunk::<16>() {
            let (len, after) = after.split_first_chunk::<8>()?;
            let len = usize::try_from(u64::from_be_bytes(*len)).ok()?;
            let (body, after) = after.split_at_checked(len)?;
            records.push((RecordId(*id), body.to_vec()));
            rest = after;
        }
        rest.is_empty().then_some(Backup { token: TokenId(*token), records })
    }

    /// The file, sealed under a new recovery secret, and the secret's shares.
    pub fn split(&self, split: Split) -> std::result::Result<(Vec<u8>, Vec<Share>), Failed> {
        let (secret, id, nonce) =
            (crypto::random(SECRET_LEN)?, crypto::random(16)?, crypto::random(NONCE_LEN)?);
        let id = <[u8; 16]>::try_from(id.as_slice()).map_err(|_| Failed)?;
        let head =
            [MAGIC.as_slice(), &[FORMAT, KIND_SPLIT, split.needed, split.of], &id, &nonce].concat();
        let mut file = head.clone();
        GcmKey::new(&secret)?.seal_to(&gcm(&head, &nonce), &self.to_bytes(), &mut file)?;
        let shares = shares::split(&secret, split.needed, split.of)?;
        let shares = shares.into_iter().map(|value| Share { backup: id, split, value }).collect();
        Ok((file, shares))
    }

    /// Opens the file of a split backup. Shares given twice count once.
    pub fn join(file: &[u8], shares: &[Share]) -> std::result::Result<Backup, Unusable> {
        let (KIND_SPLIT, rest) = kind(file)? else { return Err(Unusable::NotABackup) };
        let (split, id, nonce) = split(rest).ok_or(Unusable::Damaged)?;
        if let Some(at) = shares.iter().position(|share| share.backup != id) {
            return Err(Unusable::ForeignShare(at));
        }
        let mut different: Vec<Secret> = shares.iter().map(|share| share.value.clone()).collect();
        different.sort_by_key(|value| value.first().copied());
        different.dedup_by_key(|value| value.first().copied());
        if different.len() < split.needed.into() {
            return Err(Unusable::Shares(split));
        }
        let secret = shares::combine(&different).map_err(|_| Unusable::WrongShares)?;
        let (head, sealed) = file.split_at_checked(HEAD_LEN).ok_or(Unusable::Damaged)?;
        let plain = GcmKey::new(&secret).and_then(|key| key.open(&gcm(head, nonce), sealed));
        let plain = plain.map_err(|_| Unusable::WrongShares)?;
        Backup::parse(&plain)
    }
}

/// Length of all that a split backup says openly.
const HEAD_LEN: usize = MAGIC.len() + 4 + 16 + NONCE_LEN;

/// What kind of backup it is, and what follows.
fn kind(file: &[u8]) -> std::result::Result<(u8, &[u8]), Unusable> {
    match file.strip_prefix(MAGIC) {
        Some([FORMAT, kind, rest @ ..]) => Ok((*kind, rest)),
        Some([_, _, ..]) => Err(Unusable::Newer),
        Some(_) => Err(Unusable::Damaged),
        None => Err(Unusable::NotABackup),
    }
}

/// The head of a split backup, behind its kind: shares, identifier, nonce.
fn split(rest: &[u8]) -> Option<(Split, [u8; 16], &[u8])> {
    let ([needed, of], rest) = rest.split_first_chunk::<2>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    Some((Split { needed: *needed, of: *of }, *id, rest.get(..NONCE_LEN)?))
}

fn gcm(head: &[u8], nonce: &[u8]) -> Gcm {
    Gcm { iv: nonce.to_vec(), aad: head.to_vec(), tag_len: TAG_LEN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite::{TOKEN, on_each, put};

    const TWO_OF_THREE: Split = Split { needed: 2, of: 3 };

    fn backup() -> Backup {
        Backup {
            token: TOKEN,
            records: vec![(RecordId([1; 16]), vec![7; 300]), (RecordId([2; 16]), vec![])],
        }
    }

    #[test]
    fn a_token_moves_from_store_to_store() {
        on_each(|store| {
            store.write(TOKEN, &[put(1, 0, b"a"), put(2, 0, b"b")]).unwrap().unwrap();
            let gone = Change { id: RecordId([2; 16]), from: Revision(1), body: None };
            store.write(TOKEN, &[gone]).unwrap().unwrap();
            let backup = Backup::take(store.as_ref(), TOKEN).unwrap();
            assert_eq!(backup.restore(store.as_ref()), Err(Error::SlotIdInvalid));
            let read = Backup::parse(&backup.to_bytes()).unwrap();
            on_each(|other| {
                read.restore(other.as_ref()).unwrap();
                assert_eq!(Backup::take(other.as_ref(), TOKEN).unwrap(), backup);
            });
        });
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let file = backup().to_bytes();
        assert_eq!(Backup::parse(&file), Ok(backup()));
        for at in 0..file.len() {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(Backup::parse(&altered).is_err(), "{at}");
            assert!(Backup::parse(&file[..at]).is_err(), "{at}");
        }
        let (split, shares) = backup().split(TWO_OF_THREE).unwrap();
        for at in 0..split.len() {
            let mut altered = split.clone();
            altered[at] ^= 1;
            assert!(Backup::join(&altered, &shares[..2]).is_err(), "{at}");
            assert!(Backup::join(&split[..at], &shares[..2]).is_err(), "{at}");
        }
    }

    #[test]
    fn any_two_of_three_shares_open_it_and_one_does_not() {
        let (file, shares) = backup().split(TWO_OF_THREE).unwrap();
        assert_eq!(Backup::parse(&file), Err(Unusable::Shares(TWO_OF_THREE)));
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            let two = [shares[a].clone(), shares[b].clone()];
            assert_eq!(Backup::join(&file, &two), Ok(backup()));
        }
        assert_eq!(Backup::join(&file, &shares), Ok(backup()));
        let twice = [shares[0].clone(), shares[0].clone()];
        assert_eq!(Backup::join(&file, &twice), Err(Unusable::Shares(TWO_OF_THREE)));
        let (_, foreign) = backup().split(TWO_OF_THREE).unwrap();
        let mixed = [shares[0].clone(), foreign[1].clone()];
        assert_eq!(Backup::join(&file, &mixed), Err(Unusable::ForeignShare(1)));
        let mut wrong = [shares[0].clone(), shares[1].clone()];
        wrong[1].value[5] ^= 1;
        assert_eq!(Backup::join(&file, &wrong), Err(Unusable::WrongShares));
        assert!(!file.windows(100).any(|part| part == [7; 100]));
    }

    #[test]
    fn what_it_is_not() {
        assert_eq!(Backup::parse(b"SQLite format 3\0..."), Err(Unusable::NotABackup));
        assert_eq!(Backup::parse(b""), Err(Unusable::NotABackup));
        assert_eq!(Backup::parse(b"keyferry backup\n\x02\x01"), Err(Unusable::Newer));
        assert_eq!(Backup::parse(b"keyferry backup\n\x01\x07"), Err(Unusable::Newer));
        assert_eq!(Backup::parse(b"keyferry backup\n\x01"), Err(Unusable::Damaged));
        assert_eq!(Backup::parse(b"keyferry backup\n\x01\x02"), Err(Unusable::Damaged));
    }
}
