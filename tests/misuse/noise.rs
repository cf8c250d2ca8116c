//! Parameters of mechanisms that are nearly right: the structures of the standard, filled with what
//! belongs there and what does not, from a seed.
use crate::common::*;
use keyferry::mechanism::Shape;

/// Xorshift: the same noise every time.
#[derive(Debug)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// What a word of a structure is.
#[derive(Clone, Copy, Debug)]
pub enum Word {
    /// A number, of which some make sense.
    Number(&'static [CK_ULONG]),
    /// How often something is to be done.
    Times,
    /// A pointer to bytes.
    Bytes,
    /// A length of such.
    Length,
    /// A pointer to data parameters of SP 800-108, and how many.
    Pieces,
    Count,
    /// A pointer to OAEP parameters.
    Oaep,
    Key,
}
use Word::*;

const HASH: Word =
    Number(&[CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512, CKM_SHA3_256]);
const MGF: Word = Number(&[CKG_MGF1_SHA1, CKG_MGF1_SHA256, CKG_MGF1_SHA384, CKG_MGF1_SHA3_256]);
const BITS: Word = Number(&[32, 64, 96, 104, 112, 120, 128, 192, 256]);
const SMALL: Word = Number(&[0, 1, 4, 7, 8, 12, 13, 16, 20, 32, 33]);
const KDF: Word = Number(&[CKD_NULL, CKD_SHA1_KDF, CKD_SHA256_KDF, CKD_SHA256_KDF_SP800]);
const PRF: Word = Number(&[CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA512_HMAC, CKM_AES_CMAC]);
const ONE: Word = Number(&[1]);
const NONE: Word = Number(&[0]);
const OAEP: &[Word] = &[HASH, MGF, ONE, Bytes, Length];

/// The structures that a shape comes in, word by word. None for those that are plain bytes, and
/// for those that are not known here.
pub fn structures(shape: Shape) -> &'static [&'static [Word]] {
    match shape {
        Shape::Oaep => &[OAEP],
        Shape::Pss => &[&[HASH, MGF, SMALL]],
        Shape::RsaAesKeyWrap => &[&[BITS, Oaep], OAEP],
        Shape::Gcm => {
            &[&[Bytes, Length, BITS, Bytes, Length, BITS], &[Bytes, Length, Bytes, Length, BITS]]
        }
        Shape::Ctr => &[&[BITS, SMALL, SMALL]],
        Shape::Ccm => &[&[SMALL, Bytes, Length, Bytes, Length, SMALL]],
        Shape::MacLen => &[&[SMALL]],
        Shape::ChaCha => &[&[Bytes, BITS, Bytes, BITS]],
        Shape::ChaChaPoly => &[&[Bytes, Length, Bytes, Length]],
        Shape::StringData => &[&[Bytes, Length]],
        Shape::CbcData => &[&[SMALL, SMALL, Bytes, Length]],
        Shape::Ecdh => &[&[KDF, Length, Bytes, Length, Bytes]],
        Shape::EcdhAesKeyWrap => &[&[BITS, KDF, Length, Bytes]],
        Shape::Eddsa => &[&[SMALL, Length, Bytes]],
        Shape::SignContext => &[&[SMALL, Bytes, Length]],
        Shape::Hkdf => &[&[
            Number(&[0x0101, 0x0001, 0x0100]),
            HASH,
            Number(&[1, 2, 4]),
            Bytes,
            Length,
            Key,
            Bytes,
            Length,
        ]],
        Shape::Pbkdf2 => &[&[ONE, Bytes, Length, Times, SMALL, NONE, NONE, Bytes, Length]],
        Shape::Counter108 | Shape::Pipeline108 => &[&[PRF, Count, Pieces, NONE, NONE]],
        Shape::Feedback108 => &[&[PRF, Count, Pieces, Length, Bytes, NONE, NONE]],
        Shape::OtherKey => &[&[Key]],
        Shape::Bit => &[&[Number(&[0, 1, 7, 8, 127, 128, 255])]],
        _ => &[],
    }
}

/// Lengths that the scratch memory has, and lengths that nothing has.
const LENGTHS: [CK_ULONG; 11] = [0, 1, 7, 8, 12, 16, 32, 33, 65, 255, 4096];
const ABSURD: [CK_ULONG; 6] =
    [1 << 31, (1 << 32) + 1, 1 << 40, 1 << 63, CK_ULONG::MAX - 7, CK_ULONG::MAX];

/// A parameter, and the memory that it points to.
pub struct Param {
    words: Vec<CK_ULONG>,
    _oaep: Vec<CK_ULONG>,
    _pieces: Vec<CK_ULONG>,
    _scratch: Vec<u64>,
}

impl Param {
    /// Fills a structure: the words most often with what belongs there.
    pub fn new(noise: &mut Noise, structure: &[Word], handles: &[Handle]) -> Param {
        let scratch = vec![0x0102_0304_0506_0708u64; 1024];
        let at = scratch.as_ptr().expose_provenance() as CK_ULONG;
        let word = |noise: &mut Noise, word: &Word| fill(noise, *word, at, handles);
        let oaep: Vec<_> = OAEP.iter().map(|w| word(noise, w)).collect();
        let kinds = [ONE, Number(&[1, 2, 3, 4, 5, 6]), SMALL];
        let piece = [kinds[noise.below(3)], Bytes, Length];
        let pieces: Vec<_> = (0..64 * 3).map(|n| word(noise, &piece[n % 3])).collect();
        let words = structure.iter().map(|w| match w {
            Oaep => oaep.as_ptr().expose_provenance() as CK_ULONG,
            Pieces => pieces.as_ptr().expose_provenance() as CK_ULONG,
            other => word(noise, other),
        });
        let words = words.collect();
        Param { words, _oaep: oaep, _pieces: pieces, _scratch: scratch }
    }

    /// Of so many bytes, as they come.
    pub fn bytes(noise: &mut Noise, len: usize) -> Param {
        let words = (0..len.div_ceil(8) + 1).map(|_| noise.below(usize::MAX) as CK_ULONG);
        Param { words: words.collect(), _oaep: vec![], _pieces: vec![], _scratch: vec![] }
    }

    pub fn at(&self) -> *mut u8 {
        self.words.as_ptr().cast_mut().cast()
    }

    pub fn len(&self) -> CK_ULONG {
        8 * self.words.len() as CK_ULONG
    }
}

fn fill(noise: &mut Noise, word: Word, scratch: CK_ULONG, handles: &[Handle]) -> CK_ULONG {
    let wrong = noise.below(8) == 0;
    match word {
        Bytes if wrong => 0,
        Bytes => scratch + noise.below(2) as CK_ULONG,
        Length if wrong => noise.one(&ABSURD),
        Length => noise.one(&LENGTHS),
        Times => noise.one(&[0, 1, 2, 1000, CK_ULONG::MAX, 1 << 32]),
        Count if wrong => noise.one(&[0, 65, 1 << 31, CK_ULONG::MAX]),
        Count => 1 + noise.below(4) as CK_ULONG,
        Number(_) if wrong => noise.one(&[0, 1, 3, 255, 1 << 31, 1 << 63, CK_ULONG::MAX]),
        Number(good) => noise.one(good),
        Key => noise.one(handles),
        Oaep | Pieces => 0,
    }
}

impl std::fmt::Display for Param {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x?}", self.words)
    }
}
