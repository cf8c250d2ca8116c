//! Templates of `C_CreateObject`: attributes of any type, length and value.
#![no_main]
use keyferry::ck::*;
use keyferry::client::{Access, Module, Session, Template};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| {
        let module = Module::embedded(Some("memory:")).expect("the module");
        module.init_token(0, "12345678", "fuzz").expect("a token");
        module.open(0, Access::ReadWrite).expect("a session")
    })
}

/// Types of attributes that matter, so that not every template fails at its first attribute.
const TYPES: [CK_ATTRIBUTE_TYPE; 16] = [
    CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
    CKA_EC_PARAMS, CKA_EC_POINT, CKA_LABEL, CKA_ID, CKA_PRIVATE, CKA_START_DATE, CKA_ALLOWED_MECHANISMS,
    CKA_CERTIFICATE_TYPE, CKA_EXTRACTABLE,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&class, mut rest)) = bytes.split_first() else { return };
    let mut template = Template::class(CK_ULONG::from(class % 8));
    while let Some(([cka, len], more)) = rest.split_first_chunk() {
        let (value, after) = more.split_at(usize::from(*len).min(more.len()));
        template = template.bytes(TYPES[usize::from(cka % 16)], value);
        rest = after;
    }
    if let Ok(object) = session().create(&template) {
        session().destroy(object).expect("what was made can be destroyed");
    }
});
