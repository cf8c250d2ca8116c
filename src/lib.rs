//! keyferry: a PKCS#11 software token whose headline is `CKM_RSA_AES_KEY_WRAP`.
//!
//! The house, from the ground up; a module uses only those above it in this list
//! (`tests/layers.rs` checks):
//!
//! | module | holds |
//! |---|---|
//! | [`ck`] | the C vocabulary: names and numbers of PKCS#11 |
//! | [`error`] | one variant per `CKR_*` |
//! | [`config`] | where the store is and how the module behaves |
//! | [`crypto`] | primitives: bytes in, bytes out |
//! | [`byok`] | transfer formats: ciphertext in, file out |
//! | [`object`] | attributes, classes, templates, and the gate in [`object::policy`] |
//! | [`mechanism`] | one row per mechanism, a file per family |
//! | [`store`] | where sealed records live, and the vault that seals them |
//! | [`token`], [`session`], [`module`] | what the functions of the standard act on |
//! | [`abi`] | the C boundary |
//! | [`client`] | a safe client of any PKCS#11 module; the command line stands on it |

#[allow(unsafe_code, reason = "the C boundary: the only place that reads the caller's memory")]
pub mod abi;
pub mod byok;
pub mod ck;
#[allow(unsafe_code, reason = "the other side of the C boundary: calls into a loaded module")]
pub mod client;
pub mod config;
#[allow(unsafe_code, reason = "crypto/aws_lc* wraps a C library; nothing else in crypto is unsafe")]
pub mod crypto;
pub mod error;
pub mod mechanism;
pub mod module;
pub mod object;
pub mod session;
pub mod store;
pub mod token;
