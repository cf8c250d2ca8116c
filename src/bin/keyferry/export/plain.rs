//! The exports whose file is the blob itself: AWS, Google, Oracle, HashiCorp, and everybody else.
use super::ready::{Ready, Written, way};
use super::{Common, kek::Fits};
use crate::file::Pending;
use crate::options::Options;
use crate::output::Answer;
use clap::{Args, ValueEnum};
use keyferry::byok::cloud::{AES_BITS, Cloud, Encoding, Form};
use keyferry::byok::kek::Kek;
use keyferry::client::{Access, Oaep, Profile, Session};
use keyferry::crypto::hash::Hash;

#[derive(Debug, Args)]
pub struct ForCloud {
    #[command(flatten)]
    common: Common,
    /// The hash of OAEP: that of the KEK's method [default: sha256]
    #[arg(long, value_name = "HASH")]
    hash: Option<HashName>,
}

#[derive(Debug, Args)]
pub struct Custom {
    #[command(flatten)]
    common: Common,
    /// The hash of OAEP
    #[arg(long, value_name = "HASH")]
    hash: HashName,
    /// The hash of MGF1 [default: that of OAEP]
    #[arg(long, value_name = "HASH")]
    mgf: Option<HashName>,
    /// The size of the AES key that wraps the key
    #[arg(long, value_name = "BITS", default_value = "256")]
    aes: AesBits,
    /// How the blob is written
    #[arg(long, default_value = "raw")]
    encoding: EncodingName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HashName {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AesBits {
    #[value(name = "128")]
    B128,
    #[value(name = "192")]
    B192,
    #[value(name = "256")]
    B256,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EncodingName {
    Raw,
    Base64,
    Base64url,
}

impl ForCloud {
    /// Runs the command.
    pub fn run(&self, cloud: &'static Cloud, options: &Options) -> Answer {
        let hash = self.hash.map_or(cloud.usual_hash(), HashName::hash);
        cloud.spelling(hash)?;
        let common = &self.common;
        let pending = common.pending(cloud.file)?;
        let fits: Fits<'_> = &|kek| cloud.fits(kek);
        let file = common.kek_file(fits)?;
        let (_, session) = options.log_in(Access::ReadOnly)?;
        let chosen = common.choose_kek(&session, file, fits)?;
        let key = common.find_key(&session)?;
        let (target, taken) = common.taken(&key.kind, cloud)?;
        let way = way(&session, taken.form)?;
        common.may_leave(&session, &key, &chosen, way)?;
        let profile = Profile {
            form: taken.form,
            oaep: Oaep::of(hash),
            aes_bits: AES_BITS,
            target: Some(target),
        };
        let ready = Ready { common, cloud: Some(cloud), key, chosen, profile, way };
        let own = [("Called", "called", taken.called.to_owned())];
        finish(&ready, &session, pending, cloud.encoding, &own)
    }
}

impl Custom {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let common = &self.common;
        let (encoding, file) = self.encoding.of();
        let pending = common.pending(file)?;
        let file = common.kek_file(&Kek::fits)?;
        let (_, session) = options.log_in(Access::ReadOnly)?;
        let chosen = common.choose_kek(&session, file, &Kek::fits)?;
        let key = common.find_key(&session)?;
        let form = Form::RsaAes;
        let way = way(&session, form)?;
        common.may_leave(&session, &key, &chosen, way)?;
        let hash = self.hash.hash();
        let mgf = self.mgf.map_or(hash, HashName::hash);
        let profile = Profile {
            form,
            oaep: Oaep { mgf, ..Oaep::of(hash) },
            aes_bits: self.aes.bits(),
            target: key.kind.target(),
        };
        let ready = Ready { common, cloud: None, key, chosen, profile, way };
        finish(&ready, &session, pending, encoding, &[])
    }
}

/// Wraps, writes and reports.
fn finish(
    ready: &Ready<'_>,
    session: &Session,
    pending: Pending,
    encoding: Encoding,
    own: &[(&'static str, &'static str, String)],
) -> Answer {
    let blob = ready.wrap(session)?;
    let path = pending.path().to_owned();
    let bytes = encoding.encode(&blob);
    pending.commit(&bytes)?;
    let method = ready.method()?.unwrap_or_default();
    let mut values = vec![("method", method.as_str())];
    values.extend(own.iter().map(|(_, member, value)| (*member, value.as_str())));
    let next = ready.next(&path, &values);
    ready.report(&Written { path: &path, len: bytes.len(), blob_len: blob.len() }, next, own)
}

impl HashName {
    fn hash(self) -> Hash {
        match self {
            HashName::Sha1 => Hash::Sha1,
            HashName::Sha224 => Hash::Sha224,
            HashName::Sha256 => Hash::Sha256,
            HashName::Sha384 => Hash::Sha384,
            HashName::Sha512 => Hash::Sha512,
        }
    }
}

impl AesBits {
    fn bits(self) -> usize {
        match self {
            AesBits::B128 => 128,
            AesBits::B192 => 192,
            AesBits::B256 => 256,
        }
    }
}

impl EncodingName {
    /// The encoding, and the usual name of a file in it.
    fn of(self) -> (Encoding, &'static str) {
        match self {
            EncodingName::Raw => (Encoding::Raw, "{key}.bin"),
            EncodingName::Base64 => (Encoding::Base64, "{key}.b64"),
            EncodingName::Base64url => (Encoding::Base64Url, "{key}.b64url"),
        }
    }
}
