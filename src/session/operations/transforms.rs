//! Operations with an output: encrypt, decrypt, digest, sign, at once or in parts.
use super::super::{Output, Room, Session};
use super::{Active, Operations, Role};
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::mechanism::{Bound, Transform};

impl Session {
    /// `C_Encrypt`, `C_Decrypt`, `C_Sign`
    pub fn single(&self, role: Role, data: &[u8], room: Room) -> Result<Output> {
        let mut operations = self.operations();
        let active = operations.take(role)?;
        if active.in_parts {
            *operations.slot(role) = Some(active);
            return Err(Error::OperationActive);
        }
        let bound = active.operation.finish_len(data.len());
        let output = end(active, bound, room, |operation, out| operation.single(data, out))?;
        Ok(operations.keep(role, output))
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`, `C_SignUpdate` (whose output is empty)
    pub fn update(&self, role: Role, part: &[u8], room: Room) -> Result<Output> {
        self.operations().update(role, part, room)
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_SignFinal`
    pub fn finish(&self, role: Role, room: Room) -> Result<Output> {
        let mut operations = self.operations();
        let active = operations.take(role)?;
        let bound = active.operation.finish_len(0);
        let output = end(active, bound, room, |operation, out| operation.finish(out))?;
        Ok(operations.keep(role, output))
    }
}

/// What came of an attempt to end an operation: an answer, and the operation if it goes on.
type Ended = (Output, Option<Active<dyn Transform>>);

impl Operations {
    /// Feeds a part, if there is room for what comes of it.
    pub(super) fn update(&mut self, role: Role, part: &[u8], room: Room) -> Result<Output> {
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
                let mut out = Secret::new(Vec::with_capacity(len));
                active.operation.update(part, &mut out)?;
                active.in_parts = true;
                Output::Bytes(out)
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

/// Ends an operation if there is room for what it will say. Where only the content decides how much
/// that is, it is computed, and kept if there turns out to be no room.
fn end(
    mut active: Active<dyn Transform>,
    bound: Bound,
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
            let mut out = Secret::new(Vec::with_capacity(len.min(MAX_RESERVED)));
            finish(active.operation, &mut out)?;
            active.operation = Box::new(Spent);
            out
        }
    };
    if room < bytes.len() {
        let len = bytes.len();
        active.pending = Some(bytes);
        return Ok((Output::TooSmall(len), Some(active)));
    }
    Ok((Output::Bytes(bytes), None))
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
