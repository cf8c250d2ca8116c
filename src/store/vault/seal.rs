//! Seals: AES-256-GCM with a random nonce, bound to the one place where the sealed thing may stand.
use super::layout::{FORMAT, KIND_MATERIAL, NONCE_LEN, TAG_LEN};
use super::{RecordId, TokenId};
use crate::crypto::aes::{Gcm, GcmKey};
use crate::crypto::{self, Secret};
use crate::error::{Error, Result};
use std::fmt;

/// What every seal of a token begins its associated data with, before token, epoch and record.
const DOMAIN: &[u8] = b"keyferry";

/// The head that the seal of key material stands under: it has no version, because attributes may
/// change while the material stays as it is.
pub(super) const MATERIAL_HEAD: &[u8] = &[FORMAT, KIND_MATERIAL];

/// A token between two initialisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub token: TokenId,
    pub epoch: [u8; 16],
}

impl Place {
    /// Seals `plaintext` at `id` under `head` (and `more`): nonce, ciphertext, tag.
    pub(super) fn seal(
        &self,
        key: &GcmKey,
        id: RecordId,
        head: [&[u8]; 2],
        plaintext: &[u8],
    ) -> Result<Vec<u8>> {
        let nonce = random(NONCE_LEN)?;
        let mut seal = nonce.to_vec();
        key.seal_to(&self.gcm(&nonce, id, head), plaintext, &mut seal)
            .map_err(|_| Error::DeviceError.because("sealing failed"))?;
        Ok(seal)
    }

    /// What [`Self::seal`] sealed; `None` if this is not it.
    pub(super) fn open(
        &self,
        key: &GcmKey,
        id: RecordId,
        head: [&[u8]; 2],
        seal: &[u8],
    ) -> Option<Secret> {
        let (nonce, sealed) = seal.split_at_checked(NONCE_LEN)?;
        key.open(&self.gcm(nonce, id, head), sealed).ok()
    }

    /// What a seal at `id` is bound to goes into its associated data.
    fn gcm(&self, nonce: &[u8], id: RecordId, [head, more]: [&[u8]; 2]) -> Gcm {
        let aad = [DOMAIN, &self.token.0, &self.epoch, &id.0, head, more].concat();
        Gcm { iv: nonce.to_vec(), aad, tag_len: TAG_LEN }
    }
}

/// Random bytes.
pub(super) fn random(len: usize) -> Result<Secret> {
    crypto::random(len).map_err(|_| Error::DeviceError.because("no random bytes"))
}

/// As many random bytes as the array takes.
pub(super) fn random_array<const N: usize>() -> Result<[u8; N]> {
    <[u8; N]>::try_from(random(N)?.as_slice()).map_err(|_| Error::DeviceError)
}

/// Something in the store is not what this token stored. Whoever runs the host must hear of it.
pub(super) fn tampered(token: TokenId, what: impl fmt::Display) -> Error {
    log::error!("token {}: {what}", hex(&token.0));
    Error::DeviceError
}

/// Bytes for the log.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
