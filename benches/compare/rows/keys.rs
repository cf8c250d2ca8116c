//! Key pairs and signatures.
use super::{Row, both, computed};
use crate::bare;
use crate::bench::Bench;
use crate::common::{Mech, Rv};
use crate::measure::{Clock, Pace, Work};
use crate::side::{Kind, Side};
use crate::table::{Measured, Want};
use keyferry::ck::*;

const RSA: [Kind; 3] = [Kind::Rsa(2048), Kind::Rsa(3072), Kind::Rsa(4096)];
const EC: [Kind; 3] = [Kind::P256, Kind::P384, Kind::P521];

pub fn rows() -> Vec<Row> {
    use Want::{OfBare, OverPeer};
    let mut rows = Vec::new();
    for kind in RSA {
        let name = |cores| format!("key pair {}, {cores}", kind.name());
        rows.push(Row::new(name("one core"), &[OverPeer(5.0)], move |b| {
            pairs(b, (searching(b.pace, kind), Clock::Thread), b.single(), kind)
        }));
        rows.push(Row::new(name("two cores"), &[OverPeer(9.0)], move |b| {
            pairs(b, (searching(b.pace, kind), Clock::Wall), &b.ours, kind)
        }));
    }
    for (kind, least) in EC.into_iter().zip([4.0, 8.0, 2.2]) {
        let name = format!("key pair {}", kind.name());
        rows.push(Row::new(name, &[OverPeer(least)], move |b| {
            pairs(b, (b.pace, Clock::Thread), &b.ours, kind)
        }));
    }
    for (kind, least) in RSA.into_iter().zip([2.4, 2.2, 2.8]) {
        let wants = [OverPeer(least), OfBare(0.9)];
        rows.push(Row::new(format!("sign {}", kind.name()), &wants, move |b| signs(b, kind)));
    }
    for (kind, least) in EC.into_iter().zip([2.2, 7.0, 1.4]) {
        let wants = [OverPeer(least), OfBare(0.85)];
        rows.push(Row::new(format!("sign {}", kind.name()), &wants, move |b| signs(b, kind)));
    }
    rows
}

/// A search for primes takes as long as chance wants it to, so it is run more often.
fn searching(pace: Pace, kind: Kind) -> Pace {
    let Kind::Rsa(bits) = kind else { return pace };
    let rounds = pace.rounds * 5;
    Pace { rounds: if bits > 2048 { rounds / 2 } else { rounds }, ..pace.times(5) }
}

fn pairs(bench: &Bench, pace: (Pace, Clock), ours: &Side, kind: Kind) -> Measured {
    // Session is Copy, and the closure keeps it
    fn work(side: &Side, kind: Kind) -> Work<'static> {
        let (session, mech) = (side.session, kind.mechanism());
        let (mut public, mut private) = kind.templates();
        Box::new(move || {
            let pair = session.generate_pair(&mech, &mut public, &mut private)?;
            session.destroy(pair.0)?;
            session.destroy(pair.1)
        })
    }
    both(bench, pace, ours, |side| Ok(work(side, kind)), Some(bare::pair(kind)))
}

fn signs(bench: &Bench, kind: Kind) -> Measured {
    computed(bench, |side| sign(side, kind), Some(bare::sign(kind)))
}

/// PKCS#1 v1.5 with SHA-256, or ECDSA of a digest as long as the curve's hash.
pub fn sign(side: &Side, kind: Kind) -> Rv<Work<'static>> {
    let (session, (_, key)) = (side.session, side.pair(kind)?);
    let (mech, len) = match kind {
        Kind::Rsa(_) => (CKM_SHA256_RSA_PKCS, 32),
        Kind::P256 => (CKM_ECDSA, 32),
        Kind::P384 => (CKM_ECDSA, 48),
        Kind::P521 => (CKM_ECDSA, 64),
    };
    let (mech, data) = (Mech::new(mech), vec![3; len]);
    Ok(Box::new(move || session.sign(&mech, key, &data)))
}
