//! AES-GCM encryption. A message that comes whole is encrypted with the key as its first use set it
//! up; one that comes in parts has a cipher of its own.
use super::{Bound, Part, Transform};
use crate::crypto::InOut;
use crate::crypto::aead::Sealing;
use crate::crypto::aes::{Gcm, GcmKey};
use crate::error::{Error, Result};
use crate::object::policy::Key;

pub(super) struct Encryption {
    key: Key,
    gcm: Gcm,
    stage: Stage,
}

enum Stage {
    Nothing,
    Parts(Sealing),
    /// All is encrypted; the tag is yet to come.
    Whole([u8; GcmKey::TAG]),
}

/// Whatever else may be wrong with a message, its length is what the library refuses.
const TOO_LONG: Error = Error::DataLenRange;

impl Encryption {
    pub(super) fn start(key: &Key, gcm: &Gcm) -> Result<Box<dyn Transform>> {
        gcm.check(0).map_err(|_| Error::MechanismParamInvalid)?;
        key.gcm()?;
        Ok(Box::new(Encryption { key: key.clone(), gcm: gcm.clone(), stage: Stage::Nothing }))
    }

    fn key(&self) -> Result<&GcmKey> {
        self.key.gcm()
    }

    fn parts(&mut self) -> Result<&mut Sealing> {
        if let Stage::Nothing = self.stage {
            let sealing = Sealing::gcm(self.key.secret()?, &self.gcm);
            self.stage = Stage::Parts(sealing.map_err(|_| Error::FunctionFailed)?);
        }
        match &mut self.stage {
            Stage::Parts(sealing) => Ok(sealing),
            _ => Err(Error::OperationActive),
        }
    }
}

impl Transform for Encryption {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.parts()?.update(part, out).map_err(|_| TOO_LONG)
    }
    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        self.parts()?;
        match self.stage {
            Stage::Parts(sealing) => sealing.finish(out).map_err(|_| Error::FunctionFailed),
            _ => Err(Error::GeneralError),
        }
    }
    fn single(self: Box<Self>, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match &self.stage {
            Stage::Whole(tag) => {
                out.extend_from_slice(tag.get(..self.gcm.tag_len).ok_or(Error::GeneralError)?);
                Ok(())
            }
            _ => self.key()?.seal_to(&self.gcm, data, out).map_err(|_| TOO_LONG),
        }
    }
    fn straight(&self, len: usize, _: Part) -> usize {
        len
    }
    fn run(&mut self, bytes: InOut<'_>, part: Part) -> Result<()> {
        if part == Part::More {
            return self.parts()?.run(bytes).map_err(|_| TOO_LONG);
        }
        let tag = self.key()?.seal(&self.gcm, &bytes).map_err(|_| TOO_LONG)?;
        self.stage = Stage::Whole(tag);
        Ok(())
    }
    fn update_len(&self, len: usize) -> usize {
        len
    }
    fn finish_len(&self, len: usize) -> Bound {
        Bound::Exactly(len.saturating_add(self.gcm.tag_len))
    }
}
