//! Stream ciphers at work: as many bytes come out as go in, at once.
use super::{Bound, Part, Transform};
use crate::crypto::{Failed, InOut, aes::Direction};
use crate::error::{Error, Result};

/// A cipher that transforms whatever it is given.
pub(super) struct Flowing<Cipher> {
    cipher: Cipher,
    direction: Direction,
}

/// What such a cipher can do.
pub(super) trait Flow: Send + 'static {
    /// Appends the transformation of `part`, which is as long; fails if the stream is at its end.
    fn flow(&mut self, part: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Failed>;
    /// Whether it has [`Self::run`].
    const RUNS: bool = false;
    /// The same into the place of the bytes; if it fails, nothing is written.
    fn run(&mut self, _: InOut<'_>) -> std::result::Result<(), Failed> {
        Err(Failed)
    }
}

impl<Cipher: Flow> Flowing<Cipher> {
    pub(super) fn start(direction: Direction, cipher: Cipher) -> Box<dyn Transform> {
        Box::new(Flowing { cipher, direction })
    }

    fn at_its_end(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLenRange,
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }
}

impl<Cipher: Flow> Transform for Flowing<Cipher> {
    fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.cipher.flow(part, out).map_err(|Failed| self.at_its_end())
    }
    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
    fn straight(&self, len: usize, _: Part) -> usize {
        if Cipher::RUNS { len } else { 0 }
    }
    fn run(&mut self, bytes: InOut<'_>, _: Part) -> Result<()> {
        self.cipher.run(bytes).map_err(|Failed| self.at_its_end())
    }
    fn update_len(&self, len: usize) -> usize {
        len
    }
    fn finish_len(&self, len: usize) -> Bound {
        Bound::Exactly(len)
    }
}
