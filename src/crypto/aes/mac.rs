//! MACs of AES: CMAC (SP 800-38B), GMAC (SP 800-38D), and the chain that CMAC and CCM stand on.
//! Chain and CMAC have a block of any length, since triple DES stands on them too.
use super::{Direction, Gcm, Held};
use crate::crypto::{
    Failed, Secret,
    aws_lc::cipher::{Cipher, Kind},
};

const BLOCK: usize = 16;

/// CBC of which only the last block matters.
#[derive(Debug)]
pub(super) struct Chain<const N: usize = BLOCK> {
    cipher: Cipher,
    scratch: Secret,
    last: [u8; N],
}

/// What is encrypted at once; all but its last block is thrown away.
const PIECE: usize = 4096;

impl Chain {
    pub(super) fn new(key: &[u8]) -> Result<Chain, Failed> {
        Chain::of(Kind::Cbc, key)
    }
}

impl<const N: usize> Chain<N> {
    /// Starts. `cbc` has blocks of `N` bytes.
    fn of(cbc: Kind, key: &[u8]) -> Result<Chain<N>, Failed> {
        let cipher = Cipher::new(cbc, Direction::Encrypt, key, &[0; N])?;
        let scratch = Secret::new(Vec::with_capacity(PIECE));
        Ok(Chain { cipher, scratch, last: [0; N] })
    }

    /// Takes whole blocks.
    pub(super) fn absorb(&mut self, blocks: &[u8]) -> Result<(), Failed> {
        for piece in blocks.chunks(PIECE) {
            self.scratch.clear();
            self.cipher.update(piece, &mut self.scratch)?;
            self.last = *self.scratch.last_chunk().ok_or(Failed)?;
        }
        Ok(())
    }

    /// Takes bytes, and zeros until the block is full.
    pub(super) fn absorb_padded(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % N);
        self.absorb(whole)?;
        if rest.is_empty() { Ok(()) } else { self.absorb(&padded::<N>(rest)) }
    }

    /// The last block.
    pub(super) fn finish(self) -> [u8; N] {
        self.last
    }
}

/// Not more than a block, and zeros.
fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut block = [0; N];
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    block
}

/// A CMAC at work.
#[derive(Debug)]
pub struct Cmac<const N: usize = BLOCK> {
    chain: Chain<N>,
    /// The last block, full or not, waits for the end.
    held: Held,
    /// What a full last block is combined with.
    k1: [u8; N],
}

impl Cmac {
    /// Starts with AES. A key of 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Result<Cmac, Failed> {
        Cmac::of(Kind::Cbc, key)
    }
}

impl<const N: usize> Cmac<N> {
    /// Starts with a cipher in CBC mode, whose blocks have `N` bytes.
    pub(in crate::crypto) fn of(cbc: Kind, key: &[u8]) -> Result<Cmac<N>, Failed> {
        let mut zero = Chain::of(cbc, key)?;
        zero.absorb(&[0; N])?;
        let k1 = double(zero.finish());
        Ok(Cmac { chain: Chain::of(cbc, key)?, held: Held::new(N, 1), k1 })
    }

    /// Takes a part.
    pub fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        self.held.feed(part, |blocks| self.chain.absorb(blocks))
    }

    /// The MAC.
    pub fn finish(mut self) -> Result<[u8; N], Failed> {
        let mut rest = self.held.take();
        let mut subkey = self.k1;
        if rest.len() < N {
            rest.push(0x80);
            subkey = double(self.k1);
        }
        let mut last = padded::<N>(&rest);
        last.iter_mut().zip(subkey).for_each(|(byte, key)| *byte ^= key);
        self.chain.absorb(&last)?;
        Ok(self.chain.finish())
    }
}

/// Multiplies by x in the field of 2^128 or 2^64, in constant time. SP 800-38B sections 5.3 and 6.1.
fn double<const N: usize>(mut block: [u8; N]) -> [u8; N] {
    let mut carry = 0;
    for byte in block.iter_mut().rev() {
        (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
    }
    if let Some(last) = block.last_mut() {
        *last ^= carry.wrapping_neg() & if N == BLOCK { 0x87 } else { 0x1B };
    }
    block
}

/// A GMAC at work: GCM without a message.
#[derive(Debug)]
pub struct Gmac {
    cipher: Cipher,
    tag_len: usize,
}

impl Gmac {
    /// Starts. `gcm` without associated data, which the parts are.
    pub fn new(key: &[u8], gcm: &Gcm) -> Result<Gmac, Failed> {
        Ok(Gmac { cipher: gcm.start(key)?, tag_len: gcm.tag_len })
    }

    /// Takes a part.
    pub fn update(&mut self, part: &[u8]) -> Result<(), Failed> {
        self.cipher.aad(part)
    }

    /// The MAC, as long as the tag was to be.
    pub fn finish(self) -> Result<Vec<u8>, Failed> {
        let mut tag = Vec::new();
        self.cipher.tag(self.tag_len, &mut tag)?;
        Ok(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4493 section 4: the subkeys of its example.
    #[test]
    fn subkeys_double() {
        let zero = 0x7df76b0c_1ab899b3_3e42f047_b91b546f_u128;
        let k1 = 0xfbeed618_35713366_7c85e08f_7236a8de_u128;
        let k2 = 0xf7ddac30_6ae266cc_f90bc11e_e46d513b_u128;
        assert_eq!(double(zero.to_be_bytes()), k1.to_be_bytes());
        assert_eq!(double(k1.to_be_bytes()), k2.to_be_bytes());
    }

    #[test]
    fn long_messages_in_any_parts() {
        let data: Vec<u8> = (0..10_000u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut whole = Cmac::new(&[3; 32]).unwrap();
        whole.update(&data).unwrap();
        let whole = whole.finish().unwrap();
        for size in [1, 15, 16, 17, 4095, 4096, 4097] {
            let mut cmac = Cmac::new(&[3; 32]).unwrap();
            data.chunks(size).for_each(|part| cmac.update(part).unwrap());
            assert_eq!(cmac.finish().unwrap(), whole, "{size}");
        }
    }
}
