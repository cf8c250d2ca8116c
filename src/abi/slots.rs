//! Slot and token management functions, PKCS#11 3.2 section 5.5.
use super::c_fn;
use crate::ck::*;
use crate::error::Error;
use std::ffi::c_void;

c_fn! {
    /// The slots. Every slot has a token, unless the store is gone.
    fn C_GetSlotList(token_present: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG)
    |caller, module| {
        caller.list(slots, count, &module.slots(token_present != CK_FALSE)?)
    }

    /// About a slot.
    fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) |caller, module| {
        caller.place(info)?.put(module.slot_info(slot)?)
    }

    /// About the token in a slot.
    fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) |caller, module| {
        caller.place(info)?.put(module.token_info(slot)?)
    }

    /// Tokens neither come nor go here, so there is never an event; waiting for one is refused.
    fn C_WaitForSlotEvent(flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void)
    |caller, _module| {
        caller.place(slot)?;
        match (reserved.is_null(), flags & CKF_DONT_BLOCK) {
            (false, _) => Err(Error::ArgumentsBad),
            (true, 0) => Err(Error::FunctionNotSupported),
            (true, _) => Err(Error::NoEvent),
        }
    }

    /// The mechanisms of a token.
    fn C_GetMechanismList(slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG)
    |caller, module| {
        caller.list(list, count, &module.mechanisms(slot)?)
    }

    /// About a mechanism of a token.
    fn C_GetMechanismInfo(slot: CK_SLOT_ID, ckm: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO)
    |caller, module| {
        caller.place(info)?.put(module.mechanism_info(slot, ckm)?)
    }

    /// Makes a new, empty token. `label` is 32 bytes, padded with blanks.
    fn C_InitToken(
        slot: CK_SLOT_ID,
        pin: *mut CK_UTF8CHAR,
        pin_len: CK_ULONG,
        label: *mut CK_UTF8CHAR,
    ) |caller, module| {
        let label = caller.read(label.cast::<[u8; 32]>())?;
        let pin = caller.pin(pin, pin_len, Error::PinLenRange)?;
        module.init_token(slot, pin, label)
    }

    /// Sets the user's PIN, as SO.
    fn C_InitPIN(session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG)
    |caller, module| {
        module.session(session)?.init_pin(caller.pin(pin, pin_len, Error::PinLenRange)?)
    }

    /// Changes the PIN of who is logged in, or the user's.
    fn C_SetPIN(
        session: CK_SESSION_HANDLE,
        old: *mut CK_UTF8CHAR,
        old_len: CK_ULONG,
        new: *mut CK_UTF8CHAR,
        new_len: CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let old = caller.pin(old, old_len, Error::PinIncorrect)?;
        session.set_pin(old, caller.pin(new, new_len, Error::PinLenRange)?)
    }
}
