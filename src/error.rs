//! Why a call failed: one row per `CKR_*` this module returns.
//!
//! An error is born where the answer is known; what led to it goes to the log through
//! [`Error::because`], never a secret.
use crate::ck::{self, CK_RV};
use std::fmt;

/// The result of everything above the C boundary.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $ckr:ident,)*) => {
        /// Why a call failed. `CKR_OK` is deliberately not a member.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Error { $($(#[$doc])* $name,)* }

        impl Error {
            /// Every error, in the order of their names.
            pub const ALL: &'static [Error] = &[$(Error::$name,)*];
        }

        impl From<Error> for CK_RV {
            fn from(error: Error) -> CK_RV {
                match error { $(Error::$name => ck::$ckr,)* }
            }
        }

        impl fmt::Display for Error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Error::$name => stringify!($ckr),)* })
            }
        }
    };
}

errors! {
    /// The object may not be copied, changed or destroyed.
    ActionProhibited = CKR_ACTION_PROHIBITED,
    /// The ciphertext or its associated data is not authentic.
    AeadDecryptFailed = CKR_AEAD_DECRYPT_FAILED,
    /// An argument pointer or length makes no sense.
    ArgumentsBad = CKR_ARGUMENTS_BAD,
    /// The attribute cannot be set so, here.
    AttributeReadOnly = CKR_ATTRIBUTE_READ_ONLY,
    /// The attribute may not be revealed.
    AttributeSensitive = CKR_ATTRIBUTE_SENSITIVE,
    /// The object has no such attribute.
    AttributeTypeInvalid = CKR_ATTRIBUTE_TYPE_INVALID,
    /// The attribute cannot have this value or length.
    AttributeValueInvalid = CKR_ATTRIBUTE_VALUE_INVALID,
    /// The caller's buffer is shorter than the output; nothing was lost.
    BufferTooSmall = CKR_BUFFER_TOO_SMALL,
    /// The locking the application asks for is not available.
    CantLock = CKR_CANT_LOCK,
    /// `C_Initialize` has been called.
    CryptokiAlreadyInitialized = CKR_CRYPTOKI_ALREADY_INITIALIZED,
    /// `C_Initialize` has not been called, or `C_Finalize` has.
    CryptokiNotInitialized = CKR_CRYPTOKI_NOT_INITIALIZED,
    /// The curve is not one of those the token has.
    CurveNotSupported = CKR_CURVE_NOT_SUPPORTED,
    /// The input data is not what the mechanism works on.
    DataInvalid = CKR_DATA_INVALID,
    /// The input data has a length the mechanism does not take.
    DataLenRange = CKR_DATA_LEN_RANGE,
    /// The store or the random source failed, or a stored record is not what was stored.
    DeviceError = CKR_DEVICE_ERROR,
    /// The store is full.
    DeviceMemory = CKR_DEVICE_MEMORY,
    /// The store is gone.
    DeviceRemoved = CKR_DEVICE_REMOVED,
    /// The domain parameters are not valid.
    DomainParamsInvalid = CKR_DOMAIN_PARAMS_INVALID,
    /// The ciphertext does not decrypt.
    EncryptedDataInvalid = CKR_ENCRYPTED_DATA_INVALID,
    /// The ciphertext cannot have this length.
    EncryptedDataLenRange = CKR_ENCRYPTED_DATA_LEN_RANGE,
    /// The function was cancelled.
    FunctionCanceled = CKR_FUNCTION_CANCELED,
    /// The function could not be carried out; trying again may help.
    FunctionFailed = CKR_FUNCTION_FAILED,
    /// There are no parallel functions.
    FunctionNotParallel = CKR_FUNCTION_NOT_PARALLEL,
    /// This module does not have this function.
    FunctionNotSupported = CKR_FUNCTION_NOT_SUPPORTED,
    /// A bug of ours: a panic was caught at the boundary.
    GeneralError = CKR_GENERAL_ERROR,
    /// Not enough memory in the process.
    HostMemory = CKR_HOST_MEMORY,
    /// The information may not be revealed.
    InformationSensitive = CKR_INFORMATION_SENSITIVE,
    /// Another key than the saved one.
    KeyChanged = CKR_KEY_CHANGED,
    /// The key's attributes forbid this use.
    KeyFunctionNotPermitted = CKR_KEY_FUNCTION_NOT_PERMITTED,
    /// No such key, or the key may not be used with this one.
    KeyHandleInvalid = CKR_KEY_HANDLE_INVALID,
    /// The key may not be digested.
    KeyIndigestible = CKR_KEY_INDIGESTIBLE,
    /// The saved state needs a key.
    KeyNeeded = CKR_KEY_NEEDED,
    /// A key was given that is not needed.
    KeyNotNeeded = CKR_KEY_NOT_NEEDED,
    /// The key or object may not be wrapped so.
    KeyNotWrappable = CKR_KEY_NOT_WRAPPABLE,
    /// The key is too short or too long for this.
    KeySizeRange = CKR_KEY_SIZE_RANGE,
    /// The key's type is not the mechanism's.
    KeyTypeInconsistent = CKR_KEY_TYPE_INCONSISTENT,
    /// The key may not leave the token.
    KeyUnextractable = CKR_KEY_UNEXTRACTABLE,
    /// This token has no such mechanism, not for this function, or not for this key.
    MechanismInvalid = CKR_MECHANISM_INVALID,
    /// The mechanism parameter is malformed or not supported.
    MechanismParamInvalid = CKR_MECHANISM_PARAM_INVALID,
    /// The application forbade threads that the module needs.
    NeedToCreateThreads = CKR_NEED_TO_CREATE_THREADS,
    /// No slot event is waiting.
    NoEvent = CKR_NO_EVENT,
    /// No such object.
    ObjectHandleInvalid = CKR_OBJECT_HANDLE_INVALID,
    /// Another operation is under way in this session.
    OperationActive = CKR_OPERATION_ACTIVE,
    /// The operation cannot be cancelled.
    OperationCancelFailed = CKR_OPERATION_CANCEL_FAILED,
    /// No such operation is under way in this session.
    OperationNotInitialized = CKR_OPERATION_NOT_INITIALIZED,
    /// The PIN must be changed first.
    PinExpired = CKR_PIN_EXPIRED,
    /// The PIN is wrong.
    PinIncorrect = CKR_PIN_INCORRECT,
    /// The PIN has characters that it cannot have.
    PinInvalid = CKR_PIN_INVALID,
    /// The PIN is too short or too long.
    PinLenRange = CKR_PIN_LEN_RANGE,
    /// The PIN is locked after too many wrong ones.
    PinLocked = CKR_PIN_LOCKED,
    /// The public key is not a valid one.
    PublicKeyInvalid = CKR_PUBLIC_KEY_INVALID,
    /// There is no random source.
    RandomNoRng = CKR_RANDOM_NO_RNG,
    /// The random source takes no seed.
    RandomSeedNotSupported = CKR_RANDOM_SEED_NOT_SUPPORTED,
    /// The saved operation state is not one of ours.
    SavedStateInvalid = CKR_SAVED_STATE_INVALID,
    /// There are no asynchronous sessions.
    SessionAsyncNotSupported = CKR_SESSION_ASYNC_NOT_SUPPORTED,
    /// The session was closed during the call.
    SessionClosed = CKR_SESSION_CLOSED,
    /// No more sessions.
    SessionCount = CKR_SESSION_COUNT,
    /// A session is open.
    SessionExists = CKR_SESSION_EXISTS,
    /// No such session.
    SessionHandleInvalid = CKR_SESSION_HANDLE_INVALID,
    /// `CKF_SERIAL_SESSION` was not given.
    SessionParallelNotSupported = CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    /// The session is read-only.
    SessionReadOnly = CKR_SESSION_READ_ONLY,
    /// A read-only session is open, so the SO cannot log in.
    SessionReadOnlyExists = CKR_SESSION_READ_ONLY_EXISTS,
    /// The SO is logged in, so no read-only session can open.
    SessionReadWriteSoExists = CKR_SESSION_READ_WRITE_SO_EXISTS,
    /// The signature does not verify.
    SignatureInvalid = CKR_SIGNATURE_INVALID,
    /// The signature cannot have this length.
    SignatureLenRange = CKR_SIGNATURE_LEN_RANGE,
    /// There is no such slot.
    SlotIdInvalid = CKR_SLOT_ID_INVALID,
    /// The operation state cannot be saved.
    StateUnsaveable = CKR_STATE_UNSAVEABLE,
    /// The template lacks a required attribute.
    TemplateIncomplete = CKR_TEMPLATE_INCOMPLETE,
    /// Attributes contradict each other or the object.
    TemplateInconsistent = CKR_TEMPLATE_INCONSISTENT,
    /// The slot holds no token.
    TokenNotPresent = CKR_TOKEN_NOT_PRESENT,
    /// The token is not initialised or not one of ours.
    TokenNotRecognized = CKR_TOKEN_NOT_RECOGNIZED,
    /// The token cannot be written.
    TokenWriteProtected = CKR_TOKEN_WRITE_PROTECTED,
    /// No such unwrapping key.
    UnwrappingKeyHandleInvalid = CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    /// The unwrapping key's size is out of range.
    UnwrappingKeySizeRange = CKR_UNWRAPPING_KEY_SIZE_RANGE,
    /// The unwrapping key's type is not the mechanism's.
    UnwrappingKeyTypeInconsistent = CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    /// This user is logged in already.
    UserAlreadyLoggedIn = CKR_USER_ALREADY_LOGGED_IN,
    /// The other user is logged in.
    UserAnotherAlreadyLoggedIn = CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    /// A user must log in first.
    UserNotLoggedIn = CKR_USER_NOT_LOGGED_IN,
    /// The SO has not set a user PIN yet.
    UserPinNotInitialized = CKR_USER_PIN_NOT_INITIALIZED,
    /// Too many users are logged in.
    UserTooManyTypes = CKR_USER_TOO_MANY_TYPES,
    /// No such type of user here.
    UserTypeInvalid = CKR_USER_TYPE_INVALID,
    /// The wrapped key does not unwrap. One answer for every cause.
    WrappedKeyInvalid = CKR_WRAPPED_KEY_INVALID,
    /// The wrapped key cannot have this length.
    WrappedKeyLenRange = CKR_WRAPPED_KEY_LEN_RANGE,
    /// No such wrapping key.
    WrappingKeyHandleInvalid = CKR_WRAPPING_KEY_HANDLE_INVALID,
    /// The wrapping key's size is out of range.
    WrappingKeySizeRange = CKR_WRAPPING_KEY_SIZE_RANGE,
    /// The wrapping key's type is not the mechanism's.
    WrappingKeyTypeInconsistent = CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
}

impl std::error::Error for Error {}

impl Error {
    /// Records the cause in the log, which a `CK_RV` cannot carry, and returns the error.
    #[must_use]
    pub fn because(self, cause: impl fmt::Display) -> Error {
        log::debug!("{self}: {cause}");
        self
    }

    /// The error of a `CKR_*` number, if it is one this module returns.
    pub fn of(rv: CK_RV) -> Option<Error> {
        Error::ALL.iter().copied().find(|e| CK_RV::from(*e) == rv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn numbers_are_distinct_and_not_ok() {
        let numbers: std::collections::BTreeSet<CK_RV> =
            Error::ALL.iter().map(|e| CK_RV::from(*e)).collect();
        assert_eq!(numbers.len(), Error::ALL.len());
        assert!(!numbers.contains(&ck::CKR_OK));
    }
    #[test]
    fn of_finds_each() {
        for error in Error::ALL {
            assert_eq!(Error::of(CK_RV::from(*error)), Some(*error));
        }
    }
}
