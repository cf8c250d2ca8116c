//! Making, wrapping and unwrapping keys: PKCS#11 3.2, section 5.18.
use super::messages::short;
use super::{Output, Room, Sealed, Session};
use crate::ck::*;
use crate::crypto::Secret;
use crate::error::{Error, Result};
use crate::mechanism::nonces::Nonces;
use crate::mechanism::{Integrity, MAX_KEY_LEN, Mechanism, Message, Params};
use crate::object::attribute::{Attributes, Value};
use crate::object::class::{CLASSES, Class, Form};
use crate::object::policy::{self, Act, Key, Target};
use crate::object::template::{Draft, Origin};
use crate::object::{Object, encode};

impl Session {
    /// `C_GenerateKey`
    pub fn generate_key(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        template: Attributes,
    ) -> Result<CK_OBJECT_HANDLE> {
        let generate = mechanism.generate.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let draft = self.generated(mechanism, CKO_SECRET_KEY, template)?;
        let contributed = generate(&params, &draft.attributes)?;
        self.insert(draft.finish(contributed)?)
    }

    /// `C_GenerateKeyPair`: public, then private
    pub fn generate_key_pair(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        public: Attributes,
        private: Attributes,
    ) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let generate = mechanism.generate_pair.ok_or(Error::MechanismInvalid)?;
        let params = self.params(mechanism, params)?;
        let public = self.generated(mechanism, CKO_PUBLIC_KEY, public)?;
        let private = self.generated(mechanism, CKO_PRIVATE_KEY, private)?;
        let workers = &self.token.shared().workers;
        let halves = generate(&params, &public.attributes, &private.attributes, workers)?;
        let pair = vec![public.finish(halves.public)?, private.finish(halves.private)?];
        match self.token.insert(self.handle, pair)?.as_slice() {
            [public, private] => Ok((*public, *private)),
            _ => Err(Error::GeneralError),
        }
    }

    /// `C_WrapKey`
    pub fn wrap(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        room: Room,
    ) -> Result<Output> {
        let wrap = mechanism.wrap.as_ref().ok_or(Error::MechanismInvalid)?;
        let params = self.wrapping_params(mechanism, params)?;
        let (kek, target) = self.exported(mechanism, wrapping_key, key)?;
        let len = (wrap.len)(&params, &kek, &target)?;
        match room {
            Room::Query => Ok(Output::Length(len)),
            Room::Bytes(room) if room < len => Ok(Output::TooSmall(len)),
            Room::Bytes(_) => {
                (wrap.run)(&params, &kek, &target).map(|blob| Output::Bytes(Secret::new(blob)))
            }
        }
    }

    /// `C_WrapKeyAuthenticated`: nonce and tag come with the wrapped key, not with its length.
    pub fn wrap_authenticated(
        &self,
        mechanism: &'static Mechanism,
        message: Message,
        aad: &[u8],
        keys: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        room: Room,
    ) -> Result<Sealed> {
        let tag_len = message.tag_len;
        self.seal(mechanism, message, aad, keys, room, tag_len)
    }

    /// `C_WrapKey` with a nonce that may be made here: the tag is behind the wrapped key.
    pub fn wrap_sealed(
        &self,
        mechanism: &'static Mechanism,
        message: Message,
        aad: &[u8],
        keys: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        room: Room,
    ) -> Result<Sealed> {
        self.seal(mechanism, message, aad, keys, room, 0)
    }

    /// Wraps with the parameter of one message, and cuts `apart` bytes of the tag off. A row needs nothing
    /// for it: the parameter becomes the one of encryption.
    fn seal(
        &self,
        mechanism: &'static Mechanism,
        message: Message,
        aad: &[u8],
        (wrapping_key, key): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
        room: Room,
        apart: usize,
    ) -> Result<Sealed> {
        let wrap = mechanism.wrap.as_ref().ok_or(Error::MechanismInvalid)?;
        message.nonce.check_for_one()?;
        let (kek, target) = self.exported(mechanism, wrapping_key, key)?;
        let message = message.of_len(target.len()?);
        let params = message.params(message.nonce.bytes.clone(), aad)?;
        let params = self.params(mechanism, params)?;
        let len = (wrap.len)(&params, &kek, &target)?.saturating_sub(apart);
        if let Some(short) = short(room, len) {
            return Ok(short.into());
        }
        let nonce = Nonces::default().next(&message.nonce)?;
        let mut blob = (wrap.run)(&message.params(nonce.clone(), aad)?, &kek, &target)?;
        let tag = blob.split_off(len.min(blob.len()));
        let nonce = message.nonce.made(nonce);
        Ok(Sealed { output: Output::Bytes(Secret::new(blob)), nonce, tag })
    }

    /// The wrapping key and what it may carry.
    fn exported(
        &self,
        mechanism: &Mechanism,
        wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(Key, Target)> {
        let kek = self.key(Act::Wrap, mechanism, wrapping_key)?;
        let target = self.usable(key, Error::KeyHandleInvalid)?;
        let wanted = mechanism.wants(Act::Wrap, &self.token.shared().config);
        let target = policy::export(&kek, target, &wanted)?;
        Ok((kek, target))
    }

    /// `C_UnwrapKey`. A failure leaves no object behind.
    pub fn unwrap(
        &self,
        mechanism: &'static Mechanism,
        params: Params,
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: Attributes,
    ) -> Result<CK_OBJECT_HANDLE> {
        let unwrap = mechanism.unwrap.ok_or(Error::MechanismInvalid)?;
        let params = self.wrapping_params(mechanism, params)?;
        let kek = self.key(Act::Unwrap, mechanism, unwrapping_key)?;
        if kek.always_authenticate() {
            return Err(Error::UserNotLoggedIn
                .because("CKA_ALWAYS_AUTHENTICATE, and C_UnwrapKey has no step for it"));
        }
        let template = policy::unwrapped(&kek, template)?;
        let implied = unwrapped_class(&template);
        let draft = self.draft(Origin::Unwrap, template, implied)?;
        let opened = unwrap(&params, &kek, wrapped);
        let bits = self.token.shared().config.min_rsa_bits;
        self.insert(made(mechanism, draft, opened, wrapped, bits)?)
    }

    /// `C_UnwrapKeyAuthenticated`
    pub fn unwrap_authenticated(
        &self,
        mechanism: &'static Mechanism,
        (message, tag): (Message, &[u8]),
        aad: &[u8],
        (unwrapping_key, wrapped): (CK_OBJECT_HANDLE, &[u8]),
        template: Attributes,
    ) -> Result<CK_OBJECT_HANDLE> {
        if !(1..=MAX_KEY_LEN).contains(&wrapped.len()) {
            return Err(Error::WrappedKeyLenRange);
        }
        let message = message.of_len(wrapped.len());
        let params = message.params(message.nonce.bytes.clone(), aad)?;
        self.unwrap(mechanism, params, unwrapping_key, &[wrapped, tag].concat(), template)
    }

    /// `C_UnwrapKey` of what [`Self::wrap_sealed`] wrapped
    pub fn unwrap_sealed(
        &self,
        mechanism: &'static Mechanism,
        message: Message,
        aad: &[u8],
        (unwrapping_key, wrapped): (CK_OBJECT_HANDLE, &[u8]),
        template: Attributes,
    ) -> Result<CK_OBJECT_HANDLE> {
        let len = wrapped.len().checked_sub(message.tag_len);
        let len = len.filter(|len| (1..=MAX_KEY_LEN).contains(len));
        let message = message.of_len(len.ok_or(Error::WrappedKeyLenRange)?);
        let params = message.params(message.nonce.bytes.clone(), aad)?;
        self.unwrap(mechanism, params, unwrapping_key, wrapped, template)
    }

    /// The draft of a key to be generated, if it may be.
    fn generated(
        &self,
        mechanism: &Mechanism,
        class: CK_OBJECT_CLASS,
        template: Attributes,
    ) -> Result<Draft> {
        let mut implied = Attributes::from_iter([(CKA_CLASS, Value::Ulong(class))]);
        if let [only] = mechanism.key_types {
            implied.set(CKA_KEY_TYPE, Value::Ulong(*only));
        }
        let (shortest, longest) = (mechanism.key_size.start(), mechanism.key_size.end());
        if class == CKO_SECRET_KEY && shortest == longest && !template.has(CKA_VALUE_LEN) {
            implied.set(CKA_VALUE_LEN, Value::Ulong(*longest));
        }
        self.draft(Origin::Generate(mechanism.ckm), template, implied)
    }
}

/// The class that a template without one means: the key type decides it, since public keys are not
/// unwrapped. Nothing, if the template has a class or no key type.
fn unwrapped_class(template: &Attributes) -> Attributes {
    let key_type = template.ulong(CKA_KEY_TYPE).filter(|_| !template.has(CKA_CLASS));
    let is_of = |class: &&Class| {
        let form = class.form;
        (form == Form::Secret || form.is_private())
            && class.subtype.is_some_and(|(cka, of)| cka == CKA_KEY_TYPE && Some(of) == key_type)
    };
    let class = CLASSES.iter().find(is_of).map(|class| (CKA_CLASS, Value::Ulong(class.class)));
    class.into_iter().collect()
}

/// The key that an unwrapping yields. Where only padding tells a wrapping from noise, wrong padding takes
/// the way of wrong content, with the ciphertext as the content: it has the same code and costs as much.
fn made(
    mechanism: &Mechanism,
    draft: Draft,
    opened: Result<Secret>,
    wrapped: &[u8],
    min_rsa_bits: usize,
) -> Result<Object> {
    let padding = match &opened {
        Err(Error::WrappedKeyInvalid) => mechanism.integrity == Integrity::PaddingOnly,
        _ => false,
    };
    let encoding = if padding { Secret::new(wrapped.to_vec()) } else { opened? };
    let object = received(draft, &encoding).and_then(|object| {
        policy::strength(min_rsa_bits, object.attributes())?;
        Ok(object)
    });
    let object = object.map_err(|error| padding_oracle(mechanism, error))?;
    if padding { Err(Error::WrappedKeyInvalid.because("wrong padding")) } else { Ok(object) }
}

/// Where only padding tells a wrapping from noise, whatever is wrong has the code of wrong padding:
/// another one would tell that the padding was right.
fn padding_oracle(mechanism: &Mechanism, error: Error) -> Error {
    match mechanism.integrity {
        Integrity::PaddingOnly => Error::WrappedKeyInvalid.because(error),
        Integrity::Own | Integrity::None => error,
    }
}

/// The key that was unwrapped. What is wrong with its encoding is nobody's business.
fn received(draft: Draft, encoding: &Secret) -> Result<Object> {
    let contributed = encode::from_encoding(&draft.attributes, encoding)?;
    draft.finish(contributed).map_err(|error| match error {
        Error::WrappedKeyLenRange | Error::TemplateInconsistent => error,
        _ => Error::WrappedKeyInvalid.because(error),
    })
}
