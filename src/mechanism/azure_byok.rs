//! `CKM_KEYFERRY_AZURE_BYOK`: [`CKM_RSA_AES_KEY_WRAP`](super::rsa_aes_key_wrap) straight into a
//! `.byok` file, for programs that can name a mechanism but not make the file.
use super::params::RsaAesKeyWrap;
use super::{Mechanism, Params, Wrap, rsa_aes_key_wrap};
use crate::byok::azure::{Kid, Package};
use crate::byok::cloud::AZURE;
use crate::byok::kek::Kek;
use crate::byok::target::Target as Importable;
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::object::attribute::Attributes;
use crate::object::policy::{Key, Target};

pub(super) const AZURE_BYOK: Mechanism = Mechanism {
    ckm: CKM_KEYFERRY_AZURE_BYOK,
    name: "CKM_KEYFERRY_AZURE_BYOK",
    key_types: &[CKK_RSA],
    key_size: 2048..=4096,
    wrap: Some(Wrap { len, run }),
    unwrap: Some(unwrap),
    ..Mechanism::NONE
};

/// What the file says made it.
const GENERATOR: &str = concat!("keyferry/", env!("CARGO_PKG_VERSION"), " (PKCS#11)");

fn len(_: &Params, kek: &Key, target: &Target) -> Result<usize> {
    let kid = kid(kek)?;
    suits(kek.attributes())?;
    if !importable(target.attributes()).is_some_and(|target| target.goes_to(kid.service())) {
        return Err(Error::KeyNotWrappable.because("Azure does not take such a key there"));
    }
    let blob = rsa_aes_key_wrap::wrapped_len(&RsaAesKeyWrap::AZURE, kek, target.len()?)?;
    Ok(Package::len_for(&kid, GENERATOR, blob))
}

fn run(_: &Params, kek: &Key, target: &Target) -> Result<Vec<u8>> {
    let package = Package {
        kid: kid(kek)?,
        ciphertext: rsa_aes_key_wrap::wrap(&RsaAesKeyWrap::AZURE, kek, &target.encoding()?)?,
        generator: GENERATOR.to_owned(),
    };
    Ok(package.to_bytes())
}

fn unwrap(_: &Params, kek: &Key, file: &[u8]) -> Result<Secret> {
    let package = Package::parse(file).map_err(|e| Error::WrappedKeyInvalid.because(e))?;
    rsa_aes_key_wrap::unwrap(&RsaAesKeyWrap::AZURE, kek, &package.ciphertext)
}

/// The KEK's key identifier: its own attribute, or its label if that is one.
fn kid(kek: &Key) -> Result<Kid> {
    let attributes = kek.attributes();
    let bytes = attributes.bytes(CKA_KEYFERRY_KID).or_else(|| attributes.bytes(CKA_LABEL));
    let text = std::str::from_utf8(bytes.unwrap_or_default())
        .map_err(|_| Error::MechanismParamInvalid.because("the KEK's kid is not UTF-8"))?;
    Kid::parse(text).map_err(|e| {
        Error::MechanismParamInvalid
            .because(format!("neither CKA_KEYFERRY_KID nor CKA_LABEL of the KEK is a kid: {e}"))
    })
}

/// Whether Azure could have made the KEK.
fn suits(kek: &Attributes) -> Result<()> {
    let number = |cka| kek.bytes(cka).unwrap_or_default();
    Kek::new(number(CKA_MODULUS), number(CKA_PUBLIC_EXPONENT))
        .and_then(|kek| AZURE.fits(&kek))
        .map_err(|e| Error::WrappingKeySizeRange.because(e))
}

/// The type of key that Azure knows `key` as, if it takes such keys.
fn importable(key: &Attributes) -> Option<Importable> {
    let bits = |cka| key.bytes(cka).map(|number| number.len() * 8);
    let is = |wanted: &Importable| match (key.ulong(CKA_KEY_TYPE), *wanted) {
        (Some(CKK_RSA), Importable::Rsa { bits: wanted }) => bits(CKA_MODULUS) == Some(wanted),
        (Some(CKK_EC), Importable::Ec { curve }) => key.bytes(CKA_EC_PARAMS) == Some(curve.oid()),
        (Some(CKK_AES), Importable::Aes { bits }) => {
            key.ulong(CKA_VALUE_LEN).and_then(|len| usize::try_from(len).ok()) == Some(bits / 8)
        }
        _ => false,
    };
    Importable::ALL.into_iter().find(is)
}
