//! Dual-function cryptographic functions, PKCS#11 3.2 section 5.17.
use super::c_operation;
use crate::ck::*;
use crate::session::Dual;

c_operation! {
    /// Digests a part and encrypts it.
    dual C_DigestEncryptUpdate: Dual::DigestEncrypt;
    /// Decrypts a part and digests what comes out.
    dual C_DecryptDigestUpdate: Dual::DecryptDigest;
    /// Takes a part of what is signed and encrypts it.
    dual C_SignEncryptUpdate: Dual::SignEncrypt;
    /// Decrypts a part of what was signed.
    dual C_DecryptVerifyUpdate: Dual::DecryptVerify;
}
