//! Functions that this module does not have: each answers, whatever its arguments, with the one
//! code that says so. A function that gets a body moves to the file of its chapter.
use super::{answer, process};
use crate::ck::*;
use crate::error::Error;

macro_rules! refused {
    ($error:ident: $(fn $name:ident($($ty:ty),* $(,)?);)*) => {$(
        #[doc = concat!("Answers [`Error::", stringify!($error), "`].")]
        ///
        /// # Safety
        /// Always: the arguments are not looked at.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "as the standard has it")]
        pub unsafe extern "C" fn $name($(_: $ty),*) -> CK_RV {
            answer(stringify!($name), || {
                process::module()?;
                Err(Error::$error)
            })
        }
    )*};
}

// Parallel function management functions, PKCS#11 3.2 section 5.20: legacy of version 1.0.
refused! {
    FunctionNotParallel:
    fn C_GetFunctionStatus(CK_SESSION_HANDLE);
    fn C_CancelFunction(CK_SESSION_HANDLE);
}

// Asynchronous operations, PKCS#11 3.2 section 5.21: no session has any, as C_OpenSession says to
// whoever asks for CKF_ASYNC_SESSION.
refused! {
    FunctionNotSupported:
    fn C_AsyncComplete(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    fn C_AsyncGetID(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ULONG);
    fn C_AsyncJoin(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
