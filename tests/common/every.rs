//! The functions of the lists, all of them at once: with NULL and 0 for every argument, or with
//! whatever [`Fill`] says.
use super::*;

/// What the arguments of a function are filled with, whatever they mean.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// The first argument, if it is a number: a session, a slot.
    pub first: CK_ULONG,
    /// All other numbers: handles, types, counts, lengths.
    pub number: CK_ULONG,
    /// All pointers.
    pub memory: *mut c_void,
}

/// A type that arguments have.
pub trait Argument {
    fn filled(fill: &Fill) -> Self;
    fn first(fill: &Fill) -> Self
    where
        Self: Sized,
    {
        Self::filled(fill)
    }
}
impl Argument for CK_ULONG {
    fn filled(fill: &Fill) -> CK_ULONG {
        fill.number
    }
    fn first(fill: &Fill) -> CK_ULONG {
        fill.first
    }
}
impl Argument for CK_BBOOL {
    fn filled(fill: &Fill) -> CK_BBOOL {
        fill.number.to_le_bytes()[0]
    }
}
impl<T> Argument for *mut T {
    fn filled(fill: &Fill) -> *mut T {
        fill.memory.cast()
    }
}
impl Argument for CK_NOTIFY {
    fn filled(_: &Fill) -> CK_NOTIFY {
        None
    }
}

/// A function that can be called with NULL and 0 for every argument.
pub trait Zeros {
    fn zeros(self) -> CK_RV;
    fn filled(self, fill: &Fill) -> CK_RV;
}

macro_rules! zeros {
    ($first:ident $($arg:ident)*) => {
        impl<$first: Argument, $($arg: Argument),*> Zeros
            for unsafe extern "C" fn($first, $($arg),*) -> CK_RV
        {
            fn zeros(self) -> CK_RV {
                // All arguments are integers, pointers and optional functions.
                unsafe { self(std::mem::zeroed::<$first>(), $(std::mem::zeroed::<$arg>()),*) }
            }
            fn filled(self, fill: &Fill) -> CK_RV {
                unsafe { self($first::first(fill), $($arg::filled(fill)),*) }
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
/// What it answers if its arguments are filled.
pub type Filled = Box<dyn Fn(&Fill) -> CK_RV>;

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

        /// The same, with arguments of the test's choice.
        pub fn every_filled(p: &Pkcs11) -> Vec<(&'static str, Filled)> {
            let list = p.list();
            vec![$((stringify!($name), {
                let function = list.$name.expect(stringify!($name));
                Box::new(move |fill: &Fill| function.filled(fill)) as Filled
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
