//! For each cloud: yes or no, and why.
use super::key::Examined;
use super::proof::{Outcome, Proofs};
use keyferry::byok::cloud::{CLOUDS, Cloud, Form, hash_name};
use keyferry::byok::target::Target;
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
        format!("it does not take {} keys; it takes {}", key.kind.name(), cloud.takes())
    })?;
    if let Some(blocked) = key.blocked() {
        return Err(blocked);
    }
    let how = how(session, proofs, cloud, form, &|shown| alike(shown, target))?;
    Ok(if key.trusted_only { format!("{how}, under a KEK that the SO trusts") } else { how })
}

/// Private keys decide; where secret keys take another way, that is said besides.
fn with_any_key(
    session: &Session,
    proofs: &Proofs,
    cloud: &'static Cloud,
) -> Result<String, String> {
    let private = how(session, proofs, cloud, Form::RsaAes, &|_| true)?;
    if !cloud.takes.iter().any(|taken| taken.form == Form::Oaep) {
        return Ok(private);
    }
    Ok(match how(session, proofs, cloud, Form::Oaep, &|_| true) {
        Ok(secret) => format!("{private}; secret keys {secret}"),
        Err(why) => format!("{private}; but no secret keys: {why}"),
    })
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

/// With which of the cloud's hashes it works in the way that `export` takes.
fn how(
    session: &Session,
    proofs: &Proofs,
    cloud: &'static Cloud,
    form: Form,
    matters: &dyn Fn(Target) -> bool,
) -> Result<String, String> {
    if let Some(why) = &proofs.no_kek {
        return Err(format!("the token takes no KEK from outside ({why})"));
    }
    let way = Way::of(session.module(), session.slot(), form).ok_or_else(|| match form {
        Form::RsaAes => {
            "the token has neither CKM_RSA_AES_KEY_WRAP nor the two steps in its place".to_owned()
        }
        Form::Oaep => "the token does not wrap with CKM_RSA_PKCS_OAEP".to_owned(),
    })?;
    let outcome = |hash: Hash| -> Outcome {
        let of = proofs.outcomes(way, form, hash).iter().filter(|row| matters(row.0));
        let tried: Vec<&Outcome> =
            of.map(|row| &row.1).filter(|outcome| **outcome != Outcome::Unknown).collect();
        let bad = tried.iter().find(|outcome| ***outcome != Outcome::Opens);
        bad.or(tried.first()).map_or(Outcome::Unknown, |outcome| (*outcome).clone())
    };
    let usual = cloud.usual_hash();
    let works = cloud.hashes.iter().map(|row| row.0).find(|hash| outcome(*hash) == Outcome::Opens);
    match works {
        Some(hash) if hash == usual => Ok(format!("{} with {}", way.steps(), hash_name(hash))),
        Some(hash) => Ok(format!(
            "{} with {} (--hash {}), not with the usual {}: {}",
            way.steps(),
            hash_name(hash),
            hash_name(hash).replace('-', "").to_lowercase(),
            hash_name(usual),
            said(&outcome(usual))
        )),
        None => Err(format!("{} {}: {}", way.name(), hash_name(usual), said(&outcome(usual)))),
    }
}

/// An outcome as a reason.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Opens => "it opens".to_owned(),
        Outcome::Used(..) => format!("the module {}, whatever it is asked for", outcome.text()),
        Outcome::Refused(code) => format!("the module refuses it ({code})"),
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
