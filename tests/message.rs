//! Messages under one key: what they say beside vectors from outside, what starts and ends them, and
//! where their nonces come from.
#![allow(clippy::too_many_lines, reason = "a scene is told in one go")]
#![allow(non_snake_case, reason = "fields of C structures")]
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

mod common;
#[path = "message/ending.rs"]
mod ending;
#[path = "message/fixture.rs"]
mod fixture;
#[path = "message/input.rs"]
mod input;
#[path = "message/nonces.rs"]
mod nonces;
#[path = "message/sign.rs"]
mod sign;
#[path = "message/states.rs"]
mod states;
#[path = "message/vectors.rs"]
mod vectors;
