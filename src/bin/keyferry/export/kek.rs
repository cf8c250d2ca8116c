//! Which KEK: of a file, or in the token; one that the cloud could have made, and the one expected.
use super::Common;
use crate::kek::{self, Stored};
use crate::objects;
use crate::output::{During, Fault, fault};
use keyferry::byok::azure::Malformed;
use keyferry::byok::kek::{Kek, KekFile};
use keyferry::ck::{CK_OBJECT_HANDLE, CKA_TOKEN};
use keyferry::client::Session;
use std::path::Path;

/// The KEK of an export.
pub struct Chosen {
    /// Its public key.
    pub kek: Kek,
    /// The object, if it is in the token.
    pub stored: Option<Stored>,
    /// SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
    pub fingerprint: String,
}

impl Chosen {
    /// The object to wrap with: that of the token, or one as long as the session is open, for all
    /// sessions of this process (PKCS#11 3.2, section 2.6).
    pub fn object(&self, session: &Session) -> Result<CK_OBJECT_HANDLE, Fault> {
        if let Some(stored) = &self.stored {
            return Ok(stored.object);
        }
        let template = kek::template(&self.kek, "keyferry KEK").flag(CKA_TOKEN, false);
        session.create(&template).during("the token does not take the KEK")
    }
}

/// Whether a cloud could have made a KEK.
pub type Fits<'a> = &'a dyn Fn(&Kek) -> Result<(), Malformed>;

impl Common {
    /// The KEK's file, if `--kek` names one; judged before anyone is asked for a PIN.
    pub fn kek_file(&self, fits: Fits<'_>) -> Result<Option<KekFile>, Fault> {
        let path = Path::new(&self.kek);
        if !path.exists() {
            return Ok(None);
        }
        let file = kek::read(path)?;
        self.check_kek(&file.kek, fits)?;
        Ok(Some(file))
    }

    /// The KEK of the file, or else the one in the token.
    pub fn choose_kek(
        &self,
        session: &Session,
        file: Option<KekFile>,
        fits: Fits<'_>,
    ) -> Result<Chosen, Fault> {
        let (kek, stored) = match file {
            Some(file) => {
                objects::not_both(session, &kek::KEKS, &self.kek)?;
                (file.kek, None)
            }
            None => {
                let stored = kek::find(session, &self.kek)?;
                if !stored.may_wrap {
                    return Err(fault!(
                        "the public key \"{}\" may not wrap (CKA_WRAP); give the KEK's PEM file instead",
                        self.kek
                    ));
                }
                (stored.kek.clone(), Some(stored))
            }
        };
        let fingerprint = self.check_kek(&kek, fits)?;
        Ok(Chosen { kek, stored, fingerprint })
    }

    fn check_kek(&self, kek: &Kek, fits: Fits<'_>) -> Result<String, Fault> {
        fits(kek).during(&self.kek)?;
        kek::expect(kek, &self.kek, self.kek_sha256.as_deref())
    }
}
