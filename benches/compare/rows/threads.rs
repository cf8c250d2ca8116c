//! Two threads over one: what locks cost.
use super::Row;
use super::wrap::Transfer;
use crate::bench::Bench;
use crate::common::{Mech, RawTemplate, Rv, attrs};
use crate::driver::Session;
use crate::measure::{Pace, scaling};
use crate::side::{Kind, Side};
use crate::table::{Figure, Measured, Want};
use keyferry::ck::*;

pub fn rows() -> Vec<Row> {
    let row =
        |name, least, work: Work| Row::new(name, &[Want::AtLeast(least)], move |b| ratios(b, work));
    vec![
        row("two threads: sign RSA-2048", 1.8, sign),
        row("two threads: wrap RSA-4096", 1.8, wrap),
        row("two threads: create durable AES keys", 1.2, create),
    ]
}

/// Makes the work of a thread, on a session of its own.
type Work = for<'a> fn(&'a Side, Session) -> Rv<Box<dyn FnMut() -> Rv<()> + 'a>>;

fn ratios(bench: &Bench, work: Work) -> Measured {
    let mut measured = Measured::ours(Figure::Ratio(ratio(&bench.ours, bench.pace, work)));
    measured.peer = bench.peer.as_ref().map(|peer| Figure::Ratio(ratio(peer, bench.pace, work)));
    measured
}

fn ratio(side: &Side, pace: Pace, work: Work) -> f64 {
    // the shared keys are made here, not in a thread
    drop(work(side, side.session).expect("work of a thread"));
    scaling(pace, || {
        let session = side.another().expect("C_OpenSession");
        work(side, session).expect("work of a thread")
    })
}

fn sign(side: &Side, session: Session) -> Rv<Box<dyn FnMut() -> Rv<()> + '_>> {
    let (_, key) = side.pair(Kind::Rsa(2048))?;
    let mech = Mech::new(CKM_SHA256_RSA_PKCS);
    Ok(Box::new(move || session.sign(&mech, key, &[3; 32])))
}

fn wrap(side: &Side, session: Session) -> Rv<Box<dyn FnMut() -> Rv<()> + '_>> {
    let transfer = Transfer::in_session(side, session)?;
    Ok(Box::new(move || transfer.wrap().map(drop)))
}

/// Each key goes again, so that the token does not grow.
fn create(_: &Side, session: Session) -> Rv<Box<dyn FnMut() -> Rv<()> + '_>> {
    let mut template = durable_aes();
    let mech = Mech::new(CKM_AES_KEY_GEN);
    Ok(Box::new(move || {
        let key = session.generate(&mech, &mut template)?;
        session.destroy(key)
    }))
}

pub fn durable_aes() -> RawTemplate {
    RawTemplate::new(&attrs![
        CKA_VALUE_LEN => 32usize, CKA_TOKEN => true, CKA_LABEL => "durable",
        CKA_ENCRYPT => true, CKA_SENSITIVE => true
    ])
}
