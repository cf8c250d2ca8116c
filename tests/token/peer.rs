//! Two processes on one store: a test that runs itself a second time.
use crate::common::*;
use crate::disk::{Disk, user};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// In the second process: what its store is.
const STORE: &str = "KEYFERRY_TEST_PEER";

/// What goes between the two processes: lines of text.
pub struct Wire {
    to: Box<dyn Write>,
    from: Box<dyn BufRead>,
    /// The other process, if this is the first and has not killed it.
    child: Option<Child>,
}

/// A line that is ours begins with this; the others are the test runner's.
const OURS: char = '@';

impl Wire {
    pub fn say(&mut self, text: &str) {
        writeln!(self.to, "\n{OURS}{text}").and_then(|()| self.to.flush()).unwrap();
    }

    /// What the other says next; `None` if it has ended.
    pub fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(text) = line.trim_end().strip_prefix(OURS) {
                return Some(text.to_string());
            }
        }
    }

    /// Waits for the other to say just this.
    pub fn hear(&mut self, text: &str) {
        assert_eq!(self.next().as_deref(), Some(text), "what the other process said");
    }

    /// Ends the other process where it stands.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Runs the test `name`, which is the caller: `here` in this process and `there` in another. Each
/// has a session of the user of one token; who speaks first is theirs to agree on.
pub fn together(
    name: &str,
    here: impl FnOnce(&Session, &mut Wire),
    there: impl FnOnce(&Session, &mut Wire),
) {
    if let Ok(config) = std::env::var(STORE) {
        let (to, from) = (std::io::stdout(), BufReader::new(std::io::stdin()));
        let mut wire = Wire { to: Box::new(to), from: Box::new(from), child: None };
        with_store(&config, |p| there(&user(p, 0), &mut wire));
        return;
    }
    let disk = Disk::new();
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(STORE, disk.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = Box::new(child.stdin.take().unwrap());
        let from = Box::new(BufReader::new(child.stdout.take().unwrap()));
        let mut wire = Wire { to, from, child: Some(child) };
        here(&session, &mut wire);
        while wire.next().is_some() {}
        if let Some(mut child) = wire.child {
            let status = child.wait().unwrap();
            assert!(status.success(), "the other process: {status}");
        }
    });
}
