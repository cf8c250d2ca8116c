//! The parameters of key derivation and agreement, and of EdDSA.
use super::{LONGEST, invalid};
use crate::abi::caller::{Caller, Plain};
use crate::abi::guess;
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::edwards::Variant;
use crate::crypto::hash::Hash;
use crate::crypto::kdf::{AgreementKdf, Prf};
use crate::crypto::prehash::{Hedge, PreHash};
use crate::error::Result;
use crate::mechanism::params::*;
use std::num::NonZeroU32;

/// Longest password, salt, label or other data in bytes.
const LONGEST_PART: CK_ULONG = LONGEST.0;
/// Most pieces of input of an SP 800-108 KDF.
const MOST_PIECES: CK_ULONG = 64;
/// Most keys that an SP 800-108 KDF derives next to the first one.
const MOST_KEYS: CK_ULONG = 64;

/// Key derivation functions of an agreement.
#[rustfmt::skip]
const KDFS: [(CK_EC_KDF_TYPE, Option<AgreementKdf>); 19] = [
    (CKD_NULL, None),
    (CKD_SHA1_KDF, Some(AgreementKdf::X963(Hash::Sha1))),
    (CKD_SHA224_KDF, Some(AgreementKdf::X963(Hash::Sha224))),
    (CKD_SHA256_KDF, Some(AgreementKdf::X963(Hash::Sha256))),
    (CKD_SHA384_KDF, Some(AgreementKdf::X963(Hash::Sha384))),
    (CKD_SHA512_KDF, Some(AgreementKdf::X963(Hash::Sha512))),
    (CKD_SHA3_224_KDF, Some(AgreementKdf::X963(Hash::Sha3_224))),
    (CKD_SHA3_256_KDF, Some(AgreementKdf::X963(Hash::Sha3_256))),
    (CKD_SHA3_384_KDF, Some(AgreementKdf::X963(Hash::Sha3_384))),
    (CKD_SHA3_512_KDF, Some(AgreementKdf::X963(Hash::Sha3_512))),
    (CKD_SHA1_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha1))),
    (CKD_SHA224_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha224))),
    (CKD_SHA256_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha256))),
    (CKD_SHA384_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha384))),
    (CKD_SHA512_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha512))),
    (CKD_SHA3_224_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha3_224))),
    (CKD_SHA3_256_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha3_256))),
    (CKD_SHA3_384_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha3_384))),
    (CKD_SHA3_512_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha3_512))),
];

/// How a hash is called.
struct Named {
    /// By itself.
    ckm: CK_MECHANISM_TYPE,
    /// In HMAC, which is how the PRFs of SP 800-108 are called.
    hmac: CK_MECHANISM_TYPE,
    /// As PRF of PBKDF2, where the standard has it.
    pbkd2: Option<CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE>,
    /// Whether it is among the PRFs of PKCS#11 3.2 section 6.42.
    in_108: bool,
    hash: Hash,
}

const fn named(
    ckm: CK_MECHANISM_TYPE,
    hmac: CK_MECHANISM_TYPE,
    pbkd2: Option<CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE>,
    in_108: bool,
    hash: Hash,
) -> Named {
    Named { ckm, hmac, pbkd2, in_108, hash }
}

#[rustfmt::skip]
const HASHES: [Named; 11] = [
    named(CKM_SHA_1, CKM_SHA_1_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA1), true, Hash::Sha1),
    named(CKM_SHA224, CKM_SHA224_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA224), true, Hash::Sha224),
    named(CKM_SHA256, CKM_SHA256_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA256), true, Hash::Sha256),
    named(CKM_SHA384, CKM_SHA384_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA384), true, Hash::Sha384),
    named(CKM_SHA512, CKM_SHA512_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA512), true, Hash::Sha512),
    named(CKM_SHA512_224, CKM_SHA512_224_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA512_224), false, Hash::Sha512_224),
    named(CKM_SHA512_256, CKM_SHA512_256_HMAC, Some(CKP_PKCS5_PBKD2_HMAC_SHA512_256), false, Hash::Sha512_256),
    named(CKM_SHA3_224, CKM_SHA3_224_HMAC, None, true, Hash::Sha3_224),
    named(CKM_SHA3_256, CKM_SHA3_256_HMAC, None, true, Hash::Sha3_256),
    named(CKM_SHA3_384, CKM_SHA3_384_HMAC, None, true, Hash::Sha3_384),
    named(CKM_SHA3_512, CKM_SHA3_512_HMAC, None, true, Hash::Sha3_512),
];

/// The hash that is called so. A MAC of it is no hash: HKDF and TLS name "the base hash" (PKCS#11 3.2
/// sections 6.40 and 6.62).
pub(super) fn hash_named(ckm: CK_MECHANISM_TYPE) -> Option<Hash> {
    HASHES.iter().find(|row| row.ckm == ckm).map(|row| row.hash)
}

impl Caller<'_> {
    pub(super) fn ecdh(&self, raw: &CK_MECHANISM) -> Result<Ecdh> {
        let params: CK_ECDH1_DERIVE_PARAMS = self.structure(raw)?;
        let (kdf, shared_data) =
            self.agreement(params.kdf, params.pSharedData, params.ulSharedDataLen)?;
        let public = self.part(params.pPublicData, params.ulPublicDataLen, LONGEST_PART)?;
        Ok(Ecdh { kdf, shared_data, public })
    }

    pub(super) fn ecdh_aes_key_wrap(&self, raw: &CK_MECHANISM) -> Result<EcdhAesKeyWrap> {
        let params: CK_ECDH_AES_KEY_WRAP_PARAMS = self.structure(raw)?;
        let aes_len = match params.ulAESKeyBits {
            128 => 16,
            192 => 24,
            256 => 32,
            _ => return invalid("AES keys have 128, 192 or 256 bits"),
        };
        let (kdf, shared_data) =
            self.agreement(params.kdf, params.pSharedData, params.ulSharedDataLen)?;
        Ok(EcdhAesKeyWrap { aes_len, kdf, shared_data })
    }

    fn agreement(
        &self,
        kdf: CK_EC_KDF_TYPE,
        data: *const u8,
        len: CK_ULONG,
    ) -> Result<(Option<AgreementKdf>, Vec<u8>)> {
        let Some((_, kdf)) = KDFS.iter().find(|row| row.0 == kdf) else {
            return invalid("a KDF this token does not have");
        };
        let data = self.part(data, len, LONGEST_PART)?;
        if kdf.is_none() && !data.is_empty() {
            return invalid("shared data, and CKD_NULL has no use for it");
        }
        Ok((*kdf, data))
    }

    pub(super) fn eddsa(&self, raw: &CK_MECHANISM) -> Result<Variant> {
        let params: CK_EDDSA_PARAMS = self.structure(raw)?;
        let context = self.part(params.pContextData, params.ulContextDataLen, 255)?;
        match params.phFlag {
            CK_TRUE => Ok(Variant::Prehashed(context)),
            // Ed25519ctx, whose context is optional (PKCS#11 3.2 section 6.3, "EdDSA"). RFC 8032 section
            // 5.1 advises against an empty one. It is not the pure variant, which has no parameter.
            CK_FALSE => Ok(Variant::Context(context)),
            _ => invalid("phFlag is neither CK_TRUE nor CK_FALSE"),
        }
    }

    /// The context of a signature. The token's signatures are hedged.
    ///
    /// A context of more than 255 bytes is `CKR_MECHANISM_PARAM_INVALID`, which `C_SignInit` and
    /// `C_VerifyInit` answer: FIPS 204 and 205 give no verdict on a signature then, but an error (FIPS 204
    /// algorithm 3, step 1), so it is not `CKR_SIGNATURE_INVALID`.
    pub(super) fn sign_context(&self, params: &CK_SIGN_ADDITIONAL_CONTEXT) -> Result<SignContext> {
        let hedge = match params.hedgeVariant {
            CKH_HEDGE_PREFERRED | CKH_HEDGE_REQUIRED => Some(Hedge::Hedged),
            CKH_DETERMINISTIC_REQUIRED => Some(Hedge::Deterministic),
            _ => None,
        };
        Ok(SignContext { context: self.part(params.pContext, params.ulContextLen, 255)?, hedge })
    }

    pub(super) fn hash_sign_context(&self, raw: &CK_MECHANISM) -> Result<Params> {
        let CK_HASH_SIGN_ADDITIONAL_CONTEXT { hedgeVariant, pContext, ulContextLen, hash } =
            self.structure(raw)?;
        let Some((_, hash)) = PRE_HASHES.into_iter().find(|row| row.0 == hash) else {
            return invalid("a hash this token does not have");
        };
        let rest = CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant, pContext, ulContextLen };
        Ok(Params::HashSignContext(self.sign_context(&rest)?, PreHash::Hash(hash)))
    }

    pub(super) fn hkdf(&self, raw: &CK_MECHANISM) -> Result<Hkdf> {
        let params: CK_HKDF_PARAMS = self.structure(raw)?;
        let Some(hash) = hash_named(params.prfHashMechanism) else {
            return invalid("a hash this token does not have");
        };
        let extract = match (params.bExtract, params.ulSaltType) {
            (CK_FALSE, _) => None,
            (_, CKF_HKDF_SALT_NULL) => Some(Salt::None),
            (_, CKF_HKDF_SALT_DATA) => {
                Some(Salt::Data(self.part(params.pSalt, params.ulSaltLen, LONGEST_PART)?))
            }
            (_, CKF_HKDF_SALT_KEY) => Some(Salt::Key(OtherKey::new(params.hSaltKey))),
            _ => return invalid("a salt of a type that there is not"),
        };
        let expand = match params.bExpand {
            CK_FALSE if extract.is_none() => return invalid("neither extract nor expand"),
            CK_FALSE => None,
            _ => Some(self.part(params.pInfo, params.ulInfoLen, LONGEST_PART)?),
        };
        Ok(Hkdf { extract, expand, hash })
    }

    pub(super) fn pbkdf2(&self, raw: &CK_MECHANISM) -> Result<Pbkdf2> {
        let params: CK_PKCS5_PBKD2_PARAMS2 = self.structure(raw)?;
        let Some(row) = HASHES.iter().find(|row| row.pbkd2 == Some(params.prf)) else {
            return invalid("a PRF this token does not have");
        };
        if params.saltSource != CKZ_SALT_SPECIFIED {
            return invalid("a salt source that is not CKZ_SALT_SPECIFIED");
        }
        if params.ulPrfDataLen != 0 {
            return invalid("data for a PRF that takes none");
        }
        let Some(iterations) = u32::try_from(params.iterations).ok().and_then(NonZeroU32::new)
        else {
            return invalid("no such number of iterations");
        };
        let salt = params.pSaltSourceData.cast();
        let salt = self.part(salt, params.ulSaltSourceDataLen, LONGEST_PART)?;
        let len = self.password_len(params.ulPasswordLen)?;
        let password = Secret::new(self.part(params.pPassword, len, LONGEST_PART)?);
        Ok(Pbkdf2 { hash: row.hash, password, salt, iterations })
    }

    /// The older structure has a pointer to the length where the newer has the length, and both are
    /// of one size where a pointer has 64 bits.
    ///
    /// Up to [`LONGEST_PART`] it is a length: no system maps the pages down there. From 4 GiB to the
    /// 48 bits of an address it is a pointer, if aligned as the number has to be and if there is
    /// memory; no password is as long as that. What is between may be either, is no length that
    /// anyone has, and is not followed: so an old program whose number lies below 4 GiB is refused.
    fn password_len(&self, len: CK_ULONG) -> Result<CK_ULONG> {
        let Ok(at) = usize::try_from(len) else { return Ok(len) };
        let is_address = (32..48).contains(&at.checked_ilog2().unwrap_or(0));
        if is_address && at.is_multiple_of(align_of::<CK_ULONG>()) {
            return guess::ulong_at(at).map_or_else(|| invalid("an absurd password length"), Ok);
        }
        Ok(len)
    }

    pub(super) fn bit(&self, raw: &CK_MECHANISM) -> Result<usize> {
        let bit: CK_ULONG = self.structure(raw)?;
        usize::try_from(bit).or_else(|_| invalid("no such bit"))
    }

    pub(super) fn counter108(&self, raw: &CK_MECHANISM) -> Result<Kdf108> {
        self.kdf108(self.structure(raw)?, Chained::Counter)
    }

    pub(super) fn pipeline108(&self, raw: &CK_MECHANISM) -> Result<Kdf108> {
        self.kdf108(self.structure(raw)?, Chained::Before)
    }

    fn kdf108(&self, params: CK_SP800_108_KDF_PARAMS, chained: Chained) -> Result<Kdf108> {
        let prf = match HASHES.iter().find(|row| row.in_108 && row.hmac == params.prfType) {
            Some(row) => Prf::Hmac(row.hash),
            None if params.prfType == CKM_AES_CMAC => Prf::AesCmac,
            None => return invalid("a PRF this token does not have"),
        };
        let (at, count) = (params.pDataParams, params.ulNumberOfDataParams);
        if count > MOST_PIECES {
            return invalid("too many data parameters");
        }
        let pieces = (0..usize::try_from(count).unwrap_or(0))
            .map(|n| self.piece(&self.inner(at.wrapping_add(n))?, chained))
            .collect::<Result<Vec<_>>>()?;
        check_pieces(&pieces, chained)?;
        let others = self.additional_keys(&params)?.into_iter();
        let others = others.map(|key| self.template(key.pTemplate, key.ulAttributeCount));
        Ok(Kdf108 { prf, pieces, iv: Vec::new(), others: others.collect::<Result<_>>()? })
    }

    /// The keys that the parameter names next to the first one.
    pub(super) fn additional_keys(
        &self,
        params: &CK_SP800_108_KDF_PARAMS,
    ) -> Result<Vec<CK_DERIVED_KEY>> {
        let (at, count) = (params.pAdditionalDerivedKeys, params.ulAdditionalDerivedKeys);
        if count > MOST_KEYS {
            return invalid("too many additional keys");
        }
        let count = usize::try_from(count).unwrap_or(0);
        (0..count).map(|n| self.inner(at.wrapping_add(n))).collect()
    }

    pub(super) fn feedback108(&self, raw: &CK_MECHANISM) -> Result<Kdf108> {
        let params: CK_SP800_108_FEEDBACK_KDF_PARAMS = self.structure(raw)?;
        let iv = self.part(params.pIV, params.ulIVLen, LONGEST_PART)?;
        Ok(Kdf108 { iv, ..self.kdf108(without_iv(&params), Chained::Before)? })
    }

    fn piece(&self, param: &CK_PRF_DATA_PARAM, chained: Chained) -> Result<Piece> {
        let (at, len) = (param.pValue, param.ulValueLen);
        match (param.type_, chained) {
            (CK_SP800_108_ITERATION_VARIABLE, Chained::Before) if len == 0 => Ok(Piece::Chain),
            (CK_SP800_108_ITERATION_VARIABLE, Chained::Counter)
            | (CK_SP800_108_COUNTER, Chained::Before) => {
                let format: CK_SP800_108_COUNTER_FORMAT = self.pointed(at.cast(), len)?;
                Ok(Piece::Counter(number(format.bLittleEndian, format.ulWidthInBits, 32)?))
            }
            (CK_SP800_108_DKM_LENGTH, _) => {
                let format: CK_SP800_108_DKM_LENGTH_FORMAT = self.pointed(at.cast(), len)?;
                let of = match format.dkmLengthMethod {
                    CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => LengthOf::Keys,
                    CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => LengthOf::Segments,
                    _ => return invalid("a length of nothing that there is"),
                };
                Ok(Piece::Length(number(format.bLittleEndian, format.ulWidthInBits, 64)?, of))
            }
            (CK_SP800_108_BYTE_ARRAY, _) => {
                Ok(Piece::Bytes(self.part(at.cast(), len, LONGEST_PART)?))
            }
            (CK_SP800_108_KEY_HANDLE, _) => {
                Ok(Piece::Key(OtherKey::new(self.pointed(at.cast(), len)?)))
            }
            _ => invalid("a data parameter that does not belong here"),
        }
    }

    /// A structure that a parameter points to and gives the length of.
    fn pointed<T: Plain>(&self, at: *const T, len: CK_ULONG) -> Result<T> {
        if usize::try_from(len) != Ok(size_of::<T>()) {
            return invalid("a part of the parameter has another length than its structure");
        }
        self.inner(at)
    }

    /// A structure that a parameter points to.
    fn inner<T: Plain>(&self, at: *const T) -> Result<T> {
        self.read(at).or_else(|_| invalid("a part of the parameter is NULL"))
    }
}

/// The parameter of feedback mode as those of the other modes.
pub(super) fn without_iv(params: &CK_SP800_108_FEEDBACK_KDF_PARAMS) -> CK_SP800_108_KDF_PARAMS {
    CK_SP800_108_KDF_PARAMS {
        prfType: params.prfType,
        ulNumberOfDataParams: params.ulNumberOfDataParams,
        pDataParams: params.pDataParams,
        ulAdditionalDerivedKeys: params.ulAdditionalDerivedKeys,
        pAdditionalDerivedKeys: params.pAdditionalDerivedKeys,
    }
}

/// What the iteration variable of an SP 800-108 KDF is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chained {
    Counter,
    Before,
}

/// One iteration variable; at most one counter and one length.
fn check_pieces(pieces: &[Piece], chained: Chained) -> Result<()> {
    let count = |is: fn(&Piece) -> bool| pieces.iter().filter(|piece| is(piece)).count();
    let counters = count(|piece| matches!(piece, Piece::Counter(_)));
    let chains = count(|piece| matches!(piece, Piece::Chain));
    let variables = if chained == Chained::Counter { counters } else { chains };
    if variables != 1 || counters > 1 || count(|p| matches!(p, Piece::Length(..))) > 1 {
        return invalid("one iteration variable, at most one counter and one length");
    }
    Ok(())
}

/// A number of whole bytes, at most `most` bits.
fn number(little_endian: CK_BBOOL, bits: CK_ULONG, most: CK_ULONG) -> Result<Number> {
    let little_endian = match little_endian {
        CK_TRUE => true,
        CK_FALSE => false,
        _ => return invalid("neither CK_TRUE nor CK_FALSE"),
    };
    match usize::try_from(bits / 8) {
        Ok(width @ 1..) if bits <= most && bits.is_multiple_of(8) => {
            Ok(Number { width, little_endian })
        }
        _ => invalid("no such width of a number"),
    }
}
