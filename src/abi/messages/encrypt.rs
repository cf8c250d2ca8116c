//! Encryption and decryption of messages, PKCS#11 3.2 sections 5.9 and 5.11.
use crate::abi::c_fn;
use crate::ck::*;
use crate::crypto::aes::Direction::{Decrypt, Encrypt};
use crate::error::{Error, Result};
use std::ffi::c_void;

c_fn! {
    /// Starts a process that encrypts messages; a NULL mechanism ends one that is under way.
    fn C_MessageEncryptInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.message_mechanism(mechanism)? {
            Some(mechanism) => session.message_start(Encrypt, mechanism, key),
            None => session.cancel_all(CKF_MESSAGE_ENCRYPT),
        }
    }

    /// Encrypts a message in one part.
    fn C_EncryptMessage(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        aad: *mut CK_BYTE,
        aad_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(encrypted, encrypted_len)?;
        let shape = session.message_shape(Encrypt)?;
        let params = caller.message_params(shape, parameter, parameter_len)?;
        let (places, message) = (caller.message_places(&params)?, caller.message(Encrypt, &params)?);
        let (aad, data) = (caller.aad(aad, aad_len)?, caller.bytes(data, data_len)?);
        let room = output.room();
        places.put(output, session.encrypt_message(&message, aad, data, room)?)
    }

    /// Starts a message that is encrypted in parts.
    fn C_EncryptMessageBegin(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        aad: *mut CK_BYTE,
        aad_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let shape = session.message_shape(Encrypt)?;
        let params = caller.message_params(shape, parameter, parameter_len)?;
        let message = caller.message(Encrypt, &params)?;
        let (mut place, aad) = (caller.nonce_room(&params)?, caller.aad(aad, aad_len)?);
        place.put(&session.message_begin(Encrypt, &message, aad)?).map(drop)
    }

    /// Encrypts a part of a message; with `CKF_END_OF_MESSAGE` the last one.
    fn C_EncryptMessageNext(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
        flags: CK_FLAGS,
    ) |caller, module| {
        const OF: CK_FLAGS = CKF_MESSAGE_ENCRYPT;
        let session = module.session(session)?;
        let output = session.argument(OF, caller.output(encrypted, encrypted_len))?;
        let part = session.argument(OF, caller.bytes(data, data_len))?;
        let (shape, room) = (session.message_shape(Encrypt)?, output.room());
        if !session.argument(OF, is_last(flags))? {
            return output.put(session.message_next(Encrypt, part, room)?);
        }
        let params = caller.message_params(shape, parameter, parameter_len);
        let params = session.argument(OF, params)?;
        let places = session.argument(OF, caller.message_places(&params))?;
        places.put(output, session.encrypt_message_end(params.tag_len(), part, room)?)
    }

    /// Ends a process that encrypts messages.
    fn C_MessageEncryptFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.message_finish(Encrypt)
    }

    /// Starts a process that decrypts messages; a NULL mechanism ends one that is under way.
    fn C_MessageDecryptInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.message_mechanism(mechanism)? {
            Some(mechanism) => session.message_start(Decrypt, mechanism, key),
            None => session.cancel_all(CKF_MESSAGE_DECRYPT),
        }
    }

    /// Decrypts a message in one part.
    fn C_DecryptMessage(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        aad: *mut CK_BYTE,
        aad_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(data, data_len)?;
        let shape = session.message_shape(Decrypt)?;
        let params = caller.message_params(shape, parameter, parameter_len)?;
        let (tag, message) = (caller.tag(&params)?, caller.message(Decrypt, &params)?);
        let (aad, encrypted) = (caller.aad(aad, aad_len)?, caller.bytes(encrypted, encrypted_len)?);
        let room = output.room();
        output.put(session.decrypt_message(&message, tag, aad, encrypted, room)?)
    }

    /// Starts a message that is decrypted in parts.
    fn C_DecryptMessageBegin(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        aad: *mut CK_BYTE,
        aad_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let shape = session.message_shape(Decrypt)?;
        let params = caller.message_params(shape, parameter, parameter_len)?;
        let message = caller.message(Decrypt, &params)?;
        let aad = caller.aad(aad, aad_len)?;
        session.message_begin(Decrypt, &message, aad).map(drop)
    }

    /// Decrypts a part of a message; with `CKF_END_OF_MESSAGE` the last one.
    fn C_DecryptMessageNext(
        session: CK_SESSION_HANDLE,
        parameter: *mut c_void,
        parameter_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
        flags: CK_FLAGS,
    ) |caller, module| {
        const OF: CK_FLAGS = CKF_MESSAGE_DECRYPT;
        let session = module.session(session)?;
        let output = session.argument(OF, caller.output(data, data_len))?;
        let part = session.argument(OF, caller.bytes(encrypted, encrypted_len))?;
        let (shape, room) = (session.message_shape(Decrypt)?, output.room());
        if !session.argument(OF, is_last(flags))? {
            return output.put(session.message_next(Decrypt, part, room)?);
        }
        let params = caller.message_params(shape, parameter, parameter_len);
        let params = session.argument(OF, params)?;
        let tag = session.argument(OF, caller.tag(&params))?;
        output.put(session.decrypt_message_end(tag, part, room)?)
    }

    /// Ends a process that decrypts messages.
    fn C_MessageDecryptFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.message_finish(Decrypt)
    }
}

/// Whether these are the flags of the last part.
fn is_last(flags: CK_FLAGS) -> Result<bool> {
    match flags {
        0 => Ok(false),
        CKF_END_OF_MESSAGE => Ok(true),
        _ => Err(Error::ArgumentsBad),
    }
}
