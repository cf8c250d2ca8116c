//! The ways in: `C_GetFunctionList`, `C_GetInterfaceList` and `C_GetInterface`, and what they give.
//!
//! Each version of the interface has the functions of the one before and more behind them. These
//! three functions alone work without `C_Initialize`.
use super::{c_fn, encrypt::*, general::*, keys::*, objects::*, random::*, sessions::*, sign::*};
use super::{digest::*, dual::*, encapsulate::*, recover::*, slots::*, unsupported::*};
use super::{messages::encrypt::*, messages::sign::*};
use crate::ck::*;
use crate::error::Error;

macro_rules! function_lists {
    (2.40: $($v2:ident)* ; 3.0: $($v3:ident)* ; 3.2: $($v32:ident)* ;) => {
        static V2_40: CK_FUNCTION_LIST =
            CK_FUNCTION_LIST { version: version(2, 40), $($v2: Some($v2),)* };
        static V3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: version(3, 0),
            $($v2: Some($v2),)* $($v3: Some($v3),)*
        };
        static V3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: version(3, 2),
            $($v2: Some($v2),)* $($v3: Some($v3),)* $($v32: Some($v32),)*
        };
    };
}

function_lists! {
    2.40:
    C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo
    C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession
    C_CloseSession C_CloseAllSessions C_GetSessionInfo C_GetOperationState C_SetOperationState
    C_Login C_Logout C_CreateObject C_CopyObject C_DestroyObject C_GetObjectSize
    C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit C_FindObjects C_FindObjectsFinal
    C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate
    C_DecryptFinal C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit
    C_Sign C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify
    C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate
    C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey
    C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom
    C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent
    ;
    3.0:
    C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit
    C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
    C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext
    C_MessageDecryptFinal C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext
    C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin
    C_VerifyMessageNext C_MessageVerifyFinal
    ;
    3.2:
    C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit C_VerifySignature
    C_VerifySignatureUpdate C_VerifySignatureFinal C_GetSessionValidationFlags C_AsyncComplete
    C_AsyncGetID C_AsyncJoin C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
    ;
}

const fn version(major: CK_BYTE, minor: CK_BYTE) -> CK_VERSION {
    CK_VERSION { major, minor }
}

/// The name of every interface here, as C has it.
const NAME: &[u8] = b"PKCS 11\0";

/// Pointers to what never changes.
struct Interfaces([CK_INTERFACE; 3]);

// SAFETY: the pointers are to statics that are never written.
unsafe impl Sync for Interfaces {}

/// The interfaces, newest first: the first is the default.
static INTERFACES: Interfaces = Interfaces([
    interface((&raw const V3_2).cast()),
    interface((&raw const V3_0).cast()),
    interface((&raw const V2_40).cast()),
]);

const VERSIONS: [CK_VERSION; 3] = [version(3, 2), version(3, 0), version(2, 40)];

/// None is `CKF_INTERFACE_FORK_SAFE`: a forked child initialises itself.
const fn interface(list: *const std::ffi::c_void) -> CK_INTERFACE {
    CK_INTERFACE {
        pInterfaceName: NAME.as_ptr().cast_mut(),
        pFunctionList: list.cast_mut(),
        flags: 0,
    }
}

c_fn! {
    /// The functions of PKCS#11 2.40.
    fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) |caller| {
        caller.place(list)?.put((&raw const V2_40).cast_mut())
    }

    /// All interfaces.
    fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) |caller| {
        caller.list(list, count, &INTERFACES.0)
    }

    /// The interface of a name, version and flags, each of which may be left open: the newest that
    /// has them, or `CKR_ARGUMENTS_BAD`.
    fn C_GetInterface(
        name: *mut CK_UTF8CHAR,
        version: *mut CK_VERSION,
        interface: *mut *mut CK_INTERFACE,
        flags: CK_FLAGS,
    ) |caller| {
        let place = caller.place(interface)?;
        let named = name.is_null() || caller.is_text(name, NAME)?;
        let version = if version.is_null() { None } else { Some(caller.read(version)?) };
        let found = find(version, flags).filter(|_| named).ok_or_else(|| {
            Error::ArgumentsBad.because("no interface of this name, version and flags")
        })?;
        place.put(std::ptr::from_ref(found).cast_mut())
    }
}

/// The newest interface of `version`, if one is wanted, that has all `flags`.
fn find(version: Option<CK_VERSION>, flags: CK_FLAGS) -> Option<&'static CK_INTERFACE> {
    let same = |a: &CK_VERSION, b: CK_VERSION| (a.major, a.minor) == (b.major, b.minor);
    VERSIONS
        .iter()
        .zip(&INTERFACES.0)
        .filter(|(has, _)| version.is_none_or(|wanted| same(has, wanted)))
        .map(|(_, interface)| interface)
        .find(|interface| interface.flags & flags == flags)
}
