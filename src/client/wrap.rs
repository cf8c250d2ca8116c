//! The blob of `CKM_RSA_AES_KEY_WRAP` from any module: in one call, or in two steps where the
//! module lacks the mechanism.
use super::{Error, Mechanism, Module, Oaep, Result, Session, Template};
use crate::ck::*;

/// How a module makes the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `CKM_RSA_AES_KEY_WRAP`
    OneCall,
    /// A session AES key wraps the target with this mechanism (RFC 5649), and `CKM_RSA_PKCS_OAEP`
    /// wraps the AES key. The AES key exists in the token for a moment, extractable.
    TwoSteps(CK_MECHANISM_TYPE),
}

impl Way {
    /// The best way that the token in `slot` has.
    pub fn of(module: &Module, slot: CK_SLOT_ID) -> Option<Way> {
        let wraps = |ckm| module.has_mechanism(slot, ckm, CKF_WRAP);
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
        }
    }
}

impl Session {
    /// `target` under `kek` with AES-256 and OAEP, the OAEP part first.
    pub fn transfer(
        &self,
        way: Way,
        oaep: &Oaep,
        kek: CK_OBJECT_HANDLE,
        target: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        let Way::TwoSteps(inner) = way else {
            return self.wrap(&Mechanism::RsaAesKeyWrap(256, oaep.clone()), kek, target);
        };
        let template = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES)
            .ulong(CKA_VALUE_LEN, 32)
            .flag(CKA_TOKEN, false)
            .flags(&[CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_WRAP]);
        let aes = self.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template)?;
        let parts = self.two_parts(inner, oaep, kek, aes, target);
        let gone = self.destroy(aes);
        parts.and_then(|parts| gone.map(|()| parts))
    }

    fn two_parts(
        &self,
        inner: CK_MECHANISM_TYPE,
        oaep: &Oaep,
        kek: CK_OBJECT_HANDLE,
        aes: CK_OBJECT_HANDLE,
        target: CK_OBJECT_HANDLE,
    ) -> Result<Vec<u8>> {
        let wrapped = self.wrap(&Mechanism::Plain(inner), aes, target)?;
        let mut blob = self.wrap(&Mechanism::Oaep(oaep.clone()), kek, aes)?;
        if wrapped.len() < 16 || wrapped.len() % 8 != 0 {
            // RFC 5649 section 3 gives 16, 24, 32, …
            let what = format!(
                "the module's key wrap made {} bytes, so it is not RFC 5649",
                wrapped.len()
            );
            return Err(Error::Unusable(what));
        }
        blob.extend(wrapped);
        Ok(blob)
    }
}
