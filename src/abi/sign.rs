//! Signing and verifying functions, PKCS#11 3.2 sections 5.13 and 5.15.
use super::{c_fn, c_operation};
use crate::ck::*;
use crate::session::{Role, Room};

c_operation! {
    /// Starts a signature; a NULL mechanism ends one that is under way (3.0).
    init C_SignInit: Sign;
    /// Signs in one part.
    single C_Sign: Sign;
    /// Takes a part of what is signed.
    feed C_SignUpdate: Sign;
    /// Ends a signature in parts.
    finish C_SignFinal: Sign;
}

c_fn! {
    /// Starts a verification; a NULL mechanism ends one that is under way (3.0).
    fn C_VerifyInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.verify_start(mechanism, params, key),
            None => session.verify_cancel(),
        }
    }

    /// Verifies in one part.
    fn C_Verify(
        session: CK_SESSION_HANDLE,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let data = caller.bytes(data, data_len)?;
        session.verify(data, caller.bytes(signature, signature_len)?)
    }

    /// Takes a part of what was signed.
    fn C_VerifyUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
    |caller, module| {
        module.session(session)?.verify_update(caller.bytes(part, part_len)?)
    }

    /// Ends a verification in parts.
    fn C_VerifyFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, len: CK_ULONG)
    |caller, module| {
        module.session(session)?.verify_finish(caller.bytes(signature, len)?)
    }
}
