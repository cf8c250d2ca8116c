//! Signatures of messages and their verification, PKCS#11 3.2 sections 5.14 and 5.16.
use crate::abi::c_fn;
use crate::ck::*;
use std::ffi::c_void;

c_fn! {
    /// Starts a process that signs messages; a NULL mechanism ends one that is under way.
    fn C_MessageSignInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.message_sign_start(mechanism, params, key),
            None => session.cancel_all(CKF_MESSAGE_SIGN),
        }
    }

    /// Signs a message in one part.
    fn C_SignMessage(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(signature, signature_len)?;
        caller.no_message_params(parameter, parameter_len)?;
        let (data, room) = (caller.bytes(data, data_len)?, output.room());
        output.put(session.sign_message(data, room)?)
    }

    /// Starts a message that is signed in parts.
    fn C_SignMessageBegin(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        caller.no_message_params(parameter, parameter_len)?;
        session.sign_message_begin()
    }

    /// Takes a part of a message; the last one if the length of the signature is asked for.
    fn C_SignMessageNext(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        part: *mut CK_BYTE,
        part_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        const OF: CK_FLAGS = CKF_MESSAGE_SIGN;
        session.argument(OF, caller.no_message_params(parameter, parameter_len))?;
        let part = session.argument(OF, caller.bytes(part, part_len))?;
        if signature_len.is_null() {
            return session.sign_message_next(part);
        }
        let output = session.argument(OF, caller.output(signature, signature_len))?;
        let room = output.room();
        output.put(session.sign_message_end(part, room)?)
    }

    /// Ends a process that signs messages.
    fn C_MessageSignFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.message_sign_finish()
    }

    /// Starts a process that verifies messages; a NULL mechanism ends one that is under way.
    fn C_MessageVerifyInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.message_verify_start(mechanism, params, key),
            None => session.cancel_all(CKF_MESSAGE_VERIFY),
        }
    }

    /// Verifies a message in one part.
    fn C_VerifyMessage(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        caller.no_message_params(parameter, parameter_len)?;
        let data = caller.bytes(data, data_len)?;
        session.verify_message(data, caller.bytes(signature, signature_len)?)
    }

    /// Starts a message that is verified in parts.
    fn C_VerifyMessageBegin(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        caller.no_message_params(parameter, parameter_len)?;
        session.verify_message_begin()
    }

    /// Takes a part of a message; the last one if there is a signature.
    fn C_VerifyMessageNext(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        part: *mut CK_BYTE,
        part_len: CK_ULONG,
        signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        const OF: CK_FLAGS = CKF_MESSAGE_VERIFY;
        session.argument(OF, caller.no_message_params(parameter, parameter_len))?;
        let part = session.argument(OF, caller.bytes(part, part_len))?;
        if signature.is_null() && signature_len == 0 {
            return session.verify_message_next(part);
        }
        let signature = session.argument(OF, caller.bytes(signature, signature_len))?;
        session.verify_message_end(part, signature)
    }

    /// Ends a process that verifies messages.
    fn C_MessageVerifyFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.message_verify_finish()
    }
}
