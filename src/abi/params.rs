//! Mechanisms and their parameters: C structures in, owned and checked Rust values out.
//!
//! One function per [`Shape`]. Whatever is wrong inside a parameter is `CKR_MECHANISM_PARAM_INVALID`.
mod ciphers;
mod derive;
mod message;

mod tls;

use super::caller::Caller;
use crate::ck::*;
use crate::crypto::aes::Gcm;
use crate::crypto::hash::Hash;
use crate::crypto::oaep::Oaep;
use crate::crypto::pss::Pss;
use crate::error::{Error, Result};
use crate::mechanism::params::{HASHES, OAEP_HASHES, OtherKey, RsaAesKeyWrap};
use crate::mechanism::{Mechanism, Params, Shape};
use derive::hash_named;

/// `CK_GCM_PARAMS` as it was before PKCS#11 2.40: without `ulIvBits`. Still sent by some.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_snake_case, reason = "as the standard had it")]
pub(super) struct OldGcm {
    pIv: *mut CK_BYTE,
    ulIvLen: CK_ULONG,
    pAAD: *mut CK_BYTE,
    ulAADLen: CK_ULONG,
    ulTagBits: CK_ULONG,
}

/// Longest label, initialisation vector and associated data in bytes: more than anyone needs, and
/// little enough to copy.
const LONGEST: (CK_ULONG, CK_ULONG, CK_ULONG) = (1 << 16, 1 << 16, 1 << 26);

impl Caller<'_> {
    /// A mechanism of this token and its parameter. NULL is `CKR_ARGUMENTS_BAD`.
    pub(super) fn mechanism(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<(&'static Mechanism, Params)> {
        let raw = self.read(at)?;
        let mechanism = Mechanism::of(raw.mechanism)?;
        Ok((mechanism, self.params(mechanism.params, &raw)?))
    }

    /// The same, where NULL means to cancel (PKCS#11 3.0, all `C_*Init`).
    pub(super) fn mechanism_or_cancel(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<Option<(&'static Mechanism, Params)>> {
        if at.is_null() { Ok(None) } else { self.mechanism(at).map(Some) }
    }

    #[allow(clippy::too_many_lines, reason = "a table: a line for each shape")]
    fn params(&self, shape: Shape, raw: &CK_MECHANISM) -> Result<Params> {
        let absent = raw.ulParameterLen == 0 && raw.pParameter.is_null();
        match shape {
            _ if absent => Ok(Params::None),
            Shape::None if raw.ulParameterLen == 0 => Ok(Params::None),
            Shape::None => invalid("a parameter where none belongs"),
            Shape::Oaep => Ok(Params::Oaep(self.oaep(self.structure(raw)?)?)),
            Shape::Pss => Ok(Params::Pss(pss(&self.structure(raw)?)?)),
            Shape::RsaAesKeyWrap => Ok(Params::RsaAesKeyWrap(self.rsa_aes_key_wrap(raw)?)),
            Shape::Iv(len) if usize::try_from(raw.ulParameterLen) == Ok(len) => {
                Ok(Params::Iv(self.part(raw.pParameter.cast(), raw.ulParameterLen, LONGEST.1)?))
            }
            Shape::Iv(_) => invalid("the initialisation vector has another length"),
            Shape::Gcm if is::<OldGcm>(raw) => Ok(Params::Gcm(self.gcm(self.old_gcm(raw)?)?)),
            Shape::Gcm => Ok(Params::Gcm(self.gcm(self.structure(raw)?)?)),
            Shape::Ctr => self.ctr(raw).map(Params::Ctr),
            Shape::Ccm => self.ccm(raw).map(Params::Ccm),
            Shape::MacLen => self.mac_len(raw).map(Params::MacLen),
            Shape::ChaCha => self.chacha(raw).map(Params::ChaCha),
            Shape::StringData => self.string_data(raw).map(Params::StringData),
            Shape::CbcData => self.cbc_data(raw),
            Shape::ChaChaPoly => self.chacha_poly(raw).map(Params::ChaChaPoly),
            Shape::Ecdh => self.ecdh(raw).map(Params::Ecdh),
            Shape::EcdhAesKeyWrap => self.ecdh_aes_key_wrap(raw).map(Params::EcdhAesKeyWrap),
            Shape::Eddsa => self.eddsa(raw).map(Params::Eddsa),
            Shape::SignContext => self.sign_context(&self.structure(raw)?).map(Params::SignContext),
            Shape::HashSignContext => self.hash_sign_context(raw),
            Shape::Hkdf => self.hkdf(raw).map(Params::Hkdf),
            Shape::Pbkdf2 => self.pbkdf2(raw).map(Params::Pbkdf2),
            Shape::Counter108 => self.counter108(raw).map(Params::Kdf108),
            Shape::Feedback108 => self.feedback108(raw).map(Params::Kdf108),
            Shape::Pipeline108 => self.pipeline108(raw).map(Params::Kdf108),
            Shape::OtherKey => Ok(Params::OtherKey(OtherKey::new(self.structure(raw)?))),
            Shape::Bit => self.bit(raw).map(Params::Bit),
            Shape::TlsVersion => self.tls_version(raw).map(Params::TlsVersion),
            Shape::TlsMaster => self.tls_master(raw).map(Params::TlsMaster),
            Shape::TlsExtendedMaster => self.tls_extended_master(raw).map(Params::TlsMaster),
            Shape::TlsKeys => self.tls_keys_and_ivs(raw).map(Params::TlsKeys),
            Shape::TlsKeysAlone => self.tls_keys_alone(raw).map(Params::TlsKeys),
            Shape::TlsKdf => self.tls_kdf(raw).map(Params::TlsKdf),
            Shape::TlsMac => self.tls_mac(raw).map(Params::TlsMac),
        }
    }

    fn rsa_aes_key_wrap(&self, raw: &CK_MECHANISM) -> Result<RsaAesKeyWrap> {
        if is::<CK_RSA_PKCS_OAEP_PARAMS>(raw) {
            return Ok(RsaAesKeyWrap { aes_len: 32, oaep: self.oaep(self.structure(raw)?)? });
        }
        let params: CK_RSA_AES_KEY_WRAP_PARAMS = self.structure(raw)?;
        let aes_len = match params.ulAESKeyBits {
            128 => 16,
            192 => 24,
            256 => 32,
            _ => return invalid("AES keys have 128, 192 or 256 bits"),
        };
        let oaep = self.read(params.pOAEPParams).or_else(|_| invalid("no OAEP parameters"))?;
        Ok(RsaAesKeyWrap { aes_len, oaep: self.oaep(oaep)? })
    }

    fn oaep(&self, params: CK_RSA_PKCS_OAEP_PARAMS) -> Result<Oaep> {
        let (hash, mgf) = match OAEP_HASHES.iter().find(|row| row.0 == params.hashAlg) {
            Some((_, hash)) => (*hash, mgf(params.mgf)?),
            None => hashes(params.hashAlg, params.mgf)?,
        };
        // 0 is what several callers send who have no label.
        let label = match params.source {
            0 if params.ulSourceDataLen == 0 => Vec::new(),
            CKZ_DATA_SPECIFIED => {
                self.part(params.pSourceData.cast(), params.ulSourceDataLen, LONGEST.0)?
            }
            _ => return invalid("OAEP with a label source that is not CKZ_DATA_SPECIFIED"),
        };
        Ok(Oaep { hash, mgf, label })
    }

    fn gcm(&self, params: CK_GCM_PARAMS) -> Result<Gcm> {
        // The standard gives the length twice; in bytes is what everyone fills in.
        let iv_len = match (params.ulIvLen, params.ulIvBits) {
            (0, bits) if bits.is_multiple_of(8) => bits / 8,
            (len, _) => len,
        };
        let tag_len = gcm_tag_len(params.ulTagBits)?;
        let iv = self.part(params.pIv, iv_len, LONGEST.1)?;
        if iv.is_empty() {
            return invalid("GCM without an initialisation vector");
        }
        Ok(Gcm { iv, aad: self.part(params.pAAD, params.ulAADLen, LONGEST.2)?, tag_len })
    }

    fn old_gcm(&self, raw: &CK_MECHANISM) -> Result<CK_GCM_PARAMS> {
        let OldGcm { pIv, ulIvLen, pAAD, ulAADLen, ulTagBits } = self.structure(raw)?;
        Ok(CK_GCM_PARAMS { pIv, ulIvLen, ulIvBits: 0, pAAD, ulAADLen, ulTagBits })
    }

    /// The parameter as a structure.
    fn structure<T: super::caller::Plain>(&self, raw: &CK_MECHANISM) -> Result<T> {
        if !is::<T>(raw) {
            return invalid("the parameter has another length than its structure");
        }
        self.read(raw.pParameter.cast::<T>()).or_else(|_| invalid("the parameter is NULL"))
    }

    /// A byte array of a parameter, at most `longest` long.
    fn part(&self, at: *const u8, len: CK_ULONG, longest: CK_ULONG) -> Result<Vec<u8>> {
        if len > longest {
            return invalid("a part of the parameter is too long");
        }
        match self.bytes(at, len) {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(_) => invalid("a part of the parameter is NULL"),
        }
    }
}

/// Length of a GCM tag in bytes.
fn gcm_tag_len(bits: CK_ULONG) -> Result<usize> {
    match bits {
        32 => Ok(4),
        64 => Ok(8),
        96 => Ok(12),
        104 => Ok(13),
        112 => Ok(14),
        120 => Ok(15),
        128 => Ok(16),
        _ => invalid("a GCM tag has 32, 64, 96, 104, 112, 120 or 128 bits"),
    }
}

/// How long a salt can be is for the key to say.
fn pss(params: &CK_RSA_PKCS_PSS_PARAMS) -> Result<Pss> {
    let (hash, mgf) = hashes(params.hashAlg, params.mgf)?;
    match usize::try_from(params.sLen) {
        Ok(salt_len) => Ok(Pss { hash, mgf, salt_len }),
        Err(_) => invalid("the length of the salt"),
    }
}

/// A hash and the hash of MGF1 by their numbers.
fn hashes(hash: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE) -> Result<(Hash, Hash)> {
    match HASHES.iter().find(|row| row.0 == hash) {
        Some(row) => Ok((row.2, self::mgf(mgf)?)),
        None => invalid("a hash this token does not have"),
    }
}

/// The hash of MGF1 by its number.
fn mgf(mgf: CK_RSA_PKCS_MGF_TYPE) -> Result<Hash> {
    match HASHES.iter().find(|row| row.1 == mgf) {
        Some(row) => Ok(row.2),
        None => invalid("an MGF this token does not have"),
    }
}

/// Whether the parameter is as long as a `T`.
fn is<T>(raw: &CK_MECHANISM) -> bool {
    usize::try_from(raw.ulParameterLen) == Ok(size_of::<T>())
}

fn invalid<T>(why: &str) -> Result<T> {
    Err(Error::MechanismParamInvalid.because(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    const INVALID: Result<Params> = Err(Error::MechanismParamInvalid);

    fn len<T>() -> CK_ULONG {
        CK_ULONG::try_from(size_of::<T>()).unwrap()
    }

    fn read_at(shape: Shape, at: *mut u8, len: CK_ULONG) -> Result<Params> {
        // SAFETY: the tests give valid or null pointers.
        let caller = unsafe { Caller::for_this_call(&()) };
        let raw = CK_MECHANISM { mechanism: 0, pParameter: at.cast(), ulParameterLen: len };
        caller.params(shape, &raw)
    }

    fn read<T>(shape: Shape, params: &mut T) -> Result<Params> {
        read_at(shape, std::ptr::from_mut(params).cast(), len::<T>())
    }

    fn oaep(hash: CK_ULONG, mgf: CK_ULONG, source: CK_ULONG) -> CK_RSA_PKCS_OAEP_PARAMS {
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash,
            mgf,
            source,
            pSourceData: null_mut(),
            ulSourceDataLen: 0,
        }
    }

    #[test]
    fn null_is_none_whatever_the_shape() {
        let shapes = [
            Shape::None,
            Shape::Oaep,
            Shape::Pss,
            Shape::RsaAesKeyWrap,
            Shape::Iv(16),
            Shape::Gcm,
            Shape::MacLen,
        ];
        for shape in shapes {
            assert_eq!(read_at(shape, null_mut(), 0), Ok(Params::None));
            assert_eq!(read_at(shape, null_mut(), 16), INVALID);
            assert_eq!(read_at(shape, null_mut(), 40), INVALID);
            assert_eq!(read_at(shape, null_mut(), CK_ULONG::MAX), INVALID);
        }
    }

    #[test]
    fn no_parameter_may_be_pointed_at_but_not_given() {
        let mut byte = 0u8;
        assert_eq!(read_at(Shape::None, &mut byte, 0), Ok(Params::None));
        assert_eq!(read_at(Shape::None, &mut byte, 1), INVALID);
        assert_eq!(read_at(Shape::Oaep, &mut byte, 0), INVALID);
    }

    #[test]
    fn oaep_hashes_are_each_their_own() {
        let hashes = HASHES.map(|(ckm, _, hash)| (ckm, hash));
        for (ckm, hash) in hashes.into_iter().chain(OAEP_HASHES) {
            for (_, ckg, mgf) in HASHES {
                let mut raw = oaep(ckm, ckg, CKZ_DATA_SPECIFIED);
                let expected = Params::Oaep(Oaep { hash, mgf, label: Vec::new() });
                assert_eq!(read(Shape::Oaep, &mut raw), Ok(expected));
            }
        }
        for (hash, mgf) in [(CKM_MD5, CKG_MGF1_SHA1), (CKM_SHA_1, 0), (CKM_SHA_1, CKM_SHA_1)] {
            assert_eq!(read(Shape::Oaep, &mut oaep(hash, mgf, 1)), INVALID);
        }
    }

    #[test]
    fn oaep_labels() {
        let mut label = *b"label";
        let mut raw = oaep(CKM_SHA_1, CKG_MGF1_SHA1, 0);
        assert_eq!(read(Shape::Oaep, &mut raw), Ok(Params::Oaep(Oaep::SHA1)));
        raw.ulSourceDataLen = 5;
        raw.source = CKZ_DATA_SPECIFIED;
        assert_eq!(read(Shape::Oaep, &mut raw), INVALID);
        raw.pSourceData = label.as_mut_ptr().cast();
        let Ok(Params::Oaep(read_oaep)) = read(Shape::Oaep, &mut raw) else { panic!() };
        assert_eq!(read_oaep.label, b"label");
        raw.source = 0;
        assert_eq!(read(Shape::Oaep, &mut raw), INVALID);
        raw.source = CKZ_DATA_SPECIFIED;
        raw.ulSourceDataLen = CK_ULONG::MAX;
        assert_eq!(read(Shape::Oaep, &mut raw), INVALID);
    }

    #[test]
    fn key_wrap_in_both_forms() {
        let mut inner = oaep(CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED);
        let azure = Ok(Params::RsaAesKeyWrap(RsaAesKeyWrap::AZURE));
        assert_eq!(read(Shape::RsaAesKeyWrap, &mut inner), azure);
        for (bits, aes_len) in [(128, 16), (192, 24), (256, 32)] {
            let mut raw =
                CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: bits, pOAEPParams: &mut inner };
            let expected = Params::RsaAesKeyWrap(RsaAesKeyWrap { aes_len, oaep: Oaep::SHA1 });
            assert_eq!(read(Shape::RsaAesKeyWrap, &mut raw), Ok(expected));
        }
        for bits in [0, 32, 255, 512, CK_ULONG::MAX] {
            let mut raw =
                CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: bits, pOAEPParams: &mut inner };
            assert_eq!(read(Shape::RsaAesKeyWrap, &mut raw), INVALID);
        }
        let mut raw = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: null_mut() };
        assert_eq!(read(Shape::RsaAesKeyWrap, &mut raw), INVALID);
    }

    #[test]
    fn parameters_need_not_be_aligned() {
        let raw = oaep(CKM_SHA_1, CKG_MGF1_SHA1, 0);
        let mut memory = [0u8; 64];
        let odd = memory.as_mut_ptr().wrapping_add(1);
        // SAFETY: the structure fits into the array with its offset of one byte.
        unsafe { odd.cast::<CK_RSA_PKCS_OAEP_PARAMS>().write_unaligned(raw) };
        let read = read_at(Shape::Oaep, odd, len::<CK_RSA_PKCS_OAEP_PARAMS>());
        assert_eq!(read, Ok(Params::Oaep(Oaep::SHA1)));
    }

    #[test]
    fn initialisation_vectors_have_one_length() {
        let mut iv = [9u8; 17];
        assert_eq!(read_at(Shape::Iv(16), iv.as_mut_ptr(), 16), Ok(Params::Iv(vec![9; 16])));
        for len in [1, 15, 17, CK_ULONG::MAX] {
            assert_eq!(read_at(Shape::Iv(16), iv.as_mut_ptr(), len), INVALID);
        }
    }

    #[test]
    fn pss_hashes_are_each_their_own() {
        for (hash_alg, _, hash) in HASHES {
            for (_, mgf, mgf_hash) in HASHES {
                let mut raw = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash_alg, mgf, sLen: 7 };
                let expected = Pss { hash, mgf: mgf_hash, salt_len: 7 };
                assert_eq!(read(Shape::Pss, &mut raw), Ok(Params::Pss(expected)));
            }
        }
        for (hash, mgf) in [(CKM_MD5, CKG_MGF1_SHA1), (CKM_SHA_1, 0), (CKM_SHA512_256, 2)] {
            let mut raw = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: 0 };
            assert_eq!(read(Shape::Pss, &mut raw), INVALID);
        }
        assert_eq!(read(Shape::Pss, &mut [1u8; 16]), INVALID);
    }

    #[test]
    fn mac_lengths() {
        for len in [0, 1, 32, CK_ULONG::MAX] {
            let expected = usize::try_from(len).unwrap();
            let read = read(Shape::MacLen, &mut { len });
            assert_eq!(read, Ok(Params::MacLen(expected)));
        }
        assert_eq!(read(Shape::MacLen, &mut [0u8; 4]), INVALID);
    }

    fn gcm(iv: &mut [u8; 12], aad: &mut [u8; 3]) -> CK_GCM_PARAMS {
        CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: 3,
            ulTagBits: 128,
        }
    }

    #[test]
    fn gcm_in_both_layouts() {
        let (mut iv, mut aad) = ([1u8; 12], [2u8; 3]);
        let new = gcm(&mut iv, &mut aad);
        let CK_GCM_PARAMS { pIv, ulIvLen, pAAD, ulAADLen, ulTagBits, .. } = new;
        let mut old = OldGcm { pIv, ulIvLen, pAAD, ulAADLen, ulTagBits };
        let expected = Ok(Params::Gcm(Gcm { iv: vec![1; 12], aad: vec![2; 3], tag_len: 16 }));
        assert_eq!(read(Shape::Gcm, &mut { new }), expected);
        assert_eq!(read(Shape::Gcm, &mut old), expected);
        assert_eq!(read(Shape::Gcm, &mut CK_GCM_PARAMS { ulIvLen: 0, ..new }), expected);
        assert_eq!(read(Shape::Gcm, &mut CK_GCM_PARAMS { ulIvBits: 0, ..new }), expected);
    }

    #[test]
    fn gcm_that_cannot_be() {
        let (mut iv, mut aad) = ([1u8; 12], [2u8; 3]);
        let new = gcm(&mut iv, &mut aad);
        let none = null_mut();
        for wrong in [
            CK_GCM_PARAMS { ulTagBits: 127, ..new },
            CK_GCM_PARAMS { ulTagBits: 16, ..new },
            CK_GCM_PARAMS { pIv: none, ..new },
            CK_GCM_PARAMS { ulIvLen: 0, ulIvBits: 0, ..new },
            CK_GCM_PARAMS { ulIvLen: 0, ulIvBits: 95, ..new },
            CK_GCM_PARAMS { pAAD: none, ..new },
            CK_GCM_PARAMS { ulAADLen: CK_ULONG::MAX, ..new },
        ] {
            assert_eq!(read(Shape::Gcm, &mut { wrong }), INVALID);
        }
    }
}
