//! ML-DSA and HashML-DSA: key pairs and signatures. PKCS#11 3.2, section "ML-DSA".
use super::hashed::Hashed;
use super::params::SignContext;
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::hash::{Hash, Hasher, Shake};
use crate::crypto::ml_dsa::{PrivateKey, Set};
use crate::crypto::prehash::{self, Hedge, PreHash};
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_ML_DSA_KEY_PAIR_GEN,
    name: "CKM_ML_DSA_KEY_PAIR_GEN",
    key_types: &[CKK_ML_DSA],
    // length of the public key in bytes
    key_size: 1312..=2592,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const ML_DSA: Mechanism = Mechanism {
    ckm: CKM_ML_DSA,
    name: "CKM_ML_DSA",
    params: Shape::SignContext,
    null: Some(Params::None),
    sign: Some(sign),
    verify: Some(verify),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(_: &Params, public: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let set: Set = encode::parameter_set(public)?;
    let key = PrivateKey::generate(set).map_err(|_| Error::RandomNoRng)?;
    encode::seeded_attributes::<Set>(&key).map(Pair::from)
}

macro_rules! hashing {
    ($($row:ident: $ckm:ident, $hash:expr;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            sign: Some(|params, key| sign_hashing($hash, params, key)),
            verify: Some(|params, key| verify_hashing($hash, params, key)),
            ..ML_DSA
        };
    )*};
}

hashing! {
    SHA224: CKM_HASH_ML_DSA_SHA224, PreHash::Hash(Hash::Sha224);
    SHA256: CKM_HASH_ML_DSA_SHA256, PreHash::Hash(Hash::Sha256);
    SHA384: CKM_HASH_ML_DSA_SHA384, PreHash::Hash(Hash::Sha384);
    SHA512: CKM_HASH_ML_DSA_SHA512, PreHash::Hash(Hash::Sha512);
    SHA3_224: CKM_HASH_ML_DSA_SHA3_224, PreHash::Hash(Hash::Sha3_224);
    SHA3_256: CKM_HASH_ML_DSA_SHA3_256, PreHash::Hash(Hash::Sha3_256);
    SHA3_384: CKM_HASH_ML_DSA_SHA3_384, PreHash::Hash(Hash::Sha3_384);
    SHA3_512: CKM_HASH_ML_DSA_SHA3_512, PreHash::Hash(Hash::Sha3_512);
    SHAKE128: CKM_HASH_ML_DSA_SHAKE128, PreHash::Shake(Shake::Shake128);
    SHAKE256: CKM_HASH_ML_DSA_SHAKE256, PreHash::Shake(Shake::Shake256);
}

/// Of the hash that the application made. The parameter says of which function it is. "Single-part
/// operations only" (PKCS#11 3.2, section "HashML-DSA Signature").
pub(super) const HASH: Mechanism = Mechanism {
    ckm: CKM_HASH_ML_DSA,
    name: "CKM_HASH_ML_DSA",
    params: Shape::HashSignContext,
    null: None,
    sign: Some(sign_hash),
    verify: Some(verify_hash),
    ..ML_DSA
};

/// Signs representatives.
struct Signer {
    key: Key,
    head: Vec<u8>,
    hedge: Hedge,
    len: usize,
}

/// Verifies their signatures.
struct Verifier {
    key: Key,
    head: Vec<u8>,
    len: usize,
}

impl Signer {
    fn new(key: &Key, context: &SignContext, hash: Option<PreHash>) -> Result<Signer> {
        let hedge =
            context.hedge.ok_or_else(|| Error::MechanismParamInvalid.because("hedgeVariant"))?;
        let len = key.ml_dsa_private()?.set().signature_len();
        Ok(Signer { key: key.clone(), head: head(context, hash)?, hedge, len })
    }
    fn representative(&self) -> Result<Hasher> {
        self.key.ml_dsa_private()?.representative(&self.head).map_err(|_| Error::FunctionFailed)
    }
    fn sign(&self, representative: &[u8]) -> Result<Vec<u8>> {
        let signature = self.key.ml_dsa_private()?.sign(representative, self.hedge);
        signature.map_err(|_| Error::FunctionFailed)
    }
    /// Of a hash of the message.
    fn sign_hash(&self, hash: &[u8]) -> Result<Vec<u8>> {
        self.sign(&finished(self.representative()?, hash)?)
    }
}

impl Verifier {
    fn new(key: &Key, context: &SignContext, hash: Option<PreHash>) -> Result<Verifier> {
        let len = key.ml_dsa_public()?.set().signature_len();
        Ok(Verifier { key: key.clone(), head: head(context, hash)?, len })
    }
    fn representative(&self) -> Result<Hasher> {
        self.key.ml_dsa_public()?.representative(&self.head).map_err(|_| Error::FunctionFailed)
    }
    fn verify(&self, representative: &[u8], signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        let verdict = self.key.ml_dsa_public()?.verify(representative, signature);
        verdict.map_err(|_| Error::SignatureInvalid)
    }
    /// Of a hash of the message.
    fn verify_hash(&self, hash: &[u8], signature: &[u8]) -> Result<()> {
        self.verify(&finished(self.representative()?, hash)?, signature)
    }
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let signer = Signer::new(key, &context(params)?, None)?;
    let (hasher, len) = (signer.representative()?, signer.len);
    Ok(Hashed::with(hasher, len, move |mu: &[u8]| signer.sign(mu)))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let verifier = Verifier::new(key, &context(params)?, None)?;
    let (hasher, len) = (verifier.representative()?, verifier.len);
    Ok(Hashed::with(hasher, len, move |mu: &[u8], sig: &[u8]| verifier.verify(mu, sig)))
}

fn sign_hashing(hash: PreHash, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let signer = Signer::new(key, &context(params)?, Some(hash))?;
    Ok(Hashed::with(hash.hasher(), signer.len, move |hash: &[u8]| signer.sign_hash(hash)))
}

fn verify_hashing(hash: PreHash, params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let verifier = Verifier::new(key, &context(params)?, Some(hash))?;
    let len = verifier.len;
    let run = move |hash: &[u8], signature: &[u8]| verifier.verify_hash(hash, signature);
    Ok(Hashed::with(hash.hasher(), len, run))
}

fn sign_hash(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (context, hash) = hash_context(params)?;
    let (signer, size) = (Signer::new(key, context, Some(hash))?, hash.size());
    let len = signer.len;
    Ok(Whole::at_once(
        Limit(size, Error::DataLenRange),
        move |_| Bound::Exactly(len),
        move |hash: &[u8], out: &mut Vec<u8>| {
            if hash.len() != size {
                return Err(Error::DataLenRange);
            }
            out.extend(signer.sign_hash(hash)?);
            Ok(())
        },
    ))
}

fn verify_hash(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (context, hash) = hash_context(params)?;
    let (verifier, size) = (Verifier::new(key, context, Some(hash))?, hash.size());
    let limit = Limit(size, Error::DataLenRange);
    Ok(Whole::at_once(limit, (), move |hash: &[u8], signature: &[u8]| match hash.len() == size {
        true => verifier.verify_hash(hash, signature),
        false => Err(Error::DataLenRange),
    }))
}

/// The representative of what `hasher` has seen, and `data`.
fn finished(mut hasher: Hasher, data: &[u8]) -> Result<Vec<u8>> {
    hasher.update(data);
    hasher.finish().map_err(|_| Error::FunctionFailed)
}

fn head(context: &SignContext, hash: Option<PreHash>) -> Result<Vec<u8>> {
    prehash::head(&context.context, hash).map_err(|_| Error::MechanismParamInvalid)
}

fn context(params: &Params) -> Result<SignContext> {
    match params {
        Params::None => Ok(SignContext::NONE),
        Params::SignContext(context) => Ok(context.clone()),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn hash_context(params: &Params) -> Result<(&SignContext, PreHash)> {
    match params {
        Params::HashSignContext(context, hash) => Ok((context, *hash)),
        _ => Err(Error::MechanismParamInvalid),
    }
}
