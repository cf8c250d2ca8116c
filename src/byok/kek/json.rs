//! A KEK as JSON: a JWK, or what the command line of a cloud prints of one.
use super::{Kek, KekFile, Malformed, NOT_RSA, PRIVATE, again, forms, malformed};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Where clouds put PEM text: an import job of Google's, a wrapping key of HashiCorp's, of Oracle's.
const PEM_AT: [&str; 3] = ["/publicKey/pem", "/data/public_key", "/data/public-key"];

/// Where AWS puts a SubjectPublicKeyInfo in base64 (`GetParametersForImport`).
const DER_AT: &str = "/PublicKey";

/// Members of a JWK with private parts: RFC 7518 sections 6.2.2, 6.3.2 and 6.4.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Reads an object. What stands in it more than once, in whatever form, is one key.
pub(super) fn read(text: &[u8]) -> Result<KekFile, Malformed> {
    let Once(object) = serde_json::from_slice(text)
        .map_err(|e| again(&format!("the file cannot be read as JSON: {e}")))?;
    let of_keys = [Some(&object), object.get("key")].into_iter().flatten();
    if has_private(&object) || of_keys.clone().any(is_private_part) {
        return Err(malformed(PRIVATE));
    }
    let mut found = Vec::new();
    for pem in PEM_AT.iter().filter_map(|place| object.pointer(place)?.as_str()) {
        found.push(forms::read(pem.as_bytes())?.into());
    }
    if let Some(der) = object.pointer(DER_AT).and_then(Value::as_str) {
        let der = Base64::decode_vec(der).map_err(|_| again("\"PublicKey\" is not base64"))?;
        found.push(forms::read(&der)?.into());
    }
    for jwk in of_keys.filter(|key| key.get("kty").is_some()) {
        found.push(of_jwk(jwk)?);
    }
    // the last one says most
    let file = found.pop().ok_or_else(|| {
        malformed("the JSON holds no public key; give a JWK, or what `az keyvault key show` prints")
    })?;
    match found.iter().all(|other| other.kek == file.kek) {
        true => Ok(file),
        false => Err(malformed(
            "the JSON holds several keys that are not the same; give a file with the KEK's public key alone",
        )),
    }
}

/// Whether a private key stands anywhere in it: a JWK with private parts, or PEM.
fn has_private(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            value.get("kty").is_some() && is_private_part(value)
                || members.values().any(has_private)
        }
        Value::Array(values) => values.iter().any(has_private),
        Value::String(text) => forms::is_private(text.as_bytes()),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether an object has members of a private key. `az` leaves those that a key does not have as null.
fn is_private_part(object: &Value) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| object.get(member).is_some_and(|value| !value.is_null()))
}

/// RFC 7517. `az` writes `keyOps`.
fn of_jwk(jwk: &Value) -> Result<KekFile, Malformed> {
    if !matches!(jwk.get("kty").and_then(Value::as_str), Some("RSA" | "RSA-HSM")) {
        return Err(malformed(NOT_RSA));
    }
    let words = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
    };
    Ok(KekFile {
        kek: Kek::new(&number(jwk, "n")?, &number(jwk, "e")?)?,
        kid: jwk.get("kid").and_then(Value::as_str).map(str::to_owned),
        key_ops: ["key_ops", "keyOps"].iter().find_map(|name| jwk.get(name)).and_then(words),
    })
}

/// A number in base64url (RFC 7518 section 6.3.1), or in base64 as `az` prints it.
fn number(jwk: &Value, member: &str) -> Result<Vec<u8>, Malformed> {
    let text = jwk.get(member).and_then(Value::as_str);
    let text = text.ok_or_else(|| again(&format!("the JWK has no \"{member}\"")))?;
    let url: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    Base64UrlUnpadded::decode_vec(&url)
        .map_err(|_| again(&format!("the JWK's \"{member}\" is not base64url")))
}

/// JSON in which no object has a member twice: readers differ in which of the two counts (RFC 8259 section 4).
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Once, D::Error> {
        from.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Once(value))) = from.next_entry::<String, Once>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("it has \"{name}\" twice")));
            }
            members.insert(name, value);
        }
        Ok(members.into())
    }
}
