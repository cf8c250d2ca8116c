//! The clouds that take a wrapped key, a row each: what each takes, under which KEK, wrapped how,
//! in which form, and the command that hands it over.
//!
//! What a cloud refuses can be seen here before anything is wrapped.
use super::azure::Malformed;
use super::kek::{EXPONENT, Kek};
use super::target::{Curve, Target};
use crate::crypto::hash::Hash;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

mod rows;
pub use rows::{AWS, AZURE, CLOUDS, GCP, OCI, VAULT};

/// A cloud: what it takes, and how.
#[derive(Debug)]
pub struct Cloud {
    /// What the command line calls it.
    pub command: &'static str,
    /// Its name in sentences.
    pub name: &'static str,
    /// The OAEP hashes it takes, the usual one first, each as the cloud spells it. MGF1 uses the same.
    pub hashes: &'static [(Hash, &'static str)],
    /// Sizes of the KEKs it makes, in bits.
    pub kek_bits: &'static [usize],
    /// The public exponents its KEKs have.
    pub kek_exponent: Exponent,
    /// How to get a KEK that it makes.
    pub kek_remedy: &'static str,
    /// Whether many keys go under one KEK; else it makes a KEK for each key, and of that key's form.
    pub shares_kek: bool,
    /// The types of keys it takes.
    pub takes: &'static [Taken],
    /// What it calls the wrapping, by form: `{hash}` and `{bits}` are filled in.
    pub methods: &'static [(Form, &'static str)],
    /// How the blob is written; Azure's stands in a package, see [`super::azure`].
    pub encoding: Encoding,
    /// The usual name of the file: `{key}` is filled in.
    pub file: &'static str,
    /// The command that hands the file over; what stands in braces is filled in.
    pub next: &'static str,
}

/// Bits of the AES key between KEK and target: every cloud takes 256, some nothing else.
pub const AES_BITS: usize = 256;

/// How a target gets under the KEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `RSA-OAEP(AES key) ‖ AES-KWP(target)`: the blob of `CKM_RSA_AES_KEY_WRAP`.
    RsaAes,
    /// `RSA-OAEP(target)`: for secret keys, which are short enough.
    Oaep,
}

/// The public exponents of a cloud's KEKs. One that the cloud cannot have made is another's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exponent {
    /// 65537, as its documents or its sources say.
    Usual,
    /// It does not say which, but makes them in validated modules, and those make none below 65537
    /// (FIPS 186-5 appendix A.1.1, SP 800-56B section 6.2).
    Validated,
}

impl Exponent {
    /// Of odd numbers without leading zeros, 65537 is the least that has three bytes.
    fn fits(self, kek: &Kek) -> bool {
        match self {
            Exponent::Usual => kek.exponent() == EXPONENT,
            Exponent::Validated => kek.exponent().len() >= EXPONENT.len(),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Exponent::Usual => "another public exponent than 65537",
            Exponent::Validated => "a public exponent below 65537",
        }
    }
}

/// How a blob is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Its bytes.
    Raw,
    /// In base64 with padding (RFC 4648 section 4): one line without an end.
    Base64,
    /// In base64url without padding (RFC 4648 section 5): one line without an end.
    Base64Url,
}

impl Encoding {
    /// The blob as it is written.
    pub fn encode(self, blob: &[u8]) -> Vec<u8> {
        match self {
            Encoding::Raw => blob.to_vec(),
            Encoding::Base64 => Base64::encode_string(blob).into_bytes(),
            Encoding::Base64Url => Base64UrlUnpadded::encode_string(blob).into_bytes(),
        }
    }
}

/// A type of key that a cloud takes.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The type.
    pub target: Pattern,
    /// How it is wrapped.
    pub form: Form,
    /// What the cloud calls it.
    pub called: &'static str,
}

/// One type of key, or many.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Pattern {
    One(Target),
    /// Generic secrets of so many bits, both ends included.
    Secrets {
        least: usize,
        most: usize,
    },
}

impl Pattern {
    fn fits(self, target: Target) -> bool {
        match (self, target) {
            (Pattern::One(one), target) => one == target,
            (Pattern::Secrets { least, most }, Target::Secret { bits }) => {
                (least..=most).contains(&bits)
            }
            (Pattern::Secrets { .. }, _) => false,
        }
    }

    /// Each type that it stands for.
    pub fn targets(self) -> Vec<Target> {
        match self {
            Pattern::One(target) => vec![target],
            Pattern::Secrets { least, most } => {
                (least..=most).step_by(8).map(|bits| Target::Secret { bits }).collect()
            }
        }
    }

    fn name(self) -> String {
        match self {
            Pattern::One(target) => target.name(),
            Pattern::Secrets { least, most } => format!("secret-{least} to secret-{most}"),
        }
    }
}

impl Cloud {
    /// How it takes a key of this type, if it does.
    pub fn taken(&self, target: Target) -> Option<&Taken> {
        self.takes.iter().find(|taken| taken.target.fits(target))
    }

    /// Every type it takes, in words.
    pub fn takes(&self) -> String {
        listed(self.takes.iter().map(|taken| taken.target.name()))
    }

    /// How it spells an OAEP hash; refuses one that it does not take.
    pub fn spelling(&self, hash: Hash) -> Result<&'static str, Malformed> {
        let row = self.hashes.iter().find(|row| row.0 == hash);
        row.map(|row| row.1).ok_or_else(|| {
            Malformed(format!(
                "{} does not take OAEP with {}; give --hash with one that it takes: {}",
                self.name,
                hash_name(hash),
                listed(self.hashes.iter().map(|row| hash_name(row.0).to_owned()))
            ))
        })
    }

    /// The OAEP hash it takes if nobody says another.
    pub fn usual_hash(&self) -> Hash {
        self.hashes.first().map_or(Hash::Sha256, |row| row.0)
    }

    /// Whether it could have made this KEK; says what it should have been.
    pub fn fits(&self, kek: &Kek) -> Result<(), Malformed> {
        if !self.kek_bits.contains(&kek.bits()) {
            return Err(Malformed(format!(
                "the KEK has {} bits, and {} takes {}; {}",
                kek.bits(),
                self.name,
                listed(self.kek_bits.iter().map(usize::to_string)),
                self.kek_remedy
            )));
        }
        if !self.kek_exponent.fits(kek) {
            return Err(Malformed(format!(
                "the KEK has {}, so {} did not make it; {}",
                self.kek_exponent.words(),
                self.name,
                self.kek_remedy
            )));
        }
        Ok(())
    }

    /// Refuses to have many keys wrapped under one KEK if it makes one for each.
    pub fn takes_many(&self) -> Result<(), Malformed> {
        if self.shares_kek {
            return Ok(());
        }
        Err(Malformed(format!(
            "{} makes a KEK for each key, so one run cannot wrap many; export one at a time with --key, each under its \
             own KEK",
            self.name
        )))
    }

    /// What it calls the wrapping.
    pub fn method(&self, form: Form, hash: Hash, kek: &Kek) -> Result<String, Malformed> {
        let spelling = self.spelling(hash)?;
        let named = self.methods.iter().find(|row| row.0 == form).map_or("", |row| row.1);
        Ok(fill(named, &[("hash", spelling), ("bits", &kek.bits().to_string())]))
    }
}

/// `SHA-256`
pub fn hash_name(hash: Hash) -> &'static str {
    match hash {
        Hash::Sha1 => "SHA-1",
        Hash::Sha224 => "SHA-224",
        Hash::Sha256 => "SHA-256",
        Hash::Sha384 => "SHA-384",
        Hash::Sha512 => "SHA-512",
        Hash::Sha512_224 => "SHA-512/224",
        Hash::Sha512_256 => "SHA-512/256",
        Hash::Sha3_224 => "SHA3-224",
        Hash::Sha3_256 => "SHA3-256",
        Hash::Sha3_384 => "SHA3-384",
        Hash::Sha3_512 => "SHA3-512",
    }
}

/// `template` with each `{name}` replaced by its value.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = values.iter().find_map(|(name, value)| {
            let end = after.strip_prefix(name)?.strip_prefix('}')?;
            Some((*value, end))
        });
        match named {
            Some((value, end)) => {
                filled.push_str(value);
                rest = end;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// `a, b and c`
fn listed(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(bits: usize) -> Kek {
        Kek::new(&vec![0xFF; bits / 8], &EXPONENT).unwrap()
    }

    /// What each cloud takes, by the documents of the clouds.
    #[test]
    fn each_cloud_takes_what_it_takes() {
        let all: Vec<Target> =
            Target::ALL.into_iter().chain([Target::Secret { bits: 256 }]).collect();
        for (cloud, refused) in [
            (&AZURE, &["secret-256"][..]),
            (&AWS, &["AES-128", "AES-192"]),
            (&GCP, &["P-521", "AES-192"]),
            (&OCI, &["P-256", "P-384", "P-521", "P-256K", "secret-256"]),
            (&VAULT, &["P-256K", "AES-192"]),
        ] {
            let names: Vec<String> = all
                .iter()
                .filter(|target| cloud.taken(**target).is_none())
                .map(|target| target.name())
                .collect();
            assert_eq!(names, refused, "{}", cloud.name);
        }
    }

    #[test]
    fn each_cloud_names_the_wrapping() {
        for (cloud, form, hash, bits, name) in [
            (&AWS, Form::RsaAes, Hash::Sha256, 2048, "RSA_AES_KEY_WRAP_SHA_256"),
            (&AWS, Form::Oaep, Hash::Sha1, 2048, "RSAES_OAEP_SHA_1"),
            (&GCP, Form::RsaAes, Hash::Sha256, 4096, "rsa-oaep-4096-sha256-aes-256"),
            (&GCP, Form::RsaAes, Hash::Sha1, 3072, "rsa-oaep-3072-sha1-aes-256"),
            (&OCI, Form::RsaAes, Hash::Sha256, 4096, "RSA_OAEP_AES_SHA256"),
            (&OCI, Form::Oaep, Hash::Sha256, 4096, "RSA_OAEP_SHA256"),
            (&AZURE, Form::RsaAes, Hash::Sha1, 4096, "CKM_RSA_AES_KEY_WRAP"),
        ] {
            assert_eq!(cloud.method(form, hash, &kek(bits)).unwrap(), name);
        }
        let refused = OCI.method(Form::RsaAes, Hash::Sha1, &kek(4096)).unwrap_err();
        assert!(
            refused.0.contains(
                "does not take OAEP with SHA-1; give --hash with one that it takes: SHA-256"
            ),
            "{refused}"
        );
    }

    #[test]
    fn rows_are_consistent() {
        for cloud in CLOUDS {
            for taken in cloud.takes {
                assert!(cloud.methods.iter().any(|row| row.0 == taken.form), "{}", cloud.name);
                let secret =
                    !matches!(taken.target, Pattern::One(Target::Rsa { .. } | Target::Ec { .. }));
                assert!(secret || taken.form == Form::RsaAes, "{}", taken.called);
            }
            for bits in cloud.kek_bits {
                assert!(cloud.fits(&kek(*bits)).is_ok());
                assert!(cloud.method(Form::RsaAes, cloud.usual_hash(), &kek(*bits)).is_ok());
            }
            assert!(cloud.next.contains("{file}"), "{}", cloud.name);
            assert_eq!(CLOUDS.iter().filter(|other| other.command == cloud.command).count(), 1);
        }
    }

    #[test]
    fn keks_that_a_cloud_does_not_make_are_refused() {
        for (cloud, bits, said) in [
            (&AZURE, 1024, "1024 bits, and Azure takes 2048, 3072 and 4096; create one with `az"),
            (&GCP, 2048, "2048 bits, and Google Cloud KMS takes 3072 and 4096; "),
            (&VAULT, 2048, "takes 4096; "),
        ] {
            let error = cloud.fits(&kek(bits)).unwrap_err();
            assert!(error.0.contains(said), "{error}");
        }
        let of = |exponent: &[u8]| Kek::new(kek(4096).modulus(), exponent).unwrap();
        for cloud in CLOUDS {
            for small in [&[3][..], &[17], &[0xFF, 0xFF]] {
                let error = cloud.fits(&of(small)).unwrap_err();
                assert!(error.0.contains("exponent") && error.0.contains(cloud.name), "{error}");
            }
            assert_eq!(cloud.fits(&of(&[1, 0, 3])).is_ok(), cloud.kek_exponent != Exponent::Usual);
        }
    }

    #[test]
    fn no_blob_is_longer_than_aws_takes() {
        let longest = |target: Target| {
            target.wrapped_lens().iter().map(|lens| *lens.end()).max().unwrap_or_default()
        };
        let most = Target::ALL.into_iter().map(longest).max().unwrap();
        assert!(512 + most <= 6144);
    }

    #[test]
    fn blobs_are_encoded() {
        // RFC 4648 section 10 has "fo"; the last one shows the other alphabet
        assert_eq!(Encoding::Raw.encode(b"fo"), b"fo");
        assert_eq!(Encoding::Base64.encode(b"fo"), b"Zm8=");
        assert_eq!(Encoding::Base64.encode(&[0xFB, 0xFF]), b"+/8=");
        assert_eq!(Encoding::Base64Url.encode(&[0xFB, 0xFF]), b"-_8");
    }

    #[test]
    fn templates_are_filled() {
        assert_eq!(fill("a {b} {c}{b}", &[("b", "{c}"), ("c", "2")]), "a {c} 2{c}");
        assert_eq!(fill("{\"x\":{n}} {", &[("n", "1")]), "{\"x\":1} {");
    }
}
