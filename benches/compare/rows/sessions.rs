//! What PKCS#11 itself costs: sessions, and the calls around a primitive.
use super::keys::sign;
use super::{Row, both, computed};
use crate::bare;
use crate::common::Rv;
use crate::measure::{Clock, Work};
use crate::side::{Kind, Side};
use crate::table::Want;
use keyferry::ck::CKA_EC_POINT;

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("open and close a session", &[Want::OverPeer(1.5)], |b| {
            let work = |side: &Side| -> Rv<Work<'_>> {
                let (module, slot) = (side.module, side.slot);
                Ok(Box::new(move || module.open(slot)?.close()))
            };
            computed(b, work, None)
        }),
        Row::new("make and destroy a session AES key", &[], |b| {
            computed(b, session_key, Some(bare::random(32)))
        }),
        Row::new("read an attribute", &[], |b| {
            let work = |side: &Side| -> Rv<Work<'_>> {
                let (session, (public, _)) = (side.session, side.pair(Kind::P256)?);
                Ok(Box::new(move || session.read(public, CKA_EC_POINT)))
            };
            computed(b, work, None)
        }),
        Row::new("C_SignInit and C_Sign, P-256", &[Want::AboveBare(2e-6)], |b| {
            let bare = bare::sign(Kind::P256);
            both(
                b,
                (b.pace.times(2), Clock::Thread),
                &b.ours,
                |side| sign(side, Kind::P256),
                Some(bare),
            )
        }),
    ]
}

fn session_key(side: &Side) -> Rv<Work<'_>> {
    Ok(Box::new(|| side.session.destroy(side.aes()?)))
}
