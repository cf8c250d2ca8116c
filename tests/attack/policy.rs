//! Ways round the rules about who may use what.
use crate::common::session::query_then;
use crate::common::*;

const OAEP: fn() -> Mech = || Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"");

#[test]
fn an_rsa_key_of_1024_bits_encrypts_but_is_no_kek() {
    with_token(|t| {
        let (public, private) = t.rsa(1024).unwrap();
        let target = t.aes(16).unwrap();
        let blob = t.encrypt(&OAEP(), public, &[7; 16]).unwrap();
        assert_eq!(t.wrap_len(&OAEP(), public, target), Err(CKR_WRAPPING_KEY_SIZE_RANGE));
        let aes = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        assert_eq!(t.unwrap(&OAEP(), private, &blob, &aes), Err(CKR_UNWRAPPING_KEY_SIZE_RANGE));
        assert_eq!(t.decrypt(&OAEP(), private, &blob), Ok(vec![7; 16]));
    });
}
