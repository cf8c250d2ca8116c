//! The C boundary: every exported function, and the only code that touches the caller's memory.
//!
//! [`caller`] reads and writes that memory; `params` and `template` make owned Rust values of what
//! is found there; the other files are the chapters of the standard, each function a few lines of
//! `c_fn!` over [`Module`](crate::module::Module) and [`Session`](crate::session::Session).
mod attributes;
mod caller;
mod digest;
mod dual;
mod encapsulate;
mod encrypt;
pub mod environment;
mod general;
#[cfg(all(unix, not(miri)))]
mod guess;
#[cfg(not(all(unix, not(miri))))]
#[path = "guess_elsewhere.rs"]
mod guess;
mod initialize;
mod keys;
mod lists;
mod logging;
mod messages;
mod objects;
mod params;
mod process;
mod random;
mod recover;
mod sessions;
mod sign;
mod slots;
mod template;
mod unsupported;
#[cfg(all(target_os = "linux", not(miri)))]
mod wiped;
#[cfg(not(all(target_os = "linux", not(miri))))]
#[path = "wiped_elsewhere.rs"]
mod wiped;

pub use lists::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};

use crate::ck::*;
use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Turns the outcome of a call into what C understands. No panic leaves this function.
fn answer(name: &str, call: impl FnOnce() -> Result<()>) -> CK_RV {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => {
            log::trace!("{name}: CKR_OK");
            CKR_OK
        }
        Ok(Err(error)) => {
            log::debug!("{name}: {error}");
            error.into()
        }
        Err(_) => {
            log::error!("{name}: panicked; this is a bug of keyferry");
            Error::GeneralError.into()
        }
    }
}

/// Declares exported functions. A body sees the application through its `Caller` and the token
/// through its `Module`; those that name no module work before `C_Initialize` too.
macro_rules! c_fn {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?)
        |$caller:ident $(, $module:ident)?| $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// The arguments must be what PKCS#11 asks of the application.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "as the standard has it")]
        pub unsafe extern "C" fn $name($($arg: $ty),*) -> crate::ck::CK_RV {
            let frame = ();
            // SAFETY: our caller vouches for its pointers until we return; so long lives the frame.
            let $caller = unsafe { $crate::abi::caller::Caller::for_this_call(&frame) };
            $crate::abi::answer(stringify!($name), || {
                $(let $module = $crate::abi::process::module()?;)?
                $body
            })
        }
    )*};
}
use c_fn;

/// Declares the functions that all operations have in the same form: `init` starts one with a key,
/// or ends it if the mechanism is NULL (3.0); `single`, `update` and `dual` have an input and an
/// output, `feed` an input, `finish` an output.
macro_rules! c_operation {
    ($($(#[$doc:meta])* $form:ident $name:ident: $of:expr;)*) => {$(
        $crate::abi::c_operation! { @$form $(#[$doc])* $name: $of }
    )*};
    (@init $(#[$doc:meta])* $name:ident: $of:expr) => { $crate::abi::c_fn! {
        $(#[$doc])*
        fn $name(
            session: CK_SESSION_HANDLE,
            mechanism: *mut CK_MECHANISM,
            key: CK_OBJECT_HANDLE,
        ) |caller, module| {
            let session = module.session(session)?;
            match caller.mechanism_or_cancel(mechanism)? {
                Some((mechanism, params)) => session.start($of, mechanism, params, key),
                None => session.cancel($of),
            }
        }
    }};
    (@feed $(#[$doc:meta])* $name:ident: $of:expr) => { $crate::abi::c_fn! {
        $(#[$doc])*
        fn $name(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
        |caller, module| {
            let session = module.session(session)?;
            let part = session.argument($of.flags(), caller.bytes(part, part_len))?;
            session.update($of, $crate::crypto::Exchange::of(part), Room::Bytes(0)).map(drop)
        }
    }};
    (@finish $(#[$doc:meta])* $name:ident: $of:expr) => { $crate::abi::c_fn! {
        $(#[$doc])*
        fn $name(session: CK_SESSION_HANDLE, output: *mut CK_BYTE, output_len: *mut CK_ULONG)
        |caller, module| {
            let session = module.session(session)?;
            let output = session.argument($of.flags(), caller.output(output, output_len))?;
            let room = output.room();
            output.put(session.finish($of, room)?)
        }
    }};
    (@$method:ident $(#[$doc:meta])* $name:ident: $of:expr) => { $crate::abi::c_fn! {
        $(#[$doc])*
        fn $name(
            session: CK_SESSION_HANDLE,
            input: *mut CK_BYTE,
            input_len: CK_ULONG,
            output: *mut CK_BYTE,
            output_len: *mut CK_ULONG,
        ) |caller, module| {
            let session = module.session(session)?;
            let output = session.argument($of.flags(), caller.output(output, output_len))?;
            let input = caller.exchange(input, input_len, &output);
            let input = session.argument($of.flags(), input)?;
            let room = output.room();
            output.put(session.$method($of, input, room)?)
        }
    }};
}
use c_operation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stays_inside() {
        assert_eq!(answer("C_Test", || panic!("on purpose")), CKR_GENERAL_ERROR);
    }

    #[test]
    fn an_error_is_its_number() {
        assert_eq!(answer("C_Test", || Err(Error::PinIncorrect)), CKR_PIN_INCORRECT);
        assert_eq!(answer("C_Test", || Ok(())), CKR_OK);
    }
}
