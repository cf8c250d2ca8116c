//! The rows, as the table of `docs/performance.md` has them; a file per family.
mod bulk;
mod export;
mod inverse;
mod keys;
mod sessions;
mod threads;
mod tokens;
mod wrap;

use crate::bench::Bench;
use crate::common::Rv;
use crate::measure::{Clock, Pace, Work, medians};
use crate::side::{Side, said};
use crate::table::{Figure, Measured, Want};

/// A row: what it must reach, and how it is measured.
pub struct Row {
    pub name: String,
    pub wants: Vec<Want>,
    pub run: Box<dyn Fn(&Bench) -> Measured>,
}

impl Row {
    fn new(
        name: impl Into<String>,
        wants: &[Want],
        run: impl Fn(&Bench) -> Measured + 'static,
    ) -> Row {
        Row { name: name.into(), wants: wants.to_vec(), run: Box::new(run) }
    }
}

pub fn all() -> Vec<Row> {
    [
        wrap::rows(),
        keys::rows(),
        bulk::rows(),
        inverse::rows(),
        sessions::rows(),
        threads::rows(),
        tokens::rows(),
        export::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// [`both`] for what one thread computes.
fn computed<'a>(
    bench: &'a Bench,
    work: impl Fn(&'a Side) -> Rv<Work<'a>>,
    bare: Option<Work<'a>>,
) -> Measured {
    both(bench, (bench.pace, Clock::Thread), &bench.ours, work, bare)
}

/// The time of the same work on both sides and of the bare primitive, in turns.
fn both<'a>(
    bench: &'a Bench,
    (pace, clock): (Pace, Clock),
    ours: &'a Side,
    work: impl Fn(&'a Side) -> Rv<Work<'a>>,
    bare: Option<Work<'a>>,
) -> Measured {
    let mine = work(ours).expect("our own part");
    let (theirs, mut failure) = match bench.peer.as_ref().map(work) {
        Some(Err(rv)) => (None, Some(rv)),
        other => (other.and_then(Result::ok), None),
    };
    let (has_peer, has_bare) = (theirs.is_some(), bare.is_some());
    let [mine, theirs, bare] = medians(pace, clock, [Some(mine), theirs, bare]);
    if let Err(rv) = theirs {
        failure = Some(rv);
    }
    Measured {
        ours: Figure::Time(mine.expect("our own part")),
        peer: theirs.ok().filter(|_| has_peer).map(Figure::Time),
        bare: bare.ok().filter(|_| has_bare).map(Figure::Time),
        note: failure.map(|rv| said("the peer", rv)).unwrap_or_default(),
    }
}
