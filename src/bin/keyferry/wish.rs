//! Keys to generate: a kind, a label, uses, and whether they may leave.
use crate::dates::Dates;
use crate::kind::Kind;
use crate::objects::{self, Flag};
use crate::output::{During, Fault, fault};
use keyferry::byok::kek::EXPONENT;
use keyferry::ck::*;
use keyferry::client::{Mechanism, Session, Template};

/// A use of a key; of a pair, the other half gets the other side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
pub enum Usage {
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Wrap,
    Unwrap,
    Derive,
}

/// The attributes that a use needs: of a private key, of a public key, of a secret key.
type Needs = (
    Usage,
    &'static [CK_ATTRIBUTE_TYPE],
    &'static [CK_ATTRIBUTE_TYPE],
    &'static [CK_ATTRIBUTE_TYPE],
);

const NEEDS: [Needs; 7] = [
    (Usage::Sign, &[CKA_SIGN], &[CKA_VERIFY], &[CKA_SIGN, CKA_VERIFY]),
    (Usage::Verify, &[CKA_SIGN], &[CKA_VERIFY], &[CKA_VERIFY]),
    (Usage::Encrypt, &[CKA_DECRYPT], &[CKA_ENCRYPT], &[CKA_ENCRYPT]),
    (Usage::Decrypt, &[CKA_DECRYPT], &[CKA_ENCRYPT], &[CKA_DECRYPT]),
    (Usage::Wrap, &[CKA_UNWRAP], &[CKA_WRAP], &[CKA_WRAP]),
    (Usage::Unwrap, &[CKA_UNWRAP], &[CKA_WRAP], &[CKA_UNWRAP]),
    (Usage::Derive, &[CKA_DERIVE], &[], &[CKA_DERIVE]),
];

const USAGE_ATTRIBUTES: [CK_ATTRIBUTE_TYPE; 7] =
    [CKA_SIGN, CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE];

/// Whether a key may leave the token, wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// `CKA_EXTRACTABLE` TRUE
    May,
    /// The same, and `CKA_WRAP_WITH_TRUSTED` TRUE: only under a KEK that the SO trusts.
    UnderTrusted,
    /// `CKA_EXTRACTABLE` FALSE
    MayNot,
}

/// A key to generate.
#[derive(Debug)]
pub struct Wish<'a> {
    /// What kind of key.
    pub kind: &'a Kind,
    /// `CKA_LABEL`
    pub label: &'a str,
    /// `CKA_ID`
    pub id: &'a [u8],
    /// `CKA_TOKEN`
    pub on_token: bool,
    /// `CKA_EXTRACTABLE`
    pub leaving: Leaving,
    /// Its uses.
    pub usages: &'a [Usage],
}

/// A new key: the private or secret one, and the public one if it is a pair.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The private or secret key.
    pub key: CK_OBJECT_HANDLE,
    /// The public key.
    pub public: Option<CK_OBJECT_HANDLE>,
}

impl Made {
    /// Each object of it.
    pub fn objects(&self) -> impl Iterator<Item = CK_OBJECT_HANDLE> {
        [Some(self.key), self.public].into_iter().flatten()
    }
}

impl Wish<'_> {
    /// Generates it.
    pub fn make(&self, session: &Session) -> Result<Made, Fault> {
        self.make_for(session, &Dates::default())
    }

    /// Generates it, for some time. A module may say yes, and keep no dates or none that it can read again;
    /// then the key is not kept.
    pub fn make_for(&self, session: &Session, dates: &Dates) -> Result<Made, Fault> {
        let (private, public, secret) = self.needs();
        let public = dates.give(self.template(CKO_PUBLIC_KEY, &public));
        let private = dates.give(self.guarded(CKO_PRIVATE_KEY, &private));
        let secret = dates.give(self.guarded(CKO_SECRET_KEY, &secret));
        let one = |ckm, bits: usize| {
            let template = secret.ulong(CKA_VALUE_LEN, number(bits / 8));
            let key = session.generate(&Mechanism::Plain(ckm), &template);
            key.map(|key| Made { key, public: None })
        };
        let pair = |ckm, public: Template| {
            let pair = session.generate_pair(&Mechanism::Plain(ckm), &public, &private);
            pair.map(|(public, key)| Made { key, public: Some(public) })
        };
        let made = match self.kind {
            Kind::Aes(bits) => one(CKM_AES_KEY_GEN, *bits),
            Kind::Secret(bits) => one(CKM_GENERIC_SECRET_KEY_GEN, *bits),
            Kind::Ec(curve) => pair(CKM_EC_KEY_PAIR_GEN, public.bytes(CKA_EC_PARAMS, curve.oid())),
            Kind::Rsa(bits) => {
                let public = public.ulong(CKA_MODULUS_BITS, number(*bits));
                pair(CKM_RSA_PKCS_KEY_PAIR_GEN, public.bytes(CKA_PUBLIC_EXPONENT, &EXPONENT))
            }
            Kind::Other(name) => {
                return Err(fault!(
                    "the key \"{}\" was not generated: {name} is of no type that can be; choose another --type",
                    self.label
                ));
            }
        };
        let what = format!("the {} key \"{}\" was not generated", self.kind.name(), self.label);
        let made = made.during(&what)?;
        match self.prove_dates(session, &made, dates) {
            Ok(()) => Ok(made),
            Err(reason) => {
                let objects: Vec<CK_OBJECT_HANDLE> = made.objects().collect();
                Err(objects::undone(session, &objects, self.label, reason))
            }
        }
    }

    fn prove_dates(&self, session: &Session, made: &Made, dates: &Dates) -> Result<(), Fault> {
        if *dates == Dates::default() {
            return Ok(());
        }
        for object in made.objects() {
            let kept = Dates::of(session, object)?;
            if kept != *dates {
                let words = kept.words();
                return Err(fault!(
                    "the module did not keep the dates of the key \"{}\" (it gives: {}), so it is not kept; leave out \
                     --active-from and --active-until, or use a module that keeps dates, such as keyferry's own",
                    self.label,
                    if words.is_empty() { "none" } else { &words }
                ));
            }
        }
        Ok(())
    }

    /// What `C_UnwrapKey` makes of it: the private or secret key. Its size is in the wrapping.
    pub fn unwrapped(&self) -> Template {
        let (private, _, secret) = self.needs();
        match self.kind.is_pair() {
            true => self.guarded(CKO_PRIVATE_KEY, &private),
            false => self.guarded(CKO_SECRET_KEY, &secret),
        }
    }

    /// The truth values that [`Wish::unwrapped`] asks for.
    pub fn asked(&self) -> Vec<Flag> {
        let (private, _, secret) = self.needs();
        let uses = match self.kind.is_pair() {
            true => uses(CKO_PRIVATE_KEY, &private),
            false => uses(CKO_SECRET_KEY, &secret),
        };
        [(CKA_TOKEN, self.on_token)].into_iter().chain(self.guards()).chain(uses).collect()
    }

    /// Of a private or secret key.
    fn guarded(&self, class: CK_OBJECT_CLASS, needs: &[CK_ATTRIBUTE_TYPE]) -> Template {
        let guards = self.guards().into_iter();
        guards.fold(self.template(class, needs), |template, (cka, is)| template.flag(cka, is))
    }

    fn guards(&self) -> Vec<Flag> {
        let leaves = (CKA_EXTRACTABLE, self.leaving != Leaving::MayNot);
        let trusted = self.leaving == Leaving::UnderTrusted;
        let trusted = trusted.then_some((CKA_WRAP_WITH_TRUSTED, true));
        let guards = [(CKA_PRIVATE, true), (CKA_SENSITIVE, true), leaves];
        guards.into_iter().chain(trusted).collect()
    }

    fn template(&self, class: CK_OBJECT_CLASS, needs: &[CK_ATTRIBUTE_TYPE]) -> Template {
        let template = Template::class(class)
            .ulong(CKA_KEY_TYPE, self.kind.key_type())
            .flag(CKA_TOKEN, self.on_token)
            .bytes(CKA_LABEL, self.label.as_bytes())
            .bytes(CKA_ID, self.id);
        uses(class, needs).into_iter().fold(template, |template, (cka, is)| template.flag(cka, is))
    }

    fn needs(&self) -> (Vec<CK_ATTRIBUTE_TYPE>, Vec<CK_ATTRIBUTE_TYPE>, Vec<CK_ATTRIBUTE_TYPE>) {
        let mut needs = (Vec::new(), Vec::new(), Vec::new());
        for (_, private, public, secret) in NEEDS.iter().filter(|row| self.usages.contains(&row.0))
        {
            needs.0.extend_from_slice(private);
            needs.1.extend_from_slice(public);
            needs.2.extend_from_slice(secret);
        }
        needs
    }
}

/// Each use that a key of the class can have, and whether it is to have it.
fn uses(class: CK_OBJECT_CLASS, needs: &[CK_ATTRIBUTE_TYPE]) -> Vec<Flag> {
    let possible = |cka: &CK_ATTRIBUTE_TYPE| match class {
        CKO_PUBLIC_KEY => matches!(*cka, CKA_VERIFY | CKA_ENCRYPT | CKA_WRAP),
        CKO_PRIVATE_KEY => matches!(*cka, CKA_SIGN | CKA_DECRYPT | CKA_UNWRAP | CKA_DERIVE),
        _ => true,
    };
    let all = USAGE_ATTRIBUTES.into_iter().filter(possible);
    all.map(|cka| (cka, needs.contains(&cka))).collect()
}

fn number(value: usize) -> CK_ULONG {
    CK_ULONG::try_from(value).unwrap_or(CK_ULONG::MAX)
}
