//! Encryption and decryption functions, PKCS#11 3.2 sections 5.8 and 5.10.
use super::c_operation;
use crate::ck::*;
use crate::session::Role;

c_operation! {
    /// Starts an encryption; a NULL mechanism ends one that is under way (3.0).
    init C_EncryptInit: Role::Encrypt;
    /// Encrypts in one part.
    single C_Encrypt: Role::Encrypt;
    /// Encrypts a part.
    update C_EncryptUpdate: Role::Encrypt;
    /// Ends an encryption in parts.
    finish C_EncryptFinal: Role::Encrypt;

    /// Starts a decryption; a NULL mechanism ends one that is under way (3.0).
    init C_DecryptInit: Role::Decrypt;
    /// Decrypts in one part.
    single C_Decrypt: Role::Decrypt;
    /// Decrypts a part.
    update C_DecryptUpdate: Role::Decrypt;
    /// Ends a decryption in parts.
    finish C_DecryptFinal: Role::Decrypt;
}
