//! Key management functions, PKCS#11 3.2 section 5.18.
use super::c_fn;
use crate::ck::*;
use crate::crypto::aes::Direction::{Decrypt, Encrypt};

c_fn! {
    /// Makes a secret key.
    fn C_GenerateKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(key)?;
        let (mechanism, params) = caller.mechanism(mechanism)?;
        let template = caller.template(template, count)?;
        place.put(session.generate_key(mechanism, params, template)?)
    }

    /// Makes a public and a private key.
    fn C_GenerateKeyPair(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        public_template: *mut CK_ATTRIBUTE,
        public_count: CK_ULONG,
        private_template: *mut CK_ATTRIBUTE,
        private_count: CK_ULONG,
        public_key: *mut CK_OBJECT_HANDLE,
        private_key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let places = (caller.place(public_key)?, caller.place(private_key)?);
        let (mechanism, params) = caller.mechanism(mechanism)?;
        let public = caller.template(public_template, public_count)?;
        let private = caller.template(private_template, private_count)?;
        let pair = session.generate_key_pair(mechanism, params, public, private)?;
        places.0.put(pair.0)?;
        places.1.put(pair.1)
    }

    /// Wraps a key.
    fn C_WrapKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE,
        wrapped_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(wrapped, wrapped_len)?;
        let room = output.room();
        if let Some((mechanism, params, aad)) = caller.wrap_params(mechanism)? {
            let (place, message) = (caller.nonce_place(&params)?, caller.message(Encrypt, &params)?);
            let keys = (wrapping_key, key);
            return place.put(output, session.wrap_sealed(mechanism, message, &aad, keys, room)?);
        }
        let (mechanism, params) = caller.mechanism(mechanism)?;
        output.put(session.wrap(mechanism, params, wrapping_key, key, room)?)
    }

    /// Unwraps a key.
    fn C_UnwrapKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE,
        wrapped_len: CK_ULONG,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(key)?;
        if let Some((mechanism, params, aad)) = caller.wrap_params(mechanism)? {
            let message = caller.message(Decrypt, &params)?;
            let wrapped = (unwrapping_key, caller.bytes(wrapped, wrapped_len)?);
            let template = caller.template(template, count)?;
            return place.put(session.unwrap_sealed(mechanism, message, &aad, wrapped, template)?);
        }
        let (mechanism, params) = caller.mechanism(mechanism)?;
        let wrapped = caller.bytes(wrapped, wrapped_len)?;
        let template = caller.template(template, count)?;
        place.put(session.unwrap(mechanism, params, unwrapping_key, wrapped, template)?)
    }

    /// Derives a key from another.
    fn C_DeriveKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        base_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let (derivation, params) = caller.mechanism(mechanism)?;
        let results = caller.results(mechanism, &params, key)?;
        let template = caller.template(template, count)?;
        results.put(session.derive(derivation, params, base_key, template)?)
    }

    /// Wraps a key with associated data; nonce and tag go where the parameter says.
    fn C_WrapKeyAuthenticated(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        wrapping_key: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        associated_data: *mut CK_BYTE,
        associated_data_len: CK_ULONG,
        wrapped: *mut CK_BYTE,
        wrapped_len: *mut CK_ULONG,
    ) |caller, module| {
        let session = module.session(session)?;
        let output = caller.output(wrapped, wrapped_len)?;
        let (mechanism, params) = caller.message_wrapping(mechanism)?;
        let (places, message) = (caller.message_places(&params)?, caller.message(Encrypt, &params)?);
        let aad = caller.aad(associated_data, associated_data_len)?;
        let (keys, room) = ((wrapping_key, key), output.room());
        places.put(output, session.wrap_authenticated(mechanism, message, aad, keys, room)?)
    }

    /// Unwraps a key with associated data; nonce and tag are in the parameter.
    fn C_UnwrapKeyAuthenticated(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        unwrapping_key: CK_OBJECT_HANDLE,
        wrapped: *mut CK_BYTE,
        wrapped_len: CK_ULONG,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        associated_data: *mut CK_BYTE,
        associated_data_len: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(key)?;
        let (mechanism, params) = caller.message_wrapping(mechanism)?;
        let message = (caller.message(Decrypt, &params)?, caller.tag(&params)?);
        let aad = caller.aad(associated_data, associated_data_len)?;
        let wrapped = (unwrapping_key, caller.bytes(wrapped, wrapped_len)?);
        let template = caller.template(template, count)?;
        place.put(session.unwrap_authenticated(mechanism, message, aad, wrapped, template)?)
    }
}
