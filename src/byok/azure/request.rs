//! The body of Azure's import request (`PUT https://<vault>/keys/<name>`), for those who import with
//! a program of their own: the package, and what the package does not say of the key.
use super::{Malformed, malformed};
use crate::byok::target::{Curve, Target};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;

/// What a type of key is in a request.
struct Kind {
    kty: &'static str,
    crv: Option<&'static str>,
    /// What it can be used for.
    ops: &'static [&'static str],
    /// What it is used for if nobody says.
    usual: &'static [&'static str],
}

/// `None` for a type that Azure does not take.
fn kind(target: Target) -> Option<Kind> {
    let signs: &[&str] = &["sign", "verify"];
    let ciphers: &[&str] = &["encrypt", "decrypt", "wrapKey", "unwrapKey"];
    let all: &[&str] = &["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"];
    Some(match target {
        Target::Rsa { .. } => Kind { kty: "RSA-HSM", crv: None, ops: all, usual: signs },
        Target::Ec { curve } => {
            Kind { kty: "EC-HSM", crv: Some(curve.name()), ops: signs, usual: signs }
        }
        Target::Aes { .. } => {
            Kind { kty: "oct-HSM", crv: None, ops: ciphers, usual: &["encrypt", "decrypt"] }
        }
        Target::Secret { .. } => return None,
    })
}

fn secret() -> Malformed {
    malformed("Azure takes no generic secrets; generate an AES key instead")
}

/// The operations that an imported key is for: those asked for, or else the usual ones of its type.
pub fn ops(target: Target, asked: &[String]) -> Result<Vec<String>, Malformed> {
    let kind = kind(target).ok_or_else(secret)?;
    match asked.iter().find(|op| !kind.ops.contains(&op.as_str())) {
        Some(wrong) => Err(malformed(format!(
            "in Azure, a key of the type {} is not for \"{wrong}\"; choose from {}",
            kind.kty,
            kind.ops.join(", ")
        ))),
        None if asked.is_empty() => Ok(kind.usual.iter().map(|op| (*op).to_owned()).collect()),
        None => Ok(asked.to_vec()),
    }
}

/// A key of each type and curve.
const TARGETS: [Target; 6] = [
    Target::Rsa { bits: 2048 },
    Target::Ec { curve: Curve::P256 },
    Target::Ec { curve: Curve::P384 },
    Target::Ec { curve: Curve::P521 },
    Target::Ec { curve: Curve::P256K },
    Target::Aes { bits: 256 },
];

/// Whether a request that says this is for a key of this type.
pub fn is_for(target: Target, kty: &str, crv: Option<&str>) -> bool {
    kind(target).is_some_and(|kind| kind.kty == kty && kind.crv == crv)
}

/// Whether Azure could take what a request says of its key; says what it should be.
pub fn check(kty: &str, crv: Option<&str>, ops: &[String]) -> Result<(), Malformed> {
    const AGAIN: &str = "; export the key again with --request";
    let said = |name: &str, value: &str| match value {
        "" => format!("{name} is missing"),
        value => format!("{name} is \"{value}\""),
    };
    let of_type =
        || TARGETS.into_iter().filter(|target| kind(*target).is_some_and(|kind| kind.kty == kty));
    let curves: Vec<&str> = of_type().filter_map(|target| kind(target)?.crv).collect();
    let found = of_type().find(|target| is_for(*target, kty, crv));
    match (found, crv) {
        (Some(target), _) => self::ops(target, ops).map(drop),
        (None, _) if of_type().next().is_none() => Err(malformed(format!(
            "{}, and Azure imports RSA-HSM, EC-HSM and oct-HSM{AGAIN}",
            said("kty", kty)
        ))),
        (None, Some(crv)) if curves.is_empty() => Err(malformed(format!(
            "a key of the type {kty} has no crv, and this one has \"{crv}\"{AGAIN}"
        ))),
        (None, crv) => {
            let (last, others) = curves.split_last().unwrap_or((&"", &[]));
            Err(malformed(format!(
                "{}; a key of the type {kty} has {} or {last}{AGAIN}",
                said("crv", crv.unwrap_or_default()),
                others.join(", ")
            )))
        }
    }
}

/// The body: JSON, with the package's bytes as base64url in `key_hsm`.
pub fn body(target: Target, ops: &[String], package: &[u8]) -> Result<Vec<u8>, Malformed> {
    let kind = kind(target).ok_or_else(secret)?;
    let mut key = json!({
        "kty": kind.kty, "key_ops": ops, "key_hsm": Base64UrlUnpadded::encode_string(package),
    });
    if let (Some(crv), Some(members)) = (kind.crv, key.as_object_mut()) {
        members.insert("crv".to_owned(), crv.into());
    }
    let request = json!({ "key": key, "attributes": { "enabled": true } });
    // strings in objects always serialise
    Ok(serde_json::to_vec(&request).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn made(target: Target, asked: &[&str]) -> Value {
        let asked: Vec<String> = asked.iter().map(|op| (*op).to_owned()).collect();
        let ops = ops(target, &asked).unwrap();
        serde_json::from_slice(&body(target, &ops, b"{\"a\":\"\xC3\xBF\"}").unwrap()).unwrap()
    }

    #[test]
    fn bodies_are_what_azure_documents() {
        let rsa = made(Target::Rsa { bits: 3072 }, &["wrapKey", "unwrapKey"]);
        let wanted = json!({
            "key": {"kty": "RSA-HSM", "key_ops": ["wrapKey", "unwrapKey"], "key_hsm": "eyJhIjoiw78ifQ"},
            "attributes": {"enabled": true},
        });
        assert_eq!(rsa, wanted);
        let ec = made(Target::Ec { curve: Curve::P256K }, &[]);
        assert_eq!((&ec["key"]["kty"], &ec["key"]["crv"]), (&json!("EC-HSM"), &json!("P-256K")));
        assert_eq!(ec["key"]["key_ops"], json!(["sign", "verify"]));
        let aes = made(Target::Aes { bits: 256 }, &[]);
        assert_eq!(aes["key"]["kty"], "oct-HSM");
        assert_eq!(aes["key"]["crv"], Value::Null);
    }

    #[test]
    fn operations_fit_the_type() {
        let curve = Curve::P256;
        let error = ops(Target::Ec { curve }, &["wrapKey".to_owned()]).unwrap_err();
        assert!(error.0.contains("EC-HSM is not for \"wrapKey\"; choose from sign, verify"));
        assert!(ops(Target::Secret { bits: 256 }, &[]).is_err());
    }
}
