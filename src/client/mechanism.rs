//! Mechanisms with owned parameters; the C structures exist only during a call.
use super::call::ulong;
use crate::ck::*;
use crate::crypto::hash::Hash;
use crate::mechanism::params::HASHES;
use std::ptr::null_mut;

/// A mechanism and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Without parameters.
    Plain(CK_MECHANISM_TYPE),
    /// With an initialisation vector as its parameter.
    Iv(CK_MECHANISM_TYPE, Vec<u8>),
    /// `CKM_RSA_PKCS_OAEP`
    Oaep(Oaep),
    /// `CKM_RSA_AES_KEY_WRAP` with an ephemeral AES key of so many bits.
    RsaAesKeyWrap(usize, Oaep),
}

/// The parameters of OAEP (RFC 8017 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oaep {
    /// The hash of the label.
    pub hash: Hash,
    /// The hash of MGF1: the same for every cloud, SHA-1 for some programs in Java.
    pub mgf: Hash,
    /// The label, empty for every cloud.
    pub label: Vec<u8>,
}

impl Oaep {
    /// SHA-1, MGF1-SHA-1, no label.
    pub fn azure() -> Oaep {
        Oaep::of(Hash::Sha1)
    }

    /// With MGF1 of the same hash, and no label.
    pub fn of(hash: Hash) -> Oaep {
        Oaep { hash, mgf: hash, label: Vec::new() }
    }

    fn raw(&self) -> CK_RSA_PKCS_OAEP_PARAMS {
        let row = |hash| HASHES.iter().find(|row| row.2 == hash);
        // a hash without a number: let the module say that it does not have it
        let (hash, mgf) = (
            row(self.hash).map_or(CK_UNAVAILABLE_INFORMATION, |row| row.0),
            row(self.mgf).map_or(CK_UNAVAILABLE_INFORMATION, |row| row.1),
        );
        // "no label" is a null pointer: some modules refuse another with length 0
        let label = if self.label.is_empty() { null_mut() } else { self.label.as_ptr().cast_mut() };
        CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: hash,
            mgf,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: label.cast(),
            ulSourceDataLen: ulong(self.label.len()),
        }
    }
}

impl Mechanism {
    /// The profile of Azure: `CKM_RSA_AES_KEY_WRAP` with AES-256 and SHA-1.
    pub fn azure() -> Mechanism {
        Mechanism::RsaAesKeyWrap(256, Oaep::azure())
    }

    /// Runs `call` with the C structure, whose pointers are good until it returns.
    pub(super) fn with<T>(&self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        match self {
            Mechanism::Plain(ckm) => pass(*ckm, null_mut::<u8>(), 0, call),
            Mechanism::Iv(ckm, iv) => pass(*ckm, iv.as_ptr().cast_mut(), iv.len(), call),
            Mechanism::Oaep(oaep) => {
                let mut raw = oaep.raw();
                pass(CKM_RSA_PKCS_OAEP, &raw mut raw, size_of_val(&raw), call)
            }
            Mechanism::RsaAesKeyWrap(bits, oaep) => {
                let mut raw = oaep.raw();
                let mut outer = CK_RSA_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits: ulong(*bits),
                    pOAEPParams: &raw mut raw,
                };
                pass(CKM_RSA_AES_KEY_WRAP, &raw mut outer, size_of_val(&outer), call)
            }
        }
    }
}

fn pass<P, T>(
    ckm: CK_MECHANISM_TYPE,
    parameter: *mut P,
    len: usize,
    call: impl FnOnce(*mut CK_MECHANISM) -> T,
) -> T {
    let mut raw =
        CK_MECHANISM { mechanism: ckm, pParameter: parameter.cast(), ulParameterLen: ulong(len) };
    call(&raw mut raw)
}
