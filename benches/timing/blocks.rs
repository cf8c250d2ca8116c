//! What stands in an RSA ciphertext, right and with one fault: RFC 8017, sections 7.1.1 and 7.2.1.
use keyferry::crypto::hash::Hash;
use keyferry::crypto::random;

/// Of a modulus of 2048 bits, in bytes.
pub const SIZE: usize = 256;

/// Random bytes, none of them 0.
fn padding(len: usize) -> Vec<u8> {
    random(len).unwrap().iter().map(|byte| (*byte).max(1)).collect()
}

fn number_below(limit: usize) -> usize {
    let drawn = random(4).unwrap();
    u32::from_be_bytes(drawn[..4].try_into().unwrap()) as usize % limit
}

/// Longest message of PKCS #1 v1.5.
pub const PKCS1_ROOM: usize = SIZE - 11;

/// A block of PKCS #1 v1.5, right.
pub fn pkcs1(message: &[u8]) -> Vec<u8> {
    [&[0, 2], padding(SIZE - 3 - message.len()).as_slice(), &[0], message].concat()
}

/// The same with a message of any length but none.
pub fn pkcs1_any() -> Vec<u8> {
    pkcs1(&random(1 + number_below(PKCS1_ROOM)).unwrap())
}

/// What may be wrong with it.
#[derive(Clone, Copy, Debug)]
pub enum Pkcs1 {
    FirstByte,
    Kind,
    Separator,
    ShortPadding,
}

/// A block with one fault.
pub fn pkcs1_wrong(fault: Pkcs1) -> Vec<u8> {
    let mut block = pkcs1_any();
    match fault {
        // still less than any modulus, whose highest bit is set
        Pkcs1::FirstByte => block[0] = 1 + random(1).unwrap()[0] % 127,
        Pkcs1::Kind => block[1] = 3,
        Pkcs1::Separator => block = [&[0, 2], padding(SIZE - 2).as_slice()].concat(),
        Pkcs1::ShortPadding => block[2 + number_below(8)] = 0,
    }
    block
}

/// What may be wrong with a block of OAEP with SHA-256.
#[derive(Clone, Copy, Debug)]
pub enum Oaep {
    Nothing,
    FirstByte,
    Label,
    /// Another byte than 0 before the separator.
    Padding,
    /// No separator at all.
    Separator,
}

/// A block of OAEP, masked.
pub fn oaep(message: &[u8], fault: Oaep) -> Vec<u8> {
    let hash = Hash::Sha256;
    let (len, label) = (hash.size(), hash.digest(b""));
    let zeros = SIZE - 2 * len - 2 - message.len();
    let mut data = [label.as_slice(), &vec![0; zeros], &[1], message].concat();
    match fault {
        Oaep::Label => data[number_below(len)] ^= 1 + random(1).unwrap()[0] % 255,
        Oaep::Padding => data[len + number_below(zeros)] = 2 + random(1).unwrap()[0] % 254,
        Oaep::Separator => data[len..].fill(0),
        Oaep::Nothing | Oaep::FirstByte => {}
    }
    let mut seed = random(len).unwrap().to_vec();
    mask(&mut data, &seed);
    mask(&mut seed, &data);
    let first = match fault {
        Oaep::FirstByte => 1 + random(1).unwrap()[0] % 127,
        _ => 0,
    };
    [&[first], seed.as_slice(), &data].concat()
}

/// MGF1 with SHA-256, RFC 8017 section B.2.1.
fn mask(data: &mut [u8], seed: &[u8]) {
    for (counter, part) in (0_u32..).zip(data.chunks_mut(Hash::Sha256.size())) {
        let digest = Hash::Sha256.digest(&[seed, &counter.to_be_bytes()].concat());
        part.iter_mut().zip(digest).for_each(|(byte, mask)| *byte ^= mask);
    }
}
