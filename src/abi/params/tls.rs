//! The parameters of the key schedule of TLS 1.2, and where its results go: `C_DeriveKey` puts some
//! of them into memory that the parameter points to.
use super::derive::without_iv;
use super::{LONGEST, invalid, is};
use crate::abi::caller::{Caller, Place, Places};
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::error::{Error, Result};
use crate::mechanism::Params;
use crate::mechanism::params::{Kdf108, MasterSeed, Side, TlsKdf, TlsKeys, TlsMac, TlsMaster};
use crate::session::Derivation;

/// The hashes that a cipher suite of TLS 1.2 can have: RFC 5246 section 5 asks for SHA-256 or
/// stronger, and SHA-224 is in use.
const HASHES: [Hash; 4] = [Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
/// Length of the random bytes of each side.
const RANDOM_LEN: CK_ULONG = 32;
/// Longest key and initialisation vector in bits.
const LONGEST_KEY: CK_ULONG = 8 * 4096;
const LONGEST_IV: CK_ULONG = 8 * 16;

impl Caller<'_> {
    pub(super) fn tls_version(&self, raw: &CK_MECHANISM) -> Result<[u8; 2]> {
        let CK_VERSION { major, minor } = self.structure(raw)?;
        Ok([major, minor])
    }

    pub(super) fn tls_master(&self, raw: &CK_MECHANISM) -> Result<TlsMaster> {
        let params: CK_TLS12_MASTER_KEY_DERIVE_PARAMS = self.structure(raw)?;
        let [client, server] = self.randoms(&params.RandomInfo)?;
        Ok(TlsMaster {
            hash: hash(params.prfHashMechanism)?,
            seed: MasterSeed::Randoms([client, server].concat()),
            version: !params.pVersion.is_null(),
        })
    }

    pub(super) fn tls_extended_master(&self, raw: &CK_MECHANISM) -> Result<TlsMaster> {
        let params: CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = self.structure(raw)?;
        let hash = hash(params.prfHashMechanism)?;
        let session = self.part(params.pSessionHash, params.ulSessionHashLen, LONGEST.0)?;
        if session.len() != hash.size() {
            return invalid("the hash of the session is not as long as the hash is");
        }
        let version = !params.pVersion.is_null();
        Ok(TlsMaster { hash, seed: MasterSeed::Session(session), version })
    }

    /// `longest_iv` is in bits; with 0 the parameter is not asked for initialisation vectors.
    fn tls_keys(&self, raw: &CK_MECHANISM, longest_iv: CK_ULONG) -> Result<TlsKeys> {
        let params: CK_TLS12_KEY_MAT_PARAMS = self.structure(raw)?;
        let iv_bits = if longest_iv == 0 { 0 } else { params.ulIVSizeInBits };
        let [client, server] = self.randoms(&params.RandomInfo)?;
        let keys = TlsKeys {
            hash: hash(params.prfHashMechanism)?,
            seed: [server, client].concat(),
            mac_len: bytes(params.ulMacSizeInBits, LONGEST_KEY)?,
            key_len: bytes(params.ulKeySizeInBits, LONGEST_KEY)?,
            iv_len: bytes(iv_bits, longest_iv)?,
        };
        if params.bIsExport != CK_FALSE {
            return invalid("TLS 1.2 has no cipher suites for export");
        }
        if keys.mac_len + keys.key_len == 0 || (keys.key_len == 0 && keys.iv_len > 0) {
            return invalid("no keys, or initialisation vectors without a key");
        }
        Ok(keys)
    }

    /// For `CKM_TLS12_KEY_AND_MAC_DERIVE`.
    pub(super) fn tls_keys_and_ivs(&self, raw: &CK_MECHANISM) -> Result<TlsKeys> {
        self.tls_keys(raw, LONGEST_IV)
    }

    /// For `CKM_TLS12_KEY_SAFE_DERIVE`, which never tells what else would be keys.
    pub(super) fn tls_keys_alone(&self, raw: &CK_MECHANISM) -> Result<TlsKeys> {
        self.tls_keys(raw, 0)
    }

    pub(super) fn tls_kdf(&self, raw: &CK_MECHANISM) -> Result<TlsKdf> {
        let params: CK_TLS_KDF_PARAMS = self.structure(raw)?;
        let [client, server] = self.randoms(&params.RandomInfo)?;
        let mut seed = [client, server].concat();
        // RFC 5705 section 4: an empty context is another one than none
        if !params.pContextData.is_null() || params.ulContextDataLength > 0 {
            let len = u16::try_from(params.ulContextDataLength);
            let len = len.or_else(|_| invalid("a context that is too long"))?;
            seed.extend(len.to_be_bytes());
            seed.extend(self.part(params.pContextData, len.into(), LONGEST.0)?);
        }
        let label = self.part(params.pLabel, params.ulLabelLength, LONGEST.0)?;
        Ok(TlsKdf { hash: hash(params.prfMechanism)?, label, seed })
    }

    pub(super) fn tls_mac(&self, raw: &CK_MECHANISM) -> Result<TlsMac> {
        let params: CK_TLS_MAC_PARAMS = self.structure(raw)?;
        let side = match params.ulServerOrClient {
            1 => Side::Server,
            2 => Side::Client,
            _ => return invalid("neither server nor client"),
        };
        match usize::try_from(params.ulMacLength) {
            Ok(len @ 12..=255) => Ok(TlsMac { hash: hash(params.prfHashMechanism)?, len, side }),
            _ => invalid("what ends a handshake has 12 bytes or more"),
        }
    }

    fn randoms(&self, params: &CK_SSL3_RANDOM_DATA) -> Result<[Vec<u8>; 2]> {
        if (params.ulClientRandomLen, params.ulServerRandomLen) != (RANDOM_LEN, RANDOM_LEN) {
            return invalid("random bytes of a side that are not 32");
        }
        Ok([
            self.part(params.pClientRandom, RANDOM_LEN, RANDOM_LEN)?,
            self.part(params.pServerRandom, RANDOM_LEN, RANDOM_LEN)?,
        ])
    }
}

/// A hash by its number.
fn hash(ckm: CK_MECHANISM_TYPE) -> Result<Hash> {
    match super::hash_named(ckm) {
        Some(hash) if HASHES.contains(&hash) => Ok(hash),
        _ => invalid("a hash that is not one of TLS 1.2"),
    }
}

/// So many bits in bytes.
fn bytes(bits: CK_ULONG, longest: CK_ULONG) -> Result<usize> {
    match usize::try_from(bits / 8) {
        Ok(bytes) if bits <= longest && bits.is_multiple_of(8) => Ok(bytes),
        _ => invalid("no such length of a key or an initialisation vector"),
    }
}

/// Where the results of `C_DeriveKey` go.
pub(in crate::abi) enum Results<'call> {
    /// One key.
    Key(Place<'call, CK_OBJECT_HANDLE>),
    /// One key, and the version of its protocol.
    KeyAndVersion(Place<'call, CK_OBJECT_HANDLE>, Place<'call, CK_VERSION>),
    /// The keys of a connection.
    Keys(Keys<'call>),
    /// One key, and those that an SP 800-108 KDF derives next to it.
    Several(Place<'call, CK_OBJECT_HANDLE>, Vec<Place<'call, CK_OBJECT_HANDLE>>),
}

/// Where the keys of a connection go.
pub(in crate::abi) struct Keys<'call> {
    params: TlsKeys,
    /// What is there now: where initialisation vectors go.
    out: CK_SSL3_KEY_MAT_OUT,
    place: Place<'call, CK_SSL3_KEY_MAT_OUT>,
    ivs: [Places<'call, u8>; 2],
}

impl<'call> Caller<'call> {
    /// Where the results of a derivation with the mechanism at `at` go; `params` were read from it.
    /// Found before anything is done.
    pub(in crate::abi) fn results(
        &self,
        at: *const CK_MECHANISM,
        params: &Params,
        key: *mut CK_OBJECT_HANDLE,
    ) -> Result<Results<'call>> {
        let raw = self.read(at)?;
        let version = match params {
            Params::TlsKeys(params) => return self.keys(&raw, params).map(Results::Keys),
            Params::Kdf108(params) if !params.others.is_empty() => {
                return Ok(Results::Several(self.place(key)?, self.several(&raw, params)?));
            }
            Params::TlsMaster(TlsMaster {
                version: true, seed: MasterSeed::Randoms(_), ..
            }) => self.structure::<CK_TLS12_MASTER_KEY_DERIVE_PARAMS>(&raw)?.pVersion,
            Params::TlsMaster(TlsMaster {
                version: true, seed: MasterSeed::Session(_), ..
            }) => self.structure::<CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS>(&raw)?.pVersion,
            _ => return self.place(key).map(Results::Key),
        };
        Ok(Results::KeyAndVersion(self.place(key)?, self.place(version)?))
    }

    /// Output pointers for the handles of additional keys. Each is invalid until all keys are there: PKCS#11 3.2,
    /// section "Deriving Additional Keys".
    fn several(
        &self,
        raw: &CK_MECHANISM,
        params: &Kdf108,
    ) -> Result<Vec<Place<'call, CK_OBJECT_HANDLE>>> {
        let plain = match is::<CK_SP800_108_KDF_PARAMS>(raw) {
            true => self.structure(raw)?,
            false => without_iv(&self.structure(raw)?),
        };
        let keys = self.additional_keys(&plain)?;
        if keys.len() != params.others.len() {
            return invalid("the parameter changes while it is read");
        }
        let place = |key: &CK_DERIVED_KEY| self.place(key.phKey);
        let places = keys.iter().map(place).collect::<Result<Vec<_>>>();
        let places = places.or_else(|_| invalid("phKey of an additional key is NULL"))?;
        keys.iter().try_for_each(|key| place(key)?.put(CK_INVALID_HANDLE))?;
        Ok(places)
    }

    fn keys(&self, raw: &CK_MECHANISM, params: &TlsKeys) -> Result<Keys<'call>> {
        let at = self.structure::<CK_TLS12_KEY_MAT_PARAMS>(raw)?.pReturnedKeyMaterial;
        let Ok(out) = self.read(at) else { return invalid("pReturnedKeyMaterial is NULL") };
        let len = crate::abi::caller::ulong(params.iv_len)?;
        let ivs = [self.places(out.pIVClient, len), self.places(out.pIVServer, len)];
        match ivs {
            [Ok(client), Ok(server)] => {
                let (params, place) = (params.clone(), self.place(at)?);
                Ok(Keys { params, out, place, ivs: [client, server] })
            }
            _ => invalid("no room for the initialisation vectors"),
        }
    }
}

impl Results<'_> {
    /// Gives them.
    pub(in crate::abi) fn put(self, results: Derivation) -> Result<()> {
        let Derivation { keys, told } = results;
        match (self, keys.as_slice(), told.as_slice()) {
            (Results::Keys(place), keys, ivs) => place.put(keys, ivs),
            (Results::Key(place), [key], _) => place.put(*key),
            (Results::Several(first, places), [key, others @ ..], _)
                if places.len() == others.len() =>
            {
                let mut others = places.into_iter().zip(others);
                others.try_for_each(|(place, key)| place.put(*key))?;
                first.put(*key)
            }
            (Results::KeyAndVersion(place, version), [key], [major, minor]) => {
                version.put(CK_VERSION { major: *major, minor: *minor })?;
                place.put(*key)
            }
            _ => Err(Error::GeneralError.because("other results than places for them")),
        }
    }
}

impl Keys<'_> {
    fn put(self, keys: &[CK_OBJECT_HANDLE], ivs: &[u8]) -> Result<()> {
        let Keys { params, out, place, ivs: [mut client, mut server] } = self;
        let mut keys = keys.iter().copied();
        let mut pair = |len| match len {
            0 => (CK_INVALID_HANDLE, CK_INVALID_HANDLE),
            _ => {
                (keys.next().unwrap_or(CK_INVALID_HANDLE), keys.next().unwrap_or(CK_INVALID_HANDLE))
            }
        };
        let (macs, keys) = (pair(params.mac_len), pair(params.key_len));
        if params.iv_len > 0 {
            let halves = ivs.split_at_checked(params.iv_len).ok_or(Error::GeneralError)?;
            client.put(halves.0)?;
            server.put(halves.1)?;
        }
        place.put(CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: macs.0,
            hServerMacSecret: macs.1,
            hClientKey: keys.0,
            hServerKey: keys.1,
            ..out
        })
    }
}
