//! The C boundary: function lists, `C_Initialize`, NULL pointers, forks.
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

#[path = "boundary/children.rs"]
mod children;
mod common;
#[cfg(target_os = "linux")]
#[path = "boundary/environment.rs"]
mod environment;
#[path = "boundary/lists.rs"]
mod lists;
#[path = "boundary/nulls.rs"]
mod nulls;
#[cfg(unix)]
#[path = "boundary/reserved.rs"]
mod reserved;
#[path = "boundary/start.rs"]
mod start;
#[cfg(target_os = "linux")]
#[path = "boundary/threads.rs"]
mod threads;
