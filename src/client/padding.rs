//! What a module's `CKM_AES_KEY_WRAP_PAD` does, found out with throw-away keys.
//!
//! Before PKCS#11 3.0 gave it a number of its own (`CKM_AES_KEY_WRAP_KWP`), modules made RFC 5649 of it, or
//! RFC 3394 after PKCS #7 padding, or RFC 5649 of a key that they had filled up with zeros first. Nobody
//! but the receiver could tell, and too late.
use super::{Error, Mechanism, Result, Session, Template};
use crate::ck::*;
use crate::crypto::aes_kw::{kwp_len, kwp_unwrap};

/// How a mechanism pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// As RFC 5649 section 3 says.
    Rfc5649,
    /// With zeros that it counts as part of the key, as SoftHSM 2.6 does: right only if there is nothing
    /// to pad.
    Counted,
}

/// Length of the throw-away secret: what has to be padded.
const LEN: usize = 20;

impl Session {
    /// How `inner` pads. Refuses what is not RFC 5649 at all.
    pub(super) fn padding(&self, inner: CK_MECHANISM_TYPE) -> Result<Padding> {
        if inner == CKM_AES_KEY_WRAP_KWP {
            return Ok(Padding::Rfc5649);
        }
        if let Some(known) = self.padding.get() {
            return Ok(*known);
        }
        let padding = match self.padding_of_known(inner) {
            Err(Error::Answer { function: "C_CreateObject", .. }) => self.padding_of_unknown(inner),
            answer => answer,
        }?;
        Ok(*self.padding.get_or_init(|| padding))
    }

    fn padding_of_known(&self, inner: CK_MECHANISM_TYPE) -> Result<Padding> {
        let (key, secret) = (self.random(32)?, self.random(LEN)?);
        let aes = self.throw_away(CKK_AES, &key, &[CKA_WRAP])?;
        let wrapped = self.throw_away(CKK_GENERIC_SECRET, &secret, &[]).and_then(|target| {
            let wrapped = self.wrap(&Mechanism::Plain(inner), aes, target);
            self.destroy(target).and(wrapped)
        });
        self.destroy(aes)?;
        judge(&key, &secret, &wrapped?)
    }

    /// Some modules take no secret key from outside, so that only the length can be looked at. It tells
    /// PKCS #7 padding, which adds to 16 bytes what RFC 5649 does not.
    fn padding_of_unknown(&self, inner: CK_MECHANISM_TYPE) -> Result<Padding> {
        let mechanism = Mechanism::Plain(inner);
        let wrapped =
            self.with_aes(256, |aes| self.with_aes(128, |key| self.wrap(&mechanism, aes, key)))?;
        if wrapped.len() == kwp_len(16) { Ok(Padding::Rfc5649) } else { Err(another()) }
    }

    /// A session key whose value is known.
    fn throw_away(
        &self,
        key_type: CK_KEY_TYPE,
        value: &[u8],
        granted: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<CK_OBJECT_HANDLE> {
        let template = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, key_type)
            .flag(CKA_TOKEN, false)
            .flags(&[CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE])
            .rights(CKO_SECRET_KEY, granted)
            .bytes(CKA_VALUE, value);
        self.create(&template)
    }
}

fn judge(key: &[u8], secret: &[u8], wrapped: &[u8]) -> Result<Padding> {
    let opened = kwp_unwrap(key, None, wrapped).ok();
    match opened.as_deref().map(|opened| opened.strip_prefix(secret)) {
        Some(Some([])) => Ok(Padding::Rfc5649),
        Some(Some(rest))
            if rest.iter().all(|b| *b == 0) && wrapped.len() == kwp_len(secret.len()) =>
        {
            Ok(Padding::Counted)
        }
        _ => Err(another()),
    }
}

fn another() -> Error {
    let sentence = "the module's CKM_AES_KEY_WRAP_PAD is not RFC 5649, so no cloud could open what it makes; use \
                    another module, such as keyferry's own";
    Error::Unusable(sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes_kw::{kw_wrap, kwp_wrap};

    #[test]
    fn tells_three_ways_apart() {
        let (key, secret) = ([7; 32], [9; LEN]);
        let mut filled = secret.to_vec();
        filled.resize(24, 0);
        let mut pkcs7 = secret.to_vec();
        pkcs7.resize(24, 4);
        let right = kwp_wrap(&key, None, &secret).unwrap();
        assert_eq!(judge(&key, &secret, &right), Ok(Padding::Rfc5649));
        let counted = kwp_wrap(&key, None, &filled).unwrap();
        assert_eq!(judge(&key, &secret, &counted), Ok(Padding::Counted));
        for wrong in [
            kw_wrap(&key, None, &pkcs7),
            kwp_wrap(&key, None, &pkcs7),
            kwp_wrap(&key, None, &secret[1..]),
        ] {
            assert!(judge(&key, &secret, &wrong.unwrap()).is_err());
        }
        assert!(judge(&key, &secret, &[]).is_err());
    }
}
