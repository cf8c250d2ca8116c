//! Signatures over a hash of the input, which may come in parts.
use super::{Bound, Transform, Verify};
use crate::crypto::hash::{Hash, Hasher};
use crate::error::{Error, Result};

/// Hashes its input and hands the hash to `run` at the end.
pub(super) struct Hashed<Run> {
    hasher: Hasher,
    /// Length of a signature.
    len: usize,
    run: Run,
}

impl<Run> Hashed<Run> {
    pub(super) fn new(hash: Hash, len: usize, run: Run) -> Box<Hashed<Run>> {
        Hashed::with(Hasher::new(hash), len, run)
    }

    /// With a hash that is under way already.
    pub(super) fn with(hasher: Hasher, len: usize, run: Run) -> Box<Hashed<Run>> {
        Box::new(Hashed { hasher, len, run })
    }
}

impl<Run> Transform for Hashed<Run>
where
    Run: FnOnce(&[u8]) -> Result<Vec<u8>> + Send,
{
    fn update(&mut self, part: &[u8], _: &mut Vec<u8>) -> Result<()> {
        self.hasher.update(part);
        Ok(())
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        let digest = self.hasher.finish().map_err(|_| Error::GeneralError)?;
        out.extend((self.run)(&digest)?);
        Ok(())
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(self.len)
    }
}

impl<Run> Verify for Hashed<Run>
where
    Run: FnOnce(&[u8], &[u8]) -> Result<()> + Send,
{
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.hasher.update(part);
        Ok(())
    }
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        let digest = self.hasher.finish().map_err(|_| Error::GeneralError)?;
        (self.run)(&digest, signature)
    }
}
