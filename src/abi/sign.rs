//! Signing and verifying functions, PKCS#11 3.2 sections 5.13 and 5.15.
use super::{c_fn, c_operation};
use crate::ck::*;
use crate::session::{Order, Role, Room};

c_operation! {
    /// Starts a signature; a NULL mechanism ends one that is under way (3.0).
    init C_SignInit: Role::Sign;
    /// Signs in one part.
    single C_Sign: Role::Sign;
    /// Takes a part of what is signed.
    feed C_SignUpdate: Role::Sign;
    /// Ends a signature in parts.
    finish C_SignFinal: Role::Sign;
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
            Some((mechanism, params)) => session.verify_start(mechanism, params, key, None),
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
        let data = session.verify_argument(Order::DataFirst, caller.bytes(data, data_len))?;
        let signature = session.verify_argument(Order::DataFirst, caller.bytes(signature, signature_len))?;
        session.verify(data, signature)
    }

    /// Takes a part of what was signed.
    fn C_VerifyUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let part = session.verify_argument(Order::DataFirst, caller.bytes(part, part_len))?;
        session.verify_update(Order::DataFirst, part)
    }

    /// Ends a verification in parts.
    fn C_VerifyFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        session.verify_finish(session.verify_argument(Order::DataFirst, caller.bytes(signature, len))?)
    }

    /// Starts a verification whose signature comes first; a NULL mechanism ends one that is under
    /// way (3.2).
    fn C_VerifySignatureInit(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        signature: *mut CK_BYTE,
        signature_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let Some((mechanism, params)) = caller.mechanism_or_cancel(mechanism)? else {
            return session.verify_cancel();
        };
        let signature = caller.bytes(signature, signature_len)?;
        session.verify_start(mechanism, params, key, signature.get(..TOO_LONG).or(Some(signature)))
    }

    /// Verifies in one part what the signature that came first is of.
    fn C_VerifySignature(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        session.verify_signature(session.verify_argument(Order::SignatureFirst, caller.bytes(data, data_len))?)
    }

    /// Takes a part of what the signature that came first is of.
    fn C_VerifySignatureUpdate(session: CK_SESSION_HANDLE, part: *mut CK_BYTE, part_len: CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let part = session.verify_argument(Order::SignatureFirst, caller.bytes(part, part_len))?;
        session.verify_update(Order::SignatureFirst, part)
    }

    /// Ends a verification in parts of the signature that came first.
    fn C_VerifySignatureFinal(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.verify_signature_finish()
    }
}

/// Longer than any signature: what goes beyond is not kept, and the verdict is the same without it.
/// The longest one is of SLH-DSA, 49,856 bytes.
const TOO_LONG: usize = 1 << 16;
