//! Taking the key out: with the KEK's private half in software, or on a token, where it stays.
use super::asked::{is_like, secret_bits};
use super::checks::{Checks, OPENS};
use crate::carrier;
use crate::kind::{self, Kind};
use crate::objects::Flag;
use crate::opener::{Broken, Opened, Opener, hashes_name};
use crate::output::{Fault, fault};
use crate::usage::Usage;
use crate::whom::{Party, Whom};
use crate::wish::{Leaving, Wish};
use keyferry::byok::cloud::{AES_BITS, Form, hash_name};
use keyferry::byok::public::PublicKey;
use keyferry::byok::target::Target;
use keyferry::ck::*;
use keyferry::client::{Error, Mechanism, Profile, Session, Template, Way};
use keyferry::crypto::hash::Hash;
use keyferry::crypto::rsa::digest_info;
use keyferry::crypto::{self, Failed};
use keyferry::object::encode;

/// What is to be opened, and as what.
pub struct Asked<'a> {
    /// How it was wrapped, as far as it was said.
    pub whom: &'a Whom,
    /// Whom it is for.
    pub party: Party,
    /// The type that was asked for.
    pub kind: Option<&'a Kind>,
    /// The hashes that OAEP may have used, the likeliest first.
    pub hashes: &'a [Hash],
    /// The blob.
    pub blob: &'a [u8],
    /// What it can be.
    pub fits: &'a [(Target, Form)],
}

impl Asked<'_> {
    /// Every way in which it may have been wrapped.
    fn profiles(&self) -> Vec<Profile> {
        let mut forms: Vec<Form> = self.fits.iter().map(|(_, form)| *form).collect();
        forms.dedup();
        let of = |form: &Form| {
            self.hashes.iter().map(|hash| self.whom.profile(*form, *hash)).collect::<Vec<_>>()
        };
        forms.iter().flat_map(of).collect()
    }
}

/// With the private half in memory.
pub fn in_software(
    checks: &mut Checks,
    asked: &Asked<'_>,
    opener: &Opener,
    public: Option<&PublicKey>,
) {
    let opened = match opener.open(asked.blob, &asked.profiles()) {
        Ok(opened) => opened,
        Err(Broken::KeyPart) => {
            return checks.failed(
                OPENS,
                "the key part is damaged: the AES key does not open it (RFC 5649); export the key again",
            );
        }
        Err(Broken::Oaep) => return checks.failed(OPENS, not_opened(asked, opener)),
    };
    if opened
        .aes_bits
        .is_some_and(|bits| bits != AES_BITS && matches!(asked.party, Party::Cloud(_)))
    {
        return checks.failed(
            OPENS,
            format!("{}, and the clouds take AES-{AES_BITS}; export the key again", opened.how()),
        );
    }
    if let Some(bits) = asked.whom.aes().filter(|bits| opened.aes_bits != Some(*bits)) {
        return checks.failed(
            OPENS,
            format!(
                "{}, and not AES-{bits} as was asked for; wrap it with that, or leave --aes out",
                opened.how()
            ),
        );
    }
    checks.ok(OPENS, opened.how());
    check_type(checks, asked, &opened);
    if let Some(wanted) = public {
        compare(checks, wanted, opened.public().as_ref());
    }
}

/// Why the RSA part gives nothing: the wrong hash, or the wrong KEK.
fn not_opened(asked: &Asked<'_>, opener: &Opener) -> String {
    let oaep = |hash: Hash| asked.whom.profile(Form::RsaAes, hash).oaep;
    let hashes = asked.hashes.iter().copied().map(oaep);
    let wanted: Vec<(Hash, Hash)> = hashes.map(|oaep| (oaep.hash, oaep.mgf)).collect();
    match opener.hashes_of(asked.blob) {
        Some(used) if !wanted.contains(&used) => {
            let names = wanted.into_iter().map(hashes_name).collect::<Vec<_>>().join(", ");
            let expected = match asked.party {
                Party::Cloud(cloud) => format!("and {} opens {names}", cloud.name),
                Party::Custom => format!("not with {names} as expected"),
            };
            format!(
                "it was wrapped with {}, {expected}; wrap it with that hash, and if that was asked for already, with \
                 another module: `keyferry doctor` tells which hashes a module really uses",
                hashes_name(used)
            )
        }
        _ => "the RSA part does not open: it is damaged, or was made for another KEK; export the key again".to_owned(),
    }
}

/// Whether it is a sound key of a type that the length allows.
fn check_type(checks: &mut Checks, asked: &Asked<'_>, opened: &Opened) {
    let fits = asked.fits.iter().any(|(target, _)| opened.is(*target));
    match opened.kind() {
        Some(kind) if fits => checks.ok("key", described(&kind, opened.public().as_ref())),
        Some(kind) => {
            let why = match (asked.kind, asked.party) {
                (Some(wanted), _) if !wanted.is_pair() => {
                    format!("and not {} as was asked for; export the right key", wanted.name())
                }
                (_, Party::Cloud(cloud)) => {
                    format!("which {} does not take here; export another key", cloud.name)
                }
                (_, Party::Custom) => "and not what was asked for; export the right key".to_owned(),
            };
            checks.failed("key", format!("it is {}, {why}", kind.name()));
        }
        None => checks.failed(
            "key",
            "what comes out is no sound RSA or EC key in PKCS#8; export the key again",
        ),
    }
}

fn described(kind: &Kind, public: Option<&PublicKey>) -> String {
    match public.and_then(|public| public.fingerprint().ok()) {
        Some(fingerprint) => format!("{}, SHA-256 of its public half {fingerprint}", kind.name()),
        None => format!("{}, or a secret as long", kind.name()),
    }
}

fn compare(checks: &mut Checks, wanted: &PublicKey, found: Option<&PublicKey>) {
    match found {
        Some(found) if found == wanted => checks.ok("public half", "the same"),
        Some(_) => {
            checks.failed("public half", "it is another key than --public; export the right one")
        }
        None => checks
            .failed("public half", "it is a secret key and has no public half; leave --public out"),
    }
}

/// With the private half on a token; the key lives there for a moment, and stays there.
pub fn in_token(
    checks: &mut Checks,
    asked: &Asked<'_>,
    session: &Session,
    kek: (CK_OBJECT_HANDLE, usize),
    public: Option<&PublicKey>,
) -> Result<(), Fault> {
    // a secret's length shows only when it is out, so the first that fits stands for all of them
    let fits = |(target, _): &&(Target, Form)| public.is_none_or(|key| *target == key.target());
    let Some((target, form)) = asked.fits.iter().find(fits).copied() else {
        checks.failed("public half", "it is of another type than --public; export the right key");
        return Ok(());
    };
    let kind = asked.kind.cloned().unwrap_or_else(|| Kind::of_target(target));
    let way = way(session, form, asked.whom)?;
    let template = passing(&kind, carrier::lets_in(session, kek.0)?.as_deref());
    let mut last = None;
    for hash in asked.hashes {
        let profile = asked.whom.profile(form, *hash);
        match session.receive(way, &profile, kek, asked.blob, &template) {
            Ok(key) => {
                let how = format!("{}, in the token, OAEP with {}", way.name(), hash_name(*hash));
                checks.ok(OPENS, how);
                check_received(checks, asked.fits, &kind::of(session, key)?);
                return compare_in_token(checks, session, key, public);
            }
            Err(error) => last = Some(error),
        }
    }
    checks.failed(OPENS, refused(last.as_ref(), &kind));
    Ok(())
}

/// A key that goes with the session, and can do no more than show that it is the right one.
fn passing(kind: &Kind, rule: Option<&[Flag]>) -> Template {
    // a KEK with a template lets in the uses that open other keys only if the template names them
    let opens = [(Usage::Encrypt, CKA_ENCRYPT), (Usage::Decrypt, CKA_DECRYPT)];
    let named = |cka| rule.map_or(!kind.is_pair(), |rule| rule.contains(&(cka, true)));
    let opens = opens.into_iter().filter(|(_, cka)| named(*cka)).map(|(usage, _)| usage);
    let usages: Vec<Usage> =
        kind.is_pair().then_some(Usage::Sign).into_iter().chain(opens).collect();
    let (label, id) = ("keyferry verify", b"verify");
    Wish {
        kind,
        label,
        id,
        on_token: false,
        leaving: Leaving::MayNot,
        usages: &usages,
        mechanisms: &[],
        lets_in: &[],
        trusted: false,
    }
    .unwrapped()
}

/// How the token opens it. Only in one call it is told the size of the AES key, and can look at it.
fn way(session: &Session, form: Form, whom: &Whom) -> Result<Way, Fault> {
    match Way::into(session.module(), session.slot(), form) {
        Some(way) if way == Way::OneCall || whom.aes().is_none() => Ok(way),
        Some(_) => Err(fault!(
            "the token does not see the size of an AES key in what was wrapped so; leave --aes out, or open it with \
             --private instead"
        )),
        None => Err(fault!(
            "the token cannot unwrap what was wrapped so; open it with --private instead"
        )),
    }
}

/// Whether what the token says of the received key is one that fits: it was received as the first type of that length,
/// and is of the one that it is. A private key need not show its curve, and some modules do not say how long a secret is.
fn check_received(checks: &mut Checks, fits: &[(Target, Form)], found: &Kind) {
    let is = |target: Target| match found.target() {
        Some(found) if secret_bits(found) == Some(0) => secret_bits(target).is_some(),
        Some(found) => is_like(found, target),
        None => matches!(target, Target::Ec { .. }),
    };
    let fitting = fits.iter().map(|(target, _)| *target).filter(|target| is(*target));
    let names: Vec<String> = fitting.map(|target| target.name()).collect();
    match found {
        _ if names.is_empty() => checks.failed(
            "key",
            format!("it is {}, and not what was asked for; export the right key", found.name()),
        ),
        Kind::Other(_) => checks.ok("key", names.join(" or ")),
        _ => checks.ok("key", found.name()),
    }
}

/// Whether the received key is the one expected; then it goes.
fn compare_in_token(
    checks: &mut Checks,
    session: &Session,
    key: CK_OBJECT_HANDLE,
    public: Option<&PublicKey>,
) -> Result<(), Fault> {
    let proof = public.map(|public| prove(session, key, public));
    session.destroy(key)?;
    if let Some(proof) = proof {
        let same = |(): &()| "the same: what the key signs verifies with it".to_owned();
        checks.result("public half", proof, same);
    }
    Ok(())
}

fn refused(error: Option<&Error>, kind: &Kind) -> String {
    let why = error.map(Error::what).unwrap_or_default();
    format!(
        "the token makes no {} of it: {why}; it is damaged, or was made for another KEK or hash: export the key again",
        kind.name()
    )
}

/// The received key signs something new, which is verified in software.
fn prove(session: &Session, key: CK_OBJECT_HANDLE, public: &PublicKey) -> Result<(), Fault> {
    let another = |_| fault!("it is another key than --public; export the right one");
    let digest = crypto::random(32)
        .map_err(|Failed| fault!("the machine gives no random numbers; try again"))?;
    match public {
        PublicKey::Rsa(kek) => {
            let content = digest_info(Hash::Sha256, &digest);
            let signature = session.sign(&Mechanism::Plain(CKM_RSA_PKCS), key, &content)?;
            let public =
                crypto::rsa::PublicKey::new(kek.modulus(), kek.exponent()).map_err(another)?;
            public.verify_pkcs1(&content, &signature).map_err(another)
        }
        PublicKey::Ec { curve, point } => {
            let signature = session.sign(&Mechanism::Plain(CKM_ECDSA), key, &digest)?;
            let curve = encode::curve(curve.oid())
                .map_err(|_| fault!("the curve is unknown; leave --public out"))?;
            let public = crypto::ec::PublicKey::new(curve, point).map_err(another)?;
            public.verify(&digest, &signature).map_err(another)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry::byok::target::Curve;

    #[test]
    fn what_was_received_is_what_the_token_says() {
        let rsa = (Target::Rsa { bits: 2048 }, Form::RsaAes);
        let ec = |curve| (Target::Ec { curve }, Form::RsaAes);
        let both = [ec(Curve::P256), ec(Curve::P256K)];
        let hidden = || Kind::Other("EC".to_owned());
        for (fits, found, good) in [
            (&both[..], Kind::Ec(Curve::P256K), true),
            (&both[..1], Kind::Ec(Curve::P256K), false),
            (&both[..], hidden(), true),
            (&[rsa], hidden(), false),
            (&[rsa], Kind::Rsa(2048), true),
            (&[rsa], Kind::Rsa(2047), false),
            (&[(Target::Secret { bits: 256 }, Form::Oaep)], Kind::Aes(256), true),
        ] {
            let mut checks = Checks::default();
            check_received(&mut checks, fits, &found);
            assert_eq!(checks.are_good(), good, "{found:?}");
        }
    }
}
