//! The log: `KEYFERRY_LOG=LEVEL[:FILE]`, level `error`, `warn`, `info`, `debug` or `trace`.
//!
//! Lines go to the file's end, or to standard error. A host that has a logger of its own keeps it.
use super::environment;
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Starts the log if the environment asks for it; after the first time, does nothing.
pub(super) fn start() {
    static LOGGER: OnceLock<Option<Logger>> = OnceLock::new();
    let first = LOGGER.get().is_none();
    let wish = || environment::variable("KEYFERRY_LOG").and_then(|wish| wish.into_string().ok());
    let logger = LOGGER.get_or_init(|| wish().map(|wish| Logger::new(&wish)));
    if let (true, Some(logger)) = (first, logger)
        && log::set_logger(logger).is_ok()
    {
        log::set_max_level(logger.level);
    }
}

/// `LEVEL[:FILE]`. A level that is none is `warn`: who asks for a log gets one.
fn parse(wish: &str) -> (LevelFilter, Option<&str>) {
    let (level, path) = match wish.split_once(':') {
        Some((level, path)) => (level, Some(path).filter(|path| !path.is_empty())),
        None => (wish, None),
    };
    (level.trim().parse().unwrap_or(LevelFilter::Warn), path)
}

fn open(path: &str) -> Sink {
    match OpenOptions::new().create(true).append(true).open(path) {
        Ok(file) => Sink::File(file),
        Err(_) => Sink::Stderr,
    }
}

enum Sink {
    Stderr,
    /// Without a lock, which a forked child might inherit and never get.
    File(File),
}

struct Logger {
    level: LevelFilter,
    sink: Sink,
}

impl Logger {
    fn new(wish: &str) -> Logger {
        let (level, path) = parse(wish);
        Logger { level, sink: path.map_or(Sink::Stderr, open) }
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("keyferry")
    }

    /// One line, one write: lines of several processes do not mix. A log that cannot be written
    /// is no reason for a call to fail.
    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = line(record);
        let _ = match &self.sink {
            Sink::Stderr => io::stderr().write_all(line.as_bytes()),
            Sink::File(file) => (&*file).write_all(line.as_bytes()),
        };
    }

    fn flush(&self) {}
}

/// Seconds since 1970, process, level, module, message; control characters cannot forge a line.
fn line(record: &Record<'_>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let message: String =
        record.args().to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        "{}.{:03} keyferry[{}] {} {}: {message}\n",
        now.as_secs(),
        now.subsec_millis(),
        std::process::id(),
        record.level(),
        record.target(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes() {
        assert_eq!(parse("debug"), (LevelFilter::Debug, None));
        assert_eq!(parse("trace:/tmp/k:1.log"), (LevelFilter::Trace, Some("/tmp/k:1.log")));
        assert_eq!(parse("OFF"), (LevelFilter::Off, None));
        assert_eq!(parse("error:"), (LevelFilter::Error, None));
        assert_eq!(parse("loud"), (LevelFilter::Warn, None));
    }

    #[test]
    fn a_message_is_one_line() {
        let args = format_args!("a\nb\x1b[0m");
        let record =
            Record::builder().args(args).level(log::Level::Info).target("keyferry::x").build();
        let line = line(&record);
        assert!(line.ends_with(" INFO keyferry::x: a b [0m\n"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn others_are_not_logged() {
        let logger = Logger::new("off");
        let of = |target| logger.enabled(&Metadata::builder().target(target).build());
        assert!(of("keyferry::module"));
        assert!(!of("rusqlite"));
    }
}
