//! The other side of a transfer, in any module: a blob becomes a key object, in one call, or in two
//! steps where the module lacks the mechanism; or plain OAEP.
use super::{Error, Mechanism, Module, Profile, Result, Session, Template, Way};
use crate::byok::cloud::Form;
use crate::ck::*;

impl Way {
    /// The best way that the token in `slot` has to take in a blob of this form.
    pub fn into(module: &Module, slot: CK_SLOT_ID, form: Form) -> Option<Way> {
        let unwraps = |ckm| module.has_mechanism(slot, ckm, CKF_UNWRAP);
        if form == Form::Oaep {
            return unwraps(CKM_RSA_PKCS_OAEP).then_some(Way::Oaep);
        }
        if unwraps(CKM_RSA_AES_KEY_WRAP) {
            return Some(Way::OneCall);
        }
        let inner = [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD];
        let inner = inner.into_iter().find(|ckm| unwraps(*ckm));
        inner.filter(|_| unwraps(CKM_RSA_PKCS_OAEP)).map(Way::TwoSteps)
    }
}

impl Session {
    /// Makes a key of `blob` with the private key `kek`, whose modulus has `kek_size` bytes. Whatever
    /// fails, nothing is left behind.
    pub fn receive(
        &self,
        way: Way,
        profile: &Profile,
        (kek, kek_size): (CK_OBJECT_HANDLE, usize),
        blob: &[u8],
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let oaep = Mechanism::Oaep(profile.oaep.clone());
        match way {
            Way::OneCall => {
                let mechanism = Mechanism::RsaAesKeyWrap(profile.aes_bits, profile.oaep.clone());
                self.unwrap(&mechanism, kek, blob, template)
            }
            Way::Oaep => self.unwrap(&oaep, kek, blob, template),
            Way::TwoSteps(inner) => {
                let (head, tail) = blob.split_at_checked(kek_size).ok_or_else(|| {
                    Error::Unusable(format!(
                        "the file has {} bytes, fewer than its KEK; it is cut off, or for another KEK: export the key \
                         again",
                        blob.len()
                    ))
                })?;
                let aes = Template::class(CKO_SECRET_KEY)
                    .ulong(CKA_KEY_TYPE, CKK_AES)
                    .flag(CKA_TOKEN, false)
                    .flags(&[CKA_PRIVATE, CKA_SENSITIVE])
                    .flag(CKA_EXTRACTABLE, false)
                    .rights(CKO_SECRET_KEY, &[CKA_UNWRAP]);
                let aes = self.unwrap(&oaep, kek, head, &aes)?;
                let key = self.unwrap(&Mechanism::Plain(inner), aes, tail, template);
                match (key, self.destroy(aes)) {
                    (Ok(key), Err(error)) => self.destroy(key).and(Err(error)),
                    (key, _) => key,
                }
            }
        }
    }
}
