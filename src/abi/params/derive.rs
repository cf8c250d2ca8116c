//! The parameters of key derivation and agreement, and of EdDSA.
use super::{LONGEST, invalid};
use crate::abi::caller::{Caller, Plain};
use crate::abi::guess;
use crate::ck::*;
use crate::crypto::Secret;
use crate::crypto::edwards::Variant;
use crate::crypto::hash::Hash;
use crate::crypto::kdf::{AgreementKdf, Prf};
use crate::error::Result;
use crate::mechanism::params::*;
use crate::mechanism::{Params, Shape};
use std::num::NonZeroU32;

/// Longest password, salt, label or other data in bytes.
const LONGEST_PART: CK_ULONG = LONGEST.0;
/// Most pieces of input of an SP 800-108 KDF.
const MOST_PIECES: CK_ULONG = 64;

/// Key derivation functions of an agreement.
const KDFS: [(CK_EC_KDF_TYPE, Option<AgreementKdf>); 11] = [
    (CKD_NULL, None),
    (CKD_SHA1_KDF, Some(AgreementKdf::X963(Hash::Sha1))),
    (CKD_SHA224_KDF, Some(AgreementKdf::X963(Hash::Sha224))),
    (CKD_SHA256_KDF, Some(AgreementKdf::X963(Hash::Sha256))),
    (CKD_SHA384_KDF, Some(AgreementKdf::X963(Hash::Sha384))),
    (CKD_SHA512_KDF, Some(AgreementKdf::X963(Hash::Sha512))),
    (CKD_SHA1_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha1))),
    (CKD_SHA224_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha224))),
    (CKD_SHA256_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha256))),
    (CKD_SHA384_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha384))),
    (CKD_SHA512_KDF_SP800, Some(AgreementKdf::OneStep(Hash::Sha512))),
];

/// Hashes by their numbers alone, in HMAC (HKDF takes either), and as PRF of PBKDF2.
const HASHES: [(CK_ULONG, CK_ULONG, CK_ULONG, Hash); 5] = [
    (CKM_SHA_1, CKM_SHA_1_HMAC, CKP_PKCS5_PBKD2_HMAC_SHA1, Hash::Sha1),
    (CKM_SHA224, CKM_SHA224_HMAC, CKP_PKCS5_PBKD2_HMAC_SHA224, Hash::Sha224),
    (CKM_SHA256, CKM_SHA256_HMAC, CKP_PKCS5_PBKD2_HMAC_SHA256, Hash::Sha256),
    (CKM_SHA384, CKM_SHA384_HMAC, CKP_PKCS5_PBKD2_HMAC_SHA384, Hash::Sha384),
    (CKM_SHA512, CKM_SHA512_HMAC, CKP_PKCS5_PBKD2_HMAC_SHA512, Hash::Sha512),
];

impl Caller<'_> {
    pub(super) fn derive_params(&self, shape: Shape, raw: &CK_MECHANISM) -> Result<Params> {
        Ok(match shape {
            Shape::Ecdh => Params::Ecdh(self.ecdh(&self.structure(raw)?)?),
            Shape::EcdhAesKeyWrap => {
                Params::EcdhAesKeyWrap(self.ecdh_aes_key_wrap(&self.structure(raw)?)?)
            }
            Shape::Eddsa => Params::Eddsa(self.eddsa(&self.structure(raw)?)?),
            Shape::SignContext => Params::SignContext(self.sign_context(&self.structure(raw)?)?),
            Shape::Hkdf => Params::Hkdf(self.hkdf(&self.structure(raw)?)?),
            Shape::Pbkdf2 => Params::Pbkdf2(self.pbkdf2(&self.structure(raw)?)?),
            Shape::Counter108 => {
                Params::Kdf108(self.kdf108(self.structure(raw)?, Chained::Counter)?)
            }
            Shape::Pipeline108 => {
                Params::Kdf108(self.kdf108(self.structure(raw)?, Chained::Before)?)
            }
            Shape::Feedback108 => Params::Kdf108(self.feedback108(&self.structure(raw)?)?),
            Shape::OtherKey => Params::OtherKey(OtherKey::new(self.structure(raw)?)),
            Shape::Bit => match usize::try_from(self.structure::<CK_ULONG>(raw)?) {
                Ok(bit) => Params::Bit(bit),
                Err(_) => return invalid("no such bit"),
            },
            _ => return invalid("a parameter where none belongs"),
        })
    }

    fn ecdh(&self, params: &CK_ECDH1_DERIVE_PARAMS) -> Result<Ecdh> {
        let (kdf, shared_data) =
            self.agreement(params.kdf, params.pSharedData, params.ulSharedDataLen)?;
        let public = self.part(params.pPublicData, params.ulPublicDataLen, LONGEST_PART)?;
        Ok(Ecdh { kdf, shared_data, public })
    }

    fn ecdh_aes_key_wrap(&self, params: &CK_ECDH_AES_KEY_WRAP_PARAMS) -> Result<EcdhAesKeyWrap> {
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

    fn eddsa(&self, params: &CK_EDDSA_PARAMS) -> Result<Variant> {
        let context = self.part(params.pContextData, params.ulContextDataLen, 255)?;
        match params.phFlag {
            CK_TRUE => Ok(Variant::Prehashed(context)),
            // RFC 8032 section 8.3: a context that is empty is none, and pure signatures have no
            // parameter
            CK_FALSE if context.is_empty() => invalid("neither pre-hashed nor with a context"),
            CK_FALSE => Ok(Variant::Context(context)),
            _ => invalid("phFlag is neither CK_TRUE nor CK_FALSE"),
        }
    }

    /// The context of a signature. The token's signatures are hedged.
    fn sign_context(&self, params: &CK_SIGN_ADDITIONAL_CONTEXT) -> Result<Vec<u8>> {
        match params.hedgeVariant {
            CKH_HEDGE_PREFERRED | CKH_HEDGE_REQUIRED => {
                self.part(params.pContext, params.ulContextLen, 255)
            }
            _ => invalid("signatures that are not hedged"),
        }
    }

    fn hkdf(&self, params: &CK_HKDF_PARAMS) -> Result<Hkdf> {
        let wanted = params.prfHashMechanism;
        let Some(row) = HASHES.iter().find(|row| row.0 == wanted || row.1 == wanted) else {
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
        Ok(Hkdf { extract, expand, hash: row.3 })
    }

    fn pbkdf2(&self, params: &CK_PKCS5_PBKD2_PARAMS2) -> Result<Pbkdf2> {
        let Some(row) = HASHES.iter().find(|row| row.2 == params.prf) else {
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
        Ok(Pbkdf2 { hash: row.3, password, salt, iterations })
    }

    /// The older structure has a pointer to the length where the newer has the length, and both are
    /// of one size. What can be a pointer of a 64-bit application, aligned as it has to be, and
    /// points to something, is one: no password is as long as that.
    fn password_len(&self, len: CK_ULONG) -> Result<CK_ULONG> {
        let Ok(at) = usize::try_from(len) else { return Ok(len) };
        let is_address = (32..=46).contains(&at.checked_ilog2().unwrap_or(0));
        if is_address && at.is_multiple_of(align_of::<CK_ULONG>()) {
            return guess::ulong_at(at).map_or_else(|| invalid("an absurd password length"), Ok);
        }
        Ok(len)
    }

    fn kdf108(&self, params: CK_SP800_108_KDF_PARAMS, chained: Chained) -> Result<Kdf108> {
        let prf = match HASHES.iter().find(|row| row.1 == params.prfType) {
            Some(row) => Prf::Hmac(row.3),
            None if params.prfType == CKM_AES_CMAC => Prf::AesCmac,
            None => return invalid("a PRF this token does not have"),
        };
        if params.ulAdditionalDerivedKeys != 0 {
            return invalid("this token derives one key at a time");
        }
        let (at, count) = (params.pDataParams, params.ulNumberOfDataParams);
        if count > MOST_PIECES {
            return invalid("too many data parameters");
        }
        let pieces = (0..usize::try_from(count).unwrap_or(0))
            .map(|n| self.piece(&self.inner(at.wrapping_add(n))?, chained))
            .collect::<Result<Vec<_>>>()?;
        check_pieces(&pieces, chained)?;
        Ok(Kdf108 { prf, pieces, iv: Vec::new() })
    }

    fn feedback108(&self, params: &CK_SP800_108_FEEDBACK_KDF_PARAMS) -> Result<Kdf108> {
        let plain = CK_SP800_108_KDF_PARAMS {
            prfType: params.prfType,
            ulNumberOfDataParams: params.ulNumberOfDataParams,
            pDataParams: params.pDataParams,
            ulAdditionalDerivedKeys: params.ulAdditionalDerivedKeys,
            pAdditionalDerivedKeys: params.pAdditionalDerivedKeys,
        };
        let iv = self.part(params.pIV, params.ulIVLen, LONGEST_PART)?;
        Ok(Kdf108 { iv, ..self.kdf108(plain, Chained::Before)? })
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
