//! The `openssl` command under the tests' own policy.
use std::process::Command;

/// Returns the command with the configuration of `conformance/lib/policy/openssl.cnf`: an update of the machine's
/// own file changes no result.
pub fn openssl_command() -> Command {
    let mut command = Command::new("openssl");
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/lib/policy/openssl.cnf");
    command.env("OPENSSL_CONF", policy);
    command
}
