//! The functions of the lists, all of them at once: with NULL and 0 for every argument.
use super::*;

/// A function that can be called with NULL and 0 for every argument.
pub trait Zeros {
    fn zeros(self) -> CK_RV;
}

macro_rules! zeros {
    ($($arg:ident)*) => {
        impl<$($arg),*> Zeros for unsafe extern "C" fn($($arg),*) -> CK_RV {
            fn zeros(self) -> CK_RV {
                // All arguments are integers, pointers and optional functions.
                unsafe { self($(std::mem::zeroed::<$arg>()),*) }
            }
        }
    };
}
zeros!(A);
zeros!(A B);
zeros!(A B C);
zeros!(A B C D);
zeros!(A B C D E);
zeros!(A B C D E F);
zeros!(A B C D E F G);
zeros!(A B C D E F G H);
zeros!(A B C D E F G H I);
zeros!(A B C D E F G H I J);

/// What a function answers if all its arguments are NULL and 0.
pub type Call = Box<dyn Fn() -> CK_RV>;

macro_rules! every {
    ($($name:ident)*) => {
        /// Every function by its name.
        pub fn every(p: &Pkcs11) -> Vec<(&'static str, Call)> {
            let list = p.list();
            vec![$((stringify!($name), {
                let function = list.$name.expect(stringify!($name));
                Box::new(move || function.zeros()) as Call
            })),*]
        }
    };
}

every! {
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
    C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent C_GetInterfaceList C_GetInterface
    C_LoginUser C_SessionCancel C_MessageEncryptInit C_EncryptMessage C_EncryptMessageBegin
    C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit C_DecryptMessage
    C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal C_MessageSignInit
    C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal C_MessageVerifyInit
    C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal C_EncapsulateKey
    C_DecapsulateKey C_VerifySignatureInit C_VerifySignature C_VerifySignatureUpdate
    C_VerifySignatureFinal C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin
    C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
}
