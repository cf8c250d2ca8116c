//! An export that has passed every check: wrapping, the file, and the report.
use super::kek::Chosen;
use super::recipe::{Recipe, Terms};
use super::which::Item;
use super::{Common, cloud_name, quoted};
use crate::file::Pending;
use crate::kind::{self, Kind};
use crate::output::{Answer, During, Fault, Report, clean, facts, fault};
use keyferry::byok::cloud::{Cloud, Form, fill, hash_name};
use keyferry::ck::CK_OBJECT_HANDLE;
use keyferry::client::{Error, Profile, Session, Way};
use serde_json::{Value, json};

/// An export: the same for each of its keys.
pub struct Run<'a> {
    /// What was asked for.
    pub common: &'a Common,
    /// The KEK.
    pub chosen: Chosen,
    /// What the cloud wants.
    pub recipe: &'a dyn Recipe,
}

/// What is to be made of a key.
pub struct Plan<'a> {
    run: &'a Run<'a>,
    /// The key.
    pub item: Item,
    /// What it is.
    pub kind: Kind,
    /// What is to be made.
    pub terms: Terms,
}

/// A key that has passed every check and can be wrapped.
pub struct Ready<'a> {
    /// What is to be made of it.
    pub plan: Plan<'a>,
    /// How this module makes it.
    way: Way,
}

/// What is in a file.
pub struct Written {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Length of the blob in it, in bytes.
    pub blob_len: usize,
}

impl Run<'_> {
    /// Checks everything that can be checked before a key is wrapped.
    pub fn ready(&self, session: &Session, item: Item) -> Result<Ready<'_>, Fault> {
        let plan = self.plan(session, item)?;
        let way = way(session, plan.terms.profile.form)?;
        self.common.may_leave(session, &plan.item, &self.chosen, way)?;
        Ok(Ready { plan, way })
    }

    /// What is to be made of a key; refuses what the cloud would refuse.
    pub fn plan(&self, session: &Session, item: Item) -> Result<Plan<'_>, Fault> {
        let kind = kind::of(session, item.object)?;
        let terms = self.recipe.terms(&item, &kind)?;
        Ok(Plan { run: self, item, kind, terms })
    }

    /// The file of the one key that has the label.
    pub fn wrap_one(
        &self,
        session: &Session,
        label: &str,
        pending: &Pending,
    ) -> Result<(Ready<'_>, Written), Fault> {
        let item = self.common.one(session, label, pending.path())?;
        let ready = self.ready(session, item)?;
        let kek = self.chosen.object(session);
        let kek = kek.during(&format!("the key \"{label}\" was not exported"))?;
        let blob = ready.wrap(session, kek)?;
        Ok((ready, Written { bytes: self.recipe.file(&blob), blob_len: blob.len() }))
    }
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

impl Plan<'_> {
    fn cloud(&self) -> Option<&'static Cloud> {
        self.run.recipe.cloud()
    }

    /// What the cloud calls the wrapping.
    fn method(&self) -> Result<Option<String>, Fault> {
        let Profile { form, oaep, .. } = &self.terms.profile;
        let method = self.cloud().map(|cloud| cloud.method(*form, oaep.hash, &self.run.chosen.kek));
        Ok(method.transpose()?)
    }

    /// The next command, if the cloud is known.
    pub fn next(&self) -> Result<Option<String>, Fault> {
        let (file, name) = (quoted(&self.item.path), cloud_name(&self.item.name));
        let method = self.method()?.unwrap_or_default();
        let mut values = vec![("file", file.as_str()), ("name", &name), ("method", &method)];
        values.extend(self.terms.values.iter().map(|(name, value)| (*name, value.as_str())));
        Ok(self.cloud().map(|cloud| fill(cloud.next, &values)))
    }
}

impl Ready<'_> {
    /// Makes the blob and looks at its length before anyone relies on it.
    pub fn wrap(&self, session: &Session, kek: CK_OBJECT_HANDLE) -> Result<Vec<u8>, Fault> {
        let blob = session.transfer(self.way, &self.plan.terms.profile, kek, self.plan.item.object);
        let blob = blob.map_err(|error| self.explained(&error)).and_then(|blob| {
            if self.is_possible(blob.len()) {
                return Ok(blob);
            }
            Err(fault!(
                "the module made {} bytes, which is no {} key under this KEK; nothing was written: use another \
                 module, such as keyferry's own",
                blob.len(),
                self.plan.kind.name()
            ))
        });
        blob.during(&format!("the key \"{}\" was not exported", self.plan.item.label))
    }

    /// What the user can do about a module that does not take the parameters.
    fn explained(&self, error: &Error) -> Fault {
        if !matches!(error, Error::Parameters { .. }) {
            return Fault(error.to_string());
        }
        let sha1 = keyferry::client::Oaep::azure();
        let other =
            self.plan.cloud().filter(|_| self.plan.terms.profile.oaep != sha1).and_then(|cloud| {
                let method = cloud
                    .method(self.plan.terms.profile.form, sha1.hash, &self.plan.run.chosen.kek)
                    .ok()?;
                Some(format!(
                    "if it takes SHA-1, get a KEK for {method} and give --hash sha1, or else "
                ))
            });
        fault!(
            "{}; nothing was written: {}use a module that does, such as keyferry's own",
            error.what(),
            other.unwrap_or_default()
        )
    }

    /// Whether a blob of this key can have this length.
    fn is_possible(&self, len: usize) -> bool {
        let size = self.plan.run.chosen.kek.size();
        match (self.plan.terms.profile.form, self.plan.terms.profile.target) {
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

    /// The report of a file.
    pub fn report(&self, written: &Written) -> Answer {
        let Chosen { kek, fingerprint, .. } = &self.plan.run.chosen;
        let Profile { form, oaep, aes_bits, .. } = &self.plan.terms.profile;
        let (method, next) = (self.plan.method()?, self.plan.next()?);
        let (key, kind) = (&self.plan.item.label, self.plan.kind.name());
        let path = self.plan.item.path.display();
        let mut rows = vec![
            (
                "Written",
                format!("{path}, {} bytes, blob of {}", written.bytes.len(), written.blob_len),
            ),
            ("Key", format!("\"{key}\", {kind}")),
            ("KEK", format!("RSA-{}", kek.bits())),
            ("KEK SHA-256", fingerprint.clone()),
            ("Wrapped with", self.wrapped_with()),
        ];
        let aes_bits = (*form == Form::RsaAes).then_some(*aes_bits);
        let mut json = json!({
            "cloud": self.plan.cloud().map(|cloud| cloud.command), "method": method,
            "file": self.plan.item.path, "bytes": written.bytes.len(), "blob_bytes": written.blob_len,
            "key": key, "type": kind, "kek_bits": kek.bits(), "kek_sha256": fingerprint,
            "mechanisms": self.way.name(), "steps": self.way.steps(),
            "hash": hash_name(oaep.hash), "mgf_hash": hash_name(oaep.mgf), "aes_bits": aes_bits,
            "next": next,
        });
        if let (Some(cloud), Some(method)) = (self.plan.cloud(), method) {
            rows.push(("For", format!("{}, {method}", cloud.name)));
        }
        for (row, member, value) in &self.plan.terms.own {
            rows.push((row, value.clone()));
            if let Some(members) = json.as_object_mut() {
                members.insert((*member).to_owned(), Value::String(value.clone()));
            }
        }
        let next =
            next.map(|next| format!("\nUpload it with\n  {}\n", clean(&next))).unwrap_or_default();
        Ok(Report::new(format!("{}{next}", facts(&rows)), json))
    }

    fn wrapped_with(&self) -> String {
        let Profile { oaep, aes_bits, form, .. } = &self.plan.terms.profile;
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
