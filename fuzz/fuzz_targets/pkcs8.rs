//! The encoding of a private key, as it comes out of a blob that somebody else made.
#![no_main]
use keyferry::ck::{CKK_EC, CKK_RSA};
use keyferry::object::encode::from_pkcs8;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    for key_type in [CKK_RSA, CKK_EC] {
        let _ = from_pkcs8(key_type, der);
    }
});
