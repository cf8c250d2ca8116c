//! Session management functions, PKCS#11 3.2 section 5.6.
use super::c_fn;
use crate::ck::*;
use crate::error::Error;
use std::ffi::c_void;

c_fn! {
    /// Opens a session. The module never calls back, so `application` and `notify` are not kept.
    fn C_OpenSession(
        slot: CK_SLOT_ID,
        flags: CK_FLAGS,
        application: *mut c_void,
        notify: CK_NOTIFY,
        session: *mut CK_SESSION_HANDLE,
    ) |caller, module| {
        let _ = (application, notify);
        let place = caller.place(session)?;
        place.put(module.open_session(slot, flags)?)
    }

    /// Closes a session.
    fn C_CloseSession(session: CK_SESSION_HANDLE) |_caller, module| {
        module.close_session(session)
    }

    /// Closes all sessions with a token.
    fn C_CloseAllSessions(slot: CK_SLOT_ID) |_caller, module| {
        module.close_all_sessions(slot)
    }

    /// About a session.
    fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO)
    |caller, module| {
        let session = module.session(session)?;
        caller.place(info)?.put(session.info()?)
    }

    /// Cancels operations: those whose flags are set.
    fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) |_caller, module| {
        module.session(session)?.cancel_all(flags)
    }

    /// Saves where a digest stands.
    fn C_GetOperationState(session: CK_SESSION_HANDLE, state: *mut CK_BYTE, len: *mut CK_ULONG)
    |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(state, len)?;
        let room = output.room();
        output.put(session.operation_state(room)?)
    }

    /// Goes on from what was saved. It never needs a key.
    fn C_SetOperationState(
        session: CK_SESSION_HANDLE,
        state: *mut CK_BYTE,
        len: CK_ULONG,
        encryption_key: CK_OBJECT_HANDLE,
        authentication_key: CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let state = caller.bytes(state, len)?;
        session.set_operation_state(state, [encryption_key, authentication_key])
    }

    /// What the last operation was validated for: nothing, as nobody has validated this token. A
    /// type that the standard does not have is `CKR_ARGUMENTS_BAD`.
    fn C_GetSessionValidationFlags(
        session: CK_SESSION_HANDLE,
        kind: CK_SESSION_VALIDATION_FLAGS_TYPE,
        flags: *mut CK_FLAGS,
    ) |caller, module| {
        module.session(session)?;
        let place = caller.place(flags)?;
        if kind == CKS_LAST_VALIDATION_OK { place.put(0) } else { Err(Error::ArgumentsBad) }
    }

    /// Logs a user or the SO in. There is no other way in than the PIN: NULL is an empty one.
    fn C_Login(
        session: CK_SESSION_HANDLE,
        user: CK_USER_TYPE,
        pin: *mut CK_UTF8CHAR,
        pin_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        session.login(user, caller.pin(pin, pin_len, Error::PinIncorrect)?)
    }

    /// The same with a user name. Tokens have one user, without a name: any name is
    /// `CKR_USER_TYPE_INVALID`, a user that is not here.
    fn C_LoginUser(
        session: CK_SESSION_HANDLE,
        user: CK_USER_TYPE,
        pin: *mut CK_UTF8CHAR,
        pin_len: CK_ULONG,
        name: *mut CK_UTF8CHAR,
        name_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        if !caller.bytes(name, name_len)?.is_empty() {
            return Err(Error::UserTypeInvalid);
        }
        session.login(user, caller.pin(pin, pin_len, Error::PinIncorrect)?)
    }

    /// Logs out.
    fn C_Logout(session: CK_SESSION_HANDLE) |_caller, module| {
        module.session(session)?.logout()
    }
}
