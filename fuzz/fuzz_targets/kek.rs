//! A cloud's public key in whatever form it was handed out.
#![no_main]
use keyferry::byok::kek::Kek;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(kek) = Kek::parse(file) {
        let pem = kek.pem().expect("what was read can be written");
        let again = Kek::parse(pem.as_bytes()).expect("what was written can be read");
        assert_eq!((again.modulus(), again.exponent()), (kek.modulus(), kek.exponent()));
    }
});
