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

/// A text without a byte order mark (U+FEFF in UTF-8), which editors of some systems write, and space around it.
pub fn bare(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file).trim_ascii()
}
