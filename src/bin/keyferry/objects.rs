//! The one object of a label, its public half, and whether a new object is what was asked for.
use crate::kind::{self, Kind};
use crate::output::{During, Fault, fault};
use keyferry::byok::kek::{EXPONENT, Kek};
use keyferry::byok::public::PublicKey;
use keyferry::ck::*;
use keyferry::client::{Session, Template};
use keyferry::object::attribute;

/// The one private or secret key of a label.
pub fn key(session: &Session, label: &str) -> Result<CK_OBJECT_HANDLE, Fault> {
    one(session, &[CKO_PRIVATE_KEY, CKO_SECRET_KEY], label, "private or secret key")
}

/// The one RSA private key of a label, and its public half: a KEK that can open.
pub fn opener(session: &Session, label: &str) -> Result<(CK_OBJECT_HANDLE, Kek), Fault> {
    let object = one(session, &[CKO_PRIVATE_KEY], label, "private key")?;
    if session.number(object, CKA_KEY_TYPE)? != Some(CKK_RSA) {
        return Err(fault!(
            "the private key \"{label}\" is not an RSA key, and every KEK is one; \
             `keyferry kek generate --label …` makes one"
        ));
    }
    if session.flag(object, CKA_UNWRAP)? == Some(false) {
        return Err(fault!(
            "the private key \"{label}\" may not unwrap (CKA_UNWRAP); \
             `keyferry kek generate --label …` makes one that may"
        ));
    }
    Ok((object, numbers(session, object).during(&format!("private key \"{label}\""))?))
}

/// The public numbers of a private RSA key. Modules need not keep the exponent with it; every KEK of ours has the usual
/// one.
pub fn numbers(session: &Session, object: CK_OBJECT_HANDLE) -> Result<Kek, Fault> {
    let exponent = session.attribute(object, CKA_PUBLIC_EXPONENT)?.unwrap_or_default();
    let exponent: &[u8] = if exponent.is_empty() { &EXPONENT } else { &exponent };
    let modulus = session.attribute(object, CKA_MODULUS)?.unwrap_or_default();
    Ok(Kek::new(&modulus, exponent)?)
}

/// Refuses a label that a key of the token has, of whatever class: labels are how a key is named later on.
pub fn check_free(session: &Session, token: &str, label: &str) -> Result<(), Fault> {
    match labelled(session, &[CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY], label)?.as_slice() {
        [] => Ok(()),
        _ => Err(fault!(
            "the token \"{token}\" has a key \"{label}\" already; choose another label or destroy that one"
        )),
    }
}

/// Refuses a name that is both that of a file, which is there, and that of keys of these classes in the token: a file
/// that somebody puts there takes no key's place.
pub fn not_both(session: &Session, classes: &[CK_OBJECT_CLASS], name: &str) -> Result<(), Fault> {
    match labelled(session, classes, name)?.as_slice() {
        [] => Ok(()),
        _ => Err(fault!(
            "both a file and a key in the token are named \"{name}\"; give ./{name} for the file, or move it away for \
             the one in the token"
        )),
    }
}

/// The public half of the keys of a label: of the public key, or else of the private one.
pub fn public(session: &Session, label: &str) -> Result<PublicKey, Fault> {
    let mut found = labelled(session, &[CKO_PUBLIC_KEY], label)?;
    if found.is_empty() {
        found = labelled(session, &[CKO_PRIVATE_KEY], label)?;
    }
    let object = match found.as_slice() {
        [object] => *object,
        [] => return Err(absent(label, "public or private key")),
        several => return Err(ambiguous(label, several.len(), "keys")),
    };
    of(session, object, &format!("the key \"{label}\""))
}

/// The public half of a public or private key.
pub fn of(session: &Session, object: CK_OBJECT_HANDLE, what: &str) -> Result<PublicKey, Fault> {
    let value = |cka| session.attribute(object, cka).map(Option::unwrap_or_default);
    match kind::of(session, object)? {
        Kind::Rsa(_) => {
            let kek = Kek::new(&value(CKA_MODULUS)?, &value(CKA_PUBLIC_EXPONENT)?);
            Ok(PublicKey::Rsa(kek.during(what)?))
        }
        Kind::Ec(curve) => PublicKey::of_point(curve, &value(CKA_EC_POINT)?).during(what),
        other => Err(fault!(
            "{what} is {}, and has no public half that can be written; choose an RSA key or one on P-256, P-384, P-521 or P-256K",
            other.name()
        )),
    }
}

/// An attribute and its truth value.
pub type Flag = (CK_ATTRIBUTE_TYPE, bool);

/// The name of the first of these attributes that is something else: some modules say yes and do
/// something else. What the object does not have counts as false.
pub fn differs(
    session: &Session,
    object: CK_OBJECT_HANDLE,
    asked: &[Flag],
) -> Result<Option<String>, Fault> {
    for (cka, is) in asked {
        if session.flag(object, *cka)?.unwrap_or(false) != *is {
            return Ok(Some(attribute::name(*cka)));
        }
    }
    Ok(None)
}

/// Destroys new objects of a label that are not to be kept, for this reason.
pub fn undone(
    session: &Session,
    objects: &[CK_OBJECT_HANDLE],
    label: &str,
    reason: Fault,
) -> Fault {
    let failed = objects.iter().filter_map(|object| session.destroy(*object).err()).next_back();
    match failed {
        None => reason,
        Some(error) => fault!(
            "{}; and it is still in the token as \"{label}\", because it was not destroyed ({error}): `keyferry key \
             destroy` may do it, or what the module's maker gives",
            reason.0
        ),
    }
}

/// The objects of a label and these classes.
pub fn labelled(
    session: &Session,
    classes: &[CK_OBJECT_CLASS],
    label: &str,
) -> Result<Vec<CK_OBJECT_HANDLE>, Fault> {
    let mut found = Vec::new();
    for class in classes {
        found.extend(session.find(&Template::class(*class).bytes(CKA_LABEL, label.as_bytes()))?);
    }
    Ok(found)
}

fn one(
    session: &Session,
    classes: &[CK_OBJECT_CLASS],
    label: &str,
    what: &str,
) -> Result<CK_OBJECT_HANDLE, Fault> {
    match labelled(session, classes, label)?.as_slice() {
        [object] => Ok(*object),
        [] => Err(absent(label, what)),
        several => Err(ambiguous(label, several.len(), &format!("{what}s"))),
    }
}

fn absent(label: &str, what: &str) -> Fault {
    fault!("the token has no {what} \"{label}\"; `keyferry key list` shows those it has")
}

fn ambiguous(label: &str, count: usize, what: &str) -> Fault {
    fault!(
        "the token has {count} {what} labelled \"{label}\", and the label alone does not say which; give each another, \
         with the tool that made them: `keyferry key show {label}` shows them"
    )
}
