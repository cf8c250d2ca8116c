//! Many keys out of the token and onto the disk, by the command line.
use super::Row;
use super::wrap::encoded_len;
use crate::bare;
use crate::bench::Bench;
use crate::filled::rsa_keys;
use crate::measure::{median, throughput};
use crate::side::{Kind, LABEL, PIN};
use crate::table::{Figure, Measured, Want};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const COUNT: usize = 1000;
const TARGET: Kind = Kind::Rsa(3072);

pub fn rows() -> Vec<Row> {
    vec![Row::new("export 1,000 RSA-3072 keys", &[Want::OfBare(0.77)], measure)]
}

/// Beside the wrappings alone, on all cores; and, for the note, beside the export of one key.
fn measure(bench: &Bench) -> Measured {
    let folder = bench.folder.path().join("export");
    rsa_keys(bench, &folder, TARGET, COUNT).expect("a token with keys");
    let len = encoded_len(bench, TARGET);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut all, mut one, mut bares, mut pages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut page = bare::durable(bench.folder.path());
    for round in 0..bench.pace.rounds {
        all.push(export(&folder, &format!("all {round}"), "object *"));
        one.push(export(&folder, &format!("one {round}"), "object 000000"));
        let slice = Duration::from_millis(300);
        bares.push(COUNT as f64 / throughput(cores, slice, &|| bare::wrap(len)));
        let start = Instant::now();
        page().expect("a page on the disk");
        pages.push(start.elapsed().as_secs_f64());
    }
    let [one, page] = [one, pages].map(|times| Figure::Time(median(times)));
    Measured {
        bare: Some(Figure::Time(median(bares))),
        note: format!("one key: {one}; to synchronise a page: {page}"),
        ..Measured::ours(Figure::Time(median(all)))
    }
}

/// Exports the keys with these labels to a new folder.
fn export(folder: &Path, name: &str, labels: &str) -> f64 {
    let kek = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/kek-4096.pem");
    let kid = "https://vault.vault.azure.net/keys/kek/0123456789abcdef0123456789abcdef";
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyferry"));
    command.args(["export", "azure", "--kek", kek, "--kid", kid, "--all", labels]);
    command.args(["--token", LABEL, "--output-dir"]).arg(folder.join(name));
    command.env("KEYFERRY_STORE", format!("sqlite:{}", folder.join("store").display()));
    command.env("KEYFERRY_PIN", PIN).stdout(Stdio::null());
    let start = Instant::now();
    assert!(command.status().unwrap().success(), "export");
    start.elapsed().as_secs_f64()
}
