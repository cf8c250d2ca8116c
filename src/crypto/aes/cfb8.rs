//! Cipher feedback with segments of 8 bits (SP 800-38A section 6.3): one byte for each block.
//!
//! AWS-LC calls its block cipher through a pointer for each byte, and moves the register in memory. Here
//! the loop is compiled together with the cipher of the crate `aes`. Decryption knows all registers in
//! advance, because they are made of ciphertext, and encrypts as many at once as the processor can.
use super::Direction;
use crate::crypto::Failed;
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser,
    KeyInit, ParBlocks,
};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use zeroize::Zeroize;

/// Length of the register in bytes.
const REGISTER: usize = 16;

/// How many bytes are decrypted from one copy of them.
const PIECE: usize = 4096;

/// A stream at work.
#[derive(Debug)]
pub struct Cfb8 {
    key: Key,
    direction: Direction,
    /// The last 16 bytes of initialisation vector and ciphertext.
    register: u128,
}

#[derive(Debug)]
enum Key {
    Aes128(Box<Aes128Enc>),
    Aes192(Box<Aes192Enc>),
    Aes256(Box<Aes256Enc>),
}

impl Cfb8 {
    /// Starts. A key of 16, 24 or 32 bytes.
    pub fn new(direction: Direction, key: &[u8], iv: &[u8; 16]) -> Result<Cfb8, Failed> {
        let key = match key.len() {
            16 => Aes128Enc::new_from_slice(key).map(|key| Key::Aes128(Box::new(key))),
            24 => Aes192Enc::new_from_slice(key).map(|key| Key::Aes192(Box::new(key))),
            _ => Aes256Enc::new_from_slice(key).map(|key| Key::Aes256(Box::new(key))),
        };
        Ok(Cfb8 { key: key.map_err(|_| Failed)?, direction, register: u128::from_be_bytes(*iv) })
    }

    /// Appends the transformation of `part`, which is as long, to `out`.
    pub fn update(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), Failed> {
        out.try_reserve(part.len()).map_err(|_| Failed)?;
        let register = &mut self.register;
        match self.direction {
            Direction::Encrypt => self.key.run(Encryption { register, part, out }),
            Direction::Decrypt => self.key.run(Decryption { register, part, out }),
        }
        Ok(())
    }
}

impl Key {
    fn run(&self, work: impl BlockCipherEncClosure<BlockSize = U16>) {
        match self {
            Key::Aes128(key) => key.encrypt_with_backend(work),
            Key::Aes192(key) => key.encrypt_with_backend(work),
            Key::Aes256(key) => key.encrypt_with_backend(work),
        }
    }
}

struct Encryption<'a> {
    register: &'a mut u128,
    part: &'a [u8],
    out: &'a mut Vec<u8>,
}

struct Decryption<'a> {
    register: &'a mut u128,
    part: &'a [u8],
    out: &'a mut Vec<u8>,
}

impl BlockSizeUser for Encryption<'_> {
    type BlockSize = U16;
}

impl BlockSizeUser for Decryption<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Encryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Encryption { register, part, out } = self;
        let mut block = Array::default();
        out.extend(part.iter().map(|byte| {
            block = Array(register.to_be_bytes());
            backend.encrypt_block_inplace(&mut block);
            let Array([first, ..]) = block;
            let sealed = byte ^ first;
            shift(register, sealed);
            sealed
        }));
        block.zeroize();
    }
}

impl BlockCipherEncClosure for Decryption<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Decryption { register, part, out } = self;
        let mut blocks = ParBlocks::<B>::default();
        // what went before a byte lies before it here, too: a register is 16 bytes of it
        let mut history = Vec::with_capacity(REGISTER + PIECE);
        for piece in part.chunks(PIECE) {
            history.clear();
            history.extend(register.to_be_bytes());
            history.extend(piece);
            for (n, bytes) in piece.chunks(blocks.len()).enumerate() {
                let registers = history.get(n * blocks.len()..).unwrap_or_default();
                for (block, register) in blocks.iter_mut().zip(registers.windows(REGISTER)) {
                    block.copy_from_slice(register);
                }
                backend.encrypt_par_blocks_inplace(&mut blocks);
                out.extend(
                    bytes.iter().zip(&blocks).map(|(byte, Array([first, ..]))| byte ^ first),
                );
            }
            piece.iter().for_each(|byte| shift(register, *byte));
        }
        blocks.iter_mut().for_each(|block| block.zeroize());
    }
}

/// Takes a byte of ciphertext into the register.
fn shift(register: &mut u128, byte: u8) {
    *register = *register << 8 | u128::from(byte);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aws_lc::cipher::{Cipher, Kind};

    /// SP 800-38A section 6.3, byte by byte, with the library's cipher.
    fn encrypted(key: &[u8], iv: [u8; 16], data: &[u8]) -> Vec<u8> {
        let mut cipher = Cipher::new(Kind::Ecb, Direction::Encrypt, key, &[]).unwrap();
        let mut history = iv.to_vec();
        for byte in data {
            let mut block = Vec::new();
            cipher.update(history.last_chunk::<16>().unwrap(), &mut block).unwrap();
            history.push(byte ^ block[0]);
        }
        history.split_off(16)
    }

    fn in_two_parts(direction: Direction, key: &[u8], parts: (&[u8], &[u8])) -> Vec<u8> {
        let (mut stream, mut out) = (Cfb8::new(direction, key, &[9; 16]).unwrap(), Vec::new());
        stream.update(parts.0, &mut out).unwrap();
        stream.update(parts.1, &mut out).unwrap();
        out
    }

    #[test]
    fn each_key_and_each_cut_is_as_the_standard_has_it() {
        let data: Vec<u8> = (0..150).collect();
        for len in [16, 24, 32] {
            let key = vec![7; len];
            let sealed = encrypted(&key, [9; 16], &data);
            for cut in 0..=data.len() {
                let made = in_two_parts(Direction::Encrypt, &key, data.split_at(cut));
                assert_eq!(made, sealed, "{len} {cut}");
                let opened = in_two_parts(Direction::Decrypt, &key, sealed.split_at(cut));
                assert_eq!(opened, data, "{len} {cut}");
            }
        }
    }

    #[test]
    fn long_parts_are_decrypted_in_pieces() {
        let data: Vec<u8> = (0..3 * PIECE + 5).map(|n| n.to_le_bytes()[0]).collect();
        let sealed = encrypted(&[3; 16], [9; 16], &data);
        for cut in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE] {
            let opened = in_two_parts(Direction::Decrypt, &[3; 16], sealed.split_at(cut));
            assert!(opened == data, "{cut}");
        }
    }

    #[test]
    fn other_lengths_of_keys_are_refused() {
        for len in [0, 15, 17, 31, 33] {
            assert_eq!(Cfb8::new(Direction::Encrypt, &vec![0; len], &[0; 16]).err(), Some(Failed));
        }
    }
}
