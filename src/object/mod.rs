//! Objects: what they are made of, how they are described, and the rules they live by.
//!
//! Key material is private to this folder. [`policy`] alone lets anything near it.
pub mod attribute;
mod certificate;
pub mod class;
pub mod encode;
pub mod index;
pub mod policy;
pub mod record;
pub mod template;
mod trust;

use crate::ck::*;
use crate::crypto::{Secret, SecretKey, ec, edwards, ml_dsa, ml_kem, montgomery, rsa, slh_dsa};
use crate::error::{Error, Result};
use attribute::Attributes;
use once_cell::sync::OnceCell;

/// An object. It never changes: a changed object is a new one in the old one's place.
#[derive(Debug)]
pub struct Object {
    /// Everything but the [`material`](class::Flags::MATERIAL) attributes.
    attributes: Attributes,
    /// What a private or secret key is made of.
    material: Option<Material>,
    /// Whether the attributes are known to be what was stored: session objects, and token objects
    /// whose seal was checked. See [`policy`].
    verified: bool,
    /// The key, prepared for use by any number of threads.
    prepared: OnceCell<Prepared>,
}

/// The sensitive attributes (`CKA_VALUE`, `CKA_PRIVATE_EXPONENT`, …), opened at first use.
#[derive(Debug)]
struct Material {
    opened: OnceCell<Attributes>,
    sealed: Option<Box<[u8]>>,
}

/// A key ready for use.
#[derive(Debug)]
pub(in crate::object) enum Prepared {
    /// AES, HMAC and generic secrets.
    Secret(SecretKey),
    RsaPublic(rsa::PublicKey),
    RsaPrivate(rsa::Unproved),
    EcPublic(ec::PublicKey),
    EcPrivate(ec::PrivateKey),
    EdwardsPublic(edwards::PublicKey),
    EdwardsPrivate(edwards::PrivateKey),
    MontgomeryPublic(montgomery::PublicKey),
    MontgomeryPrivate(montgomery::PrivateKey),
    MlDsaPublic(ml_dsa::PublicKey),
    MlDsaPrivate(ml_dsa::PrivateKey),
    MlKemPublic(ml_kem::PublicKey),
    MlKemPrivate(ml_kem::PrivateKey),
    SlhDsaPublic(slh_dsa::PublicKey),
    SlhDsaPrivate(slh_dsa::PrivateKey),
}

/// Opens what a vault sealed. Asked at most once per object.
pub type Opener<'a> = &'a dyn Fn(&[u8]) -> Result<Secret>;

impl Object {
    /// A new object from all its attributes; those that are key material go out of sight.
    pub fn new(all: Attributes) -> Object {
        let class = all.ulong(CKA_CLASS).unwrap_or(CK_UNAVAILABLE_INFORMATION);
        let (mut material, mut attributes) = all.partition(|cka| class::is_material(class, cka));
        material.shrink();
        attributes.shrink();
        Object {
            attributes,
            material: (!material.is_empty())
                .then(|| Material { opened: OnceCell::with_value(material), sealed: None }),
            verified: true,
            prepared: OnceCell::new(),
        }
    }

    /// An object as stored: attributes in the open, material still sealed.
    pub fn stored(attributes: Attributes, sealed: Option<Box<[u8]>>, verified: bool) -> Object {
        Object {
            attributes,
            material: sealed.map(|s| Material { opened: OnceCell::new(), sealed: Some(s) }),
            verified,
            prepared: OnceCell::new(),
        }
    }

    /// The attributes that are not key material.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// `CKA_CLASS`.
    pub fn class(&self) -> CK_OBJECT_CLASS {
        self.attributes.ulong(CKA_CLASS).unwrap_or(CK_UNAVAILABLE_INFORMATION)
    }

    /// `CKA_KEY_TYPE`, for keys.
    pub fn key_type(&self) -> Option<CK_KEY_TYPE> {
        self.attributes.ulong(CKA_KEY_TYPE)
    }

    /// The value of a boolean attribute; absent is false.
    pub fn is(&self, attribute: CK_ATTRIBUTE_TYPE) -> bool {
        self.attributes.flag(attribute).unwrap_or(false)
    }

    /// Whether the object is a token object.
    pub fn is_token(&self) -> bool {
        self.is(CKA_TOKEN)
    }

    /// Whether the object is seen by the user alone.
    pub fn is_private(&self) -> bool {
        self.is(CKA_PRIVATE)
    }

    /// The sealed material as it came from the store, to be kept as it is when attributes change.
    pub fn sealed(&self) -> Option<&[u8]> {
        self.material.as_ref()?.sealed.as_deref()
    }

    /// What [`record`] stores of the material of a new object.
    pub fn material_record(&self) -> Option<Secret> {
        self.material.as_ref()?.opened.get().map(record::encode)
    }

    /// Opens the material, if there is any and it is still sealed.
    pub fn open(&self, opener: Opener<'_>) -> Result<()> {
        let Some(material) = &self.material else {
            return Ok(());
        };
        material.opened.get_or_try_init(|| {
            let sealed = material.sealed.as_deref().ok_or(Error::UserNotLoggedIn)?;
            record::decode(&opener(sealed)?).ok_or(Error::DeviceError)
        })?;
        Ok(())
    }

    /// The material's attributes. [`Self::open`] comes first.
    pub(in crate::object) fn material(&self) -> Result<Option<&Attributes>> {
        match &self.material {
            None => Ok(None),
            Some(m) => m.opened.get().map(Some).ok_or(Error::UserNotLoggedIn),
        }
    }

    /// The key, prepared at its first use. [`Self::open`] comes first.
    pub(in crate::object) fn prepared(&self) -> Result<&Prepared> {
        self.prepared.get_or_try_init(|| encode::prepare(&self.attributes, self.material()?))
    }

    /// Whether the value of `cka` may be seen: key material only of keys that are extractable and
    /// not sensitive (PKCS#11 3.2 section 4.2, footnote 7).
    pub(in crate::object) fn shows(&self, cka: CK_ATTRIBUTE_TYPE) -> bool {
        !class::is_material(self.class(), cka)
            || (!self.is(CKA_SENSITIVE) && self.is(CKA_EXTRACTABLE))
    }

    /// Whether the attributes are known to be what was stored.
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// The same object after logout: unverified, its material out of reach until it is read again.
    #[must_use]
    pub fn locked(&self) -> Object {
        Object {
            attributes: self.attributes.clone(),
            material: self
                .material
                .as_ref()
                .map(|m| Material { opened: OnceCell::new(), sealed: m.sealed.clone() }),
            verified: false,
            prepared: OnceCell::new(),
        }
    }

    /// The same object with changed attributes: `C_SetAttributeValue`.
    pub fn with(&self, changes: Attributes) -> Object {
        let mut attributes = self.attributes.clone();
        attributes.extend(changes);
        Object {
            attributes,
            material: self
                .material
                .as_ref()
                .map(|m| Material { opened: m.opened.clone(), sealed: m.sealed.clone() }),
            verified: self.verified,
            prepared: OnceCell::new(),
        }
    }
}
