//! SLH-DSA and HashSLH-DSA: key pairs and signatures. PKCS#11 3.2, section "SLH-DSA".
use super::hashed::Hashed;
use super::params::SignContext;
use super::whole::{Limit, Whole};
use super::{Bound, Mechanism, Params, Shape, Transform, Verify};
use crate::ck::*;
use crate::crypto::Workers;
use crate::crypto::hash::{Hash, Shake};
use crate::crypto::prehash::{Hedge, PreHash};
use crate::crypto::slh_dsa::PrivateKey;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::encode;
use crate::object::policy::Key;
use crate::object::template::Pair;

pub(super) const KEY_PAIR_GEN: Mechanism = Mechanism {
    ckm: CKM_SLH_DSA_KEY_PAIR_GEN,
    name: "CKM_SLH_DSA_KEY_PAIR_GEN",
    key_types: &[CKK_SLH_DSA],
    // length of the public key in bytes
    key_size: 32..=64,
    generate_pair: Some(generate_pair),
    ..Mechanism::NONE
};

pub(super) const SLH_DSA: Mechanism = Mechanism {
    ckm: CKM_SLH_DSA,
    name: "CKM_SLH_DSA",
    params: Shape::SignContext,
    null: Some(Params::None),
    sign: Some(sign),
    verify: Some(verify),
    generate_pair: None,
    ..KEY_PAIR_GEN
};

fn generate_pair(_: &Params, public: &Attributes, _: &Attributes, _: &Workers) -> Result<Pair> {
    let key = PrivateKey::generate(encode::slh_dsa_set(public)?).map_err(|_| Error::RandomNoRng)?;
    encode::slh_dsa_attributes(&key).map(Pair::from)
}

macro_rules! hashing {
    ($($row:ident: $ckm:ident, $hash:expr;)*) => {$(
        pub(super) const $row: Mechanism = Mechanism {
            ckm: $ckm,
            name: stringify!($ckm),
            sign: Some(|params, key| sign_hashing($hash, params, key)),
            verify: Some(|params, key| verify_hashing($hash, params, key)),
            ..SLH_DSA
        };
    )*};
}

hashing! {
    SHA224: CKM_HASH_SLH_DSA_SHA224, PreHash::Hash(Hash::Sha224);
    SHA256: CKM_HASH_SLH_DSA_SHA256, PreHash::Hash(Hash::Sha256);
    SHA384: CKM_HASH_SLH_DSA_SHA384, PreHash::Hash(Hash::Sha384);
    SHA512: CKM_HASH_SLH_DSA_SHA512, PreHash::Hash(Hash::Sha512);
    SHA3_224: CKM_HASH_SLH_DSA_SHA3_224, PreHash::Hash(Hash::Sha3_224);
    SHA3_256: CKM_HASH_SLH_DSA_SHA3_256, PreHash::Hash(Hash::Sha3_256);
    SHA3_384: CKM_HASH_SLH_DSA_SHA3_384, PreHash::Hash(Hash::Sha3_384);
    SHA3_512: CKM_HASH_SLH_DSA_SHA3_512, PreHash::Hash(Hash::Sha3_512);
    SHAKE128: CKM_HASH_SLH_DSA_SHAKE128, PreHash::Shake(Shake::Shake128);
    SHAKE256: CKM_HASH_SLH_DSA_SHAKE256, PreHash::Shake(Shake::Shake256);
}

/// Of the hash that the application made. The parameter says of which function it is.
pub(super) const HASH: Mechanism = Mechanism {
    ckm: CKM_HASH_SLH_DSA,
    name: "CKM_HASH_SLH_DSA",
    params: Shape::HashSignContext,
    null: None,
    sign: Some(sign_hash),
    verify: Some(verify_hash),
    ..SLH_DSA
};

/// Signs messages, or hashes of one function.
struct Signer {
    key: Key,
    context: Vec<u8>,
    hash: Option<PreHash>,
    hedge: Hedge,
    len: usize,
}

/// Verifies their signatures.
struct Verifier {
    key: Key,
    context: Vec<u8>,
    hash: Option<PreHash>,
    len: usize,
}

impl Signer {
    fn new(key: &Key, context: SignContext, hash: Option<PreHash>) -> Result<Signer> {
        let SignContext { context, hedge } = context;
        let hedge = hedge.ok_or_else(|| Error::MechanismParamInvalid.because("hedgeVariant"))?;
        let len = key.slh_dsa_private()?.set().signature_len();
        Ok(Signer { key: key.clone(), context, hash, hedge, len })
    }
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        let key = self.key.slh_dsa_private()?;
        let signature = key.sign(&self.context, self.hash, data, self.hedge);
        signature.map_err(|_| Error::FunctionFailed)
    }
}

impl Verifier {
    fn new(key: &Key, context: SignContext, hash: Option<PreHash>) -> Result<Verifier> {
        let len = key.slh_dsa_public()?.set().signature_len();
        Ok(Verifier { key: key.clone(), context: context.context, hash, len })
    }
    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        if signature.len() != self.len {
            return Err(Error::SignatureLenRange);
        }
        let verdict = self.key.slh_dsa_public()?.verify(&self.context, self.hash, data, signature);
        verdict.map_err(|_| Error::SignatureInvalid)
    }
}

fn sign(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let signer = Signer::new(key, context(params)?, None)?;
    Ok(sign_whole(signer, Limit::NONE, |_| Ok(())))
}

fn verify(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let verifier = Verifier::new(key, context(params)?, None)?;
    let run = move |data: &[u8], signature: &[u8]| verifier.verify(data, signature);
    Ok(Whole::new(Limit::NONE, (), run))
}

fn sign_hashing(hash: PreHash, params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let signer = Signer::new(key, context(params)?, Some(hash))?;
    Ok(Hashed::with(hash.hasher(), signer.len, move |digest: &[u8]| signer.sign(digest)))
}

fn verify_hashing(hash: PreHash, params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let verifier = Verifier::new(key, context(params)?, Some(hash))?;
    let len = verifier.len;
    let run = move |digest: &[u8], signature: &[u8]| verifier.verify(digest, signature);
    Ok(Hashed::with(hash.hasher(), len, run))
}

fn sign_hash(params: &Params, key: &Key) -> Result<Box<dyn Transform>> {
    let (context, hash) = hash_context(params)?;
    let signer = Signer::new(key, context.clone(), Some(hash))?;
    let limit = Limit(hash.size(), Error::DataLenRange);
    Ok(sign_whole(signer, limit, move |digest| as_long_as(hash, digest)))
}

fn verify_hash(params: &Params, key: &Key) -> Result<Box<dyn Verify>> {
    let (context, hash) = hash_context(params)?;
    let verifier = Verifier::new(key, context.clone(), Some(hash))?;
    let limit = Limit(hash.size(), Error::DataLenRange);
    Ok(Whole::new(limit, (), move |digest: &[u8], signature: &[u8]| {
        as_long_as(hash, digest)?;
        verifier.verify(digest, signature)
    }))
}

/// Signs what comes as a whole and passes a check.
fn sign_whole(
    signer: Signer,
    limit: Limit,
    check: impl Fn(&[u8]) -> Result<()> + Send + 'static,
) -> Box<dyn Transform> {
    let len = signer.len;
    Whole::new(
        limit,
        move |_| Bound::Exactly(len),
        move |data: &[u8], out: &mut Vec<u8>| {
            check(data)?;
            out.extend(signer.sign(data)?);
            Ok(())
        },
    )
}

fn as_long_as(hash: PreHash, digest: &[u8]) -> Result<()> {
    if digest.len() == hash.size() { Ok(()) } else { Err(Error::DataLenRange) }
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
