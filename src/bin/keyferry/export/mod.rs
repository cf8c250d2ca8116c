//! `keyferry export`: a key, wrapped for a cloud, in the file that the cloud takes.
//!
//! Everything that can be refused is refused before anything is wrapped. What is a cloud's own stands
//! in the table [`keyferry::byok::cloud`].
mod azure;
mod folder;
mod identity;
mod kek;
mod manifest;
mod many;
mod plain;
mod ready;
mod recipe;
mod target;
mod trust;
mod which;

use crate::file::Existing;
use crate::key::{Id, unhex};
use crate::options::Options;
use crate::output::Answer;
use clap::{Args, Subcommand};
use keyferry::byok::cloud::{AWS, Cloud, GCP, OCI, VAULT};
use std::path::{Path, PathBuf};

pub use azure::generator;

#[derive(Debug, Subcommand)]
pub enum Export {
    /// For Azure Key Vault Premium or Managed HSM: writes a .byok file
    Azure(azure::Azure),
    /// For AWS KMS: writes the encrypted key material
    #[command(after_help = "Example:
  keyferry export aws --kek WrappingPublicKey.bin --key signing

RSA and EC keys are wrapped for RSA_AES_KEY_WRAP_SHA_256, AES and HMAC keys for
RSAES_OAEP_SHA_256 (with --hash sha1, for …_SHA_1): ask for the KEK with that
--wrapping-algorithm. It is good for 24 hours.")]
    Aws(plain::ForCloud),
    /// For Google Cloud KMS: writes the wrapped key of an import job
    #[command(after_help = "Example:
  keyferry export gcp --kek wrapping-key.pem --key signing

The import job's method is rsa-oaep-4096-sha256-aes-256 or rsa-oaep-3072-sha256-aes-256
(with --hash sha1, one of those with sha1).")]
    Gcp(plain::ForCloud),
    /// For Oracle OCI Vault: writes the key material in base64
    #[command(after_help = "Example:
  keyferry export oci --kek wrapping-key.pem --key signing

RSA keys are wrapped for RSA_OAEP_AES_SHA256, AES keys for RSA_OAEP_SHA256.")]
    Oci(plain::ForCloud),
    /// For the transit engine of HashiCorp Vault or OpenBao: writes the ciphertext in base64
    #[command(after_help = "Example:
  keyferry export vault --kek wrapping-key.pem --key signing")]
    Vault(plain::ForCloud),
    /// For anything else that opens CKM_RSA_AES_KEY_WRAP: the parameters are yours to give
    #[command(after_help = "Examples:
  keyferry export custom --kek KEK.pem --key signing --hash sha256
  keyferry export custom --kek KEK.pem --key data --hash sha256 --mgf sha1 --aes 128 --encoding base64")]
    Custom(plain::Custom),
}

impl Export {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            Export::Azure(azure) => azure.run(options),
            Export::Aws(plain) => plain.run(&AWS, options),
            Export::Gcp(plain) => plain.run(&GCP, options),
            Export::Oci(plain) => plain.run(&OCI, options),
            Export::Vault(plain) => plain.run(&VAULT, options),
            Export::Custom(custom) => custom.run(options),
        }
    }
}

/// The clouds that [`plain::ForCloud`] serves.
const PLAIN: [&Cloud; 4] = [&AWS, &GCP, &OCI, &VAULT];

/// The commands as help, manual and completions show them: each with what its cloud takes.
pub fn shown(export: clap::Command) -> clap::Command {
    let show = |export: clap::Command, cloud: &'static Cloud| {
        export.mut_subcommand(cloud.command, |command| plain::shown(command, cloud))
    };
    PLAIN.into_iter().fold(export, show)
}

/// What every export is told.
#[derive(Debug, Args)]
pub struct Common {
    /// The KEK: its file (PEM, DER, certificate, JWK), or the label of a public key in the token
    #[arg(long, value_name = "FILE|LABEL")]
    kek: String,
    #[command(flatten)]
    which: which::Which,
    /// The key's identifier, if several have the label
    #[arg(long, value_name = "HEX", value_parser = unhex, conflicts_with_all = which::MANY)]
    id: Option<Id>,
    /// File to write [default: named after the key and the cloud]
    #[arg(short, long, value_name = "FILE", conflicts_with = "output_dir", conflicts_with_all = which::MANY)]
    output: Option<PathBuf>,
    /// Folder to write to; it is made if there is none [default: the current one]
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// The KEK's fingerprint as compared with somebody you trust: SHA-256 of its DER, in hexadecimal
    #[arg(long, value_name = "HEX")]
    kek_sha256: Option<String>,
    /// For a key that leaves under trusted KEKs only, from a module that wraps in two steps: let the SO
    /// trust the AES key between them; needs the SO PIN
    #[arg(long, conflicts_with_all = which::MANY)]
    trust_step: bool,
}

impl Common {
    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Refuse }
    }
}

/// A key's name as clouds take names: letters, digits and hyphens, the first of them no hyphen, as an
/// option's is. Of a label that has nothing of that, a place to fill in.
fn cloud_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(allowed).skip_while(|c| *c == '-').take(127).collect();
    if name.is_empty() { "NAME".to_owned() } else { name }
}

/// A path as a word for a shell that no command takes for an option.
fn quoted(path: &Path) -> String {
    let word = path.display().to_string();
    let word = if word.starts_with('-') { format!("./{word}") } else { word };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:@%,=".contains(c);
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_words() {
        assert_eq!(quoted(Path::new("/a/b-1.byok")), "/a/b-1.byok");
        assert_eq!(quoted(Path::new("a b'c")), "'a b'\\''c'");
        assert_eq!(quoted(Path::new("--force.bin")), "./--force.bin");
    }

    #[test]
    fn names_are_no_options() {
        assert_eq!(cloud_name("--force $(x)"), "force---x-");
        assert_eq!((cloud_name(""), cloud_name("-_ ")), ("NAME".to_owned(), "NAME".to_owned()));
    }
}
