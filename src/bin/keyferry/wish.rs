//! Keys to generate: a kind, a label, uses, and whether they may leave.
use crate::carrier;
use crate::dates::Dates;
use crate::kind::Kind;
use crate::objects::{self, Flag};
use crate::output::{Fault, fault};
use crate::usage::{Usage, needs};
use keyferry::byok::kek::EXPONENT;
use keyferry::ck::*;
use keyferry::client::{Error, Mechanism, Right, Session, Template};
use keyferry::object::attribute;

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
    /// `CKA_ALLOWED_MECHANISMS`; none if it is not limited to any.
    pub mechanisms: &'a [CK_MECHANISM_TYPE],
    /// `CKA_UNWRAP_TEMPLATE` of the key that unwraps; none if it lets in keys of every kind.
    pub lets_in: &'a [Flag],
    /// Marked by the SO, who makes it then (`CKA_TRUSTED`). The SO makes no private objects, so it is a public one.
    pub trusted: bool,
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
        let (private, public, secret) = needs(self.usages);
        let public = dates.give(self.template(CKO_PUBLIC_KEY, &public)).flag(CKA_PRIVATE, false);
        let private = dates.give(self.binding(self.guarded(CKO_PRIVATE_KEY, &private)));
        let secret = dates.give(self.binding(self.guarded(CKO_SECRET_KEY, &secret)));
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
        let made = made.map_err(|error| self.refused(&error))?;
        let proved = self.prove_rights(session, &made);
        let proved = proved.and_then(|()| self.prove_mechanisms(session, &made));
        let proved = proved.and_then(|()| self.prove_lets_in(session, &made));
        match proved.and_then(|()| self.prove_dates(session, &made, dates)) {
            Ok(()) => Ok(made),
            Err(reason) => {
                let objects: Vec<CK_OBJECT_HANDLE> = made.objects().collect();
                Err(objects::undone(session, &objects, self.label, reason))
            }
        }
    }

    /// Refuses a key that may do more than it was asked for, or is guarded less: some modules overlook attributes.
    fn prove_rights(&self, session: &Session, made: &Made) -> Result<(), Fault> {
        let (private, public, secret) = needs(self.usages);
        let own = match self.kind.is_pair() {
            true => (made.key, CKO_PRIVATE_KEY, private),
            false => (made.key, CKO_SECRET_KEY, secret),
        };
        let other = made.public.map(|object| (object, CKO_PUBLIC_KEY, public));
        let mut differs = None;
        for (object, class, granted) in [Some(own), other].into_iter().flatten() {
            let denied: Vec<Flag> = Right::granted(class, &granted).filter(|(_, is)| !is).collect();
            differs = differs.or(objects::differs(session, object, &denied)?);
        }
        for (cka, is) in self.guards().into_iter().filter(|(cka, _)| *cka != CKA_PRIVATE) {
            if session.flag(made.key, cka)? == Some(!is) {
                differs = differs.or(Some(attribute::name(cka)));
            }
        }
        match differs {
            None => Ok(()),
            Some(name) => Err(fault!(
                "the module made the key \"{}\" with other rights than it was asked to ({name}), so it is not kept; use \
                 another module, such as keyferry's own",
                self.label
            )),
        }
    }

    /// Refuses a key that is not limited to the mechanisms that were asked for.
    fn prove_mechanisms(&self, session: &Session, made: &Made) -> Result<(), Fault> {
        let sorted = |mut mechanisms: Vec<CK_MECHANISM_TYPE>| {
            mechanisms.sort_unstable();
            mechanisms
        };
        let wanted = sorted(self.mechanisms.to_vec());
        let kept = |object| carrier::allowed(session, object).map(sorted);
        if wanted.is_empty() || made.objects().all(|object| kept(object).as_ref() == Some(&wanted))
        {
            return Ok(());
        }
        Err(fault!(
            "the module did not keep the mechanisms that the key \"{}\" is limited to (CKA_ALLOWED_MECHANISMS), so it is \
             not kept; use another module, such as keyferry's own",
            self.label
        ))
    }

    /// Refuses a KEK without the template that was asked for: what it unwraps could be read.
    fn prove_lets_in(&self, session: &Session, made: &Made) -> Result<(), Fault> {
        let kept = carrier::lets_in(session, made.key)?.unwrap_or_default();
        match self.lets_in.iter().all(|flag| kept.contains(flag)) {
            true => Ok(()),
            false => Err(fault!(
                "the module did not keep the template for keys that the key \"{}\" unwraps (CKA_UNWRAP_TEMPLATE), so it \
                 is not kept; use another module, such as keyferry's own",
                self.label
            )),
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
        let (private, _, secret) = needs(self.usages);
        match self.kind.is_pair() {
            true => self.guarded(CKO_PRIVATE_KEY, &private),
            false => self.guarded(CKO_SECRET_KEY, &secret),
        }
    }

    /// The truth values that [`Wish::unwrapped`] asks for.
    pub fn asked(&self) -> Vec<Flag> {
        let (private, _, secret) = needs(self.usages);
        let (class, granted) = match self.kind.is_pair() {
            true => (CKO_PRIVATE_KEY, private),
            false => (CKO_SECRET_KEY, secret),
        };
        let rights = Right::granted(class, &granted);
        [(CKA_TOKEN, self.on_token)].into_iter().chain(self.guards()).chain(rights).collect()
    }

    /// Of a private or secret key.
    fn guarded(&self, class: CK_OBJECT_CLASS, needs: &[CK_ATTRIBUTE_TYPE]) -> Template {
        let guards = self.guards().into_iter();
        guards.fold(self.template(class, needs), |template, (cka, is)| template.flag(cka, is))
    }

    /// With what it demands of keys that it unwraps.
    fn binding(&self, template: Template) -> Template {
        if self.lets_in.is_empty() {
            return template;
        }
        let demand = Template::default();
        let demand = self.lets_in.iter().fold(demand, |demand, (cka, is)| demand.flag(*cka, *is));
        template.nested(CKA_UNWRAP_TEMPLATE, demand)
    }

    fn guards(&self) -> Vec<Flag> {
        let leaves = (CKA_EXTRACTABLE, self.leaving != Leaving::MayNot);
        let trusted = self.leaving == Leaving::UnderTrusted;
        let trusted = trusted.then_some((CKA_WRAP_WITH_TRUSTED, true));
        let marked = self.trusted.then_some((CKA_TRUSTED, true));
        let guards = [(CKA_PRIVATE, !self.trusted), (CKA_SENSITIVE, true), leaves];
        guards.into_iter().chain(trusted).chain(marked).collect()
    }

    fn template(&self, class: CK_OBJECT_CLASS, needs: &[CK_ATTRIBUTE_TYPE]) -> Template {
        let template = Template::class(class)
            .ulong(CKA_KEY_TYPE, self.kind.key_type())
            .flag(CKA_TOKEN, self.on_token)
            .bytes(CKA_LABEL, self.label.as_bytes())
            .bytes(CKA_ID, self.id)
            .rights(class, needs);
        match self.mechanisms {
            // an empty list would allow nothing
            [] => template,
            mechanisms => template.ulongs(CKA_ALLOWED_MECHANISMS, mechanisms),
        }
    }

    /// Says why a key was not made that is to be limited to mechanisms.
    fn refused(&self, error: &Error) -> Fault {
        let what = format!("the {} key \"{}\" was not generated", self.kind.name(), self.label);
        let codes =
            [CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT];
        match !self.mechanisms.is_empty() && codes.iter().any(|rv| error.is(*rv)) {
            true => fault!(
                "{what}: {}; the module may not know CKA_ALLOWED_MECHANISMS or CKA_UNWRAP_TEMPLATE, without which a \
                 KEK is open to attacks by its user: use another module, such as keyferry's own",
                error.what()
            ),
            false => fault!("{what}: {error}"),
        }
    }
}

fn number(value: usize) -> CK_ULONG {
    CK_ULONG::try_from(value).unwrap_or(CK_ULONG::MAX)
}
