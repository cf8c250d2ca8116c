//! Signatures without randomness, which AWS-LC has no way in to: RustCrypto's `ml-dsa` makes them.
use super::super::Failed;
use super::Set;
use ::ml_dsa::{ExpandedSigningKey, ExpandedSigningKeyBytes};
use ::ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};

/// Signs a representative with a private key in its expanded form, which must be a sound one: AWS-LC
/// has read it.
pub(super) fn sign(set: Set, expanded: &[u8], mu: &[u8]) -> Result<Vec<u8>, Failed> {
    match set {
        Set::MlDsa44 => with::<MlDsa44>(expanded, mu),
        Set::MlDsa65 => with::<MlDsa65>(expanded, mu),
        Set::MlDsa87 => with::<MlDsa87>(expanded, mu),
    }
}

fn with<P: MlDsaParams>(expanded: &[u8], mu: &[u8]) -> Result<Vec<u8>, Failed> {
    let bytes: &ExpandedSigningKeyBytes<P> = expanded.try_into().map_err(|_| Failed)?;
    #[allow(deprecated, reason = "a key without a seed is none the less a key, and was checked")]
    let key = ExpandedSigningKey::<P>::from_expanded(bytes);
    let mu = mu.try_into().map_err(|_| Failed)?;
    Ok(key.sign_mu_deterministic(mu).encode().to_vec())
}
