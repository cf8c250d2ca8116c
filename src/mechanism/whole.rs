//! Operations that need all of their input before they can say anything.
use super::{Bound, Transform, Verify};
use crate::crypto::Secret;
use crate::error::{Error, Result};

/// Collects its input and hands it to `run` at the end.
pub(super) struct Whole<Run, Len> {
    input: Secret,
    limit: Limit,
    /// Length of the output for an input of this many bytes.
    len: Len,
    run: Run,
    /// Whether the input may come in parts.
    parts: bool,
}

/// The longest input there can be, and the error for a longer one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(pub(super) usize, pub(super) Error);

impl Limit {
    /// For mechanisms that have no limit of their own: 1 GiB.
    pub(super) const NONE: Limit = Limit(1 << 30, Error::DataLenRange);

    fn check(self, len: usize) -> Result<()> {
        if len > self.0 { Err(self.1) } else { Ok(()) }
    }
}

impl<Run, Len> Whole<Run, Len> {
    pub(super) fn new(limit: Limit, len: Len, run: Run) -> Box<Whole<Run, Len>> {
        Box::new(Whole { input: Secret::default(), limit, len, run, parts: true })
    }

    /// For mechanisms that the standard calls single-part and nothing else.
    pub(super) fn at_once(limit: Limit, len: Len, run: Run) -> Box<Whole<Run, Len>> {
        Box::new(Whole { input: Secret::default(), limit, len, run, parts: false })
    }

    fn collect(&mut self, part: &[u8]) -> Result<()> {
        if !self.parts {
            let why = "the mechanism takes its input in one part; call C_Sign or C_Verify";
            return Err(Error::FunctionNotSupported.because(why));
        }
        let len = self.input.len().saturating_add(part.len());
        self.limit.check(len)?;
        if self.input.capacity() < len {
            // a Vec that grows in place would leave what it held behind
            let mut grown = Secret::new(Vec::with_capacity(len.next_power_of_two()));
            grown.extend_from_slice(&self.input);
            self.input = grown;
        }
        self.input.extend_from_slice(part);
        Ok(())
    }
}

impl<Run, Len> Transform for Whole<Run, Len>
where
    Run: FnOnce(&[u8], &mut Vec<u8>) -> Result<()> + Send,
    Len: Fn(usize) -> Bound + Send,
{
    fn update(&mut self, part: &[u8], _: &mut Vec<u8>) -> Result<()> {
        self.collect(part)
    }
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<()> {
        (self.run)(&self.input, out)
    }
    fn single(self: Box<Self>, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.limit.check(data.len())?;
        (self.run)(data, out)
    }
    fn update_len(&self, _: usize) -> usize {
        0
    }
    fn finish_len(&self, len: usize) -> Bound {
        (self.len)(self.input.len().saturating_add(len))
    }
}

impl<Run> Verify for Whole<Run, ()>
where
    Run: FnOnce(&[u8], &[u8]) -> Result<()> + Send,
{
    fn update(&mut self, part: &[u8]) -> Result<()> {
        self.collect(part)
    }
    fn finish(self: Box<Self>, signature: &[u8]) -> Result<()> {
        (self.run)(&self.input, signature)
    }
    fn single(self: Box<Self>, data: &[u8], signature: &[u8]) -> Result<()> {
        self.limit.check(data.len())?;
        (self.run)(data, signature)
    }
}
