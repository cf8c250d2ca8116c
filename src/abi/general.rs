//! General-purpose functions, PKCS#11 3.2 section 5.4; [`lists`](super::lists) has the others.
use super::{c_fn, logging, process};
use crate::ck::*;
use crate::error::Error;
use crate::module::Module;
use std::ffi::c_void;

c_fn! {
    /// Initialises the module for this process. `pReserved` may point to a NUL-terminated
    /// configuration string, see [`Config::read`](crate::config::Config::read).
    fn C_Initialize(args: *mut c_void) |caller| {
        logging::start();
        process::initialize(|| {
            let (config, threads) = caller.initialize_args(args)?;
            Module::new(config, threads)
        })
    }

    /// Ends it. An RSA key pair under way on another thread is given up; other calls end in their
    /// time.
    fn C_Finalize(reserved: *mut c_void) |_caller, _module| {
        if !reserved.is_null() {
            return Err(Error::ArgumentsBad);
        }
        process::finalize()
    }

    /// What this module is.
    fn C_GetInfo(info: *mut CK_INFO) |caller, _module| {
        caller.place(info)?.put(Module::info())
    }
}
