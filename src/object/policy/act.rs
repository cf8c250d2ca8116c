//! What can be done with a key, and what a key must be for it.
use crate::ck::*;
use crate::error::Error;
use std::ops::RangeInclusive;

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
    /// Computes the public half of a private key, which is no secret: no attribute forbids it.
    Publish,
    Encapsulate,
    Decapsulate,
}

/// What policy has to know about an [`Act`].
pub(super) struct Rule {
    /// The attribute that must be TRUE, if one must.
    pub usage: Option<CK_ATTRIBUTE_TYPE>,
    /// The half of a key pair that does it.
    pub half: CK_OBJECT_CLASS,
    pub no_such_key: Error,
    pub wrong_type: Error,
    pub wrong_size: Error,
}

impl Act {
    pub(super) fn rule(self) -> Rule {
        let key = |usage, half| Rule {
            usage: Some(usage),
            half,
            no_such_key: Error::KeyHandleInvalid,
            wrong_type: Error::KeyTypeInconsistent,
            wrong_size: Error::KeySizeRange,
        };
        let unwrapping = |usage| Rule {
            usage: Some(usage),
            half: CKO_PRIVATE_KEY,
            no_such_key: Error::UnwrappingKeyHandleInvalid,
            wrong_type: Error::UnwrappingKeyTypeInconsistent,
            wrong_size: Error::UnwrappingKeySizeRange,
        };
        match self {
            Act::Encrypt => key(CKA_ENCRYPT, CKO_PUBLIC_KEY),
            Act::Decrypt => key(CKA_DECRYPT, CKO_PRIVATE_KEY),
            Act::Sign => key(CKA_SIGN, CKO_PRIVATE_KEY),
            Act::SignRecover => key(CKA_SIGN_RECOVER, CKO_PRIVATE_KEY),
            Act::Verify => key(CKA_VERIFY, CKO_PUBLIC_KEY),
            Act::VerifyRecover => key(CKA_VERIFY_RECOVER, CKO_PUBLIC_KEY),
            Act::Derive => key(CKA_DERIVE, CKO_PRIVATE_KEY),
            Act::Publish => Rule { usage: None, ..key(CKA_DERIVE, CKO_PRIVATE_KEY) },
            Act::Encapsulate => key(CKA_ENCAPSULATE, CKO_PUBLIC_KEY),
            Act::Wrap => Rule {
                usage: Some(CKA_WRAP),
                half: CKO_PUBLIC_KEY,
                no_such_key: Error::WrappingKeyHandleInvalid,
                wrong_type: Error::WrappingKeyTypeInconsistent,
                wrong_size: Error::WrappingKeySizeRange,
            },
            Act::Unwrap => unwrapping(CKA_UNWRAP),
            Act::Decapsulate => unwrapping(CKA_DECAPSULATE),
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
    /// `true` if the mechanism tells what it opens from noise. If not, parts of it open as well.
    pub tells_noise: bool,
    /// `true` if two wrappings under one key can be compared part by part.
    pub comparable: bool,
}
