//! PINs: from a file, from the environment, or from a prompt; never from an argument, which
//! every process on the machine could read.
use crate::options::Options;
use crate::output::{Fault, fault};
use keyferry::abi::environment;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use zeroize::Zeroizing;

/// A PIN.
pub type Pin = Zeroizing<String>;

/// Where one kind of PIN comes from.
struct Source<'a> {
    file: Option<&'a Path>,
    option: &'static str,
    variable: &'static str,
    what: String,
}

/// The user PIN of a token.
pub fn user(options: &Options, token: &str) -> Result<Pin, Fault> {
    user_source(options, token).read(Prompt::Once)
}

/// A user PIN to set.
pub fn new_user(options: &Options, token: &str) -> Result<Pin, Fault> {
    user_source(options, token).read(Prompt::Twice)
}

/// The SO PIN of a token.
pub fn so(options: &Options, token: &str) -> Result<Pin, Fault> {
    so_source(options, token).read(Prompt::Once)
}

/// The SO PIN of a token, to be set if the token is new.
pub fn new_so(options: &Options, token: &str) -> Result<Pin, Fault> {
    so_source(options, token).read(Prompt::Twice)
}

fn so_source<'a>(options: &'a Options, token: &str) -> Source<'a> {
    Source {
        file: options.so_pin_file.as_deref(),
        option: "--so-pin-file",
        variable: "KEYFERRY_SO_PIN",
        what: format!("SO PIN of the token \"{token}\""),
    }
}

fn user_source<'a>(options: &'a Options, token: &str) -> Source<'a> {
    Source {
        file: options.pin_file.as_deref(),
        option: "--pin-file",
        variable: "KEYFERRY_PIN",
        what: format!("user PIN of the token \"{token}\""),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Prompt {
    Once,
    Twice,
}

impl Source<'_> {
    fn read(&self, prompt: Prompt) -> Result<Pin, Fault> {
        let given = environment::variable(self.variable).map(OsString::into_string);
        let pin = match (self.file, given) {
            (Some(file), _) => from_file(file)?,
            (None, Some(Ok(pin))) => Pin::new(pin),
            (None, Some(Err(_))) => {
                return Err(fault!(
                    "{} is not UTF-8 text; set it to the PIN alone, or give {}",
                    self.variable,
                    self.option
                ));
            }
            (None, None) => self.ask(prompt)?,
        };
        if pin.is_empty() {
            Err(fault!(
                "the {} is empty; give it with {} or {}",
                self.what,
                self.option,
                self.variable
            ))
        } else {
            Ok(pin)
        }
    }

    fn ask(&self, prompt: Prompt) -> Result<Pin, Fault> {
        if !std::io::stdin().is_terminal() {
            return Err(fault!(
                "no {} is given and there is no terminal to ask at; give {} or set {}",
                self.what,
                self.option,
                self.variable
            ));
        }
        let unreadable = |e: std::io::Error| {
            fault!(
                "the {} cannot be read: {e}; give {} or set {}",
                self.what,
                self.option,
                self.variable
            )
        };
        let ask = |question: String| typed(question).map(Pin::new).map_err(unreadable);
        let pin = ask(format!("{}: ", self.what))?;
        if prompt == Prompt::Twice && ask(format!("{}, again: ", self.what))? != pin {
            return Err(fault!(
                "the {} was not the same the second time; nothing was done: begin again",
                self.what
            ));
        }
        Ok(pin)
    }
}

/// What is typed, unseen.
#[cfg(not(unix))]
fn typed(question: String) -> std::io::Result<String> {
    rpassword::prompt_password(question)
}

/// What is typed, unseen. Ctrl-C ends the program as anywhere else, but not before the terminal shows
/// again what is typed: the prompt raises the signal while it does not yet.
#[cfg(unix)]
fn typed(question: String) -> std::io::Result<String> {
    use signal_hook::consts::SIGINT;
    use signal_hook::{flag, low_level};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let asked = Arc::new(AtomicBool::new(false));
    flag::register_conditional_default(SIGINT, Arc::clone(&asked))?;
    let typed = rpassword::prompt_password(question);
    asked.store(true, Ordering::SeqCst);
    if typed.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::Interrupted) {
        low_level::emulate_default_handler(SIGINT)?;
    }
    typed
}

/// The first line of a file.
fn from_file(file: &Path) -> Result<Pin, Fault> {
    let bytes = crate::file::read_secret(file, "PIN file")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        fault!(
            "the PIN file {} is not UTF-8 text; write the PIN into its first line",
            file.display()
        )
    })?;
    // as some editors begin a file
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    Ok(Pin::new(text.lines().next().unwrap_or_default().to_owned()))
}
