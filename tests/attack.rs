//! What an attacker tries: each test shows a way in that is closed.
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]

mod common;
#[path = "attack/forks.rs"]
mod forks;
#[path = "attack/keks.rs"]
mod keks;
#[path = "attack/parts.rs"]
mod parts;
#[path = "attack/policy.rs"]
mod policy;
#[path = "attack/races.rs"]
mod races;
#[path = "attack/store.rs"]
mod store;
#[path = "attack/templates.rs"]
mod templates;
#[path = "attack/tools.rs"]
mod tools;
