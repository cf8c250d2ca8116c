//! Why a call of a module failed.
use super::meanings;
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
    /// The module cannot be loaded or initialised, or contradicts itself: a sentence that says what to do,
    /// too.
    Unusable(String),
}

impl Error {
    /// `Ok` for `CKR_OK`.
    pub(super) fn check(function: &'static str, rv: CK_RV) -> Result<()> {
        if rv == CKR_OK { Ok(()) } else { Err(Error::Answer { function, rv }) }
    }

    /// Whether the module answered `rv`.
    pub fn is(&self, wanted: CK_RV) -> bool {
        matches!(self, Error::Answer { rv, .. } | Error::Parameters { rv, .. } if *rv == wanted)
    }

    /// Whether it may say of one object only that it cannot be read: some modules store what they cannot read
    /// again.
    pub fn may_be_of_one_object(&self) -> bool {
        [CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR].iter().any(|rv| self.is(*rv))
    }

    /// The `CKR_*` name or number of the answer, if there was one.
    pub fn code(&self) -> Option<String> {
        let (Error::Answer { rv, .. } | Error::Parameters { rv, .. }) = self else {
            return None;
        };
        let name = meanings::of(*rv).map(|row| row.name.to_owned());
        let name = name.or_else(|| crate::error::Error::of(*rv).map(|known| known.to_string()));
        Some(name.unwrap_or_else(|| format!("0x{rv:08X}")))
    }

    /// What is wrong, for those who know better what to do about it.
    pub fn what(&self) -> String {
        let code = self.code().unwrap_or_default();
        match self {
            Error::Answer { function, rv } => match meanings::of(*rv) {
                Some(row) => format!("{} ({function} answered {code})", row.says),
                None => format!("{function} answered {code}"),
            },
            Error::Parameters { mechanism, parameters, .. } => format!(
                "the module's {mechanism} does not take {parameters} (C_WrapKey answered {code})"
            ),
            Error::Absent(function) => format!("the module has no {function}"),
            Error::Unusable(sentence) => sentence.clone(),
        }
    }

    /// What to do next; nothing if [`Self::what`] has it already.
    fn remedy(&self) -> Option<&'static str> {
        match self {
            Error::Answer { rv, .. } => {
                Some(meanings::of(*rv).map_or(meanings::UNKNOWN, |row| row.remedy))
            }
            Error::Parameters { .. } => Some(
                "use another, such as keyferry's own: `keyferry doctor` shows what a module takes",
            ),
            Error::Absent(_) => Some("use another, such as keyferry's own"),
            Error::Unusable(_) => None,
        }
    }
}

/// What is wrong, and what to do next.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remedy() {
            Some(remedy) => write!(f, "{}; {remedy}", self.what()),
            None => f.write_str(&self.what()),
        }
    }
}
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_where_and_what_to_do() {
        let text = |rv| Error::check("C_Login", rv).unwrap_err().to_string();
        assert_eq!(
            text(CKR_PIN_INCORRECT),
            "the PIN is wrong (C_Login answered CKR_PIN_INCORRECT); give the right one before too many wrong ones \
             lock it"
        );
        let unknown = "; the module's manual or log may say more, and `keyferry doctor` shows what the token can do";
        for (rv, code) in
            [(CKR_STATE_UNSAVEABLE, "CKR_STATE_UNSAVEABLE"), (0x8000_0001, "0x80000001")]
        {
            assert_eq!(text(rv), format!("C_Login answered {code}{unknown}"));
        }
        assert_eq!(
            Error::Absent("C_CopyObject").to_string(),
            "the module has no C_CopyObject; use another, such as keyferry's own"
        );
        let (mechanism, parameters) = ("CKM_RSA_PKCS_OAEP", "OAEP with SHA-256".to_owned());
        let refused = Error::Parameters { mechanism, parameters, rv: CKR_ARGUMENTS_BAD };
        assert_eq!(
            refused.to_string(),
            "the module's CKM_RSA_PKCS_OAEP does not take OAEP with SHA-256 (C_WrapKey answered CKR_ARGUMENTS_BAD); \
             use another, such as keyferry's own: `keyferry doctor` shows what a module takes"
        );
        assert!(Error::check("C_Login", CKR_OK).is_ok());
    }
}
