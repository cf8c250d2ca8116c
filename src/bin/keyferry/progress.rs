//! How far a long run has got.
use crate::output::{Fault, clean, print};
use std::io::{IsTerminal, Write};

/// A line for each step, or on a terminal one that is written over, with what needs attention above it.
pub struct Progress {
    total: usize,
    done: usize,
    /// Whether standard error shows the line that is written over.
    bar: bool,
    /// Which steps get a line on standard output.
    lines: Lines,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Every,
    WhatNeedsAttention,
    None,
}

/// Width of the bar in characters.
const WIDTH: usize = 30;

impl Progress {
    /// Of so many steps. With `json`, standard output is not for people.
    pub fn new(total: usize, json: bool) -> Progress {
        let lines = match (json, std::io::stdout().is_terminal()) {
            (true, _) => Lines::None,
            (false, true) => Lines::WhatNeedsAttention,
            (false, false) => Lines::Every,
        };
        Progress { total, done: 0, bar: std::io::stderr().is_terminal(), lines }
    }

    /// One step more: what there is to say of it, and whether somebody has to look at it.
    pub fn step(&mut self, line: &str, attention: bool) -> Result<(), Fault> {
        self.done += 1;
        let shown = match self.lines {
            Lines::Every => true,
            Lines::WhatNeedsAttention => attention,
            Lines::None => false,
        };
        if shown {
            self.end();
            print(&format!("{}\n", clean(line)))?;
        }
        if self.bar {
            // nothing is lost if it cannot be shown
            let _ = write!(std::io::stderr(), "\r{}", bar(self.done, self.total));
        }
        Ok(())
    }

    /// Removes the line that is written over.
    pub fn end(&mut self) {
        if self.bar {
            let _ =
                write!(std::io::stderr(), "\r{}\r", " ".repeat(bar(self.total, self.total).len()));
        }
    }
}

/// `[#####.....]  12 of 24`
fn bar(done: usize, total: usize) -> String {
    let full = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
    format!("[{}{}] {done} of {total}", "#".repeat(full), ".".repeat(WIDTH.saturating_sub(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 3), format!("[{}] 0 of 3", ".".repeat(30)));
        assert_eq!(bar(1, 3), format!("[{}{}] 1 of 3", "#".repeat(10), ".".repeat(20)));
        assert_eq!(bar(3, 3), format!("[{}] 3 of 3", "#".repeat(30)));
    }
}
