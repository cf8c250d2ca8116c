//! Message digesting functions, PKCS#11 3.2 section 5.12.
use super::c_fn;
use crate::ck::*;
use crate::session::{Role, Room};

c_fn! {
    /// Starts a digest; a NULL mechanism ends one that is under way (3.0).
    fn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) |caller, module| {
        let session = module.session(session)?;
        match caller.mechanism_or_cancel(mechanism)? {
            Some((mechanism, params)) => session.digest_start(mechanism, params),
            None => session.cancel(Role::Digest),
        }
    }

    /// Digests in one part.
    fn C_Digest(
        session: CK_SESSION_HANDLE,
        data: *mut CK_BYTE,
        data_len: CK_ULONG,
        digest: *mut CK_BYTE,
        digest_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(digest, digest_len)?;
        let data = caller.bytes(data, data_len)?;
        let room = output.room();
        output.put(session.single(Role::Digest, data, room)?)
    }

    /// Takes a part of what is digested.
    fn C_DigestUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        session.update(Role::Digest, caller.bytes(part, part_len)?, Room::Bytes(0)).map(|_| ())
    }

    /// Takes the value of a secret key as a part.
    fn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) |_caller, module| {
        module.session(session)?.digest_key(key)
    }

    /// Ends a digest in parts.
    fn C_DigestFinal(session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, digest_len: *mut CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(digest, digest_len)?;
        let room = output.room();
        output.put(session.finish(Role::Digest, room)?)
    }
}
