//! Logins with the right PIN that cannot end: no memory, a kill. None of them costs anything.
use crate::common::*;
use crate::disk::Disk;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// In the process that is killed: its store, and the PIN it tries.
const STORE: &str = "KEYFERRY_TEST_ATTEMPTS";
const AS_SO: &str = "KEYFERRY_TEST_ATTEMPTS_SO";
const READY: &str = "@ready";

const LOCKED: CK_FLAGS = CKF_USER_PIN_LOCKED | CKF_SO_PIN_LOCKED;
const COUNTED: CK_FLAGS = CKF_USER_PIN_COUNT_LOW | CKF_SO_PIN_COUNT_LOW;

/// Logs in and out until it is killed.
fn victim(config: &str) {
    let (who, pin) = match std::env::var_os(AS_SO) {
        Some(_) => (CKU_SO, SO_PIN),
        None => (CKU_USER, PIN),
    };
    with_store(config, |p| {
        let session = p.open_rw(0).unwrap();
        println!("\n{READY}");
        std::io::stdout().flush().unwrap();
        loop {
            session.login(who, pin).unwrap();
            session.logout().unwrap();
        }
    });
}

fn kill_a_login(config: &str, so: bool, after: Duration) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["attempts::killed_logins_with_the_right_pin_do_not_lock", "--exact", "--nocapture"])
        .env(STORE, config)
        .stdout(Stdio::piped());
    if so {
        command.env(AS_SO, "");
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == READY));
    sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_logins_with_the_right_pin_do_not_lock() {
    if let Ok(config) = std::env::var(STORE) {
        return victim(&config);
    }
    let disk = Disk::new();
    disk.visit(|p| p.token(0).map(drop).unwrap());
    for so in [false, true] {
        for n in 0..22 {
            kill_a_login(&disk.config(), so, Duration::from_millis(15 + 5 * n));
        }
    }
    disk.visit(|p| {
        assert_eq!(p.token_info(0).unwrap().flags & LOCKED, 0);
        let session = p.open_rw(0).unwrap();
        for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)] {
            session.login(who, pin).unwrap();
            session.logout().unwrap();
        }
        assert_eq!(p.token_info(0).unwrap().flags & COUNTED, 0);
    });
}

/// Lets this process have `more` bytes of memory than it has; `None` for as many as it likes.
#[cfg(target_os = "linux")]
fn limit_memory(more: Option<u64>) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) }, 0);
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    limit.rlim_cur = more.map_or(limit.rlim_max, |more| pages * 4096 + more);
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// In a process of its own, since the limit is for the whole process.
#[test]
#[cfg(target_os = "linux")]
fn logins_without_memory_cost_no_attempt() {
    const ALONE: &str = "KEYFERRY_TEST_NO_MEMORY";
    if std::env::var_os(ALONE).is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["attempts::logins_without_memory_cost_no_attempt", "--exact", "--nocapture"])
            .args(["--test-threads=1"])
            .env(ALONE, "")
            // glibc: large blocks come from the system each time, none from what it keeps
            .envs([("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "1048576")])
            .status();
        return assert!(status.unwrap().success());
    }
    Disk::new().visit(|p| {
        let session = p.token(0).unwrap();
        session.logout().unwrap();
        for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)] {
            for _ in 0..12 {
                limit_memory(Some(12 << 20));
                let refused = session.login(who, pin);
                limit_memory(None);
                assert_eq!(refused, Err(CKR_HOST_MEMORY));
            }
            assert_eq!(p.token_info(0).unwrap().flags & COUNTED, 0);
            session.login(who, pin).unwrap();
            session.logout().unwrap();
        }
    });
}
