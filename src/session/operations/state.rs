//! The state of a session's operations, to go on from later: PKCS#11 3.2, sections 5.6.6 and 5.6.7.
//!
//! Only digests are saved, and only alone. What operations with keys hold would say something about
//! the keys, and so would a digest that took in a key (`C_DigestKey`).
//!
//! | bytes | of a saved state |
//! |---|---|
//! | 4 | `KFOS` |
//! | 1 | version of this format: 1 |
//! | 1 | 1 if a part was fed, else 0 |
//! | 4 | `CKM_*` of the digest, big-endian |
//! | the mechanism's | [`Transform::state`] |
//! | 32 | SHA-256 of all that, against damage |
//!
//! It holds nothing that whoever has it could not compute, so no key guards it, and any session of
//! any token goes on from it.
use super::super::{Output, Room, Session};
use super::{Active, Operations, Role};
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::hash::Hash;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Transform};

const MAGIC: [u8; 4] = *b"KFOS";
const VERSION: u8 = 1;
const CHECK: usize = 32;

impl Session {
    /// `C_GetOperationState`. `CKR_OPERATION_NOT_INITIALIZED` if nothing is under way that one
    /// could want to save, `CKR_STATE_UNSAVEABLE` if it is no single digest of SHA-1 or SHA-2.
    pub fn operation_state(&self, room: Room) -> Result<Output> {
        let state = self.operations().save()?;
        Ok(match room {
            Room::Query => Output::Length(state.len()),
            Room::Bytes(room) if room < state.len() => Output::TooSmall(state.len()),
            Room::Bytes(_) => Output::Bytes(Secret::new(state)),
        })
    }

    /// `C_SetOperationState`: ends what is under way. A state that is none
    /// (`CKR_SAVED_STATE_INVALID`) and a key (`CKR_KEY_NOT_NEEDED`) end nothing.
    pub fn set_operation_state(&self, state: &[u8], keys: [CK_OBJECT_HANDLE; 2]) -> Result<()> {
        let digest = restored(state)?;
        if keys != [CK_INVALID_HANDLE; 2] {
            return Err(Error::KeyNotNeeded);
        }
        let mut operations = self.operations();
        let locked = operations.locked;
        operations.end(locked);
        *operations.slot(Role::Digest) = Some(digest);
        Ok(())
    }
}

impl Operations {
    fn save(&self) -> Result<Vec<u8>> {
        let [encrypt, decrypt, digest, sign, sign_recover, verify_recover] = &self.transforms;
        let keyed = [encrypt, decrypt, sign].iter().any(|active| active.is_some());
        let recovering = [sign_recover, verify_recover].iter().any(|active| active.is_some());
        let keyed = keyed || self.verify.is_some();
        match digest {
            None if keyed => Err(Error::StateUnsaveable),
            None => Err(Error::OperationNotInitialized),
            Some(_) if keyed || recovering => Err(Error::StateUnsaveable),
            Some(digest) => digest.save().ok_or(Error::StateUnsaveable),
        }
    }
}

impl Active<dyn Transform> {
    fn save(&self) -> Option<Vec<u8>> {
        let mechanism = self.mechanism.filter(|_| self.saveable)?;
        let ckm = u32::try_from(mechanism.ckm).ok()?;
        let mut state = Vec::from(MAGIC);
        state.extend([VERSION, u8::from(self.in_parts)]);
        state.extend(ckm.to_be_bytes());
        state.extend(self.operation.state()?);
        let check = Hash::Sha256.digest(&state);
        state.extend(check);
        Some(state)
    }
}

/// The digest that was saved.
fn restored(state: &[u8]) -> Result<Active<dyn Transform>> {
    let (ckm, in_parts, state) = parsed(state).ok_or(Error::SavedStateInvalid)?;
    let mechanism = Mechanism::of(ckm).map_err(|_| Error::SavedStateInvalid)?;
    let resume = mechanism.resume.ok_or(Error::SavedStateInvalid)?;
    Ok(Active { in_parts, ..Active::digest(resume(state)?, mechanism) })
}

/// The mechanism, whether a part was fed, and what the mechanism goes on from.
fn parsed(state: &[u8]) -> Option<(CK_MECHANISM_TYPE, bool, &[u8])> {
    let (state, check) = state.split_last_chunk::<CHECK>()?;
    if Hash::Sha256.digest(state) != check {
        return None;
    }
    let state = state.strip_prefix(&MAGIC)?;
    let (&[version, in_parts], state) = state.split_first_chunk()?;
    let (ckm, state) = state.split_first_chunk()?;
    let ckm = CK_MECHANISM_TYPE::from(u32::from_be_bytes(*ckm));
    (version == VERSION && in_parts <= 1).then_some((ckm, in_parts == 1, state))
}
