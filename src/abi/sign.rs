//! Signing and verifying functions, PKCS#11 3.2 sections 5.13 and 5.15.
use super::c_fn;
use crate::ck::*;
use crate::session::{Role, Room};

c_fn! {
    /// Starts a signature; a NULL mechanism ends one that is under way (3.0).
    fn C_SignInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.start(Role::Sign, mechanism, params, key),
            None => session.cancel(Role::Sign),
        }
    }

    /// Signs in one part.
    fn C_Sign(
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
        output.put(session.single(Role::Sign, data, room)?)
    }

    /// Takes a part of what is signed.
    fn C_SignUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        session.update(Role::Sign, caller.bytes(part, part_len)?, Room::Bytes(0)).map(|_| ())
    }

    /// Ends a signature in parts.
    fn C_SignFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(signature, signature_len)?;
        let room = output.room();
        output.put(session.finish(Role::Sign, room)?)
    }

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
