//! Two modules in one run: this project's beside any other, and beside the bare primitives.
//!
//! `cargo bench --bench compare -- --against MODULE` drives both through the same C functions, in
//! turns, and prints medians and ratios; absolute figures drift on shared machines, ratios hardly.
//! `docs/performance.md` holds the last full table and says how to read it.
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

mod bare;
mod bench;
mod child;
#[path = "../../tests/common/mod.rs"]
mod common;
mod driver;
mod filled;
mod measure;
mod options;
mod rows;
mod side;
mod table;

use bench::Bench;
use options::Options;
use table::{HEAD, Line, markdown};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == child::OPTION
    {
        return child::main(rest);
    }
    let options = Options::read();
    if !options.bench {
        println!("run with: cargo bench --bench compare -- --help");
        return;
    }
    if let Err(why) = run(options) {
        eprintln!("compare: {why}");
        std::process::exit(1);
    }
}

fn run(options: Options) -> Result<(), String> {
    let bench = Bench::new(options)?;
    println!("{}\n", bench.caption());
    let mut lines = Vec::new();
    for row in rows::all() {
        if !bench.options.wants(&row.name) {
            continue;
        }
        let measured = (row.run)(&bench);
        let line = Line { name: row.name, wants: row.wants, measured };
        print(&line);
        lines.push(line);
    }
    if let Some(file) = &bench.options.markdown {
        let text = format!("{}\n\n{}", bench.caption(), markdown(&lines));
        std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

/// A line for the terminal, as soon as it is there.
fn print(line: &Line) {
    let cells = line.cells();
    println!("{}", cells[0]);
    for (head, cell) in HEAD.iter().zip(&cells).skip(1) {
        if !cell.is_empty() && cell != "–" {
            println!("    {head:<16} {cell}");
        }
    }
}
