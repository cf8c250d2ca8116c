//! `keyferry token init` beside other processes: no token is lost that it was not told to destroy.
use crate::{Place, text};
use std::process::Child;

/// The labels of the tokens there are.
fn labels(place: &Place) -> Vec<String> {
    let tokens = place.json("token list");
    let tokens = tokens.as_array().unwrap().iter().filter(|token| token["initialized"] == true);
    tokens.map(|token| token["label"].as_str().unwrap().to_owned()).collect()
}

/// `token init`, waiting for its SO PIN; meanwhile another process makes the token "second".
#[cfg(unix)]
fn beside(place: &Place, more: &str) -> std::process::Output {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let fifo = place.path("so.fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = format!("token init --label first --so-pin-file {{dir}}/so.fifo {more}");
    let mut command = place.with_pins(&line);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // opens when the other side does, and that has chosen a slot by then
    let mut pin = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    place.good("token init --label second");
    pin.write_all(b"abcdefgh\n").unwrap();
    drop(pin);
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn a_slot_that_was_taken_while_the_pin_was_read_is_left_alone() {
    let place = Place::new();
    let output = beside(&place, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(labels(&place), ["second", "first"]);
}

#[cfg(unix)]
#[test]
fn the_one_slot_that_was_asked_for_is_refused_if_it_was_taken() {
    let place = Place::new();
    let output = beside(&place, "--slot 0");
    let says = "keyferry: slot 0 holds the token \"second\" already; --force makes it anew and destroys its keys\n";
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), says));
    assert_eq!(labels(&place), ["second"]);
}

/// The slot was free when `--force` was given for it.
#[cfg(unix)]
#[test]
fn force_destroys_no_token_that_came_while_the_pin_was_read() {
    let place = Place::new();
    let output = beside(&place, "--slot 0 --force");
    let says = "keyferry: another process made the token \"second\" in slot 0 meanwhile; give --force again if it may be destroyed\n";
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), says));
    assert_eq!(labels(&place), ["second"]);
}

/// A label is looked for and taken in one step.
#[test]
fn one_label_is_given_once_to_keys_made_side_by_side() {
    let place = Place::new();
    place.good("token init --label t");
    std::fs::write(place.path("KEK.pem"), include_bytes!("kek-2048.pem")).unwrap();
    for line in ["key generate --type aes-256 --label a", "kek import {dir}/KEK.pem --label k"] {
        let start = || {
            let mut command = place.with_pins(line);
            command.stderr(std::process::Stdio::null()).spawn().unwrap()
        };
        let children: Vec<Child> = (0..4).map(|_| start()).collect();
        let made = children.into_iter().map(|mut child| child.wait().unwrap().success());
        assert_eq!(made.filter(|made| *made).count(), 1, "{line}");
    }
}

#[test]
fn tokens_made_side_by_side_all_stay() {
    let place = Place::new();
    let mut made: Vec<String> = (0..4).map(|n| format!("token-{n}")).collect();
    let start =
        |label: &String| place.with_pins(&format!("token init --label {label}")).spawn().unwrap();
    let children: Vec<Child> = made.iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    made.sort();
    let mut there = labels(&place);
    there.sort();
    assert_eq!(there, made);
}
