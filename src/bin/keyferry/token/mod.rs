//! `keyferry token`: make, list, back up, check and save tokens.
mod backup;
mod check;
mod damage;
mod restore;
mod salvage;
mod stored;

use crate::options::{self, Options};
use crate::output::{Answer, During, Fault, Report, clean, fault, table};
use crate::pin;
use clap::{Args, Subcommand};
use keyferry::ck::{CK_SLOT_ID, CK_ULONG};
use keyferry::client::{Access, Module, Slots, TokenSlot, User};
use serde_json::{Value, json};
use stored::Stored;

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token: label it, and set its SO PIN and its user PIN
    #[command(after_help = "Example:\n  keyferry token init --label offline")]
    Init(Init),
    /// List the tokens of the module
    #[command(
        after_help = "Example:\n  keyferry token list --module /usr/lib/softhsm/libsofthsm2.so"
    )]
    List,
    /// Check a token and write it into one file, sealed as it is; it may be in use meanwhile
    Backup(backup::Take),
    /// Make a token of a backup, in the next free slot
    Restore(restore::Restore),
    /// Verify every record of a token with a PIN
    Check(check::Check),
    /// Write what still verifies of a damaged token into a new store
    Salvage(salvage::Salvage),
}

#[derive(Debug, Args)]
pub struct Init {
    /// The new token's label, at most 32 bytes
    #[arg(long)]
    label: String,
    /// Make it anew even if there is a token in the slot already: every key in it is destroyed
    #[arg(long, requires = "slot")]
    force: bool,
}

impl Token {
    /// Runs the command.
    pub fn run(&self, options: &Options) -> Answer {
        match self {
            Token::Init(init) => init.run(options),
            Token::List => list(options),
            Token::Backup(take) => take.run(options),
            Token::Restore(restore) => restore.run(options),
            Token::Check(check) => check.run(options),
            Token::Salvage(salvage) => salvage.run(options),
        }
    }
}

impl Init {
    fn run(&self, options: &Options) -> Answer {
        if self.label.is_empty() || self.label.len() > 32 {
            return Err(fault!(
                "a token's label has 1 to 32 bytes, and \"{}\" has {}; choose another --label",
                self.label,
                self.label.len()
            ));
        }
        options.refuse_passing_store("the new token")?;
        let module = options.open_module()?;
        let seen = self.free_slot(&module, options)?;
        let so_pin = pin::new_so(options, &self.label)?;
        let user_pin = pin::new_user(options, &self.label)?;
        let _alone = options.lock_store();
        // what was free may be another process's token by now
        let slot = self.free_slot(&module, options)?;
        self.check_same(&seen, &slot)?;
        check_len(&slot, "SO PIN", &so_pin)?;
        check_len(&slot, "user PIN", &user_pin)?;
        let token = make(&module, slot.slot, &self.label, &so_pin, &user_pin)?;
        let text =
            format!("The token \"{}\" is ready in slot {}.\n", clean(&token.label), token.slot);
        Ok(Report::new(text, describe(&token)))
    }

    /// Refuses a token that another process made in the slot of --slot since it was looked at: --force was not
    /// meant for it.
    fn check_same(&self, seen: &TokenSlot, now: &TokenSlot) -> Result<(), Fault> {
        if self.force && now.is_initialized() && now.serial != seen.serial {
            return Err(fault!(
                "another process made the token \"{}\" in slot {} meanwhile; give --force again if it may be destroyed",
                now.label,
                now.slot
            ));
        }
        Ok(())
    }

    fn free_slot(&self, module: &Module, options: &Options) -> Result<TokenSlot, Fault> {
        let slots = module.slots()?;
        if let Some(number) = options.slot {
            let found = options::numbered(slots, number)?;
            if found.is_initialized() && !self.force {
                return Err(fault!(
                    "slot {number} holds the token \"{}\" already; --force makes it anew and destroys its keys",
                    found.label
                ));
            }
            return Ok(found);
        }
        let slots = slots.tokens;
        if let Some(same) =
            slots.iter().find(|token| token.is_initialized() && token.label == self.label)
        {
            return Err(fault!(
                "slot {} holds a token \"{}\" already; choose another label, or destroy that token \
                 and its keys with --slot {} --force",
                same.slot,
                self.label,
                same.slot
            ));
        }
        let free = slots.into_iter().find(|token| !token.is_initialized());
        free.ok_or_else(|| {
            fault!("every slot holds a token already; choose one that may be destroyed with --slot and --force")
        })
    }
}

/// Refuses a PIN that the token would refuse, before anything in the slot is destroyed.
fn check_len(slot: &TokenSlot, what: &str, pin: &str) -> Result<(), Fault> {
    let (min, max) = (*slot.pin_len.start(), *slot.pin_len.end());
    let len = CK_ULONG::try_from(pin.len()).unwrap_or(CK_ULONG::MAX);
    if len < min || (max > 0 && len > max) {
        return Err(fault!(
            "the {what} has {len} bytes, and the token takes {min} to {max}; nothing was done: choose another PIN"
        ));
    }
    Ok(())
}

/// Initialises the token in `slot` and sets its user PIN.
pub fn make(
    module: &Module,
    slot: CK_SLOT_ID,
    label: &str,
    so_pin: &str,
    user_pin: &str,
) -> Result<TokenSlot, Fault> {
    module
        .init_token(slot, so_pin, label)
        .during(&format!("the token \"{label}\" was not initialised"))?;
    // some modules move a token to another slot when it is initialised
    let is_it = |token: &TokenSlot| token.is_initialized() && token.label == label;
    let slots = module.slots()?.tokens;
    let here = slots.iter().find(|token| token.slot == slot && is_it(token));
    let found = here.or_else(|| slots.iter().find(|token| is_it(token) && !token.has_user_pin()));
    let slot = found
        .ok_or_else(|| {
            fault!(
                "the module initialised the token \"{label}\" but does not show it; \
             `keyferry token list` may, in another slot"
            )
        })?
        .slot;
    let session = module.open(slot, Access::ReadWrite)?;
    session.login(User::So, so_pin).during("login of the SO to the new token failed")?;
    session
        .init_pin(user_pin)
        .during("the new token has no user PIN yet, because it was not taken")?;
    session.logout()?;
    let ready = module.slots()?.tokens.into_iter().find(|token| token.slot == slot);
    ready.ok_or_else(|| {
        fault!("the token \"{label}\" is gone; `keyferry token list` shows those there are")
    })
}

fn list(options: &Options) -> Answer {
    let Slots { tokens, unreadable } = options.open_module()?.slots()?;
    let damaged = damaged(options);
    let is_damaged = |slot: CK_SLOT_ID| damaged.iter().find(|stored| stored.slot() == slot);
    let mut rows: Vec<Vec<String>> = tokens.iter().map(cells).collect();
    let mut objects: Vec<Value> = tokens.iter().map(describe).collect();
    let mut reasons = String::new();
    for ((token, row), object) in tokens.iter().zip(&mut rows).zip(&mut objects) {
        let Some(stored) = is_damaged(token.slot) else { continue };
        let Fault(reason) = check::damaged(stored, &stored.outline.damages);
        if let Some(state) = row.get_mut(STATE) {
            DAMAGED.clone_into(state);
        }
        if let Some(members) = object.as_object_mut() {
            members.insert("error".to_owned(), reason.clone().into());
        }
        reasons += &format!("\n{}\n", clean(&reason));
    }
    for (slot, error) in &unreadable {
        // one bad token does not hide the others
        let (label, state, Fault(reason)) = match is_damaged(*slot) {
            Some(stored) => {
                let label = stored.label().unwrap_or_else(|| "?".to_owned());
                (label, DAMAGED, check::damaged(stored, &stored.outline.damages))
            }
            None => ("?".to_owned(), "cannot be read", options::unreadable(*slot, error)),
        };
        rows.push(vec![slot.to_string(), label, state.to_owned()]);
        objects.push(json!({ "slot": slot, "error": reason }));
        reasons += &format!("\n{}\n", clean(&reason));
    }
    let text = table(&["SLOT", "LABEL", "STATE", "MANUFACTURER", "MODEL", "SERIAL"], &rows);
    Ok(Report::new(text + &reasons, Value::Array(objects)))
}

/// The column of the state.
const STATE: usize = 2;
const DAMAGED: &str = "damaged";

/// Tokens of the embedded module whose damage can be seen without a PIN.
fn damaged(options: &Options) -> Vec<Stored> {
    if options.module.is_some() {
        return Vec::new();
    }
    let all = stored::open(options).and_then(|store| stored::all(&store)).unwrap_or_default();
    all.into_iter().filter(|stored| !stored.outline.damages.is_empty()).collect()
}

fn state(token: &TokenSlot) -> &'static str {
    match (token.is_initialized(), token.has_user_pin()) {
        (false, _) => "empty",
        (true, false) => "no user PIN",
        (true, true) => "ready",
    }
}

fn cells(token: &TokenSlot) -> Vec<String> {
    vec![
        token.slot.to_string(),
        token.label.clone(),
        state(token).to_owned(),
        token.manufacturer.clone(),
        token.model.clone(),
        token.serial.clone(),
    ]
}

/// For programs.
pub fn describe(token: &TokenSlot) -> Value {
    json!({
        "slot": token.slot,
        "label": token.label,
        "initialized": token.is_initialized(),
        "user_pin_set": token.has_user_pin(),
        "manufacturer": token.manufacturer,
        "model": token.model,
        "serial": token.serial,
        "firmware": token.firmware,
    })
}
