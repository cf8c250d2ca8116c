//! The proof: throw-away keys under a throw-away KEK, with each hash, opened in software.
use crate::kek as keks;
use crate::kind::Kind;
use crate::objects;
use crate::opener::{Broken, Opener, hashes_name};
use crate::output::{Fault, clean, fault, table};
use crate::wish::{Leaving, Made, Wish};
use keyferry::byok::cloud::{AES_BITS, Form, hash_name};
use keyferry::byok::public::PublicKey;
use keyferry::byok::target::{Curve, Target};
use keyferry::ck::*;
use keyferry::client::{Error, Oaep, Profile, Session, Way};
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Bits of the throw-away KEK: the smallest that a cloud makes.
const KEK_BITS: usize = 2048;

/// A type of key that stands for the others of its family.
const TARGETS: [Target; 3] = [SECRET, EC, Target::Rsa { bits: 2048 }];
const SECRET: Target = Target::Aes { bits: 256 };
const EC: Target = Target::Ec { curve: Curve::P256 };

/// The other curves: tried where a module does not treat all types alike, for then it may not all curves.
const CURVES: [Curve; 3] = [Curve::P384, Curve::P521, Curve::P256K];

/// What became of one wrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The blob opens as it should, and holds the key.
    Opens,
    /// It opens with other hashes than were asked for.
    Used(Hash, Hash),
    /// The module refused, with this code.
    Refused(String),
    /// The module makes what no cloud opens, which showed before anything was wrapped: a sentence.
    Unusable(String),
    /// The module made something that is no such blob.
    Broken(&'static str),
    /// The module makes no such key, so nothing is known.
    Unknown,
}

/// One way with one profile, for each of the targets, in the order of [`Proofs::targets`].
pub struct Row {
    /// The way.
    pub way: Way,
    /// What was asked for.
    pub profile: Profile,
    /// What came of it.
    pub outcomes: Vec<(Target, Outcome)>,
}

/// Everything that was tried.
pub struct Proofs {
    /// Why the module takes no KEK, if it does not.
    pub no_kek: Option<String>,
    /// Each way and profile.
    pub rows: Vec<Row>,
    /// What was wrapped.
    targets: Vec<Target>,
}

/// What the attempts share.
struct Bench<'a> {
    session: &'a Session,
    opener: Opener,
    kek: CK_OBJECT_HANDLE,
    targets: Vec<(Target, Option<Specimen>)>,
}

/// A throw-away target.
struct Specimen {
    made: Made,
    public: Option<PublicKey>,
}

impl Proofs {
    /// Tries everything, with a key that is as the user's own, too. The objects it makes are of the session, and
    /// destroyed.
    pub fn make(session: &Session, own: Option<Target>) -> Result<Proofs, Fault> {
        let opener = Opener::make(KEK_BITS)?;
        let template = keks::template(opener.kek(), "keyferry doctor").flag(CKA_TOKEN, false);
        let kek = match session.create(&template) {
            Ok(kek) => kek,
            Err(error) => {
                let no_kek = Some(error.what());
                return Ok(Proofs { no_kek, rows: Vec::new(), targets: Vec::new() });
            }
        };
        let mut bench = Bench { session, opener, kek, targets: Vec::new() };
        let plan = bench.plan().into_iter();
        let row = |(way, profile)| Row { way, profile, outcomes: Vec::new() };
        let mut rows: Vec<Row> = plan.map(row).collect();
        // an RSA key takes long to make, and one stands for all sizes
        let own = own.filter(|own| !TARGETS.contains(own) && !matches!(own, Target::Rsa { .. }));
        bench.add(TARGETS.into_iter().chain(own), &mut rows);
        if own.is_none() && rows.iter().any(Row::is_uneven) {
            let missing = CURVES.map(|curve| Target::Ec { curve });
            bench.add(missing.into_iter(), &mut rows);
        }
        let targets = bench.targets.iter().map(|row| row.0).collect();
        bench.clear()?;
        Ok(Proofs { no_kek: None, rows, targets })
    }

    /// The curves that were tried.
    pub fn curves(&self) -> impl Iterator<Item = Curve> {
        self.targets.iter().filter_map(|target| match target {
            Target::Ec { curve } => Some(*curve),
            _ => None,
        })
    }

    /// Whether a key of just this type was wrapped, or could not be for a reason.
    pub fn has(&self, wanted: Target) -> bool {
        let outcomes = self.rows.iter().flat_map(|row| &row.outcomes);
        outcomes.into_iter().any(|row| row.0 == wanted && row.1 != Outcome::Unknown)
    }

    /// Whether a key of this type gets over so.
    pub fn outcomes(&self, way: Way, form: Form, hash: Hash) -> &[(Target, Outcome)] {
        let wanted = Profile { form, oaep: Oaep::of(hash), aes_bits: AES_BITS, target: None };
        let row = self.rows.iter().find(|row| row.way == way && row.profile == wanted);
        row.map(|row| row.outcomes.as_slice()).unwrap_or_default()
    }

    /// Whether anything at all opens.
    pub fn any_opens(&self) -> bool {
        let opens = |row: &Row| row.outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Opens);
        self.rows.iter().any(opens)
    }

    /// For people.
    pub fn text(&self) -> String {
        if let Some(why) = &self.no_kek {
            return format!(
                "The token takes no public key from outside, so nothing can be wrapped for a cloud: {why}\n"
            );
        }
        if self.rows.is_empty() {
            return "The token has no mechanism to prove.\n".to_owned();
        }
        let mut header = vec!["PROVED WITH".to_owned(), "HASH".to_owned(), "AES".to_owned()];
        header.extend(self.targets.iter().map(|target| target.name()));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut text = table(
            &header,
            &self.rows.iter().map(|row| row.cells(&self.targets)).collect::<Vec<_>>(),
        );
        for sentence in self.sentences() {
            text += &format!("unusable: {}\n", clean(sentence));
        }
        text
    }

    /// Why something is unusable, each reason once.
    fn sentences(&self) -> BTreeSet<&str> {
        let outcomes = self.rows.iter().flat_map(|row| &row.outcomes);
        outcomes
            .filter_map(|(_, outcome)| match outcome {
                Outcome::Unusable(sentence) => Some(sentence.as_str()),
                _ => None,
            })
            .collect()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        self.rows.iter().map(Row::json).collect()
    }
}

impl Row {
    /// Whether an EC key fares otherwise than a secret key.
    fn is_uneven(&self) -> bool {
        let of = |wanted| self.outcomes.iter().find(|row| row.0 == wanted).map(|row| &row.1);
        of(EC).is_some_and(|outcome| Some(outcome) != of(SECRET))
    }

    fn cells(&self, targets: &[Target]) -> Vec<String> {
        let aes = match self.profile.form {
            Form::RsaAes => self.profile.aes_bits.to_string(),
            Form::Oaep => "-".to_owned(),
        };
        let mut cells =
            vec![self.way.name().to_owned(), hash_name(self.profile.oaep.hash).to_owned(), aes];
        for target in targets {
            let outcome = self.outcomes.iter().find(|row| row.0 == *target);
            cells.push(outcome.map_or_else(|| "-".to_owned(), |row| row.1.text()));
        }
        cells
    }

    fn json(&self) -> Value {
        let results: serde_json::Map<String, Value> =
            self.outcomes.iter().map(|(target, outcome)| (target.name(), outcome.json())).collect();
        let aes_bits = (self.profile.form == Form::RsaAes).then_some(self.profile.aes_bits);
        json!({
            "mechanisms": self.way.name(), "steps": self.way.steps(), "hash": hash_name(self.profile.oaep.hash),
            "aes_bits": aes_bits, "results": results,
        })
    }
}

impl Outcome {
    /// For programs: as for people, and in full.
    fn json(&self) -> Value {
        match self {
            Outcome::Unusable(sentence) => sentence.as_str().into(),
            _ => self.text().into(),
        }
    }

    /// In few words.
    pub fn text(&self) -> String {
        match self {
            Outcome::Opens => "opens".to_owned(),
            Outcome::Used(hash, mgf) => format!("used {}", hashes_name((*hash, *mgf))),
            Outcome::Refused(code) => code.clone(),
            Outcome::Unusable(_) => "unusable".to_owned(),
            Outcome::Broken(what) => (*what).to_owned(),
            Outcome::Unknown => "no such key".to_owned(),
        }
    }
}

impl Bench<'_> {
    /// Every way that the token has, with every hash; smaller AES keys with one hash.
    fn plan(&self) -> Vec<(Way, Profile)> {
        let wraps = |ckm| self.session.module().has_mechanism(self.session.slot(), ckm, CKF_WRAP);
        let oaep = wraps(CKM_RSA_PKCS_OAEP);
        let mut ways = Vec::new();
        if wraps(CKM_RSA_AES_KEY_WRAP) {
            ways.push((Way::OneCall, Form::RsaAes));
        }
        for inner in [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD] {
            if oaep && wraps(inner) {
                ways.push((Way::TwoSteps(inner), Form::RsaAes));
            }
        }
        if oaep {
            ways.push((Way::Oaep, Form::Oaep));
        }
        let mut plan = Vec::new();
        for (way, form) in ways {
            let of = |hash, aes_bits| {
                (way, Profile { form, oaep: Oaep::of(hash), aes_bits, target: None })
            };
            plan.extend(oaep::Oaep::HASHES.map(|hash| of(hash, AES_BITS)));
            if form == Form::RsaAes {
                plan.extend([128, 192].map(|bits| of(Hash::Sha1, bits)));
            }
        }
        plan
    }

    /// Makes these, and tries each of them in every row.
    fn add(&mut self, targets: impl Iterator<Item = Target>, rows: &mut [Row]) {
        for target in targets {
            let specimen = specimen(self.session, target);
            for row in rows.iter_mut() {
                let Row { way, profile, .. } = row;
                // OAEP takes what is shorter than the KEK
                let is_secret = matches!(target, Target::Aes { .. } | Target::Secret { .. });
                if profile.form == Form::RsaAes || is_secret {
                    let outcome =
                        specimen.as_ref().map(|one| self.outcome(*way, profile, target, one));
                    row.outcomes.push((target, outcome.unwrap_or(Outcome::Unknown)));
                }
            }
            self.targets.push((target, specimen));
        }
    }

    fn outcome(&self, way: Way, profile: &Profile, target: Target, specimen: &Specimen) -> Outcome {
        let wanted = Profile { target: Some(target), ..profile.clone() };
        let blob = match self.session.transfer(way, &wanted, self.kek, specimen.made.key) {
            Ok(blob) => blob,
            Err(error) => return refusal(&error),
        };
        judged(&self.opener, &blob, &wanted, specimen.public.as_ref())
    }

    /// Leaves nothing behind, not even until the session ends.
    fn clear(self) -> Result<(), Fault> {
        let made = self.targets.iter().filter_map(|(_, specimen)| specimen.as_ref());
        let each = made.flat_map(|one| one.made.objects());
        for object in each.chain([self.kek]) {
            self.session.destroy(object).map_err(|e| {
                fault!(
                    "a throw-away key was not destroyed: {}; it went with the session: run the command again",
                    e.what()
                )
            })?;
        }
        Ok(())
    }
}

/// What a blob is that should be `wanted`.
fn judged(opener: &Opener, blob: &[u8], wanted: &Profile, public: Option<&PublicKey>) -> Outcome {
    match opener.open(blob, std::slice::from_ref(wanted)) {
        Ok(opened)
            if wanted.target.is_some_and(|target| !opened.is(target))
                || opened.public().as_ref() != public =>
        {
            Outcome::Broken("another key")
        }
        Ok(opened) if opened.aes_bits.is_some_and(|bits| bits != wanted.aes_bits) => {
            Outcome::Broken("another AES size")
        }
        Ok(_) => Outcome::Opens,
        Err(Broken::KeyPart) => Outcome::Broken("not RFC 5649"),
        Err(Broken::Oaep) => match opener.hashes_of(blob) {
            Some((hash, mgf)) => Outcome::Used(hash, mgf),
            None => Outcome::Broken("opens with nothing"),
        },
    }
}

fn refusal(error: &Error) -> Outcome {
    match error.code() {
        Some(code) => Outcome::Refused(code),
        None => Outcome::Unusable(error.to_string()),
    }
}

/// A throw-away key; `None` if the module makes none.
fn specimen(session: &Session, target: Target) -> Option<Specimen> {
    let kind = Kind::of_target(target);
    let usages = kind.usages();
    let wish = Wish {
        kind: &kind,
        label: "keyferry doctor",
        id: b"doctor",
        on_token: false,
        leaving: Leaving::May,
        usages,
        mechanisms: &[],
        lets_in: &[],
        trusted: false,
    };
    let made = wish.make(session).ok()?;
    let public = made.public.map(|public| objects::of(session, public, "the throw-away key"));
    match public.transpose() {
        Ok(public) => Some(Specimen { made, public }),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry::crypto::aes_kw::kwp_wrap;
    use keyferry::crypto::rsa::PublicKey as Rsa;

    /// A module that uses other hashes than it is asked for, and others that make something else.
    #[test]
    fn modules_that_do_something_else_are_found_out() {
        let opener = Opener::make(KEK_BITS).unwrap();
        let rsa = Rsa::new(opener.kek().modulus(), opener.kek().exponent()).unwrap();
        let made = |hash, mgf, aes: &[u8], key: &[u8]| {
            let oaep = oaep::Oaep { hash, mgf, label: Vec::new() };
            let mut blob = oaep::encrypt(&rsa, &oaep, aes).unwrap();
            blob.extend(kwp_wrap(aes, None, key).unwrap());
            blob
        };
        let target = Some(Target::Aes { bits: 256 });
        let oaep = Oaep::of(Hash::Sha256);
        let wanted = Profile { form: Form::RsaAes, oaep, aes_bits: AES_BITS, target };
        let (sha1, sha256) = (Hash::Sha1, Hash::Sha256);
        let mut damaged = made(sha256, sha256, &[1; 32], &[2; 32]);
        damaged[290] ^= 1;
        for (blob, outcome) in [
            (made(sha256, sha256, &[1; 32], &[2; 32]), Outcome::Opens),
            (made(sha1, sha1, &[1; 32], &[2; 32]), Outcome::Used(sha1, sha1)),
            (made(sha256, sha1, &[1; 32], &[2; 32]), Outcome::Used(sha256, sha1)),
            (made(sha256, sha256, &[1; 16], &[2; 32]), Outcome::Broken("another AES size")),
            (made(sha256, sha256, &[1; 32], &[2; 24]), Outcome::Broken("another key")),
            (damaged, Outcome::Broken("not RFC 5649")),
            (vec![1; 296], Outcome::Broken("opens with nothing")),
        ] {
            assert_eq!(judged(&opener, &blob, &wanted, None), outcome);
        }
        assert_eq!(Outcome::Used(sha256, sha1).text(), "used SHA-256 with MGF1-SHA-1");
    }
}
