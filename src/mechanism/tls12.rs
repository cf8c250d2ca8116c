//! The key schedule of TLS 1.2 (RFC 5246, RFC 7627, RFC 5705). PKCS#11 3.2, section "TLS 1.2
//! mechanisms"; premaster secrets are of section "SSL".
use super::params::{MasterSeed, Side, TlsKdf, TlsKeys, TlsMac, TlsMaster};
use super::whole::{Limit, Whole};
use super::{Bound, Derivatives, DeriveMany, Derived, Mechanism, Params, Shape, derived};
use crate::ck::*;
use crate::crypto::{self, Failed, Secret, kdf, same};
use crate::error::{Error, Result};
use crate::object::attribute::{Attributes, Value};
use crate::object::policy::Key;

/// Length of a master secret, and of the premaster secret of RSA, in bytes.
const MASTER_LEN: CK_ULONG = 48;

/// What the rows of this file have in common. Key sizes are in bytes.
const TLS: Mechanism =
    Mechanism { key_types: &[CKK_GENERIC_SECRET], key_size: 1..=4096, ..Mechanism::NONE };

pub(super) const PRE_MASTER_KEY_GEN: Mechanism = Mechanism {
    ckm: CKM_TLS_PRE_MASTER_KEY_GEN,
    name: "CKM_TLS_PRE_MASTER_KEY_GEN",
    params: Shape::TlsVersion,
    key_size: MASTER_LEN..=MASTER_LEN,
    generate: Some(|params, _| premaster(params)),
    ..TLS
};

pub(super) const MASTER_KEY_DERIVE: Mechanism = Mechanism {
    ckm: CKM_TLS12_MASTER_KEY_DERIVE,
    name: "CKM_TLS12_MASTER_KEY_DERIVE",
    params: Shape::TlsMaster,
    key_size: MASTER_LEN..=MASTER_LEN,
    derive_many: Some(DeriveMany {
        templates: master_template,
        run: |params, key, _| master(params, key),
    }),
    ..TLS
};

pub(super) const MASTER_KEY_DERIVE_DH: Mechanism = Mechanism {
    ckm: CKM_TLS12_MASTER_KEY_DERIVE_DH,
    name: "CKM_TLS12_MASTER_KEY_DERIVE_DH",
    params: Shape::TlsMaster,
    derive_many: Some(DeriveMany {
        templates: master_template,
        run: |params, key, _| master_of_agreement(params, key),
    }),
    ..TLS
};

pub(super) const EXTENDED_MASTER_KEY_DERIVE: Mechanism = Mechanism {
    ckm: CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
    name: "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE",
    params: Shape::TlsExtendedMaster,
    ..MASTER_KEY_DERIVE
};

pub(super) const EXTENDED_MASTER_KEY_DERIVE_DH: Mechanism = Mechanism {
    ckm: CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
    name: "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH",
    params: Shape::TlsExtendedMaster,
    ..MASTER_KEY_DERIVE_DH
};

pub(super) const KEY_AND_MAC_DERIVE: Mechanism = Mechanism {
    ckm: CKM_TLS12_KEY_AND_MAC_DERIVE,
    name: "CKM_TLS12_KEY_AND_MAC_DERIVE",
    params: Shape::TlsKeys,
    derive_many: Some(DeriveMany {
        templates: key_templates,
        run: |params, key, _| keys(params, key),
    }),
    derives: Derived::Alike,
    ..TLS
};

pub(super) const KEY_SAFE_DERIVE: Mechanism = Mechanism {
    ckm: CKM_TLS12_KEY_SAFE_DERIVE,
    name: "CKM_TLS12_KEY_SAFE_DERIVE",
    params: Shape::TlsKeysAlone,
    ..KEY_AND_MAC_DERIVE
};

pub(super) const TLS_KDF: Mechanism = Mechanism {
    ckm: CKM_TLS_KDF,
    name: "CKM_TLS_KDF",
    params: Shape::TlsKdf,
    derive: Some(export),
    derives: Derived::Hidden,
    ..TLS
};

pub(super) const TLS12_KDF: Mechanism =
    Mechanism { ckm: CKM_TLS12_KDF, name: "CKM_TLS12_KDF", ..TLS_KDF };

pub(super) const TLS_MAC: Mechanism = Mechanism {
    ckm: CKM_TLS_MAC,
    name: "CKM_TLS_MAC",
    params: Shape::TlsMac,
    sign: Some(|params, key| {
        let (params, secret) = (mac(params)?, key.secret()?.clone());
        let len = move |_| Bound::Exactly(params.len);
        Ok(Whole::new(Limit::NONE, len, move |messages: &[u8], out: &mut Vec<u8>| {
            out.extend_from_slice(&finished(params, &secret, messages)?);
            Ok(())
        }))
    }),
    verify: Some(|params, key| {
        let (params, secret) = (mac(params)?, key.secret()?.clone());
        Ok(Whole::new(Limit::NONE, (), move |messages: &[u8], code: &[u8]| {
            if code.len() != params.len {
                return Err(Error::SignatureLenRange);
            }
            match same(&finished(params, &secret, messages)?, code) {
                true => Ok(()),
                false => Err(Error::SignatureInvalid),
            }
        }))
    }),
    ..TLS
};

pub(super) const TLS12_MAC: Mechanism =
    Mechanism { ckm: CKM_TLS12_MAC, name: "CKM_TLS12_MAC", ..TLS_MAC };

/// What a master secret may be used for.
const FOR_MASTERS: &[CK_MECHANISM_TYPE] = &[
    CKM_TLS12_KEY_AND_MAC_DERIVE,
    CKM_TLS12_KEY_SAFE_DERIVE,
    CKM_TLS_KDF,
    CKM_TLS_MAC,
    CKM_TLS12_KDF,
    CKM_TLS12_MAC,
];

/// The version, and random bytes (RFC 5246 section 7.4.7.1).
fn premaster(params: &Params) -> Result<Attributes> {
    let Params::TlsVersion(version) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let random = crypto::random(46).map_err(|Failed| Error::RandomNoRng)?;
    Ok(derived::key(Secret::new([version.as_slice(), &random].concat())))
}

/// 48 bytes, for nothing but the mechanisms of this file. A template may name fewer of them. Most of
/// them derive, so `CKA_DERIVE` is TRUE unless the template says no.
fn master_template(_: &Params, mut template: Attributes) -> Result<Vec<Attributes>> {
    template.add(CKA_KEY_TYPE, Value::Ulong(CKK_GENERIC_SECRET))?;
    template.add(CKA_VALUE_LEN, Value::Ulong(MASTER_LEN))?;
    if !template.has(CKA_DERIVE) {
        template.set(CKA_DERIVE, Value::Bool(true));
    }
    match template.value(CKA_ALLOWED_MECHANISMS) {
        None => template.set(CKA_ALLOWED_MECHANISMS, Value::Ulongs(FOR_MASTERS.to_vec())),
        Some(Value::Ulongs(some))
            if !some.is_empty() && some.iter().all(|ckm| FOR_MASTERS.contains(ckm)) => {}
        Some(_) => return Err(Error::TemplateInconsistent.because("CKA_ALLOWED_MECHANISMS")),
    }
    Ok(vec![template])
}

/// From the premaster secret of RSA, which begins with a version.
fn master(params: &Params, premaster: &Key) -> Result<Derivatives> {
    let Params::TlsMaster(params) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    let premaster = premaster.secret()?;
    let told = if params.version { premaster.iter().take(2).copied().collect() } else { vec![] };
    Ok(Derivatives { keys: vec![master_secret(params, premaster)?], told })
}

/// From what was agreed on, in which there is no version.
fn master_of_agreement(params: &Params, premaster: &Key) -> Result<Derivatives> {
    match params {
        Params::TlsMaster(params) if !params.version => {
            let keys = vec![master_secret(params, premaster.secret()?)?];
            Ok(Derivatives { keys, told: Vec::new() })
        }
        Params::TlsMaster(_) => Err(Error::MechanismParamInvalid.because("pVersion is not NULL")),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn master_secret(params: &TlsMaster, premaster: &Secret) -> Result<Attributes> {
    let (label, seed): (&[u8], _) = match &params.seed {
        MasterSeed::Randoms(seed) => (b"master secret", seed),
        MasterSeed::Session(hash) => (b"extended master secret", hash),
    };
    kdf::tls12_prf(params.hash, premaster, label, seed, 48)
        .map(derived::key)
        .map_err(|Failed| Error::FunctionFailed)
}

/// Client's and server's MAC keys, then their keys for encryption; as many as there are.
fn key_templates(params: &Params, mut template: Attributes) -> Result<Vec<Attributes>> {
    let TlsKeys { mac_len, key_len, .. } = key_lens(params)?;
    // the template is about the keys that encrypt, but for what is about all of them
    let mut mac: Attributes = [CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE]
        .into_iter()
        .filter_map(|cka| Some((cka, template.value(cka)?.clone())))
        .collect();
    mac.set(CKA_KEY_TYPE, Value::Ulong(CKK_GENERIC_SECRET));
    mac.set(CKA_VALUE_LEN, ulong(*mac_len)?);
    mac.set(CKA_SIGN, Value::Bool(true));
    mac.set(CKA_VERIFY, Value::Bool(true));
    mac.set(CKA_DERIVE, Value::Bool(false));
    template.add(CKA_VALUE_LEN, ulong(*key_len)?)?;
    let two = |template: Attributes, len: usize| {
        [template.clone(), template].into_iter().take(2 * len.min(1))
    };
    Ok(two(mac, *mac_len).chain(two(template, *key_len)).collect())
}

/// The keys, and the initialisation vectors of the client and the server (RFC 5246 section 6.3).
fn keys(params: &Params, master: &Key) -> Result<Derivatives> {
    let TlsKeys { hash, seed, mac_len, key_len, iv_len } = key_lens(params)?;
    let len = 2 * (mac_len + key_len + iv_len);
    let block = kdf::tls12_prf(*hash, master.secret()?, b"key expansion", seed, len)
        .map_err(|Failed| Error::FunctionFailed)?;
    let lens = [mac_len, mac_len, key_len, key_len].into_iter().filter(|len| **len > 0);
    let mut rest = block.as_slice();
    let mut keys = Vec::new();
    for len in lens {
        let (key, others) = rest.split_at_checked(*len).ok_or(Error::FunctionFailed)?;
        keys.push(derived::key(Secret::new(key.to_vec())));
        rest = others;
    }
    Ok(Derivatives { keys, told: rest.to_vec() })
}

fn key_lens(params: &Params) -> Result<&TlsKeys> {
    match params {
        Params::TlsKeys(keys) => Ok(keys),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn ulong(len: usize) -> Result<Value> {
    CK_ULONG::try_from(len).map(Value::Ulong).map_err(|_| Error::KeySizeRange)
}

/// Keying material for another protocol (RFC 5705 section 4).
fn export(params: &Params, master: &Key, template: &Attributes) -> Result<Attributes> {
    let Params::TlsKdf(TlsKdf { hash, label, seed }) = params else {
        return Err(Error::MechanismParamInvalid);
    };
    kdf::tls12_prf(*hash, master.secret()?, label, seed, derived::needed_len(template)?)
        .map(derived::key)
        .map_err(|Failed| Error::FunctionFailed)
}

fn mac(params: &Params) -> Result<TlsMac> {
    match params {
        Params::TlsMac(params) => Ok(*params),
        _ => Err(Error::MechanismParamInvalid),
    }
}

/// What ends a handshake (RFC 5246 section 7.4.9). `messages` is the hash of it.
fn finished(params: TlsMac, master: &Secret, messages: &[u8]) -> Result<Secret> {
    let label: &[u8] = match params.side {
        Side::Client => b"client finished",
        Side::Server => b"server finished",
    };
    kdf::tls12_prf(params.hash, master, label, messages, params.len)
        .map_err(|Failed| Error::FunctionFailed)
}
