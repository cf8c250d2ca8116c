//! A file from anywhere, in any form that holds a wrapped key; a key transfer package is written and read again the same.
#![no_main]
use keyferry::byok::azure::Package;
use keyferry::byok::file::BlobFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    // requests, releases and base64, too
    let _ = BlobFile::parse(file);
    if let Ok(package) = Package::parse(file) {
        let written = package.to_bytes();
        assert_eq!(written.len(), Package::len_for(&package.kid, &package.generator, package.ciphertext.len()));
        assert_eq!(Package::parse(&written), Ok(package));
    }
});
