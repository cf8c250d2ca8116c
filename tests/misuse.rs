//! An application that does everything wrong: a code each time, and then the module still works.
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

mod common;
#[path = "misuse/ending.rs"]
mod ending;
#[path = "misuse/handles.rs"]
mod handles;
#[path = "misuse/keyring.rs"]
mod keyring;
#[path = "misuse/noise.rs"]
mod noise;
#[path = "misuse/operations.rs"]
mod operations;
#[path = "misuse/pins.rs"]
mod pins;
#[path = "misuse/sweep.rs"]
mod sweep;
#[path = "misuse/table.rs"]
mod table;
#[path = "misuse/templates.rs"]
mod templates;
