//! Operations with an output: encrypt, decrypt, digest, sign, at once or in parts.
use super::super::ending::{Spent, Step, ends};
use super::super::{Output, Room, Session};
use super::{Active, Operations, Role};
use crate::crypto::{Exchange, Secret};
use crate::error::{Error, Result};
use crate::mechanism::{Bound, Part, Transform};
use std::mem;

impl Session {
    /// `C_Encrypt`, `C_Decrypt`, `C_Digest`, `C_Sign`, `C_SignRecover`, `C_VerifyRecover`
    pub fn single(&self, role: Role, data: Exchange<'_>, room: Room) -> Result<Output> {
        self.operations().step(role, Step::End, |active| active.single(role, data, room))
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`; `C_DigestUpdate` and `C_SignUpdate`, whose output is empty
    pub fn update(&self, role: Role, part: Exchange<'_>, room: Room) -> Result<Output> {
        self.operations().update(role, part, room)
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_DigestFinal`, `C_SignFinal`
    pub fn finish(&self, role: Role, room: Room) -> Result<Output> {
        self.operations().step(role, Step::End, |active| {
            let bound = active.operation.finish_len(0);
            active.end(bound, 0, room, |operation, out| operation.finish(out))
        })
    }
}

impl Operations {
    /// Runs a call to the operation of `role`, and ends it if the table says so.
    pub(super) fn step(
        &mut self,
        role: Role,
        step: Step,
        run: impl FnOnce(&mut Active<dyn Transform>) -> Result<Output>,
    ) -> Result<Output> {
        let slot = self.slot(role);
        let active = slot.as_mut().ok_or(Error::OperationNotInitialized)?;
        let answer = active.unlocked().and_then(run);
        if ends(step, &answer) {
            *slot = None;
        }
        answer
    }

    /// Feeds a part, if there is room for what comes of it.
    pub(super) fn update(&mut self, role: Role, part: Exchange<'_>, room: Room) -> Result<Output> {
        self.step(role, Step::Part, |active| active.update(part, room))
    }
}

impl Active<dyn Transform> {
    fn single(&mut self, role: Role, mut data: Exchange<'_>, room: Room) -> Result<Output> {
        if self.in_parts {
            return Err(Error::OperationActive.because("a part was fed; C_*Final ends it"));
        }
        let bound = match (self.operation.finish_len(data.len()), role) {
            // a wrong signature is never CKR_BUFFER_TOO_SMALL (PKCS#11 3.2 section 5.15.6)
            (Bound::Exactly(len), Role::VerifyRecover) => Bound::AtMost(len),
            (bound, _) => bound,
        };
        let done = match bound {
            Bound::Exactly(total) => self.straight(&mut data, Part::Last, total)?,
            Bound::AtMost(_) => 0,
        };
        let rest = data.input().get(done..).unwrap_or_default();
        self.end(bound, done, room, |operation, out| operation.single(rest, out))
    }

    fn update(&mut self, mut part: Exchange<'_>, room: Room) -> Result<Output> {
        self.takes_parts()?;
        let len = self.operation.update_len(part.len());
        match room {
            Room::Query => Ok(Output::Length(len)),
            Room::Bytes(room) if room < len => Ok(Output::TooSmall(len)),
            Room::Bytes(_) => {
                let done = self.straight(&mut part, Part::More, len)?;
                let mut out = Secret::new(Vec::with_capacity(len - done));
                self.operation.update(part.input().get(done..).unwrap_or_default(), &mut out)?;
                self.in_parts = true;
                Ok(Output::behind(done, out))
            }
        }
    }

    /// `CKR_OPERATION_ACTIVE` if the outcome was computed, and waits for room.
    pub(super) fn takes_parts(&self) -> Result<()> {
        if self.pending.is_some() { Err(Error::OperationActive) } else { Ok(()) }
    }

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

    /// Gives the outcome if there is room for it. Where only the content decides how much that is, it is
    /// computed, and kept if there turns out to be no room. `done` bytes of the output are in their place
    /// already, for which there was room for all of it.
    fn end(
        &mut self,
        bound: Bound,
        done: usize,
        room: Room,
        finish: impl FnOnce(Box<dyn Transform>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<Output> {
        let Room::Bytes(room) = room else {
            let len = self.pending.as_ref().map(|p| p.len());
            let (Bound::Exactly(bound) | Bound::AtMost(bound)) = bound;
            return Ok(Output::Length(len.unwrap_or(bound)));
        };
        let bytes = match (self.pending.take(), bound) {
            (Some(pending), _) => pending,
            (None, Bound::Exactly(len)) if room < len => return Ok(Output::TooSmall(len)),
            (None, Bound::Exactly(len) | Bound::AtMost(len)) => {
                let rest = len.saturating_sub(done);
                let mut out = Secret::new(Vec::with_capacity(rest.min(MAX_RESERVED)));
                finish(mem::replace(&mut self.operation, Box::new(Spent)), &mut out)?;
                out
            }
        };
        if done == 0 && room < bytes.len() {
            let len = bytes.len();
            self.pending = Some(bytes);
            return Ok(Output::TooSmall(len));
        }
        Ok(Output::behind(done, bytes))
    }
}

impl Output {
    fn behind(done: usize, bytes: Secret) -> Output {
        if done == 0 { Output::Bytes(bytes) } else { Output::Behind(done, bytes) }
    }
}

/// How much is reserved for an output before it is computed.
const MAX_RESERVED: usize = 1 << 20;
