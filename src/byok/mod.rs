//! Transfer formats: ciphertext in, file out, and back. No keys, no tokens.
pub mod azure;
