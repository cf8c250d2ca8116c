//! A token as it lies in the embedded module's store: what can be told of it without the module, which refuses a
//! damaged one.
use crate::options::Options;
use crate::output::{Fault, fault};
use crate::pin::{self, Pin};
use keyferry::abi::environment::variable;
use keyferry::ck::CK_SLOT_ID;
use keyferry::client::TokenSlot;
use keyferry::error::Error;
use keyferry::store::vault::{Inspection, Outline, Vault, Who};
use keyferry::store::{self, Store, TokenId};
use std::sync::Arc;

const LOG: &str = "set KEYFERRY_LOG=debug to see why";

/// A token in a store.
pub struct Stored {
    pub store: Arc<dyn Store>,
    pub id: TokenId,
    /// Its number in the store, which is that of its slot.
    pub number: usize,
    pub outline: Outline,
}

impl Stored {
    /// The token that the options name, damaged or not.
    pub fn pick(options: &Options) -> Result<Stored, Fault> {
        let store = open(options)?;
        let picked = match options.pick(&options.open_module()?) {
            Ok(token) => return Stored::of(store, &token),
            Err(fault) => fault,
        };
        let mut damaged = all(&store)?;
        damaged.retain(|stored| !stored.outline.damages.is_empty());
        let label = options.token.as_deref();
        damaged.retain(|stored| match (options.slot, label) {
            (Some(slot), _) => stored.slot() == slot,
            (None, Some(label)) => stored.label().as_deref() == Some(label),
            (None, None) => true,
        });
        match (damaged.pop(), damaged.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(picked),
        }
    }

    /// The token in the slot of `token`.
    pub fn of(store: Arc<dyn Store>, token: &TokenSlot) -> Result<Stored, Fault> {
        let number = usize::try_from(token.slot).unwrap_or(usize::MAX);
        let id = store.tokens().ok().and_then(|tokens| tokens.get(number).copied());
        let id = id.ok_or_else(|| {
            fault!(
                "the token \"{}\" is gone; `keyferry token list` shows those there are",
                token.label
            )
        })?;
        Stored::read(store, number, id)
    }

    /// A token of which nothing but its number in the store is known.
    pub fn read(store: Arc<dyn Store>, number: usize, id: TokenId) -> Result<Stored, Fault> {
        let outline = Vault::of(store.clone(), id).outline().map_err(|e| {
            fault!("the records of the token in slot {number} cannot be read: {e}; {LOG}")
        })?;
        Ok(Stored { store, id, number, outline })
    }

    /// The number of its slot.
    pub fn slot(&self) -> CK_SLOT_ID {
        CK_SLOT_ID::try_from(self.number).unwrap_or(CK_SLOT_ID::MAX)
    }

    /// Its label, if the description can be read.
    pub fn label(&self) -> Option<String> {
        let label = self.outline.label()?;
        Some(String::from_utf8_lossy(label).trim_end().to_owned())
    }

    /// Its label, or the number of its slot.
    pub fn name(&self) -> String {
        match self.label() {
            Some(label) => format!("token \"{label}\""),
            None => format!("token in slot {}", self.number),
        }
    }

    /// Returns `true` if there are a description and a PIN's record that can be read.
    pub fn can_be_opened(&self) -> bool {
        let pins = [Who::So, Who::User];
        self.outline.label().is_some() && pins.into_iter().any(|who| self.outline.has_pin(who))
    }

    /// Number of changes that the store has lost, as far as it can tell.
    pub fn missing(&self) -> u64 {
        self.store.missing().unwrap_or_default()
    }

    /// Verifies all records with a PIN.
    pub fn inspect(&self, options: &Options) -> Result<Inspection, Fault> {
        let (who, pin) = self.pin(options)?;
        let vault = Vault::of(self.store.clone(), self.id);
        let inspected = vault.inspect(who, pin.as_bytes());
        inspected.map_err(|error| self.closed(who, &error))
    }

    /// The PIN to verify with: the one that is given. If both are, or none, that of the user.
    fn pin(&self, options: &Options) -> Result<(Who, Pin), Fault> {
        let is_set = |name| variable(name).is_some();
        let of_so = match (&options.pin_file, &options.so_pin_file) {
            (Some(_), _) => false,
            (None, Some(_)) => true,
            (None, None) => !is_set("KEYFERRY_PIN") && is_set("KEYFERRY_SO_PIN"),
        };
        let readable = |who| self.outline.has_pin(who);
        let name = self.label().unwrap_or_default();
        if (of_so && readable(Who::So)) || !readable(Who::User) {
            Ok((Who::So, pin::so(options, &name)?))
        } else {
            Ok((Who::User, pin::user(options, &name)?))
        }
    }

    fn closed(&self, who: Who, error: &Error) -> Fault {
        let (whose, other) = match who {
            Who::So => ("SO PIN", "the user PIN with --pin-file"),
            Who::User => ("user PIN", "the SO PIN with --so-pin-file"),
        };
        let name = self.name();
        match error {
            Error::PinIncorrect => fault!(
                "the {whose} does not open the {name}: it is wrong, or its record or the description is damaged; \
                 give the right one, or {other}"
            ),
            Error::PinLocked => fault!(
                "the {whose} of the {name} is locked after too many wrong ones; give {other}"
            ),
            error => fault!("the {name} cannot be checked: {error}; {LOG}"),
        }
    }
}

/// Every token of the store.
pub fn all(store: &Arc<dyn Store>) -> Result<Vec<Stored>, Fault> {
    let tokens = store
        .tokens()
        .map_err(|e| fault!("the tokens of the store cannot be listed: {e}; {LOG}"))?;
    let numbered = tokens.into_iter().enumerate();
    numbered.map(|(number, id)| Stored::read(store.clone(), number, id)).collect()
}

/// The embedded module's store.
pub fn open(options: &Options) -> Result<Arc<dyn Store>, Fault> {
    if let Some(module) = &options.module {
        return Err(fault!(
            "only tokens of the embedded module are backed up and checked; use what the maker of {} gives for its own",
            module.display()
        ));
    }
    let location = options.config()?.store;
    store::open(&location).map_err(|e| fault!("the store {location} cannot be opened: {e}; {LOG}"))
}
