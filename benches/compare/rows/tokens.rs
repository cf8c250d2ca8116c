//! Tokens with objects: made, found, started; and the module itself: loaded, and how large it is.
use super::Row;
use super::threads::durable_aes;
use crate::bare;
use crate::bench::{Bench, softhsm_conf};
use crate::child::{Task, creation};
use crate::filled::{Filled, Owner, filled};
use crate::measure::median;
use crate::side::said;
use crate::table::{Figure, Measured, Want};
use std::time::Instant;

const MANY: usize = 100_000;

pub fn rows() -> Vec<Row> {
    use Want::{AtLeast, AtMost};
    let mut rows = vec![
        Row::new("create a durable AES key", &[Want::OverPeer(8.0)], create),
        Row::new("login, one object", &[AtLeast(0.025), AtMost(0.150)], |b| {
            of(b, 1, "login again", Figure::Time)
        }),
    ];
    for by in ["label", "id", "id and class"] {
        let name = format!("find by {by} 1 of 100,000");
        rows.push(Row::new(name, &[AtMost(30e-6)], move |b| {
            of(b, MANY, &format!("find by {by}"), Figure::Time)
        }));
    }
    rows.push(Row::new("two threads: find by label 1 of 100,000", &[AtLeast(1.6)], |b| {
        of(b, MANY, "find threads", Figure::Ratio)
    }));
    for (n, name) in [(1000, "1,000"), (10_000, "10,000"), (MANY, "100,000")] {
        let wants = |most| if n == MANY { vec![AtMost(most)] } else { Vec::new() };
        rows.push(Row::new(format!("start with {name} objects"), &wants(0.6), move |b| {
            of(b, n, "start", Figure::Time)
        }));
        rows.push(Row::new(format!("memory with {name} objects"), &wants(250e6), move |b| {
            of(b, n, "memory", Figure::Bytes)
        }));
    }
    rows.push(Row::new("dlopen and C_Initialize, empty store", &[AtMost(0.003)], load));
    rows.push(Row::new("size of the module", &[], size));
    rows
}

/// A figure of a token with `n` objects, or as many as there are.
fn of(bench: &Bench, n: usize, figure: &str, kind: impl Fn(f64) -> Figure) -> Measured {
    let n = if bench.options.quick { n.min(10_000) } else { n };
    let ours = filled(bench, Owner::Ours, n).expect("a token with objects");
    let theirs = filled(bench, Owner::Peer, n);
    let mut notes = Vec::new();
    if bench.options.quick && n == 10_000 {
        notes.push("10,000 objects here".to_owned());
    }
    if let Some(few) = theirs.as_ref().filter(|theirs| theirs.count < n) {
        notes.push(format!("the peer with {} objects", few.count));
    }
    if figure == "start" {
        notes.push(laps(&ours));
    }
    if figure == "memory" {
        notes.push(format!("at most {}", Figure::Bytes(ours.figures["peak memory"])));
    }
    Measured {
        ours: kind(ours.figures[figure]),
        peer: theirs.and_then(|theirs| theirs.figures.get(figure).copied()).map(kind),
        bare: None,
        note: notes.join("; "),
    }
}

/// Where the time of a start goes.
fn laps(filled: &Filled) -> String {
    let lap = |name| format!("{name} {}", Figure::Time(filled.figures[name]));
    ["initialise", "open", "login", "first find"].map(lap).join(", ")
}

/// Made in turns; each goes again, untimed, so that the token does not grow.
fn create(bench: &Bench) -> Measured {
    let mut bare = bare::durable(bench.folder.path());
    let (mut ours, mut theirs, mut bares) = (Vec::new(), Vec::new(), Vec::new());
    let (mut template, mut note) = (durable_aes(), String::new());
    let begin = Instant::now();
    while ours.len() < 3 * bench.pace.rounds || begin.elapsed() < bench.pace.budget {
        ours.push(creation(bench.ours.session, &mut template).expect("our own part"));
        if let Some(peer) = &bench.peer {
            match creation(peer.session, &mut template) {
                Ok(seconds) => theirs.push(seconds),
                Err(rv) => note = said("the peer", rv),
            }
        }
        let start = Instant::now();
        bare().expect("a page on the disk");
        bares.push(start.elapsed().as_secs_f64());
    }
    Measured {
        ours: Figure::Time(median(ours)),
        peer: (!theirs.is_empty()).then(|| Figure::Time(median(theirs))),
        bare: Some(Figure::Time(median(bares))),
        note: format!("bare: 4 KiB appended and synchronised{note}"),
    }
}

/// Each time in a new process.
fn load(bench: &Bench) -> Measured {
    let store = |n| format!("sqlite:{}", bench.folder.path().join(format!("empty {n}")).display());
    let ours = |n| {
        let module = bench.ours.path.clone();
        Task { module, reserved: Some(store(n)), softhsm_conf: None }
    };
    let peer = bench.may_fill_peer().then(|| Task {
        module: bench.options.against.clone(),
        reserved: None,
        softhsm_conf: Some(softhsm_conf(&bench.folder.path().join("empty peer"))),
    });
    let once = |task: &Task| task.run("load", &[]).ok()?.get("load").copied();
    // the store is there from the second time on
    let _ = once(&ours(0));
    let rounds = 3 * bench.pace.rounds;
    let (mut mine, mut theirs, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..rounds {
        mine.extend(once(&ours(0)));
        first.extend(once(&ours(n + 1)));
        theirs.extend(peer.as_ref().and_then(once));
    }
    Measured {
        ours: Figure::Time(median(mine)),
        peer: (!theirs.is_empty()).then(|| Figure::Time(median(theirs))),
        bare: None,
        note: format!("{} if the store has to be made", Figure::Time(median(first))),
    }
}

fn size(bench: &Bench) -> Measured {
    let size = |path: &std::path::Path| {
        Figure::Bytes(std::fs::metadata(path).map_or(f64::NAN, |file| file.len() as f64))
    };
    Measured {
        peer: bench.peer.as_ref().map(|peer| size(&peer.path)),
        note: "with its symbols".into(),
        ..Measured::ours(size(&bench.ours.path))
    }
}
