//! A target under a KEK, from any module: the blob of `CKM_RSA_AES_KEY_WRAP` in one call, or in two
//! steps where the module lacks the mechanism; or plain OAEP.
use super::padding::Padding;
use super::{Error, Mechanism, Module, Oaep, Result, Session, Template};
use crate::byok::cloud::{Form, hash_name};
use crate::byok::target::Target;
use crate::ck::*;
use std::sync::PoisonError;

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// With an AES key between, or without.
    pub form: Form,
    /// How the AES key, or else the target, gets under the KEK.
    pub oaep: Oaep,
    /// Size of the AES key: 128, 192 or 256.
    pub aes_bits: usize,
    /// What the target is, if clouds know its type.
    pub target: Option<Target>,
}

impl Profile {
    fn is_whole(&self, wrapped: usize) -> bool {
        self.target.is_some_and(|target| target.is_whole(wrapped))
    }
}

/// Why a module that counts its padding is no good for a key that must be padded.
const COUNTED: &str = "the module's CKM_AES_KEY_WRAP_PAD fills a key up with zeros and counts them as part of it \
     (SoftHSM 2.6 does), so a cloud would find more than the key and refuse it; only keys whose length is a multiple \
     of 8 bytes, such as AES keys, come out right: use another module, such as keyferry's own, for this one";

/// Why a module's SO is no help.
const UNTRUSTED: &str =
    "the module made an AES key that is not trusted, or that could leave under any KEK";

/// How a module makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `CKM_RSA_AES_KEY_WRAP`
    OneCall,
    /// A session AES key wraps the target with this mechanism (RFC 5649), and `CKM_RSA_PKCS_OAEP`
    /// wraps the AES key. The AES key exists in the token for a moment, extractable.
    TwoSteps(CK_MECHANISM_TYPE),
    /// `CKM_RSA_PKCS_OAEP` wraps the target itself.
    Oaep,
}

impl Way {
    /// The best way that the token in `slot` has to this form.
    pub fn of(module: &Module, slot: CK_SLOT_ID, form: Form) -> Option<Way> {
        let wraps = |ckm| module.has_mechanism(slot, ckm, CKF_WRAP);
        if form == Form::Oaep {
            return wraps(CKM_RSA_PKCS_OAEP).then_some(Way::Oaep);
        }
        if wraps(CKM_RSA_AES_KEY_WRAP) {
            return Some(Way::OneCall);
        }
        if !wraps(CKM_RSA_PKCS_OAEP) || !module.has_mechanism(slot, CKM_AES_KEY_GEN, CKF_GENERATE) {
            return None;
        }
        let inner = [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD];
        inner.into_iter().find(|ckm| wraps(*ckm)).map(Way::TwoSteps)
    }

    /// The mechanisms' names.
    pub fn name(self) -> &'static str {
        match self {
            Way::OneCall => "CKM_RSA_AES_KEY_WRAP",
            Way::TwoSteps(CKM_AES_KEY_WRAP_KWP) => "CKM_AES_KEY_WRAP_KWP, CKM_RSA_PKCS_OAEP",
            Way::TwoSteps(_) => "CKM_AES_KEY_WRAP_PAD, CKM_RSA_PKCS_OAEP",
            Way::Oaep => "CKM_RSA_PKCS_OAEP",
        }
    }

    /// `in one call`, or `in two steps`.
    pub fn steps(self) -> &'static str {
        match self {
            Way::OneCall | Way::Oaep => "in one call",
            Way::TwoSteps(_) => "in two steps",
        }
    }
}

impl Session {
    /// `target` under `kek`; with an AES key, the OAEP part comes first. A module that does not take
    /// the parameters is found out before it has wrapped anything but a throw-away key.
    pub fn transfer(
        &self,
        way: Way,
        profile: &Profile,
        kek: CK_OBJECT_HANDLE,
        target: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        let oaep = || Mechanism::Oaep(profile.oaep.clone());
        match way {
            Way::OneCall => {
                let mechanism = Mechanism::RsaAesKeyWrap(profile.aes_bits, profile.oaep.clone());
                let blob = self.wrap(&mechanism, kek, target);
                blob.map_err(|e| refused(e, way.name(), profile))
            }
            Way::Oaep => {
                self.wrap(&oaep(), kek, target).map_err(|e| refused(e, way.name(), profile))
            }
            Way::TwoSteps(inner) => {
                let padding = self.padding(inner)?;
                self.with_aes_between(profile.aes_bits, |aes| {
                    let blob = self.wrap(&oaep(), kek, aes);
                    let mut blob = blob.map_err(|e| refused(e, "CKM_RSA_PKCS_OAEP", profile))?;
                    let wrapped = self.wrap(&Mechanism::Plain(inner), aes, target)?;
                    if padding == Padding::Counted && !profile.is_whole(wrapped.len()) {
                        return Err(Error::Unusable(COUNTED.to_owned()));
                    }
                    blob.extend(wrapped);
                    Ok(blob)
                })
            }
        }
    }

    /// Makes the AES key of the next wrap in two steps while the SO is logged in, who alone can have it
    /// trusted. Keys with `CKA_WRAP_WITH_TRUSTED` go under it, and it has that too, so that it goes under a
    /// trusted KEK and no other. It is public, since the SO has no private objects, and no other process
    /// sees it; nobody can read it.
    pub fn trust_aes(&self, bits: usize) -> Result<()> {
        let template =
            aes(bits).flags(&[CKA_TRUSTED, CKA_WRAP_WITH_TRUSTED]).flag(CKA_PRIVATE, false);
        let aes = self.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template)?;
        for cka in [CKA_TRUSTED, CKA_WRAP_WITH_TRUSTED, CKA_SENSITIVE] {
            if self.flag(aes, cka)? != Some(true) {
                self.destroy(aes)?;
                return Err(Error::Unusable(UNTRUSTED.to_owned()));
            }
        }
        *self.trusted.lock().unwrap_or_else(PoisonError::into_inner) = Some(aes);
        Ok(())
    }

    /// Whether [`Session::trust_aes`] has made a key that is still to be used.
    pub fn has_trusted_aes(&self) -> bool {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Runs `work` with the key that the SO has made, or else with a new one.
    fn with_aes_between<T>(
        &self,
        bits: usize,
        work: impl FnOnce(CK_OBJECT_HANDLE) -> Result<T>,
    ) -> Result<T> {
        let trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner).take();
        match trusted {
            Some(aes) => self.at_last_destroyed(aes, work),
            None => self.with_aes(bits, work),
        }
    }

    /// Runs `work` with a new AES session key that can wrap and be wrapped, and destroys the key
    /// whatever comes of it.
    pub(super) fn with_aes<T>(
        &self,
        bits: usize,
        work: impl FnOnce(CK_OBJECT_HANDLE) -> Result<T>,
    ) -> Result<T> {
        let template = aes(bits).flag(CKA_PRIVATE, true);
        let aes = self.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template)?;
        self.at_last_destroyed(aes, work)
    }

    fn at_last_destroyed<T>(
        &self,
        aes: CK_OBJECT_HANDLE,
        work: impl FnOnce(CK_OBJECT_HANDLE) -> Result<T>,
    ) -> Result<T> {
        let done = work(aes);
        let gone = self.destroy(aes);
        done.and_then(|done| gone.map(|()| done))
    }
}

/// The AES key between the two steps, but for who sees it.
fn aes(bits: usize) -> Template {
    Template::class(CKO_SECRET_KEY)
        .ulong(CKA_KEY_TYPE, CKK_AES)
        .ulong(CKA_VALUE_LEN, super::call::ulong(bits / 8))
        .flag(CKA_TOKEN, false)
        .flags(&[CKA_SENSITIVE, CKA_EXTRACTABLE])
        .rights(CKO_SECRET_KEY, &[CKA_WRAP])
}

/// Modules say in one of two ways that they do not take a hash, an MGF or a size.
fn refused(error: Error, mechanism: &'static str, profile: &Profile) -> Error {
    let Error::Answer { rv: rv @ (CKR_MECHANISM_PARAM_INVALID | CKR_ARGUMENTS_BAD), .. } = error
    else {
        return error;
    };
    let Oaep { hash, mgf, .. } = profile.oaep;
    let mut parameters = format!("OAEP with {} and MGF1 with {}", hash_name(hash), hash_name(mgf));
    if mechanism == Way::OneCall.name() {
        parameters += &format!(" and AES-{}", profile.aes_bits);
    }
    Error::Parameters { mechanism, parameters, rv }
}
