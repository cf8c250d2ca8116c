//! Wrapping with associated data, nonce and tag beside the wrapped key: PKCS#11 3.2, sections
//! 5.18.6, 5.18.7, 6.13.3 and 6.13.5.
//!
//! A row needs nothing for it: the parameter becomes the one of `C_WrapKey`, and the tag is cut off
//! what comes out, or put behind what goes in.
use super::{MAX_KEY_LEN, Params, Shape};
use crate::crypto::aead::ChaChaPoly;
use crate::crypto::aes::{Ccm, Gcm};
use crate::crypto::random;
use crate::error::{Error, Result};

/// What the parameter of one wrapping says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Of the parameter of `C_WrapKey` under the same mechanism.
    pub shape: Shape,
    /// The nonce, or where its fixed bits are.
    pub nonce: Vec<u8>,
    /// How many bits of the nonce stay when it is made here; `None` if it is given.
    pub fixed_bits: Option<usize>,
    /// Length of the tag in bytes.
    pub tag_len: usize,
}

/// Bits of a nonce that chance decides, at least: as many as the shortest of CCM has.
const MIN_RANDOM_BITS: usize = 56;

impl Seal {
    /// The parameter of `C_WrapKey` for a key whose encoding has `len` bytes.
    pub fn params(&self, aad: &[u8], len: usize) -> Result<Params> {
        let (nonce, aad, tag_len) = (self.nonce.clone(), aad.to_vec(), self.tag_len);
        match self.shape {
            Shape::Gcm => Ok(Params::Gcm(Gcm { iv: nonce, aad, tag_len })),
            Shape::Ccm => Some(Ccm { data_len: len, nonce, aad, tag_len })
                .filter(Ccm::is_sound)
                .map(Params::Ccm)
                .ok_or(Error::MechanismParamInvalid),
            Shape::ChaChaPoly if tag_len == ChaChaPoly::TAG => match nonce.try_into() {
                Ok(nonce) => Ok(Params::ChaChaPoly(ChaChaPoly { nonce, aad })),
                Err(_) => Err(Error::MechanismParamInvalid),
            },
            _ => Err(Error::MechanismInvalid),
        }
    }

    /// The parameter of `C_UnwrapKey`, and what that unwraps.
    pub fn opened(&self, aad: &[u8], wrapped: &[u8], tag: &[u8]) -> Result<(Params, Vec<u8>)> {
        if !(1..=MAX_KEY_LEN).contains(&wrapped.len()) {
            return Err(Error::WrappedKeyLenRange);
        }
        Ok((self.params(aad, wrapped.len())?, [wrapped, tag].concat()))
    }

    /// With its nonce, if that is to be made here. `CKR_MECHANISM_PARAM_INVALID` if too few of its
    /// bits are left to chance.
    pub fn with_nonce(mut self) -> Result<Seal> {
        let Some(fixed) = self.fixed_bits else { return Ok(self) };
        self.check_fixed_bits()?;
        let chance = random(self.nonce.len()).map_err(|_| Error::RandomNoRng)?;
        let bits_before = (0..).step_by(8);
        for ((byte, chance), before) in self.nonce.iter_mut().zip(chance.iter()).zip(bits_before) {
            let kept = !(0xFF_u8.checked_shr(kept_bits(fixed, before)).unwrap_or(0));
            *byte = (*byte & kept) | (chance & !kept);
        }
        Ok(self)
    }

    /// Whether enough of the nonce is left to chance.
    pub fn check_fixed_bits(&self) -> Result<()> {
        let bits = self.nonce.len().saturating_mul(8);
        match self.fixed_bits {
            Some(fixed) if bits.saturating_sub(fixed) < MIN_RANDOM_BITS => {
                Err(Error::MechanismParamInvalid.because("too little of the nonce is left to make"))
            }
            _ => Ok(()),
        }
    }
}

/// How many bits of a byte are fixed that has this many before it.
fn kept_bits(fixed: usize, before: usize) -> u32 {
    u32::try_from(fixed.saturating_sub(before).min(8)).unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(len: usize, fixed_bits: Option<usize>) -> Seal {
        Seal { shape: Shape::Gcm, nonce: vec![0b1010_0101; len], fixed_bits, tag_len: 16 }
    }

    #[test]
    fn fixed_bits_stay_and_the_others_do_not() {
        for fixed in 0..=40 {
            let made: Vec<_> =
                (0..64).map(|_| seal(12, Some(fixed)).with_nonce().unwrap().nonce).collect();
            for bit in 0..96 {
                let at = |nonce: &Vec<u8>| nonce[bit / 8] >> (7 - bit % 8) & 1;
                let same = made.iter().all(|nonce| at(nonce) == at(&made[0]));
                assert_eq!(same, bit < fixed, "{fixed} {bit}");
                assert!(bit >= fixed || at(&made[0]) == at(&seal(12, None).nonce));
            }
        }
    }

    #[test]
    fn a_given_nonce_is_left_alone() {
        assert_eq!(seal(1, None).with_nonce(), Ok(seal(1, None)));
    }

    #[test]
    fn a_nonce_needs_chance() {
        for (len, fixed) in [(12, 41), (12, 96), (12, 97), (12, usize::MAX), (7, 1), (6, 0)] {
            let made = seal(len, Some(fixed)).with_nonce();
            assert_eq!(made, Err(Error::MechanismParamInvalid), "{len} {fixed}");
        }
        assert!(seal(7, Some(0)).with_nonce().is_ok());
    }
}
