//! What tells a key from every other, without a byte of it: that labels and identifiers are the same does not
//! make two keys the same.
use super::which::Item;
use crate::kind::hex;
use crate::objects;
use crate::output::Fault;
use keyferry::byok::public::PublicKey;
use keyferry::ck::*;
use keyferry::client::{Session, Template};
use keyferry::crypto::hash::Hash;

/// The public half of a pair, as its SHA-256; or else what the module calls the object (`CKA_UNIQUE_ID`), or its
/// check value (`CKA_CHECK_VALUE`). None if the module gives nothing of that: then nobody can say whether two keys
/// are the same.
pub fn of(session: &Session, item: &Item) -> Result<Option<String>, Fault> {
    let given = |cka| -> Result<_, Fault> {
        Ok(session.attribute(item.object, cka)?.filter(|value| !value.is_empty()))
    };
    if let Some(spki) = given(CKA_PUBLIC_KEY_INFO)? {
        return Ok(Some(public(&hex(&Hash::Sha256.digest(&spki)))));
    }
    let half = |object| -> Option<PublicKey> { objects::of(session, object, "").ok() };
    if let Some(half) = half(item.object) {
        return Ok(Some(public(&half.fingerprint()?)));
    }
    for (cka, name) in [(CKA_UNIQUE_ID, "unique id"), (CKA_CHECK_VALUE, "check value")] {
        if let Some(value) = given(cka)? {
            return Ok(Some(format!("{name} {}", hex(&value))));
        }
    }
    // some modules keep a point with the public key alone
    let (key_type, id) = (session.number(item.object, CKA_KEY_TYPE)?, &item.id);
    let Some(key_type) = key_type.filter(|_| !id.is_empty()) else { return Ok(None) };
    let of_pair = Template::class(CKO_PUBLIC_KEY).ulong(CKA_KEY_TYPE, key_type).bytes(CKA_ID, id);
    match session.find(&of_pair)?.as_slice() {
        [one] => half(*one).map(|half| Ok(public(&half.fingerprint()?))).transpose(),
        _ => Ok(None),
    }
}

fn public(sha256: &str) -> String {
    format!("public key {sha256}")
}
