//! Whom a wrapped key is for, and so how it was wrapped: what `verify` and `receive` are told.
use crate::output::{Fault, fault};
use clap::Args;
use keyferry::byok::cloud::{AES_BITS, AZURE, CLOUDS, Cloud, Form, hash_name};
use keyferry::byok::file::{BlobFile, Format};
use keyferry::byok::release;
use keyferry::byok::target::Target;
use keyferry::client::{Oaep, Profile};
use keyferry::crypto::hash::Hash;
use keyferry::crypto::oaep;

#[derive(Debug, Args)]
pub struct Whom {
    /// Whom it is for: azure, aws, gcp, oci, vault or custom [default: azure for a package, else custom]
    #[arg(long = "for", value_name = "CLOUD", value_parser = party)]
    party: Option<Party>,
    /// The hash of OAEP: sha1, sha224, sha256, sha384 or sha512 [default: what a key release says, or the cloud's]
    #[arg(long, value_name = "HASH", value_parser = hash)]
    hash: Option<Hash>,
    /// The hash of MGF1 [default: that of OAEP]
    #[arg(long, value_name = "HASH", value_parser = hash)]
    mgf: Option<Hash>,
    /// The size of the AES key that wraps the key: 128, 192 or 256
    #[arg(long, value_name = "BITS", value_parser = aes)]
    aes: Option<usize>,
}

/// One of the clouds, or anybody.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Party {
    Cloud(&'static Cloud),
    Custom,
}

/// A cloud's command, or `custom`.
pub fn party(name: &str) -> Result<Party, String> {
    if name == "custom" {
        return Ok(Party::Custom);
    }
    let cloud = CLOUDS.iter().find(|cloud| cloud.command == name);
    cloud.map(|cloud| Party::Cloud(cloud)).ok_or_else(|| {
        let names: Vec<&str> = CLOUDS.iter().map(|cloud| cloud.command).collect();
        format!("choose {} or custom", names.join(", "))
    })
}

/// What `--hash` calls it.
pub fn option_of(hash: Hash) -> String {
    hash_name(hash).replace('-', "").to_lowercase()
}

fn hash(name: &str) -> Result<Hash, String> {
    let spelt = |hash: &&Hash| option_of(**hash).eq_ignore_ascii_case(name);
    let found = oaep::Oaep::HASHES.iter().find(spelt).copied();
    found.ok_or_else(|| "choose sha1, sha224, sha256, sha384 or sha512".to_owned())
}

fn aes(bits: &str) -> Result<usize, String> {
    match bits.parse() {
        Ok(bits @ (128 | 192 | 256)) => Ok(bits),
        _ => Err("choose 128, 192 or 256".to_owned()),
    }
}

impl Whom {
    /// Who, if not said by the form of the file.
    pub fn party(&self, format: Format) -> Party {
        self.party.unwrap_or(match format {
            Format::Package | Format::Request => Party::Cloud(&AZURE),
            _ => Party::Custom,
        })
    }

    /// Refuses a hash that the cloud does not take.
    pub fn check(&self, party: Party) -> Result<(), Fault> {
        let Party::Cloud(cloud) = party else { return Ok(()) };
        if let Some(hash) = self.hash {
            cloud.spelling(hash)?;
        }
        match self.mgf {
            Some(mgf) if self.hashes(party).is_empty() => Err(fault!(
                "{} takes no other hash for MGF1 than for OAEP, and --mgf says {}; leave --mgf out",
                cloud.name,
                hash_name(mgf)
            )),
            _ => Ok(()),
        }
    }

    /// The hashes that OAEP may have used, the likeliest first. A cloud's are those of MGF1, too.
    pub fn hashes(&self, party: Party) -> Vec<Hash> {
        match (party, self.hash) {
            (Party::Cloud(cloud), _) => {
                cloud.hashes.iter().map(|row| row.0).filter(|hash| self.may_be(*hash)).collect()
            }
            (Party::Custom, Some(hash)) => vec![hash],
            (Party::Custom, None) => oaep::Oaep::HASHES.to_vec(),
        }
    }

    /// Whether both OAEP and MGF1 may have used this hash, by what was said.
    fn may_be(&self, hash: Hash) -> bool {
        [self.hash, self.mgf].into_iter().flatten().all(|said| said == hash)
    }

    /// Bits of the AES key, if they were said.
    pub fn aes(&self) -> Option<usize> {
        self.aes
    }

    /// How it was wrapped, with this hash of OAEP.
    pub fn profile(&self, form: Form, hash: Hash) -> Profile {
        let mgf = self.mgf.unwrap_or(hash);
        let oaep = Oaep { mgf, ..Oaep::of(hash) };
        Profile { form, oaep, aes_bits: self.aes.unwrap_or(AES_BITS), target: None }
    }

    /// The hash that a release names in its `enc`; refuses another that was asked for.
    pub fn released(&self, party: Party, enc: &str) -> Result<Hash, Fault> {
        let hash = release::hash(enc)?;
        if self.hashes(party).contains(&hash) && self.may_be(hash) {
            return Ok(hash);
        }
        Err(fault!(
            "enc names {}, and --for, --hash or --mgf say another hash; leave them out, or have the key released again",
            hash_name(hash)
        ))
    }

    /// The one hash with which it was wrapped: as the file says, or as was said.
    pub fn one_hash(&self, party: Party, file: &BlobFile) -> Result<Hash, Fault> {
        self.check(party)?;
        match (&file.enc, self.hash, party) {
            (Some(enc), ..) => self.released(party, enc),
            (None, Some(hash), _) => Ok(hash),
            (None, None, Party::Cloud(cloud)) => Ok(self.mgf.unwrap_or(cloud.usual_hash())),
            (None, None, Party::Custom) => Err(fault!(
                "the file does not say how its key was wrapped; give --for with the cloud that it was made for, \
                 or --hash"
            )),
        }
    }
}

impl Party {
    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Party::Cloud(cloud) => cloud.name,
            Party::Custom => "anybody",
        }
    }

    /// The cloud, if it is one.
    pub fn cloud(self) -> Option<&'static Cloud> {
        match self {
            Party::Cloud(cloud) => Some(cloud),
            Party::Custom => None,
        }
    }

    /// What the command line calls it.
    pub fn command(self) -> &'static str {
        match self {
            Party::Cloud(cloud) => cloud.command,
            Party::Custom => "custom",
        }
    }

    /// The types of keys whose blob under a KEK of `kek_size` bytes has `len` bytes, and its form.
    pub fn fits(self, kek_size: usize, len: usize) -> Vec<(Target, Form)> {
        match self {
            Party::Cloud(cloud) => {
                let each = cloud.takes.iter().flat_map(|taken| {
                    taken.target.targets().into_iter().map(move |target| (target, taken.form))
                });
                each.filter(|(target, form)| fits(*target, *form, kek_size, len)).collect()
            }
            Party::Custom => {
                let secrets = (8..=4096).step_by(8).map(|bits| Target::Secret { bits });
                let rsa = Target::Rsa { bits: 8192 };
                let all = Target::ALL.into_iter().chain([rsa]).chain(secrets);
                let each = all.map(|target| (target, Form::RsaAes));
                let mut found: Vec<(Target, Form)> =
                    each.filter(|(target, form)| fits(*target, *form, kek_size, len)).collect();
                if len == kek_size {
                    found.push((Target::Aes { bits: 256 }, Form::Oaep));
                }
                found
            }
        }
    }
}

fn fits(target: Target, form: Form, kek_size: usize, len: usize) -> bool {
    match form {
        Form::Oaep => len == kek_size,
        Form::RsaAes => len.checked_sub(kek_size).is_some_and(|wrapped| {
            wrapped.is_multiple_of(8)
                && target.wrapped_lens().iter().any(|lens| lens.contains(&wrapped))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_tell_types() {
        let names = |party: Party, len| -> Vec<String> {
            party.fits(256, len).into_iter().map(|(target, _)| target.name()).collect()
        };
        let of = |name| party(name).unwrap();
        assert_eq!(names(of("azure"), 408), ["P-256"]);
        assert_eq!(names(of("aws"), 256).len(), 5);
        assert!(names(of("azure"), 409).is_empty() && names(of("azure"), 10).is_empty());
        assert!(names(of("vault"), 296).contains(&"secret-256".to_owned()));
        assert!(party("ibm").is_err() && hash("md5").is_err() && aes("64").is_err());
        assert_eq!(hash("sha256"), Ok(Hash::Sha256));
    }
}
