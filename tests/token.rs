//! A token as its applications have it: slots, logins, objects, keys, operations, other processes.
#![allow(clippy::too_many_lines, reason = "a scene is told in one go")]
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

#[path = "token/attempts.rs"]
mod attempts;
#[path = "token/attributes.rs"]
mod attributes;
#[path = "token/built_in.rs"]
mod built_in;
#[path = "token/certificates.rs"]
mod certificates;
#[path = "token/ciphers.rs"]
mod ciphers;
mod common;
#[path = "token/contention.rs"]
mod contention;
#[path = "token/dates.rs"]
mod dates;
#[path = "token/disk.rs"]
mod disk;
#[path = "token/dual.rs"]
mod dual;
#[path = "token/find.rs"]
mod find;
#[path = "token/footnotes.rs"]
mod footnotes;
#[path = "token/journal.rs"]
mod journal;
#[path = "token/keygen.rs"]
mod keygen;
#[path = "token/login.rs"]
mod login;
#[path = "token/medium.rs"]
mod medium;
#[path = "token/objects.rs"]
mod objects;
#[path = "token/operation_state.rs"]
mod operation_state;
#[path = "token/operations.rs"]
mod operations;
#[path = "token/peer.rs"]
mod peer;
#[path = "token/processes.rs"]
mod processes;
#[path = "token/sight.rs"]
mod sight;
#[path = "token/signatures.rs"]
mod signatures;
#[path = "token/slots.rs"]
mod slots;
#[path = "token/stale.rs"]
mod stale;
#[path = "token/tamper.rs"]
mod tamper;
#[path = "token/verify_signature.rs"]
mod verify_signature;
