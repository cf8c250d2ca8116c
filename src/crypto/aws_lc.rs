//! AWS-LC behind safe types. The only file of this folder with `unsafe`.
pub(super) mod cipher;
