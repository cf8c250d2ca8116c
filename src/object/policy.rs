//! The gate: who may see, use, change, copy, wrap or destroy an object. Every such rule is here.
//!
//! Key material leaves [`object`](super) only through [`Key`] (for use), [`Target`] (for wrapping)
//! and [`reveal`] (for `C_GetAttributeValue`), and only this file makes those.
use super::attribute::{self, Attributes, Value};
use super::class::{self, Class};
use super::template::Origin;
use super::{Object, Prepared, encode};
use crate::ck::*;
use crate::crypto::{Secret, ec, edwards, ml_dsa, montgomery, rsa};
use crate::error::{Error, Result};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Who is logged in to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nobody.
    Public,
    /// The user.
    User,
    /// The security officer.
    So,
}

/// Whether a session may change token objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// What a caller wants to do with a key. One per `CKA_*` usage attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Act {
    Encrypt,
    Decrypt,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
    Wrap,
    Unwrap,
    Derive,
}

/// What policy has to know about an [`Act`].
struct Rule {
    /// The attribute that must be TRUE.
    usage: CK_ATTRIBUTE_TYPE,
    /// The half of a key pair that does it.
    half: CK_OBJECT_CLASS,
    no_such_key: Error,
    wrong_type: Error,
    wrong_size: Error,
}

impl Act {
    fn rule(self) -> Rule {
        let key = |usage, half| Rule {
            usage,
            half,
            no_such_key: Error::KeyHandleInvalid,
            wrong_type: Error::KeyTypeInconsistent,
            wrong_size: Error::KeySizeRange,
        };
        match self {
            Act::Encrypt => key(CKA_ENCRYPT, CKO_PUBLIC_KEY),
            Act::Decrypt => key(CKA_DECRYPT, CKO_PRIVATE_KEY),
            Act::Sign => key(CKA_SIGN, CKO_PRIVATE_KEY),
            Act::SignRecover => key(CKA_SIGN_RECOVER, CKO_PRIVATE_KEY),
            Act::Verify => key(CKA_VERIFY, CKO_PUBLIC_KEY),
            Act::VerifyRecover => key(CKA_VERIFY_RECOVER, CKO_PUBLIC_KEY),
            Act::Derive => key(CKA_DERIVE, CKO_PRIVATE_KEY),
            Act::Wrap => Rule {
                usage: CKA_WRAP,
                half: CKO_PUBLIC_KEY,
                no_such_key: Error::WrappingKeyHandleInvalid,
                wrong_type: Error::WrappingKeyTypeInconsistent,
                wrong_size: Error::WrappingKeySizeRange,
            },
            Act::Unwrap => Rule {
                usage: CKA_UNWRAP,
                half: CKO_PRIVATE_KEY,
                no_such_key: Error::UnwrappingKeyHandleInvalid,
                wrong_type: Error::UnwrappingKeyTypeInconsistent,
                wrong_size: Error::UnwrappingKeySizeRange,
            },
        }
    }

    /// The error for a handle that is no key's.
    pub fn no_such_key(self) -> Error {
        self.rule().no_such_key
    }
}

/// A use that a mechanism wants to make of a key.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Use {
    pub act: Act,
    pub mechanism: CK_MECHANISM_TYPE,
    pub key_types: &'static [CK_KEY_TYPE],
    pub key_size: RangeInclusive<CK_ULONG>,
}

/// A key that policy has let through for one use. Its only constructor is [`permit`].
#[derive(Clone, Debug)]
pub struct Key(Arc<Object>);

/// A key that policy has let out of the token under one KEK. Its only constructor is [`export`].
#[derive(Clone, Debug)]
pub struct Target(Arc<Object>);

/// Bits of the shortest RSA key that may carry another one, whatever else shorter ones may do.
const MIN_RSA_KEK: CK_ULONG = 2048;

/// May `key` be used so?
pub fn permit(wanted: &Use, key: Arc<Object>) -> Result<Key> {
    let rule = wanted.act.rule();
    let class = key.class();
    if !matches!(class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        return Err(rule.no_such_key);
    }
    let of_type = key.key_type().is_some_and(|t| wanted.key_types.contains(&t));
    if !of_type || (class != CKO_SECRET_KEY && class != rule.half) {
        return Err(rule.wrong_type);
    }
    if !key.is(rule.usage) {
        return Err(Error::KeyFunctionNotPermitted);
    }
    if !allows(key.attributes(), wanted.mechanism) {
        return Err(Error::MechanismInvalid.because("not in the key's CKA_ALLOWED_MECHANISMS"));
    }
    let Some(size) = size(key.attributes()).filter(|s| wanted.key_size.contains(s)) else {
        return Err(rule.wrong_size);
    };
    let carries = matches!(wanted.act, Act::Wrap | Act::Unwrap);
    if carries && key.key_type() == Some(CKK_RSA) && size < MIN_RSA_KEK {
        return Err(rule.wrong_size);
    }
    Ok(Key(key))
}

/// May `target` leave the token under `kek`?
///
/// PKCS#11 3.2, section 5.18.3, and the attributes of sections 4.9 and 4.10 it refers to.
pub fn export(kek: &Key, target: Arc<Object>) -> Result<Target> {
    if !matches!(target.class(), CKO_PRIVATE_KEY | CKO_SECRET_KEY) {
        return Err(Error::KeyNotWrappable);
    }
    if !target.is(CKA_EXTRACTABLE) {
        return Err(Error::KeyUnextractable);
    }
    if target.is(CKA_WRAP_WITH_TRUSTED) && !kek.0.is(CKA_TRUSTED) {
        return Err(
            Error::KeyNotWrappable.because("CKA_WRAP_WITH_TRUSTED, and the KEK is not CKA_TRUSTED")
        );
    }
    if let Some(Value::Template(wanted)) = kek.attributes().value(CKA_WRAP_TEMPLATE)
        && !super::index::matches(&target, wanted)
    {
        return Err(
            Error::KeyHandleInvalid.because("the key does not match the KEK's CKA_WRAP_TEMPLATE")
        );
    }
    // A KEK that somebody replaced in the store would carry every key out to them.
    if !kek.0.is_verified() || !target.is_verified() {
        return Err(Error::UserNotLoggedIn.because("the token's seals are checked at login"));
    }
    Ok(Target(target))
}

/// The value of a secret key for a digest to take in: PKCS#11 3.2, section 5.12.4. Of a key that
/// may not leave the token not even a hash does.
pub fn digestible(key: Arc<Object>) -> Result<Secret> {
    match key.prepared() {
        Ok(Prepared::Secret(value)) if key.is(CKA_EXTRACTABLE) => Ok(value.clone()),
        _ => Err(Error::KeyIndigestible),
    }
}

/// The value of an attribute, if it may be seen: PKCS#11 3.2, section 5.7.5. An attribute that the
/// class has and the object has not got is an empty one, if it can be empty.
pub fn reveal(object: &Object, cka: CK_ATTRIBUTE_TYPE) -> Result<Value> {
    if let Some(value) = object.attributes().value(cka) {
        return Ok(value.clone());
    }
    Class::of(object.attributes())?.attribute(cka)?;
    if !class::is_material(object.class(), cka) {
        return Value::empty(attribute::row(cka)?.kind).ok_or(Error::AttributeTypeInvalid);
    }
    if !object.shows(cka) {
        return Err(Error::AttributeSensitive);
    }
    let material = object.material().map_err(|_| Error::AttributeSensitive)?;
    material.and_then(|m| m.value(cka)).cloned().ok_or(Error::AttributeTypeInvalid)
}

/// May the user see an object with these attributes at all?
pub fn sees(login: Login, attributes: &Attributes) -> bool {
    login == Login::User || attributes.flag(CKA_PRIVATE) != Some(true)
}

/// May an object with these attributes come to be, be changed or destroyed by this session?
///
/// Token objects only by someone who is logged in: an unsealed record could not be told from an
/// attacker's.
pub fn write(login: Login, access: Access, attributes: &Attributes) -> Result<()> {
    let token = attributes.flag(CKA_TOKEN) == Some(true);
    if token && access == Access::ReadOnly {
        return Err(Error::SessionReadOnly);
    }
    if !sees(login, attributes) || (token && login == Login::Public) {
        return Err(Error::UserNotLoggedIn);
    }
    Ok(())
}

/// May an object with these attributes be made by this session? [`write`], and `CKA_TRUSTED` is
/// the SO's alone.
pub fn create(login: Login, access: Access, attributes: &Attributes) -> Result<()> {
    write(login, access, attributes)?;
    trust(login, attributes)
}

/// May `object` be changed so by this session?
pub fn change(login: Login, access: Access, object: &Object, changes: &Attributes) -> Result<()> {
    write(login, access, object.attributes())?;
    trust(login, changes)
}

/// May `object` be destroyed by this session?
pub fn destroy(login: Login, access: Access, object: &Object) -> Result<()> {
    write(login, access, object.attributes())?;
    match object.attributes().flag(CKA_DESTROYABLE) {
        Some(false) => Err(Error::ActionProhibited),
        _ => Ok(()),
    }
}

/// What a copy may not inherit: trust, unless the SO makes the copy.
pub fn distrust(login: Login, copy: Object) -> Object {
    if login == Login::So || !copy.is(CKA_TRUSTED) {
        return copy;
    }
    copy.with(Attributes::from_iter([(CKA_TRUSTED, Value::Bool(false))]))
}

/// The template of a key that `kek` unwraps: the application's and the KEK's `CKA_UNWRAP_TEMPLATE`,
/// which must not contradict each other (PKCS#11 3.2, section 5.18.4).
pub fn unwrapped(kek: &Key, template: Attributes) -> Result<Attributes> {
    bound(kek, CKA_UNWRAP_TEMPLATE, template)
}

/// The same for a key that is derived from `base`, and its `CKA_DERIVE_TEMPLATE` (section 5.18.5).
pub fn derived(base: &Key, template: Attributes) -> Result<Attributes> {
    bound(base, CKA_DERIVE_TEMPLATE, template)
}

/// What a key derived from `bases` inherits: it cannot be safer than what it comes from.
pub fn descent(bases: &[Key]) -> Origin {
    Origin::Derive {
        always_sensitive: bases.iter().all(|base| base.0.is(CKA_ALWAYS_SENSITIVE)),
        never_extractable: bases.iter().all(|base| base.0.is(CKA_NEVER_EXTRACTABLE)),
    }
}

/// The template of a key that is made of the very bytes of `bases`: it is hidden as they are
/// (PKCS#11 3.2, sections 6.43.3 to 6.43.7), and may not be taken apart if they may not.
pub fn kept_hidden(bases: &[Key], mut template: Attributes) -> Result<Attributes> {
    let any = |is: fn(&Key) -> bool| bases.iter().any(is);
    let inherited = [
        (any(|base| base.0.is(CKA_SENSITIVE)), CKA_SENSITIVE, true),
        (any(|base| !base.0.is(CKA_EXTRACTABLE)), CKA_EXTRACTABLE, false),
        (any(|base| base.0.is(CKA_WRAP_WITH_TRUSTED)), CKA_WRAP_WITH_TRUSTED, true),
    ];
    for (_, cka, value) in inherited.into_iter().filter(|row| row.0) {
        template.add(cka, Value::Bool(value))?;
    }
    if any(|base| !is_divisible(base)) && names(&template, CKM_EXTRACT_KEY_FROM_KEY) {
        return Err(Error::TemplateInconsistent.because("CKA_ALLOWED_MECHANISMS"));
    }
    Ok(template)
}

/// May a key be made of a part of the bytes of `base`? Whoever may make a key of one byte of
/// another and use it, tries 256 values, and the next: so of a hidden key only if its
/// `CKA_ALLOWED_MECHANISMS` names `CKM_EXTRACT_KEY_FROM_KEY`. `CKR_KEY_FUNCTION_NOT_PERMITTED`.
pub fn divide(base: &Key) -> Result<()> {
    if is_divisible(base) { Ok(()) } else { Err(Error::KeyFunctionNotPermitted) }
}

fn is_divisible(base: &Key) -> bool {
    base.0.shows(CKA_VALUE) || names(base.attributes(), CKM_EXTRACT_KEY_FROM_KEY)
}

/// Whether `CKA_ALLOWED_MECHANISMS` names the mechanism.
fn names(attributes: &Attributes, ckm: CK_MECHANISM_TYPE) -> bool {
    matches!(attributes.value(CKA_ALLOWED_MECHANISMS), Some(Value::Ulongs(all)) if all.contains(&ckm))
}

/// `template` with what the attribute `rule` of `key` demands.
fn bound(key: &Key, rule: CK_ATTRIBUTE_TYPE, mut template: Attributes) -> Result<Attributes> {
    if let Some(Value::Template(wanted)) = key.attributes().value(rule) {
        for (cka, value) in wanted.iter() {
            template.add(cka, value.clone())?;
        }
    }
    Ok(template)
}

/// Are RSA keys of this size wanted? `bits` is the configured minimum.
pub fn strength(bits: usize, attributes: &Attributes) -> Result<()> {
    let modulus = attributes.ulong(CKA_MODULUS_BITS).or_else(|| {
        attributes.bytes(CKA_MODULUS).and_then(|n| CK_ULONG::try_from(bit_len(n)).ok())
    });
    match modulus.map(usize::try_from) {
        Some(Ok(found)) if found < bits => {
            Err(Error::KeySizeRange.because("shorter than the configured min_rsa_bits"))
        }
        _ => Ok(()),
    }
}

/// `CKA_TRUSTED` is the SO's alone.
pub fn trust(login: Login, attributes: &Attributes) -> Result<()> {
    if attributes.flag(CKA_TRUSTED) == Some(true) && login != Login::So {
        return Err(Error::AttributeReadOnly.because("only the SO sets CKA_TRUSTED"));
    }
    Ok(())
}

/// `CKA_ALLOWED_MECHANISMS`; absent or empty allows all.
fn allows(attributes: &Attributes, ckm: CK_MECHANISM_TYPE) -> bool {
    match attributes.value(CKA_ALLOWED_MECHANISMS) {
        Some(Value::Ulongs(allowed)) => allowed.is_empty() || allowed.contains(&ckm),
        _ => true,
    }
}

/// Size of a key in the unit of its mechanisms: modulus bits, bits of the curve, or bytes.
fn size(attributes: &Attributes) -> Option<CK_ULONG> {
    let size = match attributes.ulong(CKA_KEY_TYPE)? {
        CKK_RSA => bit_len(attributes.bytes(CKA_MODULUS)?),
        CKK_EC_EDWARDS | CKK_EC_MONTGOMERY => 255,
        CKK_ML_DSA => encode::ml_dsa_set(attributes.ulong(CKA_PARAMETER_SET)?).ok()?.public_len(),
        CKK_EC => encode::curve(attributes.bytes(CKA_EC_PARAMS)?).ok()?.bits(),
        _ => return attributes.ulong(CKA_VALUE_LEN),
    };
    CK_ULONG::try_from(size).ok()
}

/// Length in bits of a big-endian number without leading zero bytes.
fn bit_len(number: &[u8]) -> usize {
    let Some((first, rest)) = number.split_first() else { return 0 };
    rest.len() * 8 + usize::try_from(8 - first.leading_zeros()).unwrap_or(8)
}

impl Key {
    /// Its attributes, without the key material.
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }
    /// Whether each use needs a `CKU_CONTEXT_SPECIFIC` login of its own.
    pub fn always_authenticate(&self) -> bool {
        self.0.is(CKA_ALWAYS_AUTHENTICATE)
    }
    /// The RSA public key, or `CKR_KEY_TYPE_INCONSISTENT`.
    pub fn rsa_public(&self) -> Result<&rsa::PublicKey> {
        match self.0.prepared()? {
            Prepared::RsaPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The RSA private key.
    pub fn rsa_private(&self) -> Result<&rsa::PrivateKey> {
        match self.0.prepared()? {
            Prepared::RsaPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The EC public key.
    pub fn ec_public(&self) -> Result<&ec::PublicKey> {
        match self.0.prepared()? {
            Prepared::EcPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The EC private key.
    pub fn ec_private(&self) -> Result<&ec::PrivateKey> {
        match self.0.prepared()? {
            Prepared::EcPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The Ed25519 public key.
    pub fn edwards_public(&self) -> Result<&edwards::PublicKey> {
        match self.0.prepared()? {
            Prepared::EdwardsPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The Ed25519 private key.
    pub fn edwards_private(&self) -> Result<&edwards::PrivateKey> {
        match self.0.prepared()? {
            Prepared::EdwardsPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The X25519 public key.
    pub fn montgomery_public(&self) -> Result<&montgomery::PublicKey> {
        match self.0.prepared()? {
            Prepared::MontgomeryPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The X25519 private key.
    pub fn montgomery_private(&self) -> Result<&montgomery::PrivateKey> {
        match self.0.prepared()? {
            Prepared::MontgomeryPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The ML-DSA public key.
    pub fn ml_dsa_public(&self) -> Result<&ml_dsa::PublicKey> {
        match self.0.prepared()? {
            Prepared::MlDsaPublic(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The ML-DSA private key.
    pub fn ml_dsa_private(&self) -> Result<&ml_dsa::PrivateKey> {
        match self.0.prepared()? {
            Prepared::MlDsaPrivate(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
    /// The secret key's bytes.
    pub fn secret(&self) -> Result<&Secret> {
        match self.0.prepared()? {
            Prepared::Secret(key) => Ok(key),
            _ => Err(Error::KeyTypeInconsistent),
        }
    }
}

impl Target {
    /// Its attributes, without the key material.
    pub fn attributes(&self) -> &Attributes {
        self.0.attributes()
    }
    /// Length of [`Self::encoding`], known without making it.
    pub fn len(&self) -> Result<usize> {
        encode::encoding_len(&self.0)
    }
    /// Never.
    pub fn is_empty(&self) -> bool {
        false
    }
    /// PKCS#8 for private keys, the value for secret keys; `CKR_KEY_NOT_WRAPPABLE` for an RSA key
    /// without its CRT values.
    pub fn encoding(&self) -> Result<Secret> {
        encode::encoding(&self.0)
    }
}
