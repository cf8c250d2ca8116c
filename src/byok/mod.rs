//! Transfer formats: ciphertext in, file out, and back. No keys, no tokens.
//!
//! Serves the mechanisms that yield whole files and the command line that writes and reads them.
pub mod azure;
pub mod cloud;
pub mod file;
pub mod kek;
pub mod kid;
pub mod public;
pub mod release;
pub mod target;
