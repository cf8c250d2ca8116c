//! What is inside a blob, once an attacker who has the KEK's public half has made one: any bytes,
//! wrapped as they should be, unwrapped as each type of key.
#![no_main]
use keyferry::ck::*;
use keyferry::client::{Access, Mechanism, Module, Session, Template};
use keyferry::crypto::aes_kw::kwp_wrap;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

const KEK: [u8; 32] = [9; 32];

fn session() -> &'static (Session, CK_OBJECT_HANDLE) {
    static SESSION: OnceLock<(Session, CK_OBJECT_HANDLE)> = OnceLock::new();
    SESSION.get_or_init(|| {
        let module = Module::embedded(Some("memory:")).expect("the module");
        module.init_token(0, "12345678", "fuzz").expect("a token");
        let session = module.open(0, Access::ReadWrite).expect("a session");
        let kek = Template::class(CKO_SECRET_KEY)
            .ulong(CKA_KEY_TYPE, CKK_AES)
            .flag(CKA_PRIVATE, false)
            .bytes(CKA_VALUE, &KEK);
        let kek = session.create(&kek).expect("a KEK");
        (session, kek)
    })
}

fuzz_target!(|encoding: &[u8]| {
    let Ok(blob) = kwp_wrap(&KEK, None, encoding) else { return };
    let (session, kek) = session();
    let kinds = [
        (CKO_PRIVATE_KEY, CKK_RSA),
        (CKO_PRIVATE_KEY, CKK_EC),
        (CKO_SECRET_KEY, CKK_AES),
        (CKO_SECRET_KEY, CKK_GENERIC_SECRET),
    ];
    for (class, key_type) in kinds {
        let template = Template::class(class).ulong(CKA_KEY_TYPE, key_type).flag(CKA_PRIVATE, false);
        let mechanism = Mechanism::Plain(CKM_AES_KEY_WRAP_KWP);
        if let Ok(key) = session.unwrap(&mechanism, *kek, &blob, &template) {
            session.destroy(key).expect("what was made can be destroyed");
        }
    }
});
