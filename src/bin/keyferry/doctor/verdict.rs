//! For each cloud: yes or no, and why.
use super::key::Examined;
use super::proof::{Outcome, Proofs};
use crate::whom::option_of;
use keyferry::byok::cloud::{CLOUDS, Cloud, Form, hash_name};
use keyferry::byok::target::{Curve, Target};
use keyferry::client::{Session, Way};
use keyferry::crypto::hash::Hash;
use serde_json::{Value, json};

/// What can be said of a cloud.
pub struct Verdict {
    /// The cloud.
    pub cloud: &'static Cloud,
    /// Whether it can be done.
    pub possible: bool,
    /// How, or why not.
    pub because: String,
}

pub const HEADER: [&str; 3] = ["CLOUD", "POSSIBLE", "BECAUSE"];

/// A verdict for each cloud.
pub fn all(session: &Session, proofs: &Proofs, key: Option<&Examined>) -> Vec<Verdict> {
    let of = |cloud: &&'static Cloud| {
        let (possible, because) = match judge(session, proofs, key, cloud) {
            Ok(how) => (true, how),
            Err(why) => (false, why),
        };
        Verdict { cloud, possible, because }
    };
    CLOUDS.iter().map(of).collect()
}

fn judge(
    session: &Session,
    proofs: &Proofs,
    key: Option<&Examined>,
    cloud: &'static Cloud,
) -> Result<String, String> {
    let Some(key) = key else {
        return with_any_key(session, proofs, cloud);
    };
    let taken =
        key.kind.target().and_then(|target| cloud.taken(target).map(|taken| (target, taken.form)));
    let (target, form) = taken.ok_or_else(|| {
        let (name, takes) = (key.kind.name(), cloud.takes());
        format!("it does not take {name} keys; it takes {takes}: generate one of these")
    })?;
    if let Some(blocked) = key.blocked() {
        return Err(blocked);
    }
    let is_proved = proofs.has(target);
    let matters = |shown| if is_proved { shown == target } else { alike(shown, target) };
    let how = how(session, proofs, cloud, form, &matters)?;
    let in_two_steps =
        matches!(Way::of(session.module(), session.slot(), form), Some(Way::TwoSteps(_)));
    Ok(match (key.trusted_only, in_two_steps) {
        (false, _) => how,
        (true, false) => format!("{how}, under a KEK that the SO trusts"),
        (true, true) => format!("{how}, under a KEK that the SO trusts, with --trust-step"),
    })
}

/// A key that stands for each family; curves are families of their own if several were tried.
fn families(proofs: &Proofs) -> Vec<(String, Target)> {
    let ec = |curve: Curve| (format!("{} keys", curve.name()), Target::Ec { curve });
    let mut curves: Vec<(String, Target)> = proofs.curves().map(ec).collect();
    if curves.len() < 2 {
        curves = vec![("EC keys".to_owned(), Target::Ec { curve: Curve::P256 })];
    }
    let rsa = [("RSA keys".to_owned(), Target::Rsa { bits: 2048 })];
    let secret = [("secret keys".to_owned(), Target::Aes { bits: 256 })];
    rsa.into_iter().chain(curves).chain(secret).collect()
}

/// Families that go the same way, or are in the same way, in one breath.
fn with_any_key(
    session: &Session,
    proofs: &Proofs,
    cloud: &'static Cloud,
) -> Result<String, String> {
    let mut good: Vec<(String, Vec<String>)> = Vec::new();
    let mut bad: Vec<(String, Vec<String>)> = Vec::new();
    for (name, target) in families(proofs) {
        let Some(taken) = cloud.taken(target) else { continue };
        let (rows, text) = match how(session, proofs, cloud, taken.form, &|shown| shown == target) {
            Ok(how) => (&mut good, how),
            Err(why) => (&mut bad, why),
        };
        match rows.iter_mut().find(|row| row.0 == text) {
            Some(row) => row.1.push(name),
            None => rows.push((text, vec![name])),
        }
    }
    let joined = |rows: &[(String, Vec<String>)], before: &str| -> String {
        let and = if before.is_empty() { "and" } else { "or" };
        let each =
            rows.iter().map(|(text, names)| format!("{before}{}: {text}", listed(names, and)));
        each.collect::<Vec<String>>().join("; ")
    };
    match (good.as_slice(), bad.as_slice()) {
        ([], [(why, _)]) => Err(why.clone()),
        ([], bad) => Err(joined(bad, "")),
        ([(how, _)], []) => Ok(how.clone()),
        (good, []) => Ok(joined(good, "")),
        (good, bad) => Ok(format!("{}; {}", joined(good, ""), joined(bad, "no "))),
    }
}

/// `a, b and c`
fn listed(names: &[String], and: &str) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} {and} {last}", first.join(", ")),
        names => names.concat(),
    }
}

/// Whether `shown` was proved in place of `wanted`.
fn alike(shown: Target, wanted: Target) -> bool {
    match (shown, wanted) {
        (Target::Rsa { .. }, Target::Rsa { .. }) | (Target::Ec { .. }, Target::Ec { .. }) => true,
        (Target::Aes { .. }, wanted) => {
            matches!(wanted, Target::Aes { .. } | Target::Secret { .. })
        }
        _ => false,
    }
}

/// What to do about a module that cannot.
const ANOTHER: &str = "use another module, such as keyferry's own";

/// With which of the cloud's hashes it works in the way that `export` takes.
fn how(
    session: &Session,
    proofs: &Proofs,
    cloud: &'static Cloud,
    form: Form,
    matters: &dyn Fn(Target) -> bool,
) -> Result<String, String> {
    if let Some(why) = &proofs.no_kek {
        return Err(format!("the token takes no KEK from outside: {why}; {ANOTHER}"));
    }
    let way = Way::of(session.module(), session.slot(), form).ok_or_else(|| match form {
        Form::RsaAes => format!(
            "the token has neither CKM_RSA_AES_KEY_WRAP nor the two steps in its place; {ANOTHER}"
        ),
        Form::Oaep => format!("the token does not wrap with CKM_RSA_PKCS_OAEP; {ANOTHER}"),
    })?;
    let outcome = |hash| worst(proofs.outcomes(way, form, hash), matters);
    let usual = cloud.usual_hash();
    let works = cloud.hashes.iter().map(|row| row.0).find(|hash| outcome(*hash) == Outcome::Opens);
    match works {
        Some(hash) if hash == usual => Ok(format!("{} with {}", way.steps(), hash_name(hash))),
        Some(hash) => Ok(format!(
            "{} with {} (--hash {}), not with the usual {}: {}",
            way.steps(),
            hash_name(hash),
            option_of(hash),
            hash_name(usual),
            said(&outcome(usual))
        )),
        None => Err(format!("{} {}; {ANOTHER}", way.name(), reasons(cloud, outcome))),
    }
}

/// The first thing that is wrong with the types that matter, if anything is.
fn worst(outcomes: &[(Target, Outcome)], matters: &dyn Fn(Target) -> bool) -> Outcome {
    let of = outcomes.iter().filter(|row| matters(row.0));
    let tried: Vec<&Outcome> =
        of.map(|row| &row.1).filter(|outcome| **outcome != Outcome::Unknown).collect();
    let bad = tried.iter().find(|outcome| ***outcome != Outcome::Opens);
    bad.or(tried.first()).map_or(Outcome::Unknown, |outcome| (*outcome).clone())
}

/// What is wrong with the cloud's hashes, each thing once.
fn reasons(cloud: &Cloud, outcome: impl Fn(Hash) -> Outcome) -> String {
    let tried = cloud.hashes.iter().map(|row| (hash_name(row.0), said(&outcome(row.0))));
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for (name, reason) in tried {
        if reasons.iter().all(|row| row.1 != reason) {
            reasons.push((name, reason));
        }
    }
    let each = reasons.iter().map(|(name, reason)| format!("{name}: {reason}"));
    each.collect::<Vec<String>>().join(", ")
}

/// An outcome as a reason.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Opens => "it opens".to_owned(),
        Outcome::Used(..) => format!("the module {}, whatever it is asked for", outcome.text()),
        Outcome::Refused(code) => format!("the module refuses it ({code})"),
        // what to do instead stands with the proof
        Outcome::Unusable(sentence) => sentence.split(';').next().unwrap_or_default().to_owned(),
        Outcome::Broken(what) => format!("what the module makes cannot be opened ({what})"),
        Outcome::Unknown => "the module makes no such key to try it with".to_owned(),
    }
}

impl Verdict {
    /// For people.
    pub fn cells(&self) -> Vec<String> {
        let possible = if self.possible { "yes" } else { "no" };
        vec![self.cloud.name.to_owned(), possible.to_owned(), self.because.clone()]
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "cloud": self.cloud.command, "possible": self.possible, "because": self.because })
    }
}
