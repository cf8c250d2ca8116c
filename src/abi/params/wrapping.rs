//! Parameters of authenticated wrapping: those of messages, with places in them for what comes out
//! (PKCS#11 3.2, sections 6.13.3 and 6.13.5).
use super::super::caller::{Places, ulong};
use super::{Caller, LONGEST, gcm_tag_len, invalid};
use crate::ck::*;
use crate::crypto::aead::ChaChaPoly;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Seal, Shape};
use crate::session::Sealed;

/// A parameter as it came, whatever its structure.
struct Raw {
    nonce: *mut u8,
    nonce_len: CK_ULONG,
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: *mut u8,
    tag_len: usize,
}

/// Where nonce and tag go.
pub(in crate::abi) struct SealPlaces<'call> {
    /// None if the nonce was given.
    nonce: Option<Places<'call, u8>>,
    tag: Places<'call, u8>,
}

impl SealPlaces<'_> {
    /// Gives them, if there are any.
    pub(in crate::abi) fn put(mut self, sealed: Option<&Sealed>) -> Result<()> {
        let Some(Sealed { nonce, tag }) = sealed else { return Ok(()) };
        if let Some(place) = &mut self.nonce {
            place.put(nonce)?;
        }
        self.tag.put(tag).map(drop)
    }
}

impl<'call> Caller<'call> {
    /// A mechanism that wraps, its parameter, and where that wants nonce and tag.
    pub(in crate::abi) fn sealing(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<(&'static Mechanism, Seal, SealPlaces<'call>)> {
        let (mechanism, raw) = self.seal_params(at)?;
        let fixed_bits = match raw.generator {
            CKG_NO_GENERATE => None,
            CKG_GENERATE | CKG_GENERATE_RANDOM => Some(size(raw.fixed_bits)?),
            // it would begin with zero at each wrapping
            CKG_GENERATE_COUNTER | CKG_GENERATE_COUNTER_XOR => {
                return invalid("a single wrapping has no counter");
            }
            _ => return invalid("no such generator"),
        };
        let place = |at, len| self.places(at, len).or_else(|_| invalid("a part of it is NULL"));
        let nonce = fixed_bits.map(|_| place(raw.nonce, raw.nonce_len)).transpose()?;
        let tag = place(raw.tag, ulong(raw.tag_len)?)?;
        let seal = self.seal(mechanism.params, &raw, fixed_bits)?;
        Ok((mechanism, seal, SealPlaces { nonce, tag }))
    }

    /// A mechanism that unwraps, its parameter, and the tag. No generator is looked at.
    pub(in crate::abi) fn opening(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<(&'static Mechanism, Seal, &'call [u8])> {
        let (mechanism, raw) = self.seal_params(at)?;
        let seal = self.seal(mechanism.params, &raw, None)?;
        let tag = self.bytes(raw.tag, ulong(raw.tag_len)?);
        Ok((mechanism, seal, tag.or_else(|_| invalid("the tag is NULL"))?))
    }

    /// Associated data that is an argument.
    pub(in crate::abi) fn associated(&self, at: *const u8, len: CK_ULONG) -> Result<&'call [u8]> {
        if len > LONGEST.2 {
            return Err(Error::ArgumentsBad.because("the associated data is too long"));
        }
        self.bytes(at, len)
    }

    fn seal(&self, shape: Shape, raw: &Raw, fixed_bits: Option<usize>) -> Result<Seal> {
        let nonce = self.part(raw.nonce, raw.nonce_len, LONGEST.1)?;
        if nonce.is_empty() {
            return invalid("no nonce");
        }
        Ok(Seal { shape, nonce, fixed_bits, tag_len: raw.tag_len })
    }

    fn seal_params(&self, at: *const CK_MECHANISM) -> Result<(&'static Mechanism, Raw)> {
        let raw = self.read(at)?;
        let mechanism = Mechanism::of(raw.mechanism)?;
        let params = match mechanism.params {
            _ if mechanism.wrap.is_none() => return Err(Error::MechanismInvalid),
            Shape::Gcm => gcm(&self.structure(&raw)?)?,
            Shape::Ccm => ccm(&self.structure(&raw)?)?,
            Shape::ChaChaPoly => chacha(&self.structure(&raw)?)?,
            _ => return Err(Error::MechanismInvalid),
        };
        Ok((mechanism, params))
    }
}

fn gcm(params: &CK_GCM_MESSAGE_PARAMS) -> Result<Raw> {
    Ok(Raw {
        nonce: params.pIv,
        nonce_len: params.ulIvLen,
        fixed_bits: params.ulIvFixedBits,
        generator: params.ivGenerator,
        tag: params.pTag,
        tag_len: gcm_tag_len(params.ulTagBits)?,
    })
}

/// The length of the data is the key's: what the parameter says does not count.
fn ccm(params: &CK_CCM_MESSAGE_PARAMS) -> Result<Raw> {
    match size(params.ulMACLen)? {
        tag_len @ (4 | 6 | 8 | 10 | 12 | 14 | 16) => Ok(Raw {
            nonce: params.pNonce,
            nonce_len: params.ulNonceLen,
            fixed_bits: params.ulNonceFixedBits,
            generator: params.nonceGenerator,
            tag: params.pMAC,
            tag_len,
        }),
        _ => invalid("a MAC of CCM has 4, 6, 8, 10, 12, 14 or 16 bytes"),
    }
}

/// The standard counts this nonce in bits, many callers in bytes.
fn chacha(params: &CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS) -> Result<Raw> {
    if !matches!(params.ulNonceLen, 12 | 96) {
        return invalid("ChaCha20-Poly1305 has a nonce of 12 bytes");
    }
    Ok(Raw {
        nonce: params.pNonce,
        nonce_len: 12,
        fixed_bits: 0,
        generator: CKG_NO_GENERATE,
        tag: params.pTag,
        tag_len: ChaChaPoly::TAG,
    })
}

fn size(len: CK_ULONG) -> Result<usize> {
    usize::try_from(len).or_else(|_| invalid("an absurd length"))
}
