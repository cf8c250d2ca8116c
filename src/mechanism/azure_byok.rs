//! `CKM_KEYFERRY_AZURE_BYOK`: [`CKM_RSA_AES_KEY_WRAP`](super::rsa_aes_key_wrap) straight into a
//! `.byok` file, for programs that can name a mechanism but not make the file.
use super::params::RsaAesKeyWrap;
use super::{Mechanism, Params, Wrap, rsa_aes_key_wrap};
use crate::byok::azure::{Kid, Package};
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

/// Sizes of RSA keys, KEKs and targets alike, that Azure takes, in bytes of the modulus.
const RSA_SIZES: [usize; 3] = [256, 384, 512];

fn len(_: &Params, kek: &Key, target: &Target) -> Result<usize> {
    importable(target.attributes())?;
    let blob = rsa_aes_key_wrap::wrapped_len(&RsaAesKeyWrap::AZURE, kek, target.len()?)?;
    if !RSA_SIZES.contains(&kek.rsa_public()?.size()) {
        return Err(
            Error::WrappingKeySizeRange.because("Azure has KEKs of 2048, 3072 and 4096 bits")
        );
    }
    Ok(Package::len_for(&kid(kek)?, GENERATOR, blob))
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

/// Whether Azure takes such a key: RSA of its sizes, its curves (all of this token's), AES.
fn importable(target: &Attributes) -> Result<()> {
    let takes = match target.ulong(CKA_KEY_TYPE) {
        Some(CKK_RSA) => target.bytes(CKA_MODULUS).is_some_and(|n| RSA_SIZES.contains(&n.len())),
        Some(CKK_EC | CKK_AES) => true,
        _ => false,
    };
    if takes {
        Ok(())
    } else {
        Err(Error::KeyNotWrappable.because("Azure does not take such a key"))
    }
}
