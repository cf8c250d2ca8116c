//! A target under a KEK and back: in one call, or in two steps where a module has no other way.
use super::{Row, both, computed};
use crate::bare;
use crate::bench::Bench;
use crate::common::{Handle, Mech, RawTemplate, Rv, attrs};
use crate::driver::Session;
use crate::measure::{Clock, Work};
use crate::side::{Kind, Side};
use crate::table::{Measured, Want};
use keyferry::ck::*;

const KEK: Kind = Kind::Rsa(4096);

#[derive(Clone, Copy)]
enum Target {
    Pair(Kind),
    Aes,
}

pub fn rows() -> Vec<Row> {
    use Want::{OfBare, OverPeer};
    let (rsa, p256) = (Target::Pair(Kind::Rsa(4096)), Target::Pair(Kind::P256));
    vec![
        Row::new("wrap RSA-4096", &[OverPeer(3.5), OfBare(0.75)], move |b| wrap(b, rsa)),
        Row::new("wrap P-256", &[OverPeer(2.2), OfBare(0.8)], move |b| wrap(b, p256)),
        Row::new("wrap AES-256", &[OverPeer(1.8), OfBare(0.8)], |b| wrap(b, Target::Aes)),
        Row::new("unwrap AES-256", &[OfBare(0.85)], |b| unwrap(b, Target::Aes)),
        Row::new("unwrap RSA-4096", &[OfBare(0.65)], move |b| unwrap(b, rsa)),
    ]
}

fn wrap(bench: &Bench, target: Target) -> Measured {
    let work = |side| -> Rv<Work<'_>> {
        let transfer = Transfer::new(side, target)?;
        Ok(Box::new(move || transfer.wrap().map(drop)))
    };
    let bare = bare::wrap(target_len(bench, target));
    computed(bench, work, Some(bare))
}

fn unwrap(bench: &Bench, target: Target) -> Measured {
    let work = |side| -> Rv<Work<'_>> {
        let transfer = Transfer::new(side, target)?;
        let blob = transfer.wrap()?;
        let mut template = transfer.template();
        Ok(Box::new(move || transfer.unwrap(&blob, &mut template)))
    };
    let bare = bare::unwrap(target_len(bench, target));
    both(bench, (bench.pace.times(2), Clock::Thread), &bench.ours, work, Some(bare))
}

/// How long the encoded target is: the blob without OAEP's and KWP's parts.
fn target_len(bench: &Bench, target: Target) -> usize {
    let blob = Transfer::new(&bench.ours, target).and_then(|transfer| transfer.wrap());
    blob.unwrap().len() - 512 - 8
}

/// How long an encoded private key is.
pub fn encoded_len(bench: &Bench, kind: Kind) -> usize {
    target_len(bench, Target::Pair(kind))
}

/// A target, a KEK, and the way from one to under the other.
pub struct Transfer {
    session: Session,
    /// The KEK's two halves.
    kek: (Handle, Handle),
    object: Handle,
    target: Target,
    way: Way,
    oaep: Mech,
}

enum Way {
    OneCall(Mech),
    TwoSteps(Mech),
}

impl Transfer {
    fn new(side: &Side, target: Target) -> Rv<Transfer> {
        let object = match target {
            Target::Pair(kind) => side.pair(kind)?.1,
            Target::Aes => side.aes()?,
        };
        Ok(Transfer {
            session: side.session,
            kek: side.pair(KEK)?,
            object,
            target,
            way: Way::of(side),
            oaep: Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, &[]),
        })
    }

    /// An RSA-4096 target, in a session of its own.
    pub fn in_session(side: &Side, session: Session) -> Rv<Transfer> {
        Ok(Transfer { session, ..Transfer::new(side, Target::Pair(Kind::Rsa(4096)))? })
    }

    pub fn wrap(&self) -> Rv<Vec<u8>> {
        let inner = match &self.way {
            Way::OneCall(mech) => return self.session.wrap(mech, self.kek.0, self.object),
            Way::TwoSteps(inner) => inner,
        };
        let mut template = RawTemplate::new(&attrs![
            CKA_VALUE_LEN => 32usize, CKA_TOKEN => false, CKA_WRAP => true, CKA_EXTRACTABLE => true
        ]);
        let aes = self.session.generate(&Mech::new(CKM_AES_KEY_GEN), &mut template)?;
        let mut blob = self.session.wrap(&self.oaep, self.kek.0, aes)?;
        blob.extend(self.session.wrap(inner, aes, self.object)?);
        self.session.destroy(aes)?;
        Ok(blob)
    }

    /// To a session object, which goes again.
    fn unwrap(&self, blob: &[u8], template: &mut RawTemplate) -> Rv<()> {
        let inner = match &self.way {
            Way::OneCall(mech) => {
                let object = self.session.unwrap(mech, self.kek.1, blob, template)?;
                return self.session.destroy(object);
            }
            Way::TwoSteps(inner) => inner,
        };
        let (outer, wrapped) = blob.split_at(512);
        let mut aes = RawTemplate::new(&attrs![
            CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false,
            CKA_UNWRAP => true
        ]);
        let aes = self.session.unwrap(&self.oaep, self.kek.1, outer, &mut aes)?;
        let object = self.session.unwrap(inner, aes, wrapped, template)?;
        self.session.destroy(object)?;
        self.session.destroy(aes)
    }

    fn template(&self) -> RawTemplate {
        RawTemplate::new(&match self.target {
            Target::Aes => attrs![
                CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false
            ],
            Target::Pair(_) => attrs![
                CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_RSA, CKA_TOKEN => false
            ],
        })
    }
}

impl Way {
    fn of(side: &Side) -> Way {
        let wraps = |ckm| side.module.has(side.slot, ckm, CKF_WRAP);
        match () {
            () if wraps(CKM_RSA_AES_KEY_WRAP) => {
                Way::OneCall(Mech::rsa_aes(256, CKM_SHA_1, CKG_MGF1_SHA1, &[]))
            }
            () if wraps(CKM_AES_KEY_WRAP_KWP) => Way::TwoSteps(Mech::new(CKM_AES_KEY_WRAP_KWP)),
            () => Way::TwoSteps(Mech::new(CKM_AES_KEY_WRAP_PAD)),
        }
    }
}
