//! The options that every command takes, and the token they lead to.
use crate::output::{self, During, Fault, fault};
use crate::{file, pin};
use clap::Args;
use keyferry::abi::environment::variable;
use keyferry::ck::CK_SLOT_ID;
use keyferry::client::{Access, Error, Module, Session, Slots, TokenSlot, User};
use keyferry::config::{Config, Location};
use keyferry::store::sqlite::{DATABASE, RESERVE};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Which module, which token, which PIN, which form of output.
#[derive(Debug, Args)]
pub struct Options {
    /// PKCS#11 module to use instead of the embedded one
    #[arg(long, global = true, value_name = "PATH", help_heading = "Token")]
    pub module: Option<PathBuf>,
    /// Where the embedded module's tokens are, as in KEYFERRY_STORE: sqlite:FOLDER or memory:
    #[arg(
        long,
        global = true,
        value_name = "LOCATION",
        help_heading = "Token",
        conflicts_with = "module"
    )]
    pub store: Option<String>,
    /// Token to use, by its label; the only initialised one if not given
    #[arg(long = "token", global = true, value_name = "LABEL", help_heading = "Token")]
    pub token: Option<String>,
    /// Token to use, by its slot's number
    #[arg(long, global = true, value_name = "N", help_heading = "Token", conflicts_with = "token")]
    pub slot: Option<CK_SLOT_ID>,
    /// File that holds the user PIN [or: KEYFERRY_PIN, or a prompt]
    #[arg(long, global = true, value_name = "FILE", help_heading = "PIN")]
    pub pin_file: Option<PathBuf>,
    /// File that holds the SO PIN [or: KEYFERRY_SO_PIN, or a prompt]
    #[arg(long, global = true, value_name = "FILE", help_heading = "PIN")]
    pub so_pin_file: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Options {
    /// Loads and initialises the module.
    pub fn open_module(&self) -> Result<Module, Fault> {
        match &self.module {
            Some(path) => Ok(Module::load(path)?),
            None => {
                let store = self.config()?.store;
                if let Location::Sqlite(folder) = &store {
                    warn_of_others(folder);
                }
                let module = Module::embedded(self.store.as_deref());
                module.during(&format!("the embedded module does not start with the store {store}"))
            }
        }
    }

    /// The configuration of the embedded module.
    pub fn config(&self) -> Result<Config, Fault> {
        Config::read_with_reason(self.store.as_deref(), &variable).map_err(Fault)
    }

    /// Keeps other processes of this program from making tokens in the embedded module's store until it is
    /// dropped. There is nothing to lock in a module of another maker, and not every file system can.
    pub fn lock_store(&self) -> Option<File> {
        let Some(Location::Sqlite(folder)) = self.own_store() else { return None };
        file::lock_folder(&folder)
    }

    /// Refuses a store that is gone with this command, and `what` with it.
    pub fn refuse_passing_store(&self, what: &str) -> Result<(), Fault> {
        match self.own_store() {
            Some(Location::Memory) => Err(fault!(
                "the store memory: is gone as soon as this command ends, and {what} would be, too; give one that stays \
                 with --store sqlite:FOLDER"
            )),
            _ => Ok(()),
        }
    }

    /// The files that are read under names of their own options, and those of the store: what each is.
    pub fn files_in_use(&self) -> Vec<(PathBuf, &'static str)> {
        let named = [
            (&self.module, "the module in use"),
            (&self.pin_file, "the file of --pin-file"),
            (&self.so_pin_file, "the file of --so-pin-file"),
        ];
        let mut files: Vec<(PathBuf, &'static str)> =
            named.into_iter().filter_map(|(file, what)| Some((file.clone()?, what))).collect();
        if let Some(Location::Sqlite(folder)) = self.own_store() {
            let file = |name: String| (folder.join(name), "a file of the token's store");
            let ends = ["", "-wal", "-shm", "-journal"];
            files.extend(ends.map(|end| file(format!("{DATABASE}{end}"))));
            files.push(file(RESERVE.into()));
        }
        files
    }

    /// Where the embedded module's tokens are, if it is the one in use.
    fn own_store(&self) -> Option<Location> {
        match self.module {
            Some(_) => None,
            None => self.config().ok().map(|config| config.store),
        }
    }

    /// The token to work with.
    pub fn pick(&self, module: &Module) -> Result<TokenSlot, Fault> {
        let slots = module.slots()?;
        if let Some(number) = self.slot {
            let found = numbered(slots, number)?;
            return if found.is_initialized() {
                Ok(found)
            } else {
                Err(fault!(
                    "the token in slot {number} is not initialised; `keyferry token init --slot {number} --label …` does it"
                ))
            };
        }
        let unread = unread(&slots);
        let mut tokens: Vec<TokenSlot> =
            slots.tokens.into_iter().filter(TokenSlot::is_initialized).collect();
        if let Some(label) = &self.token {
            tokens.retain(|token| token.label == *label);
        }
        if let [token] = tokens.as_slice() {
            return Ok(token.clone());
        }
        match (tokens.len(), &self.token) {
            (0, Some(label)) => Err(fault!(
                "there is no token \"{label}\"{unread}; `keyferry token list` shows those there are"
            )),
            (0, None) if unread.is_empty() => Err(fault!(
                "there is no initialised token; `keyferry token init --label …` makes one"
            )),
            (0, None) => {
                Err(fault!("there is no initialised token{unread}; `keyferry token list` says why"))
            }
            (n, Some(label)) => Err(fault!(
                "{n} tokens are labelled \"{label}\"; choose one with --slot, as `keyferry token list` shows it"
            )),
            (n, None) => Err(fault!(
                "there are {n} tokens; choose one with --token or --slot, as `keyferry token list` shows them"
            )),
        }
    }

    /// A session with the token, the user logged in.
    pub fn log_in(&self, access: Access) -> Result<(TokenSlot, Session), Fault> {
        self.log_in_as(User::User, access)
    }

    /// A session with the token, and somebody logged in.
    pub fn log_in_as(&self, user: User, access: Access) -> Result<(TokenSlot, Session), Fault> {
        let module = self.open_module()?;
        let token = self.pick(&module)?;
        if user == User::User && !token.has_user_pin() {
            return Err(fault!(
                "the token \"{}\" has no user PIN yet; its SO sets one: `pkcs11-tool --module MODULE --login --login-type \
                 so --init-pin`",
                token.label
            ));
        }
        let opened = module.open(token.slot, access);
        let session = opened.during(&format!("the token \"{}\" cannot be opened", token.label))?;
        self.enter(&session, &token, user)?;
        Ok((token, session))
    }

    /// Logs somebody in.
    pub fn enter(&self, session: &Session, token: &TokenSlot, user: User) -> Result<(), Fault> {
        let (pin, who) = match user {
            User::User => (pin::user(self, &token.label)?, "login"),
            User::So => (pin::so(self, &token.label)?, "login of the SO"),
        };
        let what = format!("{who} to the token \"{}\" failed", token.label);
        session.login(user, &pin).during(&what)
    }
}

/// Says once that others may change the store: what is in it is sealed, but an old copy of all of it is not noticed.
fn warn_of_others(folder: &Path) {
    static SAID: Once = Once::new();
    if let Some(mode) = file::mode_open_to_others(folder) {
        let folder = folder.display();
        SAID.call_once(|| {
            output::warn(&format!(
                "others may write to the store's folder {folder} (mode {mode:o}), and put an old copy of it in its \
                 place; close it with `chmod go-w {folder}`"
            ));
        });
    }
}

/// The slot of this number.
pub fn numbered(slots: Slots, number: CK_SLOT_ID) -> Result<TokenSlot, Fault> {
    if let Some((_, error)) = slots.unreadable.iter().find(|(slot, _)| *slot == number) {
        return Err(unreadable(number, error));
    }
    let found = slots.tokens.into_iter().find(|token| token.slot == number);
    found.ok_or_else(|| {
        fault!("there is no slot {number}; `keyferry token list` shows those there are")
    })
}

/// What is wrong with a slot whose token cannot be read, and what to do.
pub fn unreadable(slot: CK_SLOT_ID, error: &Error) -> Fault {
    fault!(
        "the token in slot {slot} cannot be read: {error}; use another token, or connect this one or restore a backup of it"
    )
}

/// Words for a token that was not found among those that can be read: it may be one of the others.
fn unread(slots: &Slots) -> String {
    let numbers: Vec<String> =
        slots.unreadable.iter().map(|(slot, _)| format!("slot {slot}")).collect();
    match numbers.as_slice() {
        [] => String::new(),
        numbers => format!(" that can be read, and what is in {} cannot", numbers.join(", ")),
    }
}
