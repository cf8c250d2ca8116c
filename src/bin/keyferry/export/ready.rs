//! An export that has passed every check: wrapping, the file, and the report.
use super::kek::Chosen;
use super::target::Leaving;
use super::{Common, quoted};
use crate::kek;
use crate::output::{Answer, During, Fault, Report, facts, fault};
use keyferry::byok::cloud::{Cloud, Form, fill, hash_name};
use keyferry::ck::*;
use keyferry::client::{Error, Profile, Session, Way};
use serde_json::{Value, json};
use std::path::Path;

/// What has been checked and can be wrapped.
pub struct Ready<'a> {
    /// What was asked for.
    pub common: &'a Common,
    /// Whom it is for; nobody in particular if the parameters were given.
    pub cloud: Option<&'static Cloud>,
    /// The key.
    pub key: Leaving,
    /// The KEK.
    pub chosen: Chosen,
    /// What is to be made.
    pub profile: Profile,
    /// How this module makes it.
    pub way: Way,
}

/// What was made and where it is.
pub struct Written<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its length in bytes.
    pub len: usize,
    /// The blob's.
    pub blob_len: usize,
}

/// The way of this session's token to a form.
pub fn way(session: &Session, form: Form) -> Result<Way, Fault> {
    Way::of(session.module(), session.slot(), form).ok_or_else(|| match form {
        Form::RsaAes => fault!(
            "the token can wrap neither with CKM_RSA_AES_KEY_WRAP nor with RFC 5649 and CKM_RSA_PKCS_OAEP; \
             no package can be made with it: move the key to a token that can, such as keyferry's own"
        ),
        Form::Oaep => fault!(
            "the token cannot wrap with CKM_RSA_PKCS_OAEP, which the cloud wants for secret keys; move the key \
             to a token that can, such as keyferry's own"
        ),
    })
}

impl Ready<'_> {
    /// Makes the blob and looks at its length before anyone relies on it.
    pub fn wrap(&self, session: &Session) -> Result<Vec<u8>, Fault> {
        let blob = self.blob(session);
        blob.during(&format!("the key \"{}\" was not exported", self.common.key))
    }

    fn blob(&self, session: &Session) -> Result<Vec<u8>, Fault> {
        let kek = match &self.chosen.stored {
            Some(stored) => stored.object,
            None => {
                let template = kek::template(&self.chosen.kek, "keyferry KEK");
                session
                    .create(&template.flag(CKA_TOKEN, false))
                    .during("the token does not take the KEK")?
            }
        };
        let blob = session.transfer(self.way, &self.profile, kek, self.key.object);
        let blob = blob.map_err(|error| self.explained(&error))?;
        if self.is_possible(blob.len()) {
            return Ok(blob);
        }
        Err(fault!(
            "the module made {} bytes, which is no {} key under this KEK; nothing was written, and the module \
             should not be trusted with this",
            blob.len(),
            self.key.kind.name()
        ))
    }

    /// What the user can do about a module that does not take the parameters.
    fn explained(&self, error: &Error) -> Fault {
        if !matches!(error, Error::Parameters { .. }) {
            return Fault(error.to_string());
        }
        let sha1 = keyferry::client::Oaep::azure();
        let other = self.cloud.filter(|_| self.profile.oaep != sha1).and_then(|cloud| {
            let method = cloud.method(self.profile.form, sha1.hash, &self.chosen.kek).ok()?;
            Some(format!(
                "if it takes SHA-1, get a KEK for {method} and give --hash sha1, or else "
            ))
        });
        fault!(
            "{error}; nothing was written: {}use a module that does, such as keyferry's own",
            other.unwrap_or_default()
        )
    }

    fn is_possible(&self, len: usize) -> bool {
        let size = self.chosen.kek.size();
        match (self.profile.form, self.profile.target) {
            (Form::Oaep, _) => len == size,
            (Form::RsaAes, Some(target)) => {
                let wrapped = len.saturating_sub(size);
                wrapped.is_multiple_of(8)
                    && target.wrapped_lens().iter().any(|lens| lens.contains(&wrapped))
            }
            // RFC 5649 section 3 gives 16, 24, 32, …
            (Form::RsaAes, None) => len >= size + 16 && (len - size).is_multiple_of(8),
        }
    }

    /// What the cloud calls the wrapping.
    pub fn method(&self) -> Result<Option<String>, Fault> {
        let Profile { form, oaep, .. } = &self.profile;
        let method = self.cloud.map(|cloud| cloud.method(*form, oaep.hash, &self.chosen.kek));
        Ok(method.transpose()?)
    }

    /// The next command, if the cloud is known; `values` are the cloud's own.
    pub fn next(&self, path: &Path, values: &[(&str, &str)]) -> Option<String> {
        let (file, name) = (quoted(path), self.common.cloud_name());
        let common = [("file", file.as_str()), ("name", name.as_str())];
        let values: Vec<(&str, &str)> = common.iter().chain(values).copied().collect();
        self.cloud.map(|cloud| fill(cloud.next, &values))
    }

    /// The report; `own` are rows and members of the cloud's own.
    pub fn report(
        &self,
        written: &Written<'_>,
        next: Option<String>,
        own: &[(&'static str, &'static str, String)],
    ) -> Answer {
        let Chosen { kek, fingerprint, .. } = &self.chosen;
        let Profile { form, oaep, aes_bits, .. } = &self.profile;
        let method = self.method()?;
        let (key, kind) = (&self.common.key, self.key.kind.name());
        let path = written.path.display();
        let mut rows = vec![
            ("Written", format!("{path}, {} bytes, blob of {}", written.len, written.blob_len)),
            ("Key", format!("\"{key}\", {kind}")),
            ("KEK", format!("RSA-{}", kek.bits())),
            ("KEK SHA-256", fingerprint.clone()),
            ("Wrapped with", self.wrapped_with()),
        ];
        let aes_bits = (*form == Form::RsaAes).then_some(*aes_bits);
        let mut json = json!({
            "cloud": self.cloud.map(|cloud| cloud.command), "method": method,
            "file": written.path, "bytes": written.len, "blob_bytes": written.blob_len,
            "key": key, "type": kind, "kek_bits": kek.bits(), "kek_sha256": fingerprint,
            "mechanisms": self.way.name(), "steps": self.way.steps(),
            "hash": hash_name(oaep.hash), "mgf_hash": hash_name(oaep.mgf), "aes_bits": aes_bits,
            "next": next,
        });
        if let (Some(cloud), Some(method)) = (self.cloud, method) {
            rows.push(("For", format!("{}, {method}", cloud.name)));
        }
        for (row, member, value) in own {
            rows.push((row, value.clone()));
            if let Some(members) = json.as_object_mut() {
                members.insert((*member).to_owned(), Value::String(value.clone()));
            }
        }
        let next = next.map(|next| format!("\nUpload it with\n  {next}\n")).unwrap_or_default();
        Ok(Report::new(format!("{}{next}", facts(&rows)), json))
    }

    fn wrapped_with(&self) -> String {
        let Profile { oaep, aes_bits, form, .. } = &self.profile;
        let hashes = match oaep.hash == oaep.mgf {
            true => hash_name(oaep.hash).to_owned(),
            false => format!("{} and MGF1 with {}", hash_name(oaep.hash), hash_name(oaep.mgf)),
        };
        let aes = match form {
            Form::RsaAes => format!(", AES-{aes_bits}"),
            Form::Oaep => String::new(),
        };
        format!("{} {}, OAEP with {hashes}{aes}", self.way.name(), self.way.steps())
    }
}
