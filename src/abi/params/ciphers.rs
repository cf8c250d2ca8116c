//! Parameters of symmetric ciphers beside GCM.
use super::{Caller, LONGEST, invalid};
use crate::ck::*;
use crate::crypto::aead::ChaChaPoly;
use crate::crypto::aes::{Ccm, Ctr};
use crate::crypto::chacha;
use crate::error::Result;
use crate::mechanism::Params;

impl Caller<'_> {
    pub(super) fn ctr(&self, raw: &CK_MECHANISM) -> Result<Ctr> {
        let params: CK_AES_CTR_PARAMS = self.structure(raw)?;
        match u32::try_from(params.ulCounterBits) {
            Ok(bits @ 1..=128) => Ok(Ctr { block: params.cb, bits }),
            _ => invalid("a counter has 1 to 128 bits"),
        }
    }

    pub(super) fn ccm(&self, raw: &CK_MECHANISM) -> Result<Ccm> {
        let params: CK_CCM_PARAMS = self.structure(raw)?;
        let (Ok(data_len), Ok(tag_len)) =
            (usize::try_from(params.ulDataLen), usize::try_from(params.ulMACLen))
        else {
            return invalid("CCM with absurd lengths");
        };
        let ccm = Ccm {
            data_len,
            nonce: self.part(params.pNonce, params.ulNonceLen, LONGEST.1)?,
            aad: self.part(params.pAAD, params.ulAADLen, LONGEST.2)?,
            tag_len,
        };
        if data_len > LONGEST_CCM || !ccm.is_sound() {
            return invalid("CCM with a nonce, tag or data length that it does not have");
        }
        Ok(ccm)
    }

    pub(super) fn mac_len(&self, raw: &CK_MECHANISM) -> Result<usize> {
        let len: CK_ULONG = self.structure(raw)?;
        usize::try_from(len).or_else(|_| invalid("a MAC is not that long"))
    }

    pub(super) fn chacha(&self, raw: &CK_MECHANISM) -> Result<chacha::Start> {
        let params: CK_CHACHA20_PARAMS = self.structure(raw)?;
        match (params.blockCounterBits, params.ulNonceBits) {
            (32, 96) => Ok(chacha::Start::Ietf {
                counter: u32::from_le_bytes(self.fixed(params.pBlockCounter)?),
                nonce: self.fixed(params.pNonce)?,
            }),
            (64, 64) => Ok(chacha::Start::Original {
                counter: u64::from_le_bytes(self.fixed(params.pBlockCounter)?),
                nonce: self.fixed(params.pNonce)?,
            }),
            _ => invalid("ChaCha20 has 32 bits of counter and 96 of nonce, or 64 and 64"),
        }
    }

    pub(super) fn chacha_poly(&self, raw: &CK_MECHANISM) -> Result<ChaChaPoly> {
        let params: CK_SALSA20_CHACHA20_POLY1305_PARAMS = self.structure(raw)?;
        if params.ulNonceLen != 12 {
            return invalid("ChaCha20-Poly1305 has a nonce of 12 bytes");
        }
        Ok(ChaChaPoly {
            nonce: self.fixed(params.pNonce)?,
            aad: self.part(params.pAAD, params.ulAADLen, LONGEST.2)?,
        })
    }

    pub(super) fn string_data(&self, raw: &CK_MECHANISM) -> Result<Vec<u8>> {
        let params: CK_KEY_DERIVATION_STRING_DATA = self.structure(raw)?;
        self.part(params.pData, params.ulLen, LONGEST.1)
    }

    pub(super) fn cbc_data(&self, raw: &CK_MECHANISM) -> Result<Params> {
        let params: CK_AES_CBC_ENCRYPT_DATA_PARAMS = self.structure(raw)?;
        let data = self.part(params.pData, params.length, LONGEST.1)?;
        Ok(Params::CbcData { iv: params.iv, data })
    }

    /// A part of the parameter that has one length.
    fn fixed<const N: usize>(&self, at: *const u8) -> Result<[u8; N]> {
        let len = super::super::caller::ulong(N)?;
        let bytes = self.part(at, len, len)?;
        bytes.try_into().or_else(|_| invalid("a part of the parameter has another length"))
    }
}

/// The longest message of CCM, which is collected: 1 GiB.
const LONGEST_CCM: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::mechanism::Shape;
    use std::ptr::null_mut;

    const INVALID: Result<Params> = Err(Error::MechanismParamInvalid);

    fn read<T: Copy>(shape: Shape, params: T) -> Result<Params> {
        // SAFETY: the tests give valid or null pointers.
        let caller = unsafe { Caller::for_this_call(&()) };
        // one byte off, since nobody promises alignment
        let mut memory = vec![0u8; size_of::<T>() + 1];
        let at = memory.as_mut_ptr().wrapping_add(1);
        // SAFETY: the structure fits behind the first byte.
        unsafe { at.cast::<T>().write_unaligned(params) };
        let raw = CK_MECHANISM {
            mechanism: 0,
            pParameter: at.cast(),
            ulParameterLen: CK_ULONG::try_from(size_of::<T>()).unwrap(),
        };
        let cut = CK_MECHANISM { ulParameterLen: raw.ulParameterLen - 1, ..raw };
        assert_eq!(caller.params(shape, &cut), INVALID);
        caller.params(shape, &raw)
    }

    #[test]
    fn counters() {
        let ctr = |bits| CK_AES_CTR_PARAMS { ulCounterBits: bits, cb: [7; 16] };
        let good = Params::Ctr(Ctr { block: [7; 16], bits: 128 });
        assert_eq!(read(Shape::Ctr, ctr(128)), Ok(good));
        for bits in [0, 129, CK_ULONG::MAX] {
            assert_eq!(read(Shape::Ctr, ctr(bits)), INVALID);
        }
    }

    #[test]
    fn ccm_lengths_and_pointers() {
        let (mut nonce, mut aad) = ([1u8; 13], [2u8; 3]);
        let good = CK_CCM_PARAMS {
            ulDataLen: 9,
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: 12,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: 3,
            ulMACLen: 16,
        };
        let expected = Ccm { data_len: 9, nonce: vec![1; 12], aad: vec![2; 3], tag_len: 16 };
        assert_eq!(read(Shape::Ccm, good), Ok(Params::Ccm(expected)));
        for wrong in [
            CK_CCM_PARAMS { ulDataLen: CK_ULONG::MAX, ..good },
            CK_CCM_PARAMS { ulDataLen: 1 << 31, ulNonceLen: 7, ..good },
            CK_CCM_PARAMS { ulDataLen: 1 << 16, ulNonceLen: 13, ..good },
            CK_CCM_PARAMS { pNonce: null_mut(), ..good },
            CK_CCM_PARAMS { ulNonceLen: 6, ..good },
            CK_CCM_PARAMS { ulNonceLen: CK_ULONG::MAX, ..good },
            CK_CCM_PARAMS { pAAD: null_mut(), ..good },
            CK_CCM_PARAMS { ulAADLen: CK_ULONG::MAX, ..good },
            CK_CCM_PARAMS { ulMACLen: 3, ..good },
            CK_CCM_PARAMS { ulMACLen: CK_ULONG::MAX, ..good },
        ] {
            assert_eq!(read(Shape::Ccm, wrong), INVALID, "{wrong:?}");
        }
    }

    #[test]
    fn chacha_counters_and_nonces() {
        let (mut counter, mut nonce) = ([1u8, 0, 0, 0, 2, 0, 0, 0], [3u8; 12]);
        let ietf = CK_CHACHA20_PARAMS {
            pBlockCounter: counter.as_mut_ptr(),
            blockCounterBits: 32,
            pNonce: nonce.as_mut_ptr(),
            ulNonceBits: 96,
        };
        let start = chacha::Start::Ietf { counter: 1, nonce: [3; 12] };
        assert_eq!(read(Shape::ChaCha, ietf), Ok(Params::ChaCha(start)));
        let original = CK_CHACHA20_PARAMS { blockCounterBits: 64, ulNonceBits: 64, ..ietf };
        let start = chacha::Start::Original { counter: 2 << 32 | 1, nonce: [3; 8] };
        assert_eq!(read(Shape::ChaCha, original), Ok(Params::ChaCha(start)));
        for wrong in [
            CK_CHACHA20_PARAMS { blockCounterBits: 64, ..ietf },
            CK_CHACHA20_PARAMS { ulNonceBits: 192, ..ietf },
            CK_CHACHA20_PARAMS { pNonce: null_mut(), ..ietf },
            CK_CHACHA20_PARAMS { pBlockCounter: null_mut(), ..original },
        ] {
            assert_eq!(read(Shape::ChaCha, wrong), INVALID, "{wrong:?}");
        }
    }

    #[test]
    fn poly1305_nonces() {
        let mut nonce = [3u8; 12];
        let good = CK_SALSA20_CHACHA20_POLY1305_PARAMS {
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: 12,
            pAAD: null_mut(),
            ulAADLen: 0,
        };
        let expected = ChaChaPoly { nonce: [3; 12], aad: Vec::new() };
        assert_eq!(read(Shape::ChaChaPoly, good), Ok(Params::ChaChaPoly(expected)));
        for wrong in [
            CK_SALSA20_CHACHA20_POLY1305_PARAMS { ulNonceLen: 8, ..good },
            CK_SALSA20_CHACHA20_POLY1305_PARAMS { pNonce: null_mut(), ..good },
            CK_SALSA20_CHACHA20_POLY1305_PARAMS { ulAADLen: 1, ..good },
        ] {
            assert_eq!(read(Shape::ChaChaPoly, wrong), INVALID, "{wrong:?}");
        }
    }

    #[test]
    fn data_to_derive_from() {
        let mut data = [5u8; 32];
        let string = CK_KEY_DERIVATION_STRING_DATA { pData: data.as_mut_ptr(), ulLen: 32 };
        assert_eq!(read(Shape::StringData, string), Ok(Params::StringData(vec![5; 32])));
        let at = data.as_mut_ptr();
        let cbc = CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv: [9; 16], pData: at, length: 32 };
        let expected = Params::CbcData { iv: [9; 16], data: vec![5; 32] };
        assert_eq!(read(Shape::CbcData, cbc), Ok(expected));
        for len in [1, CK_ULONG::MAX] {
            let string = CK_KEY_DERIVATION_STRING_DATA { pData: null_mut(), ulLen: len };
            assert_eq!(read(Shape::StringData, string), INVALID);
            let cbc = CK_AES_CBC_ENCRYPT_DATA_PARAMS { pData: null_mut(), length: len, ..cbc };
            assert_eq!(read(Shape::CbcData, cbc), INVALID);
        }
        assert_eq!(read(Shape::MacLen, 16 as CK_ULONG), Ok(Params::MacLen(16)));
    }
}
