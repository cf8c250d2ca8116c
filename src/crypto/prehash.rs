//! What FIPS 204 and FIPS 205 share: contexts, messages that are hashed first, hedging.
use super::Failed;
use super::hash::{Hash, Hasher, Shake};

/// What a message is hashed with before it is signed: FIPS 204, section 5.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PreHash {
    Hash(Hash),
    Shake(Shake),
}

/// Whether a signature takes randomness beside the key and the message: FIPS 204, section 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hedge {
    /// Fresh randomness.
    Hedged,
    /// None: the same signature each time.
    Deterministic,
}

impl PreHash {
    /// Length of the hash in bytes. Of the extendable functions as much is taken as they have
    /// strength for.
    pub const fn size(self) -> usize {
        match self {
            PreHash::Hash(hash) => hash.size(),
            PreHash::Shake(Shake::Shake128) => 32,
            PreHash::Shake(Shake::Shake256) => 64,
        }
    }

    /// Starts.
    pub fn hasher(self) -> Hasher {
        match self {
            PreHash::Hash(hash) => Hasher::new(hash),
            PreHash::Shake(shake) => Hasher::shake(shake, self.size()),
        }
    }

    /// Its object identifier in DER, all of them below 2.16.840.1.101.3.4.2. SHA-1 signs nothing.
    pub fn oid(self) -> Result<[u8; 11], Failed> {
        let last = match self {
            PreHash::Hash(Hash::Sha1) => return Err(Failed),
            PreHash::Hash(Hash::Sha256) => 1,
            PreHash::Hash(Hash::Sha384) => 2,
            PreHash::Hash(Hash::Sha512) => 3,
            PreHash::Hash(Hash::Sha224) => 4,
            PreHash::Hash(Hash::Sha512_224) => 5,
            PreHash::Hash(Hash::Sha512_256) => 6,
            PreHash::Hash(Hash::Sha3_224) => 7,
            PreHash::Hash(Hash::Sha3_256) => 8,
            PreHash::Hash(Hash::Sha3_384) => 9,
            PreHash::Hash(Hash::Sha3_512) => 10,
            PreHash::Shake(Shake::Shake128) => 11,
            PreHash::Shake(Shake::Shake256) => 12,
        };
        Ok([0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last])
    }
}

/// What comes before a message, or before its hash, in what is signed: FIPS 204, algorithms 2 and 4.
/// The context has at most 255 bytes.
pub fn head(context: &[u8], hash: Option<PreHash>) -> Result<Vec<u8>, Failed> {
    let len = u8::try_from(context.len()).map_err(|_| Failed)?;
    let oid = hash.map(PreHash::oid).transpose()?;
    let oid = oid.as_ref().map_or(&[][..], |oid| oid);
    Ok([&[u8::from(hash.is_some()), len], context, oid].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_pure_from_hashed() {
        assert_eq!(head(b"", None), Ok(vec![0, 0]));
        assert_eq!(head(b"ab", None), Ok(vec![0, 2, b'a', b'b']));
        let hashed = head(b"a", Some(PreHash::Shake(Shake::Shake256))).unwrap();
        assert_eq!(hashed, [1, 1, b'a', 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 12]);
        assert_eq!(head(&[0; 255], None).map(|head| head.len()), Ok(257));
        assert_eq!(head(&[0; 256], None), Err(Failed));
        assert_eq!(head(b"", Some(PreHash::Hash(Hash::Sha1))), Err(Failed));
    }
}
