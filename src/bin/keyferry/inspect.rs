//! `keyferry inspect`: what a file with a wrapped key holds, as far as can be told without the
//! KEK's private half.
use crate::output::{Answer, During, Fault, Report, facts, fault};
use crate::{file, kek};
use clap::Args;
use keyferry::byok::azure::{ALG, ENC, Malformed, SCHEMA};
use keyferry::byok::cloud::AZURE;
use keyferry::byok::file::BlobFile;
use keyferry::byok::kek::Kek;
use keyferry::byok::target::{KEK_SIZES, Target, targets_of_len};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyferry inspect KeyTransferPackage-signing.byok
  keyferry inspect signing.aws.bin --kek WrappingPublicKey.bin")]
pub struct Inspect {
    /// The file: a key transfer package, an import request, a key release, base64, or raw
    file: PathBuf,
    /// The KEK's public key, to check that the file can be for it
    #[arg(long, value_name = "FILE")]
    kek: Option<PathBuf>,
}

/// A size of KEK in bytes, and the type of key that gives the blob's length; none for a secret key
/// under OAEP alone.
type Fit = (usize, Option<Target>);

impl Inspect {
    /// Runs the command.
    pub fn run(&self) -> Answer {
        let bytes = file::read(&self.file, "file")?;
        let file = BlobFile::parse(&bytes).during(&self.file.display().to_string())?;
        let kek = self.kek.as_deref().map(kek::read).transpose()?.map(|file| file.kek);
        let fingerprint = kek.as_ref().map(Kek::fingerprint).transpose()?;
        let len = file.blob.len();
        let fits = fits(&file, kek.as_ref());
        let name = self.file.display();
        let mut rows = vec![
            ("File", format!("{name}, {} bytes", bytes.len())),
            ("Form", file.format.name().to_owned()),
        ];
        let mut json = json!({
            "file": self.file, "bytes": bytes.len(), "format": file.format.name(),
            "ciphertext_bytes": len, "kek_sha256": fingerprint,
            "fits": fits.iter().map(|fit| describe(*fit, len)).collect::<Value>(),
        });
        said(&file, &mut rows, &mut json);
        rows.push(("ciphertext", format!("{len} bytes")));
        rows.extend(fits.iter().map(|fit| ("Fits", sentence(*fit, len))));
        if let Some(fingerprint) = &fingerprint {
            rows.push(("KEK SHA-256", fingerprint.clone()));
        }
        let finding = doubt(&file, kek.as_ref(), &fits).map(|doubt| fault!("{name}: {}", doubt.0));
        Ok(Report { text: facts(&rows), json, finding })
    }
}

/// What a package says besides the blob, and the request around it.
fn said(file: &BlobFile, rows: &mut Vec<(&'static str, String)>, json: &mut Value) {
    let mut say = |row: &'static str, value: &str| {
        rows.push((row, value.to_owned()));
        if let Some(members) = json.as_object_mut() {
            members.insert(row.to_owned(), value.into());
        }
    };
    if let Some(request) = &file.request {
        say("kty", &request.kty);
        say("crv", request.crv.as_deref().unwrap_or("-"));
        say("key_ops", &request.key_ops.join(" "));
    }
    if let Some(enc) = &file.enc {
        say("enc", enc);
    }
    if let Some(package) = &file.package {
        say("schema_version", SCHEMA);
        say("kid", package.kid.as_str());
        say("alg", ALG);
        say("enc", ENC);
        say("generator", &package.generator);
    }
}

fn fits(file: &BlobFile, kek: Option<&Kek>) -> Vec<Fit> {
    let len = file.blob.len();
    let sizes = KEK_SIZES.into_iter().filter(|size| kek.is_none_or(|kek| kek.size() == *size));
    let of = |size| {
        let targets = targets_of_len(size, len).into_iter().map(move |target| (size, Some(target)));
        // in a package there is always an AES key between
        let alone = (len == size && file.package.is_none()).then_some((size, None));
        targets.chain(alone)
    };
    sizes.flat_map(of).collect()
}

fn sentence((size, target): Fit, len: usize) -> String {
    let bits = size * 8;
    match target {
        Some(target) => format!(
            "{} under a KEK of {bits} bits (OAEP part {size} bytes, key part {} bytes)",
            target.name(),
            len.saturating_sub(size)
        ),
        None => format!("a secret key under a KEK of {bits} bits, with OAEP alone"),
    }
}

fn describe((size, target): Fit, len: usize) -> Value {
    json!({
        "type": target.map(Target::name), "kek_bits": size * 8,
        "oaep_bytes": size, "key_bytes": len.saturating_sub(size),
    })
}

/// Why it would be refused, if that can be seen. Who takes a file that is no package is not known.
fn doubt(file: &BlobFile, kek: Option<&Kek>, fits: &[Fit]) -> Option<Fault> {
    let is_azure = file.package.is_some();
    if let Some(kek) = kek {
        let fit: Result<(), Malformed> = if is_azure { AZURE.fits(kek) } else { kek.fits() };
        if let Err(unfit) = fit {
            return Some(Fault(unfit.0));
        }
        // RSAES-OAEP gives a number below the modulus, RFC 8017 section 7.1.2
        if file.blob.get(..kek.size()).is_none_or(|part| part >= kek.modulus()) {
            return Some(fault!(
                "the package was not made with this KEK; export the key again with the KEK that the kid names"
            ));
        }
    }
    (is_azure && fits.is_empty()).then(|| {
        fault!(
            "no key that Azure takes gives {} bytes under {}; export the key again",
            file.blob.len(),
            kek.map_or_else(|| "any KEK".to_owned(), |kek| format!("a KEK of {} bits", kek.bits()))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyferry::byok::azure::{Kid, Package};

    const KID: &str = "https://v.vault.azure.net/keys/KEK/00112233445566778899aabbccddeeff";

    fn doubted(blob: &[u8], kek: Option<&Kek>) -> Option<Fault> {
        let kid = Kid::parse(KID).unwrap();
        let package = Package { kid, ciphertext: blob.to_vec(), generator: String::new() };
        let file = BlobFile::parse(&package.to_bytes()).unwrap();
        doubt(&file, kek, &fits(&file, kek))
    }

    #[test]
    fn doubts_what_cannot_be_opened() {
        let mut modulus = [0xFF; 256];
        modulus[0] = 0xC0;
        let kek = Kek::new(&modulus, &[1, 0, 1]).unwrap();
        assert!(doubted(&[0; 296], Some(&kek)).is_none());
        assert!(doubted(&[0xFF; 296], Some(&kek)).is_some());
        assert!(doubted(&[0; 424], Some(&kek)).is_some());
        assert!(doubted(&[0; 424], None).is_none());
        assert!(doubted(&[0; 10], None).unwrap().0.contains("10 bytes"));
    }

    #[test]
    fn a_raw_file_may_be_oaep_alone() {
        let file = BlobFile::parse(&[0x80; 256]).unwrap();
        assert_eq!(fits(&file, None), [(256, None)]);
        assert!(doubt(&file, None, &[]).is_none());
    }
}
