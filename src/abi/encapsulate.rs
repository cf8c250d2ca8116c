//! Key encapsulation functions, PKCS#11 3.2 section 5.18.
use super::c_fn;
use crate::ck::*;
use crate::session::Room;

c_fn! {
    /// Makes a secret key, and a ciphertext that carries it to the owner of a public key. A size
    /// query needs no place for the key.
    fn C_EncapsulateKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        public_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        ciphertext: *mut CK_BYTE,
        ciphertext_len: *mut CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let (session, output) = (module.session(session)?, caller.output(ciphertext, ciphertext_len)?);
        let room = output.room();
        let place = (room != Room::Query).then(|| caller.place(key)).transpose()?;
        let (mechanism, params) = caller.mechanism(mechanism)?;
        let template = caller.template(template, count)?;
        let (ciphertext, key) = session.encapsulate(mechanism, params, public_key, template, room)?;
        output.put(ciphertext)?;
        place.zip(key).map_or(Ok(()), |(place, key)| place.put(key))
    }

    /// Makes a secret key of what a ciphertext carries.
    fn C_DecapsulateKey(
        session: CK_SESSION_HANDLE,
        mechanism: *mut CK_MECHANISM,
        private_key: CK_OBJECT_HANDLE,
        template: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        ciphertext: *mut CK_BYTE,
        ciphertext_len: CK_ULONG,
        key: *mut CK_OBJECT_HANDLE,
    ) |caller, module| {
        let session = module.session(session)?;
        let place = caller.place(key)?;
        let (mechanism, params) = caller.mechanism(mechanism)?;
        let template = caller.template(template, count)?;
        let ciphertext = caller.bytes(ciphertext, ciphertext_len)?;
        place.put(session.decapsulate(mechanism, params, private_key, template, ciphertext)?)
    }
}
