//! Operations with an output: encrypt, decrypt, digest, sign, at once or in parts.
use super::super::{Output, Room, Session};
use super::{Active, Operations, Role};
use crate::crypto::{Exchange, Secret};
use crate::error::{Error, Result};
use crate::mechanism::{Bound, Part, Transform};

impl Session {
    /// `C_Encrypt`, `C_Decrypt`, `C_Sign`
    pub fn single(&self, role: Role, mut data: Exchange<'_>, room: Room) -> Result<Output> {
        let mut operations = self.operations();
        let mut active = operations.take(role)?;
        if active.in_parts {
            *operations.slot(role) = Some(active);
            return Err(Error::OperationActive);
        }
        let bound = active.operation.finish_len(data.len());
        let done = match bound {
            Bound::Exactly(total) => active.straight(&mut data, Part::Last, total)?,
            Bound::AtMost(_) => 0,
        };
        let rest = data.input().get(done..).unwrap_or_default();
        let end = end(active, bound, done, room, |operation, out| operation.single(rest, out))?;
        Ok(operations.keep(role, end))
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`, `C_SignUpdate` (whose output is empty)
    pub fn update(&self, role: Role, part: Exchange<'_>, room: Room) -> Result<Output> {
        self.operations().update(role, part, room)
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_SignFinal`
    pub fn finish(&self, role: Role, room: Room) -> Result<Output> {
        let mut operations = self.operations();
        let active = operations.take(role)?;
        let bound = active.operation.finish_len(0);
        let end = end(active, bound, 0, room, |operation, out| operation.finish(out))?;
        Ok(operations.keep(role, end))
    }
}

/// What came of an attempt to end an operation: an answer, and the operation if it goes on.
type Ended = (Output, Option<Active<dyn Transform>>);

impl Operations {
    /// Feeds a part, if there is room for what comes of it.
    pub(super) fn update(
        &mut self,
        role: Role,
        mut part: Exchange<'_>,
        room: Room,
    ) -> Result<Output> {
        let mut active = self.take(role)?;
        if active.pending.is_some() {
            *self.slot(role) = Some(active);
            return Err(Error::OperationActive);
        }
        let len = active.operation.update_len(part.len());
        let output = match room {
            Room::Query => Output::Length(len),
            Room::Bytes(room) if room < len => Output::TooSmall(len),
            Room::Bytes(_) => {
                let done = active.straight(&mut part, Part::More, len)?;
                let mut out = Secret::new(Vec::with_capacity(len - done));
                active.operation.update(part.input().get(done..).unwrap_or_default(), &mut out)?;
                active.in_parts = true;
                Output::behind(done, out)
            }
        };
        *self.slot(role) = Some(active);
        Ok(output)
    }

    fn keep(&mut self, role: Role, (output, active): Ended) -> Output {
        *self.slot(role) = active;
        output
    }
}

impl Active<dyn Transform> {
    /// Feeds what can go straight to its place: so many bytes. `total` is the length of all output of
    /// this part.
    fn straight(&mut self, data: &mut Exchange<'_>, part: Part, total: usize) -> Result<usize> {
        if self.pending.is_some() {
            return Ok(0);
        }
        let len = self.operation.straight(data.len(), part);
        match data.straight(len, total) {
            Some(bytes) => self.operation.run(bytes, part).map(|()| len),
            None => Ok(0),
        }
    }
}

impl Output {
    fn behind(done: usize, bytes: Secret) -> Output {
        if done == 0 { Output::Bytes(bytes) } else { Output::Behind(done, bytes) }
    }
}

/// Ends an operation if there is room for what it will say. Where only the content decides how much
/// that is, it is computed, and kept if there turns out to be no room. `done` bytes of the output are
/// in their place already, for which there was room for all of it.
fn end(
    mut active: Active<dyn Transform>,
    bound: Bound,
    done: usize,
    room: Room,
    finish: impl FnOnce(Box<dyn Transform>, &mut Vec<u8>) -> Result<()>,
) -> Result<Ended> {
    let Room::Bytes(room) = room else {
        let len = active.pending.as_ref().map(|p| p.len());
        let (Bound::Exactly(bound) | Bound::AtMost(bound)) = bound;
        return Ok((Output::Length(len.unwrap_or(bound)), Some(active)));
    };
    let bytes = match (active.pending.take(), bound) {
        (Some(pending), _) => pending,
        (None, Bound::Exactly(len)) if room < len => {
            return Ok((Output::TooSmall(len), Some(active)));
        }
        (None, Bound::Exactly(len) | Bound::AtMost(len)) => {
            let rest = len.saturating_sub(done);
            let mut out = Secret::new(Vec::with_capacity(rest.min(MAX_RESERVED)));
            finish(active.operation, &mut out)?;
            active.operation = Box::new(Spent);
            out
        }
    };
    if done == 0 && room < bytes.len() {
        let len = bytes.len();
        active.pending = Some(bytes);
        return Ok((Output::TooSmall(len), Some(active)));
    }
    Ok((Output::behind(done, bytes), None))
}

/// How much is reserved for an output before it is computed.
const MAX_RESERVED: usize = 1 << 20;

/// An operation that has said all it had to say; its output waits for room.
struct Spent;

impl Transform for Spent {
    fn update(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        Err(Error::OperationActive)
    }
    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::OperationActive)
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(0)
    }
}
