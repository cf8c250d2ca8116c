//! Every function of the lists with nonsense for its arguments: which code it answers with.
//!
//! What this module does not have answers `CKR_FUNCTION_NOT_SUPPORTED` to all of it and needs no row.
use crate::common::every::{Fill, Filled, every_filled};
use crate::common::*;
use std::ptr::null_mut;

const BAD: CK_RV = CKR_ARGUMENTS_BAD;
const NO_SLOT: CK_RV = CKR_SLOT_ID_INVALID;
const NO_OBJECT: CK_RV = CKR_OBJECT_HANDLE_INVALID;
const NO_KEY: CK_RV = CKR_KEY_HANDLE_INVALID;
const NO_MECHANISM: CK_RV = CKR_MECHANISM_INVALID;
const NOT_STARTED: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

/// Lengths, counts and handles that there are not.
const ABSURD: [CK_ULONG; 5] =
    [CK_ULONG::MAX, CK_ULONG::MAX - 1, 1 << 63, (1 << 63) - 1, CK_ULONG::MAX / 8 + 1];

/// A session that is open, and for the other arguments: NULL and 0; NULL and absurd numbers;
/// pointers to zeros and absurd numbers.
const OPEN_SESSION: &[(&str, [CK_RV; 3])] = &[
    ("C_InitPIN", [CKR_USER_NOT_LOGGED_IN, BAD, CKR_PIN_LEN_RANGE]),
    ("C_SetPIN", [CKR_PIN_LEN_RANGE, BAD, CKR_PIN_INCORRECT]),
    ("C_CloseSession", [CKR_OK, CKR_OK, CKR_OK]),
    ("C_GetSessionInfo", [BAD, BAD, CKR_OK]),
    ("C_Login", [CKR_USER_ANOTHER_ALREADY_LOGGED_IN, BAD, CKR_PIN_INCORRECT]),
    ("C_LoginUser", [CKR_USER_ANOTHER_ALREADY_LOGGED_IN, BAD, BAD]),
    ("C_Logout", [CKR_OK, CKR_OK, CKR_OK]),
    ("C_SessionCancel", [CKR_OK, CKR_OK, CKR_OK]),
    ("C_CreateObject", [BAD, BAD, BAD]),
    ("C_CopyObject", [BAD, BAD, BAD]),
    ("C_DestroyObject", [NO_OBJECT, NO_OBJECT, NO_OBJECT]),
    ("C_GetObjectSize", [BAD, BAD, NO_OBJECT]),
    ("C_GetAttributeValue", [NO_OBJECT, BAD, BAD]),
    ("C_SetAttributeValue", [NO_OBJECT, BAD, BAD]),
    ("C_FindObjectsInit", [CKR_OK, BAD, BAD]),
    ("C_FindObjects", [BAD, BAD, BAD]),
    ("C_FindObjectsFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_EncryptInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_Encrypt", [BAD, BAD, BAD]),
    ("C_EncryptUpdate", [BAD, BAD, BAD]),
    ("C_EncryptFinal", [BAD, BAD, NOT_STARTED]),
    ("C_DecryptInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_Decrypt", [BAD, BAD, BAD]),
    ("C_DecryptUpdate", [BAD, BAD, BAD]),
    ("C_DecryptFinal", [BAD, BAD, NOT_STARTED]),
    ("C_DigestInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_Digest", [BAD, BAD, BAD]),
    ("C_DigestUpdate", [NOT_STARTED, BAD, BAD]),
    ("C_DigestKey", [NO_KEY, NO_KEY, NO_KEY]),
    ("C_DigestFinal", [BAD, BAD, NOT_STARTED]),
    ("C_SignInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_Sign", [BAD, BAD, BAD]),
    ("C_SignUpdate", [NOT_STARTED, BAD, BAD]),
    ("C_SignFinal", [BAD, BAD, NOT_STARTED]),
    ("C_SignRecoverInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_SignRecover", [BAD, BAD, BAD]),
    ("C_VerifyInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_Verify", [NOT_STARTED, BAD, BAD]),
    ("C_VerifyUpdate", [NOT_STARTED, BAD, BAD]),
    ("C_VerifyFinal", [NOT_STARTED, BAD, BAD]),
    ("C_VerifyRecoverInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_VerifyRecover", [BAD, BAD, BAD]),
    ("C_GenerateKey", [BAD, BAD, BAD]),
    ("C_GenerateKeyPair", [BAD, BAD, BAD]),
    ("C_WrapKey", [BAD, BAD, NO_MECHANISM]),
    ("C_UnwrapKey", [BAD, BAD, BAD]),
    ("C_DeriveKey", [BAD, BAD, BAD]),
    ("C_GetOperationState", [BAD, BAD, NOT_STARTED]),
    ("C_SetOperationState", [CKR_SAVED_STATE_INVALID, BAD, BAD]),
    ("C_DigestEncryptUpdate", [BAD, BAD, BAD]),
    ("C_DecryptDigestUpdate", [BAD, BAD, BAD]),
    ("C_SignEncryptUpdate", [BAD, BAD, BAD]),
    ("C_DecryptVerifyUpdate", [BAD, BAD, BAD]),
    ("C_MessageEncryptInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_EncryptMessage", [BAD, BAD, NOT_STARTED]),
    ("C_EncryptMessageBegin", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_EncryptMessageNext", [BAD, BAD, BAD]),
    ("C_MessageEncryptFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_MessageDecryptInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_DecryptMessage", [BAD, BAD, NOT_STARTED]),
    ("C_DecryptMessageBegin", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_DecryptMessageNext", [BAD, BAD, BAD]),
    ("C_MessageDecryptFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_MessageSignInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_SignMessage", [BAD, BAD, CKR_MECHANISM_PARAM_INVALID]),
    ("C_SignMessageBegin", [NOT_STARTED, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID]),
    ("C_SignMessageNext", [NOT_STARTED, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID]),
    ("C_MessageSignFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_MessageVerifyInit", [CKR_OK, CKR_OK, NO_MECHANISM]),
    ("C_VerifyMessage", [NOT_STARTED, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID]),
    (
        "C_VerifyMessageBegin",
        [NOT_STARTED, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID],
    ),
    (
        "C_VerifyMessageNext",
        [NOT_STARTED, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID],
    ),
    ("C_MessageVerifyFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_EncapsulateKey", [BAD, BAD, BAD]),
    ("C_DecapsulateKey", [BAD, BAD, BAD]),
    ("C_VerifySignatureInit", [CKR_OK, CKR_OK, BAD]),
    ("C_VerifySignature", [NOT_STARTED, BAD, BAD]),
    ("C_VerifySignatureUpdate", [NOT_STARTED, BAD, BAD]),
    ("C_VerifySignatureFinal", [NOT_STARTED, NOT_STARTED, NOT_STARTED]),
    ("C_GetSessionValidationFlags", [BAD, BAD, BAD]),
    ("C_WrapKeyAuthenticated", [BAD, BAD, NO_MECHANISM]),
    ("C_UnwrapKeyAuthenticated", [BAD, BAD, NO_MECHANISM]),
    ("C_SeedRandom", [CKR_OK, BAD, BAD]),
    ("C_GenerateRandom", [CKR_OK, BAD, BAD]),
    ("C_GetFunctionStatus", [CKR_FUNCTION_NOT_PARALLEL; 3]),
    ("C_CancelFunction", [CKR_FUNCTION_NOT_PARALLEL; 3]),
];

/// The same for functions whose first argument is no session. It is the number of a slot that is
/// there, then of one that is not, if it is a slot at all.
const NO_SESSION: &[(&str, [CK_RV; 3])] = &[
    ("C_Initialize", [CKR_CRYPTOKI_ALREADY_INITIALIZED; 3]),
    ("C_GetInfo", [BAD, BAD, CKR_OK]),
    ("C_GetFunctionList", [BAD, BAD, CKR_OK]),
    ("C_GetInterfaceList", [BAD, BAD, CKR_BUFFER_TOO_SMALL]),
    // what this function answers where there is no such interface
    ("C_GetInterface", [BAD, BAD, BAD]),
    ("C_GetSlotList", [BAD, BAD, CKR_BUFFER_TOO_SMALL]),
    ("C_GetSlotInfo", [BAD, BAD, NO_SLOT]),
    ("C_GetTokenInfo", [BAD, BAD, NO_SLOT]),
    ("C_GetMechanismList", [BAD, NO_SLOT, NO_SLOT]),
    ("C_GetMechanismInfo", [BAD, BAD, NO_SLOT]),
    ("C_InitToken", [BAD, BAD, CKR_PIN_LEN_RANGE]),
    ("C_OpenSession", [BAD, BAD, NO_SLOT]),
    ("C_CloseAllSessions", [CKR_OK, NO_SLOT, NO_SLOT]),
    ("C_WaitForSlotEvent", [BAD, BAD, BAD]),
];

/// Calls a function in one of the three ways.
fn nonsense(call: &Filled, first: CK_ULONG, which: usize, number: CK_ULONG) -> CK_RV {
    let mut memory = [0u64; 512];
    let at = memory.as_mut_ptr().cast();
    let (number, memory) = [(0, null_mut()), (number, null_mut()), (number, at)][which];
    call(&Fill { first, number, memory })
}

/// The rows of a table beside the functions they are about; whatever is not in `others` is here.
fn rows<'a>(
    all: &'a [(&'static str, Filled)],
    table: &'a [(&str, [CK_RV; 3])],
    others: &'a [(&str, [CK_RV; 3])],
) -> impl Iterator<Item = (&'static str, &'a Filled, [CK_RV; 3])> {
    let here = |name| name != "C_Finalize" && !others.iter().any(|row| row.0 == name);
    all.iter().filter(move |(name, _)| here(*name)).map(|(name, call)| {
        let row = table.iter().find(|row| row.0 == *name);
        (*name, call, row.map_or([CKR_FUNCTION_NOT_SUPPORTED; 3], |row| row.1))
    })
}

#[test]
fn an_open_session_and_nonsense() {
    with_token(|t| {
        let all = every_filled(&t.p);
        for (name, call, expected) in rows(&all, OPEN_SESSION, NO_SESSION) {
            for (which, expected) in expected.into_iter().enumerate() {
                for number in ABSURD {
                    let session = t.p.open_rw(t.slot).unwrap();
                    let rv = nonsense(call, session.handle, which, number);
                    assert_eq!(rv, expected, "{name}, {which}, {number:x}");
                    if name == "C_Logout" {
                        t.login(CKU_USER, PIN).unwrap();
                    }
                    if name != "C_CloseSession" {
                        assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS), "{name}");
                        session.close().unwrap();
                    }
                }
            }
        }
    });
}

#[test]
fn a_slot_and_nonsense() {
    with_module(|p| {
        p.init_token(0, SO_PIN, LABEL).unwrap();
        let all = every_filled(p);
        for (name, call, expected) in rows(&all, NO_SESSION, OPEN_SESSION) {
            for (which, expected) in expected.into_iter().enumerate() {
                for number in ABSURD {
                    let slot = if which == 0 { 0 } else { number };
                    let (slot, number) = match name {
                        // a PIN is looked at only if there is a slot
                        "C_InitToken" => (0, number),
                        "C_OpenSession" => (slot, number | CKF_SERIAL_SESSION),
                        _ => (slot, number),
                    };
                    let rv = nonsense(call, slot, which, number);
                    assert_eq!(rv, expected, "{name}, {which}, {number:x}");
                }
            }
        }
        assert_eq!(p.token_info(0).unwrap().flags & CKF_SO_PIN_COUNT_LOW, 0, "no PIN was tried");
    });
}

/// Handles that are no session's: whatever else is wrong, this is what it is about.
#[test]
fn no_session_and_nonsense() {
    with_token(|t| {
        let closed = t.p.open_rw(t.slot).unwrap();
        closed.close().unwrap();
        let object = t.aes(16).unwrap();
        let all = every_filled(&t.p);
        for (name, call, expected) in rows(&all, OPEN_SESSION, NO_SESSION) {
            let expected = match expected[0] {
                CKR_FUNCTION_NOT_SUPPORTED | CKR_FUNCTION_NOT_PARALLEL => expected[0],
                _ => CKR_SESSION_HANDLE_INVALID,
            };
            for handle in [closed.handle, object, 0, 1 << 31, 1 << 63, CK_ULONG::MAX] {
                for which in 0..3 {
                    let rv = nonsense(call, handle, which, CK_ULONG::MAX);
                    assert_eq!(rv, expected, "{name}, {which}, session {handle:x}");
                }
            }
        }
        assert!(t.size(object).is_ok());
    });
}
