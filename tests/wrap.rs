//! `CKM_RSA_AES_KEY_WRAP`, its parts and its relatives, as an application uses them: what comes out
//! goes in again, what is wrong is refused with the right code, and no rule can be got round.
#![allow(clippy::too_many_lines, reason = "a scene is as long as it is")]
#![allow(unsafe_code, reason = "an application of a C library")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of test data are small")]

#[path = "wrap/authenticated.rs"]
mod authenticated;
#[path = "wrap/azure.rs"]
mod azure;
#[path = "wrap/bad_input.rs"]
mod bad_input;
mod common;
#[path = "wrap/composite.rs"]
mod composite;
#[path = "wrap/errors.rs"]
mod errors;
#[path = "wrap/fixture.rs"]
mod fixture;
#[path = "wrap/keks.rs"]
mod keks;
#[path = "wrap/logins.rs"]
mod logins;
#[path = "wrap/matrix.rs"]
mod matrix;
#[path = "wrap/microsoft.rs"]
mod microsoft;
#[path = "wrap/parts.rs"]
mod parts;
#[path = "wrap/policy.rs"]
mod policy;
#[path = "wrap/sealed.rs"]
mod sealed;
