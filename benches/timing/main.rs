//! Whether the time that an RSA private key takes tells what came out of it.
//!
//! `cargo bench --bench timing -- --samples 100000` puts inputs of two classes to the module, one of
//! them drawn at random each time, and compares the times of both by Welch's t-test, as dudect does,
//! after what other programs do to both alike was taken away.
//! By hand: it takes minutes. `docs/audit.md` has the last result and says how to read it.
#![allow(unsafe_code, reason = "a benchmark is an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "calls into a C library, as applications make them"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    missing_debug_implementations,
    reason = "a benchmark"
)]

mod blocks;
#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../compare/driver.rs"]
#[allow(dead_code, reason = "shared with the other benchmark")]
mod driver;
#[path = "../compare/measure.rs"]
#[allow(dead_code, reason = "shared with the other benchmark")]
mod measure;
mod rows;
mod statistics;

use clap::Parser;
use measure::Clock;
use rows::{Row, Target};
use statistics::{Comparison, LIMIT};
use std::path::PathBuf;

/// Valid and invalid inputs of RSA private keys: does the time tell them apart?
#[derive(Debug, Parser)]
#[command(name = "timing")]
struct Options {
    /// Samples of a row, both classes together
    #[arg(long, default_value_t = 100_000)]
    samples: usize,
    /// Only rows with this in their name; may be repeated
    #[arg(long, value_name = "NAME")]
    row: Vec<String>,
    /// Our module [default: the one built with this benchmark]
    #[arg(long, value_name = "MODULE")]
    module: Option<PathBuf>,
    /// What `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if !options.bench {
        println!("run with: cargo bench --bench timing -- --help");
        return;
    }
    let built = || std::env::current_exe().unwrap().with_file_name("libkeyferry.so");
    let target = Target::new(&options.module.clone().unwrap_or_else(built));
    println!("| row | samples | mean | difference | would be seen | t | greatest t | differ |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows::all(&target) {
        let wanted = |part: &String| row.name.contains(part.as_str());
        if options.row.is_empty() || options.row.iter().any(wanted) {
            print(&row, &compare(&row, options.samples));
        }
    }
}

/// Inputs of each class; they are drawn from these again and again.
const POOL: usize = 1000;

/// The times of the row's classes, one of them at random each time.
fn compare(row: &Row<'_>, samples: usize) -> Comparison {
    let pools = row.classes.each_ref().map(|class| {
        let inputs: Vec<_> = (0..POOL).map(|_| (class.make)()).collect();
        for input in &inputs[..20] {
            let answer = (row.call)(input).map(drop);
            assert_eq!(answer, class.answer, "{}", row.name);
        }
        inputs
    });
    let mut times = Vec::new();
    let mut input = Vec::new();
    for at in 0..samples + POOL {
        let drawn = keyferry::crypto::random(4).unwrap();
        let (class, number) = (usize::from(drawn[0] & 1), u16::from_be_bytes([drawn[1], drawn[2]]));
        // the same memory for every input
        input.clear();
        input.extend_from_slice(&pools[class][usize::from(number) % POOL]);
        let start = Clock::Thread.now();
        let made = (row.call)(&input);
        let time = Clock::Thread.now() - start;
        if let Ok(Some(object)) = made {
            row.destroy(object);
        }
        if at >= POOL {
            times.push((class, time.as_secs_f64() * 1e9));
        }
    }
    Comparison::of(&times)
}

fn print(row: &Row<'_>, result: &Comparison) {
    let verdict = if result.greatest_t.abs() > LIMIT { "**yes**" } else { "no" };
    println!(
        "| {} | {} | {:.0} µs | {:+.0} ns | {:.0} ns | {:+.1} | {:+.1} | {verdict} |",
        row.name,
        result.samples,
        result.mean / 1e3,
        result.difference,
        result.visible,
        result.t,
        result.greatest_t
    );
}
