//! Why a call of a module failed.
use crate::ck::*;
use std::fmt;

/// The result of everything in the client.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call of a module failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The module answered something else than `CKR_OK`.
    Answer {
        /// The function's name.
        function: &'static str,
        /// What it answered.
        rv: CK_RV,
    },
    /// The module does not take the parameters that a wrap needs.
    Parameters {
        /// The mechanism.
        mechanism: &'static str,
        /// The parameters, in words.
        parameters: String,
        /// What `C_WrapKey` answered.
        rv: CK_RV,
    },
    /// The module has no such function.
    Absent(&'static str),
    /// The module cannot be loaded or initialised, or contradicts itself: a sentence.
    Unusable(String),
}

/// What common answers mean to a user, and what to do.
const MEANINGS: &[(CK_RV, &str)] = &[
    (CKR_ACTION_PROHIBITED, "the object may not be changed, copied or destroyed"),
    (
        CKR_ARGUMENTS_BAD,
        "the module does not take these arguments; is the store or configuration right?",
    ),
    (CKR_DEVICE_ERROR, "the token's store or hardware failed; the module's log may say more"),
    (CKR_DEVICE_MEMORY, "the token is full"),
    (CKR_FUNCTION_NOT_SUPPORTED, "the module does not have this function"),
    (CKR_GENERAL_ERROR, "the module does not say what is wrong"),
    (CKR_KEY_FUNCTION_NOT_PERMITTED, "the key's attributes forbid this use"),
    (CKR_KEY_NOT_WRAPPABLE, "the key may not be wrapped with this wrapping key or mechanism"),
    (CKR_KEY_SIZE_RANGE, "the key has a size the module does not take"),
    (CKR_KEY_UNEXTRACTABLE, "the key may not leave the token"),
    (CKR_MECHANISM_INVALID, "the module does not have this mechanism"),
    (CKR_MECHANISM_PARAM_INVALID, "the module does not take these mechanism parameters"),
    (CKR_PIN_INCORRECT, "the PIN is wrong; give the right one before too many wrong ones lock it"),
    (CKR_PIN_INVALID, "the PIN has characters it cannot have"),
    (CKR_PIN_LEN_RANGE, "the PIN is too short or too long"),
    (CKR_PIN_LOCKED, "the PIN is locked after too many wrong ones; the SO can set a new one"),
    (CKR_SESSION_READ_ONLY, "the session is read-only"),
    (CKR_TOKEN_WRITE_PROTECTED, "the token cannot be written"),
    (CKR_USER_NOT_LOGGED_IN, "a user must log in first"),
    (
        CKR_USER_PIN_NOT_INITIALIZED,
        "the SO has not set a user PIN yet; `pkcs11-tool --login --login-type so --init-pin` does",
    ),
    (CKR_WRAPPED_KEY_INVALID, "the wrapped key does not open with this key"),
    (CKR_WRAPPED_KEY_LEN_RANGE, "the wrapped key has a length that is not possible here"),
];

/// Names of answers that keyferry itself does not give, in addition to [`crate::error::Error`].
const OTHER_NAMES: &[(CK_RV, &str)] = &[
    (CKR_CANCEL, "CKR_CANCEL"),
    (CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED"),
    (CKR_TOKEN_RESOURCE_EXCEEDED, "CKR_TOKEN_RESOURCE_EXCEEDED"),
];

impl Error {
    /// `Ok` for `CKR_OK`.
    pub(super) fn check(function: &'static str, rv: CK_RV) -> Result<()> {
        if rv == CKR_OK { Ok(()) } else { Err(Error::Answer { function, rv }) }
    }

    /// Whether the module answered `rv`.
    pub fn is(&self, wanted: CK_RV) -> bool {
        matches!(self, Error::Answer { rv, .. } | Error::Parameters { rv, .. } if *rv == wanted)
    }

    /// The `CKR_*` name or number of the answer, if there was one.
    pub fn code(&self) -> Option<String> {
        let (Error::Answer { rv, .. } | Error::Parameters { rv, .. }) = self else {
            return None;
        };
        if let Some(known) = crate::error::Error::of(*rv) {
            return Some(known.to_string());
        }
        let named = OTHER_NAMES.iter().find(|(number, _)| number == rv);
        Some(named.map_or_else(|| format!("0x{rv:08X}"), |(_, name)| (*name).to_owned()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Answer { function, rv } => {
                let code = self.code().unwrap_or_default();
                match MEANINGS.iter().find(|(number, _)| number == rv) {
                    Some((_, meaning)) => write!(f, "{meaning} ({function} answered {code})"),
                    None => write!(f, "{function} answered {code}"),
                }
            }
            Error::Parameters { mechanism, parameters, .. } => write!(
                f,
                "the module's {mechanism} does not take {parameters} (C_WrapKey answered {})",
                self.code().unwrap_or_default()
            ),
            Error::Absent(function) => write!(f, "the module has no {function}"),
            Error::Unusable(sentence) => f.write_str(sentence),
        }
    }
}
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_function_the_code_and_the_meaning() {
        let text = |rv| Error::check("C_Login", rv).unwrap_err().to_string();
        assert_eq!(
            text(CKR_PIN_INCORRECT),
            "the PIN is wrong; give the right one before too many wrong ones lock it \
             (C_Login answered CKR_PIN_INCORRECT)"
        );
        assert_eq!(text(CKR_CANCEL), "C_Login answered CKR_CANCEL");
        assert_eq!(text(0x8000_0001), "C_Login answered 0x80000001");
        assert!(Error::check("C_Login", CKR_OK).is_ok());
    }
}
