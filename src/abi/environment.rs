//! Variables of the environment: no other file of the library or the program reads one (`tests/layers.rs`).
//!
//! A program that runs with other rights than its caller's (setuid, setgid, file capabilities) obeys none of them, as
//! with `secure_getenv(3)`: they are the caller's.
use std::ffi::OsString;

/// Returns a variable, unless the process runs with other rights than its caller's.
pub fn variable(name: &str) -> Option<OsString> {
    if is_privileged() { None } else { std::env::var_os(name) }
}

/// Returns `true` if the kernel asks for secure execution: `AT_SECURE` of `getauxval(3)`.
#[cfg(all(target_os = "linux", not(miri)))]
fn is_privileged() -> bool {
    // SAFETY: reads a number that the kernel left when the process began; 0 if there is none
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) };
    secure != 0
}

/// Returns `false`: no other system is supported for setuid programs.
#[cfg(not(all(target_os = "linux", not(miri))))]
fn is_privileged() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_process_obeys_its_environment() {
        assert_eq!(variable("PATH"), std::env::var_os("PATH"));
        assert_eq!(variable("KEYFERRY_NO_SUCH_VARIABLE"), None);
    }
}
