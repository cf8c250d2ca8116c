//! Kinds of keys: what `--type` can say, what a token's objects are, what clouds know them as.
use crate::usage::Usage;
use keyferry::byok::kek::EXPONENT;
use keyferry::byok::target::{Curve, Target};
use keyferry::ck::*;
use keyferry::client::Session;
use std::str::FromStr;

/// A kind of key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA of so many bits.
    Rsa(usize),
    /// On a curve.
    Ec(Curve),
    /// AES of so many bits.
    Aes(usize),
    /// A generic secret of so many bits.
    Secret(usize),
    /// Something that keyferry does not generate: its name.
    Other(String),
}

/// What `--type` can say, besides `secret-N`.
static NAMED: [(&str, Kind); 11] = [
    ("rsa-2048", Kind::Rsa(2048)),
    ("rsa-3072", Kind::Rsa(3072)),
    ("rsa-4096", Kind::Rsa(4096)),
    ("rsa-8192", Kind::Rsa(8192)),
    ("p-256", Kind::Ec(Curve::P256)),
    ("p-384", Kind::Ec(Curve::P384)),
    ("p-521", Kind::Ec(Curve::P521)),
    ("p-256k", Kind::Ec(Curve::P256K)),
    ("aes-128", Kind::Aes(128)),
    ("aes-192", Kind::Aes(192)),
    ("aes-256", Kind::Aes(256)),
];

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Kind, String> {
        if let Some((_, kind)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(kind.clone());
        }
        let bits = text.strip_prefix("secret-").and_then(|bits| bits.parse().ok());
        match bits {
            Some(bits) if bits > 0 && bits % 8 == 0 => Ok(Kind::Secret(bits)),
            _ => {
                let names = NAMED.iter().map(|(name, _)| *name).collect::<Vec<&str>>();
                Err(format!(
                    "choose {}, or secret-N with N bits, a multiple of 8",
                    names.join(", ")
                ))
            }
        }
    }
}

impl Kind {
    /// `RSA-2048`, `P-256`, `AES-128`, `secret-160`.
    pub fn name(&self) -> String {
        match self {
            Kind::Rsa(bits) => format!("RSA-{bits}"),
            Kind::Ec(curve) => curve.name().to_owned(),
            // some modules do not say how long an unwrapped key is
            Kind::Aes(0) => "AES".to_owned(),
            Kind::Secret(0) => "secret".to_owned(),
            Kind::Aes(bits) => format!("AES-{bits}"),
            Kind::Secret(bits) => format!("secret-{bits}"),
            Kind::Other(name) => name.clone(),
        }
    }

    /// What clouds know it as, if any does.
    pub fn target(&self) -> Option<Target> {
        Some(match *self {
            Kind::Rsa(bits) => Target::Rsa { bits },
            Kind::Ec(curve) => Target::Ec { curve },
            Kind::Aes(bits) => Target::Aes { bits },
            Kind::Secret(bits) => Target::Secret { bits },
            Kind::Other(_) => return None,
        })
    }

    /// The kind of a target.
    pub fn of_target(target: Target) -> Kind {
        match target {
            Target::Rsa { bits } => Kind::Rsa(bits),
            Target::Ec { curve } => Kind::Ec(curve),
            Target::Aes { bits } => Kind::Aes(bits),
            Target::Secret { bits } => Kind::Secret(bits),
        }
    }

    /// Whether it comes as a pair.
    pub fn is_pair(&self) -> bool {
        matches!(self, Kind::Rsa(_) | Kind::Ec(_))
    }

    /// `CKA_KEY_TYPE`
    pub fn key_type(&self) -> CK_KEY_TYPE {
        match self {
            Kind::Rsa(_) => CKK_RSA,
            Kind::Ec(_) => CKK_EC,
            Kind::Aes(_) => CKK_AES,
            Kind::Secret(_) | Kind::Other(_) => CKK_GENERIC_SECRET,
        }
    }

    /// What it can be used for if the user does not say: of a pair, the private key's uses.
    pub fn usages(&self) -> &'static [Usage] {
        match self {
            Kind::Rsa(_) => &[Usage::Sign, Usage::Decrypt],
            Kind::Ec(_) | Kind::Secret(_) | Kind::Other(_) => &[Usage::Sign],
            Kind::Aes(_) => &[Usage::Encrypt, Usage::Decrypt],
        }
    }
}

/// Types of secrets that name the hash they are for; their values are generic secrets.
const HMAC: [CK_KEY_TYPE; 5] =
    [CKK_SHA_1_HMAC, CKK_SHA224_HMAC, CKK_SHA256_HMAC, CKK_SHA384_HMAC, CKK_SHA512_HMAC];

/// The kind of a key object.
pub fn of(session: &Session, key: CK_OBJECT_HANDLE) -> keyferry::client::Result<Kind> {
    let key_type = session.number(key, CKA_KEY_TYPE)?.unwrap_or(CK_UNAVAILABLE_INFORMATION);
    let secret_bits = || -> keyferry::client::Result<usize> {
        let len = session.number(key, CKA_VALUE_LEN)?.unwrap_or_default();
        Ok(usize::try_from(len).unwrap_or_default().saturating_mul(8))
    };
    Ok(match key_type {
        CKK_RSA => {
            let modulus = session.attribute(key, CKA_MODULUS)?.unwrap_or_default();
            Kind::Rsa(bits_of(&modulus))
        }
        CKK_EC => {
            let oid = session.attribute(key, CKA_EC_PARAMS)?.unwrap_or_default();
            Curve::of_oid(&oid).map_or_else(
                || Kind::Other(format!("EC on another curve ({})", hex(&oid))),
                Kind::Ec,
            )
        }
        CKK_AES => Kind::Aes(secret_bits()?),
        CKK_GENERIC_SECRET => Kind::Secret(secret_bits()?),
        _ if HMAC.contains(&key_type) => Kind::Secret(secret_bits()?),
        other => Kind::Other(format!("key type 0x{other:X}")),
    })
}

fn bits_of(number: &[u8]) -> usize {
    keyferry::byok::kek::Kek::new(number, &EXPONENT).map_or(0, |kek| kek.bits())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_a_kind_and_back() {
        for target in Target::ALL {
            let kind: Kind = target.name().to_lowercase().parse().unwrap();
            assert_eq!(kind.target(), Some(target));
            assert_eq!(kind, Kind::of_target(target));
        }
        assert_eq!(Kind::Other("another".to_owned()).target(), None);
        assert_eq!("secret-160".parse(), Ok(Kind::Secret(160)));
        for wrong in ["secret-7", "secret-0", "rsa-1024", "secret", "P-256"] {
            assert!(wrong.parse::<Kind>().is_err(), "{wrong}");
        }
    }
}
