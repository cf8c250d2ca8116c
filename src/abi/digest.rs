//! Message digesting functions, PKCS#11 3.2 section 5.12.
use super::{c_fn, c_operation};
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

    /// Takes the value of a secret key as a part.
    fn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) |_caller, module| {
        module.session(session)?.digest_key(key)
    }
}

c_operation! {
    /// Digests in one part.
    single C_Digest: Role::Digest;
    /// Takes a part of what is digested.
    feed C_DigestUpdate: Role::Digest;
    /// Ends a digest in parts.
    finish C_DigestFinal: Role::Digest;
}
