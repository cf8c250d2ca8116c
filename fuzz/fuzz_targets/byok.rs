//! A key transfer package from anywhere: read, and if it is one, written and read again the same.
#![no_main]
use keyferry::byok::azure::Package;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(package) = Package::parse(file) {
        let written = package.to_bytes();
        assert_eq!(written.len(), Package::len_for(&package.kid, &package.generator, package.ciphertext.len()));
        assert_eq!(Package::parse(&written), Ok(package));
    }
});
