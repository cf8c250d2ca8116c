//! Encryption and decryption functions, PKCS#11 3.2 sections 5.8 and 5.10.
use super::c_fn;
use crate::ck::*;
use crate::session::Role;

c_fn! {
    /// Starts an encryption; a NULL mechanism ends one that is under way (3.0).
    fn C_EncryptInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.start(Role::Encrypt, mechanism, params, key),
            None => session.cancel(Role::Encrypt),
        }
    }

    /// Encrypts in one part.
    fn C_Encrypt(
        session: CK_SESSION_HANDLE,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(encrypted, encrypted_len)?;
        let data = caller.bytes(data, data_len)?;
        let room = output.room();
        output.put(session.single(Role::Encrypt, data, room)?)
    }

    /// Encrypts a part.
    fn C_EncryptUpdate(
        session: CK_SESSION_HANDLE,
        part: *mut CK_BYTE,
        part_len: CK_ULONG,
        encrypted: *mut CK_BYTE,
        encrypted_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(encrypted, encrypted_len)?;
        let part = caller.bytes(part, part_len)?;
        let room = output.room();
        output.put(session.update(Role::Encrypt, part, room)?)
    }

    /// Ends an encryption in parts.
    fn C_EncryptFinal(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(encrypted, encrypted_len)?;
        let room = output.room();
        output.put(session.finish(Role::Encrypt, room)?)
    }

    /// Starts a decryption; a NULL mechanism ends one that is under way (3.0).
    fn C_DecryptInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.start(Role::Decrypt, mechanism, params, key),
            None => session.cancel(Role::Decrypt),
        }
    }

    /// Decrypts in one part.
    fn C_Decrypt(
        session: CK_SESSION_HANDLE,
        encrypted: *mut CK_BYTE,
        encrypted_len: CK_ULONG,
        data: *mut CK_BYTE,
        data_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(data, data_len)?;
        let encrypted = caller.bytes(encrypted, encrypted_len)?;
        let room = output.room();
        output.put(session.single(Role::Decrypt, encrypted, room)?)
    }

    /// Decrypts a part.
    fn C_DecryptUpdate(
        session: CK_SESSION_HANDLE,
        encrypted: *mut CK_BYTE,
        encrypted_len: CK_ULONG,
        part: *mut CK_BYTE,
        part_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(part, part_len)?;
        let encrypted = caller.bytes(encrypted, encrypted_len)?;
        let room = output.room();
        output.put(session.update(Role::Decrypt, encrypted, room)?)
    }

    /// Ends a decryption in parts.
    fn C_DecryptFinal(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: *mut CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(part, part_len)?;
        let room = output.room();
        output.put(session.finish(Role::Decrypt, room)?)
    }
}
