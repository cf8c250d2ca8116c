//! What the answers of modules mean to a user, and what to do about each.
use crate::ck::*;

/// A row: an answer, and what there is to say of it.
pub(super) struct Meaning {
    /// The answer.
    rv: CK_RV,
    /// Its name in the standard.
    pub(super) name: &'static str,
    /// What is wrong.
    pub(super) says: &'static str,
    /// What to do next.
    pub(super) remedy: &'static str,
}

macro_rules! meanings {
    ($($ckr:ident: $says:literal; $remedy:literal,)*) => {
        const MEANINGS: &[Meaning] =
            &[$(Meaning { rv: $ckr, name: stringify!($ckr), says: $says, remedy: $remedy },)*];
    };
}

meanings! {
    CKR_ACTION_PROHIBITED: "the object may not be changed, copied or destroyed";
        "`keyferry key show LABEL` shows what may be done with it",
    CKR_ARGUMENTS_BAD: "the module does not take these arguments";
        "check its configuration and where it keeps its tokens",
    CKR_ATTRIBUTE_READ_ONLY: "an attribute of the object may not be set so";
        "make a new object with the value that it should have",
    CKR_ATTRIBUTE_TYPE_INVALID: "the module does not know an attribute that is needed";
        "use another module, such as keyferry's own",
    CKR_ATTRIBUTE_VALUE_INVALID: "the module does not take the value of an attribute";
        "give another value, or use another module, such as keyferry's own",
    CKR_CANCEL: "the operation was cancelled at the token";
        "run the command again, and confirm it there",
    CKR_CURVE_NOT_SUPPORTED: "the token does not have this curve";
        "choose a key on another curve, or use another module, such as keyferry's own",
    CKR_DEVICE_ERROR: "the token's store or hardware failed";
        "look into the module's log (of keyferry's own: KEYFERRY_LOG=debug)",
    CKR_DEVICE_MEMORY: "the token is full";
        "destroy keys that are not needed any more, or use another token",
    CKR_DEVICE_REMOVED: "the token is gone";
        "put it back, and run the command again",
    CKR_DOMAIN_PARAMS_INVALID: "the token does not take this curve";
        "choose a key on another curve, or use another module, such as keyferry's own",
    CKR_FUNCTION_CANCELED: "the operation was cancelled at the token";
        "run the command again, and confirm it there",
    CKR_FUNCTION_FAILED: "the module does not say what is wrong";
        "look into its log (of keyferry's own: KEYFERRY_LOG=debug)",
    CKR_FUNCTION_NOT_SUPPORTED: "the module does not have this function";
        "use another module, such as keyferry's own",
    CKR_FUNCTION_REJECTED: "the token refused the operation, or somebody did at it";
        "run the command again, and confirm it there",
    CKR_GENERAL_ERROR: "the module does not say what is wrong";
        "look into its log (of keyferry's own: KEYFERRY_LOG=debug)",
    CKR_HOST_MEMORY: "there is not enough memory";
        "close other programs, and run the command again",
    CKR_KEY_FUNCTION_NOT_PERMITTED: "the key's attributes forbid this use";
        "`keyferry key show LABEL` shows what it is for: use another, or generate one with the right --usage",
    CKR_KEY_HANDLE_INVALID: "the key is gone";
        "`keyferry key list` shows those there are",
    CKR_KEY_NOT_WRAPPABLE: "the key may not be wrapped with this KEK or mechanism";
        "`keyferry doctor --key LABEL` says what is in its way",
    CKR_KEY_SIZE_RANGE: "the module does not take keys of this size";
        "choose another size, or use another module, such as keyferry's own",
    CKR_KEY_TYPE_INCONSISTENT: "the key is of the wrong type for this";
        "`keyferry key show LABEL` shows its type: use another key",
    CKR_KEY_UNEXTRACTABLE: "the key may not leave the token";
        "generate a new key with --extractable",
    CKR_MECHANISM_INVALID: "the module does not have this mechanism";
        "use another module, such as keyferry's own",
    CKR_MECHANISM_PARAM_INVALID: "the module does not take these parameters of the mechanism";
        "`keyferry doctor` shows which it takes",
    CKR_OBJECT_HANDLE_INVALID: "the object is gone";
        "`keyferry key list` shows those there are",
    CKR_PIN_EXPIRED: "the PIN has expired";
        "set a new one with the module's own tool",
    CKR_PIN_INCORRECT: "the PIN is wrong";
        "give the right one before too many wrong ones lock it",
    CKR_PIN_INVALID: "the PIN has characters that the token does not take";
        "choose another PIN",
    CKR_PIN_LEN_RANGE: "the PIN is too short or too long for the token";
        "give one of another length",
    CKR_PIN_LOCKED: "the PIN is locked after too many wrong ones";
        "the SO sets a user PIN anew with `pkcs11-tool --module MODULE --login --login-type so --init-pin`, but nobody an \
         SO PIN",
    CKR_PIN_TOO_WEAK: "the PIN is too weak for the token";
        "choose a longer one",
    CKR_RANDOM_NO_RNG: "the token gives no random numbers";
        "use another token",
    CKR_SESSION_COUNT: "the token has no session left";
        "close other programs that use it, and run the command again",
    CKR_SESSION_READ_ONLY: "the token takes nothing new in a session that only reads";
        "put a KEK there with `keyferry kek import`, and give its label",
    CKR_SIGNATURE_INVALID: "the signature is not of this key";
        "do not use what was made, and look into the module's log",
    CKR_SLOT_ID_INVALID: "there is no such slot";
        "`keyferry token list` shows those there are",
    CKR_TEMPLATE_INCOMPLETE: "the module asks for an attribute that was not given";
        "use another module, such as keyferry's own",
    CKR_TEMPLATE_INCONSISTENT: "the module does not take these attributes together";
        "give other options, or use another module, such as keyferry's own",
    CKR_TOKEN_NOT_PRESENT: "there is no token in the slot";
        "put it in, and run the command again",
    CKR_TOKEN_NOT_RECOGNIZED: "the module does not know the token in the slot";
        "use the module that it was made for",
    CKR_TOKEN_RESOURCE_EXCEEDED: "the token is full, or does too much at once";
        "close other programs that use it, or destroy keys that are not needed any more",
    CKR_TOKEN_WRITE_PROTECTED: "the token cannot be written";
        "end its write protection, or use another token",
    CKR_UNWRAPPING_KEY_SIZE_RANGE: "the module does not unwrap with a KEK of this size";
        "use a KEK of another size, or another module, such as keyferry's own",
    CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT: "the KEK is of the wrong type for this mechanism";
        "use an RSA key, or another module, such as keyferry's own",
    CKR_USER_ANOTHER_ALREADY_LOGGED_IN: "somebody else is logged in to the token";
        "end that program, and run the command again",
    CKR_USER_NOT_LOGGED_IN: "the token wants a login for this";
        "end other programs that use it, and run the command again",
    CKR_USER_PIN_NOT_INITIALIZED: "the token has no user PIN yet";
        "the SO sets one: `pkcs11-tool --module MODULE --login --login-type so --init-pin`",
    CKR_USER_TOO_MANY_TYPES: "somebody else is logged in to the token";
        "end that program, and run the command again",
    CKR_WRAPPED_KEY_INVALID: "the wrapped key does not open with this KEK";
        "it is damaged, or for another KEK: export the key again",
    CKR_WRAPPED_KEY_LEN_RANGE: "no wrapped key under this KEK has this length";
        "the file is cut off, or for another KEK: export the key again",
    CKR_WRAPPING_KEY_SIZE_RANGE: "the module does not wrap with a KEK of this size";
        "get a KEK of another size, or use another module, such as keyferry's own",
    CKR_WRAPPING_KEY_TYPE_INCONSISTENT: "the KEK is of the wrong type for this mechanism";
        "get an RSA key as KEK, or use another module, such as keyferry's own",
}

/// What to do about an answer that has no row.
pub(super) const UNKNOWN: &str =
    "the module's manual or log may say more, and `keyferry doctor` shows what the token can do";

/// The row of an answer.
pub(super) fn of(rv: CK_RV) -> Option<&'static Meaning> {
    MEANINGS.iter().find(|row| row.rv == rv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_one_row_a_meaning_and_a_remedy() {
        for row in MEANINGS {
            assert_eq!(
                MEANINGS.iter().filter(|other| other.rv == row.rv).count(),
                1,
                "{}",
                row.name
            );
            for sentence in [row.says, row.remedy] {
                let long = sentence.split(' ').count() >= 3;
                assert!(long && !sentence.ends_with('.') && !sentence.contains(';'), "{sentence}");
            }
        }
        let names: Vec<&str> = MEANINGS.iter().map(|row| row.name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }
}
