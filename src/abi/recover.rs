//! Signatures that hold what was signed: PKCS#11 3.2 sections 5.13.5 and 5.15.5.
use super::c_fn;
use crate::ck::*;
use crate::session::Role;

c_fn! {
    /// Starts a signature with recovery; a NULL mechanism ends one that is under way (3.0).
    fn C_SignRecoverInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.start(Role::SignRecover, mechanism, params, key),
            None => session.cancel(Role::SignRecover),
        }
    }

    /// Signs in one part.
    fn C_SignRecover(
        session: CK_SESSION_HANDLE,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(signature, signature_len)?;
        let data = caller.bytes(data, data_len)?;
        let room = output.room();
        output.put(session.single(Role::SignRecover, data, room)?)
    }

    /// Starts a verification that gives back what was signed.
    fn C_VerifyRecoverInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.start(Role::VerifyRecover, mechanism, params, key),
            None => session.cancel(Role::VerifyRecover),
        }
    }

    /// Verifies, and gives back what was signed.
    fn C_VerifyRecover(
        session: CK_SESSION_HANDLE,
        signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(data, data_len)?;
        let signature = caller.bytes(signature, signature_len)?;
        let room = output.room();
        output.put(session.single(Role::VerifyRecover, signature, room)?)
    }
}
