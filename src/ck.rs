//! The C vocabulary: the names and numbers of PKCS#11 3.2, and the vendor-defined ones of keyferry.
//!
//! The standard's come from `cryptoki-sys`; `pkcs11-headers/` says the same to C programs, and a
//! test compares the two.
pub use cryptoki_sys::*;

/// `CK_UNAVAILABLE_INFORMATION`: what a length says when there is no value to show.
pub const CK_UNAVAILABLE_INFORMATION: CK_ULONG = CK_ULONG::MAX;

/// Where keyferry's vendor-defined numbers start: `CKx_VENDOR_DEFINED` and "KF".
const KEYFERRY: CK_ULONG = 0x8000_0000 | 0x4B46_0000;

/// Wraps a target straight into an Azure `.byok` file. See `pkcs11-headers/keyferry.h`.
pub const CKM_KEYFERRY_AZURE_BYOK: CK_MECHANISM_TYPE = KEYFERRY | 1;

/// The key identifier URL, version included, that a cloud gave a KEK. UTF-8.
pub const CKA_KEYFERRY_KID: CK_ATTRIBUTE_TYPE = KEYFERRY | 1;
