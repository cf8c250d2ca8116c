//! The retry counter against every schedule: guesses stay bounded, and the right PIN gets in.
use super::layout::SlotRecord;
use super::seal::Place;
use super::tries::{Admission, Counter, Tag};
use super::*;
use crate::crypto::pin::Cost;
use crate::store::suite::Meddled;
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};

/// A small generator (xorshift64), so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

const RIGHT: u64 = 0;

fn tag(pin: u64) -> Tag {
    u128::from(pin).to_be_bytes()
}

/// A process in the middle of an attempt.
#[derive(Clone, Debug)]
enum Step {
    /// Has read this record, in this period between two right PINs.
    Read(usize, u64, Counter),
    /// Has it recorded, in this period, and opens the seal next.
    Recorded(usize),
    /// Knows the answer, and settles next.
    Knows,
}

#[derive(Debug)]
struct Attempt {
    pin: u64,
    step: Option<Step>,
}

/// One slot, with the processes at it.
struct World {
    dice: Dice,
    revision: u64,
    counter: Counter,
    processes: Vec<Attempt>,
    /// Wrong PINs that were guessed: those that took their place in each period.
    guessed: Vec<BTreeSet<u64>>,
    /// Attempts with wrong PINs that were recorded or decided since.
    wrong: u32,
    let_in: u64,
    refused: u64,
}

impl World {
    /// A write that fails, one that is made but seems to fail, or one that succeeds.
    fn write(&mut self, from: u64, counter: Counter) -> Option<bool> {
        let fate = self.dice.roll(10);
        if fate == 0 {
            return None;
        }
        if from != self.revision {
            return Some(false);
        }
        (self.revision, self.counter) = (self.revision + 1, counter);
        (fate > 1).then_some(true)
    }

    fn settle(&mut self, pin: u64) {
        let settled = match pin {
            RIGHT => Counter::default(),
            wrong => self.counter.refuted(&tag(wrong)),
        };
        let before = self.revision;
        let adds = !self.counter.undecided.contains(&tag(pin));
        self.write(self.revision, settled);
        self.wrong += u32::from(pin != RIGHT && adds && self.revision != before);
        if pin == RIGHT && self.revision != before {
            self.guessed.push(BTreeSet::new());
            self.wrong = 0;
        }
    }

    /// Presents a PIN to the counter that the process has read.
    fn present(&mut self, pin: u64, period: usize, from: u64, read: &Counter) -> Option<Step> {
        let (admission, counter) = read.admit(&tag(pin), &Counter::default());
        let (before, grows) = (self.revision, counter != *read);
        let written = self.write(from, counter);
        // a wrong PIN that took a place, or the last chance of a full counter
        self.wrong += u32::from(pin != RIGHT && grows && self.revision != before);
        if written != Some(true) {
            return None;
        }
        if admission == Admission::Allowed {
            return Some(Step::Recorded(period));
        }
        self.refused += 1;
        assert!(self.wrong >= Tries::LIMIT, "refused after {} wrong PINs", self.wrong);
        // the refusal tells that the PIN is none of those recorded: a guess, if the right one is
        if pin != RIGHT && read.undecided.contains(&tag(RIGHT)) {
            self.guessed[period].insert(pin);
        }
        None
    }

    /// Takes one process one step on.
    fn advance(&mut self, at: usize) {
        let Attempt { pin, step } = &self.processes[at];
        let (pin, step) = (*pin, step.clone());
        let next = match step {
            None => {
                let period = self.guessed.len() - 1;
                Some(Step::Read(period, self.revision, self.counter.clone()))
            }
            Some(Step::Read(period, from, counter)) => self.present(pin, period, from, &counter),
            Some(Step::Recorded(period)) => {
                match pin {
                    RIGHT => self.let_in += 1,
                    wrong => drop(self.guessed[period].insert(wrong)),
                }
                Some(Step::Knows)
            }
            Some(Step::Knows) => {
                self.settle(pin);
                None
            }
        };
        self.processes[at].step = next.clone();
        if next.is_none() {
            self.processes[at].pin = self.dice.roll(40) * self.dice.roll(2);
        }
    }

    fn check(&self) {
        let most = self.guessed.iter().map(BTreeSet::len).max();
        assert!(most <= Some(10), "{most:?} guesses");
    }
}

#[test]
fn no_schedule_of_kills_and_failing_writes_gives_more_guesses() {
    let (mut let_in, mut refused) = (0, 0);
    for seed in 1..2_000 {
        let attempt = |_| Attempt { pin: RIGHT, step: None };
        let mut world = World {
            dice: Dice(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed)),
            revision: 1,
            counter: Counter::default(),
            processes: (0..5).map(attempt).collect(),
            guessed: vec![BTreeSet::new()],
            wrong: 0,
            let_in: 0,
            refused: 0,
        };
        for _ in 0..400 {
            let at = usize::try_from(world.dice.roll(5)).unwrap();
            match world.dice.roll(6) {
                // killed where it stands
                0 => world.processes[at] = Attempt { pin: world.dice.roll(40), step: None },
                _ => world.advance(at),
            }
            world.check();
        }
        let_in += world.let_in;
        refused += world.refused;
    }
    assert!(let_in > 1_000 && refused > 1_000, "{let_in} let in, {refused} refused");
}

/// The fate of a write: whether it is made, and whether it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Made,
    Failed,
    MadeAndFailed,
}

type Fates = Arc<Mutex<VecDeque<Fate>>>;

/// A token with a user PIN that is cheap to try, whose next writes meet these fates.
fn cheap_token() -> (Vault, Fates) {
    let store = memory();
    let (vault, unlocked) = token(store.clone());
    let (cost, token) = (Cost { memory: 8, passes: 1, lanes: 1 }, vault.token());
    let place: Place = unlocked.place;
    let slot = SlotRecord::with_cost(&place, Who::User, (9, cost), USER, &unlocked.token_key);
    let id = Who::User.slot();
    let from = store.fetch(token, &[id]).unwrap().remove(0).unwrap().revision;
    let change = Change { id, from, body: Some(slot.unwrap().body()) };
    store.write(token, &[change]).unwrap().unwrap();
    let fates = Fates::default();
    let next = fates.clone();
    let write = move |store: &dyn Store, token, changes: &[Change]| {
        let fate = next.lock().pop_front().unwrap_or(Fate::Made);
        let written = (fate != Fate::Failed).then(|| store.write(token, changes));
        if fate == Fate::Made { written.unwrap() } else { Err(Error::DeviceMemory) }
    };
    (Vault::of(Arc::new(Meddled { store, write }), token), fates)
}

#[test]
fn right_pins_whose_writes_fail_never_lock() {
    for fates in [
        [Fate::Made, Fate::Failed],
        [Fate::Made, Fate::MadeAndFailed],
        [Fate::Failed, Fate::Made],
        [Fate::MadeAndFailed, Fate::Failed],
    ] {
        let (vault, next) = cheap_token();
        for _ in 0..30 {
            *next.lock() = fates.into();
            let _ = vault.check_pin(Who::User, USER);
        }
        next.lock().clear();
        assert!(vault.description().unwrap().tries.user <= 1, "{fates:?}");
        vault.check_pin(Who::User, USER).unwrap();
        assert_eq!(vault.description().unwrap().tries.user, 0);
    }
}

#[test]
fn right_pin_that_is_recorded_opens_a_full_counter() {
    let (vault, next) = cheap_token();
    *next.lock() = [Fate::MadeAndFailed].into();
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::DeviceMemory));
    for n in 0..9u8 {
        assert_eq!(vault.check_pin(Who::User, &[n; 4]), Err(Error::PinIncorrect));
    }
    assert_eq!(vault.description().unwrap().tries.user, 9, "a right PIN is still accepted");
    vault.check_pin(Who::User, USER).unwrap();
    assert_eq!(vault.description().unwrap().tries.user, 0);
}

#[test]
fn refusal_at_a_full_counter_is_the_last_guess() {
    let (vault, next) = cheap_token();
    *next.lock() = [Fate::MadeAndFailed].into();
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::DeviceMemory));
    for n in 0..9u8 {
        assert_eq!(vault.check_pin(Who::User, &[n; 4]), Err(Error::PinIncorrect));
    }
    // without a write there is no answer, not even that the PIN is recorded
    *next.lock() = [Fate::Failed, Fate::Failed].into();
    assert_eq!(vault.check_pin(Who::User, b"more"), Err(Error::DeviceMemory));
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::DeviceMemory));
    // it tells that this is not the recorded PIN; the next one would tell more
    assert_eq!(vault.check_pin(Who::User, b"more"), Err(Error::PinLocked));
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::PinLocked));
    assert_eq!(vault.description().unwrap().tries.user, 10);
}

#[test]
fn refusal_on_a_medium_that_can_only_be_read_is_the_last_guess() {
    let (vault, next) = cheap_token();
    *next.lock() = [Fate::MadeAndFailed].into();
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::DeviceMemory));
    let write = |_: &dyn Store, _, _: &[Change]| Err(Error::TokenWriteProtected);
    let readable = Arc::new(Meddled { store: vault.store.clone(), write });
    let vault = Vault::of(readable, vault.token());
    for n in 0..9u8 {
        assert_eq!(vault.check_pin(Who::User, &[n; 4]), Err(Error::PinIncorrect));
    }
    assert_eq!(vault.check_pin(Who::User, b"more"), Err(Error::PinLocked));
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::PinLocked));
}

#[test]
fn wrong_pins_whose_writes_fail_are_paid_for() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    for _ in 0..6 {
        let (vault, next) = cheap_token();
        let mut answers = 0;
        for n in 0..40u8 {
            let fate = |_| match dice.roll(3) {
                0 => Fate::Failed,
                1 => Fate::MadeAndFailed,
                _ => Fate::Made,
            };
            *next.lock() = (0..2).map(fate).collect();
            match vault.check_pin(Who::User, &[n; 4]) {
                Err(Error::PinIncorrect) => answers += 1,
                Err(Error::DeviceMemory) => {}
                other => {
                    assert_eq!(other, Err(Error::PinLocked));
                    break;
                }
            }
        }
        assert!((1..=10).contains(&answers), "{answers} answers");
    }
}

#[test]
fn store_that_can_only_be_read_gives_ten_guesses_to_a_process() {
    let store = memory();
    let (vault, _) = token(store.clone());
    let write = |_: &dyn Store, _, _: &[Change]| Err(Error::TokenWriteProtected);
    let store = Arc::new(Meddled { store, write });
    for n in 0..9u8 {
        // what one handle has counted, the next knows
        let vault = Vault::of(store.clone(), vault.token());
        assert_eq!(vault.check_pin(Who::User, &[n; 4]), Err(Error::PinIncorrect));
    }
    let vault = Vault::of(store, vault.token());
    vault.check_pin(Who::User, USER).unwrap();
    for n in 0..10u8 {
        assert_eq!(vault.check_pin(Who::User, &[n; 4]), Err(Error::PinIncorrect));
    }
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::PinLocked));
    vault.unlock(Who::So, SO).unwrap();
}

#[test]
fn slots_of_earlier_versions_have_no_undecided_attempts() {
    let (vault, _) = token(memory());
    let id = Who::User.slot();
    let body = vault.store.fetch(vault.token(), &[id]).unwrap().remove(0).unwrap().body.unwrap();
    // head, counter, sealed token key: as the first version wrote it
    assert_eq!(body.len(), 39 + 4 + 60);
    let mut slot = SlotRecord::parse(&body).unwrap();
    assert_eq!(slot.counter, Counter::default());
    slot.counter = Counter { wrong: 3, undecided: vec![tag(1), tag(2)] };
    assert_eq!(SlotRecord::parse(&slot.body()).as_ref(), Some(&slot));
    assert_eq!(SlotRecord::parse(&[slot.body(), vec![0]].concat()), None);
    slot.counter.undecided = (0..11).map(tag).collect();
    assert_eq!(SlotRecord::parse(&slot.body()), None);
}
