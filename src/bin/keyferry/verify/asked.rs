//! What was asked for, against what a file says of itself: the KEK's name, the hash, the type.
use super::checks::Checks;
use crate::kind::Kind;
use crate::whom::{Party, Whom};
use keyferry::byok::azure::Kid;
use keyferry::byok::cloud::{Form, hash_name};
use keyferry::byok::file::{BlobFile, Request};
use keyferry::byok::target::Target;
use keyferry::crypto::hash::Hash;

/// Whether the file names this KEK. That of `--kid`, `is_asked`, must be there to compare with.
pub fn kid(checks: &mut Checks, file: &BlobFile, kid: Option<&Kid>, is_asked: bool) {
    const NAME: &str = "kid of the KEK";
    let named = file.package.as_ref().map(|package| &package.kid);
    match (named, kid) {
        (Some(named), Some(kid)) if named != kid => checks.failed(
            NAME,
            format!("the KEK is {}, and the package names another; export the key again with this KEK", kid.as_str()),
        ),
        (Some(_), Some(_)) => checks.ok(NAME, "the one that the package names"),
        (None, Some(_)) if is_asked => checks.failed(
            NAME,
            format!(
                "a file of this form ({}) names no KEK, so --kid cannot be compared; leave --kid out",
                file.format.name()
            ),
        ),
        _ => {}
    }
}

/// The hashes that OAEP may have used: that which a release names, or else what was asked for.
pub fn hashes(checks: &mut Checks, whom: &Whom, party: Party, file: &BlobFile) -> Vec<Hash> {
    let Some(enc) = &file.enc else { return whom.hashes(party) };
    let says = |hash: &Hash| format!("{enc}: OAEP with {}", hash_name(*hash));
    checks.result("enc", whom.released(party, enc), says).into_iter().collect()
}

/// What the blob can hold and how, by its length, by what the file says and by what was asked for.
pub fn fits(
    checks: &mut Checks,
    party: Party,
    file: &BlobFile,
    kek_size: usize,
    kind: Option<&Kind>,
) -> Vec<(Target, Form)> {
    let mut fits = of_len(party, kek_size, file.blob.len());
    let wanted = kind.and_then(Kind::target);
    if let Some(wanted) = wanted {
        fits.retain(|(target, _)| is_like(*target, wanted));
    }
    match (&file.request, wanted) {
        (Some(request), Some(wanted)) if !may_be_for(request, wanted) => checks.failed(
            "type",
            format!(
                "the request is for {}, not for {} as was asked for; export the key again with --request",
                request.name(),
                wanted.name()
            ),
        ),
        (Some(request), _) => fits.retain(|(target, _)| request.is_for(*target)),
        _ => {}
    }
    if let Some(package) = file.package.as_ref().filter(|_| matches!(party, Party::Cloud(_))) {
        fits.retain(|(target, _)| target.goes_to(package.kid.service()));
    }
    fits
}

/// What the party takes of this length. A secret that OAEP has alone shows its own only when it is out.
fn of_len(party: Party, kek_size: usize, len: usize) -> Vec<(Target, Form)> {
    let mut fits = party.fits(kek_size, len);
    if matches!(party, Party::Custom) && len == kek_size {
        let secrets = (8..=kek_size * 8).step_by(8).map(|bits| Target::Secret { bits });
        fits.extend(secrets.map(|target| (target, Form::Oaep)));
    }
    fits
}

fn may_be_for(request: &Request, wanted: Target) -> bool {
    Target::ALL.into_iter().any(|target| request.is_for(target) && is_like(target, wanted))
}

/// Whether they are the same, as far as a wrapped key shows: of a secret, that is its length.
pub fn is_like(one: Target, other: Target) -> bool {
    let secret = secret_bits(one);
    one == other || secret.is_some() && secret == secret_bits(other)
}

/// Bits of a secret key; nothing of any other.
pub fn secret_bits(target: Target) -> Option<usize> {
    match target {
        Target::Aes { bits } | Target::Secret { bits } => Some(bits),
        Target::Rsa { .. } | Target::Ec { .. } => None,
    }
}
