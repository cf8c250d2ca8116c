//! MD5, for checksums of old data.
use super::aes::hex;
use super::des3::with_legacy;
use crate::common::*;

/// RFC 1321, appendix A.5.
const VECTORS: &[(&str, &str)] = &[
    ("", "d41d8cd98f00b204e9800998ecf8427e"),
    ("a", "0cc175b9c0f1b6a831c399e269772661"),
    ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "d174ab98d277d9f5a5611c2c9f419d9f",
    ),
    (
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a",
    ),
];

#[test]
fn digests_of_rfc_1321() {
    with_legacy(|t| {
        let md5 = Mech::new(CKM_MD5);
        for (text, digest) in VECTORS {
            assert_eq!(t.digest(&md5, text.as_bytes()), Ok(hex(digest)));
            t.digest_init(&md5).unwrap();
            for byte in text.as_bytes() {
                t.digest_update(&[*byte]).unwrap();
            }
            assert_eq!(t.digest_final(), Ok(hex(digest)));
        }
    });
}
