//! Keys that many tests want: session objects, extractable, with every use that their type has.
use super::*;

/// `CKA_EC_PARAMS` of the curves: object identifiers in DER.
pub const P256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
pub const P384: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22];
pub const P521: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23];
pub const SECP256K1: &[u8] = &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A];

impl Session {
    /// An AES key of `len` bytes.
    pub fn aes(&self, len: usize) -> Rv<Handle> {
        let template = attrs![
            CKA_VALUE_LEN => len,
            CKA_SENSITIVE => true,
            CKA_EXTRACTABLE => true,
            CKA_ENCRYPT => true,
            CKA_DECRYPT => true,
            CKA_WRAP => true,
            CKA_UNWRAP => true,
            CKA_DERIVE => true,
        ];
        self.generate(&Mech::new(CKM_AES_KEY_GEN), &template)
    }

    /// An RSA pair, public and private, that signs, encrypts and wraps.
    pub fn rsa(&self, bits: usize) -> Rv<(Handle, Handle)> {
        let public = attrs![
            CKA_MODULUS_BITS => bits,
            CKA_PUBLIC_EXPONENT => &[1, 0, 1],
            CKA_VERIFY => true,
            CKA_ENCRYPT => true,
            CKA_WRAP => true,
        ];
        let private = attrs![
            CKA_EXTRACTABLE => true,
            CKA_SIGN => true,
            CKA_DECRYPT => true,
            CKA_UNWRAP => true,
        ];
        self.generate_pair(&Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
    }

    /// An EC pair on one of the curves above.
    pub fn ec(&self, curve: &[u8]) -> Rv<(Handle, Handle)> {
        let public = attrs![CKA_EC_PARAMS => curve, CKA_VERIFY => true];
        let private = attrs![CKA_EXTRACTABLE => true, CKA_SIGN => true, CKA_DERIVE => true];
        self.generate_pair(&Mech::new(CKM_EC_KEY_PAIR_GEN), &public, &private)
    }

    /// A secret key with this value: AES, generic, HMAC.
    pub fn secret(&self, key_type: CK_KEY_TYPE, value: &[u8]) -> Rv<Handle> {
        self.create(&attrs![
            CKA_CLASS => CKO_SECRET_KEY,
            CKA_KEY_TYPE => key_type,
            CKA_VALUE => value,
            CKA_SENSITIVE => false,
            CKA_EXTRACTABLE => true,
            CKA_DERIVE => true,
        ])
    }

    /// The public half of an RSA key as another token would import it: modulus and exponent.
    pub fn import_rsa_public(&self, modulus: &[u8], exponent: &[u8]) -> Rv<Handle> {
        self.create(&attrs![
            CKA_CLASS => CKO_PUBLIC_KEY,
            CKA_KEY_TYPE => CKK_RSA,
            CKA_MODULUS => modulus,
            CKA_PUBLIC_EXPONENT => exponent,
        ])
    }
}
