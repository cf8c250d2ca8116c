//! A store that lasts as long as the process: `memory:`.
//!
//! For tests and rehearsals. Same promises as [`super::sqlite`], but for durability.
use super::{Change, Record, RecordId, Revision, Store, TokenId};
use crate::error::Result;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Tokens in memory, in the order of their creation.
#[derive(Debug, Default)]
pub struct Memory {
    tokens: Mutex<Vec<Token>>,
}

#[derive(Debug)]
struct Token {
    id: TokenId,
    revision: Revision,
    records: BTreeMap<RecordId, Record>,
}

impl Store for Memory {
    fn tokens(&self) -> Result<Vec<TokenId>> {
        Ok(self.tokens.lock().iter().map(|token| token.id).collect())
    }

    fn read(&self, token: TokenId, since: Revision) -> Result<(Revision, Vec<Record>)> {
        let tokens = self.tokens.lock();
        let Some(token) = tokens.iter().find(|known| known.id == token) else {
            return Ok((Revision(0), Vec::new()));
        };
        let mut records: Vec<Record> =
            token.records.values().filter(|record| record.revision > since).cloned().collect();
        records.sort_by_key(|record| record.revision);
        Ok((token.revision, records))
    }

    fn fetch(&self, token: TokenId, ids: &[RecordId]) -> Result<Vec<Option<Record>>> {
        let tokens = self.tokens.lock();
        let token = tokens.iter().find(|known| known.id == token);
        Ok(ids.iter().map(|id| token?.records.get(id).cloned()).collect())
    }

    fn write(&self, token: TokenId, changes: &[Change]) -> Result<Option<Revision>> {
        let mut tokens = self.tokens.lock();
        match tokens.iter_mut().find(|known| known.id == token) {
            Some(token) => Ok(token.apply(changes)),
            None => {
                let mut new = Token { id: token, revision: Revision(0), records: BTreeMap::new() };
                let written = new.apply(changes);
                tokens.extend(written.map(|_| new));
                Ok(written)
            }
        }
    }

    fn create(
        &self,
        token: TokenId,
        number: usize,
        changes: &[Change],
    ) -> Result<Option<Revision>> {
        let mut tokens = self.tokens.lock();
        if tokens.len() != number {
            return Ok(None);
        }
        let mut new = Token { id: token, revision: Revision(0), records: BTreeMap::new() };
        let written = new.apply(changes);
        tokens.extend(written.map(|_| new));
        Ok(written)
    }

    fn stamp(&self) -> Result<u64> {
        Ok(self.tokens.lock().iter().fold(0, |sum, token| sum.wrapping_add(token.revision.0)))
    }
}

impl Token {
    fn apply(&mut self, changes: &[Change]) -> Option<Revision> {
        let revision = Revision(self.revision.0 + 1);
        let mut seen = std::collections::BTreeSet::new();
        for change in changes {
            let now = self.records.get(&change.id).map_or(Revision(0), |record| record.revision);
            if now != change.from || !seen.insert(change.id) {
                return None;
            }
        }
        for Change { id, body, .. } in changes {
            self.records.insert(*id, Record { id: *id, revision, body: body.clone() });
        }
        self.revision = revision;
        Some(revision)
    }
}
