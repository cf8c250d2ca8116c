//! The exports whose file is the blob itself: AWS, Google, Oracle, HashiCorp, and everybody else.
use super::ready::Run;
use super::recipe::{Recipe, Terms};
use super::target::taken;
use super::which::{Item, MANY, Place};
use super::{Common, kek::Fits};
use crate::kind::Kind;
use crate::options::Options;
use crate::output::{Answer, Fault, fault};
use crate::whom::option_of;
use clap::{Args, Command, ValueEnum};
use keyferry::byok::cloud::{AES_BITS, Cloud, Encoding, Form, hash_name};
use keyferry::byok::kek::Kek;
use keyferry::client::{Oaep, Profile};
use keyferry::crypto::hash::Hash;

#[derive(Debug, Args)]
pub struct ForCloud {
    #[command(flatten)]
    common: Common,
    /// The hash of OAEP, that of the KEK's method
    #[arg(long, value_name = "HASH", hide_possible_values = true)]
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

/// The help of a cloud's command says what that cloud takes of what is there for all of them.
pub fn shown(command: Command, cloud: &Cloud) -> Command {
    let hashes: Vec<String> = cloud.hashes.iter().map(|row| option_of(row.0)).collect();
    let (hashes, usual) = (hashes.join(", "), option_of(cloud.usual_hash()));
    let says = format!("The hash of OAEP, that of the KEK's method: {hashes} [default: {usual}]");
    let command = command.mut_arg("hash", |arg| arg.help(says));
    if cloud.shares_kek {
        return command;
    }
    let says = format!("Not for {}, which makes a KEK for each key", cloud.name);
    MANY.into_iter().fold(command, |command, name| command.mut_arg(name, |arg| arg.help(&says)))
}

impl ForCloud {
    /// Runs the command.
    pub fn run(&self, cloud: &'static Cloud, options: &Options) -> Answer {
        let hash = self.hash.map_or(cloud.usual_hash(), HashName::hash);
        cloud.spelling(hash)?;
        if self.common.which.is_many() {
            cloud.takes_many()?;
        }
        let (oaep, encoding) = (Oaep::of(hash), cloud.encoding);
        let blob = Blob { cloud: Some(cloud), oaep, aes_bits: AES_BITS, encoding };
        blob.run(&self.common, cloud.file, &|kek| cloud.fits(kek), options)
    }
}

impl Custom {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        let (encoding, file) = self.encoding.of();
        let hash = self.hash.hash();
        let mgf = self.mgf.map_or(hash, HashName::hash);
        let oaep = Oaep { mgf, ..Oaep::of(hash) };
        let blob = Blob { cloud: None, oaep, aes_bits: self.aes.bits(), encoding };
        blob.run(&self.common, file, &Kek::fits, options)
    }
}

/// Files that hold nothing but the blob.
struct Blob {
    cloud: Option<&'static Cloud>,
    oaep: Oaep,
    aes_bits: usize,
    encoding: Encoding,
}

impl Blob {
    fn run(&self, common: &Common, usual: &str, fits: Fits<'_>, options: &Options) -> Answer {
        let place = common.place(usual)?;
        let file = common.kek_file(fits)?;
        let (_, session) = common.log_in(options, self.aes_bits)?;
        let chosen = common.choose_kek(&session, file, fits)?;
        let run = Run { common, chosen, recipe: self };
        match place {
            Place::Many(asked, folder) => run.many(&session, options, asked, usual, &folder),
            Place::One(label, pending) => {
                let (ready, written) = run.wrap_one(&session, &label, &pending)?;
                pending.commit(&written.bytes)?;
                ready.report(&written)
            }
        }
    }
}

impl Recipe for Blob {
    fn cloud(&self) -> Option<&'static Cloud> {
        self.cloud
    }

    fn purpose(&self) -> String {
        let Oaep { hash, mgf, .. } = &self.oaep;
        let cloud = self.cloud.map_or("custom", |cloud| cloud.command);
        format!(
            "{cloud} {} {} {} {:?}",
            hash_name(*hash),
            hash_name(*mgf),
            self.aes_bits,
            self.encoding
        )
    }

    fn terms(&self, item: &Item, kind: &Kind) -> Result<Terms, Fault> {
        if !item.ops.is_empty() {
            return Err(fault!(
                "the manifest says what the key \"{}\" is for (ops), which only Azure asks; leave it out",
                item.label
            ));
        }
        let taken = self.cloud.map(|cloud| taken(&item.label, kind, cloud)).transpose()?;
        let profile = Profile {
            form: taken.map_or(Form::RsaAes, |(_, taken)| taken.form),
            oaep: self.oaep.clone(),
            aes_bits: self.aes_bits,
            target: kind.target(),
        };
        let called = taken.map(|(_, taken)| taken.called.to_owned());
        let values = called.iter().map(|called| ("called", called.clone())).collect();
        let own = called.into_iter().map(|called| ("Called", "called", called)).collect();
        Ok(Terms { profile, values, own })
    }

    fn file(&self, blob: &[u8]) -> Vec<u8> {
        self.encoding.encode(blob)
    }
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
