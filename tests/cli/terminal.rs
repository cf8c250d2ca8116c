//! What a terminal shows, and how it is left. `script` (util-linux) gives the program one.
use crate::{Place, with_token};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A shell command on a terminal of its own; `keyferry` is `$KEYFERRY`, the store is the place's.
fn on_terminal(place: &Place, line: &str, variables: &[(&str, &str)]) -> Child {
    let plain = place.command("");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("KEYFERRY", env!("CARGO_BIN_EXE_keyferry")).env("TERM", "xterm");
    command.env_remove("NO_COLOR").envs(variables.iter().copied());
    command.current_dir(place.path("")).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Everything that it shows.
fn shown(mut child: Child) -> String {
    let mut bytes = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    child.wait().unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads up to a word.
fn until(child: &mut Child, word: &str) -> String {
    let mut bytes = Vec::new();
    let out = child.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&bytes).ends_with(word) {
        let mut byte = [0];
        assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// At the prompt of `key list` for the PIN.
fn at_prompt(place: &Place, after: &str) -> Child {
    let mut child = on_terminal(place, &format!("tty; $KEYFERRY key list; {after}"), &[]);
    let terminal = until(&mut child, "\n").trim().to_owned();
    until_unseen(&mut child, &terminal, "user PIN of the token \"offline\": ");
    child
}

/// Reads up to a prompt, and waits until it shows no more what is typed: it is written before that.
fn until_unseen(child: &mut Child, terminal: &str, prompt: &str) {
    until(child, prompt);
    let start = Instant::now();
    loop {
        let state = Command::new("stty").args(["-a", "-F", terminal]).output().unwrap();
        if String::from_utf8_lossy(&state.stdout).split_whitespace().any(|word| word == "-echo") {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the prompt shows what is typed");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupted_prompt_leaves_the_terminal_as_it_was() {
    let place = with_token();
    let mut child = at_prompt(&place, "echo status $?; stty -a");
    child.stdin.as_mut().unwrap().write_all(&[3]).unwrap();
    let shown = shown(child);
    assert!(shown.contains("status 130"), "{shown}");
    for on in ["echo", "icanon", "isig"] {
        assert!(shown.split_whitespace().any(|word| word == on), "{on}: {shown}");
    }
}

#[test]
fn what_is_typed_at_a_prompt_is_not_shown() {
    let place = with_token();
    let mut child = at_prompt(&place, "true");
    child.stdin.as_mut().unwrap().write_all(b"12345678\n").unwrap();
    let shown = shown(child);
    assert!(shown.contains("LABEL") && !shown.contains("12345678"), "{shown}");
}

#[test]
fn colours_and_a_bar_are_for_terminals_that_want_them() {
    let place = with_token();
    let pin = ("KEYFERRY_PIN", "12345678");
    let line = "$KEYFERRY export azure --kek kek --all 's*' --output-dir out --force";
    let coloured = shown(on_terminal(&place, line, &[pin]));
    for part in [
        "\u{1b}[31mrefused\u{1b}[0m        \"stays\"",
        "\u{1b}[31mkeyferry:\u{1b}[0m 2 of 3 keys were refused",
        "\r[##############################] 3 of 3",
    ] {
        assert!(coloured.contains(part), "{part}: {coloured:?}");
    }
    assert!(!coloured.contains("exported       \"sign\""), "the bar says it: {coloured:?}");
    for unwanted in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = shown(on_terminal(&place, line, &[pin, unwanted]));
        assert!(
            plain.contains("refused        \"stays\"") && !plain.contains('\u{1b}'),
            "{plain:?}"
        );
    }
}

#[test]
fn a_new_pin_is_typed_twice() {
    let place = Place::new();
    let mut child = on_terminal(&place, "tty; $KEYFERRY token init --label new", &[]);
    let terminal = until(&mut child, "\n").trim().to_owned();
    for (prompt, pin) in [(": ", "abcdefgh\n"), (", again: ", "abcdefgi\n")] {
        until_unseen(&mut child, &terminal, &format!("SO PIN of the token \"new\"{prompt}"));
        child.stdin.as_mut().unwrap().write_all(pin.as_bytes()).unwrap();
    }
    let shown = shown(child);
    let says = "the SO PIN of the token \"new\" was not the same the second time; nothing was done: begin again";
    assert!(shown.contains(says), "{shown}");
}

#[test]
fn no_key_is_destroyed_without_a_yes() {
    let place = with_token();
    let pin = ("KEYFERRY_PIN", "12345678");
    let mut child = on_terminal(&place, "$KEYFERRY key destroy aes", &[pin]);
    until(&mut child, "Destroy the secret key \"aes\" of the token \"offline\"? [yes/no] ");
    child.stdin.as_mut().unwrap().write_all(b"y\n").unwrap();
    let shown = shown(child);
    let says = "nothing was destroyed; answer yes, or give --yes, to destroy the key";
    assert!(shown.contains(says), "{shown}");
    place.good("key show aes");
}
