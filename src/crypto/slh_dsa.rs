//! SLH-DSA (FIPS 205): keys and signatures, of messages and of their hashes. AWS-LC does not have it; the crate `fips205` does.
//!
//! Keys are short and have one form each; what is long is the signatures. The crate allocates nothing,
//! and so takes more stack than a thread of the application may have left: it gets one of its own.
use super::prehash::{Hedge, PreHash};
use super::{Failed, Secret, random};
use fips205::traits::{KeyGen, SerDes, Signer, Verifier};
use std::fmt;

/// A key that signs, of any set.
trait Sign: Send + Sync {
    /// Signs a message, or a hash whose object identifier in DER is `oid`.
    fn sign(
        &self,
        context: &[u8],
        oid: Option<&[u8]>,
        data: &[u8],
        hedged: bool,
    ) -> Result<Vec<u8>, Failed>;
}

/// A public key.
#[derive(Debug)]
pub struct PublicKey {
    set: Set,
    bytes: Vec<u8>,
}

/// A prepared private key.
pub struct PrivateKey {
    key: Box<dyn Sign>,
    set: Set,
    bytes: Secret,
}

macro_rules! sets {
    ($($(#[$doc:meta])* $set:ident: $module:ident, $oid:literal;)*) => {
        /// A parameter set. `S` makes short signatures, `F` makes them fast.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Set {
            $($set,)*
        }

        impl Set {
            /// Every parameter set.
            pub const ALL: [Set; 12] = [$(Set::$set),*];

            /// Length of a public key in bytes.
            pub const fn public_len(self) -> usize {
                match self {
                    $(Set::$set => fips205::$module::PK_LEN,)*
                }
            }
            /// Length of a signature in bytes.
            pub const fn signature_len(self) -> usize {
                match self {
                    $(Set::$set => fips205::$module::SIG_LEN,)*
                }
            }
            /// Its object identifier (RFC 9909 section 3).
            pub const fn oid(self) -> der::asn1::ObjectIdentifier {
                der::asn1::ObjectIdentifier::new_unwrap(match self {
                    $(Set::$set => concat!("2.16.840.1.101.3.4.3.", $oid),)*
                })
            }
        }

        $(
            impl Sign for fips205::$module::PrivateKey {
                fn sign(
                    &self,
                    context: &[u8],
                    oid: Option<&[u8]>,
                    data: &[u8],
                    hedged: bool,
                ) -> Result<Vec<u8>, Failed> {
                    let signature = match oid {
                        None => self.try_sign(data, context, hedged),
                        Some(oid) => self.try_hash_sign(data, context, oid, hedged),
                    };
                    signature.map(|signature| signature.to_vec()).map_err(|_| Failed)
                }
            }
        )*

        /// A key that its public half belongs to, or none.
        fn prepared(set: Set, bytes: &[u8]) -> Result<Box<dyn Sign>, Failed> {
            match set {
                $(Set::$set => {
                    let bytes = bytes.try_into().map_err(|_| Failed)?;
                    let key = fips205::$module::PrivateKey::try_from_bytes(bytes);
                    Ok(Box::new(key.map_err(|_| Failed)?))
                })*
            }
        }

        /// A private key from its seeds.
        fn grown(set: Set, seeds: [&[u8]; 3]) -> Result<Secret, Failed> {
            match set {
                $(Set::$set => {
                    let part = |n: usize| -> Result<&[u8; fips205::$module::N], Failed> {
                        seeds.get(n).and_then(|seed| (*seed).try_into().ok()).ok_or(Failed)
                    };
                    let pair =
                        fips205::$module::KG::keygen_from_seed(part(0)?, part(1)?, part(2)?);
                    Ok(Secret::new(pair.1.into_bytes().to_vec()))
                })*
            }
        }

        fn verified(
            set: Set,
            public: &[u8],
            (context, oid): (&[u8], Option<&[u8]>),
            data: &[u8],
            signature: &[u8],
        ) -> Result<bool, Failed> {
            match set {
                $(Set::$set => {
                    let public = public.try_into().map_err(|_| Failed)?;
                    let key = fips205::$module::PublicKey::try_from_bytes(public);
                    let (key, signature) =
                        (key.map_err(|_| Failed)?, signature.try_into().map_err(|_| Failed)?);
                    Ok(match oid {
                        None => key.verify(data, signature, context),
                        Some(oid) => key.hash_verify(data, signature, context, oid),
                    })
                })*
            }
        }
    };
}

sets! {
    Sha2_128s: slh_dsa_sha2_128s, "20";
    Shake128s: slh_dsa_shake_128s, "26";
    Sha2_128f: slh_dsa_sha2_128f, "21";
    Shake128f: slh_dsa_shake_128f, "27";
    Sha2_192s: slh_dsa_sha2_192s, "22";
    Shake192s: slh_dsa_shake_192s, "28";
    Sha2_192f: slh_dsa_sha2_192f, "23";
    Shake192f: slh_dsa_shake_192f, "29";
    Sha2_256s: slh_dsa_sha2_256s, "24";
    Shake256s: slh_dsa_shake_256s, "30";
    Sha2_256f: slh_dsa_sha2_256f, "25";
    Shake256f: slh_dsa_shake_256f, "31";
}

impl Set {
    /// Length of a private key in bytes: two secret seeds, and the public key.
    pub const fn private_len(self) -> usize {
        2 * self.public_len()
    }
}

impl PublicKey {
    /// From its encoding. Any bytes of the right length are one.
    pub fn new(set: Set, bytes: &[u8]) -> Result<PublicKey, Failed> {
        if bytes.len() != set.public_len() {
            return Err(Failed);
        }
        Ok(PublicKey { set, bytes: bytes.to_vec() })
    }
    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }
    /// Its encoding.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Verifies a signature of a message, or of a hash that was made with `hash`. The context has at
    /// most 255 bytes.
    pub fn verify(
        &self,
        context: &[u8],
        hash: Option<PreHash>,
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), Failed> {
        let oid = hash.map(PreHash::oid).transpose()?;
        let oid = oid.as_ref().map(<[u8; 11]>::as_slice);
        match roomy(|| verified(self.set, &self.bytes, (context, oid), data, signature)) {
            Ok(true) => Ok(()),
            _ => Err(Failed),
        }
    }
}

impl PrivateKey {
    /// From its encoding; fails if the public key in it is another's.
    pub fn new(set: Set, bytes: &[u8]) -> Result<PrivateKey, Failed> {
        let key = roomy(|| prepared(set, bytes))?;
        Ok(PrivateKey { key, set, bytes: Secret::new(bytes.to_vec()) })
    }
    /// A fresh key.
    pub fn generate(set: Set) -> Result<PrivateKey, Failed> {
        let n = set.public_len() / 2;
        let seeds = [random(n)?, random(n)?, random(n)?];
        PrivateKey::new(set, &roomy(|| grown(set, [&seeds[0], &seeds[1], &seeds[2]]))?)
    }
    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }
    /// Its encoding.
    pub fn bytes(&self) -> &Secret {
        &self.bytes
    }
    /// The public half.
    pub fn public(&self) -> &[u8] {
        self.bytes.get(self.set.public_len()..).unwrap_or_default()
    }
    /// Signs a message, or a hash that was made with `hash`. The context has at most 255 bytes.
    pub fn sign(
        &self,
        context: &[u8],
        hash: Option<PreHash>,
        data: &[u8],
        hedge: Hedge,
    ) -> Result<Vec<u8>, Failed> {
        let oid = hash.map(PreHash::oid).transpose()?;
        let oid = oid.as_ref().map(<[u8; 11]>::as_slice);
        roomy(|| self.key.sign(context, oid, data, hedge == Hedge::Hedged))
    }
}

/// Runs `work` where there is stack enough: an optimised build needs some 300 KiB for the longest
/// signatures, one that is not optimised more than 1 MiB.
fn roomy<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK, STACK, work)
}

const STACK: usize = 4 << 20;

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_stack_is_enough() {
        let sign = || {
            let key = PrivateKey::generate(Set::Sha2_256f).unwrap();
            let signature = key.sign(b"", None, b"message", Hedge::Hedged).unwrap();
            let public = PublicKey::new(key.set(), key.public()).unwrap();
            public.verify(b"", None, b"message", &signature)
        };
        let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(sign).unwrap();
        assert_eq!(thread.join().unwrap(), Ok(()));
    }
}
