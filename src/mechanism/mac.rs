//! MACs at work: signed by their bytes, verified in constant time.
use super::{Bound, Transform, Verify};
use crate::crypto::{Failed, same};
use crate::error::{Error, Result};

/// A MAC that takes its message in parts.
pub(super) trait Mac: Send + 'static {
    fn update(&mut self, part: &[u8]) -> std::result::Result<(), Failed>;
    /// The MAC, not shorter than what is signed with.
    fn finish(self) -> std::result::Result<Vec<u8>, Failed>;
}

/// A MAC cut to a length.
pub(super) struct Signing<M> {
    mac: M,
    len: usize,
}

impl<M: Mac> Signing<M> {
    pub(super) fn start(mac: M, len: usize) -> Box<Signing<M>> {
        Box::new(Signing { mac, len })
    }

    fn code(self) -> Result<Vec<u8>> {
        let mut code = self.mac.finish().map_err(|Failed| Error::FunctionFailed)?;
        code.truncate(self.len);
        Ok(code)
    }
}

impl<M: Mac> Transform for Signing<M> {
    fn update(&mut self, part: &[u8], _: &mut Vec<u8>) -> Result<()> {
        self.mac.update(part).map_err(|Failed| Error::DataLenRange)
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        out.extend(self.code()?);
        Ok(())
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, _: usize) -> Bound {
        Bound::Exactly(self.len)
    }
}

impl<M: Mac> Verify for Signing<M> {
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.mac.update(part).map_err(|Failed| Error::DataLenRange)
    }
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        if same(&self.code()?, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
