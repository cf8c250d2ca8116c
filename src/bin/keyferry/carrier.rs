//! Keys that carry other keys: with which mechanisms they should, and what is wrong with one in the token.
//!
//! The user of a token may try things with a KEK. One that can do anything else gives the keys away that it carries:
//! it decrypts or signs what it should unwrap. So does one that unwraps with a mechanism that does not tell a whole
//! key from a damaged one.
use crate::kind::Kind;
use crate::objects::Flag;
use crate::output::Fault;
use keyferry::ck::*;
use keyferry::client::{Right, Session, known};
use keyferry::mechanism::Mechanism;

/// Mechanisms that notice when what they unwrap was changed, and that no other use of the key undermines.
const STRICT: [CK_MECHANISM_TYPE; 9] = [
    CKM_RSA_AES_KEY_WRAP,
    CKM_KEYFERRY_AZURE_BYOK,
    CKM_RSA_PKCS_OAEP,
    CKM_AES_KEY_WRAP,
    CKM_AES_KEY_WRAP_KWP,
    CKM_AES_KEY_WRAP_PAD,
    CKM_ECDH_AES_KEY_WRAP,
    CKM_ECDH_X_AES_KEY_WRAP,
    CKM_ECDH_COF_AES_KEY_WRAP,
];

/// The least that a KEK demands of keys that it unwraps.
pub const HIDDEN: Flag = (CKA_SENSITIVE, true);

/// Returns the mechanisms of a new KEK that the token unwraps with; none if it has none. Never OAEP together with
/// `CKM_RSA_AES_KEY_WRAP`: it would open the AES key of a blob alone.
pub fn mechanisms(session: &Session, kind: &Kind, oaep: bool) -> Vec<CK_MECHANISM_TYPE> {
    let wanted: &[CK_MECHANISM_TYPE] = match kind {
        Kind::Rsa(_) if oaep => &[CKM_RSA_PKCS_OAEP],
        Kind::Rsa(_) => &[CKM_RSA_AES_KEY_WRAP, CKM_KEYFERRY_AZURE_BYOK],
        _ => &[CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP],
    };
    let unwraps = |ckm: &CK_MECHANISM_TYPE| {
        session.module().has_mechanism(session.slot(), *ckm, CKF_WRAP | CKF_UNWRAP)
    };
    // the vendor's mechanism makes packages of what the standard's wraps
    match wanted.first().is_some_and(unwraps) {
        true => wanted.iter().copied().filter(unwraps).collect(),
        false => Vec::new(),
    }
}

/// The name of a mechanism, or its number.
pub fn name(ckm: CK_MECHANISM_TYPE) -> String {
    Mechanism::of(ckm).map_or_else(|_| format!("0x{ckm:X}"), |row| row.name.to_owned())
}

/// The names of mechanisms, in one line.
pub fn names(mechanisms: &[CK_MECHANISM_TYPE]) -> String {
    mechanisms.iter().map(|ckm| name(*ckm)).collect::<Vec<String>>().join(", ")
}

/// Returns `CKA_ALLOWED_MECHANISMS`; `None` if the key has none or does not show them.
pub fn allowed(session: &Session, key: CK_OBJECT_HANDLE) -> Option<Vec<CK_MECHANISM_TYPE>> {
    let list = session.attribute(key, CKA_ALLOWED_MECHANISMS).ok().flatten()?;
    let number = |bytes: &[u8]| bytes.first_chunk().copied().map(CK_ULONG::from_ne_bytes);
    Some(list.chunks_exact(size_of::<CK_ULONG>()).filter_map(number).collect())
}

/// Returns the truth values in `CKA_UNWRAP_TEMPLATE`; `None` if the key has none or does not show it.
pub fn lets_in(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Option<Vec<Flag>>, Fault> {
    Ok(known(session.nested_flags(key, CKA_UNWRAP_TEMPLATE))?.flatten())
}

/// Says what is wrong with a key that carries keys; nothing of a key that carries none.
pub fn objections(session: &Session, key: CK_OBJECT_HANDLE) -> Result<Vec<String>, Fault> {
    let class = known(session.number(key, CKA_CLASS))?.flatten().unwrap_or(CKO_PRIVATE_KEY);
    let (mut carries, mut unwraps) = (false, false);
    let mut others = Vec::new();
    for right in Right::of(class) {
        let has = known(session.flag(key, right.cka))?.flatten() == Some(true);
        match right.cka {
            CKA_UNWRAP => unwraps |= has,
            CKA_WRAP => carries |= has,
            _ if has => others.push(right.name),
            _ => {}
        }
    }
    if !carries && !unwraps {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if !others.is_empty() {
        let others = others.join(", ");
        found.push(format!("it carries keys and may do more, which may give them away: {others}"));
    }
    if class != CKO_PUBLIC_KEY {
        found.extend(loose(allowed(session, key).as_deref()));
    }
    let hides = || lets_in(session, key).map(|rule| rule.unwrap_or_default().contains(&HIDDEN));
    if unwraps && !hides()? {
        found.push(
            "a key that it unwraps can be read, since no CKA_UNWRAP_TEMPLATE demands CKA_SENSITIVE"
                .to_owned(),
        );
    }
    Ok(found)
}

/// Says what is wrong with the mechanisms that a key may be used with.
fn loose(allowed: Option<&[CK_MECHANISM_TYPE]>) -> Option<String> {
    let Some(allowed) = allowed.filter(|allowed| !allowed.is_empty()) else {
        return Some(
            "it may unwrap with every mechanism of its type, those with padding or a key stream included (no \
             CKA_ALLOWED_MECHANISMS)"
                .to_owned(),
        );
    };
    let loose: Vec<CK_MECHANISM_TYPE> =
        allowed.iter().copied().filter(|ckm| !STRICT.contains(ckm)).collect();
    if !loose.is_empty() {
        let names = names(&loose);
        return Some(format!("it may unwrap with mechanisms that notice no change: {names}"));
    }
    let both = [CKM_RSA_PKCS_OAEP, CKM_RSA_AES_KEY_WRAP].iter().all(|ckm| allowed.contains(ckm));
    both.then(|| {
        "it may unwrap with CKM_RSA_PKCS_OAEP, which opens the AES key of a CKM_RSA_AES_KEY_WRAP blob alone".to_owned()
    })
}

/// What to do about the objections of [`objections`].
pub const INSTEAD: &str = "`keyferry kek generate` makes a KEK that unwraps and does nothing else";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_that_give_keys_away_are_told() {
        for (allowed, part) in [
            (None, Some("every mechanism")),
            (Some(&[][..]), Some("every mechanism")),
            (Some(&[CKM_AES_KEY_WRAP, CKM_AES_CBC_PAD][..]), Some(": CKM_AES_CBC_PAD")),
            (Some(&[CKM_AES_CTR][..]), Some(": CKM_AES_CTR")),
            (Some(&[CKM_RSA_PKCS][..]), Some(": CKM_RSA_PKCS")),
            (Some(&[CKM_RSA_AES_KEY_WRAP, CKM_RSA_PKCS_OAEP][..]), Some("AES key of a")),
            (Some(&[CKM_RSA_PKCS_OAEP][..]), None),
            (Some(&[CKM_RSA_AES_KEY_WRAP, CKM_KEYFERRY_AZURE_BYOK][..]), None),
            (Some(&[CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP][..]), None),
        ] {
            let said = loose(allowed);
            assert_eq!(said.is_some(), part.is_some(), "{allowed:?}");
            assert!(said.unwrap_or_default().contains(part.unwrap_or_default()), "{allowed:?}");
        }
    }
}
