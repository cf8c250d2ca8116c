//! `keyferry inspect`: what a key transfer package holds, as far as can be told without the
//! KEK's private half.
use crate::output::{Answer, Fault, Report, facts, fault};
use crate::{file, kek};
use clap::Args;
use keyferry::byok::azure::{ALG, ENC, Package, SCHEMA};
use keyferry::byok::cloud::AZURE;
use keyferry::byok::kek::Kek;
use keyferry::byok::target::{KEK_SIZES, Target, targets_of_len};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry inspect KeyTransferPackage-signing.byok
  keyferry inspect KeyTransferPackage-signing.byok --kek KEK.pem")]
pub struct Inspect {
    /// The package
    file: PathBuf,
    /// The KEK's public key, to check that the package can be for it
    #[arg(long, value_name = "FILE")]
    kek: Option<PathBuf>,
}

/// A size of KEK in bytes and a type of key that give the blob's length.
type Fit = (usize, Target);

impl Inspect {
    /// Runs the command.
    pub fn run(&self) -> Answer {
        let bytes = file::read(&self.file, "file")?;
        let package = Package::parse(&bytes).map_err(|e| fault!("{}: {e}", self.file.display()))?;
        let kek = self.kek.as_deref().map(kek::read).transpose()?.map(|file| file.kek);
        let fingerprint = kek.as_ref().map(Kek::fingerprint).transpose()?;
        let fits = fits(package.ciphertext.len(), kek.as_ref());
        let mut rows = vec![
            ("File", format!("{}, {} bytes", self.file.display(), bytes.len())),
            ("schema_version", SCHEMA.to_owned()),
            ("kid", package.kid.as_str().to_owned()),
            ("alg", ALG.to_owned()),
            ("enc", ENC.to_owned()),
            ("generator", package.generator.clone()),
            ("ciphertext", format!("{} bytes", package.ciphertext.len())),
        ];
        rows.extend(fits.iter().map(|fit| ("Fits", sentence(*fit, package.ciphertext.len()))));
        if let Some(fingerprint) = &fingerprint {
            rows.push(("KEK SHA-256", fingerprint.clone()));
        }
        let json = json!({
            "file": self.file, "bytes": bytes.len(), "schema_version": SCHEMA, "kid": package.kid.as_str(),
            "alg": ALG, "enc": ENC, "generator": package.generator,
            "ciphertext_bytes": package.ciphertext.len(), "kek_sha256": fingerprint,
            "fits": fits.iter().map(|fit| describe(*fit, package.ciphertext.len())).collect::<Value>(),
        });
        let finding = doubt(&package.ciphertext, kek.as_ref(), &fits);
        Ok(Report { text: facts(&rows), json, finding })
    }
}

fn fits(len: usize, kek: Option<&Kek>) -> Vec<Fit> {
    let sizes = KEK_SIZES.into_iter().filter(|size| kek.is_none_or(|kek| kek.size() == *size));
    sizes
        .flat_map(|size| targets_of_len(size, len).into_iter().map(move |target| (size, target)))
        .collect()
}

fn sentence((size, target): Fit, len: usize) -> String {
    format!(
        "{} under a KEK of {} bits (OAEP part {size} bytes, key part {} bytes)",
        target.name(),
        size * 8,
        len.saturating_sub(size)
    )
}

fn describe((size, target): Fit, len: usize) -> Value {
    json!({
        "type": target.name(), "kek_bits": size * 8,
        "oaep_bytes": size, "key_bytes": len.saturating_sub(size),
    })
}

/// Why Azure would refuse it, if that can be seen.
fn doubt(blob: &[u8], kek: Option<&Kek>, fits: &[Fit]) -> Option<Fault> {
    if let Some(kek) = kek {
        if let Err(unfit) = AZURE.fits(kek) {
            return Some(Fault(unfit.0));
        }
        // RSAES-OAEP gives a number below the modulus, RFC 8017 section 7.1.2
        if blob.get(..kek.size()).is_none_or(|part| part >= kek.modulus()) {
            return Some(fault!(
                "the package was not made with this KEK; export the key again with the KEK that the kid names"
            ));
        }
    }
    fits.is_empty().then(|| {
        fault!(
            "no key that Azure takes gives {} bytes under {}; export the key again",
            blob.len(),
            kek.map_or_else(|| "any KEK".to_owned(), |kek| format!("a KEK of {} bits", kek.bits()))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_what_cannot_be_opened() {
        let mut modulus = [0xFF; 256];
        modulus[0] = 0xC0;
        let kek = Kek::new(&modulus, &[1, 0, 1]).unwrap();
        assert!(doubt(&[0; 296], Some(&kek), &fits(296, Some(&kek))).is_none());
        assert!(doubt(&[0xFF; 296], Some(&kek), &fits(296, Some(&kek))).is_some());
        assert!(doubt(&[0; 424], Some(&kek), &fits(424, Some(&kek))).is_some());
        assert!(doubt(&[0; 424], None, &fits(424, None)).is_none());
        assert!(doubt(&[0; 10], None, &[]).unwrap().0.contains("10 bytes"));
    }
}
