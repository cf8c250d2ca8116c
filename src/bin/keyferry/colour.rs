//! Colours, on a terminal alone: verdicts at the beginning of a line, and nothing else.
use keyferry::abi::environment;
use std::io::IsTerminal;

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const PLAIN: &str = "\u{1b}[0m";

/// What lines with a verdict begin with.
const VERDICTS: [(&str, &str); 7] = [
    ("ok  ", GREEN),
    ("exported  ", GREEN),
    ("Result: SUCCESS", GREEN),
    ("FAILED  ", RED),
    ("refused  ", RED),
    ("Result: FAILURE", RED),
    ("keyferry:", RED),
];

/// The text as `stream` shows it best. `NO_COLOR` (no-color.org) and a dumb terminal are heeded.
pub fn painted(text: &str, stream: &impl IsTerminal) -> String {
    let unwanted = |name, is: fn(&str) -> bool| {
        environment::variable(name).is_some_and(|value| value.to_str().is_some_and(is))
    };
    let plain = unwanted("NO_COLOR", |value| !value.is_empty())
        || unwanted("TERM", |value| value == "dumb")
        || !stream.is_terminal();
    if plain { text.to_owned() } else { text.split_inclusive('\n').map(line).collect() }
}

fn line(line: &str) -> String {
    let verdict = VERDICTS.iter().find_map(|(word, colour)| {
        let rest = line.strip_prefix(word)?;
        Some((word.trim_end(), colour, rest, word.len() - word.trim_end().len()))
    });
    verdict.map_or_else(
        || line.to_owned(),
        |(word, colour, rest, spaces)| format!("{colour}{word}{PLAIN}{}{rest}", " ".repeat(spaces)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_verdicts_have_colours() {
        assert_eq!(line("ok      kid\n"), "\u{1b}[32mok\u{1b}[0m      kid\n");
        assert_eq!(line("Result: FAILURE\n"), "\u{1b}[31mResult: FAILURE\u{1b}[0m\n");
        for other in ["okay  x\n", "ok\n", " ok  x\n", "signing  exported  x\n", ""] {
            assert_eq!(line(other), other);
        }
    }

    #[test]
    fn a_file_gets_none() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(painted("ok  x\n", &file), "ok  x\n");
    }
}
